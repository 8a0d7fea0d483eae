"""`reposer pose extract | convert | show | list`: estimate poses, convert and show files of them, list poses by
name."""

from collections.abc import Sequence
from pathlib import Path

from tyro.conf import Positional

from reposer.core.outputs import check_output_file, check_output_folder, named_beside
from reposer.core.terminal import Terminal

from .option_values import pixels, within
from .options import called_by_name

MOST_SIDE = 4096
"""Pixels of a data set's pictures, on each side."""
CLIP_ENDINGS = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".gif")
"""File endings that are taken as clips."""


def run(arguments: Sequence[str]) -> int:
    return called_by_name(
        {"extract": extract, "convert": convert, "show": show, "list": list_presets}, arguments, "pose", __doc__
    )


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

    A photo gives a pose file, a clip a track (a pose per frame), a folder a data set: of each photo a picture and its
    pose file, which `reposer data check`, `train` and `evaluate` read. The same command goes on where it was
    interrupted. Photos that cannot be read or show nobody are named and left out, with exit code 1.

    Args:
        source: a picture file, a clip, or a folder of photos: PERSON_VIEW.jpg, or sub-folders named as the people (also
            inside of train, val and test).
        out: the pose or track to write (JSON), none = beside the photo or clip; the data set's folder, none =
            FOLDER-poses.
        person: which of several people: largest, left, right, a number (by size: 1 is the largest), a point X,Y on the
            person or a box L,T,R,B around the person, in pixels; none = the largest, and a note says how many there
            are.
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


def convert(
    source: Positional[Path],
    target: Positional[Path],
    *,
    format: str | None = None,
    pose_format: str | None = None,
    size: tuple[int, int] | None = None,
    frame: int | None = None,
    person: int | None = None,
) -> int:
    """Write a pose file in another form: joints are converted by name, and what is lost is said.

    Forms: own, openpose18, openpose25, coco, coco-wholebody, coco-annotations, blazepose, alphapose, mmpose, h36m, patn
    and picture (a skeleton in OpenPose's colours).

    Args:
        source: a pose file of any of these forms, a folder of OpenPose files, or a picture of a skeleton.
        target: the file to write.
        format: its form; none = by the ending: .json is our own form, .csv patn, .npz h36m, .png a picture.
        pose_format: form of the source; none = recognised by the content.
        size: height and width of the pictures, if the source gives none; refused if it gives another.
        frame: only this frame of several, from 0; none = all.
        person: only this one of several people, from 0; none = all that the form can hold.
    """
    pixels("--size", size)
    check_output_file(target, inputs=(source,))

    from reposer.data.poses import convert as convert_file
    from reposer.data.poses import writer_for

    from .photo_poses import tell

    writer_for(target, format)
    notes = convert_file(source, target, format, form=pose_format, size=size, frame=frame, person=person)
    Terminal(stderr=True).say(f"The poses: {target}")
    tell(notes)
    return 0


def show(
    source: Positional[str],
    *,
    out: Path,
    photo: Path | None = None,
    pose_format: str | None = None,
    size: tuple[int, int] | None = None,
    frame: int | None = None,
) -> int:
    """Write a picture of the skeletons in a pose file, in OpenPose's colours on black, or over a photo.

    Args:
        source: a pose file, or the name of a preset.
        out: the picture to write (PNG).
        photo: the picture that the poses belong to.
        pose_format: form of the file; none = recognised by the content.
        size: height and width of the picture in which the joints were found, if the file gives none: the photo's, or
            that of a smaller or larger copy; none = the photo's.
        frame: which frame of several, from 0.
    """
    pixels("--size", size)
    check_output_file(out, endings=(".png",), inputs=(source, photo))

    from reposer.data.pictures import read_picture, write_picture
    from reposer.data.poses import openpose_picture, people_of
    from reposer.data.skeleton_pictures import skeleton_over
    from reposer.own_photo import is_preset

    from .photo_poses import tell

    ground = None if photo is None else read_picture(photo)
    own = None if ground is None else (ground.shape[0], ground.shape[1])
    notes: list[str] = []
    if is_preset(source):
        from reposer.data.poses.presets import preset

        poses = [preset(source).resize(own or size or preset(source).size)]
    else:
        poses, notes = people_of(Path(source), size, form=pose_format, frame=frame, photo=own)
    tell(notes)
    write_picture(out, openpose_picture(poses, poses[0].size) if ground is None else skeleton_over(ground, poses))
    Terminal(stderr=True).say(f"The picture: {out}")
    return 0


def list_presets(*, sheet: Path | None = None) -> int:
    """List the poses that `reposer transfer --pose NAME` knows.

    Args:
        sheet: also write a picture of all of them (PNG).
    """
    if sheet is not None:
        check_output_file(sheet, endings=(".png",), option="--sheet")

    from reposer.data.poses.presets import preset_names

    console = Terminal()
    for name in preset_names():
        console.say(name)
    if sheet is not None:
        from reposer.data.pictures import write_picture

        from .pose_pictures import preset_sheet

        write_picture(sheet, preset_sheet())
        Terminal(stderr=True).say(f"The sheet: {sheet}")
    return 0
