"""`reposer ready`: a process that stays, so that `reposer transfer` takes about 60 % of the time.

`option` is what `transfer` takes; `client` hands its calls over, or starts the process; `server` is the process;
`place` is where both meet.
"""

from collections.abc import Sequence


def run(arguments: Sequence[str]) -> int:
    from .command import run as run_command

    return run_command(arguments)
