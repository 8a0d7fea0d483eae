"""The runtimes beside torch: a file of theirs as a function of named tensors. None sends telemetry:
onnxruntime's is switched off, and OpenVINO's belongs to its converter, which is not used."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from reposer.core import BadInput
from reposer.estimators.onnx_network import open_session

from .graph import needed

Network = Callable[[Mapping[str, Tensor]], list[np.ndarray]]
"""A network's outputs, in their order, from its inputs by name."""


def onnxruntime_session(path: Path) -> Network:
    """An ONNX file run by onnxruntime, with as many threads as torch has."""
    session = open_session(path, ["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]

    def run(inputs: Mapping[str, Tensor]) -> list[np.ndarray]:
        outputs: list[np.ndarray] = session.run(None, {name: inputs[name].contiguous().numpy() for name in names})
        return outputs

    return run


def openvino(path: Path) -> Network:
    """An ONNX or OpenVINO file run by OpenVINO in fp32, with as many threads as torch has."""
    needed("openvino")
    import openvino as runtime

    settings = {"INFERENCE_NUM_THREADS": torch.get_num_threads(), "INFERENCE_PRECISION_HINT": "f32"}
    try:
        compiled = runtime.Core().compile_model(str(path), "CPU", settings)
    except RuntimeError as error:
        raise BadInput(
            f"{path} cannot be opened by OpenVINO; it may be cut short or another kind of file. Export it again."
        ) from error
    names = [entry.get_any_name() for entry in compiled.inputs]

    def run(inputs: Mapping[str, Tensor]) -> list[np.ndarray]:
        given = {name: inputs[name].contiguous().numpy() for name in names}
        found = compiled(given)
        return [np.array(found[output]) for output in compiled.outputs]

    return run
