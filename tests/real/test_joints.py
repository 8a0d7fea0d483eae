"""Joints found again in real pictures, whose lists BlazePose made: another estimator than MoveNet."""

import pytest
import torch

from reposer.core import Pose
from reposer.data.lists import read_annotation
from reposer.data.pictures import read_picture
from reposer.estimators import POSE_ESTIMATORS
from reposer.estimators.people_choice import estimate
from reposer.evaluation import PairBatch
from reposer.evaluation.suite.structural.part import Structural


@pytest.mark.slow
def test_movenet_finds_the_joints_of_real_people_and_not_those_of_another_moment(real_data):
    folder = real_data / "people_mini"
    poses = read_annotation(folder / "fasion-resize-annotation-test.csv", frame="crop176")
    names = tuple(sorted(poses)[::3])
    target = torch.stack([read_picture(folder / "test" / name) for name in names])
    pose = Pose.stack([poses[name] for name in names])
    other = torch.arange(len(names) - 1, -1, -1)
    part = Structural(POSE_ESTIMATORS["movenet"](None))
    part.update(PairBatch(names, names, target[other], target, target[other], pose[other], pose))
    found = {(f.metric, f.part, f.pictures): f.value for f in part.findings()}
    assert found["pckh-patn-annotation", "", "target"] > 0.9 > found["pckh-patn-annotation", "", "source"]
    assert found["joint-error-annotation", "", "target"] < 4  # pixels
    assert found["oks-annotation", "", "target"] > 0.9
    assert found["person-score", "", "target"] > 0.7


# every eighth photo says as much in a test that is run often
@pytest.mark.slow
@pytest.mark.parametrize("each", [8, pytest.param(1, marks=pytest.mark.nightly)])
def test_movenet_finds_a_person_in_every_photo_and_both_of_the_couple(real_data, each):
    movenet = POSE_ESTIMATORS["movenet"](None)
    photos = [*(real_data / "people_photos").iterdir(), *(real_data / "people_real").rglob("*.jpg")]
    assert len(photos) == 128
    for photo in sorted(photos)[::each]:
        pose = movenet(read_picture(photo)[None])[0]
        assert int(pose.visible[list(pose.skeleton.body_indices)].sum()) >= 4, photo
    couple = read_picture(real_data / "people_photos" / "coral_couple_snow.png")
    left, right = (estimate(movenet, couple, "couple", side).pose.box() for side in ("left", "right"))
    assert len(movenet.people(couple)) == 2 and left[2] < right[0] + 10
