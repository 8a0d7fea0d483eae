"""RATE-Net and DRN: the eight acceptance tests of their spec come first, under its numbers."""

import copy
from dataclasses import replace

import pytest
import torch

from reposer.core import SKELETONS, BadInput, Batch, Framing, Pose
from reposer.core.configs import from_plain, to_plain
from reposer.generators import RECIPES, load, save
from reposer.generators.drn import DRNConfig, DRNGenerator
from reposer.generators.drn.face import (
    FACE_JOINTS,
    NEEDED_JOINTS,
    Faces,
    cut_out,
    face_boxes,
    face_maps,
    face_mask,
    put_back,
    with_margin,
)
from reposer.generators.drn.modules import adain
from reposer.generators.drn.objective import DRNLossesConfig, flipped
from reposer.nn.maps import PoseMaps
from reposer.nn.weights import unfilled
from reposer.training import RAdam
from reposer.training.loop import take_step
from tests.batches import batches

SKELETON = SKELETONS["openpose18"]
STEPS = 150  # of the learning test


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def lively(config, seed=0):
    """A network every part of which is heard: the last layer of the residual begins at 0."""
    torch.manual_seed(seed)
    generator = config.build().double()
    with torch.no_grad():
        for parameter in generator.parameters():
            scale = parameter[0].numel() ** -0.5 if parameter.dim() > 1 else 0.1
            parameter.add_(scale * torch.randn_like(parameter))
    return generator


def poses(size, rows=2, seed=1, hidden=()):
    """People who stand upright, with a face in the upper third; `hidden` joints are not seen."""
    random = torch.Generator().manual_seed(seed)
    height, width = size
    xy = torch.rand(rows, 18, 2, generator=random, dtype=torch.float64) * torch.tensor([width, height])
    middle = torch.stack([torch.full((rows,), width / 2), torch.full((rows,), height / 4)], 1).double()
    middle += torch.rand(rows, 2, generator=random, dtype=torch.float64) * 4
    places = {"nose": (0, 0), "neck": (0, 32), "right_eye": (-7, -6), "left_eye": (7, -6)}
    places |= {"right_ear": (-14, -3), "left_ear": (14, -3)}
    for joint, (x, y) in places.items():
        xy[:, SKELETON.index(joint)] = middle + torch.tensor([x, y]).double() * height / 256
    visible = torch.ones(rows, 18, dtype=torch.bool)
    for joint in hidden:
        visible[:, SKELETON.index(joint)] = False
        xy[:, SKELETON.index(joint)] = float("nan")
    return Pose(xy, visible, size, SKELETON)


def picture(size, rows=2, seed=2):
    random = torch.Generator().manual_seed(seed)
    return torch.rand(rows, 3, *size, generator=random, dtype=torch.float64) * 2 - 1


def inputs(size=(64, 32), rows=2, **options):
    return picture(size, rows), poses(size, rows, 1), poses(size, rows, 3, **options)


def pairs(recipe, framing, num_rows=4):
    dataset = recipe.data.tiny().open(framing)
    return next(batches(dataset, seed=0, batch_size=num_rows, first_step=0, last_step=1))


# 1


@pytest.mark.slow
def test_1_the_networks_have_the_number_of_parameters_that_the_spec_derives():
    def parts(config):
        generator = unfilled(config.build)
        return count(generator.pose_branch), generator.detail_branch

    three, details = parts(DRNConfig.drn())
    assert three == 165_233_603
    assert count(details.everywhere) == 18_029_635
    assert count(details.everywhere.encoder) == 3_128_256
    face = details.face
    assert count(face) == 9_173_059
    assert count(face.detail.encoder) == 1_882_560 and count(face.content) == 384_768
    assert count(face.detail.trunk) == 4_720_640 and count(face.detail.mlp) == 1_151_488
    assert count(face.detail.enlarge) + count(face.detail.picture) == 1_033_603

    three, details = parts(DRNConfig.rate_net())
    assert three == 165_233_603 and details.face is None
    assert count(details.everywhere) == 17_697_155 and count(details.everywhere.encoder) == 2_795_776

    two, details = parts(DRNConfig())
    assert two == 41_358_019 and count(details.everywhere) == 7_147_331

    objective = DRNLossesConfig(head="none").build(DRNConfig().tiny().build())
    assert [count(discriminator) for discriminator in objective.discriminators.values()] == [3_928_384, 3_975_424]


