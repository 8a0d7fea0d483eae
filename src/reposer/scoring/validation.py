"""Scores on held-out pairs while a run trains: the points of its validation curve."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from reposer.core import BadInput, Framing, Generator, Sample
from reposer.data import PairDataset
from reposer.evaluation import PROTOCOLS, evaluate
from reposer.training import Recipe

from .pairs import PROTOCOL

SPLITS = ("val", "test")
"""Where held-out pairs are looked for, in this order."""


class Few(PairDataset):
    """Some pairs of a data set, evenly spread over it, that are read or rendered once."""

    def __init__(self, whole: PairDataset, number: int) -> None:
        self.whole, self.framing, self.picture_size = whole, whole.framing, whole.picture_size
        count = min(number, len(whole))
        self.places = [k * len(whole) // count for k in range(count)]
        self._kept: dict[int, Sample] = {}

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, i: int) -> Sample:
        if i not in self._kept:
            self._kept[i] = self.whole[self.places[i]]
        return self._kept[i]

    def identity(self, i: int) -> str:
        return self.whole.identity(self.places[i])

    def target_size(self, i: int) -> tuple[int, int]:
        return self.whole.target_size(self.places[i])

    def picture_names(self, i: int) -> tuple[str, str]:
        return self.whole.picture_names(self.places[i])


def held_out(recipe: Recipe, framing: Framing, number: int) -> Few | str:
    """Pairs of the first split of SPLITS that the recipe's data have and that it does not train on; or why there are
    none."""
    why = f"the run trains on {recipe.data.split}"
    for split in SPLITS:
        if split == recipe.data.split:
            continue
        try:
            dataset = recipe.data.open(framing, split)
        except BadInput as error:  # training does not need it
            why = str(error)
            continue
        if not isinstance(dataset, PairDataset):
            return "the data are clips"
        if len(dataset):
            return Few(dataset, number)
    return why


def validation(
    recipe: Recipe, number: int, say: Callable[[str], None] = lambda sentence: None
) -> Callable[[nn.Module], Mapping[str, float]]:
    """A function that scores a generator on this many held-out pairs of the recipe's data, under the pixel protocol;
    without held-out pairs, or if one cannot be scored, it returns nothing,
    and says why, once: training goes on."""
    found: list[Few | str] = []
    told: set[str] = set()

    def scores(generator: Any) -> Mapping[str, float]:
        assert isinstance(generator, Generator)
        if not found:
            found.append(held_out(recipe, generator.framing, number))
            if isinstance(found[0], str):
                say(f"No validation curve: {found[0]}")
        pairs = found[0]
        if isinstance(pairs, str):
            return {}
        try:
            report = evaluate(generator.generate, PROTOCOLS[PROTOCOL], pairs, device=generator.device)
        except BadInput as error:  # an unreadable picture, or a generator whose pictures are not finite
            if str(error) not in told:
                told.add(str(error))
                say(f"No point of the validation curve: {error}")
            return {}
        return {name: score.value.mean for name, score in report.summary.items()}

    return scores
