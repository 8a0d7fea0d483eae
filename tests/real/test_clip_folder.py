"""Real clips with real tracks, as a data set."""

import pytest
import torch

from reposer.core import Framing
from reposer.data.clip_dataset import ClipReading, open_clips
from reposer.data.clip_folder import ClipFolder


@pytest.fixture
def clips(real_data):
    def opened(split, **options):
        return open_clips(real_data / "people_video", split, Framing((128, 96), fit="pad"), ClipReading(**options))

    return opened


def test_two_real_clips_are_split_along_time(clips):
    train, test = clips("train", frames=6), clips("test", frames=6)
    assert isinstance(train, ClipFolder)
    assert [train.name(i) for i in range(2)] == ["05_default_juggle", "pose_squats"]
    assert [train.span(i) for i in range(2)] == [range(197), range(52)]
    assert [test.span(i) for i in range(2)] == [range(197, 247), range(52, 65)]
    assert [train.fps(i) for i in range(2)] == pytest.approx([24, 5], abs=0.1)
    assert (~test.trusted(0)).nonzero()[:, 0].tolist() == list(range(209 - 197, 217 - 197))
    assert train.trusted(0).all() and train.trusted(1).all()


@pytest.mark.slow
@pytest.mark.parametrize("number", [pytest.param(0, marks=pytest.mark.nightly), 1])  # 247 frames, and 65
def test_a_real_person_fills_the_frame_and_stays_in_it(clips, number):
    clip = clips("all", frames=6).whole(number)
    xy = clip.poses.xy[clip.poses.visible]
    assert (xy > -0.5).all() and (xy < torch.tensor([95.5, 127.5])).all()
    assert (xy[:, 1].max() - xy[:, 1].min()) > 70  # of 128 pixels
    assert clip.source_pose.visible.all()


@pytest.mark.slow
def test_no_sample_holds_a_frame_whose_joints_are_unreliable(clips):
    data = clips("test", frames=6)
    for seed in range(8):
        sample = data.sample(0, seed)
        assert sample.poses.visible.any(-1).all() and sample.frames.shape == (6, 3, 128, 96)
