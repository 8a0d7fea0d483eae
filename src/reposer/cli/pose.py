"""`reposer pose extract PHOTO`: estimate poses in photos and write them as files."""

from collections.abc import Sequence
from pathlib import Path

import tyro
from tyro.conf import Positional

from reposer.core.outputs import check_output_file, named_beside
from reposer.core.terminal import Terminal


def run(arguments: Sequence[str]) -> int:
    code: int = tyro.extras.subcommand_cli_from_dict(
        {"extract": extract}, args=list(arguments), prog="reposer pose", description=__doc__
    )
    return code


def extract(
    photo: Positional[Path],
    *,
    out: Path | None = None,
    person: str | None = None,
    joints: str | None = None,
    show: bool = True,
) -> int:
    """Estimate the pose of the person in a photo.

    Args:
        photo: a picture file.
        out: the pose file to write (JSON); none = PHOTO.json beside the photo.
        person: which of several people: largest, left, right, a number (by size: 1 is the largest), a point X,Y on the
            person or a box L,T,R,B around the person, in pixels; none = the largest, and a note says how many there are.
        joints: name of the pose estimator; none = movenet.
        show: also write the skeleton over the photo, OUT-skeleton.png beside the pose.
    """
    out = out or named_beside(photo, ".json")
    sheet = named_beside(out, "-skeleton.png")
    check_output_file(out, endings=(".json",), inputs=(photo,))
    if show:
        check_output_file(sheet, inputs=(photo,), option="the picture of --show,")

    from reposer.data.pictures import read_picture, write_picture
    from reposer.data.poses import write_pose_json
    from reposer.data.skeleton_pictures import skeleton_over

    from .photo_poses import estimated_pose

    picture = read_picture(photo)
    pose = estimated_pose(picture, photo, joints, person)
    write_pose_json(out, pose)
    console = Terminal(stderr=True)
    found = int(pose.visible.sum())
    console.say(f"The pose: {out} ({found} of {len(pose.skeleton)} joints found)")
    if show:
        write_picture(sheet, skeleton_over(picture, pose))
        console.say(f"The skeleton over the photo: {sheet}")
    return 0
