"""Maps, warps and attention on CUDA are those of the CPU; so are their gradients."""

from dataclasses import replace

import pytest
import torch

from reposer.core import Pose
from reposer.core.skeleton import OPENPOSE_18
from reposer.losses.flow import affine_regularity, sampling_correctness
from reposer.losses.perceptual import gram
from reposer.nn.local_attention import LocalAttention
from reposer.nn.maps import discs, heatmaps, limb_mask, stick_picture
from reposer.nn.warp import flow_picture, gaussian_sample, warp

SIZE = (256, 176)


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def poses(rows=6):
    """Joints at quarters of a pixel, where float32 is exact; some lie outside, some are missing."""
    random = torch.Generator().manual_seed(0)
    shape = (rows, len(OPENPOSE_18), 2)
    xy = torch.rand(shape, generator=random) * torch.tensor([SIZE[1] + 40, SIZE[0] + 40]) - 20
    visible = torch.rand(shape[:2], generator=random) > 0.2
    visible[0] = False
    return Pose((4 * xy).round() / 4, visible, SIZE)


def values_and_gradients(function, inputs, probe, device, features=torch.float32):
    """The answer and the gradients of its product with `probe`, in float32 on the CPU. Flows stay float32."""
    mine = [t.detach().to(device, features if t.shape[1] > 2 else None).requires_grad_() for t in inputs]
    with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=features == torch.bfloat16):
        answer = function(*mine)
    parameters = list(function.parameters()) if isinstance(function, torch.nn.Module) else []
    gradients = torch.autograd.grad((answer.float() * probe.to(device)).sum(), [*mine, *parameters])
    return answer.float().cpu(), [g.float().cpu() for g in gradients]


def assert_near(mine, theirs, share):
    """The difference is at most this share of the whole, in the mean square."""
    assert mine.isfinite().all()
    assert (mine - theirs).norm() <= share * theirs.norm(), (mine - theirs).norm() / theirs.norm()


CASES = [(1, 16, (33, 21)), (3, 256, (64, 64)), (5, 128, (32, 32))]


def attention_case(k, channels, size):
    torch.manual_seed(k)
    attention = LocalAttention(channels, k, hidden=128)
    flow = 6 * randn(2, 2, *size, seed=3)
    flow[0, :, 0, 0] = torch.tensor([-300.0, 1e6])
    inputs = (randn(2, channels, *size, seed=1), randn(2, channels, *size, seed=2), flow)
    return attention, inputs, randn(2, channels, *size, seed=4)


@pytest.mark.parametrize(("k", "channels", "size"), CASES)
def test_local_attention_in_float32_is_the_cpus_in_value_and_in_every_gradient(k, channels, size, device):
    attention, inputs, probe = attention_case(k, channels, size)
    wanted, wanted_gradients = values_and_gradients(attention, inputs, probe, "cpu")
    answer, gradients = values_and_gradients(attention.to(device), inputs, probe, device)
    torch.testing.assert_close(answer, wanted, rtol=1e-4, atol=1e-4)
    for mine, theirs in zip(gradients, wanted_gradients, strict=True):
        assert_near(mine, theirs, 1e-3)


@pytest.mark.parametrize(("k", "channels", "size"), CASES)
def test_local_attention_under_bfloat16_is_near_in_value_and_in_every_gradient(k, channels, size, device):
    attention, inputs, probe = attention_case(k, channels, size)
    wanted, wanted_gradients = values_and_gradients(attention, inputs, probe, "cpu")
    answer, gradients = values_and_gradients(attention.to(device), inputs, probe, device, torch.bfloat16)
    assert_near(answer, wanted, 0.03)
    for mine, theirs in zip(gradients, wanted_gradients, strict=True):
        if theirs.norm() > 0:  # a window of one pixel has nothing to score
            assert_near(mine, theirs, 0.15)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("sample", [warp, gaussian_sample])
