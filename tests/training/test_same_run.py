"""A run goes on where nothing that moves its numbers differs, and only there."""

import dataclasses
import json
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from reposer.cli.train import parse
from reposer.core import BadInput
from reposer.core.configs import to_plain
from reposer.generators import RECIPES, load, save
from reposer.generators.gfla.objective import GFLALossesConfig
from reposer.recipes import DataConfig
from reposer.synthetic.people import write_people
from reposer.training import Recipe, Start, train
from reposer.training.contents import digest
from reposer.training.distributed import rows_of_process
from reposer.training.old_names import ADDED_WITHIN
from reposer.training.receipts import with_values
from reposer.training.same_run import differences, refuse_another_run
from tests.training.run_tiny import recipe
from tests.training.test_resume import assert_same, final_state


def with_last(ours: Recipe, **values: object) -> Recipe:
    """The recipe with other values in its last stage."""
    return replace(ours, stages=(*ours.stages[:-1], replace(ours.stages[-1], **values)))


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    root = tmp_path_factory.mktemp("people") / "people"
    return write_people(root, size=(64, 44), num_train=2, num_test=1, views=2, workers=1, progress=False)


def on_files(root: Path, steps: int = 1) -> Recipe:
    return replace(recipe(steps), data=DataConfig(root=str(root)))


@pytest.mark.slow
def test_a_run_goes_on_when_only_what_cannot_move_the_numbers_differs(tmp_path):
    train(recipe(2), tmp_path / "broken", progress=False, until_step=1)
    other = replace(recipe(2), log_every=2, save_every=3, picture_every=5, workers=1)
    assert train(other, tmp_path / "broken", progress=False).finished
    train(recipe(2), tmp_path / "whole", progress=False)
    assert_same(final_state(tmp_path / "broken"), final_state(tmp_path / "whole"))


@pytest.mark.slow
def test_another_value_is_refused_with_its_path_and_both_values_and_nothing_else(tmp_path):
    train(recipe(1), tmp_path, progress=False)
    ours = replace(with_last(recipe(1), warmup=7), seed=5, log_every=9)
    with pytest.raises(BadInput) as caught:
        train(ours, tmp_path, progress=False)
    message = str(caught.value)
    assert "stages.1.warmup is 0 there, 7 asked; seed is 0 there, 5 asked. Give" in message
    assert "log_every" not in message and "optimisers" not in message


@pytest.mark.parametrize("name", ["trueflow", "gfla-synthetic", "gfla-mini-true-flow"])
def test_a_run_from_before_a_field_was_added_has_its_value_of_then(name):
    ours = RECIPES[name]()
    asked = to_plain(ours)
    missing = []

    def of_then(values):
        if isinstance(values, list):
            return [of_then(value) for value in values]
        if not isinstance(values, dict):
            return values
        missing.extend(key for key in values if key in ADDED_WITHIN)
        return {key: of_then(value) for key, value in values.items() if key not in ADDED_WITHIN}

    found = {"recipe": of_then(asked), "contents": {}}
    assert missing
    then = with_values(ours, found["recipe"], "receipt")  # what --from takes
    assert not [w for w, _, _ in differences(found["recipe"], to_plain(then))]
    differing = [where for where, _, _ in differences(found["recipe"], asked)]
    if name == "gfla-mini-true-flow":  # of all of these, none had a true flow then
        assert sorted(differing) == [
            "data.photographs", "model.first_enlarging", "stages.0.objective.true_flow", "stages.1.objective.true_flow"
        ]  # fmt: skip
    else:
        refuse_another_run(Path(), found, asked, {}, ours, taken=0, extend=False)


