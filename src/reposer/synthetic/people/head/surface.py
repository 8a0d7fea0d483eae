"""The head's surface: face, ears, hair and headwear."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from ..body.figure import HEAD_RADII, Figure, smoothstep
from ..body.parts import HAIR, SKIN, part
from ..identity import Identity
from ..wardrobe.clothes import Plain
from ..wardrobe.colours import scaled
from ..wardrobe.shapes import Patch, head_points, line_frames, loft, sphere_grid
from .faces import Face

Place = Callable[[np.ndarray], np.ndarray]


def head_of(figure: Figure, who: Identity) -> Iterator[Patch]:
    frame, centre = figure.frames["head"], figure.points["head"]
    radii = HEAD_RADII * figure.body.head
    grid = sphere_grid(46, 56)

    def place(local: np.ndarray) -> np.ndarray:
        return np.asarray(centre + (local * radii) @ frame.T)

    face = who.face
    yield Patch(place(face_points(grid, face)), grid, np.ones(grid.shape[:2]), face, part("face"), SKIN + 10)
    if who.hair.hat != "headscarf":
        for sign in (-1.0, 1.0):
            yield from _ear(face, sign, place)
    if who.hair.style != "bald" and who.hair.hat != "headscarf":
        yield from hair_of(figure, who, place)
    if who.hair.hat == "headscarf":
        yield from _headscarf(figure, who, place)
    elif who.hair.hat != "none":
        yield from _hat(who, place)


def face_points(directions: np.ndarray, face: Face) -> np.ndarray:
    """The head's surface in head radii, with one person's nose, cheeks, lips and chin."""
    x, y, z = (directions[..., i] for i in range(3))
    points = head_points(directions, nose=0.0, jaw=face.jaw)
    ahead = smoothstep(0.05, 0.35, z)
    a = np.abs(x)
    width, length = face.nose_width, face.nose_length
    tip = np.exp(-((x / (0.105 * width)) ** 2) - ((y + 0.22 + 0.03 * length) / (0.135 * length)) ** 2)
    ridge = np.exp(-((x / (0.075 + 0.01 * width)) ** 2) - ((y + 0.04) / 0.19) ** 2)
    wings = np.exp(-(((a - 0.09 * width) / 0.055) ** 2) - ((y + 0.31) / 0.06) ** 2)
    lips = np.exp(-((x / (0.2 * face.mouth_width)) ** 2) - ((y + 0.55 - face.mouth_height) / 0.07) ** 2)
    cheek = np.exp(-(((a - 0.62) / 0.28) ** 2) - ((y + 0.28) / 0.24) ** 2)
    brow = np.exp(-(((a - 0.30) / 0.3) ** 2) - ((y - 0.20) / 0.09) ** 2)
    points[..., 2] += ahead * (
        face.nose * (0.17 * tip + 0.06 * ridge + 0.035 * wings)
        + 0.018 * (face.lip_upper + face.lip_lower) * lips
        + 0.020 * face.brow_width * brow
        + 0.03 * face.cheek * cheek
    )
    points[..., 0] *= 1 + 0.06 * face.cheek * cheek * ahead
    low = smoothstep(0.55, 1.0, -y)
    points[..., 1] *= 1 + 0.10 * (face.chin - 1) * low
    return points


def _ear(face: Face, sign: float, place: Place) -> Iterator[Patch]:
    small = sphere_grid(9, 10)
    size = np.array([0.10, 0.21, 0.15]) * face.ears
    ear = small * size + np.array([sign * 0.99, -0.10, -0.08])
    ear[..., 2] -= 0.25 * (ear[..., 0] * sign - 0.99)
    skin = Plain(scaled(face.skin, 0.96))
    yield Patch(place(ear), small, np.ones(small.shape[:2]), skin, part("face"), SKIN + 11)
    if face.earrings is not None:
        drop = small * (0.050, 0.062, 0.050) + np.array([sign * 1.03, -0.12 - 0.25 * face.ears, -0.06])
        metal = Plain(face.earrings, 0.5)
        yield Patch(place(drop), small, np.ones(small.shape[:2]), metal, part("face"), SKIN + 12)


# (azimuth in degrees, height of the hair's edge).
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
RECEDING = np.array([(0, 0.66), (14, 0.70), (30, 0.84), (46, 0.72), (60, 0.30)])


def hair_of(figure: Figure, who: Identity, place: Place) -> Iterator[Patch]:
    """The cap, which is the skull pushed outward above the hairline and under the skin below it; then hanging hair."""
    hair = who.hair
    look, where = hair.look, part("hair")
    grid = sphere_grid(44, 56)
    x, y, z = (grid[..., i] for i in range(3))
    azimuth = np.degrees(np.arctan2(np.abs(x), z))
    line = np.interp(azimuth, HAIRLINE[:, 0], HAIRLINE[:, 1])
    if hair.recede > 0:
        back = np.interp(azimuth, RECEDING[:, 0], RECEDING[:, 1])
        line = np.where(azimuth < 60, line + hair.recede * np.maximum(back - line, 0), line)
    front = smoothstep(70, 20, azimuth)
    line = line + 0.10 * hair.parting * x * front
    if hair.style in ("bob", "long") and not hair.fringe:
        line = line - 0.10 * front * np.abs(hair.parting)
    if hair.fringe:
        line = line - 0.20 * hair.fringe * smoothstep(62, 44, azimuth) * (1 - 0.25 * hair.parting * x)
        line = line + 0.012 * np.sin(23 * x) * front
    on = smoothstep(-0.03, 0.13 if hair.fringe else 0.16, y - line)
    thick = _thickness(who, x, y, z, line)
    if hair.hat != "none":
        thick = np.minimum(thick, 0.07)
    skull = head_points(grid, nose=0.0, jaw=1.0)
    cap = skull * (1 + thick * on - 0.09 * (1 - on))[..., None]
    coordinates = grid.copy()
    # strands start at the crown: the angle around a point at the back of the head's top
    coordinates[..., 2] = np.arctan2(x - 0.25 * hair.parting * front, z + 0.35) / np.pi
    yield Patch(place(cap), coordinates, np.ones(on.shape), replace(look, plait=False), where, HAIR)

    if hair.style in ("bob", "long"):
        yield _curtain(figure, who)
    elif hair.style in ("bun", "top_knot"):
        low = hair.hat != "none" or hair.parting < -0.3
        at = (0.0, 0.12, -1.12) if low else (0.0, 0.82, -0.72)
        if hair.style == "top_knot":
            at = (0.0, 1.05, -0.30)
        size = 0.40 if hair.style == "bun" else 0.28
        bun = sphere_grid(14, 18)
        points = place(bun * size * (1.15, 0.9, 1.1) + at)
        yield Patch(points, bun, np.ones(bun.shape[:2]), look, where, HAIR + 10)
    elif hair.style == "ponytail":
        yield _ponytail(figure, who, place)
    elif hair.style == "pigtails":
        for sign in (-1.0, 1.0):
            line_of = np.array([(0.86 * sign, 0.30, -0.45), (1.75 * sign, 0.45, -0.5), (1.45 * sign, -1.1, -0.35)])
            yield _tail(place(line_of), hair.length * 0.0 + 1.15, who, figure, HAIR + 10)
    elif hair.style == "braids":
        bust = figure.body.bust / HEAD_RADII[2]
        for sign in (-1.0, 1.0):
            line_of = np.array(
                [(0.84 * sign, -0.35, -0.30), (1.25 * sign, -1.2, 1.25), (0.95 * sign, -3.1, 1.22 + 0.9 * bust)]
            )
            yield _tail(place(line_of), 0.72, who, figure, HAIR + 10)


def _thickness(who: Identity, x: np.ndarray, y: np.ndarray, z: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Thickness of the hair, in head radii, at directions (x, y, z)."""
    hair = who.hair
    thick = np.full(x.shape, hair.thickness)
    above = y - line
    sides = smoothstep(0.62, 0.25, y)
    match hair.style:
        case "quiff":
            lock = np.exp(-((x / 0.5) ** 2)) * smoothstep(-0.4, 0.5, z) * smoothstep(0.4, 0.75, y)
            return np.asarray((thick + 0.20 * lock) * (1 - 0.55 * smoothstep(0.45, 0.0, y)))
        case "undercut" | "top_knot":
            top = 1.6 + 0.5 * hair.parting * x + 0.08 * np.sin(16 * x)
            return np.asarray(thick * (top * (1 - sides) + 0.28 * sides))
        case "mohawk":
            crest = np.exp(-((x / 0.20) ** 2)) * smoothstep(0.15, 0.5, above)
            return np.asarray(0.03 + 0.30 * crest * (1 + 0.12 * np.sin(17 * y + 9 * z)))
        case "side_part":
            swept = smoothstep(0.0, 0.10, (x - 0.42) * -np.sign(hair.parting or 1.0))
            lift = smoothstep(0.35, 0.8, y) * smoothstep(-0.5, 0.3, z)
            return np.asarray(thick * (0.75 + 0.75 * swept * lift) * (1 - 0.45 * sides))
        case "short" | "bob" | "long":
            thinner = (0.4 if hair.style == "short" else 0) * smoothstep(0.4, -0.3, y)
            return np.asarray(thick * (1 + 0.5 * hair.parting * x) * (1 - thinner))
        case "curly":
            bumps = 1 + 0.16 * np.sin(11 * x + 2) * np.sin(10 * y) + 0.14 * np.sin(13 * z + 3 * x)
            return np.asarray(thick * bumps * (0.45 + 0.55 * smoothstep(0.0, 0.3, above)))
        case "afro":
            bumps = 1 + 0.06 * np.sin(9 * x + 2) * np.sin(8 * y) + 0.05 * np.sin(11 * z)
            return np.asarray(thick * bumps * (0.35 + 0.65 * smoothstep(0.0, 0.35, above)))
    return thick


