"""How `reposer evaluate` scores clips: the model beside copying the source and, if asked, its calmer self."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.progress import track

from reposer.core import BadInput, Generator
from reposer.core.choices import Smoothing
from reposer.core.disk import write_text
from reposer.core.images import from_uint8
from reposer.core.shown import renamed
from reposer.core.skeleton import FACE_68
from reposer.core.terminal import Terminal
from reposer.data.clip_dataset import ClipDataset, WholeClip, open_clips
from reposer.evaluation import ClipScorer, DrivenClip, clip_table, copied, drive
from reposer.evaluation.clip_report import PROTOCOL
from reposer.evaluation.clips import CLIP_METRICS_V1, EXACT
from reposer.evaluation.driving import Frames
from reposer.evaluation.sheets import picture_sheet, write_sheet
from reposer.metrics.clips import CLIP_METRICS
from reposer.nn.steady import STRENGTH
from reposer.recipes import ClipDataConfig

COPIED = "copied source"
COLUMNS = 10  # frames of a clip on its sheet
SHEETS = 4  # clips that get one
DRAWN_CLIPS = 8  # how many are drawn on the spot where no data are given


def open_whole_clips(
    generator: Generator, data: str | None, split: str, *, edges: bool = False
) -> ClipDataset:
    """The clips, framed and posed as the generator wants them; of faces, on request, with each frame's edges."""
    if edges and generator.skeleton != FACE_68:
        raise BadInput(
            f"Edges of the driving frames describe faces; this model draws {generator.skeleton.name}. Leave --edges out."
        )
    if data is None:
        config = ClipDataConfig(split=split, num_clips=DRAWN_CLIPS, edges=edges)
        faces = generator.skeleton == FACE_68
        return (replace(config, kind="faces") if faces else config).open(generator.framing)
    return open_clips(
        data, split, generator.framing, skeleton=generator.skeleton, source_skeleton=generator.source_skeleton,
        edges=edges,
    )  # fmt: skip


def score_clips(
    generator: Generator,
    dataset: ClipDataset,
    numbers: Sequence[int],
    *,
    shown: str,
    about: Mapping[str, Any],
    folder: Path,
    protocol: str | None = None,
    weights: Path | None = None,
    without_networks: bool = False,
    smooth: Smoothing = "none",
    steady: bool = False,
) -> int:
    """Score these clips, print the table, write report and sheets into the folder; 1 if a number is absent.

    shown: what the model is called in the table.
    """
    if protocol not in (None, PROTOCOL):
        raise BadInput(f"Clips are scored under {PROTOCOL}, not under {protocol}; leave --protocol out.")
    drawn: dict[str, Callable[[WholeClip], DrivenClip]] = {
        shown: lambda clip: drive(generator, clip),
        COPIED: lambda clip: copied(clip, generator.framing),
    }
    calmer = " + ".join(
        word for word in (smooth if smooth != "none" else "", "steady" if steady else "") if word
    )
    if calmer:
        strength = STRENGTH if steady else 0.0
        drawn[f"{shown}, {calmer}"] = lambda clip: drive(generator, clip, smoothing=smooth, steady=strength)
    metrics = [
        name
        for name in CLIP_METRICS_V1
        # files of clips do not say how they move, pixel by pixel
        if CLIP_METRICS[name].motion != EXACT
        and not (without_networks and CLIP_METRICS[name].looks_through_a_network)
    ]
    scorers = {who: ClipScorer(metrics, weights=weights, device=generator.device) for who in drawn}
    stem = f"report-{PROTOCOL}"
    for i in track(numbers, "scoring clips", console=Terminal(stderr=True), transient=True):
        clip = dataset.whole(i)
        rows: dict[str, list[Frames]] = {who: [] for who in drawn}
        for who, draws in drawn.items():
            scorers[who].add(_watched(draws(clip), -(-clip.num_frames // COLUMNS), rows[who]))
        if i in numbers[:SHEETS]:
            plain_name = re.sub(r"[^\w.-]+", "-", clip.name)
            write_contact_sheet(folder / f"{stem}-{plain_name}.png", rows)
    reports = {
        who: scorer.report({"generator": COPIED} if who == COPIED else {**about, "drawn by": who})
        for who, scorer in scorers.items()
    }
    keys = dict(zip(drawn, ("drawn", "copied", "calmer"), strict=False))
    plain = {"protocol": PROTOCOL} | {keys[who]: report.to_plain() for who, report in reports.items()}
    write_text(folder / f"{stem}.json", json.dumps(plain, indent=1) + "\n")
    console = Terminal()
    console.print_columns(tuple(reports), lambda names: clip_table(renamed(reports, names)))
    for line in reports[shown].lines():
        console.say(line)
    for name, reason in reports[shown].absent.items():
        console.say(f"absent: {name}: {reason}")
    console.say(f"Report: {folder / f'{stem}.json'}, and sheets of frames beside it")
    return 1 if reports[shown].absent else 0


def write_contact_sheet(path: Path, rows: Mapping[str, Sequence[Frames]]) -> None:
    """Some frames of a clip: the truth, then a row for each who drew them."""
    first = next(iter(rows.values()))
    pictures = {"truth": [true for _, true in first]}
    pictures |= {who: [generated for generated, _ in frames] for who, frames in rows.items()}
    cells = [[from_uint8(picture) for picture in row] for row in pictures.values()]
    write_sheet(path, picture_sheet(cells, row_titles=tuple(pictures)))


def _watched(clip: DrivenClip, every: int, kept: list[Frames]) -> DrivenClip:
    """The same clip; every so many-th of its frames is kept while they pass."""

    def frames() -> Any:
        for t, pair in enumerate(clip.frames):
            if t % every == 0:
                kept.append(pair)
            yield pair

    return replace(clip, frames=frames())
