"""Frozen dataclasses to plain values and back, for weights files' headers and runs' receipts."""

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal

from .errors import BadInput, quoted

LARGEST = 2**16
"""Largest size, width or count accepted in a config from a file: none in use comes near, and a network of it can still
be laid out."""
LONGEST = 1000
"""Most entries of a list or a mapping accepted in a config from a file."""
PRECISION = 2**53
"""Integers beyond this are not exact as floats."""


def to_plain(value: Any) -> Any:
    """Dataclasses become dicts, tuples lists; numbers, strings, booleans and None stay. Anything else is a bug."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [to_plain(v) for v in value]
    if isinstance(value, dict):
        return {str(k): to_plain(v) for k, v in value.items()}
    assert value is None or isinstance(value, bool | int | float | str), f"{value!r} cannot be written down"
    return value


def from_plain(annotation: Any, value: Any, where: str = "config", *, bounded: bool = False) -> Any:
    """The value of type `annotation` that `to_plain` wrote, with every type and name checked.

    where: path of the value, for messages, which name the path of the error: `config.framing.size[0]`.
    bounded: also refuse values that no network is built from: non-finite numbers, integers above LARGEST, lists
        longer than LONGEST.
    """
    return _Reader(bounded).read(annotation, value, where)


def non_finite(plain: Any, where: str = "") -> str | None:
    """The path of the first number in plain values that is infinite or NaN; None if there is none."""
    if isinstance(plain, float):
        return None if math.isfinite(plain) else where
    entries = plain.items() if isinstance(plain, dict) else enumerate(plain) if isinstance(plain, list) else ()
    found = (non_finite(v, f"{where}.{k}" if where else str(k)) for k, v in entries)
    return next((path for path in found if path is not None), None)


def at_least(least: int, name: str, value: int) -> None:
    """BadInput if the integer of the option --NAME is smaller."""
    if value < least:
        raise BadInput(f"--{name.replace('_', '-')} is {value}; a whole number from {least} on is expected.")


@dataclasses.dataclass(frozen=True)
class _Reader:
    """Parses plain values once. Every refusal names the path of the value in the file."""

    bounded: bool

    def read(self, annotation: Any, value: Any, where: str) -> Any:
        origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
        if annotation is Any:
            return value
        if origin is typing.Annotated:
            return self.read(arguments[0], value, where)
        if dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
            return self._dataclass(annotation, value, where)
        if origin in (typing.Union, types.UnionType):
            return self._either(arguments, value, where)
        if origin is Literal:
            return self._one_of(arguments, value, where)
        if origin is tuple:
            return self._tuple(arguments, value, where)
        if origin in (dict, Mapping):
            return self._mapping(arguments, value, where)
        return self._simple(annotation, value, where)

    def _dataclass(self, cls: Any, value: Any, where: str) -> Any:
        if not isinstance(value, dict):
            raise _wrong(where, value, f"an object with the fields of {cls.__name__}")
        hints = typing.get_type_hints(cls)
        fields = {f.name: f for f in dataclasses.fields(cls)}
        unknown = sorted(set(value) - set(fields))
        required = [
            name
            for name, f in fields.items()
            if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        ]
        missing = sorted(set(required) - set(value))
        if unknown or missing:
            raise BadInput(
                f"{where} does not fit {cls.__name__}: unknown fields {_names(unknown)}, missing fields "
                f"{_names(missing)}. It was damaged, or written by another version of Reposer."
            )
        read = {name: self.read(hints[name], v, f"{where}.{name}") for name, v in value.items()}
        try:
            return cls(**read)
        except BadInput as error:
            raise BadInput(f"{where}: {error}") from error
        except (ValueError, TypeError, ArithmeticError, LookupError) as error:
            raise BadInput(
                f"{where}: its values do not go together in a {cls.__name__} ({error}). It was damaged, or written by "
                f"another version of Reposer."
            ) from error

    def _either(self, arguments: tuple[Any, ...], value: Any, where: str) -> Any:
        kinds = [a for a in arguments if a is not types.NoneType]
        if value is None and len(kinds) < len(arguments):
            return None
        for kind in kinds[:-1]:
            try:
                return self.read(kind, value, where)
            except BadInput:
                continue
        return self.read(kinds[-1], value, where)

    def _one_of(self, choices: tuple[Any, ...], value: Any, where: str) -> Any:
        for choice in choices:
            if type(value) is type(choice) and value == choice:
                return choice
        raise _wrong(where, value, f"one of {', '.join(map(repr, choices))}")

    def _tuple(self, arguments: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise _wrong(where, value, "a list")
        if arguments[-1] is Ellipsis:
            if self.bounded and len(value) > LONGEST:
                raise BadInput(f"{where} has {len(value):,} entries; at most {LONGEST:,} are expected.")
            kinds = [arguments[0]] * len(value)
        else:
            kinds = list(arguments)
            if len(value) != len(kinds):
                raise _wrong(where, value, f"a list of {len(kinds)}")
        return tuple(self.read(k, v, f"{where}[{i}]") for i, (k, v) in enumerate(zip(kinds, value, strict=True)))

    def _mapping(self, arguments: tuple[Any, ...], value: Any, where: str) -> dict[Any, Any]:
        if not isinstance(value, dict):
            raise _wrong(where, value, "an object")
        if self.bounded and len(value) > LONGEST:
            raise BadInput(f"{where} has {len(value):,} entries; at most {LONGEST:,} are expected.")
        return {self._key(arguments[0], k, where): self.read(arguments[1], v, f"{where}.{k}") for k, v in value.items()}

    def _key(self, annotation: Any, key: Any, where: str) -> Any:
        if annotation in (int, float) and isinstance(key, str):
            try:
                key = annotation(key)  # JSON writes a mapping's keys as strings
            except ValueError:
                raise _wrong(f"a key of {where}", key, "a number") from None
        return self.read(annotation, key, f"a key of {where}")

    def _simple(self, annotation: Any, value: Any, where: str) -> Any:
        if annotation is float:
            return self._float(value, where)
        if annotation is int:
            if not isinstance(value, int) or isinstance(value, bool):
                raise _wrong(where, value, "a whole number")
            if self.bounded and abs(value) > LARGEST:
                raise _wrong(where, value, f"a whole number up to {LARGEST:,}")
            return value
        names = {bool: "true or false", str: "a text"}
        if annotation in names and not isinstance(value, annotation):
            raise _wrong(where, value, names[annotation])
        return value

    def _float(self, value: Any, where: str) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise _wrong(where, value, "a number")
        if isinstance(value, int) and abs(value) > PRECISION:
            raise _wrong(where, value, "a number that a float holds")
        if self.bounded and not math.isfinite(value):
            raise _wrong(where, value, "a finite number")
        return value


def _wrong(where: str, value: Any, expected: str) -> BadInput:
    return BadInput(
        f"{where} is {quoted(value)}; {expected} was expected. It was damaged, or written by another version of "
        "Reposer."
    )


def _names(names: list[str]) -> str:
    return ", ".join(quoted(name) for name in names[:5]) if names else "none"
