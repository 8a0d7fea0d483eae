"""A run's output while it trains: a live bar, the log file, a tracker."""

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from accelerate import Accelerator
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from reposer.core.terminal import Terminal

from .recipe import Recipe
from .run_folder import RunFolder, machine
from .runs import VALIDATION
from .trackers import accepted


class RunLog:
    """Collects the terms of every step; every `log_every` steps their means become a line of `log.jsonl`."""

    def __init__(
        self,
        recipe: Recipe,
        folder: RunFolder,
        *,
        main: bool,
        show: bool,
        tracker: Accelerator | None,
        step: int,
        last_step: int,
        minutes: float | None,
        processor_minutes: float | None,
    ) -> None:
        """`step`: where this call starts; it ends at `last_step`, or after this many minutes or processor minutes.
        tracker: has begun."""
        self.recipe, self.folder, self.main, self.show = recipe, folder, main, show and main
        self._sums: dict[str, float] = {}
        self._count = 0
        self._since = time.monotonic()
        self._console = Terminal(stderr=True)
        self._bar = Progress(
            TextColumn("{task.fields[stage]}", style="bold", markup=False),
            BarColumn(),
            TextColumn("{task.fields[place]}", markup=False),
            TextColumn("{task.fields[rate]:.1f} pictures/s"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[terms]}", markup=False),
            console=self._console,
            disable=not self.show,
            speed_estimate_period=120,
        )
        self._last_step, self._minutes, self._processor_minutes = last_step, minutes, processor_minutes
        self._task = self._bar.add_task("", total=1.0, stage="", place="", rate=0.0, terms="")
        self._tracker = tracker
        self._said: set[str] = set()
        if main and (broken := folder.cut_log(step)):
            self.say(f"{broken} lines of {folder.log_file} could not be read, and were dropped.")

    def step(self, stage: str, step: int, terms: dict[str, float]) -> None:
        """Adds one step's terms."""
        for name, value in terms.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._count += 1
        if step % self.recipe.log_every == 0 or step == self.recipe.steps:
            self._write(stage, step)

    def show_progress(self, stage: str, step: int, seconds: float, processor_seconds: float) -> None:
        """Moves the bar. The seconds are those of this call."""
        place = f"{step}/{self._last_step}"
        share = self._share(step, seconds, processor_seconds)
        self._bar.update(self._task, completed=share, stage=stage, place=place)

    def _share(self, step: int, seconds: float, processor_seconds: float) -> float:
        """Progress from 0 to 1: of the steps, or of the time or the processor time if that ends first."""
        limits = ((seconds, self._minutes), (processor_seconds, self._processor_minutes))
        late = max((spent / (60 * limit) for spent, limit in limits if limit), default=0.0)
        return min(1.0, max(step / self._last_step, late))

    def _write(self, stage: str, step: int) -> None:
        now = time.monotonic()
        rate = self._count * self.recipe.batch_size / (now - self._since)
        means = {name: value / self._count for name, value in self._sums.items()}
        if self.main:
            self.folder.log({"step": step, "stage": stage, "pictures_per_second": round(rate, 2), **means})
        self._track({**means, "pictures_per_second": rate}, step)
        shown = " ".join(f"{name.split('/')[-1]} {value:.3f}" for name, value in list(means.items())[:5])
        self._bar.update(self._task, rate=rate, terms=shown)
        self._sums, self._count, self._since = {}, 0, now

    def validated(self, stage: str, step: int, values: Mapping[str, float]) -> None:
        """Logs the scores of the averaged generator on held-out pairs after this step, if there are any."""
        if not values:
            return
        named = {f"{VALIDATION}{name}": value for name, value in values.items()}
        self.folder.log({"step": step, "stage": stage, **named})
        self._track(named, step)

    def _track(self, values: Mapping[str, float], step: int) -> None:
        """Sends the values to the tracker. One that fails is left out from then on: the log has the same numbers."""
        if self._tracker is None:
            return
        try:
            self._tracker.log({accepted(name): value for name, value in values.items()}, step)
        except Exception as error:  # of any type: a server that is gone, a full disk
            self._drop_tracker(error)

    def _drop_tracker(self, error: Exception) -> None:
        said = " ".join(str(error).split())[:200] or type(error).__name__
        self._tracker = None
        self.say(f"The tracker failed ({said}) and gets no more numbers; {self.folder.log_file} has all of them.")

    def say(self, message: str) -> None:
        if self.show:
            self._console.say(message)

    def say_once(self, message: str, reason: str) -> None:
        """Says the message, unless one of the same reason was said before."""
        if reason not in self._said:
            self._said.add(reason)
            self.say(message)

    def warn_if_moved(self, before: dict[str, Any]) -> None:
        """Warns if torch's version or the thread count changed: a resumed run is bit-exact only if they are the
        same."""
        now = machine()
        if before != now:
            self.say(f"This run was saved with {before}, this is {now}: it goes on, but not bit for bit.")

    def __enter__(self) -> "RunLog":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
        for tracker in self._tracker.trackers if self._tracker is not None else ():
            try:
                tracker.finish()
            except Exception as failure:
                self._drop_tracker(failure)
