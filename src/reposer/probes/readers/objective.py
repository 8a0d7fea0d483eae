"""The losses of the two networks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn

from reposer.estimators.people_networks import PeopleBody, PeopleFace
from reposer.training import Objective, Turn

from ..encoder.objective import attribute_cross_entropy, joint_cross_entropy
from .body_views import NO_PERSON, BodyBatch
from .face_views import FaceBatch

TEMPERATURE = 0.1  # divides the cosines


@dataclass(frozen=True)
class BodyObjectiveConfig:
    """Builds the objective of the network of whole people, which has no options."""

    def build(self, generator: PeopleBody) -> "BodyObjective":
        return BodyObjective(generator)

    def tiny(self) -> "BodyObjectiveConfig":
        return self


class BodyObjective(Objective):
    """Losses for joint positions and presence, whether there is a person, attributes, and identity; one optimised
    network.
    """

    def __init__(self, body: PeopleBody) -> None:
        super().__init__()
        self.networks = nn.ModuleDict({"generator": body})

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {"reader": self.networks["generator"]}

    def steps(self, batch: BodyBatch) -> Iterator[Turn]:
        reading = self.networks["generator"](batch.picture)
        somebody = batch.who != NO_PERSON
        answers = tuple(logits[somebody] for logits in reading.answers)
        found = batch.pose.visible.float()
        yield Turn(
            ("reader",),
            {
                "joints": joint_cross_entropy(reading.maps.float(), batch.pose),
                "found": F.binary_cross_entropy_with_logits(reading.found.float(), found),
                "person": 0.3 * F.binary_cross_entropy_with_logits(reading.person.float(), somebody.float()),
                "attributes": 0.5 * attribute_cross_entropy(answers, batch.words[somebody]),
                "identity": 0.5 * contrast(reading.identity, batch.who),
            },
        )


@dataclass(frozen=True)
class FaceObjectiveConfig:
    """Builds the objective of the network of heads, which has no options."""

    def build(self, generator: PeopleFace) -> "FaceObjective":
        return FaceObjective(generator)

    def tiny(self) -> "FaceObjectiveConfig":
        return self


class FaceObjective(Objective):
    """Losses for whether a face is shown, where it is, and its identity; one optimised network."""

    def __init__(self, face: PeopleFace) -> None:
        super().__init__()
        self.face, self.networks = face, nn.ModuleDict({"generator": face})

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {"reader": self.networks["generator"]}

    def steps(self, batch: FaceBatch) -> Iterator[Turn]:
        reading = self.face(batch.heads)
        shown = batch.landmarks.visible[:, 0].float()
        off = F.smooth_l1_loss(reading.box, batch.box, beta=0.05, reduction="none").mean(1)
        yield Turn(
            ("reader",),
            {
                "landmarks": joint_cross_entropy(reading.maps.float(), batch.landmarks),
                "shown": F.binary_cross_entropy_with_logits(reading.shown, shown),
                "box": 5.0 * (off * shown).sum() / shown.sum().clamp(min=1),
                "identity": contrast(self.face.embed(batch.faces), batch.who),
            },
        )


def contrast(vectors: Float[Tensor, "B D"], who: Int64[Tensor, "B"]) -> Float[Tensor, ""]:
    """Supervised contrastive loss (Khosla et al. 2020, arXiv:2004.11362): pick the same person among all others.

    A mean over the vectors that have another of the same person; those of NO_PERSON are excluded.
    """
    vectors, who = vectors[who != NO_PERSON], who[who != NO_PERSON]
    itself = torch.eye(len(who), dtype=torch.bool, device=who.device)
    same = (who[:, None] == who) & ~itself
    cosines = (vectors @ vectors.T).float() / TEMPERATURE
    log_share = cosines.masked_fill(itself, -1e4).log_softmax(1)
    each = -(log_share * same).sum(1) / same.sum(1).clamp(min=1)
    return each.sum() / same.any(1).sum().clamp(min=1)
