"""`reposer transfer`: what it writes beside the picture, and how the picture is composed."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from reposer.cli import main
from reposer.data.pictures import read_picture, write_picture
from reposer.data.poses import write_pose_json
from reposer.generators import GENERATORS, save
from tests.test_pipeline import smooth_photo, standing

SIZE = (96, 72)


@pytest.fixture
def world(tmp_path):
    torch.manual_seed(0)
    write_picture(tmp_path / "photo.png", smooth_photo(SIZE))
    pose = standing(60.0, (35.0, 50.0), SIZE)
    write_pose_json(tmp_path / "photo.json", pose)
    write_pose_json(tmp_path / "wanted.json", standing(50.0, (30.0, 45.0), SIZE, True))
    write_pose_json(tmp_path / "leaving.json", replace(pose, xy=pose.xy - torch.tensor([0.0, 30.0])))
    for family in ("gfla", "trueflow"):
        save(GENERATORS[family]().tiny().build().eval(), tmp_path / f"{family}.safetensors")
    return tmp_path


@pytest.fixture
def transfer(world, capsys):
    """Runs the command; returns the exit code and what it said."""

    def run(*more, model="trueflow", pose="wanted.json", out="out.png"):
        files = {"--source-pose": "photo.json", "--pose": pose, "--model": f"{model}.safetensors", "--out": out}
        options = [word for option, name in files.items() for word in (option, str(world / name))]
        code = main(["transfer", str(world / "photo.png"), *options, *map(str, more)])
        said = capsys.readouterr().err
        assert "Traceback" not in said and (world / out).exists() == (code == 0)
        return code, said

    return run


@pytest.mark.parametrize("model", ["trueflow", "gfla"])
def test_provenance_is_a_picture_and_numbers_and_its_share_is_said(world, transfer, model):
    code, said = transfer("--provenance", model=model)
    assert code == 0 and "of the picture is invented" in said
    assert read_picture(world / "out-provenance.png").shape == (*SIZE, 3)
    with np.load(world / "out-provenance.npz") as arrays:
        assert arrays["kind"].shape == SIZE and arrays["place"].shape == (*SIZE, 2)
        kept = arrays["kind"] == 0
        photo, result = (read_picture(world / name).numpy() for name in ("photo.png", "out.png"))
        assert np.abs(photo[kept].astype(int) - result[kept]).mean() < 40 and kept.any()


@pytest.mark.slow
@pytest.mark.parametrize("out", ["out.png", "out.jpg"])
def test_the_note_is_on_by_default_and_can_be_left_out(world, transfer, out):
    assert transfer(out=out)[0] == 0
    assert b"compositeWithTrainedAlgorithmicMedia" in (world / out).read_bytes()
    (world / out).unlink()
    assert transfer("--no-note", "--mark", out=out)[0] == 0
    assert b"TrainedAlgorithmicMedia" not in (world / out).read_bytes()


def test_a_pose_that_leaves_the_photo_is_told_and_both_ways_out_work(world, transfer):
    code, said = transfer(pose="leaving.json")
    assert code == 0 and "is cut there" in said and "--canvas grow" in said
    for canvas in ("grow", "inside"):
        code, said = transfer("--canvas", canvas, "--provenance", pose="leaving.json")
        assert code == 0 and "cut" not in said
        height, width = read_picture(world / "out.png").shape[:2]
        assert (height > SIZE[0]) == (canvas == "grow") and width >= SIZE[1]
        with np.load(world / "out-provenance.npz") as arrays:
            places = arrays["place"][(arrays["kind"] <= 1) & (arrays["photo"] == 0)]
            assert len(places) and places.min() >= 0 and (places <= [SIZE[1] - 1, SIZE[0] - 1]).all()


@pytest.mark.slow
@pytest.mark.parametrize("model", ["trueflow", "gfla"])
def test_the_person_alone_is_transparent_or_white_around(world, transfer, model):
    assert transfer("--background", "transparent", model=model)[0] == 0
    with Image.open(world / "out.png") as image:
        assert image.mode == "RGBA" and image.size == SIZE[::-1]
        assert np.array(image)[..., 3].min() == 0
    assert transfer("--background", "white", model=model)[0] == 0
    assert (read_picture(world / "out.png")[0, 0] == 255).all()
    assert transfer("--background", "fill", model=model)[0] == 0


@pytest.mark.slow
def test_transparency_needs_a_png_and_further_photos_a_model_that_takes_them(world, transfer):
    code, said = transfer("--background", "transparent", out="out.jpg")
    assert code == 2 and ".png" in said
    further = ("--more-photos", world / "photo.png", "--more-poses", world / "photo.json")
    code, said = transfer(*further, model="gfla")
    assert code == 2 and "takes one photo" in said
    code, said = transfer("--more-photos", world / "photo.png", "--more-poses", *[world / "photo.json"] * 2)
    assert code == 2 and "names 2 files for 1 photos" in said
    assert transfer(*further)[0] == 0


@pytest.mark.parametrize("turn", [3, 6, 8])
def test_the_result_of_a_turned_photo_is_upright(world, transfer, turn):
    """The photo is stored turned, with an orientation in its EXIF data: poses, size and result are upright."""
    assert transfer()[0] == 0
    upright, result = read_picture(world / "photo.png"), read_picture(world / "out.png")
    quarter = {3: 2, 6: 1, 8: 3}[turn]
    stored = Image.fromarray(np.rot90(upright.numpy(), quarter))
    exif = Image.Exif()
    exif[0x0112] = turn
    stored.save(world / "photo.png", exif=exif)
    (world / "out.png").unlink()
    assert torch.equal(read_picture(world / "photo.png"), upright)
    assert transfer()[0] == 0 and torch.equal(read_picture(world / "out.png"), result)
    with Image.open(world / "out.png") as image:
        assert image.getexif().get(0x0112, 1) == 1


def test_in_python_the_saved_result_has_the_note_and_the_values_of_the_command(world):
    import reposer

    about = {"source_pose": world / "photo.json", "model": world / "trueflow.safetensors"}
    reposed = reposer.repose(world / "photo.png", world / "leaving.json", provenance=True, **about)
    assert reposed.provenance.kind.shape == SIZE and any("is cut there" in note for note in reposed.notes)
    reposed.save(world / "noted.png")
    reposed.save(world / "plain.png", note=False)
    assert b"compositeWithTrainedAlgorithmicMedia" in (world / "noted.png").read_bytes()
    assert b"xmpmeta" not in (world / "plain.png").read_bytes()
    assert reposed.generated.inputs.keys() == {"photo", "source pose", "pose"}
    of_bytes = reposer.repose(np.array(Image.open(world / "photo.png")), world / "leaving.json", **about)
    assert "photo, its pixels" in of_bytes.generated.inputs


@pytest.mark.slow
def test_the_command_and_the_function_write_the_same_bytes(world, transfer):
    import reposer

    further = (world / "photo.png", world / "photo.json")
    assert transfer("--more-photos", further[0], "--more-poses", further[1], "--mark")[0] == 0
    made = reposer.repose(
        world / "photo.png",
        world / "wanted.json",
        source_pose=world / "photo.json",
        more=[further],
        model=world / "trueflow.safetensors",
    )
    made.save(world / "function.png", mark=True)
    assert (world / "function.png").read_bytes() == (world / "out.png").read_bytes()
    assert made.generated.inputs.keys() >= {"further photo 1", "pose of further photo 1"}
