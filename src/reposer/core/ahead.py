"""Work on an iterator's next items while the ones before are used."""

from collections.abc import Generator, Iterable
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import NamedTuple, TypeVar

T = TypeVar("T")
PATIENCE = 0.1
"""Seconds after which a thread that waits looks whether anybody still wants its items."""


class _End(NamedTuple):
    error: BaseException | None


def ahead(items: Iterable[T], most: int = 2) -> Generator[T, None, None]:
    """The same items in the same order, made in a thread of their own, at most `most` of them before they are asked
    for.

    What making them raises is raised here, after the items before it. Closing the generator ends the thread and, in it,
    closes `items` where that can be closed; an item that is being made is waited for. Nothing is made before the first
    item is asked for.
    """
    made: Queue[T | _End] = Queue(most)
    unwanted = Event()

    def put(item: T | _End) -> None:
        while not unwanted.is_set():
            try:
                made.put(item, timeout=PATIENCE)
                return
            except Full:
                continue

    def make() -> None:
        error: BaseException | None = None
        try:
            iterator = iter(items)
            try:
                for item in iterator:
                    put(item)
                    if unwanted.is_set():
                        break
            finally:
                if isinstance(iterator, Generator):
                    iterator.close()
        except BaseException as raised:  # told to whoever asks, whatever it is
            error = raised
        put(_End(error))

    thread = Thread(target=make, name="ahead", daemon=True)
    thread.start()
    try:
        while True:
            try:  # with a limit, so that Ctrl-C is heard
                item = made.get(timeout=PATIENCE)
            except Empty:
                continue
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        unwanted.set()
        thread.join()
