"""What tensors take at a time, without their numbers."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from reposer.core.memory import NotCounted
from reposer.nn import live_bytes
from reposer.nn.live_bytes import META, LiveBytes, bytes_at_peak, without_numbers

KILO = 250  # numbers of four bytes


def test_a_tensor_counts_while_it_lives_and_a_view_of_it_does_not():
    def work():
        x = torch.zeros(KILO, device=META)
        y = x.view(10, 25).mT + 1
        del x
        z = y * 2
        del y
        return z + z

    assert bytes_at_peak(work) == 2000


def test_what_autograd_keeps_for_the_backward_pass_counts():
    weight = torch.zeros(KILO, device=META, requires_grad=True)

    def work(depth):
        x = weight
        for _ in range(depth):
            x = x.sin()
        x.sum().backward()

    shallow, deep = (bytes_at_peak(lambda depth=depth: work(depth)) for depth in (3, 13))
    assert deep - shallow == pytest.approx(10_000, abs=100)


def test_a_network_takes_as_much_as_its_tensors_have_numbers():
    network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1)).to(META)
    with torch.no_grad():
        peaks = [bytes_at_peak(lambda rows=rows: network(torch.zeros(rows, 3, 16, 16, device=META))) for rows in (1, 4)]
    assert peaks[1] == 4 * peaks[0]
    assert 4 * 16 * 16 * (3 + 8 + 8) <= peaks[0] <= 4 * 16 * 16 * (3 + 8 + 8 + 1)


def test_what_is_kept_of_shapes_changes_no_count(monkeypatch):
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.GroupNorm(2, 8), nn.ReLU(inplace=True), nn.Conv2d(8, 6, 3)).to(META)

    def work():
        x = torch.zeros(2, 3, 16, 16, device=META, requires_grad=True)
        left, right = network(x).chunk(2, dim=1)
        (left.permute(0, 2, 3, 1) * right.permute(0, 2, 3, 1) + torch.arange(3.0)).add_(1).amax((1, 2)).sum().backward()

    monkeypatch.setattr(live_bytes, "_RESULTS", {})
    first = bytes_at_peak(work)
    assert live_bytes._RESULTS and bytes_at_peak(work) == first
    monkeypatch.setattr(live_bytes, "_key", lambda value: None)  # nothing is kept
    assert bytes_at_peak(work) == first


def test_questions_about_numbers_are_answered_and_seeds_stay_real():
    with LiveBytes():
        x = torch.ones(3, 4, device=META)
        assert x.isfinite().all() and float(x.sum()) == 1.0 and torch.equal(x, x)
        seeds = without_numbers((torch.arange(3), x))[0]
        assert seeds.to(x.device).tolist() == [0, 1, 2] and seeds.float().dtype == torch.float32
        assert (x + torch.tensor([1.0, 2.0, 3.0, 4.0])).is_meta
        assert (x > 0).dtype == torch.bool and F.one_hot(torch.tensor([1, 0])).tolist() == [[0, 1], [1, 0]]


def test_a_mask_picks_all_places_unless_its_numbers_are_real():
    with LiveBytes():
        x = torch.ones(3, 4, device=META)
        assert x[x > 0].shape == (12,) and x[x[:, 0] > 0].shape == (3, 4)
        assert x[torch.tensor([True, False, True])].shape == (2, 4)


def test_code_that_needs_the_numbers_themselves_is_not_counted():
    with pytest.raises(NotCounted, match="asks for numbers"):
        bytes_at_peak(lambda: torch.zeros(3, device=META).tolist())
