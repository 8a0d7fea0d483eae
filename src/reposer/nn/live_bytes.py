"""Counts the bytes of the tensors that a computation keeps at a time, without computing it: on torch's "meta" device,
whose tensors have shapes and no numbers."""

import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, is_dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter, tree_map_only

from reposer.core import BadInput
from reposer.core.memory import NotCounted

Value = TypeVar("Value")
META = torch.device("meta")
_ANSWERS: dict[Any, Callable[[Tensor], bool | float | int]] = {
    torch.ops.aten._local_scalar_dense.default: lambda t: (
        True if t.dtype == torch.bool else 1.0 if t.is_floating_point() else 1
    ),
    torch.ops.aten.equal.default: lambda t: True,
}
"""What a question about a tensor's numbers is answered with: finite, visible and equal."""

_WITH_MASKS = {
    getattr(torch.ops.aten, name).default if name != "index" else torch.ops.aten.index.Tensor
    for name in ("index", "index_put", "index_put_", "_index_put_impl_")
}
_FAILURES = (
    *(BadInput, RuntimeError, NotImplementedError, TypeError, ValueError, LookupError, AssertionError),
    *(ArithmeticError, AttributeError, MemoryError),
)
"""What code raises that misses the numbers, or finds what was answered in their place unusable."""
_OTHER_TYPE = {
    getattr(torch.ops.aten, name)
    for name in (
        *("eq", "ne", "lt", "le", "gt", "ge", "isnan", "isinf", "isfinite", "isposinf", "isneginf", "signbit"),
        *("logical_not", "logical_and", "logical_or", "logical_xor", "_to_copy", "to", "clone", "copy"),
    )
    if hasattr(torch.ops.aten, name)
}
"""Operators on each number whose results have another type than the numbers, or another layout."""

_EMPTY_LIKE = torch.ops.aten.empty_like.default
_PLAIN = (bool, int, float, str, torch.dtype, torch.device, torch.layout, torch.memory_format, torch._ops.OpOverload)
"""Arguments besides tensors that say by their value what an operator returns."""


class LiveBytes(TorchDispatchMode):
    """Within the block, follows every tensor that torch makes on the device "meta". peak: the most bytes at a time.

    Numbers that are computed of others than these (seeds, constants) stay real.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak: int = 0
        self._live: dict[int, int] = {}
        self._sum = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if func is torch.ops.aten._to_copy.default and _stays(args[0]):
            kwargs.pop("device", None)
        if not any(t.is_meta for t in _tensors(args)) and not any(t.is_meta for t in _tensors([*kwargs.values()])):
            return self._followed(func(*args, **kwargs))
        if func in _WITH_MASKS:
            args = (args[0], _as_places(args[1]), *args[2:])
        if func in _ANSWERS:
            return _ANSWERS[func](args[0])
        if torch.Tag.pointwise in func.tags and (alike := _alike(func, args, kwargs)) is not None:
            return self._followed(alike)
        if "device" in kwargs:
            kwargs["device"] = META
        if func._schema.is_mutable and isinstance(args[0], Tensor) and not args[0].is_meta:
            return args[0]  # a real tensor that would get numbers which are not there
        if not all(t.is_meta for t in (*_tensors(args), *_tensors([*kwargs.values()]))):
            args, kwargs = tree_map_only(Tensor, lambda t: t if t.is_meta else t.to(META), (args, kwargs))
        return self._followed(_result(func, args, kwargs))

    def _followed(self, output: Any) -> Any:
        for tensor in tree_iter(output):
            if isinstance(tensor, Tensor) and tensor.is_meta:
                storage = tensor.untyped_storage()
                key = storage._cdata
                if key not in self._live:
                    self._live[key] = storage.nbytes()
                    self._sum += storage.nbytes()
                    self.peak = max(self.peak, self._sum)
                    weakref.finalize(storage, self._gone, key)
        return output

    def _gone(self, key: int) -> None:
        self._sum -= self._live.pop(key, 0)


def _tensors(args: Sequence[Any]) -> Iterator[Tensor]:
    """Those among an operator's arguments and in its lists."""
    for own in args:
        if isinstance(own, Tensor):
            yield own
        elif isinstance(own, list | tuple):
            yield from _tensors(own)


def _as_places(indices: Sequence[Tensor | None]) -> list[Tensor | None]:
    """Indices whose masks are places: of a mask without numbers, all."""
    found: list[Tensor | None] = []
    for index in indices:
        if index is None or index.dtype != torch.bool:
            found.append(index)
        elif index.is_meta:
            found += [torch.empty(index.numel(), dtype=torch.int64, device=META) for _ in range(index.dim())]
        else:
            found += index.nonzero(as_tuple=True)
    return found


