"""GFLA for clips: moving people, moving faces (Ren et al. 2020, arXiv:2003.00696; code at commit 3afa8fe).

A frame is generated from two pictures: the reference, which shows the person's identity, and the previous frame, which
was generated too. Each has its own features and its own flow; the target network takes both in. The first frame's
predecessor is the reference itself.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, ClassVar, Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from reposer.core import SKELETONS, BadInput, FaceLines, Framing, Generator, Layer, Pose, Skeleton
from reposer.core.skeleton import FACE_68
from reposer.generators.registries import GENERATORS
from reposer.nn.face_maps import FACE_CHANNELS, face_maps
from reposer.nn.layout import channels_last
from reposer.nn.maps import PoseMaps, heatmaps, stick_picture

from .blocks import EncoderBlock
from .network import RAW_POSE_SCALE
from .parts import (
    FLOW_LEVELS,
    SOURCE_LEVELS,
    DecodingNet,
    FlowNet,
    Moves,
    NetworksConfig,
    SourceNet,
    attentions,
    doubled,
    first_weights,
    layers_of,
)

STICKS = 3  # channels of the rendered skeleton


@dataclass(frozen=True)
class ClipNetworksConfig(NetworksConfig, ABC):
    """Options shared by people and faces."""

    fusion: Literal["blend", "sum"] = "blend"
    """How a level combines both pictures. "sum" (published): each is blended with the target network's own features and
    the blends are added, which counts the latter up to twice. "blend": weights of the three that add up to 1."""

    @property
    @abstractmethod
    def channels(self) -> int:
        """Channels of a condition's maps."""


@GENERATORS.register("gfla-animation")
@dataclass(frozen=True)
class GFLAAnimationConfig(ClipNetworksConfig):
    """Moving people. The default is our form for 256x256; `dance_2020` is the published network."""

    family: ClassVar[str] = "gfla-animation"

    maps: PoseMaps = PoseMaps()
    """How poses become maps."""
    sticks: Literal["scaled", "raw"] = "scaled"
    """Range of the rendered skeleton beside the bumps: [-1, 1], or (published) 0 to 255."""
    source_skeleton: str = "openpose18"
    """Name of the reference's skeleton. Published: coco17 for the reference and h36m17 for the targets, so that the
    same channels mean different joints."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(SKELETONS[self.maps.skeleton]) != len(SKELETONS[self.source_skeleton]):
            raise BadInput(
                f"The reference's and the driving poses' skeletons have as many joints as each other; "
                f"{self.source_skeleton} and {self.maps.skeleton} do not."
            )

    @property
    def channels(self) -> int:
        return len(SKELETONS[self.maps.skeleton]) + STICKS

    @classmethod
    def dance_2020(cls) -> "GFLAAnimationConfig":
        """The released network for FashionVideo and for iPER. The colours of its rendered skeleton are inferred:
        ours."""
        return cls(
            Framing((256, 256), aspect=1.0),
            fusion="sum",
            normalize_attention="mean",
            normalize_input=True,
            maps=PoseMaps("truncated", "h36m17"),
            sticks="raw",
            source_skeleton="coco17",
        )

    @classmethod
    def mini(cls) -> "GFLAAnimationConfig":
        """Ours for two CPU cores."""
        return cls(
            framing=Framing((128, 96), fit="pad"), width=16, flow_width=12, attention=((1, 3), (2, 3), (3, 3)),
            attention_hidden=32, maps=PoseMaps(sigma=3.0), first_gain=0.7, first_occlusion=1.0,
        )  # fmt: skip

    def tiny(self) -> "GFLAAnimationConfig":
        """The same form at a size for tests."""
        return replace(self, framing=self.framing.tiny(), width=4, flow_width=2, attention_hidden=4)

    def build(self) -> "GFLAAnimation":
        return GFLAAnimation(self)


@GENERATORS.register("gfla-face")
@dataclass(frozen=True)
class GFLAFaceConfig(ClipNetworksConfig):
    """Moving faces. The default is our form for 256x256; `face_2020` is the published network."""

    family: ClassVar[str] = "gfla-face"

    framing: Framing = Framing((256, 256), aspect=1.0)
    """Size of the pictures, whose sides must be multiples of 32, and how a photo is framed."""
    labels: Literal["scaled", "raw"] = "scaled"
    """Range of the map of the face's parts: [0, 1], or (published) 0 to 6."""

    @property
    def channels(self) -> int:
        return FACE_CHANNELS

    @classmethod
    def face_2020(cls) -> "GFLAFaceConfig":
        """The released network for FaceForensics. Which lines its maps show is inferred (nn/face_maps.py)."""
        return cls(fusion="sum", normalize_attention="mean", normalize_input=True, labels="raw")

    @classmethod
    def mini(cls) -> "GFLAFaceConfig":
        """Ours for two CPU cores. Margin: a rendered face picture is 1.9 times as large as the landmarks' box in it."""
        return cls(
            framing=Framing((96, 96), margin=0.45, aspect=1.0), width=16, flow_width=12,
            attention=((1, 3), (2, 3), (3, 3)), attention_hidden=32, first_gain=0.7, first_occlusion=1.0,
        )  # fmt: skip

    def tiny(self) -> "GFLAFaceConfig":
        """The same form at a size for tests."""
        return replace(self, framing=self.framing.tiny(), width=4, flow_width=2, attention_hidden=4)

    def build(self) -> "GFLAFace":
        return GFLAFace(self)


