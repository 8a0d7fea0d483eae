"""What drives an animation: a clip with joints from a track or a pose estimator, or a track alone."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from glob import escape
from itertools import islice
from pathlib import Path

import torch
from jaxtyping import UInt8
from torch import Tensor

from reposer.core import BadInput, Pose
from reposer.data.clips import choose_track_of
from reposer.data.poses import LEAST_FPS, MOST_FPS, choose_track, read_recording, recording_files
from reposer.data.stick_figures import refuse_stick_figure
from reposer.data.video_files import VideoFile, shown_at
from reposer.estimators import POSE_ESTIMATORS, PeopleEstimator, PoseEstimator
from reposer.estimators.following import follow
from reposer.estimators.people_choice import Person
from reposer.nn.weights import sha256

BLANK_FRAMES, BLANK = (50, 2.0)  # leading frames searched for a non-blank one; a blank one's deviation in grey levels
DEFAULT_ESTIMATOR = "movenet"
MOST_FRAMES = 1_000_000
"""Most frames of a requested clip: above eleven hours at 25 frames per second."""


@dataclass(frozen=True)
class Driving:
    """A pose per frame at a constant rate, with the frames themselves if there is a clip.

    fps: frames per second. num_frames: if the file states it. size: (height, width) of the frames, in pixels.
    track: all poses, if known. clip: the video, if there is one. estimator: estimates its poses if there is no track,
    those of `person` (None = the largest).
    about: files and estimator, for receipts: equal values mean equal poses. notes: what was decided and left out when
    the track was read, one sentence each.
    """

    fps: Fraction
    num_frames: int
    size: tuple[int, int]
    track: Pose | None
    clip: VideoFile | None
    estimator: PoseEstimator | None
    about: dict[str, str]
    notes: Sequence[str] = ()
    person: Person | None = None

    def poses(self) -> Pose | Iterator[Pose]:
        """The track's rows, or poses estimated lazily from the clip's frames."""
        if self.track is not None:
            return self.track
        assert self.estimator is not None
        assert self.clip is not None
        return follow(self.estimator, self.frames(), str(self.clip.path), self.person)

    def frames(self) -> Iterator[UInt8[Tensor, "H W 3"]]:
        """The clip's frames, starting with the first."""
        assert self.clip is not None, "a track alone has no frames"
        return self.clip.frames(self.fps)

    def found(self, poses: Pose | Iterable[Pose]) -> "Driving":
        """A copy with all of these poses as its track."""
        rows = poses if isinstance(poses, Pose) else Pose.stack(list(poses))
        return replace(self, track=rows, num_frames=len(rows))


def frame_rate(fps: float | None) -> Fraction | None:
    """Frames per second as an exact number; None stays None."""
    return None if fps is None else Fraction(fps).limit_denominator(10_000)


def open_driving(
    path: Path,
    *,
    track: Path | None = None,
    estimator: str | None = None,
    fps: Fraction | None = None,
    size: tuple[int, int] | None = None,
    person: Person | None = None,
) -> Driving:
    """Open a clip, or a track: a JSON file or a folder of OpenPose files, one per frame (see `data.poses`).

    A clip's joints come from `track`; else, if no `estimator` is named, from the only track beside it (CLIP.json or
    CLIP.*.json); else from the named pose estimator, by default MoveNet. A clip with a variable frame rate is resampled
    to a constant one.

    fps: frames per second of the output; None = the clip's or the track's own. size: (height, width) of the frames in
    which the joints of a track without a size were found; of a clip, or of a smaller or larger copy of it. person: whom
    the pose estimator follows; None = the largest.
    """
    if fps is not None and not LEAST_FPS <= fps <= MOST_FPS:
        raise BadInput(
            f"A clip is made at {LEAST_FPS:g} to {MOST_FPS:g} frames per second, not at {float(fps):g}. Give another "
            "--fps."
        )
    if path.suffix.lower() == ".json" or path.is_dir():
        _refuse_choice(person, path)
        return _of_track(path, fps, size)
    clip = VideoFile(path)
    about = {"driving": sha256(path)[:16]}
    fps = fps or clip.fps
    _refuse_endless(path, clip.num_frames, clip.fps, fps)
    order = torch.tensor(clip.order(fps))
    if track is None and estimator is None:
        track = track_beside(path)
    if track is None:
        if size is not None:
            raise BadInput(
                f"--driving-size is for a track without a size; of {path} the frames tell it. Leave it out, or give "
                "--track."
            )
        first = _first_shown(clip)
        looks = named_estimator(estimator)
        about["joints"] = looks.description
        about |= {} if person is None else {"person": str(person)}
        several = [] if first is None or person is not None else _several(looks, first, path)
        return Driving(fps, len(order), clip.size, None, clip, looks, about, several, person)
    _refuse_choice(person, track)
    chosen = choose_track_of(clip, track, size)
    about["track"] = _digest(track)
    about |= {} if size is None else {"driving size": f"{size[0]}x{size[1]}"}
    return Driving(fps, len(order), clip.size, chosen.pose[order], clip, None, about, chosen.notes)


