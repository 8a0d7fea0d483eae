import math

import pytest
import torch

from reposer.losses.adversarial import bce_fake, bce_real, hinge_fake, hinge_real, lsgan_fake, lsgan_real

SCORES = torch.tensor([-2.0, 0.0, 0.5, 3.0]).view(2, 1, 1, 2)


@pytest.mark.parametrize(
    ("term", "value"),
    [
        (lsgan_real, (9 + 1 + 0.25 + 4) / 4),
        (lsgan_fake, (4 + 0 + 0.25 + 9) / 4),
        (hinge_real, (3 + 1 + 0.5 + 0) / 4),
        (hinge_fake, (0 + 1 + 1.5 + 4) / 4),
        (bce_real, sum(math.log(1 + math.exp(-s)) for s in (-2, 0, 0.5, 3)) / 4),
        (bce_fake, sum(math.log(1 + math.exp(s)) for s in (-2, 0, 0.5, 3)) / 4),
    ],
)
def test_a_term_has_its_closed_form_and_is_the_mean_of_its_rows(term, value):
    assert float(term(SCORES)) == pytest.approx(value)
    assert float((term(SCORES[:1]) + term(SCORES[1:])) / 2) == pytest.approx(value)
