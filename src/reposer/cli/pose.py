"""`reposer pose extract PHOTO|CLIP|FOLDER`: estimate poses and write them as files."""

from collections.abc import Sequence
from pathlib import Path

import tyro
from tyro.conf import Positional

from reposer.core.outputs import check_output_file, check_output_folder, named_beside

from .option_values import within

MOST_SIDE = 4096
"""Pixels of a data set's pictures, on each side."""
CLIP_ENDINGS = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".gif")
"""File endings that are taken as clips."""


def run(arguments: Sequence[str]) -> int:
    code: int = tyro.extras.subcommand_cli_from_dict(
        {"extract": extract}, args=list(arguments), prog="reposer pose", description=__doc__
    )
    return code


def extract(
    source: Positional[Path],
    *,
    out: Path | None = None,
    person: str | None = None,
    joints: str | None = None,
    size: tuple[int, int] = (256, 176),
    whole: bool = False,
    show: bool = False,
    plain: bool = False,
) -> int:
    """Estimate the poses of people in a photo, a clip, or a folder of photos, and write them as files.

    A photo gives a pose file, a clip a track (a pose per frame), a folder a data set: of each photo a picture and its pose
    file, which `reposer data check`, `train` and `evaluate` read. The same command goes on where it was interrupted.
    Photos that cannot be read or show nobody are named and left out, with exit code 1.

    Args:
        source: a picture file, a clip, or a folder of photos: PERSON_VIEW.jpg, or sub-folders named as the people (also
            inside of train, val and test).
        out: the pose or track to write (JSON), none = beside the photo or clip; the data set's folder, none =
            FOLDER-poses.
        person: which of several people: largest, left, right, a number (by size: 1 is the largest), a point X,Y on the
            person or a box L,T,R,B around the person, in pixels; none = the largest, and a note says how many there are.
        joints: name of the pose estimator; none = movenet.
        size: height and width to which the people of a folder are cut and scaled.
        whole: keep the photos of a folder whole and as they are.
        show: also write the skeleton over the clip (OUT-skeleton.mp4), or over each picture of the folder
            (OUT/skeletons); a photo always gets its own, OUT-skeleton.png.
        plain: no picture of the skeleton over a photo.
    """
    for side in size:
        within("--size", side, 1, MOST_SIDE)
    is_folder = source.is_dir()
    out = out or (source.parent / f"{source.resolve().name}-poses" if is_folder else named_beside(source, ".json"))
    if is_folder:
        check_output_folder(out)
    else:
        check_output_file(out, endings=(".json",), inputs=(source,))
        if not plain:
            check_output_file(
                named_beside(out, "-skeleton.png"), inputs=(source,), option="the picture of the skeleton,"
            )

    from .pose_extract import of_clip, of_folder, of_photo

    if is_folder:
        return of_folder(source, out, joints, person, None if whole else size, show and not plain)
    if source.suffix.lower() in CLIP_ENDINGS:
        return of_clip(source, out, joints, person, named_beside(out, "-skeleton.mp4") if show and not plain else None)
    return of_photo(source, out, joints, person, None if plain else named_beside(out, "-skeleton.png"))
