"""Pairs of pictures of one person: from files, or of synthetic people."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reposer.core import SKELETONS, BadInput, Framing, Pose, quoted
from reposer.core.choices import Frame, PictureForm
from reposer.core.configs import at_least
from reposer.core.skeleton import OPENPOSE_18
from reposer.data import PairDataset, open_dataset
from reposer.data.dataset import FilePairs, refuse_unreadable
from reposer.synthetic.people import SyntheticPeople
from reposer.synthetic.people.true_pairs import TruePairs
from reposer.training import Recipe


@dataclass(frozen=True)
class DataConfig:
    """Source of the pairs."""

    root: str | None = None
    """A folder that `reposer data check` accepts; none = synthetic people, rendered on the fly."""
    split: str = "train"
    """Split of the data set."""
    augment: bool = False
    """Move the pictures slightly at random, if the data set supports it (Market-1501)."""
    skeleton: str = "openpose18"
    """Name of the poses' skeleton, which is the network's; joints that the data lack are missing."""
    frame: Frame | None = None
    """DeepFashion's form only: the picture to which x and y of the list of joints refer, the 256x176 one (crop176) or
    the one padded with white to 256 columns (padded256); none = by the file's name, else by its joints."""
    pictures: PictureForm | None = None
    """DeepFashion's form only: how files of another shape than 256x176 contain that picture, between white sides of
    40 of 256 columns (padded) or with each axis scaled separately (squashed); none = by their pixels."""
    together: bool = False
    """A folder of your own photos only: cut both pictures of a pair by one box around both poses, as `transfer`
    does."""
    num_pairs: int = 10_000
    """Synthetic people only: number of pairs."""
    seed: int = 0
    """Synthetic people only: random seed of the people."""

    def __post_init__(self) -> None:
        at_least(1, "data.num_pairs", self.num_pairs)
        SKELETONS[self.skeleton]  # refuses an unknown name

    def open(self, framing: Framing, split: str | None = None) -> PairDataset:
        """Open the data set, with pictures laid out by `framing`."""
        split = split or self.split
        if self.root is not None:
            dataset = open_dataset(
                Path(self.root),
                split,
                framing,
                skeleton=SKELETONS[self.skeleton],
                augment=self.augment,
                frame=self.frame,
                pictures=self.pictures,
                together=self.together,
            )
            _refuse_views(dataset)
            _refuse_if_nothing_more_is_seen(dataset, self)
            return dataset
        if self.frame is not None or self.pictures is not None:
            raise BadInput("frame and pictures declare something of files; give the data set's folder (root), too.")
        return SyntheticPeople(
            framing.person_size, split, self.num_pairs, self.seed, framing, skeleton=SKELETONS[self.skeleton]
        )

    def tiny(self) -> "DataConfig":
        """Four synthetic people, whatever the data set."""
        return DataConfig(num_pairs=4, skeleton=self.skeleton)


def _refuse_views(dataset: FilePairs) -> None:
    """Raise BadInput if the data set has no poses."""
    if not isinstance(dataset.poses[dataset.rows[0].source_name], Pose):
        raise BadInput(
            f"{dataset.root} holds views of objects; poses of people were expected. Take a recipe or a model of views "
            f"for it (gfla-views-mini, ...), or another data set."
        )


def _refuse_if_nothing_more_is_seen(dataset: FilePairs, config: DataConfig) -> None:
    """Raise BadInput if no picture has a joint of the requested skeleton that OPENPOSE_18 lacks."""
    skeleton = SKELETONS[config.skeleton]
    more = [k for k, joint in enumerate(skeleton.joints) if joint not in OPENPOSE_18]
    names = {name for row in dataset.rows for name in (row.source_name, row.target_name)}
    poses = (dataset.poses[name] for name in names)
    if more and not any(isinstance(pose, Pose) and pose.visible[more].any() for pose in poses):
        raise BadInput(
            f"{config.root} is to be read as {skeleton.name}, but no picture of its split '{dataset.split}' shows a "
            f"joint that openpose18 does not have ({skeleton.joints[more[0]]}, ...). Give pose files that do, or take "
            "a network and poses of openpose18."
        )


@dataclass(frozen=True)
class TruePairsConfig:
    """Pairs of synthetic people with their true flow, visibility and parts."""

    root: str | None = None
    """A folder that `reposer data views` wrote; none = rendered on the fly, about one person per second."""
    split: str = "train"
    """Split of the data set."""
    num_people: int = 1000
    """Number of people."""
    seed: int = 0
    """Random seed of the people and poses."""
    skeleton: str = "openpose18"
    """Name of the poses' skeleton."""
    photographs: bool = True
    """Whether pairs are composed to resemble photographs and a pose estimator's joints (place, size, light, patterns,
    backgrounds, noise, misses), for a network that is meant for such; false = as rendered."""

    def __post_init__(self) -> None:
        at_least(1, "data.num_people", self.num_people)
        if self.skeleton != OPENPOSE_18.name:
            raise BadInput(f"True pairs have poses of {OPENPOSE_18.name}, not of {quoted(self.skeleton)}.")

    def open(self, framing: Framing, split: str | None = None) -> TruePairs:
        """Open the data set at the framing's size."""
        root = None if self.root is None else Path(self.root)
        chosen = split or self.split
        return TruePairs(framing.size, chosen, self.num_people, self.seed, root, framing, photographs=self.photographs)

    def tiny(self) -> "TruePairsConfig":
        return replace(self, root=None, num_people=1)


@dataclass(frozen=True)
class PairRecipe(Recipe):
    """Recipe of a run that trains on pairs. A family narrows the types of `model` and `stages`."""

    data: DataConfig | TruePairsConfig = field(default_factory=DataConfig)
    """Source of the pairs."""

    def __post_init__(self) -> None:
        super().__post_init__()
        maps = getattr(self.model, "maps", None)
        wanted = None if maps is None else maps.skeleton
        if isinstance(self.data, DataConfig) and wanted is not None and wanted != self.data.skeleton:
            raise BadInput(
                f"The network takes poses of the skeleton {wanted}, and the data are read as {self.data.skeleton}. "
                f"Give --model.maps.skeleton and --data.skeleton the same name."
            )

    def refuse_unreadable(self, dataset: Any) -> None:
        refuse_unreadable(dataset)
