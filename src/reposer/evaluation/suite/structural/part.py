"""The structural part: joints are detected in the pictures and compared with the target's."""

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from jaxtyping import UInt8
from torch import Tensor

from reposer.core import BadInput, Pose
from reposer.core.skeleton import OPENPOSE_18
from reposer.estimators import POSE_ESTIMATORS, PoseEstimator

from ...intervals import ratios
from ..part import PICTURE_SETS, SUITE, Finding, PairBatch, PictureSet, SuitePart
from .measures import Joints, Tally, measures, pckh_patn


@SUITE.register("structural")
class Structural(SuitePart):
    """PCKh, PCK, errors, misses, false joints and OKS in two variants, and the pose estimator's confidence in a person.

    `-annotation`: the truth is the target's pose of the data set. `-redetect`: the truth is what the same pose
    estimator finds in the real target, so its own faults do not count; the real target itself is then perfect (in
    PATN's form only where heads have a width).
    `pckh-patn-annotation-normalised`: that PCKh as a share of the real target's.
    """

    name = "structural"

    def __init__(self, estimator: PoseEstimator, device: torch.device | str = "cpu") -> None:
        self._estimator, self._device = estimator, device
        self._names: list[str] = []
        self._seen: dict[str, list[Tensor]] = {}
        self._looked: dict[bytes, tuple[Tensor, Tensor, Tensor]] = {}

    @classmethod
    def open(cls, estimators: Mapping[str, str], weights: Path | None, device: torch.device | str) -> "Structural":
        if "joints" not in estimators:
            raise BadInput(
                f"The structural part needs a pose estimator; name one as 'joints': {', '.join(POSE_ESTIMATORS)}."
            )
        return cls(POSE_ESTIMATORS[estimators["joints"]](weights), device)

    def networks(self) -> tuple[str, ...]:
        return (self._estimator.description,)

    def update(self, batch: PairBatch) -> None:
        truth = batch.pose("target").convert(OPENPOSE_18).to("cpu")
        self._keep("annotation", truth)
        for which in PICTURE_SETS:
            pose, person = self._look(batch.pictures(which))
            self._keep(which, pose)
            self._seen.setdefault(f"{which}/person", []).append(person)
        self._names += batch.names

    def findings(self) -> list[Finding]:
        if not self._names:
            return []
        named = [(which, tally) for which in PICTURE_SETS for tally in self._tallies(which)]
        above, below = (
            torch.stack(columns, 1) for columns in zip(*((t.above, t.below) for _, t in named), strict=True)
        )
        estimator = self._estimator.description
        numbers = torch.stack(ratios(above, below), 1).tolist()
        covered = ((above != 0) | (below != 0)).sum(0).tolist()
        return [
            Finding(
                metric=tally.metric,
                part=tally.part,
                pictures=which,
                estimator=estimator,
                value=value,
                low=low,
                high=high,
                covered=pairs,
                total=len(self._names),
                higher_is_better=tally.higher_is_better,
                unit=tally.unit,
            )
            for (which, tally), (value, low, high), pairs in zip(named, numbers, covered, strict=True)
            if not math.isnan(value)
        ]

    def state(self) -> dict[str, Tensor]:
        if not self._names:
            return {}
        names = torch.tensor(list("\0".join(self._names).encode()), dtype=torch.uint8)
        return {"names": names} | {key: torch.cat(rows) for key, rows in self._seen.items()}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        self._names = bytes(state["names"].tolist()).decode().split("\0") if state else []
        self._seen = {key: [rows] for key, rows in state.items() if key != "names"}

    def _tallies(self, which: PictureSet) -> Iterator[Tally]:
        """All numbers about one set of pictures, pairs in the order of their names."""
        found, annotation, target = (self._joints(key) for key in (which, "annotation", "target"))
        for kind, truth in (("annotation", annotation), ("redetect", target)):
            for tally in measures(found, truth):
                yield replace(tally, metric=f"{tally.metric}-{kind}")
        if which != "target":
            reached, reachable = pckh_patn(found, annotation), pckh_patn(target, annotation)
            yield Tally(f"{reached.metric}-annotation-normalised", "", reached.above, reachable.above)
        person = self._rows(f"{which}/person").double()
        yield Tally("person-score", "", person, torch.ones_like(person))

    def _look(self, pictures: UInt8[Tensor, "B H W 3"]) -> tuple[Pose, Tensor]:
        """Joints as OPENPOSE_18 and the person's score, on the CPU. A picture of several pairs is processed once."""
        keys = [_digest(picture) for picture in pictures]
        fresh = {key: b for b, key in enumerate(keys) if key not in self._looked}
        if fresh:
            pose, person = self._estimator.look(pictures[list(fresh.values())].to(self._device))
            pose = pose.convert(OPENPOSE_18)
            rows = zip(pose.xy.cpu(), pose.visible.cpu(), person.cpu(), strict=True)
            self._looked.update(zip(fresh, rows, strict=True))
        xy, visible, person = (torch.stack(c) for c in zip(*(self._looked[key] for key in keys), strict=True))
        return Pose(xy, visible, (pictures.shape[1], pictures.shape[2])), person

    def _keep(self, whose: str, pose: Pose) -> None:
        self._seen.setdefault(f"{whose}/xy", []).append(pose.xy.float())
        self._seen.setdefault(f"{whose}/visible", []).append(pose.visible)

    def _joints(self, whose: str) -> Joints:
        return Joints(self._rows(f"{whose}/xy").double(), self._rows(f"{whose}/visible"))

    def _rows(self, key: str) -> Tensor:
        order = sorted(range(len(self._names)), key=self._names.__getitem__)
        return torch.cat(self._seen[key])[order]


def _digest(picture: UInt8[Tensor, "H W 3"]) -> bytes:
    return hashlib.sha256(repr(picture.shape).encode() + picture.cpu().numpy().tobytes()).digest()
