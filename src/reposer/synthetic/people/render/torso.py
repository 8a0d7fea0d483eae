"""The torso: neck, shirt, collar, hood, jacket, waistband, and the skirt that hangs from it."""

from collections.abc import Callable, Iterator

import numpy as np

from ..body.bones import Hold
from ..body.figure import Figure, smoothstep, torso_frames, torso_profile
from ..body.parts import JACKET, LOWER, SKIN, TOP, part
from ..identity import Identity
from ..wardrobe.clothes import Material, Plain, neckline_height
from ..wardrobe.shapes import Patch, line_frames, loft, tube
from .limbs import leg_of


def torso_patch(
    figure: Figure,
    heights: np.ndarray,
    ease: Callable[[np.ndarray, np.ndarray], np.ndarray],
    material: Material,
    where: int,
    group: int,
    *,
    hem: bool = False,
    columns: int = 40,
) -> Patch:
    """A cloth around the torso; `ease(height, angle / pi)` is its distance from the skin and may be negative."""
    y = heights
    shade = np.ones(len(y))
    angle = np.linspace(-1, 1, columns + 1)[None]
    away = np.broadcast_to(ease(y[:, None], angle), (len(y), columns + 1))
    side, front, back = torso_profile(figure.body, y)
    widths = [w[:, None] + away for w in (side, front, back)]
    if hem:
        y = np.concatenate([y[:1], y[:1], y])
        shade = np.concatenate([[0.40, 0.7], shade])
        widths = [np.concatenate([w[:1] * 0.45, w[:1] * 0.97, w]) for w in widths]
    centres, frames = torso_frames(figure, y)
    points, coordinates = loft(centres, frames, *(np.maximum(w, 1e-4) for w in widths), columns=columns, roundness=2.25)
    ring = points[2 * len(points) // 3]
    way = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(ring, axis=0), axis=1))])
    coordinates[..., 0] = way - way[columns // 2]
    coordinates[..., 1] = y[:, None]
    if hem:
        coordinates[:2, :, 1] = y[2] + 0.001
    shade = np.broadcast_to(shade[:, None], points.shape[:2])
    return Patch(points, coordinates, shade, material, where, group, torso_hold(y[:, None], angle))


def torso_hold(y: np.ndarray, angle: np.ndarray) -> Hold:
    """Skinning of the torso's cloth at heights y and angles / pi: the spine, and below the hips also the thighs."""
    shape = np.broadcast_shapes(y.shape, angle.shape)
    thighs = Hold.chain("right_leg", np.zeros(shape))
    aside = smoothstep(-0.25, 0.25, np.broadcast_to(np.sin(np.pi * angle), shape))
    thighs = thighs.mixed(Hold.chain("left_leg", np.zeros(shape)), aside)
    spine = Hold.chain("torso", y).broadcast(shape)
    return spine.mixed(thighs, 0.6 * smoothstep(0.035, -0.06, np.broadcast_to(y, shape)))


def torso_of(figure: Figure, who: Identity) -> Iterator[Patch]:
    outfit = who.outfit
    skin = Plain(who.face.skin)
    yield torso_patch(figure, np.linspace(0.17, 0.33, 20), lambda y, a: 0 * y + 0 * a, skin, part("neck"), SKIN)
    chest = figure.frames["chest"]
    base = figure.points["neck_base"]
    top = (
        figure.points["head"]
        - figure.frames["head"][:, 1] * 0.02 * figure.body.head
        - figure.frames["head"][:, 2] * 0.012
    )
    thick = 0.0335 * (0.5 + 0.5 * figure.body.shoulders)
    points, coordinates = tube(
        base - chest[:, 1] * 0.02, top, (thick * 1.08, thick, thick * 0.98), chest[:, 2], columns=18
    )
    way = np.linspace(0, 1, len(points))[:, None]
    hold = Hold.chain("torso", np.full(points.shape[:2], 0.33)).mixed(
        Hold.rigid("head", points.shape[:2]), smoothstep(0.1, 0.8, way)
    )
    yield Patch(points, coordinates, np.ones(points.shape[:2]), skin, part("neck"), SKIN, hold)

    lower_room = 0.005 + 0.3 * outfit.lower_ease
    if outfit.lower != "skirt":
        yield torso_patch(
            figure,
            np.linspace(-0.062, 0.112, 26),
            lambda y, a: lower_room + 0 * y + 0 * a,
            outfit.lower_look,
            part("hips"),
            LOWER,
        )

    # the top: over the trousers unless tucked in
    tucked = outfit.hem > 0.09
    room = outfit.ease if tucked else max(outfit.ease, lower_room + 0.004)
    room = room + (0.003 if outfit.sweater else 0.0)
    rows = np.concatenate([np.linspace(outfit.hem, 0.225, 18), np.linspace(0.232, 0.322, 34)])
    bust = figure.body.bust

    def ease(y: np.ndarray, a: np.ndarray) -> np.ndarray:
        line = neckline_height(outfit.neckline, a)
        on = smoothstep(-0.004, 0.007, line - y)
        hang = (0.4 * bust + 0.004) * smoothstep(0.21, 0.12, y) * smoothstep(0.5, 0.2, np.abs(a)) * (0 if tucked else 1)
        fit = room * (1 - 0.35 * smoothstep(0.2, 0.3, y))
        fit = fit + (0 if tucked else 0.007) * smoothstep(0.045, -0.02, y)  # over the clothed thighs
        if tucked:  # into the waistband
            fit = (fit + 0.004) * smoothstep(0.104, 0.14, y) - 0.004
        room_at: np.ndarray = (fit + hang + 0.009) * on - 0.009
        return room_at

    yield torso_patch(figure, rows, ease, outfit.top, part("torso"), TOP, hem=not tucked)
    if outfit.turtleneck or outfit.neckline == "collar":
        yield collar_of(figure, who, tall=outfit.turtleneck)
    if outfit.hood:
        yield hood_of(figure, who)
    if outfit.jacket is not None:
        yield from jacket_of(figure, who, room)


def collar_of(figure: Figure, who: Identity, *, tall: bool) -> Patch:
    chest = figure.frames["chest"]
    base = figure.points["neck_base"]
    y = np.linspace(-0.026, 0.028 if tall else 0.006, 7)
    radius = np.interp(y, [-0.026, -0.004, 0.03], [0.060, 0.0405, 0.0365 if tall else 0.042])
    angle = np.abs(np.linspace(-1, 1, 25))[None]
    open_front = (1 - smoothstep(0.02, 0.10, angle)) * (0 if tall else 1)
    widths = radius[:, None] - 0.016 * open_front * smoothstep(-0.026, 0.004, y)[:, None]
    tilt = y[:, None] * chest[:, 1] - 0.35 * y[:, None] * chest[:, 2] * 0.4
    points, coordinates = loft(
        base + tilt, np.broadcast_to(chest, (7, 3, 3)), widths, widths * 0.98, widths * 1.03, columns=24
    )
    coordinates[..., 1] += 0.285
    shade = np.broadcast_to(np.where(np.arange(7) == 6, 0.86, 1.0)[:, None], points.shape[:2])
    hold = Hold.chain("torso", np.full(points.shape[:2], 0.33))
    return Patch(points, coordinates, shade, who.outfit.top.cloth, part("torso"), TOP + 20, hold)


def hood_of(figure: Figure, who: Identity) -> Patch:
    """A hood resting on the shoulders: a thick roll around the back of the neck."""
    chest = figure.frames["chest"]
    base = figure.points["neck_base"] - chest[:, 1] * 0.016
    angle = np.linspace(-0.80, 0.80, 21) * np.pi
    centres = base + 0.052 * np.sin(angle)[:, None] * chest[:, 0] - 0.050 * np.cos(angle)[:, None] * chest[:, 2]
    centres = centres - 0.030 * smoothstep(0.5, 0.8, np.abs(angle) / np.pi)[:, None] * chest[:, 1]
    radius = 0.024 * (1 - 0.75 * smoothstep(0.35, 0.8, np.abs(angle) / np.pi)) + 0.001
    frames = line_frames(centres, chest[:, 1])
    points, coordinates = loft(centres, frames, radius, radius, radius * 1.3, columns=12)
    cloth = who.outfit.top.cloth
    hold = Hold.chain("torso", np.full(points.shape[:2], 0.33))
    return Patch(points, coordinates, np.ones(points.shape[:2]), cloth, part("torso"), TOP + 20, hold)


def jacket_of(figure: Figure, who: Identity, room: float) -> Iterator[Patch]:
    jacket = who.outfit.jacket
    assert jacket is not None and jacket.lapels is not None
    gap = jacket.lapels

    def ease(y: np.ndarray, a: np.ndarray) -> np.ndarray:
        # the front stands open: between its edges the cloth is under the shirt
        open_at = gap * (0.75 + 0.5 * smoothstep(0.12, -0.03, y)) * (1 - 0.25 * smoothstep(0.2, 0.3, y))
        on = smoothstep(open_at - 0.012, open_at + 0.022, np.abs(a) + 0 * y) if gap else 1.0 + 0 * (a + y)
        line = 0.309 + 0 * a
        on = on * smoothstep(-0.004, 0.006, line - y)
        room_at: np.ndarray = (room + 0.013) * on - 0.02 * (1 - on)
        return room_at

    rows = np.concatenate([np.linspace(-0.045, 0.225, 20), np.linspace(0.232, 0.32, 18)])
    yield torso_patch(figure, rows, ease, jacket, part("outer"), JACKET, hem=False, columns=64)


def skirt_of(figure: Figure, who: Identity) -> Patch:
    """A loft from the waist over both legs to the hem: each ring goes around both thighs."""
    outfit = who.outfit
    right, left = leg_of(figure, "right"), leg_of(figure, "left")
    pelvis = figure.frames["pelvis"]
    columns = 44
    angle = np.linspace(-np.pi, np.pi, columns + 1)
    ways = np.sin(angle)[:, None] * pelvis[:, 0] + np.cos(angle)[:, None] * pelvis[:, 2]
    # around the hips
    y = np.linspace(0.112, 0.0, 12)
    hips = torso_patch(
        figure,
        y[::-1],
        lambda h, a: 0.006 - 0.004 * outfit.dress * smoothstep(0.08, 0.112, h) + 0 * a,
        outfit.lower_cloth,
        0,
        0,
        columns=columns,
    )
    upper = hips.points[::-1]
    # around the legs: a soft maximum over both legs, and the cloth flares
    t = np.linspace(0.12, outfit.lower_end, 22)
    down = np.array([0.0, -1.0, 0.0])
    rings, shares = [], []
    lines = right.line(t), left.line(t)
    straight = figure.points["mid_hip"] + down * (t * 0.245 * figure.body.legs)[:, None]
    for i, s in enumerate(t):
        a, b = lines[0][i], lines[1][i]
        # each side of the ring is at its own leg's height: a raised knee raises its side of the hem
        a, b = (np.array([c[0], 0.8 * c[1] + 0.2 * straight[i, 1], c[2]]) for c in (a, b))
        radius = float(right.radius(np.array([s]))[0])
        flare = 0.010 + (0.02 + 0.075 * outfit.lower_flare) * (s - 0.1) / 1.2
        radius = max(radius * 1.04, 0.047) + flare
        reach = np.stack([ways @ a, ways @ b], -1) / 0.012
        weight = np.exp(reach - reach.max(-1, keepdims=True))
        weight /= weight.sum(-1, keepdims=True)
        shares.append(weight[:, 1])
        folds = 1 + 0.10 * outfit.lower_flare * (s / 1.3) * np.cos(9 * angle)
        rings.append(weight @ np.stack([a, b]) + ways * (radius * folds)[:, None])
    lower = np.stack(rings)
    merge = smoothstep(0.12, 0.4, t)[:, None, None]
    lower = merge * lower + (1 - merge) * _drop(upper[-1], lower)
    points = np.concatenate([upper, lower])
    # from the waist down the cloth's weights shift from the pelvis to the thighs, which carry it to the hem
    shape = points.shape[:2]
    place = np.concatenate([np.zeros(len(y)), t])[:, None]
    share = np.concatenate([np.broadcast_to(shares[0], (len(y), columns + 1)), shares])
    legs = Hold.chain("right_leg", np.broadcast_to(place, shape))
    legs = legs.mixed(Hold.chain("left_leg", np.broadcast_to(place, shape)), share)
    pelvis_hold = Hold.chain("torso", np.concatenate([y, 0 * t])[:, None]).broadcast(shape)
    down_the_legs = np.concatenate([0.35 * smoothstep(0.06, 0.0, y), 0.35 + 0.5 * smoothstep(0.0, 0.5, t)])
    hold = pelvis_hold.mixed(legs, down_the_legs[:, None])
    middle = points[-1].mean(0)
    inner = middle + (points[-1] - middle) * 0.35
    points = np.concatenate([points, points[-1:] + 0, inner[None]])
    points = points[::-1]  # from the hem up, as every loft
    ends = np.concatenate([np.arange(shape[0]), [shape[0] - 1, shape[0] - 1]])[::-1]
    hold = Hold(hold.bones[ends], hold.weights[ends])
    heights = np.linalg.norm(np.diff(points[:, columns // 2], axis=0), axis=-1)
    along = np.concatenate([[0.0], [0.0], np.cumsum(heights[1:])])
    coordinates = np.empty(points.shape)
    # one radius for the whole skirt: stripes along it stay parallel
    reach = np.linalg.norm(np.diff(points[2:], axis=1), axis=-1).sum(1).mean() / (2 * np.pi)
    coordinates[..., 0] = angle * reach
    coordinates[..., 1] = (along + 0.1 - along[-1])[:, None]
    coordinates[..., 2] = angle / np.pi
    shade = np.ones(points.shape[:2])
    shade[0], shade[1] = 0.35, 0.7
    group = TOP if outfit.dress else LOWER
    return Patch(points, coordinates, shade, outfit.lower_cloth, part("skirt"), group, hold)


def _drop(ring: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The ring lowered to the height of each target ring."""
    out = np.repeat(ring[None], len(targets), 0)
    out[..., 1] = targets[..., 1]
    return out
