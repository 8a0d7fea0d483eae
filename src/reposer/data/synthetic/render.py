"""A dressed person in a pose, in front of a camera: picture, joints and part map."""

import math
from dataclasses import dataclass

import numpy as np

from reposer.core.skeleton import OPENPOSE_18

from .body import BodyPose, Figure, pose_body, turn
from .dress import patches_of
from .identity import Identity
from .parts import LOWER, TOP
from .raster import Hits, rasterise
from .shapes import Patch, normals

SUPERSAMPLING = 2
DISTANCE = 5.5  # of the camera, in statures


@dataclass(frozen=True)
class Camera:
    """From where, and how large, a person is seen.

    yaw: how far the person turns to their left, in degrees; 0 faces the camera, 90 the picture's right.
    elevation: of the camera, in degrees; height: picture height that a stature takes, if the person then
        fits;
    shift: of the person, in shares of the picture's (width, height); half: show the upper body only.
    """

    yaw: float = 0.0
    elevation: float = 4.0
    height: float = 0.84
    shift: tuple[float, float] = (0.0, 0.0)
    half: bool = False


@dataclass(frozen=True)
class RenderedPerson:
    """A picture (H, W, 3) uint8 and its truth.

    xy: OPENPOSE_18 joints in pixels, exact; (0, 0) is the centre of the top-left pixel.
    occluded: something of the person is in front of the joint, or the joint is outside the picture.
    visible: what a detector would find; it misses most occluded face joints and some others.
    parts: index into PARTS for every pixel; 0 is the background.
    """

    picture: np.ndarray
    xy: np.ndarray
    occluded: np.ndarray
    visible: np.ndarray
    parts: np.ndarray

    @property
    def mask(self) -> np.ndarray:
        """(H, W) True where the person is."""
        return self.parts > 0


@dataclass(frozen=True)
class _Mesh:
    points: np.ndarray
    normals: np.ndarray
    coordinates: np.ndarray
    shade: np.ndarray
    faces: np.ndarray
    patch: np.ndarray
    part: np.ndarray


def _mesh(patches: list[Patch]) -> _Mesh:
    """All patches as one set of triangles."""
    faces, patch_of, part_of = [], [], []
    start = 0
    for k, patch in enumerate(patches):
        n, m = patch.points.shape[:2]
        corner = start + np.arange((n - 1) * m).reshape(n - 1, m)[:, :-1]
        a, b, c, d = corner, corner + 1, corner + m + 1, corner + m
        faces.append(np.stack([np.stack([a, b, c], -1), np.stack([a, c, d], -1)], 2).reshape(-1, 3))
        patch_of.append(np.full(faces[-1].shape[0], k))
        part_of.append(np.broadcast_to(np.asarray(patch.part), (n - 1,)).repeat(2 * (m - 1)))
        start += n * m

    def flat(arrays: list[np.ndarray], width: int) -> np.ndarray:
        return np.concatenate([a.reshape(-1, width) for a in arrays]).astype(np.float32)

    return _Mesh(
        points=np.concatenate([p.points.reshape(-1, 3) for p in patches]),
        normals=flat([normals(p.points) for p in patches], 3),
        coordinates=flat([p.coordinates for p in patches], 3),
        shade=flat([np.asarray(p.shade) for p in patches], 1)[:, 0],
        faces=np.concatenate(faces),
        patch=np.concatenate(patch_of),
        part=np.concatenate(part_of),
    )


class _Projection:
    """From the body's space to pixels of a picture (x, y) and depth z, in pixels too."""

    def __init__(
        self, camera: Camera, points: np.ndarray, figure: Figure, size: tuple[int, int], stature: float
    ) -> None:
        h, w = size
        self.turn = turn(0, camera.elevation) @ turn(1, camera.yaw)
        self.stature = stature
        self.middle = np.array([0.0, figure.points["mid_hip"][1], 0.0])
        seen = self._flatten(points)
        low, high = seen.min(0)[:2], seen.max(0)[:2]
        if camera.half:
            hips = self._flatten(figure.points["mid_hip"][None])[0, 1]
            low[1] = hips - 0.10 * stature
            reach = camera.height * h / ((high - low)[1] + 0.03)
        else:
            reach = min(camera.height * h, 0.96 * h / (high - low)[1])
            reach = max(min(reach, 0.94 * w / (high - low)[0]), 0.86 * reach)
        self.scale = reach
        centre = (low + high) / 2
        if camera.half:
            centre[1] = high[1] - 0.47 * h / reach
        self.offset = np.array(
            [
                (w - 1) / 2 + camera.shift[0] * w - reach * centre[0],
                (h - 1) / 2 + camera.shift[1] * h + reach * centre[1],
            ]
        )

    def _flatten(self, points: np.ndarray) -> np.ndarray:
        p = (points - self.middle) * self.stature @ self.turn.T
        near = DISTANCE / (DISTANCE - p[:, 2:])
        return np.concatenate([p[:, :2] * near, p[:, 2:]], 1)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        p = self._flatten(points) * (self.scale, -self.scale, self.scale)
        p[:, :2] += self.offset
        return p


