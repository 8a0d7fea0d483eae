"""The head: a face, ears and hair."""

from collections.abc import Callable, Iterator

import numpy as np

from .body import HEAD_RADII, Figure, smoothstep
from .clothes import Plain
from .identity import Identity
from .parts import HAIR, SKIN, part
from .shapes import Patch, head_points, line_frames, loft, sphere_grid


def head_of(figure: Figure, who: Identity) -> Iterator[Patch]:
    frame, centre = figure.frames["head"], figure.points["head"]
    radii = HEAD_RADII * figure.body.head
    grid = sphere_grid(42, 48)

    def place(local: np.ndarray) -> np.ndarray:
        return centre + (local * radii) @ frame.T

    skin = head_points(grid, nose=who.face.nose, jaw=who.face.jaw)
    yield Patch(place(skin), grid, np.ones(grid.shape[:2]), who.face, part("face"), SKIN + 10)
    for sign in (-1.0, 1.0):
        small = sphere_grid(9, 10)
        ear = small * np.array([0.10, 0.21, 0.15]) + np.array([sign * 0.99, -0.10, -0.08])
        ear[..., 2] -= 0.25 * (ear[..., 0] * sign - 0.99)
        yield Patch(
            place(ear), small, np.ones(small.shape[:2]), Plain(who.face.skin), part("face"), SKIN + 11
        )
    if who.hair.style != "bald":
        yield from hair_of(figure, who, place)


HAIRLINE = np.array(
    [
        (0, 0.56),
        (25, 0.54),
        (42, 0.46),
        (58, 0.20),
        (72, -0.08),
        (84, -0.10),
        (96, 0.08),
        (108, -0.20),
        (130, -0.50),
        (180, -0.60),
    ]
)


def hair_of(figure: Figure, who: Identity, place: Callable[[np.ndarray], np.ndarray]) -> Iterator[Patch]:
    """The cap: the skull pushed outward above the hairline and under the skin below it; then what hangs
    from it.
    """
    hair = who.hair
    look, where = hair.look, part("hair")
    grid = sphere_grid(44, 56)
    azimuth = np.degrees(np.arctan2(np.abs(grid[..., 0]), grid[..., 2]))
    line = np.interp(azimuth, HAIRLINE[:, 0], HAIRLINE[:, 1])
    front = smoothstep(70, 20, azimuth)
    line = line + 0.10 * hair.parting * grid[..., 0] * front
    if hair.style in ("bob", "long"):
        line = line - 0.10 * front * np.abs(hair.parting)
    y = grid[..., 1]
    on = smoothstep(-0.03, 0.16, y - line)
    thick = np.full(on.shape, hair.thickness)
    if hair.style == "quiff":
        lock = (
            np.exp(-((grid[..., 0] / 0.5) ** 2))
            * smoothstep(-0.4, 0.5, grid[..., 2])
            * smoothstep(0.4, 0.75, y)
        )
        thick = thick + 0.20 * lock
        thick = thick * (1 - 0.55 * smoothstep(0.45, 0.0, y))
    elif hair.style in ("short", "bob", "long"):
        thick = (
            thick
            * (1 + 0.5 * hair.parting * grid[..., 0])
            * (1 - (0.4 if hair.style == "short" else 0) * smoothstep(0.4, -0.3, y))
        )
    elif hair.style == "afro":
        bumps = (
            1
            + 0.06 * np.sin(9 * grid[..., 0] + 2) * np.sin(8 * grid[..., 1])
            + 0.05 * np.sin(11 * grid[..., 2])
        )
        thick = thick * bumps * (0.35 + 0.65 * smoothstep(0.0, 0.35, y - line))
    skull = head_points(grid, nose=0.0, jaw=1.0)
    cap = skull * (1 + thick * on - 0.09 * (1 - on))[..., None]
    coordinates = grid.copy()
    # strands run from the crown: the angle round a point at the back of the head's top
    coordinates[..., 2] = np.arctan2(grid[..., 0] - 0.25 * hair.parting * front, grid[..., 2] + 0.35) / np.pi
    yield Patch(place(cap), coordinates, np.ones(on.shape), look, where, HAIR)

    frame, radii = figure.frames["head"], HEAD_RADII * figure.body.head
    if hair.style in ("bob", "long"):
        yield _curtain(figure, who)
    elif hair.style == "bun":
        size = 0.40
        bun = sphere_grid(14, 18)
        yield Patch(
            place(bun * size * (1.15, 0.9, 1.1) + (0.0, 0.82, -0.72)),
            bun,
            np.ones(bun.shape[:2]),
            look,
            where,
            HAIR + 10,
        )
    elif hair.style == "ponytail":
        root = place(np.array([[0.0, 0.42, -0.98]]))[0]
        fall = -0.75 * frame[:, 1] - 0.25 * np.array([0.0, 1.0, 0.0])
        mid = root - frame[:, 2] * radii[2] * 0.75 + fall * 0.02
        t = np.linspace(0, 1, 14)[:, None]
        tip = mid + fall * 0.07 * hair.length + frame[:, 2] * 0.012
        centres = (1 - t) ** 2 * root + 2 * t * (1 - t) * (mid + frame[:, 1] * 0.012) + t**2 * tip
        s = t[:, 0]
        radius = 0.016 + 0.012 * np.sin(np.pi * np.minimum(1, s * 1.15)) - 0.013 * s**3
        radius[-1] = 0.0005
        radius[0] = 0.012
        points, q = loft(
            centres, line_frames(centres, frame[:, 2]), radius * 1.15, radius, radius, columns=14
        )
        yield Patch(points, q, np.ones(points.shape[:2]), look, where, HAIR + 10)


