"""The pairs that `reposer demo` shows."""

from reposer.core import Framing, Sample, Skeleton
from reposer.synthetic.people import SyntheticPeople


class DemoPairs(SyntheticPeople):
    """The demonstration's pairs: one held-out person, one source, six targets."""

    def __init__(self, framing: Framing, person: int, skeleton: Skeleton) -> None:
        super().__init__(framing.person_size, "test", 1, 0, framing, skeleton=skeleton)
        self._samples = self.held_out_demo(6, person)

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, i: int) -> Sample:
        return self._samples[i]

    def identity(self, i: int) -> str:
        return self._samples[0].name.rsplit("_", 1)[0]