def render_person(
    who: Identity,
    pose: BodyPose,
    camera: Camera,
    size: tuple[int, int],
    misses: np.random.Generator | None = None,
) -> RenderedPerson:
    """The person in the pose.

    `misses` decides which joints a detector would not find; None finds all but the hidden.
    """
    figure = pose_body(who.body, pose)
    patches = patches_of(figure, who)
    mesh = _mesh(patches)
    project = _Projection(camera, mesh.points, figure, size, who.body.stature)
    flat = project(mesh.points)
    h, w = size
    ss = SUPERSAMPLING
    fine = flat * ss
    fine[:, :2] += (ss - 1) / 2  # (x + 0.5) ss - 0.5
    # only the person's own box is rasterised and shaded
    low = np.clip(np.floor(fine.min(0)[:2] / ss).astype(int) * ss - 4 * ss, 0, (w * ss, h * ss))
    high = np.clip(np.ceil(fine.max(0)[:2] / ss).astype(int) * ss + 4 * ss, 0, (w * ss, h * ss))
    fine[:, :2] -= low
    box = (int(high[1] - low[1]), int(high[0] - low[0]))
    hits = rasterise(fine, mesh.faces, box)
    unit_pixels = project.scale * who.body.stature * ss
    colour, alpha = _shade(who, patches, mesh, hits, project.turn, unit_pixels)
    picture = _backdrop(who, figure, project, size)
    x0, y0 = low // ss
    x1, y1 = high // ss
    colour, alpha = (_shrink(a, ss) for a in (colour * alpha, alpha))
    picture[y0:y1, x0:x1] = picture[y0:y1, x0:x1] * (1 - alpha) + colour
    parts = np.zeros(size, np.uint8)
    part_map = np.where(hits.face >= 0, mesh.part[hits.face], 0).astype(np.uint8)
    parts[y0:y1, x0:x1] = part_map[ss - 1 :: ss, ss - 1 :: ss]
    joints = project(np.stack([figure.points[j] for j in OPENPOSE_18.joints]))
    depth = np.full(size, -np.inf, np.float32)
    depth[y0:y1, x0:x1] = hits.depth[ss - 1 :: ss, ss - 1 :: ss] / ss
    occluded = _occluded(joints, depth, project.scale * who.body.stature)
    inside = (
        (joints[:, 0] > -0.5) & (joints[:, 0] < w - 0.5) & (joints[:, 1] > -0.5) & (joints[:, 1] < h - 0.5)
    )
    visible = _detected(occluded, inside, misses)
    picture = np.clip(np.rint(picture * 255), 0, 255).astype(np.uint8)
    return RenderedPerson(picture, joints[:, :2].astype(np.float32), occluded | ~inside, visible, parts)


