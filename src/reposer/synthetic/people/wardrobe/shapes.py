"""Curved surfaces as grids of points: lofts along a line, with texture coordinates that stay on the cloth."""

import math
from dataclasses import dataclass

import numpy as np

from ..body.bones import Hold
from ..body.figure import smoothstep, unit
from .clothes import Material


@dataclass(frozen=True)
class Patch:
    """A grid of points (n, m, 3) of one material; columns go around, and the last column repeats the first.

    coordinates: (n, m, 3) the material's input: for a loft (way round, way along, angle / pi from
        the front), in statures; for a head its own x, y, z in radii.
    shade: (n, m) extra darkness, 1 = none.
    part: index into PARTS, of the whole patch or of each of its n - 1 strips.
    group: surfaces of one group are shaded as one smooth surface.
    hold: skinning of the points; None for patches on the head.
    """

    points: np.ndarray
    coordinates: np.ndarray
    shade: np.ndarray
    material: Material
    part: int | np.ndarray
    group: int
    hold: Hold | None = None


def planes(vectors: np.ndarray) -> np.ndarray:
    """(..., 3) as (3, ...): loops over vectors of three are slow."""
    return np.ascontiguousarray(np.moveaxis(vectors, -1, 0))


def length(vectors: np.ndarray) -> np.ndarray:
    """Lengths (...) of vectors (3, ...)."""
    x, y, z = vectors * vectors
    return np.asarray(np.sqrt(x + y + z))


def slope(values: np.ndarray, axis: int) -> np.ndarray:
    """np.gradient without its overhead."""
    lines = values.swapaxes(0, axis)
    out = np.empty_like(lines)
    np.subtract(lines[2:], lines[:-2], out=out[1:-1])
    out[1:-1] /= 2
    out[0], out[-1] = lines[1] - lines[0], lines[-1] - lines[-2]
    return out.swapaxes(0, axis)


def line_frames(centres: np.ndarray, front: np.ndarray) -> np.ndarray:
    """Frames (n, 3, 3) with columns (side, along, front) along a line; `front` is transported without twist."""
    tangents = slope(planes(centres), 1)
    tangents /= np.maximum(length(tangents), 1e-9)
    fronts = []
    u, v, w = front.tolist()
    for x, y, z in tangents.T.tolist():  # plain floats are ten times as fast as arrays here
        dot = u * x + v * y + w * z
        u, v, w = u - x * dot, v - y * dot, w - z * dot
        size = max(math.sqrt(u * u + v * v + w * w), 1e-9)
        u, v, w = u / size, v / size, w / size
        fronts.append((u, v, w))
    ahead = np.array(fronts).T
    return np.stack([_cross(tangents, ahead), tangents, ahead], -1).swapaxes(0, 1)


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """np.cross for vectors (3, ...), without its overhead."""
    (ax, ay, az), (bx, by, bz) = a, b
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])


def bent_line(a: np.ndarray, b: np.ndarray, c: np.ndarray, t: np.ndarray, corner: float = 0.16) -> np.ndarray:
    """Points at t in [0, 2] of the line a, b, c (t = 1 is b) with a rounded corner, extended beyond its ends."""
    t = t[:, None]
    first, second = a + (b - a) * t, b + (c - b) * (t - 1)
    s = np.clip((t - 1 + corner) / (2 * corner), 0, 1)
    p, q = a + (b - a) * (1 - corner), b + (c - b) * corner
    rounded = (1 - s) ** 2 * p + 2 * s * (1 - s) * b + s**2 * q
    points: np.ndarray = np.where(t < 1 - corner, first, np.where(t > 1 + corner, second, rounded))
    return points


