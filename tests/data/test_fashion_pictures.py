"""How files of another shape hold the 256x176 picture is declared or proved; the check and training agree on it."""

import numpy as np
import pytest
import torch
from PIL import Image

from reposer.cli import data as data_command
from reposer.core import BadInput, Framing
from reposer.core.images import to_uint8
from reposer.data import open_dataset
from reposer.data.check import check_dataset
from reposer.data.deepfashion import DeepFashion
from reposer.data.lists import write_annotation, write_pairs
from reposer.data.market1501 import Market1501
from reposer.data.pictures import write_picture
from reposer.data.poses import write_pose_json
from reposer.data.white_sides import white_sides
from reposer.recipes import DataConfig
from reposer.synthetic.people import write_people

from .folders import some_picture, some_pose, write_fashion

MINI = Framing((64, 48), fit="pad")


def grey_wall(seed=0):
    """A person (noise) before a light grey wall."""
    picture = torch.full((256, 176, 3), 225, dtype=torch.uint8)
    picture[30:240, 50:120] = some_picture((210, 70), seed)
    return picture


def with_sides(picture):
    padded = torch.full((256, 256, 3), 255, dtype=torch.uint8)
    padded[:, 40:216] = picture
    return padded


def squashed(picture):
    return torch.from_numpy(np.array(Image.fromarray(picture.numpy()).resize((256, 256))))


def rewrite(root, change, suffix=".png"):
    """Every picture of the data set, changed; the lists stay as they are."""
    for k, path in enumerate(sorted(root.glob("*/*.png"))):
        write_picture(path.with_suffix(suffix), change(grey_wall(k)))
    return root


@pytest.fixture
def root(tmp_path):
    return rewrite(write_fashion(tmp_path, {"train": ("ann", "bob"), "test": ("eve",)}), lambda p: p)


def errors(root, **declared):
    return {f.kind for f in check_dataset(root, progress=False, **declared) if f.severity == "error"}


def test_white_sides_are_proved_where_the_picture_ends_in_a_line_on_both_sides():
    assert white_sides(with_sides(grey_wall())) == "white-with-edge"
    assert white_sides(squashed(grey_wall())) == "not-white"
    studio = grey_wall().clone()
    studio[studio == 225] = 255
    assert white_sides(with_sides(studio)) == "white"  # a white wall: padded or not, nobody can tell
    assert white_sides(squashed(studio)) == "white"


def test_white_sides_are_proved_in_a_jpeg_too(tmp_path):
    path = tmp_path / "a.jpg"
    Image.fromarray(with_sides(grey_wall()).numpy()).save(path, quality=75)
    assert white_sides(torch.from_numpy(np.array(Image.open(path)))) == "white-with-edge"


def test_white_sided_squares_with_a_resized_list_lose_their_sides_and_joints_stay_in_place(root):
    plain = DeepFashion(root, "train")
    kept = [plain.framed(name) for name in ("ann_0.png", "bob_1.png")]
    rewrite(root, with_sides)
    data = DeepFashion(root, "train")
    assert (data.frame, data.form) == ("crop176", "padded")
    assert errors(root) == set()
    for name, (picture, pose) in zip(("ann_0.png", "bob_1.png"), kept, strict=True):
        assert torch.equal(data.framed(name)[0], picture)
        assert torch.equal(data.framed(name)[1].xy, pose.xy)


@pytest.mark.slow
def test_squares_that_prove_nothing_are_refused_by_training_and_by_the_check_alike(root):
    def white_studio(picture):
        return squashed(torch.where(picture == 225, 255, picture).to(torch.uint8))

    for change in (squashed, white_studio):
        rewrite(root, change)
        with pytest.raises(BadInput, match=r"256x256 pixels.*padded, if .*squashed, if .*--pictures"):
            open_dataset(root, "train", MINI)
        assert errors(root) == {"unknown geometry"}


def test_declared_squashed_squares_are_scaled_back_and_declared_padded_ones_are_cut(root):
    truth = grey_wall(2)  # the third picture in the order of paths
    rewrite(root, squashed)
    data = open_dataset(root, "train", None, pictures="squashed")
    assert (to_uint8(data.framed("ann_0.png")[0]).int() - truth.int()).abs().double().mean() < 12
    assert errors(root, pictures="squashed") == set()
    data = open_dataset(root, "train", None, pictures="padded")
    assert data.picture("ann_0.png").shape == (256, 176, 3)


def test_a_square_among_other_pictures_needs_proof_of_its_own(root):
    write_picture(root / "train" / "bob_1.png", with_sides(grey_wall(3)))
    assert open_dataset(root, "test", None).form == "plain"
    write_picture(root / "test" / "eve_1.png", squashed(grey_wall(5)))
    assert "unknown geometry" in errors(root)
    with pytest.raises(BadInput, match=r"eve_1\.png is 256x256"):
        open_dataset(root, "test", None).picture("eve_1.png")


