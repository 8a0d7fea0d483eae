"""The documentation's commands that need no training and no network's file run as they are printed, and succeed."""

import contextlib
import io
import shutil
from pathlib import Path

import pytest

from reposer.cli import main
from reposer.data.pictures import write_picture
from tests.estimators.synthetic_photos import somebody
from tests.hostile.valid_files import write_valid_files

from .documents import DOCUMENTS, command_lines

RUN = ("animate", "batch", "compare", "models", "pose", "recipes", "runs", "transfer")
"""Commands that end in seconds; of `data`, only what checks and lists."""
NEED_TRAINING = ("runs/gfla-animation-mini/generator.safetensors", "runs/patn-mini/generator.safetensors")
FEWEST = 25


def lines():
    """Each different line once, in the order of the documents."""
    every = {line.words for path in DOCUMENTS for line in command_lines(path) if line.whole}
    chosen = [w for w in every if w[0] in RUN or w[:2] in (("data", "check"), ("data", "list"))]
    return sorted(w for w in chosen if not ({"--help", "..."} | set(NEED_TRAINING)) & set(w))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder with the files that the documents speak of."""
    valid = write_valid_files(tmp_path_factory.mktemp("valid") / "files")
    root = tmp_path_factory.mktemp("world") / "world"
    root.mkdir()
    for k, name in enumerate(("photo", "other_photo", "other", "half", "side", "back")):
        write_picture(root / f"{name}.jpg", somebody(k % 2)[0])
    assert main(["pose", "extract", str(root / "photo.jpg"), "--out", str(root / "pose.json"), "--plain"]) == 0
    pose = str(root / "pose.json")
    assert main(["pose", "convert", pose, str(root / "people.json"), "--format", "openpose18"]) == 0
    assert main(["pose", "convert", pose, str(root / "skeleton.png")]) == 0
    for name in ("a", "one", "mine"):
        shutil.copytree(valid / "report", root / name)
    for name in ("b", "other", "theirs"):
        shutil.copytree(valid / "other", root / name)
    for seed, name in enumerate(("report", "other")):
        (root / f"runs/gfla-mini/seed-{seed}").mkdir(parents=True)
        report = root / f"runs/gfla-mini/seed-{seed}/report-reposer-v1-reconstruction.json"
        shutil.copy(valid / name / "report.json", report)
    for name in ("patn", "gfla", "mine"):
        (root / "scores" / name).mkdir(parents=True)
        report = root / "scores" / name / "report-reposer-v1-reconstruction.json"
        shutil.copy(valid / "report" / "report.json", report)
    shutil.copytree(valid / "run", root / "runs/done")
    shutil.copytree(valid / "people", root / "DIR")
    shutil.copytree(valid / "people", root / "people")
    for name in ("album", "photos", "poses"):
        shutil.copytree(valid / "album", root / name)
    shutil.copy(valid / "still.mp4", root / "dance.mp4")
    (root / "jobs.csv").write_text("photo,pose\nphoto.jpg,arms-up\n")
    shutil.copy(Path(__file__).parents[2] / "src/reposer/weights/trueflow.safetensors", root / "mine.safetensors")
    return root


@pytest.mark.nightly
@pytest.mark.parametrize("words", lines(), ids=" ".join)
def test_a_command_of_the_documents_runs(words, world, tmp_path, monkeypatch):
    place = tmp_path / "here"
    shutil.copytree(world, place)
    if "--out" in words:  # what a line writes is not there yet
        shutil.rmtree(place / words[words.index("--out") + 1], ignore_errors=True)
    monkeypatch.chdir(place)
    typed = [str(path) for word in words for path in (sorted(Path().glob(word)) if "*" in word else [word])]
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            code = main(typed)
        except SystemExit as stop:
            code = stop.code
    assert code == 0, said.getvalue()[-1500:]


def test_commands_of_the_documents_are_found():
    assert len(lines()) >= FEWEST
