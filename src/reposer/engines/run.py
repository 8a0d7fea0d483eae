"""Generators whose network is run by onnxruntime or OpenVINO: the same steps, other arithmetic."""

import errno
import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from reposer.core import BadInput, Generated, Generator, Pose
from reposer.core.cache import cache_folder
from reposer.core.choices import Runtime
from reposer.core.code import code_digest, package_digest
from reposer.core.device import chosen_device
from reposer.core.disk import whole_file, write_text
from reposer.generators import load, model_file
from reposer.generators.trueflow import TrueFlow
from reposer.nn.weights import sha256

from .export import BOUNDS, differences
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
    if type(generator) is not TrueFlow:  # one that another package derives from it may say other things, too
        _refuse_what_is_lost(generator)
    if runtime == "openvino":
        needed("openvino")
    opener = openvino if runtime == "openvino" else onnxruntime_session
    files = graph_files(generator, model_file(model))
    networks = {name: opener(path) for name, path in files.items()}
    elsewhere = RunTrueFlow(generator, networks) if isinstance(generator, TrueFlow) else RunWhole(generator, networks)
    _check_once(generator, elsewhere, runtime, next(iter(files.values())))
    return elsewhere


def _refuse_what_is_lost(generator: Generator) -> None:
    """BadInput for a family that says more of its pictures, or makes them of more, than one graph can tell."""
    kind, name = type(generator), generator.config.family
    for method, why in (("composition", "says what its pictures are made of"), ("sample", "generates from noise, too")):
        if getattr(kind, method) is not getattr(Generator, method):
            raise BadInput(f"{name} {why}, which one graph leaves out: it runs in torch only. Leave --engine out.")


def _check_once(generator: Generator, elsewhere: Generator, runtime: Runtime, graph: Path) -> None:
    """BadInput if the runtime gives other pictures than torch; graphs that were found equal are not run again."""
    told = graph.with_name(f"{graph.stem.rsplit('-', 1)[0]}-{runtime}.json")
    if told.is_file():
        return
    expected, found = PictureGraph(generator.eval()), PictureGraph(elsewhere.eval())
    with torch.no_grad():
        largest, mean = differences(expected, lambda inputs: found(*inputs))
    if not largest <= BOUNDS["fp32"]:  # also if it is not a number
        raise BadInput(
            f"The pictures of {generator.config.family} by {runtime} differ from torch's by up to {largest:.2g}, where "
            f"{BOUNDS['fp32']:g} is allowed. Leave --engine out."
        )
    with _of_the_cache():
        write_text(told, json.dumps({"largest": largest, "mean": mean}) + "\n")


def _of_size(generator: Generator, size: tuple[int, int] | None) -> Generator:
    if size is not None and size != generator.framing.size:
        if not generator.any_size:
            height, width = generator.framing.size
            raise BadInput(f"{type(generator).__name__} works at {height}x{width} only, not at {size[0]}x{size[1]}.")
        generator.framing = replace(generator.framing, size=size)
    return generator


def chosen_runtime(device: str | None, runtime: Runtime | None) -> tuple[str, Runtime]:
    """The device and the runtime that were asked for; other runtimes than torch are on the CPU, where none is named."""
    if runtime is None or runtime == "torch":
        return str(chosen_device(device)), "torch"
    return str(chosen_device(device or "cpu")), runtime


def graph_folder() -> Path:
    """Where recorded graphs are kept."""
    return cache_folder() / "graphs"


def graph_files(generator: Generator, weights: Path) -> dict[str, Path]:
    """The ONNX files of a generator's graphs, recorded if they are not there yet."""
    of_trueflow = isinstance(generator, TrueFlow)
    code = f"{code_digest(*CODE)} {_code_elsewhere(generator)} {torch.__version__}"
    told = f"{sha256(weights)} {generator.framing.size} {code}"
    key = hashlib.sha256(told.encode()).hexdigest()[:24]
    names = list(NAMES) if of_trueflow else [WHOLE]
    files = {name: graph_folder() / f"{key}-{name}.onnx" for name in names}
    with _of_the_cache():
        missing = [name for name, path in files.items() if not path.is_file()]
    if missing:
        needed("export")
        with _of_the_cache():  # before the minutes of recording
            graph_folder().mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=graph_folder()):
                pass
        generator = generator.eval().requires_grad_(False)
        inputs = example_inputs(generator, 2, 0)
        for name in missing:
            content = _recorded(generator, name, inputs)
            with _of_the_cache(), whole_file(files[name]) as file:
                file.write(content)
    return files


OURS = {"reposer", "torch", *sys.stdlib_module_names}
"""Packages whose code or version a graph's key has anyway."""


def _code_elsewhere(generator: Generator) -> str:
    """Digests of the other packages that the network's modules come from: those of a plug-in family."""
    kinds = {base for module in generator.modules() for base in type(module).__mro__}
    names = sorted({kind.__module__.split(".")[0] for kind in kinds} - OURS)
    digests = {name: package_digest(name) for name in names}
    if unknown := [name for name, digest in digests.items() if digest is None]:
        raise BadInput(
            f"{generator.config.family} has code that lies in no file ({', '.join(unknown)}), so that a recorded graph "
            "could be that of older code: it runs in torch only. Leave --engine out, or put the code into a file."
        )
    return " ".join(f"{name}:{digest}" for name, digest in digests.items())


FAILURES = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG, errno.EMFILE, errno.ENFILE}
"""Troubles of the machine rather than of the folder that was named."""


@contextmanager
def _of_the_cache() -> Iterator[None]:
    """Says of a folder that cannot be used how another one is named."""
    try:
        yield
    except OSError as error:
        if error.errno in FAILURES:
            raise
        raise BadInput(
            f"{graph_folder()} cannot be used for recorded graphs ({error.strerror or type(error).__name__}). Name a "
            "folder that can be written to in REPOSER_CACHE_DIR, or leave --engine out."
        ) from error


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

    def refusal(self, condition: Any) -> str | None:
        assert isinstance(self.in_torch, Generator)
        return self.in_torch.refusal(condition)

    def left_undone(self, source_pose: Any, target_pose: Any) -> str:
        assert isinstance(self.in_torch, Generator)
        return self.in_torch.left_undone(source_pose, target_pose)
