"""The memory layout changes no number."""

import pytest
import torch

from reposer.nn.layout import channels_last, joined

LAST = torch.channels_last


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("before", [torch.contiguous_format, LAST])
def test_channels_last_are_the_same_numbers_in_that_layout_and_the_gradient_comes_back(rows, before):
    x = torch.randn(rows, 5, 6, 4, dtype=torch.float64).contiguous(memory_format=before).requires_grad_()
    y = channels_last(x)
    assert torch.equal(y, x)
    assert y.is_contiguous(memory_format=LAST)
    slope = torch.randn_like(y)
    y.backward(slope)
    assert torch.equal(x.grad, slope)


def test_maps_of_any_layouts_are_joined_as_they_would_be_along_their_channels():
    maps = [torch.randn(2, n, 4, 6).contiguous(memory_format=f) for n, f in ((3, LAST), (1, torch.contiguous_format))]
    assert torch.equal(joined(*maps, maps[0][:, 1:]), torch.cat([*maps, maps[0][:, 1:]], 1))
    assert joined(*maps).is_contiguous(memory_format=LAST)
