"""python -m scripts.presets: writes the file of what `--pose NAME` offers, `data/poses/presets.json`.

Each is a pose of the synthetic people's average body, seen from a fixed side. The package reads their joints from the
file, because its data may not import the renderer; a test holds both equal.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from reposer.core import Pose
from reposer.core.skeleton import OPENPOSE_18
from reposer.synthetic.people.body import poses as p
from reposer.synthetic.people.body.cameras import Camera
from reposer.synthetic.people.body.figure import ArmPose, Body, BodyPose, pose_body
from reposer.synthetic.people.render.projection import project

PRESET_SIZE = (256, 192)
FILE = Path(__file__).parents[1] / "src/reposer/data/poses/presets.json"
FACE = ("nose", "right_eye", "left_eye", "right_ear", "left_ear")


def _pose(arms: tuple[ArmPose, ArmPose], legs: p.Legs, **more: object) -> BodyPose:
    return replace(
        BodyPose(right_arm=arms[0], left_arm=arms[1], right_leg=legs[0], left_leg=legs[1]),
        **more,  # type: ignore[arg-type]
    )


_SWINGING = (ArmPose((0.08, -0.86, -0.36)), ArmPose((0.10, -0.84, 0.42), pole=(0.4, 0, -1)))
NAMED_POSES: dict[str, tuple[BodyPose, float]] = {
    "standing": (_pose((p.HANGING, p.HANGING), p.STANDING), 0.0),
    "relaxed": (_pose((p.RELAXED, p.HANGING), p.RESTING), 12.0),
    "arms-up": (_pose((p.RAISED, p.RAISED), p.WIDE), 5.0),
    "arms-wide": (_pose((p.SIDEWAYS, p.SIDEWAYS), p.STANDING), 0.0),
    "arms-crossed": (_pose((p.OVER_CHEST, p.UNDER_CHEST), p.WIDE), 0.0),
    "hands-on-hips": (_pose((p.ON_HIP, p.ON_HIP), p.STANDING), 0.0),
    "hand-on-hip": (_pose((p.ON_HIP, p.RELAXED), p.RESTING), -30.0),
    "waving": (_pose((p.HANGING, p.WAVE), p.RESTING), 20.0),
    "on-the-phone": (_pose((p.TO_EAR, p.HANGING), p.RESTING), 10.0),
    "thinking": (_pose((p.TO_CHIN, p.HANGING), p.RESTING), 15.0),
    "reaching": (_pose((p.REACHING_UP, p.HANGING), p.STANDING), 40.0),
    "from-behind": (_pose((p.ON_HIP, p.ON_HIP), p.STANDING), 180.0),
    "from-the-side": (_pose((p.HANGING, p.HANGING), p.STANDING), 90.0),
    "walking": (_pose(_SWINGING, p.STRIDE), 75.0),
    "running": (_pose((p.SWUNG_FORWARD, p.SWUNG_BACK), p.RUN_PUSH, pelvis=(10.0, 0.0, 0.0)), 75.0),
    "lunge": (_pose((p.ON_HIP, p.ON_HIP), p.LUNGE), 70.0),
    "side-lunge": (_pose((p.ON_HIP, p.ON_HIP), p.SIDE_LUNGE), 0.0),
    "squat": (_pose((p.REACHING, p.REACHING), p.SQUAT, crouch=0.35, pelvis=(24.0, 0.0, 0.0)), 35.0),
    "kneeling": (_pose((p.HANGING, p.ON_KNEE), p.KNEELING, crouch=p.kneel_crouch(p.KNEELING)), 40.0),
    "sitting": (_pose((p.ON_THIGH, p.ON_THIGH), p.SEATED, seat=0.25), 30.0),
    "sitting-on-the-floor": (_pose((p.ON_KNEE, p.ON_KNEE), p.CROSS_LEGGED, seat=0.0), 0.0),
    "kick": (_pose((p.DIAGONAL, p.DIAGONAL), p.KICK), 70.0),
    "arabesque": (_pose((p.SIDEWAYS, p.RAISED), p.ARABESQUE), 70.0),
    "tree": (_pose((p.RAISED, p.RAISED), p.TREE), 0.0),
}
"""(pose, degrees by which the person turns to their left) by name."""


def preset_pose(name: str) -> Pose:
    """The joints of a named pose in a picture of PRESET_SIZE; joints of the face that are turned away are missing."""
    pose, yaw = NAMED_POSES[name]
    figure = pose_body(Body(), pose)
    points = torch.from_numpy(np.stack([figure.points[joint] for joint in OPENPOSE_18.joints]).astype(np.float32))
    view = project(Camera(yaw=yaw), points, figure, PRESET_SIZE)
    places = view(points)
    middle = places[[OPENPOSE_18.index(f"{side}_ear") for side in ("right", "left")], 2].mean()
    visible = torch.tensor([joint not in FACE for joint in OPENPOSE_18.joints])
    # a face's joint in front of the middle of the head is seen, and an ear that is not far behind it
    visible |= places[:, 2] > middle - 0.02 * view.unit
    return Pose(places[:, :2].contiguous(), visible, PRESET_SIZE)


def written() -> str:
    """The file's text: a line for each pose, places to a tenth of a pixel."""
    lines = []
    for name in NAMED_POSES:
        pose = preset_pose(name)
        shown = zip(pose.xy.tolist(), pose.visible.tolist(), strict=True)
        places = [[round(value, 1) for value in place] if visible else None for place, visible in shown]
        lines.append(f" {json.dumps(name)}: {json.dumps(places)}")
    about = f'"skeleton": "{OPENPOSE_18.name}", "size": {json.dumps(PRESET_SIZE)}'
    return f'{{{about}, "poses": {{\n' + ",\n".join(lines) + "\n}}\n"


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