def _shrink(a: np.ndarray, factor: int) -> np.ndarray:
    h, w = a.shape[:2]
    return a.reshape(h // factor, factor, w // factor, factor, -1).mean((1, 3))


# ---------------------------------------------------------------------------------- light


def _shade(
    who: Identity, patches: list[Patch], mesh: _Mesh, hits: Hits, turned: np.ndarray, unit_pixels: float
) -> tuple[np.ndarray, np.ndarray]:
    """Colours (h, w, 3) and coverage (h, w, 1) of the person."""
    seen = hits.face >= 0
    face = hits.face[seen]
    corners = mesh.faces[face]
    weights = hits.weights[..., None]
    normal = np.einsum("nkc,nk->nc", mesh.normals[corners], hits.weights)
    q = (mesh.coordinates[corners] * weights).sum(1)
    shade = (mesh.shade[corners] * hits.weights).sum(1)
    patch = mesh.patch[face]
    order = np.argsort(patch, kind="stable")
    edges = np.searchsorted(patch[order], np.arange(len(patches) + 1))
    colour = np.empty((len(face), 3), np.float32)
    gloss = np.empty(len(face), np.float32)
    group = np.array([p.group for p in patches])[patch]
    for k, p in enumerate(patches):
        rows = order[edges[k] : edges[k + 1]]
        if len(rows):
            colour[rows] = p.material.colour(q[rows])
            gloss[rows] = p.material.gloss

    h, w = seen.shape
    normal_map = np.zeros((h, w, 3), np.float32)
    normal_map[seen] = normal @ turned.T.astype(np.float32)
    group_map = np.zeros((h, w), np.int16)
    group_map[seen] = group
    depth = np.where(seen, hits.depth, -1e4).astype(np.float32)
    _smooth_normals(normal_map, group_map, depth, unit_pixels)
    normal = normal_map[seen]
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)

    colour *= _folds(q, group, who.number)[:, None]
    light = np.array(who.backdrop.light)
    light = light / np.linalg.norm(light)
    lambert = normal @ light.astype(np.float32)
    lit = np.clip(0.5 + 0.5 * lambert, 0, 1) ** 1.35
    sky = 0.5 + 0.5 * normal[:, 1]
    hidden = _hollows(depth, unit_pixels)[seen]
    warm = np.array([1 + who.backdrop.warmth, 1.0, 1 - who.backdrop.warmth], np.float32)
    bright = (0.42 + 0.58 * lit + 0.10 * sky) * hidden * shade
    # shadows keep some colour: they turn a little blue and saturated, not grey
    tint = np.stack([bright**1.06, bright**1.08, bright], -1) * warm
    half = light + np.array([0, 0, 1.0])
    highlight = np.clip(normal @ (half / np.linalg.norm(half)).astype(np.float32), 0, 1) ** 24
    rgb = colour * tint + (gloss * highlight * hidden)[:, None]
    line = _contours(depth, group_map, unit_pixels)[seen]
    rgb = rgb * (1 - line)[:, None]
    out = np.zeros((h, w, 3), np.float32)
    out[seen] = np.clip(rgb, 0, 1)
    return out, seen[..., None].astype(np.float32)


def _folds(q: np.ndarray, group: np.ndarray, number: int) -> np.ndarray:
    """Brightness of the soft folds of cloth, fixed to the cloth."""
    u, v = 70 * q[:, 0], 70 * q[:, 1]
    phase = 0.7 * (number % 997)
    wave = np.sin(0.9 * v + 1.6 * np.sin(0.55 * u + phase) + phase) + 0.7 * np.sin(
        1.1 * u - 0.6 * v + 1.3 * np.sin(0.5 * v - phase)
    )
    return np.where((group % 10 >= TOP) & (group % 10 <= LOWER), 1 + 0.035 * wave, 1).astype(np.float32)


def _smooth_normals(normal: np.ndarray, group: np.ndarray, depth: np.ndarray, unit_pixels: float) -> None:
    """Average normals with near neighbours of the same cloth at about the same depth: seams of a cloth
    vanish.
    """
    for share in (0.012, 0.006, 0.003):
        step = max(1, round(share * unit_pixels))
        limit = 0.022 * unit_pixels
        total = normal.copy()
        for axis in (0, 1):
            n = normal.shape[axis]
            if n <= step:
                continue
            lower = [slice(None)] * 2
            upper = [slice(None)] * 2
            lower[axis], upper[axis] = slice(0, n - step), slice(step, n)
            a, b = tuple(lower), tuple(upper)
            near = (group[a] == group[b]) & (np.abs(depth[a] - depth[b]) < limit)
            near &= group[a] < 10
            weight = near[..., None].astype(np.float32)
            total[a] += normal[b] * weight
            total[b] += normal[a] * weight
        normal[...] = total
        normal /= np.maximum(np.sqrt((normal**2).sum(-1, keepdims=True)), 1e-6)


def _shifted(a: np.ndarray, dy: int, dx: int) -> np.ndarray:
    """a[y + dy, x + dx], its edges repeated."""
    h, w = a.shape
    rows = np.clip(np.arange(h) + dy, 0, h - 1)
    columns = np.clip(np.arange(w) + dx, 0, w - 1)
    return a[rows][:, columns]


def _hollows(depth: np.ndarray, unit_pixels: float) -> np.ndarray:
    """Light that reaches a point, in (0, 1]: less where something stands in front of it nearby."""
    dark = np.zeros(depth.shape, np.float32)
    steps = [
        (-0.026, 0.010),
        (-0.026, -0.010),
        (-0.012, 0.024),
        (-0.012, -0.024),
        (0.016, 0.02),
        (0.016, -0.02),
        (-0.05, 0.0),
    ]
    for dy, dx in steps:
        above = (_shifted(depth, round(dy * unit_pixels), round(dx * unit_pixels)) - depth) / unit_pixels
        # a wall in front shades; something very far in front does not reach
        dark += np.clip((above - 0.012) / 0.03, 0, 1) * np.clip(1.4 - above / 0.22, 0, 1)
    step = max(1, round(0.006 * unit_pixels))
    for dy, dx in ((step, 0), (0, step)):  # the few steps would show as bands
        dark = (_shifted(dark, dy, dx) + 2 * dark + _shifted(dark, -dy, -dx)) / 4
    return 1 - 0.64 * dark / len(steps)


