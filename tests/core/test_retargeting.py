"""A pose fitted to another body: what has to be true of any such fit."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from reposer.core import Pose
from reposer.core.retargeting import INFERRED_SCORE, arms_alone, fitted, keeps_head, retarget, turned_head
from reposer.core.skeleton import OPENPOSE_18, OPENPOSE_137
from reposer.synthetic.people import SyntheticPeople

SIZE = (256, 176)


def index(name):
    return OPENPOSE_18.index(name)


def standing(*, legs=1.0, arms=1.0, shoulders=1.0, size=SIZE, at=(80.0, 110.0), stature=180.0):
    """A person from the front with these proportions, the hips at `at`."""
    x = {"neck": (0, -0.257), "nose": (0, -0.41)}
    for side, sign in (("right", -1), ("left", 1)):
        x[f"{side}_eye"], x[f"{side}_ear"] = (0.02 * sign, -0.43), (0.045 * sign, -0.42)
        x[f"{side}_shoulder"] = (0.1 * shoulders * sign, -0.257)
        x[f"{side}_elbow"] = (0.1 * shoulders * sign + 0.02 * sign, -0.257 + 0.159 * arms)
        x[f"{side}_wrist"] = (x[f"{side}_elbow"][0], x[f"{side}_elbow"][1] + 0.14 * arms)
        x[f"{side}_hip"] = (0.052 * sign, 0)
        x[f"{side}_knee"] = (0.06 * sign, 0.245 * legs)
        x[f"{side}_ankle"] = (0.06 * sign, (0.245 + 0.238) * legs)
    xy = torch.tensor([x[name] for name in OPENPOSE_18.joints]) * stature + torch.tensor(at)
    return Pose(xy, torch.ones(18, dtype=torch.bool), size)


def people(count=12, size=SIZE):
    """Pairs of poses of different people, as a detector would see them."""
    rendered = SyntheticPeople((64, 44), "test", count)
    return [
        (rendered[i].source_pose.resize(size), rendered[count - 1 - i].target_pose.resize((300, 300)))
        for i in range(count)
    ]


def test_a_persons_own_pose_comes_back_unchanged():
    for source, _ in people():
        answer = retarget(source, source, infer=False)
        assert torch.equal(answer.pose.xy, source.xy)
        assert torch.equal(answer.pose.visible, source.visible)


def test_a_person_of_s_times_the_size_gets_the_pose_s_times_as_large():
    for source, target in people():
        answer = retarget(source, target, infer=False).pose
        large = retarget(replace(source, xy=source.xy * 2.5, size=(640, 440)), target, infer=False).pose
        seen = answer.visible
        assert torch.allclose(large.xy[seen], answer.xy[seen] * 2.5, atol=0.01)


def test_the_size_of_the_wanted_pose_and_its_place_do_not_matter():
    for source, target in people():
        moved = replace(target, xy=target.xy * 0.4 + 17, size=(1000, 900))
        one, other = retarget(source, target, infer=False).pose, retarget(source, moved, infer=False).pose
        assert torch.allclose(one.xy[one.visible], other.xy[one.visible], atol=0.02)


def test_fitted_twice_is_fitted_once():
    for source, target in people():
        once = retarget(source, target, infer=False).pose
        twice = retarget(source, once, infer=False).pose
        assert torch.allclose(twice.xy, once.xy, atol=1e-3)


def test_fitting_commutes_with_mirroring():
    for source, target in people():
        one = retarget(source, target, infer=False).pose.flip()
        other = retarget(source.flip(), target.flip(), infer=False).pose
        assert torch.allclose(one.xy[one.visible], other.xy[one.visible], atol=0.01)


def test_longer_legs_stay_longer_and_stand_on_the_same_ground():
    source, target = standing(legs=1.15), standing(size=(300, 300), at=(100.0, 150.0), stature=200.0)
    answer = retarget(source, target).pose
    assert torch.allclose(answer.xy, source.xy, atol=0.5)  # the head's place over the neck is the wanted pose's
    ankles = [index("right_ankle"), index("left_ankle")]
    assert float(answer.xy[ankles, 1].max()) == pytest.approx(float(source.xy[ankles, 1].max()), abs=1e-3)


@pytest.mark.parametrize("legs", [0.6, 0.72, 0.8])
def test_who_stands_on_short_legs_stays_as_tall(legs):
    """As legs are that a camera sees from above, and in the joints of many an estimator: nobody grows out of the
    photo."""
    source = standing(legs=legs)
    answer = retarget(source, standing(size=(300, 300), at=(100.0, 150.0), stature=200.0)).pose
    assert torch.allclose(answer.xy, source.xy, atol=0.6)  # a knee lies beside its hip, on long legs or short


def test_legs_that_point_to_the_camera_are_no_short_ones():
    source, target = standing(legs=0.4), standing(size=(300, 300), at=(100.0, 150.0), stature=200.0)
    answer = retarget(source, target).pose
    thigh = float((answer.xy[index("left_knee")] - answer.xy[index("left_hip")]).norm())
    assert thigh == pytest.approx(0.245 * 180, abs=0.5)


def test_legs_that_are_short_alone_do_not_make_the_rest_small():
    """Where no arm is seen, and the trunk is longer than legs and size let expect."""
    source, target = standing(legs=0.65), standing(size=(300, 300), at=(100.0, 150.0), stature=200.0)
    arms = [k for k, name in enumerate(OPENPOSE_18.joints) if "elbow" in name or "wrist" in name]
    visible = source.visible.clone()
    visible[arms] = False
    answer = retarget(replace(source, visible=visible), target, infer=False).pose
    trunk = float(answer.xy[index("neck"), 1] - answer.xy[index("left_hip"), 1])
    assert abs(trunk) > 0.7 * 0.257 * 180


def test_one_frame_of_standing_does_not_stretch_those_of_a_clip_that_sits():
    from reposer.data.poses.presets import preset

    sits = preset("sitting").resize((300, 300))
    clip, with_one = Pose.stack([sits] * 20), Pose.stack([*[sits] * 19, standing(size=(300, 300))])
    source = standing(legs=0.8)
    one, other = (fitted(source, rows) for rows in (clip, with_one))
    assert other.ratios["thigh"] == pytest.approx(one.ratios["thigh"], rel=0.05)


def test_who_sits_before_the_camera_does_not_stand_on_short_thighs():
    """Thighs that point to the camera are short, also where they and the shins point down."""
    source = standing(at=(80.0, 100.0))
    xy = source.xy.clone()
    for side in ("right", "left"):
        hip, knee, ankle = (index(f"{side}_{joint}") for joint in ("hip", "knee", "ankle"))
        short = 0.6 * (xy[knee, 1] - xy[hip, 1])
        xy[[knee, ankle], 1] -= short
    answer = retarget(replace(source, xy=xy), standing()).pose
    thigh = float((answer.xy[index("left_knee")] - answer.xy[index("left_hip")]).norm())
    assert thigh == pytest.approx(0.245 * 180, abs=0.5)


def test_a_pose_of_the_arms_moves_the_arms_alone():
    source, target = standing(legs=0.8, shoulders=1.1), standing(size=(300, 300), at=(100.0, 150.0), stature=200.0)
    xy, wanted = source.xy.clone(), target.xy.clone()
    xy[index("left_knee")] += torch.tensor([14.0, -9.0])
    source = replace(source, xy=xy)
    raised = {}
    for side in ("right", "left"):
        shoulder, elbow, wrist = (index(f"{side}_{joint}") for joint in ("shoulder", "elbow", "wrist"))
        for joint in (elbow, wrist):
            wanted[joint, 1] = 2 * wanted[shoulder, 1] - wanted[joint, 1]
            raised[joint] = torch.stack([xy[joint, 0], 2 * xy[shoulder, 1] - xy[joint, 1]])
    answer = arms_alone(source, replace(target, xy=wanted))
    others = [k for k in range(18) if k not in raised]
    assert torch.equal(answer.xy[others], source.xy[others]) and answer.size == source.size
    for joint, place in raised.items():
        assert torch.allclose(answer.xy[joint], place, atol=0.6)
    mirrored = arms_alone(source.flip(), replace(target, xy=wanted).flip())
    assert torch.allclose(mirrored.xy, answer.flip().xy, atol=1e-3)


@pytest.mark.parametrize("why", ["from behind", "a leg is not seen", "lies", "from the side"])
def test_a_pose_of_the_arms_is_a_whole_pose_where_its_arms_do_not_fit(why):
    source, target = standing(), standing(size=(300, 300))
    xy, visible = source.xy.clone(), source.visible.clone()
    if why == "from behind":
        source = replace(source, xy=torch.stack([160.0 - xy[:, 0], xy[:, 1]], 1))
    if why == "a leg is not seen":
        visible[index("left_ankle")] = False
        source = replace(source, visible=visible)
    if why == "lies":
        source = replace(source, xy=xy.flip(1), size=(300, 300))
    if why == "from the side":
        source = replace(source, xy=(xy - torch.tensor([80.0, 0])) * torch.tensor([0.2, 1.0]) + torch.tensor([80.0, 0]))
    assert arms_alone(source, target) is None
    assert arms_alone(standing(), target) is not None


@pytest.mark.parametrize("part", ["legs", "arms", "shoulders"])
def test_each_proportion_of_the_source_is_kept(part):
    source = standing(**{part: 1.12})
    answer = retarget(source, standing(size=(300, 300), at=(100.0, 150.0), stature=120.0)).pose
    assert torch.allclose(answer.xy, source.xy, atol=0.5)


def test_a_foreshortened_limb_says_nothing_about_the_body():
    """Arms that point to the camera in the wanted pose stay short, and the rest is not made larger for them."""
    target = standing(size=(300, 300), at=(100.0, 150.0))
    xy = target.xy.clone()
    for side in ("right", "left"):
        shoulder = xy[index(f"{side}_shoulder")]
        for joint, share in (("elbow", 0.3), ("wrist", 0.4)):
            xy[index(f"{side}_{joint}")] = shoulder + torch.tensor([0.0, 28.0 * share])
    answer = retarget(standing(), replace(target, xy=xy)).pose
    others = [k for k, name in enumerate(OPENPOSE_18.joints) if "elbow" not in name and "wrist" not in name]
    assert torch.allclose(answer.xy[others], standing().xy[others], atol=0.5)
    arm = answer.xy[index("right_elbow")] - answer.xy[index("right_shoulder")]
    assert float(arm.norm()) == pytest.approx(28.0 * 0.3, abs=0.5)


def test_a_joint_in_the_wrong_place_makes_no_limb_longer_than_a_body_has():
    target = standing(size=(300, 300), at=(100.0, 150.0))
    xy = target.xy.clone()
    xy[index("left_wrist")] += torch.tensor([400.0, 0.0])
    answer = retarget(standing(), replace(target, xy=xy)).pose
    forearm = answer.xy[index("left_wrist")] - answer.xy[index("left_elbow")]
    assert float(forearm.norm()) < 1.35 * 0.14 * 180


def test_a_clip_has_one_fit_that_is_constant_in_time():
    clip = Pose.stack([standing(arms=1.0, at=(100.0 + t, 150.0), size=(300, 300)) for t in range(6)])
    fit = fitted(standing(legs=1.1), clip)
    whole = fit.apply(clip)
    for t in range(6):
        assert torch.allclose(fit.apply(clip[t]).xy, whole[t].xy, atol=1e-4)
        lengths = [
            float((whole.xy[t, index(f"{side}_knee")] - whole.xy[t, index(f"{side}_hip")]).norm())
            for side in ("right", "left")
        ]
        assert lengths == pytest.approx([1.1 * 0.245 * 180] * 2, rel=0.01)


def test_a_clip_of_one_frame_is_fitted_as_a_picture():
    for source, target in people(4):
        picture, clip = fitted(source, target), fitted(source, Pose.stack([target]))
        assert picture == clip


def test_a_frame_with_short_arms_does_not_change_the_fit_of_a_clip():
    clip = [standing(at=(100.0, 150.0), size=(300, 300)) for _ in range(10)]
    short = clip[4].xy.clone()
    short[index("right_wrist")] = short[index("right_elbow")] + torch.tensor([0.0, 3.0])
    changed = [*clip[:4], replace(clip[4], xy=short), *clip[5:]]
    one, other = (fitted(standing(), Pose.stack(frames)) for frames in (clip, changed))
    assert one.scale == pytest.approx(other.scale, rel=1e-6)


def without(pose, *names):
    visible = pose.visible.clone()
    visible[[index(name) for name in names]] = False
    return replace(pose, visible=visible)


def test_a_wrist_is_taken_from_the_other_side_if_the_arms_mirror_each_other():
    target = standing(size=(300, 300), at=(100.0, 150.0))
    answer = retarget(standing(), without(target, "left_wrist"))
    assert list(answer.inferred) == ["left_wrist"]
    assert torch.allclose(answer.pose.xy[index("left_wrist")], standing().xy[index("left_wrist")], atol=0.5)
    assert float(answer.pose.score[index("left_wrist")]) == pytest.approx(INFERRED_SCORE)
    xy = target.xy.clone()
    xy[index("left_elbow")] = xy[index("left_shoulder")] + torch.tensor([25.0, 0.0])  # this arm is elsewhere
    assert retarget(standing(), without(replace(target, xy=xy), "left_wrist")).inferred == ()


def test_legs_that_a_picture_does_not_show_are_the_sources():
    legs = [f"{side}_{joint}" for side in ("right", "left") for joint in ("knee", "ankle")]
    answer = retarget(standing(), without(standing(size=(300, 300), at=(100.0, 150.0), stature=260.0), *legs))
    assert sorted(answer.inferred) == sorted(legs)
    assert torch.allclose(answer.pose.xy, standing().xy, atol=0.5)


def test_a_missing_face_is_not_made_up():
    face = ("nose", "right_eye", "left_eye", "right_ear", "left_ear")
    answer = retarget(standing(), without(standing(size=(300, 300)), *face))
    assert not answer.inferred
    assert not answer.pose.visible[[index(name) for name in face]].any()


HEAD = [index(name) for name in ("nose", "right_eye", "left_eye", "right_ear", "left_ear")]


def turned(pose, share):
    """The same person turned about the upright axis: all widths are this share of what they were."""
    middle = pose.xy[index("neck"), 0]
    return replace(pose, xy=torch.stack([middle + share * (pose.xy[:, 0] - middle), pose.xy[:, 1]], -1))


def looking_aside(pose):
    """The same body, the head in profile: one eye and one ear are hidden, the nose is at the side."""
    xy, visible = pose.xy.clone(), pose.visible.clone()
    xy[index("nose"), 0] -= 15
    visible[[index("left_eye"), index("left_ear")]] = False
    return replace(pose, xy=xy, visible=visible)


def test_the_head_stays_as_in_the_photo_on_a_body_that_faces_the_same_way():
    source, other = looking_aside(standing()), standing(size=(300, 200), stature=100.0)
    kept, by_pose = retarget(source, other), retarget(source, other, head="pose")
    neck = index("neck")
    assert torch.equal(kept.pose.visible[HEAD], source.visible[HEAD])
    seen = [k for k in HEAD if source.visible[k]]
    offset = [pose.xy[seen] - pose.xy[neck] for pose in (kept.pose, source, by_pose.pose)]
    assert torch.allclose(offset[0], offset[1], atol=1e-3) and (offset[2] - offset[1]).abs().max() > 5
    rest = [k for k in range(18) if k not in HEAD]
    assert torch.equal(kept.pose.xy[rest], by_pose.pose.xy[rest])
    assert turned_head(source, other) == 1 and turned_head(standing(), other) < 0.01


NOT_HEAD = [k not in HEAD for k in range(18)]


@pytest.mark.parametrize("degrees", [-30.0, 30.0])
@pytest.mark.parametrize("to_the_right", [True, False])
def test_a_head_that_is_tilted_looks_where_it_looked(degrees, to_the_right):
    front, angle = without(standing(), "left_ear"), math.radians(degrees)
    neck = front.xy[index("neck")]
    turn = torch.tensor([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    tilted = replace(front, xy=torch.where(torch.tensor(NOT_HEAD)[:, None], front.xy, (front.xy - neck) @ turn + neck))
    assert keeps_head(tilted, profile(standing(), to_the_right))


def profile(pose, to_the_right):
    """The same person seen from the side: everything is narrow, the nose in front of the one ear that is seen."""
    seen, hidden = ("left", "right") if to_the_right else ("right", "left")
    answer = without(turned(pose, 0.1), f"{hidden}_eye", f"{hidden}_ear")
    answer.xy[index("nose"), 0] = answer.xy[index(f"{seen}_ear"), 0] + (15 if to_the_right else -15)
    return answer


def keeps(source, target):
    """What `keeps_head` says, and the pose that is fitted by it."""
    answer, kept = retarget(source, target), keeps_head(source, target)
    assert torch.equal(answer.pose.visible[HEAD], (source if kept else target).visible[HEAD])
    again = retarget(source, answer.pose)
    assert torch.allclose(again.pose.xy, answer.pose.xy, atol=1e-3)
    return kept


@pytest.mark.parametrize("to_the_right", [True, False])
def test_a_face_stays_on_a_body_from_the_side_as_far_as_a_neck_can_turn(to_the_right):
    front, side = standing(), profile(standing(), to_the_right)
    assert keeps(front, side)
    assert keeps(side, front)
    assert keeps(side, profile(standing(size=(300, 200), stature=100.0), to_the_right))
    assert not keeps(profile(front, not to_the_right), side)
    assert keeps(looking_aside(front), side) == (not to_the_right)  # it looks to the left


def test_a_face_is_not_kept_on_a_back_nor_where_the_side_of_the_body_is_unknown_and_matters():
    front = standing()
    assert not keeps(front, turned(front, -1.0))
    assert not keeps(front, turned(front, -0.5))
    assert keeps(looking_aside(front), turned(front, 0.9))
    assert not keeps(looking_aside(front), turned(front, 0.1))  # that body's own head looks into the camera
    assert keeps(front, turned(front, 0.1))
    for share in (-0.35, -0.7):  # not a profile either, though its own head looks to that side
        side = profile(front, True)
        assert not keeps(
            side, replace(side, xy=torch.where(torch.tensor(NOT_HEAD)[:, None], turned(front, share).xy, side.xy))
        )
    away = without(turned(front, -1.0), "nose", "right_eye", "left_eye")
    assert keeps(away, turned(away, 0.9)) and not keeps(away, front)
    assert not keeps(away, profile(front, True))


def test_a_bust_keeps_its_head_too_by_its_shoulders():
    hidden = [name for name in OPENPOSE_18.joints if name.split("_")[-1] in ("hip", "knee", "ankle", "elbow", "wrist")]
    source, other = looking_aside(standing()), standing(size=(300, 200), stature=100.0)
    for one, two in ((without(source, *hidden), other), (source, without(other, *hidden))):
        assert keeps_head(one, two)
        assert torch.equal(retarget(one, two).pose.visible[HEAD], source.visible[HEAD])
    assert not keeps_head(without(source, *hidden), turned(other, 0.3))


def test_how_far_a_head_is_turned_is_told_without_shoulders():
    source = without(standing(), "right_shoulder", "left_shoulder")
    other = replace(source, xy=source.xy.clone())
    other.xy[index("nose"), 0] += 0.3
    assert turned_head(source, other) < 0.05


def test_a_head_that_is_kept_leans_with_the_trunk():
    source, angle = standing(), np.radians(30)
    turn = torch.tensor([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]).float()
    other = replace(source, xy=(source.xy - 100) @ turn + 100)
    answer = retarget(looking_aside(source), other).pose
    lying = (looking_aside(source).xy - 100) @ turn + 100
    seen = [k for k in HEAD if answer.visible[k]]
    own = answer.xy[seen] - answer.xy[index("neck")]
    assert torch.allclose(own, lying[seen] - lying[index("neck")], atol=0.05)


def test_hands_move_with_their_wrists_and_the_face_with_the_neck():
    def whole(pose):
        body = pose.convert(OPENPOSE_137)
        xy, visible = body.xy.clone(), body.visible.clone()
        for joint, of in (("left_thumb_2", "left_wrist"), ("right_hand_root", "right_wrist"), ("chin", "neck")):
            k = OPENPOSE_137.index(joint)
            xy[k], visible[k] = body.xy[OPENPOSE_137.index(of)] + torch.tensor([3.0, 2.0]), True
        return replace(body, xy=xy, visible=visible)

    source, target = whole(standing(arms=1.1)), whole(standing(size=(300, 300), at=(100.0, 150.0)))
    answer = retarget(source, target).pose
    for joint, of in (("left_thumb_2", "left_wrist"), ("right_hand_root", "right_wrist"), ("chin", "neck")):
        offset = answer.xy[OPENPOSE_137.index(joint)] - answer.xy[OPENPOSE_137.index(of)]
        assert torch.allclose(offset, torch.tensor([3.0, 2.0]), atol=0.3)


@pytest.mark.slow
def test_the_same_pose_on_another_body_is_met_better_than_by_size_and_place_alone():
    """The same 3-D pose of two bodies: what a benchmark prints, on a few people."""
    from benchmarks.retargeting import errors

    before, after = np.mean(errors(40, seed=3), axis=0)
    assert after < 0.75 * before
