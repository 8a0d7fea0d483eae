"""`reposer transfer PHOTO --pose OTHER_PHOTO`: put the person of a photo into another pose."""

import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tyro.conf import Positional

from reposer.core import BadInput
from reposer.core.choices import Background, CanvasChoice, HeadChoice, OtherSide, Preset, Runtime
from reposer.core.outputs import PICTURE_ENDINGS, check_output_file, named_beside
from reposer.core.processes import closing_soon
from reposer.core.terminal import Terminal

from .needed import begins, if_it_can_be_told, is_wanted, refuse_elsewhere
from .option_values import size
from .options import called
from .ready.option import minutes_asked, with_minutes
from .ready.option import refuse_elsewhere as refuse_without_ready
from .startup import leave_for_first_use, torch_library, torch_threads

LARGEST_BESIDE = 2_000_000
"""Bytes of a pose's picture up to which it is decoded beside the photo; more would not fit beside it in memory."""


def run(arguments: Sequence[str]) -> int:
    if not {"-h", "--help"} & set(arguments):
        threading.Thread(target=torch_library).start()
    return called(transfer_photo, with_minutes(arguments), "transfer", __doc__)


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
    head: HeadChoice = "keep",
    other_side: OtherSide = "mirrored",
    show_retarget: bool = False,
    explain: bool = False,
    provenance: bool = False,
    mark: bool = False,
    note: bool = True,
    device: str | None = None,
    engine: Runtime | None = None,
    preset: Preset | None = None,
    max_memory: str | None = None,
    ready: float | None = None,
) -> int:
    """The photo may have any size: crop, resize and padding follow the pose and are undone in the result.

    Args:
        photo: a picture file.
        pose: the target pose: a picture of somebody, or a pose file, a picture of a skeleton, or a name of
            `reposer pose list`.
        person: which of several people in the photo: largest, left, right, a number (by size: 1 is the largest), a
            point X,Y on the person or a box L,T,R,B around the person, in pixels; none = the largest, and a note says
            how many there are.
        pose_person: the same for a picture as `--pose`; in a pose file, the person's number from 0, none = the one with
            the surest joints.
        source_pose: a pose file of the person in the photo; none = estimate the pose.
        model: a shipped model's name, a `.safetensors`, a run's folder, or hf://OWNER/NAME.
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
        head: keep = in its direction in the photo, where the neck of a fitted pose can turn it there; pose = as in the
            pose.
        other_side: what no photo shows of clothes and limbs, if much of it is hidden, for models that say what they
            copy (trueflow): mirrored = copied from the body's other side, a print or an open jacket too; plain =
            guessed, smooth.
        show_retarget: also write the skeletons before and after over the photo, OUT-retarget.png.
        explain: also write a sheet of the inner pictures (flow, occlusion, ...) beside the result.
        provenance: also write where each pixel comes from beside the result, as a picture and as an `.npz` (kind,
        place).
        mark: write "AI-generated" in the picture's corner.
        note: write into the file's metadata (XMP) that it was generated, by what, and the checksums of its inputs.
        device: cpu, cuda, ...; none = a CUDA GPU if there is one.
        engine: what runs the network (docs/fast.md); onnxruntime and openvino run on the CPU, and record its graph the
            first time, which takes a minute or two; none = torch.
        preset: fast, balanced or best: model, size and engine in one word, with figures in docs/fast.md; none =
            balanced.
        max_memory: the most memory, for example 800M or 4G: nothing is begun if more is needed, and what would fit is
            said. none = no limit.
        ready: keep a process ready for the next calls, which take about 60 % of the time; it ends so many minutes
            after the last one (without a number: 10), or with `reposer ready --stop`. none = as the variable
            REPOSER_READY says, or else no process.
    """
    minutes = minutes_asked(ready)
    if minutes is not None:
        refuse_without_ready()
    most = size("--max-memory", max_memory)
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
    if explain and engine not in (None, "torch"):
        raise BadInput(
            f"--explain shows what is inside the network, which --engine {engine} does not give. Leave one out."
        )
    if more_poses and len(more_poses) != len(more_photos):
        raise BadInput(
            f"--more-poses names {len(more_poses)} files for {len(more_photos)} photos of --more-photos. Give one for "
            "each, or none: then they are estimated."
        )

    if is_wanted(most):
        _say_need(photo, pose, pose_format, source_pose, more_photos, more_poses, model, device, engine, preset, most)

    from reposer.data.decoding import decoded_file

    with closing_soon(ThreadPoolExecutor(3)) as aside:  # while torch and the other modules load
        decoded = aside.submit(decoded_file, photo)
        if joints is None and source_pose is None and "torch" not in sys.modules:
            aside.submit(_open_estimator)
        if (model, engine, preset) == ("trueflow", None, None):  # what other packages or runtimes need is not known
            leave_for_first_use()

        import torch

        from reposer.estimated import ESTIMATOR, estimated
        from reposer.estimators.people_choice import parse_person

        looked = None
        if joints is None and source_pose is None:
            looked = aside.submit(
                lambda: estimated(
                    torch.from_numpy(decoded.result()), str(photo), None if person is None else parse_person(person)
                )
            )

        from reposer.data.pictures import write_picture
        from reposer.data.provenance_files import told_shares, write_provenance
        from reposer.engines.presets import chosen
        from reposer.own_photo import Opened, PoseFile, repose, wanted_alone

        from .photo_poses import chosen_person, source_file, tell
        from .pose_pictures import before_and_after

        choice = chosen(preset, model, engine)
        wanted = PoseFile(pose, pose_size, pose_frame, form=pose_format)
        begun = None
        if pose_person is None and pose.is_file() and pose.stat().st_size < LARGEST_BESIDE:
            begun = aside.submit(wanted_alone, wanted, None, joints or ESTIMATOR)
        opened = Opened(photo, torch.from_numpy(decoded.result()), looked=looked)
        further = [(photo, more_poses[n] if more_poses else None) for n, photo in enumerate(more_photos)]
        made = repose(
            photo,
            wanted,
            person=chosen_person(person),
            pose_person=chosen_person(pose_person, "--pose-person"),
            source_pose=source_file(source_pose, source_frame, source_person),
            more=further,
            model=choice.model,
            estimator=joints or ESTIMATOR,
            explain=explain,
            provenance=provenance,
            background=background,
            canvas=canvas,
            retargeted=retarget,
            head=head,
            other_side=other_side,
            device=device,
            engine=choice.runtime,
            network_size=choice.size,
            opened=opened,
            begun=begun,
        )
    made.save(out, note=note, mark=mark)
    console = Terminal(stderr=True)
    tell(made.notes)
    console.say(f"The picture: {out}")
    if show_retarget:
        write_picture(compared, before_and_after(opened.pixels, made))
        console.say(f"The pose before and after it was fitted: {compared}")
    if made.provenance is not None:
        write_provenance(places[0], places[1], made.provenance)
        console.say(f"Where its pixels come from: {places[0]} and {places[1]}")
        console.say(told_shares(made.provenance))
    if made.explanation is not None:
        from reposer.evaluation.sheets import explanation_sheet, write_sheet

        write_sheet(sheet, explanation_sheet(made.explanation))
        console.say(f"How it was made: {sheet}")
    if minutes is not None:
        from .ready.client import kept_ready

        _, said = kept_ready(minutes)
        if said is not None:
            console.say(said)
    return 0


