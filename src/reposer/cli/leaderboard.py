"""`reposer leaderboard`: train and score systems on the same people; one table, one sheet of pictures."""

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from rich.markdown import Markdown

from reposer.core import BadInput, quoted
from reposer.core.outputs import check_output_folder
from reposer.core.terminal import Terminal

from .option_values import above, some, within
from .options import called

RESERVED = ("people", "copy-the-source")


def run(arguments: Sequence[str]) -> int:
    return called(leaderboard, arguments, "leaderboard", __doc__)


def leaderboard(
    *,
    out: Path | None = None,
    data: Path | None = None,
    full_size: bool = False,
    features: Literal["published", "people-encoder"] = "published",
    systems: tuple[str, ...] | None = None,
    pictures: int | None = None,
    processor_minutes: float | None = None,
    minutes: float | None = None,
    people: int | None = None,
    pairs: int | None = None,
) -> int:
    """Write leaderboard.md, leaderboard.json, pictures.png and minutes.png. The same command resumes a stopped run.

    Args:
        out: folder of the results; none = runs/leaderboard-mini or runs/leaderboard-full, with --data
            runs/leaderboard-NAME.
        data: folder of pairs of people to train on (split train) and to score on (split test); none = synthetic people.
        full_size: train the full-size recipes, on a GPU; otherwise the small ones, on two CPU cores.
        features: with --full-size, the losses: the published ones (need VGG's weights), or those of the small recipes.
        systems: what to compare: systems by their name in the table (PATN), recipes by theirs (patn-mini, or one of
            your own package), NAME=MODEL for a trained network (a .safetensors, a run's folder, a shipped model), and
            with --data NAME=FOLDER for pictures made elsewhere of its test pairs (SOURCE_2_TARGET.png); none = all
            systems of the table.
        pictures: score each system after this many training pictures.
        processor_minutes: score it again after this many minutes of processor time of its training, all threads and
            workers together (two busy cores: two a minute); none = 24, with --full-size 240 minutes by the clock. Other
            programs on the machine do not use them up.
        minutes: the same by the clock instead, as of train's --max-minutes.
        people: number of synthetic people to train on.
        pairs: number of pairs to score, evenly spread over the test split.
    """
    within("--pictures", pictures, 1)
    above("--processor-minutes", processor_minutes)
    above("--minutes", minutes)
    if processor_minutes is not None and minutes is not None:
        raise BadInput("--processor-minutes and --minutes are two clocks for one moment; leave one of them out.")
    some("--systems", systems)
    within("--people", people, 1)
    within("--pairs", pairs, 1)
    if data is not None and people is not None:
        raise BadInput("--people is of synthetic people; leave it or --data out.")
    kind = "full" if full_size else "mini" if data is None else data.resolve().stem
    out = out or Path("runs") / f"leaderboard-{kind}"
    check_output_folder(out)

    from reposer.leaderboard import full, hold, mini, on_data, table, with_own_features

    contest = full() if full_size else mini()
    if features == "people-encoder" and full_size:
        contest = with_own_features(contest)
    trained, made = chosen(systems, contest.systems, with_data=data is not None)
    contest = dataclasses.replace(
        contest,
        systems=trained,
        made=made,
        pictures=pictures or contest.pictures,
        minutes=processor_minutes or minutes or contest.minutes,
        clock="processor" if processor_minutes else "wall" if minutes else contest.clock,
        people=people or contest.people,
        pairs=pairs or contest.pairs,
    )
    if data is not None:
        contest = on_data(contest, str(data))
    entries = hold(contest, out)
    console = Terminal()
    _print_table(table(contest, entries), console)
    console.say(f"Table and pictures: {out}")
    complete = len(entries) == 2 * (len(contest.names) + 1)
    return 0 if complete and not any(entry.failed for entry in entries) else 1


def chosen(
    words: Sequence[str] | None, systems: Mapping[str, Callable[[], Any]], *, with_data: bool
) -> tuple[dict[str, Callable[[], Any]], dict[str, str]]:
    """What the words of --systems name: systems and recipes to train, and files or folders to score as they are."""
    from reposer.generators import RECIPES, model_file, shipped_models
    from reposer.generators.hub import WEIGHTS, on_hub

    trained: dict[str, Callable[[], Any]] = {}
    made: dict[str, str] = {}
    for word in systems if words is None else words:
        name, equals, path = word.partition("=")
        if not re.fullmatch(r"[\w.-]*\w[\w.-]*", name):
            raise BadInput(f"--systems has {quoted(word)}; a name is letters, digits, '-', '_' and '.'.")
        if name in {*trained, *made} or name in RESERVED:
            raise BadInput(f"--systems names {name} twice, or as the leaderboard names files of its own.")
        if not equals:
            trained[name] = systems[name] if name in systems else RECIPES[name]
        elif on_hub(path) or (not Path(path).exists() and path in shipped_models()) or (Path(path) / WEIGHTS).is_file():
            made[name] = str(model_file(path))
        elif not Path(path).exists():
            raise BadInput(
                f"There is no file or folder {path}, nor a shipped model of this name, "
                f"which --systems gives for {name}."
            )
        elif Path(path).is_dir() and not with_data:
            raise BadInput(
                f"{path} is no run's folder. If it holds pictures of some data set's pairs, "
                "give the data set with --data."
            )
        elif Path(path).is_file() and Path(path).suffix != ".safetensors":
            raise BadInput(f"{path} is neither a .safetensors nor a folder of pictures.")
        else:
            made[name] = path
    return trained, made


def _print_table(text: str, console: Terminal) -> None:
    """Prints Markdown as tables; as it is written where they would lose digits to the terminal's width."""
    widest = max(len(line) for line in text.splitlines() if line.startswith("|"))
    if widest > console.width:
        console.text(text)
    else:
        console.print(Markdown(text))
