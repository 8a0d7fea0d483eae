"""PG2: the ten sentences of its specification, its ablations, and that it learns."""

import math
from dataclasses import replace

import pytest
import torch

from reposer.cli.train import parse
from reposer.core import SKELETONS, BadInput, Batch, Framing, Pose
from reposer.core.configs import from_plain, to_plain
from reposer.core.framing import frame_picture
from reposer.evaluation import PROTOCOLS, PairBatch, Protocol, Scorer, evaluate
from reposer.evaluation.sheets import explanation_sheet
from reposer.generators import RECIPES, load, save
from reposer.generators import pg2 as recipes
from reposer.generators.pg2 import (
    DCGANDiscriminator,
    Halve,
    PG2CoarseConfig,
    PG2Config,
    PG2LossesConfig,
    adversarial_term,
    coordinates,
    discriminator_terms,
    masked_l1,
    mirrored,
)
from reposer.metrics import METRICS
from reposer.metrics.inception_score import SPLITS as INCEPTION_SPLITS
from reposer.nn.maps import discs, pose_mask
from reposer.nn.weights import unfilled
from reposer.pipeline import PhotoCrop
from reposer.recipes import DataConfig
from reposer.training import Adam
from reposer.training.loop import take_step

SKELETON = SKELETONS["openpose18"]
CONFIGS = {"market": PG2Config.market(), "fashion": PG2Config.fashion(), "mini": PG2Config.mini()}


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def pose_of(joints, size=(128, 64)):
    """One person of whom only the named joints are seen; the others hold NaN."""
    xy, visible = torch.full((1, 18, 2), torch.nan), torch.zeros(1, 18, dtype=torch.bool)
    for name, place in joints.items():
        xy[0, SKELETON.index(name)] = torch.tensor(place)
        visible[0, SKELETON.index(name)] = True
    return Pose(xy, visible, size)


def batch_of(size=(64, 32), rows=2, seed=1):
    random = torch.Generator().manual_seed(seed)
    poses = [
        Pose(
            torch.rand(rows, 18, 2, generator=random) * torch.tensor([size[1], size[0]]),
            torch.rand(rows, 18, generator=random) > 0.2,
            size,
        )
        for _ in range(2)
    ]
    pictures = [torch.rand(rows, 3, *size, generator=random) * 2 - 1 for _ in range(2)]
    return Batch(*pictures, *poses, tuple(map(str, range(rows))), torch.arange(rows))


def tiny(config=CONFIGS["market"], seed=0, **changes):
    torch.manual_seed(seed)
    return replace(config.tiny(), **changes).build()


def objective_of(config, generator, seed=0):
    torch.manual_seed(seed)
    return config.tiny().build(generator).train()


# The specification's acceptance tests, by their numbers.


def test_1_a_disc_of_radius_4_has_49_pixels_values_are_minus_one_and_one_and_a_missing_joint_is_all_minus_one():
    maps = discs(pose_of({"nose": (30.9, 60.2)}), 4.0, coordinates="truncated")[0]
    nose = maps[SKELETON.index("nose")]
    assert (nose == 1).sum() == 49 and nose[60, 30 - 4] == nose[60, 30 + 4] == 1
    assert set(maps.unique().tolist()) == {-1.0, 1.0}
    assert all((maps[k] == -1).all() for k in range(18) if k != SKELETON.index("nose"))


def test_2_a_mask_between_two_joints_is_a_connected_band_symmetric_and_empty_without_a_visible_limb():
    ends = ("right_knee", (20.0, 50.0)), ("right_ankle", (40.0, 50.0))
    mask = pose_mask(pose_of(dict(ends)), 4.0)[0, 0]
    assert (mask[50, 16:45] == 1).all() and mask[50].sum() == 29  # from 4 before one joint to 4 after the other
    for column in range(20, 41):
        column_of = mask[:, column].nonzero()[:, 0]
        assert column_of.min() >= 46 and column_of.max() <= 54  # never wider than the discs
        assert column_of.max() - column_of.min() + 1 == column_of.numel() >= 7
    swapped = pose_of({"right_knee": (40.0, 50.0), "right_ankle": (20.0, 50.0)})
    assert torch.equal(mask, pose_mask(swapped, 4.0)[0, 0])
    assert pose_mask(pose_of({"right_knee": (20.0, 50.0), "nose": (40.0, 20.0)}), 4.0).sum() == 0


