"""One face driven by another: the driver's motion, the source's proportions."""

import math

import pytest
import torch

from reposer.animation.face_motion import RIGID, driven_by
from reposer.core import BadInput, Pose
from reposer.core.pose import rotation_about
from reposer.core.skeleton import FACE_68
from reposer.synthetic.people.head.faces import Face
from reposer.synthetic.people.head.landmarks import face_places

SIZE = (240, 200)
BLACK = (0.0, 0.0, 0.0)
WIDE = {"eye_spacing": 1.15, "eye_size": 1.2, "mouth_width": 1.3, "nose_width": 1.2, "brow_height": 0.03}
NARROW = {"eye_spacing": 0.9, "eye_size": 0.85, "mouth_width": 0.8, "lip_lower": 1.3}
CORNERS = ("right_eye_outer", "right_eye_inner", "left_eye_inner", "left_eye_outer", "nose_bridge_4")


def a_face(radius=70.0, middle=(100.0, 120.0), *, mouth=0.03, **traits):
    """A face from the front; `mouth`: how far it is open, in head radii."""
    colours = {name: BLACK for name in ("skin", "eye_rgb", "brow_rgb", "lip_rgb")}
    places = torch.tensor(face_places(Face(**colours, **traits)) * (1, -1), dtype=torch.float64)
    below = [k for k, name in enumerate(FACE_68.joints) if "lower" in name or name.endswith("_bottom")]
    places[below, 1] += mouth
    xy = places * radius + torch.tensor(middle)
    return Pose(xy, torch.ones(68, dtype=torch.bool), SIZE, FACE_68)


def moved(face, t):
    """The face with its head somewhere else at time t."""
    middle = tuple(face.xy.mean(0).tolist())
    shift = (12 * math.sin(t), 7 * math.sin(2 * t))
    matrix = rotation_about(middle, 15 * math.sin(t), 1 + 0.2 * math.sin(1.3 * t), shift).double()
    return face.affine(matrix, SIZE)


def a_track(frames=6, **traits):
    """A face that moves, speaks and blinks; its first frame is neutral."""
    rows = []
    for n in range(frames):
        t = 0.7 * n
        rows.append(
            moved(a_face(mouth=0.03 + 0.1 * math.sin(t) ** 2, eye_open=1 - 0.4 * math.sin(t) ** 2, **traits), t)
        )
    return Pose.stack(rows)


def a_heads_track(frames=6, **traits):
    """A face whose head alone moves."""
    return Pose.stack([moved(a_face(**traits), 0.7 * n) for n in range(frames)])


def driven(source, track, **options):
    return Pose.stack(list(driven_by(source, track, **options)))


def distances(face, *names):
    places = face.xy[..., [FACE_68.index(name) for name in names], :]
    return torch.cdist(places, places, compute_mode="donot_use_mm_for_euclid_dist")


def test_a_person_driven_by_themselves_moves_as_they_do():
    track = a_track(**WIDE)
    again = driven(track[0], track)
    torch.testing.assert_close(again.xy, track.xy)
    assert torch.equal(again.visible, track.visible) and again.size == track.size


def test_a_driver_who_stands_still_moves_nobody():
    source, still = a_face(**WIDE), a_face(40.0, (70.0, 60.0), **NARROW)
    for face in driven_by(source, [still] * 3):
        torch.testing.assert_close(face.xy, source.xy)


def test_where_how_large_and_how_turned_the_driver_is_filmed_does_not_matter():
    source, track = a_face(**WIDE), a_track(**NARROW)
    elsewhere = track.affine(rotation_about((30.0, 50.0), 25.0, 1.7, (80.0, -9.0)).double(), (500, 700))
    torch.testing.assert_close(driven(source, elsewhere).xy, driven(source, track).xy)


def test_a_driver_of_other_proportions_leaves_the_source_its_own():
    source = a_face(60.0, **WIDE)
    own = distances(source, *FACE_68.joints)
    for n, face in enumerate(driven_by(source, a_heads_track(**NARROW))):
        torch.testing.assert_close(distances(face, *FACE_68.joints), own * (1 + 0.2 * math.sin(0.91 * n)))
    own = distances(source, *CORNERS)  # of a face that speaks, what is rigid
    for n, face in enumerate(driven_by(source, a_track(**NARROW))):
        torch.testing.assert_close(distances(face, *CORNERS), own * (1 + 0.2 * math.sin(0.91 * n)))


