"""Warps read the source where the flow points, and their gradients are those of what they compute."""

import pytest
import torch
import torch.nn.functional as F

from reposer.nn.warp import flow_picture, gaussian_sample, warp


def random(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def test_zero_flow_changes_nothing_to_the_bit():
    source = random(2, 3, 5, 7, dtype=torch.float32)
    assert torch.equal(warp(source, torch.zeros(2, 2, 5, 7)), source)


def test_a_whole_flow_reads_that_far_right_and_down():
    source = random(1, 1, 5, 7)
    flow = torch.zeros(1, 2, 5, 7, dtype=torch.float64)
    flow[:, 0], flow[:, 1] = 2, 1
    assert torch.equal(warp(source, flow)[..., :4, :5], source[..., 1:, 2:])


@pytest.mark.parametrize("size", [(5, 7), (4, 9), (1, 1)])
def test_it_equals_grid_sample_with_repeated_borders_also_far_outside(size):
    source, flow = random(2, 3, 6, 5), 6 * random(2, 2, *size, seed=1)
    y, x = torch.meshgrid(torch.arange(size[0]), torch.arange(size[1]), indexing="ij")
    grid = torch.stack([2 * (x + flow[:, 0]) / 4 - 1, 2 * (y + flow[:, 1]) / 5 - 1], -1)
    torch.testing.assert_close(
        warp(source, flow), F.grid_sample(source, grid, padding_mode="border", align_corners=True)
    )


def test_a_ramp_is_sampled_exactly_between_pixels_in_every_feature_type():
    ramp = torch.arange(64.0).expand(1, 1, 3, 64)
    flow = torch.full((1, 2, 3, 60), 1.25)
    expected = (torch.arange(60.0) + 1.25).expand(1, 1, 3, 60)
    assert torch.equal(warp(ramp, flow), expected)
    sampled = warp(ramp.bfloat16(), flow)
    assert sampled.dtype == torch.bfloat16
    assert torch.equal(sampled, expected.bfloat16())


def test_a_map_of_one_pixel_is_read_everywhere():
    source = random(1, 2, 1, 1)
    assert torch.allclose(warp(source, 5 * random(1, 2, 3, 3)), source.expand(1, 2, 3, 3))


@pytest.mark.parametrize("sample", [warp, gaussian_sample])
def test_gradients_equal_finite_differences(sample):
    source = random(2, 2, 4, 3).requires_grad_()
    flow = (3 * random(2, 2, 3, 4, seed=1)).floor() + 0.2 + 0.6 * torch.rand(2, 2, 3, 4, dtype=torch.float64)
    flow[0, :, 0, 0] = torch.tensor([50.3, -20.6])
    assert torch.autograd.gradcheck(sample, (source, flow.requires_grad_()))


def test_a_flow_far_outside_gets_no_gradient():
    flow = torch.full((1, 2, 2, 2), 40.0, requires_grad=True)
    warp(random(1, 2, 5, 5, dtype=torch.float32), flow).sum().backward()
    assert (flow.grad == 0).all()


def test_gaussian_weights_at_a_whole_position_lean_right_and_down():
    impulse = torch.zeros(1, 1, 9, 9, dtype=torch.float64)
    impulse[0, 0, 4, 4] = 1
    sampled = gaussian_sample(impulse, torch.zeros(1, 2, 9, 9, dtype=torch.float64))[0, 0]
    # the place x sees the impulse at offset 4 - x
    along = torch.tensor([0.2618, 0.2966, 0.2618, 0.1799], dtype=torch.float64).flip(0)
    torch.testing.assert_close(sampled.sum(0)[2:6], along, atol=5e-5, rtol=0)
    torch.testing.assert_close(sampled.sum(1)[2:6], along, atol=5e-5, rtol=0)
    torch.testing.assert_close(sampled[2:6, 2:6], sampled.sum(1)[2:6, None] * sampled.sum(0)[2:6])
    assert sampled[:2].abs().sum() == 0 and sampled[6:].abs().sum() == 0


@pytest.mark.parametrize(("taps", "sigma"), [(2, 1.0), (4, 2.0), (6, 5.0)])
def test_gaussian_sample_equals_its_definition_tap_by_tap(taps, sigma):
    source, flow = random(1, 2, 5, 6), 4 * random(1, 2, 3, 4, seed=2)
    sampled = gaussian_sample(source, flow, taps=taps, sigma=sigma)
    for y in range(3):
        for x in range(4):
            sx, sy = x + flow[0, 0, y, x], y + flow[0, 1, y, x]
            total, value = 0.0, 0.0
            for row in range(int(sy.floor()) - taps // 2 + 1, int(sy.floor()) + taps // 2 + 1):
                for column in range(int(sx.floor()) - taps // 2 + 1, int(sx.floor()) + taps // 2 + 1):
                    weight = torch.exp(-((sx - column) ** 2 + (sy - row) ** 2) / (2 * sigma**2))
                    total = total + weight
                    value = value + weight * source[0, :, min(max(row, 0), 4), min(max(column, 0), 5)]
            torch.testing.assert_close(sampled[0, :, y, x], value / total)


def test_a_constant_source_stays_constant():
    for sample in (warp, gaussian_sample):
        sampled = sample(torch.full((1, 2, 4, 4), 3.0), 9 * random(1, 2, 4, 4, dtype=torch.float32))
        torch.testing.assert_close(sampled, torch.full_like(sampled, 3.0))


def test_a_flow_picture_is_white_at_rest_and_coloured_by_direction():
    flow = torch.zeros(1, 2, 2, 2)
    flow[0, :, 0, 1] = torch.tensor([4.0, 0.0])
    flow[0, :, 1, 0] = torch.tensor([-4.0, 0.0])
    picture = flow_picture(flow, longest=4.0)
    assert picture.shape == (1, 3, 2, 2) and picture.min() >= -1 and picture.max() <= 1
    assert torch.equal(picture[0, :, 0, 0], torch.ones(3))
    assert (picture[0, :, 0, 1] - picture[0, :, 1, 0]).abs().max() > 0.9
    assert flow_picture(torch.zeros(2, 2, 3, 3)).isfinite().all()
