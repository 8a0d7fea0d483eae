"""Tables, lamps, and mugs with their teapots."""

import numpy as np

from .finishes import BLACK_METAL, BRASS, CERAMICS, CHROME, PLASTICS, metal, mixed, pick, striped, wood
from .mesh import Finish, Part, ball, bar, block, curve, grid_faces, lathe, solid, sweep, turning


def table(numbers: np.random.Generator) -> list[Part]:
    """A dining table, a round one on a pedestal, a trestle, a low one with a shelf, or a desk with drawers."""
    look = wood(numbers, 0)
    style = int(numbers.choice(5, p=[0.3, 0.2, 0.15, 0.15, 0.2]))
    top_look = look if numbers.random() < 0.7 else Finish(pick(numbers, PLASTICS), 0.35)
    width, depth, height = numbers.uniform(1.0, 1.7), numbers.uniform(0.65, 0.9), numbers.uniform(0.70, 0.77)
    thick = numbers.uniform(0.022, 0.045)
    if style == 1:
        r = numbers.uniform(0.45, 0.62)
        foot = metal(numbers) if numbers.random() < 0.5 else look
        parts = [
            lathe(
                [
                    (0, height - thick),
                    (r - 0.01, height - thick),
                    (r, height - thick / 2),
                    (r - 0.008, height),
                    (0, height),
                ],
                top_look,
                columns=56,
            )
        ]
        if numbers.random() < 0.5:
            parts.append(
                lathe(
                    [
                        (0.28, 0),
                        (0.28, 0.012),
                        (0.1, 0.045),
                        (0.04, 0.12),
                        (0.035, 0.4),
                        (0.05, height - thick),
                    ],
                    foot,
                    smooth=4,
                )
            )
        else:
            parts.append(
                lathe(
                    [(0.045, 0.12), (0.06, 0.2), (0.035, 0.35), (0.05, 0.5), (0.09, height - thick)],
                    look,
                    smooth=5,
                )
            )
            for k in range(4):
                a = np.radians(45 + 90 * k)
                d = np.array([np.sin(a), 0, np.cos(a)])
                parts.append(
                    sweep(
                        curve(
                            np.array(
                                [d * 0.02 + (0, 0.26, 0), d * 0.2 + (0, 0.17, 0), d * 0.36 + (0, 0.025, 0)]
                            )
                        ),
                        look,
                        0.028,
                        front=(0, 1, 0),
                        roundness=4,
                    )
                )
        return parts
    if style == 3:
        width, depth, height = (
            numbers.uniform(0.8, 1.2),
            numbers.uniform(0.5, 0.65),
            numbers.uniform(0.38, 0.46),
        )
    parts = [block((0, height - thick / 2, 0), (width, thick, depth), top_look, radius=0.012, steps=3)]
    x, z = width / 2 - 0.06, depth / 2 - 0.06
    if style == 2:
        for s in (-1, 1):
            for t in (-1, 1):
                parts.append(
                    bar(
                        (s * (x - 0.08), height - thick, t * 0.06),
                        (s * (x - 0.08), 0, t * z),
                        look,
                        0.024,
                        roundness=7,
                    )
                )
            parts.append(
                bar(
                    (s * (x - 0.08), height * 0.45, -z * 0.55),
                    (s * (x - 0.08), height * 0.45, z * 0.55),
                    look,
                    0.016,
                    roundness=7,
                )
            )
        parts.append(
            bar((-x + 0.08, height * 0.45, 0), (x - 0.08, height * 0.45, 0), look, 0.016, 0.03, roundness=7)
        )
        return parts
    legs = look if numbers.random() < 0.6 else metal(numbers)
    splay, leg, taper = (
        float(numbers.choice([0.0, 0.05])),
        numbers.uniform(0.020, 0.034),
        numbers.uniform(0.55, 1.0),
    )
    square = 7.0 if numbers.random() < 0.6 else 2.0
    for s in (-1, 1):
        for t in (-1, 1):
            parts.append(
                bar(
                    (s * x, height - thick, t * z),
                    (s * (x + splay), 0, t * (z + splay)),
                    legs,
                    leg,
                    taper=taper,
                    roundness=square,
                )
            )
    if legs is look:
        parts += [
            block((0, height - thick - 0.04, t * z), (2 * x, 0.08, 0.02), look, radius=0.004) for t in (-1, 1)
        ]
        parts += [
            block((s * x, height - thick - 0.04, 0), (0.02, 0.08, 2 * z), look, radius=0.004) for s in (-1, 1)
        ]
    if style == 3:
        parts.append(block((0, height * 0.38, 0), (2 * x, 0.02, 2 * z), top_look, radius=0.006))
    if style == 4:
        wide, tall, n = 0.40, height - thick - 0.06, int(numbers.integers(2, 5))
        side = 1 if numbers.random() < 0.5 else -1
        cx = side * (x - wide / 2 + 0.03)
        parts.append(
            block((cx, height - thick - tall / 2, 0), (wide, tall, 2 * z + 0.02), look, radius=0.006)
        )
        front = (
            Finish(mixed(pick(numbers, PLASTICS), (1, 1, 1), 0.2), 0.2)
            if numbers.random() < 0.5
            else top_look
        )
        for k in range(n):
            y = height - thick - (k + 0.5) * tall / n
            parts.append(block((cx, y, z + 0.016), (wide - 0.03, tall / n - 0.02, 0.02), front, radius=0.005))
            parts.append(bar((cx - 0.06, y, z + 0.035), (cx + 0.06, y, z + 0.035), CHROME, 0.007))
    return parts


