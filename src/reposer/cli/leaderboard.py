"""`reposer leaderboard`: train and score all systems on the same synthetic people; one table, one sheet of pictures."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from rich.markdown import Markdown

from reposer.core import BadInput
from reposer.core.outputs import check_output_folder
from reposer.core.terminal import Terminal

from .option_values import above, some, within
from .options import called


def run(arguments: Sequence[str]) -> int:
    return called(leaderboard, arguments, "leaderboard", __doc__)


def leaderboard(
    *,
    out: Path | None = None,
    full_size: bool = False,
    features: Literal["published", "people-encoder"] = "published",
    systems: tuple[str, ...] | None = None,
    pictures: int | None = None,
    minutes: float | None = None,
    people: int | None = None,
) -> int:
    """Write leaderboard.md, leaderboard.json, pictures.png and minutes.png. The same command resumes a stopped run.

    Args:
        out: folder of the results; none = runs/leaderboard-mini or runs/leaderboard-full.
        full_size: train the full-size recipes, on a GPU; otherwise the small ones, on two CPU cores.
        features: with --full-size, the losses: the published ones (need VGG's weights), or those of the small recipes.
        systems: names of the systems to train and score, as in the table; none = all.
        pictures: score each system after this many training pictures.
        minutes: score it again after this many minutes of training.
        people: number of people to train on.
    """
    within("--pictures", pictures, 1)
    above("--minutes", minutes)
    some("--systems", systems)
    within("--people", people, 1)
    out = out or Path("runs") / ("leaderboard-full" if full_size else "leaderboard-mini")
    check_output_folder(out)

    from reposer.leaderboard import full, hold, mini, table, with_own_features

    contest = full() if full_size else mini()
    if features == "people-encoder" and full_size:
        contest = with_own_features(contest)
    chosen = systems or tuple(contest.systems)
    if unknown := set(chosen) - set(contest.systems):
        raise BadInput(f"There is no system {', '.join(sorted(unknown))}; there are {', '.join(contest.systems)}.")
    contest = dataclasses.replace(
        contest,
        systems={name: build for name, build in contest.systems.items() if name in chosen},
        pictures=pictures or contest.pictures,
        minutes=minutes or contest.minutes,
        people=people or contest.people,
    )
    entries = hold(contest, out)
    console = Terminal()
    console.print(Markdown(table(contest, entries)))
    console.say(f"Table and pictures: {out}")
    complete = len(entries) == 2 * (len(contest.systems) + 1)
    return 0 if complete and not any(entry.failed for entry in entries) else 1
