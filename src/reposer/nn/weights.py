"""Weights in files: safe to read, checked, written whole or not at all."""

import hashlib
import json
import os
import pickle
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from reposer.core import BadInput
from reposer.core.configs import to_plain
from reposer.core.disk import whole_file

Module = TypeVar("Module", bound=nn.Module)

HEADER = "reposer"
"""The entry of a weights file's header under which Reposer says what the file holds (JSON)."""


def save_generator(
    generator: Any, path: Path, extra: Mapping[str, Any], *, dtype: torch.dtype | None = None
) -> None:
    """A `.safetensors` that says how to build what it holds: family, config, framing, skeleton, and `extra`.

    dtype: of the floating tensors in the file; None keeps theirs.
    """
    about = {
        "family": generator.config.family,
        "config": to_plain(generator.config),
        "framing": to_plain(generator.framing),
        "skeleton": generator.skeleton.name,
        **extra,
    }
    write_safetensors(path, stored(generator, dtype), {HEADER: json.dumps(about)})


def unfilled(build: Callable[[], Module]) -> Module:
    """What `build` makes, on the CPU, without drawing first weights: its tensors hold anything until they are loaded."""
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        module = build()
    assert {name for name, _ in module.named_buffers()} <= set(module.state_dict()), (
        "a buffer that no file holds"
    )
    return module.to_empty(device="cpu")


def stored(module: nn.Module, dtype: torch.dtype | None = None) -> dict[str, Tensor]:
    """The module's tensors as a file holds them: on the CPU, contiguous, floating ones in `dtype`."""
    return {
        name: t.detach().to("cpu", dtype if t.is_floating_point() else None).contiguous()
        for name, t in module.state_dict().items()
    }


def write_safetensors(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> None:
    """A kill leaves the old file or the new one."""
    with whole_file(path) as file:
        file.write(save({name: t.contiguous() for name, t in tensors.items()}, dict(header)))


def read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the header of a `.safetensors`."""
    with _opened(path) as file:
        return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118


def read_header(path: Path) -> dict[str, str]:
    """The header alone: nothing else of the file is read."""
    with _opened(path) as file:
        return dict(file.metadata() or {})


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    _must_be_a_file(path)
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (SafetensorError, OSError) as error:
        raise BadInput(
            f"{path} cannot be read as a .safetensors ({error}); it may be cut short or another kind of file. "
            f"Copy or download it again."
        ) from error


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """The tensors of a state dict, on the CPU: a `.safetensors`, or what torch.save wrote (zip or legacy).

    A pickle that would run code is refused without running it.
    """
    if path.suffix == ".safetensors":
        return read_safetensors(path)[0]
    _must_be_a_file(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise BadInput(_refusal(path, error)) from error
    except (
        RuntimeError,
        EOFError,
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
    ) as error:
        raise BadInput(
            f"{path} cannot be read as a torch checkpoint ({type(error).__name__}); it may be cut short or another "
            f"kind of file. Copy or download it again."
        ) from error
    if (
        not isinstance(content, Mapping)
        or not content
        or not all(isinstance(t, Tensor) for t in content.values())
    ):
        raise BadInput(
            f"{path} holds {_kind(content)}, not a state dict (names to tensors). "
            f"Take the file that holds the network's weights alone."
        )
    return {str(name): tensor for name, tensor in content.items()}


def find_weights(filename: str, *, path: Path | None = None, source: str) -> Path:
    """The file of a standard network: at `path`, in $REPOSER_WEIGHTS_DIR, or where torchvision keeps its downloads.

    filename: as published, with the first digits of its SHA-256 in it (`vgg19-dcbb9e9d.pth`), which are verified.
    source: where a user gets it, for the message. Nothing is ever downloaded.
    """
    match = re.search(r"-([0-9a-f]{8,})\.", filename)
    assert match, f"{filename} names no checksum"
    digits = match[1]
    places = [path / filename if path.is_dir() else path] if path is not None else weight_places(filename)
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        looked = " nor ".join(str(place) for place in places)
        raise BadInput(
            f"There is no {filename} (SHA-256 {digits}...): neither {looked} is a file. Get it from {source}, "
            f"and give its path or its folder in $REPOSER_WEIGHTS_DIR."
            if len(places) > 1
            else f"{looked} is not a file. It should be {filename} (SHA-256 {digits}...) from {source}."
        )
    checksum = sha256(found)
    if not checksum.startswith(digits):
        raise BadInput(
            f"{found} has the SHA-256 {checksum[: len(digits)]}..., not {digits}... as {filename} has; "
            f"it is damaged or another file. Get it again from {source}."
        )
    return found


def sha256(path: Path) -> str:
    """The file's SHA-256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def weight_places(filename: str) -> list[Path]:
    """Where a user's file of this name may lie: $REPOSER_WEIGHTS_DIR, then torchvision's downloads."""
    own = os.environ.get("REPOSER_WEIGHTS_DIR")
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "torch"
    hub = Path(os.environ.get("TORCH_HOME", cache)) / "hub" / "checkpoints"
    return [folder.expanduser() / filename for folder in ([Path(own)] if own else []) + [hub]]


def _must_be_a_file(path: Path) -> None:
    if not path.is_file():
        raise BadInput(f"There is no file {path}; a file of weights was expected.")


def _refusal(path: Path, error: Exception) -> str:
    asked = re.search(r"GLOBAL ([\w.]+)", str(error))
    if asked:
        return (
            f"{path} asks to run {asked[1]} when it is opened, and was not opened: a file of weights holds tensors "
            f"only. Save the network's state_dict() alone with torch.save."
        )
    return (
        f"{path} is not a file of tensors that torch.save wrote; it may be cut short or another kind of file. "
        f"Copy or download it again."
    )


def _kind(content: Any) -> str:
    if isinstance(content, Mapping):
        return (
            f"a {type(content).__name__} with the entries {', '.join(map(str, list(content)[:5])) or 'none'}"
        )
    return f"a {type(content).__name__}"
