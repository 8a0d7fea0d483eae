"""From data to scores through the command line, at the size of a test."""

import json

import pytest
import torch
from PIL import Image

from reposer.cli import main
from reposer.data.pictures import write_picture
from reposer.data.poses import write_pose_json
from reposer.synthetic.people import SyntheticPeople, write_people
from tests.data.folders import some_picture, some_pose

TINY = [
    *(
        "--model.framing.size",
        "64",
        "32",
        "--model.width",
        "4",
        "--model.flow-width",
        "3",
        "--model.attention-hidden",
        "4",
    ),
    *("--stages.0.steps", "1", "--stages.1.steps", "1", "--batch-size", "2", "--threads", "1"),
    *("--stages.1.objective.discriminator-width", "4", "--picture-every", "1", "--log-every", "1"),
]


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    return write_people(
        tmp_path_factory.mktemp("data") / "people", size=(64, 44), num_train=3, num_test=2, views=2, workers=1
    )


@pytest.fixture(scope="module")
def run_folder(people, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "tiny"
    assert main(["train", "gfla-mini", "--data", str(people), "--out", str(out), *TINY]) == 0
    return out


def test_what_write_people_wrote_passes_the_check(people, capsys):
    assert main(["data", "check", str(people)]) == 0


@pytest.mark.slow
def test_a_run_leaves_receipt_log_state_generator_and_pictures(run_folder):
    receipt = json.loads((run_folder / "recipe.json").read_text())
    assert receipt["recipe"]["batch_size"] == 2 and "people-encoder" in receipt["about"]["feature_network"].lower()
    lines = [json.loads(line) for line in (run_folder / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "pictures_per_second" in line] == [1, 2]
    assert [line["step"] for line in lines if "validation/l1" in line] == [1, 2]
    assert (run_folder / "state.pt").is_file() and (run_folder / "generator.safetensors").is_file()
    for picture in ("00000001.png", "00000002.png"):
        with Image.open(run_folder / "pictures" / picture) as sheet:
            assert sheet.size[0] > 100


@pytest.mark.slow
def test_a_generator_is_scored_beside_copying_the_source(run_folder, people, capsys):
    generator = str(run_folder / "generator.safetensors")
    assert main(["evaluate", generator, "--data", str(people), "--pairs", "4"]) == 0
    printed = capsys.readouterr().out
    assert "copy-the-source" in printed and "reposer-v1-reconstruction" in printed
    report = json.loads((run_folder / "report-reposer-v1-reconstruction.json").read_text())
    assert "people-encoder" in json.dumps(report).lower()
    rows = (run_folder / "report-reposer-v1-reconstruction.csv").read_text().splitlines()
    assert len(rows) == 5


@pytest.mark.slow
def test_your_own_photos_of_several_sizes_are_scored(run_folder, tmp_path, capsys):
    for name, size in (("ann_1", (96, 66)), ("ann_2", (60, 60)), ("bob_1", (90, 40)), ("bob_2", (96, 66))):
        photo = tmp_path / "photos" / "test" / f"{name}.png"
        write_picture(photo, some_picture(size))
        write_pose_json(photo.with_suffix(".json"), some_pose(size))
    (tmp_path / "photos" / "train").mkdir()
    generator = str(run_folder / "generator.safetensors")
    out = tmp_path / "report"
    assert main(["evaluate", generator, "--data", str(tmp_path / "photos"), "--out", str(out)]) == 0
    assert "(4 pairs)" in capsys.readouterr().out
    report = json.loads((out / "report-reposer-v1-reconstruction.json").read_text())
    assert report["size"] == [64, 32] and set(report["by_identity"]) == {"ann", "bob"}


@pytest.mark.slow
def test_a_photo_of_any_size_is_reposed_and_explained(run_folder, tmp_path):
    people = SyntheticPeople((150, 120), "test")
    for view, name in enumerate(("photo", "wanted")):
        person = people.rendered([(950_000, view)])
        Image.fromarray(person.picture[0].numpy()).save(tmp_path / f"{name}.png")
        write_pose_json(tmp_path / f"{name}.json", person.detected[0])
    arguments = ["transfer", str(tmp_path / "photo.png"), "--source-pose", str(tmp_path / "photo.json")]
    arguments += ["--pose", str(tmp_path / "wanted.json"), "--model", str(run_folder / "generator.safetensors")]
    assert main([*arguments, "--explain"]) == 0
    with Image.open(tmp_path / "photo-reposed.png") as answer:
        assert answer.size == (120, 150)
    assert (tmp_path / "photo-reposed-explained.png").is_file()


@pytest.mark.slow
def test_the_demo_writes_its_sheet_with_the_shipped_weights(tmp_path, capsys):
    assert main(["demo", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "demo.png" in printed and "copy-the-source" in printed
    with Image.open(tmp_path / "demo.png") as sheet:
        assert sheet.size[1] > 6 * 100


def test_the_list_of_models_says_the_licence_of_each(capsys):
    assert main(["models"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows[0][-1] == "licence" and {"trueflow", "gfla-synthetic"} <= {row[0] for row in rows}
    assert all(row[-1] == "Apache-2.0" for row in rows[1:])


def test_shipped_weights_are_small_and_say_where_they_come_from():
    from reposer.generators import load, shipped_models
    from reposer.nn.features import ENCODER_FILE
    from reposer.nn.weights import read_header

    files = [ENCODER_FILE, *shipped_models().values()]
    assert sum(path.stat().st_size for path in files) < 20e6
    for path in files:
        header = json.loads(read_header(path)["reposer"])
        assert header["licence"] == "Apache-2.0"
    assert "gfla-synthetic" in shipped_models()
    assert sum(p.numel() for p in load("gfla-synthetic").parameters()) < 5e6
    assert all(p.dtype == torch.float32 for p in load("gfla-synthetic").parameters())
