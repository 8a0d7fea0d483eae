"""Heads of the photo are copied as a whole; the nape of one that is turned away is no throat."""

from dataclasses import replace

import pytest
import torch

import reposer
from reposer.core import Pose
from reposer.core.retargeting import retarget
from reposer.core.skeleton import OPENPOSE_18
from reposer.core.truth import PARTS
from reposer.data.poses.presets import preset
from reposer.generators.trueflow.composing import Copies, _without_faces
from reposer.generators.trueflow.geometry import Body
from reposer.generators.trueflow.hair import no_hair
from reposer.generators.trueflow.heads import (
    BackOfHead,
    back_of_head,
    hair_masks,
    moved_head,
    source_faces,
    source_head,
)
from reposer.synthetic.people import SyntheticPeople

SIZE, HALF = (96, 96), (48, 48)
HANDS = torch.zeros(1, 2, *SIZE)
SKIN, HAIR, WALL, SHIRT = (
    (r, g, b) for r, g, b in ((0.5, 0.1, -0.2), (-0.7, -0.8, -0.9), (0.4, 0.5, 0.8), (-0.2, 0.6, -0.4))
)
JOINTS = {
    "nose": (48.0, 34.0), "right_eye": (45.0, 31.0), "left_eye": (51.0, 31.0), "right_ear": (41.0, 32.0),
    "left_ear": (55.0, 32.0), "neck": (48.0, 54.0),
}  # fmt: skip
FACE, CROWN, NECK = (slice(28, 42), slice(41, 55)), (slice(18, 28), slice(38, 58)), (slice(42, 54), slice(44, 52))
TRUNK = (slice(54, 96), slice(30, 66))


def pose(joints=None, **moved):
    xy, visible = torch.zeros(1, 18, 2), torch.zeros(1, 18, dtype=torch.bool)
    for joint, place in ((joints or JOINTS) | moved).items():
        if place is not None:
            xy[0, OPENPOSE_18.index(joint)], visible[0, OPENPOSE_18.index(joint)] = torch.tensor(place), True
    return Pose(xy, visible, SIZE)


def of_head(turn=1 + 0j, way=0j):
    """The joints of the head turned around the neck, scaled and moved."""
    neck = complex(*JOINTS["neck"])
    moved = {name: (complex(*place) - neck) * turn + neck + way for name, place in JOINTS.items()}
    return pose({name: (place.real, place.imag) for name, place in moved.items()})


