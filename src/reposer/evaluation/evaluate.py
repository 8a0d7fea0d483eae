"""Scoring: every pair is generated, rounded to bytes as a saved file would be, and compared with the truth."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, runtime_checkable
from typing import Protocol as Interface

import torch
from jaxtyping import Float, Int64, UInt8
from rich.progress import track
from torch import Tensor

from reposer.core import BadInput, Batch, Framing, Pose, Sample, View
from reposer.core.framing import cut, size_of, whole
from reposer.core.generator import refuse_not_finite
from reposer.core.images import to_uint8
from reposer.core.pose import Edges
from reposer.core.rng import mix
from reposer.core.samples import Condition
from reposer.core.terminal import Terminal

from .geometry import FileGeometry, Geometry, through_jpeg
from .pair_batch import PairBatch
from .protocol import PROTOCOLS, Protocol
from .report import Report
from .scorer import Scorer
from .suite.semantic.names import item_of
from .whole_pictures import OnWholePictures


@runtime_checkable
class Generate(Interface):
    """A generator's `generate`, or anything with its signature."""

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
    """The data set that scoring needs: pairs, and how its pictures were laid into the frame."""

    @property
    def framing(self) -> Framing | None: ...
    def __len__(self) -> int: ...
    def __getitem__(self, i: int, /) -> Sample: ...
    def identity(self, i: int, /) -> str: ...
    def target_size(self, i: int, /) -> tuple[int, int]: ...
    def picture_names(self, i: int, /) -> tuple[str, str]: ...
    def attributes(self, i: int, /) -> Mapping[str, str]: ...


def evaluate(
    generate: Generate,
    protocol: Protocol | str,
    dataset: ScoredPairs,
    *,
    indices: Sequence[int] | None = None,
    batch_size: int = 8,
    device: torch.device | str = "cpu",
    progress: bool = False,
    weights: Path | None = None,
    about: dict[str, Any] | None = None,
) -> Report:
    """Generate and score the pairs `indices` (all of them by default) of `dataset`.

    Padding is not scored: each pair is cut to the part of the frame that its target's own size fills.
    The noise of pair i comes from (protocol's seed, i), so neither the batch size nor the other pairs matter.
    weights: folder of the files of networks that score; None = the usual places.
    about: stored in the report next to the numbers (generator, weights, feature network, data); plain values.
    """
    rule = PROTOCOLS[protocol] if isinstance(protocol, str) else protocol
    wanted = range(len(dataset)) if indices is None else indices
    if len(wanted) == 0:
        raise BadInput("There are no pairs to score; give a data set (or indices) with at least one.")
    of_people = isinstance(dataset[int(wanted[0])].target_pose, Pose)
    scorer = Scorer(rule, weights=weights, device=device, with_poses=of_people, num_pairs=len(wanted))
    batches = generated(
        generate, rule, dataset, wanted, batch_size=batch_size, device=device, title="scoring" if progress else ""
    )
    for numbers, batch, pictures in batches:
        laid = [(content_box(dataset, i), _made(dataset, i)) for i in numbers]
        for (box, made), run in groupby(range(len(numbers)), key=laid.__getitem__):  # neighbours of one size
            scorer.add(_shown(rule, dataset, numbers, batch, pictures, list(run), box, made))
    framed = generate if isinstance(generate, OnWholePictures) else None
    layouts = {
        (_made(dataset, int(i)) if framed is None else framed.made(dataset.target_size(int(i)))).layout for i in wanted
    }
    return scorer.report(about, frame=None if dataset.framing is None else dataset.framing.size, layouts=layouts)


