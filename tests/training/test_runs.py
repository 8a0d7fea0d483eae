"""Run folders as others see them: their table, their plot, a recipe from a receipt, a run tried out before it
starts."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reposer.cli import main, train
from reposer.cli.trainable import trainable
from reposer.core import BadInput
from reposer.core.configs import to_plain
from reposer.training import Start, dry_run
from reposer.training import train as train_run
from reposer.training.dry_run import try_out
from reposer.training.loss_plot import write_loss_plot
from reposer.training.receipts import read_receipt, with_values
from reposer.training.runs import log_lines
from tests.training.run_tiny import recipe


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder with a finished run, an unfinished one and a damaged one."""
    root = tmp_path_factory.mktemp("runs")
    train_run(recipe(1), root / "done", progress=False)
    train_run(replace(recipe(2), seed=3), root / "deep/half", progress=False, until_step=1)
    (root / "damaged").mkdir()
    (root / "damaged/recipe.json").write_text('{"recipe": {}, "contents": {}, "about": {}}')
    return root


@pytest.mark.slow
def test_runs_are_listed_with_how_far_they_are_and_damaged_ones_are_named(runs, capsys):
    assert main(["runs", str(runs), "--json"]) == 1
    said = capsys.readouterr()
    found = {Path(row["folder"]).name: row for row in json.loads(said.out)}
    assert set(found) == {"done", "half"} and "damaged/recipe.json" in said.err
    assert (found["done"]["state"], found["done"]["step"], found["done"]["steps"]) == ("finished", 2, 2)
    assert (found["half"]["state"], found["half"]["saved"], found["half"]["steps"]) == ("unfinished", 1, 4)
    assert found["half"]["seed"] == 3 and found["half"]["seconds_left"] > 0
    last = list(log_lines(runs / "done/log.jsonl"))[-1]
    assert found["done"]["losses"] and found["done"]["losses"].items() <= last.items()
    assert main(["runs", str(runs / "done")]) == 0
    assert "finished" in capsys.readouterr().out
    assert main(["runs", str(runs / "nowhere")]) == 2


def test_a_run_has_a_plot_of_its_losses(runs, tmp_path):
    assert Image.open(runs / "done/losses.png").size[0] > 300
    lines = [{"step": step, "stage": "s", "g/l1": 1 / step, "d/real": float("nan")} for step in range(1, 2000)]
    write_loss_plot(lines, tmp_path / "plot.png")
    picture = np.array(Image.open(tmp_path / "plot.png").convert("RGB")).astype(int)
    rows, columns = np.nonzero((picture[..., 2] - picture[..., 0]) > 60)  # the line is blue
    assert len(rows) > 200
    falls = [rows[columns == x].mean() for x in (columns.min() + 1, columns.max() - 1)]
    assert falls[1] > falls[0], "a loss that falls goes down"
    for values in ((3e-11, 3.1e-11), (1.0, 1.0 + 2**-52), (1e-320, 2e-320)):  # nearly constant: no crash
        tiny = [{"step": step, "stage": "s", "g/l1": value} for step, value in enumerate(values, 1)]
        write_loss_plot(tiny, tmp_path / "tiny.png")
    write_loss_plot([{"step": 1, "stage": "s"}], tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()


def test_a_dry_run_says_that_a_step_does_not_fit_into_memory(tmp_path, monkeypatch):
    def fails(*of):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate ...")

    monkeypatch.setattr(dry_run, "_trial", fails)
    with pytest.raises(BadInput, match=r"does not fit into the memory of .* Give a larger --accumulation"):
        try_out(recipe(500), tmp_path / "run")


@pytest.mark.parametrize("name", list(trainable()))
def test_every_recipe_comes_back_from_its_receipt(name):
    wanted = replace(trainable()[name](), batch_size=3, seed=11)
    plain = json.loads(json.dumps(to_plain(wanted)))
    assert with_values(trainable()[name](), plain, "recipe.json") == wanted


@pytest.mark.slow
def test_a_receipt_of_another_form_is_refused_with_the_place(runs):
    plain = read_receipt(runs / "done")
    for changed, where in (
        ({**plain, "stages": plain["stages"][:1]}, "recipe.stages has 1 entries"),
        ({**plain, "model": {**plain["model"], "foo": 1}}, "'foo'"),
        ({**plain, "batch_size": "many"}, "recipe.batch_size"),
        ({**plain, "model": 3}, "recipe.model"),
        ({**plain, "batch_size": 0}, "recipe: .*batch of 1"),
    ):
        with pytest.raises(BadInput, match=where):
            with_values(recipe(1), changed, "recipe")
    with pytest.raises(BadInput, match="no receipt"):
        read_receipt(runs / "nowhere")


@pytest.mark.slow
def test_train_takes_the_values_of_another_run_weights_and_seeds(runs, tmp_path, monkeypatch):
    began = []
    monkeypatch.setattr(train, "train", lambda recipe, out, **options: began.append((recipe, out)) or Done)
    receipt, weights = runs / "deep/half/recipe.json", runs / "done/generator.safetensors"
    options = ["--out", str(tmp_path / "new"), "--init", str(weights), "--batch-size", "5", "--seeds", "4", "9"]
    assert main(["train", "--from", str(receipt), *options]) == 0
    first, second = (replace(recipe(2), seed=seed, batch_size=5) for seed in (4, 9))
    start = Start(str(weights), ("",))
    expected = [replace(r, stages=(replace(r.stages[0], start=start), *r.stages[1:])) for r in (first, second)]
    assert [r for r, _ in began] == expected
    assert [out for _, out in began] == [tmp_path / "new/seed-4", tmp_path / "new/seed-9"]
    for option in ("--init", "--stages.0.start"):  # the folder of a run, as wherever a model is named
        assert train.parse(recipe(2), [option, str(weights.parent)])[1].stages[0].start == start
    assert main(["train", f"--from={receipt}", "--seeds", "1", "1"]) == 2
    assert main(["train", "--from", str(receipt), "--init", "a", "--stages.0.start", "b"]) == 2
    assert main(["train", "--from"]) == 2 and len(began) == 2


class Done:
    finished, signal = False, 0


@pytest.mark.slow
def test_a_dry_run_takes_steps_of_every_stage_writes_nothing_and_says_what_the_run_needs(
    runs, tmp_path, monkeypatch, capsys
):
    trial = try_out(recipe(500), tmp_path / "run")
    assert [(stage.name, stage.steps) for stage in trial.stages] == [(s.name, 500) for s in recipe().stages]
    assert all(stage.seconds > 0 for stage in trial.stages)
    assert trial.seconds == pytest.approx(sum(500 * stage.seconds for stage in trial.stages))
    assert 0 < trial.memory < trial.available and 0 < trial.disk < trial.free and trial.items == 4
    written = sum((runs / "done" / name).stat().st_size for name in ("state.pt", "generator.safetensors"))
    assert written < trial.disk < 3 * written + 200_000
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(train, "try_out", lambda recipe, out: replace(trial, free=trial.disk - 1))
    assert main(["train", "gfla-mini", "--dry-run", "--out", str(tmp_path / "run")]) == 1
    assert "too little space" in capsys.readouterr().out and list(tmp_path.iterdir()) == []
