"""Lists of joints for `reposer score`."""

from pathlib import Path

from reposer.core import BadInput, Pose
from reposer.core.choices import Frame
from reposer.data.lists import PoseTable, WrongFrame, fashion_frame, read_annotation, refuse_outside
from reposer.data.market1501 import SIZE as MARKET_SIZE


def poses_by_stem(path: Path, frame: Frame | None, size: tuple[int, int] | None) -> dict[str, Pose]:
    """Every pose of the list by its picture's name without ending. The list's coordinate frame is given or part of its
    name.

    size: (height, width) of the pictures that the joints refer to, for lists of no frame.
    """
    if frame is not None and size is not None:
        raise BadInput("--frame and --pose-size both say what the list's joints count in; give one of them.")
    return {Path(name).stem: pose for name, pose in _read(path, frame, size).items()}


def _read(path: Path, frame: Frame | None, size: tuple[int, int] | None) -> PoseTable:
    if size is None and frame is None and path.name.lower().startswith("market"):
        size = MARKET_SIZE
    if size is not None:
        found = read_annotation(path, frame=size)
        refuse_outside(path, found)
        return found
    try:
        return read_annotation(path, frame=fashion_frame(path, frame))
    except WrongFrame as error:
        raise BadInput(
            f"{error} If the list is of other pictures than the fashion ones, say their size: --pose-size HEIGHT WIDTH "
            f"(128 64 for Market-1501)."
        ) from error
