"""Chairs: wooden, armchair, swivel, moulded shell, cantilever and bar stool."""

from collections.abc import Callable

import numpy as np

from .finishes import BLACK_METAL, BLACK_PLASTIC, CHROME, STEEL, fabric, metal, plastic, upholstery, wood
from .mesh import Finish, Part, bar, block, curve, grid_faces, lathe, shell, solid, sweep, turning


def chair(numbers: np.random.Generator) -> list[Part]:
    """A chair that faces +z."""
    kind = int(numbers.choice(len(_KINDS), p=[0.36, 0.18, 0.18, 0.14, 0.08, 0.06]))
    return _KINDS[kind](numbers)


def _wooden(numbers: np.random.Generator) -> list[Part]:
    """Posts, rails and a back of slats, ladder, spindles, a panel or a cross."""
    look = wood(numbers, 1) if numbers.random() < 0.75 else Finish(plastic(numbers).paint, 0.12)
    width, depth = numbers.uniform(0.40, 0.48), numbers.uniform(0.38, 0.45)
    seat, top = numbers.uniform(0.43, 0.47), numbers.uniform(0.80, 1.08)
    lean, post = numbers.uniform(0.03, 0.12), numbers.uniform(0.015, 0.021)
    square = 7.0 if numbers.random() < 0.6 else 2.0
    back = -depth / 2 + post
    x = width / 2 - post
    parts = [block((0, seat - 0.012, 0), (width, 0.028, depth), look, radius=0.012)]

    def at(height: float) -> float:
        """z of the back's middle plane at a height."""
        z: float = back - lean * max(0.0, (height - seat) / (top - seat)) ** 1.3
        return z

    heights = np.array([0, 0.2, seat, seat + 0.12, (seat + top) / 2, top - 0.1, top])
    for side in (-1, 1):
        line = np.array([(side * x, h, at(h) - 0.03 * max(0, 1 - h / seat) ** 1.5) for h in heights])
        parts.append(sweep(curve(line, 2), look, post, roundness=square))
        parts.append(
            bar(
                (side * x, seat, depth / 2 - post),
                (side * x, 0, depth / 2 - post),
                look,
                post,
                taper=0.75,
                roundness=square,
            )
        )
        parts.append(block((side * x, seat - 0.05, 0), (0.018, 0.05, depth - 0.04), look, radius=0.004))
    parts += [
        block((0, seat - 0.05, z), (width - 0.04, 0.05, 0.018), look, radius=0.004) for z in (back, depth / 2 - post)
    ]
    if numbers.random() < 0.6:  # stretchers
        low = numbers.uniform(0.10, 0.2)
        parts += [bar((s * x, low, back), (s * x, low, depth / 2 - post), look, 0.010) for s in (-1, 1)]
        parts.append(bar((-x, low, 0), (x, low, 0), look, 0.010))

    def rail(height: float, tall: float, bow: float = 0.02) -> Part:
        t = np.linspace(-1, 1, 9)
        line = np.stack([x * t, height + 0 * t, at(height) - bow * (1 - t**2)], -1)
        return sweep(line, look, tall / 2, 0.010, front=(0, 0, 1), roundness=6)

    style = int(numbers.integers(5))
    crest = numbers.uniform(0.05, 0.09)
    parts.append(rail(top - crest / 2, crest))
    low = seat + numbers.uniform(0.06, 0.14)
    if style == 0:  # upright slats
        parts.append(rail(low, 0.035))
        count = int(numbers.integers(3, 7))
        wide = min(0.04, 0.9 * x / count)
        for s in np.linspace(-1, 1, count + 2)[1:-1]:
            bow = 0.02 * (1 - s**2)
            parts.append(
                bar(
                    (s * x, low, at(low) - bow),
                    (s * x, top - crest, at(top - crest) - bow),
                    look,
                    wide / 2,
                    0.006,
                    roundness=6,
                )
            )
    elif style == 1:  # ladder
        for h in np.linspace(low, top - crest - 0.04, int(numbers.integers(2, 5))):
            parts.append(rail(float(h), numbers.uniform(0.035, 0.06)))
    elif style == 2:  # spindles
        count = int(numbers.integers(6, 10))
        for s in np.linspace(-1, 1, count + 2)[1:-1]:
            bow = 0.02 * (1 - s**2)
            parts.append(bar((s * x, seat, back), (s * x, top - crest, at(top - crest) - bow), look, 0.008))
    elif style == 3:  # panel
        wide = x if numbers.random() < 0.5 else numbers.uniform(0.25, 0.5) * x
        t, h = np.meshgrid(np.linspace(-1, 1, 9), np.linspace(low if wide == x else seat, top - crest + 0.01, 7))
        z = np.vectorize(at)(h) - 0.02 * (1 - (t * wide / x) ** 2)
        cover = fabric(numbers) if numbers.random() < 0.5 and wide == x else look
        parts.append(shell(np.stack([t * wide, h, z], -1), 0.016, cover))
    else:  # a cross
        parts.append(rail(low, 0.035))
        for s in (-1, 1):
            parts.append(
                bar((s * x, low, at(low)), (-s * x, top - crest, at(top - crest)), look, 0.014, 0.006, roundness=6)
            )
    if numbers.random() < 0.45:
        parts.append(_cushion(width - 0.03, depth - 0.03, seat, numbers.uniform(0.03, 0.06), fabric(numbers)))
    if numbers.random() < 0.35:
        arm = seat + numbers.uniform(0.17, 0.23)
        for s in (-1, 1):
            front = depth / 2 - 0.06
            parts.append(
                bar(
                    (s * x, arm, at(arm)),
                    (s * (x + 0.01), arm, front + 0.04),
                    look,
                    0.022,
                    0.011,
                    front=(0, 1, 0),
                    roundness=5,
                )
            )
            parts.append(bar((s * x, arm, front), (s * x, seat, front), look, 0.012, roundness=square))
    return parts


