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
    """The same for each picture while the photo's part and its person are, and the generator. Weights that change in
    place are not noticed."""

    def __init__(self) -> None:
        self._known: tuple[_Of, Known] | None = None  # each pair is assigned and read at once: threads may share it
        self._begun: tuple[_From, Begun | None] | None = None

    def known(self, source: PhotoPart, content: Edges, shown: SourcePerson | Composition) -> Known:
        """As `known_of` of this photo alone."""
        of, before = _Of(source.edges, content, shown.source_person, shown.hole), self._known
        if before is not None and _same(of, before[0]):
            return before[1]
        known = known_of([source], content, shown)
        self._known = of._replace(person=of.person.clone(), hole=of.hole.clone()), known
        return known

    def begun(self, generator: Generator, source: Tensor, pose: Pose) -> Begun | None:
        """As `Generator.begun` of this photo alone."""
        begins, before = _From(generator, source, pose.xy, pose.visible, pose.score), self._begun
        if before is not None and _same(begins, before[0]):
            return before[1]
        begun = generator.begun(source, pose)
        self._begun = begins, begun
        return begun


def _same(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    """Tensors by their values on one device, other things by themselves."""
    return all(
        a.device == b.device and torch.equal(a, b) if isinstance(a, Tensor) and isinstance(b, Tensor) else a == b
        for a, b in zip(one, other, strict=True)
    )