def _of_track(path: Path, fps: Fraction | None, size: tuple[int, int] | None) -> Driving:
    if not path.exists():
        raise BadInput(f"There is no driving file {path}. Give a clip, or a track of joints in JSON.")
    recording = read_recording(path)
    chosen, own = choose_track(recording, size), recording.fps
    rows = chosen.pose
    if fps is None and own is None:
        raise BadInput(f"{path} does not say how many frames a second has. Say it: --fps 25.")
    rate = fps or Fraction(own or 0).limit_denominator(10_000)
    times = recording.seconds
    if times is None and fps is not None and own is not None:
        times = [t / own for t in range(len(rows))]
    if times is not None and len(times) > 1:
        _refuse_endless(path, len(rows), (len(times) - 1) / times[-1], rate)
        rows = rows[torch.tensor(shown_at(times, rate))]
    about = {"driving": _digest(path), "driving size": f"{rows.size[0]}x{rows.size[1]}"}
    return Driving(rate, len(rows), rows.size, rows, None, None, about, chosen.notes)


def _refuse_endless(path: Path, count: int, own: Fraction | float, fps: Fraction) -> None:
    """Refuse a clip of `count` frames at rate `own` that has too many frames at `fps`."""
    frames = count / float(own) * float(fps)
    if frames > MOST_FRAMES:
        raise BadInput(
            f"{path} has {count} frames at {float(own):g} per second; shown at {float(fps):g} those are {frames:.3g} "
            f"frames, and at most {MOST_FRAMES:,} are made. Give a lower --fps."
        )


def _refuse_choice(person: Person | None, track: Path) -> None:
    if person is not None:
        raise BadInput(
            f"{track} is a track, which says who is followed; --driving-person chooses in a clip without one. Leave it "
            "out."
        )


def _first_shown(clip: VideoFile) -> UInt8[Tensor, "H W 3"] | None:
    """The first frame that is not blank, if it is among the first ones; a clip of stick figures has no person to
    estimate, and is refused.
    """
    frames = islice(clip.frames(), BLANK_FRAMES)
    first = next((frame for frame in frames if frame.float().std() > BLANK), None)
    if first is not None:
        refuse_stick_figure(
            first, clip.path, "Give the joints that it was made from: --track FILE, or a track as --driving."
        )
    return first


def _several(estimator: PoseEstimator, frame: UInt8[Tensor, "H W 3"], path: Path) -> list[str]:
    """A note if the frame shows several people."""
    people = estimator.people(frame) if isinstance(estimator, PeopleEstimator) else []
    if len(people) < 2:
        return []
    return [
        f"{path} shows {len(people)} people at its start; the largest is followed. --driving-person chooses another."
    ]


def _digest(track: Path) -> str:
    """Digest of a track's file, or of all files of a folder."""
    digests = [sha256(file) for file in recording_files(track)]
    whole = digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
    return whole[:16]


def track_beside(clip: Path) -> Path | None:
    """CLIP.json or CLIP.*.json in the clip's folder; None if there is none, refused if there are several."""
    stem = escape(clip.stem)
    found = sorted({*clip.parent.glob(f"{stem}.json"), *clip.parent.glob(f"{stem}.*.json")})
    if len(found) > 1:
        raise BadInput(
            f"Beside {clip} lie {len(found)} files that may be its track: {', '.join(p.name for p in found)}. "
            f"Say which: --track FILE."
        )
    return found[0] if found else None


def named_estimator(name: str | None) -> PoseEstimator:
    """The pose estimator of this name; None = the default."""
    return POSE_ESTIMATORS[name or DEFAULT_ESTIMATOR](None)


def joints_of(estimator: PoseEstimator, picture: UInt8[Tensor, "H W 3"]) -> Pose:
    """The pose estimated in one picture."""
    return estimator(picture[None])[0]