def test_3_the_published_networks_have_the_published_number_of_parameters():
    market, fashion = (unfilled(CONFIGS[name].build) for name in ("market", "fashion"))
    assert count(market.coarse_net) == 70_795_075 and count(market.refine_net) == 6_058_883
    assert count(fashion.coarse_net) == 122_103_235 and count(fashion.refine_net) == 12_696_067
    assert count(DCGANDiscriminator(3, (128, 64), layers=4)) == 4_324_737
    assert count(DCGANDiscriminator(3, (256, 256), layers=5)) == 10_896_257
    assert [b.first.in_channels for b in market.coarse_net.decoder] == [768, 1024, 768, 512, 256]
    assert [b.first.in_channels for b in fashion.coarse_net.decoder] == [896, 1280, 1024, 768, 512, 256]
    assert [b.first.in_channels for b in market.refine_net.decoder] == [768, 384, 128]
    assert [b.first.in_channels for b in fashion.refine_net.decoder] == [1024, 512, 384, 256]


@pytest.mark.parametrize(("side", "first_at_8"), [(3, 8), (5, 7)])
def test_4_with_same_padding_a_halving_convolution_sees_no_row_or_column_before_the_first(side, first_at_8):
    """A 3x3 one pads below and on the right only; a 5x5 one has one pixel before and two after."""
    x = torch.randn(1, 1, 16, 16, requires_grad=True)
    torch.nn.init.ones_((same := Halve(1, 1, side, "same")).weight)
    y = same(x)
    assert y.shape == (1, 1, 8, 8)
    (seen,) = torch.autograd.grad(y[0, 0, 4, 4], x, retain_graph=True)
    where = seen[0, 0].nonzero()
    assert where.min(0).values.tolist() == [first_at_8] * 2
    assert where.max(0).values.tolist() == [first_at_8 + side - 1] * 2
    if side == 3:
        (seen,) = torch.autograd.grad(y[0, 0, 0, 0], x)
        assert seen.count_nonzero() == 9  # all nine taps lie in the picture
    symmetric = Halve(1, 1, side, "symmetric")
    symmetric.load_state_dict(same.state_dict())
    assert symmetric(x).shape == y.shape and not torch.allclose(symmetric(x), y)


@pytest.mark.slow
def test_5_the_second_stage_leaves_the_coarse_network_bit_identical_and_the_picture_is_coarse_plus_difference():
    generator = tiny()
    before = {name: p.clone() for name, p in generator.state_dict().items()}
    objective = objective_of(PG2LossesConfig(), generator)
    stage = RECIPES["pg2-market-2017"]().stages[1]
    optimisers = {name: Adam(1e-3).build(player) for name, player in objective.players.items()}
    for step in range(3):
        take_step(objective, optimisers, stage, [(batch_of(seed=step), 1.0)], 1.0, "fp32", step)
    after = generator.state_dict()
    coarse = [name for name in before if name.startswith("coarse_net.")]
    refine = [name for name in before if name.startswith("refine_net.")]
    assert len(coarse) + len(refine) == len(before)
    assert all(torch.equal(before[name], after[name]) for name in coarse)
    assert not any(torch.equal(before[name], after[name]) for name in refine if name.endswith("weight"))
    batch = batch_of()
    output = generator(batch.source, batch.source_pose, batch.target_pose)
    assert torch.equal(output.picture, output.coarse + output.difference)


@pytest.mark.parametrize(("inside", "times"), [(1.0, 2), (0.0, 1)])
def test_6_the_masked_l1_is_twice_the_l1_under_a_full_mask_and_the_l1_under_an_empty_one(inside, times):
    batch = batch_of()
    mask = torch.full((2, 1, 64, 32), inside)
    l1 = (batch.source - batch.target).abs().mean()
    terms = masked_l1(batch.source, batch.target, mask, weight=10.0)
    assert torch.isclose(sum(terms.values()), 10 * times * l1)
    assert list(masked_l1(batch.source, batch.target, mask, mask_weight=0.0)) == ["l1"]


