"""How well the encoder reads held-out people, and writing the file that ships."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from reposer.nn.features import PeopleEncoder
from reposer.nn.weights import HEADER, stored, write_safetensors

from .network import PeopleReader
from .objective import stride_parts
from .people import PeopleBatch, PeopleConfig, PeopleViews

HELD_OUT = PeopleConfig(first=0, num_people=150)


@dataclass(frozen=True)
class Report:
    """How well the heads read held-out people."""

    part_accuracy: float
    """Share of the person's pixels (at stride 2) whose part is right."""
    joint_error: float
    """Mean distance of the visible joints, in pixels of the picture."""
    matched_parts: float
    """Share of the person's positions, at stride 4, whose best match in another picture of them shows the same part."""
    attribute_accuracy: float
    """Share of the questions about a person's looks and clothes that are answered correctly."""


@torch.no_grad()
def measure(reader: PeopleReader, people: "PeopleViews") -> Report:
    """Measure over all pictures of `people`, without augmentation, on the reader's device."""
    device = next(reader.parameters()).device
    right, pixels, distance, joints, matched, places, words, questions = (0.0,) * 8
    for start in range(0, len(people), 2 * 8):
        batch = PeopleBatch.cat([people.plain(i) for i in range(start, min(start + 16, len(people)))])
        batch = batch.to(device)
        reading = reader(batch.picture)
        wanted = stride_parts(batch.parts)
        right += float(((reading.parts.argmax(1) == wanted) & (wanted > 0)).sum())
        pixels += float((wanted > 0).sum())
        answers = torch.stack([logits.argmax(1) for logits in reading.attributes], 1)
        words += float((answers == batch.attributes).sum())
        questions += answers.numel()

        h, w = batch.parts.shape[1:]
        limits = batch.pose.xy.new_tensor([w - 1, h - 1])
        inside = ((batch.pose.xy >= 0) & (batch.pose.xy <= limits)).all(-1)
        seen = batch.pose.visible & inside
        distance += float(((places_of(reading.joints, batch.pose.size) - batch.pose.xy).norm(dim=-1) * seen).sum())
        joints += float(seen.sum())

        features = reader.encoder(batch.picture, ("stride4_2",))["stride4_2"]
        unit = F.normalize(features, dim=1).flatten(2)
        parts = batch.parts[:, 2::4, 2::4].flatten(1)
        found = (unit[0::2].mT @ unit[1::2]).argmax(1)  # for each position of view 1, the best position of view 0
        same = parts[0::2].gather(1, found) == parts[1::2]
        matched += float((same & (parts[1::2] > 0)).sum())
        places += float((parts[1::2] > 0).sum())
    return Report(right / pixels, distance / joints, matched / places, words / questions)


def places_of(joints: Float[Tensor, "B K h w"], size: tuple[int, int]) -> Float[Tensor, "B K 2"]:
    """The position of each joint, in pixels of a picture of `size`: the mean over the 3x3 cells around the likeliest
    one.
    """
    h, w = joints.shape[-2:]
    best = joints.flatten(2).argmax(2)
    row, column = best // w, best % w
    all_rows, all_columns = (torch.arange(h, device=joints.device)[:, None], torch.arange(w, device=joints.device))
    rows, columns = all_rows - row[..., None, None], all_columns - column[..., None, None]
    near = (rows.abs() <= 1) & (columns.abs() <= 1)
    weight = joints.float().masked_fill(~near, -torch.inf).flatten(2).softmax(2).view_as(joints)
    x, y = (weight * all_columns).sum((2, 3)), (weight * all_rows).sum((2, 3))
    scale = weight.new_tensor([size[1] / w, size[0] / h])
    return (torch.stack([x, y], -1) + 0.5) * scale - 0.5


@torch.no_grad()
def balance(encoder: PeopleEncoder, people: "PeopleViews", num_pictures: int = 64) -> None:
    """Rescale every layer of the encoder to mean square 1 over pictures of `people`."""
    batch = PeopleBatch.cat([people.plain(i) for i in range(min(num_pictures, len(people)))])
    features = encoder(batch.picture.to(next(encoder.parameters()).device), encoder.layers)
    encoder.balance({name: float(f.square().mean().sqrt()) for name, f in features.items()})


def ship(reader: PeopleReader, held_out: "PeopleViews", path: Path, about: Mapping[str, Any]) -> Report:
    """Measure the reader, balance its encoder in place and write it in bfloat16, with `about` in the header."""
    report = measure(reader, held_out)
    balance(reader.encoder, held_out)
    card = {
        "kind": "people-encoder",
        "licence": "Apache-2.0",
        "trained on": "SyntheticPeople, split val: parts, joints, attributes, and the picture again from each "
        "stride alone",
        **about,
        **{name: round(value, 4) for name, value in asdict(report).items()},
    }
    write_safetensors(path, stored(reader.encoder, torch.bfloat16), {HEADER: json.dumps(card, allow_nan=False)})
    return report
