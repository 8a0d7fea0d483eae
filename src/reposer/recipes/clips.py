"""Clips of people or faces: from files, or synthetic ones."""

from dataclasses import dataclass, replace
from typing import Literal

from reposer.core import SKELETONS, Framing
from reposer.core.configs import at_least
from reposer.data.clip_dataset import ClipDataset, ClipOptions, open_clips
from reposer.synthetic.people.clips import SyntheticClips, SyntheticFaceClips


@dataclass(frozen=True)
class ClipDataConfig:
    """Where the clips come from."""

    root: str | None = None
    """A folder of clips (docs/data.md); none = synthetic people or faces, drawn on the spot."""
    split: str = "train"
    """Which part of it."""
    augment: bool = False
    """Move the pictures a little at random, where the data set offers it."""
    frames: int = 30
    """Consecutive frames of a clip in one step."""
    skeleton: str | None = None
    """Of the frames' joints; none = as the data set has them."""
    source_skeleton: str | None = None
    """Of the reference's joints; none = as the data set has them."""
    edges: bool = False
    """Faces: the edges of the driving frame are a part of what describes it."""
    kind: Literal["people", "faces"] = "people"
    """What is drawn, where there is no folder."""
    num_clips: int = 200
    """Drawn clips only: how many."""
    seed: int = 0
    """Drawn clips only: which."""

    def __post_init__(self) -> None:
        at_least(1, "data.frames", self.frames)
        at_least(1, "data.num_clips", self.num_clips)
        for name in (self.skeleton, self.source_skeleton):
            if name is not None:
                SKELETONS[name]  # refuses a name that is none

    def open(self, framing: Framing, split: str | None = None) -> ClipDataset:
        """The clips, their pictures laid out by `framing`."""
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
        options = ClipOptions(self.frames, skeleton, source_skeleton, self.augment, self.edges)
        return open_clips(self.root, split, framing, options)

    def tiny(self) -> "ClipDataConfig":
        """Two drawn clips, whatever the data set."""
        return replace(self, root=None, split="train", augment=False, frames=6, edges=False, num_clips=2)
