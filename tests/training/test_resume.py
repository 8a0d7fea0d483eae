import dataclasses
import json
import multiprocessing
import os
import random
import time
from pathlib import Path

import pytest
import torch

from reposer.core import BadInput
from reposer.generators import load
from reposer.training import distributed, train
from reposer.training.loader import Addressed
from reposer.training.run_folder import RunFolder
from tests.forked import _CONTEXTS, started
from tests.training.run_tiny import recipe, run


def final_state(out: Path) -> dict:
    """All of the saved state but the time it took, which no run repeats."""
    state = torch.load(out / "state.pt", weights_only=False)  # our own, in half the time
    assert state.pop("seconds") > 0 and state.pop("processor_seconds") > 0
    return state


def assert_same(a, b, where: str = "state") -> None:
    if isinstance(a, torch.Tensor):
        assert torch.equal(a, b), where
    elif isinstance(a, dict):
        assert a.keys() == b.keys(), where
        for key in a:
            assert_same(a[key], b[key], f"{where}.{key}")
    elif isinstance(a, list | tuple):
        for k, (x, y) in enumerate(zip(a, b, strict=True)):
            assert_same(x, y, f"{where}.{k}")
    else:
        assert a == b, where


@pytest.mark.parametrize(
    "times, in_stage", [pytest.param(2, 5, marks=pytest.mark.slow), pytest.param(10, 30, marks=pytest.mark.nightly)]
)
def test_a_run_killed_at_random_moments_ends_with_the_same_weights_as_one_never_touched(times, in_stage, tmp_path):
    """in_stage: steps of each of the two stages."""
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    untouched = started(run, unbroken, in_stage)
    dice = random.Random(0)
    for kills in range(times):
        process = started(run, broken, in_stage)
        # Wait until this attempt has taken a step or a few, or the kills would all fall into its start; then a moment.
        wanted = step_of(broken) + dice.randint(1, 3)
        while process.is_alive() and step_of(broken) < wanted:
            time.sleep(0.002)
        time.sleep(dice.uniform(0.0, 0.05))
        assert process.is_alive(), f"the run was over after {kills} kills; give it more steps"
        process.kill()
        process.join()
    last = started(run, broken, in_stage)
    for process in (untouched, last):
        process.join()
        assert process.exitcode == 0
    assert_same(final_state(unbroken), final_state(broken))
    steps = [json.loads(line)["step"] for line in (broken / "log.jsonl").read_text().splitlines()]
    assert steps == list(range(1, 2 * in_stage + 1))
    a, b = load(str(unbroken / "generator.safetensors")), load(str(broken / "generator.safetensors"))
    assert_same(a.state_dict(), b.state_dict())


def step_of(out: Path) -> int:
    """The step of the saved state, read from the log that follows it; 0 before the first."""
    log = out / "log.jsonl"
    return len(log.read_text().splitlines()) if log.exists() else 0


@pytest.mark.slow
def test_a_folder_of_another_recipe_is_refused_with_the_values_that_differ(tmp_path):
    train(recipe(1), tmp_path, progress=False)
    with pytest.raises(BadInput, match=r"stages.*steps|stages"):
        train(recipe(2), tmp_path, progress=False)


@pytest.mark.slow
def test_a_finished_run_is_not_trained_again(tmp_path):
    train(recipe(1), tmp_path, progress=False)
    before = (tmp_path / "state.pt").stat().st_mtime_ns
    outcome = train(recipe(1), tmp_path, progress=False)
    assert outcome.finished and outcome.step == 2
    assert (tmp_path / "state.pt").stat().st_mtime_ns == before