def loft(
    centres: np.ndarray,
    frames: np.ndarray,
    side: np.ndarray,
    front: np.ndarray,
    back: np.ndarray,
    *,
    columns: int = 24,
    roundness: float = 2.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, columns + 1, 3) of rings around a line, and their coordinates.

    side, front, back: half widths (n,), or (n, columns + 1) if they vary around the ring.
    roundness: exponent of the superellipse; 2 is an ellipse, more is boxier.
    """
    angle = np.linspace(-np.pi, np.pi, columns + 1)
    sin, cos = np.sin(angle), np.cos(angle)
    power = 2.0 / roundness
    x = np.sign(sin) * np.abs(sin) ** power
    z = np.sign(cos) * np.abs(cos) ** power
    side, front, back = (w[:, None] if w.ndim == 1 else w for w in (side, front, back))
    # front and back widths meet smoothly at the sides
    depth = np.where(z >= 0, front, back)
    points = centres[:, None] + (side * x)[..., None] * frames[:, None, :, 0]
    points = points + (depth * z)[..., None] * frames[:, None, :, 2]
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(centres, axis=0), axis=1))])
    mean = (side + 0.5 * (front + back)) / 2
    reach = float(np.mean(mean))  # one radius for the whole loft: stripes along it stay parallel
    coordinates = np.empty((*points.shape[:2], 3))
    coordinates[..., 0] = angle * reach
    coordinates[..., 1] = along[:, None]
    coordinates[..., 2] = angle / np.pi
    return points, coordinates


def rounded_ends(
    along: np.ndarray, radius: np.ndarray, *, start: bool = True, end: bool = True, steps: int = 4
) -> tuple[np.ndarray, np.ndarray]:
    """Positions and radii with half-round caps added before the first and after the last ring."""
    phi = np.linspace(0, np.pi / 2, steps + 1)[1:]
    if start:
        along = np.concatenate([(along[0] - radius[0] * np.sin(phi))[::-1], along])
        radius = np.concatenate([(radius[0] * np.cos(phi))[::-1], radius])
    if end:
        along = np.concatenate([along, along[-1] + radius[-1] * np.sin(phi)])
        radius = np.concatenate([radius, radius[-1] * np.cos(phi)])
    return along, np.maximum(radius, 1e-5)


def tube(
    a: np.ndarray, b: np.ndarray, radii: tuple[float, ...], front: np.ndarray, *, columns: int = 14, rings: int = 7
) -> tuple[np.ndarray, np.ndarray]:
    """A straight limb from a to b with round ends; radii are evenly spaced along it."""
    length = float(np.linalg.norm(b - a))
    along = np.linspace(0, length, rings)
    radius = np.interp(along, np.linspace(0, length, len(radii)), radii)
    along, radius = rounded_ends(along, radius)
    axis = unit(b - a)
    centres = a + along[:, None] * axis
    front = unit(front - axis * (front @ axis))
    frame = np.stack([np.cross(axis, front), axis, front], 1)
    return loft(centres, np.broadcast_to(frame, (len(along), 3, 3)), radius, radius, radius, columns=columns)


def sphere_grid(rows: int, columns: int) -> np.ndarray:
    """Unit directions (rows, columns + 1, 3), from bottom to top, denser at the front than at the back."""
    polar = np.linspace(np.pi, 0, rows)[:, None]
    angle = np.linspace(-np.pi, np.pi, columns + 1)
    angle = (angle - 0.35 * np.sin(angle))[None]
    x, z = np.sin(polar) * np.sin(angle), np.sin(polar) * np.cos(angle)
    return np.stack([x, np.broadcast_to(np.cos(polar), x.shape), z], -1)


def head_points(directions: np.ndarray, *, nose: float = 1.0, jaw: float = 1.0) -> np.ndarray:
    """The head's surface in head radii: a skull, a narrower jaw, a nape, a nose."""
    x, y, z = (directions[..., i] for i in range(3))
    low = np.clip(-y, 0, 1)
    narrow = 1 - (0.36 - 0.16 * (jaw - 1) / 0.15) * low**1.6
    forward = np.where(z < 0, 1 - 0.45 * smoothstep(0.15, 0.8, low), 1 - 0.10 * smoothstep(0.3, 1.0, low))
    chin = 0.20 * smoothstep(0.45, 0.9, low) * (z > -0.3)
    bump = np.exp(-((x / 0.105) ** 2) - ((y + 0.24) / 0.14) ** 2) * (z > 0)
    ridge = np.exp(-((x / 0.085) ** 2) - ((y + 0.04) / 0.17) ** 2) * (z > 0)
    sockets = (np.exp(-(((np.abs(x) - 0.36) / 0.2) ** 2) - ((y - 0.03) / 0.12) ** 2)) * (z > 0)
    flat = 1 - 0.05 * smoothstep(0.7, 1.0, z)
    return np.stack(
        [
            x * narrow * (1 - 0.04 * sockets),
            y,
            z * forward * flat + chin + nose * (0.17 * bump + 0.06 * ridge) - 0.04 * sockets,
        ],
        -1,
    )


def normals(points: np.ndarray) -> np.ndarray:
    """Outward unit normals of a grid whose columns are closed."""
    ring = planes(points[:, :-1])
    closed = np.concatenate([ring[..., -1:], ring, ring[..., :1]], -1)
    n = _cross(closed[..., 2:] - closed[..., :-2], slope(ring, 1))
    size = length(n)
    flat = size < 1e-12
    out = np.empty(points.shape)
    out[:, :-1] = np.moveaxis(n / np.maximum(size, 1e-12), 0, -1)
    if flat.any():  # poles, where a whole ring is one point
        for row in np.flatnonzero(flat.any(1)):
            near = 1 if row == 0 else row - 1
            out[row, :-1][flat[row]] = unit(out[near, :-1].mean(0))
    out[:, -1] = out[:, 0]
    return out
