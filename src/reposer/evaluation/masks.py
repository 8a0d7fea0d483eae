"""Masks that metrics request by name, made from a pair's poses."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from reposer.core import Pose, Registry
from reposer.core.skeleton import OPENPOSE_18, PERSON_88
from reposer.nn.maps import limb_mask, polygon_mask, pose_mask

Mask = Callable[[Pose, Pose, float], Float[Tensor, "B 1 H W"]]
"""(source pose, target pose, half a limb's width in pixels) -> 1 inside, 0 elsewhere."""

MASKS: Registry[Mask] = Registry("mask")
OF_SOURCE = frozenset({"pose-source"})
"""Masks made from the source's joints."""
PUBLISHED_RADIUS = 4.0  # pixels, at 128x64 and at 256x256 alike


def of_the_body(pose: Pose) -> Pose:
    """The pose without the landmarks and box of person88, so that the masks of all networks use the same joints."""
    return pose.convert(OPENPOSE_18) if pose.skeleton == PERSON_88 else pose


@MASKS.register("limbs")
def limbs(source: Pose, target: Pose, radius: float) -> Float[Tensor, "B 1 H W"]:
    """Ours: the target's limbs, as wide as the protocol says."""
    return limb_mask(target, radius)


@MASKS.register("pose-target")
def pose_target(source: Pose, target: Pose, radius: float) -> Float[Tensor, "B 1 H W"]:
    """PG2's closed mask of the target, as its paper describes it."""
    return pose_mask(target, PUBLISHED_RADIUS)


@MASKS.register("pose-source")
def pose_source(source: Pose, target: Pose, radius: float) -> Float[Tensor, "B 1 H W"]:
    """PG2's closed mask of the source, as its code loads it."""
    return pose_mask(source, PUBLISHED_RADIUS)


@MASKS.register("polygons-target")
def polygons_target(source: Pose, target: Pose, radius: float) -> Float[Tensor, "B 1 H W"]:
    """PATN's and GFLA's closed mask of the target: rectangles along its limbs, discs on all of its joints."""
    return polygon_mask(target, PUBLISHED_RADIUS)
