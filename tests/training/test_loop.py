import copy
import time
import traceback
from dataclasses import fields, is_dataclass, replace
from functools import partial
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import nn

from reposer.core import BadInput, Skeleton
from reposer.core.disk import only_user
from reposer.generators import RECIPES
from reposer.nn.features import VGG16BN
from reposer.nn.gathered_norm import GatheredBatchNorm
from reposer.training import Adam, Objective, Stage, TrainingStopped, Turn, frozen
from reposer.training.distributed import average_gradients, rows_of_process
from reposer.training.loader import batches_in_parts
from reposer.training.loop import must_begin, take_step, train, update_average
from tests.batches import batches
from tests.batches import batches as batches_of
from tests.conformance.alike import AS_FACES, OF_CLIPS, one_of_each, tiny
from tests.forked import CONTEXT, started
from tests.rendered import keep_renderings, opened_once


class Line(Objective):
    """Fits y = w x; a term of the wish."""

    def __init__(self, term: float = 1.0) -> None:
        super().__init__()
        self.networks = nn.ModuleDict({"generator": nn.Linear(1, 1, bias=False)})
        self.term = term

    @property
    def players(self):
        return {"generator": self.networks["generator"]}

    def steps(self, batch):
        yield Turn(("generator",), {"fit": (self.networks["generator"](batch) - batch).square().mean() * self.term})


@pytest.mark.slow
def test_a_term_that_is_not_finite_stops_and_names_step_player_and_term():
    objective = Line(float("nan"))
    stage = Stage("fit", None, 1, {"generator": Adam()})
    optimisers = {"generator": Adam().build(objective.players["generator"])}
    with pytest.raises(TrainingStopped, match=r"step 7 .*'fit' of generator is nan"):
        take_step(objective, optimisers, stage, [(torch.ones(2, 1), 1.0)], 1.0, "fp32", 7)


def test_frozen_lets_gradients_through_and_collects_none():
    layer = nn.Linear(2, 1)
    x = torch.ones(1, 2, requires_grad=True)
    with frozen(layer):
        layer(x).sum().backward()
    assert x.grad is not None and layer.weight.grad is None and layer.weight.requires_grad


def test_the_average_is_the_exponential_mean():
    trained, averaged = nn.Linear(1, 1), nn.Linear(1, 1)
    start = averaged.weight.item()
    update_average(averaged, trained, 0.75, step=100)
    assert averaged.weight.item() == pytest.approx(0.75 * start + 0.25 * trained.weight.item())


def test_a_learning_rate_rises_over_the_warmup_and_falls_over_the_second_half():
    stage = Stage("s", None, 100, {}, schedule="linear-to-zero", warmup=10)
    assert stage.learning_rate_factor(0) == pytest.approx(0.1)
    assert stage.learning_rate_factor(30) == 1.0
    assert stage.learning_rate_factor(75) == pytest.approx(0.5)
    assert stage.learning_rate_factor(99) == pytest.approx(0.02)


def test_a_stage_says_when_its_rate_begins_to_fall():
    stage = Stage("s", None, 100, {}, schedule="linear-to-zero", hold=0.8)
    assert [stage.learning_rate_factor(step) for step in (0, 79, 80)] == [1, 1, 1]
    assert stage.learning_rate_factor(90) == pytest.approx(0.5)
    assert stage.learning_rate_factor(99) == pytest.approx(0.05)
    with pytest.raises(BadInput, match=r"hold from 0 to below 1, not 1\.0"):
        Stage("s", None, 100, {}, hold=1.0)


class Numbers:
    """A data set of numbers."""

    def __len__(self):
        return 10

    def sample(self, i, seed):
        return (i, seed)

    def collate(self, samples, seeds):
        return samples, seeds.tolist()


