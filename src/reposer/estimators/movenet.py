"""MoveNet (Google 2021): "multipose" finds up to six people in a picture, "thunder" one person's joints in a crop."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float, Int32, UInt8
from torch import Tensor

from reposer.core import BadInput, Pose
from reposer.core.boxes import area, common_area, overlap
from reposer.core.framing import between, size_of
from reposer.core.images import resize_bytes
from reposer.core.onnx_sessions import CPU
from reposer.core.pose import Box, Edges
from reposer.core.shipped import MOVENET, SHIPPED, SPINNING
from reposer.core.skeleton import COCO_17
from reposer.nn.weights import sha256

from .estimator import POSE_ESTIMATORS, PeopleEstimator
from .onnx_network import open_session

MULTIPOSE, THUNDER = MOVENET
SIDE = 256
"""Pixels: side of both networks' input."""
FOUND = 0.3
"""Score from which a person counts, and a joint counts as found."""
MARGIN = 1.4
"""Side of the square around a person, in larger sides of the box around the joints."""
ENOUGH = 0.75
"""Thunder looks again if the square around the joints that it found shares less than this with its first square
(intersection over union)."""
SAME = 0.6
"""Two boxes that share more than this are one person."""

BEHIND = 0.3
"""Distance of the shoulders, in lengths of the torso, from which a person counts as seen from behind."""


class Somebody(NamedTuple):
    """What multipose says of one person: box in pixel edges of the picture, score in [0, 1], and a rough pose."""

    box: Box
    score: float
    pose: Pose


@POSE_ESTIMATORS.register("movenet")
class MoveNet(PeopleEstimator):
    """Up to six people in a picture, then the joints of one of them: of the largest, if none is chosen.

    On the CPU. weights: a folder with other files of the same names; None = the shipped ones.
    """

    name = "movenet"
    licence = "Apache-2.0"
    skeleton = COCO_17

    def __init__(self, weights: Path | None = None) -> None:
        own = weights is not None and weights.is_dir() and (weights / MULTIPOSE).is_file()
        folder = weights if own and weights is not None else SHIPPED
        self._files = [folder / MULTIPOSE, folder / THUNDER]
        for path in self._files:
            if not path.is_file():
                raise BadInput(f"There is no file {path}. {path.name} comes with the package: install it again.")
        self._multipose, self._thunder = (open_session(path, (CPU,), spinning=SPINNING) for path in self._files)
        self._inputs = [session.get_inputs()[0].name for session in (self._multipose, self._thunder)]

    @property
    def description(self) -> str:
        files = ", ".join(f"{path.name}, SHA-256 {sha256(path)[:16]}" for path in self._files)
        return f"{self.name}, {files}, people and joints from {FOUND:g}, squares of {MARGIN:g}, again below {ENOUGH:g}"

    def __call__(self, pictures: UInt8[Tensor, "B H W 3"]) -> Pose:
        return self.look(pictures)[0]

    def person(self, pictures: UInt8[Tensor, "B H W 3"]) -> Float[Tensor, "B"]:
        """The score of the largest person; 0 if nobody was found."""
        found = [self._found(picture)[:1] for picture in pictures.cpu()]
        return torch.tensor([one[0].score if one else 0.0 for one in found], device=pictures.device)

    def look(self, pictures: UInt8[Tensor, "B H W 3"]) -> tuple[Pose, Float[Tensor, "B"]]:
        poses, scores = [], []
        for picture in pictures.cpu():
            people = self._found(picture)
            poses.append(self.refined(picture, people[0].pose) if people else _nobody(picture))
            scores.append(people[0].score if people else 0.0)
        return Pose.stack(poses).to(pictures.device), torch.tensor(scores, device=pictures.device)

    def people(self, picture: UInt8[Tensor, "H W 3"], *, closer: bool = False) -> list[Pose]:
        return [one.pose for one in self._found(picture.cpu(), closer)]

    def refined(self, picture: UInt8[Tensor, "H W 3"], rough: Pose) -> Pose:
        picture, square = picture.cpu(), _square_around(rough)
        pose = self._look_at(picture, square)
        better = _square_around(pose) if pose.visible.any() else square
        pose = pose if overlap(square, better) >= ENOUGH else self._look_at(picture, better)
        return without_hidden_face(pose if 2 * int(pose.visible.sum()) >= int(rough.visible.sum()) else rough)

    def _found(self, picture: UInt8[Tensor, "H W 3"], closer: bool = False) -> list[Somebody]:
        """Everybody in the whole picture, the largest first; then, if asked or if that is nobody, those whom only a
        closer look shows.
        """
        height, width = picture.shape[0], picture.shape[1]
        longer = max(height, width)
        found = _by_size(_distinct(self._seen_in(picture, (0, 0, longer, longer)), overlap))
        if found and not closer:
            return found
        near = [one for square in _quarters(height, width) for one in self._seen_in(picture, square)]
        others = _distinct(near, _share)
        return found + _by_size([o for o in others if all(_share(o.box, one.box) <= SAME for one in found)])

    def _seen_in(self, picture: UInt8[Tensor, "H W 3"], square: Edges) -> list[Somebody]:
        """Everybody whom multipose finds in a square of the picture."""
        view = View.of(picture, square)
        rows = torch.from_numpy(self._multipose.run(None, {self._inputs[0]: view.shown.numpy()})[0])[0]
        people = [_somebody(row, view) for row in rows if float(row[-1]) >= FOUND]
        return [one for one in people if one.pose.visible.any()]

    def _look_at(self, picture: UInt8[Tensor, "H W 3"], square: Edges) -> Pose:
        """The joints of the person in the middle of a square."""
        view = View.of(picture, square)
        rows = torch.from_numpy(self._thunder.run(None, {self._inputs[1]: view.shown.numpy()})[0])[0, 0]
        return view.pose(rows)


