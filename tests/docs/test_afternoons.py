"""The two afternoons of `scripts/afternoons`, from an installed wheel in an empty folder; and real data if given."""

import re
import sys

import pytest

from scripts.afternoons import engineer, researcher
from scripts.afternoons.steps import Afternoon, StepFailed


def with_real_data(request):
    folder = request.config.getoption("--real-data")
    return [] if folder is None else ["--real-data", str(folder)]


@pytest.mark.nightly
@pytest.mark.parametrize("afternoon", [researcher, engineer], ids=["researcher", "engineer"])
def test_an_afternoon_passes_in_an_empty_folder_and_prints_each_steps_time(afternoon, tmp_path, request, capsys):
    assert afternoon.main([str(tmp_path / "out"), "--borrow", *with_real_data(request)]) == 0
    said = capsys.readouterr().out
    steps = re.findall(r"^ *(\d+\.\d) s  (.+)$", said, re.MULTILINE)
    assert len(steps) > 10 and "install the wheel" in steps[0][1] and f"{len(steps) - 1} steps" in steps[-1][1]


def test_a_step_that_fails_or_writes_nothing_ends_the_afternoon_with_what_it_said(tmp_path, capsys):
    a = Afternoon(tmp_path, sys.executable, borrow=True)
    assert a.command("fine", sys.executable, "-c", "print('hello')") == "hello\n"
    a.command("also fine", sys.executable, "-c", "raise SystemExit(1)", codes=(0, 1))
    with pytest.raises(StepFailed, match=r"(?s)'bad' ended with exit code 3: .*not there"):
        a.command("bad", sys.executable, "-c", "import sys; print('not there'); sys.exit(3)")
    with pytest.raises(StepFailed, match=r"wrote no x\.png"):
        a.need("x.png")
    assert [title for title, _ in a.steps] == ["fine", "also fine"]
    said = capsys.readouterr().out
    assert "2 steps" in a.summary() and said.count(" s  ") == said.count(" s of processor time)") == 2


def test_the_engineer_exports_in_a_form_that_the_bare_wheel_writes(tmp_path, monkeypatch):
    class Recorder(Afternoon):
        def reposer(self, title, *words, codes=(0,)):
            said.append(words)

        def need(self, *names):
            pass

    said = []
    for name in ("photos", "container"):
        monkeypatch.setattr(engineer, name, lambda *values: None)
    for name in ("results", "album"):
        (tmp_path / name).mkdir()
    engineer.work(Recorder(tmp_path, sys.executable, borrow=True), None)
    (export,) = (words for words in said if words[0] == "export")
    assert export[export.index("--format") + 1] == "pt2"  # onnx and openvino need extras


def test_a_folder_with_files_is_no_place_for_an_afternoon(tmp_path, capsys):
    (tmp_path / "mine.txt").touch()
    with pytest.raises(SystemExit):
        researcher.main([str(tmp_path)])
    assert "is not empty; give a new folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
