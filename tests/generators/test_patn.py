from dataclasses import replace

import pytest
import torch
from torch import nn

from reposer.core import SKELETONS, BadInput, Framing, Pose
from reposer.core.configs import from_plain, to_plain
from reposer.generators import RECIPES, load, save
from reposer.generators.patn import PATNConfig, PATNLossesConfig
from reposer.nn.gathered_norm import GatheredBatchNorm
from reposer.nn.pair_discriminator import PairDiscriminator
from reposer.nn.pose_transfer import PoseBranch
from reposer.nn.weights import unfilled
from reposer.training.loop import take_step
from tests.batches import batches


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def pair(size, rows=2, seed=1):
    random = torch.Generator().manual_seed(seed)
    corner = torch.tensor([size[1], size[0]])
    poses = [
        Pose(torch.rand(rows, 18, 2, generator=random) * corner, torch.rand(rows, 18, generator=random) > 0.2, size)
        for _ in range(2)
    ]
    return torch.rand(rows, 3, *size, generator=random) * 2 - 1, *poses


def one_batch(recipe, rows):
    generator = recipe.build()
    dataset = recipe.data.open(generator.framing)
    return generator, next(batches(dataset, seed=0, batch_size=rows, first_step=0, last_step=1))


def test_the_network_has_the_published_number_of_parameters():
    assert count(unfilled(PATNConfig.fashion().build)) == 41_358_019
    three = unfilled(lambda: PoseBranch(18, downsamplings=3, upsampling="bilinear"))
    assert count(three) == 165_233_603  # RATE-Net's pose branch
    assert count(three.picture_encoder) == 1_558_656
    assert count(three.pose_encoder) == 1_662_144
    assert count(three.cascade[0]) == 9_439_232
    assert [count(block) for block in list(three.cascade)[1:]] == [18_876_928] * 8
    assert count(three.decoder) == 1_558_147


def test_for_market_the_released_network_has_no_bias_but_the_last_and_41_365_763_parameters():
    released = unfilled(PATNConfig.market().build)
    assert count(released) == 41_365_763
    biased = [name for name, module in released.named_modules() if getattr(module, "bias", None) is not None]
    norms_and_last = [name for name in biased if "norm" in name or name == "branch.decoder.4"]
    assert biased == norms_and_last


def test_for_market_41_378_115_is_the_count_with_a_bias_in_every_convolution():
    every = unfilled(replace(PATNConfig.market(), bias=True).build)
    assert count(every) == 41_378_115
    # Dropped before norms alone they would be 41,368,067: the attention's convolutions, nine of 256, have no bias
    # either.
    assert 41_378_115 - 41_365_763 == 10_048 + 9 * 256


def test_weights_of_batch_norms_begin_around_one_and_biases_at_zero():
    torch.manual_seed(0)
    branch = PoseBranch(18, width=16, blocks=3, normalize="batch", bias=False)
    weights = torch.cat([m.weight.data for m in branch.modules() if isinstance(m, GatheredBatchNorm)])
    assert weights.numel() > 500
    assert weights.mean().item() == pytest.approx(1, abs=0.005)
    assert weights.std().item() == pytest.approx(0.02, rel=0.15)
    assert all(not m.bias.any() for m in branch.modules() if isinstance(m, GatheredBatchNorm))


def test_for_market_the_discriminators_have_no_biases_either():
    market = RECIPES["patn-market-2019"]().tiny()
    discriminators = market.stages[0].objective.build(market.build()).discriminators
    convolutions = [
        m for discriminator in discriminators.values() for m in discriminator.modules() if isinstance(m, nn.Conv2d)
    ]
    assert convolutions and all(m.bias is None for m in convolutions)


def test_for_fashion_the_released_form_is_least_squares_without_a_pool_for_400_000_steps():
    recipe = RECIPES["patn-fashion-2019"]()
    losses = recipe.stages[0].objective
    assert (losses.gan, losses.pool, recipe.steps, recipe.batch_size) == ("least-squares", 0, 400_000, 7)
    assert (losses.l1, losses.perceptual, losses.adversarial) == (1, 1, 5)


def test_for_fashion_the_papers_form_is_cross_entropy_with_a_pool_of_50_for_90_000_steps():
    recipe = RECIPES["patn-fashion-2019-paper"]()
    losses = recipe.stages[0].objective
    assert (losses.gan, losses.pool, recipe.steps, recipe.batch_size) == ("cross-entropy", 50, 90_000, 7)
    assert recipe.model == RECIPES["patn-fashion-2019"]().model


