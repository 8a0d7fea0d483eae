"""Physical plausibility of a pose: joint limits, balance and self-penetration."""

import math

import numpy as np

from .figure import ANKLE, FOOT_WIDTH, HEEL, TOE, Body, Figure, Vector, smoothstep, torso_widths

SIDED = ("shoulder", "elbow", "wrist", "hand", "hip", "knee", "ankle")
# In degrees: (least, most). Flexion bends, abduction leads away from the middle.
LIMITS: dict[str, tuple[float, float]] = {
    "spine_bow": (-25, 55),
    "spine_turn": (-45, 45),
    "spine_tilt": (-28, 28),
    "neck_bow": (-40, 40),
    "neck_turn": (-72, 72),
    "neck_tilt": (-28, 28),
    "shoulder_back": (-90, 62),
    "shoulder_overhead_back": (-90, 35),
    "shoulder_across": (-90, 48),
    "elbow": (0, 156),
    "wrist": (0, 82),
    "hip_flexion": (-35, 138),
    "hip_abduction": (-36, 75),
    "knee": (0, 158),
    "shin_twist": (-50, 70),
    "ankle": (-78, 48),
}


def _unit(a: Vector, b: Vector) -> Vector:
    """The direction from a to b."""
    x, y, z = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    n = math.sqrt(x * x + y * y + z * z) or 1e-9
    return (x / n, y / n, z / n)


def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _between(a: Vector, b: Vector) -> float:
    """Degrees between two unit vectors."""
    return math.degrees(math.acos(max(-1.0, min(1.0, _dot(a, b)))))


def _degrees(sine: float) -> float:
    return math.degrees(math.asin(max(-1.0, min(1.0, sine))))


def _columns(matrix: np.ndarray) -> tuple[Vector, Vector, Vector]:
    (a, b, c), (d, e, f), (g, h, i) = matrix.tolist()
    return (a, d, g), (b, e, h), (c, f, i)


def _angles(outer: tuple[Vector, Vector, Vector], inner: tuple[Vector, Vector, Vector]) -> Vector:
    """(bow, turn, tilt) of one frame seen from another, as in BodyPose."""
    up = [_dot(axis, inner[1]) for axis in outer]
    front = [_dot(axis, inner[2]) for axis in outer]
    across = _dot(outer[1], inner[0])
    return (_degrees(-front[1]), math.degrees(math.atan2(front[0], front[2])), -math.degrees(math.atan2(across, up[1])))


def joint_angles(figure: Figure) -> dict[str, float]:
    """Degrees by the names of LIMITS; those of a limb start with its side: "right_elbow"."""
    p = {name: tuple(place.tolist()) for name, place in figure.points.items()}
    frames = {name: _columns(matrix) for name, matrix in figure.frames.items()}
    pelvis, chest = frames["pelvis"], frames["chest"]
    angles = dict(zip(("spine_bow", "spine_turn", "spine_tilt"), _angles(pelvis, chest), strict=True))
    angles |= zip(("neck_bow", "neck_turn", "neck_tilt"), _angles(chest, frames["head"]), strict=True)
    for side, sign in (("right", -1.0), ("left", 1.0)):
        shoulder, elbow, wrist, hand, hip, knee, ankle = (p[f"{side}_{word}"] for word in SIDED)
        upper, fore, palm = _unit(shoulder, elbow), _unit(elbow, wrist), _unit(wrist, hand)
        outward, up, ahead = sign * _dot(upper, chest[0]), _dot(upper, chest[1]), _dot(upper, chest[2])
        back = _degrees(-ahead)
        angles[f"{side}_shoulder_back"] = back if up < 0 else -90.0
        angles[f"{side}_shoulder_overhead_back"] = back if up >= 0 else -90.0
        angles[f"{side}_shoulder_across"] = _degrees(-outward)
        angles[f"{side}_elbow"] = _between(upper, fore)
        angles[f"{side}_wrist"] = _between(fore, palm)
        thigh, shin = _unit(hip, knee), _unit(knee, ankle)
        outward, up, ahead = sign * _dot(thigh, pelvis[0]), _dot(thigh, pelvis[1]), _dot(thigh, pelvis[2])
        angles[f"{side}_hip_flexion"] = math.degrees(math.atan2(ahead, max(-up, 1e-9) if up < 0 else -up))
        angles[f"{side}_hip_abduction"] = _degrees(outward)
        angles[f"{side}_knee"] = _between(thigh, shin)
        foot = frames[f"{side}_foot"]
        angles[f"{side}_ankle"] = _degrees(_dot(foot[2], (-shin[0], -shin[1], -shin[2])))
        angles[f"{side}_shin_twist"] = sign * _twist(thigh, shin, foot[2])
    return angles


