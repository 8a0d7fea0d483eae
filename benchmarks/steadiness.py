"""What smoothing of trembling joints and carrying along of what was generated do to clips of the shipped generator.

The joints that drive tremble by seeded noise of 1.5 pixels. One clip is rendered on the spot; where the environment
names a folder of real data (REPOSER_REAL_DATA), the clips of its people_video come beside it.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from reposer.core import Clip, Generator, Pose
from reposer.core.framing import frame_pose
from reposer.core.rng import seeded_randn
from reposer.core.tracks import Smoothing, smoothed
from reposer.data.clip_dataset import ClipReading, WholeClip, open_clips
from reposer.evaluation import ClipScorer, copied, drive
from reposer.generators import load
from reposer.nn.steady import STRENGTH
from reposer.synthetic.people import SyntheticPeople

from .measure import Table

MODEL = "gfla-synthetic"
TREMBLE = 1.5  # pixels of the generator's frame
FRAMES = 72
METRICS = ("flicker-l1", "motion-ratio-l1", "frame-l1", "frame-l1-limbs", "frame-ssim-gaussian1.5")
WAYS: tuple[tuple[Smoothing, float], ...] = (
    ("none", 0.0),
    ("one-euro", 0.0),
    ("two-sided", 0.0),
    ("none", STRENGTH),
    ("one-euro", STRENGTH),
    ("two-sided", STRENGTH),
)


def run(device: torch.device) -> list[Table]:
    generator = load(MODEL).to(device)
    return [table(generator, clip) for clip in clips(generator)]


def clips(generator: Generator) -> Iterator[WholeClip | Clip]:
    """Clips at the size of the person pictures that the generator knows."""
    yield SyntheticPeople(generator.framing.person_size, "test", 10).clip(950_003, "walk", FRAMES)[0]
    if folder := os.environ.get("REPOSER_REAL_DATA"):
        found = open_clips(
            Path(folder) / "people_video", "all", generator.framing, ClipReading(skeleton=generator.skeleton)
        )
        for clip in map(found.whole, range(len(found))):
            poses, trusted = clip.poses[slice(FRAMES)], clip.trusted[:FRAMES]
            frames = partial(first_frames, clip)
            yield replace(clip, poses=poses, trusted=trusted, open_frames=frames, open_foreground=None)


def first_frames(clip: WholeClip) -> Iterator[Tensor]:
    return islice(clip.open_frames(), FRAMES)


def table(generator: Generator, clip: WholeClip | Clip) -> Table:
    true = frame_pose(clip.poses, generator.framing) if isinstance(clip, Clip) else clip.poses
    assert isinstance(true, Pose)
    noise = TREMBLE * seeded_randn(true.xy.shape[1:], torch.arange(len(true)))
    trembling = replace(true, xy=true.xy + noise.to(true.xy))
    rows = [("the true joints", true, drive(generator, clip))]
    for smoothing, steady in WAYS:
        name = ("trembling joints" if smoothing == "none" else smoothing) + (" + steady" if steady else "")
        calm = smoothed(trembling, clip.fps, smoothing)
        assert isinstance(calm, Pose)
        rows.append((name, calm, drive(generator, clip, poses=calm, steady=steady)))
    rows.append(("copied source", true, copied(clip, generator.framing)))
    found = []
    for name, poses, driven in rows:
        scorer = ClipScorer(METRICS)
        values = scorer.add(driven).values
        both = true.visible & poses.visible
        miss = (poses.xy - true.xy).norm(dim=-1)[both].mean().item()
        found.append((name, miss, *(values[metric] for metric in METRICS)))
    return Table(
        f"{clip.name}: {MODEL}, {len(true)} frames at {clip.fps:g} a second",
        ("driven by", "joints off (pixels)", *METRICS),
        found,
        f"noise of {TREMBLE:g} pixels each way; Steadier of strength {STRENGTH:g}",
    )
