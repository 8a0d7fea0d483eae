"""Tasks in worker processes: in order, one thread each, and a worker that is ended from outside is told."""

import errno
import os
import sys
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
import torch

from reposer.core import BadInput, cluster
from reposer.core.cluster import in_order
from reposer.core.workers import results


def numbered(task):
    return task, torch.get_num_threads(), os.getpid()


def ended(task):
    os.abort()


@pytest.mark.slow
def test_results_come_in_order_and_each_has_one_thread_wherever_it_is_computed():
    torch.set_num_threads(2)
    try:
        here = list(results(numbered, range(5), 0))
        assert torch.get_num_threads() == 2
        there = list(results(numbered, range(9), 1))
    finally:
        torch.set_num_threads(1)
    assert [r[:2] for r in here] == [(n, 1) for n in range(5)] and here[0][2] == os.getpid()
    assert [r[:2] for r in there] == [(n, 1) for n in range(9)] and there[0][2] != os.getpid()


def test_a_cluster_is_asked_only_where_it_is_wanted(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert [r[0] for r in in_order(numbered, range(3), 0, "local")] == [0, 1, 2]
    with pytest.raises(BadInput, match=r"needs Ray Data .*--engine local"):
        list(in_order(numbered, range(3), 0, "ray"))


FULL = OSError(errno.ENOSPC, "No space left on device", "a.png")


def raises_the_third(task):
    number, error = task
    if number == 3:
        raise error
    return number


def ray_of_this_process():
    """Of Ray what `cluster.results` calls: its rows are done here, one after the other."""

    def from_items(rows, override_num_blocks):
        def mapped(work, **options):
            return SimpleNamespace(iter_rows=lambda: map(work, rows))

        return SimpleNamespace(context=SimpleNamespace(execution_options=SimpleNamespace()), map=mapped)

    return SimpleNamespace(
        data=SimpleNamespace(from_items=from_items), exceptions=SimpleNamespace(RayError=ConnectionError)
    )


def raised_after_two(error, workers):
    """Asserts that both engines give the results before the third of four tasks, and raise its error as it is."""
    for engine in ("local", "ray"):
        came = []
        with pytest.raises(type(error)) as raised:
            for number in in_order(raises_the_third, [(n, error) for n in (1, 2, 3, 4)], workers, engine):
                came.append(number)
        assert came == [1, 2]
        assert type(raised.value) is type(error) and str(raised.value) == str(error)


@pytest.mark.parametrize(
    "error", [BadInput("no pose"), FULL, MemoryError("of numpy"), RuntimeError("can't allocate memory"), KeyError("x")]
)
def test_an_error_of_a_task_of_the_cluster_is_raised_as_here_after_the_results_before_it(error, monkeypatch):
    monkeypatch.setattr(cluster, "require_ray", ray_of_this_process)
    monkeypatch.setattr(cluster, "_connected", lambda *_: nullcontext())
    raised_after_two(error, 0)
    row = {"task": cluster.pickle.dumps((3, error))}
    if isinstance(error, KeyError):  # a mistake of ours keeps its traceback
        with pytest.raises(KeyError):
            cluster.done_row(row, raises_the_third)
    else:
        assert cluster.done_row(row, raises_the_third).keys() == {"result"}


@pytest.mark.nightly
def test_ray_itself_raises_the_error_of_a_task_as_it_is():
    pytest.importorskip("ray")
    raised_after_two(FULL, 1)


def test_a_worker_that_is_ended_from_outside_is_told_in_a_sentence():
    with pytest.raises(BadInput, match="ended from outside"):
        list(results(ended, range(3), 1))


def test_tasks_are_taken_only_as_they_are_needed():
    taken = []
    coming = results(numbered, (taken.append(n) or n for n in range(1000)), 1)
    assert next(coming)[0] == 0 and len(taken) <= 4
    coming.close()
