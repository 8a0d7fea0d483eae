"""`python -m scripts.afternoons.researcher FOLDER`: PATN, GFLA and an idea of one's own on a DeepFashion folder in
PATN's layout, and a table for a paper.

A few steps of each: the afternoon shows that the road is whole, not which system is better.
"""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from .deepfashion import real_frames, sketched_test
from .steps import Afternoon, StepFailed, spend

SYSTEMS = {"PATN": "patn-mini", "GFLA": "gfla-mini", "Ours": "mine"}
STEPS = 4
PAIRS = 12
IDEA = Path(__file__).parent / "idea"


def main(arguments: Sequence[str] | None = None) -> int:
    return spend(__doc__ or "", work, arguments)


def work(a: Afternoon, real_data: Path | None) -> None:
    data(a, real_data)

    # --- An idea of one's own: a package with one file
    shutil.copytree(IDEA, a.folder / "idea")
    a.install("install an idea of one's own", a.folder / "idea")
    listed = a.reposer("list the recipes", "recipes")
    if "mine" not in listed.split():
        raise StepFailed("`reposer recipes` does not list the idea's recipe.")

    # --- Train, stop, go on
    a.reposer("try a run out", "train", "patn-mini", "--data", "fashion", "--dry-run", "--batch-size", "4")
    for name, recipe in SYSTEMS.items():
        a.reposer(f"train {name} for {STEPS} steps a stage", *training(recipe), "--data", "fashion")
        a.need(f"runs/{recipe}/generator.safetensors", f"runs/{recipe}/losses.png")
    a.reposer("go on with the idea", *training("mine", 2 * STEPS), "--extend", "--data", "fashion")
    a.reposer("list the runs", "runs")

    # --- Score, and a table
    reports = []
    for name, recipe in SYSTEMS.items():
        out = f"scores/{name}"
        weights = f"runs/{recipe}/generator.safetensors"
        a.reposer(f"score {name}", "evaluate", weights, "--data", "fashion", "--pairs", str(PAIRS), "--out", out)
        reports.append(f"{out}/report-reposer-v1-reconstruction.json")
    table = a.reposer("a table for a paper", "compare", *reports, "--names", *SYSTEMS, "--format", "latex")
    if "\\toprule" not in table or not all(name in table for name in SYSTEMS):
        raise StepFailed(f"This is no table of the three systems:\n{table}")
    (a.folder / "table.tex").write_text(table)


def data(a: Afternoon, real_data: Path | None) -> None:
    """A folder in the layout of PATN's DeepFashion, `fashion`; with real data also one of the field's own lists."""
    if real_data is None:
        people = ("--people", "6", "--test-people", "4", "--size", "256", "176")
        a.reposer("render people in DeepFashion's layout", "data", "synthesize", "fashion", *people)
    else:
        with a.step("copy real frames in DeepFashion's layout"):
            real_frames(real_data, a.folder / "fashion")
        with a.step("sketch pictures for DeepFashion's own test list"):
            sketched_test(real_data, a.folder / "listed", pairs=60)
        a.reposer("check DeepFashion's own lists", "data", "check", "listed")
    a.reposer("check the data", "data", "check", "fashion")


def training(recipe: str, last: int = STEPS) -> list[str]:
    """`train` with a few steps in each stage."""
    stages = 2 if recipe == "gfla-mini" else 1
    steps = [word for n in range(stages - 1) for word in (f"--stages.{n}.steps", str(STEPS))]
    return ["train", recipe, "--batch-size", "4", *steps, f"--stages.{stages - 1}.steps", str(last)]


if __name__ == "__main__":
    sys.exit(main())