@pytest.mark.slow
def test_a_run_stops_where_it_is_told_to_and_goes_on_from_there_to_the_same_end(tmp_path):
    parts = tmp_path / "parts"
    seconds = 0.0
    for step in (1, 2, 3):  # 2 is the end of the first stage
        outcome = train(recipe(2), parts, progress=False, until_step=step)
        assert (outcome.step, outcome.finished) == (step, False)
        assert outcome.seconds > seconds
        seconds = outcome.seconds
    with pytest.raises(BadInput, match="at step 3 already"):
        train(recipe(2), parts, progress=False, until_step=2)
    assert train(recipe(2), parts, progress=False).finished
    assert train(recipe(2), tmp_path / "whole", progress=False).finished
    assert_same(final_state(parts), final_state(tmp_path / "whole"))


def test_nodes_that_do_not_share_the_run_folder_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(distributed, "largest_over_processes", lambda number, device: max(number, 3))
    with pytest.raises(BadInput, match=r"this one is at step 0.*--out on a disk that all nodes share"):
        train(recipe(1), tmp_path, progress=False)


@pytest.mark.slow
def test_a_run_that_is_out_of_time_saves_and_goes_on(tmp_path):
    first = train(recipe(2), tmp_path, progress=False, max_minutes=0.0)
    assert not first.finished and first.step == 1
    assert train(recipe(2), tmp_path, progress=False).finished


@pytest.mark.slow
def test_a_limit_of_processor_time_counts_what_the_processes_compute_and_is_kept_over_a_stop(tmp_path):
    spent = 0.0
    for step in (1, 2):
        stopped = train(recipe(2), tmp_path, progress=False, max_processor_minutes=0.0)
        assert not stopped.finished and stopped.step == step
        assert RunFolder(tmp_path).taken().processor_seconds > spent
        spent = RunFolder(tmp_path).taken().processor_seconds
    asleep = train(recipe(2), tmp_path, write_pictures=None, validate=_sleeps, progress=False)
    assert asleep.finished and asleep.processor_seconds > spent
    assert asleep.seconds - asleep.processor_seconds > 0.3, "sleeping takes no processor time"


def _sleeps(generator):
    time.sleep(0.5)
    return {}


@pytest.mark.slow
def test_the_processor_time_of_a_run_includes_that_of_its_workers_once(tmp_path, monkeypatch):
    monkeypatch.setitem(_CONTEXTS, "spawn", multiprocessing.get_context("fork"))  # the warm server's are not ours
    monkeypatch.setattr(Addressed, "__getitem__", _computes_first(Addressed.__getitem__))
    began = []  # where the run begins to count
    monkeypatch.setattr(RunFolder, "drop_checkpoints", lambda *_, after: began.append(time.process_time()))
    tiny, children = recipe(1), _of_ended_children()
    done = train(dataclasses.replace(tiny, stages=tiny.stages[:1], workers=1), tmp_path, progress=False)
    of_workers = done.processor_seconds - (time.process_time() - began[0])
    assert of_workers > 0.35, "two samples of 0.2 s each"
    assert of_workers == pytest.approx(_of_ended_children() - children, abs=0.15)


def _of_ended_children():
    spent = os.times()
    return spent.children_user + spent.children_system


def _computes_first(read):
    def slowly(self, address):
        end = time.process_time() + 0.2
        while time.process_time() < end:
            pass
        return read(self, address)

    return slowly


def test_the_log_is_cut_back_to_the_saved_step(tmp_path):
    folder = RunFolder(tmp_path)
    tmp_path.joinpath("log.jsonl").write_text('{"step": 1}\n{"step": 2}\n{"step": 3}\n{"st')
    folder.cut_log(2)
    assert tmp_path.joinpath("log.jsonl").read_text() == '{"step": 1}\n{"step": 2}\n'


@pytest.mark.slow
@pytest.mark.parametrize("name", ["state.pt", "log.jsonl", "generator.safetensors"])
def test_a_pipe_in_the_place_of_a_runs_file_is_refused_and_never_opened(name, tmp_path):
    train(recipe(1), tmp_path, progress=False)
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    with pytest.raises(BadInput, match=f"{name} is no ordinary file"):
        train(recipe(1), tmp_path, progress=False)
