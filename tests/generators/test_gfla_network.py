from dataclasses import replace

import pytest
import torch

from reposer.core import SKELETONS, BadInput, Batch, Framing, Pose
from reposer.core.configs import from_plain, to_plain
from reposer.generators import RECIPES
from reposer.generators.gfla import GFLAConfig, ResDiscriminator
from reposer.generators.gfla.parts import Moves
from reposer.nn.weights import unfilled


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def lively(config, seed=0):
    """A network whose flows are a few pixels long and whose picture depends on everything."""
    torch.manual_seed(seed)
    generator = config.build()
    with torch.no_grad():
        for name, parameter in generator.named_parameters():
            if parameter.dim() == 4:
                parameter.normal_(0, (2 if "flow_head" in name else 1) * parameter[0].numel() ** -0.5)
    return generator


def pair(size, rows=2, seed=1):
    random = torch.Generator().manual_seed(seed)
    corner = torch.tensor([size[1], size[0]])
    poses = [
        Pose(torch.rand(rows, 18, 2, generator=random) * corner, torch.rand(rows, 18, generator=random) > 0.2, size)
        for _ in range(2)
    ]
    return torch.rand(rows, 3, *size, generator=random) * 2 - 1, *poses


def test_the_published_networks_have_the_published_number_of_parameters():
    fashion, market = unfilled(GFLAConfig.fashion_2020().build), unfilled(GFLAConfig.market_2020().build)
    assert count(fashion) == 14_047_395
    assert count(fashion.source_net) == 1_434_758
    assert count(fashion.target_net) == 6_004_425
    assert count(fashion.flow_net) == 6_608_212  # the network of the first stage
    assert count(fashion.target_net.attention["3"]) == 591_113
    assert count(fashion.target_net.attention["2"]) == 822_553
    assert count(market) == 12_926_471
    assert count(market.target_net) == 4_886_960
    assert count(market.flow_net) == 6_604_753
    assert count(ResDiscriminator(layers=4)) == 664_577
    assert count(ResDiscriminator(layers=3)) == 238_209


def test_ours_differs_from_the_published_network_by_one_norm_on_the_source_and_one_on_the_flow_input():
    ours, published = unfilled(GFLAConfig.fashion().build), unfilled(GFLAConfig.fashion_2020().build)
    gone = published.state_dict().keys() - ours.state_dict().keys()
    assert ours.state_dict().keys() < published.state_dict().keys()
    assert {name.rsplit(".", 1)[0] for name in gone} == {"source_net.encoder.0.before", "flow_net.encoder.0.before"}


def test_mini_has_at_most_five_million_parameters_and_tiny_a_hundred_thousand():
    assert count(unfilled(GFLAConfig.mini().build)) <= 5_000_000
    for config in (GFLAConfig.fashion(), GFLAConfig.market_2020(), GFLAConfig.mini()):
        assert count(unfilled(config.tiny().build)) <= 100_000