def test_warps_in_float32_are_the_cpus_in_value_and_gradient(sample, layout, device):
    source, flow = randn(2, 64, 64, 44, seed=1).to(memory_format=layout), 20 * randn(2, 2, 48, 60, seed=2)
    flow[0, :, 0, 0] = torch.tensor([-1e9, 3e8])
    probe = randn(2, 64, 48, 60, seed=3)
    wanted, wanted_gradients = values_and_gradients(sample, (source, flow), probe, "cpu")
    answer, gradients = values_and_gradients(sample, (source, flow), probe, device)
    torch.testing.assert_close(answer, wanted, rtol=1e-5, atol=1e-5)
    for mine, theirs in zip(gradients, wanted_gradients, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-3)


def test_a_warp_of_bfloat16_features_rounds_the_answer_and_not_the_places(device):
    ramp = torch.arange(256.0, device=device).expand(1, 4, 3, 256).bfloat16()  # whole numbers up to 256 are exact
    flow = torch.full((1, 2, 3, 200), 20.25, device=device)
    flow[:, 1] = 0
    with torch.autocast(device.type, torch.bfloat16):
        found = warp(ramp, flow)
    expected = (torch.arange(200.0) + 20.25).expand(1, 4, 3, 200).bfloat16()
    assert found.dtype == torch.bfloat16 and torch.equal(found.cpu(), expected)


def test_zero_flow_changes_nothing_to_the_bit(device):
    source = randn(2, 8, 64, 44).to(device)
    assert torch.equal(warp(source, torch.zeros(2, 2, 64, 44, device=device)), source)


@pytest.mark.parametrize("coordinates", ["exact", "truncated"])
def test_heatmaps_are_the_cpus(coordinates, device):
    found = heatmaps(poses().to(device), 6.0, coordinates=coordinates)
    assert found.device.type == device.type
    torch.testing.assert_close(found.cpu(), heatmaps(poses(), 6.0, coordinates=coordinates), rtol=0, atol=1e-6)
    assert found[0].abs().max() == 0


def test_discs_are_the_cpus_to_the_pixel(device):
    assert torch.equal(discs(poses().to(device), 4.0).cpu(), discs(poses(), 4.0))


def test_limb_masks_are_the_cpus_but_for_pixels_on_the_very_edge(device):
    found = limb_mask(poses().to(device), 5.0).cpu()
    assert (found != limb_mask(poses(), 5.0)).float().mean() < 1e-4
    assert found[0].sum() == 0 and found[1:].mean() > 0.01


def test_stick_pictures_are_the_cpus(device):
    found = stick_picture(poses().to(device)).cpu()
    assert ((found - stick_picture(poses())).abs() > 1e-3).float().mean() < 1e-4


def test_a_pose_moves_on_the_device_as_on_the_cpu(device):
    pose = poses()
    there = replace(pose.to(device), score=None).flip().resize((128, 88)).crop((-0.5, 3.5, 60.5, 99.5))
    here = pose.flip().resize((128, 88)).crop((-0.5, 3.5, 60.5, 99.5))
    torch.testing.assert_close(there.xy.cpu(), here.xy)
    assert torch.equal(there.visible.cpu(), here.visible) and there.size == here.size


def test_flow_pictures_are_the_cpus(device):
    flow = 5 * randn(2, 2, 32, 24)
    torch.testing.assert_close(flow_picture(flow.to(device)).cpu(), flow_picture(flow), rtol=0, atol=1e-4)


def test_losses_under_bfloat16_are_those_of_the_cpu_in_float32(device):
    source, target, flow = randn(2, 64, 32, 24, seed=1), randn(2, 64, 32, 24, seed=2), 3 * randn(2, 2, 32, 24)
    wanted = sampling_correctness(source, target, flow), affine_regularity(20 + flow, 3), gram(source)
    source, target, flow = (t.to(device) for t in (source, target, flow))
    with torch.autocast(device.type, torch.bfloat16):
        answer = sampling_correctness(source, target, flow), affine_regularity(20 + flow, 3), gram(source)
    for mine, theirs in zip(answer, wanted, strict=True):
        assert mine.dtype == torch.float32
        torch.testing.assert_close(mine.cpu(), theirs, rtol=1e-3, atol=1e-5)
