"""The semantic part: is it still the same item, and does it still have its attributes?"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from jaxtyping import Bool
from torch import Tensor

from reposer.core import BadInput
from reposer.estimators import ATTRIBUTE_READERS, EMBEDDERS, AttributeReader, Embedder

from ..pair_values import Pair, PairValues, as_bytes, from_bytes, mean_findings, pairs_of
from ..part import PICTURE_SETS, SUITE, Finding, PairBatch, PictureSet, SuitePart
from .answers import Answers
from .attributes import CLASS_DEPTHS, PICTURE_DEPTHS, class_recall, mean_average_precision, picture_recall, true_answers
from .retrieval import GALLERIES, Pictures, depths, never_shown, retrieve


@SUITE.register("semantic")
class Semantic(SuitePart):
    """In-shop retrieval, of which DRN prints `recall@10-item-source`, and attribute recall.

    `recall@k-R-G`, `hit@k-R-G`: a picture is the query for what is relevant (R: `item`, or `item+variant`, its colour
    too) in a gallery (G): `source`, all source pictures; `source-without-own`, less the pair's; `all-real`, sources and
    targets.
    Real targets as queries are the ceiling and copied sources the floor; neither ever retrieves its own picture.

    `attribute-recall@k`: over the pictures that have any of the attributes; `-none-counts-1`: those that have none
    count as 1, as in Intrinsic Flow's code. `-mmfashion`: over the 50 best classes. `attribute-mean-average-precision`.
    """

    name = "semantic"

    def __init__(
        self, embedder: Embedder | None, reader: AttributeReader | None, device: torch.device | str = "cpu"
    ) -> None:
        self._embedder, self._reader, self._device = embedder, reader, device
        self._pairs: list[Pair] = []
        self._shown: dict[str, tuple[str, str]] = {}  # item and variant of each real picture
        self._attributes: list[dict[str, str]] = []
        self._vectors, self._scores = Answers(), Answers()

    @classmethod
    def open(cls, estimators: Mapping[str, str], weights: Path | None, device: torch.device | str) -> "Semantic":
        embedder, reader = estimators.get("person-embedder"), estimators.get("attributes")
        if embedder is None and reader is None:
            raise BadInput(
                f"The semantic part needs an embedder of people, an attribute reader or both; name a 'person-embedder' "
                f"({', '.join(EMBEDDERS)}) or 'attributes' ({', '.join(ATTRIBUTE_READERS)})."
            )
        return cls(
            None if embedder is None else EMBEDDERS[embedder](weights),
            None if reader is None else ATTRIBUTE_READERS[reader](weights),
            device,
        )

    def networks(self) -> tuple[str, ...]:
        return tuple(own.description for own in (self._embedder, self._reader) if own is not None)

    def update(self, batch: PairBatch) -> None:
        pairs = pairs_of(batch)
        for pair in pairs:
            self._refuse_another_item(pair)
        if self._embedder is not None:
            self._vectors.add(batch, self._embedder, self._device)
        if self._reader is not None:
            self._scores.add(batch, self._reader, self._device)
        self._pairs += pairs
        self._attributes += [dict(own) for own in batch.attributes or [{}] * len(batch.names)]

    def findings(self) -> list[Finding]:
        if not self._pairs:
            return []
        together = sorted(zip(self._pairs, self._attributes, strict=True), key=lambda row: row[0])
        pairs, attributes = [pair for pair, _ in together], [own for _, own in together]
        found: list[Finding] = []
        if self._embedder is not None:
            found += mean_findings(list(self._retrieval(pairs)), self._embedder.description)
        if self._reader is not None:
            truth = true_answers(attributes, self._reader.questions)
            known = torch.tensor([bool(own) for own in attributes])
            found += mean_findings(list(self._of_pictures(pairs, truth, known)), self._reader.description)
            found += self._of_classes(pairs, truth, known)
        return found

    def state(self) -> dict[str, Tensor]:
        state = {"pairs": as_bytes(self._pairs), "attributes": as_bytes(self._attributes)}
        for kind, answers in (("vectors/", self._vectors), ("scores/", self._scores)):
            state |= {kind + key: tensor for key, tensor in answers.state().items()}
        return state

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        self._pairs = [Pair(*row) for row in from_bytes(state["pairs"])]
        self._attributes = from_bytes(state["attributes"])
        self._shown = {name: (p.item, p.variant) for p in self._pairs for name in (p.source, p.target)}
        for kind, answers in (("vectors/", self._vectors), ("scores/", self._scores)):
            answers.load_state({k.removeprefix(kind): t for k, t in state.items() if k.startswith(kind)})

    def _refuse_another_item(self, pair: Pair) -> None:
        for name in (pair.source, pair.target):
            known = self._shown.setdefault(name, (pair.item, pair.variant))
            if known != (pair.item, pair.variant):
                raise BadInput(
                    f"The picture {name} shows {', '.join(known)} in one pair and {pair.item}, {pair.variant} in "
                    f"another; every picture needs a name of its own."
                )

    def _retrieval(self, pairs: list[Pair]) -> Iterator[PairValues]:
        for gallery_name in GALLERIES:
            gallery = self._gallery(gallery_name, pairs)
            for which in PICTURE_SETS:
                queries = self._pictures(which, pairs)
                hidden = [never_shown(which, gallery_name, pair.source, pair.target) for pair in pairs]
                for relevance, (recalls, hits) in retrieve(queries, gallery, hidden).items():
                    for kind, values in (("recall", recalls), ("hit", hits)):
                        for k, column in zip(depths(gallery), values.unbind(1), strict=True):
                            yield PairValues(f"{kind}@{k}-{relevance}-{gallery_name}", which, column)

    def _gallery(self, name: str, pairs: list[Pair]) -> Pictures:
        """Each picture once. One that is both a source and a target counts as a source."""
        first: dict[str, tuple[PictureSet, Pair]] = {}
        sets: tuple[PictureSet, ...] = ("source", "target") if name == "all-real" else ("source",)
        for which in sets:
            for pair in pairs:
                first.setdefault(pair.picture(which), (which, pair))
        chosen = {which: [pair for own, pair in first.values() if own == which] for which in sets}
        parts = [self._pictures(which, own) for which, own in chosen.items() if own]
        return Pictures(
            sum((part.names for part in parts), ()),
            sum((part.items for part in parts), ()),
            sum((part.variants for part in parts), ()),
            torch.cat([part.vectors for part in parts]),
        )

    def _pictures(self, which: PictureSet, pairs: list[Pair]) -> Pictures:
        return Pictures(
            tuple(pair.picture(which) for pair in pairs),
            tuple(pair.item for pair in pairs),
            tuple(pair.variant for pair in pairs),
            self._vectors.of(which, pairs),
        )

    def _of_pictures(
        self, pairs: list[Pair], truth: Bool[Tensor, "N A"], known: Bool[Tensor, "N"]
    ) -> Iterator[PairValues]:
        assert self._reader is not None
        for which in PICTURE_SETS:
            scores = self._scores.of(which, pairs)
            for k in (k for k in PICTURE_DEPTHS if k < int(truth.any(0).sum())):
                values = picture_recall(scores, truth, self._reader.questions, k)
                yield PairValues(f"attribute-recall@{k}", which, values)
                filled = values.nan_to_num(1.0).where(known, torch.nan)
                yield PairValues(f"attribute-recall@{k}-none-counts-1", which, filled)

    def _of_classes(self, pairs: list[Pair], truth: Bool[Tensor, "N A"], known: Bool[Tensor, "N"]) -> list[Finding]:
        """Numbers of the whole set; they have no interval."""
        assert self._reader is not None
        questions, found = self._reader.questions, []
        for which in PICTURE_SETS if bool(truth.any()) else ():
            scores = self._scores.of(which, pairs)[known]
            numbers = {
                f"attribute-recall@{k}-mmfashion": class_recall(scores, truth[known], questions, k)
                for k in CLASS_DEPTHS
                if k < len(questions)
            }
            numbers["attribute-mean-average-precision"] = mean_average_precision(scores, truth[known])
            found += [
                Finding(
                    metric=metric,
                    part="",
                    pictures=which,
                    estimator=self._reader.description,
                    value=value,
                    low=math.nan,
                    high=math.nan,
                    covered=int(known.sum()),
                    total=len(pairs),
                )
                for metric, value in numbers.items()
            ]
        return found