def lamp(numbers: np.random.Generator) -> list[Part]:
    """A table lamp, a standard lamp, or a desk lamp with a jointed arm."""
    style = int(numbers.choice(3, p=[0.4, 0.25, 0.35]))
    foot = metal(numbers) if numbers.random() < 0.5 else Finish(pick(numbers, CERAMICS), 0.4)
    if style == 2:
        return _desk_lamp(numbers)
    cloth = pick(numbers, ("f2e6c8", "efe9dc", "e8cf9a", "d8b4a0", "b9c7c2", "c9503f", "3d5a73"))
    shade = (
        Finish(cloth, 0.02)
        if numbers.random() < 0.7
        else striped(cloth, mixed(cloth, (1, 1, 1), 0.5), 0.05, 1)
    )
    low, high, tall = numbers.uniform(0.14, 0.22), numbers.uniform(0.08, 0.16), numbers.uniform(0.18, 0.27)
    if style == 1:
        stem, size = numbers.uniform(1.15, 1.4), numbers.uniform(1.2, 1.5)
        low, high, tall = low * size, high * size, tall * size
        if numbers.random() < 0.5:
            parts = [
                lathe([(0.16, 0), (0.16, 0.02), (0.03, 0.035), (0.013, 0.06), (0.013, stem + 0.1)], foot)
            ]
        else:
            legs = wood(numbers, 1)
            parts = [
                lathe([(0.05, stem - 0.06), (0.05, stem), (0.012, stem + 0.01), (0.012, stem + 0.1)], BRASS)
            ]
            for k in range(3):
                a = np.radians(120 * k + 30)
                d = np.array([np.sin(a), 0, np.cos(a)])
                parts.append(bar(d * 0.03 + (0, stem - 0.02, 0), d * 0.33, legs, 0.018, taper=0.75))
    else:
        stem = numbers.uniform(0.24, 0.38)
        belly = numbers.uniform(0.05, 0.13)
        profiles = (
            [
                (0.09, 0),
                (0.09, 0.02),
                (belly, 0.10),
                (belly * 0.9, 0.16),
                (0.025, stem * 0.85),
                (0.018, stem + 0.06),
            ],
            [
                (0.10, 0),
                (0.10, 0.02),
                (0.03, 0.05),
                (0.02, stem * 0.4),
                (0.04, stem * 0.6),
                (0.018, stem * 0.8),
                (0.014, stem + 0.06),
            ],
            [
                (0.07, 0),
                (belly + 0.02, 0.09),
                (belly + 0.02, stem * 0.5),
                (0.03, stem - 0.02),
                (0.018, stem),
                (0.016, stem + 0.06),
            ],
        )
        parts = [lathe(profiles[int(numbers.integers(3))], foot, smooth=5, columns=36)]
    ring = np.array(
        [(low, stem), (high, stem + tall), (high - 0.006, stem + tall), (low - 0.006, stem + 0.001)]
    )
    t = np.linspace(0, 1, 5)[:, None]
    bulge = numbers.uniform(-0.12, 0.12) * low
    outer = ring[0] + (ring[1] - ring[0]) * t + np.concatenate([bulge * 4 * t * (1 - t), 0 * t], 1)
    profile = np.concatenate([outer, outer[::-1] - (0.006, 0)])
    parts.append(_hollow(profile, shade))
    parts.append(ball((0, stem + 0.09, 0), (0.035, 0.05, 0.035), Finish((1.0, 0.97, 0.86), 0.3)))
    return parts


