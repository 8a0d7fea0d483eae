"""A file that is no study, or a damaged one, is refused in a sentence and left as it is."""

import contextlib
import random
import sqlite3

import pytest

from reposer.cli import main
from reposer.core import BadInput
from reposer.study import Answers, questions, results
from tests.study.folders import a_study, some_folders


@pytest.fixture
def path(tmp_path):
    """A study with the answers of one person."""
    study = a_study()
    answers = Answers(tmp_path / "a.db", study)
    person = answers.person(answers.begin())
    for number, question in enumerate(questions(study, person)):
        answers.saw(person, number)
        answers.record(person, number, question, "generated", 800.0, {"real": "aa"})
    answers.close()
    return tmp_path / "a.db"


def refused(path, capsys):
    """`study results` says so in one line, with exit code 2."""
    assert main(["study", "results", str(path)]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and "Traceback" not in said.err
    return said.err


def changed(path, statement, *values):
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA ignore_check_constraints = ON")
        database.execute(statement, values)
        database.commit()


@pytest.mark.parametrize(
    "content", [b"", b"text", b"\0" * 5000, b"SQLite format 3\0" + b"\0" * 4000, b'{"answers": []}']
)
def test_a_file_that_is_no_database_is_refused(tmp_path, capsys, content):
    (tmp_path / "a.db").write_bytes(content)
    assert "does not hold the answers of a study" in refused(tmp_path / "a.db", capsys)
    assert (tmp_path / "a.db").read_bytes() == content


def test_no_file_a_folder_and_another_programs_database_are_refused(tmp_path, capsys):
    assert "There is no file" in refused(tmp_path / "none.db", capsys)
    assert "There is no file" in refused(tmp_path, capsys)
    changed(tmp_path / "other.db", "CREATE TABLE answers (a)")
    assert "does not hold" in refused(tmp_path / "other.db", capsys)


def test_a_database_that_only_says_it_is_ours_is_not_queried(tmp_path, capsys):
    """Its view would never end."""
    with contextlib.closing(sqlite3.connect(tmp_path / "a.db")) as database:
        database.executescript(
            "PRAGMA application_id = 0x52505354; CREATE VIEW study AS WITH RECURSIVE n(receipt) AS (SELECT 1 UNION ALL "
            "SELECT receipt + 1 FROM n) SELECT max(receipt) AS receipt FROM n;"
        )
    assert "does not hold" in refused(tmp_path / "a.db", capsys)


@pytest.mark.parametrize(
    "statement, value",
    [
        ("DELETE FROM study", None),
        ("DROP TABLE answers", None),
        ("UPDATE study SET receipt = ?", "no JSON"),
        ("UPDATE study SET receipt = ?", "[1, 2]"),
        ("UPDATE study SET receipt = ?", "[" * 100_000),
        ("UPDATE study SET receipt = ?", b"\xff\x00"),
        ("UPDATE study SET receipt = ?", '{"design": "best"}'),
        ("UPDATE study SET receipt = replace(receipt, '\"trials\": 8', '\"trials\": ' || ?)", '"8"'),
        ("UPDATE study SET receipt = replace(receipt, '\"trials\": 8', '\"trials\": ' || ?)", "8.0"),
        ("UPDATE study SET receipt = replace(receipt, '\"systems\": [', '\"systems\": [' || ?)", "7, "),
        ("UPDATE study SET receipt = replace(receipt, 'real-or-generated', ?)", "worst"),
        ("UPDATE study SET receipt = replace(receipt, '\"show_seconds\": 1.0', '\"show_seconds\": ' || ?)", "NaN"),
        ("UPDATE answers SET candidates = ? WHERE trial = 3", "real"),
        ("UPDATE answers SET candidates = ? WHERE trial = 3", '{"real": 1}'),
        ("UPDATE answers SET candidates = ? WHERE trial = 3", "[1]"),
        ("UPDATE answers SET checksums = ? WHERE trial = 3", "[]"),
        ("UPDATE answers SET checksums = ? WHERE trial = 3", '{"real": 5}'),
        ("UPDATE answers SET checksums = ? WHERE trial = 3", b"\xff"),
        ("UPDATE answers SET kind = ? WHERE trial = 3", "joke"),
        ("UPDATE answers SET answer = ? WHERE trial = 3", b"generated"),
        ("UPDATE answers SET milliseconds = ? WHERE trial = 3", "soon"),
        ("UPDATE answers SET milliseconds = ? WHERE trial = 3", -1.0),
        ("UPDATE answers SET milliseconds = ? WHERE trial = 3", float("inf")),
        ("UPDATE answers SET exposures = ? WHERE trial = 3", "often"),
        ("UPDATE answers SET exposures = ? WHERE trial = 3", -1),
        ("UPDATE answers SET participant = ? WHERE trial = 3", -2),
        ("UPDATE answers SET trial = ? WHERE trial = 3", "third"),
    ],
)
def test_a_value_that_no_study_wrote_is_a_sentence(path, capsys, statement, value):
    changed(path, statement, *([] if value is None else [value]))
    refused(path, capsys)


def test_damaged_bytes_are_a_sentence_or_do_no_harm(path, capsys):
    whole, chance = path.read_bytes(), random.Random(0)
    for number in range(150):
        content = bytearray(whole)
        for _ in range(chance.choice([1, 3, 30])):
            content[chance.randrange(len(content))] = chance.randrange(256)
        path.write_bytes(content[: chance.randrange(len(content))] if number % 5 == 0 else content)
        try:
            results(path)
        except BadInput as error:
            assert "\n" not in str(error)


def test_a_study_does_not_go_on_in_a_file_of_anything_else(tmp_path, capsys):
    some_folders(tmp_path)
    systems = [f"{name}={tmp_path / name}" for name in ("ours", "theirs")]
    out = tmp_path / "novel.db"
    out.write_text("my novel " * 1000)
    options = ["--real", str(tmp_path / "real"), "--generated", *systems, "--trials", "8", "--practice", "2"]
    assert main(["study", "real-or-generated", *options, "--out", str(out)]) == 2
    assert "does not hold the answers of a study" in capsys.readouterr().err
    assert out.read_text() == "my novel " * 1000
    assert main(["study", "real-or-generated", *options, "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("seconds", ["nan", "inf", "-1", "1e300"])
def test_a_picture_is_shown_for_a_time_that_a_browser_can_count(tmp_path, capsys, seconds):
    with pytest.raises(BadInput, match="--show-seconds"):
        a_study(show_seconds=float(seconds))
