"""Driving: a person generated in every pose of a true clip, frame by frame, next to that clip. Frames are streamed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from reposer.core import BadInput, Clip, FaceLines, Framing, Generator, Pose
from reposer.core.choices import Smoothing
from reposer.core.framing import cut, frame_picture, frame_pose, size_of
from reposer.core.generator import refuse_not_finite
from reposer.core.images import to_uint8
from reposer.core.pose import Edges
from reposer.core.samples import Condition
from reposer.core.tracks import gaps_filled, smoothed
from reposer.data.clip_dataset import WholeClip
from reposer.metrics.clips import Motion
from reposer.nn.steady import steadied

from .masks import MASKS, of_the_body

LIMB_RADIUS = 1 / 32
"""Half a limb's width in the mask of limbs, as a share of the picture's height: that of our protocols of pictures."""
Frames = tuple[UInt8[Tensor, "H W 3"], UInt8[Tensor, "H W 3"]]


@dataclass(frozen=True)
class DrivenClip:
    """A generated clip next to the true one; frames are streamed.

    frames: (generated, true) in order.
    motions: how the true clip moves, for each frame but the first; None = unknown.
    limbs: where the limbs of each true frame are; None in frames whose joints are not trusted, or for all.
    """

    name: str
    frames: Iterable[Frames]
    motions: Iterable[Motion] | None = None
    limbs: Iterable[Bool[Tensor, "H W"] | None] | None = None


def drive(
    generator: Generator,
    clip: Clip | WholeClip,
    *,
    source: int = 0,
    seed: int = 0,
    motions: Iterable[Motion] | None = None,
    poses: Condition | None = None,
    smoothing: Smoothing = "none",
    steady: float = 0.0,
) -> DrivenClip:
    """The clip's person, generated in every pose of the clip, next to the clip in the generator's frame without
    padding.

    A frame without a visible person is driven by the previous pose.

    source: the frame of a `Clip` that shows the person's appearance; other clips have a separate picture for that.
    motions: of the clip's own frames, for each but the first. They apply only if the frame does not scale the clip.
    poses: one row per frame, in the generator's frame, to drive with instead of the clip's own, which still locate the
        limbs.
    smoothing: of the poses before they drive.
    steady: strength of a `Steadier` over the generated frames; 0 = none.
    """
    framed = _framed(clip, generator.framing, source)
    box = generator.framing.content_box(framed.size)
    size = size_of(box)
    if motions is not None and size != framed.size:
        raise BadInput(
            f"The motion of {framed.name} is known at {framed.size[0]}x{framed.size[1]} pixels, but "
            f"{type(generator).__name__} generates it at {size[0]}x{size[1]}. Make the clip at that size, or leave its "
            f"motion out."
        )
    device = generator.device

    def generated() -> Iterator[Float[Tensor, "3 H W"]]:
        given = smoothed(framed.poses if poses is None else poses, framed.fps, smoothing)
        driving = (gaps_filled(given) if isinstance(given, Pose) else given).to(device)
        photo, pose = framed.source.to(device), framed.source_pose.to(device)
        for t, picture in enumerate(generator.animate(photo, pose, driving, seed=seed)):
            refuse_not_finite(picture, f"frame {t} of {framed.name}")
            yield picture

    def frames() -> Iterator[Frames]:
        pictures = steadied(generated(), steady) if steady else generated()
        for picture, true in zip(pictures, framed.frames(), strict=True):
            yield _bytes_of(picture, box), _bytes_of(true, box)

    return DrivenClip(framed.name, frames(), motions, limbs_of(framed, box))


def copied(clip: Clip | WholeClip, framing: Framing, *, source: int = 0) -> DrivenClip:
    """The unchanged source next to each frame of the clip: the baseline of every generator. Otherwise as `drive`."""
    framed = _framed(clip, framing, source)
    box = framing.content_box(framed.size)
    still = _bytes_of(framed.source, box)
    frames = ((still, _bytes_of(true, box)) for true in framed.frames())
    return DrivenClip(framed.name, frames, limbs=limbs_of(framed, box))


def limbs_of(clip: WholeClip, box: Edges) -> Iterator[Bool[Tensor, "H W"] | None] | None:
    """Where the limbs of each frame are, cut to `box` as the frames are; None for clips not driven by points."""
    points = clip.poses.points if isinstance(clip.poses, FaceLines) else clip.poses
    return _limbs(of_the_body(points), clip.trusted, box) if isinstance(points, Pose) else None


def _limbs(poses: Pose, trusted: Bool[Tensor, "T"], box: Edges) -> Iterator[Bool[Tensor, "H W"] | None]:
    for pose, trust in zip(poses, trusted.tolist(), strict=True):
        if not (trust and pose.visible.any()):
            yield None
            continue
        own = Pose.stack([pose.cut(box)])
        mask = MASKS["limbs"](own, own, LIMB_RADIUS * size_of(box)[0])[0, 0].bool().cpu()
        yield mask if mask.any() else None


def _framed(clip: Clip | WholeClip, framing: Framing, source: int) -> WholeClip:
    """The clip in a generator's frame, with its frame `source` as the reference. A `WholeClip` is already framed."""
    if isinstance(clip, WholeClip):
        return clip
    poses = frame_pose(clip.poses, framing)
    return WholeClip(
        name=clip.name,
        source=frame_picture(clip.frames[source], framing),
        source_pose=poses[source],
        poses=poses,
        fps=clip.fps,
        size=(clip.frames.shape[-2], clip.frames.shape[-1]),
        trusted=torch.ones(len(clip), dtype=torch.bool),
        open_frames=lambda: (frame_picture(frame, framing) for frame in clip.frames),
    )


def _bytes_of(picture: Float[Tensor, "3 h w"], box: Edges) -> UInt8[Tensor, "H W 3"]:
    return to_uint8(cut(picture, box)).cpu()
