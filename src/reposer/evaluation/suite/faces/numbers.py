"""The numbers about the faces of N pairs, once they are found, embedded and cropped."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..pair_values import PairValues
from ..part import PICTURE_SETS, Finding, PictureSet
from .identity import chance, first_faces, nearest_is_right, preservation

Look = Literal["generated", "target", "source", "reference"]
LOOKS: tuple[Look, ...] = ("generated", "target", "source", "reference")
"""Faces are searched for where the target's head is; `reference` is the source with the face where its own head is."""
AGAINST: dict[str, Look] = {"target": "target", "source": "reference"}
NARROWEST = 1.0
"""Eyes closer than this many pixels, as in a profile, do not measure a face's size."""
CALIBRATED: tuple[tuple[str, PictureSet], ...] = (
    ("target", "generated"),
    ("target", "source"),
    ("source", "generated"),
)
"""What is compared with, and whose pictures are."""
OF_EYES = "of the target's distance between the eyes"


@dataclass(frozen=True)
class FaceTable:
    """N pairs in the order of their names. Where no face was found, its vector and landmarks are undefined."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    identities: tuple[str, ...]
    found: Mapping[Look, Bool[Tensor, "N"]]
    vectors: Mapping[Look, Float[Tensor, "N D"]]
    landmarks: Mapping[Look, Float[Tensor, "N 5 2"]]

    def eligible(self, against: str) -> Bool[Tensor, "N"]:
        """The pairs whose target has a face and, for comparisons with the source, whose source has one."""
        return self.found["target"] & self.found[AGAINST[against]]


def comparisons(table: FaceTable, threshold: float | None) -> Iterator[PairValues]:
    """Who has a face, and how similar it is to the target's and to the source's. No picture is compared with itself."""
    for against, truth in AGAINST.items():
        eligible = table.eligible(against)
        suffix = "" if against == "target" else "-vs-source"
        yield PairValues(f"face-eligible{suffix}", "target", eligible.double(), None)
        for which in PICTURE_SETS:
            if which == against:
                continue
            both = eligible & table.found[which]
            one, two = table.vectors[which].double(), table.vectors[truth].double()
            cosine, distance = (one * two).sum(1), (one - two).norm(dim=1)
            strict = cosine.where(both, 0.0)
            numbers = {
                "face-cosine-detected": cosine.where(both, torch.nan),
                "face-cosine-strict": strict.where(eligible, torch.nan),
            }
            if threshold is not None:
                verified = (both & (cosine >= threshold)).double()
                numbers["face-verification"] = verified.where(eligible, torch.nan)
            for metric, values in numbers.items():
                yield PairValues(f"{metric}-vs-{against}", which, values)
            yield PairValues(f"face-distance-vs-{against}", which, distance.where(both, torch.nan), False)
    for which in ("generated", "source"):
        there = table.found[which].double().where(table.eligible("target"), torch.nan)
        yield PairValues("face-detection", which, there)


def landmark_errors(table: FaceTable) -> Iterator[PairValues]:
    """The mean distance of the five landmarks, in distances between the target's eyes; over pairs with both faces."""
    truth = table.landmarks["target"].double()
    eyes = (truth[:, 0] - truth[:, 1]).norm(dim=1)
    for which in ("generated", "source"):
        error = (table.landmarks[which].double() - truth).norm(dim=2).mean(1) / eyes
        counted = table.found[which] & table.found["target"] & (eyes >= NARROWEST)
        yield PairValues("face-landmark-error", which, error.where(counted, torch.nan), False, OF_EYES)


def rank_one(table: FaceTable) -> Iterator[PairValues]:
    """Is the nearest of all identities' faces the right one's? The gallery contains one target face of each identity.

    A picture without a face is wrong. A real picture that is in the gallery itself is no query.
    """
    eligible = table.eligible("target")
    rows = eligible.nonzero()[:, 0].tolist()
    chosen = [rows[i] for i in first_faces([table.targets[r] for r in rows], [table.identities[r] for r in rows])]
    if len(chosen) < 2:
        return
    gallery, whose = table.vectors["target"][chosen], [table.identities[r] for r in chosen]
    shown = {table.targets[r] for r in chosen}
    for which in PICTURE_SETS:
        right = nearest_is_right(table.vectors[which], table.identities, gallery, whose)
        own = {"generated": (), "target": table.targets, "source": table.sources}[which]
        asked = torch.tensor([name not in shown for name in own]) if own else torch.ones_like(eligible)
        yield PairValues("face-rank1", which, right.where(table.found[which], 0.0).where(eligible & asked, torch.nan))


def calibration(
    table: FaceTable, threshold: float | None, estimator: str, means: Mapping[tuple[str, PictureSet], float]
) -> list[Finding]:
    """Chance, two real pictures, and where between them the generated pictures lie.

    means: the mean of each metric and set of pictures, of `comparisons`.
    """
    eligible = table.eligible("target")
    first = {table.targets[row]: row for row in reversed(eligible.nonzero()[:, 0].tolist())}
    rows = sorted(first.values())
    floors = chance(table.vectors["target"][rows], [table.identities[row] for row in rows], threshold)
    found: list[Finding] = []

    def add(metric: str, pictures: PictureSet, value: float, covered: int) -> None:
        if math.isfinite(value):
            found.append(
                Finding(
                    metric=metric,
                    part="",
                    pictures=pictures,
                    estimator=estimator,
                    value=value,
                    low=math.nan,
                    high=math.nan,
                    covered=covered,
                    total=len(table.targets),
                    higher_is_better=True if "preservation" in metric else None,
                )
            )

    for kind, full, floor in (
        ("face-cosine", "face-cosine-strict", floors[0]),
        ("face-verification", "face-verification", floors[1]),
    ):
        ceiling = means.get((f"{full}-vs-source", "target"), math.nan)
        add(f"{kind}-floor", "target", floor, int(eligible.sum()))
        add(f"{kind}-ceiling", "target", ceiling, int(table.eligible("source").sum()))
        for against, which in CALIBRATED:
            kept = preservation(means.get((f"{full}-vs-{against}", which), math.nan), floor, ceiling)
            add(f"{kind}-preservation-vs-{against}", which, kept, int(table.eligible(against).sum()))
    return found
