"""Pairs with their truth: places, visibility and surfaces agree with each other."""

import pickle

import pytest
import torch

from reposer.cli import main
from reposer.core import BadInput, Batch
from reposer.synthetic.people import SyntheticPeople
from reposer.synthetic.people.true_pairs import TruePairs
from reposer.synthetic.people.true_views import CHUNK, VIEWS, render_first_view, render_views, write_views

SIZE = (256, 192)


@pytest.fixture(scope="module")
def pairs():
    return TruePairs(SIZE, "val", 2)


def apart_on_the_body(pair):
    """How far apart on the body at rest, in statures, lie what visible pixels show and what the source shows at their
    places."""
    truth = pair.truth
    x, y = ((truth.place - 0.5) / 2).round().long()
    h, w = truth.visible.shape
    x, y = x.clamp(0, w - 1), y.clamp(0, h - 1)
    both = truth.visible & (truth.source_parts[y, x] > 0)  # a pixel further may be the background
    assert both.sum() > 0.7 * truth.visible.sum()
    return (truth.source_surface[:, y, x] - truth.target_surface).norm(dim=0)[both]


@pytest.mark.slow
def test_visible_pixels_show_the_point_of_the_body_that_the_source_shows_at_their_place(pairs):
    for i in (1, 4, 6, 17, 22):
        apart = apart_on_the_body(pairs[i])
        assert apart.median() < 0.02 and apart.quantile(0.8) < 0.05


def test_a_view_paired_with_itself_flows_nowhere(pairs):
    truth = pairs[0].truth
    y, x = torch.meshgrid(torch.arange(SIZE[0] // 2), torch.arange(SIZE[1] // 2), indexing="ij")
    own = torch.stack([x, y]) * 2 + 0.5
    assert (truth.place - own)[:, truth.target_parts > 0].abs().max() < 1e-3
    assert torch.equal(truth.visible, truth.target_parts > 0)


def test_a_pair_is_a_function_of_its_number_and_seed(pairs):
    one, two, other = pairs.sample(1, 5), pairs.sample(1, 5), pairs.sample(1, 6)
    assert torch.equal(one.source, two.source) and torch.equal(one.truth.place, two.truth.place)
    assert not torch.equal(one.source, other.source)


@pytest.mark.slow
def test_hard_pairs_keep_the_truth_true(pairs):
    """Moved, scaled and mirrored, each picture on its own."""
    for seed in range(8):
        apart = apart_on_the_body(pairs.sample(22, seed))
        assert apart.median() < 0.025 and apart.quantile(0.8) < 0.06


def test_batches_carry_the_truth_only_where_every_row_has_it(pairs):
    from dataclasses import replace

    rows = [pairs[1], pairs[2]]
    assert Batch.stack(rows).truth.place.shape == (2, 2, 128, 96)
    assert Batch.stack([rows[0], replace(rows[1], truth=None)]).truth is None
    assert Batch.stack(rows).swap().truth is None


def test_pairs_that_need_not_resemble_photographs_are_as_rendered(pairs):
    plain = TruePairs(SIZE, "val", 2, photographs=False)
    same = {pairs.picture_names(i): i for i in range(len(pairs))}
    for i in (0, plain.pairs_each + 6):
        k = same[plain.picture_names(i)]
        assert torch.equal(plain.sample(i, 3).source, pairs[k].source)
        assert not torch.equal(pairs.sample(k, 3).source, pairs[k].source)
    assert plain.bytes_to_keep < pairs.bytes_to_keep


def test_pairs_as_rendered_are_all_of_two_different_pictures(pairs):
    plain = TruePairs(SIZE, "val", 2, photographs=False)
    named = [plain.picture_names(i) for i in range(len(plain))]
    assert len(plain) == 2 * VIEWS * (VIEWS - 1) and len({*named}) == len(named)
    assert {*named} == {pair for i in range(len(pairs)) if len({*(pair := pairs.picture_names(i))}) == 2}
    assert plain.identity(0) != plain.identity(plain.pairs_each)


@pytest.mark.slow
def test_views_on_disk_are_the_ones_rendered_on_the_spot(tmp_path):
    write_views(tmp_path / "views", size=(64, 48), num_train=1, workers=1, progress=False)
    read, rendered = TruePairs((64, 48), "train", 100, root=tmp_path / "views"), TruePairs((64, 48), "train", 3)
    assert len(read) == CHUNK * VIEWS**2
    for i in (1, 2 * read.pairs_each + 7):
        a, b = read[i], rendered[i]
        assert torch.equal(a.source, b.source) and torch.equal(a.target, b.target)
        assert torch.equal(a.truth.place, b.truth.place) and torch.equal(a.truth.visible, b.truth.visible)
    with pytest.raises(BadInput, match="64x48"):
        TruePairs(SIZE, "train", 1, root=tmp_path / "views")
    with pytest.raises(BadInput, match="reposer data views"):
        TruePairs((64, 48), "val", 1, root=tmp_path / "views")


def test_a_person_in_the_background_is_the_one_of_all_views():
    people = SyntheticPeople((64, 48), "val", 2)
    number = people.identity_number(1)
    whole, first = render_views(people, number), render_first_view(people, number)
    assert torch.equal(first["person"], whole["person"][:1]) and torch.equal(first["backdrop"], whole["backdrop"])


def test_as_many_people_are_kept_as_fit_and_pairs_do_not_depend_on_it():
    pairs, without = TruePairs((64, 48), "val", 5), TruePairs((64, 48), "val", 5)
    without._kept.most = without._behind.most = 0
    addresses = [(person * VIEWS**2 + 6, 3 + turn) for turn in range(2) for person in range(5)]
    for i, seed in addresses:
        a, b = pairs.sample(i, seed), without.sample(i, seed)
        assert torch.equal(a.source, b.source) and torch.equal(a.target, b.target)
    assert set(pairs._kept._people) == set(range(5)) and len(without._kept._people) == 1
    kept = sum(t.nbytes for store in (pairs._kept, pairs._behind) for p in store._people.values() for t in p.values())
    assert kept == pairs._kept._bytes + pairs._behind._bytes <= 1.01 * pairs.bytes_to_keep
    assert len(pickle.loads(pickle.dumps(pairs))._kept._people) == 0


def test_odd_sides_and_nobody_are_refused(tmp_path, capsys):
    with pytest.raises(BadInput, match="even sides"):
        write_views(tmp_path / "views", size=(65, 48), num_train=1)
    assert main(["data", "views", str(tmp_path / "views"), "--people", "0"]) == 2
    assert "No people were asked for" in capsys.readouterr().err
