"""Tasks in worker processes: in order, one thread each, and a worker that is ended from outside is told."""

import os
import sys

import pytest
import torch

from reposer.core import BadInput
from reposer.core.cluster import in_order
from reposer.core.workers import results


def numbered(task):
    return task, torch.get_num_threads(), os.getpid()


def ended(task):
    os.abort()


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


def test_a_worker_that_is_ended_from_outside_is_told_in_a_sentence():
    with pytest.raises(BadInput, match="ended from outside"):
        list(results(ended, range(3), 1))


def test_tasks_are_taken_only_as_they_are_needed():
    taken = []
    coming = results(numbered, (taken.append(n) or n for n in range(1000)), 1)
    assert next(coming)[0] == 0 and len(taken) <= 4
    coming.close()
