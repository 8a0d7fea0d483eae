"""JSON files from outside: of bounded size, with every number finite and no key twice in an object."""

import json
from pathlib import Path
from typing import Any, NoReturn

from .errors import BadInput, quoted

MAX_BYTES = 64 * 2**20
MAX_VALUES = 6_000_000
"""Most numbers, texts and lists in a file: the whole program then takes 1.3 GB at most."""
MAX_DIGITS = 40
"""Most digits of a whole number: no size, count or place has more."""


class _Refused(ValueError):
    """The reason to refuse a file whose brackets are those of JSON."""


def read_json(path: Path | str, *, most_bytes: int = MAX_BYTES) -> Any:
    """The content of a JSON file in UTF-8, UTF-16 or UTF-32.

    Refused in a sentence: other formats, a file above `most_bytes`, brackets nested too deeply, NaN and Infinity,
    numbers with hundreds of digits, and a key that one object has twice (readers disagree on which one counts).
    """
    return parse_json(_bytes(Path(path), most_bytes), str(path))


def object_in(path: Path) -> dict[str, Any]:
    """The object in a JSON file of ours; empty if there is none that can be read."""
    try:
        content = read_json(path)
    except BadInput:
        return {}
    return content if isinstance(content, dict) else {}


def parse_json(content: bytes | str, where: str) -> Any:
    """The same for content that was already read; `where` names it in the refusal."""
    if isinstance(content, str):
        content = content.encode()
    if sum(map(content.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise BadInput(f"{where} holds more than {MAX_VALUES:,} values; no more are read. Split the file.")
    try:
        return json.loads(content, parse_int=_whole, parse_constant=_no_number, object_pairs_hook=_without_repeats)
    except json.JSONDecodeError as error:
        raise BadInput(
            f"{where} is not JSON (line {error.lineno}, column {error.colno}: {error.msg}). It was damaged, or written "
            f"by another program."
        ) from None
    except UnicodeDecodeError:
        raise BadInput(f"{where} is not text; a JSON file was expected.") from None
    except RecursionError:
        raise BadInput(
            f"{where} has brackets nested too deeply to be read; nothing that is read here needs more than ten levels."
        ) from None
    except _Refused as error:
        raise BadInput(f"{where} {error}") from None


def _bytes(path: Path, most: int) -> bytes:
    if not path.is_file():
        raise BadInput(f"There is no file {path}; a JSON file was expected there.")
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}).") from None
    if len(content) > most:
        raise BadInput(
            f"{path} is larger than {most / 2**20:.3g} MiB; no larger JSON file is read. Split it into shorter ones."
        )
    return content


def _whole(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise _Refused(f"has a number of {len(digits)} digits; at most {MAX_DIGITS} are read.")
    return int(digits)


def _no_number(word: str) -> NoReturn:
    raise _Refused(f"holds {word}, which is no number in JSON. A value that is missing is written as null.")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _Refused(f"says {quoted(twice)} twice in one object. Keep the one that is meant.")
    return content