def _twist(thigh: Vector, shin: Vector, foot: Vector) -> float:
    """Rotation of the foot (to the left) around the shin from the knee's direction, in degrees; 0 for a straight knee,
    which has no direction, and for a foot in line with the shin.
    """
    k, f = _dot(thigh, shin), _dot(foot, shin)
    knee = (thigh[0] - k * shin[0], thigh[1] - k * shin[1], thigh[2] - k * shin[2])
    toes = (foot[0] - f * shin[0], foot[1] - f * shin[1], foot[2] - f * shin[2])
    if _dot(knee, knee) < 0.07 or _dot(toes, toes) < 0.12:
        return 0.0
    cross = (
        knee[1] * toes[2] - knee[2] * toes[1],
        knee[2] * toes[0] - knee[0] * toes[2],
        knee[0] * toes[1] - knee[1] * toes[0],
    )
    return math.degrees(math.atan2(-_dot(cross, shin), _dot(knee, toes)))


def beyond_limits(figure: Figure) -> dict[str, float]:
    """The joints beyond their limits, and their angles."""
    return {
        name: angle for name, angle in joint_angles(figure).items() if not _LIMITS[name][0] <= angle <= _LIMITS[name][1]
    }


_LIMITS = {
    name: limits
    for word, limits in LIMITS.items()
    for name in ([word] if word.startswith(("spine", "neck")) else [f"right_{word}", f"left_{word}"])
}


# ------------------------------------------------------------------------------------------ balance

# Shares of a body's mass (after Winter 2009): the two end points, and the position between them.
_MASSES: tuple[tuple[float, str, str, float], ...] = (
    (0.081, "head", "head", 0.0),
    (0.355, "mid_hip", "neck_base", 0.72),
    (0.142, "mid_hip", "neck_base", 0.08),
    *(
        (mass, f"{side}_{a}", f"{side}_{b}", t)
        for side in ("right", "left")
        for mass, a, b, t in (
            (0.028, "shoulder", "elbow", 0.44),
            (0.016, "elbow", "wrist", 0.43),
            (0.006, "wrist", "hand", 0.5),
            (0.100, "hip", "knee", 0.43),
            (0.0465, "knee", "ankle", 0.43),
            (0.0145, "ankle", "ankle", 0.0),
        )
    ),
)
_MASS_NAMES = tuple(dict.fromkeys(name for _, *names, _ in _MASSES for name in names))
_MASS_OF = np.array(
    [sum(m * ((1 - t) * (a == name) + t * (b == name)) for m, a, b, t in _MASSES) for name in _MASS_NAMES]
)
_WAYS = np.stack([f(np.linspace(0, 2 * np.pi, 33)[:-1]) for f in (np.cos, np.sin)])
_SOLE = np.array(
    [(x, -ANKLE, z) for z in (HEEL, TOE) for x in (-FOOT_WIDTH / 2, FOOT_WIDTH / 2)]
)  # corners, from the ankle


def centre_of_mass(figure: Figure) -> np.ndarray:
    """(3,) in statures."""
    centre: np.ndarray = _MASS_OF @ np.array([figure.points[name] for name in _MASS_NAMES]) / _MASS_OF.sum()
    return centre


