"""The semantic part: which pictures are asked for what, and that neither order nor batches play a part."""

import itertools
import math

import pytest
import torch

from reposer.core import BadInput, Pose
from reposer.estimators import AttributeReader, Embedder
from reposer.evaluation import PairBatch
from reposer.evaluation.suite import SUITE
from reposer.evaluation.suite.semantic.part import Semantic

SIZE = (6, 5)
POSE = Pose(torch.zeros(18, 2), torch.zeros(18, dtype=torch.bool), SIZE)


class ByColour(Embedder):
    """A picture's vector is its first pixel."""

    name, licence, subject = "by-colour", "none", "person"
    description = "by-colour, made up"

    def __init__(self):
        self.looked_at = 0

    def __call__(self, pictures, faces=None):
        self.looked_at += len(pictures)
        return torch.nn.functional.normalize(pictures[:, 0, 0].double() + 1, dim=1).float()


class ByPixels(AttributeReader):
    """How sure it is of attribute a is the level of pixel a of the last row."""

    name, licence, description = "by-pixels", "none", "by-pixels, made up"
    questions = tuple(f"part{a}: yes" for a in range(5))

    def __call__(self, pictures):
        return pictures[:, -1, :, 0] / 255


def a_picture(number):
    random = torch.Generator().manual_seed(number)
    return torch.randint(0, 256, (*SIZE, 3), generator=random, dtype=torch.uint8)


def people(identities=6, views=3):
    """All ordered pairs of the pictures of each identity; two identities wear one item."""
    rows = []
    for who in range(identities):
        for one, other in itertools.permutations(range(views), 2):
            rows.append(
                {
                    "name": f"{who}_{one}_to_{who}_{other}",
                    "source_name": f"{who}_{one}.jpg",
                    "target_name": f"{who}_{other}.jpg",
                    "item": f"item{who // 2}",
                    "variant": f"variant{who}",
                    "generated": a_picture(1000 + 100 * who + 10 * one + other),
                    "source": a_picture(10 * who + one),
                    "target": a_picture(10 * who + other),
                    "attributes": {f"part{who % 5}": "yes", "hat": "no"} if who else {},
                }
            )
    return rows


def batch_of(rows):
    texts = {
        plural: tuple(row[one] for row in rows)
        for plural, one in (
            ("names", "name"),
            ("source_names", "source_name"),
            ("target_names", "target_name"),
            ("items", "item"),
            ("identities", "variant"),
        )
    }
    pictures = {k: torch.stack([row[k] for row in rows]) for k in ("generated", "target", "source")}
    poses = Pose.stack([POSE] * len(rows))
    attributes = tuple(row["attributes"] for row in rows)
    return PairBatch(**texts, **pictures, target_pose=poses, source_pose=poses, attributes=attributes)


def scored(rows, batch=100, part=None):
    part = part or Semantic(ByColour(), ByPixels())
    for start in range(0, len(rows), batch):
        part.update(batch_of(rows[start : start + batch]))
    return part


def values(part):
    return {(f.metric, f.pictures): f for f in part.findings()}


@pytest.fixture(scope="module")
def whole():
    return values(scored(people()))


def slow_recall(rows, which, k, hidden, relevant, gallery_sets):
    """Straight from the definition, one pair after the other."""
    gallery = {row[f"{s}_name"]: row | {"shown": row[s]} for s in gallery_sets for row in rows}
    embed, recalls, hits = ByColour(), [], []
    for row in rows:
        query = embed(row[which][None])[0].double()
        near = {
            name: round(float(query @ embed(other["shown"][None])[0].double()), 6)
            for name, other in gallery.items()
            if name not in hidden(row)
        }
        first = sorted(near, key=lambda name: (-near[name], name))[:k]
        right = [name for name in near if relevant(row, gallery[name])]
        if right:
            recalls.append(sum(name in right for name in first) / len(right))
            hits.append(any(name in right for name in first))
    return sum(recalls) / len(recalls), sum(hits) / len(hits), len(recalls)


@pytest.mark.parametrize("which", ["generated", "target", "source"])
@pytest.mark.parametrize("gallery", ["source", "source-without-own", "all-real"])
def test_each_gallery_and_relevance_is_what_its_name_says(whole, which, gallery):
    rows = people()

    def hidden(row):
        itself = {row[f"{which}_name"]} if which != "generated" else set()
        return itself | ({row["source_name"]} if gallery == "source-without-own" else set())

    sets = ("source", "target") if gallery == "all-real" else ("source",)
    for relevance, keys in (("item", ["item"]), ("item+variant", ["item", "variant"])):
        recall, hit, covered = slow_recall(
            rows, which, 5, hidden, lambda a, b, keys=keys: all(a[k] == b[k] for k in keys), sets
        )
        found = whole[f"recall@5-{relevance}-{gallery}", which]
        assert found.value == pytest.approx(recall) and found.covered == covered and found.total == len(rows)
        assert found.low <= found.value <= found.high
        assert whole[f"hit@5-{relevance}-{gallery}", which].value == pytest.approx(hit)
        assert found.estimator == "by-colour, made up"


