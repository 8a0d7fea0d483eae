"""One photo of a person against two: synthetic people of the split val, whose third view is generated from one or two
others."""

import torch

from reposer.core import Generator, Pose
from reposer.core.images import from_uint8
from reposer.generators import load
from reposer.synthetic.people import SyntheticPeople
from reposer.synthetic.people.true_views import VIEWS, render_views

from .measure import Table

MODEL = "trueflow"
PEOPLE = 10
VIEW_TRIPLES = ((0, 1, 2), (1, 2, 3), (2, 3, 0), (3, 0, 1), (1, 0, 3), (3, 2, 1))
"""First photo, second photo, target."""


def run(device: torch.device) -> list[Table]:
    generator = load(MODEL).to(device)
    one, two = scores(generator, PEOPLE, device)
    difference = two - one
    error = float(difference.std() / len(difference) ** 0.5)
    rows = [("one photo", float(one.mean())), ("two photos", float(two.mean()))]
    note = (
        f"{len(one)} pairs of {PEOPLE} people; difference {float(difference.mean()):+.4f} (standard error "
        f"{error:.4f}); two are better in "
        f"{float((difference < 0).float().mean()):.0%}, at worst {float(difference.max()):+.4f}"
    )
    return [Table(f"{MODEL}: L1 of the person's pixels", ("sources", "L1"), list(rows), note)]


def scores(generator: Generator, people: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """L1 in the target's person, in [0, 1], of each pair: from one photo, and from two."""
    size = generator.framing.size
    rendered = SyntheticPeople(size, "val", people)
    found = []
    for i in range(people):
        views = render_views(rendered, rendered.identity_number(i))
        assert len(views["xy"]) == VIEWS
        cover = views["person"][..., 3:].float() / 255
        pictures = views["person"][..., :3].float() + (1 - cover) * views["backdrop"].float()
        pictures = from_uint8(pictures.round().to(torch.uint8)).to(device)
        pose = Pose(views["xy"], views["found"], size).to(device)
        for a, b, t in VIEW_TRIPLES:
            both = Pose(pose.xy[None, [a, b]], pose.visible[None, [a, b]], size)
            for source, own in ((pictures[a : a + 1], pose[a : a + 1]), (pictures[None, [a, b]], both)):
                generated = generator.generate(source, own, pose[t : t + 1])
                error = (generated[0] - pictures[t]).abs().mean(0) / 2
                weight = cover[t, ..., 0].to(device)
                found.append(float((error * weight).sum() / weight.sum()))
    return torch.tensor(found[::2]), torch.tensor(found[1::2])
