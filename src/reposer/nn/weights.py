"""Weights in files: read safely, checked, and written completely or not at all."""

import hashlib
import json
import os
import pickle
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.modules.module import register_module_module_registration_hook

from reposer.core import BadInput, quoted
from reposer.core.configs import from_plain, to_plain
from reposer.core.disk import whole_file
from reposer.core.json_files import parse_json

Module = TypeVar("Module", bound=nn.Module)
Read = TypeVar("Read")

HEADER = "reposer"
"""The entry of a weights file's header that describes the file's content (JSON)."""


def save_generator(generator: Any, path: Path, extra: Mapping[str, Any], *, dtype: torch.dtype | None = None) -> None:
    """Writes a `.safetensors` whose header says how to build the network: family, config, framing, skeleton, and
    `extra`.

    dtype: of the floating tensors in the file; None keeps theirs.
    """
    about = {
        "family": generator.config.family,
        "config": to_plain(generator.config),
        "framing": to_plain(generator.framing),
        "skeleton": generator.skeleton.name,
        **extra,
    }
    write_safetensors(path, stored(generator, dtype), {HEADER: json.dumps(about, allow_nan=False)})


def unfilled(build: Callable[[], Module], tensors: Mapping[str, Tensor] | None = None) -> Module:
    """The result of `build`, on the CPU, without initial weights: its tensors are undefined until they are loaded.

    tensors: its future weights. A network of other names or shapes is BadInput before any memory is allocated for it,
    and one of far more parts before they are made: a config from a file cannot cost more than the file's own tensors
    do.
    """
    most = None if tensors is None else PARTS + PARTS_PER_TENSOR * len(tensors)
    try:
        with _at_most(most), torch.random.fork_rng(devices=[]), torch.device("meta"):
            module = build()
    except BadInput:
        raise
    except (RuntimeError, ValueError, TypeError, ArithmeticError, LookupError, MemoryError) as error:
        if tensors is None:
            raise
        raise BadInput(f"no network can be built by it ({' '.join(str(error).split())[:200]})") from error
    own = module.state_dict()
    assert {name for name, _ in module.named_buffers()} <= set(own), "a buffer that no file holds"
    if tensors is not None:
        _refuse_other_shapes(own, tensors)
    # what `to_empty` does, whose `empty_like` of a tensor without memory would import sympy: longer than all this
    module._apply(lambda tensor: torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype))  # type: ignore[no-untyped-call]
    return module


PARTS, PARTS_PER_TENSOR = 1000, 50
"""Limit of a network's modules: a base number, and more for each tensor of its file."""


@contextmanager
def _at_most(most: int | None) -> Iterator[None]:
    """BadInput if more modules than this are constructed."""
    made = 0

    def count(parent: nn.Module, name: str, child: nn.Module | None) -> None:
        nonlocal made
        made += 1
        if most is not None and made > most:
            raise BadInput(f"the network has more than {most:,} parts, far more than there are tensors")

    handle = register_module_module_registration_hook(count)
    try:
        yield
    finally:
        handle.remove()


