import pytest
import torch
import torch.nn.functional as F

from reposer.nn.instance_norm import InstanceNorm, instance_norm


@pytest.mark.parametrize("size", [(12, 8), (40, 32)])
@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_it_and_its_gradients_are_those_of_group_norm_with_a_group_per_channel(size, affine, layout):
    torch.manual_seed(0)
    x, gradient = (3 * torch.randn(2, 2, 6, *size, dtype=torch.float64) + 1).unbind()
    weight, bias = torch.randn(2, 6, dtype=torch.float64).unbind() if affine else (None, None)
    found = []
    for norm in (instance_norm, lambda x, w, b: F.group_norm(x, 6, w, b)):
        inputs = [None if t is None else t.clone().requires_grad_() for t in (x, weight, bias)]
        entering = inputs[0].contiguous(memory_format=layout)
        y = norm(entering, *inputs[1:])
        assert y.is_contiguous(memory_format=layout)
        y = F.relu(y, inplace=True)
        y.backward(gradient)
        found.append([y.detach(), *(t.grad for t in inputs if t is not None)])
    for ours, theirs in zip(*found, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_what_only_generates_has_the_bits_of_torchs_norm_and_the_gradient_is_right_by_differences():
    torch.manual_seed(0)
    x = torch.randn(2, 5, 4, 3, dtype=torch.float64).contiguous(memory_format=torch.channels_last)
    layer = InstanceNorm(5, affine=True).double()
    with torch.no_grad():
        assert torch.equal(layer(x), F.group_norm(x, 5, layer.weight, layer.bias))
    assert torch.autograd.gradcheck(
        lambda x: instance_norm(x.contiguous(memory_format=torch.channels_last)), x.requires_grad_()
    )


def test_its_second_gradient_is_right_by_differences():
    torch.manual_seed(0)
    x = (2 * torch.randn(2, 3, 4, 3, dtype=torch.float64) + 1).requires_grad_()
    assert torch.autograd.gradgradcheck(
        lambda x: instance_norm(x.contiguous(memory_format=torch.channels_last)).sin(), x
    )


def test_autocast_rounds_neither_mean_nor_deviation_of_a_float32_input():
    torch.manual_seed(0)
    values, gradient = torch.randn(2, 2, 4, 12, 8).unbind()
    found = []
    for dtype, autocast in ((torch.float32, True), (torch.float64, False)):
        x = (values + 100).to(dtype).requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            y = instance_norm(x.contiguous(memory_format=torch.channels_last))
            (slope,) = torch.autograd.grad(y, x, gradient.to(dtype))
        assert y.dtype == dtype
        found.append((y.detach().double(), slope.double()))
    for ours, exact in zip(*found, strict=True):
        assert (ours - exact).abs().max() < 1e-3