@pytest.mark.parametrize("batch_size", [4, 7])
def test_what_a_step_sees_depends_on_seed_and_step_only(batch_size):
    batches = partial(batches_of, Numbers(), seed=3, batch_size=batch_size)
    whole = list(batches(first_step=0, last_step=9))
    assert list(batches(first_step=5, last_step=9)) == whole[5:]
    for step, (samples, seeds) in enumerate(whole):
        halves = [next(batches(first_step=step, last_step=9, process=p, processes=2)) for p in (0, 1)]
        assert halves[0][0] + halves[1][0] == samples and halves[0][1] + halves[1][1] == seeds


def test_a_round_visits_every_item_once():
    items = [
        i for samples, _ in batches(Numbers(), seed=0, batch_size=5, first_step=0, last_step=2) for i, _ in samples
    ]
    assert sorted(items) == list(range(10))


@pytest.mark.slow
def test_data_workers_give_the_same_batches_as_none():
    alone = list(batches(Numbers(), seed=1, batch_size=2, first_step=0, last_step=4))
    assert list(batches(Numbers(), seed=1, batch_size=2, first_step=0, last_step=4, workers=2)) == alone


ROWS = 3  # two processes have 1 and 2 of them


def weights_after(
    recipe_name: str, process: int, processes: int, steps: int = 2, *, parts: int = 1, updates: int = 1
) -> dict[str, torch.Tensor]:
    """All networks of a recipe at its tiny size after a step of each stage and `steps` of the last, in float64.

    updates: of one step on clips.
    """
    torch.manual_seed(0)
    recipe = replace(tiny(RECIPES[recipe_name](), updates=updates), batch_size=ROWS)
    share = len(rows_of_process(ROWS, process, processes)) / ROWS
    generator = recipe.build().double()
    with pytest.MonkeyPatch.context() as patch:
        opened_once(type(recipe.data), patch)
        dataset = recipe.data.open(generator.framing)
    result = {}
    for stage in recipe.stages:
        torch.manual_seed(1)
        objective = stage.objective.build(generator).double().train()
        optimisers = {name: stage.optimisers[name].build(p) for name, p in objective.players.items()}
        for optimiser in optimisers.values():
            for group in optimiser.param_groups:
                group["eps"] = 1e-3  # with 1e-8 Adam blows the rounding of gradients near zero up to full steps
        rows = partial(batches_in_parts, dataset, seed=0, batch_size=ROWS, process=process, processes=processes)
        last_step = steps if stage is recipe.stages[-1] else 1
        for step, own in enumerate(rows(first_step=0, last_step=last_step, parts=parts)):
            doubled = [(double(batch), part) for batch, part in own]
            take_step(objective, optimisers, stage, doubled, 1.0, "fp32", step, share=share)
        result |= {f"{stage.name}.{k}": v.clone() for k, v in objective.networks.state_dict().items()}
    return result


def double(value):
    """Every number in it as float64, whatever kind of batch or condition it is."""
    if isinstance(value, torch.Tensor):
        return value.double() if value.is_floating_point() else value
    if not is_dataclass(value) or isinstance(value, Skeleton):
        return value
    return replace(value, **{f.name: double(getattr(value, f.name)) for f in fields(value)})


# A step of them is one or more updates of a network with norms over two pixels: a nudge of 1e-15 in the weights is one
# of 2e-9 after a step of two updates and of 6e-5 after two such steps, which would compare rounding.
STEPS = dict.fromkeys(OF_CLIPS, 1)


def one_of_two(process, meeting, wanted, ended):
    """Trains each wanted recipe with the other process, until None is wanted."""
    torch.set_num_threads(1)
    keep_renderings()
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=process, world_size=2)
    for recipe_name, updates, out in iter(wanted[process].get, None):
        try:
            result = weights_after(recipe_name, process, 2, STEPS.get(recipe_name, 2), updates=updates)
            if process == 0:
                torch.save(result, out)
            ended[process].put("")
        except Exception:
            ended[process].put(traceback.format_exc())
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory):
    """A function that trains a recipe in two processes, which are started once for all tests."""
    folder = tmp_path_factory.mktemp("two")
    wanted, ended = [CONTEXT.Queue() for _ in range(2)], [CONTEXT.Queue() for _ in range(2)]
    both = [started(one_of_two, process, str(folder / "meeting"), wanted, ended) for process in range(2)]

    def trained(recipe_name, updates):
        out = folder / f"{recipe_name}-{updates}.pt"
        for queue in wanted:
            queue.put((recipe_name, updates, str(out)))
        for queue in ended:
            while queue.empty():
                assert all(process.is_alive() for process in both)
                time.sleep(0.01)
            said = queue.get()
            assert not said, said
        return torch.load(out, weights_only=True)

    yield trained
    for queue in wanted:
        queue.put(None)
    for process in both:
        process.join()
        assert process.exitcode == 0


