"""The estimators that ship: their geometry is exact, their answers keep the contract, their files are read strictly."""

import json
from dataclasses import replace

import pytest
import torch

from reposer.core import BadInput, Framing, Pose
from reposer.core.configs import to_plain
from reposer.core.framing import frame_pictures
from reposer.core.images import from_uint8, to_uint8
from reposer.core.pose import rotation_about
from reposer.core.skeleton import OPENPOSE_18
from reposer.estimators import ATTRIBUTE_READERS, EMBEDDERS, FACE_DETECTORS, POSE_ESTIMATORS, Face, people_files
from reposer.estimators.joint_decoding import heatmap_joints
from reposer.estimators.people_crops import (
    HEAD,
    HEAD_SIDE,
    STRAIGHT_FACE,
    around_heads,
    cut,
    from_aligned,
    from_square,
    mapped,
)
from reposer.estimators.people_files import BODY_FILE, FACE_FILE
from reposer.estimators.people_networks import FACE_5, BodyConfig, FaceConfig
from reposer.nn.maps import heatmaps
from reposer.nn.weights import HEADER, stored, write_safetensors

QUESTIONS = {"sleeve": ["none", "short", "long"], "hat": ["none", "cap"]}
BODY = replace(BodyConfig(words=(3, 2)).tiny(), size=(64, 48))
FACE = FaceConfig().tiny()


