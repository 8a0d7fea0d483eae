"""`reposer import-weights FAMILY FILE --recipe NAME --out X.safetensors`: convert a released checkpoint, strictly."""

from collections.abc import Sequence
from pathlib import Path

from tyro.conf import Positional

from reposer.core import BadInput
from reposer.core.outputs import check_output_file
from reposer.core.shown import one_line
from reposer.core.terminal import Terminal

from .options import called


def run(arguments: Sequence[str]) -> int:
    return called(import_weights, arguments, "import-weights", __doc__)


def import_weights(family: Positional[str], checkpoint: Positional[Path], *, recipe: str, out: Path) -> int:
    """Every tensor of the checkpoint is used once and tied copies are verified; anything else is an error.

    PG2's checkpoint is TensorFlow's: three lines of Python in docs/training.md turn it into a .npz first.

    Args:
        family: model family of the checkpoint: gfla, patn, pg2, or one of another package.
        checkpoint: the released file; GFLA's `*_net_G.pth`, PATN's `*_net_netG.pth`, or a `.npz` of PG2's variables by
            their names.
        recipe: name of the published network, for example gfla-fashion-2020; an unknown one is answered with all names.
        out: the `.safetensors` to write.
    """
    check_output_file(out, endings=(".safetensors",), inputs=(checkpoint,))

    from reposer.generators.released import RELEASED, import_released

    if RELEASED[recipe].family != family:
        of_families: dict[str, list[str]] = {}
        for name, network in RELEASED.items():
            of_families.setdefault(network.family, []).append(name)
        if family in of_families:
            those = f"those are: {', '.join(of_families[family])}. Give --recipe one of them."
        else:
            those = f"families with released networks are: {', '.join(sorted(of_families))}."
        raise BadInput(f"{recipe} is no released network of {one_line(family)}; {those}")
    generator = import_released(checkpoint, recipe, out)
    count = sum(p.numel() for p in generator.parameters())
    Terminal(stderr=True).say(
        f"{count:,} parameters of {recipe} in {out}; `reposer.load('{out}')` gives the generator."
    )
    return 0