def test_the_head_turns_about_its_own_centre_and_moves_in_units_of_its_own_size():
    source, driver = a_face(60.0, (110.0, 130.0)), a_face(30.0, (50.0, 40.0))
    centre = (50.0, 40.0)  # of the driver's head
    frame = driver.affine(rotation_about(centre, 20.0, 1.1, (3.0, -6.0)).double(), SIZE)
    expected = source.affine(rotation_about((110.0, 130.0), 20.0, 1.1, (6.0, -12.0)).double(), SIZE)
    _, answer = driven_by(source, [driver, frame])
    torch.testing.assert_close(answer.xy, expected.xy, atol=1e-3, rtol=1e-4)


def test_eyes_and_mouth_open_by_shares_of_their_own_size():
    def height(face, above, below):
        return (face.xy[FACE_68.index(below)] - face.xy[FACE_68.index(above)]).norm().item()

    source = a_face(60.0, eye_open=0.7, mouth_width=1.3)
    driver = a_face(80.0, mouth_width=0.9)
    for share in (0.0, 0.5, 1.2):
        frame = a_face(80.0, mouth_width=0.9, eye_open=share, mouth=0.03 + 0.09 * share)
        _, answer = driven_by(source, [driver, frame])
        for side in ("right", "left"):
            lids = f"{side}_eye_top_inner", f"{side}_eye_bottom_inner"
            assert height(answer, *lids) == pytest.approx(share * height(source, *lids), abs=1e-6)
        opened = height(answer, "mouth_top", "mouth_bottom") - height(source, "mouth_top", "mouth_bottom")
        assert opened == pytest.approx(60 * 0.09 * share * 1.3 / 0.9, abs=1e-6)  # in widths of the mouth


def test_mirrored_people_move_mirrored():
    source, track = a_face(60.0, **WIDE), a_track(**NARROW)
    mirrored = Pose.stack([frame.flip() for frame in track])
    torch.testing.assert_close(driven(source.flip(), mirrored).xy, driven(source, track).flip().xy)


def test_frames_come_one_by_one_and_depend_on_those_before():
    source, track = a_face(**WIDE), a_track(**NARROW)
    taken = []

    def camera():
        for t, frame in enumerate(track):
            taken.append(t)
            yield frame

    whole = driven(source, track)
    stream = driven_by(source, camera())
    for t in range(3):
        torch.testing.assert_close(next(stream).xy, whole.xy[t])
        assert taken == list(range(t + 1))


def test_a_neutral_frame_may_be_given():
    source, track = a_face(**WIDE), a_track(**NARROW)
    whole = driven(source, track)
    torch.testing.assert_close(driven(source, track[3:], neutral=track[0]).xy, whole.xy[3:])


def without(face, *names):
    visible = face.visible.clone()
    xy = face.xy.clone()
    for name in names:
        visible[FACE_68.index(name)] = False
        xy[FACE_68.index(name)] = torch.nan
    return Pose(xy, visible, face.size, FACE_68)


def test_missing_landmarks_stay_missing_and_the_others_do_not_notice():
    source, track = a_face(**WIDE), a_heads_track(**NARROW)
    whole = driven(source, track)
    frames = [without(frame, "chin", "left_eye_outer") if n == 2 else frame for n, frame in enumerate(track)]
    answer = driven(without(source, "right_jaw_3", "lips_top"), frames)
    missing = ~answer.visible
    names = [{FACE_68.joints[k] for k in row.nonzero().squeeze(1).tolist()} for row in missing]
    assert names[2] == {"right_jaw_3", "lips_top", "chin", "left_eye_outer"}
    assert names[1] == names[3] == {"right_jaw_3", "lips_top"}
    torch.testing.assert_close(answer.xy[answer.visible], whole.xy[answer.visible])


def test_frames_without_a_face_give_none_and_the_first_face_is_the_neutral_one():
    source, track = a_face(**WIDE), a_track(**NARROW)
    nobody = without(track[0], *FACE_68.joints)
    answer = driven(source, [nobody, *track[:3], nobody, *track[3:]])
    assert not answer.visible[[0, 4]].any() and answer.xy.isfinite().all()
    torch.testing.assert_close(answer.xy[[1, 2, 3, 5, 6, 7]], driven(source, track).xy)
    assert not driven(source, [nobody] * 2).visible.any()


def test_what_cannot_be_driven_says_why():
    face = a_face()
    body = Pose(torch.zeros(18, 2), torch.ones(18, dtype=torch.bool), SIZE)
    with pytest.raises(BadInput, match="landmarks of openpose18"):
        driven_by(body, [face])
    with pytest.raises(BadInput, match="driving face has landmarks of openpose18"):
        list(driven_by(face, [body]))
    faceless = without(face, *(FACE_68.joints[k] for k in RIGID))
    with pytest.raises(BadInput, match="source shows fewer than two"):
        driven_by(faceless, [face])
    with pytest.raises(BadInput, match="neutral face shows fewer than two"):
        driven_by(face, [face], neutral=faceless)
