"""What a run keeps and sends beside its losses: numbered checkpoints, a validation curve, a tracker's events."""

import dataclasses
import json
from types import SimpleNamespace

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from reposer.core import BadInput, Framing
from reposer.core.generator import refuse_not_finite
from reposer.data.picture_kinds import PICTURE_SUFFIXES
from reposer.generators import load
from reposer.scoring.validation import Few, held_out, validation
from reposer.synthetic.people import write_people
from reposer.training import trackers, train
from reposer.training.progress import RunLog
from reposer.training.run_folder import RunFolder
from reposer.training.runs import VALIDATION, log_lines, run_summary

from .run_tiny import recipe


def steps_of(root):
    return [int(path.stem) for path in sorted((root / "checkpoints").glob("*"))]


@pytest.mark.slow
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

    # a run that goes on without `keep` removes nothing
    RunFolder(out).keep_checkpoint(4, 0)
    assert steps_of(out) == [3, 4]


@pytest.mark.slow
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


@pytest.mark.slow
def test_held_out_pictures_that_cannot_be_read_cost_the_curve_and_not_the_run(tmp_path):
    people = write_people(
        tmp_path / "people", size=(64, 44), num_train=1, num_test=1, views=2, workers=1, progress=False
    )
    own = dataclasses.replace(recipe(1), save_every=1)
    own = dataclasses.replace(own, data=dataclasses.replace(own.data, root=str(people)))
    pictures = [path for path in (people / "test").iterdir() if path.suffix in PICTURE_SUFFIXES]
    assert len(pictures) == 2
    for path in pictures:
        path.write_bytes(b"no picture")
    said = []
    assert train(own, tmp_path / "run", progress=False, validate=validation(own, 2, said.append)).step == 2
    assert len(said) == 1 and said[0].startswith("No point of the validation curve: ") and "not a picture" in said[0]
    assert not any(f"{VALIDATION}l1" in line for line in log_lines(tmp_path / "run/log.jsonl"))


@pytest.mark.slow
def test_a_state_is_saved_before_it_is_scored(tmp_path):
    def refuse(generator):
        raise BadInput("from a validation of one's own")

    with pytest.raises(BadInput, match="of one's own"):
        train(recipe(1), tmp_path / "run", progress=False, validate=refuse, until_step=1)
    assert RunFolder(tmp_path / "run").taken()[0] == 1


@pytest.mark.slow
def test_pictures_that_cannot_be_rendered_cost_the_sheet_and_not_the_run(tmp_path, monkeypatch):
    def refuse(generator, path):
        refuse_not_finite(torch.full((1, 3, 2, 2), torch.nan), "a picture")

    said = []
    monkeypatch.setattr(RunLog, "say", lambda self, message: said.append(message))
    own = dataclasses.replace(recipe(), picture_every=1, save_every=3)
    assert train(own, tmp_path / "run", progress=False, write_pictures=refuse).finished
    assert len(said) == 1 and said[0].startswith("No sheet of pictures after step 1: ") and "finite" in said[0]


@pytest.mark.slow
def test_a_state_is_saved_before_its_pictures_are_written(tmp_path):
    def full(generator, path):
        raise OSError(28, "No space left on device")

    own = dataclasses.replace(recipe(1), picture_every=1, save_every=1)
    with pytest.raises(OSError, match="No space left"):
        train(own, tmp_path / "run", progress=False, write_pictures=full)
    assert RunFolder(tmp_path / "run").taken()[0] == 1


class Failing:
    """A tracker, as accelerate shows it, that takes `good` logs and then fails at everything."""

    def __init__(self, good):
        self.good, self.logged, self.trackers = good, [], [self]

    def log(self, values, step):
        if len(self.logged) == self.good:
            raise ConnectionError("the server\nis gone")
        self.logged.append((step, values))

    def finish(self):
        raise ConnectionError("the server\nis gone")


def log_of_nine_steps(of, folder, *, tracker=None, minutes=None, processor_minutes=None):
    return RunLog(
        of,
        folder,
        main=True,
        show=False,
        tracker=tracker,
        step=0,
        last_step=9,
        minutes=minutes,
        processor_minutes=processor_minutes,
    )


