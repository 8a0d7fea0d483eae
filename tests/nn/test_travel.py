"""A person who goes far is the photo's, moved; where they stood is background, and provenance says so."""

import random

import pytest
import torch

from reposer.animation.video import PhotoAnimation
from reposer.core import BadInput, Pose
from reposer.core.composition import COPIED, FILLED, INVENTED, KEPT, MIRRORED, Provenance
from reposer.core.framing import in_picture
from reposer.generators import load
from reposer.nn.full_size import Composed
from reposer.nn.travel import Move, set_in, way
from reposer.pipeline import transfer
from tests.nn.test_full_size import photo
from tests.test_pipeline import smooth_photo, standing

SIZE = (300, 900)
SOURCE = standing(200.0, (150.0, 150.0), SIZE)


def moved(pose, x, y):
    return Move(1.0, (-x, -y)).near(pose)


@pytest.mark.parametrize("shift", [(0, 0), (400, 0), (-30, 12), (600, -20)])
def test_the_same_pose_elsewhere_is_moved_by_the_whole_way(shift):
    assert way(SOURCE, moved(SOURCE, *shift)) == Move(1.0, shift)


def test_who_moves_a_limb_or_sits_down_on_the_same_ground_goes_nowhere():
    squat = SOURCE.xy + torch.tensor([0.0, 30.0]) * (SOURCE.xy[:, 1:] < 155)
    assert way(SOURCE, Pose(squat, SOURCE.visible, SIZE)) == Move()
    assert way(SOURCE, standing(200.0, (150.0, 150.0), SIZE, raise_arms=True)) == Move()


def test_undone_the_part_that_the_photo_has_room_for_stays_in_it():
    rng = random.Random(0)
    for _ in range(300):
        size = (rng.randint(80, 400), rng.randint(80, 400))
        poses = [
            in_picture(standing(rng.uniform(20, 500), (rng.uniform(0, size[1]), rng.uniform(0, size[0])), size))
            for _ in range(2)
        ]
        if all(pose.visible.any() for pose in poses):
            near = way(*poses).near(poses[1])
            assert torch.equal(in_picture(near).visible, poses[1].visible)


@pytest.mark.parametrize("rows", [200, 230, 262, 290])
def test_a_photo_that_cuts_the_person_asks_for_no_more_room_than_it_has_itself(rows):
    """The legs, or the feet, are at the photo's lower border: a walk to the right goes to the right."""
    source = in_picture(Pose(SOURCE.xy, SOURCE.visible, (rows, 900)))
    assert way(source, moved(source, 500, 0)) == Move(1.0, (500, 0))


def test_who_would_be_cut_where_the_photo_shows_them_stays_where_they_are():
    """A person at the left border stretches an arm to the left, in the middle: at the border it would be outside."""
    source = standing(200.0, (30.0, 150.0), SIZE)
    xy = source.xy + torch.tensor([400.0, 0.0])
    xy[source.skeleton.index("right_wrist")] -= torch.tensor([90.0, 0.0])
    target = Pose(xy, source.visible, SIZE)
    near = way(source, target).near(target)
    assert float(near.xy[:, 0].min()) >= 0 and way(source, target).shift[0] < 400


EDGES = (-3, 2, 24, 44)
"""A part of the photo that exceeds it, around the person."""


def larger(pose, scale, foot=(600.0, 280.0)):
    """The pose of somebody nearer or farther, standing there."""
    own = torch.tensor([150.0, 260.0])
    return Pose((pose.xy - own) * scale + torch.tensor(foot), pose.visible, pose.size)


