"""Solid parts made of grids of points, and joining them into one mesh.

Object space: x to the right, y up, z to the front, in metres.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

Colour: TypeAlias = tuple[float, float, float]
Paint: TypeAlias = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From points (n, 3) and unit normals (n, 3) of a surface to its colours (n, 3) in [0, 1]."""

Place: TypeAlias = Sequence[float] | np.ndarray
"""x, y, z, in metres."""

CREASE = np.cos(np.radians(42.0))  # faces that meet at a sharper angle keep an edge


@dataclass(frozen=True)
class Finish:
    """Appearance of a surface.

    paint: one colour, or a function of position and normal; gloss: 0 is chalk, 1 is a mirror of the sky.
    """

    paint: Colour | Paint
    gloss: float = 0.05

    def colours(self, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """(n, 3) float32."""
        if callable(self.paint):
            return self.paint(points, normals).astype(np.float32)
        return np.broadcast_to(np.asarray(self.paint, np.float32), points.shape)


@dataclass(frozen=True)
class Part:
    """A closed surface. points (V, 3), faces (F, 3): anticlockwise seen from outside."""

    points: np.ndarray
    faces: np.ndarray
    finish: Finish

    def moved(self, *, by: Place = (0, 0, 0), turn: np.ndarray | None = None) -> "Part":
        """Turned about the origin, then moved."""
        points = self.points if turn is None else self.points @ turn.T
        return replace(self, points=points + np.asarray(by, float))


@dataclass(frozen=True)
class Mesh:
    """All parts of an object. normals are of the corners (F, 3, 3); finish (F,) indexes `finishes`."""

    points: np.ndarray
    faces: np.ndarray
    normals: np.ndarray
    finish: np.ndarray
    finishes: tuple[Finish, ...]

    @property
    def centre(self) -> np.ndarray:
        """Centre of the object's bounding box."""
        return np.asarray((self.points.min(0) + self.points.max(0)) / 2)

    @property
    def radius(self) -> float:
        """Radius of the ball around that centre that contains the whole object."""
        return float(np.linalg.norm(self.points - self.centre, axis=1).max())


def join(parts: Sequence[Part]) -> Mesh:
    """The parts as one mesh, with smooth normals inside each part."""
    starts = np.cumsum([0, *(len(p.points) for p in parts)])
    return Mesh(
        np.concatenate([p.points for p in parts]),
        np.concatenate([p.faces + start for p, start in zip(parts, starts[:-1], strict=True)]),
        np.concatenate([corner_normals(p.points, p.faces) for p in parts]),
        np.repeat(np.arange(len(parts)), [len(p.faces) for p in parts]),
        tuple(p.finish for p in parts),
    )


def corner_normals(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(F, 3, 3): each corner's mean normal over the faces around its vertex that bend less than the crease."""
    a, b, c = (points[faces[:, k]] for k in range(3))
    area = np.cross(b - a, c - a)
    unit = area / np.maximum(np.linalg.norm(area, axis=1, keepdims=True), 1e-12)
    _, place = np.unique(np.round(points, 6), axis=0, return_inverse=True)  # seams and poles share a vertex
    vertex = place.reshape(-1)[faces].reshape(-1)
    order = np.argsort(vertex, kind="stable")
    count = np.bincount(vertex)
    first = np.cumsum(count) - count
    many = count[vertex]
    corner = np.repeat(np.arange(len(vertex)), many)
    step = np.arange(len(corner)) - np.repeat(np.cumsum(many) - many, many)
    other = order[first[vertex[corner]] + step] // 3
    own = corner // 3
    near = (unit[own] * unit[other]).sum(1) > CREASE
    total = np.stack([np.bincount(corner[near], area[other[near], k], len(vertex)) for k in range(3)], -1)
    total = np.where(np.linalg.norm(total, axis=1, keepdims=True) > 1e-12, total, unit.repeat(3, 0))
    normals: np.ndarray = (total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)).reshape(-1, 3, 3)
    return normals


def solid(points: np.ndarray, faces: np.ndarray, finish: Finish) -> Part:
    """A closed surface with its faces reoriented outwards if necessary."""
    a, b, c = (points[faces[:, k]] for k in range(3))
    area = np.cross(b - a, c - a)
    full = np.linalg.norm(area, axis=1) > 1e-12
    middle = points.mean(0)
    volume = float(((a - middle) * area).sum())
    return Part(points.astype(float), (faces if volume > 0 else faces[:, ::-1])[full], finish)


def grid_faces(rows: int, columns: int) -> np.ndarray:
    """Two triangles for each cell of a grid of rows x columns points."""
    corner = np.arange((rows - 1) * columns).reshape(rows - 1, columns)[:, :-1]
    a, b, c, d = corner, corner + 1, corner + columns + 1, corner + columns
    return np.stack([np.stack([a, b, c], -1), np.stack([a, c, d], -1)], 2).reshape(-1, 3)


def rings(points: np.ndarray, finish: Finish) -> Part:
    """A tube of closed rings (n, m, 3) (the last column repeats the first), flat caps at both ends."""
    ends = [np.broadcast_to(r.mean(0), r.shape)[None] for r in (points[0], points[-1])]
    closed = np.concatenate([ends[0], points, ends[1]])
    return solid(closed.reshape(-1, 3), grid_faces(*closed.shape[:2]), finish)


def block(centre: Place, size: Place, finish: Finish, *, radius: float = 0.008, steps: int = 2) -> Part:
    """A box of `size` (x, y, z) with edges rounded by `radius`."""
    half = np.asarray(size, float) / 2
    r = min(radius, 0.999 * float(half.min()))
    quarter = np.linspace(0, np.pi / 2, steps + 1)
    latitude = np.concatenate([quarter[::-1], -quarter])
    up = np.repeat([1.0, -1.0], steps + 1)
    longitude = np.concatenate([k * np.pi / 2 + quarter for k in range(4)])
    right = np.repeat([1.0, -1.0, -1.0, 1.0], steps + 1)
    front = np.repeat([1.0, 1.0, -1.0, -1.0], steps + 1)
    longitude, right, front = (np.append(v, v[0]) for v in (longitude, right, front))
    lat, lon = latitude[:, None], longitude[None]
    ball = np.stack([np.cos(lat) * np.cos(lon), np.sin(lat) + 0 * lon, np.cos(lat) * np.sin(lon)], -1)
    shape = ball.shape[:2]
    corner = np.stack(
        [np.broadcast_to(right, shape), np.broadcast_to(up[:, None], shape), np.broadcast_to(front, shape)], -1
    )
    points = np.asarray(centre, float) + corner * (half - r) + r * ball
    return rings(points, finish)


def lathe(
    profile: Sequence[tuple[float, float]],
    finish: Finish,
    *,
    centre: Place = (0, 0, 0),
    columns: int = 32,
    smooth: int = 0,
) -> Part:
    """A body of revolution about the y axis; profile: (radius, height). smooth: points between two given ones."""
    line = curve(np.asarray(profile, float), smooth) if smooth else np.asarray(profile, float)
    angle = np.linspace(0, 2 * np.pi, columns + 1)
    r, y = np.maximum(line[:, :1], 0), line[:, 1:]
    points = np.stack([r * np.sin(angle), y + 0 * angle, r * np.cos(angle)], -1)
    return rings(points + np.asarray(centre, float), finish)


def sweep(
    line: np.ndarray,
    finish: Finish,
    width: float | np.ndarray,
    depth: float | np.ndarray | None = None,
    *,
    front: Place = (0, 0, 1),
    roundness: float = 2.0,
    columns: int = 14,
) -> Part:
    """A bar along a line (n, 3): half `width` across and half `depth` towards `front`, a superellipse across.

    front: replaced by another direction if the whole line runs along it.
    roundness: exponent of the section; 2 is round, 6 nearly square.
    """
    line = np.asarray(line, float)
    depth = width if depth is None else depth
    tangent = np.gradient(line, axis=0)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-9)
    ahead = np.asarray(front, float)
    if np.abs(tangent @ ahead).mean() > 0.999 * np.linalg.norm(ahead):
        ahead = np.array([0.0, 1.0, 0.0]) if abs(ahead[1]) < 0.9 else np.array([0.0, 0.0, 1.0])
    towards = ahead - tangent * (tangent @ ahead)[:, None]
    towards /= np.maximum(np.linalg.norm(towards, axis=1, keepdims=True), 1e-9)
    across = np.cross(tangent, towards)
    angle = np.linspace(0, 2 * np.pi, columns + 1) + np.pi / columns
    power = 2.0 / roundness
    u = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** power
    v = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** power
    w, d = (np.broadcast_to(np.asarray(a, float), (len(line),))[:, None, None] for a in (width, depth))
    points = line[:, None] + w * u[:, None] * across[:, None] + d * v[:, None] * towards[:, None]
    return rings(points, finish)