def test_for_market_both_forms_are_cross_entropy_with_a_pool_and_differ_in_their_steps():
    released, paper = RECIPES["patn-market-2019"](), RECIPES["patn-market-2019-paper"]()
    assert (released.steps, paper.steps) == (87_500, 90_000)
    assert released.model == paper.model and released.stages[0].objective == paper.stages[0].objective
    losses = released.stages[0].objective
    assert (losses.gan, losses.pool, losses.l1, losses.perceptual) == ("cross-entropy", 50, 10, 10)


@pytest.mark.parametrize("name, last_full", [("patn-fashion-2019", 285_714), ("patn-fashion-2019-paper", 60_000)])
def test_the_rate_falls_after_500_of_700_rounds_as_released_and_after_60_000_steps_in_the_paper(name, last_full):
    stage = RECIPES[name]().stages[0]
    assert stage.learning_rate_factor(last_full) == pytest.approx(1)
    assert stage.learning_rate_factor(last_full + 1000) < 0.995
    assert 0 < stage.learning_rate_factor(stage.steps - 1) < 1e-4


def test_the_discriminators_have_the_published_number_of_parameters():
    assert count(unfilled(lambda: PairDiscriminator(3 + 3))) == 3_928_384
    assert count(unfilled(lambda: PairDiscriminator(3 + 18))) == 3_975_424


