"""`reposer evaluate MODEL --data DIR`: score a generator under a named protocol, beside copying the source."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from rich.console import Console
from rich.progress import track
from tyro.conf import Positional

from reposer.core import BadInput, Batch, Generator, Pose
from reposer.core.images import to_uint8
from reposer.core.rng import mix
from reposer.data import PairDataset
from reposer.data.dataset import FilePairs
from reposer.data.files import write_picture
from reposer.evaluation import (
    PROTOCOLS,
    Folders,
    Generate,
    Protocol,
    compare_table,
    evaluate,
    score_folder,
)
from reposer.evaluation.geometry import through_jpeg
from reposer.evaluation.report_html import write_html
from reposer.generators import load, shipped_models
from reposer.generators.copy_source import CopySource, CopySourceConfig
from reposer.nn.weights import read_header, sha256
from reposer.training import DataConfig

from .score import tell, write


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
    reference: Path | None = None,
) -> int:
    """Writes a report (JSON, HTML) and a row per pair (CSV), and prints the table.

    Under a protocol that says how files become pictures, the generated pictures are written to OUT/generated-PROTOCOL
    and the first digits of the weights' checksum, and scored as `reposer score` does.

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
        reference: folder of the training pictures, for metrics that compare with them.
    """
    generator = load(model)
    rule = PROTOCOLS[protocol]
    dataset = DataConfig(root=data, split=split, num_pairs=200).open(generator.framing)
    if pairs is not None and not 0 < pairs <= len(dataset):
        raise BadInput(f"--pairs must be 1 to {len(dataset)}, the size of the data set, not {pairs}.")
    indices = None if pairs is None else [round(k * len(dataset) / pairs) for k in range(pairs)]
    path = Path(model)
    file = path if path.suffix == ".safetensors" else shipped_models()[model]
    about = {"model": model, "data": data or "synthetic-people", "split": split} | about_weights(file)
    shown = path.parent.name if path.stem == "generator" else path.stem
    folder = out or (path.parent if path.suffix == ".safetensors" else Path())
    folder.mkdir(parents=True, exist_ok=True)
    if rule.size is not None:
        if not isinstance(dataset, FilePairs):
            raise BadInput(
                f"{protocol} says how files become pictures; give a data set of files with --data."
            )
        numbers = range(len(dataset)) if indices is None else indices
        drawn = folder / f"generated-{protocol}-{about['weights_sha256'][:8]}"
        write_drawn(generator, dataset, numbers, drawn, rule, batch_size)
        folders = as_folders(dataset, numbers, drawn, reference)
        found = score_folder(folders, rule, folder, weights=weights, about=about)
        write(found, folders, rule, folder, f"report-{protocol}")
        tell(found, Console())
        return 1 if found.problems or found.report.absent else 0
    copy = CopySource(CopySourceConfig(size=generator.framing.size, fit=generator.framing.fit))
    draw = generator.generate
    options: dict[str, Any] = {"indices": indices, "batch_size": batch_size, "weights": weights}
    reports = {
        "copy-the-source": evaluate(copy.generate, rule, dataset, **options),
        shown: evaluate(draw, rule, dataset, progress=True, about=about, **options),
    }
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


def write_drawn(
    generator: Generator,
    dataset: FilePairs,
    numbers: Sequence[int],
    out: Path,
    rule: Protocol,
    batch_size: int,
) -> None:
    """The generated pictures without padding, as files that hold what the protocol's would. Those that are there stay."""
    missing = [i for i in numbers if not (out / f"{dataset.pair_name(i)}.png").exists()]
    for start in track(range(0, len(missing), batch_size), "drawing", transient=True):
        own = missing[start : start + batch_size]
        seeds = torch.tensor([mix(rule.seed, i) for i in own], dtype=torch.int64)
        batch = Batch.stack([dataset[i] for i in own], seeds)
        drawn = generator.generate(batch.source, batch.source_pose, batch.target_pose, seeds=batch.seeds)
        for i, picture in zip(own, drawn, strict=True):
            left, top, right, bottom = generator.framing.content_box(dataset.target_size(i))
            pixels = to_uint8(picture[:, top:bottom, left:right], rule.rounding).cpu()
            pixels = through_jpeg(pixels) if rule.file_format == "jpeg" else pixels
            write_picture(out / f"{dataset.pair_name(i)}.png", pixels)


def as_folders(
    dataset: FilePairs, numbers: Sequence[int], generated: Path, reference: Path | None
) -> Folders:
    """What `score_folder` is asked for these pairs of the data set."""
    rows = [dataset.rows[i] for i in numbers]
    names = {name for row in rows for name in (row.source_name, row.target_name)}
    poses = {Path(name).stem: pose for name in names if isinstance(pose := dataset.poses[name], Pose)}
    return Folders(
        generated=generated,
        targets=dataset.picture_path(rows[0].target_name).parent,
        reference=reference,
        poses=poses or None,
        wanted=[(row.source_name, row.target_name) for row in rows],
    )


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
