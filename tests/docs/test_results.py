"""The files of `benchmarks/results`, which the documents cite."""

import json

import pytest

from benchmarks.measure import Table

from .documents import ROOT


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks/results").rglob("*.json")), ids=lambda path: path.name)
def test_results_are_json_that_every_reader_takes(path):
    def refuse(constant):
        pytest.fail(f"{path.name} has {constant}, which is not JSON")

    assert json.loads(path.read_text(), parse_constant=refuse)


def test_what_was_not_measured_is_null():
    table = Table("speed", ("what", "seconds"), [("ours", float("nan")), ("theirs", 2.0)])
    assert [row["seconds"] for row in json.loads(json.dumps(table.to_json()))["rows"]] == [None, 2.0]
