"""Scores clips: the model against copying the source and, on request, its smoothed and stabilised variants."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rich.progress import track

from reposer.core import BadInput, Generator
from reposer.core.disk import write_text
from reposer.core.images import from_uint8
from reposer.core.skeleton import FACE_68
from reposer.core.terminal import Terminal
from reposer.data.clip_dataset import ClipDataset, ClipOptions, WholeClip, open_clips
from reposer.evaluation import CLIPS_V1, ClipScorer, DrivenClip, copied, drive, side_by_side
from reposer.evaluation.clips import EXACT
from reposer.evaluation.driving import Frames
from reposer.evaluation.sheets import picture_sheet, write_sheet
from reposer.metrics.clips import CLIP_METRICS
from reposer.nn.steady import STRENGTH
from reposer.recipes import ClipDataConfig

from .options import ClipScoring, Options
from .outcome import COPIED, Model, Outcome, about_undone

COLUMNS = 10  # frames of a clip on its sheet
SHEETS = 4  # number of clips with a sheet
SYNTHETIC_CLIPS = 8  # rendered on the spot if no data are given


def score_clips(model: Model, options: Options, of: ClipScoring) -> Outcome:
    """Score the clips, write report and sheets."""
    generator, name = model.generator, model.name
    dataset = open_whole_clips(generator, options, edges=of.edges)
    numbers = options.chosen(len(dataset))
    options.refuse_protocol("Clips", CLIPS_V1.name)
    about = {**model.about, "data": options.data or "synthetic clips"}
    about |= {"edges": "of the true frames"} if of.edges else {}
    driven: dict[str, Callable[[WholeClip], DrivenClip]] = {
        name: lambda clip: drive(generator, clip),
        COPIED: lambda clip: copied(clip, generator.framing),
    }
    calmer = [*([of.smooth] if of.smooth != "none" else []), *(["steady"] if of.steady else [])]
    if calmer:
        strength = STRENGTH if of.steady else 0.0
        driven[f"{name}, {' + '.join(calmer)}"] = lambda clip: drive(
            generator, clip, smoothing=of.smooth, steady=strength
        )
    metrics = [
        metric
        for metric in CLIPS_V1.metrics
        # clip files do not say how they move, pixel by pixel
        if CLIP_METRICS[metric].motion != EXACT
        and not (of.without_networks and CLIP_METRICS[metric].looks_through_a_network)
    ]
    scorers = {who: ClipScorer(metrics, weights=options.weights, device=generator.device) for who in driven}
    path = model.folder / f"report-{CLIPS_V1.name}.json"
    undone: Counter[str] = Counter()
    for i in track(numbers, "scoring clips", console=Terminal(stderr=True), transient=True):
        clip = dataset.whole(i)
        undone.update(generator.left_undone(clip.source_pose, pose) for pose in clip.poses)
        rows: dict[str, list[Frames]] = {who: [] for who in driven}
        for who, drives in driven.items():
            scorers[who].add(_watched(drives(clip), -(-clip.num_frames // COLUMNS), rows[who]))
        if i in numbers[:SHEETS]:
            plain_name = re.sub(r"[^\w.-]+", "-", clip.name)
            write_contact_sheet(path.with_name(f"{path.stem}-{plain_name}.png"), rows)
    about |= about_undone(undone, "frames")
    reports = {
        who: scorer.report({"generator": COPIED} if who == COPIED else {**about, "drawn by": who})
        for who, scorer in scorers.items()
    }
    keys = zip(("drawn", "copied", "calmer"), reports.values(), strict=False)
    plain = {"protocol": CLIPS_V1.name} | {key: report.to_plain() for key, report in keys}
    write_text(path, json.dumps(plain, indent=1) + "\n")
    return Outcome(
        reports[name], side_by_side(reports), f"{path}, and sheets of frames beside it", undone=undone, unit="frames"
    )


def open_whole_clips(generator: Generator, options: Options, *, edges: bool = False) -> ClipDataset:
    """The clips, framed and posed as the generator needs them; for faces, on request, with each frame's edges."""
    faces = generator.skeleton == FACE_68
    if edges and not faces:
        raise BadInput(
            f"Edges of the driving frames describe faces; this model draws {generator.skeleton.name}. Leave --edges out."
        )
    if options.data is None:
        config = ClipDataConfig(split=options.split, num_clips=SYNTHETIC_CLIPS, edges=edges)
        return (replace(config, kind="faces") if faces else config).open(generator.framing)
    asked = ClipOptions(skeleton=generator.skeleton, source_skeleton=generator.source_skeleton, edges=edges)
    return open_clips(options.data, options.split, generator.framing, asked)


def write_contact_sheet(path: Path, rows: Mapping[str, Sequence[Frames]]) -> None:
    """Some frames of a clip: the truth, then one row per system."""
    first = next(iter(rows.values()))
    pictures = {"truth": [true for _, true in first]}
    pictures |= {who: [generated for generated, _ in frames] for who, frames in rows.items()}
    cells = [[from_uint8(picture) for picture in row] for row in pictures.values()]
    write_sheet(path, picture_sheet(cells, row_titles=tuple(pictures)))


def _watched(clip: DrivenClip, every: int, kept: list[Frames]) -> DrivenClip:
    """The same clip; every `every`-th of its frames is copied to `kept` as it passes."""

    def frames() -> Iterator[Frames]:
        for t, pair in enumerate(clip.frames):
            if t % every == 0:
                kept.append(pair)
            yield pair

    return replace(clip, frames=frames())
