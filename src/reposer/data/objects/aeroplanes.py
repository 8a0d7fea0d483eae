"""Aeroplanes: airliners, and small ones with a propeller."""

import numpy as np

from .finishes import BLACK_PLASTIC, CHROME, PAINTS, RUBBER, STEEL, pick
from .mesh import Colour, Finish, Part, ball, bar, curve, lathe, rings, sweep, turning


def aeroplane(numbers: np.random.Generator) -> list[Part]:
    """An aeroplane that flies to the front, +z."""
    return _airliner(numbers) if numbers.random() < 0.5 else _propeller(numbers)


def _colour(values: np.ndarray) -> Colour:
    return (float(values[0]), float(values[1]), float(values[2]))


def _wing(
    root: tuple[float, float, float],
    tip: tuple[float, float, float],
    chords: tuple[float, float],
    look: Finish,
    thick: float = 0.11,
) -> Part:
    """A wing from root to tip (the places of its leading edge), with `chords` deep sections at both."""
    t = np.linspace(0, 1, 9)
    angle = np.linspace(0, 2 * np.pi, 25)
    along = (1 - np.cos(angle)) / 2  # 0 at the leading edge
    height = np.sign(np.sin(angle)) * thick * 1.5 * (np.sqrt(along) - along) * 1.6
    lead = np.asarray(root) + t[:, None] * (np.asarray(tip) - np.asarray(root))
    chord = (chords[0] + t * (chords[1] - chords[0])) * np.where(t > 0.95, 0.75, 1.0)
    span = np.asarray(tip, float) - np.asarray(root, float)
    up = np.array([-span[1], span[0], 0]) / max(np.hypot(span[0], span[1]), 1e-9)
    points = lead[:, None] - (chord[:, None] * along)[..., None] * (0, 0, 1)
    points = points + (chord[:, None] * height)[..., None] * up
    return rings(points, look)


def _hull(stations: np.ndarray, look: Finish) -> Part:
    """A body along z; stations: (z, middle's y, half width, half height)."""
    line = curve(stations, 6)
    angle = np.linspace(0, 2 * np.pi, 37)
    points = np.stack(
        [line[:, 2:3] * np.sin(angle), line[:, 1:2] + line[:, 3:4] * np.cos(angle), line[:, :1] + 0 * angle],
        -1,
    )
    return rings(points, look)


