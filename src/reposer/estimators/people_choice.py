"""Which of the people in a picture is meant."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import UInt8
from torch import Tensor

from reposer.core import BadInput, Pose, quoted
from reposer.core.boxes import area, overlap
from reposer.core.pose import Box

from .estimator import PeopleEstimator, PoseEstimator

Person = str | int | tuple[float, float] | tuple[float, float, float, float]
"""largest, left or right; a number, the largest person being 1, the next 2; a point (x, y) on the person; a box (left,
top, right, bottom) around the person. In pixels of the picture."""
WORDS = ("largest", "left", "right")
EXPECTED = "largest, left or right, a number from 1 (the largest), a point X,Y or a box L,T,R,B in pixels"


@dataclass(frozen=True)
class Estimated:
    """An estimated pose. notes: what was decided, one sentence each, for the user."""

    pose: Pose
    notes: Sequence[str] = ()


def parse_person(text: str, option: str = "--person") -> Person:
    """The choice that an option's text makes."""
    if text in WORDS:
        return text
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) == 1 and text.strip().isdecimal():
        return int(text)
    if len(numbers) in (2, 4) and all(map(math.isfinite, numbers)):
        return tuple(numbers)  # type: ignore[return-value]
    raise BadInput(f"{option} is {EXPECTED}; not {quoted(text)}.")


def estimate(
    estimator: PoseEstimator, picture: UInt8[Tensor, "H W 3"], name: str, person: Person | None = None
) -> Estimated:
    """The joints of one person in a picture; BadInput if nobody was found.

    person: which of several; None = the largest, and a note says how many there are. name: of the picture, for
    messages.
    """
    if not isinstance(estimator, PeopleEstimator):
        if person not in (None, "largest"):
            raise BadInput(
                f"{estimator.name} finds one person only, so that no other can be chosen in {name}. Take the pose "
                f"estimator movenet, or cut the person out of the picture."
            )
        return Estimated(_somebody(estimator(picture[None])[0], name))
    people = estimator.people(picture, closer=person not in (None, "largest"))
    if not people:
        raise BadInput(_nobody(name, len(estimator.skeleton)))
    chosen = choose(people, "largest" if person is None else person, name)
    notes = []
    if person is None and len(people) > 1:
        notes.append(
            f"{name} shows {len(people)} people; the largest is taken. Another: --person 2 (to {len(people)}, by "
            f"size), left, right, a point X,Y or a box L,T,R,B."
        )
    return Estimated(_somebody(estimator.refined(picture, people[chosen]), name), notes)


def choose(people: Sequence[Pose], person: Person, name: str) -> int:
    """The index of the chosen one of these people, who are sorted by size."""
    boxes = [pose.box() for pose in people]
    count = f"{name} shows {len(people)} {'person' if len(people) == 1 else 'people'}"
    if person == "largest":
        return 0
    if person in ("left", "right"):
        middles = [left + right for left, _, right, _ in boxes]
        return middles.index(min(middles) if person == "left" else max(middles))
    if isinstance(person, int) and not isinstance(person, bool):
        if not 1 <= person <= len(people):
            raise BadInput(f"{count}; there is no person {person} (they count from 1, the largest).")
        return person - 1
    if isinstance(person, tuple) and len(person) in (2, 4) and all(map(math.isfinite, person)):
        scores = [_inside(person, box) if len(person) == 2 else overlap(person, box) for box in boxes]
        best = max(range(len(people)), key=scores.__getitem__)
        if scores[best] > 0:
            return best
        where = ", ".join(f"x {b[0]:.0f} to {b[2]:.0f}, y {b[1]:.0f} to {b[3]:.0f}" for b in boxes)
        raise BadInput(f"{count}, nobody at {','.join(f'{v:g}' for v in person)}. People are at {where} (in pixels).")
    raise BadInput(f"A person is chosen by {EXPECTED}; not by {quoted(person)}.")


def _inside(point: Sequence[float], box: Box) -> float:
    """How far inside the box a point lies, the smaller box first; 0 outside."""
    x, y = point
    left, top, right, bottom = box
    return 1 / area(box) if left <= x <= right and top <= y <= bottom else 0.0


def _somebody(pose: Pose, name: str) -> Pose:
    if not pose.visible.any():
        raise BadInput(_nobody(name, len(pose.skeleton)))
    return pose


def _nobody(name: str, joints: int) -> str:
    return f"{name} shows no person: none of its {joints} joints was found. Take a picture that shows one clearly."
