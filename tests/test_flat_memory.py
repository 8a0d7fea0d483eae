"""The peak of memory follows neither the frames of a clip nor the pairs that are scored: two sizes, one after the other
in one process."""

import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reposer.animation.driving import Driving
from reposer.animation.photo_clip import ClipOptions, write_photo_clip
from reposer.core import Pose
from reposer.evaluation import PROTOCOLS, Folders, score_folder
from reposer.evaluation import score as score_module
from tests.animation.test_video import PAD, Spotlight
from tests.memory_of import megabytes_of
from tests.test_pipeline import smooth_photo, standing

SIZE = (400, 300)
FRAME = 3 * SIZE[0] * SIZE[1] / 1e6
"""Megabytes of a picture of this size."""


def clip(num_frames: int) -> None:
    """Writes a clip of a photo by a track of this many frames."""
    poses = Pose.stack([standing(300.0, (150.0 + t / 10, 200.0), SIZE) for t in range(num_frames)])
    moves = Driving(Fraction(12), num_frames, SIZE, poses, None, None, {}, [])
    with tempfile.TemporaryDirectory() as folder:
        write_photo_clip(
            Path(folder) / "clip.mp4",
            Spotlight(PAD),
            smooth_photo(SIZE),
            poses[0],
            moves,
            ClipOptions(),
            say=lambda sentence: None,
            counted=lambda items, title, total, done=0: (item for item in items),
        )


def scores(num_pairs: int) -> None:
    """Scores this many pairs of pictures, a few at a time."""
    score_module.CHUNK = 4
    noise = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for folder in ("generated", "targets"):
            (root / folder).mkdir()
            for k in range(num_pairs):
                pixels = noise.integers(0, 256, (*SIZE, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(root / folder / f"{k}.png", compress_level=1)
        folders, rule = Folders(root / "generated", root / "targets"), PROTOCOLS["reposer-v1-reconstruction"]
        found = score_folder(folders, rule, root / "report", without_networks=True, workers=0, show=False)
        assert len(found.report.rows) == num_pairs


@pytest.mark.slow
def test_more_frames_and_more_pairs_need_no_more_memory():
    """The first clip is long enough for the encoder to look ahead, and for a segment to end. What a process takes
    varies by the place of 35 to 90 pictures from run to run, by threads and their load; frames or pairs that stayed
    would come on top of the least of that."""
    words = "from tests.test_flat_memory import clip, scores\n"
    grown = megabytes_of(f"{words}clip(110); scores(12)", "clip(200); scores(52)")
    assert grown < 110 * FRAME, "90 frames and 40 pairs more have 170 pictures"
