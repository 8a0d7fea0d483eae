"""How well the shipped file reads held-out whole people: through the estimators, on 8-bit pictures."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor

from reposer.core import Pose
from reposer.core.images import from_uint8, to_uint8
from reposer.estimators.people_readers import PeopleAttributes, PeopleIdentity, PeopleJoints
from reposer.synthetic.people import ATTRIBUTES, Rendering, SyntheticPeople, attributes

from .body_views import in_picture, shuffled
from .people import SEED, Dice, blurred, ground, word_numbers
from .same import equal_error, pairs, rank1

VIEWS = 3  # per person
SIZE = (128, 88)
BLUR = 1.5  # pixels
TORSO = 0.2  # share of the distance from neck to hips within which a joint counts as right


@dataclass(frozen=True)
class BodyReport:
    """Whole people in 128x88 pictures. Blurred: by a Gaussian of 1.5 pixels. Other ground: each on its own
    background.
    """

    joint_error: float
    """Mean distance of the joints that a pose estimator would report, in pixels."""
    joints_right: float
    """Share of them within a fifth of the distance from neck to hips."""
    joint_error_blurred: float
    joints_right_blurred: float
    joints_missed: float
    """Share of the reportable joints that are not found."""
    joints_false: float
    """Share of the other joints that are found."""
    joints_missed_blurred: float
    joints_false_blurred: float
    people_seen: float
    """Share of the pictures of people in which a person is detected."""
    nobody_seen: float
    """Share of the pictures cut into 16 pieces and shuffled in which a person is detected."""
    attributes_right: float
    """Share of the questions that are answered correctly."""
    equal_error: float
    """Equal error rate: as many pairs of different people accepted as pairs of the same person rejected."""
    rank1: float
    """How often the nearest of all people's first pictures is of the same person."""
    equal_error_other_ground: float
    rank1_other_ground: float


def show(people: range, size: tuple[int, int]) -> Iterator[tuple[int, Rendering, Int64[Tensor, "A"]]]:
    """For each of these people of the split "val": number, all views, and the true answers to ATTRIBUTES."""
    rendered = SyntheticPeople(size, "val", people.stop, SEED)
    for person in people:
        number = rendered.identity_number(person)
        rendering = rendered.rendered([(number, view) for view in range(VIEWS)])
        yield number, rendering, torch.tensor(word_numbers(attributes(rendered.who(number))))


def measure_body(folder: Path, people: range) -> BodyReport:
    """Measure the network in `folder` on these people."""
    joints, identity, reader = PeopleJoints(folder), PeopleIdentity(folder), PeopleAttributes(folder)
    seen: dict[str, list[Tensor]] = defaultdict(list)

    def note(pose: Pose, truth: Pose, suffix: str) -> None:
        off = (pose.xy - truth.xy).norm(dim=-1)
        torso, known = torso_length(truth)
        seen["joint_error" + suffix].append(off[truth.visible])
        seen["joints_right" + suffix].append((off <= TORSO * torso[:, None])[truth.visible & known[:, None]])
        seen["joints_missed" + suffix].append(~pose.visible[truth.visible])
        seen["joints_false" + suffix].append(pose.visible[~truth.visible])

    vectors: dict[str, list[Tensor]] = defaultdict(list)
    for number, rendering, words in show(people, SIZE):
        truth = in_picture(rendering.detected)
        pose, person = joints.look(rendering.picture)
        note(pose, truth, "")
        note(joints(to_uint8(blurred(from_uint8(rendering.picture), BLUR))), truth, "_blurred")
        pieces = [shuffled(picture, Dice(number)) for picture in from_uint8(rendering.picture)]
        seen["people_seen"].append(person > 0.5)
        seen["nobody_seen"].append(joints.person(to_uint8(torch.stack(pieces))) > 0.5)
        answers = reader(rendering.picture).split([len(w) for w in ATTRIBUTES.values()], 1)
        seen["attributes_right"].append((torch.stack([a.argmax(1) for a in answers], 1) == words).flatten())
        vectors[""].append(identity(rendering.picture))
        vectors["_other_ground"].append(identity(elsewhere(rendering, number)))

    report = {name: float(torch.cat(values).double().mean()) for name, values in seen.items()}
    who = torch.arange(len(people)).repeat_interleave(VIEWS)
    for suffix, rows in vectors.items():
        report["equal_error" + suffix] = equal_error(*pairs(torch.cat(rows), who))[1]
        report["rank1" + suffix] = rank1(torch.cat(rows), who)
    return BodyReport(**report)


def body_vectors(folder: Path, people: range) -> tuple[Float[Tensor, "N D"], Int64[Tensor, "N"]]:
    """Identity vectors of these people, on their own backgrounds and on others, and whose they are."""
    identity = PeopleIdentity(folder)
    rows = [
        torch.cat([identity(rendering.picture), identity(elsewhere(rendering, number))])
        for number, rendering, _ in show(people, SIZE)
    ]
    return torch.cat(rows), torch.arange(len(people)).repeat_interleave(2 * VIEWS)


def elsewhere(rendering: Rendering, seed: int) -> UInt8[Tensor, "V H W 3"]:
    """Each view of a person on a background of its own."""
    dice, (height, width) = Dice(seed), rendering.parts.shape[1:]
    grounds = torch.stack([ground(dice, (height, width)) for _ in range(len(rendering))])
    return to_uint8(torch.where(rendering.mask[:, None], from_uint8(rendering.picture), grounds))


def torso_length(pose: Pose) -> tuple[Float[Tensor, "B"], Bool[Tensor, "B"]]:
    """Distance from the neck to the middle of the hips, in pixels, and where all three are visible."""
    neck, right, left = (pose.skeleton.index(joint) for joint in ("neck", "right_hip", "left_hip"))
    middle = (pose.xy[:, right] + pose.xy[:, left]) / 2
    return (pose.xy[:, neck] - middle).norm(dim=1), pose.visible[:, [neck, right, left]].all(1)
