"""Ground truth of a rendered picture as arrays for files: parts, depth, surface, albedo, joints and flow.

Frames and units are those of `rendering.Rendering`; see docs/synthetic.md.
"""

import io
from typing import Any

import numpy as np

from .rendering import Rendering


def picture_truth(rendering: Rendering, row: int) -> dict[str, np.ndarray]:
    """parts (H, W), depth (H, W), surface (3, H, W), albedo (H, W, 3), and by skeleton joints_NAME and visible_NAME."""
    arrays = {
        "parts": rendering.parts[row].cpu().numpy(),
        "depth": rendering.depth[row].cpu().numpy().astype(np.float16),
        "surface": rendering.surface[row].cpu().numpy().astype(np.float16),
        "albedo": rendering.albedo[row].cpu().numpy(),
    }
    for name, pose in rendering.poses.items():
        arrays[f"joints_{name}"] = pose.xy[row].cpu().numpy().astype(np.float32)
        arrays[f"visible_{name}"] = pose.visible[row].cpu().numpy()
    return arrays


def flow_truth(rendering: Rendering, source: int, target: int) -> dict[str, np.ndarray]:
    """flow (2, H, W) and visible (H, W) of the pair of these rows."""
    flow, visible = rendering.flow(source, target)
    return {"flow": flow.cpu().numpy().astype(np.float16), "visible": visible.cpu().numpy()}


def packed(arrays: dict[str, np.ndarray]) -> bytes:
    """A compressed .npz file; the same arrays always give the same bytes."""
    file = io.BytesIO()
    keywords: dict[str, Any] = arrays
    np.savez_compressed(file, **keywords)
    return file.getvalue()
