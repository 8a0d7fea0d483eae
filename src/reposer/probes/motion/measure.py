"""How far tracks are off before and after cleaning, on held-out synthetic people."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from reposer.core import Pose
from reposer.core.skeleton import COCO_17, H36M_17
from reposer.core.tracks import one_euro, two_sided

from .network import MotionNetwork
from .placing import bridged, knowable
from .synthetic_tracks import SyntheticTracks
from .use import clean

SIZE = (256, 256)
HELD_OUT = 100  # motions of the test split
SHARED = tuple(joint for joint in H36M_17.joints if joint in COCO_17)
"""Joints that both skeletons have: the nose and twelve of the body."""


@dataclass(frozen=True)
class Off:
    """Errors over all frames and the joints of SHARED, in pixels of pictures 256 high."""

    mean: float
    """Mean distance from the truth."""
    worst: float
    """The distance that 5 % exceed (95th percentile)."""
    tremble: float
    """Jitter: the mean length of the error's second difference over frames."""


def held_out(num_motions: int = HELD_OUT) -> SyntheticTracks:
    return SyntheticTracks(SIZE, "test", 24, "person", num_motions=num_motions)


def measure(network: MotionNetwork, tracks: SyntheticTracks) -> Mapping[str, Off]:
    """Errors by treatment of the tracks. Gaps are bridged linearly wherever nothing else fills them."""
    ways: dict[str, Callable[[Pose, float], Pose]] = {
        "as found": lambda track, fps: bridged(track).convert(H36M_17),
        "one-euro": lambda track, fps: bridged(one_euro(track, fps)).convert(H36M_17),
        "two-sided": lambda track, fps: bridged(two_sided(track, fps)).convert(H36M_17),
        "two-sided, blind to scores": lambda track, fps: bridged(two_sided(replace(track, score=None), fps)).convert(
            H36M_17
        ),
        "motion network": lambda track, fps: clean(track, network),
    }
    shared = [H36M_17.index(joint) for joint in SHARED]
    distances: dict[str, list[Tensor]] = {name: [] for name in ways}
    changes: dict[str, list[Tensor]] = {name: [] for name in ways}
    for i in range(len(tracks)):
        pair = tracks.pair(i, i)
        asked = [k for k in shared if knowable(pair.noisy)[k]]
        for name, way in ways.items():
            error = (way(pair.noisy, pair.fps).xy - pair.clean.xy)[:, asked]
            distances[name].append(error.norm(dim=-1).flatten())
            changes[name].append(error.diff(n=2, dim=0).norm(dim=-1).flatten())
    return {
        name: Off(
            float(torch.cat(distances[name]).mean()),
            float(torch.cat(distances[name]).sort().values[int(0.95 * sum(map(len, distances[name])))]),
            float(torch.cat(changes[name]).mean()),
        )
        for name in ways
    }
