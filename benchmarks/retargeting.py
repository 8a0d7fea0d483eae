"""The same 3-D pose on two bodies: how far a wanted pose is from the truth before and after it is fitted.

Person B is photographed in one pose, person A in another; the truth is B in A's pose, standing where B stood, seen from
A's side. Before: A's pose placed by `placement`, with one size for the whole person. After: `retarget`.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from reposer.core import Pose
from reposer.core.retargeting import retarget
from reposer.core.rng import numpy_stream
from reposer.core.skeleton import OPENPOSE_18
from reposer.pipeline import placement
from reposer.synthetic.people.body.cameras import sample_camera
from reposer.synthetic.people.body.figure import Body, Figure, pose_body
from reposer.synthetic.people.body.poses import sample_pose
from reposer.synthetic.people.identity import sample_identity
from reposer.synthetic.people.render.projection import Projection, axes_of, project

from .measure import Table

SIZE, OTHER_SIZE, PAIRS = (256, 176), (240, 240), 500
HIPS = [OPENPOSE_18.index("right_hip"), OPENPOSE_18.index("left_hip")]
FIRST_OF_TEST = 950_000


def run(device: torch.device) -> list[Table]:
    rows: list[tuple[str | float, ...]] = []
    for name, spread in (("people as they are rendered", 0.0), ("far different proportions", 1.0)):
        for what, aligned in (("where they stand", False), ("at the same hips", True)):
            before, after = np.array(errors(PAIRS, spread=spread, aligned=aligned)).T
            rows.append(
                (f"{name}, {what}", *(float(v) for e in (before, after) for v in (e.mean(), np.percentile(e, 90))))
            )
    columns = ("what", "before: mean px", "90 % px", "after: mean px", "90 % px")
    note = (
        "Mean distance of the 18 joints from the truth, hidden ones too. Far different: legs, arms, shoulders +- 8 %."
    )
    return [Table(f"Poses of another person in {SIZE[0]}x{SIZE[1]} photos, {PAIRS} pairs", columns, rows, note)]


def errors(count: int, *, spread: float = 0.0, aligned: bool = False, seed: int = 0) -> list[tuple[float, float]]:
    """(before, after) in pixels for `count` pairs of people.

    spread: standard deviation, in units of 8 %, by which proportions differ beyond those of the rendered people.
    aligned: compare both with their hips on the truth's.
    """
    found = []
    for i in range(count):
        source, target, truth = _scene(np.random.default_rng((seed, i)), spread)
        before = target.affine(placement(source, target).float(), SIZE)
        after = retarget(source, target, infer=False, head="pose").pose
        found.append((_error(before, truth, aligned), _error(after, truth, aligned)))
    return found


def _scene(stream: np.random.Generator, spread: float) -> tuple[Pose, Pose, Pose]:
    """The photo's pose, the wanted one of another person, and the truth."""
    own, other = _body(stream, spread), _body(stream, spread)
    camera = replace(sample_camera(stream, kind="front" if stream.random() < 0.7 else None), crop="full")
    wanted_camera = replace(sample_camera(stream), crop="full", elevation=camera.elevation, roll=camera.roll)
    pose = sample_pose(own, stream, kind="standing" if stream.random() < 0.6 else None)
    wanted = sample_pose(other, stream)
    stands, does, would = pose_body(own, pose), pose_body(other, wanted), pose_body(own, wanted)
    view = project(camera, _joints(stands), stands, SIZE)
    other_view = project(wanted_camera, _joints(does), does, OTHER_SIZE)
    truth = replace(view, turn=axes_of(wanted_camera))
    return _seen(view, stands, SIZE), _seen(other_view, does, OTHER_SIZE), _seen(truth, would, SIZE)


def _body(stream: np.random.Generator, spread: float) -> Body:
    number = FIRST_OF_TEST + int(stream.integers(3000))
    body = sample_identity(number, numpy_stream(0, 1, number), "test").body
    legs, arms, shoulders = np.exp(0.08 * spread * stream.normal(0, 1, 3)).clip(0.8, 1.25).tolist()
    return replace(body, legs=body.legs * legs, arms=body.arms * arms, shoulders=body.shoulders * shoulders)


def _joints(figure: Figure) -> torch.Tensor:
    return torch.from_numpy(np.stack([figure.points[joint] for joint in OPENPOSE_18.joints]).astype(np.float32))


def _seen(view: Callable[[torch.Tensor], torch.Tensor] | Projection, figure: Figure, size: tuple[int, int]) -> Pose:
    return Pose(view(_joints(figure))[:, :2].contiguous(), torch.ones(len(OPENPOSE_18), dtype=torch.bool), size)


def _error(pose: Pose, truth: Pose, aligned: bool) -> float:
    away = pose.xy - truth.xy
    if aligned:
        away = away - away[HIPS].mean(0)
    return float(away.norm(dim=-1).mean())
