from dataclasses import replace

import pytest
import torch

from reposer.core import BadInput, Batch, Framing, Pose, View
from reposer.core.configs import from_plain, to_plain
from reposer.evaluation.sheets import pair_sheet
from reposer.generators import RECIPES, load, save
from reposer.generators.appearance_flow import AppearanceFlowConfig
from reposer.generators.gfla.parts import Moves
from reposer.generators.gfla.view_network import GFLAViewsConfig
from reposer.nn.view_code import FEATURES, ViewCode, one_hot_view, view_features
from reposer.nn.weights import unfilled
from reposer.recipes import ViewDataConfig
from reposer.training import Adam
from reposer.training.loop import take_step
from tests.batches import batches

from .test_gfla_network import count, lively

ONE_HOT = GFLAViewsConfig.shapenet_2020().tiny()
CODE = GFLAViewsConfig.mini().tiny()
FLOWS = AppearanceFlowConfig.mini().tiny()
every_form = pytest.mark.parametrize("config", [ONE_HOT, CODE, FLOWS], ids=["one-hot", "code", "flow-only"])


def views(*angles):
    azimuths, elevations = zip(*angles, strict=True)
    return View(torch.tensor(azimuths, dtype=torch.float32), torch.tensor(elevations, dtype=torch.float32))


def pictures(rows, size=(64, 32), seed=1):
    random = torch.Generator().manual_seed(seed)
    return torch.rand(rows, 3, *size, generator=random) * 2 - 1


def test_the_published_network_has_the_published_number_of_parameters():
    generator = unfilled(GFLAViewsConfig.shapenet_2020().build)
    assert count(generator) == 14_341_323
    assert count(generator.flow_net) == 7_991_286
    assert count(generator.source_net) == 1_434_758
    assert generator.flow_net.bottom.first.weight.shape == (277, 277, 3, 3)
    assert generator.flow_net.bottom.bypass.weight.shape == (256, 277, 1, 1)
    assert [tuple(block.conv.weight.shape[:2]) for block in generator.target_net.begin] == [(21, 21), (64, 64)]


def test_the_mini_form_and_the_comparison_are_of_one_size_and_at_most_five_million():
    ours, flows = count(GFLAViewsConfig.mini().build()), count(AppearanceFlowConfig.mini().build())
    assert ours <= 5_000_000
    assert abs(flows - ours) < 0.1 * ours
    for config in (ONE_HOT, CODE, FLOWS):
        assert count(config.build()) <= 100_000


def test_a_one_hot_code_is_18_azimuths_then_3_elevations():
    code = one_hot_view(views((0, 0), (20, 10), (340, 20), (360, 0), (-20, 20)))
    places = [row.nonzero().flatten().tolist() for row in code]
    assert code.shape == (5, 21)
    assert places == [[0, 18], [1, 19], [17, 20], [0, 18], [17, 20]]
    for angle, said in (((10, 0), "azimuth of 10 degrees"), ((0, 5), "elevation of 5 degrees")):
        with pytest.raises(BadInput, match=f"cannot say an {said}"):
            one_hot_view(views((0, 0), angle))


def test_a_whole_turn_is_no_turn_and_near_views_have_near_codes():
    start = views((40, 10), (200, 0))
    once, again = views((70, 10), (210, 20)), views((430, 10), (-150, 20))
    assert torch.allclose(view_features(start, once), view_features(start, again), atol=1e-5)
    torch.manual_seed(0)
    code = ViewCode(16)
    at = [code(start, View(once.azimuth + shift, once.elevation)) for shift in (0.0, 1.0, 40.0)]
    assert view_features(start, once).shape == (2, FEATURES)
    assert (at[1] - at[0]).norm() < 0.2 * (at[2] - at[0]).norm()


def test_as_published_a_view_reaches_the_blocks_through_their_bypasses_alone():
    """A norm over places takes away all of a map that is the same everywhere (T4)."""
    torch.manual_seed(0)
    published = replace(ONE_HOT, framing=Framing((128, 128), aspect=1.0))
    generator = published.build()
    block = generator.target_net.begin[0]
    one, other = (one_hot_view(views(angle))[..., None, None].expand(-1, -1, 4, 4) for angle in ((0, 0), (160, 20)))

    def main_branch(x):
        return block.enlarge(block.between(block.conv(block.before(x))))

    assert torch.equal(main_branch(one), main_branch(other))
    assert not torch.equal(block(one), block(other))
    assert not torch.equal(block.bypass(one), block.bypass(other))

    # with any weights, in the flow network, too: the norm's other channels are the source's
    trained = lively(published).double()
    join = trained.flow_net.bottom
    deepest = torch.rand(1, 8 * published.flow_width, 4, 4, dtype=torch.float64)
    inputs = [torch.cat([deepest, code.double()], 1) for code in (one, other - one)]
    main = [join.second(join.between(join.first(join.before(x)))) for x in inputs]
    assert torch.allclose(*main, atol=1e-9)
    assert not torch.allclose(*(join(x) for x in inputs), atol=1e-3)


