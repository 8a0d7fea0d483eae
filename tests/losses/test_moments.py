import pytest
import torch

from reposer.losses.moments import gaussian_distance


def features(mean, deviation, places=400, seed=0):
    """(1, C, 20, 20) whose channels have exactly this mean and deviation and no correlation."""
    random = torch.Generator().manual_seed(seed)
    x = torch.randn(len(mean), places, generator=random, dtype=torch.float64)
    x = x - x.mean(1, keepdim=True)
    x = torch.linalg.inv(torch.linalg.cholesky(x @ x.mT / places)) @ x
    x = x * torch.tensor(deviation).double()[:, None] + torch.tensor(mean).double()[:, None]
    return x.view(1, len(mean), 20, -1)


def test_the_distance_of_two_gaussians_without_correlation_is_that_of_their_means_and_deviations():
    a, b = features([0, 1, 2], [1, 2, 3]), features([0, 3, 1], [2, 2, 0.5], seed=1)
    assert gaussian_distance(a, b).item() == pytest.approx((0 + 4 + 1) + (1 + 0 + 6.25))


def test_the_distance_does_not_change_when_both_are_turned():
    a, b = features([0, 1, 2], [1, 2, 3]), features([0, 3, 1], [2, 2, 0.5], seed=1)
    turn = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64)).Q
    turned = [torch.einsum("ij,bjhw->bihw", turn, x) for x in (a, b)]
    assert gaussian_distance(*turned).item() == pytest.approx(gaussian_distance(a, b).item())


def test_rows_are_compared_each_with_its_own_and_weigh_alike():
    a, b = features([0, 1], [1, 2]), features([1, 1], [2, 2], seed=1)
    both, mixed = gaussian_distance(torch.cat([a, b]), torch.cat([b, b])), gaussian_distance(a, b)
    assert both.item() == pytest.approx(mixed.item() / 2)


def test_places_do_not_matter_and_fewer_places_than_channels_are_no_trouble():
    random = torch.Generator().manual_seed(0)
    a = torch.rand(2, 32, 3, 2, generator=random)
    assert gaussian_distance(a, a.flip(-1)).item() == pytest.approx(0, abs=1e-4)
    a.requires_grad_(True)
    for other in (a.detach(), torch.rand(2, 32, 3, 2, generator=random), torch.zeros(2, 32, 3, 2)):
        (gradient,) = torch.autograd.grad(gaussian_distance(a, other), a)
        assert gradient.isfinite().all()


def test_its_gradient_is_the_slope():
    a, b = features([0, 1, 2], [1, 2, 3], 40), features([0, 3, 1], [2, 2, 0.5], 40, seed=1)
    assert torch.autograd.gradcheck(lambda x: gaussian_distance(x, b), a.requires_grad_(True))