def _cushion(width: float, depth: float, bottom: float, thick: float, look: Finish, z: float = 0.0) -> Part:
    """A cushion that thins towards its edges."""
    u, v = np.meshgrid(np.linspace(-1, 1, 13), np.linspace(-1, 1, 13), indexing="ij")
    swell = np.clip((1 - u**4) * (1 - v**4), 0, 1) ** 0.5
    top = np.stack([u * width / 2, bottom + thick * (0.35 + 0.65 * swell), z + v * depth / 2], -1)
    bottom_ = np.stack([u * width / 2, bottom + thick * (0.35 - 0.33 * swell), z + v * depth / 2], -1)
    return shell_between(top, bottom_, look)


def shell_between(one: np.ndarray, two: np.ndarray, look: Finish) -> Part:
    """The closed body between two sheets (n, m, 3) with a common rim."""
    n, m = one.shape[:2]
    faces = grid_faces(n, m)
    return solid(
        np.concatenate([one.reshape(-1, 3), two.reshape(-1, 3)]), np.concatenate([faces, faces[:, ::-1] + n * m]), look
    )


def _armchair(numbers: np.random.Generator) -> list[Part]:
    """A padded seat between padded arms; wide ones are sofas for two."""
    look, feet = upholstery(numbers), wood(numbers, 1)
    pillow = look if numbers.random() < 0.6 else fabric(numbers)
    inner = numbers.uniform(0.48, 0.60) * (2.0 if numbers.random() < 0.15 else 1.0)
    arm, depth = numbers.uniform(0.08, 0.17), numbers.uniform(0.70, 0.85)
    base, seat = numbers.uniform(0.10, 0.18), numbers.uniform(0.40, 0.46)
    top, arm_top = numbers.uniform(0.75, 1.02), numbers.uniform(0.54, 0.66)
    lean, soft = numbers.uniform(4, 13), numbers.uniform(0.03, 0.07)
    width = inner + 2 * arm
    parts = [
        block((0, (base + seat - 0.12) / 2, 0.02), (width - 0.02, seat - 0.12 - base, depth - 0.04), look, radius=0.02)
    ]
    for s in (-1, 1):
        x = s * (inner + arm) / 2
        parts.append(
            block(
                (x, (base + arm_top) / 2, 0.02),
                (arm, arm_top - base, depth),
                look,
                radius=min(soft, arm / 2.1),
                steps=4,
            )
        )
    back = block(
        (0, (top - seat) / 2 + 0.02, 0),
        (width if arm_top > 0.6 else inner, top - base - 0.1, 0.15),
        look,
        radius=soft,
        steps=4,
    )
    parts.append(back.moved(by=(0, (base + seat) / 2, -depth / 2 + 0.08), turn=turning(0, -lean)))
    places = [0.0] if inner < 0.8 else [-inner / 4, inner / 4]
    each = inner / len(places)
    for x in places:
        parts.append(block((x, seat - 0.06, 0.07), (each - 0.004, 0.14, depth - 0.14), pillow, radius=0.045, steps=4))
        cushion = block((x, 0.19, 0), (each - 0.01, min(0.42, top - seat), 0.13), pillow, radius=0.055, steps=4)
        parts.append(cushion.moved(by=(0, seat - 0.01, -depth / 2 + 0.21), turn=turning(0, -lean - 3)))
    for x in (-1, 1):
        for z in (-1, 1):
            foot = (x * (width / 2 - 0.06), 0.0, z * (depth / 2 - 0.06))
            parts.append(bar((foot[0], base + 0.01, foot[2]), foot, feet, 0.024, taper=0.65))
    return parts


