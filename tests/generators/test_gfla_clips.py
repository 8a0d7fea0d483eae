"""GFLA for clips: the recurrent networks of people and faces, and how they are trained."""

import json
from dataclasses import replace

import pytest
import torch

from reposer.core import BadInput, ClipBatch, FaceLines, Pose
from reposer.core.skeleton import COCO_17, FACE_68, H36M_17, OPENPOSE_18
from reposer.generators.gfla.clip_network import GFLAAnimationConfig, GFLAFaceConfig, fuse
from reposer.generators.gfla.clip_objective import GFLAClipFlowConfig, GFLAClipLossesConfig
from reposer.generators.gfla.discriminator import ResDiscriminator, TemporalDiscriminator
from reposer.nn.weights import unfilled
from reposer.training import RECIPES, Adam, train

SIZE = (64, 32)
CONFIGS = {
    "people": GFLAAnimationConfig().tiny(),
    "published people": GFLAAnimationConfig.dance_2020().tiny(),
    "faces": GFLAFaceConfig().tiny(),
    "published faces": GFLAFaceConfig.face_2020().tiny(),
}
everyone = pytest.mark.parametrize("kind", CONFIGS)
# what costs seconds: the published networks are trained by the same objectives as ours, and tried nightly
who_is_trained = pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.nightly if "published" in kind else ()) for kind in CONFIGS]
)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def lively(config, seed=0):
    """Flows of some pixels, and a picture that depends on everything."""
    torch.manual_seed(seed)
    generator = config.build()
    with torch.no_grad():
        for name, parameter in generator.named_parameters():
            if parameter.dim() == 4:
                parameter.normal_(0, (2 if "flow_head" in name else 1) * parameter[0].numel() ** -0.5)
    return generator.double().eval()


def poses(rows, skeleton, seed=1, size=SIZE):
    random = torch.Generator().manual_seed(seed)
    corner = torch.tensor([size[1], size[0]], dtype=torch.float64)
    count = len(skeleton)
    xy = torch.rand(rows, count, 2, generator=random, dtype=torch.float64) * corner
    return Pose(xy, torch.rand(rows, count, generator=random) > 0.1, size, skeleton)


def picture(seed=3, rows=1):
    random = torch.Generator().manual_seed(seed)
    return torch.rand(rows, 3, *SIZE, generator=random, dtype=torch.float64) * 2 - 1


def clip_batch(config, rows=2, frames=6, dtype=torch.float32):
    generator = config.build()
    own = poses(rows * frames, generator.skeleton)
    random = torch.Generator().manual_seed(7)
    return ClipBatch(
        source=torch.rand(rows, 3, *SIZE, generator=random).to(dtype) * 2 - 1,
        source_pose=replace(p := poses(rows, generator.source_skeleton), xy=p.xy.to(dtype)),
        frames=torch.rand(rows, frames, 3, *SIZE, generator=random).to(dtype) * 2 - 1,
        poses=replace(
            own, xy=own.xy.unflatten(0, (rows, frames)).to(dtype), visible=own.visible.unflatten(0, (rows, frames))
        ),
        names=("a", "b")[:rows],
        foreground=torch.ones(rows, frames, 1, *SIZE, dtype=dtype),
        seeds=torch.arange(rows),
    )


def test_the_published_networks_have_the_published_number_of_parameters():
    dance = unfilled(GFLAAnimationConfig.dance_2020().build)
    assert count(dance) == 23_510_195
    assert count(dance.target_net) == 7_420_143
    assert count(dance.flow_previous) == count(dance.flow_reference) == 6_610_268
    assert count(dance.source_previous) == count(dance.source_reference) == 1_434_758
    assert count(unfilled(GFLAFaceConfig.face_2020().build)) == 16_906_667
    assert count(TemporalDiscriminator()) == 1_032_961
    assert count(ResDiscriminator(entering=6)) == 665_537