@pytest.mark.slow
def test_a_run_that_is_extended_equals_one_that_was_begun_with_more_steps(tmp_path):
    train(recipe(2), tmp_path / "extended", progress=False)
    longer = with_last(recipe(2), steps=4)
    with pytest.raises(BadInput, match="Add --extend"):
        train(longer, tmp_path / "extended", progress=False)
    outcome = train(longer, tmp_path / "extended", progress=False, extend=True)
    assert (outcome.step, outcome.finished) == (6, True)
    train(longer, tmp_path / "whole", progress=False)
    assert_same(final_state(tmp_path / "extended"), final_state(tmp_path / "whole"))
    assert json.loads((tmp_path / "extended" / "recipe.json").read_text())["recipe"]["stages"][1]["steps"] == 4
    with pytest.raises(BadInput, match=r"stages\.1\.steps is 4 there, 2 asked"):
        train(recipe(2), tmp_path / "extended", progress=False, extend=True)


@pytest.mark.slow
def test_a_run_is_not_extended_if_its_learning_rates_would_have_been_others(tmp_path):
    falling = with_last(recipe(1), schedule="linear-to-zero", steps=3)
    longer = with_last(falling, steps=6)
    train(falling, tmp_path / "early", progress=False, until_step=3)
    assert train(longer, tmp_path / "early", progress=False, extend=True).finished  # it had not begun to fall
    train(falling, tmp_path / "late", progress=False)
    with pytest.raises(BadInput, match=r"cannot be extended from 3 to 6 steps .* 'linear-to-zero'"):
        train(longer, tmp_path / "late", progress=False, extend=True)
    train(longer, tmp_path / "whole", progress=False)
    assert_same(final_state(tmp_path / "early"), final_state(tmp_path / "whole"))


@pytest.mark.slow
def test_only_the_last_stage_can_be_extended(tmp_path):
    train(recipe(1), tmp_path, progress=False)
    ours = recipe(1)
    first = replace(ours, stages=(replace(ours.stages[0], steps=3), ours.stages[1]))
    with pytest.raises(BadInput, match=r"stages\.0\.steps is 1 there, 3 asked"):
        train(first, tmp_path, progress=False, extend=True)


@pytest.mark.slow
def test_data_that_were_moved_are_the_same_data_and_changed_ones_are_not(people, tmp_path):
    train(on_files(people), tmp_path / "run", progress=False)
    moved = Path(shutil.copytree(people, tmp_path / "elsewhere"))
    assert train(on_files(moved), tmp_path / "run", progress=False).finished
    picture = next(moved.glob("train/*.png"))
    content = bytearray(picture.read_bytes())
    content[-20] ^= 1  # as many bytes as before
    picture.write_bytes(content)
    with pytest.raises(BadInput, match=r"What data\.root names is not what the run in .* began with"):
        train(on_files(moved), tmp_path / "run", progress=False)


