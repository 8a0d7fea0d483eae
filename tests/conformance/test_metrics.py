"""Every metric: a value depends on the pairs alone, not on who counted them, in which order or batches."""

import math
from functools import cache

import pytest
import torch

from reposer.metrics import METRICS
from tests.metrics.seeded_networks import opened

COUNT = 11  # more than the splits of the Inception Score
every = pytest.mark.parametrize("name", METRICS)


@cache
def pairs(size=(52, 51)):
    random = torch.Generator().manual_seed(0)
    target = torch.randint(0, 256, (COUNT, *size, 3), generator=random, dtype=torch.uint8)
    noise = torch.randint(-40, 41, target.shape, generator=random)
    generated = (target.int() + noise).clamp(0, 255).to(torch.uint8)
    mask = (torch.rand(COUNT, 1, *size, generator=random) < 0.3).float()
    return generated, target, mask


def empty(name):
    """A metric that has seen no pairs; one with a reference set has seen that."""
    metric = opened(name)
    if metric.needs_reference:
        metric.add_reference(pairs()[1].flip(2))
    return metric


def add(metric, rows, batch_size):
    for chunk in rows.split(batch_size):
        values = metric.update(*(tensor[chunk] for tensor in pairs()))
        assert values is None or values.shape == chunk.shape
    return metric


def close(value, expected):
    """Sums in another order round differently; a mean over pairs is exact."""
    assert value.pairs == expected.pairs and value.left_out == expected.left_out
    assert value.mean == pytest.approx(expected.mean, rel=1e-9, abs=1e-9)
    assert math.isfinite(value.mean)


@every
def test_batch_size_and_order_do_not_matter(name):
    everything = torch.arange(COUNT)
    forwards = add(empty(name), everything, 4).compute()
    backwards = add(empty(name), everything.flip(0), 1).compute()
    close(backwards, forwards)
    close(add(empty(name), everything, COUNT).compute(), forwards)


@every
def test_a_pair_has_the_same_value_alone_as_in_a_batch(name):
    together, alone = opened(name), opened(name)
    values = together.update(*(tensor[:3] for tensor in pairs()))
    if values is not None:
        each = [alone.update(*(tensor[i : i + 1] for tensor in pairs())).item() for i in range(3)]
        assert values.tolist() == each


@every
def test_two_counters_merged_are_one(name):
    everything = torch.arange(COUNT)
    first, second = add(empty(name), everything[:6], 4), add(opened(name), everything[6:], 3)
    first.merge(second)
    close(first.compute(), add(empty(name), everything, COUNT).compute())


@every
def test_a_run_that_goes_on_from_a_saved_state_ends_as_one_that_was_never_broken(name, tmp_path):
    everything = torch.arange(COUNT)
    torch.save(add(empty(name), everything[:5], 5).state(), tmp_path / "state.pt")
    resumed = opened(name)
    resumed.load_state(torch.load(tmp_path / "state.pt", weights_only=True))
    unbroken = add(add(empty(name), everything[:5], 5), everything[5:], 3)
    assert add(resumed, everything[5:], 3).compute() == unbroken.compute()


@every
def test_the_state_of_a_metric_that_has_seen_nothing_is_a_state(name):
    fresh = opened(name)
    fresh.load_state(empty(name).state())
    assert fresh.compute().pairs == 0


@pytest.mark.parametrize("name", [n for n in METRICS if not math.isnan(METRICS[n].best)])
def test_identical_pictures_have_the_best_value(name):
    generated, target, mask = pairs()
    exact, worse = opened(name), opened(name)
    for metric in (exact, worse):
        if metric.needs_reference:
            metric.add_reference(target)
    exact.update(target, target, mask)
    worse.update(generated, target, mask)
    assert exact.compute().mean == pytest.approx(METRICS[name].best, abs=1e-8)
    better = exact.compute().mean - worse.compute().mean
    assert better > 0 if METRICS[name].higher_is_better else better < 0


@every
def test_the_name_it_is_registered_under_is_the_name_it_has(name):
    assert METRICS[name].name == name


@every
def test_a_metric_names_the_network_that_it_looks_through(name):
    assert bool(opened(name).network) == METRICS[name].looks_through_a_network