def soles(figure: Figure) -> np.ndarray:
    """(2, 4, 3) corners of the right and the left sole."""
    p, f = figure.points, figure.frames
    return np.stack([_SOLE @ f[f"{side}_foot"].T + p[f"{side}_ankle"] for side in ("right", "left")])


def support(figure: Figure) -> np.ndarray:
    """(n, 2) points (x, z) on which the body rests: soles, knees, hands, the seat; n is 0 in the air."""
    corners = soles(figure).reshape(8, 3)
    p = figure.points
    low = [p[f"{side}_{word}"] for side in ("right", "left") for word in ("knee", "hand")]
    # a toe presses on the ground, too
    rest = [corners[corners[:, 1] < 0.022], np.array([q for q in low if q[1] < 0.055]).reshape(-1, 3)]
    if "seat" in p and p["mid_hip"][1] - p["seat"][1] < 0.08:
        around = np.array([(x, 0.0, z) for x in (-0.09, 0.09) for z in (-0.09, 0.10)])
        rest.append(p["seat"] + around @ figure.frames["pelvis"].T)
    return np.concatenate(rest)[:, ::2]


def balance(figure: Figure) -> float:
    """Distance of the centre of mass from the edge of the support polygon, in statures; negative outside."""
    places = support(figure)
    if not len(places):
        return -math.inf
    return float(((places - centre_of_mass(figure)[::2]) @ _WAYS).max(0).min())


# ----------------------------------------------------------------------------------- penetration

_NODES = (*SIDED, "toe")
# Spheres along the limbs: (from, to, position between, radius, body part).
_ARM_SPHERES = [
    *(("shoulder", "elbow", t, 0.026, "upper") for t in (0.45, 0.6, 0.75, 0.9)),
    *(("elbow", "wrist", t, 0.024 - 0.008 * t, "fore") for t in (0.0, 0.14, 0.28, 0.42, 0.56, 0.7, 0.84, 1.0)),
    *(("wrist", "hand", t, 0.014, "hand") for t in (0.25, 0.5, 0.75, 1.0)),
]
_LEG_SPHERES = [
    *(("hip", "knee", t, 0.052 - 0.012 * t, "thigh") for t in (0.36, 0.5, 0.63, 0.76, 0.88, 1.0)),
    *(("knee", "ankle", t, 0.038 - 0.014 * t, "shin") for t in (0.12, 0.25, 0.38, 0.52, 0.66, 0.82, 1.0)),
    *(("ankle", "toe", t, 0.024, "foot") for t in (0.3, 0.65, 1.0)),
]
_SPHERES = [
    (f"{side}_{a}", f"{side}_{b}", t, r, side, kind)
    for side in ("right", "left")
    for a, b, t, r, kind in (*_ARM_SPHERES, *_LEG_SPHERES)
]
_NAMES = tuple(f"{side}_{node}" for side in ("right", "left") for node in _NODES)
_PLACES = np.array([[(1 - t) * (a == n) + t * (b == n) for n in _NAMES] for a, b, t, *_ in _SPHERES])
_RADII = np.array([r for _, _, _, r, _, _ in _SPHERES])
_IS_ARM = np.array([kind in ("upper", "fore", "hand") for *_, kind in _SPHERES])
_LEG_KINDS, _ARM_KINDS = ("thigh", "shin", "foot"), ("upper", "fore", "hand")


def _soft(a: str, b: str) -> float:
    """Allowed overlap of two parts of limbs, in statures."""
    pair = {a, b}
    if pair == {"thigh"}:
        return 0.032
    if pair <= set(_LEG_KINDS):
        return 0.018
    if pair == {"hand"}:
        return 0.014
    if "hand" in pair and pair & set(_LEG_KINDS):
        return 0.030  # in a pocket
    return 0.012