def test_the_small_forms_are_small():
    for config in (GFLAAnimationConfig.mini(), GFLAFaceConfig.mini()):
        assert count(unfilled(config.build)) <= 5_000_000


def test_the_temporal_discriminator_scores_parts_of_six_frames():
    assert TemporalDiscriminator(4)(torch.zeros(2, 3, 6, 64, 32)).shape == (2, 1, 4, 2)


@everyone
def test_the_first_frame_of_a_clip_is_the_picture_generated_alone(kind):
    generator = lively(CONFIGS[kind])
    source, own = picture(), poses(1, generator.source_skeleton)
    targets = poses(2, generator.skeleton, seed=2)
    frames = list(generator.animate(source[0], own[0], targets))
    assert torch.equal(frames[0], generator.generate(source, own, targets[:1])[0])
    assert not torch.allclose(frames[1], generator.generate(source, own, targets[1:])[0], atol=1e-3)


@pytest.mark.slow
@everyone
def test_frame_t_depends_on_poses_up_to_t_and_on_all_of_them(kind):
    generator = lively(CONFIGS[kind])
    source, own = picture(), poses(1, generator.source_skeleton)
    targets = poses(4, generator.skeleton, seed=2)
    frames = list(generator.animate(source[0], own[0], targets))
    for changed in range(4):
        others = [poses(1, generator.skeleton, seed=9)[0] if t == changed else targets[t] for t in range(4)]
        again = list(generator.animate(source[0], own[0], others))
        for t in range(4):
            assert torch.equal(again[t], frames[t]) == (t < changed)


@everyone
def test_frames_come_one_by_one(kind):
    generator = lively(CONFIGS[kind])
    asked = []

    def targets():
        for t in range(3):
            asked.append(t)
            yield poses(1, generator.skeleton, seed=t)[0]

    for t, _ in enumerate(generator.animate(picture()[0], poses(1, generator.source_skeleton)[0], targets())):
        assert asked == list(range(t + 1))


@everyone
def test_a_clip_that_was_broken_off_goes_on_as_if_it_had_not_been(kind):
    generator = lively(CONFIGS[kind])
    source, own = picture()[0], poses(1, generator.source_skeleton)[0]
    targets = poses(5, generator.skeleton, seed=2)
    whole = list(generator.animate(source, own, targets))
    rest = list(generator.animate(source, own, targets[3:], previous=(whole[2], targets[2])))
    assert torch.equal(torch.stack(rest), torch.stack(whole[3:]))


def test_the_published_fusion_adds_two_blends_and_ours_is_a_mean_with_weights():
    random = torch.Generator().manual_seed(0)
    x, a, b = torch.rand(3, 2, 4, 5, 5, generator=random)
    p, r = torch.rand(2, 2, 1, 5, 5, generator=random)
    assert torch.allclose(fuse(x, a, b, p, r, "sum"), (1 - p) * x + p * a + (1 - r) * x + r * b)
    blended = fuse(x, a, b, p, r, "blend")
    assert (blended <= torch.stack([x, a, b]).amax(0) + 1e-6).all()
    assert (blended >= torch.stack([x, a, b]).amin(0) - 1e-6).all()
    one = torch.ones_like(x)
    assert torch.allclose(fuse(one, one, one, p, r, "blend"), one)
    none, all_of_it = torch.zeros_like(p), torch.ones_like(p)
    assert torch.equal(fuse(x, a, b, none, none, "blend"), x)
    assert torch.allclose(fuse(x, a, b, all_of_it, none, "blend"), a)
    assert torch.allclose(fuse(x, a, b, none, all_of_it, "blend"), b)


def test_published_people_want_one_skeleton_of_the_photo_and_another_of_the_driver():
    generator = lively(CONFIGS["published people"])
    assert (generator.source_skeleton, generator.skeleton) == (COCO_17, H36M_17)
    source = picture()
    generator.generate(source, poses(1, COCO_17), poses(1, H36M_17))
    with pytest.raises(BadInput, match="coco17"):
        generator.generate(source, poses(1, H36M_17), poses(1, H36M_17))
    with pytest.raises(BadInput, match="h36m17"):
        generator.generate(source, poses(1, COCO_17), poses(1, COCO_17))


