"""Adversarial terms on a discriminator's scores."""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def lsgan_real(scores: Float[Tensor, "B C h w"]) -> Float[Tensor, ""]:
    """Least squares GAN (Mao et al. 2017): mean (score - 1)^2, for pictures that should pass as real."""
    return (scores - 1).square().mean()


def lsgan_fake(scores: Float[Tensor, "B C h w"]) -> Float[Tensor, ""]:
    """Least squares GAN: mean score^2, for pictures that should be recognised as generated."""
    return scores.square().mean()


def hinge_real(scores: Float[Tensor, "B C h w"]) -> Float[Tensor, ""]:
    """Hinge loss of a discriminator on real pictures: mean max(0, 1 - score)."""
    return F.relu(1 - scores).mean()


def hinge_fake(scores: Float[Tensor, "B C h w"]) -> Float[Tensor, ""]:
    """Hinge loss of a discriminator on generated pictures: mean max(0, 1 + score)."""
    return F.relu(1 + scores).mean()


def bce_real(logits: Float[Tensor, "B ..."]) -> Float[Tensor, ""]:
    """The first GAN (Goodfellow et al. 2014): mean -log sigmoid(logit), for pictures that should pass as real."""
    return F.softplus(-logits).mean()


def bce_fake(logits: Float[Tensor, "B ..."]) -> Float[Tensor, ""]:
    """The first GAN: mean -log(1 - sigmoid(logit)), for pictures that should be recognised as generated."""
    return F.softplus(logits).mean()


def hinge_passed(scores: Float[Tensor, "B C h w"]) -> Float[Tensor, ""]:
    """The generator's loss that goes with the hinge loss: mean -score (Lim and Ye 2017)."""
    return -scores.mean()


class GANTerms(NamedTuple):
    """The terms of one form: a discriminator's on real and on generated pictures, and its generator's (`passed`)."""

    real: Callable[[Tensor], Tensor]
    fake: Callable[[Tensor], Tensor]
    passed: Callable[[Tensor], Tensor]


GAN = Literal["least-squares", "cross-entropy", "hinge"]
"""Form of the adversarial terms: least squares (LSGAN); the logarithms of the first GAN, with the generator's form that
does not vanish where the discriminator wins; or the hinge loss."""

GAN_TERMS: Mapping[GAN, GANTerms] = {
    "least-squares": GANTerms(lsgan_real, lsgan_fake, lsgan_real),
    "cross-entropy": GANTerms(bce_real, bce_fake, bce_real),
    "hinge": GANTerms(hinge_real, hinge_fake, hinge_passed),
}
