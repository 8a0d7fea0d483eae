"""A picture that cannot be read is named, counted and left out, and never stops the others; training refuses it by
name."""

import itertools
import json

import pytest

from reposer.cli import main
from reposer.core import BadInput
from reposer.data import open_dataset
from reposer.data.dataset import refuse_unreadable, unreadable_pictures
from reposer.data.pictures import write_picture
from reposer.data.poses import write_pose_json
from reposer.evaluation import Folders, Protocol, score_folder
from tests.batches import batches
from tests.cli.test_evaluate import untrained
from tests.data.folders import some_picture, some_pose, write_fashion


def broken_inside(path):
    """The header is good, the pixels are not."""
    content = bytearray(path.read_bytes())
    start = content.index(b"IDAT") + 30
    content[start : start + 200] = bytes(200)
    path.write_bytes(content)


def no_picture(path):
    path.write_bytes(b"\x89PNG\r\n\x1a\nnothing")


@pytest.fixture
def fashion(tmp_path):
    return write_fashion(tmp_path / "data", {"train": ("a", "b"), "test": ("c", "d", "e")}, size=(64, 44))


@pytest.fixture
def photos(tmp_path):
    for k, (person, view) in enumerate(itertools.product("abc", range(2))):
        folder = tmp_path / "photos" / "train"
        write_picture(folder / f"{person}_{view}.png", some_picture((64, 44), k))
        write_pose_json(folder / f"{person}_{view}.json", some_pose((64, 44), k))
    return tmp_path / "photos"


@pytest.mark.parametrize("damage", [broken_inside, no_picture])
def test_data_check_names_every_picture_that_cannot_be_read_also_where_only_pixels_are_damaged(fashion, capsys, damage):
    damage(fashion / "test" / "d_0.png")
    damage(fashion / "train" / "a_1.png")
    assert main(["data", "check", str(fashion)]) == 1
    said = "".join(capsys.readouterr().out.split())
    assert "d_0.png" in said and "a_1.png" in said and said.count("thesecannotberead") == 2


def test_data_check_says_which_files_are_of_kinds_that_are_not_read(photos, capsys):
    (photos / "train" / "d_0.heic").write_bytes(b"\0\0\0\x18ftypheic")
    main(["data", "check", str(photos)])
    assert "d_0.heic" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["patn2019", "reposer-v1-reconstruction"])
@pytest.mark.parametrize("damage", [broken_inside, no_picture])
def test_evaluate_leaves_out_pairs_whose_pictures_cannot_be_read_and_names_and_counts_them(
    fashion, tmp_path, capsys, damage, protocol
):
    damage(fashion / "test" / "d_0.png")
    model = untrained("gfla", tmp_path / "model.safetensors")
    options = ["--data", str(fashion), "--protocol", protocol, "--out", str(tmp_path / "out")]
    assert main(["evaluate", str(model), *options]) == 1
    said = capsys.readouterr().out
    assert "left out: " in said and "d_0.png" in said and "2 pairs were left out" in said
    report = json.loads((tmp_path / "out" / f"report-{protocol}.json").read_text())
    assert report["pairs"] == 4 and "2 pairs" in json.dumps(report) and "d_0.png" in json.dumps(report)


def test_photos_that_cannot_be_read_leave_the_other_pairs_of_a_folder(photos):
    no_picture(photos / "train" / "b_1.png")
    data = open_dataset(photos, "train", None)
    assert list(data.unreadable) == ["b_1.png"] and {row.identity for row in data.rows} == {"a", "c"}


@pytest.mark.parametrize("workers", [0, 1])
def test_training_stops_with_the_name_of_a_picture_whose_pixels_are_damaged(photos, workers):
    broken_inside(photos / "train" / "b_1.png")
    data = open_dataset(photos, "train", None)
    assert list(unreadable_pictures(data, ["a_0.png", "b_1.png"])) == ["b_1.png"]
    with pytest.raises(BadInput, match=r"b_1\.png is damaged .* Step \d+ needs it, so training stops\.") as stop:
        list(batches(data, seed=0, batch_size=2, first_step=0, last_step=3, workers=workers))
    assert "Traceback" not in str(stop.value)


@pytest.mark.slow
def test_training_refuses_a_folder_with_photos_that_cannot_be_opened(photos):
    no_picture(photos / "train" / "b_1.png")
    no_picture(photos / "train" / "c_1.png")
    with pytest.raises(BadInput, match=r"b_1\.png is not a picture .* \(and 1 more\) Nothing is left out of training"):
        refuse_unreadable(open_dataset(photos, "train", None))
    code = main(["train", "gfla-mini", "--data.root", str(photos), "--out", str(photos.parent / "run")])
    assert code == 2


def test_training_decodes_every_picture_before_the_first_step(fashion):
    broken_inside(fashion / "train" / "b_1.png")
    with pytest.raises(BadInput, match=r"b_1\.png is damaged .* Nothing is left out of training silently"):
        refuse_unreadable(open_dataset(fashion, "train", None))


def test_score_names_pictures_of_the_reference_set_that_cannot_be_read_and_goes_on(tmp_path, fashion):
    no_picture(fashion / "train" / "a_0.png")
    folders = Folders(fashion / "test", fashion / "test", reference=fashion / "train")
    found = score_folder(folders, Protocol("plain", ("l1",)), tmp_path / "out", workers=0, show=False)
    assert [problem.name for problem in found.problems] == ["a_0.png"]
    assert "left out of the reference set" in found.problems[0].reason
    assert len(found.report.rows) == 6
