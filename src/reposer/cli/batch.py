"""`reposer batch PHOTOS --poses POSES --out FOLDER`: every photo in every pose, or the rows of a CSV manifest."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from reposer.core import BadInput
from reposer.core.choices import Background, CanvasChoice, Engine, HeadChoice, OtherSide, Preset, Runtime
from reposer.core.outputs import check_output_folder
from reposer.core.terminal import Terminal

from .needed import begins, if_it_can_be_told, refuse_elsewhere
from .option_values import MOST_WORKERS, size, within
from .options import called

FAILURES_SHOWN = 10


def run(arguments: Sequence[str]) -> int:
    return called(batch, arguments, "batch", __doc__)


def batch(
    photos: Positional[Path],
    *,
    out: Path,
    poses: str | None = None,
    model: str = "trueflow",
    joints: str | None = None,
    background: Background = "keep",
    canvas: CanvasChoice = "keep",
    retarget: bool = True,
    head: HeadChoice = "keep",
    other_side: OtherSide = "mirrored",
    mark: bool = False,
    format: Literal["png", "jpg"] = "png",
    workers: int = 2,
    engine: Engine = "local",
    runtime: Runtime | None = None,
    preset: Preset | None = None,
    device: str | None = None,
    max_memory: str | None = None,
) -> int:
    """A stopped or killed batch goes on with the same command: a picture that was made from the same photo, pose,
    weights and options is kept. A pair that cannot be done does not stop the others: it is listed with its reason, in
    OUT/failures.csv too, and the exit code is 1. What was decided on the way (which of several people, joints outside
    of the photo) is listed in OUT/notes.csv.

    Args:
        photos: a folder of photos, a photo, or a CSV file with the columns photo and pose and, if wanted, person,
            pose_person and out; its paths are relative to its folder, those of out to `--out`.
        out: folder of the results, OUT/PHOTO_in_POSE.png.
        poses: a folder of pose files and pictures of people, one of them, or a name of `reposer pose list`; not with a
            CSV file.
        model: a shipped model's name, a `.safetensors`, a run's folder, or hf://OWNER/NAME.
        joints: name of the pose estimator; none = movenet.
        background: as in `reposer transfer`.
        canvas: as in `reposer transfer`.
        retarget: fit another person's pose to the proportions of the photo's; otherwise only to size and place.
        head: keep = in its direction in the photo, where the neck of a fitted pose can turn it there; pose = as in the
            pose.
        other_side: as in `reposer transfer`.
        mark: write "AI-generated" in each picture's corner.
        format: of the results, unless a manifest names them.
        workers: processes, one thread each; 0 = this one. The bytes do not depend on their number.
        engine: local = processes of this machine; ray = those of the Ray cluster that RAY_ADDRESS names, or of a Ray on
            this machine (extra `cluster`).
        runtime: what runs the network in each process, as `--engine` in `reposer transfer`; with Ray, the graph is
            recorded on each machine.
        preset: fast, balanced or best, as in `reposer transfer`.
        device: cpu, cuda, ...; none = a CUDA GPU if there is one.
        max_memory: the most memory, over all processes, for example 800M or 4G; fewer `--workers` are chosen so that it
            holds, or nothing is begun. none = no limit.
    """
    most = size("--max-memory", max_memory)
    within("--workers", workers, 0, MOST_WORKERS)
    check_output_folder(out)
    if background == "transparent" and format == "jpg":
        raise BadInput("JPEG has no transparency. Give --format png, or --background white.")

    from reposer.batch import NOTES, Options, all_pairs, manifest, write_failures
    from reposer.batch import run as made
    from reposer.core.device import chosen_device
    from reposer.engines.presets import chosen
    from reposer.estimated import ESTIMATOR
    from reposer.needs.pictures import need_of_batch

    from .progress import counted

    ending = f".{format}"
    if photos.suffix.lower() == ".csv":
        if poses is not None:
            raise BadInput(f"{photos} names the poses itself; leave --poses out.")
        if not photos.is_file():
            raise BadInput(f"There is no file {photos}.")
        jobs = manifest(photos, out, ending)
    else:
        if poses is None:
            raise BadInput(
                "--poses is missing: a folder of poses, a pose file, a picture, or a name of `reposer pose list`."
            )
        jobs = all_pairs(photos, poses, out, ending)
    if background == "transparent" and (job := next((j for j in jobs if j.out.suffix.lower() != ".png"), None)):
        raise BadInput(f"{job.out} is to be transparent, and only PNG files can be.")
    console = Terminal(stderr=True)
    choice = chosen(preset, model, runtime)
    options = Options(
        model=choice.model,
        estimator=joints or ESTIMATOR,
        background=background,
        canvas=canvas,
        retargeted=retarget,
        head=head,
        other_side=other_side,
        mark=mark,
        device=device,
        runtime=choice.runtime,
        network_size=choice.size,
    )
    if engine == "local" and chosen_device(device).type == "cpu":
        with if_it_can_be_told(most):
            photos_of_jobs = (job.photo for job in jobs)
            workers, need = need_of_batch(choice.model, photos_of_jobs, workers, network_size=choice.size, most=most)
            begins(need)
    else:
        refuse_elsewhere(most, "a cluster" if engine == "ray" else "a GPU")
    done = list(
        counted(
            made(jobs, out, options, workers=workers, engine=engine), "pictures", len(jobs), console, unit="pictures"
        )
    )
    failed = [d for d in done if d.failure]
    listed = write_failures(out, done)
    new = sum(d.new and not d.failure for d in done)
    kept = len(done) - new - len(failed)
    console.say(f"{new} pictures made, {kept} kept from before, {len(failed)} failed: {out}")
    for d in failed[:FAILURES_SHOWN]:
        console.say(f"{d.job.photo} in {d.job.pose}: {d.failure}")
    if (out / NOTES).is_file():
        noted = sum(bool(d.notes) for d in done)
        console.say(f"Notes on {noted} of the pictures made now (several people, cut limbs, ...): {out / NOTES}")
    if listed is not None:
        console.say(f"All failures: {listed}")
    return 1 if failed else 0
