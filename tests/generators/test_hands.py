"""Hands of the photo are found by their colour, and turned with their forearm."""

from dataclasses import replace

import pytest
import torch

import reposer
from reposer.core import Pose
from reposer.core.retargeting import retarget
from reposer.core.skeleton import OPENPOSE_18
from reposer.core.truth import PARTS
from reposer.data.poses.presets import preset
from reposer.generators.trueflow.geometry import sample
from reposer.generators.trueflow.hands import hand_masks, moved_hands
from reposer.synthetic.people import SyntheticPeople

SIZE, HALF = (96, 96), (48, 48)
SKIN, SLEEVE, WALL = ((r, g, b) for r, g, b in ((0.5, 0.1, -0.2), (-0.6, -0.5, 0.1), (0.4, 0.5, 0.8)))


def arm(elbow, wrist, shoulder=(20.0, 28.0)):
    xy, visible = torch.zeros(1, 18, 2), torch.zeros(1, 18, dtype=torch.bool)
    for joint, place in (("shoulder", shoulder), ("elbow", elbow), ("wrist", wrist)):
        at = OPENPOSE_18.index(f"right_{joint}")
        xy[0, at], visible[0, at] = torch.tensor(place), True
    return Pose(xy, visible, SIZE)


DOWN = arm((20.0, 52.0), (20.0, 72.0))
HAND = (slice(None), slice(None), slice(72, 84), slice(17, 23))
INSIDE = (slice(None), slice(None), slice(74, 82), slice(18, 22))
OUT = arm((44.0, 28.0), (64.0, 28.0))


def someone(hand=SKIN):
    """A face, and a hand at the end of a sleeve, before a wall; and the parts' scores: the network misses the hand."""
    picture = torch.tensor(WALL).view(1, 3, 1, 1).repeat(1, 1, *SIZE)
    picture[:, :, :18, 60:78] = torch.tensor(SKIN).view(3, 1, 1)
    picture[:, :, 50:72, 17:23] = torch.tensor(SLEEVE).view(3, 1, 1)
    picture[HAND] = torch.tensor(hand).view(1, 3, 1, 1).expand(1, 3, 12, 6)
    return picture, parts(face=(slice(0, 9), slice(30, 39)))


def parts(**places):
    scores = torch.full((1, len(PARTS), *HALF), -20.0)
    scores[:, PARTS.index("background")] = 0
    for name, (rows, columns) in places.items():
        scores[:, PARTS.index(name), rows, columns] = 20
    return scores


def test_a_hand_has_the_colour_of_the_face_and_begins_at_the_wrist():
    picture, scores = someone()
    mask = hand_masks(picture, scores, DOWN)
    there = torch.zeros(1, 1, *SIZE)
    there[HAND] = 1
    assert mask[:, :1][INSIDE].min() > 0.9 and mask[:, 1].max() == 0, "the left arm is not known"
    assert (mask[:, :1] * (1 - there)).sum() < 0.5 * there.sum(), "its soft rim alone"
    assert hand_masks(*someone(WALL), DOWN).max() == 0, "nothing of the colour of skin is there"
    assert hand_masks(picture, parts(), DOWN).max() == 0, "no face says what skin looks like"
    assert hand_masks(picture, scores, arm((20.0, 32.0), (20.0, 52.0))).max() == 0, "it is too far from this wrist"
    assert hand_masks(picture, scores, arm((20.0, 52.0), (20.0, 55.0))).max() == 0, "a forearm without direction"


def test_hands_that_meet_are_not_told_apart():
    picture, scores = someone()
    both = replace(DOWN, xy=DOWN.xy.clone(), visible=DOWN.visible.clone())
    for joint, place in (("elbow", (34.0, 56.0)), ("wrist", (24.0, 72.0))):
        at = OPENPOSE_18.index(f"left_{joint}")
        both.xy[0, at], both.visible[0, at] = torch.tensor(place), True
    assert hand_masks(picture, scores, both).max() == 0


def test_it_turns_with_its_forearm_and_nothing_else_is_left_of_the_hand_that_was_generated():
    picture, scores = someone()
    right, left = moved_hands(hand_masks(picture, scores, DOWN), DOWN, OUT, parts())
    assert right.shown[:, :, 27:30, 67:73].min() > 0.9, "a hand that hung below its wrist lies beside it"
    own = torch.tensor([20.0, 76.0])
    assert torch.allclose(right.place[0, :, 28, 68], own, atol=0.5)
    assert torch.allclose(right.place[0, :, 25, 68], own + torch.tensor([3.0, 0.0]), atol=0.5)
    assert right.beyond[:, :, 22, 70].min() == 1 and right.beyond[right.shown > 0.99].max() < 0.02
    assert right.beyond[:, :, :, :64].max() == 0, "the forearm stays"
    assert left.shown.max() == left.beyond.max() == 0


