"""A command's function, or one of its subcommands, as options: parsed and called."""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

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


def unbroken(text: str | None) -> str:
    """A docstring whose lines that go on are joined, since the help breaks them anew for the terminal.

    Those of a paragraph go on, and those under `Args:` that are indented more than the names.
    """
    return re.sub(r"(?<=\S)\n(?: {8,}|(?=[^\s]))(?!Args:)", " ", inspect.cleandoc(text or ""))
