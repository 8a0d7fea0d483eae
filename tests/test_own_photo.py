"""What the page asks of `own_photo` besides `repose`: who is in a photo, and the pose that would be generated."""

import threading
from concurrent.futures import Future
from dataclasses import replace

import numpy as np
import pytest
import torch

from reposer import own_photo
from reposer.core import BadInput, Framing, Pose
from reposer.core.skeleton import OPENPOSE_18
from reposer.data.poses.presets import preset
from reposer.estimators import PeopleEstimator
from reposer.estimators.people_choice import Estimated
from reposer.generators import GENERATORS, save
from reposer.generators.copy_source import CopySource, CopySourceConfig
from reposer.generators.trueflow import TrueFlowConfig
from reposer.own_photo import Opened, as_bytes, people_in, pose_for, repose

PHOTO = np.full((300, 200, 3), 90, np.uint8)
MODEL = CopySource(CopySourceConfig(Framing((64, 48))))


class Two(PeopleEstimator):
    """Says that a picture shows two people."""

    name, licence, skeleton = "two", "", OPENPOSE_18

    @property
    def description(self):
        return "two"

    def __call__(self, pictures):
        return Pose.stack([standing()] * len(pictures))

    def person(self, pictures):
        return torch.ones(len(pictures))

    def people(self, picture, *, closer=False):
        return [standing(), standing().affine(torch.tensor([[0.5, 0, 0], [0, 0.5, 0]]), standing().size)]

    def refined(self, picture, rough):
        return rough


def standing():
    return preset("standing").resize((300, 200))


def test_people_in_gives_everybody_and_a_box_of_one_chooses_that_person():
    people = people_in(PHOTO, estimator=Two())
    assert len(people) == 2
    small = repose(PHOTO, standing(), person=people[1].box(), estimator=Two(), model=MODEL)
    assert torch.allclose(small.source_pose.xy, people[1].xy)


def test_pose_for_is_the_pose_that_repose_generates():
    for wanted in ("arms-up", preset("squat"), preset("squat").resize((300, 200))):
        made = repose(PHOTO, wanted, source_pose=standing(), model=MODEL)
        found = pose_for(wanted, standing())
        assert found.pose.size == (300, 200)
        assert torch.allclose(found.pose.xy[found.pose.visible], made.pose.xy[made.pose.visible], atol=1e-4)
        assert torch.equal(found.pose.visible, made.pose.visible)


def test_a_head_that_the_pose_would_turn_stays_and_a_note_says_so():
    pose = standing()
    names, xy, visible = pose.skeleton.joints, pose.xy.clone(), pose.visible.clone()
    xy[names.index("nose"), 0] -= 12
    visible[[names.index("left_eye"), names.index("left_ear")]] = False
    aside, kept = replace(pose, xy=xy, visible=visible), "The head keeps its direction"
    made = repose(PHOTO, "arms-wide", source_pose=aside, model=MODEL)
    assert len([note for note in made.notes if note.startswith(kept)]) == 1
    assert not made.pose.visible[names.index("left_ear")]
    assert any(note.startswith(kept) for note in pose_for("arms-wide", aside).notes)
    turned = repose(PHOTO, "arms-wide", source_pose=aside, model=MODEL, head="pose")
    assert turned.pose.visible[names.index("left_ear")] and not any(note.startswith(kept) for note in turned.notes)
    assert not any(note.startswith(kept) for note in pose_for("arms-wide", aside, head="pose").notes)
    assert not any(note.startswith(kept) for note in repose(PHOTO, "arms-wide", source_pose=pose, model=MODEL).notes)


ARMS = [k for k, joint in enumerate(OPENPOSE_18.joints) if "elbow" in joint or "wrist" in joint]
OTHERS = [k for k in range(len(OPENPOSE_18)) if k not in ARMS]


def test_a_preset_of_the_arms_moves_the_arms_alone_and_says_so():
    sits = preset("sitting").resize((300, 200))
    for source in (standing(), sits):
        waving = repose(PHOTO, "waving", source_pose=source, model=MODEL)
        assert torch.equal(waving.pose.xy[OTHERS], source.xy[OTHERS])
        assert not torch.allclose(waving.pose.xy[ARMS], source.xy[ARMS], atol=20)
        assert sum("Only the arms move: 'waving' is about the arms." in note for note in waving.notes) == 1
        assert not any("lacks" in note for note in waving.notes)
        reaching = repose(PHOTO, "reaching", source_pose=source, model=MODEL)  # a preset that lacks an ear
        assert not any("lacks" in note for note in reaching.notes) and not preset("reaching").visible.all()
        turned = repose(PHOTO, "reaching", source_pose=source, model=MODEL, head="pose")
        assert sum("Only arms and head move" in note for note in turned.notes) == 1
        shown = pose_for("waving", source)
        assert shown.notes == waving.notes and torch.equal(shown.pose.xy, waving.pose.xy)
    for pose, options in (("standing", {}), ("waving", {"retargeted": False})):
        other = repose(PHOTO, pose, source_pose=sits, model=MODEL, **options)
        assert not torch.allclose(other.pose.xy[OTHERS], sits.xy[OTHERS], atol=5)
        assert not any("Only the arms" in note for note in other.notes)


