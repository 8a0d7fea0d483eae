"""The memory of a generator that generates, from the sizes of its tensors."""

import torch

from reposer.core import Generator, Pose, View
from reposer.nn.live_bytes import META, bytes_at_peak


class Counted:
    """A generator whose numbers are dropped: what its weights take, and what it has at a time when it generates."""

    def __init__(self, generator: Generator, size: tuple[int, int] | None = None) -> None:
        """size: (height, width) at which it works; None = its own."""
        self.weights = sum(t.nbytes for t in (*generator.parameters(), *generator.buffers()))
        self.size = size or generator.framing.size
        self._generator = generator.to(META)

    def tensors(self, rows: int) -> int:
        """Bytes at a time, for this many rows. `core.memory.NotCounted` if this family cannot do without numbers."""
        source, target = (self._condition(rows, of_source) for of_source in (True, False))
        picture = torch.empty(rows, 3, *self.size, device=META)
        return bytes_at_peak(lambda: self._generator.generate(picture, source, target))

    def _condition(self, rows: int, of_source: bool) -> Pose | View:
        """Poses or views of this many rows, as the generator takes them; their numbers do not matter here."""
        generator = self._generator
        if generator.condition is View:
            return View(torch.zeros(rows), torch.zeros(rows))
        skeleton = generator.source_skeleton if of_source else generator.skeleton
        joints = len(skeleton.joints)
        return Pose(torch.ones(rows, joints, 2), torch.ones(rows, joints, dtype=torch.bool), self.size, skeleton)
