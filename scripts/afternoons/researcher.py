"""`python -m scripts.afternoons.researcher FOLDER`: PATN, GFLA and an idea of one's own on a DeepFashion folder in
PATN's layout, a table for a paper, several seeds, a leaderboard of one's own, and somebody else's strips.

A few steps of each: the afternoon shows that each step works after the one before, not which system is better.
"""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from .deepfashion import other_systems_pictures, real_frames, sketched_test
from .steps import Afternoon, StepFailed, spend

SYSTEMS = {"PATN": "patn-mini", "GFLA": "gfla-mini", "Ours": "mine"}
STEPS = 4
PAIRS = 12
SEEDS = ("0", "1")
REPORT = "report-reposer-v1-reconstruction.json"
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
        scored = ("evaluate", weights, "--data", "fashion", "--pairs", str(PAIRS), "--out", out)
        a.reposer(f"score {name}, and keep its pictures", *scored, "--keep-pictures")
        if len(list((a.folder / out / "pictures").glob("*.png"))) != PAIRS:
            raise StepFailed(f"{out}/pictures has not the {PAIRS} scored pictures.")
        reports.append(f"{out}/{REPORT}")
    table = a.reposer("a table for a paper", "compare", *reports, "--names", *SYSTEMS, "--format", "latex")
    if "\\toprule" not in table or not all(name in table for name in SYSTEMS):
        raise StepFailed(f"This is no table of the three systems:\n{table}")
    (a.folder / "table.tex").write_text(table)

    seeds(a)
    leaderboard(a)
    somebody_elses_strips(a)


def seeds(a: Afternoon) -> None:
    """The idea with two seeds, and the mean of both."""
    a.reposer(
        "train the idea with two seeds", *training("mine"), "--data", "fashion", "--out", "seeds", "--seeds", *SEEDS
    )
    for seed in SEEDS:
        run = f"seeds/seed-{seed}"
        weights = f"{run}/generator.safetensors"
        a.reposer(f"score seed {seed}", "evaluate", weights, "--data", "fashion", "--pairs", str(PAIRS))
        a.need(f"{run}/{REPORT}")
    reports = [f"seeds/seed-{seed}/{REPORT}" for seed in SEEDS]
    said = a.reposer("the mean over seeds", "compare", *reports, "--mean", "--format", "markdown")
    if "mean" not in said:
        raise StepFailed(f"This table has no mean over seeds:\n{said}")


def leaderboard(a: Afternoon) -> None:
    """A recipe, the idea, a trained network, and pictures made elsewhere (here: those of PATN that were kept)."""
    with a.step("lay out another system's pictures, and strips as peers release them"):
        other_systems_pictures(a.folder / "fashion", a.folder / "scores/PATN/pictures", a.folder / "elsewhere")
    entries = ("patn-mini", "mine", "gfla=runs/gfla-mini", "theirs=elsewhere/pictures")
    moments = ("--pictures", "16", "--processor-minutes", "0.05", "--pairs", str(PAIRS))
    a.reposer(
        "a leaderboard on the data",
        *("leaderboard", "--data", "fashion", "--systems", *entries, *moments, "--out", "board"),
    )
    table = (a.folder / "board/leaderboard.md").read_text()
    if not all(table.count(f"| {name.partition('=')[0]} |") == 2 for name in entries):
        raise StepFailed(f"An entry is missing in the leaderboard:\n{table}")


def somebody_elses_strips(a: Afternoon) -> None:
    """Files of source, target and result side by side, as peers release them."""
    columns = ("--strips", "source", "target", "generated")
    words = ("score", "elsewhere/strips", *columns, "--protocol", "reposer-v1-reconstruction", "--out", "of-strips")
    # 1: l1-limbs is absent, as strips have no joints
    a.reposer("score the strips", *words, codes=(0, 1))
    a.need("of-strips/report.json")


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