def _swivel(numbers: np.random.Generator) -> list[Part]:
    """An office chair: five castors, a gas lift, a padded seat and back."""
    look, frame = upholstery(numbers), (BLACK_PLASTIC, CHROME)[int(numbers.random() < 0.4)]
    seat, width = numbers.uniform(0.44, 0.52), numbers.uniform(0.46, 0.52)
    tall, lean = numbers.uniform(0.36, 0.72), numbers.uniform(4, 12)
    reach, phase = numbers.uniform(0.28, 0.33), numbers.uniform(0, 72)
    parts = [
        lathe(
            [(0.045, 0.07), (0.04, 0.12), (0.028, 0.125), (0.028, 0.25), (0.017, 0.25), (0.017, seat - 0.05)],
            frame,
            columns=20,
        )
    ]
    for k in range(5):
        a = np.radians(phase + 72 * k)
        end = np.array([reach * np.sin(a), 0.065, reach * np.cos(a)])
        parts.append(bar((0, 0.10, 0), end, frame, 0.022, 0.014, taper=0.6, front=(0, 1, 0), roundness=4))
        across = np.array([np.cos(a), 0, -np.sin(a)]) * 0.02
        centre = end * (1, 0, 1) + (0, 0.03, 0)
        parts.append(
            sweep(np.stack([centre - across, centre + across]), BLACK_PLASTIC, 0.030, front=(0, 1, 0), columns=18)
        )
    parts.append(block((0, seat - 0.045, 0), (0.2, 0.03, 0.24), BLACK_PLASTIC, radius=0.01))
    parts.append(block((0, seat, 0.01), (width, 0.08, 0.48), look, radius=0.038, steps=4))
    t, h = np.meshgrid(np.linspace(-1, 1, 11), np.linspace(0, 1, 13))
    narrow = 0.92 - 0.12 * (2 * h - 0.9) ** 2
    z = -0.02 + 0.05 * t**2 - 0.035 * np.cos(2.6 * np.pi * (h - 0.35)) * (1 - 0.4 * t**2)
    surface = np.stack([t * width / 2 * narrow, 0.10 + tall * h, z], -1)
    mesh_back = numbers.random() < 0.3
    back = shell(surface, 0.02 if mesh_back else 0.055, Finish((0.16, 0.16, 0.17), 0.05) if mesh_back else look)
    parts.append(back.moved(by=(0, seat, -0.23), turn=turning(0, -lean)))
    parts.append(
        sweep(
            curve(
                np.array(
                    [(0, seat - 0.04, -0.1), (0, seat - 0.03, -0.27), (0, seat + 0.10, -0.315), (0, seat + 0.24, -0.30)]
                )
            ),
            BLACK_PLASTIC,
            0.03,
            0.008,
        )
    )
    if numbers.random() < 0.7:
        arm = seat + numbers.uniform(0.18, 0.23)
        for s in (-1, 1):
            x = s * (width / 2 + 0.035)
            post = np.array(
                [(s * width / 3, seat - 0.05, -0.02), (x, seat - 0.03, -0.02), (x, seat + 0.08, -0.02), (x, arm, -0.03)]
            )
            parts.append(sweep(curve(post), frame, 0.020, 0.009, front=(0, 0, 1), roundness=4))
            parts.append(block((x, arm, 0.0), (0.06, 0.028, 0.25), BLACK_PLASTIC, radius=0.013, steps=3))
    if tall > 0.6 and numbers.random() < 0.5:
        head = block((0, tall + 0.19, 0.02), (0.27, 0.14, 0.07), look, radius=0.034, steps=4)
        parts.append(head.moved(by=(0, seat, -0.23), turn=turning(0, -lean)))
    return parts


