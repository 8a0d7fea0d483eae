"""Sessions of onnxruntime, with its telemetry off. Needs no torch, so that a command can open one while torch loads."""

import os
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from .errors import BadInput

CPU = "CPUExecutionProvider"
_begun: dict[tuple[Path, tuple[str, ...], int, bool], Future[Any]] = {}


def open_session(path: Path, providers: Sequence[str], threads: int, *, spinning: bool = True) -> Any:
    """onnxruntime's session of this file, or the one that was opened ahead. BadInput if it is no ONNX network.

    spinning: whether threads that wait for work keep their core busy; if not, others have it.
    """
    begun = _begun.pop((path, tuple(providers), threads, spinning), None)
    if begun is not None:
        with suppress(Exception):  # then it is tried anew, and says here what is wrong
            return begun.result()
    return _opened(path, providers, threads, spinning)


def open_ahead(paths: Sequence[Path], providers: Sequence[str], threads: int, *, spinning: bool = True) -> None:
    """Opens sessions for whoever asks first for the same; raises nothing."""
    promised: list[tuple[Path, Future[Any]]] = [(path, Future()) for path in paths]
    _begun.update({(path, tuple(providers), threads, spinning): future for path, future in promised})
    for path, future in promised:
        try:
            future.set_result(_opened(path, providers, threads, spinning))
        except BaseException as error:
            future.set_exception(error)


def onnxruntime() -> ModuleType:
    """onnxruntime. It sends telemetry unless that is disabled before its import."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime as runtime

    module: ModuleType = runtime
    return module


def _opened(path: Path, providers: Sequence[str], threads: int, spinning: bool) -> Any:
    runtime = onnxruntime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    if not spinning:
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    installed = runtime.get_available_providers()
    try:
        return runtime.InferenceSession(str(path), options, providers=[name for name in providers if name in installed])
    except Exception as error:  # onnxruntime's errors have no common base class
        raise BadInput(
            f"{path} cannot be opened as an ONNX network ({type(error).__name__}); it may be cut short or "
            f"another kind of file. Copy or export it again."
        ) from error