def _pairs() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Indices (n,), (n,) of sphere pairs to test, and the allowed overlap of each."""
    first, second, press = [], [], []
    for i, (*_, side, kind) in enumerate(_SPHERES):
        for j, (*_, other_side, other) in enumerate(_SPHERES[:i]):
            same_limb = side == other_side and (kind in _ARM_KINDS) == (other in _ARM_KINDS)
            if same_limb or ({kind, other} & set(_LEG_KINDS) and "upper" in (kind, other)):
                continue
            first.append(i)
            second.append(j)
            press.append(_soft(kind, other))
    return np.array(first), np.array(second), np.array(press)


_FIRST, _SECOND, _PRESS = _pairs()
_REACH = _RADII[_FIRST] + _RADII[_SECOND]


def limb_spheres(figure: Figure) -> np.ndarray:
    """(n, 3) centres of spheres along arms and legs."""
    p, f = figure.points, figure.frames
    nodes = [
        p[f"{side}_ankle"] + f[f"{side}_foot"] @ (0.0, -0.025, 0.085) if node == "toe" else p[f"{side}_{node}"]
        for side in ("right", "left")
        for node in _NODES
    ]
    centres: np.ndarray = _PLACES @ np.array(nodes)
    return centres


def overlap(figure: Figure) -> float:
    """Largest overlap of two limbs beyond the allowed one, in statures; negative if they are apart."""
    x = limb_spheres(figure)
    return _overlap(figure.body, x)


def _overlap(body: Body, x: np.ndarray) -> float:
    square = np.einsum("nc,nc->n", x, x)
    apart = square[:, None] + square - 2 * (x @ x.T)
    distance = np.sqrt(np.maximum(apart[_FIRST, _SECOND], 0.0))
    return float((_REACH * body.limbs - _PRESS - distance).max())


def _inside_torso(figure: Figure, samples: np.ndarray, room: np.ndarray) -> np.ndarray:
    """Which points are deeper inside the torso than allowed."""
    hips, pelvis, chest = figure.points["mid_hip"], figure.frames["pelvis"], figure.frames["chest"]
    waist = hips + pelvis[:, 1] * 0.115
    low, high = (samples - hips) @ pelvis, (samples - waist) @ chest + [0, 0.115, 0]
    s = smoothstep(0.02, 0.21, low[:, 1])[:, None]
    x, y, z = ((1 - s) * low + s * high).T
    side, front, back = torso_widths(figure.body, y)
    depth = np.where(z > 0, front, back)
    radius = (x / (side + room)) ** 2 + (z / (depth + room)) ** 2
    inside: np.ndarray = (radius < 1) & (y > -0.05) & (y < 0.29)
    return inside


def _inside_head(figure: Figure, samples: np.ndarray) -> bool:
    local = (
        (samples - figure.points["head"]) @ figure.frames["head"] / (np.array([0.066, 0.085, 0.076]) * figure.body.head)
    )
    return bool(((local**2).sum(1) < 1).any())


_THIGH_ROOM = np.where(_IS_ARM, 0.013, 0.016)
_NEAR_HIP = np.array([kind == "thigh" and t < 0.6 for _, _, t, _, _, kind in _SPHERES])


def penetrates(figure: Figure) -> bool:
    """Whether a limb penetrates the torso, the head, the ground or another limb."""
    x = limb_spheres(figure)
    if x[:, 1].min() < 0.006 or _overlap(figure.body, x) > 0:
        return True
    return bool((_inside_torso(figure, x, _THIGH_ROOM) & ~_NEAR_HIP).any()) or _inside_head(figure, x)


def plausible(figure: Figure, *, balanced: float | None = -0.005) -> bool:
    """Whether all joints are within limits, no limb penetrates the body, and the body is balanced.

    balanced: least distance of the centre of mass inside its support, in statures; None for a moving body.
    """
    lowest = soles(figure)[..., 1].min(1)
    if lowest.min() < -0.012 or (balanced is not None and balance(figure) < balanced):
        return False
    return not penetrates(figure) and not beyond_limits(figure)
