"""Training pictures of the network of heads: close-ups of two people who look alike, reduced to the size of faces in
ordinary pictures.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor

from reposer.core import Framing, Pose
from reposer.core.device import on_device
from reposer.core.images import from_uint8, resize
from reposer.core.pose import rotation_about
from reposer.estimators.people_crops import around_heads, cut, from_aligned, from_square, mapped
from reposer.estimators.people_networks import FACE_5
from reposer.synthetic.people import Rendering, render

from .body_views import NO_PERSON
from .people import Dice, People, PeopleConfig, small, worn

QUESTIONS = (
    "hair style", "hair length", "hair colour", "glasses", "beard", "hat", "skin tone", "age group", "presentation",
)  # fmt: skip
CLOSE_UP = (128, 88)  # a face is 25 pixels high in it, as in a picture of a whole person 340 high
DRESSED_FOR = (256, 176)  # picture size that decides how finely skin and clothes are textured
SMALLEST, LARGEST = 7.0, 30.0  # height of a face after reduction, in pixels
BLUR = 1.0  # pixels; applied after reduction
FOREHEAD = 0.3  # share of the height from brows to chin that a face extends above its brows


@dataclass(frozen=True)
class FaceTruth:
    """Where the faces of B pictures are. landmarks.visible: whether the face is visible."""

    landmarks: Pose
    box: Float[Tensor, "B 4"]
    middle: Float[Tensor, "B 2"]
    side: Float[Tensor, "B"]

    @property
    def shown(self) -> Bool[Tensor, "B"]:
        return self.landmarks.visible[:, 0]

    def __getitem__(self, rows: slice) -> "FaceTruth":
        return FaceTruth(self.landmarks[rows], self.box[rows], self.middle[rows], self.side[rows])


def face_truth(rendering: Rendering) -> FaceTruth:
    """Landmarks, box and the square around the head, in pixels. A face is shown if its nose and an eye are visible."""
    points, body = rendering.poses["face68"], rendering.poses["openpose18"]
    eyes = [slice(36, 42), slice(42, 48)]
    five = [points.xy[:, eye].mean(1) for eye in eyes] + [points.xy[:, k] for k in (30, 48, 54)]
    an_eye = torch.stack([points.visible[:, eye].float().mean(1) > 0.5 for eye in eyes], 1).any(1)
    shown = points.visible[:, 30] & an_eye
    landmarks = Pose(torch.stack(five, 1), shown[:, None].expand(-1, len(FACE_5)), points.size, FACE_5)
    (left, top), (right, bottom) = points.xy.amin(1).unbind(1), points.xy.amax(1).unbind(1)
    box = torch.stack([left, top - FOREHEAD * (bottom - top), right, bottom], 1)
    return FaceTruth(landmarks, box, *around_heads(body, torch.ones_like(body.xy[..., 0])))


@dataclass(frozen=True)
class FaceBatch:
    """B heads. heads: crops around them; faces: aligned crops. box: in sides of the crop; who: NO_PERSON if not
    shown."""

    heads: Float[Tensor, "B 3 S S"]
    landmarks: Pose
    box: Float[Tensor, "B 4"]
    faces: Float[Tensor, "B 3 S S"]
    who: Int64[Tensor, "B"]

    def to(self, device: torch.device | str) -> "FaceBatch":
        return on_device(self, device)

    @staticmethod
    def cat(parts: Sequence["FaceBatch"]) -> "FaceBatch":
        return FaceBatch(
            torch.cat([p.heads for p in parts]),
            Pose.stack([p.landmarks[row] for p in parts for row in range(len(p))]),
            torch.cat([p.box for p in parts]),
            torch.cat([p.faces for p in parts]),
            torch.cat([p.who for p in parts]),
        )

    def __len__(self) -> int:
        return len(self.heads)


@dataclass(frozen=True)
class FacePeople(PeopleConfig):
    """The people of the network of heads."""

    num_people: int = 1500
    """Number of people."""

    def open(self, framing: Framing, split: str | None = None) -> "FaceViews":
        return FaceViews(self, framing)

    def tiny(self) -> PeopleConfig:
        return small(self)


class FaceViews:
    """Item i: two views each of the head of person i and of one of their lookalikes."""

    def __init__(self, config: PeopleConfig, framing: Framing) -> None:
        self.config, self.side = config, framing.size[0]
        self.people = People(config, DRESSED_FOR, QUESTIONS)
        self._rendered: dict[int, tuple[UInt8[Tensor, "V h w 3"], FaceTruth]] = {}

    def __len__(self) -> int:
        return self.config.num_people

    def _views(self, person: int) -> tuple[UInt8[Tensor, "V h w 3"], FaceTruth]:
        if person not in self._rendered:
            shots = [self.people.synthetic.shot(self.people.number(person), v) for v in range(self.config.views)]
            close = [replace(shot, camera=replace(shot.camera, crop="bust")) for shot in shots]
            rendering = render(close, CLOSE_UP)
            self._rendered[person] = rendering.picture, face_truth(rendering)
        return self._rendered[person]

    def sample(self, i: int, seed: int) -> FaceBatch:
        """Item i; four rows. Views that show the face are preferred."""
        dice = Dice(seed)
        mirrored, rows = dice.chance(0.5), []
        for person in (i, self.people.lookalike(i, seed)):
            pictures, truth = self._views(person)
            views = dice.some(self.config.views, self.config.views)
            if dice.chance(0.7):
                views.sort(key=lambda view: not truth.shown[view])
            for view in views[:2]:
                shown = truth[view : view + 1]
                rows.append(looked_at(from_uint8(pictures[view]), shown, person, self.side, dice, mirrored))
        return FaceBatch.cat(rows)

    def collate(self, samples: Sequence[FaceBatch], seeds: Tensor | None) -> FaceBatch:
        return FaceBatch.cat(samples)


def looked_at(
    picture: Float[Tensor, "3 H W"], truth: FaceTruth, person: int, side: int, dice: Dice, mirrored: bool
) -> FaceBatch:
    """One close-up as a small picture would show it, cropped as the face detector and the embedder crop it; one row."""
    landmarks, box, middle = truth.landmarks, truth.box, truth.middle
    width = picture.shape[2]
    if mirrored:
        picture, landmarks = picture.flip(-1), landmarks.flip()
        left, top, right, bottom = box.unbind(1)
        box = torch.stack([width - 1 - right, top, width - 1 - left, bottom], 1)
        middle = torch.stack([width - 1 - middle[:, 0], middle[:, 1]], 1)
    height = SMALLEST * (LARGEST / SMALLEST) ** dice.number(0, 1)
    scale = min(1.0, height / float(box[0, 3] - box[0, 1]))
    size = (max(8, round(scale * picture.shape[1])), max(8, round(scale * width)))
    shrink = torch.tensor([size[1] / width, size[0] / picture.shape[1]])
    small_picture = worn(resize(picture[None], size)[0], dice, BLUR)[None]
    landmarks = landmarks.resize(size)
    corners, middle = (((xy + 0.5) * shrink - 0.5) for xy in (box.view(1, 2, 2), middle))

    # jittered, because a pose estimator locates a head only roughly
    around = truth.side * float(shrink[1])
    middle = middle + 0.12 * around[:, None] * dice.uniform(-1, 1, 1, 2)
    square = from_square(middle, around * torch.exp(dice.uniform(-0.28, 0.28, 1)), side)
    turn = rotation_about(((side - 1) / 2, (side - 1) / 2), dice.number(-12, 12))
    matrix = composed(square, turn)
    heads = cut(small_picture, matrix, side)
    inward = inverse(matrix)
    on_head = replace(landmarks, xy=mapped(inward, landmarks.xy), size=(side, side))
    turned = mapped(inward, corners)
    centre, half = (turned.mean(1), (corners[:, 1] - corners[:, 0]) / 2 / matrix[:, :, 0].norm(dim=1, keepdim=True))
    on_crop = (torch.cat([centre - half, centre + half], 1) + 0.5) / side

    # jittered, because a face detector locates its landmarks only roughly
    error = 0.03 * (corners[:, 1, 1] - corners[:, 0, 1])[:, None, None] * dice.normal(1, 5, 2)
    faces = cut(small_picture, from_aligned(landmarks.xy + error, side), side)
    who = torch.where(truth.shown, person, NO_PERSON)
    return FaceBatch(heads, on_head, on_crop, faces, who)


def composed(outer: Float[Tensor, "B 2 3"], inner: Float[Tensor, "2 3"]) -> Float[Tensor, "B 2 3"]:
    """The affine maps that apply `inner` first, then `outer`."""
    linear = outer[:, :, :2] @ inner[:, :2]
    return torch.cat([linear, outer[:, :, :2] @ inner[:, 2:] + outer[:, :, 2:]], 2)


def inverse(matrices: Float[Tensor, "B 2 3"]) -> Float[Tensor, "B 2 3"]:
    """The inverse affine maps."""
    linear = torch.linalg.inv(matrices[:, :, :2])
    return torch.cat([linear, -linear @ matrices[:, :, 2:]], 2)
