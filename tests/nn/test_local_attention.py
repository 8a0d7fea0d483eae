"""Local attention without patches is what the definition says, in values and gradients, on any batch."""

import pytest
import torch
import torch.nn.functional as F

from reposer.nn.local_attention import LocalAttention, gather_windows
from tests.forked import started


def bilinear(picture, x, y):
    """One value: the four neighbours' indices are clamped to the border, their weights are not."""
    height, width = picture.shape
    left, top = x.floor(), y.floor()
    value = 0.0
    for j in (0, 1):
        for i in (0, 1):
            row = int((top + j).clamp(0, height - 1))
            column = int((left + i).clamp(0, width - 1))
            weight = (y - top if j else 1 - (y - top)) * (x - left if i else 1 - (x - left))
            value = value + weight * picture[row, column]
    return value


def patches(source, flow, k):
    """The k x k window around p + flow(p), tiled: (B, C, k h, k w). Slow, and nothing but the definition."""
    batch, channels = source.shape[:2]
    h, w = flow.shape[-2:]
    tiles = [
        bilinear(source[b, c], p % w + flow[b, 0, p // w, p % w] + ox, p // w + flow[b, 1, p // w, p % w] + oy)
        for b in range(batch)
        for c in range(channels)
        for p in range(h * w)
        for oy in range(-(k // 2), k - k // 2)
        for ox in range(-(k // 2), k - k // 2)
    ]
    return (
        torch.stack(tiles)
        .view(batch, channels, h, w, k, k)
        .permute(0, 1, 2, 4, 3, 5)
        .reshape(batch, channels, k * h, k * w)
    )


def by_patches(attention, source, target, flow):
    """The published form: patches, a convolution of stride k, a softmax, average pooling."""
    k = attention.kernel_size
    of_source, of_target = patches(source, flow, k), patches(target, torch.zeros_like(flow), k)
    scores = attention.mix(F.leaky_relu(attention.score(torch.cat([of_target, of_source], 1)), 0.1))
    mean = F.avg_pool2d(F.pixel_shuffle(scores.softmax(1), k) * of_source, k)
    return mean if attention.normalize == "mean" else mean * k**2


def case(k, normalize="sum", batch=1, size=(3, 4), source_size=(4, 3), dtype=torch.float64, channels=2):
    torch.manual_seed(k)
    attention = LocalAttention(channels, k, hidden=3, normalize=normalize).to(dtype)
    source = torch.randn(batch, channels, *source_size, dtype=dtype)
    target = torch.randn(batch, channels, *size, dtype=dtype)
    flow = 3 * torch.randn(batch, 2, *size, dtype=dtype)  # the map is 3 or 4 pixels wide: many windows lie outside
    return attention, source, target, flow


@pytest.mark.slow
@pytest.mark.parametrize("normalize", ["sum", "mean"])
@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_it_equals_the_patch_form_in_value_and_in_every_gradient(k, normalize):
    attention, source, target, flow = case(k, normalize)
    flow[0, :, 0, 0] = torch.tensor([40.0, -1e9])
    flow[0, :, 1, 1] = 0
    inputs = [tensor.requires_grad_() for tensor in (source, target, flow)]
    ours, patched = attention(*inputs), by_patches(attention, *inputs)
    torch.testing.assert_close(ours, patched)
    probe = torch.randn_like(ours)
    wanted = [*inputs, *attention.parameters()]
    for mine, theirs in zip(
        torch.autograd.grad(ours, wanted, probe), torch.autograd.grad(patched, wanted, probe), strict=True
    ):
        torch.testing.assert_close(mine, theirs)


@pytest.mark.slow
@pytest.mark.parametrize("k", [2, 3, 5])
def test_gradients_equal_finite_differences(k):
    attention, source, target, flow = case(k, size=(2, 2), source_size=(3, 2), channels=1)
    flow = flow.floor() + 0.2 + 0.6 * torch.rand_like(flow)  # differences do not straddle a kink
    flow[0, :, 0, 0] = torch.tensor([9.3, -7.4])
    names, values = zip(*attention.named_parameters(), strict=True)

    def attend(source, target, flow, *parameters):
        return torch.func.functional_call(attention, dict(zip(names, parameters, strict=True)), (source, target, flow))

    inputs = [t.detach().clone().requires_grad_() for t in (source, target, flow, *values)]
    assert torch.autograd.gradcheck(attend, inputs)


@pytest.mark.parametrize(("normalize", "total"), [("sum", 1.0), ("mean", 1 / 9)])
def test_a_constant_source_stays_constant_wherever_the_flow_points(normalize, total):
    attention, source, target, flow = case(3, normalize, dtype=torch.float32)
    out = attention(torch.ones_like(source), target, 100 * flow)
    torch.testing.assert_close(out, torch.full_like(out, total))


def test_a_window_of_one_pixel_is_the_warped_source():
    attention, source, target, flow = case(1)
    torch.testing.assert_close(attention(source, target, flow), patches(source, flow, 1))


def test_a_coefficient_on_one_tap_shifts_the_source_by_it():
    source = torch.randn(1, 2, 6, 7)
    coefficients = torch.zeros(1, 6, 7, 3, 3)
    coefficients[..., 0, 2] = 1  # row -1, column +1
    gathered = gather_windows(source, torch.zeros(1, 2, 6, 7), coefficients)
    assert torch.equal(gathered[:, :, 1:, :-1], source[:, :, :-1, 1:])


def test_a_row_of_a_batch_depends_on_that_row_alone():
    attention, source, target, flow = case(3, batch=3)
    together = attention(source, target, flow)
    for b in range(3):
        torch.testing.assert_close(attention(source[b : b + 1], target[b : b + 1], flow[b : b + 1])[0], together[b])
    changed = source.clone()
    changed[1] = torch.nan
    assert torch.equal(attention(changed, target, flow)[0], together[0])
    assert attention(source[:0], target[:0], flow[:0]).shape == (0, 2, 3, 4)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_memory_layout_does_not_change_the_result(layout):
    attention, source, target, flow = case(3, batch=2)
    moved = attention.to(memory_format=layout)(source.to(memory_format=layout), target.to(memory_format=layout), flow)
    torch.testing.assert_close(moved, attention(source, target, flow))


def test_positions_keep_float32_while_features_are_bfloat16():
    attention, source, target, flow = case(3, batch=2, dtype=torch.float32)
    exact = attention(source, target, flow)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = attention(source.bfloat16(), target.bfloat16(), flow)
    assert mixed.dtype == torch.bfloat16
    torch.testing.assert_close(mixed.float(), exact, atol=0.04, rtol=0.04)
    far = torch.full_like(flow, 0.0)
    far[:, 0] = 300.25  # a bfloat16 flow would land on 300 or 302
    wide = torch.arange(400.0).expand(2, 2, 4, 400)
    centre = torch.zeros(2, 3, 4, 3, 3)
    centre[..., 1, 1] = 1
    with torch.autocast("cpu", torch.bfloat16):
        gathered = gather_windows(wide, far, centre)
    torch.testing.assert_close(gathered[0, 0, 0], torch.arange(4) + 300.25)


def test_a_flow_that_is_not_a_number_shows_in_the_result_and_harms_no_other_place():
    attention, source, target, flow = case(3)
    broken = flow.clone()
    broken[0, 0, 1, 2], broken[0, 1, 2, 0] = torch.nan, torch.inf
    out, whole = attention(source, target, broken), attention(source, target, flow)
    assert out[0, :, 1, 2].isnan().all() and out[0, :, 2, 0].isfinite().all()
    untouched = torch.ones(3, 4, dtype=torch.bool)
    untouched[1, 2] = untouched[2, 0] = False
    torch.testing.assert_close(out[..., untouched], whole[..., untouched])


def compiled_is_plain():
    torch.manual_seed(0)
    attention = LocalAttention(2, 3, hidden=3)
    inputs = [torch.randn(2, n, 4, 5).requires_grad_() for n in (2, 2, 2)]
    compiled, plain = torch.compile(attention, fullgraph=True, backend="aot_eager")(*inputs), attention(*inputs)
    torch.testing.assert_close(compiled, plain)
    gradients = (torch.autograd.grad(output.sum(), inputs) for output in (compiled, plain))
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.slow
def test_it_compiles_into_one_graph_with_gradients():
    # in a process of its own: here, shapes are checked by code that the compiler does not follow
    process = started(compiled_is_plain)
    process.join()
    assert process.exitcode == 0
