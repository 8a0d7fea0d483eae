"""Garment designs: no design is worn in two splits, and a pattern belongs to its cloth."""

import itertools
from typing import get_args

import numpy as np
import pytest

from reposer.synthetic.people.identity import sample_identity
from reposer.synthetic.people.wardrobe.clothes import LOGOS, Legwear, Plain, Print, Shoe, Top, Waist
from reposer.synthetic.people.wardrobe.designs import design_split, sample_until
from reposer.synthetic.people.wardrobe.lettering import GLYPHS, bitmap, invented_word
from reposer.synthetic.people.wardrobe.patterns import PATTERNS, Cloth, Weave

SPLITS = ("train", "val", "test")


def person(number, split=None):
    return sample_identity(number, np.random.default_rng(number), split)


def points(count=3000, seed=0):
    low, high = (-0.25, -0.06, -1.0), (0.25, 0.33, 1.0)
    return np.random.default_rng(seed).uniform(low, high, (count, 3)).astype(np.float32)


def materials(who):
    o = who.outfit
    out = [o.top, o.sleeve_cloth, o.lower_cloth, o.lower_look, o.shoe, who.face, who.hair.look]
    return out + [m for m in (o.jacket, o.jacket_cloth, who.hair.hat_look) if m is not None]


@pytest.mark.slow
def test_no_design_is_worn_in_two_splits():
    worn = {
        split: {d for n in range(500) for d in person(n + 1000 * k, split).outfit.designs}
        for k, split in enumerate(SPLITS)
    }
    for a, b in itertools.combinations(SPLITS, 2):
        assert not worn[a] & worn[b]
    for split, designs in worn.items():
        assert {design_split(d) for d in designs} == {split}
        assert len(designs) > 250


def test_a_design_belongs_to_the_same_split_on_every_machine():
    keys = [("top", "tee", "short", "crew", "plain", "red", "none", str(k)) for k in range(12)]
    assert "".join(design_split(k)[1] for k in keys) == "rrrrrrrrrrra"
    shares = np.array([design_split((str(k),)) for k in range(5000)])
    assert (shares == "train").mean() == pytest.approx(0.9, abs=0.015)
    assert (shares == "test").mean() == pytest.approx(0.05, abs=0.01)


def test_designs_that_cannot_be_found_are_an_error_that_says_so():
    key = next(d for d in person(0).outfit.designs)
    other = next(s for s in SPLITS if s != design_split(key))
    with pytest.raises(RuntimeError, match="too few"):
        sample_until(lambda: key, other)


@pytest.mark.parametrize("split", [None, *SPLITS])
def test_a_stream_decides_the_person(split):
    for n in range(40):
        assert person(n, split) == person(n, split)
    assert person(1, split) != person(2, split)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_depends_on_surface_coordinates_only(pattern):
    cloth = Cloth(pattern, (0.9, 0.2, 0.1), (0.1, 0.1, 0.5), (0.9, 0.9, 0.2), period=0.03, phase=0.3)
    q = points()
    whole = cloth.colour(q)
    order = np.random.default_rng(1).permutation(len(q))
    assert np.array_equal(cloth.colour(q[order]), whole[order])
    assert np.array_equal(cloth.colour(q[7:8])[0], whole[7])
    assert whole.dtype == np.float32 and whole.min() >= 0 and whole.max() <= 1
    assert (np.ptp(whole, axis=0).max() > 0.1) == (pattern != "plain")


@pytest.mark.parametrize("weave", get_args(Weave))
def test_a_weave_changes_brightness_but_little(weave):
    cloth = Cloth("plain", (0.5, 0.4, 0.3), (0, 0, 0), (0, 0, 0), weave=weave)
    ratio = cloth.colour(points()) / np.array((0.5, 0.4, 0.3), np.float32)
    assert ratio.min() > 0.4 and ratio.max() < 1.25
    assert 0.8 < ratio.mean() < 1.1


def test_every_material_of_a_person_depends_on_surface_coordinates_only():
    q = points(800)
    order = np.random.default_rng(1).permutation(len(q))
    before = q.copy()
    for n in range(60):
        for material in materials(person(n)):
            whole = material.colour(q)
            assert whole.shape == (len(q), 3) and np.isfinite(whole).all()
            assert whole.min() >= 0 and whole.max() <= 1
            assert np.array_equal(material.colour(q[order]), whole[order])
    assert np.array_equal(q, before)


@pytest.mark.parametrize("logo", LOGOS)
def test_a_print_is_on_the_front_only(logo):
    cloth = Cloth("plain", (0.1, 0.1, 0.1), (0, 0, 0), (0, 0, 0))
    q = points(20_000)
    plain, printed = Top(cloth).colour(q), Top(cloth, printed=Print(logo)).colour(q)
    changed = (plain != printed).any(1)
    assert changed.any() and (np.abs(q[changed, 2]) < 0.5).all()


def test_letters_read_from_left_to_right_and_a_number_on_the_back_too():
    grid = bitmap("L")
    assert grid[1, 1:6].sum() == 5 and grid[7, 1:6].sum() == 1 and grid[7, 1] == 1
    cloth = Cloth("plain", (0, 0, 0), (0, 0, 0), (0, 0, 0))
    top = Top(cloth, printed=Print(lines=("L",), back="L", size=0.05))
    x, y = np.meshgrid(np.linspace(-0.05, 0.05, 81), np.linspace(0.17, 0.24, 71))
    front = np.stack([x, y, x / 0.34], -1).reshape(-1, 3)
    ink = top.colour(front).reshape(71, 81, 3)[..., 0]
    assert ink[:, :40].sum() > 1.5 * ink[:, 41:].sum()  # the stem of the L is at the viewer's left
    angle = np.sign(x) * (1 - np.abs(x) / 0.34)
    back = np.stack([x, y, angle], -1).reshape(-1, 3)
    ink = top.colour(back).reshape(71, 81, 3)[..., 0]
    assert ink[:, 41:].sum() > 1.5 * ink[:, :40].sum()  # seen from behind, left is the person's left: +x


def test_invented_words_can_be_printed():
    stream = np.random.default_rng(0)
    words = [invented_word(stream) for _ in range(500)]
    assert all(3 <= len(w) <= 8 and set(w) <= set(GLYPHS) for w in words)
    assert len(set(words)) > 400


def test_a_belt_is_round_the_hips_and_not_round_a_leg():
    cloth = Cloth("plain", (0.3, 0.4, 0.6), (0, 0, 0), (0, 0, 0))
    leather = (0.8, 0.1, 0.1)
    q = points()
    high = q[:, 1] > 0.10
    hips = Legwear(cloth, belt=Waist(belt=leather)).colour(q[high])
    assert (np.abs(hips - np.array(leather, np.float32)).max(1) < 1e-6).mean() > 0.6
    assert not (np.abs(Legwear(cloth).colour(q) - np.array(leather, np.float32)).max(1) < 1e-6).any()


def test_a_shoe_has_its_sole_below():
    shoe = Shoe((0.2, 0.3, 0.4), (1.0, 1.0, 1.0))
    q = np.array([[0.0, 0.02, 1.0], [0.0, 0.02, 0.0]], np.float32)
    below, above = shoe.colour(q)
    assert below.min() == 1.0 and above.max() < 0.5
    assert Plain((0.1, 0.2, 0.3)).colour(q).shape == (2, 3)
