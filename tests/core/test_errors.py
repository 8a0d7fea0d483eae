"""Text from outside in a message."""

import pytest

from reposer.core import quoted


@pytest.mark.parametrize(
    "text", ["\x1b[31mred\x07", "a\r\nb", "\x9b31m", "\u202eturned", "\ud800", "\x00", "\x7f", "\u2028"]
)
def test_no_control_character_of_a_text_from_outside_is_ever_shown_raw(text):
    assert quoted(text).isprintable()
    assert quoted([text]).isprintable() and quoted({text: text}).isprintable()


def test_names_in_any_alphabet_are_shown_as_they_are():
    assert quoted("Grün 人 [final]") == "'Grün 人 [final]'"
    assert quoted(None) == "None" and quoted([1, 2.5]) == "[1, 2.5]"


def test_a_long_value_is_cut_and_a_huge_one_is_never_written_out():
    assert len(quoted("x" * 10**7)) <= 80 and len(quoted([1.5] * 10**6)) <= 80
    assert quoted(10**10_000) == "<integer of 10001 digits>" and "10001 digits" in quoted([10**10_000])
    nested: list = []
    for _ in range(100_000):
        nested = [nested]
    assert quoted(nested) == "[[[[...]]]]"
