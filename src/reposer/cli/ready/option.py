"""`--ready [MINUTES]` and its variable of the environment."""

import os
import sys
from collections.abc import Sequence

from reposer.core.errors import BadInput

VARIABLE = "REPOSER_READY"
USUAL_MINUTES = 10.0
MOST_MINUTES = 24 * 60.0


def with_minutes(arguments: Sequence[str]) -> list[str]:
    """The arguments with a number of minutes after a `--ready` that has none."""
    found: list[str] = []
    for word, after in zip(arguments, [*arguments[1:], ""], strict=True):
        found.append(word)
        if word == "--ready" and not _is_number(after):
            found.append(f"{USUAL_MINUTES:g}")
    return found


def minutes_asked(option: float | None) -> float | None:
    """For how many minutes a process is to stay; None = not at all. option: --ready, which goes before the variable."""
    text = os.environ.get(VARIABLE, "").strip()
    if option is None and text and not _is_number(text):
        raise BadInput(f"{VARIABLE} is a number of minutes, not {text!r}.")
    minutes = option if option is not None else float(text or 0)
    if not 0 <= minutes <= MOST_MINUTES:
        name = "--ready" if option is not None else VARIABLE
        raise BadInput(f"{name} is 0 to {MOST_MINUTES:,.0f} minutes, not {minutes:g}.")
    return minutes or None


def refuse_elsewhere() -> None:
    """BadInput on systems where no process can be kept ready."""
    if sys.platform != "linux":
        raise BadInput(
            "A process can be kept ready on Linux only: calls are handed over through Unix sockets that carry open "
            f"files, to a copy of a process. Leave --ready and {VARIABLE} out: the pictures are the same."
        )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
