"""Pixel metrics on real frames: scikit-image's values, and what white sides do to them."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

from tests.metrics.test_pixel_metrics import SCIKIT_FORMS, one, padded, scikit_ssim


@pytest.fixture
def frames(real_data):
    """Frames of one clip, 256x176, and the frames after them."""
    files = sorted((real_data / "people_mini" / "test").glob("*.jpg"))[:4]
    pictures = [torch.from_numpy(np.array(Image.open(file).convert("RGB"))) for file in files]
    return list(zip(pictures[1:], pictures[:-1], strict=True))


@pytest.mark.parametrize("name", SCIKIT_FORMS)
def test_ssim_of_real_frames_is_that_of_scikit_image(name, frames):
    for a, b in frames:
        assert one(name, a, b) == pytest.approx(scikit_ssim(name, a, b), abs=1e-9)


def test_white_sides_give_real_frames_the_same_decibels_and_a_better_ssim(frames):
    for a, b in frames:
        gain = one("psnr", padded(a), padded(b)) - one("psnr", a, b)
        assert gain == pytest.approx(10 * math.log10(256 / 176), abs=1e-9)
        plain, white = one("ssim-gaussian1.5", a, b), one("ssim-gaussian1.5", padded(a), padded(b))
        # windows over both parts are at best 1 (a white wall) and about as good as the picture (any other)
        assert (186 * plain + 60) / 246 - 0.02 < white < (176 * plain + 80) / 256 + 0.01
