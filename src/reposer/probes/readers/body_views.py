"""Training pictures of the network of whole people: two people who look alike, twice each, and one without a person."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from reposer.core import Framing, Pose
from reposer.core.device import on_device
from reposer.core.framing import frame_picture
from reposer.core.images import from_uint8
from reposer.core.pose import rotation_about
from reposer.synthetic.people import ATTRIBUTES

from .people import Dice, People, PeopleConfig, ground, small, worn

NO_PERSON = -1
BLUR = 2.0  # pixels of a picture 128 high, as in poorly generated pictures
SAME_GROUND = 0.6  # how often both lookalikes get the same synthetic background


@dataclass(frozen=True)
class BodyBatch:
    """B pictures. who: number of the person, NO_PERSON where there is none; pose.visible: a pose estimator would report
    the joint and it lies in the picture; words: the true answers to ATTRIBUTES, 0 where there is no person.
    """

    picture: Float[Tensor, "B 3 H W"]
    pose: Pose
    words: Int64[Tensor, "B A"]
    who: Int64[Tensor, "B"]

    def to(self, device: torch.device | str) -> "BodyBatch":
        return on_device(self, device)

    @staticmethod
    def cat(parts: Sequence["BodyBatch"]) -> "BodyBatch":
        return BodyBatch(
            torch.cat([p.picture for p in parts]),
            Pose.stack([p.pose[row] for p in parts for row in range(len(p))]),
            torch.cat([p.words for p in parts]),
            torch.cat([p.who for p in parts]),
        )

    def __len__(self) -> int:
        return len(self.picture)


@dataclass(frozen=True)
class BodyPeople(PeopleConfig):
    """The people of the network of whole people."""

    def open(self, framing: Framing, split: str | None = None) -> "BodyViews":
        return BodyViews(self, framing)

    def tiny(self) -> PeopleConfig:
        return small(self)


class BodyViews:
    """Item i: two views each of person i and of one of their lookalikes, and a picture without a person."""

    def __init__(self, config: PeopleConfig, framing: Framing) -> None:
        self.config, self.framing = config, framing
        self.people = People(config, framing.person_size, tuple(ATTRIBUTES))
        self._rendered: dict[int, tuple[UInt8[Tensor, "V h w 3"], UInt8[Tensor, "V h w"], Pose]] = {}

    def __len__(self) -> int:
        return self.config.num_people

    def _views(self, person: int) -> tuple[UInt8[Tensor, "V h w 3"], UInt8[Tensor, "V h w"], Pose]:
        if person not in self._rendered:
            number = self.people.number(person)
            rendering = self.people.synthetic.rendered([(number, view) for view in range(self.config.views)])
            self._rendered[person] = rendering.picture, rendering.parts, rendering.detected
        return self._rendered[person]

    def sample(self, i: int, seed: int) -> BodyBatch:
        """Item i; five rows, the last without a person."""
        dice = Dice(seed)
        people = (i, self.people.lookalike(i, seed))
        shared = [ground(dice, self.framing.size) for _ in range(2)] if dice.chance(SAME_GROUND) else []
        mirrored = dice.chance(0.5)
        rows = []
        for person in people:
            pictures, parts, poses = self._views(person)
            for place, view in enumerate(dice.some(self.config.views, 2)):
                picture = frame_picture(from_uint8(pictures[view]), self.framing)
                if shared:
                    mask = frame_picture((parts[view] > 0).float().expand(3, -1, -1), self.framing)
                    picture = torch.lerp(shared[place], picture, mask)
                row = moved(picture, self.framing.place(poses[view]), dice, mirrored)
                rows.append((worn(row[0], dice, BLUR), row[1]))
        nobody = empty(rows[0][0], dice)
        unseen = replace(rows[0][1], visible=torch.zeros_like(rows[0][1].visible))
        words = self.people.answers[torch.tensor([people[0]] * 2 + [people[1]] * 2)]
        return BodyBatch(
            torch.stack([*(picture for picture, _ in rows), nobody]),
            Pose.stack([*(pose for _, pose in rows), unseen]),
            torch.cat([words, torch.zeros_like(words[:1])]),
            torch.tensor([people[0]] * 2 + [people[1]] * 2 + [NO_PERSON]),
        )

    def collate(self, samples: Sequence[BodyBatch], seeds: Tensor | None) -> BodyBatch:
        return BodyBatch.cat(samples)


def moved(
    picture: Float[Tensor, "3 H W"], pose: Pose, dice: Dice, mirrored: bool
) -> tuple[Float[Tensor, "3 H W"], Pose]:
    """Slightly rotated, scaled and shifted, mirrored on request; joints outside become invisible."""
    height, width = pose.size
    if mirrored:
        picture, pose = picture.flip(-1), pose.flip()
    centre = ((width - 1) / 2, (height - 1) / 2)
    shift = (0.08 * width * dice.number(-1, 1), 0.06 * height * dice.number(-1, 1))
    matrix = rotation_about(centre, dice.number(-8, 8), dice.number(0.82, 1.22), shift)
    back = torch.linalg.inv(torch.cat([matrix, torch.tensor([[0.0, 0.0, 1.0]])]))[:2]
    x, y = torch.meshgrid(torch.arange(width), torch.arange(height), indexing="xy")
    places = torch.stack([x, y], -1).float() @ back[:, :2].T + back[:, 2]
    grid = (2 * places + 1) / torch.tensor([width, height]) - 1
    out = F.grid_sample(picture[None], grid[None], padding_mode="border", align_corners=False)[0]
    return out, in_picture(pose.affine(matrix, pose.size))


def in_picture(pose: Pose) -> Pose:
    """The pose, with joints outside its picture made invisible."""
    edge = pose.xy.new_tensor([pose.size[1] - 0.5, pose.size[0] - 0.5])
    inside = ((pose.xy > -0.5) & (pose.xy < edge)).all(-1)
    return replace(pose, visible=pose.visible & inside)


def empty(picture: Float[Tensor, "3 H W"], dice: Dice) -> Float[Tensor, "3 H W"]:
    """A picture without a person: a shuffled picture of one, or a background with a blob on it."""
    if dice.chance(0.5):
        return shuffled(picture, dice)
    height, width = picture.shape[1:]
    y, x = torch.linspace(-1, 1, height)[:, None], torch.linspace(-1, 1, width)
    far = ((x - dice.number(-0.4, 0.4)) / dice.number(0.15, 0.6)) ** 2
    far = far + ((y - dice.number(-0.4, 0.4)) / dice.number(0.3, 0.9)) ** 2
    blob = torch.sigmoid((1 - far) * dice.number(2, 20))
    return worn(torch.lerp(ground(dice, (height, width)), ground(dice, (height, width)), blob), dice, BLUR)


def shuffled(picture: Float[Tensor, "3 H W"], dice: Dice) -> Float[Tensor, "3 H W"]:
    """The picture cut into 4 x 4 pieces in random order; its sides must be divisible by 4."""
    height, width = picture.shape[1:]
    piece = (height // 4, width // 4)
    pieces = F.unfold(picture[None], piece, stride=piece)[..., torch.tensor(dice.some(16, 16))]
    return F.fold(pieces, (height, width), piece, stride=piece)[0]
