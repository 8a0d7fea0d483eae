"""A photo of any size goes through a generator of one size and comes back as it was, but for the person."""

from dataclasses import replace

import pytest
import torch
from PIL import Image

from reposer.core import SKELETONS, BadInput, Framing, Generated, Generator, Layer, Pose, View
from reposer.core.framing import edges_around
from reposer.core.skeleton import COCO_17, OPENPOSE_18
from reposer.pipeline import crop_edges, retarget_placement, transfer

from .memory_of import megabytes_of


class CopySource(Generator):
    """Generates the source again, and keeps what it was asked."""

    def __init__(self, framing, skeleton=OPENPOSE_18):
        super().__init__()
        self.framing, self.skeleton = framing, skeleton

    def sample(self, source, source_pose, target_pose, seeds):
        self.asked = source, source_pose, target_pose, seeds
        return self(source, source_pose, target_pose)

    def forward(self, source, source_pose, target_pose):
        return Generated(source)

    def layers(self, output):
        return {"seen": Layer("picture", self.asked[0])}


class White(CopySource):
    def forward(self, source, source_pose, target_pose):
        return Generated(torch.ones_like(source))


SQUASH = Framing((64, 64))  # filled with pictures of 64x44
PAD = Framing((64, 48), fit="pad")
PERSON = (64, 44)


def standing(height, centre, size, raise_arms=False):
    """A person from eyes to ankles, `height` pixels high, hips at `centre`."""
    places = {
        "nose": (0, -0.40), "neck": (0, -0.32),
        "right_shoulder": (-0.1, -0.32), "right_elbow": (-0.13, -0.18),
        "right_wrist": (-0.14, -0.04), "left_shoulder": (0.1, -0.32), "left_elbow": (0.13, -0.18),
        "left_wrist": (0.14, -0.04), "right_hip": (-0.06, 0), "right_knee": (-0.07, 0.27),
        "right_ankle": (-0.07, 0.55), "left_hip": (0.06, 0), "left_knee": (0.07, 0.27),
        "left_ankle": (0.07, 0.55), "right_eye": (-0.02, -0.45), "left_eye": (0.02, -0.45),
        "right_ear": (-0.04, -0.43), "left_ear": (0.04, -0.43),
    }  # fmt: skip
    if raise_arms:
        places |= {"right_wrist": (-0.14, -0.60), "left_wrist": (0.14, -0.60)}
    xy = torch.tensor([places[joint] for joint in OPENPOSE_18.joints]) * height + torch.tensor(centre)
    return Pose(xy.float(), torch.ones(18, dtype=torch.bool), size)


def smooth_photo(size):
    """Colours that change slowly, so that scaling down and up again loses next to nothing."""
    y, x = torch.meshgrid(torch.linspace(0, 1, size[0]), torch.linspace(0, 1, size[1]), indexing="ij")
    return (torch.stack([x, y, (1 - x) * y], -1) * 200 + 20).to(torch.uint8)


@pytest.mark.parametrize("framing", [SQUASH, PAD], ids=["squash", "pad"])
@pytest.mark.parametrize("size", [(90, 160), (300, 210), (41, 37)])
def test_a_copy_of_the_source_comes_back_as_the_photo(framing, size):
    photo = smooth_photo(size)
    pose = standing(size[0] * 0.6, (size[1] / 2, size[0] / 2), size)
    answer = transfer(CopySource(framing), photo, pose, pose, picture_size=PERSON)
    assert answer.picture.shape == photo.shape and answer.picture.dtype == torch.uint8
    assert (answer.picture.int() - photo.int()).abs().max() <= 4
    assert torch.equal(answer.target_pose.xy, pose.xy)


def test_a_crop_of_the_generators_own_size_is_not_resampled():
    photo = torch.randint(0, 256, (200, 200, 3), dtype=torch.uint8)
    pose = standing(40.0, (100.0, 100.0), (200, 200))
    left, top, right, bottom = crop_edges(pose, pose, PAD, PERSON)
    framing = Framing((bottom - top, right - left + 6), PAD.margin, "pad")
    answer = transfer(CopySource(framing), photo, pose, pose, picture_size=(bottom - top, right - left))
    assert torch.equal(answer.picture, photo)


