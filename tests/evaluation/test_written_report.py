"""A report whose file was changed or damaged is refused by the name of what is wrong; nothing of it is ranked."""

import copy
import json
import os

import pytest
import torch

from reposer.cli import main
from reposer.core import BadInput
from reposer.evaluation import PairBatch, Protocol, Scorer
from reposer.evaluation.compare import compare
from reposer.evaluation.written_report import WrittenReport, read_report

USED = WrittenReport.__dataclass_fields__
WRONG = (None, True, -1, 3, 1.5, "text", "", [], [1], ["a", 2], {}, {"a": 1}, {"psnr": "x"}, "\x1b[31m", 10**400)


def a_report(seed=0, of=4):
    chance = torch.Generator().manual_seed(seed)
    pictures = torch.randint(0, 256, (2, of, 12, 8, 3), dtype=torch.uint8, generator=chance)
    names = tuple(f"pair{k}" for k in range(of))
    scorer = Scorer(Protocol("plain", metrics=("l1", "psnr")))
    scorer.add(PairBatch(names, names, pictures[0], pictures[1]))
    return scorer.report()


@pytest.fixture
def plain():
    return json.loads(json.dumps(a_report().to_plain()))


def written(tmp_path, plain, name="a.json"):
    (tmp_path / name).write_text(json.dumps(plain))
    return tmp_path / name


def places(value, path=()):
    """Every place in the plain values that `compare` reads."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        if path or key in USED:
            yield (*path, key)
            yield from places(value[key], (*path, key))


def at(value, path):
    for key in path:
        value = value[key]
    return value


def test_a_report_that_was_written_is_read_whole(tmp_path, plain):
    assert read_report(written(tmp_path, plain)) == plain
    assert compare({"a": plain, "b": plain}).ranked


def test_a_report_without_one_of_its_fields_is_refused(tmp_path, plain, capsys):
    for name in USED:
        with pytest.raises(BadInput, match=rf"not a report that .* wrote \(it lacks {name}\)"):
            read_report(written(tmp_path, {key: value for key, value in plain.items() if key != name}))


@pytest.mark.slow
def test_every_value_of_another_type_is_refused_or_changes_no_number(tmp_path, plain):
    expected = compare({"a": plain}).lines
    number = 0
    for path in list(places(plain)):
        for wrong in (*WRONG, "gone"):
            changed = copy.deepcopy(plain)
            if wrong == "gone":
                del at(changed, path[:-1])[path[-1]]
            else:
                at(changed, path[:-1])[path[-1]] = wrong
            number += 1
            try:
                found = compare({"a": changed}).lines
            except BadInput as error:
                assert "\n" not in str(error) and "\x1b" not in str(error), (path, wrong)
                continue
            is_number = path[0] == "summary" and path[-1] in ("mean", "low", "high", "printed", "pairs", "left_out")
            assert is_number or found == expected, (path, wrong)
    assert number > 500


@pytest.mark.parametrize("mean", ["many", [], None, True, {}, "1.5", "NaN", "1e5"])
def test_text_or_a_list_for_a_number_is_refused(tmp_path, plain, mean):
    plain["summary"]["psnr"]["mean"] = mean
    with pytest.raises(BadInput, match=r"summary\.psnr"):
        read_report(written(tmp_path, plain))


def test_a_number_moved_to_another_protocols_place_is_found_by_its_hash(tmp_path, plain):
    other = json.loads(json.dumps(a_report(1).to_plain()))
    plain["row_hashes"] = other["row_hashes"]
    with pytest.raises(BadInput, match="does not belong to the other values"):
        read_report(written(tmp_path, plain))
    plain["row_hashes"], plain["truth_hash"] = a_report().to_plain()["row_hashes"], other["truth_hash"]
    with pytest.raises(BadInput, match="does not belong to the other values"):
        read_report(written(tmp_path, plain))


def test_a_mean_that_does_not_exist_is_not_ranked(plain):
    other = copy.deepcopy(plain)
    other["summary"]["psnr"]["mean"] = "nan"
    found = compare({"a": plain, "b": other})
    lines = {line.metric: line for line in found.lines}
    assert not found.ranked and not lines["psnr"].best and lines["l1"].best == {0, 1}
    assert lines["psnr"].notes == ("no pair has a value in one of them",)


@pytest.mark.parametrize(
    "content", [b"", b"null", b"[]", b"7", b'"text"', b"{", b"{}", b"\xff\xfe", b"[" * 100_000, b"9" * 5000, b"\x89PNG"]
)
def test_what_is_no_report_is_a_sentence_and_exit_code_2(tmp_path, plain, content, capsys):
    good = written(tmp_path, plain)
    (tmp_path / "bad.json").write_bytes(content)
    assert main(["compare", str(good), str(tmp_path / "bad.json")]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and "bad.json" in said.err


@pytest.mark.parametrize("path", ["none.json", ".", "/"])
def test_no_file_and_a_folder_are_a_sentence(tmp_path, plain, path, capsys):
    assert main(["compare", str(written(tmp_path, plain)), str(tmp_path / path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_in_the_place_of_a_report_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "report.json")
    with pytest.raises(BadInput, match="There is no file"):
        read_report(tmp_path / "report.json")