def test_neither_order_nor_batches_play_a_part():
    rows = people(3)
    expected = scored(rows).findings()
    for batch, order in ((1, rows[::-1]), (7, sorted(rows, key=lambda row: row["name"][::-1]))):
        assert same(scored(order, batch).findings(), expected)


def same(one, other):
    """Equal findings in equal order; a number that is not there equals itself."""
    return [repr(f) for f in one] == [repr(f) for f in other]


def test_a_run_that_goes_on_later_ends_the_same():
    rows = people(3)
    begun = scored(rows[:9])
    state = {key: tensor.clone() for key, tensor in begun.state().items()}
    later = Semantic(ByColour(), ByPixels())
    later.load_state(state)
    assert same(scored(rows[9:], part=later).findings(), scored(rows).findings())
    empty = Semantic(ByColour(), ByPixels())
    empty.load_state(Semantic(ByColour(), ByPixels()).state())
    assert empty.findings() == []


def test_a_real_picture_of_several_pairs_is_looked_at_once():
    embedder = ByColour()
    scored(people(2), 4, Semantic(embedder, None))
    assert embedder.looked_at == 12 + 6 + 6  # generated, targets, sources


def test_copies_of_the_sources_find_them_unless_they_are_left_out():
    rows = [row | {"generated": row["source"]} for row in people()]
    found = values(scored(rows))
    assert found["hit@1-item-source", "generated"].value == 1
    copied = found["recall@10-item-source-without-own", "generated"].value
    assert copied == found["recall@10-item-source", "source"].value < 1


def test_without_a_relevant_picture_a_pair_is_not_covered():
    lonely = [*people(3, views=2)[:-2], people(9, views=2)[-1]]  # one pair of its own item
    found = values(scored(lonely))
    for gallery, covered in (("source", 5), ("source-without-own", 4)):
        number = found[f"recall@1-item-{gallery}", "generated"]
        assert (number.covered, number.total) == (covered, 5)


def test_k_of_the_whole_gallery_is_absent_and_so_is_all_of_a_half_that_has_no_estimator():
    found = values(scored(people(2), part=Semantic(ByColour(), None)))
    assert {m for m, _ in found if m.endswith("-item-source")} == {
        f"{kind}@{k}-item-source" for kind in ("recall", "hit") for k in (1, 3, 5)
    }
    found = values(scored(people(2), part=Semantic(None, ByPixels())))
    assert {metric.split("@")[0].split("-")[0] for metric, _ in found} == {"attribute"}


def test_attribute_recall_tells_pictures_without_attributes_apart(whole):
    number = whole["attribute-recall@3", "generated"]
    counted = whole["attribute-recall@3-none-counts-1", "generated"]
    assert number.total == counted.total == 36
    assert number.covered == counted.covered == 30, "of the first identity nothing is known"
    rows = [row | {"attributes": {"hat": "yes"}} if row["variant"] == "variant5" else row for row in people()]
    found = values(scored(rows))
    number, counted = (found[f"attribute-recall@3{suffix}", "generated"] for suffix in ("", "-none-counts-1"))
    assert (number.covered, counted.covered) == (24, 30)
    assert counted.value == pytest.approx((24 * number.value + 6) / 30)


def test_numbers_of_classes_have_no_interval(whole):
    for metric in ("attribute-recall@3-mmfashion", "attribute-mean-average-precision"):
        for which in ("generated", "target", "source"):
            found = whole[metric, which]
            assert 0 < found.value <= 1 and math.isnan(found.low) and (found.covered, found.total) == (30, 36)


def test_one_name_for_two_pictures_is_refused():
    rows = people(2)
    rows[-1] = rows[-1] | {"source_name": rows[0]["source_name"]}
    with pytest.raises(BadInput, match=r"0_0\.jpg shows item0, variant0 in one pair and item0, variant1"):
        scored(rows)


def test_it_needs_an_estimator_and_names_them(tmp_path):
    with pytest.raises(BadInput, match=r"'person-embedder' \(.*resnet50-inshop.*resnet50-attributes"):
        SUITE["semantic"].open({}, None, "cpu")
    with pytest.raises(BadInput, match="resnet50-inshop"):
        SUITE["semantic"].open({"person-embedder": "resnet50-inshop"}, tmp_path, "cpu")
