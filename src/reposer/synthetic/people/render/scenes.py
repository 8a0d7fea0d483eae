"""Scenes: a white studio, a coloured one, or a room with a patterned floor and wall; with their light."""

import math
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from ..wardrobe.clothes import Colour
from ..wardrobe.colours import jitter, rgb

SceneKind = Literal["white", "gradient", "room"]
Floor = Literal["planks", "tiles", "carpet", "concrete", "grass"]
Wall = Literal["plain", "bricks", "stripes", "panels", "plaster", "foliage"]

BACKDROPS = (
    ("f5f5f4", "e6e6e4"),
    ("ffffff", "f1f1f1"),
    ("eceae6", "d8d4cc"),
    ("dfe6ec", "c3ced8"),
    ("efe4da", "dcc9b8"),
    ("d9d9dc", "b4b4ba"),
    ("e3ebe2", "c7d4c6"),
    ("e9e0ea", "cfc3d3"),
    ("b9c4cf", "8d9aa8"),
    ("cfd8dc", "aab6bc"),
)
WALL_COLOURS = ("e8e4dc", "d7dde2", "cfd8cc", "b9a58c", "8a5a44", "6f7f8c", "c9b3a6", "9fb0a0", "d8c9a8", "54606b")
FLOOR_COLOURS = ("8a6a48", "b08d63", "5d4633", "9a9a98", "c2beb6", "6d7350", "7c4a3c", "4f5a66", "d0c4ae")


@dataclass(frozen=True)
class Scene:
    """A backdrop and its light."""

    kind: SceneKind = "white"
    top: Colour = (0.96, 0.96, 0.955)
    bottom: Colour = (0.90, 0.90, 0.895)
    """Colours (top, bottom) of the wall, or of the studio's upper and lower edge."""
    floor_colour: Colour = (0.6, 0.5, 0.4)
    floor: Floor = "planks"
    wall: Wall = "plain"
    distance: float = 1.0
    """Distance of the wall behind the person, in statures."""
    things: tuple[tuple[float, float, float, float, Colour], ...] = field(default=())
    """Pictures, doors and furniture on the wall: (left, bottom, width, height) in statures, colour."""
    light: tuple[float, float, float] = (0.3, 0.75, 0.85)
    """Direction of the lamp: (to the picture's right, up, to the camera)."""
    ambient: float = 0.42
    """Share of ambient light; the rest comes from the lamp."""
    warmth: float = 0.0
    seat_colour: Colour = (0.75, 0.74, 0.72)
    """Colour of the box that a sitting person sits on."""
    seed: int = 0
    """Seed of the scene's noise."""


def sample_scene(stream: np.random.Generator) -> Scene:
    """Sample a scene: a white studio in four of ten, a coloured one in three, a room in three."""
    kind: SceneKind = ("white", "gradient", "room")[int(stream.choice(3, p=(0.4, 0.3, 0.3)))]
    light = (float(stream.uniform(-0.8, 0.8)), float(stream.uniform(0.5, 0.95)), float(stream.uniform(0.6, 1.0)))
    common: dict[str, Any] = {
        "light": light,
        "ambient": float(stream.uniform(0.36, 0.52)),
        "warmth": float(stream.normal(0, 0.025)),
        "seed": int(stream.integers(2**31)),
    }
    if kind == "white":
        shade = float(stream.uniform(0.9, 1.0))
        return Scene(kind, (shade, shade, shade), (shade * 0.965,) * 3, **common)
    if kind == "gradient":
        top, bottom = BACKDROPS[int(stream.integers(len(BACKDROPS)))]
        if stream.random() < 0.35:  # a strong colour
            top = bottom = WALL_COLOURS[int(stream.integers(len(WALL_COLOURS)))]
        return Scene(kind, jitter(rgb(top), stream, 0.4), jitter(rgb(bottom), stream, 0.5), **common)
    wall = jitter(rgb(WALL_COLOURS[int(stream.integers(len(WALL_COLOURS)))]), stream)
    things = []
    for _ in range(int(stream.integers(0, 5))):
        kind_of_thing = stream.random()
        left = float(stream.uniform(-0.9, 0.7))
        colour = jitter(rgb((*WALL_COLOURS, *FLOOR_COLOURS)[int(stream.integers(19))]), stream)
        if kind_of_thing < 0.5:  # a picture
            things.append((left, float(stream.uniform(0.5, 0.9)), *stream.uniform(0.12, 0.4, 2).tolist(), colour))
        elif kind_of_thing < 0.75:  # a door or a curtain
            things.append((left, 0.0, float(stream.uniform(0.35, 0.5)), float(stream.uniform(1.0, 1.3)), colour))
        else:  # a low piece of furniture
            things.append((left, 0.0, *stream.uniform((0.3, 0.2), (0.8, 0.5)).tolist(), colour))
    return Scene(
        kind,
        wall,
        (wall[0] * 0.93, wall[1] * 0.93, wall[2] * 0.93),
        jitter(rgb(FLOOR_COLOURS[int(stream.integers(len(FLOOR_COLOURS)))]), stream),
        ("planks", "tiles", "carpet", "concrete", "grass")[int(stream.integers(5))],
        ("plain", "bricks", "stripes", "panels", "plaster", "foliage")[int(stream.integers(6))],
        float(stream.uniform(0.5, 1.6)),
        tuple(things),
        **common,
    )


