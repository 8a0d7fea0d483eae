"""RATE-Net (Yang et al. 2020, arXiv:2005.12486) and DRN (Yang et al. 2021, arXiv:2005.12494), two presets of one
family.

The pose branch, PATN's network, generates a coarse picture I_c and features F_t. The detail branch generates a residual
R from F_t as content and the source's style; R is added to I_c. DRN also generates the face, from the source's face and
the target's facial joints, and blends it in under a soft mask M:

    I = (1 - M) (I_c + R) + M face

RATE-Net's structure follows its developers' public code. DRN's code was never published; whatever readers of the paper
do not report is inferred, and marked so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from reposer.core import SKELETONS, BadInput, Framing, Generator, Layer, Pose, Skeleton
from reposer.core.skeleton import OPENPOSE_18, PERSON_88
from reposer.generators.registries import GENERATORS
from reposer.nn.call import call
from reposer.nn.layout import channels_last
from reposer.nn.maps import PoseMaps
from reposer.nn.pose_transfer import Encoder, PoseBranch, PoseTransfer

from .face import (
    FACE_JOINTS,
    LANDMARKS,
    NEEDED_JOINTS,
    Faces,
    cut_out,
    face_boxes,
    face_maps,
    face_mask,
    landmarks_seen,
    put_back,
    with_margin,
)
from .modules import AdaINPlace, DetailModule, StyleEncoding

DIVISOR = 8  # both sides of a picture must be multiples of this
STYLE_HALVINGS, FACE_STYLE_HALVINGS = 4, 3
FACE_DOWN = 2  # halvings of the face's joint maps, and doublings of its picture


@GENERATORS.register("drn")
@dataclass(frozen=True)
class DRNConfig:
    """Both branches. The defaults are DRN with a light pose branch; `rate_net` and `drn` are the authors' depth."""

    family: ClassVar[str] = "drn"

    framing: Framing = Framing((256, 176))
    """Size of the pictures, whose sides must be multiples of 8, and how a photo is framed."""
    width: int = 64
    """Channels of the first layer of the pose branch, doubled at each downsampling, and of the style encoder, doubled
    twice."""
    downsamplings: int = 2
    """Halvings of the pose branch, 1 to 3. RATE-Net's code has 3; 2 is PATN's and makes a network a quarter as large.
    Not reported for DRN (inferred)."""
    blocks: int = 9
    """Pose-attentional blocks of the pose branch."""
    dropout: float = 0.5
    """Dropout rate in these blocks."""
    res_blocks: int = 2
    """Residual blocks of the global detail module. Not reported for DRN (inferred from RATE-Net's code)."""
    style_encoding: StyleEncoding = "residual"
    """"plain": strided convolutions (RATE-Net's code). "residual": residual blocks (DRN's paper)."""
    latent: int = 128
    """Length of a style code."""
    hidden: int = 256
    """Width of the hidden layers between a style code and the AdaIN parameters."""
    adain_in: AdaINPlace = "res"
    """"res": the style sets the norms of the residual blocks (RATE-Net's code). "all": the decoder's as well."""
    face: bool = True
    """Whether the face has a detail module of its own. True: DRN; False: RATE-Net."""
    face_input: Literal["joints", "landmarks"] = "joints"
    """The condition of the face module: the target's five facial joints, or its 68 landmarks (needs a skeleton that has
    them). Which one the authors used is not reported (inferred)."""
    face_size: int = 64
    """Side of the face pictures, in pixels (inferred); a multiple of 8."""
    face_width: int = 64
    """Channels of the first layers of the face module (inferred)."""
    face_blocks: int = 4
    """Residual blocks of the face module (inferred)."""
    face_sigma: float = 3.0
    """Width of a joint's bump in the face module's maps, in pixels of 64 across a face (inferred)."""
    maps: PoseMaps = PoseMaps()
    """How poses become maps. With the skeleton "person88" a pose may include the face's landmarks and the box of a face
    detector, which replaces the box derived from the joints."""

    def __post_init__(self) -> None:
        size = self.framing.size
        if min(size) < 32 or any(side % DIVISOR for side in size):
            raise BadInput(
                f"DRN generates pictures whose sides are at least 32 and divide by {DIVISOR}, not {size[0]}x{size[1]}."
            )
        if self.downsamplings not in (1, 2, 3):
            raise BadInput(f"DRN's pose branch halves its maps 1 to 3 times, not {self.downsamplings}.")
        counts = (self.width, self.blocks, self.res_blocks, self.latent, self.hidden)
        if min(*counts, self.face_width, self.face_blocks) < 1 or self.face_sigma <= 0:
            raise BadInput(f"DRN's widths, numbers of blocks and face_sigma are above 0; this came: {self}.")
        if not 0 <= self.dropout < 1:
            raise BadInput(f"DRN's dropout is in [0, 1), not {self.dropout}.")
        if self.face_size < 16 or self.face_size % DIVISOR:
            raise BadInput(
                f"DRN's face pictures have a side from 16 on that divides by {DIVISOR}, not {self.face_size}."
            )
        skeleton = SKELETONS[self.maps.skeleton]
        absent = [joint for joint in NEEDED_JOINTS if joint not in skeleton]
        if self.face and absent:
            raise BadInput(
                f"DRN finds faces by {', '.join(NEEDED_JOINTS)}; {skeleton.name} has no {', '.join(absent)}. "
                f"Use openpose18, or face=False."
            )

        unmarked = [joint for joint in LANDMARKS if joint not in skeleton]
        if self.face_input == "landmarks" and (unmarked or not self.face):
            raise BadInput(
                f"DRN paints a face after landmarks with face=True and a skeleton that has them (person88); this "
                f"came: face={self.face}, {skeleton.name}."
            )

    @property
    def body(self) -> Skeleton:
        """The skeleton that the pose branch sees: the joints without landmarks and boxes."""
        return OPENPOSE_18 if self.maps.skeleton == PERSON_88.name else SKELETONS[self.maps.skeleton]

    @classmethod
    def rate_net(cls) -> "DRNConfig":
        """RATE-Net as in its developers' code: no face module, a style encoder of strided convolutions."""
        return cls(downsamplings=3, style_encoding="plain", face=False, maps=PoseMaps("truncated"))

    @classmethod
    def drn(cls) -> "DRNConfig":
        """DRN, with the depth of RATE-Net's pose branch (inferred)."""
        return cls(downsamplings=3, maps=PoseMaps("truncated"))

    @classmethod
    def rate_net_mini(cls) -> "DRNConfig":
        """RATE-Net for two CPU cores."""
        return replace(cls.drn_mini(), style_encoding="plain", face=False)

    @classmethod
    def drn_landmarks_mini(cls) -> "DRNConfig":
        """DRN for two CPU cores, with faces conditioned on landmarks."""
        return replace(cls.drn_mini(), maps=PoseMaps(skeleton=PERSON_88.name, sigma=3.0), face_input="landmarks")

    @classmethod
    def drn_mini(cls) -> "DRNConfig":
        """DRN for two CPU cores."""
        return cls(
            framing=Framing((128, 96), fit="pad"),
            width=16,
            blocks=4,
            dropout=0.0,
            latent=64,
            hidden=128,
            face_size=32,
            face_width=16,
            face_blocks=2,
            maps=PoseMaps(sigma=3.0),
        )

    def tiny(self) -> "DRNConfig":
        """The same form at a size for tests."""
        return replace(
            self,
            framing=self.framing.tiny(),
            width=16 >> self.downsamplings,
            blocks=2,
            res_blocks=min(self.res_blocks, 2),
            latent=8,
            hidden=8,
            face_size=16,
            face_width=4 if self.face_input == "joints" else 3,
            face_blocks=1,
            maps=replace(self.maps, sigma=2.0),
        )

    def build(self) -> "DRNGenerator":
        return DRNGenerator(self)