def test_outside_of_the_crop_no_pixel_changes_and_the_edge_of_the_generated_part_is_soft():
    photo = torch.zeros(200, 300, 3, dtype=torch.uint8)
    pose = standing(80.0, (120.0, 100.0), (200, 300))
    answer = transfer(White(PAD), photo, pose, pose, picture_size=PERSON)
    left, top, right, bottom = (round(edge + 0.5) for edge in answer.box)
    outside = torch.ones(200, 300, dtype=torch.bool)
    outside[top:bottom, left:right] = False
    assert (answer.picture[outside] == 0).all() and outside.any()
    assert (answer.picture[100, 120] == 255).all()
    line = answer.picture[100, left : left + 20, 0].int()
    assert 0 < line[1] < 255 and (line.diff() >= 0).all(), "no hard step"


def test_at_the_photos_own_border_nothing_fades():
    photo = torch.zeros(100, 60, 3, dtype=torch.uint8)
    pose = standing(85.0, (30.0, 46.0), (100, 60))
    answer = transfer(White(PAD), photo, pose, pose, picture_size=PERSON)
    assert answer.box[0] <= -0.5 and answer.box[2] >= 59.5
    assert (answer.picture == 255).all()


def test_the_crop_holds_the_person_with_its_margin_in_the_aspect_of_training():
    pose = standing(100.0, (300.0, 200.0), (400, 600))
    left, top, right, bottom = crop_edges(pose, pose, SQUASH, (256, 176))
    joints = pose.box()
    room = 0.25 * (joints[3] - joints[1])
    assert (right - left) / (bottom - top) == pytest.approx(176 / 256, abs=0.01)
    assert top - 0.5 == pytest.approx(joints[1] - room, abs=1) and bottom - 0.5 == pytest.approx(
        joints[3] + room, abs=1
    )
    assert (left + right - 1) / 2 == pytest.approx((joints[0] + joints[2]) / 2, abs=1)


def test_the_crop_grows_until_the_target_is_in_it():
    source = standing(100.0, (300.0, 200.0), (400, 600))
    target = standing(160.0, (300.0, 200.0), (400, 600), raise_arms=True)
    left, top, right, bottom = crop_edges(source, target, replace(SQUASH, margin=0.05), PERSON)
    joints = target.box()
    assert left - 0.5 <= joints[0] + 1 and top - 0.5 <= joints[1] + 1
    assert right - 0.5 >= joints[2] - 1 and bottom - 0.5 >= joints[3] - 1


def test_the_crop_has_room_for_the_hands_of_raised_arms():
    source = standing(100.0, (300.0, 200.0), (400, 600))
    target = standing(160.0, (300.0, 200.0), (400, 600), raise_arms=True)
    side = source.box()[3] - source.box()[1]
    _, top, _, _ = crop_edges(source, target, SQUASH, PERSON)
    assert top - 0.5 <= target.box()[1] - 0.1 * side + 1
    assert crop_edges(source, source, replace(SQUASH, margin=0.05), PERSON) == edges_around(
        source, 0.05, SQUASH.aspect
    ), "what a small margin frames is not framed otherwise when nothing moves"


@pytest.mark.parametrize("framing", [SQUASH, PAD], ids=["squash", "pad"])
def test_the_joints_move_with_the_picture(framing):
    """A white dot on a joint is a light spot on the joint in the generator's frame."""
    size = (300, 220)
    pose = standing(150.0, (110.0, 150.0), size)
    photo = torch.zeros(*size, 3, dtype=torch.uint8)
    wrist = OPENPOSE_18.index("left_wrist")
    x, y = pose.xy[wrist].round().int().tolist()
    photo[y - 4 : y + 5, x - 4 : x + 5] = 255
    generator = CopySource(framing)
    transfer(generator, photo, pose, pose, picture_size=PERSON)
    frame, source_pose, target_pose, seeds = generator.asked
    assert frame.shape == (1, 3, *framing.size) and source_pose.size == framing.size
    assert source_pose.xy.dtype == torch.float32 and seeds.tolist() == [0]
    light = (frame[0, 0] + 1) / (frame[0, 0] + 1).sum()
    ys, xs = torch.meshgrid(*(torch.arange(n, dtype=torch.float32) for n in framing.size), indexing="ij")
    centre = torch.stack([(light * xs).sum(), (light * ys).sum()])
    assert torch.allclose(centre, source_pose.xy[0, wrist], atol=0.3)
    assert torch.equal(source_pose.xy, target_pose.xy)


def test_a_pose_of_another_picture_is_put_where_the_person_stands():
    source = standing(120.0, (200.0, 150.0), (300, 400))
    target = standing(37.0, (20.0, 40.0), (80, 60))
    placed = retarget_placement(source, target)
    assert placed.size == (300, 400)
    assert torch.allclose(placed.xy, source.xy, atol=1e-3)


