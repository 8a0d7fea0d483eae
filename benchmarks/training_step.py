"""A step of GFLA's second stage with one pass of the feature network per picture, and with one per loss."""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from reposer.core import SKELETONS, Batch, Pose
from reposer.generators.gfla.network import GFLAConfig
from reposer.generators.gfla.objective import GFLALossesConfig, GFLAObjective
from reposer.nn.features import VGG19, FeatureNetwork, Features, PeopleEncoder

from .measure import Table, best_times

REPEATS = 4


class Unshared(FeatureNetwork):
    """A feature network that content, style and correctness each ask for a pass of their own, as published."""

    def __init__(self, network: FeatureNetwork, levels: Iterable[int]) -> None:
        super().__init__()
        self.network = network
        self.content_layers, self.style_layers = network.content_layers, network.style_layers
        self.correctness_layers = tuple(network.correspondence_layer(level) for level in levels)

    @property
    def layers(self) -> tuple[str, ...]:
        return self.network.layers

    def correspondence_layer(self, level: int) -> str:
        return self.network.correspondence_layer(level)

    def stages(self, picture: Tensor) -> Iterator[tuple[str, Tensor]]:
        return self.network.stages(picture)

    def forward(self, picture: Tensor, layers: tuple[str, ...]) -> Features:
        groups = [self.content_layers, self.style_layers]
        if not picture.requires_grad:
            groups.append(self.correctness_layers)  # never of the generated picture
        found: Features = {}
        for group in groups:
            if set(group) <= set(layers):
                found |= self.network(picture, group)
        return found


def run(device: torch.device) -> list[Table]:
    cases = {
        "gfla-mini, people-encoder": (GFLAConfig.mini(), PeopleEncoder(), 4),
        "gfla-fashion, VGG-19": (GFLAConfig.fashion(), VGG19(), 1),
    }
    rows: list[tuple[str | float, ...]] = []
    for name, (config, network, size) in cases.items():
        network.to(device).freeze()
        objective = GFLAObjective(GFLALossesConfig("people-encoder"), config.build()).to(device)
        batch = random_batch(config, size).to(device)
        apart = Unshared(network, objective.generator.kernel_sizes).to(device)
        calls = {
            "apart": lambda o=objective, f=apart, b=batch: step(o, f, b),
            "shared": lambda o=objective, f=network, b=batch: step(o, f, b),
        }
        seconds = best_times(calls, repeats=REPEATS, device=device)
        apart_terms, shared_terms = calls["apart"](), calls["shared"]()
        difference = (apart_terms - shared_terms).abs().max().item()
        rows.append(
            (
                f"{name}, batch {size}",
                1e3 * seconds["apart"],
                1e3 * seconds["shared"],
                seconds["apart"] / seconds["shared"],
                f"{difference:.0e}",
            )
        )
    columns = ("recipe", "a pass per loss ms", "shared ms", "times faster", "difference of the terms")
    note = f"Best of {REPEATS}. Both players, forward and backward; random weights, optimisers left out."
    return [Table("A training step of GFLA's second stage, float32", columns, rows, note)]


def step(objective: GFLAObjective, features: FeatureNetwork, batch: Batch) -> Tensor:
    """The gradients of both players, as the loop makes them; returns the terms."""
    objective.features = features
    terms: list[Tensor] = []
    for turn in objective.steps(batch):
        parameters = [p for player in turn.players for p in objective.players[player].parameters()]
        torch.autograd.grad(torch.stack(list(turn.terms.values())).sum(), parameters, allow_unused=True)
        terms += [term.detach() for term in turn.terms.values()]
    return torch.stack(terms)


def random_batch(config: GFLAConfig, size: int) -> Batch:
    height, width = config.framing.size
    pictures = 2 * torch.rand(2, size, 3, height, width) - 1
    joints = len(SKELETONS[config.maps.skeleton])
    xy = torch.rand(2, size, joints, 2) * torch.tensor([width, height])
    seen = torch.ones(size, joints, dtype=torch.bool)
    poses = [Pose(xy[i], seen, config.framing.size) for i in range(2)]
    return Batch(pictures[0], pictures[1], poses[0], poses[1], ("",) * size)
