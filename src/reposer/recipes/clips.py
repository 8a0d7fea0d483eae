"""Clips of people or faces: from files, or synthetic ones."""

from dataclasses import dataclass, replace
from typing import Literal

from reposer.core import SKELETONS, Framing
from reposer.core.configs import at_least
from reposer.data.clip_dataset import ClipDataset, ClipReading, open_clips
from reposer.synthetic.people.clips import SyntheticClips, SyntheticFaceClips


@dataclass(frozen=True)
class ClipDataConfig:
    """Source of the clips."""

    root: str | None = None
    """A folder of clips (docs/data.md); none = synthetic people or faces, rendered on the fly."""
    split: str = "train"
    """Split of the data set."""
    augment: bool = False
    """Move the pictures slightly at random, if the data set supports it."""
    frames: int = 30
    """Consecutive frames of a clip in one training step."""
    skeleton: str | None = None
    """Skeleton of the frames' joints; none = the data set's own."""
    source_skeleton: str | None = None
    """Skeleton of the reference's joints; none = the data set's own."""
    edges: bool = False
    """Faces only: add the edges of the driving frame to its condition."""
    kind: Literal["people", "faces"] = "people"
    """What synthetic clips show, if no folder is given."""
    num_clips: int = 200
    """Synthetic clips only: number of clips."""
    seed: int = 0
    """Synthetic clips only: random seed."""

    def __post_init__(self) -> None:
        at_least(1, "data.frames", self.frames)
        at_least(1, "data.num_clips", self.num_clips)
        for name in (self.skeleton, self.source_skeleton):
            if name is not None:
                SKELETONS[name]  # refuses an unknown name

    def open(self, framing: Framing, split: str | None = None) -> ClipDataset:
        """Open the clips, with pictures laid out by `framing`."""
        split = split or self.split
        if self.root is None and self.kind == "faces":
            return SyntheticFaceClips(
                split, framing, frames=self.frames, num_clips=self.num_clips, seed=self.seed, edges=self.edges
            )
        skeleton, source_skeleton = (
            None if name is None else SKELETONS[name] for name in (self.skeleton, self.source_skeleton)
        )
        if self.root is None:
            return SyntheticClips(
                split,
                framing,
                frames=self.frames,
                num_clips=self.num_clips,
                seed=self.seed,
                skeleton=skeleton,
                source_skeleton=source_skeleton,
            )
        options = ClipReading(self.frames, skeleton, source_skeleton, self.augment, self.edges)
        return open_clips(self.root, split, framing, options)

    def tiny(self) -> "ClipDataConfig":
        """Two synthetic clips, whatever the data set."""
        return replace(self, root=None, split="train", augment=False, frames=6, edges=False, num_clips=2)
