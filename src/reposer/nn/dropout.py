"""Reproducible dropout: the mask of a row is a function of the row's seed and the layer's number."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from reposer.core.rng import mix

BYTES = 8  # of one hash; each decides for one value


class SeededDropout(nn.Module):
    """Drops values at its rate and scales the rest by 1 / (1 - rate); without seeds it does nothing.

    rate: share of values dropped, rounded to 1/256.
    number: of this layer in its network; layers with the same number drop the same places.
    Training and eval mode do not differ: training passes seeds, inference does not.
    """

    def __init__(self, rate: float, number: int = 0) -> None:
        super().__init__()
        assert 0 <= rate < 1
        self.dropped, self.number = round(rate * 256), number

    def forward(self, x: Float[Tensor, "B C H W"], seeds: Int64[Tensor, "B"] | None = None) -> Float[Tensor, "B C H W"]:
        if seeds is None or self.dropped == 0:
            return x
        b, c, h, w = x.shape
        keys = [mix(seed, self.number) for seed in seeds.tolist()]
        noise = random_bytes(torch.tensor(keys, device=x.device), h * w * c)
        keep = (noise >= self.dropped).view(b, h, w, c).permute(0, 3, 1, 2)
        return x * (keep.to(x.dtype) * (256 / (256 - self.dropped)))


def random_bytes(keys: Int64[Tensor, "B"], length: int) -> Tensor:
    """uint8 (B, length): splitmix64 of (key, position), on the keys' device and the same on every one."""
    # 0x9E37... as a signed number; int64 products wrap around
    positions = torch.arange(-(-length // BYTES), device=keys.device) * -0x61C8864680B583EB
    z = keys[:, None] + positions
    z = (z ^ _shifted(z, 30)) * -0x40A7B892E31B1A47  # 0xBF58476D1CE4E5B9
    z = (z ^ _shifted(z, 27)) * -0x6B2FB644ECCEEE15  # 0x94D049BB133111EB
    z = z ^ _shifted(z, 31)
    return z.view(torch.uint8)[:, :length]


def _shifted(z: Tensor, by: int) -> Tensor:
    """z >> by, of the unsigned number."""
    return (z >> by) & ((1 << (64 - by)) - 1)
