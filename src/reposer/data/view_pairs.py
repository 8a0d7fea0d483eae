"""Pairs of views of an object, and the names of views: MODEL_AZIMUTH_ELEVATION, as in the published sets.

Azimuths count in tens of degrees there: chair000007_14_20 is chair 7 from azimuth 140 and elevation 20 degrees.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from reposer.core import BadInput, View
from reposer.core.rng import mix
from reposer.core.view import AZIMUTHS, ELEVATIONS, HELD_OUT

from .dataset import PairRow

_TARGET = 0x71E3  # address of the random targets


def view_name(model: str, azimuth: float, elevation: float) -> str:
    """MODEL_AZIMUTH_ELEVATION; azimuth in tens of degrees."""
    return f"{model}_{azimuth / 10:g}_{elevation:g}"


def read_view_name(name: str) -> tuple[str, float, float]:
    """The model, the azimuth and the elevation, in degrees, of a view's name."""
    parts = name.rsplit("_", 2)
    try:
        if len(parts) != 3:
            raise ValueError(name)
        model, tens, elevation = parts[0], float(parts[1]), float(parts[2])
    except ValueError:
        raise BadInput(
            f"'{name}' is not the name of a view: MODEL_AZIMUTH_ELEVATION was expected, azimuth in tens of degrees."
        ) from None
    if not 0 <= tens < 36:
        raise BadInput(
            f"'{name}' has the azimuth {tens:g}; tens of degrees were expected, from 0 to 35. If the names count in "
            "degrees, divide that number by 10 in all of them."
        )
    return model, 10 * tens, elevation


def as_view(azimuth: float, elevation: float) -> View:
    return View(torch.tensor(float(azimuth)), torch.tensor(float(elevation)))


class Views(Mapping[str, View]):
    """The view of each name, parsed from the name itself."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def __getitem__(self, name: str) -> View:
        return as_view(*read_view_name(name)[1:])

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True)
class TrainRows(Sequence[PairRow]):
    """One pair for each view: the same model from a random azimuth at the same elevation.

    sources: names of views; azimuths: of the targets, in degrees.
    """

    sources: Sequence[str]
    azimuths: Sequence[float] = AZIMUTHS

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, i):  # type: ignore[no-untyped-def]
        return [self.sampled(k, 0) for k in range(len(self))[i]] if isinstance(i, slice) else self.sampled(i, 0)

    def sampled(self, i: int, seed: int) -> PairRow:
        """Pair i with a target sampled by `seed`."""
        source = self.sources[i]
        model, _, elevation = read_view_name(source)
        azimuth = self.azimuths[mix(seed, _TARGET, i) % len(self.azimuths)]
        return PairRow(source, view_name(model, azimuth, elevation), model)


@dataclass(frozen=True)
class HeldOutRows(Sequence[PairRow]):
    """Each training view paired with every held-out azimuth, at the view's own elevation.

    sources: names of views from training azimuths; azimuths: the held-out ones, in degrees.
    """

    sources: Sequence[str]
    azimuths: Sequence[float]

    def __len__(self) -> int:
        return len(self.sources) * len(self.azimuths)

    def __getitem__(self, i):  # type: ignore[no-untyped-def]
        if isinstance(i, slice):
            return [self[k] for k in range(len(self))[i]]
        number, target = divmod(range(len(self))[i], len(self.azimuths))
        source = self.sources[number]
        model, _, elevation = read_view_name(source)
        # each source starts at a different azimuth, so that evenly spaced pairs cover all of them
        azimuth = self.azimuths[(target + number) % len(self.azimuths)]
        return PairRow(source, view_name(model, azimuth, elevation), model)

    def sampled(self, i: int, seed: int) -> PairRow:
        """Pair i; `seed` has no effect."""
        row: PairRow = self[i]
        return row


@dataclass(frozen=True)
class TestRows(Sequence[PairRow]):
    """Each model from one azimuth (its number modulo their count) paired with all of them, at elevation 0."""

    __test__ = False  # not a pytest class, despite its name

    models: Sequence[str]
    azimuths: Sequence[float] = AZIMUTHS

    def __len__(self) -> int:
        return len(self.models) * len(self.azimuths)

    def __getitem__(self, i):  # type: ignore[no-untyped-def]
        if isinstance(i, slice):
            return [self[k] for k in range(len(self))[i]]
        number, target = divmod(range(len(self))[i], len(self.azimuths))
        model, source = self.models[number], self.azimuths[number % len(self.azimuths)]
        return PairRow(view_name(model, source, 0), view_name(model, self.azimuths[target], 0), model)

    def sampled(self, i: int, seed: int) -> PairRow:
        """Pair i; `seed` has no effect."""
        row: PairRow = self[i]
        return row


Rows = TrainRows | HeldOutRows | TestRows


def rows_of(split: str, views: Sequence[str], models: Sequence[str], hold_out: int) -> Rows:
    """The pairs of a split. views, models: those in its lists; for the split held-out, those in the training lists.

    hold_out: exclude every n-th azimuth (the third, the sixth, ... for 3) of the training objects from training, as
    source and as target; 0 = none.
    """
    azimuths = sorted({read_view_name(view)[1] for view in views})
    if split not in ("train", HELD_OUT):
        return TestRows(models, azimuths)
    if hold_out < 0 or hold_out == 1 or (split == HELD_OUT and not 0 < hold_out <= len(azimuths)):
        raise BadInput(
            f"hold_out={hold_out} does not fit the split '{split}' of {len(azimuths)} azimuths: it is 2 or more (every "
            f"second, third, ... azimuth), or 0, where nothing is held out and there is no split '{HELD_OUT}'."
        )
    held = azimuths[hold_out - 1 :: hold_out] if hold_out else []
    seen = [view for view in views if read_view_name(view)[1] not in held]
    if split == HELD_OUT:
        return HeldOutRows(seen, held)
    return TrainRows(seen, [azimuth for azimuth in azimuths if azimuth not in held])


def all_views(models: Sequence[str]) -> list[str]:
    """The 54 published views of each model, azimuth by azimuth."""
    return [view_name(m, a, e) for m in models for a in AZIMUTHS for e in ELEVATIONS]
