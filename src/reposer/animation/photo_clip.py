"""Writes the clip of a photo's person or face that moves as something else does, for `reposer animate` and the page."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Generator as Passing
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

from jaxtyping import UInt8
from torch import Tensor

from reposer.core import Generator, Pose, Skeleton
from reposer.core.choices import QUALITY, OtherSide, Smoothing
from reposer.core.code import code_digest
from reposer.core.skeleton import FACE_68
from reposer.core.tracks import OneEuro, smoothed
from reposer.nn.steady import Steadier
from reposer.probes.motion import MotionNetwork, clean

from .driving import Driving
from .segments import SegmentedClip
from .video import MovedFrame, PhotoAnimation, beside, no_larger, sticks

CODE = ("animation", "core", "data", "engines", "estimators", "generators", "nn", "probes", "pipeline.py")
"""The parts of the package that decide a generated frame: frames of two versions are not mixed in one clip."""

Item = TypeVar("Item")


@runtime_checkable
class Counted(Protocol):
    """The items as they come, and somebody is told how many have passed. done: that passed in an earlier run."""

    def __call__(self, items: Iterable[Item], title: str, total: int, done: int = 0) -> Passing[Item, None, None]: ...


@dataclass(frozen=True)
class ClipOptions:
    """How a clip is made; the help of `reposer animate` explains each. largest: in pixels."""

    smooth: Smoothing = "none"
    steady: bool = False
    same_person: bool = False
    fit: bool = False
    retarget: bool = True
    other_side: OtherSide = "mirrored"
    edges: bool = False
    side_by_side: bool = False
    sound: bool = True
    largest: int = 1920
    quality: int = QUALITY
    seed: int = 0


@dataclass(frozen=True)
class PhotoClip:
    """A clip that was written.

    size: (height, width) of the photo in it. missing: driving frames without a person. has_sound: whether it has the
    driving clip's. inferred, left_undone: as of `PhotoAnimation`, in sentences.
    """

    frames: int
    fps: Fraction
    size: tuple[int, int]
    missing: int
    has_sound: bool
    inferred: str
    left_undone: tuple[str, ...]


def write_photo_clip(
    out: Path,
    generator: Generator,
    photo: UInt8[Tensor, "H W 3"],
    source_pose: Pose,
    moves: Driving,
    options: ClipOptions,
    *,
    cleaner: MotionNetwork | None = None,
    inputs: Mapping[str, str] | None = None,
    anew: bool = False,
    say: Callable[[str], None],
    counted: Counted,
) -> PhotoClip:
    """Write an MP4 (H.264) with the frame rate of `moves`; a run that was interrupted goes on where it stopped.

    source_pose: of the person in the photo, in its pixels. cleaner: cleans the driving poses first.
    inputs: names and digests of files that decide the frames, besides those of `moves`: what an interrupted run is
        recognised by. anew: discard what an interrupted run left.
    say: hears what is decided, a sentence each.
    """
    assert moves.clip is not None or not options.edges, "a track alone has no pictures to take edges from"
    photo = no_larger(photo, options.largest)
    source = source_pose.resize((photo.shape[0], photo.shape[1]))
    about = (
        moves.about | dict(inputs or {}) | {"source pose": _digest(source), "version of Reposer": code_digest(*CODE)}
    )
    about |= {name.replace("_", " "): str(value) for name, value in vars(options).items() if name not in _WRITING}
    clip = SegmentedClip(out, moves.fps, about, quality=options.quality, anew=anew)
    if clip.done:
        again = " Their joints are looked for again first." if moves.track is None else ""
        say(f"{clip.done} frames were generated before; the clip goes on after them.{again}")
    of_another = generator.skeleton == FACE_68 and not options.same_person
    if moves.size == source.size and not (options.fit or of_another):
        say("Clip and photo have one size: the joints are taken where they are (else: --fit).")
    try:
        moves, poses = _calm(moves, generator.skeleton, options.smooth, cleaner, counted)
        animation = PhotoAnimation(
            generator,
            photo,
            source,
            poses,
            same_person=options.same_person,
            fit=options.fit,
            retargeted=options.retarget,
            other_side=options.other_side,
            edge_frames=moves.frames() if options.edges else None,
            seed=options.seed,
            steadier=Steadier() if options.steady else None,
        )
        frames = animation.frames(clip.done, clip.memory)
        pictures = _shown(frames, moves, photo if options.side_by_side else None, options.largest, clip.done)
        with closing(counted(pictures, "generating", moves.num_frames, clip.done)) as passing:
            for frame, moved in passing:
                clip.add(frame, moved.memory)
    except KeyboardInterrupt as stop:
        clip.stop()
        stop.args = (f"stopped; {clip.done} frames are safe. The same command goes on after them.",)
        raise
    except BaseException:
        clip.stop()
        raise
    heard = moves.clip if options.sound and moves.clip is not None and moves.clip.has_sound else None
    clip.finish(sound=None if heard is None else heard.path)
    names = ", ".join(animation.inferred)
    return PhotoClip(
        clip.done,
        clip.fps,
        source.size,
        animation.missing,
        heard is not None,
        f"the driving clip shows no legs; these joints are the photo's own: {names}." if names else "",
        tuple(f"In {count} of {clip.done} frames: {why}" for why, count in animation.left_undone.items()),
    )


_WRITING = ("sound", "quality")
"""Options that decide no frame."""


def _digest(pose: Pose) -> str:
    """The first digits of a checksum of the whole pose."""
    content = [pose.skeleton.name, pose.size, pose.xy.tolist(), pose.visible.tolist()]
    return hashlib.sha256(repr(content).encode()).hexdigest()[:16]


def _calm(
    moves: Driving, skeleton: Skeleton, smooth: Smoothing, cleaner: MotionNetwork | None, counted: Counted
) -> tuple[Driving, Pose | Iterable[Pose]]:
    """The driving poses, cleaned and smoothed as requested. Filters that need the whole clip run over it first."""
    poses = moves.poses()
    if not isinstance(poses, Pose) and (cleaner is not None or smooth == "two-sided"):
        moves = moves.found(counted(poses, "looking for joints", moves.num_frames))
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


def _shown(
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
