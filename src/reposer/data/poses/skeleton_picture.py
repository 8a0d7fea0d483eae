"""A picture of skeletons in OpenPose's colours, as users of ControlNet have it, read back into joints.

A joint is a bright disc of its own hue, a limb a darker line. Discs are located by hue and size; limbs tell which
joints belong to one person. Faces, hands and scores are not read.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int

from reposer.core import BadInput, Pose
from reposer.core.skeleton import OPENPOSE_18

from ..pictures import write_picture
from .by_name import in_joints
from .contents import PictureFile
from .openpose_colours import LIMBS, openpose_picture
from .recording import PeopleInPicture, Person, PoseRecording

BRIGHT, FAINT = 0.80, 0.30
"""Least brightness of a joint's colour and of a limb's, of 1."""
VIVID = 0.6
"""Least saturation of either."""
HUES = 18
ON_LIMB = 0.7
"""Least share of the way between two joints that has to show their limb, or what covers it."""
LEAST_RADIUS = 1.5
MOST_DISCS = 2_000
NO_DISC = -1


class SkeletonPicture:
    key = "picture"
    name = "a skeleton picture"
    example = "in OpenPose's colours on an even ground"

    def recognises(self, content: Any) -> bool:
        return isinstance(content, PictureFile)

    def read(self, path: Path, content: Any) -> PoseRecording:
        pixels = content.pixels
        people = people_of_picture(pixels.numpy())
        if not people:
            raise BadInput(
                f"{path} shows no skeleton in OpenPose's colours: bright discs for joints and darker lines for limbs "
                f"on an even dark ground were expected. Give such a picture, a file of joints, or a photo of a person."
            )
        size = (pixels.shape[0], pixels.shape[1])
        return PoseRecording(path, self.name, [PeopleInPicture(people, size)], form=self.key)


class SkeletonPictureWriter:
    """One picture: positions, rounded by what can be read from discs, without scores."""

    key, ending = SkeletonPicture.key, ".png"

    def write(self, path: Path, recording: PoseRecording) -> None:
        picture = recording.pictures[0]
        assert picture.size is not None, "see conversion.convert"
        write_picture(path, openpose_picture([pose_of(p, picture.size) for _, p in picture.usable], picture.size))


def pose_of(person: Person, size: tuple[int, int]) -> Pose:
    """The person's 18 joints, which are in pixels of a picture of this size."""
    whole = in_joints(person, OPENPOSE_18)
    xy = torch.from_numpy(np.where(whole.visible[:, None], whole.rows[:, :2], 0).astype(np.float32))
    return Pose(xy, torch.from_numpy(whole.visible.copy()), size)


class _Disc(NamedTuple):
    joint: int
    x: float
    y: float


def people_of_picture(pixels: np.ndarray) -> list[Person]:
    """The skeletons in a picture (H, W, 3) of bytes, those with the most joints first; [] if there are none."""
    hue, value = _colours(pixels)
    joints = np.where(value >= BRIGHT, hue, NO_DISC)
    radius = _radius(joints)
    if radius is None:
        return []
    discs = [disc for k in range(HUES) for disc in _discs(joints, k, radius, value)]
    if not 2 <= len(discs) <= MOST_DISCS:
        return []
    return _assembled(discs, np.where(value >= FAINT, hue, NO_DISC), value, radius)


def _colours(pixels: np.ndarray) -> tuple[Int[np.ndarray, "H W"], Float[np.ndarray, "H W"]]:
    """The hue of each pixel, of HUES, NO_DISC where it has none; and its brightness."""
    high, low = pixels.max(-1).astype(np.float32), pixels.min(-1).astype(np.float32)
    red, green, blue = (pixels[..., c].astype(np.float32) for c in range(3))
    turn = np.arctan2(3**0.5 * (green - blue), 2 * red - green - blue) / (2 * np.pi)
    hue = np.round(turn * HUES).astype(np.int64) % HUES
    vivid = (high - low) >= VIVID * np.maximum(high, 1)
    return np.where(vivid & (high > 0), hue, NO_DISC), high / 255