def _tail(bezier: np.ndarray, size: float, who: Identity, figure: Figure, group: int) -> Patch:
    """A bunch of hair along a curve through three control points."""
    frame = figure.frames["head"]
    t = np.linspace(0, 1, 16)[:, None]
    root, mid, tip = bezier
    centres = (1 - t) ** 2 * root + 2 * t * (1 - t) * mid + t**2 * tip
    s = t[:, 0]
    radius = (0.016 + 0.010 * np.sin(np.pi * np.minimum(1, s * 1.15)) - 0.012 * s**3) * size
    if who.hair.look.plait:
        radius = radius * (1 + 0.10 * np.cos(2 * np.pi * 8 * s))
    radius[0], radius[-1] = 0.010 * size, 0.0005
    points, q = loft(centres, line_frames(centres, frame[:, 2]), radius * 1.1, radius, radius, columns=14)
    return Patch(points, q, np.ones(points.shape[:2]), who.hair.look, part("hair"), group)


def _ponytail(figure: Figure, who: Identity, place: Place) -> Patch:
    frame, radii = figure.frames["head"], HEAD_RADII * figure.body.head
    root = place(np.array([[0.0, 0.42 if who.hair.hat == "none" else -0.05, -0.98]]))[0]
    fall = -0.75 * frame[:, 1] - 0.25 * np.array([0.0, 1.0, 0.0])
    mid = root - frame[:, 2] * radii[2] * 0.75 + fall * 0.02 + frame[:, 1] * 0.012
    tip = mid + fall * 0.07 * who.hair.length + frame[:, 2] * 0.012 - frame[:, 1] * 0.012
    return _tail(np.stack([root, mid, tip]), 1.15, who, figure, HAIR + 10)