class View(NamedTuple):
    """A square of a picture as the networks see it: black where it exceeds the picture.

    shown: bytes as whole numbers. size: (height, width) of the picture. inside: the part of the square that lies in the
    picture. placed: where that part is in `shown`.
    """

    shown: Int32[Tensor, "1 S S 3"]
    size: tuple[int, int]
    inside: Edges
    placed: Edges

    @classmethod
    def of(cls, picture: UInt8[Tensor, "H W 3"], square: Edges) -> "View":
        """Of a square that misses the picture, the nearest pixels of the picture."""
        height, width = picture.shape[0], picture.shape[1]
        left, top, right, bottom = square
        first_x, first_y = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
        inside = (first_x, first_y, max(first_x + 1, min(right, width)), max(first_y + 1, min(bottom, height)))
        scale = SIDE / (right - left)
        x, y = (min(SIDE - 1, max(0, round(scale * (a - b)))) for a, b in ((inside[0], left), (inside[1], top)))
        w, h = (max(1, round(scale * (inside[k + 2] - inside[k]))) for k in (0, 1))
        placed = (x, y, min(SIDE, x + w), min(SIDE, y + h))
        shown = torch.zeros(1, SIDE, SIDE, 3, dtype=torch.int32)
        part = picture[inside[1] : inside[3], inside[0] : inside[2]]
        shown[0, y : placed[3], x : placed[2]] = resize_bytes(part, size_of(placed)).int()
        return cls(shown, (height, width), inside, placed)

    def in_picture(self, share: Float[Tensor, "N 2"]) -> Float[Tensor, "N 2"]:
        """Places (y, x), as shares of the square, in pixels (x, y) of the picture."""
        matrix = between(self.placed, self.inside).to(share)
        return (share[:, [1, 0]] * SIDE - 0.5) @ matrix[:, :2].T + matrix[:, 2]

    def pose(self, rows: Float[Tensor, "17 3"]) -> Pose:
        """y, x and score of each joint, as a pose of the picture."""
        score = rows[:, 2].clamp(0, 1)
        return Pose(self.in_picture(rows[:, :2]), score >= FOUND, self.size, COCO_17, score)


