"""What a face is to a network: its lines, how far they are, and its parts."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from reposer.core import FaceLines, Pose
from reposer.core.skeleton import FACE_68
from reposer.nn.face_maps import FACE_CHANNELS, FACE_LINES, FACE_PARTS, face_maps, face_mask, l1_distances
from reposer.synthetic.people.head.landmarks import face_places

SIZE = (96, 80)
OPENING = 0.12  # in head radii, of the synthetic mouth


def faces(batch=3, seed=0, size=SIZE, radius=0.4, dtype=torch.float32):
    """Faces with an open mouth, shifted, turned and scaled at random."""
    dice = np.random.default_rng(seed)
    places = face_places() * (1, -1)  # (left, up) to (right, down), seen from the front
    below = [k for k, joint in enumerate(FACE_68.joints) if "lower" in joint or joint.endswith("_bottom")]
    places[below, 1] += OPENING
    rows = []
    for _ in range(batch):
        angle, scale = dice.normal(0, 0.2), radius * min(size) * dice.uniform(0.8, 1.1)
        turn = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        middle = np.array([size[1], size[0]]) / 2 + dice.uniform(-0.1, 0.1, 2) * min(size)
        rows.append(torch.tensor(places @ turn.T + middle, dtype=dtype))
    xy = torch.stack(rows)
    return Pose(xy, torch.ones(xy.shape[:2], dtype=torch.bool), size, FACE_68)


def joint(face, name):
    return face.xy[..., FACE_68.index(name), :]


def hidden(face, *names):
    """The face without some landmarks, which hold NaN."""
    visible, xy = face.visible.clone(), face.xy.clone()
    for name in names:
        visible[:, FACE_68.index(name)] = False
        xy[:, FACE_68.index(name)] = torch.nan
    return replace(face, xy=xy, visible=visible)


def round_jaw(radius=30.0, middle=(40.0, 45.0)):
    """A face whose jaw is the lower half of a circle."""
    face = faces(batch=1, radius=0.2, dtype=torch.float64)
    jaw = [k for k, name in enumerate(FACE_68.joints) if "jaw" in name or name == "chin"]
    angles = torch.linspace(math.pi, 0, len(jaw), dtype=torch.float64)
    face.xy[0, jaw] = torch.stack([angles.cos(), angles.sin()], -1) * radius + torch.tensor(middle)
    return face


def test_there_are_fourteen_lines_and_labels_up_to_six():
    assert len(FACE_LINES) == 14 and {label for label, _ in FACE_PARTS} == set(range(1, 7))
    foreheads = {name for line in FACE_LINES for name in line if name not in FACE_68}
    assert foreheads == {f"forehead_{n}" for n in range(1, 16)}
    maps = face_maps(faces())
    assert maps.shape == (3, FACE_CHANNELS, *SIZE)
    assert maps.dtype == torch.float32 and maps.amin() == 0 and maps.amax() <= 1


def test_every_map_of_distance_counts_the_steps_to_its_line_in_threes_of_255():
    maps = face_maps(faces(dtype=torch.float64))
    y, x = torch.meshgrid(torch.arange(SIZE[0]), torch.arange(SIZE[1]), indexing="ij")
    pixels = torch.stack([x, y], -1).view(-1, 2).double()
    for b in range(len(maps)):
        for n in range(1, 15):
            line = pixels[(maps[b, n] == 0).view(-1)]
            steps = torch.cdist(pixels, line, p=1).amin(1)
            torch.testing.assert_close(maps[b, n].view(-1), (steps / 3).clamp(max=255) / 255)


def test_far_lines_are_all_at_distance_one():
    line = torch.zeros(1, 1, 3, 900, dtype=torch.bool)
    line[..., 0] = True
    assert l1_distances(line, torch.float32)[0, 0, 2, 899] == 899
    face = faces(batch=1, size=(40, 900), radius=0.4)
    face = replace(face, xy=face.xy - face.xy.mean(1, keepdim=True) + torch.tensor([20.0, 20.0]))
    assert (face_maps(face)[0, 1:15, :, 850:] == 1).all()  # more than 765 pixels away


def test_lines_pass_their_landmarks_without_gaps():
    for size, radius in ((SIZE, 0.4), ((256, 256), 0.42), ((64, 64), 0.9)):
        face = faces(batch=2, size=size, radius=radius)
        maps = face_maps(face)
        for b in range(2):
            for n, names in enumerate(FACE_LINES):
                line = maps[b, 1 + n] == 0
                inside = radius < 0.5  # otherwise the picture's border may cut the line
                assert not inside or ndimage.label(line.numpy(), np.ones((3, 3)))[1] == 1
                for name in names:
                    if name in FACE_68:
                        column, row = (joint(face, name)[b] + 0.5).floor().int().tolist()
                        if 0 <= row < size[0] and 0 <= column < size[1]:
                            assert line[row, column]
            assert torch.equal(maps[b, 0] == 1, (maps[b, 1:15] == 0).any(0))


def test_a_line_through_landmarks_of_a_circle_is_the_circle():
    line = face_maps(round_jaw())[0, 1] == 0
    row, column = line.nonzero().T
    distance = torch.hypot(column - 40.0, row - 45.0)[row > 45]
    assert ((distance - 30).abs() < 0.75).all()  # a pixel's corner is 0.71 from its middle


def test_the_face_is_closed_by_its_mirrored_jaw_two_thirds_as_high():
    mask = face_mask(round_jaw())
    assert mask.sum().item() == pytest.approx(math.pi * 30**2 / 2 * (1 + 2 / 3), rel=0.01)
    rows = mask[0, 0, :, 40].nonzero().squeeze()
    assert rows.min() == 26 and rows.max() == 74  # from 45 - 20 to 45 + 30, one of each pair of borders left out


@pytest.mark.parametrize("seed", range(5))
def test_areas_stay_within_their_lines_also_with_landmarks_at_whole_pixels(seed):
    face = faces(seed=seed)
    face = replace(face, xy=face.xy.round())
    mask, lines = face_mask(face) == 1, face_maps(face)[:, 1] == 0
    for b in range(len(mask)):
        within = ndimage.binary_fill_holes(lines[b].numpy())
        assert within[mask[b, 0].numpy()].all()
        assert (mask[b, 0] | lines[b]).sum() == within.sum()


def test_parts_lie_where_their_landmarks_are():
    face = faces(size=(192, 160), radius=0.45)
    labels = face_maps(face, labels="raw")[:, 15]
    assert set(labels.unique().tolist()) == set(map(float, range(7)))

    def label_at(place):
        column, row = (place + 0.5).floor().long().unbind(-1)
        return labels[torch.arange(len(labels)), row, column].tolist()

    def middle(*names):
        return torch.stack([joint(face, name) for name in names]).mean(0)

    assert label_at(middle("right_eye_outer", "right_eye_inner")) == [3, 3, 3]
    assert label_at(middle("left_eye_outer", "left_eye_inner")) == [3, 3, 3]
    assert label_at(middle("nose_bridge_4")) == [4, 4, 4]
    assert label_at(middle("mouth_top", "mouth_bottom")) == [6, 6, 6]
    assert label_at(middle("lips_bottom", "mouth_bottom")) == [5, 5, 5]
    assert label_at(middle("chin", "lips_bottom")) == [1, 1, 1]
    assert label_at(middle("right_brow_3", "right_brow_3", "right_brow_1", "right_brow_5")) == [2, 2, 2]
    assert label_at(torch.zeros(3, 2)) == [0, 0, 0]
    assert label_at(middle("right_brow_5", "left_brow_5")) == [1, 1, 1]


def test_published_labels_are_whole_and_ours_reach_one():
    face = faces()
    raw, scaled = face_maps(face, labels="raw"), face_maps(face, labels="scaled")
    torch.testing.assert_close(raw[:, 15], 6 * scaled[:, 15])
    assert torch.equal(raw[:, :15], scaled[:, :15])


def test_maps_commute_with_flipping():
    face = faces(dtype=torch.float64, seed=2)
    other_side = [1, 3, 2, 6, 5, 4, 9, 10, 7, 8, 11, 12, 13, 14]  # brows, nostrils and eyes change places
    maps, flipped = face_maps(face), face_maps(face.flip()).flip(-1)
    torch.testing.assert_close(flipped[:, [0, *other_side, 15]], maps)


def test_a_row_depends_on_itself_alone():
    face = faces(batch=3)
    alone = torch.cat([face_maps(face[b : b + 1]) for b in range(3)])
    assert torch.equal(face_maps(face), alone)


def test_without_a_landmark_its_line_and_its_part_are_absent_and_the_others_stay():
    face = faces()
    whole, partial = (face_maps(face, labels="raw"), face_maps(hidden(face, "left_eye_top_inner"), labels="raw"))
    gone = 1 + next(n for n, line in enumerate(FACE_LINES) if "left_eye_top_inner" in line)
    assert (partial[:, gone] == 1).all()
    others = [n for n in range(1, 15) if n != gone]
    assert torch.equal(partial[:, others], whole[:, others])
    changed = partial[:, 15] != whole[:, 15]
    assert changed.any() and (whole[:, 15][changed] == 3).all() and (partial[:, 15][changed] == 1).all()
    assert (face_mask(hidden(face, "chin")) == 0).all()


@pytest.mark.parametrize("size", [SIZE, (64, 64)])
def test_nobody_there_leaves_nothing(size):
    maps = face_maps(hidden(faces(size=size), *FACE_68.joints))
    assert (maps[:, 0] == 0).all() and (maps[:, 1:15] == 1).all() and (maps[:, 15] == 0).all()


def test_a_face_beside_the_picture_is_not_there_and_one_around_it_fills_it():
    face = faces()
    beside = replace(face, xy=face.xy + torch.tensor([0.0, 500.0]))
    maps = face_maps(beside)
    assert (maps[:, 0] == 0).all() and (maps[:, 1:15] == 1).all() and (maps[:, 15] == 0).all()
    around = replace(face, xy=(face.xy - joint(face, "nose_bridge_1")[:, None]) * 40 + 40)
    assert (face_mask(around) == 1).all()


def test_edges_of_a_frame_join_those_of_the_face():
    face = faces()
    edges = (torch.rand(3, 1, *SIZE, generator=torch.Generator().manual_seed(0)) > 0.9).float()
    alone, joined = face_maps(face), face_maps(FaceLines(face, edges))
    assert torch.equal(joined[:, :1], torch.maximum(alone[:, :1], edges))
    assert torch.equal(joined[:, 1:], alone[:, 1:])
    assert torch.equal(face_maps(FaceLines(face)), alone)


def test_landmarks_that_fall_together_have_their_lines():
    face = faces()
    xy = face.xy[:, :1].expand(-1, 68, -1).contiguous()
    assert face_maps(replace(face, xy=xy)).isfinite().all()
