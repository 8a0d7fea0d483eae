import torch

from reposer.losses.pool import ImagePool


def rows(*values):
    return torch.tensor(values, dtype=torch.float32)[:, None, None, None]


def test_a_pool_that_fills_shows_every_row_as_it_is():
    pool = ImagePool(4)
    assert torch.equal(pool.exchange(rows(0, 1), torch.tensor([5, 6])), rows(0, 1))
    assert torch.equal(pool.exchange(rows(2, 3), torch.tensor([7, 8])), rows(2, 3))


def test_a_full_pool_shows_half_of_the_time_an_old_row_which_the_new_one_replaces():
    pool, shown = ImagePool(10), []
    for n in range(1000):
        shown += pool.exchange(rows(n), torch.tensor([n])).flatten().tolist()
    old = [n for n, value in enumerate(shown) if value != n]
    assert 400 < len(old) < 600
    kept = [float(row) for row in pool.state()["rows"]]
    assert sorted(shown + kept) == sorted([*range(10), *range(1000)])  # the first ten were shown, too
    assert min(kept) > 800


def test_what_is_shown_depends_on_the_seeds_alone_and_a_pool_of_none_shows_every_row():
    one, other = ImagePool(3), ImagePool(3)
    for n in range(20):
        seeds = torch.tensor([n, n + 100])
        assert torch.equal(one.exchange(rows(n, -n), seeds), other.exchange(rows(n, -n), seeds))
    assert torch.equal(ImagePool(0).exchange(rows(1, 2), torch.tensor([0, 0])), rows(1, 2))


def test_a_pool_goes_on_where_its_state_was_written():
    one, other = ImagePool(3), ImagePool(3)
    for n in range(9):
        one.exchange(rows(n), torch.tensor([n]))
    other.load_state(one.state())
    for n in range(9, 30):
        assert torch.equal(one.exchange(rows(n), torch.tensor([n])), other.exchange(rows(n), torch.tensor([n])))


def test_shown_rows_have_no_history():
    pictures = rows(1, 2).requires_grad_()
    assert not ImagePool(3).exchange(pictures, torch.tensor([0, 1])).requires_grad
