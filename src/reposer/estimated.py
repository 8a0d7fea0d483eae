"""The pose of a person in a photo, by a pose estimator that is kept for the next one.

A module of its own, so that a command can begin with it while the generators load.
"""

from functools import lru_cache
from pathlib import Path
from threading import Lock

import torch
from jaxtyping import UInt8
from torch import Tensor

from reposer.data.stick_figures import refuse_stick_figure
from reposer.estimators import POSE_ESTIMATORS, PoseEstimator
from reposer.estimators.people_choice import Estimated, Person, estimate

ESTIMATOR = "movenet"
"""The default pose estimator."""


def estimated(
    picture: UInt8[Tensor, "H W 3"], name: str, person: Person | None = None, estimator: PoseEstimator | str = ESTIMATOR
) -> Estimated:
    """The joints of one person in a picture, with notes; BadInput if it shows nobody. name: of the picture."""
    refuse_stick_figure(picture, Path(name), "Give a photo; a stick figure says a pose only as joints in a file.")
    return estimate(kept_estimator(estimator), picture, name, person)


def kept_estimator(estimator: PoseEstimator | str) -> PoseEstimator:
    """The pose estimator of this name; one that is given is itself."""
    if not isinstance(estimator, str):
        return estimator
    with _OPENING:  # who asks for it meanwhile gets the same
        return _estimator(estimator, torch.get_num_threads())


_OPENING = Lock()


@lru_cache(maxsize=2)
def _estimator(name: str, threads: int) -> PoseEstimator:
    """The pose estimator of this name, kept for the next call. threads: a network keeps those that it began with."""
    return POSE_ESTIMATORS[name](None)
