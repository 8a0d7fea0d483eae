"""Pictures outside a mask."""

from jaxtyping import Bool, UInt8
from torch import Tensor


def black_outside(picture: UInt8[Tensor, "*B H W 3"], mask: Bool[Tensor, "*B H W"]) -> UInt8[Tensor, "*B H W 3"]:
    """The picture inside the mask, and black elsewhere."""
    return picture * mask[..., None]