def _airliner(numbers: np.random.Generator) -> list[Part]:
    paint, belly = np.array(pick(numbers, PAINTS)), np.array(pick(numbers, ("f4f4f2", "f4f4f2", "d8dce0")))
    length, r = numbers.uniform(34, 46), numbers.uniform(1.8, 2.4)
    e = length / 2
    scheme = int(numbers.integers(3))

    def livery(points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        _, y, z = points.T
        out = np.broadcast_to(belly, points.shape).copy()
        if scheme == 0:
            out[np.abs(y + 0.05) < 0.35] = paint
        elif scheme == 1:
            out[y < -0.25 * r] = paint
        else:
            out[z < -0.45 * e + 1.3 * y] = paint
        window = (np.abs(y - 0.22 * r) < 0.22) & (np.abs(z) < 0.74 * e) & (np.mod(z, 1.1) < 0.6)
        out[window] = (0.12, 0.14, 0.18)
        out[(z > e - 3.1) & (z < e - 1.9) & (y > 0.18 * r) & (y < 0.62 * r)] = (0.09, 0.11, 0.14)
        return out

    skin = Finish(livery, 0.4)
    grey = Finish((0.74, 0.76, 0.79), 0.4)
    fin = Finish(_colour(paint), 0.4)
    stations = np.array(
        [
            (-e, 0.62 * r, 0.12, 0.15),
            (-0.82 * e, 0.42 * r, 0.45 * r, 0.5 * r),
            (-0.5 * e, 0.08 * r, 0.93 * r, 0.92 * r),
            (-0.3 * e, 0, r, r),
            (0.6 * e, 0, r, r),
            (e - 3.2, -0.02 * r, 0.92 * r, 0.92 * r),
            (e - 1.2, -0.12 * r, 0.58 * r, 0.56 * r),
            (e - 0.25, -0.2 * r, 0.24 * r, 0.24 * r),
            (e, -0.22 * r, 0.02, 0.02),
        ]
    )
    parts = [_hull(stations, skin)]
    span, sweep_back = 0.46 * length, numbers.uniform(0.45, 0.6)
    four = numbers.random() < 0.25
    for s in (-1, 1):
        parts.append(
            _wing(
                (s * 0.6 * r, -0.45 * r, 0.22 * e),
                (s * span, 0.35 * r, 0.22 * e - sweep_back * span),
                (0.19 * length, 0.045 * length),
                grey,
            )
        )
        parts.append(
            _wing(
                (s * 0.2 * r, 0.5 * r, -0.72 * e),
                (s * 0.18 * length, 0.9 * r, -0.72 * e - 0.09 * length),
                (0.10 * length, 0.04 * length),
                grey,
            )
        )
        for share in (0.30, 0.58) if four else (0.33,):
            x, z = s * share * span, 0.22 * e - sweep_back * share * span + 1.2
            engine = np.array(
                [(-2.9, 0, 0.45, 0.45), (-1.6, 0, 0.85, 0.85), (0.6, 0, 1.12, 1.12), (1.5, 0, 1.0, 1.0)]
            ) * (1, 1, 0.42 * r, 0.42 * r)
            y = -0.45 * r + share * 0.8 * r - 0.62 * r
            look = fin if scheme == 2 else Finish(_colour(belly * 0.95), 0.5)
            parts.append(_hull(engine, look).moved(by=(x, y, z)))
            mouth = np.array([(1.44, 0, 0.86, 0.86), (1.56, 0, 0.86, 0.86)]) * (1, 1, 0.42 * r, 0.42 * r)
            parts.append(_hull(mouth, BLACK_PLASTIC).moved(by=(x, y, z)))
            parts.append(
                bar((x, y + 0.3 * r, z - 0.6), (x, y + 0.75 * r, z - 1.8), grey, 0.12, 1.2, roundness=2.0)
            )
    parts.append(
        _wing(
            (0, 0.7 * r, -0.66 * e),
            (0, 0.7 * r + 0.155 * length, -0.66 * e - 0.12 * length),
            (0.145 * length, 0.06 * length),
            fin,
            0.08,
        )
    )
    return parts


def _propeller(numbers: np.random.Generator) -> list[Part]:
    paint, second = (
        np.array(pick(numbers, PAINTS)),
        np.array(pick(numbers, ("f4f4f2", "22252a", "e9c23a", "c9ccd1"))),
    )
    length, high = numbers.uniform(6.5, 8.0), numbers.random() < 0.5
    e, r = length / 2, numbers.uniform(0.55, 0.65)
    two = numbers.random() < 0.2

    def livery(points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        _, y, z = points.T
        out = np.broadcast_to(paint, points.shape).copy()
        out[np.abs(y - 0.05 - 0.10 * z / e) < 0.09] = second
        if high:
            glass = (y > 0.22) & (z > -0.25 * e) & (z < 0.36 * e) & (np.abs(z - 0.08 * e) > 0.05) & (y < 0.70)
            out[glass] = (0.11, 0.14, 0.18)
        return out

    skin = Finish(livery, 0.45)
    wing_look = Finish(_colour(second if numbers.random() < 0.4 else paint), 0.45)
    cabin = 0.30 if high else 0.0
    stations = np.array(
        [
            (-e, 0.22, 0.05, 0.10),
            (-0.6 * e, 0.12, 0.26, 0.30),
            (-0.25 * e, 0.08 + 0.5 * cabin, r * 0.85, r * 0.8 + 0.5 * cabin),
            (0.05 * e, 0.5 * cabin, r, r + 0.5 * cabin),
            (0.3 * e, 0.3 * cabin, r, r * 0.95 + 0.3 * cabin),
            (0.48 * e, -0.06, 0.85 * r, 0.72 * r),
            (0.8 * e, -0.08, 0.68 * r, 0.62 * r),
            (0.9 * e, -0.08, 0.5 * r, 0.5 * r),
        ]
    )
    parts = [_hull(stations, skin)]
    wing_y = r + cabin - 0.08 if high else -0.35
    heights = (wing_y,) if not two else (-0.4, 1.15)
    span = numbers.uniform(0.58, 0.68) * length
    for y in heights:
        for s in (-1, 1):
            parts.append(
                _wing(
                    (s * 0.05, y, 0.33 * e),
                    (s * span, y + 0.04 * span, 0.30 * e),
                    (0.2 * length, 0.15 * length),
                    wing_look,
                    0.13,
                )
            )
            if high and not two:
                parts.append(
                    bar(
                        (s * 0.45 * r, -0.4, 0.15 * e),
                        (s * 0.5 * span, y + 0.02 * span - 0.03, 0.16 * e),
                        STEEL,
                        0.035,
                    )
                )
            if two and y > 0:
                for z in (0.02, 0.25):
                    parts.append(
                        bar(
                            (s * 0.7 * span, -0.35 + 0.03 * span, z * e),
                            (s * 0.7 * span, y + 0.03 * span, z * e),
                            STEEL,
                            0.035,
                        )
                    )
                parts.append(bar((s * 0.3, 0.3, 0.2 * e), (s * 0.4, y, 0.2 * e), STEEL, 0.035))
    for s in (-1, 1):
        parts.append(
            _wing(
                (s * 0.03, 0.22, -0.76 * e),
                (s * 0.19 * length, 0.24, -0.80 * e),
                (0.13 * length, 0.085 * length),
                wing_look,
            )
        )
    parts.append(
        _wing(
            (0, 0.25, -0.70 * e),
            (0, 0.25 + 0.17 * length, -0.86 * e),
            (0.15 * length, 0.08 * length),
            skin,
            0.09,
        )
    )
    if not high:
        parts.append(ball((0, 0.42, 0.02 * e), (0.40, 0.42, 0.24 * e), Finish((0.13, 0.17, 0.21), 0.8)))
    nose = 0.9 * e
    parts.append(
        ball((0, -0.08, nose + 0.02), (0.17, 0.17, 0.34), CHROME if numbers.random() < 0.5 else wing_look)
    )
    blades, phase = int(numbers.integers(2, 4)), numbers.uniform(0, 360)
    for k in range(blades):
        a = np.radians(phase + 360 * k / blades)
        d = np.array([np.cos(a), np.sin(a), 0])
        t = np.linspace(0, 1, 7)
        line = d * (1.0 * t[:, None]) + (0, -0.08, nose + 0.12)
        width = 0.10 * np.sqrt(np.clip(1 - (2 * t - 0.9) ** 2 * 0.8, 0.05, 1))
        parts.append(sweep(line, BLACK_PLASTIC, width, 0.018, front=(0, 0, 1)))
    for s in (-1, 1):
        wheel = (s * 0.95, -1.12, 0.28 * e)
        parts.append(bar((s * 0.4, -0.4, 0.22 * e), wheel, STEEL, 0.045))
        tyre = lathe(
            [(0.0, -0.08), (0.17, -0.08), (0.24, -0.04), (0.24, 0.04), (0.17, 0.08), (0, 0.08)],
            RUBBER,
            columns=24,
        )
        parts.append(tyre.moved(by=wheel, turn=turning(2, 90)))
    return parts