def half(place):
    return tuple(slice(part.start // 2, part.stop // 2) for part in place)


def parts(**places):
    scores = torch.full((1, len(PARTS), *HALF), -20.0)
    scores[:, PARTS.index("background")] = 0
    for name, place in places.items():
        scores[:, PARTS.index(name), *half(place)] = 20
    return scores


def body(scores=None, hair=CROWN):
    scores = parts(hair=hair, face=FACE, neck=NECK, torso=TRUNK) if scores is None else scores
    nothing = torch.zeros(1, 3, *HALF)
    return Body(scores, nothing, nothing, nothing, torch.zeros(1, 3))


def picture(**others):
    shown = torch.tensor(WALL).view(1, 3, 1, 1).repeat(1, 1, *SIZE)
    for place, colour in ((FACE, SKIN), (CROWN, HAIR), (NECK, SKIN), (TRUNK, SHIRT), *others.values()):
        shown[:, :, *place] = torch.tensor(colour).view(1, 3, 1, 1)
    return shown


def test_a_head_moves_turns_and_grows_as_its_joints_do():
    own = body()
    for turn, way in ((1, 0j), (1, -9 + 4j), (1.2 * (0.96 + 0.28j), 3 + 2j)):
        target = of_head(turn, way)
        place, shown, beyond, _ = moved_head(source_head(own, own.person, HANDS, pose()), target, parts())
        eye = target.xy[0, OPENPOSE_18.index("right_eye")].round().long()
        crown = complex(*JOINTS["neck"]) + (complex(48, 22) - complex(*JOINTS["neck"])) * turn + way
        for x, y in (eye.tolist(), (round(crown.real), round(crown.imag))):
            there = complex(float(place[0, 0, y, x]), float(place[0, 1, y, x]))
            back = (complex(x, y) - way - complex(*JOINTS["neck"])) / turn + complex(*JOINTS["neck"])
            assert abs(there - back) < 0.01 and shown[0, 0, y, x] > 0.99
        assert shown[:, :, 80:].max() == 0, "the trunk does not follow"
        assert beyond.max() < 1e-6, "nothing was generated there"


def test_a_head_that_looks_elsewhere_is_left_to_the_network():
    own = body()
    side = pose(nose=(42.0, 34.0), right_eye=(42.5, 31.0), left_eye=(45.0, 31.0), right_ear=None)
    few = pose(nose=None, right_eye=None, left_eye=None)
    far = of_head(2.5)
    one_place = pose({name: (48.0, 32.0) for name in JOINTS} | {"neck": (48.0, 54.0)})
    assert not moved_head(source_head(own, own.person, HANDS, one_place), pose(), parts()).place.isnan().any()
    for target in (side, few, far, pose(neck=None), one_place):
        whole = moved_head(source_head(own, own.person, HANDS, pose()), target, parts())
        assert whole.shown.max() == 0 and whole.beyond.max() < 1e-6


def test_what_was_generated_around_the_head_goes_and_arms_stay_before_it():
    own, target = body(), of_head(1, 8 + 0j)
    blob = parts(
        hair=(slice(10, 28), slice(36, 76)),
        right_lower_arm=(slice(28, 34), slice(44, 66)),
        face=(slice(34, 40), slice(36, 76)),
    )
    _, shown, beyond, _ = moved_head(source_head(own, own.person, HANDS, pose()), target, blob)
    assert shown[0, 0, 31, 56] == 0 and shown[0, 0, 38, 56] > 0.99, "the forearm is before the face"
    assert beyond[0, 0, 14, 56] > 0.9, "above the hair"
    assert beyond[0, 0, 34, 40] > 0.7 and beyond[0, 0, 22, 56] == 0


def test_hair_that_the_network_misses_is_found_by_its_colour():
    seen = (slice(22, 28), slice(38, 58))
    scores = parts(hair=seen, face=FACE, neck=NECK, torso=TRUNK)
    own = body(scores)
    found = hair_masks(picture(), scores, own.person, pose())
    assert found[0, 0, 19:22, 40:56].min() > 0.9 and found[0, 0, :16].max() == 0
    assert found[0, 0, 60:].max() == 0, "the trunk is no hair"
    like_wall = picture(hair=(CROWN, WALL))
    assert hair_masks(like_wall, scores, own.person, pose())[0, 0, 19:21, 40:56].max() == 0
    assert hair_masks(picture(), scores, own.person, pose(neck=None)).max() == 0, "nobody knows where the head is"


AWAY = pose(nose=None, right_eye=None, left_eye=None, right_ear=(55.0, 32.0), left_ear=(41.0, 32.0))


def behind(source, own, source_pose, target_pose, wanted):
    return back_of_head(source_faces(source, own, own.person, source_pose), target_pose, wanted)


def test_the_nape_has_the_faces_colour_where_no_long_hair_lies_on_it():
    wanted = parts(hair=(slice(18, 42), slice(38, 58)), neck=NECK)
    bearded = picture(beard=((slice(37, 54), slice(41, 55)), (-0.9, -0.9, -0.9)))
    head, low, colour, hair = behind(bearded, body(), pose(), AWAY, wanted)
    assert head[0, 0, 20:46, 45:51].min() > 0.99 and head[0, 0, 60:].max() == 0
    assert low[0, 0, 42:46, 45:51].min() > 0.99 and low[0, 0, :34].max() == 0
    assert torch.allclose(colour.flatten(), torch.tensor(SKIN), atol=0.05), "not the beard's"
    assert torch.allclose(hair.colour.flatten(), torch.tensor(HAIR), atol=0.12)
    assert hair.covers[0, 0, 22:34, 42:54].min() > 0.9 and hair.falls.max() == 0
    sides = {f"strand{x}": ((slice(20, 74), slice(x, x + 8)), HAIR) for x in (33, 55)}
    scores = parts(hair=CROWN, face=FACE, neck=NECK, torso=TRUNK)
    for place, _ in sides.values():
        scores[:, PARTS.index("hair"), *half(place)] = 20
    long = behind(picture(**sides), body(scores), pose(), AWAY, wanted)
    assert long.nape[0, 0, 42:46, 45:51].max() < 0.05 and long.hair.covers[0, 0, 42:60, 42:54].min() > 0.9


def test_nobody_has_a_nape_in_front():
    wanted = parts(hair=(slice(18, 42), slice(38, 58)), neck=NECK)
    for source, target in ((pose(), pose()), (AWAY, AWAY), (pose(), pose(neck=None))):
        assert behind(picture(), body(), source, target, wanted).head.max() == 0
    hidden = parts(torso=TRUNK)
    assert behind(picture(), body(hidden), pose(), AWAY, wanted).head.max() == 0, "no face says what skin looks like"


@pytest.mark.parametrize("rule", ["moved", "hair", "nape"])
def test_each_row_is_what_it_is_alone(rule):
    first, second = pose(), of_head(1, 4 + 2j)
    both = replace(first, xy=torch.cat([first.xy, second.xy]), visible=torch.cat([first.visible, second.visible]))
    later = replace(both, xy=both.xy + torch.tensor([[[6.0, 3.0]], [[-4.0, 5.0]]]))
    away = replace(both, xy=both.xy.clone(), visible=both.visible & AWAY.visible)
    ears = [OPENPOSE_18.index(f"{side}_ear") for side in ("right", "left")]
    away.xy[:, ears] = both.xy[:, ears[::-1]]
    one = body()
    two = Body(*(torch.cat([a, a if a.dim() < 4 else torch.roll(a, (1, 2), (2, 3))]) for a in vars(one).values()))
    shown = torch.cat([picture(), torch.roll(picture(), (2, 4), (2, 3))])
    wanted = parts(hair=(slice(18, 42), slice(38, 58)), neck=NECK).repeat(2, 1, 1, 1)

    def found(rows):
        own = Body(*(a[rows] for a in vars(two).values()))
        if rule == "moved":
            head = source_head(own, own.person, HANDS.repeat(len(own.parts), 1, 1, 1), both[rows])
            return moved_head(head, later[rows], wanted[rows])[1:]
        if rule == "hair":
            return (hair_masks(shown[rows], own.parts, own.person, both[rows]),)
        head, nape, colour, hair = behind(shown[rows], own, both[rows], away[rows], wanted[rows])
        return head, nape, colour, *hair

    together = found(slice(0, 2))
    assert together[0].sum((1, 2, 3)).min() > 50, "in each row"
    for row in range(2):
        alone = found(slice(row, row + 1))
        assert all(torch.equal(a[row : row + 1], b) for a, b in zip(together, alone, strict=True))


def test_what_the_source_hides_or_cuts_stays_as_it_was_generated():
    covered = parts(hair=CROWN, face=FACE, neck=NECK, torso=TRUNK, left_hand=(slice(20, 26), slice(42, 54)))
    covered[:, PARTS.index("hair"), 10:13, 21:27] = -20
    wanted = parts(hair=(slice(16, 28), slice(36, 60)), face=FACE)
    own = body(covered)
    _, shown, beyond, _ = moved_head(source_head(own, own.person, HANDS, pose()), of_head(1, 3 + 0j), wanted)
    assert shown[0, 0, 21:25, 47:55].max() < 0.1 and beyond[0, 0, 21:25, 47:55].max() < 0.1, (
        "a hand before the forehead"
    )
    low = of_head(1, -14j)
    cut = body(torch.roll(parts(hair=CROWN, face=FACE, neck=NECK), -7, 2))
    cut.parts[:, :, 41:] = parts()[:, :, 41:]  # what is rolled in from the other end
    _, _, beyond, _ = moved_head(
        source_head(cut, cut.person, HANDS, low), of_head(1, 4j), parts(hair=(slice(8, 30), slice(38, 58)))
    )
    assert beyond[0, 0, 8:17].max() == 0, "above the photo's edge nobody knows"


def test_a_head_is_whole_though_the_neck_is_foreshortened_and_upper_arms_stay_where_they_are():
    bowed = pose(neck=(48.0, 38.0))
    own = body(parts(hair=CROWN, face=FACE, right_upper_arm=(slice(10, 40), slice(28, 38))))
    shown = moved_head(source_head(own, own.person, HANDS, bowed), bowed, parts()).shown[0, 0]
    assert shown[20:34, 43:53].min() > 0.99 and shown[12:38, 28:35].max() == 0


def test_who_faces_the_camera_and_lacks_nose_and_eyes_is_not_seen_from_behind():
    missed = pose(nose=None, right_eye=None, left_eye=None)
    assert behind(picture(), body(), pose(), missed, parts(hair=CROWN, neck=NECK)).head.max() == 0
    unsure = body()
    unsure.parts[:, PARTS.index("hair")] = torch.where(unsure.parts[:, PARTS.index("face")] > 0, 19.8, -20.0)
    assert behind(picture(), unsure, pose(), AWAY, parts(hair=CROWN, neck=NECK)).head.max() == 0


def test_a_profile_moves_as_a_whole_too():
    side = pose(left_ear=None, left_eye=None, nose=(39.0, 34.0), right_eye=(41.0, 31.0), right_ear=(48.0, 32.0))
    moved = replace(side, xy=side.xy + 5)
    own = body()
    assert moved_head(source_head(own, own.person, HANDS, side), moved, parts()).shown[0, 0, 37, 50] > 0.99


@pytest.mark.slow
def test_the_composition_has_the_photos_head_and_from_behind_no_chin_but_another_photos_hair():
    generator = reposer.load("trueflow")
    shots = SyntheticPeople((256, 192), "test", 104).held_out_demo(6, 103)
    photo, own = shots[0].source[None], Pose.stack([shots[0].source_pose])
    wanted = Pose.stack([retarget(shots[0].source_pose, preset("arms-wide")).pose])
    made = generator.explain(photo, own, wanted).composition
    nose = wanted.xy[0, wanted.skeleton.index("nose")].round().long().tolist()
    assert made.copied[0, 7, 0, nose[1], nose[0]] > 0.9, "after one source, four parts of arms and two hands"
    back = shots[3]  # from behind
    assert not bool(back.target_pose.visible[own.skeleton.index("nose")])
    away = Pose.stack([back.target_pose])
    middle = (
        away.xy[0, [away.skeleton.index(f"{side}_ear") for side in ("right", "left")]].mean(0).round().long().tolist()
    )
    chin = (slice(0, 1), slice(None), 0, slice(middle[1] + 5, middle[1] + 12), slice(middle[0] - 3, middle[0] + 3))
    alone = generator.explain(photo, own, away).composition
    assert alone.copied[:, : -len(alone.mirrored)][chin].sum(1).max() < 0.1, "hair may be, as seen from behind"
    both_poses = Pose(torch.stack([own.xy, away.xy], 1), torch.stack([own.visible, away.visible], 1), own.size)
    both = generator.explain(torch.stack([photo, back.target[None]], 1), both_poses, away).composition
    assert both.copied[chin][:, 1].min() > 0.5, "the second photo shows the back"


def test_a_second_photo_without_a_head_brings_no_face_back_to_the_nape():
    shares, painted = torch.ones(1, 2, 1, *SIZE) / 2, torch.zeros(1, 3, *SIZE)
    nothing, whole = torch.zeros(1, 1, *SIZE), torch.ones(1, 1, *SIZE)
    colour = torch.tensor(SKIN).view(1, 3, 1, 1)
    hair = no_hair(painted)
    heads = [BackOfHead(whole, whole, colour, hair), BackOfHead(nothing, nothing, 0 * colour, hair)]
    place = torch.zeros(1, 2, *SIZE)
    copies, seen = _without_faces(Copies(whole, shares, [place, place], (0, 1)), painted, heads)
    assert copies.shares[:, 0].max() == 0 and copies.shares[:, 1].min() == 0.5, "what the second photo shows stays"
    assert torch.allclose(seen, 0.5 * colour.expand_as(seen)), "as far as nothing is copied"