def test_in_our_form_a_view_reaches_the_main_branches_too():
    generator = lively(replace(CODE, framing=Framing((128, 128), aspect=1.0)))
    block = generator.target_net.begin[0]
    start = views((0, 0))
    maps = [generator.target_net.views(start, views(goal), torch.float32) for goal in ((20, 0), (160, 20))]
    main = [block.enlarge(block.between(block.conv(block.before(x)))) for x in maps]
    assert (main[0] - main[1]).abs().max() > 0.01


@every_form
def test_both_views_are_heard(config):
    generator = lively(config)
    source, start, goal = pictures(1), views((40, 10)), views((80, 10))
    generated = generator.generate(source, start, goal)
    assert not torch.equal(generated, generator.generate(source, start, views((100, 10))))
    assert not torch.equal(generated, generator.generate(source, start, views((80, 20))))
    assert not torch.equal(generated, generator.generate(source, views((0, 10)), goal))


@every_form
def test_the_frames_of_a_turntable_are_what_generate_gives(config):
    generator = lively(config).double()
    source, start = pictures(1).double(), views((60, 10))
    turn = views(*((20 * k, 0) for k in range(18)))
    frames = list(generator.animate(source[0], start[0], turn))
    assert len(frames) == 18 and not frames[0].requires_grad
    repeated = View(start.azimuth.expand(18), start.elevation.expand(18))
    together = generator.generate(source.expand(18, -1, -1, -1), repeated, turn)
    assert torch.allclose(torch.stack(frames), together, atol=1e-9)
    assert len({frame.numpy().tobytes() for frame in frames}) == 18


def test_the_source_is_encoded_once_for_a_turntable():
    generator = lively(CODE)
    calls = []
    for net in (generator.source_net.encoder[0], generator.flow_net.encoder[0]):
        net.register_forward_hook(lambda *_: calls.append(1))
    frames = generator.animate(pictures(1)[0], views((0, 0))[0], views((20, 0), (40, 0), (60, 0)))
    assert len(list(frames)) == 3 and len(calls) == 2


def test_an_azimuth_between_those_of_training_is_generated_by_a_smooth_code_and_refused_by_a_one_hot_one():
    source, start, between = pictures(1), views((0, 0)), views((31.5, 5))
    smooth = lively(CODE)
    low, middle, high = (smooth.generate(source, start, views((a, 5))) for a in (31.4, 31.5, 31.6))
    assert torch.equal(middle, smooth.generate(source, start, between))
    assert 0 < (middle - low).abs().max() < 0.2 and (high - low).abs().max() < 0.2
    with pytest.raises(BadInput, match=r"31.5 degrees; it knows the multiples of 20 alone"):
        lively(ONE_HOT).generate(source, start, between)
    with pytest.raises(BadInput, match="elevation of 5 degrees; it knows 0, 10, 20 alone"):
        lively(ONE_HOT).explain(source, start, views((40, 5)))


@every_form
def test_what_is_no_known_view_is_refused(config):
    generator = config.build()
    source, start = pictures(1), views((0, 0))
    with pytest.raises(BadInput, match="elevation of 60 degrees; it was trained from 0 to 20"):
        generator.generate(source, start, views((0, 60)))
    with pytest.raises(BadInput, match="not a finite number"):
        generator.generate(source, views((float("nan"), 0)), start)
    with pytest.raises(BadInput, match=r"needs a View, not a Pose"):
        pose = Pose(torch.zeros(1, 18, 2), torch.ones(1, 18, dtype=torch.bool), (64, 32))
        generator.generate(source, pose, start)
    with pytest.raises(BadInput, match="64x32 pixels only, not of 96x32"):
        generator.generate(pictures(1, (96, 32)), start, start)


def test_the_flow_alone_is_the_flow_of_the_whole():
    generator = lively(CODE)
    arguments = pictures(2), views((0, 0), (20, 10)), views((60, 0), (20, 20))
    moves, output = generator.flow(*arguments), generator(*arguments)
    assert list(moves.flows) == [3, 2]
    assert all(torch.equal(moves.flows[n], output.flows[n]) for n in moves.flows)
    assert all(torch.equal(moves.occlusions[n], output.occlusions[n]) for n in moves.flows)