def test_7_triplets_weigh_a_half_and_two_quarters_and_pairs_have_six_channels():
    logits = {name: torch.full((4, 1), v) for name, v in (("target", 0.5), ("source", -1.0), ("generated", 2.0))}
    terms = discriminator_terms(logits, "triplet")
    assert float(terms["real"]) == pytest.approx(0.5 * math.log(1 + math.exp(-0.5)))
    assert float(terms["source"]) == pytest.approx(0.25 * math.log(1 + math.exp(-1.0)))
    assert float(terms["generated"]) == pytest.approx(0.25 * math.log(1 + math.exp(2.0)))
    pair = discriminator_terms(logits, "pair")
    assert set(pair) == {"real", "generated"} and float(pair["real"]) == pytest.approx(2 * float(terms["real"]))
    assert objective_of(PG2LossesConfig(), tiny()).discriminator.first.in_channels == 3
    objective = objective_of(PG2LossesConfig(discriminator_sees="pair"), tiny())
    assert objective.discriminator.first.in_channels == 6
    turns = {turn.players: set(turn.terms) for turn in objective.steps(batch_of())}
    assert turns[("discriminator",)] == {"real", "generated"}


@pytest.mark.slow
def test_8_scores_pair_each_picture_with_its_own_target_in_whatever_order():
    generator = tiny().eval()
    dataset = DataConfig(num_pairs=4).open(generator.framing)
    scores = [
        {row.name: row.values for row in evaluate(generator.generate, name, dataset, indices=order).rows}
        for name in ["reposer-v1-reconstruction"]
        for order in (range(4), (2, 0, 3, 1))
    ]
    assert scores[0] == scores[1] and len(scores[0]) == 4


def test_8_the_mask_of_masked_metrics_can_be_either_poses_and_the_inception_score_names_its_splits():
    """A picture that is wrong along the source's pose alone: its code's mask sees that, its paper's mask does not."""
    far, near = (pose_of({"right_shoulder": (6.0, y), "right_elbow": (20.0, y)}, (64, 32)) for y in (8.0, 52.0))
    target = torch.full((1, 64, 32, 3), 128, dtype=torch.uint8)
    generated = target.clone()
    generated[:, 4:13] = 255
    shown = PairBatch(("a",), ("a",), generated, target, source_pose=far, target_pose=near)
    for number, split in (("source", True), ("target", False)):
        name = f"ssim-uniform7-masked-{number}"
        scorer = Scorer(Protocol("masked", metrics=(name,)))
        scorer.add(shown)
        assert (scorer.report().summary[name].value.mean < 1 - 1e-6) is split, number
    assert {"is-masked-source", "is-masked-target"} <= set(PROTOCOLS["pg2-2017-market"].metrics)
    assert [METRICS[f"is-masked-{number}"].mask for number in ("source", "target")] == ["pose-source", "pose-target"]
    assert INCEPTION_SPLITS == 10 and "10 splits" in (METRICS["is"].__doc__ or "")


# What the specification says beside them.


@pytest.mark.slow
def test_mini_has_at_most_five_million_parameters_and_every_tiny_form_a_hundred_thousand():
    assert count(unfilled(CONFIGS["mini"].build)) == 2_883_859 + 220_203 <= 5_000_000
    assert CONFIGS["mini"].bottom == (8, 6)
    for config in CONFIGS.values():
        for pose_input in ("maps", "coordinates", "heatmaps"):
            assert count(unfilled(replace(config, pose_input=pose_input).tiny().build)) <= 100_000


def test_only_the_generated_picture_is_clipped():
    generator, batch = tiny(), batch_of()
    with torch.no_grad():
        generator.refine_net.picture.bias.fill_(3.0)
    arguments = (batch.source, batch.source_pose, batch.target_pose)
    picture = generator(*arguments).picture
    assert picture.max() > 1
    assert torch.equal(generator.generate(*arguments), picture.detach().clamp(-1, 1))


def test_the_source_pose_is_not_seen():
    generator, batch, other = tiny(), batch_of(), batch_of(seed=2)
    assert torch.equal(
        generator.generate(batch.source, batch.source_pose, batch.target_pose),
        generator.generate(batch.source, other.source_pose, batch.target_pose),
    )


def test_an_explanation_shows_the_coarse_image_the_difference_map_and_their_sum():
    generator, batch = tiny(), batch_of()
    explanation = generator.explain(batch.source, batch.source_pose, batch.target_pose)
    assert list(explanation.layers) == ["coarse image", "difference map", "final"]
    output = generator(batch.source, batch.source_pose, batch.target_pose)
    shown = explanation.layers["difference map"].values
    assert torch.equal(shown, (output.difference / 2).clamp(-1, 1))
    assert torch.equal(explanation.layers["final"].values, explanation.picture)
    assert explanation_sheet(explanation).ndim == 3
    alone = tiny(refine=False).explain(batch.source, batch.source_pose, batch.target_pose)
    assert torch.equal(alone.layers["coarse image"].values, alone.picture)


