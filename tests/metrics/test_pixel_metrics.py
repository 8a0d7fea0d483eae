"""PSNR, L1 and every form of SSIM are what their names say, to the last digits."""

import math

import numpy as np
import pytest
import torch
from skimage.data import astronaut
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from reposer.core import BadInput
from reposer.metrics import METRICS, Value


def random_pair(size, seed=0):
    a, b = np.random.default_rng(seed).integers(0, 256, (2, *size, 3), dtype=np.uint8)
    return torch.from_numpy(a), torch.from_numpy(b)


def real_pair(noise=12.0):
    """A photo and the same photo moved by two pixels and made noisy, with flat and clipped areas."""
    photo = astronaut()[:128, 150:246]
    moved = np.roll(photo, 2, axis=1) + np.random.default_rng(0).normal(0, noise, photo.shape)
    return torch.from_numpy(photo.copy()), torch.from_numpy(moved.clip(0, 255).astype(np.uint8))


def one(name, generated, target, mask=None):
    return METRICS[name]().update(generated[None], target[None], mask).item()


GAUSSIAN = {"gaussian_weights": True, "use_sample_covariance": False}
SCIKIT_FORMS = {
    "ssim-gaussian1.5": {**GAUSSIAN, "sigma": 1.5},
    "ssim-gaussian1.2": {**GAUSSIAN, "sigma": 1.2},
    "ssim-gaussian1.5-range": {**GAUSSIAN, "sigma": 1.5, "data_range": None},
    "ssim-gaussian1.2-range": {**GAUSSIAN, "sigma": 1.2, "data_range": None},
    "ssim-uniform51": {"win_size": 51},
    "ssim-uniform7": {},
}
every_form = pytest.mark.parametrize("name", SCIKIT_FORMS)


def scikit_ssim(name, generated, target):
    """The peers' own call; no `data_range` in the table is 255, None is what the generated picture spans."""
    options = {"data_range": 255, **SCIKIT_FORMS[name]}
    if options["data_range"] is None:
        options["data_range"] = int(generated.max()) - int(generated.min())
    return structural_similarity(target.numpy(), generated.numpy(), channel_axis=-1, **options)


@every_form
@pytest.mark.parametrize("size", [(51, 51), (64, 53)])
def test_ssim_is_that_of_scikit_image_on_random_pictures(name, size):
    a, b = random_pair(size)
    assert one(name, a, b) == pytest.approx(scikit_ssim(name, a, b), abs=1e-9)