@pytest.mark.parametrize("size", [(64, 32), (128, 64), (96, 128)])
@pytest.mark.parametrize("attention", [((2, 5), (3, 3)), ((2, 3),), ((3, 3),), ((1, 3), (3, 5))])
def test_flows_and_occlusions_have_the_sizes_of_their_levels_from_coarse_to_fine(size, attention):
    generator = GFLAConfig(Framing(size), width=2, flow_width=2, attention_hidden=2, attention=attention).build()
    output = generator(*pair(size))
    assert output.picture.shape == (2, 3, *size)
    assert list(output.flows) == list(output.occlusions) == sorted(generator.kernel_sizes, reverse=True)
    for level, flow in output.flows.items():
        h, w = (side // 2**level for side in size)
        assert flow.shape == (2, 2, h, w)
        assert output.occlusions[level].shape == (2, 1, h, w)
        assert 0 <= output.occlusions[level].min() <= output.occlusions[level].max() <= 1


def test_the_flow_alone_is_the_flow_of_the_whole():
    generator = lively(GFLAConfig.fashion().tiny())
    inputs = pair((64, 32))
    flows, occlusions = generator.flow(*inputs)
    output = generator(*inputs)
    assert all(torch.equal(flows[level], output.flows[level]) for level in flows)
    assert all(torch.equal(occlusions[level], output.occlusions[level]) for level in occlusions)


def test_where_the_occlusion_is_zero_the_source_features_are_not_seen():
    generator = lively(GFLAConfig.fashion().tiny())
    source, _, target_pose = pair((64, 32))
    maps = generator.pose_maps(target_pose, source)
    flows, occlusions = generator.flow(*pair((64, 32)))
    closed = {level: torch.zeros_like(m) for level, m in occlusions.items()}
    one, other = generator.source_net(source), generator.source_net(-source)
    assert torch.equal(
        generator.target_net(maps, one, Moves(flows, closed)), generator.target_net(maps, other, Moves(flows, closed))
    )
    assert not torch.equal(
        generator.target_net(maps, one, Moves(flows, occlusions)),
        generator.target_net(maps, other, Moves(flows, occlusions)),
    )


def test_a_published_network_is_blind_to_the_tint_of_the_source_and_ours_is_not():
    """Of a network with first weights: the published first layer is an instance norm on the raw picture (T2)."""
    source, source_pose, target_pose = pair((128, 64))
    source = torch.nn.functional.avg_pool2d(source, 9, 1, 4).double() * 3
    gain, offset = torch.tensor([0.4, 0.9, 0.6]), torch.tensor([0.3, -0.05, 0.1])
    tinted = source * gain[:, None, None] + offset[:, None, None]
    change = {}
    for name, config in (("published", GFLAConfig.fashion_2020()), ("ours", GFLAConfig.fashion())):
        generator = lively(replace(config.tiny(), framing=Framing((128, 64)))).double()
        plain = generator.generate(source, source_pose, target_pose)
        change[name] = (generator.generate(tinted, source_pose, target_pose) - plain).abs().max()
    assert change["published"] < 1e-3
    assert change["ours"] > 0.05


def test_the_published_networks_put_joints_at_whole_pixels():
    source, source_pose, target_pose = pair((64, 32))
    moved = Pose(target_pose.xy.floor() + 0.9, target_pose.visible, target_pose.size)
    whole = Pose(target_pose.xy.floor(), target_pose.visible, target_pose.size)
    published, ours = lively(GFLAConfig.fashion_2020().tiny()), lively(GFLAConfig.fashion().tiny())
    assert torch.equal(published.generate(source, source_pose, moved), published.generate(source, source_pose, whole))
    assert not torch.equal(ours.generate(source, source_pose, moved), ours.generate(source, source_pose, whole))


def test_under_autocast_flows_and_picture_stay_float32_and_close():
    generator = lively(GFLAConfig.fashion().tiny())
    inputs = pair((64, 32))
    exact = generator(*inputs)
    with torch.autocast("cpu", torch.bfloat16):
        rough = generator(*inputs)
        rough.picture.sum().backward()
    assert rough.picture.dtype == rough.flows[2].dtype == rough.occlusions[3].dtype == torch.float32
    assert (rough.picture - exact.picture).abs().mean() < 0.05


def test_frames_of_a_clip_are_what_generate_gives():
    generator = lively(GFLAConfig.fashion().tiny()).double()
    source, source_pose, target_poses = pair((64, 32), rows=3)
    source = source.double()
    first = Pose(source_pose.xy[0], source_pose.visible[0], source_pose.size)
    frames = torch.stack(list(generator.animate(source[0], first, target_poses)))
    repeated = [Pose.stack([first] * 3), source[:1].expand(3, -1, -1, -1)]
    assert torch.allclose(frames, generator.generate(repeated[1], repeated[0], target_poses), atol=1e-9)
    assert not frames.requires_grad


def test_the_warped_source_moves_by_the_flow_in_pixels_of_the_picture():
    generator = GFLAConfig(Framing((64, 64)), width=2, flow_width=2, attention_hidden=2).build()
    with torch.no_grad():
        generator.flow_net.flow_head["2"].weight.zero_()
        generator.flow_net.flow_head["2"].bias.copy_(torch.tensor([1.0, -2.0]))
    inputs = pair((64, 64), rows=1)
    layers = generator.explain(*inputs).layers
    assert list(layers)[-1] == "warped source"
    warped, source = layers["warped source"].values, inputs[0]
    assert torch.allclose(warped[..., 8:, :60], source[..., :56, 4:], atol=1e-4)  # level 2: one pixel is four


def test_poses_and_pictures_that_do_not_fit_are_refused():
    generator = GFLAConfig.fashion().tiny().build()
    source, source_pose, target_pose = pair((64, 32))
    with pytest.raises(BadInput, match="60x32"):
        generator.generate(source[:, :, 4:], source_pose, target_pose)
    with pytest.raises(BadInput, match=r"\(64, 32\).*\(128, 64\)"):
        generator.generate(source, source_pose, target_pose.resize((128, 64)))
    with pytest.raises(BadInput, match="coco17"):
        generator.explain(source, source_pose.convert(SKELETONS["coco17"]), target_pose)


def test_a_config_survives_writing_down():
    for config in (GFLAConfig.fashion_2020(), GFLAConfig.market(), GFLAConfig.mini(), GFLAConfig.mini().tiny()):
        assert from_plain(GFLAConfig, to_plain(config)) == config


@pytest.mark.parametrize(
    "fields, said",
    [
        ({"framing": Framing((100, 64))}, "100x64"),
        ({"attention": ()}, "levels"),
        ({"attention": ((4, 3),)}, r"\[4\]"),
        ({"attention": ((2, 3), (2, 5))}, r"\[2, 2\]"),
        ({"attention": ((2, 4),)}, "odd"),
    ],
)
def test_a_config_that_cannot_be_built_is_refused(fields, said):
    with pytest.raises(BadInput, match=said):
        GFLAConfig(**fields)


@pytest.mark.parametrize("layers, size, shape", [(4, (256, 256), (16, 16)), (3, (128, 64), (16, 8))])
def test_the_discriminator_scores_parts_of_the_picture(layers, size, shape):
    assert ResDiscriminator(4, layers=layers)(torch.zeros(1, 3, *size)).shape == (1, 1, *shape)


def test_every_layer_of_the_discriminator_has_spectral_norm_one():
    torch.manual_seed(0)
    discriminator = ResDiscriminator(8, layers=2).train()
    for _ in range(50):  # one power iteration each
        discriminator(torch.zeros(1, 3, 16, 16))
    convolutions = [m for m in discriminator.modules() if isinstance(m, torch.nn.Conv2d)]
    assert len(convolutions) == 2 * 3 + 1
    for convolution in convolutions:
        largest = torch.linalg.matrix_norm(convolution.weight.detach().flatten(1), ord=2)
        assert largest.item() == pytest.approx(1, abs=0.02)


def test_the_true_flow_is_learned_from_pairs_that_have_one_and_refused_without():
    recipe = RECIPES["gfla-mini-true-flow"]().tiny()
    generator = recipe.build()
    pairs = recipe.data.open(generator.framing)
    assert not pairs.photographs
    batch = Batch.stack([pairs[1], pairs[2]])
    for stage in recipe.stages:
        *_, turn = stage.objective.build(generator).steps(batch)
        assert turn.terms["true_flow"] > 0
        with pytest.raises(BadInput, match="true_flow"):
            list(stage.objective.build(generator).steps(replace(batch, truth=None)))
        plain = replace(stage.objective, true_flow=0.0).build(generator)
        *_, turn = plain.steps(replace(batch, truth=None))
        assert "true_flow" not in turn.terms


@pytest.mark.parametrize("name", ["gfla-mini", "gfla-fashion-2020-baseline"])
def test_a_true_flow_that_no_pair_has_or_nothing_shows_is_refused_before_anything_trains(name):
    recipe = RECIPES[name]()
    last = recipe.stages[-1]
    stages = (*recipe.stages[:-1], replace(last, objective=replace(last.objective, true_flow=0.1)))
    with pytest.raises(BadInput, match="true_flow"):
        replace(recipe, stages=stages)
