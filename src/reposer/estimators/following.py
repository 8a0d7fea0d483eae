"""One person followed through the frames of a clip."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import torch
from jaxtyping import UInt8
from torch import Tensor

from reposer.core import Pose

from .estimator import PeopleEstimator, PoseEstimator
from .people_choice import Person, choose

FARTHEST_STEP = 0.5
"""Largest move between two sightings, in body sizes (the larger side of the box around the joints seen last)."""
LONGEST_GAP = 50
"""Frames without the person, after which whoever is there is followed, chosen as at the start."""


def follow(
    estimator: PoseEstimator, frames: Iterable[UInt8[Tensor, "H W 3"]], name: str, person: Person | None = None
) -> Iterator[Pose]:
    """The joints of one person in each frame; none is visible in frames without that person.

    The person is chosen in the first frame that shows somebody, and is then whoever is nearest to the last sighting, at
    most half a body size away. As long as no frame has shown two people, it is whoever is there.

    person: which of several; None = the largest. name: of the clip, for messages.
    """
    if not isinstance(estimator, PeopleEstimator):
        yield from (estimator(frame[None])[0] for frame in frames)
        return
    last: Pose | None = None
    gap = most = 0
    for frame in frames:
        closer = last is None and person not in (None, "largest")
        people = estimator.people(frame, closer=closer)
        most = max(most, len(people))
        index: int | None = None
        if people and last is not None and most > 1 and gap <= LONGEST_GAP:
            index = _nearest(people, last)
        elif people:
            index = 0 if last is not None and most == 1 else choose(people, person or "largest", name)
        pose = _nobody(frame, estimator) if index is None else estimator.refined(frame, people[index])
        if pose.visible.any():
            last, gap = pose, 0
        else:
            gap += 1
        yield pose


def _nearest(people: Sequence[Pose], last: Pose) -> int | None:
    """The index of the one nearest to the last sighting; None if all are too far away."""
    distances = [_distance(pose, last) for pose in people]
    nearest = min(range(len(people)), key=distances.__getitem__)
    return nearest if distances[nearest] <= FARTHEST_STEP else None


def _distance(one: Pose, last: Pose) -> float:
    """Mean distance of the joints that both show, in body sizes of the last sighting; infinite if they share none."""
    shared = one.visible & last.visible
    if not shared.any():
        return float("inf")
    left, top, right, bottom = last.box()
    return float((one.xy[shared] - last.xy[shared]).norm(dim=-1).mean()) / max(right - left, bottom - top)


def _nobody(frame: UInt8[Tensor, "H W 3"], estimator: PoseEstimator) -> Pose:
    joints = len(estimator.skeleton)
    nothing = Pose(torch.zeros(joints, 2), torch.zeros(joints, dtype=torch.bool), (0, 0), estimator.skeleton)
    return replace(nothing, size=(frame.shape[0], frame.shape[1]), score=torch.zeros(joints))
