import math

import pytest
import torch

from reposer.losses.adversarial import (
    GAN_TERMS,
    bce_fake,
    bce_real,
    hinge_fake,
    hinge_passed,
    hinge_real,
    lsgan_fake,
    lsgan_real,
)

SCORES = torch.tensor([-2.0, 0.0, 0.5, 3.0]).view(2, 1, 1, 2)


@pytest.mark.parametrize(
    ("term", "value"),
    [
        (lsgan_real, (9 + 1 + 0.25 + 4) / 4),
        (lsgan_fake, (4 + 0 + 0.25 + 9) / 4),
        (hinge_real, (3 + 1 + 0.5 + 0) / 4),
        (hinge_passed, -1.5 / 4),
        (hinge_fake, (0 + 1 + 1.5 + 4) / 4),
        (bce_real, sum(math.log(1 + math.exp(-s)) for s in (-2, 0, 0.5, 3)) / 4),
        (bce_fake, sum(math.log(1 + math.exp(s)) for s in (-2, 0, 0.5, 3)) / 4),
    ],
)
def test_a_term_has_its_closed_form_and_is_the_mean_of_its_rows(term, value):
    assert float(term(SCORES)) == pytest.approx(value)
    assert float((term(SCORES[:1]) + term(SCORES[1:])) / 2) == pytest.approx(value)


@pytest.mark.parametrize("gan", GAN_TERMS)
def test_a_discriminator_parts_real_from_generated_scores_and_its_generator_raises_its_own(gan):
    def downhill(term):
        score = torch.zeros(1, 1, 1, 1, requires_grad=True)
        return -float(torch.autograd.grad(term(score), score)[0])

    real, fake, passed = GAN_TERMS[gan]
    start = torch.full((), 0.5)  # between what least squares wants of the two
    assert downhill(lambda s: real(s + start)) > 0 > downhill(lambda s: fake(s + start))
    assert downhill(lambda s: passed(s + start)) > 0


@pytest.mark.parametrize("gan", ["cross-entropy", "hinge"])
def test_a_generator_still_learns_where_the_discriminator_is_sure_of_it(gan):
    score = torch.full((1, 1, 1, 1), -20.0, requires_grad=True)
    (gradient,) = torch.autograd.grad(GAN_TERMS[gan].passed(score), score)
    assert float(gradient) == pytest.approx(-1)
