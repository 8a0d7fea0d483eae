import torch
from torch import nn

from reposer.nn.gathered_norm import GatheredBatchNorm


def test_it_is_batch_norm_in_training_and_row_by_row_in_eval_mode():
    torch.manual_seed(0)
    ours, theirs = GatheredBatchNorm(3).double(), nn.BatchNorm2d(3).double()
    x = torch.randn(4, 3, 50, 40, dtype=torch.float64) * 2 + 1
    for _ in range(3):
        assert torch.allclose(ours(x), theirs(x))
    assert torch.allclose(ours.mean, theirs.running_mean)
    assert torch.allclose(ours.variance, theirs.running_var, rtol=1e-3)  # they divide by n - 1
    before = ours.mean.clone()
    ours.eval()
    assert torch.allclose(ours(x)[1:2], ours(x[1:2]))
    assert torch.equal(ours.mean, before)


def test_its_gradient_is_that_of_batch_norm():
    torch.manual_seed(0)
    x, gradient = torch.randn(2, 4, 3, 5, 6, dtype=torch.float64)
    found = []
    for layer in (GatheredBatchNorm(3).double(), nn.BatchNorm2d(3).double()):
        entering = x.clone().requires_grad_()
        layer(entering).backward(gradient)
        found.append((entering.grad, layer.weight.grad, layer.bias.grad))
    for ours, theirs in zip(*found, strict=True):
        assert torch.allclose(ours, theirs)
