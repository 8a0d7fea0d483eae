"""The error for mistakes that users can correct, and how values from outside are quoted in it."""

import math
from reprlib import Repr
from typing import Any

_LONGEST = 80
_NO_MEMORY = ("can't allocate memory", "out of memory", "cannot allocate memory")


class BadInput(ValueError):
    """Input from outside that cannot be used.

    The message is one sentence or two: what came, what was expected, the way out. The command line prints it and exits
    with code 2; in Python it is an ordinary ValueError.
    """


class _Short(Repr):
    def repr_int(self, x: int, level: int) -> str:
        """Python refuses to write out an integer of more than 4,300 digits."""
        if abs(x) < 10**_LONGEST:
            return repr(x)
        return f"<integer of {math.ceil(x.bit_length() * math.log10(2))} digits>"


_short = _Short()
_short.maxstring = _short.maxother = _LONGEST
_short.maxlist = _short.maxdict = 8
_short.maxlevel = 3


def quoted(value: Any) -> str:
    """A value from outside for use in a message: on one line, of at most 80 characters, in quotes if it is text.

    Control characters (including terminal escapes), characters that change the direction of writing, and half
    surrogates are shown as escapes: `'\\x1b[31m'`. Names in any alphabet stay as they are.
    """
    shown = _short.repr(value)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 3]}..."


def is_of_memory(error: BaseException) -> bool:
    """Whether this machine has too little memory: PyTorch says so with a RuntimeError."""
    if isinstance(error, MemoryError):
        return True
    said = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in said for words in _NO_MEMORY)