def test_a_residual_block_adds_its_input_after_the_relu():
    block = tiny().coarse_net.encoder.blocks[0]
    x = torch.randn(1, 5, 8, 8)
    assert (block(x) >= x).all() and (block(x) < 0).any()


def test_the_bottleneck_reads_the_map_row_by_row_and_pixel_by_pixel():
    from reposer.generators.pg2 import _flat, _unflat

    x = torch.arange(2 * 3 * 4 * 2).view(2, 3, 4, 2).float()
    assert _flat(x)[0, :6].tolist() == [*x[0, :, 0, 0].tolist(), *x[0, :, 0, 1].tolist()]
    assert torch.equal(_unflat(_flat(x), (4, 2)), x)


def test_first_weights_are_xaviers_and_the_discriminators_uniform_of_deviation_002():
    generator, discriminator = tiny(width=8), DCGANDiscriminator(3, (64, 32), width=16)
    squeeze = generator.coarse_net.squeeze.weight.detach()
    assert squeeze.abs().max() == pytest.approx(math.sqrt(6 / sum(squeeze.shape)), rel=0.01)
    assert all(not p.any() for name, p in generator.named_parameters() if name.endswith("bias"))
    assert discriminator.convs[-1].weight.detach().abs().max() == pytest.approx(0.0346, abs=1e-4)


