"""Scoring clips: generated frames compared, one by one, with the true clip.

Frames are streamed: only a few are in memory at a time, however long the clip is.
"""

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, UInt8
from torch import Tensor

from reposer.core import BadInput
from reposer.metrics.clips import CLIP_METRICS, MOTIONS, ClipFrame, ClipMetric, Motion

from .clip_report import CLIPS_V1, ClipReport, ClipRow, clip_hashes
from .driving import DrivenClip

EXACT = "exact"


class ClipScorer:
    """Accumulates clips, one by one, into a report. Their order does not matter.

    weights: folder of the networks' files; None = the usual places. Metrics that lack theirs are listed in the report's
        `absent`.
    """

    def __init__(
        self,
        metrics: Sequence[str] = CLIPS_V1.metrics,
        *,
        weights: Path | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self.protocol = replace(CLIPS_V1, metrics=tuple(metrics))
        self.rows: list[ClipRow] = []
        self.absent: dict[str, str] = {}
        self.metrics: dict[str, ClipMetric] = {}
        self.truth: dict[str, ClipMetric] = {}
        for name in metrics:
            kind = CLIP_METRICS[name]
            try:
                self.metrics[name] = kind.open(weights, device)
                if math.isnan(kind.best):  # the value of the true clip serves as comparison
                    self.truth[name] = kind.open(weights, device)
            except BadInput as error:
                self.absent[name] = str(error)

    def add(self, clip: DrivenClip) -> ClipRow:
        """Score the clip to its end."""
        own = {name: metric for name, metric in self.metrics.items() if _suits(metric, clip)}
        estimated = {m.motion for m in own.values() if m.motion not in (None, EXACT)}
        motions = None if clip.motions is None else iter(clip.motions)
        masks = None if clip.limbs is None else iter(clip.limbs)
        for metric in (*self.metrics.values(), *self.truth.values()):
            metric.begin_clip()  # the previous clip may have been interrupted
        digest, limbs_digest, limb_frames = hashlib.sha256(), hashlib.sha256(), 0
        count, earlier = 0, None
        for generated, target in clip.frames:
            if generated.shape != target.shape:
                raise BadInput(
                    f"Frame {count} of {clip.name} was generated at {_size(generated)}, the true one is "
                    f"{_size(target)}. Scale one of them."
                )
            if earlier is not None and target.shape != earlier.shape:
                raise BadInput(
                    f"Frame {count} of {clip.name} has {_size(target)} pixels, the one before {_size(earlier)}. Frames "
                    f"of a clip have one size."
                )
            moved: dict[str, Motion] = {}
            if earlier is not None:
                moved = {name: MOTIONS[name](earlier, target) for name in estimated}
                if motions is not None:
                    moved[EXACT] = _next(motions, clip.name, count)
            limbs = None if masks is None else _limbs(masks, clip.name, count, target)
            for name, metric in own.items():
                metric.update(ClipFrame(generated, target, moved, limbs))
                if name in self.truth:
                    self.truth[name].update(ClipFrame(target, target, moved, limbs))
            digest.update(target.contiguous().numpy().tobytes())
            if limbs is not None:
                limbs_digest.update(count.to_bytes(8, "little") + limbs.contiguous().numpy().tobytes())
                limb_frames += 1
            earlier, count = target, count + 1
        if earlier is None:
            raise BadInput(f"The clip {clip.name} has no frames.")
        values = _ended(own)
        truth = _ended({n: m for n, m in self.truth.items() if n in own})
        size, limbs_hash = ((earlier.shape[0], earlier.shape[1]), limbs_digest.hexdigest() if limb_frames else "")
        row = ClipRow(clip.name, "", values, count, size, digest.hexdigest(), truth, limb_frames, limbs_hash)
        self.rows.append(row)
        return row

    def report(self, about: Mapping[str, Any] | None = None) -> ClipReport:
        """The numbers over all clips so far. about: what generated them, from what, as plain values."""
        lacking = {
            name: "the clips do not say how they move, as rendered ones do"
            if metric.motion == EXACT
            else "no frame of the clips says where its limbs are"
            for name, metric in self.metrics.items()
            if (metric.motion == EXACT or metric.needs_limbs) and not any(name in r.values for r in self.rows)
        }
        counted = {name: metric for name, metric in self.metrics.items() if name not in lacking}
        assert self.rows, "no clip was added"
        heights, widths = zip(*(row.size for row in self.rows), strict=True)
        return ClipReport(
            self.protocol,
            tuple(self.rows),
            (max(heights), max(widths)),
            *clip_hashes(self.rows),
            truth={name: metric.compute() for name, metric in self.truth.items() if name in counted},
            of_sets={name: metric.compute() for name, metric in counted.items()},
            networks={name: metric.network for name, metric in counted.items() if metric.network},
            absent=self.absent | lacking,
            about=dict(about or {}),
        )

    def state(self) -> dict[str, Tensor]:
        """The metrics' state over finished clips; the caller stores the rows."""
        return {
            f"{kind}|{name}|{key}": tensor
            for kind, metrics in self._kinds()
            for name, metric in metrics.items()
            for key, tensor in metric.state().items()
        }

    def load_state(self, state: Mapping[str, Tensor], rows: Sequence[ClipRow]) -> None:
        """Restore what `state` returned, with the rows of the same clips."""
        self.rows = list(rows)
        for kind, metrics in self._kinds():
            for name, metric in metrics.items():
                prefix = f"{kind}|{name}|"
                metric.load_state({k.removeprefix(prefix): t for k, t in state.items() if k.startswith(prefix)})

    def _kinds(self) -> tuple[tuple[str, dict[str, ClipMetric]], ...]:
        return ("generated", self.metrics), ("truth", self.truth)


def evaluate_clips(
    clips: Iterable[DrivenClip],
    metrics: Sequence[str] = CLIPS_V1.metrics,
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


def _suits(metric: ClipMetric, clip: DrivenClip) -> bool:
    """Whether the clip has what the metric needs."""
    return (metric.motion != EXACT or clip.motions is not None) and (not metric.needs_limbs or clip.limbs is not None)


def _ended(metrics: Mapping[str, ClipMetric]) -> dict[str, float]:
    """The clip's own values, for metrics that have them."""
    values = {name: metric.end_clip() for name, metric in metrics.items()}
    return {name: value for name, value in values.items() if value is not None}


def _next(motions: Iterator[Motion], name: str, frame: int) -> Motion:
    motion = next(motions, None)
    if motion is None:
        raise BadInput(
            f"{name} has more frames than its motion says: none leads to frame {frame}. Give one for each but the "
            "first."
        )
    return motion


def _limbs(
    masks: Iterator[Bool[Tensor, "H W"] | None], name: str, frame: int, target: UInt8[Tensor, "H W 3"]
) -> Bool[Tensor, "H W"] | None:
    try:
        mask = next(masks)
    except StopIteration:
        raise BadInput(
            f"{name} has more frames than masks of limbs: none is for frame {frame}. Give one, or None, for each."
        ) from None
    if mask is not None and mask.shape != target.shape[:2]:
        raise BadInput(
            f"The mask of limbs of frame {frame} of {name} has {mask.shape[0]}x{mask.shape[1]} pixels, the frame "
            f"{_size(target)}. Generate it at the frame's size."
        )
    return mask


def _size(picture: UInt8[Tensor, "H W 3"]) -> str:
    return f"{picture.shape[0]}x{picture.shape[1]}"