def _curtain(figure: Figure, who: Identity) -> Patch:
    """Hair that hangs beside and behind the face: rings around the head whose front is hidden inside it."""
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
    if hair.look.curl:  # waves that run down the hair
        waves = waves + 0.05 * hair.look.curl * np.sin(7 * np.pi * s + 1.5)[:, None] * (s > 0.2)[:, None]
    side = radii[0] * scale * waves
    back = radii[2] * scale * waves
    front = radii[2] * scale * 0.9
    # the fall follows the head down to the chin, then gravity and the back
    local = (y * radii[1])[:, None] * frame[:, 1] - 0.06 * radii[2] * frame[:, 2]
    straight = (
        (-0.7 * radii[1]) * frame[:, 1] + ((y + 0.7) * radii[1])[:, None] * chest[:, 1] - 0.02 * below * chest[:, 2]
    )
    centres = centre + np.where(y[:, None] < -0.7, straight - 0.06 * radii[2] * frame[:, 2], local)
    frames = np.broadcast_to(frame, (20, 3, 3))
    points, q = loft(centres[::-1], frames, side[::-1], front[::-1], back[::-1], columns=columns)
    inner = points[0].mean(0) + (points[0] - points[0].mean(0)) * 0.5
    points = np.concatenate([inner[None], points])
    q = np.concatenate([q[:1], q])
    q[..., 1] -= q[-1, :, 1] - 0.02  # the top is at 0.02: tips are below
    shade = np.ones(points.shape[:2])
    shade[0] = 0.5
    return Patch(points, q, shade, hair.look, part("hair"), HAIR)


