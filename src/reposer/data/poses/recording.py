"""The content of pose files, whichever program wrote them: a sequence of pictures with the people in each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from jaxtyping import Bool, Float

from reposer.core import Skeleton
from reposer.core.skeleton import OPENPOSE_18

Size = tuple[int, int]


@dataclass(frozen=True)
class Person:
    """One person in one picture.

    rows: x, y and score of each joint, in the file's units. visible: whether it was found. scored: whether the file
    has scores. identity: a tracker's id of the person throughout a clip.
    """

    skeleton: Skeleton
    rows: Float[np.ndarray, "K 3"]
    visible: Bool[np.ndarray, "K"]
    scored: bool = True
    identity: int | None = None

    @property
    def sureness(self) -> float:
        """Sum of the scores of all found joints; without scores, their number."""
        return float(self.rows[self.visible, 2].sum()) if self.scored else float(self.visible.sum())

    @property
    def places(self) -> Float[np.ndarray, "N 2"]:
        """Positions of the found joints."""
        return self.rows[self.visible, :2]


@dataclass(frozen=True)
class UnusablePerson:
    """A person in the file whose data is unusable. why: follows "person 3 "."""

    why: str


@dataclass(frozen=True)
class PeopleInPicture:
    """people: in the file's order. size: (height, width) of the picture, if the file states it.

    name: the picture's name in the file, if any.
    """

    people: Sequence[Person | UnusablePerson]
    size: Size | None = None
    name: str = ""

    @property
    def usable(self) -> Sequence[tuple[int, Person]]:
        """The usable people, with their index in the file (from 0)."""
        return [(n, person) for n, person in enumerate(self.people) if isinstance(person, Person)]


@dataclass(frozen=True)
class PoseRecording:
    """The content of a file, or of a folder of files.

    kind: what wrote it, for messages. pictures: one for a photo, the frames for a clip. is_clip: whether the form is
    for several pictures. own: our own form, which is in pixels and has the size of the one picture it belongs to.
    ends_open: whether further frames without people may follow the last one. fps: frames per second, if stated.
    skeleton: of a recording without people.
    """

    path: Path
    kind: str
    pictures: Sequence[PeopleInPicture]
    is_clip: bool = False
    own: bool = False
    ends_open: bool = False
    fps: float | None = None
    skeleton: Skeleton = OPENPOSE_18


class PoseFormat(Protocol):
    """A form of pose files, in one module: recognises files by their content, and reads them."""

    name: str
    example: str
    """Example of such a file, for messages."""

    def recognises(self, content: Any) -> bool: ...

    def read(self, path: Path, content: Any) -> PoseRecording:
        """Read the content of the JSON file; invalid content is refused with a message."""
        ...
