"""Writes a generator as a file of another runtime, and keeps it only if it does what the generator does."""

import io
import json
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reposer import __version__
from reposer.core import BadInput, Generator
from reposer.core.choices import ExportForm, StoredAs
from reposer.core.configs import to_plain
from reposer.core.disk import checked_files
from reposer.core.skeleton import DERIVED_JOINTS

from .graph import INPUTS, OUTPUT, PictureGraph, example_inputs, exported_program, needed, onnx_model
from .runtimes import onnxruntime_session, openvino

BOUNDS: Mapping[StoredAs, float] = {"fp32": 1e-4, "fp16": 2e-2, "bf16": 2e-1}
"""Largest difference of a value in [-1, 1] from the eager network in fp32 that a file may have."""
HEADER = "reposer"
"""Name of the file's entry that says what it holds (JSON)."""
CHECKED = (1, 3)
"""Rows of the batches that the check runs: other numbers than the graph was recorded with."""
SMALLEST = 256
"""Weights of fewer numbers stay fp32."""

Run = Callable[[Sequence[Tensor]], Tensor]
"""The picture of these inputs, as a file gives it."""


@dataclass(frozen=True)
class Exported:
    """A file that was written. difference: the largest from the eager network; mean: the mean one."""

    path: Path
    bytes: int
    difference: float
    mean: float


def export_generator(
    generator: Generator, path: Path, form: ExportForm, *, precision: StoredAs = "fp32", about: Mapping[str, Any]
) -> Exported:
    """Writes the file, and checks it against the generator on seeded inputs; BadInput if it differs: then there is no
    file, or the older one of that name as it was.

    precision: of the stored weights. It is computed in fp32 whatever they are stored as: places stay exact.
    about: further plain values for the file's header (model, licence, data, ...).
    """
    if form == "pt2" and precision != "fp32":
        raise BadInput(f"A .pt2 is written in fp32; {precision} is for --format onnx and openvino.")
    if form != "pt2":
        needed("openvino" if form == "openvino" else "export")
    graph = PictureGraph(generator.cpu().eval().requires_grad_(False))
    header = json.dumps(described(generator) | {"precision": precision} | dict(about), allow_nan=False)
    program = exported_program(graph, example_inputs(generator, 2, 0))
    if form == "pt2":
        written = io.BytesIO()
        torch.export.save(program, written, extra_files={HEADER: header})
        parts = {path: written.getvalue()}
    else:
        model = _smaller(onnx_model(program, INPUTS, [OUTPUT]), precision, _coarse(graph))
        entry = model.metadata_props.add()
        entry.key, entry.value = HEADER, header
        content = model.SerializeToString()
        parts = {path: content} if form == "onnx" else _of_openvino(content, header, path)
    del program
    with checked_files(parts) as drafts:  # OpenVINO's weights move before the graph that reads them
        largest, mean = differences(graph, opened(drafts[-1], form))
        if not largest <= BOUNDS[precision]:  # also if it is not a number
            raise BadInput(
                f"The file differs from the network by up to {largest:.2g} where {BOUNDS[precision]:g} is allowed in "
                f"{precision}, and was not kept. Try another --format, or --precision fp32."
            )
    return Exported(path, sum(map(len, parts.values())), largest, mean)


def described(generator: Generator) -> dict[str, Any]:
    """What a program that runs the file needs to know of it."""
    maps = getattr(generator.config, "maps", None)
    return {
        "reposer": __version__,
        "family": generator.config.family,
        "size": list(generator.framing.size),
        "person_size": list(generator.framing.person_size),
        "framing": to_plain(generator.framing),
        "content": list(generator.framing.content_box(generator.framing.person_size)),
        "source_joints": list(generator.source_skeleton.joints),
        "target_joints": list(generator.skeleton.joints),
        "derived_joints": {joint: list(parts) for joint, parts in DERIVED_JOINTS.items()},
        "body_joints": [generator.skeleton.joints[k] for k in generator.skeleton.body_indices],
        "config": to_plain(generator.config),
        "pose_maps": "computed inside, from joints in pixels of the frame" if maps is None else to_plain(maps),
        "inputs": {
            "source": "(B, 3, height, width) float32, RGB in [-1, 1]",
            "source_xy, target_xy": "(B, joints, 2) float32, x and y in pixels; (0, 0) is the centre of the first one",
            "source_visible, target_visible": "(B, joints) bool; where false, the place of the joint is not used",
        },
        "output": "(B, 3, height, width) float32, RGB in [-1, 1]",
    }


