"""The part about faces: is there one where the target has one, and whose is it?"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import UInt8
from torch import Tensor

from reposer.core import BadInput
from reposer.core.pose import Box
from reposer.estimators import EMBEDDERS, FACE_DETECTORS, Embedder, Face, FaceDetector
from reposer.metrics import METRICS, Metric

from ..pair_values import Pair, PairValues, as_bytes, from_bytes, mean_findings, pairs_of
from ..part import SUITE, Finding, PairBatch, PictureSet, SuitePart
from .numbers import LOOKS, FaceTable, Look, calibration, comparisons, landmark_errors, rank_one
from .places import face_crop, face_inside, head_box

CROPS_BY, CROPS_THROUGH_A_NETWORK = ("ssim-gaussian1.5", "l1"), "lpips-alex"
Heads = Sequence[Box | None]
SCORED: tuple[PictureSet, ...] = ("generated", "source")


class Found(NamedTuple):
    """A face's vector and its landmarks."""

    vector: Tensor
    landmarks: Tensor


@SUITE.register("faces")
class Faces(SuitePart):
    """Face identity over the eligible pairs, those whose target has a face (and the source, `-vs-source`).

    A face counts where its middle lies in the target's head box, 1.5 times as large; the largest one does.
    `face-eligible`: the eligible share of all pairs. `face-detection`: where a face was generated.
    `face-cosine-detected-*`: the likeness of the generated faces; `-strict-*`: a missing one counts 0.
    `face-verification-*`: the share that the embedder's threshold accepts as the same person, a missing face is
    rejected; the headline is `-vs-target`.
    `face-distance-*`: between vectors of length 1. `face-landmark-error`. `face-rank1`. `face-ssim-gaussian1.5`,
    `face-l1`, `face-lpips-alex`: of crops by the target's face box, 112x112, whether a face was generated or not.
    `*-floor` is chance (faces of different identities), `*-ceiling` the real target against the source, and
    `*-preservation-*` where between the two the score lies.
    """

    name = "faces"

    def __init__(
        self, detector: FaceDetector, embedder: Embedder, metrics: Sequence[Metric], device: torch.device | str = "cpu"
    ) -> None:
        self._detector, self._embedder, self._device = detector, embedder, device
        self._metrics = {metric.name: metric for metric in metrics}
        self._pairs: list[Pair] = []
        self._found: dict[Look, dict[str, Found]] = {look: {} for look in LOOKS}
        self._crops: dict[str, dict[str, float]] = {f"{which}/{name}": {} for which in SCORED for name in self._metrics}

    @classmethod
    def open(cls, estimators: Mapping[str, str], weights: Path | None, device: torch.device | str) -> "Faces":
        for kind, registry in (("faces", FACE_DETECTORS), ("face-embedder", EMBEDDERS)):
            if kind not in estimators:
                raise BadInput(
                    f"The part about faces needs a detector and an embedder of faces; name one as '{kind}': "
                    f"{', '.join(registry)}."
                )
        embedder = EMBEDDERS[estimators["face-embedder"]](weights)
        if embedder.subject != "face":
            raise BadInput(f"{embedder.name} embeds a {embedder.subject}, not a face; name another 'face-embedder'.")
        metrics = [METRICS[name].open(weights, device) for name in CROPS_BY]
        # a missing network makes its own number absent, not the others
        with suppress(BadInput):
            metrics.append(METRICS[CROPS_THROUGH_A_NETWORK].open(weights, device))
        return cls(FACE_DETECTORS[estimators["faces"]](weights), embedder, metrics, device)

    def networks(self) -> tuple[str, ...]:
        return (
            self._detector.description,
            self._embedder.description,
            *(metric.network for metric in self._metrics.values()),
        )

    def update(self, batch: PairBatch) -> None:
        self._pairs += pairs_of(batch)
        heads, source_heads = (
            [head_box(pose[row]) for row in range(len(batch.names))]
            for pose in (batch.pose("target").to("cpu"), batch.pose("source").to("cpu"))
        )
        targets = self._look("target", batch, batch.target, heads, self._detector(batch.target.to(self._device)))
        # pairs that are not eligible do not count, so their other faces are not searched for
        rows = list(targets)
        if not rows:
            return
        generated: dict[Look, Heads] = {"generated": heads}
        copied: dict[Look, Heads] = {"source": heads, "reference": source_heads}
        for pictures, looks in ((batch.generated, generated), (batch.pictures("source"), copied)):
            faces: list[list[Face]] = [[]] * len(pictures)
            for row, own in zip(rows, self._detector(pictures[rows].to(self._device)), strict=True):
                faces[row] = own
            for look, boxes in looks.items():
                self._look(look, batch, pictures, boxes, faces)
        for row, face in targets.items():
            self._compare_crops(
                batch.names[row], batch.target[row], batch.generated[row], batch.pictures("source")[row], face.box
            )

    def findings(self) -> list[Finding]:
        if not self._pairs:
            return []
        detector, embedder = self._detector.description, self._embedder.description
        pairs = sorted(self._pairs)
        assert len({pair.name for pair in pairs}) == len(pairs), "a pair came twice"
        eligible = [pair.name in self._found["target"] for pair in pairs]
        if not any(eligible):
            nobody = PairValues("face-eligible", "target", torch.zeros(len(pairs)).double(), None)
            return mean_findings([nobody], detector)
        table, threshold, both = self._table(pairs), self._embedder.threshold, f"{detector}; {embedder}"
        found = mean_findings([*comparisons(table, threshold), *rank_one(table)], both)
        means = {(finding.metric, finding.pictures): finding.value for finding in found}
        found += calibration(table, threshold, both, means)
        found += mean_findings(list(landmark_errors(table)), detector)
        for metric in self._metrics.values():
            looked = f"{detector}; {metric.network}" if metric.network else detector
            found += mean_findings([self._crop_values(pairs, metric, which) for which in SCORED], looked)
        return found

    def state(self) -> dict[str, Tensor]:
        state: dict[str, Tensor] = {"pairs": as_bytes(self._pairs)}
        for look, found in self._found.items():
            state[f"{look}/names"] = as_bytes(list(found))
            if found:
                state[f"{look}/vectors"] = torch.stack([face.vector for face in found.values()])
                state[f"{look}/landmarks"] = torch.stack([face.landmarks for face in found.values()])
        for key, values in self._crops.items():
            state[f"crops/{key}/names"] = as_bytes(list(values))
            state[f"crops/{key}/values"] = torch.tensor(list(values.values()), dtype=torch.float64)
        return state

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        self._pairs = [Pair(*row) for row in from_bytes(state["pairs"])]
        for look in LOOKS:
            names = from_bytes(state[f"{look}/names"])
            rows = zip(state[f"{look}/vectors"], state[f"{look}/landmarks"], strict=True) if names else ()
            self._found[look] = {name: Found(*row) for name, row in zip(names, rows, strict=True)}
        for key in self._crops:
            if f"crops/{key}/names" not in state:  # the network was missing then
                continue
            names, values = from_bytes(state[f"crops/{key}/names"]), state[f"crops/{key}/values"].tolist()
            self._crops[key] = dict(zip(names, values, strict=True))

    def _look(
        self,
        look: Look,
        batch: PairBatch,
        pictures: UInt8[Tensor, "B H W 3"],
        boxes: Heads,
        faces: Sequence[Sequence[Face]],
    ) -> dict[int, Face]:
        """Store the vector and landmarks of each row's face in its box; returns the rows that have one."""
        inside = ((row, face_inside(faces[row], box)) for row, box in enumerate(boxes) if box is not None)
        chosen = {row: face for row, face in inside if face is not None}
        if chosen:
            vectors = self._embedder(pictures[list(chosen)].to(self._device), list(chosen.values()))
            for (row, face), vector in zip(chosen.items(), vectors.float().cpu(), strict=True):
                self._found[look][batch.names[row]] = Found(vector, face.landmarks.float().cpu())
        return chosen

    def _compare_crops(
        self,
        name: str,
        target: UInt8[Tensor, "H W 3"],
        generated: UInt8[Tensor, "H W 3"],
        source: UInt8[Tensor, "H W 3"],
        box: Box,
    ) -> None:
        truth = face_crop(target, box)
        for which, picture in (("generated", generated), ("source", source)):
            crop = face_crop(picture, box)
            if truth is None or crop is None:
                return
            for metric in self._metrics.values():
                values = metric.update(crop[None], truth[None])
                assert values is not None, f"{metric.name} has a value of each pair"
                self._crops[f"{which}/{metric.name}"][name] = values.item()

    def _crop_values(self, pairs: Sequence[Pair], metric: Metric, which: PictureSet) -> PairValues:
        own = self._crops[f"{which}/{metric.name}"]
        values = torch.tensor([own.get(pair.name, torch.nan) for pair in pairs], dtype=torch.float64)
        return PairValues(f"face-{metric.name}", which, values, metric.higher_is_better, metric.unit)

    def _table(self, pairs: Sequence[Pair]) -> FaceTable:
        one = next(iter(self._found["target"].values()))
        nothing = Found(torch.zeros_like(one.vector), torch.zeros_like(one.landmarks))
        columns = {look: [own.get(pair.name, nothing) for pair in pairs] for look, own in self._found.items()}
        return FaceTable(
            tuple(pair.source for pair in pairs),
            tuple(pair.target for pair in pairs),
            tuple(pair.variant for pair in pairs),
            {look: torch.tensor([p.name in own for p in pairs]) for look, own in self._found.items()},
            {look: torch.stack([face.vector for face in faces]) for look, faces in columns.items()},
            {look: torch.stack([face.landmarks for face in faces]) for look, faces in columns.items()},
        )
