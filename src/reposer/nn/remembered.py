"""What was last known of one photo, for further pictures of its person."""

from typing import NamedTuple

import torch
from torch import Tensor

from reposer.core import Generator, Pose
from reposer.core.composition import Composition, SourcePerson
from reposer.core.generator import Begun
from reposer.core.pose import Edges

from .full_size import Known, known_of
from .photo_look import PhotoPart


class _Of(NamedTuple):
    """What the photo shows was found for."""

    source: Edges
    content: Edges
    person: Tensor
    hole: Tensor


class _From(NamedTuple):
    """What a generator has begun with."""

    generator: Generator
    source: Tensor
    xy: Tensor
    visible: Tensor
    score: Tensor | None


class Remembered:
    """The same for each picture while the photo's part and its person are, and the generator with its weights."""

    def __init__(self) -> None:
        self._of: _Of | None = None
        self._known: Known | None = None
        self._from: _From | None = None
        self._begun: Begun | None = None

    def known(self, source: PhotoPart, content: Edges, shown: SourcePerson | Composition) -> Known:
        """As `known_of` of this photo alone."""
        of = _Of(source.edges, content, shown.source_person, shown.hole)
        if self._known is None or self._of is None or not _same(of, self._of):
            self._known = known_of([source], content, shown)
            self._of = of._replace(person=of.person.clone(), hole=of.hole.clone())
        return self._known

    def begun(self, generator: Generator, source: Tensor, pose: Pose) -> Begun | None:
        """As `Generator.begun` of this photo alone."""
        begins = _From(generator, source, pose.xy, pose.visible, pose.score)
        if self._from is None or not _same(begins, self._from):
            self._begun = generator.begun(source, pose)
            self._from = begins
        return self._begun


def _same(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    """Tensors by their values on one device, other things by themselves."""
    return all(
        a.device == b.device and torch.equal(a, b) if isinstance(a, Tensor) and isinstance(b, Tensor) else a == b
        for a, b in zip(one, other, strict=True)
    )