def write(folder, name, config, change=lambda network: None, **about):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = config.build()
    with torch.no_grad():
        change(network)
    card = {"kind": name.removesuffix(".safetensors"), "config": to_plain(config), **about}
    write_safetensors(folder / name, stored(network, torch.bfloat16), {HEADER: json.dumps(card)})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files with weights from a seed; every joint is found, every head shows a face."""
    out = tmp_path_factory.mktemp("weights")
    write(out, BODY_FILE, BODY, lambda n: n.found_at_all.bias.fill_(9), questions=QUESTIONS, threshold=0.25)
    write(out, FACE_FILE, FACE, lambda n: n.whole[-1].bias[:1].fill_(9), threshold=0.5)
    return out


def pictures(size, count=3):
    return torch.randint(256, (count, *size, 3), generator=torch.Generator().manual_seed(1)).to(torch.uint8)


# ---------------------------------------------------------------------------- geometry


def test_a_bump_is_read_where_it_stands_to_a_thousandth_of_a_pixel():
    xy = torch.rand(2, 18, 2, generator=torch.Generator().manual_seed(3)) * torch.tensor([16.0, 24.0]) + 3
    bumps = heatmaps(Pose(xy, torch.ones(2, 18, dtype=torch.bool), (32, 24)), 1.0)
    found, _ = heatmap_joints(bumps.clamp(min=1e-30).log(), (128, 96), "parabola")
    torch.testing.assert_close(found, (xy + 0.5) * 4 - 0.5, atol=4e-3, rtol=0)


@pytest.mark.parametrize("size", [(64, 44), (200, 100), (50, 120), (64, 48)])
def test_what_is_found_in_the_frame_lies_there_in_the_picture(size):
    framing = Framing((64, 48), fit="pad")
    xy = torch.rand(1, 18, 2) * torch.tensor([size[1], size[0]])
    pose = Pose(xy, torch.ones(1, 18, dtype=torch.bool), size)
    there = framing.place(pose)
    back = framing.unplace(there, size)
    assert back.size == size
    torch.testing.assert_close(back.xy, pose.xy, atol=1e-3, rtol=0)
    assert frame_pictures(from_uint8(pictures(size)), framing).shape == (3, 3, 64, 48)


def test_a_bright_dot_lies_in_the_frame_where_its_pose_says():
    framing, size = Framing((64, 48), fit="pad"), (192, 120)
    dot = torch.zeros(1, *size, 3, dtype=torch.uint8)
    dot[0, 60:69, 30:39] = 255
    seen = (frame_pictures(from_uint8(dot), framing)[0, 0] + 1).clamp(min=0)
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(48.0), indexing="ij")
    centre = torch.stack([(seen * x).sum(), (seen * y).sum()]) / seen.sum()
    pose = Pose(torch.tensor([[34.0, 64.0]]).expand(18, 2), torch.ones(18, dtype=torch.bool), size)
    torch.testing.assert_close(centre, framing.place(pose).xy[0], atol=0.05, rtol=0)


def test_a_crop_shows_the_square_that_it_names_however_large():
    y, x = torch.meshgrid(torch.linspace(-1, 1, 90), torch.linspace(-1, 1, 60), indexing="ij")
    picture = torch.stack([x, y, 0 * x])[None]  # colours say where a pixel was
    for side in (6.0, 12.0, 40.0):
        middle = torch.tensor([[29.5, 44.5]])
        crop = cut(picture, from_square(middle, torch.tensor([side]), 12), 12)[0]
        across = (torch.arange(12) + 0.5) * side / 12 - side / 2  # from the middle of the picture, in its pixels
        torch.testing.assert_close(crop[0], (across / 29.5).expand(12, 12), atol=1e-4, rtol=0)
        torch.testing.assert_close(crop[1], (across / 44.5)[:, None].expand(12, 12), atol=1e-4, rtol=0)


def test_shrinking_averages_and_does_not_flicker():
    stripes = torch.ones(1, 3, 96, 96)
    stripes[..., ::2] = -1
    crop = cut(stripes, from_square(torch.tensor([[47.5, 47.5]]), torch.tensor([48.0]), 12), 12)
    assert crop.abs().max() < 1e-4  # 4 x 4 pixels in one


def test_an_aligned_crop_undoes_any_turn_size_and_place_of_a_straight_face():
    straight = torch.tensor(STRAIGHT_FACE) * 48 - 0.5
    move = rotation_about((24.0, 24.0), 23, 0.4, (11, 7))
    there = (straight @ move[:, :2].T + move[:, 2])[None]
    torch.testing.assert_close(from_aligned(there, 48), move[None], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(mapped(from_aligned(there, 48), straight[None]), there, atol=1e-4, rtol=0)


def test_the_square_around_a_head_follows_the_joints_that_are_sure():
    xy = torch.full((1, 18, 2), 999.0)
    weight = torch.zeros(1, 18)
    for joint, place in {"nose": (20.0, 10.0), "right_eye": (18.0, 8.0), "left_eye": (22.0, 8.0)}.items():
        xy[0, OPENPOSE_18.index(joint)] = torch.tensor(place)
        weight[0, OPENPOSE_18.index(joint)] = 1
    xy[0, OPENPOSE_18.index("neck")] = torch.tensor((20.0, 10.0 - 4 / 3 + 10))
    middle, side = around_heads(Pose(xy, weight > 0, (64, 48)), weight)
    assert side.item() == pytest.approx(10 * HEAD_SIDE) and middle[0].tolist() == pytest.approx([20, 9.66667])


# ---------------------------------------------------------------------------- the contract


@pytest.mark.slow
def test_joints_come_in_pixels_of_the_pictures_and_a_row_is_alone(folder):
    estimator = POSE_ESTIMATORS["people-joints"](folder)
    for size in ((64, 44), (150, 90)):
        shown = pictures(size)
        pose, person = estimator.look(shown)
        assert pose.size == size and pose.xy.shape == (3, 18, 2) and pose.visible.all()
        assert ((pose.score >= 0) & (pose.score <= 1)).all() and ((person >= 0) & (person <= 1)).all()
        assert (pose.xy.amin() > -0.2 * size[0]) and (pose.xy.amax() < 1.2 * size[0])
        torch.testing.assert_close(estimator(shown[1:2]).xy, pose.xy[1:2], atol=1e-3, rtol=0)
        torch.testing.assert_close(estimator.person(shown), person)


def test_a_joint_below_one_half_is_not_found(folder, tmp_path):
    write(tmp_path, BODY_FILE, BODY, lambda n: n.found_at_all.bias.fill_(-9), questions=QUESTIONS)
    write(tmp_path, FACE_FILE, FACE, lambda n: n.whole[-1].bias[:1].fill_(9))
    pose = POSE_ESTIMATORS["people-joints"](tmp_path)(pictures((64, 44)))
    assert not pose.visible.any() and (pose.score < 0.5).all()
    # and where there is no head there is no face
    assert FACE_DETECTORS["people-faces"](tmp_path)(pictures((64, 44))) == [[], [], []]


def test_answers_to_one_question_share_a_certainty_of_1(folder):
    reader = ATTRIBUTE_READERS["people-attributes"](folder)
    assert reader.questions == ("sleeve: none", "sleeve: short", "sleeve: long", "hat: none", "hat: cap")
    sure = reader(pictures((64, 44)))
    torch.testing.assert_close(sure[:, :3].sum(1), torch.ones(3))
    torch.testing.assert_close(sure[:, 3:].sum(1), torch.ones(3))


def test_identity_vectors_have_length_1_and_the_file_says_the_threshold(folder):
    whole, faces = EMBEDDERS["people-identity"](folder), EMBEDDERS["people-face-identity"](folder)
    assert (whole.subject, whole.threshold) == ("person", 0.25)
    assert (faces.subject, faces.threshold) == ("face", 0.5)
    shown = pictures((64, 44))
    face = Face((8.0, 4.0, 20.0, 18.0), torch.tensor(STRAIGHT_FACE) * 14 + 6, 0.9)
    for vectors in (whole(shown), faces(shown, [face] * 3)):
        torch.testing.assert_close(vectors.norm(dim=1), torch.ones(3))
    with pytest.raises(BadInput, match="pass one of each picture"):
        faces(shown)


def test_a_face_is_found_in_pixels_of_the_picture_or_not_at_all(folder, tmp_path):
    shown = pictures((128, 88))
    found = FACE_DETECTORS["people-faces"](folder)(shown)
    pose = POSE_ESTIMATORS["people-joints"](folder)(shown)
    middle, side = around_heads(pose, pose.score)
    for row, (face,) in enumerate(found):
        left, top, right, bottom = face.box
        assert left < right and top < bottom and 0.5 < face.score <= 1 and face.landmarks.shape == (5, 2)
        assert ((face.landmarks - middle[row]).abs() <= side[row] / 2 + 1).all()
        box_middle = torch.tensor([(left + right) / 2, (top + bottom) / 2])
        assert ((box_middle - middle[row]).abs() < side[row] / 2).all()
    write(tmp_path, BODY_FILE, BODY, lambda n: n.found_at_all.bias.fill_(9), questions=QUESTIONS)
    write(tmp_path, FACE_FILE, FACE, lambda n: n.whole[-1].bias[:1].fill_(-9))
    assert FACE_DETECTORS["people-faces"](tmp_path)(shown) == [[], [], []]


def test_landmarks_are_those_of_a_face_and_mirror_by_name():
    assert FACE_5.joints[:2] == ("right_eye", "left_eye") and FACE_5.mirror == (1, 0, 2, 4, 3)
    assert all(joint in OPENPOSE_18 for joint in HEAD)


def test_pictures_that_differ_by_a_byte_per_pixel_are_another_question(folder):
    identity = EMBEDDERS["people-identity"](folder)
    dark, light = torch.zeros(1, 64, 44, 3, dtype=torch.uint8), to_uint8(torch.ones(1, 3, 64, 44))
    assert (identity(dark) - identity(light)).abs().max() > 1e-3


# ---------------------------------------------------------------------------- files


def test_both_networks_together_are_small_enough_to_ship():
    networks = BodyConfig(words=(165,)).build(), FaceConfig().build()
    assert sum(p.numel() for network in networks for p in network.parameters()) <= 1.5e6


def test_a_missing_file_is_named_with_the_way_out(monkeypatch, tmp_path):
    monkeypatch.setattr(people_files, "SHIPPED", tmp_path)
    for registry, name in (
        (POSE_ESTIMATORS, "people-joints"),
        (EMBEDDERS, "people-identity"),
        (ATTRIBUTE_READERS, "people-attributes"),
        (FACE_DETECTORS, "people-faces"),
        (EMBEDDERS, "people-face-identity"),
    ):
        with pytest.raises(BadInput, match=r"no file .*people-(body|face)\.safetensors.*install it again"):
            registry[name](None)


def test_a_folder_that_lacks_the_file_gives_the_one_that_ships(folder, monkeypatch, tmp_path):
    monkeypatch.setattr(people_files, "SHIPPED", folder)
    assert POSE_ESTIMATORS["people-joints"](tmp_path).description == POSE_ESTIMATORS["people-joints"](None).description
    assert POSE_ESTIMATORS["people-joints"](folder / BODY_FILE).description.startswith("people-joints, people-body")


def test_a_file_of_another_kind_or_shape_is_refused(folder, tmp_path):
    with pytest.raises(BadInput, match="holds 'people-face', not people-body"):
        POSE_ESTIMATORS["people-joints"](folder / FACE_FILE)
    with pytest.raises(BadInput, match="give their folder"):
        FACE_DETECTORS["people-faces"](folder / FACE_FILE)
    network = BODY.build()
    card = {"kind": "people-body", "config": to_plain(replace(BODY, embedding=9)), "questions": QUESTIONS}
    write_safetensors(tmp_path / BODY_FILE, stored(network), {HEADER: json.dumps(card)})
    with pytest.raises(BadInput, match="does not hold the weights that its own config asks for"):
        POSE_ESTIMATORS["people-joints"](tmp_path)
    write_safetensors(tmp_path / BODY_FILE, stored(network), {})
    with pytest.raises(BadInput, match="no network of ours"):
        POSE_ESTIMATORS["people-joints"](tmp_path)