def _radius(joints: Int[np.ndarray, "H W"]) -> float | None:
    """The radius of discs, in pixels: of the median of the roundest blobs of each colour."""
    radii = []
    for k in range(HUES):
        for _, y, x in _blobs(joints == k):
            wide, high = np.ptp(x) + 1, np.ptp(y) + 1
            area = len(x)
            if max(wide, high) <= 1.35 * min(wide, high) and area >= 0.65 * wide * high:
                radii.append((area / np.pi) ** 0.5)
    found = [r for r in radii if r >= LEAST_RADIUS]
    return float(np.median(found)) if len(found) >= 2 else None


def _blobs(mask: Bool[np.ndarray, "H W"]) -> list[tuple[int, np.ndarray, np.ndarray]]:
    """Connected parts (size, rows, columns) of a mask, the largest first."""
    y, x = np.nonzero(mask)
    if not len(x) or len(x) > 4_000_000:
        return []
    label = np.arange(len(x))
    index = np.full((mask.shape[0] + 1, mask.shape[1] + 2), -1)
    index[y, x + 1] = label
    neighbours = [(index[y + dy, x + 1 + dx], label) for dy, dx in ((1, -1), (1, 0), (1, 1), (0, 1))]
    pairs = np.concatenate([np.stack([a[a >= 0], b[a >= 0]]) for a, b in neighbours], 1)
    while True:  # every pixel takes the least label of its neighbours, and then that label's own
        before = label.copy()
        low = np.minimum(label[pairs[0]], label[pairs[1]])
        np.minimum.at(label, pairs[0], low)
        np.minimum.at(label, pairs[1], low)
        label = label[label]
        if (label == before).all():
            break
    order = np.argsort(label, kind="stable")
    starts = np.flatnonzero(np.diff(label[order], prepend=-1))
    parts = [(len(rows), y[rows], x[rows]) for rows in np.split(order, starts[1:])]
    return sorted(parts, key=lambda part: -part[0])


def _discs(joints: Int[np.ndarray, "H W"], k: int, radius: float, value: Float[np.ndarray, "H W"]) -> list[_Disc]:
    """The discs of joint k: blobs that contain most of a disc, or what later joints and limbs left of one."""
    found = []
    for area, y, x in _blobs(joints == k):
        if area < 0.25 * np.pi * radius**2:
            break
        if not _is_thick(y, x, radius):
            continue
        centre = (float(x.mean()), float(y.mean()))
        if area < 0.93 * np.pi * radius**2:
            centre = _fitted(y, x, centre, radius, joints, value)
        found.append(_Disc(k, *centre))
    return found[:MOST_DISCS]


def _is_thick(y: np.ndarray, x: np.ndarray, radius: float) -> bool:
    """Whether the blob contains a square of about 0.8 radii, which a hand's thin lines do not."""
    side = max(2, round(0.8 * radius))
    mask = torch.zeros(1, 1, int(np.ptp(y)) + 1, int(np.ptp(x)) + 1)
    mask[0, 0, y - y.min(), x - x.min()] = 1
    if min(mask.shape[2:]) < side:
        return False
    return bool((F.avg_pool2d(mask, side, stride=1) > 0.99).any())


