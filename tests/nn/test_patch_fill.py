"""Holes in backgrounds are filled with what lies around, shifted as it is."""

import pytest
import torch

from reposer.nn.patch_fill import patched

SIZE = (64, 96)
RECTANGLE = slice(20, 50), slice(38, 56)


def shown(picture, found, hole, tone=True):
    """The picture with its hole filled."""
    h, w = hole.shape
    y, x = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
    copied = picture[:, y + found.offset[1], x + found.offset[0]]
    return torch.where(found.fits & hole, copied + (found.tone if tone else 0), picture)


def hole_of(where=RECTANGLE):
    hole = torch.zeros(SIZE, dtype=torch.bool)
    hole[where] = True
    return hole


def texture():
    """A pattern of 8 by 12 pixels that repeats."""
    tile = torch.rand(3, 8, 12, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return tile.repeat(1, 8, 8)


def test_a_pattern_that_repeats_is_continued_exactly_and_always_alike():
    truth, hole = texture(), hole_of()
    hidden = torch.where(hole, 1.0, truth)
    found = patched(hidden, hole, ~hole)
    assert found.fits[hole].all()
    assert torch.equal(shown(hidden, found, hole, tone=False), truth)
    again = patched(hidden, hole, ~hole)
    assert all(torch.equal(a, b) for a, b in zip(found, again, strict=True))


def test_only_what_may_be_copied_is_and_nothing_moves_outside_of_the_hole():
    hole = hole_of()
    keep = ~hole
    keep[:, 70:] = False
    found = patched(torch.where(hole, 1.0, texture()), hole, keep)
    y, x = torch.meshgrid(*(torch.arange(n) for n in SIZE), indexing="ij")
    assert found.fits.any() and not found.fits[~hole].any()
    assert keep[(y + found.offset[1])[found.fits], (x + found.offset[0])[found.fits]].all()
    assert not found.offset[:, ~hole].any() and not found.tone[:, ~hole].any()


def test_shading_that_runs_through_the_hole_is_continued_without_steps():
    y, x = torch.meshgrid(*(torch.linspace(-0.5, 0.5, n) for n in SIZE), indexing="ij")
    truth, hole = torch.stack([x, y, x + y]) * 0.8, hole_of()
    hidden = torch.where(hole, 1.0, truth)
    found = patched(hidden, hole, ~hole)
    assert (shown(hidden, found, hole) - truth).abs().max() < 0.05


@pytest.mark.slow
def test_what_cannot_be_filled_colours_nothing_around_it():
    hole = hole_of((slice(10, 54), slice(20, 76)))
    keep = ~hole
    keep[:, 20:] = False  # nothing leads from the hole's right side to what may be copied, so that some of it is left
    truth = torch.full((3, *SIZE), -0.2)
    found = [patched(torch.where(hole, colour, truth), hole, keep) for colour in (0.0, 0.2)]
    assert found[0].fits.any() and not found[0].fits[hole].all()
    for one in found:
        assert one.tone.abs().max() < 1e-4


def test_a_hole_that_nothing_fits_stays_without_tone():
    hole, keep = torch.zeros(64, 96, dtype=torch.bool), torch.zeros(64, 96, dtype=torch.bool)
    hole[0, 0], keep[50:57, 80:87] = True, True
    found = patched(texture(), hole, keep)
    assert found is None or found.tone.abs().max() < 2


def test_the_middle_of_a_wide_hole_is_filled_too():
    hole = hole_of((slice(4, 60), slice(26, 70)))
    found = patched(torch.where(hole, 1.0, texture()), hole, ~hole)
    assert found.fits[hole].float().mean() > 0.97


def test_where_nothing_may_be_copied_nothing_is_found():
    hole = hole_of((slice(0, 64), slice(2, 96)))
    assert patched(texture(), hole, ~hole) is None
    assert patched(texture(), hole_of((slice(0, 0), slice(0, 0))), torch.ones(SIZE, dtype=torch.bool)) is None
