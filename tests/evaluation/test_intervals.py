"""Intervals of a sum divided by a sum: pairs are sampled, not joints."""

import math

import pytest
import torch

from reposer.evaluation.intervals import bootstrap_interval, ratios


def sampled(count, seed=0):
    random = torch.Generator().manual_seed(seed)
    below = torch.randint(5, 19, (count, 1), generator=random).double()
    return (below * torch.rand(count, 1, generator=random)).floor(), below


def test_a_mean_over_pairs_has_the_interval_of_a_mean():
    values = torch.randn(200, 1, generator=torch.Generator().manual_seed(1)).double() + 3
    value, low, high = (t.item() for t in ratios(values, torch.ones_like(values)))
    plain = bootstrap_interval(values[:, 0].tolist())
    assert value == pytest.approx(values.mean().item())
    assert (low, high) == pytest.approx(plain, abs=0.02)


def test_the_interval_of_a_ratio_is_as_wide_as_the_delta_method_says():
    above, below = sampled(400)
    value, low, high = (t.item() for t in ratios(above, below))
    residual = (above - value * below) / below.mean()
    width = 2 * 1.96 * residual.std().item() / math.sqrt(400)
    assert high - low == pytest.approx(width, rel=0.1)
    assert low < value < high


def test_a_pair_with_nothing_in_both_sums_changes_no_value():
    above, below = sampled(30)
    more = [torch.cat([t, torch.zeros(5, 1).double()]) for t in (above, below)]
    assert ratios(*more)[0].item() == pytest.approx(ratios(above, below)[0].item())


def test_numbers_do_not_disturb_each_other_and_one_without_a_sum_below_is_nan():
    above, below = sampled(20)
    nothing = torch.zeros_like(above)
    together = ratios(torch.cat([above, above], 1), torch.cat([below, nothing], 1))
    alone = ratios(above, below)
    assert [t[0].item() for t in together] == pytest.approx([t.item() for t in alone])
    assert all(math.isnan(t[1].item()) for t in together)


def test_equal_pairs_have_no_width():
    above, below = torch.full((6, 1), 3.0).double(), torch.full((6, 1), 4.0).double()
    assert [t.item() for t in ratios(above, below)] == pytest.approx([0.75] * 3)