def bar(
    start: Place,
    end: Place,
    finish: Finish,
    width: float,
    depth: float | None = None,
    *,
    taper: float = 1.0,
    front: Place = (0, 0, 1),
    roundness: float = 2.0,
) -> Part:
    """A straight bar; at its end it is `taper` times as thick."""
    t = np.linspace(0, 1, 2)
    line = np.asarray(start, float) + t[:, None] * (np.asarray(end, float) - np.asarray(start, float))
    thick = 1 + (taper - 1) * t
    return sweep(
        line,
        finish,
        width * thick,
        (width if depth is None else depth) * thick,
        front=front,
        roundness=roundness,
        columns=16,
    )


def shell(surface: np.ndarray, thickness: float, finish: Finish) -> Part:
    """A curved sheet: the surface (n, m, 3) made `thickness` thick."""
    normal = np.cross(np.gradient(surface, axis=0), np.gradient(surface, axis=1))
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-9)
    n, m = surface.shape[:2]
    one, two = surface + normal * thickness / 2, surface - normal * thickness / 2
    first = grid_faces(n, m)
    number = np.arange(n * m).reshape(n, m)
    rim = np.concatenate([number[0], number[1:, -1], number[-1, -2::-1], number[-2::-1, 0]])
    a, b = rim[:-1], rim[1:]
    edge = np.concatenate([np.stack([a, a + n * m, b], -1), np.stack([b, a + n * m, b + n * m], -1)])
    points = np.concatenate([one.reshape(-1, 3), two.reshape(-1, 3)])
    return solid(points, np.concatenate([first, first[:, ::-1] + n * m, edge]), finish)


def ball(centre: Place, radii: Place, finish: Finish, *, rows: int = 12) -> Part:
    """An ellipsoid."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, rows + 1)
    part = lathe([(float(np.cos(t)), float(np.sin(t))) for t in angle], finish, columns=2 * rows)
    return replace(part, points=part.points * np.asarray(radii, float) + np.asarray(centre, float))


def curve(points: np.ndarray, between: int = 6) -> np.ndarray:
    """A smooth line through the points (n, d), with `between` more in each gap (Catmull-Rom)."""
    points = np.asarray(points, float)
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = (np.arange(between + 1) / (between + 1))[:, None]
    pieces = []
    for p, q, r, s in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        pieces.append(0.5 * (2 * q + (r - p) * t + (2 * p - 5 * q + 4 * r - s) * t**2 + (3 * (q - r) + s - p) * t**3))
    return np.concatenate([*pieces, points[-1:]])


def turning(axis: int, degrees: float) -> np.ndarray:
    """The rotation about axis 0, 1 or 2, anticlockwise seen from its positive end."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = np.eye(3)
    j, k = (axis + 1) % 3, (axis + 2) % 3
    matrix[j, j], matrix[j, k], matrix[k, j], matrix[k, k] = c, -s, s, c
    return matrix
