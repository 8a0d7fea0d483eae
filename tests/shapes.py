"""Checks, while tests run, what the package's functions take and return, wherever a signature names a shape.

jaxtyping's own import hook decorates every function, nested ones at each call of the outer, and checks arguments twice:
the renderer of people ran more than ten times slower under it. Here only functions and dataclasses with shapes are
decorated, at their first call, and a call is checked once. In each test these are the first calls of each function: a
layer that is called a thousand times in a test is given the same shapes again and again.
"""

import ast
import functools
import hashlib
import inspect
import re
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from beartype import BeartypeConf, beartype
from jaxtyping import jaxtyped
from torch.compiler import is_compiling

SHAPE = re.compile(r"\b(Float|Int|Integer|UInt|Bool|Complex|Num|Real|Inexact|Shaped)\d*\[")
_strict = beartype(conf=BeartypeConf(is_pep484_tower=True))  # an int is a float, as the language's own rules say
CALLS = 10
"""So many of each function are checked in a test."""
_test = 0


def begin_test() -> None:
    """The first calls after this are checked again."""
    global _test
    _test += 1


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, whose arguments and result are checked at the first `CALLS` in each test, unless it is compiled."""
    ready: list[Callable[..., Any]] = []
    test, left = -1, 0

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        nonlocal test, left
        if is_compiling():
            return function(*args, **options)
        if test != _test:
            test, left = _test, CALLS
        if left == 0:
            return function(*args, **options)
        left -= 1
        if not ready:
            # A generator's body begins after this call, so its arguments are checked by jaxtyping's own stand-in.
            once = not inspect.isgeneratorfunction(function)
            ready.append(jaxtyped(_strict(function) if once else function, typechecker=None if once else _strict))
        return ready[0](*args, **options)

    return call


def with_checked_fields(kind: type) -> type:
    """`kind`, a dataclass, whose fields are checked as they are given."""
    kind.__init__ = checked(kind.__init__)  # type: ignore[misc]
    return kind


def install() -> None:
    """From now on the package is imported with its checks."""
    sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] != "reposer":
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


class _Loader(SourceFileLoader):
    """Keeps its bytecode apart from that of programs without checks."""

    cache = str(Path(__file__).with_name("__pycache__") / hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16])

    def get_code(self, fullname: str) -> CodeType | None:
        before, sys.pycache_prefix = sys.pycache_prefix, self.cache
        try:
            return super().get_code(fullname)
        finally:
            sys.pycache_prefix = before

    def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> CodeType:  # type: ignore[override]
        tree = ast.parse(data, path)
        first = 0
        for k, statement in enumerate(tree.body):
            string = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            if string or (isinstance(statement, ast.ImportFrom) and statement.module == "__future__"):
                first = k + 1
            else:
                break
        tree.body.insert(first, ast.Import([ast.alias("tests.shapes", "_shapes")]))
        for statement in tree.body:
            _decorate(statement)
        ast.fix_missing_locations(tree)
        return compile(tree, path, "exec", dont_inherit=True, optimize=_optimize)


def _decorate(statement: ast.stmt) -> None:
    """Innermost on functions, since other decorators may change what is returned; outermost on classes."""
    if isinstance(statement, ast.FunctionDef):
        given = statement.args
        arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
        if _shaped(*(a.annotation for a in arguments if a is not None), statement.returns):
            statement.decorator_list.append(_name("checked"))
    elif isinstance(statement, ast.ClassDef):
        for inner in statement.body:
            _decorate(inner)
        fields = [inner.annotation for inner in statement.body if isinstance(inner, ast.AnnAssign)]
        if any("dataclass" in ast.unparse(d) for d in statement.decorator_list) and _shaped(*fields):
            statement.decorator_list.insert(0, _name("with_checked_fields"))


def _shaped(*annotations: ast.expr | None) -> bool:
    return any(a is not None and SHAPE.search(ast.unparse(a)) for a in annotations)


def _name(word: str) -> ast.expr:
    return ast.Attribute(ast.Name("_shapes", ast.Load()), word, ast.Load())
