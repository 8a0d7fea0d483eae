"""Pose files that were made to break a program: one sentence, exit code 2, nothing raw on the terminal, no half
file."""

import json

import pytest

from reposer.cli import main
from reposer.data.pictures import write_picture
from reposer.data.poses import write_pose_json, write_track
from tests.animation.test_driving import numbered
from tests.test_pipeline import smooth_photo, standing

SIZE = (64, 48)
DEEP = "[" * 100_000
POSE = {"skeleton": "openpose18", "size": list(SIZE), "joints": {"nose": [5, 5], "neck": [5, 15]}}
TRACK = {"skeleton": "openpose18", "size": list(SIZE), "fps": 25, "keypoints": [[[5, 5]] * 18] * 3}
LONG = "9" * 400

POSES = {
    "a skeleton that is a list": json.dumps(POSE | {"skeleton": []}),
    "escape bytes in a skeleton's name": json.dumps(POSE | {"skeleton": "\x1b]0;owned\x07\x1b[31m"}),
    "escape bytes in a joint's name": json.dumps(POSE | {"joints": {"\x1b[2J": [1, 2]}}),
    "a coordinate of 400 digits": json.dumps(POSE).replace("15", LONG),
    "a coordinate of 400 digits and a point": json.dumps(POSE).replace("15", f"{LONG}.0"),
    "a size of 400 digits": json.dumps(POSE).replace("64", LONG),
    "100,000 nested brackets": DEEP,
    "100,000 nested brackets in OpenPose JSON": f'{{"people": {DEEP}',
    "a coordinate that is true": json.dumps(POSE | {"joints": {"nose": [True, 5]}}),
    "a coordinate that is NaN": json.dumps(POSE | {"joints": {"nose": [float("nan"), 5]}}),
    "a key that comes twice": '{"skeleton": "openpose18", "skeleton": "coco17", "size": [64, 48], "joints": {}}',
    "half a surrogate": json.dumps(POSE | {"skeleton": "\ud800"}),
    "bytes that are no text": "\udcff\udcfe",
    "nothing": "",
}
TRACKS = {
    "a skeleton that is a list": json.dumps(TRACK | {"skeleton": []}),
    "escape bytes in a skeleton's name": json.dumps(TRACK | {"skeleton": "\x1b[31m"}),
    "coordinates of 400 digits": json.dumps(TRACK).replace("[5, 5]", f"[5, {LONG}]"),
    "100,000 nested brackets": DEEP,
    "0.00001 frames per second": json.dumps(TRACK | {"fps": 1e-5}),
    "a billion frames per second": json.dumps(TRACK | {"fps": 1e9}),
    "a rate that is text": json.dumps(TRACK | {"fps": "25"}),
    "an unreliable frame that is true": json.dumps(TRACK | {"unreliable_frames": [True]}),
    "an unreliable frame that is not there": json.dumps(TRACK | {"unreliable_frames": [10**30]}),
    "a size of a million million pixels": json.dumps(TRACK | {"size": [10**12, 10**12]}),
}


@pytest.fixture
def world(tmp_path):
    write_picture(tmp_path / "photo.png", smooth_photo(SIZE))
    write_pose_json(tmp_path / "photo.json", standing(40.0, (24.0, 32.0), SIZE))
    write_track(tmp_path / "track.json", numbered(3), 25)
    return tmp_path


@pytest.fixture
def refused(world, capsys):
    def run(*arguments):
        before = sorted(world.rglob("*"))
        assert main([str(a) for a in arguments]) == 2
        said = capsys.readouterr().err
        assert said.startswith("reposer: ") and said.removesuffix("\n").isprintable(), ascii(said)
        assert len(said) < 1500 and sorted(world.rglob("*")) == before

    return run


def hostile(path, text):
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return path


@pytest.mark.parametrize("text", POSES.values(), ids=POSES)
def test_a_hostile_pose_is_refused_in_one_sentence(world, refused, text):
    path, good = hostile(world / "hostile.json", text), world / "photo.json"
    refused("transfer", world / "photo.png", "--source-pose", path, "--pose", good)
    refused("transfer", world / "photo.png", "--source-pose", good, "--pose", path)
    refused("animate", world / "photo.png", "--source-pose", path, "--driving", world / "track.json")


@pytest.mark.parametrize("text", TRACKS.values(), ids=TRACKS)
def test_a_hostile_track_is_refused_in_one_sentence(world, refused, text):
    path = hostile(world / "hostile.json", text)
    refused("animate", world / "photo.png", "--source-pose", world / "photo.json", "--driving", path)


@pytest.mark.parametrize("rate", ["1e-5", "1e9", "0", "-1", "nan", "inf"])
def test_a_rate_on_the_command_line_that_no_clip_has_is_refused(world, refused, rate):
    arguments = ("--source-pose", world / "photo.json", "--driving", world / "track.json", f"--fps={rate}")
    refused("animate", world / "photo.png", *arguments)