def _hollow(profile: np.ndarray, look: Finish) -> Part:
    """A body of revolution of a closed profile (n, 2) that leaves the axis free."""
    closed = np.concatenate([profile, profile[:1]])
    angle = np.linspace(0, 2 * np.pi, 49)
    r, y = closed[:, :1], closed[:, 1:]
    points = np.stack([r * np.sin(angle), y + 0 * angle, r * np.cos(angle)], -1)
    return solid(points.reshape(-1, 3), grid_faces(*points.shape[:2]), look)


def _desk_lamp(numbers: np.random.Generator) -> list[Part]:
    look = Finish(pick(numbers, PLASTICS), 0.4)
    arm = CHROME if numbers.random() < 0.5 else look
    r = numbers.uniform(0.08, 0.11)
    first, second = numbers.uniform(0.24, 0.34), numbers.uniform(0.24, 0.32)
    back, fore = np.radians(numbers.uniform(5, 30)), np.radians(numbers.uniform(30, 65))
    hip = np.array([0, 0.03, -0.05])
    elbow = hip + first * np.array([0, np.cos(back), -np.sin(back)])
    head = elbow + second * np.array([0, np.cos(fore), np.sin(fore)])
    parts = [lathe([(r, 0), (r, 0.018), (r - 0.02, 0.028), (0, 0.03)], look, columns=40)]
    for x in (np.array([-0.012, 0, 0]), np.array([0.012, 0, 0])):
        parts.append(bar(hip + x, elbow + x, arm, 0.005))
        parts.append(bar(elbow + x, head + x, arm, 0.005))
    side = np.array([0.022, 0, 0])
    for joint in (hip, elbow, head):
        parts.append(bar(joint - side, joint + side, BLACK_METAL, 0.014))
    wide, tall = numbers.uniform(0.065, 0.09), numbers.uniform(0.11, 0.14)
    outer = curve(
        np.array(
            [
                (wide, -tall),
                (0.85 * wide, -0.6 * tall),
                (0.45 * wide, -0.1 * tall),
                (0.25 * wide, 0.0),
                (0.22 * wide, 0.03),
            ]
        ),
        4,
    )
    cone = _hollow(np.concatenate([outer, outer[::-1] - (0.003, 0)]), look)
    tilt = turning(0, -numbers.uniform(15, 45))
    cap = ball((0, 0.03, 0), (0.23 * wide, 0.01, 0.23 * wide), look, rows=6)
    bulb = ball((0, -0.6 * tall, 0), (0.03, 0.035, 0.03), Finish((1.0, 0.97, 0.86), 0.3))
    return parts + [p.moved(by=head, turn=tilt) for p in (cone, cap, bulb)]


