"""Arms of the photo are copied as wholes, forearms with their hand, where the target shows one."""

from dataclasses import replace

import pytest
import torch

from reposer.core import Pose
from reposer.core.skeleton import OPENPOSE_18
from reposer.core.truth import PARTS
from reposer.generators.trueflow import arms as arms_file
from reposer.generators.trueflow.arms import moved_arms, source_arms
from reposer.generators.trueflow.composing import Copies, _with_wholes
from reposer.generators.trueflow.copying import Whole
from reposer.generators.trueflow.geometry import Body

SIZE, HALF = (128, 96), (64, 48)
SKIN, WALL, SHIRT = (0.5, 0.1, -0.2), (-0.6, -0.2, 0.6), (-0.2, 0.6, -0.4)
TRUNK = (slice(30, 90), slice(40, 64))
HANGS = {"right_shoulder": (34.0, 30.0), "right_elbow": (30.0, 54.0), "right_wrist": (30.0, 78.0)}
ARM = (slice(54, 90), slice(26, 34))
"""Its forearm and hand in the photo."""
CROSSED = HANGS | {"right_elbow": (34.0, 52.0), "right_wrist": (58.0, 52.0)}
ACROSS = (slice(44, 60), slice(34, 70))
"""What the network takes for them, before the trunk: wider than they are."""
RAISED = HANGS | {"right_elbow": (16.0, 30.0), "right_wrist": (16.0, 8.0)}
NO_HANDS = torch.zeros(1, 2, *SIZE)


def pose(joints):
    xy, visible = torch.zeros(1, 18, 2), torch.zeros(1, 18, dtype=torch.bool)
    for joint, place in joints.items():
        xy[0, OPENPOSE_18.index(joint)], visible[0, OPENPOSE_18.index(joint)] = torch.tensor(place), True
    return Pose(xy, visible, SIZE)


