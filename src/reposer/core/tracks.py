"""Smooths a track of detected joints, which jitter and are missing in some frames.

A track is a `Pose` with a row per frame. Lengths are in body sizes (the larger side of the box around the visible
joints), so that the same numbers fit pictures of any resolution and people of any size in them.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from .choices import Smoothing
from .errors import BadInput
from .face import FaceLines
from .pose import Pose
from .samples import Condition

MIN_CUTOFF = 1.0
BETA = 4.0
DERIVATIVE_CUTOFF = 1.0
SIZE_CUTOFF = 0.5
"""Cutoff, in Hz, at which a stream's running body size follows the boxes, which jump when joints come and go."""
NOISE = 0.015
AGILITY = 0.5
MAX_GAP = 0.4
LEAST_SCORE = 0.05
"""A joint with a lower score gets the weight of this score."""
UNKNOWN_SPEED = 100.0
"""Standard deviation, in body sizes per second, of an unknown speed: far above what bodies do."""


def body_size(poses: Pose) -> Float[Tensor, "*B"]:
    """The larger side of the box around each pose's visible joints, in pixels; 0 with fewer than two visible joints."""
    seen = poses.visible[..., None]
    low = torch.where(seen, poses.xy, math.inf).amin(-2)
    high = torch.where(seen, poses.xy, -math.inf).amax(-2)
    return (high - low).amax(-1).clamp(min=0)


@dataclass(frozen=True)
class _Before:
    """A stream's state: the smoothed joints of the last pose, their speed in pixels per second, the running body
    size."""

    xy: Float[Tensor, "*B K 2"]
    speed: Float[Tensor, "*B K 2"]
    visible: Bool[Tensor, "*B K"]
    size: Float[Tensor, "*B"]
    seconds: float


class OneEuro:
    """The One-Euro filter (Casiez, Roussel and Vogel 2012), for one pose at a time: it uses the past only.

    A low pass whose cutoff rises with the speed: a still joint is steady, a fast one hardly lags. A joint that was
    missing starts anew where it appears.

    min_cutoff: of a still joint, in Hz; lower is smoother. beta: by how many Hz the cutoff rises for each body size per
    second. derivative_cutoff: of the speed, in Hz.
    """

    def __init__(
        self, *, min_cutoff: float = MIN_CUTOFF, beta: float = BETA, derivative_cutoff: float = DERIVATIVE_CUTOFF
    ) -> None:
        if min_cutoff <= 0 or beta < 0 or derivative_cutoff <= 0:
            raise BadInput(
                f"One-Euro needs cutoffs above 0 Hz and a beta of at least 0, not min_cutoff={min_cutoff}, "
                f"beta={beta}, derivative_cutoff={derivative_cutoff}."
            )
        self.min_cutoff, self.beta, self.derivative_cutoff = min_cutoff, beta, derivative_cutoff
        self._before: _Before | None = None

    def __call__(self, pose: Pose, seconds: float) -> Pose:
        """The pose, smoothed. seconds: time since the previous pose. Scores are unchanged."""
        xy, before, size = pose.xy.double(), self._before, body_size(pose).double()
        if before is None:
            smooth, speed = xy, torch.zeros_like(xy)
        else:
            elapsed = seconds - before.seconds
            if not elapsed > 0:
                raise BadInput(f"A pose at {seconds} s came after one at {before.seconds} s; time goes forward.")
            running = torch.lerp(before.size, size, _share(xy.new_tensor(SIZE_CUTOFF), elapsed))
            size = torch.where(before.size == 0, size, torch.where(size == 0, before.size, running))
            known = (pose.visible & before.visible)[..., None]
            change = (xy - before.xy) / elapsed
            newest = _share(xy.new_tensor(self.derivative_cutoff), elapsed)
            speed = torch.lerp(before.speed, change, newest)
            speed = torch.where(known, speed, 0.0)
            in_sizes = speed.norm(dim=-1) / size[..., None].clamp(min=1e-6)
            share = _share(self.min_cutoff + self.beta * in_sizes, elapsed)
            smooth = torch.where(known, torch.lerp(before.xy, xy, share[..., None]), xy)
        self._before = _Before(smooth, speed, pose.visible, size, seconds)
        return replace(pose, xy=smooth.to(pose.xy))


def one_euro(
    poses: Pose,
    fps: float,
    *,
    min_cutoff: float = MIN_CUTOFF,
    beta: float = BETA,
    derivative_cutoff: float = DERIVATIVE_CUTOFF,
) -> Pose:
    """A track of T rows through `OneEuro`: frame t depends on frames up to t only. fps: frames per second."""
    _refuse_no_rate(fps)
    smoother = OneEuro(min_cutoff=min_cutoff, beta=beta, derivative_cutoff=derivative_cutoff)
    return Pose.stack([smoother(pose, t / fps) for t, pose in enumerate(poses)])


