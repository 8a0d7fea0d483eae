"""Imports PG2's released weights from a file of arrays under their TensorFlow names. Every array is used once.

Only TensorFlow reads its checkpoints (`model.ckpt-80000.index`, `.data-00000-of-00001`, ...). Where any version of it
is installed, these lines write the file that is read here (a `.safetensors` of the same arrays works too):

    import numpy, tensorflow
    read = tensorflow.train.load_checkpoint("model.ckpt-80000")
    numpy.savez("pg2.npz", **{name: read.get_tensor(name) for name in read.get_variable_to_shape_map()
        if name.startswith(("Pose_AE/", "UAEnoFC/")) and name.endswith(("/weights", "/biases"))})

The layout follows the authors' code at commit c32f859; no released file was available for comparison:

| in the file | here |
|---|---|
| `Pose_AE/G/...`, `UAEnoFC/G/...` | the coarse and the refining network |
| `Conv`, `Conv_1`, `Conv_2`, ... | the network's convolutions, in the order in which a picture passes them |
| `fully_connected`, `fully_connected_1` | `squeeze` and `spread`, the bottleneck of the coarse network |
| `weights` of a convolution: height, width, in, out | `weight`: out, in, height, width |
| `weights` of the bottleneck: in, out | `weight`: out, in; in both a map's values go by row, pixel, channel |
| `biases` | `bias` |
"""

from collections.abc import Iterator
from pathlib import Path

from torch import Tensor

from reposer.core import Generator
from reposer.nn.array_files import read_arrays
from reposer.nn.published import refuse_another_layout
from reposer.nn.weights import fill, read_checkpoint, unfilled

from .pg2 import SHALLOWER, PG2Config
from .released import RELEASED, Released


def read_released(checkpoint: Path, config: PG2Config, name: str = "this network") -> Generator:
    """The generator of `config` with the arrays of a file in the layout above, in eval mode; `name` is for messages."""
    arrays = read_arrays(checkpoint) if checkpoint.suffix == ".npz" else read_checkpoint(checkpoint)
    generator: Generator = unfilled(config.build)
    own = generator.state_dict()
    names = {
        f"{ours}.{kind}": f"{theirs}/{their_kind}"
        for ours, theirs in layers(config)
        for kind, their_kind in (("weight", "weights"), ("bias", "biases"))
    }
    assert names.keys() == own.keys()
    shapes = {theirs: tuple(as_released(own[ours]).shape) for ours, theirs in names.items()}
    refuse_another_layout(arrays, shapes, checkpoint, name)
    fill(generator, {ours: as_ours(arrays[theirs]) for ours, theirs in names.items()}, checkpoint)
    return generator.eval()


RELEASED.add("pg2-market-2017", Released("pg2", PG2Config.market, read_released))
RELEASED.add("pg2-fashion-2017", Released("pg2", PG2Config.fashion, read_released))


def layers(config: PG2Config) -> Iterator[tuple[str, str]]:
    """(our name, released name) of every layer that has weights."""
    for scope, convolutions in (
        ("Pose_AE/G", coarse_convolutions(config.levels)),
        ("UAEnoFC/G", refine_convolutions(config.levels - SHALLOWER)),
    ):
        for n, ours in enumerate(convolutions):
            yield ours, f"{scope}/Conv_{n}" if n else f"{scope}/Conv"
    yield "coarse_net.squeeze", "Pose_AE/G/fully_connected"
    yield "coarse_net.spread", "Pose_AE/G/fully_connected_1"


def coarse_convolutions(levels: int) -> Iterator[str]:
    """Our names of the coarse network's convolutions, in the order in which a picture passes them."""
    yield "coarse_net.encoder.enter"
    for n in range(levels):
        yield from _both(f"coarse_net.encoder.blocks.{n}")
        if n < levels - 1:
            yield f"coarse_net.encoder.halve.{n}"
    for n in range(levels):
        yield from _both(f"coarse_net.decoder.{n}")
        if n < levels - 1:
            yield f"coarse_net.narrow.{n}"
    yield "coarse_net.picture"


def refine_convolutions(levels: int) -> Iterator[str]:
    """The same of the refining network."""
    yield "refine_net.enter"
    for n in range(levels):
        yield from _both(f"refine_net.encoder.{n}")
        if n < levels - 1:
            yield f"refine_net.halve.{n}"
    for n in range(levels):
        yield from _both(f"refine_net.decoder.{n}")
    yield "refine_net.picture"


def as_released(ours: Tensor) -> Tensor:
    """A tensor of ours in TensorFlow's order of axes."""
    return ours.permute({4: (2, 3, 1, 0), 2: (1, 0), 1: (0,)}[ours.dim()])


def as_ours(released: Tensor) -> Tensor:
    """The inverse of `as_released`."""
    return released.permute({4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[released.dim()])


def _both(block: str) -> Iterator[str]:
    yield f"{block}.first"
    yield f"{block}.second"
