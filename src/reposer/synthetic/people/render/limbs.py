"""Arms and legs: bent lines with a thickness, and the sleeves, trousers, hands and shoes on them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..body.bones import Hold
from ..body.figure import Figure, smoothstep, unit
from ..body.parts import JACKET, LOWER, SHOES, SKIN, TOP, part
from ..identity import Identity
from ..wardrobe.clothes import Material, Plain
from ..wardrobe.shapes import Patch, bent_line, line_frames, loft, rounded_ends, tube
from ..wardrobe.tailoring import SLEEVE_END

# Radii along a limb, t = 0 at its root, 1 at its middle joint, 2 at its end.
ARM_RADII = (
    (0.0, 0.0290),
    (0.18, 0.0312),
    (0.45, 0.0285),
    (0.8, 0.0250),
    (1.0, 0.0238),
    (1.25, 0.0252),
    (1.6, 0.0208),
    (2.0, 0.0162),
)
LEG_RADII = (
    (0.0, 0.0530),
    (0.2, 0.0565),
    (0.5, 0.0520),
    (0.8, 0.0415),
    (1.0, 0.0375),
    (1.3, 0.0385),
    (1.6, 0.0300),
    (1.9, 0.0225),
    (2.0, 0.0220),
)


@dataclass(frozen=True)
class Limb:
    """A bent line with a body's thickness: an arm or a leg."""

    name: str
    joints: tuple[np.ndarray, np.ndarray, np.ndarray]
    radii: tuple[tuple[float, float], ...]
    thickness: float
    front: np.ndarray
    calf: float = 0.0

    def radius(self, t: np.ndarray) -> np.ndarray:
        knots = np.array(self.radii)
        radii: np.ndarray = np.interp(t, knots[:, 0], knots[:, 1]) * self.thickness
        return radii

    def line(self, t: np.ndarray) -> np.ndarray:
        return bent_line(*self.joints, t)


def arm_of(figure: Figure, side: str) -> Limb:
    """The arm; its front is the thumb's direction."""
    p, chest = figure.points, figure.frames["chest"]
    joints = (p[f"{side}_shoulder"], p[f"{side}_elbow"], p[f"{side}_wrist"])
    # the front of a hanging arm is the chest's; raising the arm rotates it without twist
    down, axis = -chest[:, 1], unit(joints[1] - joints[0])
    front = chest[:, 2]
    half = unit(down + axis)
    front = front - half * (2 * (half @ front))  # two mirrors make the turn from `down` to `axis`
    front = front - axis * (2 * (axis @ front))
    return Limb(f"{side}_arm", joints, ARM_RADII, figure.body.limbs, front)


def leg_of(figure: Figure, side: str) -> Limb:
    """The leg; its front is the knee's direction."""
    p = figure.points
    joints = (p[f"{side}_hip"], p[f"{side}_knee"], p[f"{side}_ankle"])
    front = figure.frames[f"{side}_foot"][:, 2] * 0.5 + figure.frames["pelvis"][:, 2]
    return Limb(f"{side}_leg", joints, LEG_RADII, figure.body.limbs, front, calf=0.012)


def limb_patch(
    limb: Limb,
    ease: Callable[[np.ndarray], np.ndarray],
    span: tuple[float, float],
    material: Material,
    parts: tuple[int, int],
    group: int,
    *,
    hem: bool = False,
    round_start: bool = True,
    rings: int = 26,
    columns: int = 18,
    start_along: float = 0.0,
) -> Patch:
    """A sleeve, trouser leg or bare skin over a span of a limb; a hem closes the end with its dark inside."""
    t = np.linspace(*span, rings)
    if span[0] < 1 < span[1]:  # more rings where it bends
        t = np.sort(np.concatenate([t, np.linspace(max(0.84, span[0]), min(1.16, span[1]), 8)]))
    radius = limb.radius(np.maximum(t, 0)) + ease(t)
    shade = np.ones(len(t))
    if round_start:
        length = np.linalg.norm(limb.joints[1] - limb.joints[0])
        t, radius = rounded_ends(t * length, radius, end=False)
        t = t / length
        shade = np.ones(len(t))
    centres = limb.line(t)
    frames = line_frames(centres, limb.front)
    back = radius + limb.calf * np.exp(-(((t - 1.28) / 0.22) ** 2)) * (1 if limb.calf else 0)
    front = radius + (0.3 * limb.calf * np.exp(-(((t - 0.45) / 0.3) ** 2)))
    if hem:
        ends = [radius[-1] * 0.96, radius[-1] * 0.4]
        centres = np.concatenate([centres, centres[-1:], centres[-1:] - frames[-1, :, 1] * 0.004])
        frames = np.concatenate([frames, frames[-1:], frames[-1:]])
        radius, front, back = (np.append(w, ends) for w in (radius, front, back))
        t = np.append(t, [t[-1], t[-1]])
        shade = np.append(shade, [0.75, 0.45])
    points, coordinates = loft(centres, frames, radius, front, back, columns=columns)
    coordinates[..., 1] += start_along
    rows = np.where(t[:-1] < 1.0, parts[0], parts[1])
    hold = Hold.chain(limb.name, t[:, None]).broadcast(points.shape[:2])
    shade = np.broadcast_to(shade[:, None], points.shape[:2])
    return Patch(points, coordinates, shade, material, rows, group, hold)


