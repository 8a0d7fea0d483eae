"""The frames that `reposer animate` writes."""

from collections.abc import Iterable, Iterator
from itertools import islice

from jaxtyping import UInt8
from torch import Tensor

from reposer.animation.driving import Driving
from reposer.animation.video import MovedFrame, beside, sticks
from reposer.core import Pose, Skeleton
from reposer.core.choices import Smoothing
from reposer.core.terminal import Terminal
from reposer.core.tracks import OneEuro, smoothed
from reposer.probes.motion import MotionNetwork, clean

from .progress import counted


def calm(
    moves: Driving, skeleton: Skeleton, smooth: Smoothing, cleaner: MotionNetwork | None, console: Terminal
) -> tuple[Driving, Pose | Iterable[Pose]]:
    """The driving poses, cleaned and smoothed as requested. Filters that need the whole clip run over it first."""
    poses = moves.poses()
    if not isinstance(poses, Pose) and (cleaner is not None or smooth == "two-sided"):
        moves = moves.found(counted(poses, "looking for joints", moves.num_frames, console))
        poses = moves.poses()
    if cleaner is not None:
        assert isinstance(poses, Pose)
        poses = clean(poses, cleaner, skeleton=skeleton)
    fps = float(moves.fps)
    if isinstance(poses, Pose):
        found = smoothed(poses, fps, smooth)
        assert isinstance(found, Pose)
        return moves, found
    if smooth == "one-euro":
        smoother = OneEuro()
        return moves, (smoother(pose, t / fps) for t, pose in enumerate(poses))
    return moves, poses


def shown(
    frames: Iterable[MovedFrame], moves: Driving, photo: Tensor | None, largest: int, start: int
) -> Iterator[tuple[UInt8[Tensor, "H W 3"], MovedFrame]]:
    """The picture to write for each frame: the result; with a photo: photo, driving frame and result side by side."""
    if photo is None:
        yield from ((frame.picture, frame) for frame in frames)
        return
    others = islice(moves.frames(), start, None) if moves.clip is not None else None
    other = photo
    for frame in frames:
        other = sticks(frame.pose) if others is None else next(others, other)
        yield beside([photo, other, frame.picture], largest), frame
