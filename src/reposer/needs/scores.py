"""What scoring needs."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from reposer.core import BadInput, Generator
from reposer.core.memory import Need, size_in_words
from reposer.data.pictures import picture_header
from reposer.evaluation import Protocol
from reposer.evaluation.folder import pictures_in
from reposer.evaluation.score import CHUNK
from reposer.metrics import METRICS

from .networks import Counted

PROCESS = 268e6
"""Bytes of Python, torch and this package in a process that scores, without networks."""
EVALUATION = 454e6
"""The same in one that generates what it scores: of gfla-synthetic and TrueFlow, the one that takes more besides its
tensors (gfla-synthetic; TrueFlow takes some 45 MB less)."""
WORKER = 159e6
"""Bytes of a process that decodes and compares, beyond what it shares with the others, without its pictures."""
COMPARED = 33.0
"""Bytes for each pixel of the pairs that one process compares at a time."""
GENERATED = 60.0
"""Bytes for each pixel of a batch that is generated: the pairs, the results and their comparison."""
TENSORS = 1.3
"""Bytes of the process for each byte of tensors that the network has at a time."""
SEEN = 1000
"""Files of which the size is asked, at most."""
BESIDE = "besides the networks that score, which are not counted"


def need_of_scores(
    protocol: Protocol,
    targets: Path,
    workers: int,
    *,
    panels: int = 1,
    without_networks: bool = False,
    most: float | None = None,
) -> tuple[int, Need]:
    """The number of processes, and what they need: of this many (0 = this process alone), or of as many as stay below
    `most` bytes. The number of pairs does not matter. BadInput if one is too many.

    panels: in a file of `targets`, side by side.
    """
    pairs = COMPARED * CHUNK * _pixels(protocol, targets, panels)
    first = {"Python and torch": PROCESS}
    beside = _beside(protocol, without_networks, most, "Give --without-networks")
    return _fewer(workers, {**first, "pairs": pairs}, first, WORKER + pairs, most, beside)


def need_of_evaluation(
    generator: Generator, protocol: Protocol, batch_size: int, workers: int, *, most: float | None = None
) -> tuple[int, int, Need]:
    """The batch size, the number of processes that compare, and what all need: of these, or of as many as stay below
    `most` bytes. BadInput if a batch of one is too large. The generator's numbers are dropped."""
    beside = _beside(protocol, False, most, "Give a --protocol without networks, such as reposer-v1-reconstruction")
    counted = Counted(generator)
    height, width = protocol.size or counted.size

    def need(rows: int) -> Need:
        network = counted.weights + TENSORS * counted.tensors(rows)
        return Need(
            {"Python and torch": EVALUATION, "the network": network, "pairs": GENERATED * rows * height * width}
        )

    rows, found = batch_size, need(batch_size)
    if most is not None and found.memory > most:
        one = need(1)
        _refuse_above(one.memory, most, "--batch-size 1")
        each = need(2).memory - one.memory
        rows = max(1, min(batch_size - 1, 1 + int((most - one.memory) // each)))
        found = need(rows)
    changed = (f"--batch-size {rows} instead of {batch_size}",) if rows != batch_size else ()
    if protocol.size is None:  # no file is written, and this process compares
        return rows, workers, replace(found, changed=changed, beside=beside)
    each = WORKER + COMPARED * CHUNK * height * width
    processes, both = _fewer(workers, found.parts, found.parts, each, most, beside)
    return rows, processes, replace(both, changed=(*changed, *both.changed))


def _fewer(
    workers: int, alone: Mapping[str, float], first: Mapping[str, float], each: float, most: float | None, beside: str
) -> tuple[int, Need]:
    """This many worker processes, or as many as fit. alone: what the one process needs if it has no workers; first: if
    it has some."""
    for number in range(workers, -1, -1):
        parts = {**first, f"{number} that compare": number * each} if number else alone
        changed = (f"--workers {number} instead of {workers}",) if number != workers else ()
        found = Need(parts, changed=changed, beside=beside)
        if most is None or found.memory <= most:
            return number, found
    _refuse_above(sum(alone.values()), most or 0.0, "--workers 0")
    raise AssertionError("it was refused")


def _refuse_above(least: float, most: float, how: str) -> None:
    if least > most:
        raise BadInput(
            f"This needs at least {size_in_words(least)} of memory ({how}); --max-memory allows {size_in_words(most)}. "
            f"Give at least --max-memory {least / 1e6 + 1:.0f}M."
        )


def _pixels(protocol: Protocol, targets: Path, panels: int) -> float:
    """Of one picture as it is compared."""
    if protocol.size is not None:
        return protocol.size[0] * protocol.size[1]
    paths = [*pictures_in(targets).values()]
    most = 0
    for path in paths[:: -(-len(paths) // SEEN) or 1]:
        try:
            height, width = picture_header(path)
        except (BadInput, OSError):  # scoring lists it
            continue
        most = max(most, height * width)
    return most / max(1, panels)


def _beside(protocol: Protocol, without_networks: bool, most: float | None, way_out: str) -> str:
    """What is not counted. BadInput if that is something and the need must stay below `most` bytes."""
    found = bool(protocol.suite) or any(METRICS[name].looks_through_a_network for name in protocol.metrics)
    if without_networks or not found:
        return ""
    if most is not None:
        raise BadInput(
            f"{protocol.name} scores with networks, whose memory is not counted, so --max-memory cannot be kept. "
            f"{way_out}, or leave --max-memory out."
        )
    return BESIDE