@dataclass(frozen=True)
class DRNOutput:
    """The result of one forward pass. The picture is not clamped: it is a sum of two in [-1, 1].

    face, mask, faces: None without a face module. `faces` are the target's boxes with their margin; where one is not
    valid, its mask is 0 and its face is meaningless.
    """

    picture: Float[Tensor, "B 3 H W"]
    coarse: Float[Tensor, "B 3 H W"]
    residual: Float[Tensor, "B 3 H W"]
    features: Float[Tensor, "B C h w"]
    face: Float[Tensor, "B 3 S S"] | None = None
    mask: Float[Tensor, "B 1 H W"] | None = None
    faces: Faces | None = None


class Styles(NamedTuple):
    """What the detail branch takes from the source, and whether the source's face is visible."""

    everywhere: Float[Tensor, "B N"]
    face: Float[Tensor, "B F"] | None
    face_seen: Bool[Tensor, "B"] | None


class DRNGenerator(Generator):
    """Both branches, kept apart because they are trained as two players; `forward` is `coarse`, then `replenish`."""

    divisor = DIVISOR

    config: DRNConfig

    def __init__(self, config: DRNConfig) -> None:
        super().__init__()
        self.config = config
        self.framing = config.framing
        self.skeleton = SKELETONS[config.maps.skeleton]
        self.pose_branch = PoseBranch(
            len(config.body),
            width=config.width,
            downsamplings=config.downsamplings,
            blocks=config.blocks,
            upsampling="bilinear",
            dropout=config.dropout,
        )
        self.detail_branch = DetailBranch(config)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(
        self,
        source: Float[Tensor, "B 3 H W"],
        source_pose: Pose,
        target_pose: Pose,
        seeds: Int64[Tensor, "B"] | None = None,
    ) -> DRNOutput:
        """`seeds`: seeds of each row's dropout; None = no dropout."""
        transfer = self.coarse(source, source_pose, target_pose, seeds)
        styles = self.styles(source, source_pose)
        return self.replenish(transfer.features, transfer.picture, styles, target_pose)

    def coarse(
        self,
        source: Float[Tensor, "B 3 H W"],
        source_pose: Pose,
        target_pose: Pose,
        seeds: Int64[Tensor, "B"] | None = None,
    ) -> PoseTransfer:
        """I_c and F_t, from the pose branch alone."""
        source_maps, target_maps = self.pose_maps(source_pose, source), self.pose_maps(target_pose, source)
        return call(self.pose_branch, channels_last(source), source_maps, target_maps, seeds)

    def styles(self, source: Float[Tensor, "B 3 H W"], source_pose: Pose) -> Styles:
        """What the detail branch takes from the source."""
        return self.detail_branch.styles(channels_last(source), _in_type_of(source, source_pose))

    def replenish(
        self, features: Float[Tensor, "B C h w"], coarse: Float[Tensor, "B 3 H W"], styles: Styles, target_pose: Pose
    ) -> DRNOutput:
        """The final picture, by the detail branch alone, from the pose branch's results."""
        return call(self.detail_branch, features, coarse, styles, _in_type_of(coarse, target_pose))

    def pose_maps(self, pose: Pose, picture: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B K H W"]:
        """One bump of height 1 per visible joint of the body, on the picture's device and in its dtype."""
        return channels_last(self.config.maps.of(pose.convert(self.config.body), picture))

    def layers(self, output: DRNOutput) -> Mapping[str, Layer]:
        """Coarse picture and residual; for DRN also the face, placed in the picture, and its mask."""
        layers = {"coarse": Layer("picture", output.coarse), "residual": Layer("picture", output.residual)}
        if output.face is not None and output.mask is not None:
            layers |= {"face": Layer("picture", output.face), "mask": Layer("weight", output.mask)}
        return layers

    def left_undone(self, source_pose: Any, target_pose: Any) -> str:
        """A message if the target shows a face that is not generated because a pose lacks its condition; else empty."""
        module = self.detail_branch.face
        if module is None:
            return ""
        source, target = Pose.stack([source_pose]), Pose.stack([target_pose])
        if not face_boxes(target).valid[0] or not face_boxes(source).valid[0]:
            return ""  # seen from behind, or nothing to generate a face from
        return "" if module.can_decode(target)[0] else module.wanted

    def begin(self, source: Tensor, source_pose: Pose, previous: Any = None) -> tuple[Tensor, Tensor, Tensor, Styles]:
        """Encodes the source, once."""
        encoded = self.pose_branch.picture_encoder(channels_last(source))
        return source, encoded, self.pose_maps(source_pose, source), self.styles(source, source_pose)

    def frame(
        self, memory: tuple[Tensor, Tensor, Tensor, Styles], target_pose: Pose, seeds: Tensor | None = None
    ) -> tuple[DRNOutput, Any]:
        source, encoded, source_maps, styles = memory
        transfer = self.pose_branch.transfer(encoded, source_maps, self.pose_maps(target_pose, source))
        return self.replenish(transfer.features, transfer.picture, styles, target_pose), memory


class DetailBranch(nn.Module):
    """The global detail module and, in DRN, the one for the face."""

    def __init__(self, config: DRNConfig) -> None:
        super().__init__()
        self.everywhere = DetailModule(
            config.width * 2**config.downsamplings,
            blocks=config.res_blocks,
            ups=config.downsamplings,
            width=config.width,
            halvings=STYLE_HALVINGS,
            latent=config.latent,
            hidden=config.hidden,
            encoding=config.style_encoding,
            adain_in=config.adain_in,
        )
        # The residual starts at 0, so the picture starts as the coarse one (inferred).
        nn.init.zeros_(self.everywhere.picture.weight)
        self.face = FaceModule(config) if config.face else None

    def styles(self, source: Float[Tensor, "B 3 H W"], source_pose: Pose) -> Styles:
        everywhere = self.everywhere.style(source)
        if self.face is None:
            return Styles(everywhere, None, None)
        seen = face_boxes(source_pose)
        return Styles(everywhere, self.face.style(source, source_pose, seen), seen.valid)

    def forward(
        self, features: Float[Tensor, "B C h w"], coarse: Float[Tensor, "B 3 H W"], styles: Styles, target_pose: Pose
    ) -> DRNOutput:
        residual = self.everywhere.decode(features, styles.everywhere)
        total = coarse + residual
        if self.face is None:
            return DRNOutput(total, coarse, residual, features)
        assert styles.face is not None and styles.face_seen is not None
        seen = face_boxes(target_pose)
        # without a source face or a condition for the target's, only the residual is used
        valid = seen.valid & styles.face_seen & self.face.can_decode(target_pose)
        faces = seen._replace(valid=valid)
        face = self.face.decode(target_pose, faces, styles.face)
        # The mask ends inside the crop; where there is no face it is 0 everywhere.
        mask = face_mask(faces, target_pose.size)
        wide = with_margin(faces, target_pose.size)
        picture = (1 - mask) * total + mask * put_back(face, wide, target_pose.size)
        return DRNOutput(picture, coarse, residual, features, face, mask, wide)


class FaceModule(nn.Module):
    """Generates the face: the target's facial joints are the content, the source's face is the style."""

    def __init__(self, config: DRNConfig) -> None:
        super().__init__()
        self.size, self.sigma = config.face_size, config.face_sigma * config.face_size / 64
        self.joints = FACE_JOINTS if config.face_input == "joints" else LANDMARKS
        self.content = Encoder(len(self.joints), config.face_width, FACE_DOWN)
        self.detail = DetailModule(
            config.face_width * 2**FACE_DOWN,
            blocks=config.face_blocks,
            ups=FACE_DOWN,
            width=config.face_width,
            halvings=FACE_STYLE_HALVINGS,
            latent=config.latent,
            hidden=config.hidden,
            encoding=config.style_encoding,
            adain_in=config.adain_in,
        )

    def style(self, source: Float[Tensor, "B 3 H W"], pose: Pose, faces: Faces) -> Float[Tensor, "B F"]:
        face = cut_out(source, with_margin(faces, pose.size), self.size)
        return self.detail.style(channels_last(face))

    @property
    def wanted(self) -> str:
        """Whatever a target's pose that shows a face lacks of the face module's condition."""
        if self.joints == LANDMARKS:
            return (
                f"No face is painted: this network paints it after a face's {len(LANDMARKS)} landmarks, and fewer than "
                f"{len(LANDMARKS) // 2} of them are in the target's pose. Give poses of {PERSON_88.name} with "
                "landmarks."
            )
        return (
            "No face is painted: this network paints it after nose, eyes and ears, and none of them is in the target's "
            "pose. Give poses that have them."
        )

    def can_decode(self, pose: Pose) -> Bool[Tensor, "B"]:
        """True where the pose has the face module's condition."""
        if self.joints == LANDMARKS:
            return landmarks_seen(pose)
        return pose.visible[:, [pose.skeleton.index(joint) for joint in self.joints]].any(1)

    def decode(self, pose: Pose, faces: Faces, style: Float[Tensor, "B F"]) -> Float[Tensor, "B 3 S S"]:
        maps = face_maps(pose, with_margin(faces, pose.size), self.size, self.sigma, self.joints)
        return self.detail.decode(self.content(channels_last(maps)), style)


def _in_type_of(picture: Tensor, pose: Pose) -> Pose:
    """The pose on the picture's device; a face is located in the picture's precision."""
    pose = pose.to(picture.device)
    return replace(pose, xy=pose.xy.to(picture.dtype))
