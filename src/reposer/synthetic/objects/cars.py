"""Cars: hatchback, saloon, estate, pickup, van and sports car, each one smooth body with painted regions."""

import numpy as np

from .car_shapes import CAR_SHAPES, CarShape
from .finishes import BLACK_PLASTIC, PAINTS, RUBBER, mixed, pick
from .mesh import Colour, Finish, Part, ball, block, lathe, rings, solid

_HALF_RING = 26  # points from the middle of the floor to the middle of the roof


def car(numbers: np.random.Generator) -> list[Part]:
    """A car that faces +z."""
    shape = CAR_SHAPES[int(numbers.choice(len(CAR_SHAPES), p=[0.24, 0.24, 0.12, 0.13, 0.13, 0.14]))](numbers)
    body = _Body(shape, numbers)
    parts = [body.part()]
    parts += _wheels(shape, body, numbers)
    for side in (-1, 1):
        z = shape.cabin[1] - 0.28
        y = float(body.belt(z)) + 0.09
        x = float(body.half_width(np.array([z]))[0]) + 0.06
        look = Finish(body.paint, 0.5) if numbers.random() < 0.6 else BLACK_PLASTIC
        parts.append(ball((side * x, y, z), (0.10, 0.068, 0.05), look, rows=8))
    if numbers.random() < 0.25 and shape.bed is None and shape.kind != "sports":
        for side in (-1, 1):
            z0, z1 = ((shape.cabin[0] + shape.cabin[1]) / 2 - 0.75, (shape.cabin[0] + shape.cabin[1]) / 2 + 0.35)
            x = 0.36 * shape.width
            parts.append(
                block(
                    (side * x, shape.height + 0.012, (z0 + z1) / 2),
                    (0.035, 0.035, z1 - z0),
                    BLACK_PLASTIC,
                    radius=0.016,
                )
            )
    if shape.kind == "sports" and numbers.random() < 0.5:
        z = -shape.length / 2 + 0.18
        y = float(np.interp(z, *np.array(shape.top).T)) + 0.16
        parts.append(block((0, y, z), (0.86 * shape.width, 0.025, 0.22), Finish(body.paint, 0.5), radius=0.012))
        parts += [block((s * 0.5, y - 0.1, z), (0.03, 0.2, 0.14), BLACK_PLASTIC, radius=0.01) for s in (-1, 1)]
    return parts


# ------------------------------------------------------------------------------ body