@pytest.mark.slow
@one_of_each(RECIPES, but=AS_FACES)
def test_two_processes_and_two_parts_that_share_a_batch_unevenly_equal_the_whole_batch(name, two_processes):
    divided_equals_whole(name, two_processes, updates=1)


@pytest.mark.nightly
@pytest.mark.parametrize("name", OF_CLIPS)
def test_two_processes_and_two_parts_equal_the_whole_batch_also_with_two_updates_a_step(name, two_processes):
    divided_equals_whole(name, two_processes, updates=2)


def divided_equals_whole(name, two_processes, *, updates):
    steps = STEPS.get(name, 2)
    whole = weights_after(name, 0, 1, steps, updates=updates)
    divided = {"processes": two_processes(name, updates)}
    if takes_parts(name):
        divided["parts"] = weights_after(name, 0, 1, steps, parts=2, updates=updates)
    for how, weights in divided.items():
        assert whole.keys() == weights.keys()
        for place, weight in whole.items():
            torch.testing.assert_close(
                weights[place], weight, rtol=1e-8, atol=1e-10, msg=lambda m, at=place, how=how: f"{how}, {at}: {m}"
            )


def takes_parts(recipe_name: str) -> bool:
    """Whether no stage of the recipe normalises over the batch; those that do refuse parts."""
    recipe = RECIPES[recipe_name]().tiny()
    try:
        for stage in recipe.stages:
            must_begin(stage, recipe.build(), accumulation=2)
    except BadInput as refused:
        assert "batch norm" in str(refused) and "--accumulation" in str(refused)
        return False
    return True


@pytest.mark.slow
def test_batches_are_divided_into_parts_unless_something_normalises_over_them():
    divided = list(batches_in_parts(Numbers(), seed=3, batch_size=7, first_step=0, last_step=2, parts=3))
    assert [[len(samples) for (samples, _), _ in parts] for parts in divided] == [[2, 2, 3]] * 2
    assert [part for _, part in divided[0]] == [2 / 7, 2 / 7, 3 / 7]
    whole = list(batches(Numbers(), seed=3, batch_size=7, first_step=0, last_step=2))
    for parts, (samples, seeds) in zip(divided, whole, strict=True):
        assert [s for (own, _), _ in parts for s in own] == samples
        assert [s for (_, own), _ in parts for s in own] == seeds
    with pytest.raises(BadInput, match=r"3 rows of a step cannot be divided into 4 parts.*--accumulation"):
        next(batches_in_parts(Numbers(), seed=3, batch_size=3, first_step=0, last_step=2, parts=4))
    assert takes_parts("gfla-mini") and not takes_parts("patn-market-2019")
    with pytest.raises(BadInput, match="a batch of 2 has at most that many parts"):
        replace(RECIPES["gfla-mini"]().tiny(), accumulation=3)


class Built:
    """The config of an objective that another package made."""

    def __init__(self, layer: nn.Module) -> None:
        self.layer = layer

    def build(self, generator: nn.Module) -> Objective:
        line = Line()
        line.networks["generator"] = nn.Sequential(nn.Linear(1, 1), self.layer)
        return line


