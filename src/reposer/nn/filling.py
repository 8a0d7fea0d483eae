"""Fills what is missing in a picture from what lies around it, without any learned weights."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from reposer.core.images import resize_part, resized_columns, to_uint8

SMALL = 256
"""Longer side at which the surroundings of a photo are continued: they are smooth."""


def filled(picture: Float[Tensor, "B C H W"], keep: Float[Tensor, "B 1 H W"]) -> Float[Tensor, "B C H W"]:
    """The picture where `keep` is 1; elsewhere what lies around, ever coarser (pull, then push)."""
    colours, weights = [picture * keep], [keep]
    while min(weights[-1].shape[-2:]) > 2:
        colours.append(F.avg_pool2d(colours[-1], 2, ceil_mode=True))
        weights.append(F.avg_pool2d(weights[-1], 2, ceil_mode=True))
    full = colours[-1].mean((2, 3), keepdim=True) / weights[-1].mean((2, 3), keepdim=True).clamp(min=1e-4)
    full = full.expand_as(colours[-1])
    for colour, weight in zip(reversed(colours), reversed(weights), strict=True):
        full = F.interpolate(full, colour.shape[-2:], mode="bilinear", align_corners=False)
        sure = (weight * 4).clamp(max=1)
        full = colour / weight.clamp(min=1e-4) * sure + full * (1 - sure)
    return picture * keep + full * (1 - keep)


def grown_photo(
    photo: UInt8[Tensor, "H W 3"], growth: tuple[int, int, int, int], person: Float[Tensor, "1 1 h w"]
) -> UInt8[Tensor, "H2 W2 3"]:
    """The photo on a canvas that is larger by `growth` (left, top, right, bottom), its surroundings continued smoothly.

    person: what of the photo not to continue, 0 to 1, at any size.
    """
    left, top, right, bottom = growth
    height, width = photo.shape[:2]
    size = (height + top + bottom, width + left + right)
    scale = SMALL / max(size)
    h, w = (max(2, round(scale * side)) for side in (height, width))
    edges = [max(0, round(scale * side)) for side in (left, right, top, bottom)]
    small = resize_part(photo, (0, 0, width, height), (h, w))
    keep = 1 - F.interpolate(person, (h, w), mode="bilinear", align_corners=False)
    continued = filled(F.pad(small, edges), F.pad(keep, edges))
    answer = torch.empty(*size, 3, dtype=torch.uint8)
    for columns, pixels in resized_columns(continued, size, (0, 0, size[1], size[0])):
        answer[:, columns] = to_uint8(pixels[0])
    answer[top : top + height, left : left + width] = photo
    return answer
