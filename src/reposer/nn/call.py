"""Calls of modules with their types: torch's own `Module.__call__` gives Any."""

from typing import Any, ParamSpec, Protocol, TypeVar, overload, runtime_checkable

from torch import Tensor, nn

P = ParamSpec("P")
R = TypeVar("R", covariant=True)


@runtime_checkable  # the tests check types as they run
class _Typed(Protocol[P, R]):
    def forward(self, *inputs: P.args, **named: P.kwargs) -> R: ...


@overload
def call(module: nn.Sequential, x: Tensor) -> Tensor: ...
@overload
def call(module: _Typed[P, R], *inputs: P.args, **named: P.kwargs) -> R: ...
def call(module: Any, *inputs: Any, **named: Any) -> Any:
    """`module(...)`, typed by its `forward`; a sequence of layers takes one tensor and gives one."""
    return module(*inputs, **named)
