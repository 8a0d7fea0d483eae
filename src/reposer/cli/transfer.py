"""`reposer transfer PHOTO --pose OTHER_PHOTO`: put the person of a photo into another pose."""

from collections.abc import Sequence
from pathlib import Path

from tyro.conf import Positional

from reposer.core import BadInput
from reposer.core.choices import Background, CanvasChoice
from reposer.core.outputs import PICTURE_ENDINGS, check_output_file, named_beside
from reposer.core.terminal import Terminal

from .options import called


def run(arguments: Sequence[str]) -> int:
    return called(transfer_photo, arguments, "transfer", __doc__)


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
    pose_format: str | None = None,
    source_frame: int | None = None,
    source_person: int | None = None,
    more_photos: tuple[Path, ...] = (),
    more_poses: tuple[Path, ...] = (),
    background: Background = "keep",
    canvas: CanvasChoice = "keep",
    retarget: bool = True,
    show_retarget: bool = False,
    explain: bool = False,
    provenance: bool = False,
    mark: bool = False,
    note: bool = True,
    device: str | None = None,
) -> int:
    """The photo may have any size: crop, resize and padding follow the pose and are undone in the result.

    Args:
        photo: a picture file.
        pose: the target pose: a picture of somebody, or a pose file, a picture of a skeleton, or a name of
            `reposer pose list`.
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
        pose_format: form of the pose file; none = recognised (`reposer pose convert --help` lists them).
        source_frame: which frame of a `--source-pose` with several, from 0.
        source_person: which of several people in `--source-pose`, from 0; none = the one with the surest joints.
        more_photos: further photos of the same person, whose unseen sides they show; for models that take several
            (trueflow).
        more_poses: a pose file for each of `--more-photos`, in their order; none = estimate them.
        background: keep = as the model gives it (trueflow: the photo's own, filled where the person stood); fill = that
            for every model; white or transparent (PNG) = the person alone.
        canvas: if a limb leaves the photo: keep = it is cut, and a line says so; grow = the picture grows; inside = the
            pose is moved inside, and made smaller if it must be.
        retarget: fit another person's pose to the proportions of the photo's; otherwise only to size and place.
        show_retarget: also write the skeletons before and after over the photo, OUT-retarget.png.
        explain: also write a sheet of the inner pictures (flow, occlusion, ...) beside the result.
        provenance: also write where each pixel comes from beside the result, as a picture and as an `.npz` (kind, place).
        mark: write "AI-generated" in the picture's corner.
        note: write into the file's metadata (XMP) that it was generated, by what, and the checksums of its inputs.
        device: cpu, cuda, ...; none = a CUDA GPU if there is one.
    """
    out = out or named_beside(photo, "-reposed.png")
    inputs = (photo, source_pose, pose, model, *more_photos, *more_poses)
    endings = (".png",) if background == "transparent" else PICTURE_ENDINGS
    check_output_file(out, endings=endings, inputs=inputs)
    sheet = named_beside(out, "-explained.png")
    if explain:
        check_output_file(sheet, inputs=inputs, option="the sheet of --explain,")

    compared = named_beside(out, "-retarget.png")
    if show_retarget:
        check_output_file(compared, inputs=inputs, option="the picture of --show-retarget,")
    places = [named_beside(out, f"-provenance{ending}") for ending in (".png", ".npz")]
    for place in places if provenance else ():
        check_output_file(place, inputs=inputs, option="the file of --provenance,")
    if more_poses and len(more_poses) != len(more_photos):
        raise BadInput(
            f"--more-poses names {len(more_poses)} files for {len(more_photos)} photos of --more-photos. Give one for each, or "
            f"none: then they are estimated."
        )

    from reposer import __version__
    from reposer.core.device import chosen_device
    from reposer.data.generated_note import GeneratedNote, digest, marked
    from reposer.data.pictures import read_picture, write_picture
    from reposer.data.provenance_files import told_shares, write_provenance
    from reposer.evaluation.sheets import explanation_sheet, write_sheet
    from reposer.generators import load, shipped_models
    from reposer.pipeline import transfer

    from .photo_poses import person_in_photo, tell_inferred, wanted_pose
    from .pose_pictures import before_and_after

    picture = read_picture(photo)
    source = person_in_photo(
        picture, photo, source_pose, joints, person, source_frame=source_frame, source_person=source_person
    )
    wanted = wanted_pose(
        pose,
        pose_size,
        source,
        frame=pose_frame,
        person=pose_person,
        estimator=joints,
        form=pose_format,
        retargeted=retarget,
    )
    further = []
    for number, other in enumerate(more_photos):
        shown = read_picture(other)
        own = more_poses[number] if more_poses else None
        further.append((shown, person_in_photo(shown, other, own, joints)))
    generator = load(model).to(chosen_device(device))
    answer = transfer(
        generator,
        picture,
        source,
        wanted,
        more=further,
        explain=explain,
        provenance=provenance,
        background=background,
        canvas=canvas,
        retargeted=retarget,
    )
    xmp = None
    if note:
        files = {"photo": photo, "source pose": source_pose, "pose": pose}
        files |= {f"further photo {n}": path for n, path in enumerate(more_photos, 1)}
        files |= {f"pose of further photo {n}": path for n, path in enumerate(more_poses, 1)}
        weights = Path(model) if Path(model).is_file() else shipped_models()[model]
        digests = {role: digest(path) for role, path in files.items() if path is not None and path.exists()}
        xmp = GeneratedNote(f"Reposer {__version__}", weights.stem, digest(weights), digests).xmp()
    write_picture(out, marked(answer.picture) if mark else answer.picture, xmp=xmp)
    console = Terminal(stderr=True)
    console.say(f"The picture: {out}")
    tell_inferred(wanted, answer.target_pose)
    if show_retarget:
        write_picture(compared, before_and_after(picture, source, wanted, answer.target_pose))
        console.say(f"The pose before and after it was fitted: {compared}")
    if answer.cut:
        console.say(
            f"The pose leaves the photo with {len(answer.cut)} joints, and is cut there: {', '.join(answer.cut)}. --canvas grow "
            f"makes the picture larger, --canvas inside moves the pose."
        )
    if answer.provenance is not None:
        write_provenance(places[0], places[1], answer.provenance)
        console.say(f"Where its pixels come from: {places[0]} and {places[1]}")
        console.say(told_shares(answer.provenance))
    if answer.left_undone:
        console.say(answer.left_undone)
    if answer.explanation is not None:
        write_sheet(sheet, explanation_sheet(answer.explanation))
        console.say(f"How it was made: {sheet}")
    return 0
