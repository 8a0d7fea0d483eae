"""The field's real lists and real pictures: what is known about them, computed by our own code."""

import re

import pytest
import torch

from reposer.core import BadInput, Framing
from reposer.core.skeleton import OPENPOSE_18
from reposer.data import open_dataset
from reposer.data.check import check_dataset
from reposer.data.lists import fashion_frame, read_annotation, read_names, read_pairs
from reposer.data.pairs import market_identity, name_identity
from tests.data.video_clips import clip_of


@pytest.fixture
def fashion(real_data):
    path = real_data / "annotations" / "fashion" / "fasion-annotation-test.csv"
    return read_annotation(path, frame=fashion_frame(path))


def test_the_published_lists_hold_as_many_pictures_and_pairs_as_they_say(real_data):
    lists = real_data / "annotations"
    assert len(read_pairs(lists / "fashion" / "fashion-pairs-test.csv")) == 8_570
    poses = read_annotation(lists / "market1501" / "market-annotation-train.csv", frame=(128, 64))
    assert len(poses) == 12_936
    assert int((~poses.visible.any(-1)).sum()) == 419


def test_the_published_pairs_join_pictures_of_one_identity(real_data):
    lists = real_data / "annotations"
    fashion = read_pairs(lists / "fashion" / "fashion-pairs-test.csv")
    market = read_pairs(lists / "market1501" / "market-pairs-test.csv")
    assert len(market) == 12_000
    assert all(name_identity(a) == name_identity(b) for a, b in fashion)
    assert all(market_identity(a) == market_identity(b) is not None for a, b in market)


def test_the_real_fashion_list_is_in_the_padded_frame_and_nearly_all_its_joints_lie_in_the_crop(real_data, fashion):
    path = real_data / "annotations" / "fashion" / "fasion-annotation-test.csv"
    assert fashion_frame(path) == "padded256"
    with pytest.raises(
        BadInput, match=r"1,801 of its 46,982 joints lie outside of the 256x176 picture; in padded256 19 do"
    ):
        fashion_frame(path, "crop176")
    assert len(fashion) == 4_038 and int((~fashion.visible.any(-1)).sum()) == 619
    x = torch.from_numpy(fashion.xy[..., 0][fashion.visible])
    assert ((x >= 0) & (x < 176)).double().mean() > 0.999
    assert abs(x.mean() - 87.5) < 5  # people stand in the middle


def test_right_is_the_persons_own_in_the_real_lists(fashion):
    def in_order(right, left):
        """How often the joint called right lies on the side of the right shoulder."""
        seen = fashion.visible[:, [right, left, 2, 5]].all(-1)
        x = fashion.xy[seen][..., 0]
        return ((x[:, right] < x[:, left]) == (x[:, 2] < x[:, 5])).mean()

    assert in_order(OPENPOSE_18.index("right_ear"), OPENPOSE_18.index("left_ear")) > 0.99
    assert in_order(OPENPOSE_18.index("right_eye"), OPENPOSE_18.index("left_eye")) > 0.8


def test_the_fashion_splits_share_people_and_no_picture(real_data):
    folder = real_data / "annotations" / "fashion"
    train, test = (read_names(folder / f"{split}.lst") for split in ("train", "test"))
    assert (len(train), len(test)) == (48_674, 4_038)
    assert not set(train) & set(test)
    item = [{re.search(r"id(\d{8})", name)[1] for name in names} for names in (train, test)]
    assert (len(item[1]), len(item[0] & item[1])) == (930, 513)


@pytest.mark.slow
def test_real_lists_without_pictures_are_told_apart_from_a_whole_data_set(real_data):
    findings = check_dataset(real_data / "annotations" / "fashion", progress=False)
    errors = [(f.kind, f.count) for f in findings if f.severity == "error"]
    assert errors == [("missing pictures", 3_144)]
    with pytest.raises(BadInput, match="which is not a folder"):
        open_dataset(real_data / "annotations" / "fashion", "test", None)


def test_the_real_frames_open_and_their_only_fault_is_that_people_are_in_both_splits(real_data):
    root = real_data / "people_mini"
    framing = Framing((128, 96), fit="pad")
    for split, count in (("train", 1_458), ("test", 116)):
        data = open_dataset(root, split, framing)
        assert len(data) == count
        sample = data[count // 2]
        assert sample.source.shape == (3, 128, 96) and sample.source_pose.visible.all()
    findings = check_dataset(root, progress=False)
    assert [(f.severity, f.kind, f.count) for f in findings] == [("warning", "same person", 3)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "num_frames", "native", "blind"),
    [
        ("pose_squats", 65, (1280, 720), []),
        pytest.param("05_default_juggle", 247, (720, 1280), list(range(209, 217)), marks=pytest.mark.nightly),  # long
    ],
)
def test_real_clips_have_a_pose_per_frame(real_data, name, num_frames, native, blind):
    folder = real_data / "people_video"
    size = (native[0] // 10, native[1] // 10)
    clip = clip_of(folder / f"{name}.mp4", folder / f"{name}.coco18.json", size=size)
    assert clip.frames.shape == (num_frames, 3, *size)
    assert [t for t in range(num_frames) if not clip.poses.visible[t].any()] == blind
    nose = clip.poses.xy[0, 0]
    assert 0 <= nose[0] < size[1] and 0 <= nose[1] < size[0]
