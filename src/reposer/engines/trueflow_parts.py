"""TrueFlow in three graphs: the body in a photo (once for a clip), where pixels come from, and the picture."""

from collections.abc import Mapping, Sequence
from dataclasses import fields

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from reposer.core import Generator, Pose
from reposer.generators.trueflow import TrueFlow
from reposer.generators.trueflow.geometry import Body, Geometry, GeometryNet, Match
from reposer.generators.trueflow.model import Repose

from .runtimes import Network

BODY = ("parts", "surface", "fine", "coarse", "code")
MADE = ("picture", "copied", "painted", "copy", "person", "background", "hole", "place")
assert tuple(field.name for field in fields(Body)) == BODY
assert tuple(field.name for field in fields(Repose))[: len(MADE)] == MADE
POSE = ("xy", "visible")

OWN, TARGET = tuple(f"own_{name}" for name in BODY), tuple(f"target_{name}" for name in BODY)
NAMES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "body": (("source", *POSE), BODY),
    "geometry": (("source", "own_xy", "own_visible", "target_xy", "target_visible", *OWN), (*TARGET, "match", "seen")),
    "compose": (("source", *OWN, *TARGET, "match", "seen"), MADE),
}
"""Inputs and outputs of each graph."""
NAMED: Mapping[str, int | None] = {"body": None, "geometry": 5, "compose": 1}
"""How many inputs the `forward` of each names before those of bodies."""


class BodyPart(nn.Module):
    def __init__(self, network: TrueFlow) -> None:
        super().__init__()
        self.network = network

    def pose(self, xy: Tensor, visible: Tensor) -> Pose:
        return Pose(xy, visible, self.network.framing.size, self.network.skeleton)

    def forward(self, source: Tensor, xy: Tensor, visible: Tensor) -> tuple[Tensor, ...]:
        return _of_body(self.network.geometry.body_of(source, self.pose(xy, visible)))


class GeometryPart(BodyPart):
    def forward(  # type: ignore[override]
        self, source: Tensor, xy: Tensor, visible: Tensor, target_xy: Tensor, target_visible: Tensor, *own: Tensor
    ) -> tuple[Tensor, ...]:
        poses = self.pose(xy, visible), self.pose(target_xy, target_visible)
        found = self.network.geometry(source, Body(*own), *poses)
        return *_of_body(found.target), found.match.place, found.match.visible


class ComposePart(BodyPart):
    def forward(self, source: Tensor, *found: Tensor) -> tuple[Tensor, ...]:
        n = len(BODY)
        match = _matched(*found[2 * n :])
        made = self.network.compose(source, Geometry(Body(*found[:n]), Body(*found[n : 2 * n]), match))
        return tuple(getattr(made, name) for name in MADE)


def parts(network: TrueFlow, inputs: Sequence[Tensor]) -> dict[str, tuple[nn.Module, tuple[Tensor, ...]]]:
    """Each graph's module with an example of its inputs. inputs: those of `graph.example_inputs`."""
    source, xy, visible, target_xy, target_visible = inputs
    with torch.no_grad():
        body, geometry = BodyPart(network), GeometryPart(network)
        own = _apart(body(source, xy, visible))
        rest = _apart(geometry(source, xy, visible, target_xy, target_visible, *own))
    return {
        "body": (body, (source, xy, visible)),
        "geometry": (geometry, (source, xy, visible, target_xy, target_visible, *own)),
        "compose": (ComposePart(network), (source, *own, *rest)),
    }


def _apart(tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """As a runtime gives them: a graph would ask for the layout of what they are views of."""
    return tuple(tensor.clone(memory_format=torch.contiguous_format) for tensor in tensors)


class RunGeometry(GeometryNet):
    """Bodies and geometry by the graphs."""

    def __init__(self, networks: Mapping[str, Network]) -> None:
        nn.Module.__init__(self)  # no weights of its own
        self._networks = networks

    def body_of(self, source: Float[Tensor, "B 3 H W"], pose: Pose) -> Body:
        return Body(*_run(self._networks, "body", (source, pose.xy, pose.visible)))

    def forward(self, source: Float[Tensor, "B 3 H W"], body: Body, source_pose: Pose, target_pose: Pose) -> Geometry:
        poses = source_pose.xy, source_pose.visible, target_pose.xy, target_pose.visible
        found = _run(self._networks, "geometry", (source, *poses, *_of_body(body)))
        return Geometry(body, Body(*found[: len(BODY)]), _matched(*found[len(BODY) :]))


class RunTrueFlow(TrueFlow):
    """TrueFlow by its graphs. Several photos of one person are put together in torch."""

    def __init__(self, network: TrueFlow, networks: Mapping[str, Network]) -> None:
        Generator.__init__(self)
        self.config, self.framing, self.skeleton = network.config, network.framing, network.skeleton
        self.geometry, self._networks = RunGeometry(networks), networks
        self.any_size = False  # the graphs are of one size
        self.in_torch = network

    def compose(
        self,
        source: Float[Tensor, "B 3 H W"],
        geometry: Geometry,
        others: Sequence[tuple[Float[Tensor, "B 3 H W"], Geometry, Bool[Tensor, "B"]]] = (),
    ) -> Repose:
        if others:
            return self.in_torch.compose(source, geometry, others)
        match = geometry.match.place, geometry.match.visible
        found = _run(
            self._networks, "compose", (source, *_of_body(geometry.source), *_of_body(geometry.target), *match)
        )
        picture, copied, painted, copy, person, background, hole, place = found
        return Repose(picture, copied, painted, copy, person, background, hole, place, geometry)


def _run(networks: Mapping[str, Network], part: str, tensors: Sequence[Tensor]) -> list[Tensor]:
    inputs = dict(zip(NAMES[part][0], tensors, strict=True))
    return [torch.from_numpy(array) for array in networks[part](inputs)]


def _of_body(body: Body) -> tuple[Tensor, ...]:
    return tuple(getattr(body, name) for name in BODY)


def _matched(place: Tensor, visible: Tensor) -> Match:
    """Without the scores, which only training reads: they would be most of what a graph gives."""
    none = place.new_zeros(place.shape[0], 0, 1)
    return Match(place, visible, none[..., :0], none)
