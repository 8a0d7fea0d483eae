"""Retrieval, attribute recall and DeepFashion's names, beside slow restatements and known answers."""

import math

import pytest
import torch

from reposer.data.pairs import name_identity
from reposer.evaluation.suite.semantic.attributes import (
    class_recall,
    mean_average_precision,
    picture_recall,
    surest,
    true_answers,
)
from reposer.evaluation.suite.semantic.names import FashionName, fashion_name
from reposer.evaluation.suite.semantic.retrieval import DEPTHS, Pictures, depths, retrieve


def pictures(count, dims=3, seed=0, items=7, prefix="p"):
    """Vectors on a coarse grid: ties abound."""
    random = torch.Generator().manual_seed(seed)
    vectors = torch.randint(-1, 2, (count, dims), generator=random).float() + 0.25
    item = torch.randint(items, (count,), generator=random).tolist()
    names = [f"{prefix}{n}" for n in torch.randperm(count, generator=random).tolist()]
    return Pictures(
        tuple(names),
        tuple(f"item{i}" for i in item),
        tuple(f"v{i % 2}" for i in range(count)),
        vectors / vectors.norm(dim=1, keepdim=True),
    )


def slow(queries, gallery, left_out, same):
    """One query after the other, with Python's own sorting."""
    for q in range(len(queries.names)):
        shown = [g for g in range(len(gallery.names)) if gallery.names[g] not in left_out[q]]
        cosines = {g: round(float(queries.vectors[q].double() @ gallery.vectors[g].double()), 6) for g in shown}
        ranked = sorted(shown, key=lambda g: (-cosines[g], gallery.names[g]))
        relevant = [g for g in shown if same(q, g)]
        for k in (k for k in DEPTHS if k < len(gallery.names)):
            hits = sum(g in relevant for g in ranked[:k])
            yield (hits / len(relevant), float(hits > 0)) if relevant else (math.nan, math.nan)


@pytest.mark.parametrize("relevance", ["item", "item+variant"])
def test_retrieval_is_that_of_a_slow_loop_with_ties_and_pictures_left_out(relevance):
    queries, gallery = pictures(20, seed=1, prefix="q"), pictures(60, seed=2)
    left_out = [{gallery.names[q], gallery.names[-q], "nobody"} if q % 3 else set() for q in range(20)]
    recalls, hits = retrieve(queries, gallery, left_out)[relevance]

    def same(q, g):
        colour = relevance == "item" or queries.variants[q] == gallery.variants[g]
        return queries.items[q] == gallery.items[g] and colour

    expected = torch.tensor(list(slow(queries, gallery, left_out, same)), dtype=torch.float64)
    assert recalls.shape == (20, 7)
    torch.testing.assert_close(recalls.flatten(), expected[:, 0], equal_nan=True)
    torch.testing.assert_close(hits.flatten(), expected[:, 1], equal_nan=True)


def test_the_order_of_the_gallery_plays_no_part_and_blocks_of_queries_none(monkeypatch):
    queries, gallery = pictures(9, seed=3, prefix="q"), pictures(40, seed=4)
    nothing = [set()] * 9
    whole = retrieve(queries, gallery, nothing)["item"]
    turned = Pictures(gallery.names[::-1], gallery.items[::-1], gallery.variants[::-1], gallery.vectors.flip(0))
    torch.testing.assert_close(retrieve(queries, turned, nothing)["item"], whole, equal_nan=True, rtol=0, atol=0)
    monkeypatch.setattr("reposer.evaluation.suite.semantic.retrieval.QUERIES_AT_ONCE", 2)
    torch.testing.assert_close(retrieve(queries, gallery, nothing)["item"], whole, equal_nan=True, rtol=0, atol=0)


def test_rounding_decides_no_tie():
    """Two pictures that are one to the eye: the first by name comes first, whichever got the better last bit."""
    query = Pictures(("q",), ("a",), ("v",), torch.tensor([[1.0, 0.0]]))
    for better in (0, 1):
        vectors = torch.tensor([[0.8, 0.6], [0.8, 0.6]])
        vectors[better, 0] += 1e-7
        gallery = Pictures(("right", "wrong"), ("a", "b"), ("v", "v"), vectors)
        assert retrieve(query, gallery, [set()])["item"][0].tolist() == [[1.0]]


