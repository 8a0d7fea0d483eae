"""The command line. This module imports nothing heavy, so that `reposer --help` is instant."""

import importlib
import os
import sys
from collections.abc import Sequence

COMMANDS = {
    "demo": "repose a synthetic person into six poses with the shipped weights; writes one picture sheet",
    "transfer": "put the person of a photo into another pose",
    "animate": "let the person of a photo move as in a clip: reposer animate PHOTO --driving CLIP.mp4",
    "views": "turn the object of a picture all the way round, as a clip",
    "train": "train a recipe, or go on with a run: reposer train gfla-mini --data DIR",
    "evaluate": "score a generator, beside copying the source",
    "score": "score a folder of anybody's pictures under a named protocol",
    "compare": "put reports in one table; rank only what was made alike",
    "leaderboard": "train and score all systems on the same synthetic people: one table, one sheet",
    "study": "let people judge: real or generated, or the best of several systems",
    "import-weights": "turn a released checkpoint into a .safetensors that Reposer loads",
    "recipes": "list the recipes",
    "models": "list the shipped models",
    "data": "check a data set, list the kinds, write synthetic people",
}

USAGE_ERROR = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 1 for a finding or a failed run, 2 for input that cannot be used."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
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

        near = difflib.get_close_matches(command, COMMANDS, n=1)
        guess = f" Did you mean '{near[0]}'?" if near else ""
        return _refuse(f"There is no command '{command}'.{guess} There are: {', '.join(COMMANDS)}.")
    from reposer.core import BadInput

    try:
        module = importlib.import_module(f"reposer.cli.{command.replace('-', '_')}")
        code: int = module.run(rest)
        return code
    except BadInput as error:
        return _refuse(str(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _refuse(message: str) -> int:
    sys.stderr.write(f"reposer: {message}\n")
    return USAGE_ERROR


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
    """The console script."""
    sys.exit(main())
