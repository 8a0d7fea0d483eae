"""`reposer evaluate MODEL --data DIR`: score a generator under a named protocol, beside copying the source.

Pairs of people here; clips and views of objects by `clip_scores` and `view_scores`.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import tyro
from rich.console import Console
from rich.progress import track
from tyro.conf import Positional

from reposer.core import BadInput, Batch, Generator, Pose, View
from reposer.core.images import to_uint8
from reposer.core.rng import mix
from reposer.core.skeleton import FACE_68
from reposer.core.tracks import Smoothing
from reposer.data import PairDataset
from reposer.data.clip_dataset import holds_clips
from reposer.data.dataset import FilePairs
from reposer.data.pictures import write_picture
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

from .clip_scores import open_whole_clips, score_clips
from .device import chosen_device
from .score import tell, write
from .view_scores import open_views, score_views

PAIRS_PROTOCOL = "reposer-v1-reconstruction"


def run(arguments: Sequence[str]) -> int:
    return tyro.cli(evaluate_model, args=list(arguments), prog="reposer evaluate", description=__doc__)


def evaluate_model(
    model: Positional[str],
    *,
    data: str | None = None,
    split: str = "test",
    protocol: str | None = None,
    pairs: int | None = None,
    batch_size: int = 8,
    out: Path | None = None,
    weights: Path | None = None,
    reference: Path | None = None,
    without_networks: bool = False,
    smooth: Smoothing = "none",
    steady: bool = False,
    edges: bool = False,
    against: str | None = None,
    device: str | None = None,
) -> int:
    """Prints a table and writes a report: of pairs as JSON, HTML and CSV; of clips as JSON, with sheets of their frames; of
    views of objects as JSON, with a plot over the azimuth.

    Under a protocol that says how files become pictures, the generated pictures are written to OUT/generated-PROTOCOL
    and the first digits of the weights' checksum, and scored as `reposer score` does.

    Exit code 1: a number of the protocol is absent; the reason is printed.

    Args:
        model: a shipped model's name (see `reposer models`) or a `.safetensors`.
        data: folder of pairs or of clips, or a file of views; none = what suits the model is drawn on the spot.
        split: which part of the data set.
        protocol: what a number means; none = reposer-v1-reconstruction for pairs of people, and for clips and views theirs.
        pairs: score only so many pairs or clips, evenly spread over the data set; none = all.
        batch_size: pictures drawn at a time; the numbers do not depend on it.
        out: folder of the report; none = beside the model, or here for a shipped one.
        weights: folder of the files of networks that score; none = the usual places.
        reference: folder of the training pictures, for metrics that compare with them.
        without_networks: clips: leave out the metrics that look through a network.
        smooth: clips: score the model driven by smoothed joints, too.
        steady: clips: score the model with what moved carried along from frame to frame, too.
        edges: clips of faces: the true frame's edges around the face drive it, too, as published networks saw them.
        against: views: another model, scored on the same pairs.
        device: cpu, cuda, ...; none = a CUDA GPU if there is one.
    """
    generator = load(model).to(chosen_device(device))
    kind = kind_of_data(generator, data)
    of_clips = {
        "--smooth": smooth != "none",
        "--steady": steady,
        "--without-networks": without_networks,
        "--edges": edges,
    }
    refused = [] if kind == "clips" else [option for option, given in of_clips.items() if given]
    refused += ["--against"] if against is not None and kind != "views" else []
    if refused:
        raise BadInput(f"{refused[0]} does not go with {kind}, which is what is scored here; leave it out.")
    path = Path(model)
    file = path if path.suffix == ".safetensors" else shipped_models()[model]
    shown = path.parent.name if path.stem == "generator" else path.stem
    folder = out or (path.parent if path.suffix == ".safetensors" else Path())
    folder.mkdir(parents=True, exist_ok=True)
    about = {"model": model, "split": split} | about_weights(file)
    if kind == "clips":
        clips = open_whole_clips(generator, data, split, edges=edges)
        about["data"] = data or "synthetic clips"
        if edges:
            about["edges"] = "of the true frames"
        return score_clips(
            generator, clips, chosen(pairs, len(clips)), shown=shown, about=about, folder=folder, protocol=protocol,
            weights=weights, without_networks=without_networks, smooth=smooth, steady=steady,
        )  # fmt: skip
    if kind == "views":
        views = open_views(generator, data, split)
        about["data"] = data or "synthetic objects"
        return score_views(
            generator, views, chosen(pairs, len(views)), about=about, folder=folder, protocol=protocol,
            batch_size=batch_size, weights=weights, against=against,
        )  # fmt: skip
    dataset = DataConfig(root=data, split=split, num_pairs=200).open(generator.framing)
    about["data"] = data or "synthetic-people"
    return score_pairs(
        generator, dataset, chosen(pairs, len(dataset)), shown=shown, about=about, folder=folder,
        rule=PROTOCOLS[protocol or PAIRS_PROTOCOL], batch_size=batch_size, weights=weights, reference=reference,
    )  # fmt: skip


def score_pairs(
    generator: Generator,
    dataset: PairDataset,
    numbers: Sequence[int],
    *,
    shown: str,
    about: dict[str, str],
    folder: Path,
    rule: Protocol,
    batch_size: int = 8,
    weights: Path | None = None,
    reference: Path | None = None,
) -> int:
    """Score these pairs, print the table, write the report into the folder; 1 if a number is absent."""
    protocol = rule.name
    if rule.size is not None:
        if not isinstance(dataset, FilePairs):
            raise BadInput(
                f"{protocol} says how files become pictures; give a data set of files with --data."
            )
        drawn = folder / f"generated-{protocol}-{about['weights_sha256'][:8]}"
        write_drawn(generator, dataset, numbers, drawn, rule, batch_size)
        folders = as_folders(dataset, numbers, drawn, reference)
        found = score_folder(folders, rule, folder, weights=weights, device=generator.device, about=about)
        write(found, folders, rule, folder, f"report-{protocol}")
        tell(found, Console())
        return 1 if found.problems or found.report.absent else 0
    copy = CopySource(CopySourceConfig(size=generator.framing.size, fit=generator.framing.fit))
    draw = generator.generate
    options: dict[str, Any] = {
        "indices": numbers,
        "batch_size": batch_size,
        "weights": weights,
        "device": generator.device,
    }
    reports = {
        "copy-the-source": evaluate(copy.generate, rule, dataset, **options),
        shown: evaluate(draw, rule, dataset, progress=True, about=about, **options),
    }
    reports[shown].write_json(folder / f"report-{protocol}.json")
    reports[shown].write_csv(folder / f"report-{protocol}.csv")
    places = {row.name: i for row, i in zip(reports[shown].rows, numbers, strict=True)}
    write_html(
        folder / f"report-{protocol}.html",
        reports[shown],
        lambda n: drawn_pictures(dataset, places[n], draw, rule, generator.device),
    )
    console = Console()
    console.print(compare_table(reports))
    for line in reports[shown].lines():
        console.print(line, highlight=False, soft_wrap=True)
    for name, reason in reports[shown].absent.items():
        console.print(f"absent: {name}: {reason}", highlight=False, soft_wrap=True, markup=False)
    console.print(f"Report: {folder / f'report-{protocol}.html'}, .json and .csv", soft_wrap=True)
    return 1 if reports[shown].absent else 0


def kind_of_data(generator: Generator, data: str | None) -> Literal["pairs", "clips", "views"]:
    """What is scored: views with a generator of views; clips where the data are some, or where the generator is of clips."""
    if generator.condition is View:
        return "views"
    if data is not None:
        return "clips" if holds_clips(Path(data)) else "pairs"
    return "clips" if generator.remembers or generator.skeleton == FACE_68 else "pairs"


def chosen(count: int | None, of: int) -> Sequence[int]:
    """So many numbers, evenly spread over a data set of `of`; None = all."""
    if count is not None and not 0 < count <= of:
        raise BadInput(f"--pairs must be 1 to {of}, the size of the data set, not {count}.")
    return range(of) if count is None else [round(k * of / count) for k in range(count)]


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
        batch = Batch.stack([dataset[i] for i in own], seeds).to(generator.device)
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


def drawn_pictures(
    dataset: PairDataset, i: int, draw: Generate, rule: Protocol, device: torch.device | str = "cpu"
) -> dict[str, np.ndarray]:
    """The pictures of pair i for people, without padding, from the noise that was scored."""
    batch = Batch.stack([dataset[i]], torch.tensor([mix(rule.seed, i)], dtype=torch.int64)).to(device)
    drawn = draw(batch.source, batch.source_pose, batch.target_pose, seeds=batch.seeds)
    height, width = dataset.target_size(i)
    box = (0, 0, width, height) if dataset.framing is None else dataset.framing.content_box((height, width))
    left, top, right, bottom = box
    shown = {"source": batch.source, "target": batch.target, "generated": drawn}
    return {name: to_uint8(p[0, :, top:bottom, left:right]).cpu().numpy() for name, p in shown.items()}


def about_weights(file: Path) -> dict[str, str]:
    """Which weights were scored: the file's checksum and what its header says of its making."""
    header = json.loads(read_header(file).get("reposer", "{}"))
    made = {k: str(v) for k, v in header.items() if k in ("recipe", "step", "feature_network")}
    return {"weights_sha256": sha256(file), **made}
