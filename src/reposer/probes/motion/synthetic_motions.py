"""Motions of synthetic people as points in space: walk cycles and the like, and transitions between poses."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from reposer.core.rng import numpy_stream
from reposer.core.skeleton import COCO_17
from reposer.synthetic.people import CYCLES, Body, cycle, sample_identity, sample_pose
from reposer.synthetic.people.body.cycles import sample_style
from reposer.synthetic.people.body.figure import (
    HEAD_RADII,
    SHIN,
    SHOULDER_Y,
    THIGH,
    Figure,
    pose_body,
    smoothstep,
    torso_frames,
    turn,
)
from reposer.synthetic.people.dataset import PERIODS

POINTS = (*COCO_17.joints, "mid_hip", "spine", "neck", "head_top")
"""All joints of COCO_17 and of H36M_17."""
RATES = (24.0, 25.0, 30.0, 50.0)
TO_POSES = 0.45
"""Share of the motions that move from pose to pose; the others are cycles."""
PACE = {"walk": 1.05, "run": 1.41}
"""Distance covered per cycle, in leg lengths: how far a sole moves back under the body while it stands, divided by
that share of the cycle."""
SPLITS = ("train", "val", "test")

# From joint to joint, outward: between two poses, a body keeps the lengths of its bones.
_ARM, _LEG = ("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle")
BONES: tuple[tuple[str, str], ...] = (
    ("mid_hip", "spine"), ("spine", "neck"), ("neck", "nose"), ("neck", "head_top"),
    *(("nose", f"{side}_{part}") for side in ("left", "right") for part in ("eye", "ear")),
    *(("mid_hip", f"{side}_hip") for side in ("left", "right")),
    *(("neck", f"{side}_shoulder") for side in ("left", "right")),
    *((f"{side}_{a}", f"{side}_{b}") for side in ("left", "right") for limb in (_ARM, _LEG) for a, b in pairwise(limb)),
)  # fmt: skip


@dataclass(frozen=True)
class Motion:
    """T frames of POINTS in space: x towards the person's left when they face the camera, y up, z towards the
    camera, in average statures.
    """

    points: Float[np.ndarray, "T 21 3"]
    fps: float


def sample_motion(split: str, seed: int, number: int, frames: int) -> Motion:
    """Motion `number` of a split; each number is another person."""
    stream = numpy_stream(seed, SPLITS.index(split), number)
    body = sample_identity(number, stream).body
    fps = float(stream.choice(RATES))
    going = _to_poses if stream.random() < TO_POSES else _in_cycles
    points = going(body, frames, fps, stream) * body.stature
    return Motion(points.astype(np.float32), fps)


def named_points(figure: Figure) -> Float[np.ndarray, "21 3"]:
    """POINTS of a figure. The spine is half way up to the shoulders; the top of the head is its surface."""
    spine = torso_frames(figure, np.array([SHOULDER_Y / 2]))[0][0]
    top = figure.points["head"] + figure.frames["head"][:, 1] * HEAD_RADII[1] * figure.body.head
    own = {**figure.points, "spine": spine, "head_top": top}
    return np.stack([own[name] for name in POINTS])


def _in_cycles(body: Body, frames: int, fps: float, stream: np.random.Generator) -> np.ndarray:
    """One of CYCLES, repeated; half of those who walk or run move forward, along a curve."""
    name = list(CYCLES)[int(stream.integers(len(CYCLES)))]
    style, start = sample_style(stream), float(stream.random())
    seconds = PERIODS[name] * float(stream.uniform(0.75, 1.35))
    pace = PACE.get(name, 0.0) * (THIGH + SHIN) * body.legs * style.stride / (seconds * fps)
    pace *= float(stream.random() < 0.5)
    bend = float(stream.normal(0, 25)) / fps  # degrees per frame
    place, heading, out = np.zeros(3), 0.0, []
    for t in range(frames):
        now = cycle(name, (start + t / fps / seconds) % 1, body, style)
        way = turn(1, heading)
        points = named_points(pose_body(body, now.pose)) + np.array(now.shift)
        out.append(points @ turn(1, heading + now.yaw).T + place)
        place = place + way[:, 2] * pace
        heading += bend * (pace > 0)
    return np.stack(out)


def _to_poses(body: Body, frames: int, fps: float, stream: np.random.Generator) -> np.ndarray:
    """From one sampled pose to the next, with rests; the person turns a little with each."""
    poses, heading, t = [], 0.0, 0.0
    times: list[float] = []
    while t < frames:
        points = named_points(pose_body(body, sample_pose(body, stream))) @ turn(1, heading).T
        rest = float(stream.exponential(0.3)) * fps
        poses += [points, points]
        times += [t, t + rest]
        t += rest + float(stream.uniform(0.35, 1.5)) * fps
        heading += float(stream.normal(0, 30))
    frame = np.arange(frames)
    last = np.searchsorted(times, frame, "right").clip(max=len(times) - 1)
    marks, keys = np.array(times), np.stack(poses)
    share = smoothstep(marks[last - 1], np.maximum(marks[last], marks[last - 1] + 1e-6), frame)
    on_the_way = between(keys[last - 1], keys[last], share)
    sway = 0.004 * np.cumsum(stream.normal(0, 1, (frames, 3)), 0) / np.sqrt(fps)  # people never stand quite still
    swaying: np.ndarray = on_the_way + (sway * [1.0, 0.2, 1.0])[:, None]
    return swaying


def between(
    start: Float[np.ndarray, "T 21 3"], end: Float[np.ndarray, "T 21 3"], share: Float[np.ndarray, "T"]
) -> Float[np.ndarray, "T 21 3"]:
    """Bodies in transition, `share` of the way: hips on a line, bones rotated evenly, their lengths interpolated."""
    root, s = POINTS.index("mid_hip"), share[:, None]
    placed = {"mid_hip": (1 - s) * start[:, root] + s * end[:, root]}
    for near, far in BONES:
        a, b = POINTS.index(near), POINTS.index(far)
        first, last = start[:, b] - start[:, a], end[:, b] - end[:, a]
        short, long = (np.linalg.norm(bone, axis=1, keepdims=True).clip(1e-6) for bone in (first, last))
        way = (1 - s) * first / short + s * last / long
        way /= np.linalg.norm(way, axis=1, keepdims=True).clip(1e-6)
        placed[far] = placed[near] + way * ((1 - s) * short + s * long)
    return np.stack([placed[name] for name in POINTS], 1)
