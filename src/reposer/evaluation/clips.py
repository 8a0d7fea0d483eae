"""Scoring clips: a person driven by the poses of a true clip, frame by frame, against that clip.

Frames stream: what is held at a time is a few of them, however long the clip is.
"""

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from reposer.core import BadInput, Clip, Generator
from reposer.core.images import to_uint8
from reposer.data import frame_picture, frame_pose
from reposer.data.synthetic.drawing import Drawing
from reposer.metrics.clips import CLIP_METRICS, MOTIONS, ClipFrame, ClipMetric, Motion

from .clip_report import ClipReport, ClipRow

CLIP_METRICS_V1 = (
    "frame-l1",
    "frame-ssim-gaussian1.5",
    "flicker-l1",
    "motion-ratio-l1",
    "warp-l1-exact",
    "warp-l1-lucas-kanade",
    "tlpips-alex",
    "fvd-r3d18",
)
EXACT = "exact"
Frames = tuple[UInt8[Tensor, "H W 3"], UInt8[Tensor, "H W 3"]]


@dataclass(frozen=True)
class DrivenClip:
    """A generated clip beside the true one, both as they come.

    frames: (generated, true) in order. motions: how the true clip moves, for each frame but the first; None = unknown.
    """

    name: str
    frames: Iterable[Frames]
    motions: Iterable[Motion] | None = None


def drive(
    generator: Generator,
    clip: Clip,
    *,
    source: int = 0,
    seed: int = 0,
    motions: Iterable[Motion] | None = None,
) -> DrivenClip:
    """The person of frame `source`, drawn in every pose of the clip, beside the clip in the generator's frame without padding.

    motions: of the clip's own frames, for each but the first. They hold in the frame only where that does not scale them.
    """
    framing, size = generator.framing, (clip.frames.shape[-2], clip.frames.shape[-1])
    left, top, right, bottom = framing.content_box(size)
    if motions is not None and (bottom - top, right - left) != size:
        raise BadInput(
            f"The motion of {clip.name} is known at {size[0]}x{size[1]} pixels, but {type(generator).__name__} draws it at "
            f"{bottom - top}x{right - left}. Make the clip at that size, or leave its motion out."
        )
    parameter = next(generator.parameters(), None)
    device = "cpu" if parameter is None else parameter.device

    def bytes_of(picture: Float[Tensor, "3 h w"]) -> UInt8[Tensor, "H W 3"]:
        return to_uint8(picture[:, top:bottom, left:right]).cpu()

    def frames() -> Iterator[Frames]:
        poses = frame_pose(clip.poses, framing)
        photo = frame_picture(clip.frames[source], framing)
        drawn = generator.animate(photo.to(device), poses[source].to(device), poses.to(device), seed=seed)
        for t, (picture, true) in enumerate(zip(drawn, clip.frames, strict=True)):
            if not picture.isfinite().all():
                raise BadInput(
                    f"The generator drew pixels that are not finite in frame {t} of {clip.name}; its weights are damaged or "
                    f"its training diverged."
                )
            yield bytes_of(picture), bytes_of(frame_picture(true, framing))

    return DrivenClip(clip.name, frames(), motions)


def exact_motions(drawing: Drawing) -> Iterator[Motion]:
    """How a drawn clip moves: the flow and visibility of the person from each frame to the next, as it was drawn."""
    for t in range(1, len(drawing)):
        flow, visible = drawing.flow(t - 1, t)
        yield Motion(flow, visible)