@pytest.mark.slow
def test_two_people_of_a_photo_that_is_opened_once_are_those_of_two_photos():
    photo = np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)
    torch.manual_seed(0)
    model = TrueFlowConfig().tiny().build().eval()
    left, right = (standing().affine(torch.tensor([[0.3, 0, x], [0, 0.3, 3]]), (96, 128)) for x in (2.0, 62.0))
    opened = Opened(photo, as_bytes(photo))
    for source in (left, right, left):
        made = repose(photo, "arms-up", source_pose=source, model=model, opened=opened)
        assert np.array_equal(made.image, repose(photo, "arms-up", source_pose=source, model=model).image)
    with pytest.raises(BadInput, match="another photo"):
        repose(photo.copy(), "arms-up", source_pose=left, model=model, opened=opened)


def test_what_is_known_of_a_photos_person_serves_every_pose_that_the_same_part_shows(monkeypatch):
    photo = np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)
    torch.manual_seed(0)
    model, other = (TrueFlowConfig().tiny().build().eval() for _ in range(2))
    source = standing().affine(torch.tensor([[0.3, 0, 40.0], [0, 0.3, 3.0]]), (96, 128))
    raised = replace(source, xy=source.xy.clone())
    raised.xy[OPENPOSE_18.index("left_wrist")] -= torch.tensor([0.0, 9.0])
    begun, begin = [], type(model).begin
    monkeypatch.setattr(type(model), "begin", lambda *a: begun.append(a[0]) or begin(*a))
    wanted = [(model, source), (model, raised), (other, raised), (model, raised)]
    alone = [np.asarray(repose(photo, pose, source_pose=source, model=which).image) for which, pose in wanted]
    begun.clear()
    opened = Opened(photo, as_bytes(photo))
    for (which, pose), expected in zip(wanted, alone, strict=True):
        made = repose(photo, pose, source_pose=source, model=which, opened=opened)
        assert np.array_equal(made.image, expected)
    assert begun == [model, other, model], "once for both poses"


def test_a_photo_that_was_looked_at_before_is_not_looked_at_again_and_what_was_wrong_is_said():
    class Blind(Two):
        def people(self, picture, *, closer=False):
            raise AssertionError("looked again")

    looked: Future[Estimated] = Future()
    looked.set_result(Estimated(standing(), ["One of two."]))
    opened = Opened(PHOTO, as_bytes(PHOTO), looked=looked)
    made = repose(PHOTO, "arms-up", model=MODEL, estimator=Blind(), opened=opened)
    assert torch.equal(made.source_pose.xy, standing().xy) and made.notes[0] == "One of two."
    other = standing().affine(torch.tensor([[1.0, 0, 5], [0, 1.0, 0]]), (300, 200))
    made = repose(PHOTO, "arms-up", source_pose=other, model=MODEL, opened=opened)
    assert torch.equal(made.source_pose.xy, other.xy)
    nobody: Future[Estimated] = Future()
    nobody.set_exception(BadInput("shows no person"))
    with pytest.raises(BadInput, match="shows no person"):
        repose(PHOTO, "arms-up", model=MODEL, opened=Opened(PHOTO, as_bytes(PHOTO), looked=nobody))


@pytest.mark.parametrize("engine", [None, "torch", "onnxruntime"])
def test_a_network_that_may_be_recorded_is_opened_after_the_poses_in_the_same_thread(engine, tmp_path, monkeypatch):
    opened = []

    def placed(model, device, engine, size):
        opened.append(threading.current_thread() is threading.main_thread())
        return MODEL

    monkeypatch.setattr(own_photo, "kept_generator", placed)
    monkeypatch.setattr(own_photo, "_note", lambda *_: None)
    repose(PHOTO, "arms-up", source_pose=standing(), model="own", engine=engine)
    assert opened == [engine == "onnxruntime"]
    opened.clear()
    with pytest.raises(BadInput, match="There is no file"):
        repose(PHOTO, "arms-up", source_pose=tmp_path / "gone.json", model="own", engine=engine)
    assert len(opened) == (engine != "onnxruntime")


def test_another_network_under_the_same_name_is_loaded_anew(tmp_path, monkeypatch):
    def generated(folder, seed):
        monkeypatch.chdir(folder)
        torch.manual_seed(seed)
        save(GENERATORS["gfla"]().tiny().build(), "own.safetensors")
        return np.asarray(repose(PHOTO, preset("squat"), source_pose=standing(), model="own.safetensors").image)

    (tmp_path / "other").mkdir()
    first = generated(tmp_path, 0)
    assert not np.array_equal(generated(tmp_path, 1), first), "it was written again"
    assert np.array_equal(generated(tmp_path / "other", 0), first), "the working directory is another"
