"""Hands of the photo are found by their colour, and turned with their forearm."""

from dataclasses import replace

import torch

from reposer.core import Pose
from reposer.core.skeleton import OPENPOSE_18
from reposer.core.truth import PARTS
from reposer.generators.trueflow.hands import hand_masks, moved_hands

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
    assert left.shown.max() == left.near.max() == left.beyond.max() == 0


def test_before_the_body_it_is_left_as_it_was_generated():
    masks = hand_masks(*someone(), DOWN)
    body = parts(torso=(slice(0, 48), slice(0, 48)))
    assert all(hand.shown.max() == hand.beyond.max() == 0 for hand in moved_hands(masks, DOWN, OUT, body))


def test_each_row_is_what_it_is_alone():
    picture, scores = someone()
    pictures, both = torch.cat([picture, someone(WALL)[0]]), scores.repeat(2, 1, 1, 1)
    poses, wanted = (Pose(p.xy.repeat(2, 1, 1), p.visible.repeat(2, 1), SIZE) for p in (DOWN, OUT))
    masks = hand_masks(pictures, both, poses)
    assert torch.equal(masks[:1], hand_masks(picture, scores, DOWN)) and masks[1].max() == 0
    together = moved_hands(masks, poses, wanted, parts().repeat(2, 1, 1, 1))
    alone = moved_hands(masks[:1], DOWN, OUT, parts())
    for one, other in zip(together, alone, strict=True):
        assert all(torch.equal(a[:1], b) for a, b in zip(one, other, strict=True))