# 2


@pytest.mark.parametrize("config", [DRNConfig(), DRNConfig.drn(), DRNConfig.rate_net()])
@pytest.mark.parametrize("size", [(256, 176), (64, 48)])
def test_2_pictures_of_256x176_and_64x48_are_generated_in_their_size(config, size):
    generator = replace(config.tiny(), framing=Framing(size)).build()
    source, source_pose, target_pose = inputs(size, rows=1)
    output = generator(source.float(), source_pose, target_pose)
    for generated in (output.picture, output.coarse, output.residual):
        assert generated.shape == source.shape
    assert output.features.shape[2:] == (size[0] >> config.downsamplings, size[1] >> config.downsamplings)
    if config.face:
        assert output.face.shape == (1, 3, 16, 16) and output.mask.shape == (1, 1, *size)


def test_2_sizes_that_do_not_divide_by_8_are_rejected():
    with pytest.raises(BadInput, match="60x48"):
        DRNConfig(framing=Framing((60, 48)))
    generator = DRNConfig().tiny().build()
    with pytest.raises(BadInput, match="64x30"):
        generator.generate(picture((64, 30)).float(), poses((64, 30)), poses((64, 30)))


# 3


@pytest.mark.parametrize("hidden_in", ["source", "target"])
def test_3_where_there_is_no_face_the_picture_is_coarse_plus_residual_and_the_face_module_learns_nothing(hidden_in):
    generator = lively(DRNConfig().tiny())
    source, source_pose, target_pose = inputs()
    back = poses((64, 32), hidden=FACE_JOINTS)
    if hidden_in == "source":
        source_pose = back
    else:
        target_pose = back
    output = generator(source, source_pose, target_pose)
    assert torch.equal(output.picture, output.coarse + output.residual)
    assert not output.faces.valid.any() and output.mask.abs().max() == 0
    assert output.face.isfinite().all()
    output.picture.square().sum().backward()
    assert all(p.grad is None or p.grad.abs().max() == 0 for p in generator.detail_branch.face.parameters())
    assert all(p.grad.abs().max() > 0 for p in generator.detail_branch.everywhere.trunk.parameters() if p.dim() > 1)


# 4


@pytest.mark.parametrize("size", [(256, 176), (128, 96), (64, 32)])
def test_4_the_mask_lies_inside_the_part_cut_out_and_its_largest_value_is_1(size):
    pose = poses(size, rows=4)
    faces = face_boxes(pose)
    mask = face_mask(faces, size)
    assert faces.valid.all() and mask.min() == 0
    assert mask.amax((1, 2, 3)).tolist() == pytest.approx([1] * 4) and mask.max() <= 1
    wide = with_margin(faces, size)
    y, x = torch.meshgrid(torch.arange(size[0]), torch.arange(size[1]), indexing="ij")
    distance = (torch.stack([x, y]) - wide.centre[:, :, None, None]).abs().amax(1)
    outside = distance > wide.side[:, None, None] / 2
    assert outside.any() and mask[:, 0][outside].max() == 0
    assert torch.equal((1 - mask) + mask, torch.ones_like(mask))


