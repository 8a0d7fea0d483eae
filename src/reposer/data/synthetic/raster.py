"""Triangles to pixels: a z-buffer over all fragments at once, in NumPy."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Hits:
    """What each pixel of a picture sees.

    face is -1 where it sees nothing; weights are barycentric, for pixels seen.
    """

    face: np.ndarray
    depth: np.ndarray
    weights: np.ndarray
    """(number of pixels seen, 3), in the order of np.flatnonzero(face >= 0)."""


def rasterise(points: np.ndarray, faces: np.ndarray, size: tuple[int, int]) -> Hits:
    """The nearest front face under every pixel centre.

    points: (V, 3) x right, y down in pixels, z towards the camera; faces: (F, 3), anticlockwise seen from
        outside.
    """
    h, w = size
    corners = points[faces].astype(np.float32)
    x, y, z = corners[..., 0], corners[..., 1], corners[..., 2]
    area = (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) - (x[:, 2] - x[:, 0]) * (y[:, 1] - y[:, 0])
    x0 = np.maximum(np.ceil(x.min(1)), 0).astype(np.int32)
    x1 = np.minimum(np.floor(x.max(1)), w - 1).astype(np.int32)
    y0 = np.maximum(np.ceil(y.min(1)), 0).astype(np.int32)
    y1 = np.minimum(np.floor(y.max(1)), h - 1).astype(np.int32)
    # y points down: a front face runs clockwise in numbers
    keep = np.flatnonzero((area < -1e-9) & (x1 >= x0) & (y1 >= y0))
    x, y, z, area, x0, y0 = x[keep], y[keep], z[keep], area[keep], x0[keep], y0[keep]
    width = x1[keep] - x0 + 1
    count = width * (y1[keep] - y0 + 1)
    face = np.repeat(np.arange(len(keep), dtype=np.int32), count)
    first = np.cumsum(count) - count
    step = np.arange(int(count.sum()), dtype=np.int32) - np.repeat(first.astype(np.int32), count)
    row = step // width[face]
    column = step - row * width[face]
    px, py = x0[face] + column, y0[face] + row
    # barycentric weights as affine functions of the pixel, relative to the face's first corner
    dx, dy = px.astype(np.float32) - x[face, 0], py.astype(np.float32) - y[face, 0]
    a1, b1 = (y[:, 2] - y[:, 0]) / area, -(x[:, 2] - x[:, 0]) / area
    a2, b2 = -(y[:, 1] - y[:, 0]) / area, (x[:, 1] - x[:, 0]) / area
    w1 = a1[face] * dx + b1[face] * dy
    w2 = a2[face] * dx + b2[face] * dy
    inside = np.flatnonzero((w1 >= -1e-4) & (w2 >= -1e-4) & (w1 + w2 <= 1 + 1e-4))
    face, w1, w2 = face[inside], w1[inside], w2[inside]
    pixel = py[inside] * np.int32(w) + px[inside]
    depth = z[face, 0] + w1 * (z[face, 1] - z[face, 0]) + w2 * (z[face, 2] - z[face, 0])
    nearest = np.full(h * w, -np.inf, np.float32)
    np.maximum.at(nearest, pixel, depth)
    wins = np.flatnonzero(depth == nearest[pixel])
    owner = np.full(h * w, -1, np.int64)
    owner[pixel[wins]] = wins
    seen = owner[owner >= 0]
    out = np.full(h * w, -1, np.int64)
    out[owner >= 0] = keep[face[seen]]
    weights = np.stack([1 - w1[seen] - w2[seen], w1[seen], w2[seen]], -1)
    return Hits(out.reshape(h, w), nearest.reshape(h, w), weights)
