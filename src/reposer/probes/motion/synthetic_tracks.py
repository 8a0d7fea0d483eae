"""Tracks of synthetic people in front of simulated cameras: true ones, and as a detector would find them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from reposer.core import BadInput, Pose
from reposer.core.rng import numpy_stream
from reposer.core.skeleton import COCO_17, H36M_17
from reposer.core.tracks import body_size
from reposer.synthetic.people.body.cameras import sample_camera
from reposer.synthetic.people.render.projection import Projection, axes_of

from .placing import PlacedBy, bridged, knowable
from .synthetic_motions import POINTS, SPLITS, Motion, sample_motion
from .tracks import TrackPair, TrackPairs

LENGTH = 160
"""Frames per motion."""


@dataclass(frozen=True)
class Faults:
    """The simulated errors of a detector. Lengths are in body sizes; probabilities are per frame."""

    tremble: float = 0.009
    """Standard deviation of a joint; wrists and ankles jitter half as much again, and some tracks far more than
    others."""
    lag: float = 0.5
    """Largest share of a frame's error that carries over into the next frame."""
    jump: float = 0.004
    """Probability that a joint is found somewhere else, for up to three frames."""
    lose_joint: float = 0.008
    """Probability that a joint is lost, for four frames on average."""
    lose_person: float = 0.003
    """Probability that the person is lost, for up to eight frames."""
    swap: float = 0.004
    """Probability that arms, legs or both sides are swapped, for up to six frames; for each of the three."""
    hide_legs: float = 0.08
    """Share of the tracks without knees and ankles."""


_RESTLESS = np.array([1.5 if j.endswith(("wrist", "ankle")) else 1.0 for j in COCO_17.joints])
_SWAPPED = (("elbow", "wrist"), ("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist", "hip", "knee", "ankle"))
_EARS = [COCO_17.index(f"{side}_ear") for side in ("left", "right")]
_FRONT = [COCO_17.index(joint) for joint in ("nose", "left_eye", "right_eye")]
_BELOW = [k for k, joint in enumerate(COCO_17.joints) if joint.endswith(("knee", "ankle"))]


class SyntheticTracks(TrackPairs):
    """Item i is one motion of one person; the seed determines camera and faults. Motions are cached in memory."""

    def __init__(
        self,
        size: tuple[int, int],
        split: str,
        frames: int,
        placed_by: PlacedBy,
        *,
        num_motions: int,
        seed: int = 0,
        faults: Faults | None = None,
    ) -> None:
        if split not in SPLITS:
            raise BadInput(f"Synthetic tracks have the splits {', '.join(SPLITS)}, not '{split}'.")
        self.size, self.split, self.seed = size, split, seed
        self.frames, self.placed_by, self.num_motions = frames, placed_by, num_motions
        self.faults = faults or Faults()
        self._motions: dict[int, Motion] = {}

    def __len__(self) -> int:
        return self.num_motions

    def pair(self, i: int, seed: int) -> TrackPair:
        if i not in self._motions:
            self._motions[i] = sample_motion(self.split, self.seed, i, LENGTH)
        stream = numpy_stream(seed, 0x7AC5)
        flat = filmed(self._motions[i], self.size, stream)
        places = flat[..., :2]
        clean, exact = (
            Pose(
                places[:, [POINTS.index(joint) for joint in skeleton.joints]],
                torch.ones(len(flat), 17, dtype=torch.bool),
                self.size,
                skeleton,
            )
            for skeleton in (H36M_17, COCO_17)
        )
        turned = turned_away(flat[..., 2])
        noisy = as_found(exact, turned, self.faults, stream)
        # joints that no frame shows cannot be learned: there the target is the input
        unknown = ~knowable(noisy)
        if unknown.any():
            guess = bridged(noisy).convert(H36M_17).xy
            clean.xy[:, unknown] = guess[:, unknown]
        return TrackPair(noisy, clean, self._motions[i].fps)


