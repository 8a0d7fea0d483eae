"""The direction of a head in a picture, and coordinates along and beside it."""

from typing import NamedTuple

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from reposer.core import Pose

from .copying import ramp

SPREAD = 1.0
"""Pixels: joints that are nearer together, on average, have no size."""
HIGH, WIDE = (1.8, 2.1), (0.8, 1.0)
"""How far above its middle something surely belongs to a head, and at most, and how far beside it; in lengths of that
way."""
APART = {"ear": 1.1, "eye": 2.6}
"""Lengths of that way in distances of both ears, or eyes: where the neck seems nearer, it is foreshortened."""


class HeadAxis(NamedTuple):
    """middle: between the ears. way: from there towards the neck's joint, as long as it is if not foreshortened. Both
    complex: x + iy."""

    middle: Tensor
    way: Tensor

    def coordinates(self, places: Complex[Tensor, "*N"]) -> Complex[Tensor, "*N"]:
        """How far along the way (real), and how far beside it (imaginary), in its lengths."""
        return (places - self.middle) / self.way

    def places(self, at: Complex[Tensor, "*N"]) -> Complex[Tensor, "*N"]:
        """Where coordinates lie in the picture."""
        return self.middle + at * self.way

    def near(self, at: Complex[Tensor, "*N"]) -> Float[Tensor, "*N"]:
        """How surely something at these coordinates may be a head's."""
        return (1 - ramp(-at.real, *HIGH)) * (1 - ramp(at.imag.abs(), *WIDE))


def head_axis(pose: Pose) -> HeadAxis | None:
    """Of one pose; None where it shows no neck, or neither both ears or eyes nor one ear, or all in one place."""
    neck = point_of(pose, "neck")
    ears, eyes = ([point_of(pose, f"{side}_{name}") for side in ("right", "left")] for name in APART)
    ends = next((pair for pair in (ears, eyes) if None not in pair), None)
    middle, least = next((ear for ear in ears if ear is not None), None), 0.0  # of a profile
    if ends is not None:
        right, left = ends
        assert right is not None and left is not None
        middle, least = (right + left) / 2, APART["ear" if ends is ears else "eye"] * float((left - right).abs())
    if neck is None or middle is None or (seems := float((neck - middle).abs())) < SPREAD:
        return None
    return HeadAxis(middle, (neck - middle) * max(seems, least) / seems)


def point_of(pose: Pose, name: str) -> Tensor | None:
    if name not in pose.skeleton or not pose.visible[0, (k := pose.skeleton.index(name))]:
        return None
    return as_complex(pose.xy[0, k])


def as_complex(xy: Float[Tensor, "*K 2"]) -> Complex[Tensor, "*K"]:
    return torch.complex(xy[..., 0].float(), xy[..., 1].float())


def all_pixels(size: tuple[int, int], like: Tensor) -> Complex[Tensor, "H W"]:
    y, x = torch.meshgrid(*(torch.arange(n, device=like.device, dtype=torch.float32) for n in size), indexing="ij")
    return torch.complex(x, y)
