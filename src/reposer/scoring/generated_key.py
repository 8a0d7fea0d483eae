"""What the pictures that `reposer evaluate` generates are made from. Those of anything else are never taken for
them."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import torch

from reposer.core import Generator, Pose
from reposer.core.code import code_digest
from reposer.core.configs import to_plain
from reposer.core.samples import Condition
from reposer.data.dataset import FilePairs
from reposer.evaluation import Protocol
from reposer.nn.weights import sha256

CODE = ("core", "data", "generators", "nn", "scoring/pairs.py", "evaluation/evaluate.py", "evaluation/geometry.py")
"""The parts of the package between a picture file and a generated one."""


def made_from(
    generator: Generator, dataset: FilePairs, numbers: Sequence[int], rule: Protocol, *, weights: str
) -> dict[str, str]:
    """Fact by fact, as short texts: equal ones mean the same generated pictures.

    weights: the checksum of the generator's file.
    """
    rows = [dataset.rows[i] for i in numbers]
    sources = {row.source_name for row in rows}
    people = {name for row in rows for name in (row.source_name, row.target_name)}
    return {
        "weights": weights,
        "generator": _digest([generator.config.family, generator.config, generator.framing, generator.skeleton.name]),
        "protocol": _digest([rule.name, rule.seed, rule.rounding, rule.file_format, rule.generated, rule.target]),
        "data set": _digest([type(dataset).__name__, dataset.split, dataset.picture_size, dataset.framing]),
        "pairs": _digest([[i, dataset.pair_name(i), dataset.target_size(i)] for i in numbers]),
        "source pictures": _digest([[name, sha256(dataset.picture_path(name))] for name in sorted(sources)]),
        "poses": _digest([[name, _plain(dataset.poses[name])] for name in sorted(people)]),
        "device": generator.device.type,
        "torch": str(torch.__version__),
        "code": code_digest(*CODE),
    }  # fmt: skip


def folder_name(made: dict[str, str], rule: Protocol) -> str:
    """Where such pictures lie, beside the report."""
    return f"generated-{rule.name}-{_digest(made)[:12]}"


def _plain(condition: Condition) -> Any:
    assert isinstance(condition, Pose), "files of pairs are of people"
    return [condition.size, condition.skeleton.name, condition.xy.tolist(), condition.visible.tolist()]


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(to_plain(value), sort_keys=True).encode()).hexdigest()