def parts(*places):
    scores = torch.full((1, len(PARTS), *HALF), -20.0)
    scores[:, PARTS.index("background")] = 0
    for name, place in places:
        rows, columns = (slice(part.start // 2, part.stop // 2) for part in place)
        scores[:, :, rows, columns] = -20
        scores[:, PARTS.index(name), rows, columns] = 20
    return scores


def body(*places):
    nothing = torch.zeros(1, 3, *HALF)
    places = places or (("torso", TRUNK), ("right_lower_arm", ARM))
    return Body(parts(*places), nothing, nothing, nothing, torch.zeros(1, 3))


def picture():
    shown = torch.tensor(WALL).view(1, 3, 1, 1).repeat(1, 1, *SIZE)
    for place, colour in ((TRUNK, SHIRT), (ARM, SKIN)):
        shown[:, :, *place] = torch.tensor(colour).view(1, 3, 1, 1)
    return shown


def moved(target, wanted, own=None, hands=NO_HANDS, photo=None):
    own = body() if own is None else own
    arms = source_arms(picture() if photo is None else photo, own, own.person, hands, pose(HANGS))
    return moved_arms(arms, target, wanted)[2:]


def test_a_forearm_moves_and_turns_as_its_joints_do_before_the_trunk():
    right, left = moved(pose(CROSSED), parts(("torso", TRUNK), ("right_lower_arm", ACROSS)))
    for along in (8.0, 16.0, 28.0):  # pixels from the elbow: two on the forearm, one on the hand
        there = (52, round(34 + along))
        assert right.shown[0, 0, *there] > 0.9
        assert torch.allclose(right.place[0, :, *there], torch.tensor([30.0, 54.0 + along]), atol=0.6)
    assert right.shown[0, 0, 70:].max() == 0
    assert left.shown.max() == 0 and left.before.max() == 0, "of the other one, nothing is known"


def test_what_is_taken_for_a_forearm_and_is_none_is_the_body_or_the_background():
    crossed, _ = moved(pose(CROSSED), parts(("torso", TRUNK), ("right_lower_arm", ACROSS)))
    assert crossed.before[0, 0, 46, 50] > 0.8 and crossed.beyond[0, 0, 46, 50] < 0.2
    raised, _ = moved(pose(RAISED), parts(("torso", TRUNK), ("right_lower_arm", (slice(4, 28), slice(8, 24)))))
    assert raised.shown[0, 0, 14, 16] > 0.9
    assert raised.beyond[0, 0, 14, 10] > 0.8 and raised.before[0, 0, 14, 10] < 0.2


@pytest.mark.parametrize("least", [True, False])
def test_an_arm_of_which_the_photo_shows_a_piece_is_left_to_the_flow(least):
    piece = body(("torso", TRUNK), ("right_lower_arm", (slice(54, 66), slice(26, 34))))
    wanted = parts(("torso", TRUNK), ("right_lower_arm", ACROSS))
    right, _ = moved(pose(CROSSED), wanted, piece if least else None)
    assert (right.shown.max() == 0) == least and (right.before.max() == 0) == least


def test_a_forearm_that_the_target_hides_is_not_laid_over_it():
    right, _ = moved(pose(CROSSED), parts(("torso", TRUNK)))
    assert right.shown.max() < 1e-3 and right.before.max() < 1e-3 and right.beyond.max() < 1e-3


def test_where_the_photo_lacks_the_hand_the_networks_stays():
    armless = body(("torso", TRUNK), ("right_lower_arm", (slice(54, 79), slice(26, 34))))
    right, _ = moved(pose(CROSSED), parts(("torso", TRUNK), ("right_lower_arm", ACROSS)), armless)
    assert right.shown[0, 0, 52, 48] > 0.9 and right.before[0, 0, 46, 48] > 0.8
    assert right.shown[0, 0, 52, 64] < 0.1 and right.before[0, 0, 50:55, 62:66].max() < 0.1


def test_the_wall_at_the_rim_of_the_networks_mask_is_no_arm():
    wide = body(("torso", TRUNK), ("right_lower_arm", (slice(54, 90), slice(18, 38))))
    wanted = parts(("torso", TRUNK), ("right_lower_arm", ACROSS))
    right, _ = moved(pose(CROSSED), wanted, wide)
    assert right.shown[0, 0, 52, 44] > 0.9
    seen = right.place[0, :, 0].new_tensor(0)
    for y in range(44, 60):
        x = float(right.place[0, 0, y, 44])
        seen = torch.maximum(seen, right.shown[0, 0, y, 44] * (abs(x - 29.5) > 6))
    assert float(seen) < 0.2


def test_what_the_photo_shows_of_an_arm_is_found_once_for_each_length_that_it_is_measured_by(monkeypatch):
    its_own, lengths = arms_file._its_own, []

    def watched(arm, *maps):
        lengths.append(arm.length)
        return its_own(arm, *maps)

    monkeypatch.setattr(arms_file, "_its_own", watched)
    own, wanted = body(), parts(("torso", TRUNK), ("right_lower_arm", ACROSS))

    def arms():
        return source_arms(picture(), own, own.person, NO_HANDS, pose(HANGS))

    without_upper_arm = {name: place for name, place in CROSSED.items() if name != "right_shoulder"}
    targets = [pose(joints) for joints in (CROSSED, RAISED, without_upper_arm, CROSSED, without_upper_arm)]
    once = arms()
    ours = [moved_arms(once, target, wanted)[2] for target in targets]
    long = max(lengths)
    assert sorted(lengths) == [24, long, long], "of the forearm at both, of the upper arm where it is known"
    for target, found in zip(targets, ours, strict=True):
        alone = moved_arms(arms(), target, wanted)[2]
        assert all(torch.equal(a, b) for a, b in zip(found, alone, strict=True))


def test_each_row_is_what_it_is_alone():
    target = pose(CROSSED)
    both = replace(target, xy=target.xy.repeat(2, 1, 1), visible=target.visible.repeat(2, 1))
    both.xy[1] += torch.tensor([4.0, -6.0])
    first = pose(HANGS)
    source = replace(first, xy=first.xy.repeat(2, 1, 1), visible=first.visible.repeat(2, 1))
    own = Body(*(a.repeat(2, *[1] * (a.dim() - 1)) for a in vars(body()).values()))
    wanted = parts(("torso", TRUNK), ("right_lower_arm", ACROSS)).repeat(2, 1, 1, 1)

    def found(rows):
        part = Body(*(a[rows] for a in vars(own).values()))
        hands = NO_HANDS.repeat(len(part.parts), 1, 1, 1)
        shown = picture().repeat(len(part.parts), 1, 1, 1)
        arms = source_arms(shown, part, part.person, hands, source[rows])
        return moved_arms(arms, both[rows], wanted[rows])[2]

    together = found(slice(0, 2))
    assert together.shown.sum((1, 2, 3)).min() > 50
    for row in range(2):
        assert all(torch.equal(a[row : row + 1], b) for a, b in zip(together, found(slice(row, row + 1)), strict=True))


def test_a_whole_lies_on_top_of_what_is_copied_and_takes_away_what_is_none():
    maps = {name: torch.zeros(1, 1, *SIZE) for name in ("shown", "beyond", "before")}
    other = Whole(torch.ones(1, 2, *SIZE), *(torch.zeros(1, 1, *SIZE) for _ in range(3)))
    other.before[:, :, :20] = 1  # where the first one is shown
    for name, rows in (("shown", slice(0, 40)), ("beyond", slice(40, 60)), ("before", slice(30, 80))):
        maps[name][:, :, rows] = 1
    whole = Whole(torch.ones(1, 2, *SIZE), **maps)
    start = Copies(torch.ones(1, 1, *SIZE), torch.ones(1, 1, 1, *SIZE), [torch.zeros(1, 2, *SIZE)], (0,))
    copies, before = _with_wholes(start, [[whole, other]])
    assert copies.shares[0, 1, 0, :40].min() == 1 and copies.shares[0, :, 0, 40:80].max() == 0
    assert copies.shares[0, 0, 0, 80:].min() == 1 and tuple(copies.sources) == (0, 0, 0)
    assert copies.person[0, 0, 40:60].max() == 0 and copies.person[0, 0, :40].min() == 1
    assert before[0, 0, :40].max() == 0 and before[0, 0, 40:80].min() == 1


def test_an_elbow_before_the_background_is_whole_and_the_other_arm_stays():
    seen = parts(
        ("torso", TRUNK),
        ("right_lower_arm", (slice(4, 34), slice(10, 22))),
        ("left_lower_arm", (slice(4, 34), slice(22, 30))),
    )
    right, _ = moved(pose(RAISED), seen)
    assert right.beyond[0, 0, 6:30, 16].max() < 0.1
    assert right.beyond[0, 0, 6:30, 24:28].max() < 0.1


UPPER = (slice(28, 58), slice(27, 37))
"""Its upper arm in the photo; a joint of it is at (34, 30), one at (30, 54)."""
SIDEWARDS = HANGS | {"right_elbow": (10.0, 30.0), "right_wrist": (10.0, 54.0)}
SIDE = (slice(24, 36), slice(4, 40))
"""What the network takes for it: wider than it is."""


def moved_upper(source, target, wanted, *places):
    own = body(("torso", TRUNK), ("right_lower_arm", ARM), *places)
    shown = picture()
    shown[:, :, *UPPER] = torch.tensor(SKIN).view(1, 3, 1, 1)
    return moved_arms(source_arms(shown, own, own.person, NO_HANDS, source), target, wanted)[0]


def test_an_upper_arm_moves_and_turns_as_its_joints_do_and_what_is_none_beside_it_is_the_background():
    wanted = parts(("torso", TRUNK), ("right_upper_arm", SIDE))
    right = moved_upper(pose(HANGS), pose(SIDEWARDS), wanted, ("right_upper_arm", UPPER))
    for share in (0.4, 0.7, 0.95):  # of the way from the shoulder
        there = (30, round(34 - 24 * share))
        assert right.shown[0, 0, *there] > 0.9
        assert torch.allclose(right.place[0, :, *there], torch.tensor([34 - 4 * share, 30 + 24 * share]), atol=0.7)
    assert right.shown[0, 0, 30, 34] < 0.1, "at the shoulder it is the trunk's"
    assert right.beyond[0, 0, 24, 18] > 0.8 and right.before[0, 0, 24, 18] < 0.2
    assert right.shown[0, 0, 42:].max() == 0 and right.beyond[0, 0, 42:].max() == 0, "the forearm's"


def test_an_upper_arm_is_left_to_the_flow_where_the_photo_shows_a_piece_or_a_raised_one_is_lowered():
    wanted = parts(("torso", TRUNK), ("right_upper_arm", SIDE))
    piece = ("right_upper_arm", (slice(28, 40), UPPER[1]))
    assert moved_upper(pose(HANGS), pose(SIDEWARDS), wanted, piece).shown.max() == 0
    raised = HANGS | {"right_elbow": (30.0, 6.0), "right_wrist": (30.0, -18.0)}
    up = ("right_upper_arm", (slice(2, 32), UPPER[1]))
    lowered = parts(("torso", TRUNK), ("right_upper_arm", (slice(28, 58), slice(24, 40))))
    assert moved_upper(pose(raised), pose(HANGS), lowered, up).shown.max() == 0
    stays = parts(("torso", TRUNK), up)
    assert moved_upper(pose(raised), pose(raised), stays, up).shown.max() > 0.5


def test_a_bent_arm_has_no_gap_at_its_elbow():
    """Beyond the elbow the upper arm ends in a disc of what the photo shows there, on which the forearm lies."""
    wanted = parts(("torso", TRUNK), ("right_upper_arm", SIDE), ("right_lower_arm", (slice(30, 56), slice(4, 18))))
    right = moved_upper(pose(HANGS), pose(SIDEWARDS), wanted, ("right_upper_arm", UPPER))
    assert right.shown[0, 0, 30, 7] > 0.9 and right.shown[0, 0, 30, :4].max() < 0.1