def mug(numbers: np.random.Generator) -> list[Part]:
    """A mug or a teapot; its handle is at the side, so that a turn shows. Tens of centimetres count as metres."""
    colour = pick(numbers, CERAMICS)
    second = pick(numbers, CERAMICS)
    start, end = sorted(numbers.uniform(0.1, 0.9, 2))
    scheme, dots = int(numbers.integers(4)), int(numbers.integers(5, 9))
    teapot = numbers.random() < 0.45
    tall = numbers.uniform(0.85, 1.15) if not teapot else numbers.uniform(0.75, 0.95)

    def paint(points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        out = np.broadcast_to(np.asarray(colour, np.float32), points.shape).copy()
        h = points[:, 1] / tall
        angle = np.arctan2(points[:, 0], points[:, 2])
        outside = (points[:, [0, 2]] * normals[:, [0, 2]]).sum(1) > 0
        if scheme == 0:
            out[(h > start) & (h < end) & outside] = second
        elif scheme == 1:
            around = np.mod(angle * dots / (2 * np.pi) + 0.5, 1) - 0.5
            out[(np.hypot(around * 2 * np.pi / dots * 0.5, (h - 0.5) * tall) < 0.13) & outside] = second
        elif scheme == 2:
            out[(np.sin(h * 24) > 0.2) & outside] = second
        return out

    look = Finish(paint, 0.45)
    plain = Finish(colour if numbers.random() < 0.6 else second, 0.45)
    if teapot:
        belly = numbers.uniform(0.55, 0.72)
        outline = [
            (0.32, 0),
            (0.40, 0.03),
            (belly, 0.38 * tall),
            (0.82 * belly, 0.75 * tall),
            (0.30, tall),
            (0.28, tall),
        ]
        parts = [lathe(outline, look, smooth=6, columns=48)]
        parts.append(
            lathe(
                [(0.31, tall - 0.02), (0.30, tall + 0.03), (0.15, tall + 0.10), (0.05, tall + 0.12)],
                plain,
                smooth=4,
            )
        )
        parts.append(ball((0, tall + 0.18, 0), (0.075, 0.075, 0.075), plain))
        spout = curve(
            np.array(
                [
                    (0.8 * belly, 0.30 * tall, 0),
                    (belly + 0.18, 0.42 * tall, 0),
                    (belly + 0.28, 0.75 * tall, 0),
                    (belly + 0.46, 0.98 * tall, 0),
                ]
            ),
            6,
        )
        parts.append(sweep(spout, plain, np.linspace(0.16, 0.065, len(spout)), front=(0, 0, 1), columns=20))
        ear = curve(
            np.array(
                [
                    (-0.72 * belly, 0.85 * tall, 0),
                    (-belly - 0.22, 0.92 * tall, 0),
                    (-belly - 0.38, 0.6 * tall, 0),
                    (-belly - 0.2, 0.3 * tall, 0),
                    (-0.9 * belly, 0.28 * tall, 0),
                ]
            ),
            6,
        )
        parts.append(sweep(ear, plain, 0.055, front=(0, 0, 1)))
        return parts
    r, foot, thick = numbers.uniform(0.38, 0.48), numbers.uniform(0.75, 1.0), 0.035
    waist = numbers.uniform(-0.05, 0.05)
    outer = np.array(
        [(foot * r - 0.03, 0), (foot * r, 0.03), ((1 + foot) / 2 * r + waist, 0.5 * tall), (r, tall)]
    )
    outer = np.concatenate([outer[:1], curve(outer[1:], 7)])
    inner = np.maximum(outer[:0:-1] - (thick, 0), 0) * (1, 1)
    inner[:, 1] = np.maximum(inner[:, 1], 0.06)
    tea = Finish((0.30, 0.17, 0.09), 0.5)
    parts = [
        lathe(
            [*map(tuple, outer), (r - thick / 2, tall + 0.012), *map(tuple, inner), (0.0, 0.06)],
            look,
            columns=48,
        )
    ]
    if numbers.random() < 0.5:
        parts.append(
            lathe(
                [
                    (0, 0.8 * tall),
                    (r - thick - 0.002, 0.8 * tall),
                    (r - thick - 0.002, 0.82 * tall),
                    (0, 0.82 * tall),
                ],
                tea,
                columns=48,
            )
        )
    reach = numbers.uniform(0.24, 0.34)
    grip = curve(
        np.array(
            [
                (r - 0.05, 0.82 * tall, 0),
                (r + 0.7 * reach, 0.84 * tall, 0),
                (r + reach, 0.55 * tall, 0),
                (r + 0.6 * reach, 0.26 * tall, 0),
                (r - 0.06, 0.2 * tall, 0),
            ]
        ),
        6,
    )
    parts.append(sweep(grip, plain, 0.065, 0.045, front=(0, 0, 1)))
    return parts