def test_a_pose_of_the_photos_own_size_is_taken_as_it_is():
    source = standing(120.0, (200.0, 150.0), (300, 400))
    target = standing(60.0, (100.0, 90.0), (300, 400))
    assert torch.equal(retarget_placement(source, target).xy, target.xy)


def test_without_ankles_the_hips_stay_and_with_them_the_feet():
    source = standing(120.0, (200.0, 150.0), (300, 400))
    squat = standing(40.0, (30.0, 40.0), (80, 60))
    ankle, hip = OPENPOSE_18.index("left_ankle"), OPENPOSE_18.index("left_hip")
    legs = [k for k, joint in enumerate(OPENPOSE_18.joints) if "knee" in joint or "ankle" in joint]
    squat.xy[legs, 1] -= 8  # bent knees: the hips are nearer to the ground
    placed = retarget_placement(source, squat)
    assert placed.xy[ankle, 1] == pytest.approx(source.xy[ankle, 1].item(), abs=1e-3)
    assert placed.xy[hip, 1] > source.xy[hip, 1] + 10
    squat.visible[legs] = False
    placed = retarget_placement(source, squat)
    assert placed.xy[hip, 1] == pytest.approx(source.xy[hip, 1].item(), abs=1e-3)


def test_poses_that_share_no_limb_meet_by_their_boxes():
    source = standing(120.0, (200.0, 150.0), (300, 400))
    target = standing(60.0, (30.0, 40.0), (80, 60))
    upper = torch.tensor([("eye" in j or "nose" in j or "neck" in j) for j in OPENPOSE_18.joints])
    legs = torch.tensor([("hip" in j or "knee" in j or "ankle" in j) for j in OPENPOSE_18.joints])
    source, target = replace(source, visible=upper), replace(target, visible=legs)
    placed = retarget_placement(source, target)
    (a, b, c, d), (e, f, g, h) = source.box(), placed.box()
    assert (a + c, b + d) == pytest.approx((e + g, f + h), abs=0.1)
    assert max(c - a, d - b) == pytest.approx(max(g - e, h - f), abs=6)


def test_another_skeleton_is_converted_by_name():
    photo = smooth_photo((120, 90))
    pose = standing(70.0, (45.0, 60.0), (120, 90)).convert(COCO_17)
    generator = CopySource(PAD)
    transfer(generator, photo, pose, pose, picture_size=PERSON)
    _, source_pose, target_pose, _ = generator.asked
    assert source_pose.skeleton == OPENPOSE_18 and source_pose.visible.all() and target_pose.visible.all()


def test_a_person_half_outside_of_the_photo_is_framed_by_what_the_photo_shows():
    size = (100, 80)
    pose = standing(120.0, (40.0, 80.0), size)  # the legs are below the photo
    answer = transfer(CopySource(PAD), smooth_photo(size), pose, pose, picture_size=PERSON)
    assert answer.box[3] < 100 + 100
    assert answer.picture.shape == (*size, 3)


def test_an_explanation_comes_if_it_is_asked_for():
    photo = smooth_photo((90, 80))
    pose = standing(50.0, (40.0, 45.0), (90, 80))
    answer = transfer(CopySource(PAD), photo.numpy(), pose, pose, picture_size=PERSON, explain=True)
    assert answer.explanation.layers["seen"].values.shape == (1, 3, *PAD.size)
    assert transfer(CopySource(PAD), photo, pose, pose).explanation is None


def test_bad_input_is_one_sentence_about_what_came():
    photo = smooth_photo((90, 80))
    pose = standing(50.0, (40.0, 45.0), (90, 80))
    nobody = replace(pose, visible=torch.zeros(18, dtype=torch.bool))
    far = replace(pose, xy=pose.xy + 500)
    generator = CopySource(PAD)
    for source, target, words in (
        (nobody, pose, "photo is without a person's pose"),
        (pose, nobody, "wanted picture is without a person's pose"),
        (far, pose, "lie outside"),
        (pose.resize((45, 40)), pose, "45x40 pixels, the photo has 90x80"),
        (face(), pose, "No visible joint"),
    ):
        with pytest.raises(BadInput, match=words):
            transfer(generator, photo, source, target)
    with pytest.raises(BadInput, match="8-bit RGB"):
        transfer(generator, photo.float(), pose, pose)
    generator.condition = View
    with pytest.raises(BadInput, match="View"):
        transfer(generator, photo, pose, pose)


def face():
    """A pose of which only joints are seen that no body has."""
    skeleton = SKELETONS["face68"]
    visible = torch.tensor(["jaw" in joint for joint in skeleton.joints])
    return Pose(torch.rand(68, 2) * 50, visible, (90, 80), skeleton)