class _Body:
    """The body's surface and its paint."""

    def __init__(self, shape: CarShape, numbers: np.random.Generator) -> None:
        self.shape = shape
        self.paint: Colour = pick(numbers, PAINTS, 0.04)
        self.second, self.scheme = mixed(self.paint, (0.12, 0.12, 0.13), 0.85), "plain"
        number = numbers.random()
        if number < 0.14:
            self.second, self.scheme = pick(numbers, ("f2f2ee", "18191c", "20242a", "d9d2c0")), "roof"
        elif number < 0.26:
            self.second, self.scheme = pick(numbers, ("f2f2ee", "d9d2c0", "3a3d42", "a8adb3")), "lower"
        elif number < 0.34:
            self.second, self.scheme = pick(numbers, ("f2f2ee", "18191c")), "stripes"
        elif number < 0.60:
            self.scheme = "sill"
        self.bumper = BLACK_PLASTIC.paint if numbers.random() < 0.3 else self.paint
        self.grille = (int(numbers.integers(3)), float(numbers.uniform(0.30, 0.42)))
        self.lamps = (float(numbers.uniform(0.055, 0.085)), float(numbers.uniform(0.13, 0.22)), numbers.random() < 0.35)
        self.z, self.y = self._outline()
        self.field = self._outline_field()

    def _outline(self) -> tuple[np.ndarray, np.ndarray]:
        """The upper outline with rounded corners, densely sampled from tail to nose."""
        line = np.array(self.shape.top)
        z, y = [], []
        for k, point in enumerate(line):  # each corner becomes a short parabola
            if k in (0, len(line) - 1):
                z.append(point[0])
                y.append(point[1])
                continue
            before, after = line[k - 1], line[k + 1]
            reach = 0.16 if self.shape.bed is None else 0.07
            a = point + (before - point) * min(0.42, reach / np.linalg.norm(before - point))
            b = point + (after - point) * min(0.42, reach / np.linalg.norm(after - point))
            for t in np.linspace(0, 1, 5):
                p = (1 - t) ** 2 * a + 2 * t * (1 - t) * point + t**2 * b
                z.append(p[0])
                y.append(p[1])
        z_, y_ = np.array(z), np.array(y)
        gap = np.hypot(np.diff(z_), np.diff(y_))
        along = np.concatenate([[0], np.cumsum(gap)])
        at = np.unique(np.round(np.concatenate([along, np.linspace(0, along[-1], 80)]), 3))
        return np.interp(at, along, z_), np.interp(at, along, y_)

    def _outline_field(self) -> np.ndarray:
        """Distance to the upper outline on a grid of (z, y), 2 cm apart."""
        e = self.shape.length / 2
        z, y = np.meshgrid(np.arange(-e - 0.1, e + 0.1, 0.02), np.arange(0, self.shape.height + 0.1, 0.02))
        best = np.full(z.shape, np.inf)
        for z0, y0, z1, y1 in zip(self.z[:-1], self.y[:-1], self.z[1:], self.y[1:], strict=True):
            dz, dy = z1 - z0, y1 - y0
            t = np.clip(((z - z0) * dz + (y - y0) * dy) / max(dz * dz + dy * dy, 1e-9), 0, 1)
            best = np.minimum(best, np.hypot(z - z0 - t * dz, y - y0 - t * dy))
        return best

    def _depth_below_outline(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Distance of points on the side from the body's upper outline, in metres."""
        h, w = self.field.shape
        column = np.clip((z + self.shape.length / 2 + 0.1) / 0.02, 0, w - 1.001)
        row = np.clip(y / 0.02, 0, h - 1.001)
        c, r = column.astype(int), row.astype(int)
        u, v = column - c, row - r
        f = self.field
        depth: np.ndarray = (f[r, c] * (1 - u) + f[r, c + 1] * u) * (1 - v) + (
            f[r + 1, c] * (1 - u) + f[r + 1, c + 1] * u
        ) * v
        return depth

    def belt(self, z: float | np.ndarray) -> np.ndarray:
        """Height of the lower edge of the windows."""
        rear, front = self.shape.belt
        e = self.shape.length / 2
        return np.asarray(rear + (front - rear) * (np.asarray(z) + e) / (2 * e))

    def half_width(self, z: np.ndarray) -> np.ndarray:
        """Half width of the body below the belt: round at nose and tail, wider over the wheels."""
        s = self.shape
        e = s.length / 2
        nose = np.clip((z - (e - 0.75)) / 0.75, 0, 1)
        tail = np.clip((-z - (e - 0.55)) / 0.55, 0, 1)
        boxy = 0.5 if s.kind in ("van", "pickup") else 1.0
        w = s.width / 2 * (1 - 0.16 * nose**2.5 - 0.11 * boxy * tail**3)
        for axle in s.axles:
            w = w + 0.022 * np.exp(-(((z - axle) / 0.34) ** 2))
        return np.asarray(w)

    def part(self) -> Part:
        s = self.shape
        e = s.length / 2
        half = self.half_width(self.z)
        # the underside rises towards the bumpers' ends
        end = np.clip((np.abs(self.z) - (e - 0.35)) / 0.35, 0, 1)
        floor = s.clearance + 0.10 * end**2
        belt = self.belt(self.z)
        rows = [self._half_ring(*row) for row in zip(half, floor, self.y, belt, self.z, strict=True)]
        side = np.stack(rows)  # (n, k, 2): x, y from the floor's middle up to the roof's middle
        # the ends bulge: the tail and nose are pushed out a little at half height
        z = np.broadcast_to(self.z[:, None], side.shape[:2]).copy()
        bow = np.clip(side[..., 0] / (s.width / 2), 0, 1) ** 2
        z += np.sign(z) * 0.05 * end[:, None] ** 2 * (1 - bow)
        right = np.stack([side[..., 0], side[..., 1], z], -1)
        left = right[:, -2:0:-1] * (-1, 1, 1)
        ring = np.concatenate([right, left, right[:, :1]], 1)
        return rings(ring, Finish(self._colours, 0.55))

    def _half_ring(self, w: float, floor: float, top: float, belt: float, z: float) -> np.ndarray:
        s = self.shape
        shoulder = min(belt, top if s.bed is None or not s.bed[0] < z < s.bed[1] else belt)
        tall = shoulder - floor
        low = np.array(
            [
                (0, 0),
                (0.80, 0.0),
                (0.93, 0.05),
                (0.975, 0.16),
                (0.992, 0.34),
                (1.0, 0.52),
                (0.995, 0.68),
                (0.975, 0.84),
                (0.955, 0.93),
            ]
        )
        lower = np.stack([low[:, 0] * w, floor + low[:, 1] * tall], -1)
        lift = top - shoulder
        ridge = 0.945 * w
        crown = 0.030 if lift < 0.05 else 0.02
        if lift >= 0:
            lean = s.lean * lift + 0.10 * lift**2 * (s.lean / 0.22)
            edge = min(0.10, 0.35 * lift)
            shift = 0.030 * min(1.0, lift / 0.08)
            wall_top = max(ridge - shift - lean, 0.3 * w)
            wall = np.linspace(0, 1, 8)
            upper = np.stack(
                [
                    ridge - shift * np.minimum(1, 8 * wall) + (wall_top - ridge + shift) * wall,
                    shoulder + (lift - edge) * wall,
                ],
                -1,
            )
            round_ = np.array(
                [
                    (wall_top - 0.25 * edge, top - 0.45 * edge),
                    (wall_top - 0.7 * edge, top - 0.15 * edge),
                    (wall_top - 1.4 * edge, top),
                ]
            )
            inner = wall_top - 1.4 * edge
        else:  # an open bed: down the inner wall
            inner = ridge - 0.10
            wall = np.linspace(0, 1, 8)
            upper = np.stack([np.linspace(ridge, inner, 8), shoulder + 0 * wall], -1)
            upper[6:] = (inner, shoulder), (inner, shoulder + 0.5 * lift)
            round_ = np.array([(inner, top), (inner, top), (inner, top)])
            crown = 0.0
        t = np.linspace(1, 0, 7)[1:]
        roof = np.stack([inner * t, top + crown * (1 - t**2)], -1)
        line = np.concatenate([lower, upper, round_, roof])
        assert len(line) == _HALF_RING, len(line)
        return line

    def _colours(self, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        s = self.shape
        e = s.length / 2
        x, y, z = np.abs(points[:, 0]), points[:, 1], points[:, 2]
        nx, nz = np.abs(normals[:, 0]), normals[:, 2]
        belt, top = self.belt(z), np.interp(z, self.z, self.y)
        out = np.empty((len(points), 3), np.float32)
        out[:] = self.paint
        glass, dark, line = (
            np.array([0.10, 0.125, 0.15]),
            np.array([0.06, 0.06, 0.065]),
            np.array(mixed(self.paint, (0, 0, 0), 0.62)),
        )

        def lay(where: np.ndarray, colour: object) -> None:
            out[where] = np.asarray(colour, np.float32)

        side = nx > 0.55
        half = self.half_width(z)
        if self.scheme == "roof":
            lay((y > belt + 0.02) & (z > s.cabin[0] - 0.2) & (z < s.cabin[1] - 0.05), self.second)
        elif self.scheme == "lower":
            lay(y < s.clearance + 0.48 * (belt - s.clearance), self.second)
        elif self.scheme == "stripes":
            lay((np.abs(x - 0.20) < 0.09) & (y > 0.55) & (normals[:, 1] > np.where(z > 0, -0.3, 0.4)), self.second)
        elif self.scheme == "sill":
            lay(y < s.clearance + 0.16, dark * 1.6)
        # bumpers
        low = s.clearance + 0.02
        bumper_top = 0.36 * s.height if s.kind in ("hatchback", "saloon", "estate", "sports") else 0.62
        lay((np.abs(z) > e - 0.16) & (y < bumper_top) & (self.bumper is not self.paint), self.bumper)
        lay((np.abs(np.abs(z) - (e - 0.17)) < 0.007) & (y < bumper_top) & side, line)
        # glass house
        sill, head = belt + 0.035, np.minimum(top, s.height) - 0.105
        rear, front = s.cabin
        high = (y > sill) & (y < head)
        post = 0.045
        window = side & high & (z > rear + 0.06) & (z < front)
        window &= self._depth_below_outline(z, y) > (0.075 if s.kind != "van" else 0.10)  # the frame of the screens
        for p in s.pillars:
            window &= np.abs(z - p) > post * 0.8
        if s.blind is not None:
            window &= ~((z > s.blind[0]) & (z < s.blind[1]))
        lay(window, glass)
        across = half * 0.945 - 0.03 - s.lean * np.clip(y - belt, 0, None) - 0.085
        screen = (x < across) & (y > belt - 0.02) & ~side
        ahead = (nz > 0.22) & (z > front - 1.25) & (z < front + 0.10) & (y > belt + 0.02) & (y < s.height - 0.075)
        lay(screen & ahead, glass)
        behind = (nz < -0.15) & (z < rear + (1.05 if s.kind in ("saloon", "sports") else 0.65)) & (z > rear - 0.16)
        if s.kind == "van" and s.blind is not None:
            behind &= x > 0.03
        lay(screen & behind & (y > belt + 0.06) & (y < s.height - 0.11), glass)
        # an open bed is dark inside
        if s.bed is not None:
            inside = (
                (z > s.bed[0] - 0.01) & (z < s.bed[1] + 0.01) & (x < half * 0.945 - 0.085) & (y < min(s.belt) - 0.012)
            )
            lay(
                inside & ((normals[:, 1] > 0.3) | (np.sign(points[:, 0]) * normals[:, 0] < 0) | (np.abs(nz) > 0.5)),
                dark * 1.8,
            )
        # gaps of the doors, the bonnet and the boot
        for d in s.doors:
            arch = min(abs(d - a) for a in s.axles)
            foot = s.clearance + 0.10 if arch > s.wheel + 0.07 else s.wheel + np.sqrt((s.wheel + 0.07) ** 2 - arch**2)
            lay(side & (np.abs(z - d) < 0.008) & (y > foot) & (y < belt + 0.03), line)
        lay(side & (np.abs(y - s.clearance - 0.11) < 0.006) & (z < max(s.doors)) & (z > min(s.doors)), line)
        for d in s.doors[:-1]:
            back = max([q for q in s.doors if q < d], default=d - 0.9)
            lay(
                side & (np.abs(y - belt + 0.13) < 0.016) & (z > back + 0.06) & (z < back + 0.22),
                mixed(self.paint, (0.05, 0.05, 0.05), 0.75),
            )
        lay((np.abs(x - 0.80 * half) < 0.007) & (z > front) & (z < e - 0.12) & (normals[:, 1] > 0.5), line)
        # lamps, grille, plates
        size, wide, round_ = self.lamps
        nose = (nz > 0.25) & (z > e - 0.45)
        eye_y = float(np.interp(e - 0.06, self.z, self.y)) - (0.05 if s.kind != "sports" else 0.0)
        if s.kind in ("van", "pickup"):
            eye_y -= 0.04
        eye_x = 0.84 * float(self.half_width(np.array([e - 0.1]))[0]) - (wide * 0.6 if not round_ else size)
        if round_:
            away = np.hypot(x - eye_x, y - eye_y) / (1.35 * size)
        else:
            away = np.maximum(np.abs(x - eye_x - 0.06) / (wide + 0.06), np.abs(y - eye_y) / size)
        eye = (z > e - 0.42) & ((nz > 0.2) | (nx > 0.5))
        lay(eye & (away < 1.12), dark)
        lay(eye & (away < 1.0), (0.90, 0.92, 0.93))
        lay(eye & (away < 0.45), (0.70, 0.74, 0.78))
        kind, share = self.grille
        mouth = nose & (x < share * s.width * 0.62)
        if kind == 0:
            lay(mouth & (np.abs(y - eye_y) < 0.75 * size), dark * 1.2)
            lay(mouth & (np.abs(y - eye_y) < 0.75 * size) & (np.sin(y * 260) > 0.3), (0.50, 0.51, 0.53))
        elif kind == 1:
            lay(mouth & (np.abs(y - eye_y + 0.02) < 1.1 * size) & (x < 0.26), dark)
        lay(nose & (np.abs(y - low - 0.14) < 0.055) & (x < 0.36 * s.width), dark)
        lay(nose & (np.abs(y - low - 0.26) < 0.045) & (x < 0.22), (0.93, 0.93, 0.90))
        tail = (z < -e + 0.30) & ((nz < -0.3) | (nx > 0.6))
        upright = s.kind in ("van", "estate", "hatchback", "pickup")
        lamp_y = min(s.belt) - (0.10 if s.kind != "sports" else 0.06)
        lamp_x = 0.80 * s.width / 2
        if upright:
            lamp = (x > lamp_x - 0.02) & (np.abs(y - lamp_y) < 0.14) & (z < -e + 0.16)
        else:
            lamp = (x > lamp_x - 0.20) & (np.abs(y - lamp_y) < 0.055) & (z < -e + 0.22)
        lay(tail & lamp, (0.70, 0.06, 0.07))
        lay(tail & lamp & (np.abs(y - lamp_y + 0.05) < 0.018), (0.92, 0.55, 0.16))
        stern = (nz < -0.4) & (z < -e + 0.20)
        lay(stern & (np.abs(y - lamp_y + 0.10) < 0.05) & (x < 0.24), (0.93, 0.92, 0.80))
        lay(stern & (np.abs(y - lamp_y - 0.12) < 0.006) & (x < lamp_x) & upright, line)
        if s.kind == "van":
            lay(stern & (x < 0.008), line)
        # wheel houses and the underside
        for axle in s.axles:
            away = np.hypot(z - axle, y - s.wheel)
            lay(side & (away < s.wheel + 0.055), dark * 0.7)
        lay(normals[:, 1] < -0.75, dark)
        return out


def _wheels(shape: CarShape, body: _Body, numbers: np.random.Generator) -> list[Part]:
    """Four wheels with the same rims."""
    r, wide = shape.wheel, 0.20
    spokes, style = int(numbers.integers(5, 9)), int(numbers.integers(3))
    bright = np.array(pick(numbers, ("c4c7ca", "b4b8bc", "8e9296", "3a3c40")))
    rim = 0.70 * r if shape.kind != "sports" else 0.76 * r

    def face(points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """Colours in the wheel's plane, relative to the nearest axle."""
        axle = np.where(np.abs(points[:, 2] - shape.axles[0]) < np.abs(points[:, 2] - shape.axles[1]), *shape.axles)
        dz, dy = points[:, 2] - axle, points[:, 1] - r
        away, angle = np.hypot(dz, dy) / rim, np.arctan2(dy, dz)
        if style == 2:  # a cover with round holes
            hole = np.abs(away - 0.66) < 0.14
            open_ = hole & (np.cos(angle * 9) > 0.2)
        else:
            thick = 0.42 + 0.25 * style
            open_ = (np.abs(np.sin(angle * spokes / 2)) * away > thick * 0.55 + 0.10) & (away > 0.30) & (away < 0.88)
        out = np.broadcast_to(bright, points.shape).copy()
        out[open_] = (0.10, 0.10, 0.11)
        out[away < 0.10] = bright * 0.55
        return out

    parts = []
    for axle in shape.axles:
        edge = float(body.half_width(np.array([axle]))[0]) + 0.004
        for side in (-1, 1):
            tyre = lathe(
                [
                    (rim, 0.0),
                    (rim + 0.015, 0.022),
                    (0.93 * r, 0.020),
                    (0.985 * r, 0.0),
                    (r, -0.03),
                    (r, -wide + 0.03),
                    (0.95 * r, -wide),
                    (0.4 * r, -wide),
                ],
                RUBBER,
                columns=40,
            )
            disc = lathe(
                [
                    (0.0, 0.012),
                    (0.12 * rim, 0.012),
                    (0.3 * rim, 0.0),
                    (0.85 * rim, 0.004),
                    (0.97 * rim, 0.018),
                    (1.01 * rim, 0.012),
                    (1.01 * rim, -0.05),
                ],
                Finish(face, 0.5),
                columns=40,
            )
            for part in (tyre, disc):
                # the lathe's axis y becomes the car's side
                p = part.points
                points = np.stack([side * (p[:, 1] + edge), p[:, 0] * side + r, p[:, 2] + axle], -1)
                parts.append(solid(points, part.faces, part.finish))
    return parts