def _bucket(width: float, tall: float, numbers: np.random.Generator) -> np.ndarray:
    """Seat, back and low sides as one sheet: a grid of points with the seat at height 0."""
    v = np.linspace(0, 1, 22)
    # from the front edge over the seat up the back
    path = curve(
        np.array(
            [
                (-0.035, 0.235),
                (0.0, 0.19),
                (-0.012, 0.0),
                (0.01, -0.15),
                (0.10, -0.205),
                (0.6 * tall, -0.25),
                (tall, -0.29),
            ]
        ),
        5,
    )
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    y, z = (np.interp(v * along[-1], along, path[:, k]) for k in (0, 1))
    u = np.linspace(-1, 1, 17)
    sides = numbers.uniform(0.02, 0.16)
    rise = sides * np.exp(-(((v - 0.55) / 0.25) ** 2))[:, None] * np.abs(u) ** 2.6
    wrap = numbers.uniform(0.04, 0.12) * np.clip((v - 0.5) / 0.3, 0, 1)[:, None] * u**2
    ends = np.clip(np.minimum(v / 0.10, (1 - v) / 0.22), 0, 1)
    wide = width / 2 * (0.70 + 0.30 * np.sqrt(1 - (1 - ends) ** 2))
    return np.stack([wide[:, None] * u, y[:, None] + rise, z[:, None] + wrap], -1)


def _one_shell(numbers: np.random.Generator) -> list[Part]:
    """A moulded seat on splayed wooden legs, on wire, or on a trumpet foot."""
    look = plastic(numbers) if numbers.random() < 0.7 else upholstery(numbers)
    seat, width = numbers.uniform(0.42, 0.46), numbers.uniform(0.44, 0.54)
    shape = _bucket(width, numbers.uniform(0.30, 0.42), numbers) + np.array((0, seat, 0))
    parts = [shell(shape, 0.014, look)]
    style = int(numbers.integers(3))
    if style == 0:
        legs = wood(numbers, 1)
        for x in (-1, 1):
            for z in (-1, 1):
                parts.append(bar((x * 0.11, seat - 0.015, z * 0.11), (x * 0.22, 0, z * 0.21), legs, 0.018, taper=0.6))
        parts += [
            bar((-0.12, seat - 0.05, z * 0.12), (0.12, seat - 0.05, z * 0.12), BLACK_METAL, 0.006) for z in (-1, 1)
        ]
    elif style == 1:
        legs_look = metal(numbers)
        for x in (-1, 1):
            for z in (-1, 1):
                parts.append(bar((x * 0.13, seat - 0.01, z * 0.10), (x * 0.21, 0, z * 0.22), legs_look, 0.010))
            parts.append(bar((x * 0.15, seat * 0.7, -0.13), (x * 0.15, seat * 0.7, 0.13), legs_look, 0.005))
    else:
        foot = look if numbers.random() < 0.5 else CHROME
        parts.append(
            lathe(
                [(0.25, 0.0), (0.25, 0.008), (0.12, 0.03), (0.035, 0.14), (0.03, 0.28), (0.07, seat - 0.01)],
                foot,
                smooth=4,
            )
        )
    return parts