@pytest.mark.parametrize("scale", [0.3, 0.5, 0.7, 0.85, 1.0, 1.2, 1.4, 2.0])
def test_somebody_nearer_or_farther_is_generated_about_as_large_as_the_photo_shows_them(scale):
    wide = (900, 2000)
    source = Pose(SOURCE.xy, SOURCE.visible, wide)
    target = larger(source, scale, (1200.0, 800.0))
    move = way(source, target)
    assert 0.8 <= scale / move.scale <= 1.25 and (move.scale == 1) == (0.8 <= scale <= 1.25)
    sizes = [float(torch.dist(pose.xy[0], pose.xy[10])) for pose in (source, move.near(target))]
    assert 0.8 <= sizes[1] / sizes[0] <= 1.25
    edges = (60, 20, 240, 290)
    undone = move.undone(target, edges)
    assert (undone.xy - move.near(target).xy).abs().max() <= 0.5 / move.scale + 0.01 * 300
    left, top, right, bottom = move.of(edges)
    joint = (undone.xy[3] + 0.5 - torch.tensor([60, 20])) / torch.tensor([180, 270])
    there = torch.tensor([left, top]) + joint * torch.tensor([right - left, bottom - top]) - 0.5
    assert torch.allclose(there, target.xy[3], atol=1e-3), "what is generated there comes to lie where it was asked for"


def test_a_limb_that_points_at_the_camera_makes_nobody_smaller():
    xy = SOURCE.xy.clone()
    for side in ("left", "right"):  # sitting, seen from the front
        hip, knee, ankle = (SOURCE.skeleton.index(f"{side}_{joint}") for joint in ("hip", "knee", "ankle"))
        xy[ankle] = xy[hip] + 0.2 * (xy[knee] - xy[hip]) + (xy[ankle] - xy[knee])
        xy[knee] = xy[hip] + 0.2 * (xy[knee] - xy[hip])
    assert way(SOURCE, Pose(xy, SOURCE.visible, SIZE)).scale == 1


def test_a_pose_of_few_bones_says_nothing_about_the_size():
    one_arm = torch.zeros_like(SOURCE.visible)
    for joint in ("right_shoulder", "right_elbow", "right_wrist"):
        one_arm[SOURCE.skeleton.index(joint)] = True
    xy = SOURCE.xy.clone()
    elbow, wrist = (SOURCE.skeleton.index(f"right_{joint}") for joint in ("elbow", "wrist"))
    xy[wrist] = xy[elbow] + 0.2 * (xy[wrist] - xy[elbow])
    assert way(SOURCE, Pose(xy, one_arm, SIZE)).scale == 1


def test_in_a_clip_the_scale_stays_while_it_fits():
    wide = (900, 2000)
    source = Pose(SOURCE.xy, SOURCE.visible, wide)
    move, scales = Move(), []
    for scale in torch.linspace(1.0, 2.0, 21).tolist():
        move = way(source, larger(source, scale, (1200.0, 800.0)), move)
        scales.append(move.scale)
    assert sorted(scales) == scales and len(set(scales)) <= 4 and scales[-1] > 1.5


def layers(seed=0):
    """A person of noise on the left half, half transparent in one column, and a photo without them."""
    alpha = torch.zeros(40, 60, dtype=torch.uint8)
    alpha[5:35, 10:20], alpha[5:35, 20] = 255, 128
    person = Composed(photo(seed, (40, 60)), alpha, Provenance.untouched((40, 60)))
    person.provenance.kind[5:15, 10:20], person.provenance.kind[15:25, 10:20] = INVENTED, MIRRORED
    empty = Composed(photo(seed + 1, (40, 60)), None, Provenance.untouched((40, 60)))
    empty.provenance.kind[:, 8:22] = FILLED
    return person, empty


@pytest.mark.parametrize("shift", [(0, 0), (25, 0), (-15, 3), (39, -20), (45, 0), (-200, 500)])
def test_each_pixel_is_the_moved_persons_over_the_photo_without_them(shift):
    person, empty = layers()
    made = set_in(person, EDGES, Move(1.0, shift).of(EDGES), empty)
    wanted, kinds = empty.picture.clone(), empty.provenance.kind.clone()
    for y in range(40):
        for x in range(60):
            row, column = y - shift[1], x - shift[0]
            if 0 <= row < 40 and 0 <= column < 60:
                share = int(person.alpha[row, column]) / 255
                mixed = share * person.picture[row, column].double() + (1 - share) * empty.picture[y, x].double()
                wanted[y, x] = (mixed + 0.5).floor().to(torch.uint8)
                if share > 0.5:
                    kind = int(person.provenance.kind[row, column])
                    kinds[y, x] = COPIED if kind == KEPT else kind
    assert torch.equal(made.picture, wanted) and made.alpha is None
    assert torch.equal(made.provenance.kind, kinds)
    copied = made.provenance.kind == COPIED
    own = Provenance.untouched((40, 60)).place
    assert torch.equal(made.provenance.place[copied], own[copied] - torch.tensor(shift)), "from where they stood"
    assert torch.equal(empty.picture, layers()[1].picture), "what all frames share stays as it is"