def _refuse_other_shapes(own: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> None:
    names = [*tensors, *(name for name in own if name not in tensors)]
    wrong = [name for name in names if name not in own or name not in tensors or own[name].shape != tensors[name].shape]
    if wrong:
        raise BadInput(
            f"{len(wrong)} tensors are missing, left over or of another shape ({', '.join(map(quoted, wrong[:4]))})"
        )


def usable(
    tensors: Mapping[str, Tensor], own: Mapping[str, Tensor], path: Path | str, network: str = "this network"
) -> dict[str, Tensor]:
    """The tensors of the file `path`, in the network's own dtypes (`own`), if they can be its weights.

    BadInput if the names or shapes differ; if a floating tensor is stored as integers or booleans, or the other way
    round; if a number is not finite.
    """
    try:
        _refuse_other_shapes(own, tensors)
    except BadInput as error:
        raise BadInput(f"{path} is no file of {network}: {error}. Name the right file.") from error
    converted = {}
    for name, tensor in tensors.items():
        wanted = own[name].dtype
        if tensor.dtype != wanted and not (tensor.dtype in FLOATING and wanted in FLOATING):
            raise BadInput(
                f"{path} holds {quoted(name)} as {_dtype(tensor.dtype)}; the network's own is {_dtype(wanted)}. It was "
                f"damaged or written by another program: get the file again."
            )
        converted[name] = tensor.to(wanted)
        if tensor.is_floating_point() and not _is_finite(converted[name]):
            raise BadInput(
                f"{path} holds numbers that are not finite in {quoted(name)}: the training that wrote it went wrong, "
                f"or it was damaged. Take an earlier file."
            )
    return converted


def _is_finite(tensor: Tensor) -> bool:
    """Whether all its numbers are: its extremes tell, without a second tensor."""
    return not tensor.numel() or bool(torch.isfinite(torch.stack(tensor.aminmax())).all())


FLOATING = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
"""Accepted dtypes of weights."""


def _dtype(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def fill(network: nn.Module, tensors: Mapping[str, Tensor], path: Path | str) -> None:
    """Load the tensors of the file `path`, all of them and no others, if they can be this network's weights."""
    network.load_state_dict(usable(tensors, network.state_dict(), path, type(network).__name__))


def read_about(header: Mapping[str, str], path: Path) -> dict[str, Any]:
    """A weights file's header entry by Reposer; empty if there is none."""
    text = header.get(HEADER)
    if text is None:
        return {}
    about = parse_json(text, f"the header of {path}")
    if not isinstance(about, dict):
        raise BadInput(f"The header of {path} is {quoted(about)}; an object was expected. Get the file again.")
    return about


def network_of(annotation: type, config: Any, tensors: Mapping[str, Tensor], path: Path) -> Any:
    """The network that `config` (plain values of an `annotation`, from the file's header) describes, with the file's
    tensors.

    In eval mode. Anything that does not fit is BadInput, at no more cost than reading the file.
    """
    built = from_plain(annotation, config, f"config in {path.name}", bounded=True)
    try:
        network = unfilled(built.build, tensors)
    except BadInput as error:
        raise BadInput(
            f"{path} does not hold the weights that its own config asks for: {error}. It was changed, or written by "
            f"another version of Reposer."
        ) from error
    fill(network, tensors, path)
    return network.eval()


def stored(module: nn.Module, dtype: torch.dtype | None = None) -> dict[str, Tensor]:
    """The module's tensors as a file holds them: on the CPU, contiguous, floating ones in `dtype`."""
    return {
        name: t.detach().to("cpu", dtype if t.is_floating_point() else None).contiguous()
        for name, t in module.state_dict().items()
    }


def write_safetensors(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> None:
    """Writes a `.safetensors`. A kill leaves the old file or the new one."""
    with whole_file(path) as file:
        file.write(save({name: t.contiguous() for name, t in tensors.items()}, dict(header)))


def read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the header of a `.safetensors`."""
    return _read(path, lambda file: ({name: file.get_tensor(name) for name in file.keys()}, _header(file)))  # noqa: SIM118


def read_header(path: Path) -> dict[str, str]:
    """The header alone; the rest of the file is not read."""
    return _read(path, _header)


def _header(file: Any) -> dict[str, str]:
    return dict(file.metadata() or {})


def _read(path: Path, what: Callable[[Any], Read]) -> Read:
    _must_be_a_file(path)
    try:
        with safe_open(path, framework="pt") as file:
            return what(file)
    except (SafetensorError, OSError, ValueError, TypeError, RuntimeError, LookupError, AttributeError) as error:
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
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise BadInput(
            f"{path} cannot be read as a torch checkpoint ({type(error).__name__}); it may be cut short or another "
            f"kind of file. Copy or download it again."
        ) from error
    if not isinstance(content, Mapping) or not content or not all(isinstance(t, Tensor) for t in content.values()):
        raise BadInput(
            f"{path} holds {_kind(content)}, not a state dict (names to tensors). "
            f"Take the file that holds the network's weights alone."
        )
    return {str(name): tensor for name, tensor in content.items()}


def find_weights(filename: str, *, path: Path | None = None, source: str, checksum: str | None = None) -> Path:
    """A file of weights: at `path` (itself or its folder), in $REPOSER_WEIGHTS_DIR, or where torchvision keeps its
    downloads.

    checksum: its SHA-256, or the first digits, which are verified; empty where none is known (a file that the user
    trained); None = those in the name, as published (`vgg19-dcbb9e9d.pth`).
    source: where users can get it, for the message. Nothing is ever downloaded.
    """
    if checksum is None:
        match = re.search(r"-([0-9a-f]{8,})\.", filename)
        assert match, f"{filename} names no checksum"
        checksum = match[1]
    places = [path / filename if path.is_dir() else path] if path is not None else weight_places(filename)
    way_out = f"Get it from {source}, and give its path or its folder in $REPOSER_WEIGHTS_DIR."
    return first_file(filename, places, checksum, way_out)


def first_file(filename: str, places: Sequence[Path], checksum: str, way_out: str) -> Path:
    """The first of these places that is a file, if it has the checksum. way_out: how users can get it, for the
    messages."""
    found = next((place for place in places if place.is_file()), None)
    known = f"SHA-256 {checksum[:16]}..." if checksum else "no checksum of it is known"
    if found is None:
        looked = f"; it was looked for as {' and '.join(map(str, places))}" if places else ""
        raise BadInput(f"There is no {filename} ({known}){looked}. {way_out}")
    if checksum and not (came := sha256(found)).startswith(checksum):
        raise BadInput(
            f"{found} has the SHA-256 {came[:16]}..., not {checksum[:16]}... as {filename} has; it is damaged or "
            f"another file. {way_out}"
        )
    return found


def sha256(path: Path) -> str:
    """The file's SHA-256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def weight_places(filename: str) -> list[Path]:
    """The places searched for a user's file of this name: $REPOSER_WEIGHTS_DIR, then torchvision's downloads."""
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
        return f"a {type(content).__name__} with the entries {', '.join(map(str, list(content)[:5])) or 'none'}"
    return f"a {type(content).__name__}"