def test_a_picture_of_a_quite_other_shape_is_refused_unless_it_is_declared(root):
    rewrite(root, lambda picture: picture[:, 20:120])
    with pytest.raises(BadInput, match="256x100 pixels"):
        open_dataset(root, "train", None)
    assert open_dataset(root, "train", None, pictures="squashed")[0].source.shape == (3, 256, 176)


def test_frame_and_pictures_are_refused_where_the_files_say_it_themselves(tmp_path):
    poses = {f"0001_{k}.jpg": some_pose((128, 64), seed=k) for k in range(2)}
    for name in poses:
        write_picture(tmp_path / "train" / name, some_picture((128, 64)))
    write_annotation(tmp_path / "market-annotation-train.csv", poses, frame=(128, 64))
    write_pairs(tmp_path / "market-pairs-train.csv", [tuple(poses)])
    with pytest.raises(BadInput, match="kind market1501, whose files say themselves what frame would declare"):
        open_dataset(tmp_path, "train", None, frame="crop176")
    with pytest.raises(BadInput, match="market1501"):
        check_dataset(tmp_path, progress=False, pictures="padded")


def test_a_market_picture_of_another_shape_is_refused_and_an_error(tmp_path):
    poses = {f"0001_{k}.png": some_pose((128, 64), seed=k) for k in range(2)}
    for name in poses:
        write_picture(tmp_path / "train" / name, some_picture((128, 128)))
    write_annotation(tmp_path / "market-annotation-train.csv", poses, frame=(128, 64))
    write_pairs(tmp_path / "market-pairs-train.csv", [tuple(poses)])
    with pytest.raises(BadInput, match="128x128 pixels"):
        Market1501(tmp_path, "train")[0]
    assert errors(tmp_path) == {"odd shape"}


def test_a_market_list_of_other_pictures_is_refused_by_training_and_by_the_check_alike(tmp_path):
    poses = {f"0001_{k}.png": some_pose((256, 176), seed=k) for k in range(2)}
    for name in poses:
        write_picture(tmp_path / "train" / name, some_picture((128, 64)))
    write_annotation(tmp_path / "market-annotation-train.csv", poses, frame=(256, 176))
    write_pairs(tmp_path / "market-pairs-train.csv", [tuple(poses)])
    with pytest.raises(BadInput, match="outside of the 128x64"):
        Market1501(tmp_path, "train")
    assert "wrong frame" in errors(tmp_path)


def test_lists_in_which_nobody_has_a_joint_do_not_train_and_are_an_error(root):
    for split in ("train", "test"):
        path = root / f"fasion-resize-annotation-{split}.csv"
        lines = path.read_text().splitlines()
        blind = [f"{line.split(':')[0]}: {[-1] * 18}: {[-1] * 18}" for line in lines[1:]]
        path.write_text("\n".join([lines[0], *blind]) + "\n")
    with pytest.raises(BadInput, match="no joint in any of its 4 rows"):
        open_dataset(root, "train", MINI)
    assert "list of joints" in errors(root)


def test_a_list_whose_paired_pictures_have_no_joint_does_not_train_and_is_an_error(root):
    poses = {f"{who}_{k}.png": some_pose(missing=range(18)) for who in ("ann", "bob") for k in range(2)}
    write_annotation(root / "fasion-resize-annotation-train.csv", poses | {"zoe_0.png": some_pose()}, frame="crop176")
    with pytest.raises(BadInput, match=r"No picture of .*fasion-resize-pairs-train\.csv has a joint"):
        open_dataset(root, "train", MINI)
    assert "no joints" in errors(root)


def test_the_command_line_and_a_recipes_data_take_what_is_declared(root):
    rewrite(root, squashed)
    assert data_command.run(["check", str(root)]) == 1
    assert data_command.run(["check", str(root), "--pictures", "squashed", "--frame", "crop176"]) == 0
    config = DataConfig(root=str(root), frame="crop176", pictures="squashed")
    opened = config.open(MINI)
    assert isinstance(opened, DeepFashion) and (opened.frame, opened.form) == ("crop176", "squashed")
    with pytest.raises(BadInput, match="give the data set's folder"):
        DataConfig(frame="crop176").open(MINI)


def test_photos_in_which_nobody_has_a_joint_do_not_train_and_are_an_error(tmp_path):
    for k in range(2):
        write_picture(tmp_path / "train" / f"ann_{k}.png", some_picture((40, 30), k))
        write_pose_json(tmp_path / "train" / f"ann_{k}.json", some_pose((40, 30), missing=range(18)))
    with pytest.raises(BadInput, match=r"No photo of .* has a joint"):
        open_dataset(tmp_path, "train", MINI)
    assert errors(tmp_path) == {"no joints"}


def test_synthetic_people_of_another_shape_are_not_written_in_patns_form(tmp_path):
    with pytest.raises(BadInput, match=r"128x128 .* has another shape"):
        write_people(tmp_path / "people", size=(128, 128), num_train=1, num_test=1, views=2, progress=False)
