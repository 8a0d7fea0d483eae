"""Frozen dataclasses to plain values and back: what rides in a weights file's header and in a run's receipt."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any

from .errors import BadInput


def to_plain(value: Any) -> Any:
    """Dataclasses become dicts, tuples lists; numbers, strings, booleans and None stay. Anything else is a mistake."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [to_plain(v) for v in value]
    if isinstance(value, dict):
        return {str(k): to_plain(v) for k, v in value.items()}
    assert value is None or isinstance(value, bool | int | float | str), f"{value!r} cannot be written down"
    return value


def from_plain(annotation: Any, value: Any, where: str = "config") -> Any:
    """The value of type `annotation` that `to_plain` wrote. A field that is unknown or missing is an error."""
    origin = typing.get_origin(annotation)
    arguments = typing.get_args(annotation)
    if dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
        return _dataclass_from_plain(annotation, value, where)
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        (inner,) = [a for a in arguments if a is not types.NoneType]
        return from_plain(inner, value, where)
    if origin is tuple:
        kinds = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else list(arguments)
        return tuple(from_plain(k, v, where) for k, v in zip(kinds, value, strict=True))
    if origin in (dict, Mapping):
        return {
            from_plain(arguments[0], k, where): from_plain(arguments[1], v, where) for k, v in value.items()
        }
    if annotation in (int, float) and isinstance(value, str):
        return annotation(value)  # JSON writes a dict's keys as strings
    return value


def _dataclass_from_plain(cls: Any, value: Any, where: str) -> Any:
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
            f"The {where} does not fit {cls.__name__}: unknown fields {unknown or 'none'}, missing fields "
            f"{missing or 'none'}. It was written by another version of Reposer."
        )
    return cls(**{name: from_plain(hints[name], v, f"{where}.{name}") for name, v in value.items()})