@pytest.mark.slow
def test_4_the_mask_is_the_box_convolved_with_a_gaussian():
    pose = poses((256, 176), rows=1)
    faces = face_boxes(pose)
    y, x = torch.meshgrid(torch.arange(-40, 296), torch.arange(-40, 216), indexing="ij")
    distance = (torch.stack([x, y]) - faces.centre[0, :, None, None]).abs().amax(0)
    box = (distance <= faces.side / 2).double()
    offsets = torch.arange(-12, 13).double()
    bump = torch.exp(-offsets.square() / 32)
    kernel = torch.outer(bump, bump) / bump.sum() ** 2
    naive = torch.nn.functional.conv2d(box[None, None], kernel[None, None], padding=12)
    torch.testing.assert_close(face_mask(faces, (256, 176)), naive[..., 40:-40, 40:-40])


# 5


def test_5_adain_sets_mean_and_deviation_of_each_channel_of_each_row():
    random = torch.Generator().manual_seed(0)
    x = torch.randn(3, 5, 16, 12, generator=random, dtype=torch.float64) * 30 + 7
    scale, shift = (torch.randn(3, 5, generator=random, dtype=torch.float64) for _ in range(2))
    styled = adain(x, scale, shift)
    torch.testing.assert_close(styled.mean((2, 3)), shift, rtol=0, atol=1e-12)
    torch.testing.assert_close(styled.std((2, 3), correction=0), scale.abs(), rtol=1e-7, atol=0)


# 6


@pytest.mark.parametrize("name", ["rate-net-mini", "drn-mini"])
def test_6_in_an_alternate_step_the_pose_branch_changes_twice_and_the_discriminators_three_times(name):
    recipe = RECIPES[name]().tiny()
    stage = recipe.stages[0]
    generator = recipe.build()
    objective = replace(stage.objective, discriminator_steps=3).build(generator).train()
    optimisers = {n: stage.optimisers[n].build(p) for n, p in objective.players.items()}
    changes = dict.fromkeys(objective.players, 0)

    def step_of(player, optimiser):
        before = copy.deepcopy(objective.players[player].state_dict())
        torch.optim.RAdam.step(optimiser)
        after = objective.players[player].state_dict()
        changes[player] += any(not torch.equal(before[n], t) for n, t in after.items())

    for player, optimiser in optimisers.items():
        assert isinstance(optimiser, torch.optim.RAdam)
        optimiser.step = lambda player=player, optimiser=optimiser: step_of(player, optimiser)
    take_step(objective, optimisers, stage, [(pairs(recipe, generator.framing, 2), 1.0)], 1.0, "fp32", 0)
    assert changes == {"pose": 2, "detail": 1, "appearance": 3, "shape": 3}


# 7


def test_7_a_flip_mirrors_boxes_and_masks_and_permutes_the_joints_of_the_face():
    size = (128, 96)
    pose = poses(size, rows=3, hidden=("right_ear",))
    mirrored = pose.flip()
    faces, other = face_boxes(pose), face_boxes(mirrored)
    torch.testing.assert_close(other.centre[:, 0], size[1] - 1 - faces.centre[:, 0])
    torch.testing.assert_close(other.centre[:, 1], faces.centre[:, 1])
    torch.testing.assert_close(other.side, faces.side)
    assert torch.equal(other.valid, faces.valid) and faces.valid.all()
    torch.testing.assert_close(face_mask(other, size), face_mask(faces, size).flip(-1))
    partners = [FACE_JOINTS.index(SKELETON.joints[SKELETON.mirror[SKELETON.index(j)]]) for j in FACE_JOINTS]
    maps, others = face_maps(pose, faces, 32, 1.5), face_maps(mirrored, other, 32, 1.5)
    torch.testing.assert_close(others, maps.flip(-1)[:, partners])
    x = picture(size, rows=3)
    torch.testing.assert_close(cut_out(x.flip(-1), other, 32), cut_out(x, faces, 32).flip(-1))