def test_alone_only_the_moved_person_is_left():
    person, _ = layers()
    made = set_in(person, EDGES, Move(1.0, (25, 2)).of(EDGES), None, alone=True)
    assert torch.equal(made.alpha[7:37, 35:46], person.alpha[5:35, 10:21]) and int(made.alpha.sum()) == int(
        person.alpha.sum()
    )
    assert torch.equal(made.picture[7:37, 35:46], person.picture[5:35, 10:21])


@pytest.mark.parametrize("scale", [0.5, 0.8, 1.5])
def test_a_resized_person_has_the_colours_and_the_shape_it_had(scale):
    """Not those beside it: what is not the person does not bleed in."""
    alpha = torch.zeros(100, 120, dtype=torch.uint8)
    alpha[10:50, 20:40] = 255
    picture = torch.full((100, 120, 3), 7, dtype=torch.uint8)
    picture[10:50, 20:40] = torch.tensor([200, 100, 50], dtype=torch.uint8)
    person = Composed(picture, alpha, Provenance.untouched((100, 120)))
    empty = Composed(torch.zeros(100, 120, 3, dtype=torch.uint8), None, Provenance.untouched((100, 120)))
    edges = (15, 5, 45, 55)
    place = Move(scale, (4, 0)).of(edges)
    alone, made = (set_in(person, edges, place, empty, alone=alone) for alone in (True, False))
    shown = alone.alpha > 250
    assert (alone.picture[shown].int() - torch.tensor([200, 100, 50])).abs().max() <= 1
    assert abs(float(alone.alpha.double().sum()) / 255 / (40 * 20 * scale**2) - 1) < 0.06
    level = alone.alpha[..., None].double() / 255
    assert (made.picture - level * torch.tensor([200.0, 100.0, 50.0])).abs().max() <= 2, "no seam, no halo"
    assert (made.provenance.kind[shown] == COPIED).all() and (made.provenance.kind[alone.alpha < 120] == KEPT).all()
    own = made.provenance.place[shown]
    assert own[:, 0].min() >= 20 and own[:, 0].max() <= 39 and own[:, 1].min() >= 10 and own[:, 1].max() <= 49


@pytest.fixture(scope="module")
def trueflow():
    return load("trueflow")


def test_somebody_who_walks_across_a_photo_is_generated_as_large_as_where_they_stand(trueflow):
    """Known or not, a walk's crop is the person's, and what was composed equals `transfer`'s, for each frame alone."""
    picture = smooth_photo(SIZE)
    walk = Pose.stack([moved(SOURCE, 40 + 150 * t, 0) for t in range(4)])
    for poses in (walk, iter(walk)):
        animation = PhotoAnimation(trueflow, picture, SOURCE, poses)
        left, top, right, bottom = animation.crop.edges
        assert right - left < 300 and bottom - top < 400
        frames = [frame.picture for frame in animation.frames()]
    for target, frame in zip(walk[2:], frames[2:], strict=True):
        assert (frame.int() - transfer(trueflow, picture, SOURCE, target).picture.int()).abs().max() <= 1
    assert not torch.equal(frames[2], frames[3])


