"""The shipped pose estimator: how far its joints lie from another estimator's on real clips, and the time of a picture.

The folder of real data is named by the environment (REPOSER_REAL_DATA): `people_video` with clips and their joints,
which BlazePose found (squats) and another detector (juggling). The error of a joint is its distance, as a share of the
height of the box around the body's joints in that frame; a joint counts if both have it. Times are the processor's, of
one thread, so that a busy machine does not lengthen them; whole calls, decoding of the file excluded.
"""

import json
import os
import time
from pathlib import Path

import torch
from torch import Tensor

from reposer.core import Pose
from reposer.core.images import to_uint8
from reposer.core.skeleton import OPENPOSE_18
from reposer.data.poses import read_track
from reposer.data.video_files import VideoFile
from reposer.estimators.movenet import MoveNet
from reposer.synthetic.people import SyntheticPeople

from .measure import Call, Table

CLIPS = {"squats": "pose_squats", "juggling": "05_default_juggle"}
LOOKS = ("multipose alone", "multipose, then thunder")
SIZES = {"0.9 megapixels": (720, 1280), "12 megapixels": (3000, 4000)}
NEAR, NEARER = 0.1, 0.05
REPEATS = 8


def run(device: torch.device) -> list[Table]:
    """Two tables: errors, and times."""
    return [_errors(), _times()]


def _errors() -> Table:
    columns = (
        "clip",
        "joints by",
        "frames",
        "median error (% of the body's height)",
        f"within {NEARER:.0%} (%)",
        f"within {NEAR:.0%} (%)",
        "joints not found (%)",
    )
    root = os.environ.get("REPOSER_REAL_DATA")
    if root is None:
        return Table("joints in real clips: REPOSER_REAL_DATA names no folder, so nothing was measured", columns, [])
    movenet = MoveNet()
    rows = []
    for name, file in CLIPS.items():
        clip = VideoFile(Path(root) / "people_video" / f"{file}.mp4")
        path = Path(root) / "people_video" / f"{file}.coco18.json"
        truth = read_track(path, clip.size)
        unreliable = set(json.loads(path.read_text()).get("unreliable_frames", []))
        shares: dict[str, list[Tensor]] = {look: [] for look in LOOKS}
        lost: dict[str, list[Tensor]] = {look: [] for look in LOOKS}
        count = 0
        for t, frame in enumerate(clip.frames()):
            if t in unreliable or not truth[t].visible.any():
                continue
            count += 1
            people = movenet.people(frame)
            found = {LOOKS[0]: people[0], LOOKS[1]: movenet.refined(frame, people[0])} if people else {}
            for look in LOOKS:
                share, missing = _compared(found.get(look), truth[t])
                shares[look].append(share)
                lost[look].append(missing)
        for look in LOOKS:
            share = torch.cat(shares[look])
            rows.append(
                (
                    name,
                    look,
                    count,
                    100 * float(share.median()),
                    100 * float((share < NEARER).float().mean()),
                    100 * float((share < NEAR).float().mean()),
                    100 * float(torch.cat(lost[look]).float().mean()),
                )
            )
    return Table("joints in real clips, against another estimator's", columns, rows)


def _compared(found: Pose | None, truth: Pose) -> tuple[Tensor, Tensor]:
    """Errors of the joints that both have, as shares of the body's height; and which of the true ones were not
    found."""
    own = [k for k, joint in enumerate(OPENPOSE_18.joints) if joint != "neck"]  # MoveNet has none of its own
    seen = truth.visible[own]
    if found is None:
        return torch.empty(0), torch.ones(int(seen.sum()), dtype=torch.bool)
    pose = found.convert(OPENPOSE_18)
    _, top, _, bottom = truth.box()
    both = seen & pose.visible[own]
    distance = (pose.xy[own] - truth.xy[own]).norm(dim=-1) / (bottom - top)
    return distance[both], ~pose.visible[own][seen]


def _times() -> Table:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    movenet = MoveNet()  # keeps the number of threads that it begins with
    picture = to_uint8(SyntheticPeople((720, 495), "test", 24)[6].source)
    rows = []
    for name, (height, width) in SIZES.items():
        photo = torch.full((height, width, 3), 128, dtype=torch.uint8)
        scale = height // picture.shape[0]
        large = picture.repeat_interleave(scale, 0).repeat_interleave(scale, 1)
        photo[: large.shape[0], : large.shape[1]] = large
        rough = movenet.people(photo)[0]
        rows.append(
            (
                name,
                1000 * _least(lambda photo=photo: movenet.people(photo)),
                1000 * _least(lambda photo=photo, rough=rough: movenet.refined(photo, rough)),
                1000 * _least(lambda photo=photo: movenet(photo[None])),
                1000 * _least(lambda photo=photo: movenet.people(photo, closer=True)),
            )
        )
    torch.set_num_threads(threads)
    calls = ("everybody, roughly", "one person, exactly", "both", "everybody, a closer look")
    return Table("processor time per picture, one thread", ("photo", *(f"{call} (ms)" for call in calls)), rows)


def _least(call: Call) -> float:
    """The least processor time of a call, in seconds."""
    call()
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)
