"""Winograd's products, and columns times rows, are the convolution; so are their gradients."""

import pytest
import torch

from reposer.core import Pose, Skeleton
from reposer.nn import bumps, winograd
from reposer.nn.maps import heatmaps
from reposer.nn.same_conv import SameConv

CONV2D = torch.nn.Conv2d.forward


def layer(*arguments, dtype=torch.float64, **options):
    torch.manual_seed(0)
    return SameConv(*arguments, **options).to(dtype, memory_format=torch.channels_last)


def both_ways(conv, x):
    """(what the layer computes in training, what torch does): the result, and the gradients of x and the parameters."""
    gradient = torch.randn(len(x), conv.out_channels, *x.shape[2:], dtype=x.dtype)
    found = []
    for forward in (conv.forward, lambda x: CONV2D(conv, x)):
        entering = x.clone(memory_format=torch.preserve_format).requires_grad_()
        conv.zero_grad()
        y = forward(entering)
        y.backward(gradient)
        slope = torch.zeros_like(x) if entering.grad is None else entering.grad
        found.append([y.detach(), slope, *(p.grad for p in conv.parameters())])
    return zip(*found, strict=True)


def counted(monkeypatch, module, name):
    calls = []
    own = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *a: calls.append(1) or own(*a))
    return calls


@pytest.mark.parametrize("padding", ["reflect", "zeros"])
@pytest.mark.parametrize(("size", "cached"), [((8, 12), 10**6), ((4, 4), 10**6), ((16, 12), 1)])
def test_winograds_products_and_all_gradients_are_those_of_the_convolution(monkeypatch, padding, size, cached):
    monkeypatch.setattr(winograd, "CACHED", cached)  # 1: a row of tiles at a time
    calls = counted(monkeypatch, winograd, "convolved")
    conv = layer(48, 40, padding=padding)
    x = torch.randn(3, 48, *size, dtype=torch.float64).contiguous(memory_format=torch.channels_last)
    for ours, torchs in both_ways(conv, x):
        assert torch.allclose(ours, torchs, rtol=1e-9, atol=1e-10)
    assert len(calls) == 1


def test_in_float32_it_is_within_a_hundred_thousandth_of_the_largest_value():
    conv = layer(64, 64, padding="reflect", dtype=torch.float32)
    x = torch.randn(2, 64, 16, 12).contiguous(memory_format=torch.channels_last)
    for ours, torchs in both_ways(conv, x):
        assert (ours - torchs).abs().max() < 1e-5 * torchs.abs().max()


def test_frozen_weights_pass_the_gradient_on_and_constant_input_needs_none():
    conv = layer(48, 48)
    x = torch.randn(1, 48, 8, 8, dtype=torch.float64).contiguous(memory_format=torch.channels_last)
    expected = [found[0] for found in both_ways(conv, x)]
    y = conv(x)
    y.sum().backward()
    assert torch.allclose(y, expected[0]) and conv.weight.grad is not None
    conv.zero_grad()
    conv.requires_grad_(False)
    entering = x.clone().requires_grad_()
    conv(entering).sum().backward()
    assert entering.grad.abs().sum() > 0 and conv.weight.grad is None


def test_the_gradient_of_a_gradient_is_right_by_differences(monkeypatch):
    monkeypatch.setattr(winograd, "WORTH", 0)
    conv = layer(2, 2, padding="reflect", bias=False)
    x = torch.randn(1, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    last = torch.channels_last
    assert torch.autograd.gradgradcheck(lambda x: conv(x.contiguous(memory_format=last)).sin(), x)

    def twice(x, weight):
        for _ in range(2):
            x = winograd.convolved(x.contiguous(memory_format=last), weight, None, "zeros").sin()
        return x

    assert torch.autograd.gradgradcheck(twice, (x, conv.weight.detach().clone().requires_grad_()))


def test_what_only_generates_what_is_small_and_what_is_in_half_precision_has_torchs_bits():
    x = torch.randn(1, 64, 8, 8).contiguous(memory_format=torch.channels_last)
    conv = layer(64, 64, dtype=torch.float32)
    with torch.no_grad():
        assert torch.equal(conv(x), CONV2D(conv, x))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(conv(x), CONV2D(conv, x))
    for size in ((8, 6), (7, 8)):  # no whole number of tiles
        assert torch.equal(conv(x[..., : size[0], : size[1]]), CONV2D(conv, x[..., : size[0], : size[1]]))
    narrow = layer(16, 16, dtype=torch.float32)
    assert torch.equal(narrow(x[:, :16]), CONV2D(narrow, x[:, :16]))


@pytest.fixture
def maps():
    xy = torch.tensor([[[3.2, 4.7], [10.0, 20.5], [-3.0, 5.0]], [[8.1, 1.0], [0.0, 0.0], [12.3, 30.9]]]).double()
    visible = torch.tensor([[True, True, True], [True, False, True]])
    pose = Pose(xy, visible, (24, 16), Skeleton("three", ("neck", "right_hip", "left_hip"), ()))
    return heatmaps(pose, 2.0).contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("others", [0, 2])
def test_maps_by_columns_and_rows_are_the_convolution(monkeypatch, maps, others):
    monkeypatch.setattr(bumps, "WORTH", 0)
    calls = counted(monkeypatch, bumps, "convolved")
    conv = layer(others + 3, 5, 7, padding="reflect", pose_maps=3)
    x = torch.cat([torch.randn(2, others, 24, 16, dtype=torch.float64), maps], 1)
    (y, ys), (slope, slopes), *rest = both_ways(conv, x)
    assert len(calls) == 1
    assert torch.allclose(slope[:, :others], slopes[:, :others]) and not slope[:, others:].any()
    for ours, torchs in [(y, ys), *rest]:
        assert torch.allclose(ours, torchs, rtol=1e-8, atol=1e-9)


def test_maps_that_are_no_column_times_a_row_are_convolved_as_they_are(monkeypatch, maps):
    monkeypatch.setattr(bumps, "WORTH", 0)
    two = maps + maps.flip(2, 3)
    assert bumps.columns_and_rows(maps) is not None and bumps.columns_and_rows(two) is None
    assert bumps.columns_and_rows(maps.float()) is not None and bumps.columns_and_rows(0 * maps) is not None
    conv = layer(3, 5, 7, padding="reflect", pose_maps=3)
    assert torch.equal(conv(two), CONV2D(conv, two))
