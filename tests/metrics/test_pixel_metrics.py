"""PSNR, SSIM and L1 are what their names say, to the last digits."""

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


def scikit_ssim(a, b):
    return structural_similarity(
        a.numpy(), b.numpy(), data_range=255, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False, channel_axis=-1,
    )  # fmt: skip


@pytest.mark.parametrize("size", [(11, 11), (32, 17), (64, 48)])
def test_ssim_is_that_of_scikit_image_on_random_pictures(size):
    a, b = random_pair(size)
    assert one("ssim-gaussian1.5", a, b) == pytest.approx(scikit_ssim(a, b), abs=1e-9)


def test_ssim_is_that_of_scikit_image_on_a_photo():
    a, b = real_pair()
    assert 0.2 < scikit_ssim(a, b) < 0.95
    assert one("ssim-gaussian1.5", a, b) == pytest.approx(scikit_ssim(a, b), abs=1e-9)


def test_ssim_refuses_a_picture_smaller_than_its_window():
    a, b = random_pair((10, 40))
    with pytest.raises(BadInput, match="10x40"):
        one("ssim-gaussian1.5", a, b)


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
