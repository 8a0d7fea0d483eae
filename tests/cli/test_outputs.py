"""Every command that writes: what cannot be written is refused before the work, and nothing half-written stays."""

import errno
import os
import subprocess
import sys

import pytest

from reposer.cli import COMMANDS, main
from reposer.data.pictures import write_picture
from reposer.data.poses import write_pose_json
from tests.cli.test_animate import SIZE, saved
from tests.forked import started_command
from tests.test_pipeline import smooth_photo, standing

GONE = "not-there"  # inputs that a check before the work never looks at
FILES = {
    "transfer": ["transfer", f"{GONE}.png", "--source-pose", GONE, "--pose", GONE, "--out", "OUT.png"],
    "pose extract": ["pose", "extract", f"{GONE}.png", "--out", "OUT.json"],
    "animate": ["animate", f"{GONE}.png", "--driving", GONE, "--out", "OUT.mp4"],
    "personalize": ["personalize", f"{GONE}.mp4", "--out", "OUT.safetensors"],
    "views": ["views", f"{GONE}.png", "--model", GONE, "--out", "OUT.mp4"],
    "import-weights": [*("import-weights", "gfla", GONE, "--recipe", "gfla-fashion-2020", "--out", "OUT.safetensors")],
    "export": ["export", GONE, "--out", "OUT.onnx"],
    "score --json": ["score", GONE, "--targets", GONE, "--json", "OUT.json"],
    "study": ["study", "real-or-generated", "--real", GONE, "--generated", f"a={GONE}", "--out", "OUT.db"],
    "study best": [
        *("study", "best", "--real", GONE, "--generated", f"a={GONE}", f"b={GONE}"),
        *("--sources", GONE, "--out", "OUT.db"),
    ],
    "study results": ["study", "results", GONE, "--json", "OUT.json"],
    "data card --chart": ["data", "card", "--chart", "OUT.png"],
    "data card --sheet": ["data", "card", "--sheet", "OUT.png"],
}
FOLDERS = {
    "demo": ["demo", "--out", "OUT"],
    "train": ["train", "gfla-mini", "--out", "OUT"],
    "evaluate": ["evaluate", GONE, "--out", "OUT"],
    "score": ["score", GONE, "--targets", GONE, "--out", "OUT"],
    "batch": ["batch", GONE, "--poses", GONE, "--out", "OUT"],
    "leaderboard": ["leaderboard", "--out", "OUT"],
    "data synthesize": ["data", "synthesize", "OUT"],
    "data synthesize-objects": ["data", "synthesize-objects", "OUT"],
}
WRITE_NOTHING = {"compare", "estimate", "recipes", "models", "ready", "runs", "web"}


@pytest.fixture
def refused(capsys, tmp_path, monkeypatch):
    """Runs a command with this output; returns the one sentence it said."""
    monkeypatch.chdir(tmp_path)

    def run(command, out):
        before = sorted(tmp_path.rglob("*"))
        arguments = (FILES | FOLDERS)[command]
        assert main([str(out) + word[3:] if word.startswith("OUT") else word for word in arguments]) == 2
        said = capsys.readouterr().err
        assert said.startswith("reposer: ") and said.count("\n") == 1, said
        assert sorted(tmp_path.rglob("*")) == before
        return said

    return run


def test_every_command_that_writes_is_tried_here():
    assert {name.split()[0] for name in FILES | FOLDERS} | WRITE_NOTHING == set(COMMANDS)


@pytest.mark.parametrize("command", [*FILES, *FOLDERS])
def test_an_output_below_a_file_is_refused_before_the_work(command, refused, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    assert "file, which is a file" in refused(command, tmp_path / "file" / "out")


@pytest.mark.parametrize("command", [*FILES, *FOLDERS])
def test_an_output_of_too_long_a_name_is_refused_before_the_work(command, refused, tmp_path):
    assert "too long" in refused(command, tmp_path / ("x" * 300))


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no /proc here")
@pytest.mark.parametrize("command", [*FILES, *FOLDERS])
def test_an_output_in_a_folder_that_takes_none_is_refused_before_the_work(command, refused):
    assert "cannot be written in the folder /proc" in refused(command, "/proc/nothing/out")


@pytest.mark.parametrize("command", FILES)
def test_a_folder_in_the_place_of_the_output_is_refused_before_the_work(command, refused, tmp_path):
    ending = FILES[command][-1][3:]
    (tmp_path / f"out{ending}").mkdir()
    assert "is a folder" in refused(command, tmp_path / "out")


@pytest.mark.parametrize("command", FOLDERS)
def test_a_file_in_the_place_of_a_folder_is_refused_before_the_work(command, refused, tmp_path):
    if command == "demo":
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "demo.png").mkdir()
        assert "is a folder" in refused(command, tmp_path / "out")
    else:
        (tmp_path / "out").write_bytes(b"")
        assert "is a file" in refused(command, tmp_path / "out")


