"""Items are made ahead in a thread: the same, in order, a few at a time, and no longer than they are wanted."""

import threading
from itertools import count, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reposer.core.ahead import ahead


@given(st.lists(st.integers()), st.integers(1, 4))
def test_the_same_items_come_in_the_same_order(items, most):
    assert list(ahead(items, most)) == items


def test_no_more_than_that_many_are_made_before_they_are_asked_for():
    made = []

    def items():
        for n in range(20):
            made.append(n)
            yield n

    for used, _ in enumerate(ahead(items(), 2), 1):
        assert len(made) <= used + 3, "two that wait, and one that is being made"
    assert len(made) == 20


def test_the_next_item_is_made_while_one_is_used():
    second = threading.Event()

    def items():
        yield 0
        second.set()
        yield 1

    passing = ahead(items())
    assert next(passing) == 0
    assert second.wait(10), "nobody has asked for it yet"
    assert next(passing) == 1


def test_what_goes_wrong_is_raised_after_the_items_before_it():
    def items():
        yield 1
        raise KeyError("two")

    passing = ahead(items())
    assert next(passing) == 1
    with pytest.raises(KeyError, match="two"):
        next(passing)


def test_closing_ends_the_thread_and_the_items_where_they_are_made():
    closed = []

    def items():
        try:
            yield from count()
        finally:
            closed.append(threading.current_thread().name)

    before = threading.active_count()
    passing = ahead(items())
    assert list(islice(passing, 3)) == [0, 1, 2]
    passing.close()
    assert closed == ["ahead"] and threading.active_count() == before


def test_nothing_is_made_before_it_is_asked_for():
    made = []
    passing = ahead(made.append(n) for n in range(3))
    passing.close()
    assert made == []
