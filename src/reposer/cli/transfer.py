"""`reposer transfer PHOTO --source-pose A.json --pose B.json`: put the person of a photo into another pose."""

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
    source_pose: Path,
    pose: Path,
    model: str = "trueflow",
    out: Path | None = None,
    pose_size: tuple[int, int] | None = None,
    pose_frame: int | None = None,
    pose_person: int | None = None,
    source_frame: int | None = None,
    source_person: int | None = None,
    explain: bool = False,
    device: str | None = None,
) -> int:
    """The photo may have any size: crop, resize and padding follow the pose and are undone in the result.

    Args:
        photo: a picture file.
        source_pose: the joints of the person in the photo: our pose file, or one of OpenPose, AlphaPose or MMPose.
        pose: the joints of the target pose, in the same formats.
        model: a shipped model's name or a `.safetensors`.
        out: the picture to write; none = PHOTO-reposed.png beside the photo.
        pose_size: height and width of the picture of `--pose`, if the file gives none; none = the photo's.
        pose_frame: which frame of a `--pose` with several, from 0.
        pose_person: which of several people in `--pose`, from 0; none = the one with the surest joints.
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

    from .photo_poses import photos_pose, wanted_pose

    picture = read_picture(photo)
    photo_size = (picture.shape[0], picture.shape[1])
    source = photos_pose(source_pose, photo_size, photo, frame=source_frame, person=source_person)
    wanted = wanted_pose(pose, pose_size, photo_size, frame=pose_frame, person=pose_person)
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