@pytest.mark.parametrize("command", sorted(set(FILES) - {"study", "study best"}))
def test_an_unknown_ending_is_refused_before_the_work(command, capsys, tmp_path):
    arguments = [f"{tmp_path}/out.xyz" if word.startswith("OUT") else word for word in FILES[command]]
    assert main(arguments) == 2
    assert "out.xyz should end in ." in capsys.readouterr().err


@pytest.mark.parametrize("path", ["", ".", "..", "/"])
@pytest.mark.parametrize("command", [*FILES, *FOLDERS])
def test_an_output_without_a_name_is_refused_or_is_this_folder(command, path, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if command not in FILES and command not in ("evaluate", "score", "data synthesize", "data synthesize-objects"):
        pytest.skip("this folder can be written into, and the work would begin")
    words = (FILES | FOLDERS)[command]
    assert main([path if word.startswith("OUT") else word for word in words]) == 2
    assert capsys.readouterr().err.count("\n") == 1 and not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", ["", ".", "..", "/"])
def test_an_input_without_a_name_is_refused(path, capsys, tmp_path, monkeypatch):
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    for command in (
        ["transfer", path, "--source-pose", path, "--pose", path],
        ["transfer", path, "--pose", path],
        ["pose", "extract", path],
        ["animate", path, "--driving", path],
        ["views", path, "--model", path],
        ["compare", path, path],
        ["evaluate", path],
        ["score", path, "--targets", path],
        ["data", "check", path],
        ["study", "results", path],
    ):
        if path == "/" and command[0] == "pose":
            continue  # the whole disk is a folder in which photos are looked for
        assert main(command) == 2, command
        assert capsys.readouterr().err.count("\n") == 1 and list(tmp_path.rglob("*")) == [tmp_path / "inner"]


@pytest.fixture
def photo(tmp_path):
    write_picture(tmp_path / "photo.png", smooth_photo(SIZE))
    write_pose_json(tmp_path / "photo.json", standing(60.0, (35.0, 50.0), SIZE))
    return tmp_path / "photo.png"


def transfer(photo, out):
    pose = str(photo.with_suffix(".json"))
    model = str(saved(photo.parent, "gfla"))
    return ["transfer", str(photo), "--source-pose", pose, "--pose", pose, "--model", model, "--out", str(out)]


def test_a_photo_given_as_its_own_out_is_refused_and_stays(photo, capsys):
    content = photo.read_bytes()
    (photo.parent / "link.png").symlink_to(photo)
    for out in (photo, photo.parent / "link.png"):
        assert main(transfer(photo, out)) == 2
        assert "itself, which is read" in capsys.readouterr().err
    sheet = photo.with_name("a-explained.png")
    photo.rename(sheet)
    assert main([*transfer(sheet, photo.with_name("a.png")), "--explain"]) == 2
    assert sheet.read_bytes() == content


def test_brackets_in_a_path_are_printed_as_they_are_on_one_line(photo, capsys):
    out = photo.parent / f"pose [final] b[/b] {'long ' * 30}.png"
    assert main(transfer(photo, out)) == 0
    assert f"The picture: {out}\n" in capsys.readouterr().err


@pytest.mark.parametrize("number, code", [(errno.ENOSPC, 1), (errno.EDQUOT, 1), (errno.EIO, 1), (errno.EROFS, 2)])
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_disk_that_fails_during_the_work_is_said_in_a_sentence_and_leaves_nothing(
    number, code, suffix, photo, capsys, monkeypatch
):
    arguments = transfer(photo, photo.with_name(f"out{suffix}"))
    before = sorted(photo.parent.iterdir())

    def fails(handle):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fails)
    assert main(arguments) == code
    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith("reposer: ") and f"out{suffix}" in said[-1]
    assert sorted(photo.parent.iterdir()) == before


@pytest.mark.skipif(os.name != "posix", reason="limits of file sizes are POSIX")
@pytest.mark.parametrize("command", ["transfer", "views"])
def test_a_file_that_the_system_cuts_off_leaves_no_half_of_it(command, photo, tmp_path_factory):
    out = photo.with_name("out.png" if command == "transfer" else "out.mp4")
    if command == "transfer":
        arguments = transfer(photo, out)
    else:
        model = saved(photo.parent, "gfla-views")
        arguments = ["views", str(photo), "--model", str(model), "--out", str(out), "--quality", "1"]
    before = sorted(photo.parent.iterdir())
    said = tmp_path_factory.mktemp("said") / "said"
    process = started_command(arguments, said, file_size=3000)
    process.join()
    assert process.exitcode == 1, said.read_text()
    assert said.read_text().splitlines()[-1].startswith("reposer: ") and "Traceback" not in said.read_text()
    assert sorted(photo.parent.iterdir()) == before


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_list_that_is_written_to_a_full_disk_is_said_in_a_sentence():
    with open("/dev/full", "w") as full:
        answer = subprocess.run(
            [sys.executable, "-m", "reposer.cli", "--help"], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert answer.returncode == 1
    assert answer.stderr.startswith("reposer: The disk is full") and answer.stderr.count("\n") == 1