def test_where_the_occlusion_is_zero_the_source_is_not_seen():
    generator = lively(CODE)
    source, start, goal = pictures(1), views((0, 0)), views((60, 0))
    flows, occlusions = generator.flow(source, start, goal)
    closed = Moves(flows, {n: torch.zeros_like(m) for n, m in occlusions.items()})
    one, other = generator.source_net(source), generator.source_net(-source)
    assert torch.equal(generator.target_net(start, goal, one, closed), generator.target_net(start, goal, other, closed))


def test_a_flow_only_network_begins_by_copying_and_moves_by_pixels_of_the_picture():
    generator = FLOWS.build()
    source, start, goal = pictures(1), views((0, 0)), views((60, 0))
    explanation = generator.explain(source, start, goal)
    assert explanation.layers["flow"].values.abs().max() < 0.5
    with torch.no_grad():
        generator.head.weight.zero_()
        generator.head.bias.copy_(torch.tensor([4 / 64, -8 / 64]))
    generated = generator.generate(source, start, goal)
    assert torch.allclose(generated[..., 8:, :28], source[..., :-8, 4:], atol=1e-5)


@pytest.mark.parametrize("config", [GFLAViewsConfig.shapenet_2020(), GFLAViewsConfig.mini(), CODE])
def test_a_config_survives_writing_down(config):
    assert from_plain(GFLAViewsConfig, to_plain(config)) == config


@every_form
def test_a_saved_network_generates_the_same(config, tmp_path):
    generator = lively(config).eval()
    save(generator, tmp_path / "views.safetensors")
    arguments = pictures(1), views((20, 0)), views((160, 0))
    assert torch.equal(load(tmp_path / "views.safetensors").generate(*arguments), generator.generate(*arguments))


def test_a_config_that_cannot_be_built_is_refused():
    with pytest.raises(BadInput, match="100x64"):
        GFLAViewsConfig(framing=Framing((100, 64)))
    with pytest.raises(BadInput, match="1 channel or more"):
        GFLAViewsConfig(code_width=0)
    with pytest.raises(BadInput, match="100x64"):
        AppearanceFlowConfig(framing=Framing((100, 64)))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gfla-views-mini", "appearance-flow-mini"])
def test_held_out_azimuths_are_never_seen_in_training(name):
    data = RECIPES[name]().data
    assert data.hold_out == 3
    train = replace(data, num_objects=1).open(Framing((16, 16), aspect=1.0))
    held = set(range(40, 360, 60))
    seen = set()
    for batch in batches(train, seed=0, batch_size=12, first_step=0, last_step=40):
        for view in (batch.source_pose, batch.target_pose):
            seen |= set(view.azimuth.tolist())
    assert len(seen) == 12 and not seen & held
    asked = replace(data, num_objects=1).open(Framing((16, 16), aspect=1.0), "held-out")
    assert {float(asked[i].target_pose.azimuth) for i in range(len(asked))} == held


def test_both_recipes_see_the_same_pictures_as_often():
    ours, flows = RECIPES["gfla-views-mini"](), RECIPES["appearance-flow-mini"]()
    assert (ours.data, ours.batch_size, ours.steps) == (flows.data, flows.batch_size, flows.steps)
    assert ours.model.framing.size == flows.model.framing.size


@every_form
def test_a_sheet_of_views_has_no_column_of_poses(config):
    data = ViewDataConfig(num_objects=1).open(config.framing)
    sheet = pair_sheet(lively(config), [data[0], data[9]])
    assert sheet.ndim == 3 and sheet.dtype.name == "uint8"


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("name", "rate", "share"),
    [("gfla-views-mini", 4e-3, 1 / 5), ("appearance-flow-mini", 1e-3, 1 / 2)],  # not all is in the source to be sampled
)
def test_four_views_are_learnt_by_heart(name, rate, share):
    recipe = RECIPES[name]().tiny()
    generator = recipe.build()
    data = recipe.data.open(generator.framing)
    batch = Batch.stack([data.sample(i, 5) for i in (0, 9, 18, 27)])

    def l1():
        arguments = batch.source, batch.source_pose, batch.target_pose
        return (generator.generate(*arguments) - batch.target).abs().mean().item()

    reached = [l1()]
    for stage in recipe.stages:
        steps = 600 if stage is recipe.stages[-1] else 50
        optimisers = {
            player: Adam(2e-4 if player == "discriminator" else rate, betas=(0.5, 0.99)) for player in stage.optimisers
        }
        stage = replace(stage, steps=steps, schedule="linear-to-zero", optimisers=optimisers)
        objective = stage.objective.build(generator).train()
        steppers = {player: optimisers[player].build(net) for player, net in objective.players.items()}
        for step in range(steps):
            take_step(objective, steppers, stage, [(batch, 1.0)], stage.learning_rate_factor(step), "fp32", step)
        reached.append(l1())
    print(f"{name}: L1", *(f"{value:.4f}" for value in reached))
    assert reached[-1] < share * reached[0]