def test_the_edges_of_the_driving_frame_change_the_face_and_need_not_be_there():
    generator = lively(CONFIGS["faces"])
    source, points = picture(), poses(1, FACE_68)
    plain = generator.generate(source, points, points)
    assert torch.equal(plain, generator.generate(source, FaceLines(points), FaceLines(points)))
    edges = torch.zeros(1, 1, *SIZE, dtype=torch.float64)
    edges[..., 5:9, :] = 1
    assert not torch.equal(plain, generator.generate(source, points, FaceLines(points, edges)))


def test_the_joints_of_a_body_are_no_face():
    with pytest.raises(BadInput, match="face68"):
        lively(CONFIGS["faces"]).generate(picture(), poses(1, OPENPOSE_18), poses(1, FACE_68))


def losses(kind, **changes):
    faces = {"previous": "generated", "temporal": "differences"} if "faces" in kind else {}
    return replace(GFLAClipLossesConfig(**faces).tiny(), **changes)


@pytest.mark.slow
@who_is_trained
def test_a_clip_of_two_chunks_is_two_updates_of_each_player_and_no_gradient_goes_into_the_chunk_before(kind):
    """The graph of a chunk is freed by its own update: to go back through it once more would fail."""
    objective = losses(kind).build(CONFIGS[kind].build())
    turns = []
    for turn in objective.steps(clip_batch(CONFIGS[kind], rows=1, frames=12)):
        turns.append(turn.players)
        turn.total().backward()
    assert turns == [("discriminator", "temporal"), ("generator",)] * 2


@pytest.mark.parametrize("objective", [GFLAClipFlowConfig().tiny(), GFLAClipLossesConfig().tiny()])
def test_clips_of_another_skeleton_are_refused_before_anything_is_learnt_from_them(objective):
    config = CONFIGS["published people"]
    batch = clip_batch(config)
    swapped = replace(batch, poses=replace(batch.poses, skeleton=COCO_17))  # as many joints, other meanings
    with pytest.raises(BadInput, match=r"needs poses of the skeleton h36m17 .* this came: coco17"):
        next(objective.build(config.build()).steps(swapped))


@pytest.mark.slow
@who_is_trained
def test_the_terms_of_a_chunk_are_sums_over_its_frames(kind):
    """The same frame over and over, without a memory of the last one, weighs as many times as it is there."""
    config = CONFIGS[kind]
    generator = lively(config).float()
    with torch.no_grad():  # deaf to the frame before: every frame is generated alike
        for name, parameter in generator.named_parameters():
            if name.startswith("target_net.attention_previous"):
                parameter.zero_()
            if "occlusion_head" in name and name.endswith("bias"):
                parameter.fill_(-1e4)
    batch = clip_batch(config, rows=1, frames=6)
    still = replace(
        batch,
        frames=batch.frames[:, :1].expand(-1, 6, -1, -1, -1).contiguous(),
        poses=replace(
            batch.poses,
            xy=batch.poses.xy[:, :1].expand(-1, 6, -1, -1).contiguous(),
            visible=batch.poses.visible[:, :1].expand(-1, 6, -1).contiguous(),
        ),
    )
    terms = {}
    for chunk in (3, 6):
        objective = losses("faces", chunk=chunk).build(generator)
        turns = list(objective.steps(still))
        terms[chunk] = turns[-1].terms
    for name in ("l1", "content", "style"):
        assert torch.allclose(2 * terms[3][name], terms[6][name], rtol=1e-4)