@pytest.mark.parametrize(
    "limits, share",
    [
        ({}, 1 / 9),
        ({"minutes": 2.0}, 0.5),
        ({"processor_minutes": 4.0}, 0.75),
        ({"minutes": 2.0, "processor_minutes": 4.0}, 0.75),
        ({"processor_minutes": 0.0}, 1 / 9),
        ({"processor_minutes": 1.0}, 1.0),
    ],
)
def test_the_bar_shows_the_share_of_what_ends_first_of_steps_time_and_processor_time(limits, share, tmp_path):
    log = log_of_nine_steps(recipe(), RunFolder(tmp_path), **limits)
    log.show_progress("first", 1, seconds=60.0, processor_seconds=180.0)
    (task,) = log._bar.tasks
    assert task.completed == pytest.approx(share)


@pytest.mark.parametrize("good", [1, 9])
def test_a_tracker_that_fails_is_said_once_and_left_out_and_gets_no_plus_in_a_name(good, tmp_path, monkeypatch):
    tracker, said = Failing(good), []
    monkeypatch.setattr(RunLog, "say", lambda self, message: said.append(message))
    own = dataclasses.replace(recipe(), log_every=1)
    folder = RunFolder(tmp_path)
    with log_of_nine_steps(own, folder, tracker=tracker) as log:
        for step in (1, 2, 3):
            log.step("first", step, {"generator+discriminator/l1": 0.5})
            log.validated("first", step, {"l1": 0.25})
    assert len(said) == 1 and said[0].startswith("The tracker failed (the server is gone) and gets no more numbers;")
    assert len(tracker.logged) == min(good, 6)
    step, logged = tracker.logged[0]
    assert step == 1 and logged.keys() == {"generator-discriminator/l1", "pictures_per_second"}
    lines = list(log_lines(folder.log_file))  # where nothing is lost or renamed
    assert [line["generator+discriminator/l1"] for line in lines if "generator+discriminator/l1" in line] == [0.5] * 3


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


@pytest.mark.parametrize(
    "name, goes_on, step, sent",
    [("wandb", True, 2, True), ("mlflow", False, 2, True), ("mlflow", True, 2, False), ("mlflow", True, 0, True)],
)
def test_a_run_of_mlflow_that_goes_on_keeps_its_values(name, goes_on, step, sent, tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    if goes_on:
        monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    asked = []
    accelerator = SimpleNamespace(init_trackers=lambda *values: asked.append(values))
    trackers.begin_tracker(accelerator, name, recipe(), tmp_path, step)
    ((project, values, settings),) = asked
    assert project == "reposer" and settings.keys() == {name}
    assert values["stages.1.steps"] == 2 if sent else values is None


@pytest.mark.slow  # where MLflow is installed, which Reposer does not need
def test_mlflow_keeps_a_run_that_goes_on_under_its_number(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed; light: pip install mlflow-skinny")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "store").as_uri())
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    own = dataclasses.replace(recipe(1), log_every=1)
    assert train(own, tmp_path / "run", progress=False, tracker="mlflow").finished
    (run,) = mlflow.search_runs(search_all_experiments=True, output_format="list")
    assert run.info.status == "FINISHED" and run.data.params["stages.1.steps"] == "1"
    monkeypatch.setenv("MLFLOW_RUN_ID", run.info.run_id)
    longer = dataclasses.replace(own, stages=(own.stages[0], dataclasses.replace(own.stages[1], steps=2)))
    assert train(longer, tmp_path / "run", progress=False, tracker="mlflow", extend=True).finished
    (again,) = mlflow.search_runs(search_all_experiments=True, output_format="list")
    assert again.info.run_id == run.info.run_id
    steps = mlflow.MlflowClient().get_metric_history(run.info.run_id, "generator/correctness")
    assert [value.step for value in steps] == [2, 3]


def test_trackers_get_every_value_of_a_recipe_by_its_path():
    flat = dict(trackers._flat({"a": [{"b": 1}, None], "c": "x"}))
    assert flat == {"a.0.b": 1, "a.1": "None", "c": "x"}


@pytest.mark.slow
def test_a_run_that_was_begun_before_accumulation_goes_on(tmp_path):
    train(recipe(), tmp_path, progress=False, until_step=1)
    receipt = tmp_path / "recipe.json"
    plain = json.loads(receipt.read_text())
    del plain["recipe"]["accumulation"], plain["recipe"]["keep"]
    receipt.write_text(json.dumps(plain))
    assert train(recipe(), tmp_path, progress=False).finished
