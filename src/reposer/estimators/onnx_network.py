"""Networks in ONNX files, run by onnxruntime with its telemetry off."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from reposer.core import BadInput, onnx_sessions
from reposer.core.onnx_sessions import CPU
from reposer.nn.weights import sha256

PROVIDERS = ("CUDAExecutionProvider", CPU)  # in order of preference, among those installed


class OnnxNetwork:
    """A network with one input, pictures (B, 3, H, W).

    size: (height, width) of its input in pixels; None if the file leaves it open.
    outputs: their names, in order.
    description: file and checksum.
    """

    def __init__(self, path: Path) -> None:
        self._session = open_session(path)
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or len(inputs[0].shape) != 4:
            found = ", ".join(f"{i.name} {i.shape}" for i in inputs)
            raise BadInput(f"{path} takes {found}; a network of one input (B, 3, H, W) was expected.")
        rows, _, height, width = inputs[0].shape
        self._input, self._rows = inputs[0].name, rows if isinstance(rows, int) else None
        self.size = (height, width) if isinstance(height, int) and isinstance(width, int) else None
        self.outputs = tuple(output.name for output in self._session.get_outputs())
        self.description = f"{path.name}, SHA-256 {sha256(path)[:16]}"

    def __call__(self, pictures: Float[Tensor, "B 3 H W"]) -> list[Tensor]:
        """The outputs, on the CPU. A file with a fixed batch of n gets n rows at a time, the last ones repeated."""
        at_once = self._rows or len(pictures)
        parts = [self._run(chunk.cpu().float().numpy(), at_once) for chunk in pictures.split(at_once)]
        return [torch.from_numpy(np.concatenate(part)) for part in zip(*parts, strict=True)]

    def _run(self, rows: np.ndarray, at_once: int) -> list[Any]:
        missing = at_once - len(rows)
        full = np.concatenate([rows, np.repeat(rows[-1:], missing, axis=0)]) if missing else rows
        return [output[: len(rows)] for output in self._session.run(None, {self._input: full})]


def open_session(path: Path, providers: Sequence[str] = PROVIDERS, *, spinning: bool = True) -> Any:
    """onnxruntime's session of this file, with as many threads as torch has. BadInput if it is no ONNX network."""
    return onnx_sessions.open_session(path, providers, torch.get_num_threads(), spinning=spinning)