@pytest.mark.slow
def test_the_frame_before_is_the_true_one_for_people_and_the_generated_one_for_faces():
    config = CONFIGS["people"]
    batch = clip_batch(config, rows=1)
    other = replace(batch, frames=batch.frames.clone())
    other.frames[:, 2] = 0  # seen as target of frame 2, and as the one before frame 3
    terms = {}
    for previous in ("true", "generated"):
        objective = losses("people", previous=previous).build(lively(config).float())
        for word, clips in (("own", batch), ("other", other)):
            terms[previous, word] = list(objective.steps(clips))[1].terms["correctness"]
    differences = {p: float((terms[p, "own"] - terms[p, "other"]).detach().abs()) for p in ("true", "generated")}
    assert differences["true"] > 0 and differences["generated"] > 0
    assert differences["true"] != pytest.approx(differences["generated"], rel=1e-3)


@pytest.mark.slow
def test_flows_count_in_the_foreground_where_asked():
    config = CONFIGS["people"]
    batch = clip_batch(config, rows=1)
    objective = losses("people", foreground=True).build(lively(config).float())
    everywhere = list(objective.steps(batch))[1].terms["correctness"]
    plain = list(losses("people").build(lively(config).float()).steps(batch))[1].terms["correctness"]
    assert torch.allclose(everywhere, plain, rtol=1e-4)
    nowhere = replace(batch, foreground=torch.zeros_like(batch.foreground))
    assert float(list(objective.steps(nowhere))[1].terms["correctness"].detach()) == pytest.approx(0, abs=1e-6)
    with pytest.raises(BadInput, match="foreground"):
        list(objective.steps(replace(batch, foreground=None)))


@pytest.mark.slow
def test_gradients_flow_through_the_frames_of_a_chunk_but_not_into_the_last_one():
    config = CONFIGS["people"]
    generator = lively(config).float()
    batch = clip_batch(config, frames=6)
    memory = generator.begin(batch.source, batch.source_pose)
    first, memory = generator.frame(memory, batch.pose(0))
    second, _ = generator.frame(memory, batch.pose(1))
    first.picture.retain_grad()
    second.picture.sum().backward()
    assert first.picture.grad.abs().sum() > 0
    anew = generator.begin(batch.source, batch.source_pose, (first.picture.detach(), batch.pose(0)))
    again, _ = generator.frame(anew, batch.pose(1))
    assert torch.allclose(again.picture, second.picture, atol=1e-6)


@pytest.mark.slow
@who_is_trained
def test_the_first_stage_moves_the_flow_networks_alone(kind):
    generator = CONFIGS[kind].build()
    objective = GFLAClipFlowConfig().tiny().build(generator)
    for turn in objective.steps(clip_batch(CONFIGS[kind], rows=1)):
        turn.total().backward()
    moved = {n.split(".")[0] for n, p in generator.named_parameters() if p.grad is not None}
    assert moved and all(name.startswith("flow_") for name in moved)


def test_clips_that_do_not_divide_into_chunks_are_refused():
    objective = losses("people").build(CONFIGS["people"].build())
    with pytest.raises(BadInput, match="8 frames"):
        list(objective.steps(clip_batch(CONFIGS["people"], frames=8)))
    with pytest.raises(BadInput, match="6 frames"):
        GFLAClipLossesConfig(chunk=4)


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["gfla-animation-mini", "gfla-face-mini"])
def test_two_stretches_of_clips_are_overfitted(name, tmp_path):
    """L1 of the frames falls five-fold; a clip's six frames are generated in a row, from its reference alone."""
    recipe = RECIPES[name]().tiny()
    stage = replace(
        recipe.stages[-1],
        steps=300,
        optimisers={player: Adam(3e-3, betas=(0.5, 0.99)) for player in recipe.stages[-1].optimisers},
    )
    recipe = replace(recipe, stages=(stage,), batch_size=1, save_every=300, picture_every=300, log_every=1, ema=0.0)
    train(recipe, tmp_path, progress=False)
    lines = [json.loads(line)["generator/l1"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert sum(lines[-8:]) / 8 < lines[0] / 5
