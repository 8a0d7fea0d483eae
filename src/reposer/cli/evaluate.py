"""`reposer evaluate MODEL --data DIR`: score a generator under a named protocol, against copying the source."""

from collections.abc import Sequence
from typing import Annotated

from tyro.conf import Positional, arg

from reposer.core.outputs import check_output_folder
from reposer.core.terminal import Terminal
from reposer.scoring.options import Scoring

from .option_values import MOST_WORKERS, within
from .options import called


def run(arguments: Sequence[str]) -> int:
    return called(evaluate_model, arguments, "evaluate", __doc__, flat=True)


def evaluate_model(model: Positional[str], how: Annotated[Scoring, arg(name="")]) -> int:
    """Print a table and write a report: for pairs as JSON, HTML and CSV; for clips as JSON, with sheets of their
    frames; for views of objects as JSON, with a plot over the azimuth.

    Under a protocol that says how files become pictures, the generated pictures are written to a folder
    OUT/generated-PROTOCOL plus the first digits of a checksum of all that they are made from (weights, data, poses,
    pairs, options), and scored as `reposer score` does. After an interruption, the same command reuses them.

    Exit code 1: a number of the protocol is absent; the reason is printed.

    Args:
        model: a shipped model's name (see `reposer models`), a `.safetensors`, a run's folder, or hf://OWNER/NAME.
    """
    within("--batch-size", how.common.batch_size, 1)
    within("--workers", how.pairs.workers, 0, MOST_WORKERS)
    from reposer.scoring.outcome import own_folder

    check_output_folder(how.common.out or own_folder(model))

    from reposer.scoring.model import score_model

    from .reports import tell_outcome

    outcome = score_model(model, how)
    tell_outcome(outcome, Terminal())
    return 0 if outcome.complete else 1
