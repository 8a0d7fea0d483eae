"""Drive one face by another: the source person's landmarks move as the driver's do.

The published face animation drives a person only by themselves. Here the driver's motion is split into head motion
(a similarity: shift, rotation, scale) and expression (the residual), both in units of the driver's face, and applied
to the source's face in its own units. Points are complex numbers x + iy: a similarity is z -> a z + b, and dividing
by a direction rotates into its axes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Complex
from torch import Tensor

from reposer.core.errors import BadInput
from reposer.core.pose import Pose
from reposer.core.skeleton import FACE_68

STRETCH = 3.0  # largest factor by which an expression grows or shrinks: a neutral face with shut eyes has no eye height


def _places(*joints: str) -> list[int]:
    return [FACE_68.index(joint) for joint in joints]


# Landmarks that move with the skull, not with the expression.
RIGID = _places(
    *(f"{side}_eye_{end}" for side in ("right", "left") for end in ("outer", "inner")),
    *(f"nose_bridge_{n}" for n in range(1, 5)),
)
# Landmarks that give the size of a neutral face: a turning head moves the eyes in units of its width, not of their
# distance.
SIZED_BY = [*RIGID, *_places("right_jaw_1", "left_jaw_1")]


@dataclass(frozen=True)
class Similarity:
    """z -> turn * z + shift, on points x + iy; |turn| is the scale."""

    turn: Complex[Tensor, ""]
    shift: Complex[Tensor, ""]

    def __call__(self, z: Complex[Tensor, "*K"]) -> Complex[Tensor, "*K"]:
        return self.turn * z + self.shift

    def back(self, z: Complex[Tensor, "*K"]) -> Complex[Tensor, "*K"]:
        return (z - self.shift) / self.turn

    @classmethod
    def fit(cls, start: Complex[Tensor, "K"], end: Complex[Tensor, "K"]) -> "Similarity | None":
        """The least-squares similarity from `start` to `end`; None for fewer than two points."""
        if len(start) < 2:
            return None
        from_middle, to_middle = start - start.mean(), end - end.mean()
        spread, reached = from_middle.abs().square().sum(), (from_middle.conj() * to_middle).sum()
        if spread == 0 or reached == 0:
            return None
        turn = reached / spread
        return cls(turn, end.mean() - turn * start.mean())


@dataclass(frozen=True)
class _Feature:
    """A part of the face whose expression is scaled separately.

    ends: two landmarks on its axis. gaps: pairs (above, below) whose distance across the axis is its opening;
    without them only its length counts.
    """

    joints: list[int]
    ends: list[int]
    gaps: list[list[int]]


def _eye(side: str) -> _Feature:
    above, below = (_places(*(f"{side}_eye_{at}_{end}" for end in ("outer", "inner"))) for at in ("top", "bottom"))
    ends = _places(f"{side}_eye_outer", f"{side}_eye_inner")
    return _Feature([*ends, *above, *below], ends, [above, below])


_MOUTH = _Feature(
    [k for k, joint in enumerate(FACE_68.joints) if "lips" in joint or "mouth" in joint],
    _places("right_lips", "left_lips"),
    [],
)
FEATURES = (_eye("right"), _eye("left"), _MOUTH)


def driven_by(source: Pose, driving: Iterable[Pose], *, neutral: Pose | None = None) -> Iterator[Pose]:
    """The source person's landmarks, frame by frame, moving as the driver does, in pixels of the source's picture.

    source: one face (FACE_68). driving: one face per frame, in pixels of any picture. neutral: the driver's
    face that matches `source` in expression and position; None takes the first frame with a face.

    Head: the driver's rotation, scale and shift against the neutral frame are applied to the source about its own
    centre, with the shift in face widths. Expression: the residual moves the source's landmarks, scaled to its face;
    an eye opens by the same share of its neutral opening, a mouth moves in mouth widths. A frame depends only on the
    frames up to it.

    A landmark is missing if the source, the neutral frame or the current frame lacks it; all are missing in a frame
    with fewer than two rigid landmarks, and before the neutral frame. Raises BadInput for other skeletons and for
    source and neutral faces that cannot be aligned.
    """
    for name, face in (("source", source), ("neutral face", neutral)):
        if face is not None:
            _admit(face, name)
            if face.visible[RIGID].sum() < 2:
                raise BadInput(
                    f"The {name} shows fewer than two of the landmarks between the eyes and the nose. "
                    "Choose a picture in which they are found."
                )
    return _driven(source, driving, neutral)


def laid_over(face: Pose, other: Pose) -> Similarity:
    """The similarity that best aligns `face` with `other`, by all landmarks that both show. Single faces.

    Raises BadInput if they share fewer than two points.
    """
    shared = face.visible.cpu() & other.visible.cpu()
    found = Similarity.fit(_complex(face)[shared], _complex(other)[shared])
    if found is None:
        raise BadInput(
            f"The driver's face cannot be laid over the generated one: they share {int(shared.sum())} landmarks, and "
            "two in different places are needed."
        )
    return found


def _driven(source: Pose, driving: Iterable[Pose], neutral: Pose | None) -> Iterator[Pose]:
    transfer = None if neutral is None else _Transfer.between(source, neutral)
    for frame in driving:
        _admit(frame, "driving face")
        if transfer is None and (frame.visible.cpu() & source.visible.cpu())[RIGID].sum() > 1:
            transfer = _Transfer.between(source, frame)
        yield _unseen(source) if transfer is None else transfer(frame)


def _admit(face: Pose, name: str) -> None:
    assert face.xy.dim() == 2, f"the {name} is one face, not a batch"
    if face.skeleton != FACE_68:
        raise BadInput(
            f"The {name} has landmarks of {face.skeleton.name}; a face is driven by those of {FACE_68.name}. "
            f"Find them with an estimator that gives {FACE_68.name}."
        )


def _unseen(source: Pose) -> Pose:
    return Pose(torch.zeros_like(source.xy), torch.zeros_like(source.visible), source.size, FACE_68)


def _complex(pose: Pose) -> Complex[Tensor, "K"]:
    """Points x + iy in double precision, so that a track driving itself is returned unchanged."""
    xy = torch.where(pose.visible[..., None], pose.xy, 0.0).cpu().double()
    return torch.complex(xy[:, 0], xy[:, 1])


@dataclass(frozen=True)
class _Transfer:
    """Everything that is known before the first frame.

    source, neutral: points x + iy and which of them are visible. onto: aligns the neutral face with the source.
    """

    pose: Pose
    source: Complex[Tensor, "K"]
    neutral: Complex[Tensor, "K"]
    seen: Bool[Tensor, "K"]
    neutral_seen: Bool[Tensor, "K"]
    onto: Similarity

    @classmethod
    def between(cls, source: Pose, neutral: Pose) -> "_Transfer":
        """Raises BadInput if the faces share too few points to be aligned."""
        z, n = _complex(source), _complex(neutral)
        source_seen, neutral_seen = source.visible.cpu(), neutral.visible.cpu()
        shared = [k for k in SIZED_BY if source_seen[k] and neutral_seen[k]]
        onto = Similarity.fit(n[shared], z[shared])
        if onto is None:
            raise BadInput(
                f"The source and the driver's neutral face cannot be laid over each other: of the {len(SIZED_BY)} "
                f"landmarks on eyes, nose and ends of the jaw they share {len(shared)}, and two in different places "
                "are needed. Choose another photo or another neutral frame."
            )
        return cls(source, z, n, source_seen & neutral_seen, neutral_seen, onto)

    def __call__(self, frame: Pose) -> Pose:
        place, seen = _complex(frame), frame.visible.cpu()
        shared = [k for k in RIGID if seen[k] and self.neutral_seen[k]]
        head = Similarity.fit(self.neutral[shared], place[shared])
        if head is None:
            return _unseen(self.pose)
        seen = seen & self.seen
        offset = self.onto.turn * (head.back(place) - self.neutral)
        posed = self.source + self._in_its_own_size(torch.where(seen, offset, 0.0), seen)
        moved = self.onto(head(self.onto.back(posed)))  # the head's motion, in the source's face
        xy = torch.stack([moved.real, moved.imag], -1).to(self.pose.xy)
        visible = seen.to(self.pose.visible.device)
        return Pose(torch.where(visible[:, None], xy, 0.0), visible, self.pose.size, FACE_68)

    def _in_its_own_size(self, offset: Complex[Tensor, "K"], seen: Bool[Tensor, "K"]) -> Complex[Tensor, "K"]:
        """Scale the offsets within each feature, along its axes, to the source's size; the feature's shift is kept."""
        offset = offset.clone()
        for feature, measure in zip(FEATURES, self._measures, strict=True):
            if measure is None or not seen[feature.ends].all():
                continue
            shift = offset[feature.ends].mean()
            within = (offset[feature.joints] - shift) / measure.driver_axis
            within = torch.complex(within.real * measure.along, within.imag * measure.across)
            offset[feature.joints] = shift + within * measure.source_axis
        return offset

    @cached_property
    def _measures(self) -> "list[_Measure | None]":
        laid_over = self.onto(self.neutral)
        return [_Measure.of(feature, self.source, laid_over, self.seen) for feature in FEATURES]


@dataclass(frozen=True)
class _Measure:
    """A feature of the source relative to the driver's: unit directions of its axis, and size ratios."""

    source_axis: Complex[Tensor, ""]
    driver_axis: Complex[Tensor, ""]
    along: float
    across: float

    @classmethod
    def of(
        cls, feature: _Feature, source: Complex[Tensor, "K"], driver: Complex[Tensor, "K"], seen: Bool[Tensor, "K"]
    ) -> "_Measure | None":
        """None if a landmark that it needs is missing, or its ends coincide."""
        if not seen[[*feature.ends, *(k for row in feature.gaps for k in row)]].all():
            return None
        ours, theirs = (face[feature.ends[1]] - face[feature.ends[0]] for face in (source, driver))
        if ours == 0 or theirs == 0:
            return None
        ours_axis, theirs_axis = ours / ours.abs(), theirs / theirs.abs()
        along = _ratio(ours.abs(), theirs.abs())
        across = along
        if feature.gaps:
            above, below = feature.gaps
            across = _ratio(
                ((source[below] - source[above]) / ours_axis).imag.mean(),
                ((driver[below] - driver[above]) / theirs_axis).imag.mean(),
            )
        return cls(ours_axis, theirs_axis, along, across)


def _ratio(ours: Tensor, theirs: Tensor) -> float:
    tiny = torch.finfo(theirs.dtype).tiny
    return float((ours.abs() / theirs.abs().clamp(min=tiny)).clamp(1 / STRETCH, STRETCH))
