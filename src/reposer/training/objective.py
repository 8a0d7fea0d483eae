"""An objective turns one batch of training into backward passes ("turns"), in order."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from reposer.losses.pool import ImagePool
from reposer.nn.features import FeatureNetwork


@dataclass(frozen=True)
class Turn:
    """One backward pass: the players that step after it, and the weighted terms whose sum they minimise.

    Each term is a scalar and a mean over the rows of the batch, so that averaging over processes is exact.
    """

    players: tuple[str, ...]
    terms: Mapping[str, Tensor]

    def total(self) -> Tensor:
        return torch.stack(list(self.terms.values())).sum()


class Objective(nn.Module, ABC):
    """The networks of one stage and how they are trained.

    networks: all that a resume must restore, by name; "generator" is the one that is kept at the end.
    players: the modules that step, by name, disjoint; each has its own optimiser.
    features: the frozen network of its perceptual terms, if any. pools: of generated pictures, by name; they survive a
    resume.
    """

    networks: nn.ModuleDict
    features: FeatureNetwork
    pools: Mapping[str, ImagePool] = MappingProxyType({})

    @property
    @abstractmethod
    def players(self) -> Mapping[str, nn.Module]: ...

    @abstractmethod
    def steps(self, batch: Any) -> Iterator[Turn]:
        """The turns of one batch. The loop runs backward and the optimisers between one turn and the next."""

    def state(self) -> dict[str, Any]:
        """Any other state that must survive a resume (image pools): tensors, numbers, strings, lists and dicts."""
        return {name: pool.state() for name, pool in self.pools.items()}

    def load_state(self, state: dict[str, Any]) -> None:
        assert set(state) == set(self.pools), f"{type(self).__name__} keeps {[*self.pools]}, got {sorted(state)}"
        for name, pool in self.pools.items():
            pool.load_state(state[name])

    def about(self) -> dict[str, str]:
        """Entries for the receipt: the feature network that was used, with its weights' checksum."""
        features: FeatureNetwork | None = getattr(self, "features", None)
        return {} if features is None else {"feature_network": features.description}


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Gradients pass through `module` but its parameters collect none."""
    trained = [p for p in module.parameters() if p.requires_grad]
    for p in trained:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p in trained:
            p.requires_grad_(True)
