"""Lists of joints in PATN's form: a picture per row, 18 joints in whole pixels, missing = -1. See `data.lists`."""

from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from reposer.core import BadInput, Pose
from reposer.core.choices import Frame
from reposer.core.skeleton import OPENPOSE_18

from ..lists import FASHION_SIZE, PADDING, WrongFrame, fashion_frame, read_annotation, write_annotation
from .by_name import in_joints
from .contents import JointList
from .recording import PeopleInPicture, Person, PoseRecording, Size, UnusablePerson

_NO_SIZE = (1, 1)
"""The list does not say how large its pictures are; they may also be padded."""


class Patn:
    """frame: of a fashion list, if the user says it; see `fashion_frame`."""

    name = "a list in PATN's form"
    example = "name:keypoints_y:keypoints_x"

    def __init__(self, frame: Frame | None = None) -> None:
        self.frame = frame
        self.key = "patn" if frame is None else f"patn-{frame}"

    def recognises(self, content: Any) -> bool:
        return isinstance(content, JointList)

    def read(self, path: Path, content: Any) -> PoseRecording:
        table = read_annotation(path, frame=_NO_SIZE)
        pictures = []
        for name, row in table.rows():
            visible = table.visible[row].copy()
            rows = np.concatenate([table.xy[row].astype(np.float64), np.ones((len(visible), 1))], -1)
            person: Person | UnusablePerson = Person(OPENPOSE_18, rows, visible, scored=False)
            if not visible.any():
                person = UnusablePerson("shows no joint: none of them was found")
            pictures.append(PeopleInPicture([person], name=name))
        return PoseRecording(
            path,
            self.name,
            pictures,
            is_clip=len(pictures) > 1,
            normalised=False,
            form="patn",
            left=cache(partial(self._left, path)),  # it reads the whole list, and is asked for each picture
        )

    def _left(self, path: Path, size: Size) -> int:
        """x of the first column of pictures of this size. Those of 256x176 lie in one of two frames, which is declared,
        named by the file or proved by its joints; else refused.
        """
        if size != FASHION_SIZE:
            if self.frame is not None:
                raise BadInput(
                    f"{path} is said to be in {self.frame}, which is of pictures of 256x176 (height x width), not of "
                    f"{size[0]}x{size[1]}. Give the size 256 176, or leave --pose-format out."
                )
            return 0
        try:
            return PADDING if fashion_frame(path, self.frame) == "padded256" else 0
        except WrongFrame as error:
            if self.frame is not None or "-resize-" in path.name:
                raise
            raise BadInput(
                f"{path} does not say where x counts: in the 176 wide picture (crop176, as GFLA's lists do), or in the "
                "one padded to 256 columns (padded256, as PATN's do); and its joints do not prove it. Say which: "
                "--pose-format patn-crop176 or --pose-format patn-padded256 (`reposer pose convert` writes the pose in "
                "another form)."
            ) from error


class PatnWriter:
    """A row per picture, of its surest person; in pictures without one all joints are missing."""

    key, ending = "patn", ".csv"

    def write(self, path: Path, recording: PoseRecording) -> None:
        poses = {}
        for n, picture in enumerate(recording.pictures):
            name = picture.name or f"{n}.jpg"
            if ":" in name:
                raise BadInput(
                    f"{name} cannot be the name of a picture in {Patn.name}, which has ':' between its fields."
                )
            xy, visible = torch.zeros(len(OPENPOSE_18), 2), torch.zeros(len(OPENPOSE_18), dtype=torch.bool)
            if picture.usable:
                whole = in_joints(max((p for _, p in picture.usable), key=lambda p: p.sureness), OPENPOSE_18)
                xy = torch.from_numpy(np.where(whole.visible[:, None], whole.rows[:, :2], 0))
                visible = torch.from_numpy(whole.visible)
            poses[name] = Pose(xy, visible, _NO_SIZE)
        write_annotation(path, poses, frame=_NO_SIZE)