def two_sided(
    poses: Pose, fps: float, *, noise: float = NOISE, agility: float = AGILITY, max_gap: float = MAX_GAP
) -> Pose:
    """A track of T rows, each joint moved to its estimated place given the whole track: no lag, but every frame uses
    the future.

    The fixed-interval Kalman smoother (Rauch, Tung and Striebel 1965) of a joint that keeps its speed except for random
    accelerations. A gap between two frames that show a joint is bridged if it is at most `max_gap`; longer gaps stay,
    and the joint starts anew after them. A bridged joint has a score of 0, since it was not detected.

    fps: frames per second. noise: standard deviation of a joint found with a score of 1 (or without scores), in body
    sizes; at score s it is 1 / s times as much. agility: how much speeds change by themselves: by a standard deviation
    of this many body sizes per second within a second; more follows faster, less is smoother. max_gap: in seconds.
    """
    _refuse_no_rate(fps)
    if noise <= 0 or agility <= 0 or max_gap < 0:
        raise BadInput(
            f"The two-sided smoother needs noise and agility above 0 and a max_gap of at least 0, not {noise}, "
            f"{agility} and {max_gap}."
        )
    sizes = body_size(poses)
    if not (sizes > 0).any():
        return poses
    size = sizes[sizes > 0].median().double()
    bridged, fresh = _gaps(poses.visible, math.floor(max_gap * fps + 1e-6))
    found = torch.where(poses.visible[..., None], poses.xy.double() / size, 0.0)
    score = torch.ones_like(found[..., 0]) if poses.score is None else poses.score.double()
    variance = (noise / score.clamp(min=LEAST_SCORE)).square()
    smooth = _smoothed(found, poses.visible, variance, fresh, 1 / fps, agility) * size
    visible = poses.visible | bridged
    kept = None if poses.score is None else torch.where(bridged, 0.0, poses.score).to(poses.score)
    xy = torch.where(visible[..., None], smooth, 0.0).to(poses.xy)
    return replace(poses, xy=xy, visible=visible, score=kept)


SMOOTHERS: Mapping[Smoothing, Callable[[Pose, float], Pose]] = {
    "none": lambda poses, fps: poses,
    "one-euro": one_euro,
    "two-sided": two_sided,
}
"""Functions from (track, frames per second) to a smoother track, with the defaults of each."""


def smoothed(conditions: Condition, fps: float, smoothing: Smoothing) -> Condition:
    """A clip's conditions (a row per frame) with their points smoothed. Views and a face's edges are unchanged."""
    if isinstance(conditions, Pose):
        return SMOOTHERS[smoothing](conditions, fps)
    if isinstance(conditions, FaceLines):
        return replace(conditions, points=SMOOTHERS[smoothing](conditions.points, fps))
    return conditions


def gaps_filled(poses: Pose) -> Pose:
    """The track without empty rows: a frame without joints keeps the previous pose, leading ones the first pose."""
    shown = poses.visible.any(-1)
    if shown.all() or not shown.any():
        return poses
    frame = torch.arange(len(poses), device=shown.device)
    last = torch.where(shown, frame, -1).cummax(0).values
    return poses[torch.where(last < 0, shown.int().argmax(), last)]


def _share(cutoff: Float[Tensor, "*B"], elapsed: float) -> Float[Tensor, "*B"]:
    """The weight of the newest value in a low pass of `cutoff` Hz after this many seconds."""
    way = 2 * math.pi * cutoff * elapsed
    return way / (1 + way)


def _gaps(visible: Bool[Tensor, "T K"], most: int) -> tuple[Bool[Tensor, "T K"], Bool[Tensor, "T K"]]:
    """Where a gap of at most `most` frames is to be bridged; where a joint first appears, or reappears after a longer
    gap."""
    count = len(visible)
    frame = torch.arange(count, device=visible.device)[:, None]
    never = count + most + 1
    last = torch.where(visible, frame, -never).cummax(0).values
    following = torch.where(visible, frame, count + never).flip(0).cummin(0).values.flip(0)
    earlier = torch.cat([torch.full_like(last[:1], -never), last[:-1]])
    fresh = visible & (frame - earlier - 1 > most)
    return ~visible & (following - last - 1 <= most), fresh


def _smoothed(
    found: Float[Tensor, "T K 2"],
    seen: Bool[Tensor, "T K"],
    variance: Float[Tensor, "T K"],
    fresh: Bool[Tensor, "T K"],
    step: float,
    agility: float,
) -> Float[Tensor, "T K 2"]:
    """Means of the positions, given all frames. States are (position, speed); x and y are separate and share
    covariances.

    variance: of the detections. step: seconds between frames.
    """
    move = found.new_tensor([[1.0, step], [0.0, 1.0]])
    pushed = agility**2 * found.new_tensor([[step**3 / 3, step**2 / 2], [step**2 / 2, step]])
    joints = found.shape[1]
    mean, covariance = found.new_zeros(joints, 2, 2), found.new_zeros(joints, 2, 2)
    means, covariances, expected, spreads = [], [], [], []
    for t in range(len(found)):
        ahead, spread = move @ mean, move @ covariance @ move.T + pushed
        gain = spread[:, :, 0] / (spread[:, 0, 0] + variance[t])[:, None]
        gain = torch.where(seen[t, :, None], gain, 0.0)
        mean = ahead + gain[:, :, None] * (found[t] - ahead[:, 0])[:, None]
        covariance = spread - gain[:, :, None] * spread[:, None, 0]
        start = torch.stack([found[t], torch.zeros_like(found[t])], 1)
        doubt = torch.diag_embed(torch.stack([variance[t], variance[t].new_full((joints,), UNKNOWN_SPEED**2)], -1))
        anew = fresh[t, :, None, None]
        mean, covariance = torch.where(anew, start, mean), torch.where(anew, doubt, covariance)
        means.append(mean)
        covariances.append(covariance)
        expected.append(ahead)
        spreads.append(spread)
    answer = [means[-1]]
    for t in range(len(found) - 2, -1, -1):
        back = torch.linalg.solve(spreads[t + 1], move @ covariances[t]).mT  # P_t F' (F P_t F' + Q)^-1
        later = means[t] + back @ (answer[-1] - expected[t + 1])
        answer.append(torch.where(fresh[t + 1, :, None, None], means[t], later))
    return torch.stack(answer[::-1])[:, :, 0]


def _refuse_no_rate(fps: float) -> None:
    if not (fps > 0 and math.isfinite(fps)):
        raise BadInput(f"Smoothing needs a frame rate above 0, not {fps}; say how many frames a second has.")
