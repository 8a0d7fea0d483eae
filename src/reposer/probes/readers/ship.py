"""Sets thresholds, measures the networks and writes the files that ship, in bfloat16."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from reposer.core.configs import to_plain
from reposer.estimators.people_files import BODY_FILE, FACE_FILE
from reposer.estimators.people_networks import PeopleBody, PeopleFace
from reposer.estimators.people_readers import read
from reposer.nn.weights import HEADER, stored, write_safetensors
from reposer.synthetic.people import ATTRIBUTES

from .body_views import in_picture
from .measure_body import SIZE, BodyReport, body_vectors, measure_body, show
from .measure_face import SMALL, FaceReport, look, measure_face, told_apart
from .people import CALIBRATION, HELD_OUT
from .same import equal_error, pairs


def ship_body(
    body: PeopleBody,
    folder: Path,
    about: Mapping[str, Any],
    calibration: range = CALIBRATION,
    held_out: range = HELD_OUT,
) -> BodyReport:
    """Write the network into `folder`: the thresholds for "found" and "same person" are set on the people of
    `calibration`, all else is measured on those of `held_out`. Changes the network's biases.
    """
    level_found(body, calibration)
    card = {
        "kind": BODY_FILE.removesuffix(".safetensors"),
        "trained on": "SyntheticPeople, split val: joints, which of them a pose estimator reports, attributes, "
        "who is the same",
        "questions": {question: list(words) for question, words in ATTRIBUTES.items()},
    }
    write(body, folder / BODY_FILE, {**card, **about})
    threshold = round(equal_error(*pairs(*body_vectors(folder, calibration)))[0], 4)
    write(body, folder / BODY_FILE, {**card, **about, "threshold": threshold})
    report = measure_body(folder, held_out)
    write(body, folder / BODY_FILE, {**card, **about, "threshold": threshold, "measured": rounded(asdict(report))})
    return report


def ship_face(
    face: PeopleFace,
    folder: Path,
    about: Mapping[str, Any],
    calibration: range = CALIBRATION,
    held_out: range = HELD_OUT,
) -> FaceReport:
    """As ship_body. The threshold is set on small pictures, where faces are hardest to tell apart."""
    card = {
        "kind": FACE_FILE.removesuffix(".safetensors"),
        "trained on": "SyntheticPeople, split val: whether a face is shown, its landmarks and box, who is the same",
    }
    write(face, folder / FACE_FILE, {**card, **about})
    threshold = round(equal_error(*pairs(*told_apart(v for _, _, v in look(folder, calibration, SMALL))))[0], 4)
    write(face, folder / FACE_FILE, {**card, **about, "threshold": threshold})
    report = measure_face(folder, held_out)
    write(face, folder / FACE_FILE, {**card, **about, "threshold": threshold, "measured": rounded(asdict(report))})
    return report


@torch.no_grad()
def level_found(body: PeopleBody, people: range) -> None:
    """Shift each joint's logit so that the network finds it on these people as often as a pose estimator does."""
    logits, there = [], []
    for _, rendering, _ in show(people, SIZE):
        logits.append(read(body, rendering.picture).found)
        there.append(in_picture(rendering.detected).visible)
    body.found_at_all.bias.sub_(level(torch.cat(logits), torch.cat(there).sum(0)))


def level(logits: Tensor, counts: Tensor) -> Tensor:
    """For each column, a threshold that `counts` of its (N, K) values exceed: the midpoint of the two neighbours."""
    falling = logits.sort(0, descending=True).values
    wide = torch.cat([falling[:1] + 1, falling, falling[-1:] - 1])  # bounds for counts of 0 and N
    return (wide.gather(0, counts[None]) + wide.gather(0, counts[None] + 1))[0] / 2


def write(network: nn.Module, path: Path, card: Mapping[str, Any]) -> None:
    config: Any = network.config
    header = {"licence": "Apache-2.0", "config": to_plain(config), **card}
    write_safetensors(path, stored(network, torch.bfloat16), {HEADER: json.dumps(header, allow_nan=False)})


def rounded(report: Mapping[str, float]) -> dict[str, float | None]:
    """The values for a card; None for one that no example gave (NaN), since JSON has no such number."""
    return {name: None if math.isnan(value) else round(value, 4) for name, value in report.items()}
