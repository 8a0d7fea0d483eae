"""What a step of training sees, whole."""

from collections.abc import Iterator
from typing import Any

from reposer.training.loader import batches_in_parts


def batches(dataset: Any, **which: Any) -> Iterator[Any]:
    """The batch of each step. which: as `batches_in_parts` takes it, in one part."""
    for ((batch, _),) in batches_in_parts(dataset, **which):
        yield batch
