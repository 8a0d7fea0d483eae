"""The largest value around each pixel."""

import pytest
import torch
import torch.nn.functional as F

from reposer.nn.windows import narrowest, widest


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (3, 2), (20, 31)])
@pytest.mark.parametrize("radius", [0, 1, 2, 3, 4, 6])
def test_it_is_what_pooling_finds(size, radius):
    values = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(radius))
    pooled = F.max_pool2d(values, 2 * radius + 1, 1, radius)
    assert torch.equal(widest(values, radius), pooled)
    assert torch.equal(narrowest(-values, radius), -pooled)
    assert torch.equal(widest(values[0, 0], radius), pooled[0, 0])