def _open_estimator() -> None:
    """Opens the default pose estimator's networks, for whoever asks for it."""
    from reposer.core.onnx_sessions import CPU, open_ahead
    from reposer.core.shipped import MOVENET, SHIPPED, SPINNING

    if (threads := torch_threads()) is not None:
        open_ahead([SHIPPED / name for name in MOVENET], (CPU,), threads, spinning=SPINNING)


def _say_need(
    photo: Path,
    pose: Path,
    pose_format: str | None,
    source_pose: Path | None,
    more_photos: Sequence[Path],
    more_poses: Sequence[Path],
    model: str,
    device: str | None,
    engine: Runtime | None,
    preset: Preset | None,
    most: float | None,
) -> None:
    """BadInput if more than `most` bytes are needed."""
    from reposer.engines.presets import chosen
    from reposer.engines.run import chosen_runtime
    from reposer.needs.pictures import need_of_photo
    from reposer.own_photo import POSE_FILES, is_preset

    choice = chosen(preset, model, engine)
    place, _ = chosen_runtime(device, choice.runtime)
    if place != "cpu":
        refuse_elsewhere(most, place)
    names_joints = pose_format is not None or pose.is_dir() or pose.suffix.lower() in POSE_FILES
    looked_at = [] if names_joints or is_preset(pose) else [pose]
    for file in (*([pose] if names_joints else ()), *filter(None, (source_pose,)), *more_poses):
        if not file.exists():
            raise BadInput(f"There is no file {file}.")
    estimated = source_pose is None or bool(looked_at) or len(more_poses) < len(more_photos)
    with if_it_can_be_told(most):
        need = need_of_photo(
            choice.model,
            [photo, *more_photos],
            looked_at=looked_at,
            estimated=estimated,
            network_size=choice.size,
            most=most,
        )
        begins(need)