def _cantilever(numbers: np.random.Generator) -> list[Part]:
    """A chair without hind legs: one bent tube carries seat and back."""
    look, tube = upholstery(numbers), (CHROME, BLACK_METAL, STEEL)[int(numbers.integers(3))]
    seat, top, x = numbers.uniform(0.43, 0.47), numbers.uniform(0.80, 0.92), numbers.uniform(0.21, 0.24)
    parts = []
    for s in (-1, 1):
        line = np.array([
            (0, 0.012, -0.24), (s * x * 0.8, 0.012, -0.24), (s * x, 0.012, -0.2), (s * x, 0.012, 0.17),
            (s * x, 0.05, 0.225), (s * x, seat - 0.06, 0.225), (s * x, seat - 0.02, 0.18), (s * x, seat - 0.02, -0.16),
            (s * x, seat + 0.03, -0.20), (s * x, top, -0.27),
        ])  # fmt: skip
        parts.append(sweep(curve(line, 4), tube, 0.0115, front=(0.01, 0.3, 1)))
    parts.append(block((0, seat, 0.02), (2 * x + 0.01, 0.04, 0.40), look, radius=0.018, steps=3))
    t, h = np.meshgrid(np.linspace(-1, 1, 9), np.linspace(0, 1, 7))
    low = numbers.uniform(0.55, 0.66)
    surface = np.stack([t * x, low + h * (top - low), -0.225 - 0.045 * h * (top - low) / 0.3 + 0.02 * t**2], -1)
    parts.append(shell(surface, 0.035, look))
    if numbers.random() < 0.5:
        pads = wood(numbers, 2)
        for s in (-1, 1):
            arm = np.array(
                [
                    (s * x, seat + 0.19, -0.225),
                    (s * x, seat + 0.20, 0.12),
                    (s * x, seat + 0.1, 0.19),
                    (s * x, seat - 0.03, 0.17),
                ]
            )
            parts.append(sweep(curve(arm), tube, 0.0105, front=(0, 1, 0.3)))
            parts.append(block((s * x, seat + 0.21, -0.03), (0.045, 0.02, 0.24), pads, radius=0.009))
    return parts


def _bar_stool(numbers: np.random.Generator) -> list[Part]:
    """A high seat with a low back and a ring for the feet."""
    look, frame = upholstery(numbers), metal(numbers) if numbers.random() < 0.6 else wood(numbers, 1)
    seat, r = numbers.uniform(0.66, 0.78), numbers.uniform(0.17, 0.20)
    parts = [
        lathe(
            [(0, seat - 0.03), (r * 0.97, seat - 0.03), (r, seat), (r * 0.93, seat + 0.035), (0, seat + 0.045)],
            look,
            smooth=3,
        )
    ]
    for k in range(4):
        a = np.radians(45 + 90 * k)
        d = np.array([np.sin(a), 0, np.cos(a)])
        parts.append(bar(d * 0.13 + (0, seat - 0.02, 0), d * 0.25, frame, 0.014, taper=0.85))
    a = np.linspace(0, 2 * np.pi, 33)
    ring = 0.13 + 0.12 * (1 - 0.28 / seat)
    parts.append(sweep(np.stack([ring * np.sin(a), 0.28 + 0 * a, ring * np.cos(a)], -1), frame, 0.009, front=(0, 1, 0)))
    t, h = np.meshgrid(np.linspace(-1, 1, 15), np.linspace(0, 1, 5))
    turn = np.pi + t * numbers.uniform(0.8, 1.25)
    tall = numbers.uniform(0.14, 0.26)
    surface = np.stack(
        [(r + 0.01 + 0.03 * h) * np.sin(turn), seat + 0.08 + tall * h, (r + 0.01 + 0.03 * h) * np.cos(turn)], -1
    )
    parts.append(shell(surface, 0.03, look))
    for s in (-0.5, 0.5):
        b = np.pi + s
        parts.append(
            bar(
                (0.16 * np.sin(b), seat, 0.16 * np.cos(b)),
                ((r + 0.02) * np.sin(b), seat + 0.14, (r + 0.02) * np.cos(b)),
                frame,
                0.011,
            )
        )
    return parts


_KINDS: tuple[Callable[[np.random.Generator], list[Part]], ...] = (
    _wooden,
    _armchair,
    _swivel,
    _one_shell,
    _cantilever,
    _bar_stool,
)
