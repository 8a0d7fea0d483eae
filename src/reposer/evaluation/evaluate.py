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
    def __len__(self) -> int: ...
    def __getitem__(self, i: int, /) -> Sample: ...
    def identity(self, i: int, /) -> str: ...
    def target_size(self, i: int, /) -> tuple[int, int]: ...


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

    Padding is not scored: each pair is cut to the part of the frame that its target's own size fills.
    The noise of pair i comes from (protocol's seed, i), so neither the batch size nor the other pairs matter.
    about: stands in the report beside the numbers (generator, weights, feature network, data); plain values.
    """
    rule = PROTOCOLS[protocol] if isinstance(protocol, str) else protocol
    wanted = range(len(dataset)) if indices is None else indices
    if len(wanted) == 0:
        raise BadInput("There are no pairs to score; give a data set (or indices) with at least one.")
    metrics = {name: METRICS[name]() for name in rule.metrics}
    needs_mask = any(metric.mask for metric in metrics.values())
    rows: list[Row] = []
    truths: list[bytes] = []
    sizes: set[tuple[int, int]] = set()
    starts = range(0, len(wanted), batch_size)
    for start in track(starts, "scoring", transient=True) if progress else starts:
        numbers = [int(i) for i in wanted[start : start + batch_size]]
        seeds = torch.tensor([mix(rule.seed, i) for i in numbers], dtype=torch.int64)
        batch = Batch.stack([dataset[i] for i in numbers], seeds).to(device)
        with torch.no_grad():
            drawn = generate(batch.source, batch.source_pose, batch.target_pose, seeds=batch.seeds)
        _check(drawn, batch)
        values: list[dict[str, float]] = [{} for _ in numbers]
        boxes = [_content(dataset, i) for i in numbers]
        for box in dict.fromkeys(boxes):  # one, unless the pictures of the data set have several sizes
            own = [b for b, other in enumerate(boxes) if other == box]
            generated, target = (to_uint8(_cut(p[own], box)).cpu() for p in (drawn, batch.target))
            mask = _limbs(batch, own, box, rule.limb_radius) if needs_mask else None
            for metric_name, metric in metrics.items():
                scores = metric.update(generated, target, mask)
                for b, score in zip(own, [] if scores is None else scores.tolist(), strict=False):
                    values[b][metric_name] = score
            truths += [_digest(batch.names[b], picture) for b, picture in zip(own, target, strict=True)]
            sizes.add((generated.shape[1], generated.shape[2]))
        rows += [
            Row(name, dataset.identity(i), own_values)
            for name, i, own_values in zip(batch.names, numbers, values, strict=True)
        ]
    size = sizes.pop() if len(sizes) == 1 else _frame_size(dataset)
    return Report(
        protocol=rule,
        rows=tuple(rows),
        size=size,
        hash=pairs_hash(rule, size, [row.name for row in rows]),
        truth_hash=hashlib.sha256(b"".join(sorted(truths))).hexdigest(),
        about=dict(about or {}),
    )


def _content(dataset: ScoredPairs, i: int) -> tuple[int, int, int, int]:
    """The part of a frame that is picture of pair i's target, not padding."""
    height, width = dataset.target_size(i)
    return (0, 0, width, height) if dataset.framing is None else dataset.framing.content_box((height, width))


def _cut(picture: Float[Tensor, "B C H W"], box: tuple[int, int, int, int]) -> Float[Tensor, "B C h w"]:
    left, top, right, bottom = box
    return picture[..., top:bottom, left:right]


def _limbs(
    batch: Batch, rows: Sequence[int], box: tuple[int, int, int, int], radius: float
) -> Float[Tensor, "B 1 h w"]:
    """The mask of the target's limbs inside `box`; `radius` as a share of the box's height."""
    assert isinstance(batch.target_pose, Pose), "limbs belong to a pose"
    pose = batch.target_pose[torch.tensor(rows)]
    return _cut(limb_mask(pose, radius * (box[3] - box[1])), box).cpu()


def _frame_size(dataset: ScoredPairs) -> tuple[int, int]:
    assert dataset.framing is not None, "pictures of several sizes stack in a frame only"
    return dataset.framing.size


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
