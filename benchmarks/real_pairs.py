"""The shipped generator on pairs of frames of real people whom it never saw, whose poses are far apart, beside copying
the source.

The folder of real data is named by the environment (REPOSER_REAL_DATA): `people_video` with clips and their joints,
`people_real` with folders of JPEG and joints. The pairs are fixed by a seed. L1 inside the target's limbs (radius 1/32
of the height), in [0, 1]; PSNR of the whole crop, in dB; at the generator's size. Composed: the crop as a photo of its
own, as `transfer` puts it together from the photo's pixels; low and high: the 95 % bootstrap interval over the pairs.
REPOSER_REAL_PAIRS: the most pairs of each of them.
"""

import json
import os
import random
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from reposer.core import Generator, Pose
from reposer.core.images import from_uint8, to_uint8
from reposer.data.pictures import read_picture
from reposer.data.video_files import VideoFile
from reposer.evaluation.intervals import bootstrap_interval
from reposer.generators import load
from reposer.nn.maps import limb_mask
from reposer.pipeline import transfer

from .measure import Table

MODEL = "trueflow"
CLIPS = {"squats": "pose_squats", "juggler": "05_default_juggle"}
PAIRS = {"clip": 40, "folder": 20}
SINGLE = "single_views"
"""A folder of `people_real` that has one frame of each person, so no pairs."""
MARGIN = 0.18
"""Room around the joints of both poses, as a share of the larger side of their box."""
ROWS = 4
"""Pairs generated at once."""
COLUMNS = (
    "people",
    "pairs",
    "L1 copied",
    f"L1 {MODEL}",
    "L1 composed",
    "L1 composed, low",
    "high",
    "PSNR copied (dB)",
    f"PSNR {MODEL} (dB)",
    "PSNR composed (dB)",
)
MOST = int(os.environ.get("REPOSER_REAL_PAIRS", 1000))

Frame = tuple[Tensor, Pose]


def run(device: torch.device) -> list[Table]:
    """One row per clip and folder."""
    root = os.environ.get("REPOSER_REAL_DATA")
    if root is None:
        return [Table("real people: REPOSER_REAL_DATA names no folder, so nothing was measured", COLUMNS, [])]
    generator = load(MODEL).to(device)
    rows = [
        (name, len(pairs), *_scores(generator, frames, pairs, device)) for name, frames, pairs in _people(Path(root))
    ]
    return [Table("real people that were never trained on, pairs of frames", COLUMNS, list(rows))]


def _people(root: Path) -> Iterator[tuple[str, dict[str, Frame], list[tuple[str, str]]]]:
    for name, file in CLIPS.items():
        frames = _clip_frames(root / "people_video" / f"{file}.mp4")
        yield name, frames, _far_pairs(frames, PAIRS["clip"])[:MOST]
    for about in json.loads((root / "people_real" / "people.json").read_text()):
        if about["id"] != SINGLE:
            frames = {frame: _photo(root / "people_real" / about["id"] / frame) for frame in about["frames"]}
            pairs = list(permutations(frames, 2))
            random.Random(0).shuffle(pairs)
            yield about["id"], frames, pairs[: min(MOST, PAIRS["folder"])]


def _clip_frames(path: Path) -> dict[str, Frame]:
    about = json.loads(path.with_suffix(".coco18.json").read_text())
    left_out = set(about["unreliable_frames"])
    frames = {}
    for t, (picture, joints) in enumerate(zip(VideoFile(path).frames(), about["keypoints"], strict=False)):
        if t not in left_out:
            xy = torch.tensor(joints).float()
            frames[str(t)] = picture, Pose(xy, (xy >= 0).all(1), (picture.shape[0], picture.shape[1]))
    return frames


def _photo(path: Path) -> Frame:
    about = json.loads(path.with_suffix(".json").read_text())
    picture = read_picture(path.with_suffix(".jpg"))
    xy = torch.tensor([joint or [0, 0] for joint in about["keypoints"]]).float()
    found = torch.tensor([joint is not None for joint in about["keypoints"]])
    pose = Pose(xy, found, (about["size"][0], about["size"][1]))
    return picture, pose.resize((picture.shape[0], picture.shape[1]))


def _far_pairs(frames: dict[str, Frame], count: int) -> list[tuple[str, str]]:
    """Pairs in the upper quarter of pose distance: mean distance of joints about their middle, in heights of the
    person."""
    distances = {pair: _distance(frames[pair[0]][1], frames[pair[1]][1]) for pair in permutations(frames, 2)}
    least = float(np.quantile(list(distances.values()), 0.75))
    pairs = [pair for pair, distance in distances.items() if distance >= least]
    random.Random(0).shuffle(pairs)
    return pairs[:count]