# ---------------------------------------------------------------------------- hats


def _hat(who: Identity, place: Place) -> Iterator[Patch]:
    """A crown that follows the skull, and a bill or a brim."""
    style, look = who.hair.hat, who.hair.hat_look
    assert look is not None
    grid = sphere_grid(34, 44)
    x, y, z = (grid[..., i] for i in range(3))
    turn = np.arctan2(x, z) / np.pi
    front = 0.5 + 0.5 * np.cos(np.pi * turn)
    if style == "beanie":
        line = 0.02 + 0.36 * front
    elif style == "headband":
        line = 0.20 + 0.22 * front
    else:
        line = 0.16 + 0.28 * front
    on = smoothstep(-0.02, 0.05, y - line)
    thick = 0.125 + 0.03 * (y - line)
    if style == "headband":
        on = on * smoothstep(0.26, 0.20, y - line)
        thick = thick + 0.02
    skull = head_points(grid, nose=0.0, jaw=1.0)
    crown = skull * (1 + thick * on - 0.12 * (1 - on))[..., None]
    tall = {"beanie": 0.10, "brim": 0.22, "bucket": 0.06}.get(style, 0.02)
    crown[..., 1] += tall * smoothstep(0.3, 0.8, y) * on
    if style in ("brim", "bucket"):  # a flat top with steeper sides
        crown[..., 1] = np.minimum(crown[..., 1], 1.02 + tall + 0.04 * y)
        crown[..., [0, 2]] *= (1 + 0.12 * smoothstep(0.5, 0.9, y) * on)[..., None]
    coordinates = np.stack([turn * np.pi * 0.06, (y - line) * 0.0725, turn], -1)
    yield Patch(place(crown), coordinates, np.ones(on.shape), look, part("hair"), HAIR + 20)
    if style == "cap":
        yield _bill(who, place)
    elif style in ("brim", "bucket"):
        wide, drop = (1.75, 0.10) if style == "brim" else (1.42, 0.30)
        profile = np.array(
            [
                (0.98, -0.06),
                (wide - 0.02, -0.06 - drop),
                (wide, -0.03 - drop),
                (wide - 0.02, -drop),
                (1.25, -0.25 * drop),
                (0.98, 0.02),
            ]
        )
        angle = np.linspace(-np.pi, np.pi, 41)
        r, h = profile[:, :1], profile[:, 1:]
        height = 0.22 + 0.25 * (0.5 + 0.5 * np.cos(angle))[None] + h
        points = np.stack([r * np.sin(angle), height, r * np.cos(angle) * 1.02], -1)
        q = np.empty(points.shape)
        q[..., 0], q[..., 1], q[..., 2] = angle * 0.07, 0.03 + 0.06 * (r - 1), angle / np.pi
        shade = np.ones(points.shape[:2])
        shade[:2] = 0.72
        yield Patch(place(points), q, shade, look, part("hair"), HAIR + 21)


