"""Pose maps of a whole batch against those made person by person and joint by joint."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from reposer.core import Pose
from reposer.core.skeleton import OPENPOSE_18
from reposer.nn.maps import heatmaps, limb_mask, stick_picture

from .measure import Table, best_times

SIZE, BATCH, SIGMA, RADIUS = (256, 256), 16, 6.0, 4.0


def run(device: torch.device) -> list[Table]:
    joints = len(OPENPOSE_18)
    pose = Pose(256 * torch.rand(BATCH, joints, 2), torch.rand(BATCH, joints) > 0.2, SIZE).to(device)
    ways = {
        f"heat maps, sigma {SIGMA:g}": lambda p: heatmaps(p, SIGMA),
        f"limb mask, radius {RADIUS:g}": lambda p: limb_mask(p, RADIUS),
        "stick picture": stick_picture,
    }
    rows: list[tuple[str | float, ...]] = []
    for name, maps_of in ways.items():
        calls: dict[str, Callable[[], Tensor]] = {
            "rows": lambda d=maps_of: torch.cat([d(pose[b : b + 1]) for b in range(BATCH)]),
            "batch": lambda d=maps_of: d(pose),
        }
        if name.startswith("heat maps"):
            calls["joints"] = lambda: joint_by_joint(pose, SIGMA)
        seconds = best_times(calls, repeats=20, device=device)
        joint = 1e3 * seconds["joints"] if "joints" in seconds else "-"
        rows.append(
            (name, joint, 1e3 * seconds["rows"], 1e3 * seconds["batch"], max(seconds.values()) / seconds["batch"])
        )
    title = f"Pose maps of {BATCH} people at {SIZE[0]}x{SIZE[1]}"
    columns = ("what", "by joint ms", "by person ms", "in a batch ms", "times faster")
    return [Table(title, columns, rows, "Best of 20. Times faster: the batch against the slowest of the others.")]


def joint_by_joint(pose: Pose, sigma: float) -> Float[Tensor, "B K H W"]:
    """As data loaders of this field make them: exp over a whole map for each joint of each person."""
    height, width = pose.size
    maps = torch.zeros(*pose.visible.shape, height, width, device=pose.xy.device)
    y, x = torch.meshgrid(
        torch.arange(height, device=maps.device), torch.arange(width, device=maps.device), indexing="ij"
    )
    for b, k in pose.visible.nonzero().tolist():
        px, py = pose.xy[b, k]
        maps[b, k] = torch.exp(-((y - py) ** 2 + (x - px) ** 2) / (2 * sigma**2))
    return maps