def differences(graph: PictureGraph, run: Run) -> tuple[float, float]:
    """The largest and the mean difference of what a file gives from what the graph gives."""
    largest, total = 0.0, 0.0
    for seed, rows in enumerate(CHECKED, 1):
        inputs = example_inputs(graph.generator, rows, seed)
        with torch.no_grad():
            expected = graph(*inputs)
        apart = (run(inputs) - expected).abs()
        largest, total = max(largest, float(apart.max())), total + float(apart.mean())
        if not torch.isfinite(apart).all():
            largest = float("nan")
            break
    return largest, total / len(CHECKED)


def opened(path: Path, form: ExportForm) -> Run:
    """The file, ready to run on the CPU."""
    if form == "pt2":
        module = torch.export.load(path).module()
        return lambda inputs: module(*inputs)
    if form == "onnx":
        session = onnxruntime_session(path)
        return lambda inputs: torch.from_numpy(session(dict(zip(INPUTS, inputs, strict=True)))[0])
    compiled = openvino(path)
    return lambda inputs: torch.from_numpy(compiled(dict(zip(INPUTS, inputs, strict=True)))[0])


def _coarse(graph: PictureGraph) -> set[str]:
    """The weights that bf16 is enough for: what a network learned, but for what decides places. Others and constants,
    such as the pixels' own places, are stored in fp16 in a bf16 file, which is as small."""
    exact = tuple(f"generator.{prefix}" for prefix in graph.generator.places)
    return {name for name, _ in graph.named_parameters() if not name.startswith(exact)}


def _smaller(model: Any, precision: StoredAs, coarse: Collection[str]) -> Any:
    """The ONNX model with its weights stored in another precision, and turned into fp32 where they are used.

    coarse: names of those that are stored in bf16 if that is asked for.
    """
    if precision == "fp32":
        return model
    import onnx

    casts = []
    for weight in model.graph.initializer:
        if weight.data_type != onnx.TensorProto.FLOAT or np.prod(weight.dims) < SMALLEST:
            continue
        values = torch.from_numpy(onnx.numpy_helper.to_array(weight).copy())
        name, dims = weight.name, list(weight.dims)
        in_bf16 = precision == "bf16" and name in coarse
        stored = values.to(torch.bfloat16 if in_bf16 else torch.float16)
        weight.Clear()
        weight.name, weight.data_type, weight.raw_data = (
            f"{name}.stored",
            onnx.TensorProto.BFLOAT16 if in_bf16 else onnx.TensorProto.FLOAT16,
            stored.view(torch.int16).numpy().tobytes(),
        )
        weight.dims.extend(dims)
        casts.append(
            onnx.helper.make_node("Cast", [weight.name], [name], name=f"{name}.cast", to=onnx.TensorProto.FLOAT)
        )
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*casts, *nodes])
    return model


def _of_openvino(content: bytes, header: str, path: Path) -> dict[Path, bytes]:
    """The two files of OpenVINO's form: the graph, and its weights beside it."""
    import openvino as runtime

    model = runtime.Core().read_model(content)
    model.set_rt_info(header, [HEADER])
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "model.xml"
        runtime.save_model(model, str(draft), compress_to_fp16=False)
        return {path.with_suffix(".bin"): draft.with_suffix(".bin").read_bytes(), path: draft.read_bytes()}
