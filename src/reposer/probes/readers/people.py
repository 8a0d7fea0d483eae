"""The people that readers are trained on, rendered once and cached in memory, and which of them look alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor

from reposer.core.rng import numpy_stream
from reposer.synthetic.people import ATTRIBUTES, SyntheticPeople, attributes

SEED = 91  # of the people; the generators use 0, the people encoder 77
CALIBRATION, HELD_OUT = range(0, 150), range(150, 300)
"""People of the split used to set thresholds, and to measure; training people come after them."""
CANDIDATES = 8  # how many of the most similar people count as lookalikes


@dataclass(frozen=True)
class PeopleConfig:
    """Which synthetic people to render; no generator and no people encoder has seen any of them."""

    first: int = HELD_OUT.stop
    """Number of the first person in the split; those before are reserved for thresholds and measurement."""
    num_people: int = 2500
    """Number of people."""
    views: int = 4
    """Pictures of each person."""
    split: Literal["train", "val", "test"] = "val"
    """Split of SyntheticPeople."""
    seed: int = SEED
    """Seed of SyntheticPeople."""


class People:
    """The people of a config by index, their true attributes, and who looks like whom.

    questions: those of ATTRIBUTES by which two people are compared.
    """

    def __init__(self, config: PeopleConfig, size: tuple[int, int], questions: Sequence[str]) -> None:
        self.config, self.questions = config, tuple(questions)
        self.synthetic = SyntheticPeople(size, config.split, config.first + config.num_people, config.seed)

    def number(self, person: int) -> int:
        return self.synthetic.identity_number(self.config.first + person)

    @cached_property
    def answers(self) -> Int64[Tensor, "P A"]:
        """For each person, the index of the true word for each question of ATTRIBUTES."""
        who = [self.synthetic.who(self.number(person)) for person in range(self.config.num_people)]
        return torch.tensor([word_numbers(attributes(person)) for person in who])

    @cached_property
    def _alike(self) -> Int64[Tensor, "P N"]:
        """For each person, the others who share the most answers with them, most similar first."""
        asked = [list(ATTRIBUTES).index(question) for question in self.questions]
        words = [F.one_hot(self.answers[:, q], len(list(ATTRIBUTES.values())[q])).float() for q in asked]
        vectors = torch.cat(words, 1)
        shared = (vectors @ vectors.T).fill_diagonal_(-1)
        return shared.topk(min(CANDIDATES, len(shared) - 1)).indices

    def lookalike(self, person: int, seed: int) -> int:
        """One of the people who look most like this one."""
        near = self._alike[person]
        return int(near[numpy_stream(seed, 1).integers(len(near))])


def word_numbers(answers: Mapping[str, str]) -> list[int]:
    """For each question of ATTRIBUTES, the index of the answer among its words."""
    return [words.index(answers[question]) for question, words in ATTRIBUTES.items()]


def small(config: PeopleConfig) -> PeopleConfig:
    """The config with four people."""
    return replace(config, num_people=4)


# ---------------------------------------------------------------------------- augmentation: cameras and generators


class Dice:
    """A random stream, addressed by its numbers."""

    def __init__(self, seed: int) -> None:
        self.stream = torch.Generator().manual_seed(seed)

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(shape, generator=self.stream)

    def number(self, low: float, high: float) -> float:
        return float(self.uniform(low, high))

    def chance(self, share: float) -> bool:
        return self.number(0, 1) < share

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.stream)

    def some(self, among: int, count: int) -> list[int]:
        """`count` different numbers below `among`."""
        order: list[int] = torch.randperm(among, generator=self.stream)[:count].tolist()
        return order


def ground(dice: Dice, size: tuple[int, int]) -> Float[Tensor, "3 H W"]:
    """A background without a person: soft shades, blocks and grain in random colours."""
    layers = (
        (0.7, (2, 2), "bilinear"),
        (dice.number(0, 0.6), (12, 9), "nearest"),
        (dice.number(0, 0.4), (64, 48), "bilinear"),
    )
    rendered = sum(
        amount * F.interpolate(dice.uniform(-1, 1, 1, 3, *coarse), size, mode=mode)[0]
        for amount, coarse, mode in layers
    )
    assert isinstance(rendered, Tensor)
    return (rendered + dice.uniform(-0.5, 0.5, 3, 1, 1)).clamp(-1, 1)


def worn(picture: Float[Tensor, "3 H W"], dice: Dice, blur: float) -> Float[Tensor, "3 H W"]:
    """The picture as another camera or a generator would produce it: other light, up to `blur` pixels of blur,
    noise.
    """
    light = dice.uniform(0.8, 1.2, 1, 1, 1) * dice.uniform(0.94, 1.06, 3, 1, 1)
    out = picture * light + dice.uniform(-0.15, 0.15, 1, 1, 1)
    if dice.chance(0.6):
        out = blurred(out, dice.number(0.3, blur))
    if dice.chance(0.5):
        out = out + dice.number(0, 0.1) * dice.normal(*out.shape)
    return out.clamp(-1, 1)


def blurred(picture: Float[Tensor, "*B 3 H W"], sigma: float) -> Float[Tensor, "*B 3 H W"]:
    """The picture smoothed by a Gaussian of `sigma` pixels, renormalised at the edges."""
    height, width = picture.shape[-2:]
    return _weights(height, sigma).to(picture) @ picture @ _weights(width, sigma).to(picture).mT


def _weights(length: int, sigma: float) -> Float[Tensor, "length length"]:
    line = torch.arange(length, dtype=torch.float32)
    return (-(line[:, None] - line).square() / (2 * sigma**2)).softmax(1)