def _alike(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor | None:
    """The result of an operator on each number where it is plainly like the first argument; torch's own way to find
    that out takes a millisecond."""
    first = args[0]
    if not isinstance(first, Tensor) or not first.is_meta or kwargs or not first.is_floating_point():
        return None
    if any(t.shape != first.shape or t.dtype != first.dtype for t in _tensors(args)):
        return None
    if func._schema.is_mutable:
        return first
    (returned,) = func._schema.returns if len(func._schema.returns) == 1 else (None,)
    return None if returned is None or func.overloadpacket in _OTHER_TYPE else _result(_EMPTY_LIKE, (first,), {})


_RESULTS: dict[Any, "_Made | list[_Made] | tuple[_Made, ...] | None"] = {}
"""What operators return of arguments of some shapes. None: views of the arguments, or what is no tensor."""
_MOST_RESULTS = 50_000
"""A network has some thousands; a page that is open for weeks counts many."""


@dataclass(frozen=True)
class _Made:
    """A tensor with a storage of its own that an operator makes."""

    shape: torch.Size
    stride: tuple[int, ...]
    dtype: torch.dtype

    def again(self) -> Tensor:
        return torch.empty_strided(self.shape, self.stride, dtype=self.dtype, device=META)


def _result(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """What the operator returns. Torch finds out the shapes of many by their definition in terms of others, in a
    millisecond or more; a network asks for the same ones again and again, so these are kept."""
    key = None if func._schema.is_mutable else _key((func, args, *sorted(kwargs.items())))
    if key is None:
        return func(*args, **kwargs)
    kept = _RESULTS.get(key)
    if isinstance(kept, _Made):
        return kept.again()
    if kept is not None:
        several = [made.again() for made in kept]
        return several if isinstance(kept, list) else tuple(several)
    output = func(*args, **kwargs)
    if key not in _RESULTS:
        if len(_RESULTS) >= _MOST_RESULTS:
            _RESULTS.clear()
        _RESULTS[key] = _made(output, args, kwargs)
    return output


def _key(value: Any) -> Any:
    """Equal for arguments of which an operator makes tensors of equal shapes; None if that cannot be told."""
    if isinstance(value, Tensor):
        known = type(value) in (Tensor, torch.nn.Parameter) and value.layout == torch.strided and not value.is_complex()
        return (value.shape, value.stride(), value.dtype) if known else None
    if isinstance(value, list | tuple):
        keys = tuple(_key(own) for own in value)
        return None if None in keys else (type(value), keys)
    return (type(value), value) if isinstance(value, _PLAIN) or value is None else None


def _made(output: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> "_Made | list[_Made] | tuple[_Made, ...] | None":
    """How to make it again, if it is one or several tensors whose storages are theirs alone."""
    several = type(output) in (list, tuple)
    storages = {t.untyped_storage()._cdata for t in (*_tensors(args), *_tensors([*kwargs.values()]))}
    found = []
    for tensor in output if several else [output]:
        if type(tensor) is not Tensor or not tensor.is_meta or tensor.layout != torch.strided:
            return None
        made = _Made(tensor.shape, tensor.stride(), tensor.dtype)
        storage = tensor.untyped_storage()
        if storage._cdata in storages or storage.nbytes() != made.again().untyped_storage().nbytes():
            return None
        storages.add(storage._cdata)
        found.append(made)
    return type(output)(found) if several else found[0]


def bytes_at_peak(work: Callable[[], object]) -> int:
    """Of the tensors that `work` has at a time, on the device "meta". NotCounted if it cannot do without numbers."""
    try:
        with LiveBytes() as live:
            work()
    except _FAILURES as error:
        raise NotCounted(f"it asks for numbers ({' '.join(str(error).split())[:120]})") from error
    peak: int = live.peak
    return peak


def without_numbers(value: Value) -> Value:
    """A copy of nested dataclasses, lists and tuples whose tensors have no numbers; seeds keep theirs."""
    if isinstance(value, Tensor):
        return value if _stays(value) else value.to(META)  # type: ignore[return-value]
    if is_dataclass(value) and not isinstance(value, type):
        copied = object.__new__(type(value))
        for name, own in vars(value).items():
            object.__setattr__(copied, name, without_numbers(own))
        return copied
    if isinstance(value, tuple):
        parts = [without_numbers(own) for own in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    if isinstance(value, list):
        return [without_numbers(own) for own in value]  # type: ignore[return-value]
    if isinstance(value, dict):
        return {name: without_numbers(own) for name, own in value.items()}  # type: ignore[return-value]
    return value


def tensors_of(value: Any) -> Iterator[Tensor]:
    """All tensors in nested dataclasses, lists, tuples and mappings."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple | dict):
        for own in value.values() if isinstance(value, dict) else value:
            yield from tensors_of(own)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from tensors_of(vars(value))


def _stays(tensor: Tensor) -> bool:
    """Whether it is a row of whole numbers, as seeds are: code reads them, and they take no memory to speak of."""
    return not tensor.is_meta and tensor.dim() < 2 and not tensor.is_floating_point()
