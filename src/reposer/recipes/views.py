"""Views of objects: from files, or of synthetic objects."""

from dataclasses import dataclass

from reposer.core import Framing
from reposer.core.configs import at_least
from reposer.data import PairDataset
from reposer.data.shapenet import ShapeNetViews
from reposer.synthetic.objects import SyntheticObjects


@dataclass(frozen=True)
class ViewDataConfig:
    """Source of the views of objects."""

    root: str | None = None
    """data_KIND.hdf5 with its lists beside it, or a folder with one such file; none = synthetic objects, rendered on
    the fly."""
    split: str = "train"
    """Split of the data set. "held-out": from azimuths used in training to those kept from it."""
    hold_out: int = 0
    """Keep every n-th azimuth of the training objects out of training; 0 = none."""
    kind: str = "chairs"
    """Synthetic objects only: kind of object."""
    num_objects: int = 200
    """Synthetic objects only: number of objects."""
    seed: int = 0
    """Synthetic objects only: random seed."""

    def __post_init__(self) -> None:
        at_least(0, "data.hold_out", self.hold_out)
        at_least(1, "data.num_objects", self.num_objects)

    def open(self, framing: Framing, split: str | None = None) -> PairDataset:
        """Open the data set, with pictures laid out by `framing`."""
        split = split or self.split
        if self.root is not None:
            return ShapeNetViews(self.root, split, framing, hold_out=self.hold_out)
        return SyntheticObjects(
            self.kind, framing.size, split, self.num_objects, self.seed, framing, hold_out=self.hold_out
        )

    def tiny(self) -> "ViewDataConfig":
        """One synthetic object, whatever the data set."""
        return ViewDataConfig(kind=self.kind, num_objects=1, hold_out=self.hold_out)