def test_7_the_flips_of_training_turn_pictures_and_poses_of_a_row_together():
    source, source_pose, target_pose = inputs(rows=6)
    batch = Batch(source, -source, source_pose, target_pose, ("",) * 6)
    seeds = torch.arange(6)
    turned = flipped(batch, seeds, 0.5)
    which = [not torch.equal(turned.source[b], source[b]) for b in range(6)]
    assert any(which) and not all(which)
    for b, flip in enumerate(which):
        assert torch.equal(turned.source[b], source[b].flip(-1) if flip else source[b])
        assert torch.equal(turned.target[b], -turned.source[b])
        for after, before in ((turned.source_pose, source_pose), (turned.target_pose, target_pose)):
            wanted = before.flip() if flip else before
            assert torch.equal(after.xy[b], wanted.xy[b])
    assert torch.equal(flipped(batch.rows(2, 4), seeds[2:4], 0.5).source, turned.source[2:4])
    assert flipped(batch, seeds, 0.0) is batch


# 8


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["rate-net-mini", "drn-mini"])
def test_8_four_pairs_are_overfitted_and_a_checkpoint_reloads_bit_exact(name, tmp_path):
    recipe = RECIPES[name]().tiny()
    stage = recipe.stages[0]
    stage = replace(
        stage,
        objective=replace(stage.objective, flip=0.0, adversarial=0.1, style=0.0, perceptual=0.05),
        optimisers={n: RAdam(4e-3, betas=(0.9, 0.99)) for n in stage.optimisers},
    )
    generator = replace(recipe.model, dropout=0.0).build()
    batch = pairs(recipe, generator.framing)
    first = (generator.generate(batch.source, batch.source_pose, batch.target_pose) - batch.target).abs().mean()
    objective = stage.objective.build(generator).train()
    optimisers = {n: stage.optimisers[n].build(p) for n, p in objective.players.items()}
    for step in range(STEPS):
        factor = min(1.0, 2 * (STEPS - step) / STEPS)
        take_step(objective, optimisers, stage, [(batch, 1.0)], factor, "fp32", step)
    generator.eval()
    generated = generator.generate(batch.source, batch.source_pose, batch.target_pose)
    assert (generated - batch.target).abs().mean() < first / 5

    save(generator, tmp_path / "generator.safetensors", {})
    loaded = load(tmp_path / "generator.safetensors")
    assert all(torch.equal(t, loaded.state_dict()[n]) for n, t in generator.state_dict().items())
    assert torch.equal(loaded.generate(batch.source, batch.source_pose, batch.target_pose), generated)


# The face


def test_a_face_is_put_back_where_it_was_cut_out():
    size = (128, 96)
    y, x = torch.meshgrid(*(torch.linspace(-1, 1, n, dtype=torch.float64) for n in size), indexing="ij")
    smooth = torch.stack([x, y, x + y])[None]  # bilinear samples of it are exact
    faces = face_boxes(poses(size, rows=1))
    wide = with_margin(faces, size)
    back = put_back(cut_out(smooth, wide, 64), wide, size)
    seen = (face_mask(faces, size) > 0.01).expand_as(smooth)  # half a pixel at its border repeats
    torch.testing.assert_close(back[seen], smooth[seen], rtol=0, atol=1e-9)
    other = put_back(torch.zeros(1, 3, 64, 64), wide, size)
    assert other.abs().max() == 0


def test_both_directions_are_differentiable():
    faces = face_boxes(poses((64, 32), rows=1))
    x = picture((64, 32), rows=1).requires_grad_(True)
    put_back(cut_out(x, faces, 16), faces, (64, 32)).square().sum().backward()
    assert x.grad.abs().sum() > 0


@pytest.mark.parametrize(
    "hidden, side",
    [
        ((), 1.4 * 32),
        (("neck",), 2.4 * 28),
        (("neck", "right_ear"), 3.5 * 14),
        (("neck", "right_ear", "left_eye"), 48.0),
    ],
)
def test_a_boxs_side_comes_from_nose_and_neck_then_ears_then_eyes(hidden, side):
    faces = face_boxes(poses((256, 176), hidden=hidden))
    assert faces.valid.all() and faces.side.tolist() == pytest.approx([side] * 2)
    half = face_boxes(poses((128, 96), hidden=hidden))
    assert half.side.tolist() == pytest.approx([side / 2] * 2)