def _fitted(
    y: np.ndarray, x: np.ndarray, start: tuple[float, float], radius: float, joints: np.ndarray, value: np.ndarray
) -> tuple[float, float]:
    """The centre of a partly covered disc: it contains the blob's pixels, and no ground."""
    reach = int(np.ceil(2 * radius)) + 1
    left, top = int(start[0]) - reach, int(start[1]) - reach
    columns, rows = np.meshgrid(np.arange(left, left + 2 * reach + 1), np.arange(top, top + 2 * reach + 1))
    inside = (rows >= 0) & (rows < joints.shape[0]) & (columns >= 0) & (columns < joints.shape[1])
    ground = np.zeros(rows.shape, bool)
    ground[inside] = value[rows[inside], columns[inside]] < FAINT
    steps = np.arange(-radius, radius + 0.01, max(0.25, radius / 16))
    best, cost = start, np.inf
    for dy in steps:
        for dx in steps:
            cx, cy = start[0] + dx, start[1] + dy
            left_out = (np.hypot(x - cx, y - cy) > radius + 0.3).sum()
            wrong = left_out + (ground & (np.hypot(columns - cx, rows - cy) < radius - 0.3)).sum()
            here = float(wrong) + 0.01 * float(np.hypot(dx, dy))
            if here < cost:
                best, cost = (cx, cy), here
    return best


def _assembled(
    discs: list[_Disc], hues: Int[np.ndarray, "H W"], value: Float[np.ndarray, "H W"], radius: float
) -> list[Person]:
    """People whose joints are connected by limbs; a joint without one counts if it is the only one of its colour."""
    of_joint = [[n for n, disc in enumerate(discs) if disc.joint == k] for k in range(HUES)]
    owner: list[int] = list(range(len(discs)))

    def root(n: int) -> int:
        while owner[n] != n:
            n = owner[n]
        return n

    has: dict[int, dict[int, int]] = {n: {disc.joint: n} for n, disc in enumerate(discs)}
    connected: set[int] = set()
    links = []
    for limb, (a, b) in enumerate(LIMBS):
        for start in of_joint[OPENPOSE_18.index(a)]:
            for end in of_joint[OPENPOSE_18.index(b)]:
                share = _on_limb(discs[start], discs[end], limb, hues, value, radius)
                if share >= ON_LIMB:
                    links.append((share, start, end))
    for _, start, end in sorted(links, reverse=True):
        one, other = root(start), root(end)
        if one == other:
            connected.update((start, end))
            continue
        if set(has[one]) & set(has[other]):  # a person has each joint once
            continue
        owner[other] = one
        has[one] |= has.pop(other)
        connected.update((start, end))
    people = [group for group in has.values() if connected.intersection(group.values())]
    lone = [n for n in range(len(discs)) if n not in connected and len(of_joint[discs[n].joint]) == 1]
    for n in lone:
        k = discs[n].joint
        free = [group for group in people if k not in group]
        if len(people) == 1 and free:
            free[0][k] = n
    people.sort(key=lambda group: (-len(group), min(discs[n].x for n in group.values())))
    return [_person([discs[n] for n in group.values()]) for group in people]


def _on_limb(start: _Disc, end: _Disc, limb: int, hues: np.ndarray, value: np.ndarray, radius: float) -> float:
    """The share of the way between two discs on which the limb's hue lies, or something that may cover it."""
    way = np.array([end.x - start.x, end.y - start.y])
    length = float(np.hypot(*way))
    if length < 2 * radius:
        return 1.0 if length < 2 * radius - 1 else 0.99
    t = np.linspace(radius / length, 1 - radius / length, max(3, int(length - 2 * radius) + 1))
    x = np.round(start.x + t * way[0]).astype(int).clip(0, hues.shape[1] - 1)
    y = np.round(start.y + t * way[1]).astype(int).clip(0, hues.shape[0] - 1)
    own = (hues[y, x] == limb) & (value[y, x] < BRIGHT)
    covered = (value[y, x] >= FAINT) & ~own
    if own.mean() < 0.25:
        return 0.0
    return float((own | covered).mean()) - 0.2 * float(covered.mean())


def _person(discs: list[_Disc]) -> Person:
    rows, visible = np.zeros((len(OPENPOSE_18), 3)), np.zeros(len(OPENPOSE_18), bool)
    for disc in discs:
        rows[disc.joint] = disc.x, disc.y, 1.0
        visible[disc.joint] = True
    return Person(OPENPOSE_18, rows, visible, scored=False)
