import pytest
import torch

from reposer.losses.perceptual import content_and_style, gram
from reposer.nn.features import PeopleEncoder


@pytest.fixture
def network():
    torch.manual_seed(0)  # differences that straddle a kink are off by more
    encoder = PeopleEncoder().double()
    encoder.freeze()
    return encoder


@pytest.fixture
def pictures():
    return torch.rand(2, 2, 3, 32, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2 - 1


def compared(network, generated, target):
    layers = network.content_layers + network.style_layers
    return content_and_style(network(generated, layers), network(target, layers), network)


def test_the_gram_matrix_is_the_naive_double_sum():
    features = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    naive = torch.zeros(2, 3, 3)
    for b in range(2):
        for i in range(3):
            for j in range(3):
                naive[b, i, j] = sum(
                    features[b, i, y, x] * features[b, j, y, x] for y in range(4) for x in range(5)
                ) / (3 * 4 * 5)
    torch.testing.assert_close(gram(features), naive)


def test_content_and_style_are_sums_of_means_over_their_own_layers(network, pictures):
    generated, target = (network(p, network.layers) for p in pictures)
    content, style = content_and_style(generated, target, network)
    of_content = [(generated[n] - target[n]).abs().mean() for n in network.content_layers]
    of_style = [(gram(generated[n]) - gram(target[n])).abs().mean() for n in network.style_layers]
    torch.testing.assert_close(content, torch.stack(of_content).sum(), check_dtype=False)
    torch.testing.assert_close(style, torch.stack(of_style).sum(), check_dtype=False)
    assert content > 0 and style > 0


def test_equal_pictures_cost_nothing(network, pictures):
    assert [float(term) for term in compared(network, pictures[0], pictures[0])] == [0, 0]


def test_style_ignores_where_things_are_and_content_does_not(network):
    features = {n: torch.rand(1, 4, 6, 6) for n in network.layers}
    moved = {n: f.roll((1, 2), (2, 3)) for n, f in features.items()}
    content, style = content_and_style(features, moved, network)
    assert content > 0.1 and style < 1e-6


def test_a_batch_costs_the_mean_of_its_rows(network, pictures):
    whole = compared(network, *pictures)
    rows = [compared(network, pictures[0, b : b + 1], pictures[1, b : b + 1]) for b in range(2)]
    for k in range(2):
        torch.testing.assert_close(whole[k], (rows[0][k] + rows[1][k]) / 2)


def test_the_picture_gets_the_gradient_that_differences_give(network, pictures):
    generated, target = pictures[:, :1]
    generated = generated.clone().requires_grad_()
    sum(compared(network, generated, target)).backward()
    direction, step = torch.randn_like(generated), 1e-6
    up, down = (sum(compared(network, generated.detach() + s * direction, target)) for s in (step, -step))
    torch.testing.assert_close((generated.grad * direction).sum(), (up - down) / (2 * step), rtol=1e-3, atol=1e-6)


def test_under_bfloat16_gram_matrices_of_float32_features_stay_float32():
    features = torch.randn(2, 8, 9, 7, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", torch.bfloat16):
        mixed = gram(features)
    assert torch.equal(mixed, gram(features))
