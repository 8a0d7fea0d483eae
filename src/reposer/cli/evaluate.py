"""`reposer evaluate MODEL --data DIR`: score a generator under a named protocol, beside copying the source."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from rich.console import Console
from tyro.conf import Positional

from reposer.core import BadInput, Batch, Framing
from reposer.core.images import to_uint8
from reposer.core.rng import mix
from reposer.data import PairDataset
from reposer.evaluation import PROTOCOLS, Generate, OnWholePictures, Protocol, compare_table, evaluate
from reposer.evaluation.report_html import write_html
from reposer.generators import load, shipped_models
from reposer.generators.copy_source import CopySource, CopySourceConfig
from reposer.nn.weights import read_header, sha256
from reposer.training import DataConfig


def run(arguments: Sequence[str]) -> int:
    return tyro.cli(evaluate_model, args=list(arguments), prog="reposer evaluate", description=__doc__)


def evaluate_model(
    model: Positional[str],
    *,
    data: str | None = None,
    split: str = "test",
    protocol: str = "reposer-v1-reconstruction",
    pairs: int | None = None,
    batch_size: int = 8,
    out: Path | None = None,
    weights: Path | None = None,
) -> int:
    """Writes a report (JSON, HTML) and a row per pair (CSV), and prints the table.

    Exit code 1: a number of the protocol is absent; the reason is printed.

    Args:
        model: a shipped model's name (see `reposer models`) or a `.safetensors`.
        data: the data set's folder; none = 200 pairs of synthetic people.
        split: which part of the data set.
        protocol: what a number means.
        pairs: score only so many pairs, evenly spread over the data set; none = all.
        batch_size: pictures drawn at a time; the numbers do not depend on it.
        out: folder of the report; none = beside the model, or here for a shipped one.
        weights: folder of the files of networks that score; none = the usual places.
    """
    generator = load(model)
    rule = PROTOCOLS[protocol]
    framing = generator.framing
    if rule.size is not None:  # the protocol's own pictures, whatever the generator's frame
        framing = Framing(rule.size, aspect=rule.size[1] / rule.size[0])
    dataset = DataConfig(root=data, split=split, num_pairs=200).open(framing)
    if pairs is not None and not 0 < pairs <= len(dataset):
        raise BadInput(f"--pairs must be 1 to {len(dataset)}, the size of the data set, not {pairs}.")
    indices = None if pairs is None else [round(k * len(dataset) / pairs) for k in range(pairs)]
    copy = CopySource(CopySourceConfig(size=framing.size, fit=framing.fit))
    draw = generator.generate if rule.size is None else OnWholePictures(generator)
    path = Path(model)
    file = path if path.suffix == ".safetensors" else shipped_models()[model]
    about = {"model": model, "data": data or "synthetic-people", "split": split} | about_weights(file)
    shown = path.parent.name if path.stem == "generator" else path.stem
    options: dict[str, Any] = {"indices": indices, "batch_size": batch_size, "weights": weights}
    reports = {
        "copy-the-source": evaluate(copy.generate, rule, dataset, **options),
        shown: evaluate(draw, rule, dataset, progress=True, about=about, **options),
    }
    folder = out or (path.parent if path.suffix == ".safetensors" else Path())
    folder.mkdir(parents=True, exist_ok=True)
    reports[shown].write_json(folder / f"report-{protocol}.json")
    reports[shown].write_csv(folder / f"report-{protocol}.csv")
    scored = range(len(dataset)) if indices is None else indices
    places = {row.name: i for row, i in zip(reports[shown].rows, scored, strict=True)}
    write_html(
        folder / f"report-{protocol}.html",
        reports[shown],
        lambda n: drawn_pictures(dataset, places[n], draw, rule),
    )
    console = Console()
    console.print(compare_table(reports))
    for line in reports[shown].lines():
        console.print(line, highlight=False, soft_wrap=True)
    for name, reason in reports[shown].absent.items():
        console.print(f"absent: {name}: {reason}", highlight=False, soft_wrap=True, markup=False)
    console.print(f"Report: {folder / f'report-{protocol}.html'}, .json and .csv", soft_wrap=True)
    return 1 if reports[shown].absent else 0


def drawn_pictures(dataset: PairDataset, i: int, draw: Generate, rule: Protocol) -> dict[str, np.ndarray]:
    """The pictures of pair i for people, without padding, from the noise that was scored."""
    batch = Batch.stack([dataset[i]], torch.tensor([mix(rule.seed, i)], dtype=torch.int64))
    drawn = draw(batch.source, batch.source_pose, batch.target_pose, seeds=batch.seeds)
    height, width = dataset.target_size(i)
    box = (0, 0, width, height) if dataset.framing is None else dataset.framing.content_box((height, width))
    left, top, right, bottom = box
    shown = {"source": batch.source, "target": batch.target, "generated": drawn}
    return {name: to_uint8(p[0, :, top:bottom, left:right]).numpy() for name, p in shown.items()}


def about_weights(file: Path) -> dict[str, str]:
    """Which weights were scored: the file's checksum and what its header says of its making."""
    header = json.loads(read_header(file).get("reposer", "{}"))
    made = {k: str(v) for k, v in header.items() if k in ("recipe", "step", "feature_network")}
    return {"weights_sha256": sha256(file), **made}
