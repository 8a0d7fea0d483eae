"""The command: what cannot be used is refused in a sentence; results are a table and a file."""

import json
import socket

import pytest

from reposer.cli import main
from reposer.study import Answers, questions
from tests.study.folders import a_study, some_folders


@pytest.fixture
def real_or_generated(tmp_path):
    some_folders(tmp_path)

    def run(*arguments, real="real", generated=("ours=ours", "theirs=theirs")):
        systems = [f"{g.partition('=')[0]}={tmp_path / g.partition('=')[2]}" for g in generated if "=" in g]
        systems += [g for g in generated if "=" not in g]
        options = ["--out", str(tmp_path / "a.db"), "--trials", "8", "--practice", "2", *arguments]
        return main(["study", "real-or-generated", "--real", str(tmp_path / real), "--generated", *systems, *options])

    return run


def test_what_cannot_be_asked_is_refused(real_or_generated, tmp_path, capsys):
    for arguments, says in (
        ({"real": "nowhere"}, "There is no folder"),
        ({"generated": ("ours",)}, "NAME=FOLDER"),
        ({"generated": ("ours=ours", "ours=theirs")}, "'ours' twice"),
        ({"generated": ("real=ours",)}, "cannot be called 'real'"),
    ):
        assert real_or_generated(**arguments) == 2
        error = capsys.readouterr().err
        assert says in error and error.count("\n") == 1
        assert not (tmp_path / "a.db").exists()


def test_a_port_that_is_taken_is_said(real_or_generated, capsys):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        assert real_or_generated("--port", str(other.getsockname()[1])) == 2
    assert "give another --port" in capsys.readouterr().err


def test_results_are_a_table_and_a_file(tmp_path, capsys):
    study = a_study()
    answers = Answers(tmp_path / "a.db", study)
    for _ in range(3):
        person = answers.person(answers.begin())
        for number, question in enumerate(questions(study, person)):
            answers.saw(person, number)
            answers.record(person, number, question, "generated", 800.0, {})
    answers.close()
    assert main(["study", "results", str(tmp_path / "a.db"), "--json", str(tmp_path / "out" / "a.json")]) == 0
    shown = capsys.readouterr().out
    assert "100.0 %" in shown and "12 of 12" in shown and "3 people began, 3 finished, 3 count" in shown
    plain = json.loads((tmp_path / "out" / "a.json").read_text())
    rates = {rate["name"]: rate["value"] for rate in plain["rates"]}
    assert rates == {"R2G": 1.0, "G2R, all systems": 0.0, "G2R ours": 0.0, "G2R theirs": 0.0}
    assert plain["left_out"] == {"practice": 6, "checks": 6}
    assert main(["study", "results", str(tmp_path / "nothing.db")]) == 2
