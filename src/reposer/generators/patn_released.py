"""Imports PATN's released weights (`latest_net_netG.pth`) strictly: every tensor is used once, or is of a kind that the
authors discard themselves.

The names were read in reports of users and the authors' answers to them (issues 12, 47, 82 and 85 of their project); no
released file was available for comparison. Layers are numbered in the order in which a picture passes them, paddings,
norms, activations and dropouts included:

* `model.stream1_down`, `model.stream2_down`: the encoders of the picture and of both poses' maps: padding, then
  convolution 1, norm 2, ReLU 3, convolution 4, ...
* `model.att.N.conv_block_stream1`, `...stream2`: block N, its picture and its pose: convolution 1, norm 2, ReLU 3,
  dropout 4, padding 5, convolution 6, and of the picture norm 7; without dropouts 5 and 6 in the place of 6 and 7.
* `model.stream1_up`: the decoder: transposed convolution 0, norm 1, ReLU 2, ..., padding, and the last convolution.

Running statistics of instance norms, which files from before torch 0.4 have, are discarded, as the authors advise: the
network normalises each picture on its own. Counts of batches of batch norms are not used either.
"""

from collections.abc import Iterator
from pathlib import Path

from reposer.core import Generator
from reposer.nn.published import refuse_another_layout
from reposer.nn.weights import fill, read_checkpoint, unfilled

from .patn import PATNConfig
from .released import RELEASED, Released

DISCARDED = ("running_mean", "running_var", "num_batches_tracked")
BATCH_NORM = {"weight": "weight", "bias": "bias", "mean": "running_mean", "variance": "running_var"}
"""Our name of a batch norm's tensor: its released name."""


def read_released(checkpoint: Path, config: PATNConfig, name: str = "this network") -> Generator:
    """The generator of `config` with the tensors of a file in the layout above, in eval mode; messages say `name`."""
    tensors = read_checkpoint(checkpoint)
    generator: Generator = unfilled(config.build)
    own = generator.state_dict()
    dropouts = "model.att.0.conv_block_stream2.6.weight" in tensors  # stream2 ends with a convolution
    names: dict[str, str] = {}
    for ours, theirs in layers(config, dropouts=dropouts):
        kinds = BATCH_NORM if ours.endswith("norm") else {"weight": "weight", "bias": "bias"}
        names |= {f"{ours}.{kind}": f"{theirs}.{released}" for kind, released in kinds.items()}
    names = {
        ours: theirs for ours, theirs in names.items() if ours in own
    }  # instance norms and some convolutions lack some
    assert names.keys() == own.keys()

    used = set(names.values())
    tensors = {key: t for key, t in tensors.items() if key in used or not key.endswith(DISCARDED)}
    refuse_another_layout(tensors, {theirs: own[ours].shape for ours, theirs in names.items()}, checkpoint, name)
    fill(generator, {ours: tensors[theirs] for ours, theirs in names.items()}, checkpoint)
    return generator.eval()


RELEASED.add("patn-fashion-2019", Released("patn", PATNConfig.fashion, read_released))
RELEASED.add("patn-market-2019", Released("patn", PATNConfig.market, read_released))


def layers(config: PATNConfig, *, dropouts: bool) -> Iterator[tuple[str, str]]:
    """(our name, released name) of every convolution, and of every norm, whether or not it has weights."""
    for ours, theirs in (("picture_encoder", "stream1_down"), ("pose_encoder", "stream2_down")):
        for n in range(config.downsamplings + 1):
            yield f"branch.{ours}.{2 * n}", f"model.{theirs}.{1 + 3 * n}"
            yield f"branch.{ours}.{2 * n + 1}.norm", f"model.{theirs}.{2 + 3 * n}"
    second = 6 if dropouts else 5
    for n in range(config.blocks):
        for ours, theirs in (("picture", "conv_block_stream1"), ("pose", "conv_block_stream2")):
            block, released = f"branch.cascade.{n}.{ours}", f"model.att.{n}.{theirs}"
            yield f"{block}.first", f"{released}.1"
            yield f"{block}.between.norm", f"{released}.2"
            yield f"{block}.second", f"{released}.{second}"
        yield f"branch.cascade.{n}.picture_norm", f"model.att.{n}.conv_block_stream1.{second + 1}"
    for n in range(config.downsamplings):
        yield f"branch.decoder.{2 * n}", f"model.stream1_up.{3 * n}"
        yield f"branch.decoder.{2 * n + 1}.norm", f"model.stream1_up.{3 * n + 1}"
    yield f"branch.decoder.{2 * config.downsamplings}", f"model.stream1_up.{3 * config.downsamplings + 1}"