@pytest.mark.parametrize("made", [nn.BatchNorm1d, nn.BatchNorm2d, nn.SyncBatchNorm, GatheredBatchNorm])
def test_batch_norm_of_any_kind_that_trains_is_not_divided_into_parts(made):
    stage = Stage("own", Built(made(1)), steps=1, optimisers={"generator": Adam()})
    must_begin(stage, nn.Linear(1, 1), accumulation=1)
    with pytest.raises(BadInput, match=r"normalises over the pictures of a batch \(batch norm\)"):
        must_begin(stage, nn.Linear(1, 1), accumulation=2)
    must_begin(replace(stage, objective=Built(nn.LayerNorm(1))), nn.Linear(1, 1), accumulation=2)


def test_a_feature_network_with_frozen_batch_norm_can_be_divided_into_parts():
    network = VGG16BN()
    network.freeze()
    stage = Stage("own", Built(network), steps=1, optimisers={"generator": Adam()})
    must_begin(stage, nn.Linear(1, 1), accumulation=2)


def test_bfloat16_is_refused_on_a_gpu_that_only_emulates_it(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda emulated: emulated)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "an old GPU")
    with pytest.raises(BadInput, match=r"an old GPU has no bfloat16 arithmetic\. Give --precision fp32"):
        train(replace(RECIPES["gfla-mini"]().tiny(), precision="bf16"), tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def unused_branch(process: int, meeting: str, out: str) -> None:
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=process, world_size=2)
    a, b, c = (nn.Parameter(torch.ones(1)) for _ in range(3))
    a.grad = torch.full((1,), float(process))
    if process == 1:
        b.grad = torch.full((1,), 4.0)
    average_gradients([a, b, c], 0.5)
    if process == 0:
        torch.save({"a": a.grad, "b": b.grad, "c": c.grad is None}, out)
    dist.destroy_process_group()


def test_a_gradient_that_one_process_lacks_counts_as_zero_and_one_that_all_lack_stays_absent(tmp_path):
    out = tmp_path / "gradients.pt"
    both = [started(unused_branch, process, str(tmp_path / "meeting"), str(out)) for process in range(2)]
    for process in both:
        process.join()
        assert process.exitcode == 0
    means = torch.load(out, weights_only=True)
    assert means["a"].item() == 0.5 and means["b"].item() == 2.0 and means["c"] is True


def test_a_stage_can_start_from_the_flow_of_another_run(tmp_path):
    from reposer.generators import save
    from reposer.training import Start
    from reposer.training.loop import _begin_from

    recipe = RECIPES["gfla-mini"]().tiny()
    first, second = recipe.build(), replace(recipe, seed=1).build()
    path = Path(tmp_path) / "flow.safetensors"
    save(first, path)
    kept = copy.deepcopy(second.target_net.state_dict())
    message = _begin_from(Start(str(path), ("flow_net.",)), second)
    assert "keep their first values" in message
    for name, tensor in second.flow_net.state_dict().items():
        assert torch.equal(tensor, first.flow_net.state_dict()[name])
    for name, tensor in second.target_net.state_dict().items():
        assert torch.equal(tensor, kept[name])
    assert "learned with" not in message


def test_a_start_says_in_what_the_network_of_its_weights_was_another(tmp_path):
    from reposer.generators import save
    from reposer.training import Start
    from reposer.training.loop import _begin_from

    recipe = RECIPES["trueflow-mini"]().tiny()
    generator, path = recipe.build(), Path(tmp_path) / "anew.safetensors"
    save(replace(recipe, model=replace(recipe.model, corrects=False, looks_up=8)).build(), path)
    message = _begin_from(Start(str(path), ("",)), generator)
    assert message.endswith("They learned with corrects = False (here True), looks_up = 8 (here 4).")


@pytest.mark.slow
def test_a_folder_is_trained_in_by_one_process_at_a_time(tmp_path):
    recipe, out = RECIPES["gfla-mini"]().tiny(), tmp_path / "run"
    out.mkdir()
    lock = only_user(out, "trains")
    with pytest.raises(BadInput, match="in use: another process trains there"):
        train(recipe, out, progress=False)
    lock.release()
    assert train(recipe, out, progress=False).finished
    only_user(out, "looks").release()
