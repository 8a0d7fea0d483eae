"""`reposer estimate COMMAND ...`: what a command will need of memory and disk; nothing of it is run."""

import importlib
from collections.abc import Sequence

from reposer.core import BadInput
from reposer.core.memory import Need, memory_of_machine, size_in_words
from reposer.core.terminal import Terminal

from .needed import Estimated, estimating

COMMANDS = ("train", "transfer", "batch", "animate", "score", "evaluate")
USAGE = f"""usage: reposer estimate COMMAND ...      the command as it would be run, for example
       reposer estimate train gfla-fashion --data DIR --batch-size 16
       reposer estimate batch PHOTOS --poses POSES --out DIR --workers 4

Prints what the command will need of memory at its peak, over all of its processes, and what takes it; of a training run
also of disk. Nothing is run or written: files are opened to learn their number and their sizes. The figures are those
of a model that was fitted to measurements on the CPU (docs/speed.md says how well it does); `reposer train --dry-run`
takes steps and measures instead. With {"--max-memory SIZE"} the command would choose other numbers, which are printed.

Commands: {", ".join(COMMANDS)}"""


def run(arguments: Sequence[str]) -> int:
    console = Terminal()
    if not arguments or arguments[0] in ("-h", "--help"):
        console.text(USAGE)
        return 0
    command, *rest = arguments
    if command not in COMMANDS:
        raise BadInput(f"'{command}' has no estimate. There are: {', '.join(COMMANDS)}.")
    try:
        with estimating():
            return int(importlib.import_module(f"reposer.cli.{command}").run(rest))
    except Estimated as found:
        _tell(command, found.need, console)
        return 0


def _tell(command: str, need: Need, console: Terminal) -> None:
    console.say(f"reposer {command} {need.in_words()}")
    for name, size in need.parts.items():
        if size:
            console.say(f"  {size_in_words(size):>8}  {name}")
    console.say(f"  {size_in_words(memory_of_machine()):>8}  is what this machine has")
