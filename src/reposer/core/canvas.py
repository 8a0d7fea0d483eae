"""A pose that leaves its photo: which joints do, how far, and the pose moved inside."""

import torch
from jaxtyping import Float
from torch import Tensor

from .body import NECK, SIDES, point
from .errors import BadInput
from .framing import in_picture
from .pose import Pose

ROOM = 0.13
"""Room around a pose's joints for hands, feet and the top of the head, as a share of the larger side of its box."""
MOST_GROWTH = 1.0
"""A canvas grows by at most this share of the photo's larger side, in each direction."""
MOST_CANVAS = 100_000_000
"""Pixels of a canvas that grew: as many as a photo may have."""


BESIDE = 2.0
"""Pixels of room beside an end of the body, whose place is an estimate."""
TOP, FINGERTIPS = 1.7, 0.6
"""The top of the head lies this far beyond the neck, in distances from there to the middle of the head's joints; a hand
this far beyond its wrist, in forearms."""


def cut_joints(source_pose: Pose, target_pose: Pose) -> list[str]:
    """Names of the joints that the photo shows and that the target pose puts outside of it, and of the ends of the body
    beyond them (see `ends`). Single poses of one photo and one skeleton."""
    shown, stays = in_picture(source_pose).visible, in_picture(target_pose).visible
    leaving = shown & target_pose.visible & ~stays
    names = [joint for joint, leaves in zip(target_pose.skeleton.joints, leaving.tolist(), strict=True) if leaves]
    before, after = ends(source_pose), ends(target_pose)
    for name in (name for name in before if name in after):
        if _inside(before[name], source_pose.size) and not _inside(after[name], target_pose.size):
            names.append(name)
    return names


def ends(pose: Pose) -> dict[str, Float[Tensor, "2"]]:
    """About where the top of the head and the fingertips of a single pose are, as far as its joints tell."""
    found = {}
    head = [k for k, joint in enumerate(pose.skeleton.joints) if joint.split("_")[-1] in ("nose", "eye", "ear")]
    shown = [k for k in head if pose.visible[k]]
    neck, has_neck = point(pose, NECK)
    if shown and bool(has_neck):
        found["top of the head"] = neck + TOP * (pose.xy[shown].double().mean(0) - neck)
    for side in SIDES:
        (elbow, has_elbow), (wrist, has_wrist) = point(pose, f"{side}_elbow"), point(pose, f"{side}_wrist")
        if bool(has_elbow) and bool(has_wrist):
            found[f"{side} hand"] = wrist + FINGERTIPS * (wrist - elbow)
    return found


def _inside(place: Float[Tensor, "2"], size: tuple[int, int]) -> bool:
    x, y = (float(value) for value in place)
    return -0.5 <= x <= size[1] - 0.5 and -0.5 <= y <= size[0] - 0.5


def growth(source_pose: Pose, target_pose: Pose) -> tuple[int, int, int, int]:
    """By how many pixels a photo has to grow (left, top, right, bottom) so that no joint or end of the body that it
    showed is cut."""
    height, width = target_pose.size
    left, top, right, bottom = _bounds(source_pose, target_pose)
    grown = (max(0.0, -left), max(0.0, -top), max(0.0, right - width), max(0.0, bottom - height))
    if max(grown) > MOST_GROWTH * max(height, width):
        raise BadInput(
            f"The pose reaches {max(grown):.0f} pixels beyond the photo of {height}x{width} (height x width); a canvas "
            f"grows by at most {MOST_GROWTH * max(height, width):.0f}. Use --canvas inside, or move the pose."
        )
    left, top, right, bottom = (int(-(-side // 1)) for side in grown)
    if (height + top + bottom) * (width + left + right) > MOST_CANVAS:
        raise BadInput(
            f"The pose reaches so far beyond the photo of {height}x{width} (height x width) that the canvas would have "
            f"more than {MOST_CANVAS // 1_000_000} megapixels. Use --canvas inside, or move the pose."
        )
    return left, top, right, bottom


def moved_inside(source_pose: Pose, target_pose: Pose) -> Pose:
    """The target pose, shifted, and made smaller only if it must be, so that no joint or end of the body that the photo
    showed is cut."""
    height, width = target_pose.size
    left, top, right, bottom = _bounds(source_pose, target_pose)
    scale = min(1.0, width / (right - left), height / (bottom - top))
    centre_x, centre_y = (left + right) / 2, (top + bottom) / 2
    half_x, half_y = scale * (right - left) / 2, scale * (bottom - top) / 2
    new_x = min(max(centre_x, half_x), max(width - half_x, half_x))
    new_y = min(max(centre_y, half_y), max(height - half_y, half_y))
    # centres in pixel edges: (x + 0.5 - centre) * scale + new centre - 0.5
    matrix = [
        [scale, 0.0, scale * (0.5 - centre_x) + new_x - 0.5],
        [0.0, scale, scale * (0.5 - centre_y) + new_y - 0.5],
    ]
    return target_pose.affine(torch.tensor(matrix, dtype=torch.float64), target_pose.size)


def _bounds(source_pose: Pose, target_pose: Pose) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) in pixel edges from the photo's corner, around the joints that must stay, with
    room."""
    stays = target_pose.visible & (in_picture(source_pose).visible | in_picture(target_pose).visible)
    xy = target_pose.xy[stays] + 0.5
    (left, top), (right, bottom) = xy.amin(0).tolist(), xy.amax(0).tolist()
    room = ROOM * max(right - left, bottom - top)
    left, top, right, bottom = left - room, top - room, right + room, bottom + room
    for name, place in ends(target_pose).items():
        own = ends(source_pose).get(name)
        if own is not None and _inside(own, source_pose.size):
            x, y = (float(value) + 0.5 for value in place)
            left, top, right, bottom = (
                min(left, x - BESIDE),
                min(top, y - BESIDE),
                max(right, x + BESIDE),
                max(bottom, y + BESIDE),
            )
    return left, top, right, bottom
