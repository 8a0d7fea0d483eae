"""Human3.6M's tracks, in the files of VideoPose3D: ground truth, and those that a Detectron network found.

Positions in these files are in pixels from the picture's corner, as detectors count; in this package 0 is the middle of
the first pixel.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from reposer.core import BadInput, Pose, Skeleton
from reposer.core.skeleton import COCO_17, H36M_17

from .placing import PlacedBy
from .plain_npz import read_plain_npz
from .tracks import TrackPair, TrackPairs

TRUE_FILE, FOUND_FILE = "data_2d_h36m_gt.npz", "data_2d_h36m_detectron_pt_coco.npz"
SUBJECTS: Mapping[str, tuple[str, ...]] = {"train": ("S1", "S5", "S6", "S7", "S8"), "test": ("S9", "S11")}
SIZES = ((1002, 1000), (1000, 1000), (1000, 1000), (1002, 1000))
"""(height, width) of the pictures of each of the four cameras, in pixels."""
MOST_OFF = 0.01  # share of its length by which a track may be shorter or longer than the true one
FPS = 50.0


class Human36M(TrackPairs):
    """One item for every action of every subject and every camera.

    left_out: number of items excluded because only one file has them or their lengths differ by more than 1 %.
    """

    def __init__(self, root: Path, split: str, frames: int, placed_by: PlacedBy) -> None:
        if split not in SUBJECTS:
            raise BadInput(f"Human3.6M has the splits {', '.join(SUBJECTS)}, not '{split}'.")
        self.frames, self.placed_by = frames, placed_by
        true, found = _positions(root / TRUE_FILE, H36M_17), _positions(root / FOUND_FILE, COCO_17)
        self.names: list[str] = []
        self.left_out = 0
        self._pairs: list[TrackPair] = []
        for subject in SUBJECTS[split]:
            for action in sorted({**true.get(subject, {}), **found.get(subject, {})}):
                for camera, size in enumerate(SIZES):
                    tracks = [_camera(file, subject, action, camera) for file in (true, found)]
                    if any(track is None for track in tracks):
                        self.left_out += 1
                        continue
                    clean, noisy = tracks
                    assert clean is not None and noisy is not None
                    length = min(len(clean), len(noisy))
                    if length == 0 or abs(len(clean) - len(noisy)) > MOST_OFF * len(clean):
                        self.left_out += 1
                        continue
                    self.names.append(f"{subject} {action} camera {camera}")
                    self._pairs.append(
                        TrackPair(_pose(noisy[:length], size, COCO_17), _pose(clean[:length], size, H36M_17), FPS)
                    )
        if not self._pairs:
            raise BadInput(
                f"{root} has no track of {', '.join(SUBJECTS[split])} that both {TRUE_FILE} and {FOUND_FILE} hold; "
                f"take both files as VideoPose3D's instructions make them."
            )

    def __len__(self) -> int:
        return len(self._pairs)

    def pair(self, i: int, seed: int) -> TrackPair:
        return self._pairs[i]


def _positions(path: Path, skeleton: Skeleton) -> dict[str, dict[str, Any]]:
    """By subject and action: the file's tracks, one per camera."""
    content = read_plain_npz(path)
    positions, metadata = content.get("positions_2d"), content.get("metadata")
    if not isinstance(positions, dict) or not all(isinstance(actions, dict) for actions in positions.values()):
        raise BadInput(
            f"{path} has no entry positions_2d of subjects and their actions; it has "
            f"{', '.join(content) or 'nothing'}. The 2-D files of VideoPose3D do."
        )
    joints = metadata.get("num_joints") if isinstance(metadata, dict) else None
    if joints != len(skeleton):
        raise BadInput(
            f"{path} says that it has {joints} joints; {skeleton.name} has {len(skeleton)}. Take the file of that name "
            f"that VideoPose3D describes."
        )
    return positions


def _camera(positions: dict[str, dict[str, Any]], subject: str, action: str, camera: int) -> np.ndarray | None:
    """(T, 17, 2), or None if the file has no such track."""
    cameras = positions.get(subject, {}).get(action, ())
    if camera >= len(cameras):
        return None
    track = np.asarray(cameras[camera])
    if track.ndim != 3 or track.shape[1] != 17 or track.shape[2] < 2 or not np.isfinite(track).all():
        raise BadInput(
            f"The track of {subject}, {action}, camera {camera} is {track.dtype} of shape {track.shape}; finite "
            f"numbers (frames, 17, 2) were expected. Fetch the file again."
        )
    return track[..., :2]


def _pose(track: np.ndarray, size: tuple[int, int], skeleton: Skeleton) -> Pose:
    xy = torch.from_numpy(track.astype(np.float32)) - 0.5
    return Pose(xy, torch.ones(xy.shape[:-1], dtype=torch.bool), size, skeleton)
