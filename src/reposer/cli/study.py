"""`reposer study real-or-generated|best|results`: people compare pictures on a page that this machine serves."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import Positional

from reposer.core import BadInput
from reposer.core.outputs import check_output_file
from reposer.core.terminal import Terminal

from .option_values import seeded, some, within
from .options import called_by_name


def run(arguments: Sequence[str]) -> int:
    return called_by_name(
        {"real-or-generated": real_or_generated, "best": best, "results": results}, arguments, "study", __doc__
    )


def real_or_generated(
    *,
    real: Path,
    generated: tuple[str, ...],
    out: Path = Path("study.db"),
    trials: int = 120,
    practice: int = 10,
    checks: int = 4,
    failed_checks: int = 1,
    show_seconds: float = 1.0,
    seed: int = 0,
    host: str = "127.0.0.1",
    port: int = 8000,
) -> int:
    """One picture at a time: a photograph, or generated? Ends with Ctrl-C; the same command resumes.

    Args:
        real: folder of the true targets.
        generated: NAME=FOLDER for each system; the folder's pictures have the names of the real ones.
        out: the file of the answers.
        trials: scored questions per participant; half are real pictures.
        practice: questions before them that do not count.
        checks: attention checks among them: questions with a scrambled picture.
        failed_checks: participants who fail more checks are excluded.
        show_seconds: a picture disappears after this many seconds; 0 = it stays until the answer.
        seed: seed of all random orders.
        host: 0.0.0.0 accepts participants from the whole network, if they have the address with its token, which is
            printed; otherwise only this machine.
        port: TCP port of the page; 0 = a free one.
    """
    some("--generated", generated)
    _check(out, trials, practice, checks, failed_checks, show_seconds, seed, port)

    from reposer.study import Study, open_folders

    from .study_page import serve

    folders = open_folders(real, _systems(generated))
    study = Study(
        design="real-or-generated",
        systems=tuple(_systems(generated)),
        names=folders.names,
        trials=trials,
        practice=practice,
        checks=checks,
        failed_checks=failed_checks,
        show_seconds=show_seconds,
        seed=seed,
    )
    return serve(study, folders, out, host, port)


def best(
    *,
    real: Path,
    generated: tuple[str, ...],
    sources: Path,
    poses: Path | None = None,
    out: Path = Path("study.db"),
    trials: int = 60,
    practice: int = 4,
    checks: int = 4,
    failed_checks: int = 1,
    show_seconds: float = 0.0,
    seed: int = 0,
    host: str = "127.0.0.1",
    port: int = 8000,
) -> int:
    """All systems' pictures of one pair in random order: which is the best? Ends with Ctrl-C; the same command resumes.

    Args:
        real: folder of the true targets.
        generated: NAME=FOLDER for each system; the folder's pictures have the names of the real ones.
        sources: folder of the pairs' source pictures, under the same names.
        poses: folder of pictures of the target poses; none = the true target is shown instead.
        out: the file of the answers.
        trials: scored questions per participant.
        practice: questions before them that do not count.
        checks: attention checks among them: questions with one intact picture among scrambled ones.
        failed_checks: participants who fail more checks are excluded.
        show_seconds: the pictures disappear after this many seconds; 0 = they stay until the answer.
        seed: seed of all random orders.
        host: 0.0.0.0 accepts participants from the whole network, if they have the address with its token, which is
            printed; otherwise only this machine.
        port: TCP port of the page; 0 = a free one.
    """
    some("--generated", generated)
    _check(out, trials, practice, checks, failed_checks, show_seconds, seed, port)

    from reposer.study import Study, open_folders
    from reposer.study.design import POSE, REAL, SOURCE

    from .study_page import serve

    folders = open_folders(real, _systems(generated), sources=sources, poses=poses)
    study = Study(
        design="best",
        systems=tuple(_systems(generated)),
        names=folders.names,
        trials=trials,
        beside=(SOURCE, REAL if poses is None else POSE),
        practice=practice,
        checks=checks,
        failed_checks=failed_checks,
        show_seconds=show_seconds,
        seed=seed,
    )
    return serve(study, folders, out, host, port)


def results(answers: Positional[Path], *, json_file: Annotated[Path | None, tyro.conf.arg(name="json")] = None) -> int:
    """Print the rates with intervals, and which differences are significant; also while the study is running.

    Args:
        answers: the file of a study.
        json_file: also write everything to this file.
    """
    if json_file is not None:
        check_output_file(json_file, endings=(".json",), inputs=(answers,), option="--json")

    from reposer.core.disk import write_text
    from reposer.study import results as results_of

    found = results_of(answers)
    Terminal().print(found.tables())
    if json_file is not None:
        write_text(json_file, json.dumps(found.to_plain(), indent=2, allow_nan=False) + "\n")
    return 0


def _check(
    out: Path, trials: int, practice: int, checks: int, failed_checks: int, seconds: float, seed: int, port: int
) -> None:
    counts = {"--practice": practice, "--checks": checks, "--failed-checks": failed_checks}
    for option, count in counts.items():
        within(option, count, 0)
    within("--trials", trials, 1)
    within("--show-seconds", seconds, 0)
    seeded("--seed", seed)
    within("--port", port, 0, 65_535)
    check_output_file(out)


def _systems(generated: Sequence[str]) -> dict[str, Path]:
    systems = {}
    for given in generated:
        name, equals, folder = given.partition("=")
        if not (name and equals and folder):
            raise BadInput(f"--generated takes NAME=FOLDER, such as ours=runs/test, not '{given}'.")
        if name in systems:
            raise BadInput(f"--generated names '{name}' twice; every system needs a name of its own.")
        systems[name] = Path(folder)
    return systems
