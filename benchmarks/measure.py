"""Time and peak memory of a call, the speed of matrix products, and the table that a benchmark answers with."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

Value = str | float
Call = Callable[[], Any]


@dataclass(frozen=True)
class Table:
    """What one benchmark measured. Columns carry their unit; every row has a value for each of them."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[Value, ...]]
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        plain = ([None if value != value else value for value in row] for row in self.rows)  # JSON has no NaN
        rows = [dict(zip(self.columns, row, strict=True)) for row in plain]
        return {"title": self.title, "rows": rows, "note": self.note}


def best_times(calls: Mapping[str, Call], *, repeats: int, device: torch.device) -> dict[str, float]:
    """The shortest time of each call, in seconds. The calls take turns, so that a busy machine slows all alike."""
    for call in calls.values():
        call()
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(repeats):
        for name, call in calls.items():
            _wait_for(device)
            start = time.perf_counter()
            kept = call()
            _wait_for(device)
            best[name] = min(best[name], time.perf_counter() - start)
            del kept
    return best


def peak_memory(call: Call, *, device: torch.device) -> int:
    """Bytes that a call needs at its peak beyond what was there before and the tensors that it returns."""
    call()  # compiled kernels and caches stay out of it
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        kept = call()
        peak = torch.cuda.max_memory_allocated(device) - before
    else:
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
            kept = call()
        peak = _highest(recorded.profiler.kineto_results.experimental_event_tree())
    return peak - sum(tensor.nbytes for tensor in _tensors(kept))


def matrix_product_speed(dtype: torch.dtype, *, device: torch.device, repeats: int = 8) -> float:
    """The best of several large matrix products, in FLOP/s (a multiplication and an addition are two)."""
    sides = (1024, 1536, 2048) if device.type == "cpu" else (4096, 8192)
    speed = 0.0
    for n in sides:
        a, b = torch.randn(2, n, n, device=device).to(dtype)
        seconds = best_times({"": lambda a=a, b=b: a @ b}, repeats=repeats, device=device)[""]
        speed = max(speed, 2 * n**3 / seconds)
    return speed


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _highest(events: Any) -> int:
    """The peak of the sum of all allocations (+) and releases (-) in the order of time."""
    changes = sorted(
        (event.start_time_ns, event.extra_fields.alloc_size)
        for event in _walk(events)
        if event.tag == torch._C._profiler._EventType.Allocation
    )
    live = highest = 0
    for _, size in changes:
        live += size
        highest = max(highest, live)
    return highest


def _walk(events: Any) -> Iterator[Any]:
    for event in events:
        yield event
        yield from _walk(event.children)


def _tensors(kept: Any) -> Iterator[Tensor]:
    if isinstance(kept, Tensor):
        yield kept
    elif isinstance(kept, tuple | list):
        for part in kept:
            yield from _tensors(part)
