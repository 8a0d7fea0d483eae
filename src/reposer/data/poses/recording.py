"""What files of poses hold, whichever program wrote them: pictures, one after the other, with the people in each."""

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

    rows: x, y and score of each joint, in the units of the file. visible: whether it was found. scored: whether the
    file has scores. identity: the number that a tracker gave to the person throughout a clip.
    """

    skeleton: Skeleton
    rows: Float[np.ndarray, "K 3"]
    visible: Bool[np.ndarray, "K"]
    scored: bool = True
    identity: int | None = None

    @property
    def sureness(self) -> float:
        """The scores of all joints that were found, together; without scores, how many those are."""
        return float(self.rows[self.visible, 2].sum()) if self.scored else float(self.visible.sum())

    @property
    def places(self) -> Float[np.ndarray, "N 2"]:
        """Where the joints are that were found."""
        return self.rows[self.visible, :2]


@dataclass(frozen=True)
class UnusablePerson:
    """A person of the file of whom nothing can be used. why: follows "person 3 "."""

    why: str


@dataclass(frozen=True)
class PeopleInPicture:
    """people: in the order of the file. size: (height, width) of the picture, where the file says it.

    name: what the file calls the picture, if anything.
    """

    people: Sequence[Person | UnusablePerson]
    size: Size | None = None
    name: str = ""

    @property
    def usable(self) -> Sequence[tuple[int, Person]]:
        """Each person of whom something can be used, with the number in the file (from 0)."""
        return [(n, person) for n, person in enumerate(self.people) if isinstance(person, Person)]


@dataclass(frozen=True)
class PoseRecording:
    """The content of a file, or of a folder of files.

    kind: what wrote it, for messages. pictures: of a photo one, of a clip its frames. is_clip: whether the form is one
    for
    several pictures. own: our own form, which counts in pixels and whose size is that of the one picture it belongs to.
    ends_open: whether frames after the last one may exist in which nobody was found. fps: frames per second, if it
    says.
    skeleton: of a recording that shows nobody.
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
    """A form of pose files, in one module: it knows its files by their content, and reads them."""

    name: str
    example: str
    """What such a file looks like, for messages."""

    def recognises(self, content: Any) -> bool: ...

    def read(self, path: Path, content: Any) -> PoseRecording:
        """Refuses what cannot be meant in a sentence. content: of the JSON file."""
        ...
