"""What a run keeps and sends beside its losses: numbered checkpoints, a validation curve, a tracker's events."""

import dataclasses
import json

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from reposer.core import BadInput, Framing
from reposer.generators import load
from reposer.scoring.validation import Few, held_out, validation
from reposer.synthetic.people import write_people
from reposer.training import trackers, train
from reposer.training.run_folder import RunFolder
from reposer.training.runs import log_lines, run_summary

from .run_tiny import recipe


def steps_of(root):
    return [int(path.stem) for path in sorted((root / "checkpoints").glob("*"))]


def test_a_run_keeps_its_last_generators_scores_them_and_trains_the_same_as_without(tmp_path):
    own = dataclasses.replace(recipe(), keep=2, save_every=1)
    assert train(recipe(), tmp_path / "plain", progress=False).finished
    scored = validation(own, 3)
    out = tmp_path / "run"
    train(own, out, progress=False, validate=scored, tracker="tensorboard", until_step=3)
    assert steps_of(out) == [2, 3]
    assert train(own, out, progress=False, validate=scored, tracker="tensorboard").finished
    assert steps_of(out) == [3, 4]

    # the newest one is the generator, and what was added changed no number
    newest, plain = (
        load(str(p)).state_dict()
        for p in (out / "checkpoints/00000004.safetensors", tmp_path / "plain/generator.safetensors")
    )
    assert all(torch.equal(newest[name], tensor) for name, tensor in plain.items())

    # one point of the curve for each save, the last of them the newest generator's scores
    lines = [line for line in log_lines(out / "log.jsonl") if "validation/l1" in line]
    assert [line["step"] for line in lines] == [1, 2, 3, 4]
    now = scored(load(str(out / "generator.safetensors")))
    assert {name: lines[-1][f"validation/{name}"] for name in now} == now and {"psnr", "l1", "l1-limbs"} <= now.keys()
    summary = run_summary(out)
    assert summary.validation == now and summary.losses and not any("validation" in name for name in summary.losses)
    assert (out / "losses.png").is_file()

    # TensorBoard has the same numbers, each step once
    events = EventAccumulator(str(out / "tensorboard"))
    events.Reload()
    found = events.Scalars("validation/l1")
    assert [event.step for event in found] == [1, 2, 3, 4]
    assert found[-1].value == pytest.approx(now["l1"])
    assert "generator/correctness" in events.Tags()["scalars"] or any("/" in t for t in events.Tags()["scalars"])

    # a run that goes on without `keep` has only the newest generator, and one that begins again no later ones
    RunFolder(out).keep_checkpoint(4, 0)
    assert steps_of(out) == []


def test_checkpoints_of_steps_that_are_taken_again_are_removed(tmp_path):
    own = dataclasses.replace(recipe(), keep=9, save_every=1)
    train(own, tmp_path, progress=False, until_step=3)
    (tmp_path / "state.pt").unlink()
    (tmp_path / "checkpoints/mine.safetensors").touch()
    train(own, tmp_path, progress=False, until_step=1)
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == [
        "00000001.safetensors",
        "mine.safetensors",
    ]


def test_held_out_pairs_are_of_the_split_val_or_else_test_and_never_of_training(tmp_path):
    write_people(tmp_path / "people", size=(64, 44), num_train=1, num_test=1, views=3, workers=1, progress=False)
    own = recipe()
    of_files = dataclasses.replace(own, data=dataclasses.replace(own.data, root=str(tmp_path / "people")))
    few = held_out(of_files, Framing((64, 32)), 4)
    assert isinstance(few, Few) and few.whole.split == "test" and len(few) == 4 and few.places == [0, 1, 3, 4]
    assert few[1] is few[1] and few.identity(0) == few.whole.identity(0)
    rendered = held_out(own, Framing((64, 32)), 2)
    assert isinstance(rendered, Few) and rendered.whole.split == "val"
    on_test = dataclasses.replace(of_files, data=dataclasses.replace(of_files.data, split="test"))
    said = []
    assert validation(on_test, 2, said.append)(own.build()) == {}
    assert len(said) == 1 and said[0].startswith("No validation curve: ") and "annotation-val.csv" in said[0]


@pytest.mark.parametrize("name", ["wandb", "mlflow", "tensorboard"])
def test_a_tracker_that_is_not_installed_is_one_sentence_and_leaves_nothing(name, tmp_path, monkeypatch):
    monkeypatch.setattr(trackers, "get_available_trackers", lambda: [])
    with pytest.raises(BadInput, match=f"^{name} is not installed: pip install .*, or leave --tracker out.$"):
        train(recipe(), tmp_path / "run", progress=False, tracker=name)
    assert not (tmp_path / "run").exists()


def test_a_tracker_that_cannot_start_is_said_in_words_and_leaves_nothing(tmp_path, monkeypatch):
    def refuse(self, *values, **named):
        raise RuntimeError("no account\nis set up")

    monkeypatch.setattr("accelerate.Accelerator.init_trackers", refuse)
    with pytest.raises(BadInput, match="tensorboard cannot be started \\(no account is set up\\)"):
        train(recipe(), tmp_path / "run", progress=False, tracker="tensorboard")
    assert not (tmp_path / "run").exists()


def test_trackers_get_every_value_of_a_recipe_by_its_path():
    flat = dict(trackers._flat({"a": [{"b": 1}, None], "c": "x"}))
    assert flat == {"a.0.b": 1, "a.1": "None", "c": "x"}


def test_a_run_that_was_begun_before_accumulation_goes_on(tmp_path):
    train(recipe(), tmp_path, progress=False, until_step=1)
    receipt = tmp_path / "recipe.json"
    plain = json.loads(receipt.read_text())
    del plain["recipe"]["accumulation"], plain["recipe"]["keep"]
    receipt.write_text(json.dumps(plain))
    assert train(recipe(), tmp_path, progress=False).finished
