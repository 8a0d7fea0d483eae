"""Scoring: every pair is drawn, rounded to bytes as a saved file would be, and compared with the truth."""

import hashlib
from collections.abc import Sequence
from typing import Any, runtime_checkable
from typing import Protocol as Interface

import torch
from jaxtyping import Float, Int64, UInt8
from rich.progress import track
from torch import Tensor

from reposer.core import BadInput, Batch, Framing, Pose, Sample
from reposer.core.images import to_uint8
from reposer.core.rng import mix
from reposer.core.samples import Condition
from reposer.metrics import METRICS
from reposer.nn.maps import limb_mask

from .protocol import PROTOCOLS, Protocol
from .report import Report, Row, pairs_hash


@runtime_checkable
class Generate(Interface):
    """A generator's `generate`, or anything that draws like it."""

    def __call__(
        self,
        source: Float[Tensor, "B 3 H W"],
        source_pose: Condition,
        target_pose: Condition,
        *,
        seeds: Int64[Tensor, "B"] | None = None,
    ) -> Float[Tensor, "B 3 H W"]: ...


@runtime_checkable
class ScoredPairs(Interface):
    """What scoring asks of a data set: pairs, and how its pictures were laid into the frame."""

    @property
    def framing(self) -> Framing | None: ...
    @property
    def picture_size(self) -> tuple[int, int]: ...
    def __len__(self) -> int: ...
    def __getitem__(self, i: int, /) -> Sample: ...
    def identity(self, i: int, /) -> str: ...


def evaluate(
    generate: Generate,
    protocol: Protocol | str,
    dataset: ScoredPairs,
    *,
    indices: Sequence[int] | None = None,
    batch_size: int = 8,
    device: torch.device | str = "cpu",
    progress: bool = False,
    about: dict[str, Any] | None = None,
) -> Report:
    """Draw and score the pairs `indices` (all of them by default) of `dataset`.

    The noise of pair i comes from (protocol's seed, i), so neither the batch size nor the other pairs matter.
    about: stands in the report beside the numbers (generator, weights, feature network, data); plain values.
    """
    rule = PROTOCOLS[protocol] if isinstance(protocol, str) else protocol
    wanted = range(len(dataset)) if indices is None else indices
    if len(wanted) == 0:
        raise BadInput("There are no pairs to score; give a data set (or indices) with at least one.")
    metrics = {name: METRICS[name]() for name in rule.metrics}
    left, top, right, bottom = _content(dataset)
    needs_mask = any(metric.needs_mask for metric in metrics.values())
    rows: list[Row] = []
    truths: list[bytes] = []
    starts = range(0, len(wanted), batch_size)
    for start in track(starts, "scoring", transient=True) if progress else starts:
        numbers = [int(i) for i in wanted[start : start + batch_size]]
        seeds = torch.tensor([mix(rule.seed, i) for i in numbers], dtype=torch.int64)
        batch = Batch.stack([dataset[i] for i in numbers], seeds).to(device)
        with torch.no_grad():
            drawn = generate(batch.source, batch.source_pose, batch.target_pose, seeds=batch.seeds)
        _check(drawn, batch)
        generated = to_uint8(drawn[..., top:bottom, left:right]).cpu()
        target = to_uint8(batch.target[..., top:bottom, left:right]).cpu()
        mask = None
        if needs_mask:
            assert isinstance(batch.target_pose, Pose), "limbs belong to a pose"
            radius = rule.limb_radius * (bottom - top)
            mask = limb_mask(batch.target_pose, radius)[..., top:bottom, left:right].cpu()
        scores = {name: metric.update(generated, target, mask) for name, metric in metrics.items()}
        truths += [_digest(name, picture) for name, picture in zip(batch.names, target, strict=True)]
        for b, name in enumerate(batch.names):
            values = {metric: value[b].item() for metric, value in scores.items() if value is not None}
            rows.append(Row(name, dataset.identity(numbers[b]), values))
    size = (bottom - top, right - left)
    return Report(
        protocol=rule,
        rows=tuple(rows),
        size=size,
        hash=pairs_hash(rule, size, [row.name for row in rows]),
        truth_hash=hashlib.sha256(b"".join(sorted(truths))).hexdigest(),
        about=dict(about or {}),
    )


def _content(dataset: ScoredPairs) -> tuple[int, int, int, int]:
    """The part of a frame that is picture, not padding."""
    if dataset.framing is None:
        return (0, 0, dataset.picture_size[1], dataset.picture_size[0])
    return dataset.framing.content_box(dataset.picture_size)


def _check(drawn: Tensor, batch: Batch) -> None:
    if drawn.shape != batch.target.shape:
        raise BadInput(
            f"The generator drew pictures of shape {tuple(drawn.shape)}; the data set's are "
            f"{tuple(batch.target.shape)}. Open the data set with the generator's framing."
        )
    bad = [name for name, picture in zip(batch.names, drawn, strict=True) if not picture.isfinite().all()]
    if bad:
        more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
        raise BadInput(
            f"The generator drew pixels that are not finite for {bad[0]}{more}; its weights are damaged or "
            f"its training diverged."
        )


def _digest(name: str, picture: UInt8[Tensor, "H W 3"]) -> bytes:
    return hashlib.sha256(name.encode() + picture.numpy().tobytes()).digest()
