"""Tasks for several processes of one thread each: results in the tasks' order, equal for every number of processes."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TypeVar

import torch

from .errors import BadInput
from .processes import closing_soon, deaf_to_interrupts, end_with_parent

Task = TypeVar("Task")
Result = TypeVar("Result")
ENDED = (
    "A worker process was ended from outside; the system does that when memory runs out. The same command goes on from "
    "here; give fewer --workers."
)


def results(work: Callable[[Task], Result], tasks: Iterable[Task], workers: int) -> Iterator[Result]:
    """work(task) of every task; a few are pending at a time, so memory does not grow with their number.

    work: a function that other processes can import. workers: processes; 0 = this one, with one thread meanwhile.
    """
    if workers == 0:
        for task in tasks:
            with one_thread():
                result = work(task)
            yield result
        return
    context = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
    try:
        with closing_soon(ProcessPoolExecutor(workers, context, initializer=_begin)) as pool:
            waiting: deque[Future[Result]] = deque()
            for task in tasks:
                with deaf_to_interrupts():
                    waiting.append(pool.submit(work, task))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
    except BrokenProcessPool:
        raise BadInput(ENDED) from None


@contextmanager
def one_thread() -> Iterator[None]:
    """torch computes with one thread inside, as in a worker process, so that the bytes are the same."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _begin() -> None:
    end_with_parent()
    torch.set_num_threads(1)
