"""The content of pose files, whichever program wrote them: a sequence of pictures with the people in each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

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
    parts: joints beyond the skeleton's that the file has: hands, face and feet. fields: what else the file says of the
    person; only the same form writes it again.
    """

    skeleton: Skeleton
    rows: Float[np.ndarray, "K 3"]
    visible: Bool[np.ndarray, "K"]
    scored: bool = True
    identity: int | None = None
    parts: "tuple[Person, ...]" = ()
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def num_joints(self) -> int:
        """Number of rows, of the parts too."""
        return len(self.rows) + sum(part.num_joints for part in self.parts)

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

    name: the picture's name in the file, if any. fields: what else the file says of the picture.
    """

    people: Sequence[Person | UnusablePerson]
    size: Size | None = None
    name: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)

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
    seconds: when each frame is shown, if their distances in time vary. first_number: of the first picture with people,
    in forms that number pictures and omit those without. left: x of the first column of pictures of a size, in forms
    whose positions may count in padded pictures; None = 0.
    assumed: what the file does not say and its reader took for granted, one sentence each, for the user.
    skeleton: of a recording without people. normalised: whether positions count from 0 to 1 from edge to edge; None =
    the values tell. form: key of the form. fields: what else the file says.
    """

    path: Path
    kind: str
    pictures: Sequence[PeopleInPicture]
    is_clip: bool = False
    own: bool = False
    ends_open: bool = False
    fps: float | None = None
    seconds: Sequence[float] | None = None
    first_number: int = 0
    left: Callable[[Size], int] | None = None
    assumed: Sequence[str] = ()
    skeleton: Skeleton = OPENPOSE_18
    normalised: bool | None = None
    form: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class PoseFormat(Protocol):
    """A form of pose files, in one module: recognises files by their content, and reads them.

    key: its name in options. name, example: what it is and what such a file looks like, for messages.
    """

    key: str
    name: str
    example: str

    def recognises(self, content: Any) -> bool: ...

    def read(self, path: Path, content: Any) -> PoseRecording:
        """Read the content of the file (see `contents.content_of`); invalid content is refused with a message."""
        ...


@runtime_checkable
class PoseWriter(Protocol):
    """Writes a recording in one form: joints are converted by name, and people without any are left out.

    ending: of such files.
    """

    key: str
    ending: str

    def write(self, path: Path, recording: PoseRecording) -> None: ...