def test_a_photo_may_be_a_file(tmp_path):
    photo = smooth_photo((90, 80))
    Image.fromarray(photo.numpy()).save(tmp_path / "photo.png")
    pose = standing(50.0, (40.0, 45.0), (90, 80))
    answer = transfer(White(PAD), tmp_path / "photo.png", pose, pose)
    assert torch.equal(answer.picture, transfer(White(PAD), photo, pose, pose).picture)


# Large photos

LARGE = """
import sys
from tests.test_pipeline import *
from reposer.core import BadInput
from reposer.data.pictures import read_picture, write_picture
def moved(path, height, centre):
    photo = read_picture(path)
    pose = standing(height, centre, tuple(photo.shape[:2]))
    other = standing(height, centre, tuple(photo.shape[:2]), raise_arms=True)
    answer = transfer(White(SQUASH), photo, pose, other, picture_size=PERSON).picture
    del photo
    write_picture(path.replace("-photo", "-answer"), answer)
"""


@pytest.mark.slow
def test_memory_does_not_follow_the_longest_side_of_a_photo(tmp_path):
    wide, panorama, photo = (str(tmp_path / f"{k}-photo.png") for k in range(3))
    for path, size in ((wide, (65_000, 60)), (panorama, (10_000, 1_000)), (photo, (1_500, 2_000))):
        Image.new("RGB", size, (90, 120, 60)).save(path)
    work = f"""
moved({wide!r}, 50, (30_000.0, 30.0))
moved({panorama!r}, 900, (4_500.0, 450.0))
moved({photo!r}, 1_800, (750.0, 900.0))
photo = read_picture({wide!r})
pose = standing(50, (30_000.0, 30.0), (60, 65_000))
low, high = pose.xy.amin(0), pose.xy.amax(0)
spread = replace(pose, xy=(pose.xy - low) / (high - low) * torch.tensor([64_999.0, 59]))
try:
    transfer(White(SQUASH), photo, spread, spread, picture_size=PERSON)
    raise SystemExit("a crop of 6 gigapixels was not refused")
except BadInput as error:
    assert "times the photo's. Give the pose of one person" in str(error), error
"""
    assert megabytes_of(LARGE, work) < 600


@pytest.mark.parametrize("part", [pytest.param(4, marks=pytest.mark.slow), pytest.param(1, marks=pytest.mark.nightly)])
def test_a_photo_of_100_megapixels_is_moved_in_a_gigabyte(part, tmp_path):
    """And a photo with a quarter of its sides in a sixteenth, but for the crop, which is as large."""
    path = str(tmp_path / "a-photo.jpg")
    Image.new("RGB", (8_690 // part, 11_500 // part), (90, 120, 60)).save(path)
    work = f"moved({path!r}, {9_000 // part}, ({4_300 / part}, {5_000 / part}))"
    assert megabytes_of(LARGE, work) < (1_150 if part == 1 else 1_150 // part**2 + 130)


def test_a_pose_that_is_spread_over_a_panorama_is_refused_in_a_sentence():
    size = (60, 30_000)
    pose = standing(50, (300.0, 30.0), size)
    spread = replace(
        pose, xy=(pose.xy - torch.tensor([300.0, 0])) * torch.tensor([1_500.0, 1]) + 15_000 * torch.tensor([1, 0])
    )
    with pytest.raises(BadInput, match=r"times the photo's\. Give the pose of one person, or cut the person out"):
        transfer(White(SQUASH), torch.zeros(*size, 3, dtype=torch.uint8), spread, spread, picture_size=PERSON)


class NotFinite(CopySource):
    """One pixel of what it generates, or of a layer that it explains, is no number."""

    def __init__(self, framing, layer_only=False):
        super().__init__(framing)
        self.layer_only = layer_only

    def forward(self, source, source_pose, target_pose):
        self.broken = source.clone()
        self.broken[..., 0, 0] = float("nan")
        return Generated(source if self.layer_only else self.broken)

    def layers(self, output):
        return {"seen": Layer("picture", self.broken)}


def test_numbers_that_are_not_finite_are_refused_instead_of_shown_black():
    pose = standing(60.0, (35.0, 50.0), (97, 70))
    photo = smooth_photo((97, 70))
    for generator, explain in (
        (NotFinite(SQUASH), False),
        (NotFinite(SQUASH), True),
        (NotFinite(SQUASH, layer_only=True), True),
    ):
        with pytest.raises(BadInput, match=r"not finite for .*this photo and pose"):
            transfer(generator, photo, pose, pose, explain=explain)