class ClipScorer:
    """Takes in clips, one by one, and ends as a report. Their order plays no part.

    weights: folder of the networks' files; None = the usual places. What a metric lacks is said in the report's `absent`.
    """

    def __init__(
        self,
        metrics: Sequence[str] = CLIP_METRICS_V1,
        *,
        weights: Path | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self.rows: list[ClipRow] = []
        self.absent: dict[str, str] = {}
        self.metrics: dict[str, ClipMetric] = {}
        self.truth: dict[str, ClipMetric] = {}
        for name in metrics:
            kind = CLIP_METRICS[name]
            try:
                self.metrics[name] = kind.open(weights, device)
                if math.isnan(kind.best):  # the true clip has a value to compare with
                    self.truth[name] = kind.open(weights, device)
            except BadInput as error:
                self.absent[name] = str(error)

    def add(self, clip: DrivenClip) -> ClipRow:
        """Score the clip to its end."""
        own = {n: m for n, m in self.metrics.items() if m.motion != EXACT or clip.motions is not None}
        finders = {m.motion for m in own.values() if m.motion not in (None, EXACT)}
        motions = None if clip.motions is None else iter(clip.motions)
        for metric in (*self.metrics.values(), *self.truth.values()):
            metric.begin_clip()  # the last one may have broken off
        digest, count, earlier = hashlib.sha256(), 0, None
        for generated, target in clip.frames:
            if generated.shape != target.shape:
                raise BadInput(
                    f"Frame {count} of {clip.name} was drawn with {_size(generated)} pixels, the true one has {_size(target)}. "
                    f"Scale one of them."
                )
            if earlier is not None and target.shape != earlier.shape:
                raise BadInput(
                    f"Frame {count} of {clip.name} has {_size(target)} pixels, the one before {_size(earlier)}. Frames of a "
                    f"clip have one size."
                )
            moved: dict[str, Motion] = {}
            if earlier is not None:
                moved = {name: MOTIONS[name](earlier, target) for name in finders}
                if motions is not None:
                    moved[EXACT] = _next(motions, clip.name, count)
            for name, metric in own.items():
                metric.update(ClipFrame(generated, target, moved))
                if name in self.truth:
                    self.truth[name].update(ClipFrame(target, target, moved))
            digest.update(target.contiguous().numpy().tobytes())
            earlier, count = target, count + 1
        if earlier is None:
            raise BadInput(f"The clip {clip.name} has no frames.")
        row = ClipRow(
            clip.name, count, (earlier.shape[0], earlier.shape[1]), digest.hexdigest(), _ended(own),
            _ended({n: m for n, m in self.truth.items() if n in own}),
        )  # fmt: skip
        self.rows.append(row)
        return row

    def report(self, about: Mapping[str, Any] | None = None) -> ClipReport:
        """The numbers over all clips so far. about: who drew them, from what, as plain values."""
        unmoved = [
            n
            for n, m in self.metrics.items()
            if m.motion == EXACT and not any(n in r.values for r in self.rows)
        ]
        counted = {n: m for n, m in self.metrics.items() if n not in unmoved}
        return ClipReport(
            rows=tuple(self.rows),
            values={name: metric.compute() for name, metric in counted.items()},
            truth={name: metric.compute() for name, metric in self.truth.items() if name in counted},
            networks={name: metric.network for name, metric in counted.items() if metric.network},
            absent=self.absent
            | dict.fromkeys(unmoved, "the clips do not say how they move, as drawn ones do"),
            about=dict(about or {}),
        )

    def state(self) -> dict[str, Tensor]:
        """What the metrics have seen of clips that ended; rows are the caller's to keep."""
        return {
            f"{kind}|{name}|{key}": tensor
            for kind, metrics in self._kinds()
            for name, metric in metrics.items()
            for key, tensor in metric.state().items()
        }

    def load_state(self, state: Mapping[str, Tensor], rows: Sequence[ClipRow]) -> None:
        """Take up what `state` gave, with the rows of the same clips."""
        self.rows = list(rows)
        for kind, metrics in self._kinds():
            for name, metric in metrics.items():
                prefix = f"{kind}|{name}|"
                metric.load_state(
                    {k.removeprefix(prefix): t for k, t in state.items() if k.startswith(prefix)}
                )

    def _kinds(self) -> tuple[tuple[str, dict[str, ClipMetric]], ...]:
        return ("generated", self.metrics), ("truth", self.truth)


def evaluate_clips(
    clips: Iterable[DrivenClip],
    metrics: Sequence[str] = CLIP_METRICS_V1,
    *,
    weights: Path | None = None,
    device: torch.device | str = "cpu",
    about: Mapping[str, Any] | None = None,
) -> ClipReport:
    """Score every clip against its truth: `evaluate_clips(drive(generator, clip) for clip in clips)`."""
    scorer = ClipScorer(metrics, weights=weights, device=device)
    for clip in clips:
        scorer.add(clip)
    if not scorer.rows:
        raise BadInput("There are no clips to score; give at least one.")
    return scorer.report(about)


def _ended(metrics: Mapping[str, ClipMetric]) -> dict[str, float]:
    """The clip's own values, of metrics that have such."""
    values = {name: metric.end_clip() for name, metric in metrics.items()}
    return {name: value for name, value in values.items() if value is not None}


def _next(motions: Iterator[Motion], name: str, frame: int) -> Motion:
    motion = next(motions, None)
    if motion is None:
        raise BadInput(
            f"{name} has more frames than its motion says: none leads to frame {frame}. Give one for each but the first."
        )
    return motion


def _size(picture: UInt8[Tensor, "H W 3"]) -> str:
    return f"{picture.shape[0]}x{picture.shape[1]}"
