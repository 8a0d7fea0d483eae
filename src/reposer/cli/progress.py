"""The progress bar of commands that go through frames or photos."""

from collections.abc import Generator, Iterable
from typing import TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from reposer.core.terminal import Terminal

Item = TypeVar("Item")


def counted(
    items: Iterable[Item], title: str, total: int, console: Terminal, done: int = 0, unit: str = "frames"
) -> Generator[Item, None, None]:
    """The items, with a bar: number done, rate, and remaining time."""
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TextColumn("left"))
    with Progress(TextColumn(title), *columns, TimeRemainingColumn(), console=console, transient=True) as bar:
        task = bar.add_task("", total=total, completed=done, rate="")
        for item in items:
            yield item
            bar.advance(task)
            speed = bar.tasks[0].speed
            bar.update(task, rate="" if speed is None else f"{speed:.1f} {unit}/s")
