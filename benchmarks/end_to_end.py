"""`reposer transfer PHOTO --pose OTHER_PHOTO` of 12 megapixels in processes of its own, from start to file.

It is also done by a process that waits for it (`reposer ready`). Beside both stand the command's parts, one after the
other in one process (the command decodes the photo and opens the estimator beside torch's import, estimates both poses
and reads the weights beside the import of other modules, and fills the background beside the target).
On a busy machine the time passes while others compute; processor time grows less, through shared caches.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

REPEATS = 3
POSE = "green-shirt.jpg"


def run(device: Any) -> list[Any]:
    from reposer.data.pictures import write_picture

    from .full_size import SIZE, large_photo
    from .measure import Table

    with tempfile.TemporaryDirectory() as folder:
        photo, out = Path(folder, "photo.jpg"), Path(folder, "out.png")
        write_picture(photo, large_photo()[0])
        pose = str(files("reposer.web").joinpath("samples", POSE))
        command = [
            "-m",
            "reposer.cli",
            "transfer",
            str(photo),
            "--pose",
            pose,
            "--out",
            str(out),
            "--device",
            str(device),
        ]
        whole = [_process(command)[:2] for _ in range(1 + REPEATS)][1:]  # the first fills the machine's caches
        ready = _with_a_ready_process(command)
        parts = [
            json.loads(_process(["-m", "benchmarks.end_to_end", str(photo), pose, str(out)])[2]) for _ in range(REPEATS)
        ]
    rows = [(name, *map(min, zip(*(part[name] for part in parts), strict=True))) for name in parts[0]]
    rows.append(("the whole command", *map(min, zip(*whole, strict=True))))
    rows.append(("the whole command, by a ready process", *ready))
    title = f"transfer of a photo of {SIZE[0]}x{SIZE[1]} with the pose of a photo"
    note = (
        f"best of {REPEATS}; processor seconds with a ready process include that the next one is made ready; load of "
        f"the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    return [Table(title, ("part", "seconds", "processor seconds"), list(rows), note)]


def _with_a_ready_process(command: list[str]) -> tuple[float, float]:
    """Seconds of a call by a process that waits for it, and the processor seconds of both and of making it ready."""
    if sys.platform != "linux":
        return math.nan, math.nan
    found = []
    with tempfile.TemporaryDirectory() as home:  # of mode 0700, as XDG asks
        variables = {"XDG_RUNTIME_DIR": home}
        try:
            for _ in range(REPEATS):
                _process(["-m", "reposer.cli", "ready"], variables)  # ends when a process waits
                pid = json.loads(next(Path(home, "reposer").glob("*.json")).read_text())["pid"]
                before = _of_ended_children(pid)
                seconds, of_caller, _ = _process(command, variables)
                _process(["-m", "reposer.cli", "ready"], variables)
                found.append((seconds, of_caller + _of_ended_children(pid) - before))
        finally:
            _process(["-m", "reposer.cli", "ready", "--stop"], variables)
    seconds, used = map(min, zip(*found, strict=True))
    return seconds, used


def _of_ended_children(pid: int) -> float:
    """Processor seconds of the children of a process that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def _process(arguments: list[str], variables: Mapping[str, str] | None = None) -> tuple[float, float, str]:
    """Seconds, processor seconds and output of a Python process."""
    start, before = time.perf_counter(), os.times()
    environment = {**os.environ, **(variables or {})}
    done = subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True, env=environment)
    seconds, after = time.perf_counter() - start, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return seconds, used, done.stdout


def _parts(photo: Path, pose: Path, out: Path) -> dict[str, tuple[float, float]]:
    """Seconds and processor seconds of each part."""
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")  # as the command
    found: dict[str, tuple[float, float]] = {}
    last = time.perf_counter(), 0.0

    def ends(name: str) -> None:
        nonlocal last
        now = time.perf_counter(), time.process_time()
        found[name] = now[0] - last[0], now[1] - last[1]
        last = now

    from reposer.cli.startup import WithoutCollector, leave_for_first_use

    sys.meta_path.insert(0, WithoutCollector("torch"))
    leave_for_first_use()
    import torch  # noqa: F401

    ends("Python and torch")
    import reposer.cli.transfer
    import reposer.estimators.movenet
    import reposer.generators.trueflow  # noqa: F401
    from reposer.core import Pose
    from reposer.core.onnx_sessions import onnxruntime
    from reposer.generators import load
    from reposer.own_photo import Reposed, as_bytes, estimate_pose, fitted
    from reposer.pipeline import PhotoCrop, crop_edges

    onnxruntime()
    ends("other modules")
    picture, other = as_bytes(photo), as_bytes(pose)
    ends("decoding")
    own, wanted = (estimate_pose(shown.numpy()) for shown in (picture, other))
    ends("estimation")
    generator = load("trueflow")
    ends("weights")
    own, target = (one.convert(generator.skeleton) for one in (own, fitted(wanted, own, str(pose))))
    target = target if target.size == own.size else target.resize(own.size)
    size = generator.framing.person_size
    crop = PhotoCrop(picture, crop_edges(own, target, generator.framing, size), generator.framing, size)
    laid, poses = crop.laid(), [Pose.stack([crop.place(one)]) for one in (own, target)]
    ends("geometry")
    explanation = generator.explain(laid, *poses)
    ends("generation")
    made = crop.composed(explanation)
    ends("composition")
    from PIL import Image

    Reposed(Image.fromarray(made.picture.numpy()), target, own).save(out)
    ends("writing")
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_parts(*map(Path, sys.argv[1:]))) + "\n")
