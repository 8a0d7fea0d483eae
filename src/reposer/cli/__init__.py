"""The command line. This module imports nothing heavy, so that `reposer --help` is instant."""

import importlib
import io
import os
import sys
from collections.abc import Sequence

from .startup import WithoutCollector, leave, spin_little

COMMANDS = {
    "demo": "repose a synthetic person into six poses with the shipped weights; writes one picture sheet",
    "web": "open a page in the browser: drop a photo, drag its skeleton, press one button",
    "transfer": "put the person of a photo into another pose",
    "ready": "keep a process ready, so that the next transfers take about 60 % of the time",
    "pose": "estimate poses in photos, and write them as files",
    "animate": "let the person of a photo move as in a clip: reposer animate PHOTO --driving CLIP.mp4",
    "views": "turn the object of a picture all the way round, as a clip",
    "train": "train a recipe, or go on with a run: reposer train gfla-mini --data DIR",
    "estimate": "what a command will need of memory and disk, without running it: reposer estimate train ...",
    "runs": "list the runs: how far each is, its last losses, the time that is left",
    "evaluate": "score a generator, beside copying the source",
    "score": "score a folder of anybody's pictures under a named protocol",
    "compare": "put reports in one table; rank only what was made alike",
    "batch": "every photo in every pose, or the rows of a CSV file: by several processes, resumed",
    "personalize": "fit TrueFlow to one person, from a clip or a folder of photos",
    "leaderboard": "train and score all systems on the same synthetic people: one table, one sheet",
    "study": "ask people: real or generated, or the best of several systems",
    "import-weights": "turn a released checkpoint into a .safetensors that Reposer loads",
    "recipes": "list the recipes",
    "models": "list the shipped models",
    "export": "write a network for onnxruntime, OpenVINO or torch.export, checked against the original",
    "data": "check a data set, list the kinds, write synthetic people",
}


def main(arguments: Sequence[str] | None = None, *, hand_over: bool = False) -> int:
    """Run one command; returns the exit code. hand_over: a ready process may do it.

    0: success; 1: a finding or a failed run; 2: unusable input; 130 and 143: ended by Ctrl-C or SIGTERM.
    """
    from reposer.core.errors import BadInput

    from .failures import USAGE_ERROR, said_of, stopped_by_signals

    try:
        with stopped_by_signals():
            code = _run(list(sys.argv[1:] if arguments is None else arguments), hand_over)
            sys.stdout.flush()
            return code
    except BadInput as error:
        return _refuse(str(error), USAGE_ERROR)
    except BrokenPipeError:
        _let_go_of_output()
        return 1
    except (Exception, KeyboardInterrupt) as error:
        found = said_of(error)
        if found is None:
            raise
        _let_go_of_output_if_full()
        return _refuse(found[1], found[0])


def _run(arguments: list[str], hand_over: bool) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        sys.stdout.write(_help())
        return 0
    if arguments[0] == "--version":
        from reposer import __version__

        sys.stdout.write(f"reposer {__version__}\n")
        return 0
    command, *rest = arguments
    if command not in COMMANDS:
        import difflib

        from reposer.core.errors import BadInput

        near = difflib.get_close_matches(command, COMMANDS, n=1)
        guess = f" Did you mean '{near[0]}'?" if near else ""
        raise BadInput(f"There is no command '{command}'.{guess} There are: {', '.join(COMMANDS)}.")
    if hand_over and command == "transfer" and sys.platform == "linux":
        from .ready.client import handed_over

        done = handed_over(arguments)
        if done is not None:
            return done
    module = importlib.import_module(f"reposer.cli.{command.replace('-', '_')}")
    code: int = module.run(rest)
    return code


def _refuse(message: str, code: int) -> int:
    from reposer.core.shown import one_line

    sys.stderr.write(f"reposer: {one_line(message)}\n")
    return code


def _let_go_of_output() -> None:
    """The reader of stdout is gone: keep Python from complaining when it flushes its buffer at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _let_go_of_output_if_full() -> None:
    try:
        sys.stdout.flush()
    except OSError:
        _let_go_of_output()


def _help() -> str:
    width = max(map(len, COMMANDS)) + 2
    lines = [f"  {name:<{width}}{text}" for name, text in COMMANDS.items()]
    return "\n".join(
        [
            "Reposer: put a person into a new pose, keep who they are, and say honestly how well it went.",
            "",
            "usage: reposer COMMAND [OPTIONS]      (reposer COMMAND --help says more)",
            "",
            *lines,
            "",
        ]
    )


def entry() -> None:
    """Entry point of the console script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal or file with a narrow character set gets escapes
            stream.reconfigure(errors="backslashreplace")
    spin_little()
    sys.meta_path.insert(0, WithoutCollector("torch"))  # takes 1.2 of 4.1 processor seconds off its import and the exit
    code = main(hand_over=True)
    if sys.argv[1:2] == ["transfer"]:
        leave(code)
    sys.exit(code)
