"""Single pictures of synthetic people with ground truth, plain or augmented."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64, Integer
from torch import Tensor

from reposer.core import Framing, Pose
from reposer.core.device import on_device
from reposer.core.images import from_uint8
from reposer.synthetic.people import ATTRIBUTES, SyntheticPeople, attributes


@dataclass(frozen=True)
class PeopleBatch:
    """B pictures of people with ground truth. `clean` is `picture` before noise was added."""

    picture: Float[Tensor, "B 3 H W"]
    clean: Float[Tensor, "B 3 H W"]
    parts: Int64[Tensor, "B H W"]
    pose: Pose
    attributes: Int64[Tensor, "B A"]
    """For each question of ATTRIBUTES, the index of the word that answers it."""

    def to(self, device: torch.device | str) -> "PeopleBatch":
        return on_device(self, device)

    @staticmethod
    def cat(rows: Sequence["PeopleBatch"]) -> "PeopleBatch":
        """Batches of one row as one batch."""
        return PeopleBatch(
            torch.cat([r.picture for r in rows]),
            torch.cat([r.clean for r in rows]),
            torch.cat([r.parts for r in rows]),
            Pose.stack([r.pose[0] for r in rows]),
            torch.cat([r.attributes for r in rows]),
        )

    def __len__(self) -> int:
        return self.picture.shape[0]


@dataclass(frozen=True)
class PeopleConfig:
    """Which synthetic people to render; no shipped generator was trained or evaluated on any of them."""

    first: int = 150
    """Number of the first person in the split; the 150 before it are reserved for measurement."""
    num_people: int = 4000
    """Number of people."""
    views: int = 2
    """Pictures of each person."""
    split: Literal["train", "val", "test"] = "val"
    """Split of SyntheticPeople."""
    seed: int = 77
    """Seed of SyntheticPeople; the generators use 0."""

    def open(self, framing: Framing, split: str | None = None) -> "PeopleViews":
        return PeopleViews(self, framing)

    def tiny(self) -> "PeopleConfig":
        return replace(self, num_people=2)


HELD_OUT = PeopleConfig(first=0, num_people=150)


class PeopleViews:
    """Single pictures of synthetic people with their parts and joints; rendered once, then cached in memory."""

    def __init__(self, config: PeopleConfig, framing: Framing) -> None:
        self.config, self.framing = config, framing
        size, last = framing.person_size, config.first + config.num_people
        self.people = SyntheticPeople(size, config.split, last, config.seed)
        self._rendered: dict[int, tuple[Tensor, Tensor, Pose, Tensor]] = {}

    def __len__(self) -> int:
        return self.config.num_people * self.config.views

    def _framed(self, i: int) -> tuple[Float[Tensor, "3 H W"], Int64[Tensor, "H W"], Pose, Int64[Tensor, "A"]]:
        if i not in self._rendered:
            self._render_person(i // self.config.views)
        rendered, rendered_parts, pose, words = self._rendered[i]
        height, width = rendered_parts.shape
        left, top, right, bottom = self.framing.content_box((height, width))
        assert (bottom - top, right - left) == (height, width), "people are rendered at the frame's own scale"
        beside = (left, self.framing.size[1] - right, top, self.framing.size[0] - bottom)
        picture = F.pad(from_uint8(rendered)[None], beside, mode="replicate")[0]
        parts = F.pad(rendered_parts[None, None].float(), beside, mode="replicate")[0, 0]
        return picture, parts.long(), self.framing.place(pose), words

    def _render_person(self, person: int) -> None:
        """Cache all views of a person: dressing them is half of the work."""
        number, views = self.people.identity_number(self.config.first + person), self.config.views
        rendering = self.people.rendered([(number, view) for view in range(views)])
        words = attributes(self.people.who(number))
        answers = torch.tensor([ATTRIBUTES[question].index(word) for question, word in words.items()])
        for view in range(views):
            kept = rendering.picture[view].clone(), rendering.parts[view].clone(), rendering.detected[view], answers
            self._rendered[person * views + view] = kept

    def plain(self, i: int) -> PeopleBatch:
        """Picture i as rendered; one row."""
        picture, parts, pose, words = self._framed(i)
        return PeopleBatch(picture[None], picture[None], parts[None], Pose.stack([pose]), words[None])

    def sample(self, i: int, seed: int) -> PeopleBatch:
        """Picture i, augmented; one row."""
        return augmented(*self._framed(i), seed)

    def collate(self, samples: Sequence[PeopleBatch], seeds: Tensor | None) -> PeopleBatch:
        return PeopleBatch.cat(samples)


def augmented(
    picture: Float[Tensor, "3 H W"],
    parts: Integer[Tensor, "H W"],
    pose: Pose,
    attributes: Int64[Tensor, "A"],
    seed: int,
) -> PeopleBatch:
    """One person as a batch of one row: moved, recoloured, with noise and sometimes another background; by `seed`."""
    stream = torch.Generator().manual_seed(seed)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(shape, generator=stream)

    h, w = parts.shape
    if uniform(0, 1) < 0.4:
        ground = sum(
            amount * F.interpolate(uniform(-1, 1, 1, 3, *size), (h, w), mode=mode)[0]
            for amount, size, mode in (
                (0.7, (2, 2), "bilinear"),
                (float(uniform(0, 0.6)), (12, 9), "nearest"),
                (float(uniform(0, 0.4)), (64, 48), "bilinear"),
            )
        )
        picture = torch.where(parts > 0, picture, ground + uniform(-0.5, 0.5, 3, 1, 1)).clamp(-1, 1)

    # moved(p) = picture(zoom (p - middle) + middle + shift)
    middle = torch.tensor([(w - 1) / 2, (h - 1) / 2])
    zoom = uniform(0.75, 1.2) * torch.stack([torch.ones(()), uniform(0.92, 1.08)])
    shift = uniform(-0.08, 0.08, 2) * torch.tensor([w, h])
    x = (zoom[0] * (torch.arange(w) - middle[0]) + middle[0] + shift[0]) * 2 / (w - 1) - 1
    y = (zoom[1] * (torch.arange(h) - middle[1]) + middle[1] + shift[1]) * 2 / (h - 1) - 1
    grid = torch.stack(torch.broadcast_tensors(x[None], y[:, None]), -1)[None]
    moved = F.grid_sample(picture[None], grid, padding_mode="border", align_corners=True)
    moved_parts = F.grid_sample(parts[None, None].float(), grid, "nearest", "border", align_corners=True)
    moved_pose = replace(pose, xy=(pose.xy - middle - shift) / zoom + middle)

    gain, offset = uniform(0.65, 1.25, 1, 1, 1) * uniform(0.85, 1.15, 3, 1, 1), uniform(-0.25, 0.25, 1, 1, 1)
    clean = (moved * gain + offset).clamp(-1, 1)
    noisy = clean + float(uniform(0, 0.12)) * torch.randn(clean.shape, generator=stream)
    return PeopleBatch(noisy, clean, moved_parts[0].long(), Pose.stack([moved_pose]), attributes[None])