def filmed(motion: Motion, size: tuple[int, int], stream: np.random.Generator) -> Float[Tensor, "T 21 3"]:
    """POINTS as a stationary camera sees them: x, y and depth in pixels. Nearly all of the motion lies in the
    picture.
    """
    camera = sample_camera(stream)
    points = torch.from_numpy(motion.points)
    low, high = points.amin((0, 1)), points.amax((0, 1))
    middle = ((low + high) / 2).numpy()
    distance = max(camera.distance, 1.5 + float((high - low).max()))
    raw = Projection(axes_of(camera), middle, 1.0, distance, 1.0, 0.0, 0.0, camera.elevation)
    seen = raw(points)[..., :2].reshape(-1, 2)
    least, most = seen.amin(0), seen.amax(0)
    room = (most - least).clamp(min=0.2)
    h, w = size
    scale = float(stream.uniform(0.5, 0.95)) * min(w / float(room[0]), h / float(room[1]))
    centre = (least + most) / 2 * scale
    x, y = (float(v) for v in stream.uniform(-0.5, 0.5, 2) * 0.9)
    slack_x, slack_y = w - scale * float(room[0]), h - scale * float(room[1])
    left, top = (w - 1) / 2 - float(centre[0]) + x * slack_x, (h - 1) / 2 - float(centre[1]) + y * slack_y
    flat: Tensor = replace(raw, scale=scale, left=left, top=top)(points)
    return flat


def turned_away(depth: Float[Tensor, "T 21"]) -> Bool[np.ndarray, "T 17"]:
    """Joints of the head that a detector cannot see because they are behind it."""
    away = torch.zeros(len(depth), 17, dtype=torch.bool)
    ears = depth[:, _EARS]
    behind = depth[:, _FRONT] < ears.mean(1, keepdim=True)
    away[:, _FRONT] = behind
    away[:, _EARS] = ears < ears.flip(1) - 0.06 * (depth.amax(1) - depth.amin(1) + 1)[:, None]
    found: np.ndarray = away.numpy()
    return found


def as_found(exact: Pose, away: Bool[np.ndarray, "T 17"], faults: Faults, stream: np.random.Generator) -> Pose:
    """The COCO_17 track as a detector would report it, with scores. away: joints that it cannot see."""
    frames, joints = exact.visible.shape
    body = float(body_size(exact).median())
    severity = faults.tremble * body * float(np.exp(stream.normal(0, 0.5)))
    fresh = stream.normal(0, 1, (frames, joints, 2)) * _RESTLESS[:, None]
    kept = float(stream.uniform(0, faults.lag))
    error = fresh.copy()
    for t in range(1, frames):
        error[t] = kept * error[t - 1] + np.sqrt(1 - kept**2) * fresh[t]
    error *= severity
    jumps = spans(stream, (frames, joints), faults.jump, lambda n: stream.integers(1, 4, n))
    error += jumps[..., None] * stream.normal(0, 0.15 * body, (1, joints, 2))

    xy = exact.xy.numpy().copy()
    for parts in _SWAPPED:
        confused = spans(stream, (frames, 1), faults.swap, lambda n: stream.integers(1, 7, n))[:, 0]
        order = list(range(joints))
        for k, other in enumerate(exact.skeleton.mirror):
            if exact.skeleton.joints[k].endswith(parts):
                order[k] = other
        xy[confused] = xy[confused][:, order]
    true = exact.xy.numpy()
    xy = xy + error

    lost = spans(stream, (frames, joints), faults.lose_joint, lambda n: stream.geometric(0.25, n))
    lost |= spans(stream, (frames, 1), faults.lose_person, lambda n: stream.integers(1, 9, n))
    lost |= away & (stream.random((frames, joints)) < 0.95)
    if stream.random() < faults.hide_legs:
        lost[:, _BELOW] = True
    off = np.linalg.norm(xy - true, axis=-1) / body
    score = (0.95 - 4 * off + stream.normal(0, 0.08, off.shape)).clip(0.05, 1.0) * ~lost
    return Pose(
        torch.from_numpy(xy.astype(np.float32)),
        torch.from_numpy(~lost),
        exact.size,
        exact.skeleton,
        torch.from_numpy(score.astype(np.float32)),
    )


def spans(
    stream: np.random.Generator, shape: tuple[int, int], chance: float, lengths: Callable[[int], np.ndarray]
) -> Bool[np.ndarray, "T K"]:
    """Where events are active that begin at random and last for some frames."""
    begins = stream.random(shape) < chance
    ends = np.zeros(shape, int)
    ends[begins] = np.nonzero(begins)[0] + lengths(int(begins.sum()))
    going: np.ndarray = np.arange(shape[0])[:, None] < np.maximum.accumulate(ends, 0)
    return going
