"""Pairs listed in files, as PATN and GFLA keep them: the shared ground of DeepFashion and Market-1501."""

from collections.abc import Mapping
from pathlib import Path

from reposer.core import BadInput, Framing, Pose, Sample
from reposer.core.images import from_uint8

from .dataset import PairDataset, PictureMemory, frame_picture, frame_pose, pair_name
from .files import first_existing, read_picture


class ListedPairs(PairDataset):
    """Rows of a pair list, pictures in `ROOT/SPLIT/`, poses by picture name in the frame of `picture_size`."""

    def __init__(
        self,
        root: Path,
        split: str,
        framing: Framing | None,
        pairs: list[tuple[str, str]],
        poses: Mapping[str, Pose],
        picture_size: tuple[int, int],
        pair_file: Path,
    ) -> None:
        self.folder = root / split
        self.framing, self.picture_size = framing, picture_size
        self.pairs, self.poses, self._pair_file = pairs, poses, pair_file
        self._memory = PictureMemory()
        for row, names in enumerate(pairs, start=2):
            for name in names:
                if name not in poses:
                    raise BadInput(f"{pair_file}, line {row}: {name} has no row in the annotation file.")

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, i: int) -> Sample:
        if not -len(self) <= i < len(self):
            raise IndexError(f"pair {i} of {len(self)}")
        source, target = self.pairs[i]
        return Sample(
            self._framed(source, i),
            self._framed(target, i),
            frame_pose(self.pose(source), self.framing),
            frame_pose(self.pose(target), self.framing),
            pair_name(source, target),
        )

    def pose(self, name: str) -> Pose:
        """The pose in the whole picture, before framing."""
        return self.poses[name]

    def _framed(self, name: str, i: int):  # type: ignore[no-untyped-def]
        def read():  # type: ignore[no-untyped-def]
            path = self.folder / name
            if not path.is_file():
                raise BadInput(f"{self._pair_file}, line {i % len(self) + 2}: the picture {path} does not exist.")
            return frame_picture(self.whole(path), self.framing)

        return self._memory.get(name, read)

    def whole(self, path: Path):  # type: ignore[no-untyped-def]
        """The picture as numbers, before framing."""
        return from_uint8(read_picture(path))


def find_list(root: Path, kind: str, split: str, stems: tuple[str, ...]) -> Path | None:
    """`ROOT/STEM-KIND-SPLIT.csv` in any of its spellings."""
    return first_existing(root, [f"{stem}-{kind}-{split}.csv" for stem in stems])