def _bill(who: Identity, place: Place) -> Patch:
    look = who.hair.hat_look
    assert look is not None
    s = np.linspace(0, 1, 10)
    centres = np.stack([0 * s, 0.47 - 0.10 * s, 0.72 + 0.95 * s], -1)
    half = 0.80 * np.sqrt(np.maximum(1 - 0.92 * s**3, 0.0)) * (1 - 0.08 * s)
    half[-1] = 0.05
    thick = np.where(s < 1, 0.035, 0.005)
    axes = np.stack([np.array([-1.0, 0, 0]), np.array([0, 0, 1.0]), np.array([0, 1.0, 0])], 1)
    frames = np.broadcast_to(axes, (10, 3, 3))
    points, q = loft(centres, frames, half, thick, thick, columns=20)
    points[..., 1] -= 0.30 * points[..., 0] ** 2
    q = q * np.array([0.06, 0.06, 1.0])
    q[..., 1] += 0.03
    return Patch(place(points), q, np.ones(points.shape[:2]), look, part("hair"), HAIR + 21)


SCARF_EDGE = np.array([(0, 0.66), (25, 0.62), (42, 0.45), (54, 0.10), (62, -0.35), (70, -0.80), (180, -1.2)])


def _headscarf(figure: Figure, who: Identity, place: Place) -> Iterator[Patch]:
    """A scarf around the oval of the face, falling over neck and shoulders."""
    look = who.hair.hat_look
    assert look is not None
    grid = sphere_grid(40, 56)
    x, y, z = (grid[..., i] for i in range(3))
    turn = np.arctan2(x, z) / np.pi
    line = np.interp(np.abs(turn) * 180, SCARF_EDGE[:, 0], SCARF_EDGE[:, 1])
    on = smoothstep(-0.04, 0.08, y - line)
    skull = head_points(grid, nose=0.0, jaw=1.0)
    skull[..., 2] -= 0.16 * smoothstep(0.0, 0.9, -y) * (z < 0) * (1 + 0 * x)
    shell = skull * (1 + 0.13 * on - 0.09 * (1 - on))[..., None]
    q = np.stack([turn * np.pi * 0.06, y * 0.0725, turn], -1)
    yield Patch(place(shell), q, np.ones(on.shape), look, part("hair"), HAIR)

    s = np.linspace(0, 1, 16)
    head, chest = figure.frames["head"], figure.frames["chest"]
    radii = HEAD_RADII * figure.body.head
    y_of = -0.55 - 1.75 * s
    side = radii[0] * np.interp(s, [0, 0.2, 0.42, 0.66, 1], [0.70, 0.80, 0.92, 1.45, 2.05])
    front = radii[2] * np.interp(s, [0, 0.2, 0.42, 0.66, 1], [0.40, 0.62, 0.80, 1.00, 1.32])
    back = radii[2] * np.interp(s, [0, 0.2, 0.42, 0.66, 1], [0.85, 0.95, 1.00, 1.05, 1.20])
    angle = np.linspace(-np.pi, np.pi, 37)
    folds = 1 + 0.035 * smoothstep(0.25, 0.6, s)[:, None] * np.sin(9 * angle + 1 + 5 * s[:, None])
    neck = figure.points["head"] + (-0.55 * radii[1]) * head[:, 1]
    centres = neck + ((y_of + 0.55) * radii[1])[:, None] * chest[:, 1] - 0.05 * radii[2] * head[:, 2]
    frames = np.broadcast_to(head, (16, 3, 3))
    points, q = loft(
        centres[::-1],
        frames,
        (side[:, None] * folds)[::-1],
        (front[:, None] * folds)[::-1],
        (back[:, None] * folds)[::-1],
        columns=36,
    )
    q[..., 1] -= q[-1, :, 1] + 0.04
    shade = np.ones(points.shape[:2])
    shade[0] = 0.7
    yield Patch(points, q, shade, look, part("hair"), HAIR)