def dressed_arm(figure: Figure, who: Identity, side: str) -> Iterator[Patch]:
    outfit, limb = who.outfit, arm_of(figure, side)
    skin = Plain(who.face.skin)
    parts = (part(f"{side}_upper_arm"), part(f"{side}_lower_arm"))
    end = SLEEVE_END[outfit.sleeve]
    loose = outfit.ease + 0.002
    if outfit.jacket_cloth is not None:
        end = 0.0
        yield limb_patch(
            limb,
            lambda t: (loose + 0.007) * (0.4 + 0.6 * smoothstep(0.0, 0.3, t)) + 0.004 * smoothstep(1.0, 1.9, t),
            (0.0, 1.95),
            outfit.jacket_cloth,
            parts,
            JACKET,
            hem=True,
        )
    elif end > 0:
        flare = 0.007 if end < 1 else 0.004
        yield limb_patch(
            limb,
            lambda t: loose * (0.4 + 0.6 * smoothstep(0.0, 0.3, t)) + flare * smoothstep(0.1, end, t),
            (0.0, end),
            outfit.sleeve_cloth,
            parts,
            TOP,
            hem=True,
            start_along=0.01,
        )
    bare_from = max(0.0, end - 0.15) if outfit.jacket is None else 1.8
    yield limb_patch(limb, lambda t: 0 * t, (bare_from, 2.0), skin, parts, SKIN, round_start=bare_from == 0)
    yield from hand_of(figure, who, side, limb)


def hand_of(figure: Figure, who: Identity, side: str, limb: Limb) -> Iterator[Patch]:
    """A palm with four fingers and a thumb."""
    skin, where = Plain(who.face.skin), part(f"{side}_hand")
    wrist, tip = figure.points[f"{side}_wrist"], figure.points[f"{side}_hand"]
    size = float(np.linalg.norm(tip - wrist))
    frames = line_frames(limb.line(np.linspace(0, 2, 30)), limb.front)
    thumb = frames[-1, :, 2]
    axis = unit(tip - wrist)
    thumb = unit(thumb - axis * (thumb @ axis))
    flat = np.cross(axis, thumb)
    # the fingers curl a little towards the palm, which faces the body
    palm_sign = 1.0 if side == "right" else -1.0
    s = np.array([-0.10, 0.0, 0.10, 0.22, 0.36, 0.50, 0.62, 0.76, 0.88, 0.95, 0.99, 1.0])
    width = np.array([0.165, 0.165, 0.175, 0.205, 0.225, 0.23, 0.225, 0.205, 0.17, 0.12, 0.06, 0.0005]) * size
    thick = np.array([0.16, 0.16, 0.145, 0.13, 0.125, 0.115, 0.105, 0.095, 0.08, 0.06, 0.03, 0.0005]) * size
    curl = 0.16 * size * s**2 * palm_sign
    centres = wrist + s[:, None] * size * axis + curl[:, None] * flat
    hand_frames = line_frames(centres, thumb)
    points, coordinates = loft(centres, hand_frames, thick, width, width, columns=12, roundness=2.4)
    hold = Hold.rigid(f"{side}_hand", points.shape[:2])
    yield Patch(points, coordinates, np.ones(points.shape[:2]), skin, where, SKIN, hold)
    root = wrist + axis * size * 0.16 + thumb * size * 0.12
    end = wrist + axis * size * 0.50 + thumb * size * 0.36 + flat * size * 0.10 * palm_sign
    points, coordinates = tube(root, end, (0.10 * size, 0.082 * size, 0.06 * size), flat, columns=8, rings=4)
    hold = Hold.rigid(f"{side}_hand", points.shape[:2])
    yield Patch(points, coordinates, np.ones(points.shape[:2]), skin, where, SKIN, hold)