def _distance(a: Pose, b: Pose) -> float:
    both = a.visible & b.visible
    p, q = a.xy[both], b.xy[both]
    height = np.ptp(a.xy[a.visible][:, 1].numpy())
    return float(((p - p.mean(0)) - (q - q.mean(0))).norm(dim=1).mean() / height)


def _scores(
    generator: Generator, frames: dict[str, Frame], pairs: list[tuple[str, str]], device: torch.device
) -> tuple[float, ...]:
    size = generator.framing.size
    found = []
    for a, b in pairs:
        (source, source_pose), (target, target_pose) = frames[a], frames[b]
        together = source.shape == target.shape  # one camera: one crop for both
        first = _box([source_pose, target_pose] if together else [source_pose], size)
        second = first if together else _box([target_pose], size)
        found.append((*_cropped(source, source_pose, first, size), *_cropped(target, target_pose, second, size)))
    sources, source_poses, targets, target_poses = zip(*found, strict=True)
    source, target = torch.stack(sources).to(device), torch.stack(targets).to(device)
    own, wanted = Pose.stack(source_poses).to(device), Pose.stack(target_poses).to(device)
    rows = range(0, len(pairs), ROWS)
    generated = torch.cat(
        [generator.generate(source[i : i + ROWS], own[i : i + ROWS], wanted[i : i + ROWS]) for i in rows]
    )
    composed = [
        from_uint8(transfer(generator, to_uint8(photo), pose, other).picture)
        for photo, pose, other in zip(sources, source_poses, target_poses, strict=True)
    ]
    mask, shown = limb_mask(wanted, size[0] / 32), (source, generated, torch.stack(composed).to(device))
    by_pair = [_l1(one, target, mask) for one in shown]
    interval = bootstrap_interval(by_pair[-1].tolist())
    return (*(float(one.mean()) for one in by_pair), *interval, *(_psnr(one, target) for one in shown))


def _box(poses: list[Pose], size: tuple[int, int]) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) around all joints, with room, of the shape of `size`."""
    xy = torch.cat([pose.xy[pose.visible] for pose in poses])
    low, high = xy.amin(0), xy.amax(0)
    (x, y), (width, height) = ((low + high) / 2).tolist(), (high - low).tolist()
    room = MARGIN * max(width, height)
    height = max(height + 2.16 * room, (width + 2 * room) * size[0] / size[1])
    width = height * size[1] / size[0]
    top = y - 0.52 * height  # heads reach above their joints
    return x - width / 2, top, x + width / 2, top + height


def _cropped(
    picture: Tensor, pose: Pose, box: tuple[float, float, float, float], size: tuple[int, int]
) -> tuple[Tensor, Pose]:
    left, top, right, bottom = box  # in pixel edges
    h, w = picture.shape[:2]
    # 3x3 samples a pixel of the crop; beyond the picture its border repeats
    y = top + (torch.arange(3 * size[0]) + 0.5) * (bottom - top) / (3 * size[0])
    x = left + (torch.arange(3 * size[1]) + 0.5) * (right - left) / (3 * size[1])
    grid = 2 * torch.stack([(x / w).expand(len(y), -1), (y / h)[:, None].expand(-1, len(x))], -1) - 1
    crop = F.grid_sample(from_uint8(picture)[None], grid[None], padding_mode="border", align_corners=False)
    across, down = size[1] / (right - left), size[0] / (bottom - top)
    matrix = [[across, 0.0, (0.5 - left) * across - 0.5], [0.0, down, (0.5 - top) * down - 0.5]]
    moved = pose.affine(torch.tensor(matrix, dtype=torch.float64), size)
    inside = ((moved.xy > -0.5) & (moved.xy < torch.tensor([size[1] - 0.5, size[0] - 0.5]))).all(-1)
    return F.avg_pool2d(crop, 3)[0], Pose(moved.xy.float(), moved.visible & inside, size)


def _l1(a: Tensor, b: Tensor, mask: Tensor) -> Float[Tensor, "B"]:
    return ((a - b).abs().mean(1, keepdim=True) / 2 * mask).sum((1, 2, 3)) / mask.sum((1, 2, 3)).clamp(min=1)


def _psnr(a: Tensor, b: Tensor) -> float:
    return float(-10 * ((a - b) / 2).square().mean((1, 2, 3)).clamp(min=1e-8).log10().mean())
