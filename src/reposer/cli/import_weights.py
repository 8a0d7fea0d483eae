"""`reposer import-weights FAMILY FILE --recipe NAME --out X.safetensors`: read a released checkpoint, strictly."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import tyro
from tyro.conf import Positional

from reposer.core.outputs import check_output_file
from reposer.core.terminal import Terminal


def run(arguments: Sequence[str]) -> int:
    return tyro.cli(import_weights, args=list(arguments), prog="reposer import-weights", description=__doc__)


def import_weights(
    family: Positional[Literal["gfla"]],
    checkpoint: Positional[Path],
    *,
    recipe: Literal[
        "gfla-fashion-2020",
        "gfla-market-2020",
        "gfla-dance-fashion-2020",
        "gfla-dance-iper-2020",
        "gfla-face-2020",
        "gfla-views-car-2020",
        "gfla-views-chair-2020",
    ],
    out: Path,
) -> int:
    """Every tensor of the checkpoint is used once and tied copies are verified; anything else is an error.

    Args:
        family: who made the checkpoint.
        checkpoint: the released `*_net_G.pth`.
        recipe: which published network it is.
        out: the `.safetensors` to write.
    """
    check_output_file(out, endings=(".safetensors",), inputs=(checkpoint,))

    from reposer.generators.gfla.released import import_released

    generator = import_released(checkpoint, recipe, out)
    count = sum(p.numel() for p in generator.parameters())
    Terminal(stderr=True).say(
        f"{count:,} parameters of {recipe} in {out}; `reposer.load('{out}')` gives the generator."
    )
    return 0
