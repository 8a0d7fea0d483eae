import pytest
import torch

from reposer.core.rng import mix
from reposer.nn.dropout import SeededDropout, random_bytes


def test_random_bytes_are_splitmix64_of_key_and_position():
    def splitmix(key, position):
        word = (1 << 64) - 1
        z = (key + position * 0x9E3779B97F4A7C15) & word
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & word
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & word
        return z ^ (z >> 31)

    keys = [mix(3, 1), mix(4, 1)]
    expected = [b"".join(splitmix(key, n).to_bytes(8, "little") for n in range(3))[:20] for key in keys]
    assert random_bytes(torch.tensor(keys), 20).tolist() == [list(row) for row in expected]


def test_random_bytes_are_uniform_and_rows_and_neighbours_are_unrelated():
    noise = random_bytes(torch.tensor([mix(0, 0), mix(1, 0)]), 1 << 20).double() - 127.5
    assert noise.mean(1).abs().max() < 0.3
    assert noise.square().mean(1) == pytest.approx([65535 / 12] * 2, rel=0.01)
    for related in (noise[0] * noise[1], noise[:, 1:] * noise[:, :-1], noise[:, 8:] * noise[:, :-8]):
        assert related.mean().abs() < 25  # of 5461


@pytest.mark.parametrize("rate", [0.0, 0.25, 0.5])
def test_a_share_is_dropped_and_the_mean_stays(rate):
    dropped = SeededDropout(rate)(torch.ones(2, 8, 50, 41), torch.tensor([1, 2]))
    assert (dropped == 0).double().mean().item() == pytest.approx(rate, abs=0.01)
    assert dropped.mean().item() == pytest.approx(1, abs=0.02)


def test_a_row_is_dropped_by_its_own_seed_and_the_layers_number():
    x, seeds = torch.ones(2, 4, 6, 5), torch.tensor([1, 2])
    both = SeededDropout(0.5)(x, seeds)
    assert torch.equal(SeededDropout(0.5)(x[1:], seeds[1:]), both[1:])
    assert not torch.equal(both[0], both[1])
    assert not torch.equal(SeededDropout(0.5, 1)(x, seeds), both)
    assert torch.equal(SeededDropout(0.5)(x), x)