def dressed_leg(figure: Figure, who: Identity, side: str) -> Iterator[Patch]:
    outfit, limb = who.outfit, leg_of(figure, side)
    parts = (part(f"{side}_upper_leg"), part(f"{side}_lower_leg"))
    skin = Plain(outfit.tights if outfit.tights and outfit.lower == "skirt" else who.face.skin)
    bare_from = 0.0
    if outfit.lower != "skirt":
        end, ease, flare = outfit.lower_end, outfit.lower_ease, outfit.lower_flare
        short = end < 1

        def room(t: np.ndarray) -> np.ndarray:
            if short:
                return 0.004 + ease * 0.5 * smoothstep(0.0, 0.35, t) + (0.006 + 0.008 * flare) * smoothstep(0.1, end, t)
            # below the knee the cloth falls straight: it does not follow the ankle
            fall = np.maximum(0.0, 0.0315 * limb.thickness - limb.radius(t)) * smoothstep(0.9, 1.5, t)
            return np.asarray(
                0.004
                + ease * smoothstep(0.2, 1.0, t)
                + fall * (0.25 + 0.75 * min(1.0, (ease - 0.004) / 0.006)) * (0.6 + 0.6 * flare)
            )

        cloth = replace(outfit.lower_look, belt=None, side=1.0 if side == "right" else -1.0)
        yield limb_patch(limb, room, (0.0, end), cloth, parts, LOWER, hem=True, columns=20)
        bare_from = max(0.0, end - 0.2)
    else:
        bare_from = max(0.0, outfit.lower_end - 0.22)  # skin under the skirt is left out so that it cannot show through
    if bare_from < 1.7:
        yield limb_patch(limb, lambda t: 0 * t, (bare_from, 2.05), skin, parts, SKIN, round_start=bare_from == 0)
        if outfit.socks is not None and not outfit.boots:
            yield limb_patch(
                limb, lambda t: 0.002 + 0 * t, (1.62, 2.05), outfit.socks, parts, SHOES, round_start=False, rings=8
            )
    if outfit.boots:
        yield limb_patch(
            limb,
            lambda t: 0.006 + 0 * t,
            (1.45, 2.05),
            Plain(outfit.shoe.rgb, 0.2),
            parts,
            SHOES,
            round_start=False,
            rings=10,
        )
    elif outfit.lower == "trousers":
        under = outfit.socks or Plain((0.16, 0.16, 0.18))
        yield limb_patch(limb, lambda t: 0 * t, (1.75, 2.05), under, parts, SHOES, round_start=False, rings=6)
    yield shoe_of(figure, who, side)


def shoe_of(figure: Figure, who: Identity, side: str) -> Patch:
    ankle, foot = figure.points[f"{side}_ankle"], figure.frames[f"{side}_foot"]
    # rings from heel to toe: place along the foot, half width, height of the top above the sole
    table = np.array(
        [
            (-0.036, 0.001, 0.020),
            (-0.034, 0.012, 0.036),
            (-0.028, 0.020, 0.050),
            (-0.012, 0.0255, 0.064),
            (0.006, 0.027, 0.066),
            (0.022, 0.0265, 0.056),
            (0.040, 0.0275, 0.045),
            (0.060, 0.031, 0.037),
            (0.080, 0.032, 0.030),
            (0.096, 0.029, 0.025),
            (0.108, 0.021, 0.020),
            (0.114, 0.012, 0.014),
            (0.117, 0.001, 0.008),
        ]
    )
    scale = 0.92 + 0.08 * figure.body.stature
    along, width, height = table.T * scale
    middle = 0.016  # height of the rings' centre line above the sole
    sign = -1.0 if side == "right" else 1.0
    inward = -0.006 * sign * smoothstep(0.02, 0.11, along)
    up, ahead, left = foot[:, 1], foot[:, 2], foot[:, 0]
    rise = np.minimum(middle, height * 0.6)
    centres = ankle + along[:, None] * ahead + inward[:, None] * left - up * 0.047 + rise[:, None] * up
    axes = np.stack([np.cross(ahead, up), ahead, up], 1)
    frames = np.broadcast_to(axes, (len(along), 3, 3))
    points, coordinates = loft(centres, frames, width, height - rise, rise, columns=20, roundness=2.5)
    coordinates[..., 1] += float(along[0])
    coordinates[..., 1] += 0.02
    return Patch(
        points,
        coordinates,
        np.ones(points.shape[:2]),
        who.outfit.shoe,
        part(f"{side}_shoe"),
        SHOES + (side == "left"),
        Hold.rigid(f"{side}_foot", points.shape[:2]),
    )
