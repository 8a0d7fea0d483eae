"""FID, KID and Inception Score are the published formulas, written here in NumPy, of the same network's features."""

import hashlib
import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg
import torch

from reposer.core import BadInput
from reposer.metrics import METRICS
from reposer.metrics.fid import frechet_distance
from reposer.metrics.inception_score import inception_scores
from reposer.metrics.kid import polynomial_mmd
from reposer.metrics.picture_sets import InceptionMetric, Moments
from reposer.nn.picture_reader import FORMS
from tests.metrics.seeded_networks import opened, small_reader

FRECHET = [name for name in METRICS if name.startswith("fid")]
KERNEL = [name for name in METRICS if name.startswith("kid")]


def pictures(count, seed, size=(20, 16)):
    """Pictures of different brightness and colour, so that features scatter."""
    random = np.random.default_rng(seed)
    levels = random.uniform(20, 235, (count, 1, 1, 3)) + random.normal(0, 20, (count, *size, 3))
    return torch.from_numpy(levels.clip(0, 255).astype(np.uint8))


def features(seen):
    return small_reader()(seen).double().numpy()


def scored(name, generated, other):
    metric = opened(name)
    metric.update(generated, other if not metric.needs_reference else generated)
    if metric.needs_reference:
        metric.add_reference(other)
    return metric.compute()


def numpy_fid(x, y):
    product = np.cov(x, rowvar=False) @ np.cov(y, rowvar=False)
    root = scipy.linalg.sqrtm(product)
    traces = np.cov(x, rowvar=False).trace() + np.cov(y, rowvar=False).trace()
    return ((x.mean(0) - y.mean(0)) ** 2).sum() + traces - 2 * np.real(root).trace()


@pytest.mark.parametrize("name", FRECHET)
def test_fid_is_the_formula_with_a_matrix_root(name):
    generated, other = pictures(60, 0), pictures(60, 1)
    value = scored(name, generated, other)
    assert value.pairs == 60
    assert value.mean == pytest.approx(numpy_fid(features(generated), features(other)), rel=1e-8)


def test_fid_of_two_known_gaussians_is_the_closed_form():
    def gaussian(mean, deviations):
        return torch.tensor(mean, dtype=torch.float64), torch.diag(torch.tensor(deviations).double() ** 2)

    a, b = gaussian([0.0, 1.0, 2.0], [1.0, 2.0, 0.5]), gaussian([1.0, 1.0, 0.0], [3.0, 2.0, 0.0])
    # axes that both share: |m1 - m2|^2 + sum (s1 - s2)^2
    assert frechet_distance(*a, *b) == pytest.approx((1 + 4) + (4 + 0 + 0.25), abs=1e-12)
    assert frechet_distance(*a, *a) == pytest.approx(0, abs=1e-12)


def test_fid_does_not_change_when_both_sets_are_turned_and_moved_together():
    random = np.random.default_rng(0)
    turn, _ = np.linalg.qr(random.normal(size=(6, 6)))
    sets = [random.normal(size=(40, 6)) @ random.normal(size=(6, 6)) for _ in range(2)]

    def fid(x, y):
        found = []
        for rows in (x, y):
            moments = Moments(6)
            moments.add(torch.from_numpy(rows))
            found += [moments.mean(), moments.covariance()]
        return frechet_distance(*found)

    assert fid(*(s @ turn + 5 for s in sets)) == pytest.approx(fid(*sets), rel=1e-9)
    assert fid(*sets) == pytest.approx(fid(*sets[::-1]), rel=1e-9)
    assert fid(*(2 * s for s in sets)) == pytest.approx(4 * fid(*sets), rel=1e-9)


def test_fid_of_fewer_pictures_than_features_is_exact_too():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(5, 40)), random.normal(size=(7, 40))
    moments = [Moments(40), Moments(40)]
    for m, rows in zip(moments, (x, y), strict=True):
        m.add(torch.from_numpy(rows))
    a, b = ((m.mean(), m.covariance()) for m in moments)
    # tr (C1 C2)^(1/2) from the small side: singular values of the centred rows' product
    cx, cy = (x - x.mean(0)) / np.sqrt(4), (y - y.mean(0)) / np.sqrt(6)
    overlap = np.linalg.svd(cx @ cy.T, compute_uv=False).sum()
    traces = (cx**2).sum() + (cy**2).sum()
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum() + traces - 2 * overlap
    assert frechet_distance(*a, *b) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(*a, *a) == pytest.approx(0, abs=1e-9)


def test_what_fid_keeps_does_not_grow():
    few, many = opened("fid"), opened("fid")
    few.update(pictures(2, 0), pictures(2, 1))
    for seed in range(5):
        many.update(pictures(20, seed), pictures(20, seed + 9))
    sizes = [{name: tuple(t.shape) for name, t in m.state().items()} for m in (few, many)]
    assert sizes[0] == sizes[1]


