"""Views of objects: from files, or of synthetic objects."""

from dataclasses import dataclass

from reposer.core import Framing
from reposer.core.configs import at_least
from reposer.data import PairDataset
from reposer.data.shapenet import ShapeNetViews
from reposer.synthetic.objects import SyntheticObjects


@dataclass(frozen=True)
class ViewDataConfig:
    """Where the views of objects come from."""

    root: str | None = None
    """data_KIND.hdf5 with its lists beside it, or a folder with one such file; none = objects drawn on the spot."""
    split: str = "train"
    """Which part of it. "held-out": from the azimuths that training saw to those that it did not."""
    hold_out: int = 0
    """Every so many-th azimuth of the training objects is kept from training; 0 keeps none."""
    kind: str = "chairs"
    """Drawn objects only: what they are."""
    num_objects: int = 200
    """Drawn objects only: how many."""
    seed: int = 0
    """Drawn objects only: which."""

    def __post_init__(self) -> None:
        at_least(0, "data.hold_out", self.hold_out)
        at_least(1, "data.num_objects", self.num_objects)

    def open(self, framing: Framing, split: str | None = None) -> PairDataset:
        """The data set, its pictures laid out by `framing`."""
        split = split or self.split
        if self.root is not None:
            return ShapeNetViews(self.root, split, framing, hold_out=self.hold_out)
        return SyntheticObjects(
            self.kind, framing.size, split, self.num_objects, self.seed, framing, hold_out=self.hold_out
        )

    def tiny(self) -> "ViewDataConfig":
        """One drawn object, whatever the data set."""
        return ViewDataConfig(kind=self.kind, num_objects=1, hold_out=self.hold_out)
