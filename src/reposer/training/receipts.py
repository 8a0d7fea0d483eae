"""A recipe with the values of another run's receipt."""

import dataclasses
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from reposer.core import BadInput, quoted
from reposer.core.configs import from_plain

from .old_names import ADDED_WITHIN
from .recipe import Recipe
from .run_folder import RunFolder

R = TypeVar("R", bound=Recipe)


def read_receipt(path: Path) -> dict[str, Any]:
    """The plain values of the recipe in a run folder, or in its recipe.json."""
    folder = RunFolder(path if path.is_dir() else path.parent)
    if not path.is_dir():
        folder.receipt = path
    if not folder.receipt.exists():
        raise BadInput(f"There is no receipt {folder.receipt}. Give a run folder, or the recipe.json in one.")
    found: dict[str, Any] = folder.read_receipt()["recipe"]
    if not isinstance(found.get("name"), str):
        raise BadInput(f"{folder.receipt} names no recipe: it was damaged, or written by another program.")
    return found


def with_values(recipe: R, plain: Mapping[str, Any], where: str) -> R:
    """The recipe with the values of a receipt, which must be of a recipe of the same form.

    plain: what `read_receipt` returns. where: for messages.
    """
    found: R = _alike(recipe, plain, where)
    return found


def _alike(example: Any, plain: Any, where: str) -> Any:
    """`plain` as a value of the classes of `example`, whose type hints alone would not tell them all."""
    if dataclasses.is_dataclass(example) and isinstance(plain, Mapping):
        hints = typing.get_type_hints(type(example), include_extras=True)
        own = {field.name for field in dataclasses.fields(example)}
        if unknown := sorted(set(plain) - own):
            raise BadInput(f"{where} has values that {type(example).__name__} lacks: {_listed(unknown)}.")
        values = {
            name: _read(getattr(example, name), hints[name], value, f"{where}.{name}") for name, value in plain.items()
        }
        values |= {name: ADDED_WITHIN[name] for name in own - set(plain) if name in ADDED_WITHIN}  # as they were then
        try:
            return dataclasses.replace(example, **values)  # type: ignore[type-var]
        except (ValueError, TypeError, ArithmeticError, LookupError) as error:
            raise BadInput(
                f"{where}: its values do not go together ({error}). Correct them, or take another receipt."
            ) from error
    if isinstance(example, tuple) and isinstance(plain, list):
        if len(plain) != len(example):
            raise BadInput(f"{where} has {len(plain)} entries; this recipe has {len(example)}.")
        return tuple(_alike(e, p, f"{where}.{k}") for k, (e, p) in enumerate(zip(example, plain, strict=True)))
    if isinstance(example, Mapping) and isinstance(plain, Mapping):
        if set(plain) != set(example):
            raise BadInput(f"{where} has {_listed(sorted(plain))}; this recipe has {_listed(sorted(example))}.")
        return {name: _alike(value, plain[name], f"{where}.{name}") for name, value in example.items()}
    raise BadInput(f"{where} is {quoted(plain)}; a value like {quoted(example)} was expected.")


def _read(example: Any, hint: Any, plain: Any, where: str) -> Any:
    """A field's value: by the example where it consists of dataclasses, else by its type."""
    parts = example.values() if isinstance(example, Mapping) else example if isinstance(example, tuple) else [example]
    by_example = plain is not None and any(dataclasses.is_dataclass(part) for part in parts)
    return _alike(example, plain, where) if by_example else from_plain(hint, plain, where)


def _listed(names: list[str]) -> str:
    return ", ".join(quoted(name) for name in names[:5]) or "nothing"
