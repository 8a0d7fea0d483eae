import math

import pytest
import torch

from reposer.core import BadInput
from reposer.losses.flow import affine_regularity, best_cosine, distance_from_truth, sampling_correctness
from reposer.nn.warp import gaussian_sample


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_correctness_is_zero_where_the_sampled_feature_attains_the_best_cosine():
    # Two kinds of feature, left and right: every flow that stays well inside a half samples that half's own.
    source = torch.zeros(1, 2, 8, 16, dtype=torch.float64)
    source[:, 0, :, :8], source[:, 1, :, 8:] = 1, 1
    swapped = source.flip(1)
    flow = torch.zeros(1, 2, 8, 16, dtype=torch.float64)
    flow[:, 0] = torch.tensor([12.0] * 8 + [3.0] * 8) - torch.arange(16)
    assert float(sampling_correctness(source, swapped, flow)) == pytest.approx(0, abs=1e-6)
    # Not flowing at all takes the wrong half nearly everywhere: exp(0) - 1/e there.
    wrong = float(sampling_correctness(source, swapped, torch.zeros_like(flow)))
    assert 0.4 < wrong < 1 - math.exp(-1)


def test_correctness_is_the_formula_written_out():
    source, target, flow = (normal(2, 5, 4, 6).abs(), normal(2, 5, 4, 6, seed=1).abs(), normal(2, 2, 4, 6, seed=2))
    sampled = gaussian_sample(source, flow)
    total = 0.0
    for b in range(2):
        for y in range(4):
            for x in range(6):
                v = target[b, :, y, x]
                best = max(torch.cosine_similarity(source[b, :, j, i], v, dim=0) for j in range(4) for i in range(6))
                s = torch.cosine_similarity(sampled[b, :, y, x], v, dim=0)
                total += float(torch.exp(-s / best)) - math.exp(-1)
    assert float(sampling_correctness(source, target, flow)) == pytest.approx(total / 48, rel=1e-6)


def test_correctness_gives_a_gradient_to_the_flow_only():
    source, target = normal(1, 3, 5, 5).requires_grad_(), normal(1, 3, 5, 5, seed=1).requires_grad_()
    flow = normal(1, 2, 5, 5, seed=2).requires_grad_()
    sampling_correctness(source, target, flow).backward()
    assert source.grad is None and target.grad is None
    assert flow.grad.abs().sum() > 0


@pytest.mark.parametrize("chunk", [1, 7, 30, 1000])
def test_the_best_cosine_is_the_same_in_chunks_of_any_size(chunk):
    source, target = normal(2, 4, 3, 7), normal(2, 4, 5, 6, seed=1)
    unit = [f / f.norm(dim=1, keepdim=True) for f in (source, target)]
    naive = torch.einsum("bcyx,bcji->bjiyx", *unit).flatten(3).amax(3)
    torch.testing.assert_close(best_cosine(source, target, chunk), naive)


def test_a_place_outside_the_mask_does_not_count():
    source, target, flow = (normal(2, 3, 4, 4).abs(), normal(2, 3, 4, 4, seed=1).abs(), normal(2, 2, 4, 4, seed=2))
    mask = torch.zeros(2, 1, 4, 4)
    mask[:, :, 1:3] = 1
    before = sampling_correctness(source, target, flow, mask)
    flow[:, :, 0] += 3
    torch.testing.assert_close(sampling_correctness(source, target, flow, mask), before)
    everywhere = sampling_correctness(source, target, flow, torch.ones(2, 1, 4, 4))
    torch.testing.assert_close(everywhere, sampling_correctness(source, target, flow))


@pytest.mark.parametrize("masked", [False, True])
def test_correctness_of_a_batch_is_the_mean_of_its_rows(masked):
    source, target, flow = normal(3, 4, 5, 5), normal(3, 4, 5, 5, seed=1), normal(3, 2, 5, 5, seed=2)
    mask = (normal(3, 1, 5, 5, seed=3) > 0.5).double() if masked else None

    def of(rows):
        return sampling_correctness(source[rows], target[rows], flow[rows], None if mask is None else mask[rows])

    rows = torch.stack([of(slice(b, b + 1)) for b in range(3)])
    torch.testing.assert_close(of(slice(None)), rows.mean(), rtol=1e-10, atol=0)


def test_the_flow_may_be_in_half_precision():
    source, target, flow = normal(1, 3, 4, 4), normal(1, 3, 4, 4, seed=1), normal(1, 2, 4, 4, seed=2)
    for term in (
        sampling_correctness(source.bfloat16(), target.bfloat16(), flow.bfloat16()),
        affine_regularity(flow.bfloat16(), 3),
    ):
        assert term.dtype == torch.float32