def test_a_hand_that_the_photo_cuts_is_no_hand_and_nothing_is_copied_from_beyond_it():
    picture, scores = someone()
    picture[:, :, 84:, 17:23] = torch.tensor(SKIN).view(3, 1, 1)  # as a frame repeats the photo's last row
    assert hand_masks(picture, scores, DOWN).max() == 0
    low = arm((20.0, 64.0), (20.0, 88.0), (20.0, 40.0))
    masks = torch.zeros(1, 2, *SIZE)
    masks[:, :1, 88:, 17:23] = 1
    right, _ = moved_hands(masks, low, OUT, parts())
    assert right.shown[:, :, 28, 67:71].min() > 0.9 and right.shown[:, :, :, 73:].max() == 0


def test_two_hands_beside_each_other_stay_whole():
    wanted = replace(OUT, xy=OUT.xy.clone(), visible=OUT.visible.clone())
    was = replace(DOWN, xy=DOWN.xy.clone(), visible=DOWN.visible.clone())
    for pose, places in ((wanted, ((92.0, 40.0), (72.0, 40.0))), (was, ((60.0, 52.0), (60.0, 72.0)))):
        for joint, place in zip(("elbow", "wrist"), places, strict=True):
            at = OPENPOSE_18.index(f"left_{joint}")
            pose.xy[0, at], pose.visible[0, at] = torch.tensor(place), True
    masks = torch.zeros(1, 2, *SIZE)
    masks[:, 0, 72:84, 17:23] = masks[:, 1, 72:84, 57:63] = 1
    right, left = moved_hands(masks, was, wanted, parts())
    assert right.shown.sum() > 40 and left.shown.sum() > 40
    assert (left.beyond * (right.shown > 0.5)).max() == (right.beyond * (left.shown > 0.5)).max() == 0
    assert (left.beyond[:, :, 26:31, 45:64]).max() == 0, "the other forearm stays"


def test_a_shoulder_that_is_missed_in_one_frame_does_not_change_the_hands_size():
    masks = hand_masks(*someone(), DOWN)
    near = arm((44.0, 28.0), (60.0, 28.0), (20.0, 28.0))  # the forearm is foreshortened
    without = replace(near, visible=near.visible.clone())
    without.visible[0, OPENPOSE_18.index("right_shoulder")] = False
    areas = [moved_hands(masks, DOWN, pose, parts())[0].shown.sum() for pose in (near, without)]
    assert areas[1] > 0.6 * areas[0]


def test_before_the_body_it_is_left_as_it_was_generated():
    masks = hand_masks(*someone(), DOWN)
    body = parts(torso=(slice(0, 48), slice(0, 48)))
    assert all(hand.shown.max() == hand.beyond.max() == 0 for hand in moved_hands(masks, DOWN, OUT, body))


def test_each_row_is_what_it_is_alone():
    picture, scores = someone()
    beside = DOWN.affine(torch.tensor([[1.0, 0.0, 4.0], [0.0, 1.0, 2.0]]), SIZE)
    moved = torch.roll(picture, (2, 4), (2, 3))
    moved[:, :, :18, 60:78] = torch.tensor(SKIN).view(3, 1, 1)
    up = arm((44.0, 60.0), (44.0, 40.0))
    poses, wanted = (
        Pose(torch.cat([a.xy, b.xy]), torch.cat([a.visible, b.visible]), SIZE) for a, b in ((DOWN, beside), (OUT, up))
    )
    masks = hand_masks(torch.cat([picture, moved]), scores.repeat(2, 1, 1, 1), poses)
    assert masks.sum((1, 2, 3)).min() > 40
    together = moved_hands(masks, poses, wanted, parts().repeat(2, 1, 1, 1))
    for row, (shown, was, now) in enumerate(((picture, DOWN, OUT), (moved, beside, up))):
        own = hand_masks(shown, scores, was)
        assert torch.equal(masks[row : row + 1], own)
        for one, other in zip(together, moved_hands(own, was, now, parts()), strict=True):
            assert all(torch.equal(a[row : row + 1], b) for a, b in zip(one, other, strict=True))


@pytest.mark.slow
def test_the_composition_has_each_hand_once_from_the_first_photo_that_shows_it():
    generator = reposer.load("trueflow")
    shot = SyntheticPeople((256, 192), "test", 40).held_out_demo(1)[0]
    photo, own = shot.source[None], Pose.stack([shot.source_pose])
    wanted = Pose.stack([retarget(shot.source_pose, preset("arms-wide")).pose])
    masks = hand_masks(photo, generator.geometry.body_of(photo, own).parts, own)
    assert masks.amax((2, 3)).min() > 0.8, "both are told"
    twice = Pose(torch.stack([own.xy] * 2, 1), torch.stack([own.visible] * 2, 1), own.size)
    alone = generator.explain(photo, own, wanted).composition
    both = generator.explain(torch.stack([photo] * 2, 1), twice, wanted).composition
    assert alone.wholes == (0,) * 7 and both.wholes == (0,) * 7 + (1,) * 7
    for made, first in ((alone, 5), (both, 6)):  # after the sources and the arms
        for k in range(2):
            share, place = made.copied[0, first + k, 0], made.place[0, first + k]
            there = sample(masks[:, k : k + 1], place[None])[0, 0]
            assert share.max() > 0.7 and there[share > 0.7].min() > 0.6
            assert made.person[0, 0][share > 0.7].min() > 0.7
    assert both.copied[:, 9:16].max() < 0.01, "the second photo shows the same arms, hands and head"