class Memory(NamedTuple):
    """The input of the next frame.

    reference, previous: pictures (B, 3, H, W); *_maps: of their conditions (B, C, H, W); features: the reference's, by
    level.
    """

    reference: Tensor
    reference_maps: Tensor
    features: dict[int, Tensor]
    previous: Tensor
    previous_maps: Tensor


@dataclass(frozen=True)
class ClipOutput:
    """One frame, with the flows and occlusions into the previous frame and into the reference."""

    picture: Float[Tensor, "B 3 H W"]
    source: Float[Tensor, "B 3 H W"]
    previous: Moves
    reference: Moves


class RecurrentGenerator(Generator):
    """Common parts for people and faces; a task defines the maps of a condition and its flow networks.

    A single picture (`generate`) is generated as the first frame of a clip.
    """

    divisor = 2**FLOW_LEVELS
    remembers = True

    config: ClipNetworksConfig
    target_net: "ClipTargetNet"

    def __init__(self, config: ClipNetworksConfig) -> None:
        super().__init__()
        self.config = config
        self.framing = config.framing
        self.unread = tuple(
            f"source_{which}.encoder.{block}."
            for which in ("previous", "reference")
            for block in range(config.levels[0], SOURCE_LEVELS)
        )
        self.source_previous, self.source_reference = SourceNet(config), SourceNet(config)

    @property
    def kernel_sizes(self) -> dict[int, int]:
        """Side of the attended patch, by level."""
        return dict(self.config.attention)

    @abstractmethod
    def maps(
        self, condition: Any, picture: Float[Tensor, "B 3 H W"], *, of_source: bool = False
    ) -> Float[Tensor, "B C H W"]:
        """A condition as maps, on the picture's device and in its dtype."""

    @abstractmethod
    def moves(self, memory: Memory, target_maps: Float[Tensor, "B C H W"]) -> tuple[Moves, Moves]:
        """The moves into the previous frame, and into the reference."""

    def begin(
        self,
        source: Float[Tensor, "B 3 H W"],
        source_pose: Any,
        previous: tuple[Float[Tensor, "B 3 H W"], Any] | None = None,
    ) -> Memory:
        """The memory before the first frame; or after the frame `previous`, which was generated for that condition."""
        maps = self.maps(source_pose, source, of_source=True)
        features = self.source_reference(source)
        if previous is None:
            return Memory(source, maps, features, source, maps)
        picture, pose = previous
        return Memory(source, maps, features, picture, self.maps(pose, picture))

    def frame(self, memory: Memory, target_pose: Any, seeds: Tensor | None = None) -> tuple[ClipOutput, Memory]:
        """The next frame, and the memory for the one after it."""
        target_maps = self.maps(target_pose, memory.reference)
        previous, reference = self.moves(memory, target_maps)
        picture = self.target_net(
            target_maps, self.source_previous(memory.previous), memory.features, previous, reference
        ).contiguous()  # the same layout as a picture that was stored and read back, hence the same bits
        output = ClipOutput(picture, memory.reference, previous, reference)
        return output, memory._replace(previous=picture, previous_maps=target_maps)

    def forward(self, source: Float[Tensor, "B 3 H W"], source_pose: Any, target_pose: Any) -> ClipOutput:
        """The first frame of a clip."""
        return self.frame(self.begin(source, source_pose), target_pose)[0]

    def layers(self, output: ClipOutput) -> Mapping[str, Layer]:
        """Flow and occlusion of each level, into the previous frame and into the reference, for the first frame of a
        clip."""
        return {
            f"{word}: {name}": layer
            for word, moves in (("previous", output.previous), ("reference", output.reference))
            for name, layer in layers_of(moves, output.source).items()
        }