def generated(
    generate: Generate,
    rule: Protocol,
    dataset: ScoredPairs,
    numbers: Sequence[int],
    *,
    batch_size: int = 8,
    device: torch.device | str = "cpu",
    title: str = "",
) -> Iterator[tuple[list[int], Batch, Float[Tensor, "B 3 H W"]]]:
    """The generated pictures of these pairs in their frame, batch by batch: (numbers, batch, pictures).

    The noise of pair i comes from (protocol's seed, i). title: of the progress bar; none = no bar.
    """
    starts = range(0, len(numbers), batch_size)
    console = Terminal(stderr=True)
    for start in track(starts, title, console=console, transient=True, disable=not title):
        own = [int(i) for i in numbers[start : start + batch_size]]
        seeds = torch.tensor([mix(rule.seed, i) for i in own], dtype=torch.int64)
        batch = Batch.stack([dataset[i] for i in own], seeds).to(device)
        with torch.no_grad():
            pictures = generate(batch.source, batch.source_pose, batch.target_pose, seeds=batch.seeds)
        _check(pictures, batch)
        yield own, batch, pictures


def _shown(
    rule: Protocol,
    dataset: ScoredPairs,
    numbers: Sequence[int],
    batch: Batch,
    pictures: Float[Tensor, "B 3 H W"],
    rows: Sequence[int],
    box: Edges,
    made: FileGeometry,
) -> PairBatch:
    """These rows as a file would store them, in the protocol's geometry. numbers: of the batch's pairs."""

    def prepared(
        whole: Tensor, geometry: Geometry, rounding: Literal["nearest", "down"] = "nearest"
    ) -> UInt8[Tensor, "b h w 3"]:
        content = to_uint8(cut(whole[list(rows)], box), rounding).cpu()
        return torch.stack([geometry.apply(picture, made) for picture in content])

    def place(condition: Condition, geometry: Geometry) -> Pose | None:
        if not isinstance(condition, Pose):
            return None
        pose = condition[torch.tensor(rows)]
        return geometry.place(pose.cut(box), made)

    identities = tuple(dataset.identity(numbers[b]) for b in rows)
    source_names, target_names = zip(*(dataset.picture_names(numbers[b]) for b in rows), strict=True)
    generated = prepared(pictures, rule.generated, rule.rounding)
    if rule.file_format == "jpeg":
        generated = torch.stack([through_jpeg(picture) for picture in generated])
    return PairBatch(
        names=tuple(batch.names[b] for b in rows),
        identities=identities,
        generated=generated,
        target=prepared(batch.target, rule.target),
        source=prepared(batch.source, rule.target),
        source_pose=place(batch.source_pose, rule.target),
        target_pose=place(batch.target_pose, rule.target),
        source_names=source_names,
        target_names=target_names,
        items=tuple(item_of(t) or who for t, who in zip(target_names, identities, strict=True)),
        attributes=tuple(dataset.attributes(numbers[b]) for b in rows),
        azimuths=_azimuths(batch, rows),
    )


def _azimuths(batch: Batch, rows: Sequence[int]) -> tuple[tuple[float, float], ...]:
    """The azimuths of each pair; empty for pairs that are not views."""
    source, target = batch.source_pose, batch.target_pose
    if not (isinstance(source, View) and isinstance(target, View)):
        return ()
    return tuple((float(source.azimuth[b]), float(target.azimuth[b])) for b in rows)


def content_box(dataset: ScoredPairs, i: int) -> Edges:
    """The part of a frame that shows pair i's target, without padding."""
    size = dataset.target_size(i)
    return whole(size) if dataset.framing is None else dataset.framing.content_box(size)


def _made(dataset: ScoredPairs, i: int) -> FileGeometry:
    """How a person's picture lies in the part of the frame that is picture: squashed, unless that has its shape."""
    return FileGeometry("squashed", dataset.target_size(i)).of(size_of(content_box(dataset, i)))


def _check(generated: Tensor, batch: Batch) -> None:
    if generated.shape != batch.target.shape:
        raise BadInput(
            f"The generator returned pictures of shape {tuple(generated.shape)}; the data set's are "
            f"{tuple(batch.target.shape)}. Open the data set with the generator's framing."
        )
    for name, picture in zip(batch.names, generated, strict=True):
        refuse_not_finite(picture, name)