@pytest.mark.parametrize("kernel_size", [3, 5])
def test_an_affine_flow_is_perfectly_regular(kernel_size):
    y, x = torch.meshgrid(torch.arange(9.0), torch.arange(7.0), indexing="ij")
    flow = torch.stack([0.3 * x - 1.7 * y + 4, -0.9 * x + 0.2 * y - 30])[None]
    assert float(affine_regularity(flow, kernel_size)) < 1e-8
    assert float(affine_regularity(flow + normal(1, 2, 9, 7).float(), kernel_size)) > 0.5


@pytest.mark.parametrize("kernel_size", [3, 5])
def test_regularity_is_the_squared_residual_of_least_squares_in_each_window(kernel_size):
    k, flow = kernel_size, normal(2, 2, 8, 7)
    row, column = torch.meshgrid(torch.arange(k), torch.arange(k), indexing="ij")
    basis = torch.stack([row.flatten(), column.flatten(), torch.ones(k * k)], 1).double()
    windows = []
    for b in range(2):
        for top in range(8 - k + 1):
            for left in range(7 - k + 1):
                taps = flow[b, :, top : top + k, left : left + k].flatten(1).T  # (k^2, 2)
                places = taps + torch.stack([column.flatten() + left, row.flatten() + top], 1)
                fit = basis @ torch.linalg.lstsq(basis, places).solution
                windows.append((places - fit).square().sum())
    torch.testing.assert_close(affine_regularity(flow, k), torch.stack(windows).mean())


def test_regularity_of_a_batch_is_the_mean_of_its_rows():
    flow = normal(3, 2, 6, 6)
    rows = torch.stack([affine_regularity(flow[b : b + 1], 3) for b in range(3)])
    torch.testing.assert_close(affine_regularity(flow, 3), rows.mean())


def test_under_bfloat16_the_losses_are_still_computed_in_float32():
    source, target = normal(2, 16, 12, 9).float(), normal(2, 16, 12, 9, seed=1).float()
    flow = 20 + 9 * normal(2, 2, 12, 9, seed=2).float()
    exact = sampling_correctness(source, target, flow - 20), affine_regularity(flow, 3)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = sampling_correctness(source, target, flow - 20), affine_regularity(flow, 3)
    assert mixed == exact and mixed[1].dtype == torch.float32


def true_move(right, down, size=(16, 12)):
    """Places, in pixels of twice this size, of a person moved this far in such pixels."""
    y, x = torch.meshgrid(*(2 * torch.arange(n) + 0.5 for n in size), indexing="ij")
    return torch.stack([x + right, y + down]).float()[None]


@pytest.mark.parametrize("step", [1, 2, 4])
def test_a_true_flow_is_at_no_distance_at_any_level_and_another_is_as_far_as_it_ends(step):
    place, visible = true_move(8.0, -4.0), torch.ones(1, 16, 12, dtype=torch.bool)
    true = torch.tensor([4.0, -2.0]).view(1, 2, 1, 1).expand(1, 2, 16 // step, 12 // step) / step
    assert distance_from_truth(true, place, visible) < 1e-3
    off = true + torch.tensor([3.0, 4.0]).view(1, 2, 1, 1) / step
    assert distance_from_truth(off, place, visible) == pytest.approx(5, abs=1e-3)


def test_what_the_source_does_not_show_has_no_true_flow():
    place, visible = true_move(0.0, 0.0), torch.ones(2, 16, 12, dtype=torch.bool)
    place = place.repeat(2, 1, 1, 1)
    place[0, :, :, :3], visible[0, :, :3] = torch.nan, False
    visible[1] = False
    flow = torch.zeros(2, 2, 8, 6, requires_grad=True)
    distance = distance_from_truth(flow + 1, place, visible)
    assert distance.detach() == pytest.approx(2**0.5, abs=1e-3), (
        "2 pixels of a flow of 1 each way; half of it, of two rows"
    )
    distance.backward()
    assert flow.grad.isfinite().all() and flow.grad[1].abs().max() == 0 and flow.grad[0, :, :, 0].abs().max() == 0


def test_a_flow_whose_size_does_not_divide_the_truths_is_refused():
    with pytest.raises(BadInput, match="5x6"):
        distance_from_truth(torch.zeros(1, 2, 5, 6), true_move(0, 0), torch.ones(1, 16, 12, dtype=torch.bool))