def numpy_kid(x, y):
    """Bińkowski et al., equation 4, term by term."""
    n, m, d = len(x), len(y), x.shape[1]

    def k(a, b):
        return (a @ b / d + 1) ** 3

    within_x = sum(k(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    within_y = sum(k(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return within_x + within_y - 2 * sum(k(a, b) for a in x for b in y) / (n * m)


@pytest.mark.parametrize("name", KERNEL)
def test_kid_is_the_unbiased_estimate_written_term_by_term(name, monkeypatch):
    generated, other = pictures(12, 0), pictures(12, 1)
    expected = numpy_kid(features(generated), features(other))
    assert scored(name, generated, other).mean == pytest.approx(expected, rel=1e-9)
    monkeypatch.setattr("reposer.metrics.kid.BLOCK", 5)
    assert scored(name, generated, other).mean == pytest.approx(expected, rel=1e-9)


def test_kid_is_what_the_mean_over_random_subsets_tends_to():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(40, 5)), random.normal(0.6, 1, size=(50, 5))
    subsets = []
    for _ in range(150):
        chosen = x[random.choice(40, 20, replace=False)], y[random.choice(50, 20, replace=False)]
        subsets.append(polynomial_mmd(*map(torch.from_numpy, chosen)))
    whole = polynomial_mmd(torch.from_numpy(x), torch.from_numpy(y))
    assert whole == pytest.approx(np.mean(subsets), abs=4 * np.std(subsets) / np.sqrt(150))


def test_kid_of_sets_of_one_origin_scatters_around_zero():
    random = np.random.default_rng(0)
    values = [polynomial_mmd(*torch.from_numpy(random.normal(size=(2, 30, 4)))) for _ in range(100)]
    assert min(values) < 0 < max(values)
    assert abs(np.mean(values)) < 4 * np.std(values) / 10


def numpy_inception_score(logits, order, splits=10):
    """The published loop: exp of the mean Kullback-Leibler divergence of each run of files, then their mean."""
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    p = (exponentials / exponentials.sum(1, keepdims=True))[order]
    scores = []
    for i in range(splits):
        part = p[i * len(p) // splits : (i + 1) * len(p) // splits]
        divergence = part * (np.log(part) - np.log(part.mean(0, keepdims=True)))
        scores.append(np.exp(divergence.sum(1).mean()))
    return np.mean(scores)


@pytest.mark.parametrize(("name", "classes"), [("is", 1008), ("is-1000", 1000)])
def test_inception_score_is_the_published_loop_in_the_order_of_the_pictures_digests(name, classes):
    generated = pictures(37, 0)
    network = small_reader().network
    logits = features(generated) @ network.fc.weight.double().numpy().T  # no biases
    keys = [hashlib.sha256(repr(tuple(p.shape)).encode() + p.numpy().tobytes()).hexdigest() for p in generated]
    expected = numpy_inception_score(logits[:, :classes], np.argsort(keys))
    value = scored(name, generated, pictures(37, 1))
    assert value.mean == pytest.approx(expected, rel=1e-6) and value.pairs == 37
    assert value.mean > 1.01


def test_inception_score_is_one_if_all_look_alike_and_the_number_of_classes_if_each_is_sure_of_its_own():
    alike = torch.full((20, 5), 0.2, dtype=torch.float64)
    assert inception_scores(alike, 10) == [1.0] * 10
    sure = torch.eye(5, dtype=torch.float64).repeat(10, 1)
    assert inception_scores(sure, 10) == pytest.approx([5.0] * 10)


def test_inception_score_of_fewer_pictures_than_splits_has_no_value():
    value = scored("is", pictures(9, 0), pictures(9, 1))
    assert math.isnan(value.mean) and value.pairs == 9


MASKS_OF = {
    "is-masked-source": "pose-source",
    "is-masked-target": "pose-target",
    "is-masked-polygons": "polygons-target",
}


@pytest.mark.parametrize("name", list(MASKS_OF))
def test_masked_inception_score_is_that_of_pictures_black_outside_the_mask(name):
    generated = pictures(20, 0)
    mask = torch.zeros(20, 1, 20, 16)
    mask[..., 4:15, 3:9] = 1
    masked = opened(name)
    masked.update(generated, generated, mask)
    black = generated * mask[:, 0, :, :, None].byte()
    assert masked.compute() == scored("is", black, black)
    assert METRICS[name].mask == MASKS_OF[name]


def test_pictures_of_an_empty_mask_are_left_out_of_the_masked_inception_score_and_counted():
    generated = pictures(24, 0)
    mask = torch.zeros(24, 1, 20, 16)
    mask[:20, :, 4:15, 3:9] = 1
    whole, alone = opened("is-masked-target"), opened("is-masked-target")
    whole.update(generated, generated, mask)
    alone.update(generated[:20], generated[:20], mask[:20])
    assert whole.compute() == replace(alone.compute(), left_out=4)
    again = opened("is-masked-target")
    again.load_state(whole.state())
    again.merge(alone)
    assert (again.compute().pairs, again.compute().left_out) == (40, 4)


@pytest.mark.parametrize("name", [*FRECHET, *KERNEL])
def test_a_distance_looks_at_the_targets_or_at_the_reference_set_and_never_at_both(name):
    generated, target, reference = pictures(12, 0), pictures(12, 1), pictures(12, 2)
    metric, other = opened(name), opened(name)
    metric.update(generated, target)
    other.update(generated, reference)
    if metric.needs_reference:
        for m in (metric, other):
            m.add_reference(reference)
        assert metric.compute() == other.compute()
    else:
        assert metric.compute() != other.compute()
        with pytest.raises(AssertionError, match="targets"):
            metric.add_reference(reference)


def test_a_metric_without_its_reference_set_says_so():
    metric = opened("fid-train")
    metric.update(pictures(3, 0), pictures(3, 1))
    with pytest.raises(BadInput, match="fid-train compares with a reference set and was given 0"):
        metric.compute()


def test_one_picture_is_no_set():
    assert math.isnan(scored("fid", pictures(1, 0), pictures(1, 1)).mean)


def test_every_metric_through_inception_says_through_which_and_behind_which_input():
    edition = {name: FORMS[kind.form][0] for name, kind in METRICS.items() if issubclass(kind, InceptionMetric)}
    assert {name for name, e in edition.items() if e == "torchvision"} == {"fid-peers"}
    assert METRICS["fid-pytorch"].form == "pytorch-fid"
    assert {METRICS[name].form for name in edition if name not in ("fid-peers", "fid-pytorch")} == {"graph"}
