"""What a command will need, said before it begins."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from reposer.core import BadInput
from reposer.core.memory import Need, NotCounted
from reposer.core.terminal import Terminal

_ESTIMATING: ContextVar[bool] = ContextVar("estimating", default=False)
OPTION = "--max-memory"


class Estimated(Exception):
    """Ends a command of which only the need is wanted."""

    def __init__(self, need: Need) -> None:
        super().__init__()
        self.need = need


@contextmanager
def estimating() -> Iterator[None]:
    """Inside, `begins` raises `Estimated` instead of saying anything."""
    token = _ESTIMATING.set(True)
    try:
        yield
    finally:
        _ESTIMATING.reset(token)


def begins(need: Need) -> None:
    """Says on standard error what the command will need, in one line."""
    ends_if_estimated(need)
    Terminal(stderr=True).say(need.in_words())


def ends_if_estimated(need: Need) -> None:
    """Raises `Estimated` where only the need is wanted."""
    if _ESTIMATING.get():
        raise Estimated(need)


def only_estimates() -> bool:
    """Whether only the need is wanted, and nothing is run."""
    return _ESTIMATING.get()


def is_wanted(most: float | None) -> bool:
    """Whether the need must be known: a ceiling was given, or nothing else is asked."""
    return most is not None or _ESTIMATING.get()


@contextmanager
def if_it_can_be_told(most: float | None) -> Iterator[None]:
    """A need that cannot be told is BadInput only where it must be known."""
    try:
        yield
    except NotCounted as error:
        if is_wanted(most):
            raise BadInput(f"What this needs cannot be told without doing it: {error}.") from error


def refuse_elsewhere(most: float | None, where: str) -> None:
    """BadInput if the need must be known and is that of another machine or of a GPU. where: in words."""
    if is_wanted(most):
        what = f"{OPTION} limits" if most is not None else "reposer estimate tells"
        raise BadInput(f"{what} the memory of processes of this machine on the CPU, and this would run on {where}.")
