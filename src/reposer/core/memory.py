"""Errors that mean that memory ran out, whoever raised them."""

_WORDS = ("can't allocate memory", "out of memory", "cannot allocate memory")


def is_of_memory(error: BaseException) -> bool:
    """Whether memory ran out: torch says so in a RuntimeError, on a processor as on a GPU."""
    if isinstance(error, MemoryError):
        return True
    said = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in said for words in _WORDS)
