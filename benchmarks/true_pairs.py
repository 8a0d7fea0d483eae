"""The shipped TrueFlow against the truth of synthetic people that it never saw: pairs of the split val at 256x192.

End-point error where the source shows the pixel, in pixels of the picture; IoU of those pixels and of the person; L1 of
the person's pixels in [0, 1]; PSNR of the whole picture, the mean over pairs.
"""

import torch
from torch import Tensor

from reposer.core import Batch
from reposer.core.truth import Truth
from reposer.generators import load
from reposer.generators.trueflow import TrueFlow
from reposer.generators.trueflow.model import Repose
from reposer.synthetic.people.true_pairs import TruePairs
from reposer.synthetic.people.true_views import VIEWS

from .measure import Table

MODEL = "trueflow"
PEOPLE = 4


def run(device: torch.device) -> list[Table]:
    generator = load(MODEL).to(device)
    assert isinstance(generator, TrueFlow)
    data = TruePairs(generator.framing.size, "val", PEOPLE)
    rows = []
    for i in range(len(data)):
        if i // VIEWS % VIEWS != i % VIEWS:
            batch = Batch.stack([data[i]]).to(device)
            assert batch.truth is not None
            with torch.no_grad():
                made = generator(batch.source, batch.source_pose, batch.target_pose)
            rows.append(_scores(made, batch, batch.truth))
    scores = torch.stack(rows).double()
    wrong, shown, seen_both, seen_any, person_both, person_any = scores[:, :6].sum(0)
    l1, l1_copied, psnr = scores[:, 6:].mean(0)
    table = [
        ("end-point error of visible pixels (px)", float(wrong / shown)),
        ("IoU of the visible pixels", float(seen_both / seen_any)),
        ("IoU of the person", float(person_both / person_any)),
        ("L1 of the person's pixels", float(l1)),
        ("L1 of the person's pixels, copying the source", float(l1_copied)),
        ("PSNR (dB)", float(psnr)),
    ]
    note = f"{len(rows)} pairs of {PEOPLE} people: all pairs of different views of each"
    return [Table(f"{MODEL}: synthetic people of the split val", ("measure", "value"), list(table), note)]


def _scores(made: Repose, batch: Batch, truth: Truth) -> Tensor:
    """Of one pair: sum of end-point errors and their number, both areas' overlap and union, both L1, PSNR."""
    person = truth.target_parts > 0
    shown, seen = truth.visible & person, (made.geometry.match.visible[:, 0] > 0) & person
    error = (made.geometry.match.place - truth.place).norm(dim=1)
    whole, cover = truth.target_coverage > 0.5, made.person > 0.5
    picture = made.picture.clamp(-1, 1)

    def l1(generated: Tensor) -> Tensor:
        far = (generated - batch.target).abs().mean(1, keepdim=True) / 2
        return (far * truth.target_coverage).sum() / truth.target_coverage.sum()

    psnr = -10 * ((picture - batch.target) / 2).square().mean().log10()
    sums = [error[shown].sum(), shown.sum(), (shown & seen).sum(), (shown | seen).sum()]
    sums += [(whole & cover).sum(), (whole | cover).sum(), l1(picture), l1(batch.source), psnr]
    return torch.stack([value.float() for value in sums]).cpu()