@dataclass(frozen=True)
class Ground:
    """A picture's view of the room: pixel (x, y) is at X = (x - left) / scale and Y = (top - y) / scale in statures.

    height: above the ground of the point at X = Y = 0; distance: of the camera; elevation: in degrees.
    """

    left: float
    top: float
    scale: float
    height: float
    distance: float
    elevation: float


def paint(scene: Scene, ground: Ground, size: tuple[int, int]) -> Float[np.ndarray, "3 H W"]:
    """The empty scene, in [0, 1]."""
    h, w = size
    # a column of rows and a row of columns: much of a scene varies along one of them only
    y, x = np.arange(h, dtype=np.float32)[:, None], np.arange(w, dtype=np.float32)[None]
    if scene.kind == "room":
        return _room(scene, ground, x, y)
    blend = (y / max(h - 1, 1)) ** 1.5
    glow = np.exp(-(((x / w - 0.5) / 0.55) ** 2) - ((y / h - 0.42) / 0.55) ** 2)
    light = 0.965 + 0.045 * glow
    top, bottom = (np.array(c, np.float32) for c in (scene.top, scene.bottom))
    return np.stack([(a + (b - a) * blend) * light for a, b in zip(top, bottom, strict=True)])


def _room(scene: Scene, ground: Ground, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Floor and wall in perspective: each pixel's ray meets one of them, a row's rays the same one.

    x: (1, W); y: (H, 1).
    """
    across, up = (x - ground.left) / ground.scale, (ground.top - y) / ground.scale
    c, s = math.cos(math.radians(ground.elevation)), math.sin(math.radians(ground.elevation))
    far = ground.distance

    # along the ray the point is (across (1 - z / far), up (1 - z / far), z) in the camera's axes
    def meets(constant: np.ndarray | float, of_up: float, of_z: float) -> np.ndarray:
        slope = of_z - of_up * up / far
        return -(constant + of_up * up) / np.where(np.abs(slope) < 1e-6, 1e-6, slope)

    # the camera looks down by its elevation: height = c Y + s z, depth = c z - s Y
    z = meets(ground.height, c, s)
    floor_depth = c * z - s * up * (1 - z / far)
    on_floor = (z < far * 0.9) & (floor_depth > -scene.distance) & (up < 0.4)
    z = np.where(on_floor, z, meets(scene.distance, -s, c))
    size = 1 - z / far
    px, py, pz = across * size, ground.height + c * up * size + s * z, c * z - s * up * size
    rng = np.random.default_rng(scene.seed)
    floor_rows = on_floor[:, 0]
    wall = _wall(scene, px[~floor_rows], py[~floor_rows], rng)
    floor = _floor(scene, px[floor_rows], pz[floor_rows], rng)
    out = np.empty((3, *px.shape))
    out[:, ~floor_rows], out[:, floor_rows] = wall, floor
    corner = np.exp(-np.where(on_floor, pz + scene.distance, py) / 0.09)
    out *= 1 - 0.25 * np.clip(corner, 0, 1)
    out *= 1.0 + 0.12 * (x / x.shape[1] - 0.5) * np.sign(scene.light[0])
    picture: np.ndarray = np.clip(_softened(out), 0, 1).astype(np.float32)
    return picture


def _softened(picture: Float[np.ndarray, "3 H W"]) -> Float[np.ndarray, "3 H W"]:
    """Blur slightly, as behind a person, so that fine patterns do not alias; edges are repeated."""
    for axis in (1, 2):
        lines = picture.swapaxes(1, axis)
        total = 2 * lines
        total[:, 1:] += lines[:, :-1]
        total[:, :1] += lines[:, :1]
        total[:, :-1] += lines[:, 1:]
        total[:, -1:] += lines[:, -1:]
        total /= 4
        picture = total.swapaxes(1, axis)
    return picture


def _noise(u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Smooth noise in [0, 1] with features of size 1; u and v may be a column and a row."""
    grid = rng.random((32, 32), np.float32).ravel()
    i, j = np.floor(u).astype(int), np.floor(v).astype(int)
    a, b = u - i, v - j
    a, b = a * a * (3 - 2 * a), b * b * (3 - 2 * b)
    i, k = (i & 31) * 32, (i + 1 & 31) * 32
    j, m = j & 31, j + 1 & 31
    out = grid.take(i + j) * (1 - a) * (1 - b)
    out += grid.take(k + j) * a * (1 - b)
    out += grid.take(i + m) * (1 - a) * b
    out += grid.take(k + m) * a * b
    return np.asarray(out)


def _per_cell(i: np.ndarray, j: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One random number in [0, 1] for each cell."""
    table = rng.random(1024, np.float32)
    return np.asarray(table.take(i.astype(int) * 131 + j.astype(int) * 57 & 1023))


def _coloured(base: np.ndarray, tone: np.ndarray, shape: tuple[int, ...]) -> Float[np.ndarray, "3 n W"]:
    """A colour times the brightness of each place, which may be that of a row or a column."""
    return np.stack([np.broadcast_to(channel * tone, shape) for channel in base])


def _floor(scene: Scene, x: np.ndarray, z: np.ndarray, rng: np.random.Generator) -> Float[np.ndarray, "3 n W"]:
    """The floor in rows at distances z (n, 1) and in columns at x (n, W)."""
    base = np.array(scene.floor_colour, np.float32)
    match scene.floor:
        case "planks":
            row = np.floor(x / 0.09)
            board = np.floor(z / 0.6 + _per_cell(row, 0 * row, rng) * 3)
            tone = 0.82 + 0.3 * _per_cell(row, board, rng) + 0.08 * _noise(x * 90, z * 6, rng)
            tone = tone * np.where((x / 0.09) % 1 < 0.05, 0.7, 1)
        case "tiles":
            tone = 0.94 + 0.1 * _per_cell(np.floor(x / 0.2), np.floor(z / 0.2), rng)
            tone = tone * np.where(((x / 0.2) % 1 < 0.04) | ((z / 0.2) % 1 < 0.04), 0.75, 1)
        case "carpet":
            tone = 0.9 + 0.15 * _noise(x * 60, z * 60, rng)
        case "concrete":
            tone = 0.86 + 0.16 * _noise(x * 5, z * 5, rng) + 0.08 * _noise(x * 25, z * 25, rng)
        case "grass":
            base = np.array((0.36, 0.47, 0.22), np.float32)
            tone = 0.6 + 0.4 * _noise(x * 40, z * 20, rng) + 0.35 * _noise(x * 5, z * 4, rng)
    return _coloured(base, tone, x.shape)


def _wall(scene: Scene, x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> Float[np.ndarray, "3 n W"]:
    """The wall in rows at heights y (n, 1) and in columns at x (n, W)."""
    base = np.array(scene.top, np.float32)
    match scene.wall:
        case "plain":
            tone = 1 + 0.03 * _noise(x * 3, y * 3, rng)
        case "bricks":
            row = np.floor(y / 0.045)
            u = x / 0.13 + 0.5 * (row % 2)
            tone = 0.85 + 0.28 * _per_cell(np.floor(u), row, rng)
            tone = tone * np.where(((y / 0.045) % 1 < 0.14) | (u % 1 < 0.05), 1.2, 1)
        case "stripes":
            tone = np.where((x / 0.12) % 1 < 0.5, 1.0, 0.9)
        case "panels":
            tone = 0.97 * np.where(((x / 0.4) % 1 < 0.02) | (np.abs(y - 0.45) < 0.01), 0.8, 1)
        case "plaster":
            tone = 0.9 + 0.12 * _noise(x * 7, y * 7, rng) + 0.06 * _noise(x * 30, y * 30, rng)
        case "foliage":
            base = np.array((0.42, 0.52, 0.34), np.float32)
            tone = 0.45 + 0.55 * _noise(x * 6, y * 6, rng) + 0.3 * _noise(x * 17, y * 17, rng)
    out = _coloured(base, tone, x.shape)
    if scene.wall == "foliage":
        sky = np.clip((y - 0.75 - 0.3 * _noise(x * 3, 0 * y, rng)) / 0.15, 0, 1)
        return np.asarray(out * (1 - sky) + np.array((0.80, 0.87, 0.94), np.float32)[:, None, None] * sky)
    out = out.astype(float)
    skirting = np.array((0.9, 0.89, 0.87)) * (0.7 + 0.3 * base)
    out[:, y[:, 0] < 0.055] = skirting[:, None, None]
    for left, bottom, width, height, colour in scene.things:
        inside = (x > left) & (x < left + width) & (y > bottom) & (y < bottom + height)
        row, column = np.nonzero(inside)
        px, py = x[row, column], y[row, 0]
        rim = (px < left + 0.018) | (px > left + width - 0.018) | (py > bottom + height - 0.018) | (py < bottom + 0.018)
        tone = 0.85 + 0.3 * _noise(px * 8, py * 8, rng)
        for plane, channel in zip(out, colour, strict=True):
            plane[row, column] = np.where(rim, channel * 0.55, np.float32(channel) * tone)
    return out
