"""Tasks for a cluster: the results of `workers.results`, computed by Ray Data's processes, here or elsewhere."""

import logging
import os
import pickle
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from . import workers as local
from .choices import Engine
from .errors import BadInput, is_of_memory
from .extras import install
from .workers import ENDED, one_thread

Task = TypeVar("Task")
Result = TypeVar("Result")
ADDRESS = "RAY_ADDRESS"
"""The variable by which Ray finds its cluster; without it, processes are started on this machine."""
STARTS = 3
"""How often a Ray of this machine is started anew whose processes were not there after its 30 seconds."""
RETRIES = 3
"""How often a task is done again whose process was ended; Ray Data's own number has no end."""
STORE = 128 << 20
"""Bytes of the object store of a local Ray: tasks and results are small (pictures pass through it only where networks
score them, and go to the disk when it is full)."""


def in_order(work: Callable[[Task], Result], tasks: Iterable[Task], workers: int, engine: Engine) -> Iterator[Result]:
    """work(task) of every task in the tasks' order, by processes of this machine or by the cluster's.

    The cluster's have folders of their own to work in: tasks name whole paths.
    """
    if engine == "local":
        return local.results(work, tasks, workers)
    return results(work, tasks, max(1, workers), ordered=True)


def results(
    work: Callable[[Task], Result], tasks: Iterable[Task], workers: int, *, ordered: bool = False
) -> Iterator[Result]:
    """work(task) of every task, in the order of completion or of the tasks; what a process that is ended had begun is
    done again.

    work: a function that the cluster's machines can import, and that may be called twice with a task. workers: how many
    tasks are computed at a time, by one thread each.
    """
    ray = require_ray()
    rows = [{"task": pickle.dumps(task)} for task in tasks]
    if not rows:
        return
    with _connected(ray, workers):
        data = ray.data.from_items(rows, override_num_blocks=len(rows))
        data.context.execution_options.preserve_order = ordered
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # 2.60 has no other way to limit the retries
            done = data.map(
                partial(done_row, work=work),
                num_cpus=1,
                concurrency=min(workers, len(rows)),
                ray_remote_args_fn=lambda: {"max_retries": RETRIES},
            )
        try:
            for row in done.iter_rows():
                result = pickle.loads(row["result"])
                if isinstance(result, _Failed):
                    raise result.error
                yield result
        except ray.exceptions.RayError as error:
            if isinstance(error, ray.exceptions.WorkerCrashedError | ray.exceptions.OutOfMemoryError):
                raise BadInput(ENDED) from None
            raise


def done_row(row: Mapping[str, bytes], work: Callable[[Any], Any]) -> dict[str, bytes]:
    """The row of a result, of the row of its task. What the command line says in a sentence is a result, too: Ray would
    wrap it in an error of its own, with its tracebacks."""
    try:
        with one_thread():
            result = work(pickle.loads(row["task"]))
    except (BadInput, OSError, MemoryError) as error:
        result = _Failed(error)
    except RuntimeError as error:
        if not is_of_memory(error):
            raise
        result = _Failed(error)
    return {"result": pickle.dumps(result)}


@dataclass(frozen=True)
class _Failed:
    """In place of a task's result: what it raised, to be raised again by the process that asked for it."""

    error: Exception


def require_ray() -> Any:
    """The module `ray`, which sends no usage statistics; BadInput if it is not installed."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        import ray
        import ray.data
    except ModuleNotFoundError as error:
        raise BadInput(
            f"The engine ray needs Ray Data ({error.name} is missing): {install('cluster')}. --engine local needs "
            f"nothing."
        ) from None
    return ray


@contextmanager
def _connected(ray: Any, workers: int) -> Iterator[None]:
    """Inside, tasks go to the cluster that RAY_ADDRESS names, or to a Ray of this machine that ends with the block."""
    if ray.is_initialized():
        yield
        return
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    if os.environ.get(ADDRESS):
        _started(ray, 1, **quiet)
    else:
        own = {"num_cpus": max(1, workers), "object_store_memory": STORE, "include_dashboard": False}
        _started(ray, STARTS, address="local", **own, **quiet)
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # its tracebacks; we say what happened
    try:
        yield
    finally:
        ray.shutdown()


def _started(ray: Any, tries: int, **options: Any) -> None:
    for left in range(tries - 1, -1, -1):
        try:
            ray.init(**options)
            return
        except Exception as error:  # Ray raises no class of its own when it does not start
            ray.shutdown()
            if not left:
                reason = str(error).strip().split("\n")[0]
                raise BadInput(
                    f"Ray could not be started, or its cluster not be reached ({reason}). Start it first and set "
                    f"{ADDRESS}, or use --engine local."
                ) from None