def test_outside_of_both_places_no_pixel_changes_and_the_box_is_where_the_person_is(trueflow):
    picture = smooth_photo(SIZE)
    made = transfer(trueflow, picture, SOURCE, moved(SOURCE, 500, 0), provenance=True, background="keep")
    left, _, right, _ = made.box
    across = right - left
    assert left - 500 < 100 < 200 < right - 500 and across < 300
    between = slice(int(right - 500) + 1, int(left))
    assert torch.equal(made.picture[:, between], picture[:, between])
    assert (made.provenance.kind[:, between] == KEPT).all()
    copied = made.provenance.kind[:, int(left) + 1 :] == COPIED
    assert copied.any(), "a person whose pose is the same is copied"
    place = made.provenance.place[:, int(left) + 1 :][copied]
    x = torch.arange(int(left) + 1, SIZE[1]).expand(SIZE[0], -1)[copied]
    assert torch.equal(place[:, 0], x - 500.0)


def test_on_a_canvas_that_grows_the_person_is_moved_from_their_place_on_it(trueflow):
    picture = smooth_photo(SIZE)
    target = moved(SOURCE, 650, -120)  # the head leaves the photo
    made = transfer(trueflow, picture, SOURCE, target, canvas="grow", provenance=True)
    grown = made.picture.shape[0] - SIZE[0]
    assert grown > 60 and made.picture.shape[1] == SIZE[1]
    assert torch.equal(made.target_pose.xy - torch.tensor([0, grown]), target.xy)
    copied = made.provenance.kind == COPIED
    y, x = copied.nonzero().unbind(1)
    shift = torch.stack([x, y - grown], -1) - made.provenance.place[copied]
    near = (shift - torch.tensor([650.0, -120.0])).abs().amax(-1) < 12
    assert float(near.float().mean()) > 0.9, "copied from where the photo shows it, in the photo's own pixels"


def where_they_differ(one, other, least=3):
    return (one.int() - other.int()).abs().amax(-1) > least


@pytest.mark.parametrize("known", [True, False], ids=["track", "stream"])
def test_who_walks_out_of_the_photo_leaves_its_background_behind(trueflow, known):
    """And the crop is as if they had stayed in it: who cannot be seen needs no room."""
    picture = smooth_photo(SIZE)
    walk = Pose.stack([moved(SOURCE, shift, 0) for shift in (0, 350, 700, 1100, 2500)])
    animation = PhotoAnimation(trueflow, picture, SOURCE, walk if known else iter(walk))
    left, _, right, _ = animation.crop.edges
    assert right - left < 300
    first, *_, gone, still_gone = [frame.picture for frame in animation.frames()]
    assert torch.equal(gone, still_gone) and not torch.equal(gone, first)
    assert not where_they_differ(gone, picture)[:, right:].any(), "no ghost at the border"


def test_one_wrong_frame_makes_nobody_travel(trueflow):
    small = larger(SOURCE, 0.4, (150.0, 260.0))
    poses = Pose.stack([small if t == 3 else moved(SOURCE, 2 * t, 0) for t in range(8)])
    animation = PhotoAnimation(trueflow, smooth_photo(SIZE), SOURCE, poses)
    assert not any(step.move for step in animation._moving(iter(animation._steps)))


def test_a_frame_at_the_photos_own_place_is_the_photo(trueflow):
    picture = smooth_photo(SIZE)
    walk = Pose.stack([moved(SOURCE, shift, 0) for shift in (0, 500, 0)])
    frames = [frame.picture for frame in PhotoAnimation(trueflow, picture, SOURCE, walk).frames()]
    assert torch.equal(frames[0], picture) and torch.equal(frames[2], picture) and not torch.equal(frames[1], picture)


def test_alone_and_moved_the_photo_keeps_nothing_of_where_they_stood(trueflow):
    picture, target = smooth_photo(SIZE), moved(SOURCE, 500, 0)
    alone, before = (
        transfer(trueflow, picture, SOURCE, target, background=background, provenance=True).provenance
        for background in ("transparent", "keep")
    )
    assert torch.equal(alone.kind, before.kind) and int((alone.kind[:, :300] == FILLED).sum()) > 500


def test_what_is_refused_of_a_crop_is_refused_of_a_move(trueflow):
    small = (2000, 2000)
    source = Pose(SOURCE.xy, SOURCE.visible, small)
    with pytest.raises(BadInput, match="spread over so much"):
        transfer(trueflow, smooth_photo(small), source, larger(source, 60.0, (1000.0, 1900.0)))
