"""Imports the authors' released weights strictly: every key is used once, tied copies are compared, nothing is left
over.

The released names follow the authors' code at commit 3afa8fe. A block numbers its layers in the order N A Conv N A
Conv, stages count from the picture (encoder) or from the coarsest map (decoder), and the input of each ReflectPad1
Conv3x3 is stored twice.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from reposer.core import Generator
from reposer.nn.published import refuse_another_layout
from reposer.nn.weights import fill, read_checkpoint, unfilled

from ..released import RELEASED, Released
from .clip_network import GFLAAnimationConfig, GFLAFaceConfig
from .network import GFLAConfig
from .parts import FLOW_LEVELS, SOURCE_LEVELS, NetworksConfig
from .view_network import GFLAViewsConfig

Published = GFLAConfig | GFLAAnimationConfig | GFLAFaceConfig | GFLAViewsConfig


def read_released(checkpoint: Path, config: Published, name: str = "this network") -> Generator:
    """The generator of `config` with the tensors of a released checkpoint, in eval mode; `name` is for messages."""
    tensors = read_checkpoint(checkpoint)
    generator: Generator = unfilled(config.build)
    own = generator.state_dict()
    names = {f"{ours}.{kind}": f"{theirs}.{kind}" for ours, theirs in layers(config) for kind in ("weight", "bias")}
    assert names.keys() == own.keys()
    copies = {f"{copy}.{kind}": f"{layer}.{kind}" for copy, layer in twice(config) for kind in ("weight", "bias")}

    shapes = {theirs: own[ours].shape for ours, theirs in names.items()}
    shapes |= {copy: shapes[layer] for copy, layer in copies.items()}
    refuse_another_layout(tensors, shapes, checkpoint, name, copies)
    fill(generator, {ours: tensors[theirs] for ours, theirs in names.items()}, checkpoint)
    return generator.eval()


for _name, _config in {
    "gfla-fashion-2020": GFLAConfig.fashion_2020,
    "gfla-market-2020": GFLAConfig.market_2020,
    "gfla-dance-fashion-2020": GFLAAnimationConfig.dance_2020,
    "gfla-dance-iper-2020": GFLAAnimationConfig.dance_2020,
    "gfla-face-2020": GFLAFaceConfig.face_2020,
    "gfla-views-car-2020": GFLAViewsConfig.shapenet_2020,
    "gfla-views-chair-2020": GFLAViewsConfig.shapenet_2020,
}.items():
    RELEASED.add(_name, Released("gfla", _config, read_released))


def layers(config: Published) -> Iterator[tuple[str, str]]:
    """(our name, released name) of every layer that has weights."""
    if isinstance(config, GFLAAnimationConfig | GFLAFaceConfig):
        yield from _encoder("source_previous", "source_previous", SOURCE_LEVELS)
        yield from _encoder("source_reference", "source_reference", SOURCE_LEVELS)
        yield from _encoder("target_net", "target", SOURCE_LEVELS)
        yield from _way_up(config, {"attention_previous": "attn_p", "attention_reference": "attn_r"})
    elif isinstance(config, GFLAViewsConfig):
        yield from _encoder("source_net", "source", SOURCE_LEVELS)
        for n in range(FLOW_LEVELS - SOURCE_LEVELS):
            yield from _enlarging(f"target_net.begin.{n}", f"target.block{n}")
        yield from _way_up(config, {"attention": "attn"})
        yield from _block("flow_net.bottom", "flow_net.cat.model.0", ("before", "first", "between", "second"))
        yield "flow_net.bottom.bypass", "flow_net.cat.model.0.shortcut.0"
    else:
        yield from _encoder("source_net", "source", SOURCE_LEVELS)
        yield from _encoder("target_net", "target", SOURCE_LEVELS)
        yield from _way_up(config, {"attention": "attn"})
    for ours, theirs in _flow_nets(config):
        yield from _encoder(ours, theirs, FLOW_LEVELS)
        for n, level in _flow_stages(config):
            yield from _enlarging(f"{ours}.decoder.{level}", f"{theirs}.decoder{n}")
            yield f"{ours}.jump.{level}", f"{theirs}.jump{n}.conv1"
            if level in config.levels:
                yield f"{ours}.flow_head.{level}", f"{theirs}.output{n}"
                yield f"{ours}.occlusion_head.{level}", f"{theirs}.mask{n}.0"


def twice(config: Published) -> Iterator[tuple[str, str]]:
    """(second released name, first released name) of every layer that is stored twice."""
    yield "target.outconv.model.2", "target.outconv.conv1"
    for _, theirs in _flow_nets(config):
        for n, _ in _flow_stages(config):
            yield f"{theirs}.jump{n}.model.2", f"{theirs}.jump{n}.conv1"


def _flow_nets(config: Published) -> tuple[tuple[str, str], ...]:
    """(our name, released name) of the flow networks."""
    if isinstance(config, GFLAAnimationConfig):
        return ("flow_previous", "flow_net_previous"), ("flow_reference", "flow_net_reference")
    return (("flow_net", "flow_net"),)


def _flow_stages(config: NetworksConfig) -> Iterator[tuple[int, int]]:
    """The flow decoder's stages: (their number, the level each arrives at)."""
    return enumerate(range(FLOW_LEVELS - 1, min(config.levels) - 1, -1))


def _encoder(ours: str, theirs: str, depth: int) -> Iterator[tuple[str, str]]:
    for n in range(depth):
        stage = f"{theirs}.encoder{n - 1}" if n else f"{theirs}.block0"
        yield from _block(f"{ours}.encoder.{n}", stage, ("before", "halve", "between", "conv"))


def _way_up(config: NetworksConfig, attentions: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The target network from level 3 up, with its attentions: our name to the released one."""
    for n, level in enumerate(range(SOURCE_LEVELS, 0, -1)):
        for ours, theirs in attentions.items() if level in config.levels else ():
            yield f"target_net.{ours}.{level}.score", f"target.{theirs}{n}.fully_connect_layer.0"
            yield f"target_net.{ours}.{level}.mix", f"target.{theirs}{n}.fully_connect_layer.2"
        yield from _block(
            f"target_net.refine.{level}", f"target.decoder{n}.0.model.0", ("before", "first", "between", "second")
        )
        yield from _enlarging(f"target_net.enlarge.{level}", f"target.decoder{n}.1")
    yield "target_net.picture", "target.outconv.conv1"


def _enlarging(ours: str, theirs: str) -> Iterator[tuple[str, str]]:
    """N A Conv N A ConvTranspose, and the ConvTranspose beside it."""
    yield from _block(ours, theirs, ("before", "conv", "between", "enlarge"))
    yield f"{ours}.bypass", f"{theirs}.shortcut.0"


def _block(ours: str, theirs: str, parts: tuple[str, str, str, str]) -> Iterator[tuple[str, str]]:
    """N A Conv N A Conv: an activation has no weights."""
    for part, place in zip(parts, (0, 2, 3, 5), strict=True):
        yield f"{ours}.{part}", f"{theirs}.model.{place}"
