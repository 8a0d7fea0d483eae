"""Lists of joints that `reposer score` is given."""

from pathlib import Path

from reposer.core import Pose
from reposer.core.choices import Frame
from reposer.data.lists import fashion_frame, read_annotation


def poses_by_stem(path: Path, frame: Frame | None, size: tuple[int, int] | None) -> dict[str, Pose]:
    """Every pose of the list by its picture's name without ending. size: what the joints count in, for lists of no frame."""
    if size is not None:
        found = read_annotation(path, frame=size)
    else:
        found = read_annotation(path, frame=fashion_frame(path, frame))
    return {Path(name).stem: pose for name, pose in found.items()}