class GFLAAnimation(RecurrentGenerator):
    """People. Two flow networks, one for the previous frame and one for the reference."""

    config: GFLAAnimationConfig

    def __init__(self, config: GFLAAnimationConfig) -> None:
        super().__init__(config)
        self.skeleton = SKELETONS[config.maps.skeleton]
        entering = 3 + 2 * config.channels
        self.flow_previous, self.flow_reference = FlowNet(config, entering), FlowNet(config, entering)
        self.target_net = ClipTargetNet(config)
        first_weights(self, config, [self.flow_previous, self.flow_reference], self.target_net.picture)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def source_skeleton(self) -> Skeleton:
        return SKELETONS[self.config.source_skeleton]

    def maps(
        self, condition: Pose, picture: Float[Tensor, "B 3 H W"], *, of_source: bool = False
    ) -> Float[Tensor, "B C H W"]:
        """One bump of height 1 per visible joint, then the rendered skeleton."""
        pose = condition.to(picture.device)
        bumps = heatmaps(pose, self.config.maps.sigma, coordinates=self.config.maps.coordinates)
        if not self.config.normalize_input:
            bumps = RAW_POSE_SCALE * bumps
        sticks = stick_picture(pose)
        if self.config.sticks == "raw":
            sticks = (sticks + 1) * (255 / 2)
        return torch.cat([bumps, sticks], 1).to(picture.dtype)

    def moves(self, memory: Memory, target_maps: Float[Tensor, "B C H W"]) -> tuple[Moves, Moves]:
        (previous,) = self.flow_previous(torch.cat([memory.previous, memory.previous_maps, target_maps], 1))
        (reference,) = self.flow_reference(torch.cat([memory.reference, memory.reference_maps, target_maps], 1))
        return previous, reference


class GFLAFace(RecurrentGenerator):
    """Faces. One flow network sees both pictures."""

    config: GFLAFaceConfig
    skeleton = FACE_68
    takes_edges = True

    def __init__(self, config: GFLAFaceConfig) -> None:
        super().__init__(config)
        self.flow_net = FlowNet(config, 2 * 3 + 3 * config.channels, branches=2)
        self.target_net = ClipTargetNet(config)
        first_weights(self, config, [self.flow_net], self.target_net.picture)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def maps(
        self, condition: Pose | FaceLines, picture: Float[Tensor, "B 3 H W"], *, of_source: bool = False
    ) -> Float[Tensor, "B C H W"]:
        """The 16 maps of nn/face_maps.py."""
        return face_maps(condition.to(picture.device), labels=self.config.labels).to(picture.dtype)

    def moves(self, memory: Memory, target_maps: Float[Tensor, "B C H W"]) -> tuple[Moves, Moves]:
        previous, reference = self.flow_net(
            torch.cat([target_maps, memory.previous, memory.previous_maps, memory.reference, memory.reference_maps], 1)
        )
        return previous, reference


class ClipTargetNet(DecodingNet):
    """Decodes the target's maps into a picture, taking in features of the previous frame and of the reference on the
    way up."""

    def __init__(self, config: ClipNetworksConfig) -> None:
        super().__init__()
        self.fusion = config.fusion
        widths = doubled(config.width, SOURCE_LEVELS)
        self.encoder = nn.ModuleList(EncoderBlock(i, o) for i, o in pairwise([config.channels, *widths]))
        self.attention_previous, self.attention_reference = attentions(config), attentions(config)
        self.build_way_up(config)

    def forward(
        self,
        target_maps: Float[Tensor, "B C H W"],
        previous_features: dict[int, Float[Tensor, "B _ _ _"]],
        reference_features: dict[int, Float[Tensor, "B _ _ _"]],
        previous: Moves,
        reference: Moves,
    ) -> Float[Tensor, "B 3 H W"]:
        def take(level: int, x: Tensor) -> Tensor:
            if level not in previous.flows:
                return x
            name = str(level)
            of_previous = self.attention_previous[name](previous_features[level], x, previous.flows[level])
            of_reference = self.attention_reference[name](reference_features[level], x, reference.flows[level])
            p, r = previous.occlusions[level].to(x.dtype), reference.occlusions[level].to(x.dtype)
            return fuse(x, of_previous.to(x.dtype), of_reference.to(x.dtype), p, r, self.fusion)

        x = channels_last(target_maps)
        for block in self.encoder:
            x = block(x)
        return self.decode(x, take)


def fuse(
    x: Float[Tensor, "B C h w"],
    previous: Float[Tensor, "B C h w"],
    reference: Float[Tensor, "B C h w"],
    p: Float[Tensor, "B 1 h w"],
    r: Float[Tensor, "B 1 h w"],
    fusion: Literal["blend", "sum"],
) -> Float[Tensor, "B C h w"]:
    """Combines the target network's features, the previous frame and the reference; p and r: how far the latter are
    trusted."""
    if fusion == "sum":
        return torch.lerp(x, previous, p) + torch.lerp(x, reference, r)
    # p and r as independent probabilities: take neither, one of them, or (both) half of each
    both = p * r / 2
    return (1 - p) * (1 - r) * x + (p - both) * previous + (r - both) * reference