def test_checkpointing_changes_no_gradient():
    gradients = []
    for checkpointing in (False, True):
        generator = tiny(checkpointing=checkpointing)
        batch = batch_of()
        generator(batch.source, batch.source_pose, batch.target_pose).picture.square().sum().backward()
        gradients.append([p.grad for p in generator.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


def test_under_autocast_pictures_and_terms_stay_float32_and_close():
    generator, batch = tiny(checkpointing=True), batch_of()
    exact = generator(batch.source, batch.source_pose, batch.target_pose)
    objective = objective_of(PG2LossesConfig(), generator)
    turns = objective.steps(batch)
    for _ in range(2):
        with torch.autocast("cpu", torch.bfloat16):
            turn = next(turns)
        assert all(term.dtype == torch.float32 for term in turn.terms.values())
        turn.total().backward()
    with torch.autocast("cpu", torch.bfloat16):
        rough = generator(batch.source, batch.source_pose, batch.target_pose)
    assert rough.picture.dtype == rough.coarse.dtype == torch.float32
    assert (rough.picture - exact.picture).abs().mean() < 0.05


@pytest.mark.parametrize("pose_input", ["maps", "coordinates", "heatmaps"])
@pytest.mark.parametrize("name", list(CONFIGS))
def test_every_form_of_the_pose_moves_the_picture_and_every_parameter_learns(name, pose_input):
    generator = tiny(CONFIGS[name], pose_input=pose_input, width=3)
    batch, other = batch_of(), batch_of(seed=2)
    one, two = (
        generator(batch.source, batch.source_pose, pose).picture for pose in (batch.target_pose, other.target_pose)
    )
    assert not torch.allclose(one, two)
    torch.manual_seed(0)
    (one * torch.randn_like(one)).sum().backward()
    assert all(p.grad is not None for p in generator.parameters())


def test_embedded_coordinates_run_from_minus_one_to_one_and_a_missing_joint_is_three_zeros():
    pose = pose_of({"nose": (-0.5, 127.5), "neck": (31.5, 63.5)})
    assert coordinates(pose)[0, :6].tolist() == [-1.0, 1.0, 1.0, 0.0, 0.0, 1.0]
    assert (coordinates(pose)[0, 6:] == 0).all()


def test_the_fashion_code_fools_over_the_sources_logits_too_which_halves_the_gradient_on_the_generated():
    logits = {name: torch.zeros(2, 1, requires_grad=True) for name in ("generated", "source")}
    (own,) = torch.autograd.grad(adversarial_term(logits, "generated"), logits["generated"])
    (shared,) = torch.autograd.grad(adversarial_term(logits, "generated-and-source"), logits["generated"])
    assert torch.allclose(own, 2 * shared)


@pytest.mark.parametrize("recipe", ["pg2-market-2017", "pg2-fashion-2017"])
def test_the_batch_that_the_discriminators_norms_see_is_the_published_one(recipe):
    objective = objective_of(RECIPES[recipe]().stages[1].objective, tiny())
    batch, generated = batch_of(), torch.zeros(2, 3, 64, 32)
    beside = generated if objective.config.coarse_beside else None
    groups = list(objective.scored(batch, generated, beside))
    assert groups == ["target", "source", "generated", *(["coarse"] if recipe == "pg2-market-2017" else [])]
    together = objective.scored(batch, generated, None)
    objective.config = replace(objective.config, together=False)
    apart = objective.scored(batch, generated, None)
    assert not torch.allclose(together["target"], apart["target"])


def test_a_mirrored_row_is_the_mirrored_pair_and_the_coin_is_the_rows_seed():
    batch = batch_of(rows=8)
    turned = mirrored(batch)
    rows = [not torch.equal(turned.source[b], batch.source[b]) for b in range(8)]
    assert True in rows and False in rows
    for b, is_turned in enumerate(rows):
        picture, pose = batch.target[b], batch.target_pose[b : b + 1]
        assert torch.equal(turned.target[b], picture.flip(-1) if is_turned else picture)
        expected = pose.flip() if is_turned else pose
        assert torch.equal(turned.target_pose.xy[b], expected.xy[0])
        assert torch.equal(turned.target_pose.visible[b], expected.visible[0])
    assert torch.equal(mirrored(batch.rows(2, 4)).source, turned.source[2:4])
    assert mirrored(replace(batch, seeds=None)).source is batch.source


def test_the_papers_numbers_are_flags_away():
    market = RECIPES["pg2-market-2017"]()
    assert [stage.steps for stage in market.stages] == [22_000, 38_000] and market.batch_size == 16
    _, paper = parse(market, ["--stages.1.steps", "14000", "--stages.1.objective.discriminator-sees", "pair"])
    assert [stage.steps for stage in paper.stages] == [22_000, 14_000]
    assert paper.stages[1].objective == PG2LossesConfig(discriminator_sees="pair", flip=True)
    flags = ["--stages.1.objective.discriminator-sees", "pair", "--stages.1.objective.fooled", "generated"]
    _, paper = parse(RECIPES["pg2-fashion-2017"](), [*flags, "--model.checkpointing", "--precision", "bf16"])
    assert paper.stages[1].objective.discriminator_sees == "pair" and paper.stages[1].objective.l1 == 50
    assert paper.model.checkpointing and paper.precision == "bf16" and paper.batch_size == 8
    for recipe in (market, RECIPES["pg2-fashion-2017"]()):
        for stage in recipe.stages:
            assert set(stage.optimisers.values()) == {Adam(2e-5, betas=(0.5, 0.999))}


def test_the_papers_ablations_are_recipes_and_flags():
    flags = ["--model.pose-input", "coordinates", "--stages.0.objective.mask-weight", "0"]
    _, ablated = parse(RECIPES["pg2-market-2017-coarse"](), flags)
    assert ablated.stages[0].objective == PG2CoarseConfig(mask_weight=0.0, flip=True)
    for recipe in (ablated, recipes.one_stage(RECIPES["pg2-fashion-2017"]())):
        generator = recipe.tiny().build()
        assert generator.refine_net is None
        (stage,) = recipe.tiny().stages
        turns = list(stage.objective.build(generator).train().steps(batch_of()))
        assert turns[0].players == ("coarse",) and stage.optimisers.keys() == {p for t in turns for p in t.players}


def test_poses_and_pictures_that_do_not_fit_are_refused():
    generator, batch = tiny(), batch_of()
    with pytest.raises(BadInput, match="64x32 pixels only"):
        generator.generate(batch.source[:, :, 16:], batch.source_pose, batch.target_pose)
    with pytest.raises(BadInput, match=r"\(64, 32\).*\(128, 64\)"):
        generator.generate(batch.source, batch.source_pose, batch.target_pose.resize((128, 64)))
    with pytest.raises(BadInput, match="coco17"):
        generator.explain(batch.source, batch.source_pose.convert(SKELETONS["coco17"]), batch.target_pose)
    with pytest.raises(BadInput, match="64x32; give it fewer layers"):
        DCGANDiscriminator(3, (64, 32), layers=6)


def test_the_published_fashion_frame_is_the_picture_between_forty_white_columns_and_nothing_is_stretched():
    framing = unfilled(CONFIGS["fashion"].build).framing
    person = torch.rand(3, 256, 176) * 2 - 1
    framed = frame_picture(person, framing)
    assert torch.equal(framed[:, :, 40:216], person)
    assert (framed[:, :, :40] == 1).all() and (framed[:, :, 216:] == 1).all()


def test_in_the_published_fashion_frame_discs_and_masks_are_round_on_the_person():
    framing = unfilled(CONFIGS["fashion"].build).framing
    ends = {"right_knee": (20.0, 50.0), "right_ankle": (20.0, 50.0)}
    pose = framing.place(pose_of(ends, (256, 176)))
    knee = discs(pose, 4.0, coordinates="truncated")[0, SKELETON.index("right_knee")] == 1
    on_person = knee[:, 40:216]  # in the picture's own pixels: 9 wide and 9 high around the joint
    assert on_person.sum() == 49 and torch.equal(on_person.nonzero().amin(0), torch.tensor([46, 16]))
    mask = pose_mask(pose, 4.0)[0, 0, :, 40:216].nonzero()
    assert torch.equal(mask.amin(0), torch.tensor([46, 16]))
    assert torch.equal(mask.amax(0), torch.tensor([54, 24]))


def test_a_photo_reaches_the_published_fashion_network_with_white_sides_and_is_pasted_back_without_them():
    framing = unfilled(CONFIGS["fashion"].build).framing
    photo = torch.randint(0, 255, (256, 176, 3), dtype=torch.uint8)
    crop = PhotoCrop(photo, (0, 0, 176, 256), framing, (256, 176))
    laid = crop.laid()
    assert (laid[..., :40] == 1).all() and (laid[..., 216:] == 1).all()
    assert torch.equal(crop.pasted(laid), photo)


def test_a_config_survives_writing_down():
    for config in CONFIGS.values():
        assert from_plain(PG2Config, to_plain(config)) == config


@pytest.mark.parametrize(
    "fields, said", [({"framing": Framing((256, 176)), "levels": 6}, "256x176"), ({"levels": 2}, "at least 3")]
)
def test_a_config_that_cannot_be_built_is_refused(fields, said):
    with pytest.raises(BadInput, match=said):
        PG2Config(**fields)


def test_a_discriminator_of_pairs_has_no_logit_of_the_source_alone():
    with pytest.raises(BadInput, match="fooled='generated'"):
        PG2LossesConfig(discriminator_sees="pair", fooled="generated-and-source")


@pytest.mark.nightly
def test_four_pairs_are_learned_by_heart_and_the_checkpoint_reloads_bit_exact(tmp_path):
    recipe = RECIPES["pg2-mini"]().tiny()
    generator = recipe.build()
    dataset = recipe.data.open(generator.framing)
    batch = Batch.stack([dataset[i] for i in range(4)])
    pairs = (batch.source, batch.source_pose, batch.target_pose)

    def l1():
        return (generator.generate(*pairs) - batch.target).abs().mean().item()

    rates = {"coarse": 4e-3, "refine": 2e-3, "discriminator": 2e-4}
    reached = [l1()]
    for stage, steps in zip(recipe.stages, (600, 100), strict=True):
        optimisers = {name: Adam(rates[name], betas=(0.5, 0.999)) for name in stage.optimisers}
        stage = replace(stage, steps=steps, schedule="linear-to-zero", optimisers=optimisers)
        objective = objective_of(stage.objective, generator)
        steppers = {name: optimisers[name].build(player) for name, player in objective.players.items()}
        for step in range(steps):
            factor = stage.learning_rate_factor(step)
            take_step(objective, steppers, stage, [(batch, 1.0)], factor, recipe.precision, step)
        with torch.no_grad():
            reached.append((generator.coarse(batch.source, batch.target_pose) - batch.target).abs().mean().item())
    reached.append(l1())
    print("L1 before, coarse after each stage, final:", *(f"{value:.4f}" for value in reached))
    assert reached[-1] < reached[0] / 5
    save(generator, tmp_path / "generator.safetensors")
    loaded = load(tmp_path / "generator.safetensors")
    assert all(torch.equal(t, generator.state_dict()[name]) for name, t in loaded.state_dict().items())
    assert torch.equal(loaded.generate(*pairs), generator.generate(*pairs))