def _curtain(figure: Figure, who: Identity) -> Patch:
    """Hair that hangs beside and behind the face: rings round the head whose front is hidden inside it."""
    hair = who.hair
    frame, centre = figure.frames["head"], figure.points["head"]
    radii = HEAD_RADII * figure.body.head
    chest = figure.frames["chest"]
    s = np.linspace(0, 1, 20)
    y = 0.45 - s * (0.45 + hair.length)
    columns = 40
    angle = np.linspace(-np.pi, np.pi, columns + 1)
    degrees = np.degrees(np.abs(angle))
    below = smoothstep(-0.7, -1.25, y)[:, None]  # beneath the chin the hair goes behind the shoulders
    opening = 64 + 6 * np.sin(3 * s)[:, None] + below * (34 if hair.style == "long" else 4)
    on = smoothstep(opening - 11, opening + 9, degrees[None])
    full = np.array(1.0 + hair.thickness * 1.35 + 0.10 * np.sin(np.pi * s) * (1 + hair.look.curl))[:, None]
    full = full * np.sqrt(1 - (0.98 * np.clip(y, 0, 1)) ** 2)[:, None]  # under the cap's curve
    end = smoothstep(1.0, 0.86, s)[:, None]
    scale = (full * (0.80 + 0.20 * end)) * on + 0.30 * (1 - on)
    waves = 1 + 0.03 * np.sin(8 * angle)[None] * s[:, None]
    side = radii[0] * scale * waves
    back = radii[2] * scale * waves
    front = radii[2] * scale * 0.9
    # the fall follows the head down to the chin, then gravity and the back
    local = (y * radii[1])[:, None] * frame[:, 1] - 0.06 * radii[2] * frame[:, 2]
    straight = (
        (-0.7 * radii[1]) * frame[:, 1]
        + ((y + 0.7) * radii[1])[:, None] * chest[:, 1]
        - 0.02 * below * chest[:, 2]
    )
    centres = centre + np.where(y[:, None] < -0.7, straight - 0.06 * radii[2] * frame[:, 2], local)
    frames = np.broadcast_to(frame, (20, 3, 3))
    points, q = loft(centres[::-1], frames, side[::-1], front[::-1], back[::-1], columns=columns)
    inner = points[0].mean(0) + (points[0] - points[0].mean(0)) * 0.5
    points = np.concatenate([inner[None], points])
    q = np.concatenate([q[:1], q])
    shade = np.ones(points.shape[:2])
    shade[0] = 0.5
    return Patch(points, q, shade, hair.look, part("hair"), HAIR)
