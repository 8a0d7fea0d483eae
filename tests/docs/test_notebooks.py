"""The notebooks run from top to bottom; they are kept without outputs."""

import ast
import json
import os
import subprocess
import sys

import pytest

from .documents import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def code_of(path):
    """The code of a notebook's cells, in order."""
    cells = json.loads(path.read_text())["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_plain_python_without_outputs_and_begins_with_what_it_does(path):
    content = json.loads(path.read_text())
    assert (content["nbformat"], content["nbformat_minor"]) == (4, 5)
    assert content["cells"][0]["cell_type"] == "markdown" and content["cells"][0]["source"][0].startswith("# ")
    assert len({cell["id"] for cell in content["cells"]}) == len(content["cells"])
    assert all(not cell.get("outputs") and not cell.get("execution_count") for cell in content["cells"])
    for code in code_of(path):
        ast.parse(code)  # no commands of the notebook's own (`!`, `%`)


@pytest.mark.nightly  # `make notebooks` runs them, in CI, too
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(path, tmp_path):
    program = tmp_path / "program.py"
    program.write_text("\n".join(code_of(path)))
    before = os.times()
    done = subprocess.run(
        [sys.executable, str(program)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
    )
    after = os.times()
    assert done.returncode == 0, done.stderr[-3000:]
    took = after.children_user + after.children_system - before.children_user - before.children_system
    seconds = after.elapsed - before.elapsed
    print(f"{path.stem}: {took:.0f} s of processor time, {seconds:.0f} s by the clock")
