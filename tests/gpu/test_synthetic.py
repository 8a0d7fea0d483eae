"""Synthetic people rendered on a CUDA device are those rendered on the CPU."""

import pytest
import torch

from reposer.synthetic.people import SyntheticPeople

pytestmark = pytest.mark.gpu


def test_people_rendered_on_the_device_are_those_of_the_cpu(device):
    people = SyntheticPeople((128, 88))
    views = [(n, view) for n in range(4) for view in range(2)]
    here, there = people.rendered(views), people.rendered(views, device)
    assert there.picture.device.type == "cuda"
    picture = there.picture.cpu().float()
    assert (picture - here.picture.float()).abs().mean() < 0.2
    assert (there.parts.cpu() != here.parts).float().mean() < 1e-3
    agree = there.mask.cpu() & here.mask
    assert (there.depth.cpu() - here.depth)[agree].abs().median() < 1e-4
    torch.testing.assert_close(there.detected.xy.cpu(), here.detected.xy, atol=1e-2, rtol=0)
    flow, visible = there.flow(0, 1)
    true_flow, truly_visible = here.flow(0, 1)
    assert (visible.cpu() != truly_visible).float().mean() < 5e-3
    both = visible.cpu() & truly_visible
    assert (flow.cpu() - true_flow)[:, both].abs().median() < 1e-2