def test_a_side_is_between_32_and_96_pixels_at_a_height_of_256():
    pose = poses((256, 176))
    neck, nose = SKELETON.index("neck"), SKELETON.index("nose")
    for distance, side in ((1.0, 32.0), (200.0, 96.0)):
        pose.xy[:, neck, 1] = pose.xy[:, nose, 1] + distance
        assert face_boxes(pose).side.tolist() == [side] * 2


def test_a_face_needs_its_nose_and_two_of_eyes_and_ears():
    size = (256, 176)
    assert face_boxes(poses(size, hidden=("right_eye", "right_ear"))).valid.all()
    assert not face_boxes(poses(size, hidden=("nose",))).valid.any()
    assert not face_boxes(poses(size, hidden=("right_eye", "right_ear", "left_eye"))).valid.any()
    nobody = face_boxes(poses(size, hidden=SKELETON.joints))
    assert not nobody.valid.any() and nobody.centre.isfinite().all() and nobody.side.isfinite().all()


def test_a_crop_that_leaves_the_picture_repeats_its_border():
    x = torch.arange(32.0).expand(1, 1, 64, 32)
    faces = Faces(torch.tensor([[0.0, 30.0]]), torch.tensor([16.0]), torch.tensor([True]))
    assert cut_out(x, faces, 16)[0, 0, 0].tolist() == [0.0] * 8 + [i + 0.5 for i in range(8)]


# The network


def test_at_first_the_picture_is_the_coarse_one_outside_the_face():
    torch.manual_seed(0)
    generator = DRNConfig().tiny().build()
    source, source_pose, target_pose = inputs()
    output = generator(source.float(), source_pose, target_pose)
    assert output.residual.abs().max() == 0
    away = (output.mask == 0).expand_as(output.picture)
    assert away.any() and torch.equal(output.picture[away], output.coarse[away])


def test_the_style_comes_from_the_source_and_the_face_from_its_face():
    generator = lively(DRNConfig().tiny())
    source, source_pose, _ = inputs()
    box = with_margin(face_boxes(source_pose), (64, 32))
    rows = torch.arange(64)[None, :, None] > (box.centre[:, 1] + box.side / 2 + 1).amax()
    below = torch.where(rows[:, None], -source, source)  # another body under the same face
    first, second = (generator.styles(s, source_pose) for s in (source, below))
    assert torch.equal(first.face, second.face) and not torch.equal(first.everywhere, second.everywhere)