def test_recall_counts_all_relevant_pictures_and_hit_any():
    query = Pictures(("q",), ("a",), ("v",), torch.tensor([[1.0, 0.0]]))
    angles = torch.arange(5) * 0.2
    gallery = Pictures(
        tuple("abcde"), ("b", "a", "b", "a", "b"), ("v",) * 5, torch.stack([angles.cos(), angles.sin()], 1)
    )
    assert depths(gallery) == (1, 3)
    recalls, hits = retrieve(query, gallery, [set()])["item"]
    assert recalls.tolist() == [[0.0, 0.5]] and hits.tolist() == [[0.0, 1.0]]
    recalls, hits = retrieve(query, gallery, [{"b"}])["item"]
    assert recalls.tolist() == [[0.0, 1.0]], "what is left out is not counted as missing"


QUESTIONS = ("sleeves: long", "sleeves: short", "print: yes", "belt: yes")


def test_a_question_is_true_where_the_pair_gives_this_answer():
    told = [{"sleeves": "long", "belt": "no"}, {}, {"print": "yes", "hat": "yes"}]
    assert true_answers(told, QUESTIONS).tolist() == [
        [True, False, False, False],
        [False] * 4,
        [False, False, True, False],
    ]
    assert true_answers([], QUESTIONS).shape == (0, 4)


def random_scores(count, classes, seed=0):
    random = torch.Generator().manual_seed(seed)
    scores = torch.randint(0, 5, (count, classes), generator=random) / 4  # with ties
    return scores, torch.rand(count, classes, generator=random) < 0.3


def test_picture_recall_is_that_of_a_slow_loop():
    scores, truth = random_scores(12, 9)
    truth[:, 4] = False  # never true: it plays no part
    truth[3] = False  # nothing to recall
    names = [f"a{n}: yes" for n in (5, 3, 8, 1, 0, 2, 7, 6, 4)]
    kept = [a for a in range(9) if truth[:, a].any()]
    for depth in (1, 3, 5):
        for row, value in enumerate(picture_recall(scores, truth, names, depth).tolist()):
            ranked = sorted(kept, key=lambda a: (-scores[row, a].item(), names[a]))[:depth]
            true = [a for a in kept if truth[row, a]]
            if true:
                assert value == pytest.approx(sum(a in ranked for a in true) / len(true))
            else:
                assert math.isnan(value)


def test_class_recall_is_the_mean_of_the_best_fifty_classes():
    scores, truth = random_scores(15, 70, seed=1)
    names = [f"a{n:02}: yes" for n in range(70)]
    top = surest(scores, names, 5)
    assert top.sum(1).tolist() == [5] * 15
    recalls = [
        sum(bool(top[i, a]) for i in range(15) if truth[i, a]) / int(truth[:, a].sum())
        for a in range(70)
        if truth[:, a].any()
    ]
    expected = sum(sorted(recalls)[-50:]) / 50
    assert len(recalls) > 50 and class_recall(scores, truth, names, 5) == pytest.approx(expected)


def test_mean_average_precision_is_that_of_a_slow_loop():
    scores, truth = random_scores(11, 6, seed=2)
    truth[:, 2] = False
    values = []
    for a in (0, 1, 3, 4, 5):
        ranked = sorted(range(11), key=lambda i: (-scores[i, a].item(), i))
        right = [truth[i, a].item() for i in ranked]
        values.append(sum(sum(right[: r + 1]) / (r + 1) for r in range(11) if right[r]) / sum(right))
    assert mean_average_precision(scores, truth) == pytest.approx(sum(values) / 5)


def test_names_say_item_and_variant():
    name = "fashionWOMENTees_Tanksid0000762401_7additional.jpg"
    assert fashion_name(name) == FashionName("id_00007624", "01")
    assert fashion_name("fashionMENDenimid0000018202_4full.jpg") == FashionName("id_00000182", "02")
    for other in ("0002_c1s1_000451_03.jpg", "fashionWOMENDressesid00007624_1front.jpg", "person1_3.png"):
        assert fashion_name(other) is None


def test_the_published_list_has_930_items_and_a_variant_is_an_identity(real_data):
    lines = (real_data / "annotations" / "fashion" / "test.lst").read_text().split()
    names = [fashion_name(line) for line in lines]
    assert len(names) == 4038 and None not in names
    assert len({name.item for name in names}) == 930
    pairs = {(name_identity(line), name.item, name.variant) for line, name in zip(lines, names, strict=True)}
    identities, variants = {pair[0] for pair in pairs}, {pair[1:] for pair in pairs}
    assert len(pairs) == len(identities) == len(variants)
