"""The shipped network on one and two threads, run by torch, onnxruntime and OpenVINO.

Each row is a process of its own, since a runtime keeps the threads that it began with. The rows of one number of
threads take turns: a busy machine slows all alike.
"""

import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from multiprocessing.connection import Connection

import torch

from reposer.core import Pose
from reposer.core.choices import Runtime
from reposer.core.memory import own_peak
from reposer.engines.graph import example_inputs
from reposer.engines.run import load_for

from .measure import Table, Value

MODEL = "trueflow"
REPEATS = 12
NEEDS: dict[Runtime, Sequence[str]] = {
    "torch": (),
    "onnxruntime": ("onnx", "onnxscript"),
    "openvino": ("onnx", "onnxscript", "openvino"),
}
COLUMNS = (
    "runtime, threads",
    "ready after (s)",
    "picture (ms)",
    "frame of a clip (ms)",
    "peak memory (MB)",
    "difference",
)


def run(device: torch.device) -> list[Table]:
    """The first use of another runtime records its graphs; that time is not counted."""
    runtimes = [runtime for runtime, packages in NEEDS.items() if all(map(find_spec, packages))]
    for runtime in runtimes:
        load_for(MODEL, "cpu", runtime)  # records what is not there yet
    rows: list[tuple[Value, ...]] = []
    for threads in (1, 2):
        rows += _measured(runtimes, threads)
    note = (
        "best of "
        f"{REPEATS}, 256x192, seeded noise; a picture is `explain`, with all that the full-size result is made of; "
        "ready after: loading the weights or the graphs; difference: the largest from torch's, of values from -1 to 1; "
        "peak: of the whole process. " + _load()
    )
    return [Table(f"{MODEL} by other runtimes, on the CPU", COLUMNS, rows, note)]


def _load() -> str:
    """How busy the machine is: the figures of a busy one are no faster than it lets them be."""
    return f"Load of the machine at the end, over the last five minutes: {os.getloadavg()[1]:.1f}."


def _measured(runtimes: Sequence[Runtime], threads: int) -> list[tuple[Value, ...]]:
    context = multiprocessing.get_context("spawn")
    workers = {}
    for runtime in runtimes:
        own, other = context.Pipe()
        process = context.Process(target=_worker, args=(runtime, threads, other))
        process.start()
        ready, picture = own.recv()
        workers[runtime] = process, own, ready, picture
    best = {runtime: [float("inf")] * 2 for runtime in runtimes}
    for _ in range(REPEATS):
        for runtime, (_, own, _, _) in workers.items():
            own.send("again")
            best[runtime] = [min(pair) for pair in zip(best[runtime], own.recv(), strict=True)]
    rows: list[tuple[Value, ...]] = []
    reference = workers["torch"][3]
    for runtime, (process, own, ready, picture) in workers.items():
        own.send("end")
        peak = own.recv()
        process.join()
        apart = float((picture - reference).abs().max())
        milliseconds = [1000 * seconds for seconds in best[runtime]]
        rows.append((f"{runtime}, {threads}", ready, *milliseconds, peak / 1e6, apart))
    return rows


def _worker(runtime: Runtime, threads: int, connection: Connection) -> None:
    torch.set_num_threads(threads)
    start = time.perf_counter()
    generator = load_for(MODEL, "cpu", runtime)
    ready = time.perf_counter() - start
    source, xy, visible, target_xy, target_visible = example_inputs(generator, 1, 0)
    size = generator.framing.size
    own, target = Pose(xy, visible, size), Pose(target_xy, target_visible, size)
    connection.send((ready, generator.explain(source, own, target).picture))
    frames = 3

    def frame() -> float:
        """Seconds a frame after the first."""
        moving = generator.animate_explained(source[0], own[0], [target[0]] * (1 + frames))
        next(moving)
        return _seconds(lambda: list(moving)) / frames

    while connection.recv() == "again":
        connection.send((_seconds(lambda: generator.explain(source, own, target)), frame()))
    connection.send(own_peak())


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