@every_form
def test_ssim_is_that_of_scikit_image_on_a_photo(name):
    a, b = real_pair()
    a = (a // 2 + 20).contiguous()  # spans less than 255 levels, and less than the other
    assert 0.2 < scikit_ssim(name, a, b) < 0.95
    assert one(name, a, b) == pytest.approx(scikit_ssim(name, a, b), abs=1e-9)


def test_no_two_forms_of_ssim_agree():
    a, b = real_pair()
    values = sorted(one(name, a // 2, b) for name in (*SCIKIT_FORMS, "ssim-torchmetrics"))
    assert min(np.diff(values)) > 1e-4


def test_ssim_torchmetrics_is_that_of_torchmetrics():
    ssim = pytest.importorskip("torchmetrics.functional.image").structural_similarity_index_measure
    for a, b in (random_pair((24, 17)), real_pair()):
        both = [(p.movedim(-1, 0)[None].double() / 255) for p in (a, b)]
        assert one("ssim-torchmetrics", a, b) == pytest.approx(ssim(*both, data_range=1.0).item(), abs=1e-9)


@pytest.mark.parametrize("name", [n for n in METRICS if n.startswith("ssim")])
def test_ssim_is_the_same_whichever_way_the_picture_is_turned(name):
    a, b = random_pair((60, 52))
    mask = torch.rand(1, 1, 60, 52, generator=torch.Generator().manual_seed(0)) < 0.6
    turned = one(name, a.transpose(0, 1).flip(0), b.transpose(0, 1).flip(0), mask.transpose(2, 3).flip(2))
    assert turned == pytest.approx(one(name, a, b, mask), abs=1e-12)


MASKED_FORMS = {
    "ssim-uniform7-masked-source": ("ssim-uniform7", "pose-source"),
    "ssim-uniform7-masked-target": ("ssim-uniform7", "pose-target"),
    "ssim-gaussian1.5-range-masked-polygons": ("ssim-gaussian1.5-range", "polygons-target"),
}


@pytest.mark.parametrize("name", MASKED_FORMS)
def test_masked_ssim_is_the_plain_one_of_both_pictures_black_outside_the_mask(name):
    plain, mask_name = MASKED_FORMS[name]
    a, b = random_pair((40, 30))
    mask = torch.zeros(1, 1, 40, 30)
    mask[..., 10:25, 8:20] = 1
    black_a, black_b = (p * mask[0, 0, :, :, None].byte() for p in (a, b))
    assert METRICS[name].mask == mask_name
    assert one(name, a, b, mask) == pytest.approx(scikit_ssim(plain, black_a, black_b), abs=1e-9)
    assert one(name, a, b, mask) > one(plain, a, b)  # the black agrees everywhere
    assert one(name, a, b, torch.ones_like(mask)) == one(plain, a, b)


@pytest.mark.parametrize(("name", "side"), [("ssim-gaussian1.5", 11), ("ssim-uniform51", 51), ("ssim-torchmetrics", 6)])
def test_ssim_refuses_a_picture_smaller_than_its_window(name, side):
    one(name, *random_pair((side, 60)))
    with pytest.raises(BadInput, match=f"{side - 1}x60"):
        one(name, *random_pair((side - 1, 60)))


def test_a_generated_picture_of_one_level_spans_no_range_and_is_left_out():
    a, b = random_pair((20, 20))
    metric = METRICS["ssim-gaussian1.5-range"]()
    values = metric.update(torch.stack([torch.full_like(a, 7), a]), torch.stack([b, b]))
    assert math.isnan(values[0])
    assert metric.compute() == Value(values[1].item(), pairs=1, left_out=1)


def smooth(seed, size=(256, 176)):
    """A random smooth picture that fades to white at both sides, as a person before a white wall."""
    random = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, size[0] // 16, size[1] // 16, generator=random)
    picture = torch.nn.functional.interpolate(coarse, size, mode="bicubic", align_corners=False)[0]
    across = torch.linspace(0, math.pi, size[1]).sin().square()
    return (255 - across * 255 * picture.clamp(0, 1)).round().byte().movedim(0, -1).contiguous()


def padded(picture, left=40, right=40):
    """With white sides, as PATN's and DPTN's scripts put them on before scoring."""
    return torch.nn.functional.pad(picture, (0, 0, left, right), value=255)


def test_white_sides_add_exactly_ten_log_256_to_176_decibels():
    a, b = random_pair((256, 176))
    gain = one("psnr", padded(a), padded(b)) - one("psnr", a, b)
    assert gain == pytest.approx(10 * math.log10(256 / 176), abs=1e-9)


@pytest.mark.parametrize("name", ["ssim-gaussian1.5", "ssim-gaussian1.2", "ssim-gaussian1.5-range"])
def test_white_sides_turn_an_ssim_of_s_into_176_s_plus_80_over_256(name):
    a, b = smooth(0), smooth(1)
    plain = one(name, a, b)
    assert 0.3 < plain < 0.9
    assert one(name, padded(a), padded(b)) == pytest.approx((176 * plain + 80) / 256, abs=0.01)


def test_psnr_is_that_of_scikit_image():
    for a, b in (random_pair((9, 7)), real_pair()):
        expected = peak_signal_noise_ratio(b.numpy(), a.numpy(), data_range=255)
        assert one("psnr", a, b) == pytest.approx(expected, abs=1e-9)


def test_psnr_of_identical_pictures_is_infinite_and_left_out_of_the_mean():
    a, b = random_pair((16, 16))
    psnr = METRICS["psnr"]()
    both = psnr.update(torch.stack([a, a]), torch.stack([a, b]))
    assert both[0] == math.inf
    assert psnr.compute() == Value(both[1].item(), pairs=1, left_out=1)


def test_l1_of_black_against_white_is_one_and_a_grey_level_is_a_255th():
    black = torch.zeros(4, 5, 3, dtype=torch.uint8)
    assert one("l1", black, black + 255) == 1.0
    assert one("l1", black + 7, black + 8) == pytest.approx(1 / 255)


def test_the_peers_mean_absolute_error_is_relative_to_the_levels_of_both_pictures():
    a, b = random_pair((9, 7))
    x, y = a.numpy() / 255, b.numpy() / 255
    assert one("mae-gfla", a, b) == pytest.approx(np.abs(x - y).sum() / (x + y).sum(), abs=1e-12)
    assert math.isnan(one("mae-gfla", a * 0, b * 0))


def test_l1_of_the_limbs_sees_the_limbs_alone():
    target = torch.zeros(6, 6, 3, dtype=torch.uint8)
    generated = target.clone()
    generated[:3] = 255  # wrong above, right below
    above = torch.zeros(1, 1, 6, 6)
    above[:, :, :3] = 1
    assert one("l1-limbs", generated, target, above) == 1.0
    assert one("l1-limbs", generated, target, 1 - above) == 0.0
    assert one("l1-limbs", generated, target, torch.ones_like(above)) == one("l1", generated, target) == 0.5


def test_l1_of_a_picture_without_limbs_has_no_value_and_is_left_out():
    a, b = random_pair((8, 8))
    limbs = METRICS["l1-limbs"]()
    mask = torch.zeros(2, 1, 8, 8)
    mask[1] = 1
    values = limbs.update(torch.stack([a, a]), torch.stack([b, b]), mask)
    assert math.isnan(values[0])
    assert limbs.compute() == Value(values[1].item(), pairs=1, left_out=1)


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if metric.mask])
def test_a_target_without_any_joint_is_left_out_of_masked_metrics_and_counted(name):
    if METRICS[name].looks_through_a_network:
        pytest.skip("its network is the user's file; see test_set_metrics.py")
    a, b = (torch.randint(0, 256, (2, 40, 30, 3), dtype=torch.uint8) for _ in range(2))
    mask = torch.zeros(2, 1, 40, 30)
    mask[1, :, 5:30, 5:25] = 1
    metric = METRICS[name]()
    metric.update(a, b, mask)
    alone = METRICS[name]()
    alone.update(a[1:], b[1:], mask[1:])
    assert metric.compute() == Value(alone.compute().mean, 1, left_out=1)
