"""`reposer evaluate MODEL --data DIR`: score a generator under a named protocol, against copying the source."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from tyro.conf import Positional, arg

from reposer.core.outputs import check_output_folder
from reposer.core.terminal import Terminal
from reposer.scoring.options import Scoring

from .option_values import MOST_WORKERS, size, within
from .options import called


def run(arguments: Sequence[str]) -> int:
    return called(evaluate_model, arguments, "evaluate", __doc__, flat=True)


def evaluate_model(model: Positional[str], how: Annotated[Scoring, arg(name="")]) -> int:
    """Print a table and write a report: for pairs as JSON, HTML and CSV; for clips as JSON, with sheets of their
    frames; for views of objects as JSON, with a plot over the azimuth.

    Under a protocol that says how files become pictures, the generated pictures are written to a folder
    OUT/generated-PROTOCOL plus the first digits of a checksum of all that they are made from (weights, data, poses,
    pairs, options), and scored as `reposer score` does. After an interruption, the same command reuses them.
    Under the others they are kept only with --keep-pictures, in OUT/pictures, which `reposer score` reads, too.

    Exit code 1: a number of the protocol is absent; the reason is printed.

    Args:
        model: a shipped model's name (see `reposer models`), a `.safetensors`, a run's folder, or hf://OWNER/NAME.
    """
    within("--batch-size", how.common.batch_size, 1)
    within("--workers", how.pairs.workers, 0, MOST_WORKERS)
    most = size("--max-memory", how.common.max_memory)
    from reposer.scoring.outcome import own_folder

    check_output_folder(how.common.out or own_folder(model))

    from reposer.scoring.model import score_model

    from .reports import tell_outcome

    how = _within(model, how, most)
    outcome = score_model(model, how)
    tell_outcome(outcome, Terminal())
    return 0 if outcome.complete else 1


def _within(model: str, how: Scoring, most: float | None) -> Scoring:
    """Says what the evaluation needs; the options with numbers that fit into `most` bytes."""
    from reposer.core.device import chosen_device
    from reposer.core.memory import NotCounted
    from reposer.evaluation import PROTOCOLS
    from reposer.generators import load
    from reposer.needs.scores import need_of_evaluation
    from reposer.scoring.model import kind_of_data
    from reposer.scoring.pairs import PROTOCOL

    from .needed import begins, if_it_can_be_told, refuse_elsewhere

    common, pairs = how.common, how.pairs
    device = chosen_device(common.device)
    if device.type != "cpu" or pairs.engine != "local":
        refuse_elsewhere(most, "a cluster" if pairs.engine != "local" else str(device))
        return how
    generator = load(model)
    with if_it_can_be_told(most):
        if (kind := kind_of_data(generator, common.data)) != "pairs":
            raise NotCounted(f"the model is of pairs of people, and these are {kind}")
        rule = PROTOCOLS[common.protocol or PROTOCOL]
        rows, workers, need = need_of_evaluation(generator, rule, common.batch_size, pairs.workers, most=most)
        begins(need)
        how = replace(how, common=replace(common, batch_size=rows), pairs=replace(pairs, workers=workers))
    return how
