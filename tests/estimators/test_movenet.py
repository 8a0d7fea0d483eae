"""MoveNet as it ships: whom it finds, who is chosen of several, and who is followed through a clip."""

import shutil

import pytest
import torch

from reposer.core import BadInput, Pose
from reposer.core.shipped import SHIPPED
from reposer.core.skeleton import COCO_17
from reposer.estimators import POSE_ESTIMATORS
from reposer.estimators.following import follow
from reposer.estimators.movenet import FOUND, MULTIPOSE, THUNDER, View, without_hidden_face
from reposer.estimators.people_choice import choose, estimate, parse_person
from tests.estimators.synthetic_photos import errors, side_by_side, somebody


@pytest.fixture(scope="module")
def movenet():
    return POSE_ESTIMATORS["movenet"](None)


@pytest.mark.slow
def test_a_synthetic_person_s_joints_are_found_where_they_are(movenet):
    for which in (0, 1):
        picture, truth = somebody(which)
        pose = movenet(picture[None])[0]
        assert pose.skeleton == COCO_17 and pose.size == truth.size
        assert errors(pose, truth).median() < 0.05 and int(pose.visible.sum()) >= 14
        assert torch.equal(pose.visible, pose.score >= FOUND) or not pose.visible[0], "nose and eyes hidden from behind"
        assert movenet.person(picture[None])[0] >= FOUND


@pytest.mark.slow
def test_a_picture_is_looked_at_alone_and_enlarging_it_moves_the_joints_along(movenet):
    pictures = torch.stack([somebody(0)[0], somebody(1)[0]])
    together = movenet(pictures)
    for b in (0, 1):
        alone = movenet(pictures[b : b + 1])
        assert torch.equal(alone.xy[0], together.xy[b]) and torch.equal(alone.visible[0], together.visible[b])
    large = pictures[0].repeat_interleave(3, 0).repeat_interleave(3, 1)
    pose = movenet(large[None])[0].resize((256, 176))
    both = pose.visible & together.visible[0]
    assert both.sum() >= 14 and (pose.xy - together.xy[0])[both].norm(dim=-1).median() < 3


@pytest.mark.slow
def test_nobody_is_found_where_nobody_is(movenet):
    grey = torch.full((1, 120, 90, 3), 128, dtype=torch.uint8)
    pose, person = movenet.look(grey)
    assert not pose.visible.any() and person.tolist() == [0.0] and not movenet.people(grey[0])
    with pytest.raises(BadInput, match=r"^wall\.png shows no person: none of its 17 joints was found\. Take a picture"):
        estimate(movenet, grey[0], "wall.png")


@pytest.mark.slow
def test_pictures_of_extreme_shapes_are_looked_at(movenet):
    for size in ((1, 1), (1, 5000), (4000, 2), (3, 3)):
        assert not movenet(torch.zeros(1, *size, 3, dtype=torch.uint8)).visible.any()


def test_the_largest_of_several_is_taken_and_a_note_says_how_many_there_are(movenet):
    picture, truth = side_by_side(1.0, 1.6)
    found = estimate(movenet, picture, "pair.png")
    assert errors(found.pose, truth[1]).median() < 0.05
    assert len(found.notes) == 1
    assert found.notes[0].startswith(
        "pair.png shows 2 people; the largest is taken. Another: --person 2 (to 2, by size), left"
    )
    assert not estimate(movenet, picture, "pair.png", "largest").notes


@pytest.mark.slow
def test_a_side_a_number_a_point_and_a_box_choose_another(movenet):
    picture, truth = side_by_side(1.0, 1.6)
    middle = tuple(truth[0].xy[truth[0].visible].mean(0).tolist())
    for choice in ("left", 2, middle, truth[0].box(), parse_person("2"), parse_person(f"{middle[0]},{middle[1]}")):
        assert errors(estimate(movenet, picture, "pair.png", choice).pose, truth[0]).median() < 0.05, choice
    for choice in ("right", 1, "largest"):
        assert errors(estimate(movenet, picture, "pair.png", choice).pose, truth[1]).median() < 0.05, choice
    with pytest.raises(BadInput, match=r"pair\.png shows 2 people; there is no person 3 \(they count from 1"):
        estimate(movenet, picture, "pair.png", 3)
    with pytest.raises(
        BadInput, match=r"pair\.png shows 2 people, nobody at 5,5\. People are at x \d+ to \d+, y \d+ to \d+"
    ):
        estimate(movenet, picture, "pair.png", (5.0, 5.0))


@pytest.mark.parametrize("text", ["", "middle", "0x2", "1,2,3", "1,nan", "-1", "1.5", "1;2", "1,2,3,4,5"])
def test_any_other_choice_is_refused_and_says_which_there_are(text):
    with pytest.raises(
        BadInput, match=r"--person is largest, left or right, a number from 1 \(the largest\), a point X,Y or a box"
    ):
        parse_person(text)


@pytest.mark.parametrize("person", [True, "middle", (float("nan"), 0.0), 0, -1])
def test_a_choice_in_python_is_checked_as_well(person):
    with pytest.raises(BadInput, match=r"p\.png shows 1 person|A person is chosen by largest"):
        choose([somebody(0)[1]], person, "p.png")


@pytest.mark.slow
def test_an_estimator_of_one_person_lets_nobody_else_be_chosen():
    people_joints = POSE_ESTIMATORS["people-joints"](None)
    picture, _ = somebody(0)
    assert estimate(people_joints, picture, "p.png").pose.visible.any()
    with pytest.raises(
        BadInput, match=r"people-joints finds one person only, so that no other can be chosen in p\.png"
    ):
        estimate(people_joints, picture, "p.png", "left")


