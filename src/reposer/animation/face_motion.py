"""One face driven by another: the source person's landmarks, moving as the driver's do.

The published face animation drives a person by themselves only. Here the driver's motion is told apart into
head motion (a similarity: shift, turn, scale) and expression (what is left), each in units of the driver's own
face, and given to the source's face in units of its own. Places are complex numbers x + iy: a similarity is
z -> a z + b, and division by a direction turns into its axes.
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

STRETCH = 3.0  # an expression grows or shrinks at most so much: a neutral face with shut eyes has no eye height


def _places(*joints: str) -> list[int]:
    return [FACE_68.index(joint) for joint in joints]


# Landmarks that move with the skull, not with the expression.
RIGID = _places(
    *(f"{side}_eye_{end}" for side in ("right", "left") for end in ("outer", "inner")),
    *(f"nose_bridge_{n}" for n in range(1, 5)),
)
# What a face is measured by, at rest: a turning head moves the eyes in units of its width, not of their distance.
SIZED_BY = [*RIGID, *_places("right_jaw_1", "left_jaw_1")]


@dataclass(frozen=True)
class Similarity:
    """z -> turn * z + shift, on places x + iy; |turn| is the scale."""

    turn: Complex[Tensor, ""]
    shift: Complex[Tensor, ""]

    def __call__(self, z: Complex[Tensor, "*K"]) -> Complex[Tensor, "*K"]:
        return self.turn * z + self.shift

    def back(self, z: Complex[Tensor, "*K"]) -> Complex[Tensor, "*K"]:
        return (z - self.shift) / self.turn

    @classmethod
    def fit(cls, start: Complex[Tensor, "K"], end: Complex[Tensor, "K"]) -> "Similarity | None":
        """The one that brings `start` nearest to `end`, in squares; None for fewer than two places."""
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
    """A part of the face whose expression has a size of its own.

    ends: two landmarks on its axis. gaps: pairs (above, below) whose distance across the axis is its opening;
    without them it is measured by its length alone.
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
    """The source person's landmarks, frame by frame, moving as the driver does; in the source's picture.

    source: one face (FACE_68). driving: one face per frame, in pixels of whatever picture. neutral: the driver's
    face that corresponds to `source` (its expression, its place); None takes the first frame with a face.

    Head: the driver turns, moves and grows against the neutral frame; the source does so about its own centre,
    by the same angle and scale, and as many widths of its face. Expression: what is left moves the source's
    landmarks in the size of its face; an eye opens by the same share of its neutral opening, a mouth moves in
    widths of the mouth. A frame depends on the frames up to it only.

    A landmark is missing where the source, the neutral frame or the frame lacks it; all are, in a frame with
    fewer than two rigid landmarks, and before the neutral frame. Raises BadInput for other skeletons and for a
    source or neutral face on which the two cannot be laid over each other.
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
    """What lays the one face's landmarks over the other's as well as can be; all that both show count. Single faces.

    Raises BadInput where they share no two places.
    """
    shared = face.visible.cpu() & other.visible.cpu()
    found = Similarity.fit(_complex(face)[shared], _complex(other)[shared])
    if found is None:
        raise BadInput(
            f"The driver's face cannot be laid over the drawn one: they share {int(shared.sum())} landmarks, and two in "
            "different places are needed."
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
    """Places x + iy in double precision: a track that drives itself comes back as it was."""
    xy = torch.where(pose.visible[..., None], pose.xy, 0.0).cpu().double()
    return torch.complex(xy[:, 0], xy[:, 1])


@dataclass(frozen=True)
class _Transfer:
    """What is known before the first frame.

    source, neutral: places x + iy, and which of them are seen. onto: lays the neutral face over the source.
    """

    pose: Pose
    source: Complex[Tensor, "K"]
    neutral: Complex[Tensor, "K"]
    seen: Bool[Tensor, "K"]
    neutral_seen: Bool[Tensor, "K"]
    onto: Similarity

    @classmethod
    def between(cls, source: Pose, neutral: Pose) -> "_Transfer":
        """Raises BadInput where the faces share no two places by which one can be laid over the other."""
        z, n = _complex(source), _complex(neutral)
        source_seen, neutral_seen = source.visible.cpu(), neutral.visible.cpu()
        shared = [k for k in SIZED_BY if source_seen[k] and neutral_seen[k]]
        onto = Similarity.fit(n[shared], z[shared])
        if onto is None:
            raise BadInput(
                f"The source and the driver's neutral face cannot be laid over each other: of the {len(SIZED_BY)} "
                f"landmarks on eyes, nose and ends of the jaw they share {len(shared)}, and two in different places are "
                "needed. Choose another photo or another neutral frame."
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
        """Offsets within a feature, in its own axes and stretched to the source's; the feature's shift stays."""
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
    """A feature of the source against the driver's: directions of its axis (of length 1), ratios of sizes."""

    source_axis: Complex[Tensor, ""]
    driver_axis: Complex[Tensor, ""]
    along: float
    across: float

    @classmethod
    def of(
        cls, feature: _Feature, source: Complex[Tensor, "K"], driver: Complex[Tensor, "K"], seen: Bool[Tensor, "K"]
    ) -> "_Measure | None":
        """None where a landmark that it is measured by is missing, or its ends fall together."""
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
