"""An estimator's output for the three sets of pictures."""

from collections.abc import Callable, Mapping, Sequence

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from ..pair_values import Pair, as_bytes, from_bytes, pairs_of
from ..part import PICTURE_SETS, PairBatch, PictureSet

Look = Callable[[UInt8[Tensor, "B H W 3"]], Float[Tensor, "B D"]]


class Answers:
    """One row of numbers for each generated picture (by its pair) and each real one (by its own name).

    A real picture that belongs to several pairs is processed once.
    """

    def __init__(self) -> None:
        self._rows: dict[PictureSet, dict[str, Tensor]] = {which: {} for which in PICTURE_SETS}

    def add(self, batch: PairBatch, look: Look, device: torch.device | str) -> None:
        """Add B pairs. Each pair comes once, and one name is one picture."""
        pairs = pairs_of(batch)
        for which in PICTURE_SETS:
            rows, names = self._rows[which], [pair.picture(which) for pair in pairs]
            assert which != "generated" or not rows.keys() & set(names), f"a pair came twice: {names}"
            fresh = {name: b for b, name in reversed(list(enumerate(names))) if name not in rows}
            if fresh:
                pictures = batch.pictures(which)[list(fresh.values())]
                rows.update(zip(fresh, look(pictures.to(device)).float().cpu(), strict=True))

    def of(self, which: PictureSet, pairs: Sequence[Pair]) -> Float[Tensor, "N D"]:
        """The rows of the pairs' pictures in one set."""
        return torch.stack([self._rows[which][pair.picture(which)] for pair in pairs])

    def state(self) -> dict[str, Tensor]:
        state: dict[str, Tensor] = {}
        for which, rows in self._rows.items():
            state[f"{which}/names"] = as_bytes(list(rows))
            if rows:
                state[f"{which}/rows"] = torch.stack(list(rows.values()))
        return state

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        for which in PICTURE_SETS:
            names = from_bytes(state[f"{which}/names"])
            self._rows[which] = dict(zip(names, state[f"{which}/rows"], strict=True)) if names else {}
