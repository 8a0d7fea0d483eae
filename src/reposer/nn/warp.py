"""Backward warps: `drawn(p) = source(p + flow(p))`, flow in pixels, channel 0 = x. Positions stay float32."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def sampled_positions(flow: Float[Tensor, "B 2 h w"]) -> tuple[Float[Tensor, "B h w"], Float[Tensor, "B h w"]]:
    """x and y of p + flow(p), in pixels; (0, 0) is the centre of the first one."""
    flow = flow if flow.dtype == torch.float64 else flow.float()
    h, w = flow.shape[-2:]
    x = flow[:, 0] + torch.arange(w, device=flow.device, dtype=flow.dtype)
    y = flow[:, 1] + torch.arange(h, device=flow.device, dtype=flow.dtype)[:, None]
    return x, y


def warp(source: Float[Tensor, "B C H W"], flow: Float[Tensor, "B 2 h w"]) -> Float[Tensor, "B C h w"]:
    """Bilinear samples of `source` at p + flow(p); outside, the border's pixels repeat."""
    return warp_at(source, *sampled_positions(flow))


def warp_at(
    source: Float[Tensor, "B C H W"], x: Float[Tensor, "B h w"], y: Float[Tensor, "B h w"]
) -> Float[Tensor, "B C h w"]:
    """Bilinear samples of `source` at (x, y), in pixels of it; outside, the border's pixels repeat."""
    height, width = source.shape[-2:]
    # to the [-1, 1] of grid_sample, whose ends are pixel centres; a side of one pixel has one place only
    grid = torch.stack([x * (2 / max(width - 1, 1)) - 1, y * (2 / max(height - 1, 1)) - 1], -1)
    drawn = F.grid_sample(source.to(grid.dtype), grid, mode="bilinear", padding_mode="border", align_corners=True)
    return drawn.to(source.dtype)


def gaussian_sample(
    source: Float[Tensor, "B C H W"], flow: Float[Tensor, "B 2 h w"], *, taps: int = 4, sigma: float = 2.0
) -> Float[Tensor, "B C h w"]:
    """Samples at p + flow(p) weighted by a Gaussian over the taps x taps pixels around (GFLA's loss).

    As published, the window runs from floor - (taps/2 - 1) to floor + taps/2: at whole positions it leans
    +0.36 pixels (taps = 4, sigma = 2) and it jumps when the flow crosses a whole number.
    """
    batch, channels, height, width = source.shape
    h, w = flow.shape[-2:]
    x, y = sampled_positions(flow)
    x, y = x.clamp(-taps, width - 1 + taps), y.clamp(-taps, height - 1 + taps)
    left, top = x.detach().floor(), y.detach().floor()
    reach = torch.arange(1 - taps // 2, taps // 2 + 1, device=source.device)

    def weights(fraction: Tensor) -> Tensor:
        distance = reach - fraction[..., None]
        g = torch.exp(-distance.square() / (2 * sigma**2))
        return g / g.sum(-1, keepdim=True)

    weight = weights(y - top)[..., :, None] * weights(x - left)[..., None, :]
    columns = (left.long()[..., None] + reach).clamp(0, width - 1)
    rows = (top.long()[..., None] + reach).clamp(0, height - 1)
    first = torch.arange(batch, device=source.device)[:, None, None, None, None] * (height * width)
    places = first + rows[..., :, None] * width + columns[..., None, :]
    table = source.permute(0, 2, 3, 1).reshape(batch * height * width, channels)
    drawn = F.embedding_bag(
        places.reshape(-1, taps**2),
        table,
        per_sample_weights=weight.reshape(-1, taps**2).to(table.dtype),
        mode="sum",
    )
    return drawn.view(batch, h, w, channels).permute(0, 3, 1, 2)


def flow_picture(flow: Float[Tensor, "B 2 h w"], longest: float | None = None) -> Float[Tensor, "B 3 h w"]:
    """Flow as colours in [-1, 1]: the hue is its direction, white is no flow.

    longest: the length, in pixels, drawn at full strength; None = each row's own 99th percentile.
    """
    length = flow.float().norm(dim=1)
    if longest is None:
        full = torch.quantile(length.flatten(1), 0.99, dim=1).clamp(min=1e-6)[:, None, None]
    else:
        full = length.new_tensor(longest)
    strength = (length / full).clamp(max=1)
    angle = torch.atan2(flow[:, 1].float(), flow[:, 0].float())
    # three cosines, 120 degrees apart, fading to white
    hues = [0.5 + 0.5 * torch.cos(angle - turn * 2 * math.pi / 3) for turn in range(3)]
    return torch.stack([1 - strength * (1 - hue) for hue in hues], 1) * 2 - 1
