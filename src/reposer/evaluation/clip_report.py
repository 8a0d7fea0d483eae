"""The scores of clips: each clip's values, the number over all of them, and the values of the true clips themselves."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from reposer.core.configs import to_plain
from reposer.metrics import Value
from reposer.metrics.clips import CLIP_METRICS

from .numbers import number_of, plain
from .protocol import Protocol
from .report import Report, Row, Summary

CLIPS_V1 = Protocol(
    "reposer-clips-v1",
    metrics=(
        "frame-l1",
        "frame-l1-limbs",
        "frame-ssim-gaussian1.5",
        "flicker-l1",
        "motion-ratio-l1",
        "warp-l1-exact",
        "warp-l1-lucas-kanade",
        "tlpips-alex",
        "fvd-r3d18",
    ),
)
"""8-bit frames at the size of the generator's pictures, without padding, each compared with the true one; all clips
weigh alike."""


@dataclass(frozen=True)
class ClipRow(Row):
    """One scored clip.

    frames: number of frames.
    size: (height, width) in pixels.
    truth_hash: of the true frames' bytes.
    truth: the true clip's own values, where they are not known beforehand.
    limb_frames: number of frames with known limbs.
    limbs_hash: of where the limbs are; empty if no frame has any.
    """

    frames: int
    size: tuple[int, int]
    truth_hash: str
    truth: Mapping[str, float]
    limb_frames: int = 0
    limbs_hash: str = ""


@dataclass(frozen=True)
class ClipReport(Report):
    """The numbers over all clips. truth: of the true clips themselves, where that is not known beforehand."""

    rows: tuple[ClipRow, ...]
    truth: Mapping[str, Value] = field(default_factory=dict)

    noun: ClassVar[str] = "clip"

    def _number(self, metric: str, value: Value, low: float, high: float) -> Summary:
        truth = self.truth[metric].mean if metric in self.truth else None
        return Summary(self.protocol.name, metric, value, low, high, self.counted(metric, value), truth)

    def interval(self, values: Sequence[float]) -> tuple[float, float]:
        """NaN for a single clip."""
        return super().interval(values) if len(values) > 1 else (math.nan, math.nan)

    def counted(self, metric: str, value: Value) -> str:
        """How many clips (or whatever the metric counts), how many more had no value, and how many frames were
        skipped.
        """
        kind = CLIP_METRICS[metric]
        out = f", {value.left_out} left out" if value.left_out else ""
        unseen = sum(row.frames - row.limb_frames for row in self.rows if metric in row.values)
        if kind.needs_limbs and unseen:
            out += f", without {number_of(unseen, 'frame')} of unknown limbs"
        frames = number_of(sum(row.frames for row in self.rows), "frame")
        return f"{number_of(value.pairs, kind.counts)}{out}, {frames}"

    def truths(self, metric: str) -> tuple[str, ...]:
        known = CLIP_METRICS[metric].best
        return (f"{self.truth[metric].mean if metric in self.truth else known:.4f}",)

    def to_plain(self) -> dict[str, Any]:
        """The contents of the JSON file. Numbers that JSON lacks are "inf" and "nan"."""
        summary = {}
        for name, found in self.summary.items():
            numbers = {"mean": found.value.mean, "low": found.low, "high": found.high}
            if found.truth is not None:
                numbers["truth"] = found.truth
            counts = {"counted": found.value.pairs, "left_out": found.value.left_out}
            summary[name] = {**_plain(numbers), **counts, "of": CLIP_METRICS[name].counts}
        return {
            "protocol": self.protocol.name,
            "hash": self.hash,
            "about": to_plain(dict(self.about)),
            "summary": summary,
            "networks": dict(self.networks),
            "absent": dict(self.absent),
            "clips": [
                {
                    "name": row.name,
                    "frames": row.frames,
                    "size": list(row.size),
                    "truth_hash": row.truth_hash,
                    "values": _plain(row.values),
                    "truth": _plain(row.truth),
                    "limb_frames": row.limb_frames,
                    "limbs_hash": row.limbs_hash,
                }
                for row in self.rows
            ],
        }


def clip_hashes(rows: Sequence[ClipRow]) -> tuple[str, str]:
    """SHA-256 of what decides the numbers besides the generated pixels, and of the true frames; independent of the
    order of clips.
    """
    clips = sorted([r.name, r.frames, *r.size, r.truth_hash, r.limbs_hash] for r in rows)
    whole, true = (
        hashlib.sha256(json.dumps(found).encode()).hexdigest()
        for found in ([CLIPS_V1.name, clips], sorted(row.truth_hash for row in rows))
    )
    return whole, true


def _plain(numbers: Mapping[str, float]) -> dict[str, float | str]:
    return {name: plain(value) for name, value in numbers.items()}
