"""JSON from outside: bounded, finite, said once."""

import json

import pytest

from reposer.core import BadInput
from reposer.core.json_files import parse_json, read_json


@pytest.fixture
def refused(tmp_path):
    def run(text, says, **options):
        path = tmp_path / "a.json"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(BadInput, match=says) as caught:
            read_json(path, **options)
        assert str(caught.value).isprintable() and len(str(caught.value)) < 600

    return run


def test_a_hundred_thousand_nested_brackets_are_refused_in_a_sentence(refused):
    refused("[" * 100_000 + "]" * 100_000, "nested too deeply")
    refused('{"a":' * 100_000, "nested too deeply")


def test_a_number_of_four_hundred_digits_is_refused_in_a_sentence(refused):
    refused(f'{{"size": [{"9" * 400}, 4]}}', "a number of 400 digits; at most 40")
    refused("9" * 5000, "a number of 5000 digits")


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_in_json_is_refused(refused, word):
    refused(f"[1, {word}]", f"holds {word}, which is no number")


def test_a_key_that_an_object_has_twice_is_refused_by_its_name(refused):
    refused('{"a": {"nose": [1, 2], "nose": [3, 4]}}', "says 'nose' twice in one object")
    refused('{"\\u001b[31m": 1, "\\u001b[31m": 2}', r"says '\\x1b\[31m' twice")


def test_a_file_above_the_limit_is_refused_before_it_is_parsed(refused):
    refused(b"[" + b" " * 2**20, "larger than 1 MiB", most_bytes=2**20)
    refused(b"[" + b"[]," * 3_100_000, "more than 6,000,000 values")


def test_text_in_utf_16_and_with_a_byte_order_mark_is_read(tmp_path):
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        (tmp_path / "a.json").write_text('{"ä": 1}', encoding=encoding)
        assert read_json(tmp_path / "a.json") == {"ä": 1}


def test_what_is_no_json_or_not_there_is_refused(refused, tmp_path):
    refused("{", "is not JSON")
    refused(b"\xff\xfe\x00\xd8", "is not")
    with pytest.raises(BadInput, match="There is no file"):
        read_json(tmp_path / "none.json")
    with pytest.raises(BadInput, match="There is no file"):
        read_json(tmp_path)


def test_all_else_is_read_as_it_stands(tmp_path):
    content = {"a": [1, -2.5, 1e300, True, None, "x"], "b": {}}
    (tmp_path / "a.json").write_text(json.dumps(content))
    assert read_json(tmp_path / "a.json") == content


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "1" * 10_000, b"\xff\xfe{", b"\xff"])
def test_text_that_was_read_already_is_refused_by_its_place(text):
    with pytest.raises(BadInput, match=r"^the header "):
        parse_json(text, "the header")