@pytest.mark.parametrize("upsampling", ["transposed", "bilinear"])
@pytest.mark.parametrize("downsamplings", [2, 3])
@pytest.mark.parametrize("size", [(256, 176), (64, 48)])
def test_picture_features_and_attention_have_their_sizes(size, downsamplings, upsampling):
    config = PATNConfig(Framing(size), width=2, downsamplings=downsamplings, blocks=2, upsampling=upsampling)
    output = config.build()(*pair(size, rows=1))
    h, w = (side // 2**downsamplings for side in size)
    assert output.picture.shape == (1, 3, *size)
    assert output.features.shape == (1, 2 * 2**downsamplings, h, w)
    assert [a.shape for a in output.attentions] == [(1, 1, h, w)] * 2


def test_mini_has_at_most_five_million_parameters_and_tiny_a_hundred_thousand():
    assert count(unfilled(PATNConfig.mini().build)) <= 5_000_000
    deep = replace(PATNConfig.fashion(), downsamplings=3)
    for config in (PATNConfig.fashion(), PATNConfig.market(), PATNConfig.mini(), deep):
        assert config.tiny().framing.size == (64, 32)
        assert count(unfilled(config.tiny().build)) <= 100_000


@pytest.mark.parametrize(
    "fields, said",
    [
        ({"framing": Framing((101, 64))}, "101x64"),
        ({"framing": Framing((64, 36)), "downsamplings": 3}, "divide by 8, not 64x36"),
        ({"blocks": 0}, "blocks"),
        ({"dropout": 1.0}, r"\[0, 1\)"),
    ],
)
def test_a_config_that_cannot_be_built_is_refused(fields, said):
    with pytest.raises(BadInput, match=said):
        PATNConfig(**fields)


def test_poses_and_pictures_that_do_not_fit_are_refused():
    generator = PATNConfig().tiny().build()
    source, source_pose, target_pose = pair((64, 32))
    with pytest.raises(BadInput, match="63x32"):
        generator.generate(source[:, :, 1:], source_pose, target_pose)
    with pytest.raises(BadInput, match=r"\(64, 32\).*\(128, 64\)"):
        generator.generate(source, source_pose, target_pose.resize((128, 64)))
    with pytest.raises(BadInput, match="coco17"):
        generator.explain(source, source_pose.convert(SKELETONS["coco17"]), target_pose)


def test_a_block_adds_what_its_attention_lets_through_and_hands_the_new_picture_to_the_pose():
    torch.manual_seed(0)
    block = PoseBranch(18, width=2, blocks=2).cascade[1]
    x, p = torch.randn(1, 8, 6, 5), torch.randn(1, 16, 6, 5)
    updated, joined, attention = block(x, p)
    assert torch.allclose(attention, joined[:, :8].sigmoid())
    assert torch.equal(joined[:, 8:], updated)
    change = block.picture_norm(block.picture(x))
    assert torch.allclose(updated, x + change * attention)
    assert torch.allclose(change.mean((2, 3)), torch.zeros(1, 8), atol=1e-5)  # a norm is last


def test_an_explanation_shows_the_attention_of_every_block():
    generator = PATNConfig().tiny().build()
    inputs = pair((64, 32))
    layers = generator.explain(*inputs).layers
    assert list(layers) == [f"attention of block {n}" for n in (1, 2, 3)]
    assert all(layer.kind == "weight" for layer in layers.values())


def test_dropout_follows_the_rows_seeds_and_is_off_without_them():
    torch.manual_seed(0)
    generator = PATNConfig().tiny().build().train()
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.normal_(0, 0.2)
    inputs, seeds = pair((64, 32)), torch.tensor([4, 9])
    plain, noisy = generator(*inputs).picture, generator(*inputs, seeds).picture
    assert torch.equal(plain, generator.eval()(*inputs).picture)
    assert torch.equal(noisy, generator(*inputs, seeds).picture)
    assert not torch.allclose(noisy, plain, atol=1e-3)
    other = torch.tensor([1, 0])
    turned = generator(inputs[0][other], *(pose[other] for pose in inputs[1:]), seeds[other]).picture
    assert torch.allclose(turned[other], noisy, atol=1e-4)


def test_frames_of_a_clip_are_what_generate_gives():
    generator = PATNConfig().tiny().build().double()
    source, source_pose, target_poses = pair((64, 32), rows=3)
    first = Pose(source_pose.xy[0], source_pose.visible[0], source_pose.size)
    frames = torch.stack(list(generator.animate(source[0].double(), first, target_poses)))
    repeated = source[:1].double().expand(3, -1, -1, -1)
    assert torch.allclose(frames, generator.generate(repeated, Pose.stack([first] * 3), target_poses))


def test_a_config_survives_writing_down():
    for config in (PATNConfig.fashion(), PATNConfig.market(), PATNConfig.mini(), PATNConfig.mini().tiny()):
        assert from_plain(PATNConfig, to_plain(config)) == config


def test_a_step_moves_the_generator_once_and_the_discriminators_as_often_as_asked():
    recipe = RECIPES["patn-fashion-2019"]().tiny()
    generator, batch = one_batch(recipe, 2)
    config = replace(recipe.stages[0].objective, discriminator_steps=3)
    turns = [turn.players for turn in config.build(generator).train().steps(batch)]
    assert turns == [("generator",), *[("appearance", "shape")] * 3]


@pytest.mark.slow
def test_the_objective_can_be_the_papers_or_rate_nets():
    recipe = RECIPES["patn-mini"]().tiny()
    generator, batch = one_batch(recipe, 2)
    for head in ("none", "patch"):
        for gan in ("cross-entropy", "least-squares", "hinge"):
            config = replace(recipe.stages[0].objective, gan=gan, head=head)
            for turn in config.build(generator).train().steps(batch):
                assert turn.total().isfinite()


def test_pictures_in_the_pool_survive_a_resume():
    recipe = RECIPES["patn-mini"]().tiny()
    generator, batch = one_batch(recipe, 2)
    config = recipe.stages[0].objective
    first, second = config.build(generator), config.build(generator)
    list(first.steps(batch))
    second.load_state(first.state())
    for name in ("appearance", "shape"):
        mine, theirs = second.state()[name]["rows"], first.state()[name]["rows"]
        assert len(mine) == 2 and all(torch.equal(a, b) for a, b in zip(mine, theirs, strict=True))


def test_losses_that_cannot_be_built_are_refused():
    with pytest.raises(BadInput, match="at least one step"):
        PATNLossesConfig(discriminator_steps=0)
    config = replace(PATNLossesConfig().tiny(), layers=("relu9_9",))
    with pytest.raises(BadInput, match=r"relu9_9.*stride1_1"):
        config.build(PATNConfig().tiny().build())


@pytest.mark.nightly
def test_four_pairs_are_learnt_by_heart_and_a_checkpoint_reloads_bit_exact(tmp_path):
    recipe = RECIPES["patn-mini"]().tiny()
    generator, batch = one_batch(recipe, 4)
    stage = recipe.stages[0]
    stage = replace(
        stage, optimisers={**stage.optimisers, "generator": replace(stage.optimisers["generator"], learning_rate=5e-3)}
    )
    objective = stage.objective.build(generator).train()
    optimisers = {name: stage.optimisers[name].build(player) for name, player in objective.players.items()}

    def generated(network):
        return network.generate(batch.source, batch.source_pose, batch.target_pose)

    before = (generated(generator) - batch.target).abs().mean()
    for step in range(400):
        take_step(objective, optimisers, stage, [(batch, 1.0)], 1.0, "fp32", step)
    generator.eval()
    after = (generated(generator) - batch.target).abs().mean()
    assert before / after >= 5
    save(generator, tmp_path / "learnt.safetensors")
    assert torch.equal(generated(load(tmp_path / "learnt.safetensors")), generated(generator))
