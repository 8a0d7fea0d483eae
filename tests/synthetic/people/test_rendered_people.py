"""Synthetic people: the truth beside a picture is the truth of that picture, and an index is all that decides it."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from reposer.core import BadInput, Framing
from reposer.core.images import to_uint8
from reposer.core.rng import numpy_stream
from reposer.core.skeleton import COCO_17, FACE_68, OPENPOSE_18
from reposer.synthetic import zbuffer as zbuffer_module
from reposer.synthetic.people import (
    PARTS,
    BodyPose,
    Camera,
    Rendering,
    Scene,
    Shot,
    SyntheticPeople,
    render,
    sample_identity,
)
from reposer.synthetic.people.body.bones import NUM_BONES, Hold, bone_frames, rest_figure, stacked
from reposer.synthetic.people.body.cameras import sample_camera
from reposer.synthetic.people.body.figure import Body, torso_profile
from reposer.synthetic.people.body.poses import DEMO_POSES, sample_pose
from reposer.synthetic.people.identity import MONK_SCALE
from reposer.synthetic.people.render import light as light_module
from reposer.synthetic.people.render import rendering as rendering_module
from reposer.synthetic.people.render.rendering import dress
from reposer.synthetic.people.render.scenes import sample_scene
from reposer.synthetic.people.wardrobe.shapes import line_frames, slope
from reposer.synthetic.zbuffer import rasterise

SMALL = (128, 88)
LARGE = (256, 176)


STANDING = BodyPose()


def standing(number, yaw=0.0, size=SMALL, pose=STANDING, **camera):
    who = sample_identity(number, np.random.default_rng(number))
    return render([Shot(who, dress(who, size), pose, Camera(yaw=yaw, **camera), Scene())], size)


def two_views(number, size=LARGE, yaws=(0.0, 25.0)):
    """One person twice, from nearby sides, in two poses."""
    who, stream = sample_identity(number, np.random.default_rng(number)), numpy_stream(9, number)
    surface = dress(who, size)
    shots = [Shot(who, surface, sample_pose(who.body, stream), Camera(yaw=yaw), Scene()) for yaw in yaws]
    return render(shots, size)


def joints(rendering, skeleton=OPENPOSE_18, row=0):
    pose = rendering.poses[skeleton.name]
    return {j: pose.xy[row, i] for i, j in enumerate(skeleton.joints)}


def parts_near(rendering, joint, radius=1):
    x, y = joints(rendering)[joint].round().long().tolist()
    window = rendering.parts[0, max(y - radius, 0) : y + radius + 1, max(x - radius, 0) : x + radius + 1]
    return {PARTS[p] for p in window.unique().tolist()}


# ---------------------------------------------------------------------------------- what decides a picture


@pytest.mark.slow
def test_an_index_gives_the_same_pair_in_any_order_and_any_instance():
    first, second = SyntheticPeople(SMALL, num_pairs=5), SyntheticPeople(SMALL, num_pairs=900)
    forwards = [first[i] for i in range(3)]
    for i in (2, 0, 1):
        a, b = forwards[i], second[i]
        assert a.name == b.name
        assert torch.equal(a.source, b.source) and torch.equal(a.target, b.target)
        assert torch.equal(a.source_pose.xy, b.source_pose.xy)
        assert torch.equal(a.target_pose.visible, b.target_pose.visible)


@pytest.mark.slow
def test_a_picture_does_not_depend_on_what_is_rendered_with_it():
    people = SyntheticPeople(SMALL)
    views = [(3, 0), (4, 1), (3, 1), (8, 0)]
    together = people.rendered(views)
    for row, view in enumerate(views):
        alone = people.rendered([view])
        assert torch.equal(alone.picture[0], together.picture[row])
        assert torch.equal(alone.parts[0], together.parts[row])
        assert torch.equal(alone.depth[0], together.depth[row])
        assert torch.equal(alone.detected.visible[0], together.detected.visible[row])


def test_pictures_do_not_depend_on_how_many_are_drawn_at_once_nor_on_who_compares(monkeypatch):
    views = [(number, view) for number in (3, 4, 19) for view in range(2)]
    maps = ("picture", "albedo", "person", "backdrop", "parts", "depth", "surface")
    people = SyntheticPeople(SMALL)
    expected = people.rendered(views)
    assert expected.mask.any((1, 2)).all()
    monkeypatch.setattr(rendering_module, "AT_ONCE", 1)
    one_by_one = people.rendered(views)
    for module in (rendering_module, light_module, zbuffer_module):  # as on other devices: torch compares
        monkeypatch.setattr(module, "quick", lambda values: values)
    compared_by_torch = people.rendered(views)
    for name in maps:
        for other in (one_by_one, compared_by_torch):
            torch.testing.assert_close(getattr(other, name), getattr(expected, name), rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slopes_are_those_of_numpys_gradient(axis):
    values = np.random.default_rng(0).normal(size=(3, 5, 4))
    np.testing.assert_array_equal(slope(values, axis), np.gradient(values, axis=axis))


def test_frames_along_a_line_are_orthonormal_and_follow_it():
    stream = np.random.default_rng(0)
    centres = np.cumsum(stream.normal((0, 1, 0), 0.2, (12, 3)), 0)
    frames = line_frames(centres, np.array((0.1, 0.0, 1.0)))
    np.testing.assert_allclose(frames.swapaxes(1, 2) @ frames, np.broadcast_to(np.eye(3), (12, 3, 3)), atol=1e-12)
    steps = np.gradient(centres, axis=0)
    np.testing.assert_allclose((steps * frames[..., 1]).sum(1), np.linalg.norm(steps, axis=1))


def test_another_seed_or_index_gives_another_person():
    renderings = [SyntheticPeople(SMALL, seed=seed).rendered([view]) for seed, view in ((0, (0, 0)), (1, (0, 0)))]
    renderings += [SyntheticPeople(SMALL).rendered([view]) for view in ((1, 0), (0, 1))]
    for a, b in itertools.combinations(renderings, 2):
        assert not torch.equal(a.picture, b.picture)


def test_identities_are_disjoint_between_splits_and_the_name_tells_the_identity():
    splits = [SyntheticPeople(SMALL, split, num_pairs=50_000) for split in ("train", "val", "test")]
    numbers = [{s.identity_number(i) for i in range(len(s))} for s in splits]
    assert all(not (a & b) for a, b in itertools.combinations(numbers, 2))
    sample = splits[1][3]
    assert sample.name.rsplit("_", 1)[0] == f"person{splits[1].identity_number(3):06d}"


def test_a_sample_has_the_house_forms():
    sample = SyntheticPeople(SMALL, num_pairs=1)[0]
    for picture, pose in ((sample.source, sample.source_pose), (sample.target, sample.target_pose)):
        assert picture.shape == (3, *SMALL) and picture.dtype == torch.float32
        assert picture.min() >= -1 and picture.max() <= 1
        assert pose.xy.shape == (18, 2) and pose.size == SMALL and pose.visible.dtype == torch.bool


def test_a_framing_lays_picture_and_joints_into_the_same_frame():
    plain = SyntheticPeople(SMALL, num_pairs=1)[0]
    framed = SyntheticPeople(SMALL, num_pairs=1, framing=Framing((128, 96), fit="pad"))[0]
    assert framed.source.shape == (3, 128, 96)
    assert torch.equal(framed.source[:, :, 4:92], plain.source)
    assert torch.allclose(framed.source_pose.xy, plain.source_pose.xy + torch.tensor([4.0, 0.0]), atol=1e-4)


# ---------------------------------------------------------------------------------- joints and parts


@pytest.mark.parametrize("number", range(6))
def test_seen_joints_land_on_the_parts_they_name(number):
    person = standing(number, size=LARGE)
    for joint, words in (
        ("nose", {"face"}), ("right_eye", {"face", "hair"}), ("left_eye", {"face", "hair"}),
        ("right_ankle", {"right_shoe", "right_lower_leg"}), ("left_ankle", {"left_shoe", "left_lower_leg"}),
        ("right_wrist", {"right_hand", "right_lower_arm"}), ("left_wrist", {"left_hand", "left_lower_arm"}),
        ("left_elbow", {"left_upper_arm", "left_lower_arm"}), ("neck", {"neck", "torso", "hair", "outer"}),
    ):  # fmt: skip
        assert parts_near(person, joint) & words, joint


@pytest.mark.slow
def test_joints_that_can_be_seen_lie_on_their_limb_in_sampled_views():
    """From any side, sitting or running: a joint that nothing hides is rendered on a part that meets there."""
    rendering = SyntheticPeople(LARGE).rendered([(n, view) for n in range(12) for view in range(2)])
    pose = rendering.poses[OPENPOSE_18.name]
    meets = {
        "elbow": ("upper_arm", "lower_arm"), "wrist": ("lower_arm", "hand"),
        "knee": ("upper_leg", "lower_leg"), "ankle": ("lower_leg", "shoe"),
    }  # fmt: skip
    right = total = 0
    for row in range(len(rendering)):
        for k, joint in enumerate(OPENPOSE_18.joints):
            side, _, word = joint.partition("_")
            if word not in meets or not pose.visible[row, k]:
                continue
            x, y = pose.xy[row, k].round().long().tolist()
            near = rendering.parts[row, max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3].unique().tolist()
            allowed = {f"{side}_{part}" for part in meets[word]} | {"skirt"}
            right += bool({PARTS[p] for p in near} & allowed)
            total += 1
    assert total > 80 and right / total > 0.97


@pytest.mark.slow
def test_the_landmarks_of_a_face_lie_on_the_face_and_belong_to_their_side():
    person = standing(4, size=(512, 352), height=0.9)
    face = joints(person, FACE_68)
    on = [person.parts[0, int(p[1].round()), int(p[0].round())] == PARTS.index("face") for p in face.values()]
    assert sum(on) > 58
    eyes = {
        side: torch.stack([p for j, p in face.items() if j.startswith(f"{side}_eye")]) for side in ("right", "left")
    }
    for side, xy in eyes.items():
        assert torch.allclose(xy.mean(0), joints(person)[f"{side}_eye"], atol=0.012 * 512)
    assert eyes["right"][:, 0].max() < eyes["left"][:, 0].min()


def test_the_same_joint_is_at_the_same_place_in_every_skeleton():
    person = standing(7)
    a, b = joints(person), joints(person, COCO_17)
    shared = set(a) & set(b)
    assert len(shared) == 17
    assert all(torch.equal(a[j], b[j]) for j in shared)


def test_a_person_who_faces_the_camera_has_the_right_side_at_the_pictures_left():
    front, behind = standing(3), standing(3, yaw=180.0)
    for word in ("shoulder", "hip", "ankle", "eye", "ear"):
        assert joints(front)[f"right_{word}"][0] < joints(front)[f"left_{word}"][0]
        assert joints(behind)[f"right_{word}"][0] > joints(behind)[f"left_{word}"][0]
    x = torch.arange(SMALL[1]).expand(SMALL).float()
    for word in ("upper_arm", "upper_leg", "lower_leg", "shoe"):
        right, left = (x[front.parts[0] == PARTS.index(f"{side}_{word}")] for side in ("right", "left"))
        if len(right) and len(left):
            assert right.mean() < left.mean()


def test_a_positive_yaw_turns_the_person_to_their_left():
    person = joints(standing(1, yaw=90.0))
    assert person["nose"][0] > person["neck"][0] + 3


@pytest.mark.slow
def test_a_face_seen_from_behind_is_hidden_and_from_the_side_half_of_it_is():
    def hidden(yaw):
        pose = standing(2, yaw).poses[OPENPOSE_18.name]
        return {j for j, seen in zip(OPENPOSE_18.joints, pose.visible[0].tolist(), strict=True) if not seen}

    face = {"nose", "right_eye", "left_eye"}
    assert face <= hidden(180.0)
    assert not face & hidden(0.0)
    assert {"left_eye", "left_ear"} <= hidden(90.0) and "nose" not in hidden(90.0)
    assert {"right_eye", "right_ear"} <= hidden(-90.0)


@pytest.mark.slow
def test_joints_outside_the_picture_are_missed_and_those_seen_are_mostly_found():
    rendering = SyntheticPeople(SMALL).rendered([(n, 0) for n in range(24)])
    exact, found = rendering.poses[OPENPOSE_18.name], rendering.detected.visible
    x, y = exact.xy.unbind(-1)
    outside = (x < -0.5) | (x > SMALL[1] - 0.5) | (y < -0.5) | (y > SMALL[0] - 0.5)
    assert not found[outside].any() and not exact.visible[outside].any()
    assert found[exact.visible].float().mean() > 0.95
    assert found[~exact.visible & ~outside].float().mean() < 0.7
    sure = SyntheticPeople(SMALL, misses=False).rendered([(n, 0) for n in range(6)])
    assert torch.equal(sure.detected.visible, sure.poses[OPENPOSE_18.name].visible)


def test_a_joint_is_hidden_where_the_surface_in_front_of_it_is_not_its_own():
    """A hand behind the back cannot be seen from the front, and can from behind."""
    pose = DEMO_POSES[3][0]
    front, behind = standing(3, 0.0, LARGE, pose), standing(3, 180.0, LARGE, pose)
    for rendering in (front, behind):
        exact = rendering.poses[OPENPOSE_18.name]
        x, y = exact.xy[0].round().long().unbind(-1)
        inside = (x >= 0) & (x < LARGE[1]) & (y >= 0) & (y < LARGE[0])
        assert torch.isfinite(rendering.depth[0][y[inside], x[inside]]).float().mean() > 0.8
    assert front.poses[OPENPOSE_18.name].visible[0, OPENPOSE_18.index("nose")]
    assert not behind.poses[OPENPOSE_18.name].visible[0, OPENPOSE_18.index("nose")]


# ---------------------------------------------------------------------------------- maps


@pytest.mark.slow
def test_all_maps_agree_on_where_the_person_is():
    rendering = SyntheticPeople(SMALL).rendered([(n, 0) for n in range(8)])
    assert rendering.parts.shape == (8, *SMALL) and int(rendering.parts.max()) < len(PARTS) == 20
    assert torch.equal(rendering.mask, rendering.depth.isfinite())
    assert torch.equal(rendering.mask, rendering.surface.isfinite().all(1))
    assert ((rendering.albedo.float().sum(-1) > 0) >= rendering.mask).all()
    assert (rendering.mask.float().mean((1, 2)) > 0.05).all()


def test_surface_coordinates_name_the_same_place_of_the_body_in_every_pose():
    """Heads are above hips and the right hand is at the right, at rest, however the person stands."""
    rendering = two_views(5, yaws=(0.0, 150.0))
    for row in range(2):
        at = {
            p: rendering.surface[row][:, rendering.parts[row] == PARTS.index(p)]
            for p in ("hair", "left_shoe", "right_shoe")
        }
        assert at["hair"].numel() and at["hair"][1].min() > 0.7
        for side, sign in (("left_shoe", 1), ("right_shoe", -1)):
            if at[side].numel():
                assert at[side][1].max() < 0.1 and (sign * at[side][0] > 0).all()


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 2, 4, 6, 8])
def test_the_source_warped_by_the_true_flow_shows_the_targets_texture(number):
    """Before shading, where the flow says that the source shows the point, away from edges and from glancing sight."""
    rendering = two_views(number, (512, 352))
    flow, visible = rendering.flow(0, 1)
    albedo = rendering.albedo.permute(0, 3, 1, 2).float() / 255
    warped, source_parts = (_warped(albedo[:1], flow), _warped(rendering.parts[:1, None].float(), flow, "nearest"))
    inner = -F.max_pool2d(-visible[None, None].float(), 5, 1, 2)[0, 0] > 0
    # sight is not glancing where the flow neither stretches nor squeezes much
    dx, dy = flow.diff(dim=2)[:, 1:], flow.diff(dim=1)[:, :, 1:]
    stretch = torch.zeros_like(inner)
    stretch[1:, 1:] = ((dx.abs() < 0.5) & (dy.abs() < 0.5)).all(0)
    calm = inner & stretch
    assert calm.sum() > 2000
    error = (warped - albedo[1]).abs().mean(0)[calm]
    assert error.mean() < 0.03 and error.median() < 0.01
    copied = (albedo[0] - albedo[1]).abs().mean(0)[calm]
    assert error.mean() < 0.35 * copied.mean()
    same_part = (source_parts[0] == rendering.parts[1])[calm]
    assert same_part.float().mean() > 0.98


def test_a_flow_from_a_picture_to_itself_is_zero_and_sees_everything():
    rendering = standing(3, size=LARGE)
    flow, visible = rendering.flow(0, 0)
    mask = rendering.mask[0]
    assert flow[:, mask].abs().max() < 1e-2
    assert torch.equal(visible, mask)
    assert flow[:, ~mask].isnan().all()


def test_true_visibility_agrees_with_depth():
    """A point that the source shows is as deep as the source's own map says there; a hidden one lies behind that."""
    rendering = two_views(6, yaws=(0.0, 70.0))
    h, w = LARGE
    (a, b), (_, visible) = rendering.views, rendering.flow(0, 1)
    y, x = b.pixel // (2 * w), b.pixel % (2 * w)
    sampled = (y % 2 == 1) & (x % 2 == 1)
    corners = b.surface.faces[b.face[sampled]]
    points = (a.points[corners] * b.weights[sampled][..., None]).sum(1)
    shown = visible[y[sampled] // 2, x[sampled] // 2]
    column, row = points[:, :2].round().long().unbind(1)
    inside = (column >= 0) & (column < w) & (row >= 0) & (row < h)
    there = rendering.depth[0][row[inside], column[inside]]
    # depth is linear in the points' third coordinate: pixels of a stature
    own = (a.points[a.surface.faces[a.face]] * a.weights[..., None]).sum(1)
    at = rendering.depth[0][a.pixel // (2 * w) // 2, a.pixel % (2 * w) // 2]
    unit = (own[:, 2] / at)[at.abs() > 0.02].median()
    behind = there - points[inside, 2] / unit
    shown = shown[inside]
    assert shown.sum() > 1000 and (~shown).sum() > 1000
    assert behind[shown].abs().quantile(0.97) < 0.03
    assert (behind[~shown] > 0.004).float().mean() > 0.85


@pytest.mark.slow
def test_a_flow_joins_pictures_of_a_person_however_they_were_rendered():
    """Also when the person was dressed twice, because many others were rendered in between."""
    people = SyntheticPeople((64, 44))
    views = [(n, 0) for n in range(18)] + [(0, 1)]
    rendering = people.rendered(views)
    flow, visible = rendering.flow(0, 18)
    again = Rendering.joined([people.rendered([(0, 0)]), people.rendered([(0, 1)])])
    assert torch.equal(again.flow(0, 1)[1], visible)
    assert torch.equal(again.flow(0, 1)[0].nan_to_num(), flow.nan_to_num())


def test_a_picture_in_which_nobody_is_shows_the_scene():
    who = sample_identity(1, np.random.default_rng(1))
    away = Shot(who, dress(who, SMALL), STANDING, Camera(shift=(3.0, 0.0)), Scene())
    rendering = render([away], SMALL)
    assert not rendering.mask.any() and rendering.picture.min() > 200
    assert not rendering.poses[OPENPOSE_18.name].visible.any()


def test_there_is_no_flow_between_two_people():
    rendering = SyntheticPeople(SMALL).rendered([(0, 0), (1, 0)])
    with pytest.raises(ValueError, match="different people"):
        rendering.flow(0, 1)


def _warped(picture, flow, mode="bilinear"):
    h, w = flow.shape[1:]
    y, x = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
    grid = torch.stack([(x + flow[0] + 0.5) / w * 2 - 1, (y + flow[1] + 0.5) / h * 2 - 1], -1).nan_to_num(9.0)
    return F.grid_sample(picture, grid[None], mode=mode, align_corners=False)[0]


# ---------------------------------------------------------------------------------- bodies, bones, triangles


def test_bones_are_turns_without_stretch_in_every_sampled_pose():
    body, stream = Body(), np.random.default_rng(0)
    from reposer.synthetic.people.body.figure import pose_body

    figures = [rest_figure(body), *(pose_body(body, sample_pose(body, stream)) for _ in range(20))]
    axes, _ = bone_frames(*stacked(figures))
    assert axes.shape == (21, NUM_BONES, 3, 3)
    eye = torch.eye(3).expand_as(axes)
    assert torch.allclose(axes @ axes.mT, eye, atol=1e-4) and torch.allclose(
        torch.linalg.det(axes), eye[..., 0, 0], atol=1e-4
    )


def test_a_hold_has_weights_that_sum_to_one_and_mixing_shares_them():
    spine = Hold.chain("torso", np.array([[-0.1, 0.1, 0.4]]))
    head = Hold.rigid("head", (1, 3))
    mixed = spine.mixed(head, np.array([0.0, 0.25, 1.0]))
    assert np.allclose(mixed.weights.sum(-1), 1)
    on_head = (mixed.weights * (mixed.bones == head.bones[0, 0, 0])).sum(-1)
    assert np.allclose(on_head, [[0.0, 0.25, 1.0]])


def test_the_bodies_outline_has_a_waist():
    side, _, _ = torso_profile(Body(), np.array([0.0, 0.11, 0.24]))
    assert side[1] < side[0] and side[1] < side[2]


def test_skin_tones_cover_the_scale_evenly():
    tones = [sample_identity(n, np.random.default_rng(n)).tone for n in range(500)]
    counts = np.bincount(tones, minlength=len(MONK_SCALE) + 1)[1:]
    assert counts.min() > 30 and counts.max() < 75


def test_the_nearest_of_two_triangles_wins_and_back_faces_are_not_rendered():
    front = torch.tensor([[0.0, 0, 5], [0, 9, 5], [9, 0, 5]])
    points = torch.cat([front - torch.tensor([0.0, 0, 3]), front])
    faces, picture = torch.tensor([[0, 1, 2], [3, 4, 5]]), torch.tensor([0, 0])
    hits = rasterise(points, faces, picture, 1, (10, 10))
    assert hits.face.unique().tolist() == [1]
    assert torch.isfinite(hits.depth[0, 1, 1]) and not torch.isfinite(hits.depth[0, 9, 9])
    assert torch.allclose(hits.weights.sum(1), torch.ones(len(hits.face)))
    turned = rasterise(points, torch.tensor([[0, 2, 1]]), picture[:1], 1, (10, 10))
    assert len(turned.face) == 0
    apart = rasterise(points, faces, torch.tensor([0, 1]), 2, (10, 10))
    assert torch.equal(apart.depth[1].isfinite(), apart.depth[0].isfinite())


@pytest.mark.slow
def test_every_kind_of_scene_fills_the_picture_and_is_decided_by_its_stream():
    who = sample_identity(2, np.random.default_rng(2))
    surface, kinds = dress(who, SMALL), set()
    for n in range(12):
        scene = sample_scene(np.random.default_rng(n))
        assert scene == sample_scene(np.random.default_rng(n))
        rendering = render([Shot(who, surface, STANDING, Camera(), scene)], SMALL)
        behind = rendering.picture[0][~rendering.mask[0]].float()
        assert behind.mean() > 20
        assert scene.kind != "room" or behind.std() > 5
        kinds.add(scene.kind)
    assert kinds == {"white", "gradient", "room"}


def test_cameras_show_full_bodies_mostly_and_half_ones_sometimes():
    stream = np.random.default_rng(0)
    crops = [sample_camera(stream).crop for _ in range(400)]
    assert 0.7 < crops.count("full") / 400 < 0.9 and len(set(crops)) == 4
    half = standing(3, crop="half").poses[OPENPOSE_18.name]
    assert half.visible[0, OPENPOSE_18.index("nose")] and not half.visible[0, OPENPOSE_18.index("left_ankle")]


# ---------------------------------------------------------------------------------- use


@pytest.mark.slow
def test_a_clip_shows_one_person_in_steady_motion():
    clip, rendering = SyntheticPeople(SMALL).clip(3, "walk", 12)
    assert len(clip) == len(clip.poses) == len(rendering) == 12
    assert torch.equal(to_uint8(clip.frames), rendering.picture)
    for motion in ("run", "sit", "turn"):
        _, moving = SyntheticPeople(SMALL).clip(4, motion, 6, fps=4.0)
        points = torch.cat([view.points[:, :2] for view in moving.views])
        outside = (points < -0.5) | (points > torch.tensor([SMALL[1] - 0.5, SMALL[0] - 0.5]))
        assert outside.any(1).float().mean() < 0.01  # the person stays in the picture
    xy = rendering.poses[OPENPOSE_18.name].xy
    assert 0 < xy.diff(dim=0).norm(dim=-1).max() < 0.12 * SMALL[0]
    flow, visible = rendering.flow(0, 1)
    assert visible.sum() > 0.5 * rendering.mask[1].sum()
    assert flow[:, visible].norm(dim=0).median() < 6


def test_the_demonstration_shows_one_person_in_clear_poses():
    samples = SyntheticPeople(SMALL, "test").held_out_demo(num_poses=len(DEMO_POSES))
    assert len(samples) == 6
    assert len({s.name.rsplit("_", 1)[0] for s in samples}) == 1 and len({s.name for s in samples}) == 6
    for sample in samples:
        assert torch.equal(sample.source, samples[0].source)
        assert not torch.equal(sample.source, sample.target)


def test_an_unknown_split_and_too_many_pairs_are_refused_with_a_way_out():
    with pytest.raises(BadInput, match="train, val, test"):
        SyntheticPeople(split="dev")
    with pytest.raises(BadInput, match="50000"):
        SyntheticPeople(split="test", num_pairs=50_001)