def test_a_picture_that_cannot_be_decoded_is_said_before_the_first_step(people, tmp_path):
    broken = Path(shutil.copytree(people, tmp_path / "broken"))
    last = sorted(broken.glob("train/*.png"))[-1]
    last.write_bytes(last.read_bytes()[:-600])
    with pytest.raises(BadInput, match=last.name):
        train(on_files(broken, 5), tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_a_file_that_only_a_later_stage_needs_is_looked_for_before_the_first_step(tmp_path):
    ours = RECIPES["gfla-mini"]().tiny()
    later = with_last(ours, objective=replace(ours.stages[-1].objective, weights=str(tmp_path / "none.pth")))
    with pytest.raises(BadInput, match=r"none\.pth"):
        train(later, tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_run_on_files_does_not_go_on_with_rendered_people(people, tmp_path):
    train(on_files(people), tmp_path, progress=False)
    with pytest.raises(BadInput, match=r"data\.root is '.*' there, None asked"):
        train(replace(recipe(1), data=DataConfig()), tmp_path, progress=False)


def test_a_digest_is_of_names_and_bytes_and_not_of_hidden_files_runs_places_or_order(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    for root, names in ((one, ("a", "b/c")), (two, ("b/c", "a"))):
        for name in names:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(name)
    (two / ".DS_Store").write_text("hidden")
    (two / "run").mkdir()
    (two / "run" / "recipe.json").write_text("{}")
    (two / "b" / "back").symlink_to(two)
    assert digest(one) == digest(two) and digest(one)["files"] == 2
    (two / "a").rename(two / "d")
    assert digest(one) != digest(two)
    with pytest.raises(BadInput, match="There is no file or folder"):
        digest(tmp_path / "none")


@pytest.mark.slow
def test_weights_to_start_from_are_known_by_their_content(tmp_path):
    save(recipe(1).build(), tmp_path / "a.safetensors")
    save(replace(recipe(1), seed=1).build(), tmp_path / "b.safetensors")
    shutil.copyfile(tmp_path / "a.safetensors", tmp_path / "c.safetensors")

    def begun_from(name: str) -> Recipe:
        return with_last(recipe(1), start=Start(str(tmp_path / name), ("coarse_net.",)))

    train(begun_from("a.safetensors"), tmp_path / "run", progress=False)
    assert train(begun_from("c.safetensors"), tmp_path / "run", progress=False).finished
    with pytest.raises(BadInput, match=r"What stages\.1\.start\.file names"):
        train(begun_from("b.safetensors"), tmp_path / "run", progress=False)


@pytest.mark.parametrize("name", ["gfla-mini", "pg2-mini", "gfla-animation-mini", "people-encoder"])
def test_a_stage_starts_from_a_file_that_the_command_line_names(name):
    from reposer.probes import PROBE_RECIPES

    ours = {**RECIPES, **PROBE_RECIPES}[name]()
    _, asked = parse(ours, ["--stages.0.start", "w.safetensors", "flow_net.", "target_net."])
    assert asked.stages[0].start == Start("w.safetensors", ("flow_net.", "target_net."))
    _, asked = parse(ours, ["--stages.0.start", "w.safetensors"])
    assert asked.stages[0].start == Start("w.safetensors", ("",))
    assert parse(ours, [])[1] == ours
    assert parse(asked, [])[1] == asked
    assert parse(asked, ["--stages.0.start", "None"])[1] == ours


@pytest.mark.slow
def test_a_stage_starts_from_a_shipped_model_by_its_name(tmp_path):
    ours = RECIPES["gfla-synthetic"]()
    options = ["--stages.0.start", "gfla-synthetic", "--stages.0.steps", "1", "--stages.1.steps", "1"]
    _, asked = parse(ours, [*options, "--data.num-pairs", "2", "--batch-size", "1"])
    assert train(asked, tmp_path, progress=False, until_step=1).step == 1


@pytest.mark.slow
def test_a_start_without_prefixes_takes_all_weights(tmp_path):
    first = replace(recipe(1), seed=3).build()
    save(first, tmp_path / "w.safetensors")
    ours = recipe(1)
    begun = replace(ours.stages[0], start=Start(str(tmp_path / "w.safetensors"), ("",)))
    still = {name: replace(o, learning_rate=1e-30) for name, o in begun.optimisers.items()}
    ours = replace(ours, stages=(replace(begun, optimisers=still),))
    train(ours, tmp_path / "run", progress=False)
    for name, tensor in load(tmp_path / "run" / "generator.safetensors").state_dict().items():
        torch.testing.assert_close(tensor, first.state_dict()[name], msg=name)


def test_weights_that_are_no_numbers_are_no_start(tmp_path):
    broken = recipe(1).build()
    with torch.no_grad():
        next(broken.parameters()).fill_(float("nan"))
    save(broken, tmp_path / "w.safetensors")
    start = Start(str(tmp_path / "w.safetensors"), ("",))
    ours = recipe(1)
    ours = replace(ours, stages=(replace(ours.stages[0], start=start), *ours.stages[1:]))
    with pytest.raises(BadInput, match="numbers that are not finite"):
        train(ours, tmp_path / "run", progress=False)


def test_seven_rows_are_shared_by_two_processes_and_one_row_is_not():
    assert [list(rows_of_process(7, p, 2)) for p in (0, 1)] == [[0, 1, 2], [3, 4, 5, 6]]
    with pytest.raises(BadInput, match="A batch of 1 cannot be shared by 2 processes"):
        rows_of_process(1, 0, 2)


REFUSED = [
    (["--save-every", "0"], "--save-every is 0"),
    (["--log-every", "0"], "--log-every is 0"),
    (["--picture-every", "-1"], "--picture-every is -1"),
    (["--workers", "-1"], "--workers is -1"),
    (["--seed", "-1"], "--seed is -1"),
    (["--seed", str(2**62)], "--seed is"),
    (["--batch-size", "0"], "a batch of 0"),
    (["--batch-size", str(10**12)], "a batch of 1000000000000"),
    (["--ema", "nan"], "a decay of nan"),
    (["--ema", "1"], "a decay of 1"),
    (["--stages.0.steps", "0"], "at least 1 step"),
    (["--stages.0.warmup", "-1"], "warmup of at least 0"),
    (["--stages.0.optimisers.flow.learning-rate", "nan"], "Adam needs"),
    (["--stages.0.optimisers.flow.learning-rate", "inf"], r"stages\.0\.optimisers\.flow\.learning_rate is not"),
    (["--stages.0.optimisers.flow.weight-decay", "nan"], "Adam needs"),
    (["--stages.1.objective.l1", "inf"], r"stages\.1\.objective\.l1 is not a finite number"),
    (["--stages.1.objective.l1", "-1"], r"stages\.1\.objective\.l1 is -1\.0; a number of at least 0 is expected"),
    (["--stages.1.objective.discriminator-width", "0"], r"discriminator_width is 0; a number of at least 1"),
    (["--stages.1.objective.discriminator-layers", "0"], r"discriminator_layers is 0; a number of at least 1"),
    (["--data.num-pairs", "0"], "--data.num-pairs is 0"),
    (["--threads", "0"], "--threads is 1 to 1,024, not 0"),
]


@pytest.mark.parametrize(("options", "said"), REFUSED, ids=[" ".join(o) for o, _ in REFUSED])
def test_a_number_that_no_run_can_have_is_refused_by_its_name(options, said, capsys):
    ours = RECIPES["gfla-mini"]()
    players = dict.fromkeys(("flow",), next(iter(ours.stages[0].optimisers.values())))
    stage = dataclasses.replace(ours.stages[0], optimisers=players)
    with pytest.raises((BadInput, SystemExit)) as caught:
        parse(replace(ours, stages=(stage, *ours.stages[1:])), options)
    if isinstance(caught.value, SystemExit):  # tyro prints what a part of a recipe refuses, in a box
        assert caught.value.code == 2
        message = " ".join(capsys.readouterr().err.replace("│", " ").split())
    else:
        message = str(caught.value)
    assert re.search(said, message), message


@dataclass(frozen=True)
class OfAnotherPackage(GFLALossesConfig):
    """An objective that rewards what it weighs below 0."""

    diversity: float = -0.5


def test_only_numbers_of_our_own_objectives_have_a_known_sense():
    ours = RECIPES["gfla-mini"]()
    stage = replace(ours.stages[1], objective=OfAnotherPackage())
    assert replace(ours, stages=(ours.stages[0], stage)).stages[1].objective.diversity == -0.5
    with pytest.raises(BadInput, match=r"stages\.1\.objective\.l1 is -1"):
        replace(ours, stages=(ours.stages[0], replace(stage, objective=GFLALossesConfig(l1=-1.0))))


@pytest.mark.parametrize("minutes", [float("nan"), float("inf"), -1.0])
def test_a_time_limit_that_is_no_time_is_refused(tmp_path, minutes):
    with pytest.raises(BadInput, match="--max-minutes is"):
        train(recipe(1), tmp_path / "run", progress=False, max_minutes=minutes)
    assert not (tmp_path / "run").exists()


def test_a_network_that_no_memory_holds_is_refused_in_words():
    huge = replace(recipe(1), model=replace(recipe(1).model, width=10**12))
    with pytest.raises(BadInput, match="cannot be made"):
        huge.build()
