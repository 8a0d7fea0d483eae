"""`reposer import-weights FAMILY FILE --recipe NAME --out X.safetensors`: convert a released checkpoint, strictly."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from reposer.core import BadInput
from reposer.core.outputs import check_output_file
from reposer.core.terminal import Terminal

from .options import called


def run(arguments: Sequence[str]) -> int:
    return called(import_weights, arguments, "import-weights", __doc__)


def import_weights(
    family: Positional[Literal["gfla", "patn", "pg2"]],
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
        "patn-fashion-2019",
        "patn-market-2019",
        "pg2-market-2017",
        "pg2-fashion-2017",
    ],
    out: Path,
) -> int:
    """Every tensor of the checkpoint is used once and tied copies are verified; anything else is an error.

    PG2's checkpoint is TensorFlow's: three lines of Python in docs/training.md turn it into a .npz first.

    Args:
        family: model family of the checkpoint.
        checkpoint: the released file; GFLA's `*_net_G.pth`, PATN's `*_net_netG.pth`, or a `.npz` of PG2's variables by
            their names.
        recipe: name of the published network.
        out: the `.safetensors` to write.
    """
    check_output_file(out, endings=(".safetensors",), inputs=(checkpoint,))

    from reposer.generators.released import RELEASED, import_released

    if RELEASED[recipe].family != family:
        known = ", ".join(name for name, network in RELEASED.items() if network.family == family)
        raise BadInput(f"{recipe} is no released network of {family}; those are: {known}. Give --recipe one of them.")
    generator = import_released(checkpoint, recipe, out)
    count = sum(p.numel() for p in generator.parameters())
    Terminal(stderr=True).say(
        f"{count:,} parameters of {recipe} in {out}; `reposer.load('{out}')` gives the generator."
    )
    return 0
