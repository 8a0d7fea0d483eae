"""Local attention against the patch form that it replaces, at GFLA's two levels of a 256x256 picture."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reposer.nn.local_attention import LocalAttention

from .measure import Table, best_times, peak_memory

LEVELS = ((2, 128, 64, 5), (3, 256, 32, 3))  # level, channels, side of the map, k
MEGABYTE = 1e6


class PatchAttention(nn.Module):
    """The published form, literally: windows of source and target copied into tiles, read with stride k."""

    def __init__(self, attention: LocalAttention) -> None:
        super().__init__()
        self.attention = attention

    def forward(
        self, source: Float[Tensor, "B C H W"], target: Float[Tensor, "B C h w"], flow: Float[Tensor, "B 2 h w"]
    ) -> Float[Tensor, "B C h w"]:
        attention, k = self.attention, self.attention.kernel_size
        of_source, of_target = patches(source, flow, k), patches(target, torch.zeros_like(flow), k)
        hidden = F.leaky_relu(attention.score(torch.cat([of_target, of_source], 1)), 0.1)
        coefficients = F.pixel_shuffle(attention.mix(hidden).softmax(1), k)
        mean = F.avg_pool2d(coefficients * of_source, k)
        return mean if attention.normalize == "mean" else mean * k**2


def patches(source: Float[Tensor, "B C H W"], flow: Float[Tensor, "B 2 h w"], k: int) -> Float[Tensor, "B C k*h k*w"]:
    """The k x k window around p + flow(p), one tile for each p."""
    (height, width), (h, w) = source.shape[-2:], flow.shape[-2:]
    rows, columns = torch.arange(k * h, device=flow.device), torch.arange(k * w, device=flow.device)
    tiled = flow.repeat_interleave(k, 2).repeat_interleave(k, 3)
    x = tiled[:, 0] + columns // k + columns % k - k // 2
    y = tiled[:, 1] + (rows // k + rows % k - k // 2)[:, None]
    grid = torch.stack([2 * x / (width - 1) - 1, 2 * y / (height - 1) - 1], -1).to(source.dtype)
    return F.grid_sample(source, grid, padding_mode="border", align_corners=True)


def run(device: torch.device) -> list[Table]:
    batch, repeats = (1, 30) if device.type == "cpu" else (16, 30)
    rows: list[tuple[str | float, ...]] = []
    for level, channels, side, k in LEVELS:
        ours = LocalAttention(channels, k).to(device)
        patched = PatchAttention(ours)
        source, target = torch.randn(2, batch, channels, side, side, device=device)
        flow = 3 * torch.randn(batch, 2, side, side, device=device)
        # our networks hold features and weights with the channels last; the patch form is faster with them first
        last = LocalAttention(channels, k).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        last.load_state_dict(ours.state_dict())
        inputs = [t.contiguous(memory_format=torch.channels_last) for t in (source, target, flow)]
        error = (last(*inputs) - patched(source, target, flow)).abs().max().item()

        for backward in (False, True):
            calls = {
                "patches": lambda p=patched, b=backward, i=[source, target, flow]: _attend(p, i, b),
                "ours": lambda p=last, b=backward, i=inputs: _attend(p, i, b),
            }
            seconds = best_times(calls, repeats=repeats, device=device)
            memory = {name: peak_memory(call, device=device) for name, call in calls.items()}
            rows.append(
                (
                    f"level {level}, k = {k}",
                    "forward + backward" if backward else "forward",
                    1e3 * seconds["patches"],
                    1e3 * seconds["ours"],
                    seconds["patches"] / seconds["ours"],
                    memory["patches"] / MEGABYTE,
                    memory["ours"] / MEGABYTE,
                    memory["patches"] / memory["ours"],
                    f"{error:.0e}",
                )
            )
    return [
        Table(
            f"Local attention, {batch} picture{'s' if batch > 1 else ''}, float32",
            (
                "level",
                "pass",
                "patch form ms",
                "ours ms",
                "times faster",
                "patch form MB",
                "ours MB",
                "times less",
                "difference",
            ),
            rows,
            f"Level 2: 128 channels, 64x64; level 3: 256 channels, 32x32. Best of {repeats}. MB: peak beyond inputs, "
            "output and gradients.",
        )
    ]


def _attend(attention: nn.Module, inputs: list[Tensor], backward: bool) -> list[Tensor]:
    if not backward:
        with torch.no_grad():
            return [attention(*inputs)]
    leaves = [t.detach().requires_grad_() for t in inputs]
    out = attention(*leaves)
    gradients = torch.autograd.grad(out, [*leaves, *attention.parameters()], torch.ones_like(out))
    return [out.detach(), *gradients]