@pytest.mark.parametrize("config", [DRNConfig(), DRNConfig.rate_net()])
def test_every_norm_that_is_styled_takes_its_own_scales_and_shifts(config):
    for adain_in in ("res", "all"):
        module = lively(replace(config.tiny(), adain_in=adain_in)).detail_branch.everywhere
        c = module.trunk[0].first.in_channels
        decoder = [c // 2**n for n in range(1, config.downsamplings + 1)] if adain_in == "all" else []
        assert module.mlp.last.out_features == 2 * (4 * c + sum(decoder))
        content = torch.randn(1, c, 16, 8, dtype=torch.float64)
        style = torch.randn(1, module.mlp.last.out_features, dtype=torch.float64, requires_grad=True)
        (gradient,) = torch.autograd.grad(module.decode(content, style).square().sum(), style)
        assert (gradient != 0).sum() > 0.9 * style.numel()


@pytest.mark.slow
def test_first_scales_are_about_1_and_first_shifts_about_0():
    torch.manual_seed(0)
    module = DRNConfig().build().detail_branch.everywhere
    style = module.style(torch.zeros(1, 3, 64, 48)).view(-1, 2, 256)  # scales, shifts, scales, shifts
    torch.testing.assert_close(style[:, 0], torch.ones(4, 256), rtol=0, atol=0.5)
    torch.testing.assert_close(style[:, 1], torch.zeros(4, 256), rtol=0, atol=0.5)


def test_an_explanation_shows_coarse_residual_face_and_mask():
    arguments = inputs()
    assert list(lively(DRNConfig().tiny()).explain(*arguments).layers) == ["coarse", "residual", "face", "mask"]
    assert list(lively(DRNConfig.rate_net().tiny()).explain(*arguments).layers) == ["coarse", "residual"]


def test_frames_of_a_clip_are_what_generate_gives():
    generator = lively(DRNConfig().tiny())
    source, source_pose, target_poses = inputs(rows=3)
    first = Pose(source_pose.xy[0], source_pose.visible[0], source_pose.size)
    frames = torch.stack(list(generator.animate(source[0], first, target_poses)))
    alone = generator.generate(source[:1].expand(3, -1, -1, -1), Pose.stack([first] * 3), target_poses)
    torch.testing.assert_close(frames, alone, rtol=0, atol=1e-9)


@pytest.mark.slow
def test_dropout_depends_on_the_rows_seeds_and_is_off_without():
    generator = lively(DRNConfig().tiny())
    arguments = inputs()
    seeds = torch.tensor([3, 4])
    with torch.no_grad():
        plain, dropped = generator(*arguments).picture, generator(*arguments, seeds).picture
        assert torch.equal(generator(*arguments, seeds).picture, dropped)
        assert torch.equal(generator.generate(*arguments, seeds=seeds), plain.clamp(-1, 1))
        other = generator(*arguments, torch.tensor([3, 5])).picture
    assert not torch.equal(plain, dropped)
    torch.testing.assert_close(other[0], dropped[0], rtol=0, atol=1e-9)
    assert not torch.equal(other[1], dropped[1])


def test_a_mini_has_at_most_five_million_parameters_and_a_tiny_a_hundred_thousand():
    for config in (DRNConfig.drn_mini(), DRNConfig.rate_net_mini()):
        assert config.framing.size == (128, 96) and count(unfilled(config.build)) <= 5_000_000
    for config in (DRNConfig(), DRNConfig.drn(), DRNConfig.rate_net(), DRNConfig.drn_mini()):
        assert count(unfilled(config.tiny().build)) <= 100_000


def test_a_config_survives_writing_down():
    for config in (DRNConfig(), DRNConfig.rate_net(), DRNConfig.drn_mini().tiny()):
        assert from_plain(DRNConfig, to_plain(config)) == config


@pytest.mark.parametrize(
    "fields, said",
    [
        ({"downsamplings": 4}, "not 4"),
        ({"dropout": 1.0}, "dropout"),
        ({"face_size": 20}, "20"),
        ({"maps": PoseMaps(skeleton="h36m17")}, "right_eye"),
        ({"blocks": 0}, "above 0"),
    ],
)
def test_a_config_that_cannot_be_built_is_refused(fields, said):
    with pytest.raises(BadInput, match=said):
        DRNConfig(**fields)


def test_a_skeleton_without_a_face_serves_rate_net():
    generator = replace(DRNConfig.rate_net(), maps=PoseMaps(skeleton="h36m17")).tiny().build()
    assert isinstance(generator, DRNGenerator) and set(NEEDED_JOINTS) - set(SKELETONS["h36m17"].joints)


# The objective


def turns(losses, rows=2, **model):
    """(players, terms, the players that received a gradient) of every turn of one batch."""
    recipe = RECIPES["drn-mini"]().tiny()
    torch.manual_seed(0)
    generator = replace(recipe.model, **model).build()
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    objective = replace(recipe.stages[0].objective, **losses).build(generator).train()
    seen = []
    for turn in objective.steps(pairs(recipe, generator.framing, rows)):
        objective.zero_grad(set_to_none=True)
        turn.total().backward()
        reached = {n for n, p in objective.players.items() if any(q.grad is not None for q in p.parameters())}
        seen.append((turn.players, dict(turn.terms), reached))
    return seen


@pytest.mark.parametrize(
    "mode, guidance, players",
    [
        ("alternate", "full", [("pose",), ("pose", "detail")]),
        ("alternate", "ft_only", [("pose",), ("pose", "detail")]),
        ("alternate", "none", [("pose",), ("detail",)]),
        ("joint", "full", [("pose", "detail")]),
        ("joint", "none", [("pose", "detail")]),
        ("detail", "full", [("detail",)]),
    ],
)
def test_a_mode_says_who_steps_and_nobody_else_receives_a_gradient(mode, guidance, players):
    seen = turns({"update_mode": mode, "guidance": guidance, "discriminator_steps": 2})
    assert [who for who, _, _ in seen] == [*players, *[("appearance", "shape")] * 2]
    assert all(set(who) == reached for who, _, reached in seen)


@pytest.mark.slow
def test_guidance_by_features_alone_reaches_the_pose_encoder_and_not_the_decoder():
    recipe = RECIPES["drn-mini"]().tiny()
    for guidance, decoder in (("full", True), ("ft_only", False)):
        generator = lively(recipe.model).float()
        objective = replace(recipe.stages[0].objective, guidance=guidance).build(generator)
        steps = objective.steps(pairs(recipe, generator.framing, 2))
        next(steps)
        next(steps).total().backward()
        branch = generator.pose_branch
        assert branch.pose_encoder[0].weight.grad.abs().sum() > 0
        assert (branch.decoder[-1].weight.grad is not None) == decoder


@pytest.mark.slow
def test_the_terms_are_those_of_the_paper_and_the_face_term_is_one_more():
    seen = turns({"face": 1.0})
    assert list(seen[0][1]) == ["l1", "perceptual"]
    assert list(seen[1][1]) == ["l1", "perceptual", "style", "face", "adversarial"]
    joint = turns({"update_mode": "joint", "style": 0.0})
    assert list(joint[0][1]) == ["l1", "perceptual", "adversarial", "coarse l1", "coarse perceptual"]
    with pytest.raises(BadInput, match="face"):
        turns({"face": 1.0}, face=False)


@pytest.mark.parametrize(
    "losses", [{"discriminator_scales": 3}, {"head": "none"}, {"gan": "cross-entropy"}, {"gan": "hinge"}]
)
def test_discriminators_work_at_several_sizes_without_head_and_with_both_forms_of_terms(losses):
    assert all(term.isfinite() for _, terms, _ in turns(losses) for term in terms.values())


def test_the_rate_of_the_authors_schedule_is_constant_for_an_epoch_and_falls_to_above_0():
    for name in ("rate-net-fashion-2020", "drn-fashion-2020"):
        stage = RECIPES[name]().stages[0]
        epoch = stage.steps / 12
        assert stage.learning_rate_factor(0) == stage.learning_rate_factor(int(epoch)) == 1
        assert stage.learning_rate_factor(round(6.5 * epoch)) == pytest.approx(0.5, abs=1e-4)
        assert 0 < stage.learning_rate_factor(stage.steps - 1) < 1e-4


def test_the_optimiser_of_the_recipes_decays_weights_apart_from_the_gradient():
    layer = torch.nn.Linear(1, 1)
    optimiser = RAdam(1e-2, betas=(0.5, 0.999), weight_decay=0.1).build(layer)
    before = layer.weight.item()
    layer.weight.grad = torch.zeros(1, 1)
    optimiser.step()
    assert layer.weight.item() == pytest.approx(before * (1 - 1e-3))
    assert "RAdam" in to_plain(RAdam()).values()
