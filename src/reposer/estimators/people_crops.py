"""Converts pictures of any size to the inputs of the shipped networks: frames, squares around heads, aligned faces."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from reposer.core import Pose

HEAD = ("nose", "right_eye", "left_eye", "right_ear", "left_ear")
HEAD_SIDE = 1.7  # sides of the square around a head, in distances from its joints' middle to the neck
CHIN = 0.1  # offset of the square below that middle, in the same unit

# Eyes, nose and corners of the mouth of a frontal face, in sides of an aligned crop, from its top left corner.
STRAIGHT_FACE = ((0.37, 0.44), (0.63, 0.44), (0.50, 0.56), (0.41, 0.66), (0.59, 0.66))


def around_heads(pose: Pose, weight: Float[Tensor, "B K"]) -> tuple[Float[Tensor, "B 2"], Float[Tensor, "B"]]:
    """Middle and side of the square around each head, in pixels. weight: of each joint."""
    places = [pose.skeleton.index(joint) for joint in HEAD]
    share = weight[:, places] / weight[:, places].sum(1, keepdim=True).clamp(min=1e-6)
    middle = (share[..., None] * pose.xy[:, places]).sum(1)
    to_neck = pose.xy[:, pose.skeleton.index("neck")] - middle
    return middle + CHIN * to_neck, HEAD_SIDE * to_neck.norm(dim=1).clamp(min=1)


def from_square(middle: Float[Tensor, "B 2"], side: Float[Tensor, "B"], crop: int) -> Float[Tensor, "B 2 3"]:
    """The maps from pixels of a square crop, `crop` pixels wide, to pixels of the picture."""
    scale, zero = side / crop, torch.zeros_like(side)
    left, top = (middle - side[:, None] / 2).unbind(1)
    rows = [torch.stack([scale, zero, left + 0.5 * scale], 1), torch.stack([zero, scale, top + 0.5 * scale], 1)]
    return torch.stack(rows, 1)


def from_aligned(landmarks: Float[Tensor, "B 5 2"], crop: int) -> Float[Tensor, "B 2 3"]:
    """The maps from pixels of an aligned crop to pixels of the picture: rotated and shifted to bring STRAIGHT_FACE
    nearest to the landmarks (least squares, with (x, y) as the complex number x + iy), scaled by the ratio of their
    spreads.
    """
    straight = landmarks.new_tensor(STRAIGHT_FACE) * crop - 0.5
    z, there = torch.view_as_complex(straight), torch.view_as_complex(landmarks.contiguous())
    own, theirs = z - z.mean(), there - there.mean(1, keepdim=True)
    scale = (theirs.abs().square().sum(1) / own.abs().square().sum()).sqrt()
    turn = torch.polar(scale, (own.conj() * theirs).sum(1).angle())
    shift = there.mean(1) - turn * z.mean()
    rows = [torch.stack([turn.real, -turn.imag, shift.real], 1), torch.stack([turn.imag, turn.real, shift.imag], 1)]
    return torch.stack(rows, 1)


def mapped(matrices: Float[Tensor, "B 2 3"], xy: Float[Tensor, "B N 2"]) -> Float[Tensor, "B N 2"]:
    """Points, each row transformed by its own map."""
    return xy @ matrices[:, :, :2].mT + matrices[:, None, :, 2]


def cut(pictures: Float[Tensor, "B 3 H W"], matrices: Float[Tensor, "B 2 3"], crop: int) -> Float[Tensor, "B 3 S S"]:
    """Square crops of the pictures, given by maps from crop to picture; edge pixels are repeated outside.

    If a crop shrinks the picture, the picture is first averaged over blocks of pixels.
    """
    line = torch.arange(crop, device=pictures.device, dtype=pictures.dtype)
    points = torch.stack(torch.meshgrid(line, line, indexing="xy"), -1).view(1, -1, 2)
    rows = []
    for picture, matrix in zip(pictures, matrices.to(pictures), strict=True):
        block = max(1, round(float(matrix[:, :2].det().abs().sqrt())))
        small = F.avg_pool2d(picture[None], block, ceil_mode=True, count_include_pad=False)
        xy = (mapped(matrix[None], points) + 0.5) / block  # from the picture's top left corner
        grid = 2 * xy / xy.new_tensor([small.shape[3], small.shape[2]]) - 1
        rows.append(F.grid_sample(small, grid.view(1, crop, crop, 2), padding_mode="border", align_corners=False))
    return torch.cat(rows)