def _contours(depth: np.ndarray, group: np.ndarray, unit_pixels: float) -> np.ndarray:
    """Darkness of the thin line that a part draws where it stands in front of another."""
    reach = max(1, round(0.0028 * unit_pixels))
    line = np.zeros(depth.shape, np.float32)
    for dy, dx in ((0, reach), (0, -reach), (reach, 0), (-reach, 0)):
        jump = _shifted(depth, dy, dx) - depth
        near = np.abs(jump) / unit_pixels
        other = (_shifted(group, dy, dx) != group).astype(np.float32)
        line = np.maximum(line, 0.38 * np.clip((near - 0.02) / 0.02, 0, 1) + 0.16 * other)
    return np.minimum(line, 0.42)


def _backdrop(who: Identity, figure: Figure, project: _Projection, size: tuple[int, int]) -> np.ndarray:
    """The studio behind: a soft gradient, and the shadows of the feet on the floor."""
    h, w = size
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    t = (y / max(h - 1, 1))[..., None]
    top, bottom = np.array(who.backdrop.top), np.array(who.backdrop.bottom)
    glow = np.exp(-(((x / w - 0.5) / 0.55) ** 2) - ((y / h - 0.42) / 0.55) ** 2)[..., None]
    picture = top + (bottom - top) * t**1.5
    picture = picture * (0.965 + 0.045 * glow)
    feet = [
        figure.points[f"{side}_ankle"] + figure.frames[f"{side}_foot"][:, 2] * 0.035
        for side in ("right", "left")
    ]
    feet.append((feet[0] + feet[1]) / 2)
    unit_pixels = project.scale * who.body.stature
    for foot, strength, width in zip(feet, (0.34, 0.34, 0.26), (0.062, 0.062, 0.13), strict=True):
        lift = max(float(foot[1]) - 0.06, 0.0)
        ground = np.array([[foot[0], 0.004, foot[2]]])
        cx, cy, _ = project(ground)[0]
        rx, ry = width * unit_pixels, 0.017 * unit_pixels * (width / 0.062) ** 0.5
        blob = np.exp(-(((x - cx) / rx) ** 2) - ((y - cy) / ry) ** 2)
        picture = picture * (1 - strength * math.exp(-lift / 0.08) * blob[..., None])
    return np.asarray(picture)


# ---------------------------------------------------------------------------------- joints

# By a word of a joint's name: how much surface in front of it is its own, in statures, and how often a
# detector misses it when it is hidden and when it is not.
_OWN = {
    "nose": 0.03,
    "eye": 0.022,
    "ear": 0.035,
    "neck": 0.10,
    "shoulder": 0.075,
    "elbow": 0.055,
    "wrist": 0.05,
    "hip": 0.13,
    "knee": 0.085,
    "ankle": 0.075,
}
_MISS_HIDDEN = {
    "nose": 0.97,
    "eye": 0.95,
    "ear": 0.92,
    "neck": 0.02,
    "shoulder": 0.10,
    "elbow": 0.45,
    "wrist": 0.70,
    "hip": 0.08,
    "knee": 0.25,
    "ankle": 0.35,
}
_MISS_SEEN = {
    "nose": 0.005,
    "eye": 0.01,
    "ear": 0.06,
    "neck": 0.002,
    "shoulder": 0.004,
    "elbow": 0.012,
    "wrist": 0.025,
    "hip": 0.006,
    "knee": 0.01,
    "ankle": 0.02,
}


def _by_word(table: dict[str, float]) -> np.ndarray:
    return np.array([table[j.split("_")[-1]] for j in OPENPOSE_18.joints])


def _occluded(joints: np.ndarray, depth: np.ndarray, unit_pixels: float) -> np.ndarray:
    """Whether the surface in front of each joint is farther from it than its own flesh and cloth are
    thick.
    """
    h, w = depth.shape
    x = np.clip(np.rint(joints[:, 0]).astype(int), 0, w - 1)
    y = np.clip(np.rint(joints[:, 1]).astype(int), 0, h - 1)
    return (depth[y, x] - joints[:, 2]) / unit_pixels > _by_word(_OWN)


def _detected(occluded: np.ndarray, inside: np.ndarray, misses: np.random.Generator | None) -> np.ndarray:
    if misses is None:
        return inside & ~occluded
    chance = np.where(occluded, _by_word(_MISS_HIDDEN), _by_word(_MISS_SEEN))
    return inside & (misses.random(len(occluded)) >= chance)
