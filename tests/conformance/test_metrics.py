"""Every metric: a value depends on the pairs alone, not on who counted them, in which order or batches."""

import pytest
import torch

from reposer.metrics import METRICS


def pairs(count=7, size=(24, 16)):
    random = torch.Generator().manual_seed(0)
    target = torch.randint(0, 256, (count, *size, 3), generator=random, dtype=torch.uint8)
    noise = torch.randint(-40, 41, target.shape, generator=random)
    generated = (target.int() + noise).clamp(0, 255).to(torch.uint8)
    mask = (torch.rand(count, 1, *size, generator=random) < 0.3).float()
    return generated, target, mask


def scored(name, rows, batch_size):
    metric = METRICS[name]()
    for chunk in rows.split(batch_size):
        metric.update(*(tensor[chunk] for tensor in pairs()))
    return metric


@pytest.mark.parametrize("name", METRICS)
def test_batch_size_and_order_do_not_matter(name):
    forwards = scored(name, torch.arange(7), 7).compute()
    for batch_size in (1, 3):
        assert scored(name, torch.arange(7), batch_size).compute() == forwards
        assert scored(name, torch.arange(7).flip(0), batch_size).compute() == forwards


@pytest.mark.parametrize("name", METRICS)
def test_two_counters_merged_are_one(name):
    first, second = scored(name, torch.arange(4), 2), scored(name, torch.arange(4, 7), 3)
    first.merge(second)
    assert first.compute() == scored(name, torch.arange(7), 7).compute()


@pytest.mark.parametrize("name", METRICS)
def test_identical_pictures_have_the_best_value(name):
    generated, target, mask = pairs()
    exact, worse = METRICS[name](), METRICS[name]()
    exact.update(target, target, mask)
    worse.update(generated, target, mask)
    assert exact.compute().mean == pytest.approx(METRICS[name].best, abs=1e-12)
    better = exact.compute().mean - worse.compute().mean
    assert better > 0 if METRICS[name].higher_is_better else better < 0


@pytest.mark.parametrize("name", METRICS)
def test_the_name_it_is_registered_under_is_the_name_it_has(name):
    assert METRICS[name].name == name
