"""A generator as one function of five tensors, which other runtimes can run."""

import importlib.util
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal
from unittest import mock

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from reposer.core import BadInput, Generator, Pose
from reposer.core.extras import install

INPUTS = ("source", "source_xy", "source_visible", "target_xy", "target_visible")
"""Inputs of an exported network, in this order; `PictureGraph.forward` says what they are."""
OUTPUT = "picture"


def refuse_other_kinds(generator: Generator) -> None:
    """BadInput unless the generator makes a person's picture of one photo and two poses, from nothing else."""
    name = type(generator).__name__
    if generator.condition is not Pose or generator.takes_edges:
        raise BadInput(
            f"{name} takes {'lines of a face' if generator.takes_edges else f'a {generator.condition.__name__}'}, not "
            "joints: it runs in torch only. Give a generator of people, such as trueflow."
        )
    if generator.remembers:
        raise BadInput(
            f"{name} generates a frame from the frame before it, and one graph has no memory: it runs in torch only. "
            "Give a generator of single pictures, such as trueflow."
        )


class PictureGraph(nn.Module):
    """The picture in [-1, 1] that `generator.generate` gives, for pictures of the size of its framing."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        refuse_other_kinds(generator)
        self.generator = generator
        self.skeletons = generator.source_skeleton, generator.skeleton
        self.size = generator.framing.size

    def forward(
        self,
        source: Float[Tensor, "B 3 H W"],
        source_xy: Float[Tensor, "B K 2"],
        source_visible: Bool[Tensor, "B K"],
        target_xy: Float[Tensor, "B J 2"],
        target_visible: Bool[Tensor, "B J"],
    ) -> Float[Tensor, "B 3 H W"]:
        """source: RGB in [-1, 1]. *_xy: joints in pixels of the frame; those that are not visible mean nothing."""
        own = Pose(source_xy, source_visible, self.size, self.skeletons[0])
        target = Pose(target_xy, target_visible, self.size, self.skeletons[1])
        picture: Tensor = self.generator.sample(source, own, target, None).picture
        return picture.clamp(-1, 1)


def example_inputs(generator: Generator, rows: int, seed: int) -> tuple[Tensor, ...]:
    """Inputs of its graph: smooth pictures, and joints in the frame of which some are missing."""
    random = torch.Generator().manual_seed(seed)
    height, width = generator.framing.size
    coarse = torch.rand(rows, 3, max(2, height // 16), max(2, width // 16), generator=random) * 2 - 1
    found: list[Tensor] = [F.interpolate(coarse, (height, width), mode="bilinear", align_corners=False)]
    for skeleton in (generator.source_skeleton, generator.skeleton):
        xy = torch.rand(rows, len(skeleton), 2, generator=random) * torch.tensor([width - 1.0, height - 1.0])
        found += [xy, torch.rand(rows, len(skeleton), generator=random) > 0.1]
    return tuple(found)


@contextmanager
def exportable() -> Iterator[None]:
    """While a graph is recorded: operations that other runtimes lack, written with those that they have."""
    with mock.patch.object(F, "embedding_bag", _weighted_rows):
        yield


def _weighted_rows(rows: Tensor, table: Tensor, *, per_sample_weights: Tensor, mode: str) -> Tensor:
    """`F.embedding_bag` as `nn.warp.gather_taps` calls it: a weighted sum of rows of the table."""
    assert mode == "sum", mode
    return (table[rows.long()] * per_sample_weights[..., None]).sum(1)


def exported_program(module: nn.Module, inputs: Sequence[Tensor], *, named: int | None = None) -> Any:
    """The module's graph (a `torch.export.ExportedProgram`), for any number of rows. inputs: an example with several
    rows, which come first in each.

    named: how many of them its `forward` takes before `*others`; None if it names all.
    """
    from torch.export import Dim, export  # imports sympy, which only this needs

    rows = [{0: Dim.DYNAMIC} for _ in inputs]
    shapes = tuple(rows) if named is None else (*rows[:named], tuple(rows[named:]))
    with torch.no_grad(), exportable():
        return export(module.eval(), tuple(inputs), dynamic_shapes=shapes, strict=False)


def onnx_model(program: Any, inputs: Sequence[str], outputs: Sequence[str]) -> Any:
    """The graph as an ONNX model, whose inputs and outputs have these names."""
    needed("export")
    with torch.no_grad(), _quiet():
        made = torch.onnx.export(
            program, dynamo=True, verbose=False, input_names=list(inputs), output_names=list(outputs)
        )
    assert made is not None
    return made.model_proto


PACKAGES = {"export": ("onnx", "onnxscript"), "openvino": ("onnx", "onnxscript", "openvino")}
"""What is imported of each extra."""


def needed(extra: Literal["export", "openvino"]) -> None:
    """BadInput, with the way to install it, unless this extra is there."""
    missing = [name for name in PACKAGES[extra] if importlib.util.find_spec(name) is None]
    if missing:
        raise BadInput(f"This needs {' and '.join(missing)}: {install(extra)}.")


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's remarks on packages that are not installed and constants that it keeps."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
