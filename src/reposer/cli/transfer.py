"""`reposer transfer PHOTO --pose OTHER_PHOTO`: put the person of a photo into another pose."""

from collections.abc import Sequence
from pathlib import Path

import tyro
from tyro.conf import Positional

from reposer.core.outputs import PICTURE_ENDINGS, check_output_file, named_beside
from reposer.core.terminal import Terminal


def run(arguments: Sequence[str]) -> int:
    return tyro.cli(transfer_photo, args=list(arguments), prog="reposer transfer", description=__doc__)


def transfer_photo(
    photo: Positional[Path],
    *,
    pose: Path,
    person: str | None = None,
    pose_person: str | None = None,
    source_pose: Path | None = None,
    model: str = "trueflow",
    out: Path | None = None,
    joints: str | None = None,
    pose_size: tuple[int, int] | None = None,
    pose_frame: int | None = None,
    source_frame: int | None = None,
    source_person: int | None = None,
    explain: bool = False,
    device: str | None = None,
) -> int:
    """The photo may have any size: crop, resize and padding follow the pose and are undone in the result.

    Args:
        photo: a picture file.
        pose: the target pose: a picture of somebody, or a pose file (ours, or one of OpenPose, AlphaPose or MMPose).
        person: which of several people in the photo: largest, left, right, a number (by size: 1 is the largest), a point
            X,Y on the person or a box L,T,R,B around the person, in pixels; none = the largest, and a note says how many
            there are.
        pose_person: the same for a picture as `--pose`; in a pose file, the person's number from 0, none = the one with
            the surest joints.
        source_pose: a pose file of the person in the photo; none = estimate the pose.
        model: a shipped model's name or a `.safetensors`.
        out: the picture to write; none = PHOTO-reposed.png beside the photo.
        joints: name of the pose estimator; none = movenet.
        pose_size: height and width of the picture of a pose file, if the file gives none; none = the photo's.
        pose_frame: which frame of a `--pose` with several, from 0.
        source_frame: which frame of a `--source-pose` with several, from 0.
        source_person: which of several people in `--source-pose`, from 0; none = the one with the surest joints.
        explain: also write a sheet of the inner pictures (flow, occlusion, ...) beside the result.
        device: cpu, cuda, ...; none = a CUDA GPU if there is one.
    """
    out = out or named_beside(photo, "-reposed.png")
    inputs = (photo, source_pose, pose, model)
    check_output_file(out, endings=PICTURE_ENDINGS, inputs=inputs)
    sheet = named_beside(out, "-explained.png")
    if explain:
        check_output_file(sheet, inputs=inputs, option="the sheet of --explain,")

    from reposer.core.device import chosen_device
    from reposer.data.pictures import read_picture, write_picture
    from reposer.evaluation.sheets import explanation_sheet, write_sheet
    from reposer.generators import load
    from reposer.pipeline import transfer

    from .photo_poses import person_in_photo, wanted_pose

    picture = read_picture(photo)
    source = person_in_photo(
        picture, photo, source_pose, joints, person, source_frame=source_frame, source_person=source_person
    )
    wanted = wanted_pose(pose, pose_size, source, frame=pose_frame, person=pose_person, estimator=joints)
    generator = load(model).to(chosen_device(device))
    answer = transfer(generator, picture, source, wanted, explain=explain)
    write_picture(out, answer.picture)
    console = Terminal(stderr=True)
    console.say(f"The picture: {out}")
    if answer.left_undone:
        console.say(answer.left_undone)
    if answer.explanation is not None:
        write_sheet(sheet, explanation_sheet(answer.explanation))
        console.say(f"How it was made: {sheet}")
    return 0
