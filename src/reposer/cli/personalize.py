"""`reposer personalize CLIP_OR_FOLDER --out FILE.safetensors`: fit TrueFlow to one person, and say on held-out frames
what it brought."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tyro.conf import Positional

from reposer.core import BadInput
from reposer.core.outputs import check_output_file, check_output_folder, named_beside
from reposer.core.terminal import Terminal

from .option_values import MOST_WORKERS, above, within
from .options import called

LEFT_OUT_SHOWN = 5


def run(arguments: Sequence[str]) -> int:
    return called(personalize_person, arguments, "personalize", __doc__)


def personalize_person(
    source: Positional[Path],
    *,
    out: Path,
    minutes: float = 10,
    model: str = "trueflow",
    track: Path | None = None,
    joints: str | None = None,
    work: Path | None = None,
    threads: int | None = None,
) -> int:
    """Frames are taken from the clip (or all photos of the folder), and the last fifth of them is held out; the network
    learns from the others, and both networks are scored on the held-out ones. If the new one is not better there,
    nothing is written and the exit code is 1. The same command goes on after it was stopped.

    Args:
        source: a clip, or a folder of photos, of one person.
        out: the `.safetensors` to write; every command takes it as --model.
        minutes: of training, on this machine.
        model: the network to begin with: a shipped model's name, a `.safetensors`, a run's folder, or hf://OWNER/NAME
            of the family trueflow.
        track: joints of the clip's person; none = the track beside it, or else a pose estimator. Photos may have their
            joints beside them (PHOTO.json).
        joints: name of the pose estimator, in the place of files.
        work: folder of frames and run, which may be removed afterwards; none = runs/personal-NAME.
        threads: CPU threads; none = torch's choice.
    """
    above("--minutes", minutes)
    within("--threads", threads, 1, MOST_WORKERS)
    check_output_file(out, endings=(".safetensors",), inputs=(source, track, model))
    sheet = named_beside(out, "-before-after.png")
    check_output_file(sheet, inputs=(source, track, model), option="the sheet beside --out,")
    work = work or Path("runs") / f"personal-{source.resolve().stem}"
    check_output_folder(work, option="--work")
    if source.is_dir() and track is not None:
        raise BadInput("--track is of a clip; photos have their joints beside them (PHOTO.json).")

    import torch

    from reposer.evaluation.numbers import better, titled, written
    from reposer.personalize import ABOUT, DECIDES, FRAMES, personalize

    from .photo_poses import tell
    from .progress import counted

    if threads is not None:
        torch.set_num_threads(threads)
    console = Terminal(stderr=True)

    def reading(frames: Iterable[Any], total: int) -> Iterable[Any]:
        return counted(frames, "reading frames", total, console)

    done = personalize(
        source,
        out,
        work=work,
        minutes=minutes,
        model=model,
        track=track,
        estimator=joints,
        sheet=sheet,
        progress=reading,
    )
    tell(done.notes[:LEFT_OUT_SHOWN])
    if len(done.notes) > LEFT_OUT_SHOWN:
        console.say(f"... and {len(done.notes) - LEFT_OUT_SHOWN} more notes: {work / FRAMES / ABOUT}")
    for name, reason in list(done.left_out.items())[:LEFT_OUT_SHOWN]:
        console.say(f"Left out {name}: {reason}")
    if len(done.left_out) > LEFT_OUT_SHOWN:
        console.say(f"... and {len(done.left_out) - LEFT_OUT_SHOWN} more")
    if done.signal:
        console.say("Stopped; the same command goes on from here.")
        return 128 + done.signal
    assert done.before is not None and done.after is not None
    pairs = len(done.after.rows)
    console.say(
        f"Trained on {done.trained_on} frames for {done.minutes:.1f} minutes ({done.steps} steps); {done.held_out} "
        f"frames were held out."
    )
    for metric, after in done.after.summary.items():
        before = done.before.summary[metric]
        values = [written(metric, s.value.mean, s.low, s.high) for s in (before, after)]
        Terminal().say(
            f"{titled(metric)} ({better(metric)} is better, {pairs} pairs): {values[0]} before, {values[1]} after"
        )
    console.say(f"Held-out frames, before and after: {sheet}")
    if not done.written:
        console.say(
            f"{DECIDES} is not better on the held-out frames, so {out} is not written. More frames or minutes may help."
        )
        return 1
    console.say(f"The network: {out} (give it as --model to transfer, animate, evaluate)")
    return 0
