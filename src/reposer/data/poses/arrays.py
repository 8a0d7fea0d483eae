"""Bare arrays of joints: Human3.6M's 17 as lifters of poses to 3-D exchange them, and COCO's 17.

An .npz whose "reconstruction" is (people, frames, 17, 2) has Human3.6M's joints. An array of (frames, 17, 2 or 3), in
an .npy or as lists in JSON, may have Human3.6M's or COCO's: which is not in the file, so it has to be said.
"""

import io
from pathlib import Path
from typing import Any

import numpy as np

from reposer.core import BadInput, Skeleton
from reposer.core.disk import whole_file
from reposer.core.skeleton import COCO_17, H36M_17

from .by_name import in_joints
from .contents import Arrays
from .recording import PeopleInPicture, Person, PoseRecording, UnusablePerson
from .values import FARTHEST, found, is_place

_OF_LIFTERS = "reconstruction"
COUNT = 17


class H36M:
    key = "h36m"
    name = "Human3.6M joints"
    example = '.npz with "reconstruction" (people, frames, 17, 2)'
    skeleton: Skeleton = H36M_17

    def recognises(self, content: Any) -> bool:
        return _bare(content) is not None or (isinstance(content, Arrays) and _OF_LIFTERS in content.arrays)

    def read(self, path: Path, content: Any) -> PoseRecording:
        array = _bare(content)
        if array is None:
            array = content.arrays[_OF_LIFTERS]
            if array.shape[-1:] != (2,):
                shape = " x ".join(map(str, array.shape))
                raise BadInput(
                    f'{path} has a "{_OF_LIFTERS}" of {shape}; (people, frames, {COUNT}, 2) was expected: '
                    "x and y in pixels. "
                    f"Places in space belong to no picture; give the joints that they were lifted from."
                )
        return _recording(path, array, self.name, self.key, self.skeleton)


class BareCoco(H36M):
    key = "coco"
    name = "COCO joints"
    example = "array of (frames, 17, 2 or 3), with --pose-format coco or h36m"
    skeleton: Skeleton = COCO_17

    def recognises(self, content: Any) -> bool:
        return _bare(content) is not None


class H36MWriter:
    """An .npz that lifters read: positions alone, 0 for a missing joint, every person in every frame."""

    key, ending = H36M.key, ".npz"

    def write(self, path: Path, recording: PoseRecording) -> None:
        count = max(len(picture.usable) for picture in recording.pictures)
        array = np.zeros((count, len(recording.pictures), len(H36M_17), 2))
        for t, picture in enumerate(recording.pictures):
            for n, (_, person) in enumerate(picture.usable):
                whole = in_joints(person, H36M_17)
                array[n, t] = np.where(whole.visible[:, None], whole.rows[:, :2], 0)
        with io.BytesIO() as packed:
            np.savez_compressed(packed, reconstruction=array)
            content = packed.getvalue()
        with whole_file(path) as file:
            file.write(content)


def _bare(content: Any) -> np.ndarray | None:
    """The array of a file with one alone, if it may be of 17 joints."""
    if isinstance(content, Arrays):
        arrays = list(content.arrays.items())
        if len(arrays) != 1 or arrays[0][0] == _OF_LIFTERS:
            return None
        array = arrays[0][1]
    elif isinstance(content, list) and _are_places(content):
        array = np.array(content, np.float64)
    else:
        return None
    return array if array.ndim in (2, 3, 4) and array.shape[-2] == COUNT and array.shape[-1] in (2, 3) else None


def _are_places(content: list[Any]) -> bool:
    """Whether it is a list of 17 places, or a list of such lists."""
    frames = content if content and isinstance(content[0], list) and isinstance(content[0][:1], list) else []
    if frames and is_place(frames[0], 2, 3):
        frames = [frames]
    return (
        bool(frames)
        and all(
            isinstance(frame, list) and len(frame) == COUNT and all(is_place(place, len(frame[0])) for place in frame)
            for frame in frames
            if isinstance(frame, list) and frame and is_place(frame[0], 2, 3)
        )
        and all(isinstance(frame, list) and frame and is_place(frame[0], 2, 3) for frame in frames)
    )


def _recording(path: Path, array: np.ndarray, name: str, key: str, skeleton: Skeleton) -> PoseRecording:
    if array.ndim not in (2, 3, 4) or array.shape[-2] != COUNT or array.shape[-1] not in (2, 3):
        shape = " x ".join(map(str, array.shape))
        raise BadInput(f"{path} has an array of {shape}; (people, frames, {COUNT}, 2) was expected of {name}.")
    is_clip = array.ndim > 2
    people = array.astype(np.float64).reshape(-1, *array.shape[-3:] if array.ndim > 2 else (1, *array.shape))
    if not np.isfinite(people).all() or np.abs(people).max(initial=0) > FARTHEST:
        raise BadInput(
            f"{path} holds numbers that are no places of joints in a picture: NaN, infinite, or above a million."
        )
    if people.shape[-1] == 3 and not ((people[..., 2] >= 0) & (people[..., 2] <= 1)).all():
        low, high = float(people[..., 2].min()), float(people[..., 2].max())
        raise BadInput(
            f"{path} has third numbers from {low:.3g} to {high:.3g}; scores from 0 to 1 were expected. If they are "
            "depths, the joints are places in space, which belong to no picture: give x and y in pixels, (frames, "
            f"{COUNT}, 2)."
        )
    pictures = []
    for t in range(people.shape[1]):
        frame = [_person(person[t], skeleton) for person in people]
        pictures.append(PeopleInPicture([one for one in frame if not isinstance(one, UnusablePerson)]))
    return PoseRecording(path, name, pictures, is_clip, skeleton=skeleton, form=key)


def _person(joints: np.ndarray, skeleton: Skeleton) -> Person | UnusablePerson:
    scored = joints.shape[-1] == 3
    rows = joints if scored else np.concatenate([joints, np.ones((COUNT, 1))], -1)
    visible = found(rows)
    if not visible.any():
        return UnusablePerson("shows no joint: none of them was found")
    return Person(skeleton, rows, visible, scored)
