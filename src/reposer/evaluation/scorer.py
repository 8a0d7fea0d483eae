"""The single path from pairs of pictures to a report, whatever generated them."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, UInt8
from torch import Tensor

from reposer.core import BadInput, Pose
from reposer.metrics import METRICS, Metric

from .geometry import with_white_sides
from .masks import MASKS, OF_SOURCE, of_the_body
from .pair_batch import PairBatch
from .protocol import Protocol
from .report import Report, Row, protocol_hash
from .suite import SUITE, SuitePart


@dataclass(frozen=True)
class Counted:
    """Results for some pairs: their rows, the digests of their true pictures, the sizes of the pictures.

    masks: the digests of each pair's masks, by the mask's name.
    """

    rows: tuple[Row, ...]
    truths: tuple[bytes, ...]
    sizes: frozenset[tuple[int, int]]
    masks: tuple[Mapping[str, bytes], ...]


class Scorer:
    """Accumulates pairs, batch by batch, into a report. The result depends on neither batches nor order.

    weights: folder of the networks' files; None = the usual places. Metrics that lack theirs are listed in `absent`.
    without_networks: skip everything that uses a network, on purpose.
    with_poses, with_sources: whether the pairs will have poses and sources.
    num_pairs: how many will come; required if the protocol drops an incomplete batch.
    num_reference: how many pictures of the reference set will come.
    pixels_elsewhere: metrics without a network are computed by other scorers, whose `counted` comes with the pairs.
    metrics: only these of the protocol's.
    """

    def __init__(
        self,
        protocol: Protocol,
        *,
        weights: Path | None = None,
        device: torch.device | str = "cpu",
        without_networks: bool = False,
        with_poses: bool = True,
        with_sources: bool = True,
        num_pairs: int | None = None,
        num_reference: int = 0,
        pixels_elsewhere: bool = False,
        metrics: Sequence[str] | None = None,
    ) -> None:
        self.protocol, self.device = protocol, device
        self.rows: list[Row] = []
        self.absent: dict[str, str] = {}
        self.metrics: dict[str, Metric] = {}
        self.elsewhere: list[str] = []
        self.parts: dict[str, SuitePart] = {}
        assert not protocol.tails or num_pairs is not None, "which batch is the last one depends on the number of pairs"
        self._num_pairs, self._num_reference, self._references = num_pairs or 0, num_reference, 0
        self._truths: list[bytes] = []
        self._masks: list[dict[str, bytes]] = []
        self._reference_pictures: list[bytes] = []
        self._sizes: set[tuple[int, int]] = set()
        for name in protocol.metrics if metrics is None else metrics:
            kind = METRICS[name]
            if without_networks and kind.looks_through_a_network:
                self.absent[name] = "left out: it looks through a network, and none was wanted"
            elif kind.mask and not with_poses:
                self.absent[name] = f"its mask '{kind.mask}' is made of joints; give their list"
            elif kind.mask in OF_SOURCE and not with_sources:
                self.absent[name] = f"its mask '{kind.mask}' is made of the source's joints; give the sources"
            elif kind.needs_reference and not num_reference:
                self.absent[name] = f"it compares with the {protocol.reference_set} set; give its folder"
            elif few := self._too_few(name, kind):
                self.absent[name] = few
            elif pixels_elsewhere and not kind.looks_through_a_network:
                self.elsewhere.append(name)
            else:
                try:
                    self.metrics[name] = kind.open(weights, device)
                except BadInput as error:
                    self.absent[name] = str(error)
        for name in protocol.suite:
            if without_networks:
                self.absent[name] = "left out: it looks through networks, and none was wanted"
            elif not (with_poses and with_sources):
                self.absent[name] = "it needs joints and source pictures; give both"
            else:
                try:
                    self.parts[name] = SUITE[name].open(protocol.estimators, weights, device)
                except BadInput as error:
                    self.absent[name] = str(error)

    def add(self, batch: PairBatch, counted: Counted | None = None) -> None:
        """Add B pairs of one size. counted: another scorer's results for them."""
        source_pose, target_pose = (
            None if pose is None else of_the_body(pose) for pose in (batch.source_pose, batch.target_pose)
        )
        batch = replace(batch, source_pose=source_pose, target_pose=target_pose)
        values: list[dict[str, float]] = (
            [{} for _ in batch.names] if counted is None else [dict(row.values) for row in counted.rows]
        )
        sides = self.protocol.white_sides
        generated, target = (with_white_sides(p, sides, sides) for p in (batch.generated, batch.target))
        poses = [self._placed(p) for p in (batch.source_pose, batch.target_pose)]
        masks: dict[str, Tensor] = {}
        for name, metric in self.metrics.items():
            if metric.mask is not None and metric.mask not in masks:
                source_pose, target_pose = poses
                assert source_pose is not None and target_pose is not None, "a mask is made of joints"
                radius = self.protocol.limb_radius * batch.target.shape[1]
                masks[metric.mask] = MASKS[metric.mask](source_pose, target_pose, radius).cpu()
            mask = None if metric.mask is None else masks[metric.mask]
            if (count := self._whole(name, len(self.rows), len(batch.names), self._num_pairs)) == 0:
                continue
            scores = metric.update(generated[:count], target[:count], None if mask is None else mask[:count])
            for own, score in zip(values, [] if scores is None else scores.tolist(), strict=False):
                own[name] = score
        for part in self.parts.values():
            part.update(batch)
        self._truths += [digest(name, picture) for name, picture in zip(batch.names, batch.target, strict=True)]
        counted_masks = [{}] * len(batch.names) if counted is None else counted.masks
        for k, name in enumerate(batch.names):
            digests = {kind: digest(name, mask[k].bool()) for kind, mask in masks.items()}
            self._masks.append({**counted_masks[k], **digests})
        self._sizes.add((batch.target.shape[1], batch.target.shape[2]))
        azimuths = batch.azimuths or [None] * len(batch)
        named = zip(batch.names, batch.identities, values, azimuths, strict=True)
        self.rows += [Row(name, identity, own, azimuths=seen) for name, identity, own, seen in named]

    def take(self, counted: Counted) -> None:
        """Add pairs that another scorer has counted, if nothing here needs to see them."""
        assert not counted.rows or not (self.metrics or self.parts), "somebody wants to see the pictures"
        self.rows += counted.rows
        self._truths += counted.truths
        self._masks += map(dict, counted.masks)
        self._sizes |= counted.sizes

    @property
    def counted(self) -> Counted:
        """The results so far."""
        return Counted(tuple(self.rows), tuple(self._truths), frozenset(self._sizes), tuple(self._masks))

    def add_reference(self, pictures: UInt8[Tensor, "B H W 3"]) -> None:
        """Add pictures of the reference set, in the protocol's geometry."""
        sides = self.protocol.white_sides
        for name, metric in self.metrics.items():
            count = self._whole(name, self._references, len(pictures), self._num_reference)
            if metric.needs_reference and count:
                metric.add_reference(with_white_sides(pictures[:count], sides, sides))
        self._references += len(pictures)
        self._reference_pictures += [digest("", picture) for picture in pictures]

    def report(
        self,
        about: Mapping[str, Any] | None = None,
        *,
        frame: tuple[int, int] | None = None,
        layouts: Collection[str] = ("plain",),
    ) -> Report:
        """frame: the size to report if pictures have several; None = the smallest that contains them all.

        layouts: how the people's pictures lay in the generated files.
        """
        assert self._sizes, "no pair was added"
        heights, widths = zip(*self._sizes, strict=True)
        holds_all = (max(heights), max(widths))
        size = holds_all if len(self._sizes) == 1 else frame or holds_all
        names = [row.name for row in self.rows]
        of_sets = {n: m.compute() for n, m in self.metrics.items() if not any(n in row.values for row in self.rows)}
        return Report(
            protocol=self.protocol,
            rows=tuple(self.rows),
            size=size,
            hash=protocol_hash(self.protocol, size, names),
            geometry=" and ".join(sorted(layouts)),
            truth_hash=_joint(self._truths),
            mask_hashes={kind: _joint([own[kind] for own in self._masks]) for kind in self._kinds_of_masks},
            reference_hash=_joint(self._reference_pictures) if self._reference_pictures else "",
            about=dict(about or {}),
            of_sets=of_sets,
            networks={name: m.network for name, m in self.metrics.items() if m.network},
            absent=dict(self.absent),
            findings=tuple(found for part in self.parts.values() for found in part.findings()),
        )

    def state(self) -> dict[str, Tensor]:
        """The state of metrics and parts, and the digests of the truths; the caller stores the rows."""
        digests = {"truths": self._truths, "references": self._reference_pictures}
        digests |= {f"mask|{kind}": [own[kind] for own in self._masks] for kind in self._kinds_of_masks}
        whole = {
            name: torch.frombuffer(bytearray(b"".join(own)), dtype=torch.uint8) for name, own in digests.items() if own
        }
        whole["sizes"] = torch.tensor(sorted(self._sizes), dtype=torch.int64).view(-1, 2)
        for kind, things in (("metric", self.metrics), ("part", self.parts)):
            for name, thing in things.items():
                whole |= {f"{kind}|{name}|{key}": tensor for key, tensor in thing.state().items()}
        return whole

    def load_state(self, state: Mapping[str, Tensor], rows: Sequence[Row]) -> None:
        """Restore what `state` returned, with the rows of the same pairs."""
        self.rows = list(rows)
        self._truths, self._reference_pictures = _split(state.get("truths")), _split(state.get("references"))
        masks = {k.removeprefix("mask|"): _split(t) for k, t in state.items() if k.startswith("mask|")}
        self._masks = [{kind: own[k] for kind, own in masks.items()} for k in range(len(self._truths))]
        self._sizes = {(int(h), int(w)) for h, w in state["sizes"].tolist()}
        for kind, things in (("metric", self.metrics), ("part", self.parts)):
            for name, thing in things.items():
                prefix = f"{kind}|{name}|"
                thing.load_state({k.removeprefix(prefix): t for k, t in state.items() if k.startswith(prefix)})

    @property
    def _kinds_of_masks(self) -> list[str]:
        return sorted(self._masks[0]) if self._masks else []

    def _too_few(self, name: str, kind: type[Metric]) -> str:
        """Why too few pictures will come for this metric; empty if there are enough."""
        batch = self.protocol.tails.get(name)
        if batch is not None and self._num_pairs < batch:
            return f"it sees whole batches of {batch} pairs alone, and there are {self._num_pairs}"
        if kind.needs_reference and self._whole(name, 0, self._num_reference, self._num_reference) < 2:
            least = "two pictures" if batch is None else f"a whole batch of {batch} pictures"
            return f"its reference set needs at least {least}, and has {self._num_reference}"
        return ""

    def _whole(self, metric: str, seen: int, coming: int, total: int) -> int:
        """How many of the coming pictures lie in whole batches of this metric."""
        batch = self.protocol.tails.get(metric)
        return coming if batch is None else max(0, min(coming, total - total % batch - seen))

    def _placed(self, pose: Pose | None) -> Pose | None:
        """The pose in the picture with its white sides."""
        sides = self.protocol.white_sides
        if pose is None or not sides:
            return pose
        height, width = pose.size
        return pose.cut((-sides, 0, width + sides, height))


def digest(name: str, picture: UInt8[Tensor, "H W 3"] | Bool[Tensor, "1 H W"]) -> bytes:
    """SHA-256 of the bytes of a named picture or mask."""
    return hashlib.sha256(name.encode() + picture.contiguous().numpy().tobytes()).digest()


def _joint(digests: Sequence[bytes]) -> str:
    """One digest of many, independent of their order."""
    return hashlib.sha256(b"".join(sorted(digests))).hexdigest()


def _split(digests: UInt8[Tensor, "N"] | None) -> list[bytes]:
    """Digests from their concatenated bytes."""
    raw = b"" if digests is None else bytes(digests.tolist())
    return [raw[k : k + 32] for k in range(0, len(raw), 32)]
