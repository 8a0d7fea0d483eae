"""Generators whose network is run by onnxruntime or OpenVINO: the same road, other arithmetic."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from reposer.core import BadInput, Generated, Generator, Pose
from reposer.core.choices import Runtime
from reposer.core.code import code_digest
from reposer.core.device import chosen_device
from reposer.core.disk import whole_file
from reposer.generators import load, model_file
from reposer.generators.trueflow import TrueFlow
from reposer.nn.weights import sha256

from .graph import (
    INPUTS,
    OUTPUT,
    PictureGraph,
    example_inputs,
    exported_program,
    needed,
    onnx_model,
    refuse_other_kinds,
)
from .runtimes import Network, onnxruntime_session, openvino
from .trueflow_parts import NAMED, NAMES, RunTrueFlow, parts

WHOLE = "picture"
"""The only graph of a family that has no parts of its own."""
CODE = ("core", "nn", "generators", "engines")
"""The parts of the package that decide what a graph computes."""


def load_for(
    model: str | Path, device: torch.device | str, runtime: Runtime = "torch", size: tuple[int, int] | None = None
) -> Generator:
    """The model, whose network is run by `runtime`; other ones than torch run on the CPU.

    size: (height, width) at which the network works; None = that of its training.

    Their graphs are recorded once, which takes a minute or two, and kept in `graph_folder()`.
    """
    generator = _of_size(load(model), size)
    if runtime == "torch":
        return generator.to(device)
    if torch.device(device).type != "cpu":
        raise BadInput(
            f"--engine {runtime} runs on the CPU, not on {device}. Leave --device out, or give --device cpu."
        )
    refuse_other_kinds(generator)
    if runtime == "openvino":
        needed("openvino")
    opener = openvino if runtime == "openvino" else onnxruntime_session
    files = graph_files(generator, model_file(model))
    networks = {name: opener(path) for name, path in files.items()}
    return RunTrueFlow(generator, networks) if isinstance(generator, TrueFlow) else RunWhole(generator, networks)


def _of_size(generator: Generator, size: tuple[int, int] | None) -> Generator:
    if size is not None and size != generator.framing.size:
        if not generator.any_size:
            height, width = generator.framing.size
            raise BadInput(f"{type(generator).__name__} works at {height}x{width} only, not at {size[0]}x{size[1]}.")
        generator.framing = replace(generator.framing, size=size)
    return generator


def chosen_runtime(device: str | None, runtime: Runtime | None) -> tuple[str, Runtime]:
    """The device and the runtime that were asked for; other runtimes than torch are on the CPU, where none is named."""
    if runtime in (None, "torch"):
        return str(chosen_device(device)), "torch"
    assert runtime is not None
    return device or "cpu", runtime


def graph_folder() -> Path:
    """Where recorded graphs are kept: $REPOSER_CACHE_DIR, or the user's cache."""
    own = os.environ.get("REPOSER_CACHE_DIR")
    base = Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "reposer"
    return base.expanduser() / "graphs"


def graph_files(generator: Generator, weights: Path) -> dict[str, Path]:
    """The ONNX files of a generator's graphs, recorded if they are not there yet."""
    of_trueflow = isinstance(generator, TrueFlow)
    told = f"{sha256(weights)} {generator.framing.size} {code_digest(*CODE)} {torch.__version__}"
    key = hashlib.sha256(told.encode()).hexdigest()[:24]
    names = list(NAMES) if of_trueflow else [WHOLE]
    files = {name: graph_folder() / f"{key}-{name}.onnx" for name in names}
    if missing := [name for name, path in files.items() if not path.is_file()]:
        needed("export")
        generator = generator.eval().requires_grad_(False)
        inputs = example_inputs(generator, 2, 0)
        for name in missing:
            content = _recorded(generator, name, inputs)
            with whole_file(files[name]) as file:
                file.write(content)
    return files


def _recorded(generator: Generator, name: str, inputs: tuple[Tensor, ...]) -> bytes:
    if isinstance(generator, TrueFlow):
        module, example = parts(generator, inputs)[name]
        program = exported_program(module, example, named=NAMED[name])
        model = onnx_model(program, *NAMES[name])
    else:
        model = onnx_model(exported_program(PictureGraph(generator), inputs), INPUTS, [OUTPUT])
    content: bytes = model.SerializeToString()
    return content


class RunWhole(Generator):
    """A generator by one graph, from source and poses to the picture. It has no layers to show."""

    def __init__(self, network: Generator, networks: Mapping[str, Network]) -> None:
        super().__init__()
        self.config, self.framing, self.skeleton = network.config, network.framing, network.skeleton
        self.divisor, self.any_size, self.condition = network.divisor, False, network.condition
        self._source_skeleton, self._network = network.source_skeleton, networks[WHOLE]
        self.in_torch: nn.Module = network

    @property
    def source_skeleton(self) -> Any:
        return self._source_skeleton

    def forward(self, source: Tensor, source_pose: Pose, target_pose: Pose) -> Generated:
        poses = source_pose.xy, source_pose.visible, target_pose.xy, target_pose.visible
        picture = self._network(dict(zip(INPUTS, (source, *poses), strict=True)))[0]
        return Generated(torch.from_numpy(picture))

    def left_undone(self, source_pose: Any, target_pose: Any) -> str:
        assert isinstance(self.in_torch, Generator)
        return self.in_torch.left_undone(source_pose, target_pose)
