"""A command's function, or one of its subcommands, as options: parsed and called."""

import ast
import dataclasses
import inspect
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any, get_args

import tyro

Function = Callable[..., int]


def called(
    function: Function, arguments: Sequence[str], command: str, description: str | None, *, flat: bool = False
) -> int:
    """The exit code of `function` with these arguments; its docstring is the help of `reposer COMMAND`.

    flat: options of a dataclass have no prefix.
    """
    _join_lines(function)
    config: Any = (tyro.conf.OmitArgPrefixes,) if flat else ()
    text = unbroken(description)
    code: int = tyro.cli(function, args=list(arguments), prog=f"reposer {command}", description=text, config=config)
    return code


def called_by_name(
    functions: Mapping[str, Function], arguments: Sequence[str], command: str, description: str | None
) -> int:
    """The same for the function that the first argument names."""
    for function in functions.values():
        _join_lines(function)
    code: int = tyro.extras.subcommand_cli_from_dict(
        dict(functions), args=list(arguments), prog=f"reposer {command}", description=unbroken(description)
    )
    return code


def _join_lines(function: Function) -> None:
    function.__doc__ = unbroken(function.__doc__)
    for kind in inspect.get_annotations(function).values():
        join_lines_of_fields(kind)


def join_lines_of_fields(config: Any) -> None:
    """Gives the help of a dataclass, and of its fields and those of the dataclasses in it, joined lines.

    config: a type, or a value, which may have dataclasses where its type says Any.
    """
    left, seen = [config], set()
    while left:
        one = left.pop()
        kind = one if isinstance(one, type) else type(one)
        if isinstance(one, tuple | list):
            left += one
        elif arguments := get_args(one):
            left += arguments[:1] if hasattr(one, "__metadata__") else arguments
        elif dataclasses.is_dataclass(kind) and (one is not kind or kind not in seen):
            fields = dataclasses.fields(kind)
            left += [of_field for f in fields for of_field in (f.type, getattr(one, f.name, None))]
            if kind not in seen:
                seen.add(kind)
                kind.__doc__ = unbroken(kind.__doc__)
                docs = field_docs(kind)
                for f in fields:
                    if f.name in docs:  # where tyro looks before it reads the source, and joins too few lines
                        f.metadata = MappingProxyType({**f.metadata, "help": docs[f.name]})


def field_docs(owner: type) -> dict[str, str]:
    """The docstrings under the fields of a class and of those that it extends, with joined lines."""
    found: dict[str, str] = {}
    for kind in filter(dataclasses.is_dataclass, reversed(owner.__mro__)):
        found |= _docs_in(kind.__module__).get(kind.__qualname__.split(".")[-1], {})
    return found


@cache
def _docs_in(module: str) -> dict[str, dict[str, str]]:
    """The docstrings under the fields of a module's classes, by the names of both; none of a module without source."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (OSError, TypeError, KeyError, SyntaxError):  # made by a program without a file
        return {}
    return {
        owner.name: {
            statement.target.id: unbroken(after.value.value)
            for statement, after in zip(owner.body, owner.body[1:], strict=False)
            if isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
            and isinstance(after.value.value, str)
        }
        for owner in ast.walk(tree)
        if isinstance(owner, ast.ClassDef)
    }


def unbroken(text: str | None) -> str:
    """A docstring whose lines that go on are joined, since the help breaks them anew for the terminal.

    Those of a paragraph go on, and those under `Args:` that are indented more than the names.
    """
    return re.sub(r"(?<=\S)\n(?: {8,}|(?=[^\s]))(?!Args:)", " ", inspect.cleandoc(text or ""))