def test_a_person_who_is_too_small_in_the_whole_picture_is_found_by_a_closer_look(movenet):
    picture, truth = somebody(0)
    wide = torch.full((900, 1800, 3), 128, dtype=torch.uint8)
    wide[300 : 300 + 256, 900 : 900 + 176] = picture
    shift = torch.tensor([[1.0, 0.0, 900.0], [0.0, 1.0, 300.0]])
    assert not movenet._seen_in(wide, (0, 0, 1800, 1800))
    assert errors(movenet(wide[None])[0], truth.affine(shift, (900, 1800))).median() < 0.06


@pytest.mark.slow
def test_a_person_is_followed_past_somebody_larger_and_not_replaced_while_away(movenet):
    picture, truth = side_by_side(1.0, 1.6)
    empty = picture.clone()
    empty[:, :176] = 128  # the one who is followed is gone
    poses = list(follow(movenet, [picture, picture, empty, picture], "clip.mp4", "left"))
    assert [bool(pose.visible.any()) for pose in poses] == [True, True, False, True]
    for pose in (poses[0], poses[1], poses[3]):
        assert errors(pose, truth[0]).median() < 0.05
    largest = list(follow(movenet, [picture, empty], "clip.mp4"))
    assert all(errors(pose, truth[1]).median() < 0.05 for pose in largest)


def test_seen_from_behind_a_face_is_not_found_and_looking_back_over_the_shoulder_it_is():
    places = dict.fromkeys(COCO_17.joints, (50.0, 50.0)) | {
        "left_shoulder": (30.0, 40.0), "right_shoulder": (70.0, 40.0), "left_hip": (40.0, 90.0),
        "right_hip": (60.0, 90.0), "left_ear": (45.0, 20.0), "right_ear": (55.0, 20.0),
    }  # fmt: skip
    behind = Pose(
        torch.tensor([places[joint] for joint in COCO_17.joints]), torch.ones(17, dtype=torch.bool), (120, 100), COCO_17
    )
    hidden = {
        joint for joint, seen in zip(COCO_17.joints, without_hidden_face(behind).visible, strict=True) if not seen
    }
    assert hidden == {"nose", "left_eye", "right_eye"}
    assert without_hidden_face(behind.flip()).visible.sum() == 14, "a mirrored back is a back"
    facing = behind.affine(torch.tensor([[-1.0, 0.0, 99.0], [0.0, 1.0, 0.0]]), behind.size)
    assert without_hidden_face(facing).visible.all()
    ears = behind.xy.clone()
    left, right = COCO_17.index("left_ear"), COCO_17.index("right_ear")
    ears[[left, right]] = behind.xy[[right, left]]
    assert without_hidden_face(Pose(ears, behind.visible, behind.size, COCO_17)).visible.all()
    upside_down = behind.affine(torch.tensor([[-1.0, 0.0, 100.0], [0.0, -1.0, 120.0]]), behind.size)
    assert not without_hidden_face(upside_down).visible.all(), "the rule turns with the person"


@pytest.mark.parametrize("square", [(0, 0, 300, 300), (-50, -20, 90, 120), (40, 30, 60, 50), (-300, -300, 20, 20)])
def test_a_view_maps_places_of_its_square_to_the_picture(square):
    picture = torch.zeros(100, 80, 3, dtype=torch.uint8)
    view = View.of(picture, square)
    left, top, right, bottom = square
    share = torch.tensor([[0.0, 0.0], [1.0, 1.0], [0.5, 0.5]])  # (y, x)
    expected = torch.tensor(
        [[left - 0.5, top - 0.5], [right - 0.5, bottom - 0.5], [(left + right - 1) / 2, (top + bottom - 1) / 2]]
    )
    pixel = (right - left) / 256
    reach = (right - left) / (view.inside[2] - view.inside[0])  # rounding to whole pixels grows with the part outside
    assert (view.in_picture(share) - expected).abs().max() <= pixel * (1 + reach)


@pytest.mark.parametrize("square", [(90, 0, 120, 30), (0, -50, 40, -10), (-90, 200, -40, 250)])
def test_a_square_beside_the_picture_shows_its_nearest_pixels_and_no_error(square):
    view = View.of(torch.full((100, 80, 3), 9, dtype=torch.uint8), square)
    left, top, right, bottom = view.inside
    assert 0 <= left < right <= 80 and 0 <= top < bottom <= 100
    assert torch.isfinite(view.in_picture(torch.tensor([[0.0, 0.0], [1.0, 1.0]]))).all()


def test_its_files_have_the_licence_s_text_and_a_notice_beside_them_and_are_those_that_it_names():
    notice = (SHIPPED / "movenet-NOTICE.txt").read_text()
    assert "Apache License" in (SHIPPED / "movenet-LICENSE.txt").read_text()
    from reposer.nn.weights import sha256

    for name in (MULTIPOSE, THUNDER):
        assert f"{sha256(SHIPPED / name)}  {name}" in notice


def test_other_files_can_be_named_and_a_broken_one_is_refused(tmp_path, movenet):
    for name in (MULTIPOSE, THUNDER):
        shutil.copy(SHIPPED / name, tmp_path / name)
    assert POSE_ESTIMATORS["movenet"](tmp_path).description == movenet.description
    (tmp_path / THUNDER).write_bytes(b"no network")
    with pytest.raises(BadInput, match=r"movenet-thunder-h\.onnx cannot be opened as an ONNX network"):
        POSE_ESTIMATORS["movenet"](tmp_path)
    (tmp_path / THUNDER).unlink()
    with pytest.raises(
        BadInput, match=r"There is no file .*movenet-thunder-h\.onnx\. .* comes with the package: install it again"
    ):
        POSE_ESTIMATORS["movenet"](tmp_path)