def without_hidden_face(pose: Pose) -> Pose:
    """The pose without nose and eyes if the person is seen from behind: MoveNet places them on the back of the head.

    From behind, the right shoulder is on the right, and so is the right ear, seen with the torso upright. A head that
    looks back over the shoulder keeps its face.
    """
    if _facing(pose, "shoulder") > -BEHIND or _facing(pose, "ear") >= 0:
        return pose
    visible = pose.visible.clone()
    visible[[pose.skeleton.index(joint) for joint in ("nose", "left_eye", "right_eye")]] = False
    return replace(pose, visible=visible)


def _facing(pose: Pose, pair: str) -> float:
    """How far the left one of a pair of joints is to the right of the right one, seen with the torso upright, in
    lengths
    of the torso: positive if the person faces the camera. 0 if a joint is missing.
    """
    joints = [f"{side}_{name}" for name in ("shoulder", "hip", pair) for side in ("left", "right")]
    places = [pose.skeleton.index(joint) for joint in joints]
    if not pose.visible[places].all():
        return 0.0
    left_shoulder, right_shoulder, left_hip, right_hip, left, right = pose.xy[places]
    up = (left_shoulder + right_shoulder - left_hip - right_hip) / 2
    across = left - right
    return float(up[0] * across[1] - up[1] * across[0]) / max(float(up.square().sum()), 1e-6)


def _somebody(row: Float[Tensor, "56"], view: View) -> Somebody:
    top, left, bottom, right, score = row[51:].tolist()
    corners = view.in_picture(row.new_tensor([[top, left], [bottom, right]])).flatten().tolist()
    return Somebody((corners[0], corners[1], corners[2], corners[3]), score, view.pose(row[:51].view(17, 3)))


def _square_around(pose: Pose) -> Edges:
    """The square around the joints that were found, with a margin, in whole pixels."""
    left, top, right, bottom = pose.box()
    side = max(2, math.ceil(MARGIN * max(right - left, bottom - top)))
    x, y = round((left + right + 1 - side) / 2), round((top + bottom + 1 - side) / 2)
    return x, y, x + side, y + side


def _nobody(picture: UInt8[Tensor, "H W 3"]) -> Pose:
    joints = len(COCO_17)
    size = (picture.shape[0], picture.shape[1])
    return Pose(torch.zeros(joints, 2), torch.zeros(joints, dtype=torch.bool), size, COCO_17, torch.zeros(joints))


def _quarters(height: int, width: int) -> list[Edges]:
    """Squares of half the longer side that cover the picture and overlap by half."""
    side = (max(height, width) + 1) // 2
    rows, columns = ([round(start) for start in _starts(length, side)] for length in (height, width))
    return [(x, y, x + side, y + side) for y in rows for x in columns]


def _starts(length: int, side: int) -> list[float]:
    steps = math.ceil(2 * max(0, length - side) / side)
    return [k * (length - side) / steps for k in range(steps + 1)] if steps else [0.0]


def _by_size(people: Sequence[Somebody]) -> list[Somebody]:
    return sorted(people, key=lambda one: area(one.box), reverse=True)


def _distinct(people: Sequence[Somebody], alike: Callable[[Box, Box], float]) -> list[Somebody]:
    """Without those who are somebody with a higher score again."""
    kept: list[Somebody] = []
    for one in sorted(people, key=lambda one: one.score, reverse=True):
        if all(alike(one.box, other.box) <= SAME for other in kept):
            kept.append(one)
    return kept


def _share(one: Box, other: Box) -> float:
    """The part of the smaller box that the larger covers: a person cut by a square's edge is in the whole one."""
    return common_area(one, other) / max(min(area(one), area(other)), 1e-6)
