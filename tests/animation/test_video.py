"""A photo moves: one crop, one placing, one frame a pose, nothing held but what the next frame needs."""

import itertools
import weakref
from collections import Counter
from dataclasses import replace

import pytest
import torch

from reposer import pipeline
from reposer.animation.video import PhotoAnimation, beside, sticks, turntable
from reposer.core import BadInput, FaceLines, Framing, Generated, Generator, Pose, View
from reposer.core.skeleton import COCO_17, FACE_68, H36M_17, OPENPOSE_18
from reposer.generators import GENERATORS
from reposer.generators.trueflow import source as source_file
from reposer.nn.steady import Steadier
from reposer.pipeline import transfer
from tests.core.test_retargeting import standing as body
from tests.test_pipeline import PAD, PERSON, SQUASH, CopySource, NotFinite, smooth_photo, standing

SIZE = (120, 100)
SOURCE = standing(80.0, (50.0, 60.0), SIZE)
PHOTO = smooth_photo(SIZE)


class Spotlight(CopySource):
    """Generates the source, and white where the left wrist is to be."""

    def forward(self, source, source_pose, target_pose):
        wrist = target_pose.xy[:, self.skeleton.index("left_wrist")].round().long()
        generated = source.clone()
        for row, (x, y) in enumerate(wrist.tolist()):
            generated[row, :, max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3] = 1
        return Generated(generated)


class Fading(Spotlight):
    """Each frame is half of the one before."""

    remembers = True

    def begin(self, source, source_pose, previous=None):
        return source, source_pose, source if previous is None else previous[0]

    def frame(self, memory, target_pose, seeds=None):
        source, source_pose, before = memory
        output = Generated((before + self(source, source_pose, target_pose).picture) / 2)
        return output, (source, source_pose, output.picture)


def clip(num_frames, size=SIZE, height=80.0, step=0.5):
    """Somebody who walks to the right."""
    x, y = size[1] / 2, size[0] / 2
    return Pose.stack([standing(height, (x + step * t, y), size) for t in range(num_frames)])


def test_one_pose_is_generated_as_transfer_generates_it():
    target = standing(80.0, (56.0, 58.0), SIZE, raise_arms=True)
    wanted = transfer(Spotlight(PAD), PHOTO, SOURCE, target, picture_size=PERSON).picture
    animation = PhotoAnimation(Spotlight(PAD), PHOTO, SOURCE, Pose.stack([target]), picture_size=PERSON)
    (frame,) = animation.frames()
    assert torch.equal(frame.picture, wanted)


@pytest.fixture(scope="module")
def trueflow():
    torch.manual_seed(0)
    return GENERATORS["trueflow"]().tiny().build().eval()


def test_a_frame_is_composed_at_the_photos_size_as_transfer_composes_it(trueflow):
    target = standing(80.0, (56.0, 58.0), SIZE, raise_arms=True)
    wanted = transfer(trueflow, PHOTO, SOURCE, target).picture
    (frame,) = PhotoAnimation(trueflow, PHOTO, SOURCE, Pose.stack([target])).frames()
    assert torch.equal(frame.picture, wanted) and not torch.equal(wanted, PHOTO)


def test_what_depends_on_the_photo_alone_is_computed_once_for_a_clip(trueflow, monkeypatch):
    counted = Counter()
    once = [(pipeline, "known_of"), (type(trueflow), "at_rest"), (type(trueflow), "begin")]
    rules = "source_arms", "source_head", "source_faces", "source_sides", "hands_in_front", "shown_arms", "without_rim"
    once += [(source_file, name) for name in rules]
    for place, name in once:
        own = getattr(place, name)

        def watched(*arguments, own=own, name=name):
            counted[name] += 1
            return own(*arguments)

        monkeypatch.setattr(place, name, watched)
    frames = list(PhotoAnimation(trueflow, PHOTO, SOURCE, clip(4)).frames())
    assert counted == {name: 1 for _, name in once}
    backgrounds = [frame.memory["background"] for frame in frames]
    assert all(torch.equal(backgrounds[0], other) for other in backgrounds), "what was filled stays as it is"


@pytest.mark.slow
@pytest.mark.parametrize("steady", [False, True], ids=["as generated", "steadied"])
def test_a_composed_clip_that_goes_on_equals_an_unbroken_one(trueflow, steady):
    def animation():
        return PhotoAnimation(trueflow, PHOTO, SOURCE, clip(4), steadier=Steadier() if steady else None)

    unbroken = list(animation().frames())
    for ours, theirs in zip(animation().frames(2, unbroken[1].memory), unbroken[2:], strict=True):
        assert torch.equal(ours.picture, theirs.picture)


def test_every_pose_makes_a_frame_of_the_photos_size_and_outside_of_the_one_crop_nothing_changes():
    photo = smooth_photo((200, 300))
    source = standing(80.0, (120.0, 100.0), (200, 300))
    poses = clip(6, (200, 300), step=-4.0)
    animation = PhotoAnimation(Spotlight(PAD), photo, source, poses, picture_size=PERSON)
    left, top, right, bottom = animation.crop.edges
    outside = torch.ones(200, 300, dtype=torch.bool)
    outside[max(top, 0) : bottom, max(left, 0) : right] = False
    frames = list(animation.frames())
    assert len(frames) == 6 and outside.any()
    for frame in frames:
        assert frame.picture.shape == photo.shape and torch.equal(frame.picture[outside], photo[outside])
        joints = frame.pose.box()
        assert left - 1 <= joints[0] and right + 1 >= joints[2], "the crop holds the whole walk"


def test_one_similarity_places_the_clip_so_that_a_walk_stays_a_walk():
    walk = clip(5, (240, 200), height=160.0, step=7.0)  # twice as large, in a clip of its own
    frames = list(PhotoAnimation(Spotlight(PAD), PHOTO, SOURCE, walk, picture_size=PERSON).frames())
    hips = torch.stack([frame.pose.xy[OPENPOSE_18.index("left_hip")] for frame in frames])
    assert torch.allclose(hips[0], SOURCE.xy[OPENPOSE_18.index("left_hip")], atol=0.01)
    assert torch.allclose(hips.diff(dim=0), torch.tensor([3.5, 0.0]).expand(4, 2), atol=0.01)


@pytest.mark.parametrize("known", [True, False], ids=["track", "stream"])
def test_another_persons_clip_gets_the_photos_proportions_by_one_scale_and_keeps_its_ground(known):
    # somebody else, larger and with longer legs, walks; the ankles are not always found
    source = body(size=SIZE, at=(50.0, 55.0), stature=110.0)
    frames = [body(legs=1.12, size=(240, 200), at=(80.0 + 7 * t, 110.0), stature=200.0) for t in range(6)]
    ankles = [OPENPOSE_18.index(f"{side}_ankle") for side in ("right", "left")]
    walk = Pose.stack(frames)
    walk.visible[3, ankles] = False

    def poses(**options):
        animation = PhotoAnimation(Spotlight(PAD), PHOTO, source, walk if known else iter(walk), **options)
        return Pose.stack([frame.pose for frame in animation.frames()])

    fitted, placed = poses(), poses(retargeted=False)
    for a, b in (("right_hip", "right_knee"), ("right_knee", "right_ankle"), ("neck", "right_hip")):
        i, j = OPENPOSE_18.index(a), OPENPOSE_18.index(b)
        lengths = (fitted.xy[:, i] - fitted.xy[:, j]).norm(dim=-1)[fitted.visible[:, j]]
        own = float((source.xy[i] - source.xy[j]).norm())
        assert lengths.tolist() == pytest.approx([own] * len(lengths), abs=0.05), (
            "each limb is the photo's, in every frame"
        )
    ground, hips = fitted.xy[:, ankles, 1].amax(-1), fitted.xy[:, OPENPOSE_18.index("right_hip"), 1]
    shown = fitted.visible[:, ankles[0]]
    assert ground[shown].tolist() == pytest.approx([float(source.xy[ankles, 1].max())] * 5, abs=0.05)
    assert hips.tolist() == pytest.approx([float(hips[0])] * 6, abs=0.05), "also where no ankle is found"
    knee, ankle = OPENPOSE_18.index("right_knee"), ankles[0]
    shin = float((placed.xy[0, knee] - placed.xy[0, ankle]).norm())
    assert shin > 1.03 * float((source.xy[knee] - source.xy[ankle]).norm())


def test_a_clip_of_somebody_seen_to_the_hips_moves_the_photos_own_legs_along():
    legs = [OPENPOSE_18.index(f"{side}_{joint}") for side in ("right", "left") for joint in ("knee", "ankle")]
    walk = clip(4, (240, 200), height=160.0, step=6.0)
    walk.visible[:, legs] = False
    animation = PhotoAnimation(Spotlight(PAD), PHOTO, SOURCE, walk)
    poses = [frame.pose for frame in animation.frames()]
    assert len(animation.inferred) == 4
    hip = OPENPOSE_18.index("right_hip")
    for pose in poses:
        assert pose.visible[legs].all()
        assert torch.allclose(pose.xy[legs[1]] - pose.xy[hip], SOURCE.xy[legs[1]] - SOURCE.xy[hip], atol=0.01)
    streamed = PhotoAnimation(Spotlight(PAD), PHOTO, SOURCE, iter(walk))
    assert not next(streamed.frames()).pose.visible[legs].any() and not streamed.inferred


def test_the_clip_is_placed_by_the_first_frame_that_shows_enough():
    walk = clip(4, (240, 200), height=160.0)
    visible = walk.visible.clone()
    visible[:2, 2:] = False  # nose and neck alone say little about the size
    ours = list(PhotoAnimation(Spotlight(PAD), PHOTO, SOURCE, replace(walk, visible=visible)).frames())
    wanted = list(PhotoAnimation(Spotlight(PAD), PHOTO, SOURCE, walk[2:]).frames())
    assert len(ours) == 4 and torch.allclose(ours[-1].pose.xy, wanted[-1].pose.xy)


@pytest.mark.parametrize("known", [True, False], ids=["track", "stream"])
def test_frames_that_show_nobody_keep_the_pose_before_and_the_first_ones_wait(known):
    poses = clip(8)
    visible = poses.visible.clone()
    visible[[0, 1, 4, 7]] = False
    poses = replace(poses, visible=visible)
    animation = PhotoAnimation(Spotlight(PAD), PHOTO, SOURCE, poses if known else iter(poses))
    generated = [frame.pose.xy[0, 0].item() for frame in animation.frames()]
    wanted = [poses.xy[t, 0, 0].item() for t in (2, 2, 2, 3, 3, 5, 6, 6)]
    assert generated == pytest.approx(wanted) and animation.missing == 4


@pytest.mark.parametrize("known", [True, False], ids=["track", "stream"])
def test_a_clip_without_anybody_is_refused(known):
    poses = replace(clip(5), visible=torch.zeros(5, 18, dtype=torch.bool))
    with pytest.raises(BadInput, match="None of the 5 driving frames shows a person"):
        list(PhotoAnimation(Spotlight(PAD), PHOTO, SOURCE, poses if known else iter(poses)).frames())


def test_frames_come_as_the_poses_come():
    asked = []

    def endless():
        for t in itertools.count():
            asked.append(t)
            yield standing(80.0, (50.0 + t, 60.0), SIZE)

    frames = PhotoAnimation(Spotlight(PAD), PHOTO, SOURCE, endless()).frames()
    for t in range(4):
        next(frames)
        assert asked[-1] == t, "no pose after that of the frame"


def alive_at_most(num_frames, generator, **options):
    """How many of the frames so far are in memory at a time, generated and pasted ones."""
    held, most = [], 0
    animate = generator.animate

    def watched(*arguments, **named):
        for generated in animate(*arguments, **named):
            held.append(weakref.ref(generated))
            yield generated
            del generated

    generator.animate = watched
    poses = (standing(80.0, (50.0 + t / 10, 60.0), SIZE) for t in range(num_frames))
    for frame in PhotoAnimation(generator, PHOTO, SOURCE, poses, **options).frames():
        held.append(weakref.ref(frame.picture))
        del frame
        held = [reference for reference in held if reference() is not None]
        most = max(most, len(held))
    return most


@pytest.mark.slow
@pytest.mark.parametrize("family", [Spotlight, Fading])
def test_a_hundred_frames_need_no_more_memory_than_ten(family):
    assert alive_at_most(10, family(PAD)) == alive_at_most(100, family(PAD)) <= 4
    few, many = (alive_at_most(n, family(PAD), steadier=Steadier()) for n in (5, 20))
    assert few == many <= 6


@pytest.mark.slow
@pytest.mark.parametrize("family", [Spotlight, Fading])
@pytest.mark.parametrize("steady", [False, True], ids=["as generated", "steadied"])
def test_a_clip_that_goes_on_after_any_frame_equals_an_unbroken_one(family, steady):
    def animation():
        return PhotoAnimation(family(PAD), PHOTO, SOURCE, clip(9), steadier=Steadier() if steady else None)

    unbroken = list(animation().frames())
    for start in (1, 4, 8):
        rest = list(animation().frames(start, unbroken[start - 1].memory))
        assert len(rest) == 9 - start
        for ours, theirs in zip(rest, unbroken[start:], strict=True):
            assert torch.equal(ours.picture, theirs.picture)
    assert not list(animation().frames(9, unbroken[-1].memory))
    assert bool(unbroken[0].memory) == (steady or family.remembers)


def test_source_and_driving_poses_may_have_skeletons_of_their_own():
    class Mixed(Spotlight):
        source_skeleton = COCO_17

        def forward(self, source, source_pose, target_pose):
            return Generated(source)

    generator = Mixed(PAD, H36M_17)
    (frame,) = PhotoAnimation(generator, PHOTO, SOURCE, clip(1, (60, 50), 40.0)).frames()
    _, source_pose, target_pose, _ = generator.asked
    assert source_pose.skeleton == COCO_17 and target_pose.skeleton == frame.pose.skeleton == H36M_17
    knee = H36M_17.index("left_knee")
    assert torch.allclose(frame.pose.xy[knee], SOURCE.xy[OPENPOSE_18.index("left_knee")], atol=0.01)
    transfer(generator, PHOTO, SOURCE, SOURCE)
    assert generator.asked[1].skeleton == COCO_17 and generator.asked[2].skeleton == H36M_17


def face(size, scale, place, open_mouth=0.0):
    """Landmarks on a ring, the mouth's lower lip moved down."""
    angle = torch.arange(68) * (2 * torch.pi / 68)
    radius = 1 + torch.arange(68) % 3
    xy = torch.stack([angle.cos() * radius, angle.sin() * radius], -1) * scale + torch.tensor(place)
    xy[FACE_68.index("lips_bottom"), 1] += open_mouth
    return Pose(xy.float(), torch.ones(68, dtype=torch.bool), size, FACE_68)


def test_a_face_is_driven_by_another_persons_landmarks_or_takes_its_own_as_they_are():
    source = face(SIZE, 10.0, (50.0, 60.0))
    rows = [face((90, 90), 5.0, (45.0 + t, 45.0), 2.0 * t) for t in range(3)]
    generator = CopySource(Framing((64, 64), aspect=1.0), FACE_68)
    other = list(PhotoAnimation(generator, PHOTO, source, Pose.stack(rows)).frames())
    assert torch.allclose(other[0].pose.xy, source.xy, atol=0.01), "the first frame is neutral"
    own = Pose.stack([face(SIZE, 10.0, (50.0 + t, 60.0)) for t in range(3)])
    same = list(PhotoAnimation(generator, PHOTO, source, own, same_person=True).frames())
    assert all(torch.equal(frame.pose.xy, pose.xy) for frame, pose in zip(same, own, strict=True))


class Listening(CopySource):
    """Keeps what it is asked with."""

    remembers = True

    def animate(self, source, source_pose, target_poses, *, previous=None, seed=0):
        self.own, self.previous, self.asked = source_pose, previous, []
        for pose in target_poses:
            self.asked.append(pose)
            yield source


def wall(step, size=(90, 90)):
    """Dark, and bright from a column on."""
    picture = torch.full((*size, 3), 40, dtype=torch.uint8)
    picture[:, step:] = 220
    return picture


def test_a_clip_of_the_photos_size_is_placed_only_if_asked():
    poses = Pose.stack([standing(40.0, (30.0, 80.0), SIZE)])
    (kept,) = PhotoAnimation(Spotlight(PAD), PHOTO, SOURCE, poses).frames()
    assert torch.equal(kept.pose.xy, poses[0].xy)
    (fitted,) = PhotoAnimation(Spotlight(PAD), PHOTO, SOURCE, poses, fit=True).frames()
    assert torch.allclose(fitted.pose.xy, SOURCE.xy, atol=0.01)


@pytest.mark.parametrize("same_person", [False, True])
def test_the_edges_of_driving_frames_lie_as_the_rendered_face_does(same_person):
    source = face(SIZE, 10.0, (50.0, 60.0))
    drivers = Pose.stack([face((90, 90), 5.0, (45.0 + t, 45.0)) for t in range(3)])
    walls = [wall(68 + t) for t in range(3)]
    generator = Listening(Framing((64, 64), aspect=1.0, margin=0.5), FACE_68)

    def animation(edge_frames):
        return PhotoAnimation(generator, PHOTO, source, drivers, same_person=same_person, edge_frames=edge_frames)

    edged = animation(walls)
    frames = list(edged.frames())
    asked = generator.asked
    assert [condition.edges.shape for condition in asked] == [(1, 64, 64)] * 3
    for frame, condition, driver, t in zip(frames, asked, drivers, range(3), strict=True):
        assert torch.allclose(condition.points.xy, edged.crop.place(frame.pose).xy)
        # twice as large as the driver's: 23 pixels right of its middle become 46
        middle = frame.pose.xy.mean(0)[0] - 2 * driver.xy.mean(0)[0]
        mark = replace(source, xy=torch.tensor([[2 * (67.5 + t) + float(middle), 60.0]]).expand(68, 2))
        column = float(edged.crop.place(mark).xy[0, 0])
        found = condition.edges[0].nonzero()[:, 1].float()
        assert len(found) > 40 and (found - column).abs().max() < 1.5, (t, column, found)
    assert isinstance(generator.own, FaceLines) and generator.own.edges is not None
    first = asked[0]
    list(animation(walls).frames(1, frames[0].memory))
    _, before = generator.previous
    assert torch.equal(before.edges, first.edges) and torch.equal(before.points.xy, first.points.xy)
    list(animation(None).frames())
    assert all(isinstance(condition, Pose) for condition in generator.asked)
    with pytest.raises(BadInput, match="fewer driving frames than poses"):
        list(animation(walls[:2]).frames())


def test_beside_a_driving_frame_there_are_no_edges():
    """The driver's face fills its frame: laid over the photo's, the frame ends inside the generator's."""
    source, driver = face(SIZE, 6.0, (50.0, 60.0)), face((40, 40), 6.0, (20.0, 20.0))
    generator = Listening(Framing((64, 64), aspect=1.0, margin=1.0), FACE_68)
    edged = PhotoAnimation(
        generator, PHOTO, source, Pose.stack([driver]), edge_frames=[wall(38, (40, 40))], same_person=True
    )
    list(edged.frames())
    (rows, columns) = generator.asked[0].edges[0].nonzero().unbind(1)
    corners = replace(source, xy=torch.tensor([[30.0, 40.0], [69.0, 79.0]]).repeat(34, 1))
    (left, top), (right, bottom) = edged.crop.place(corners).xy[:2].tolist()
    assert len(rows) > 10 and rows.min() > top - 1.5 and rows.max() < bottom + 1.5
    assert columns.min() > left and columns.max() < right + 1.5 and bottom < 60


def test_edges_are_for_faces():
    with pytest.raises(BadInput, match="describe faces"):
        PhotoAnimation(Spotlight(PAD), PHOTO, SOURCE, clip(2), edge_frames=[wall(3)] * 2)


class Sides(Generator):
    """A grey that tells the azimuth."""

    framing = Framing((32, 32))
    condition = View

    def forward(self, source, source_pose, target_pose):
        return Generated((target_pose.azimuth / 180 - 1)[:, None, None, None].expand(-1, 3, 32, 32))


def test_a_turntable_shows_the_object_from_each_side_at_the_pictures_size():
    view = View(torch.tensor(20.0), torch.tensor(10.0))
    frames = list(turntable(Sides(), torch.zeros(50, 70, 3, dtype=torch.uint8), view, [0, 90, 270], 10))
    assert [frame.shape for frame in frames] == [(50, 70, 3)] * 3
    assert [frame.float().mean().item() for frame in frames] == pytest.approx([0, 63.75, 191.25], abs=1)
    with pytest.raises(BadInput, match="turns objects"):
        next(turntable(CopySource(PAD), PHOTO, view, [0], 0))


def test_pictures_beside_each_other_are_as_high_as_the_last_and_no_larger_than_asked():
    pictures = [torch.zeros(20, 30, 3, dtype=torch.uint8), PHOTO, torch.zeros(64, 32, 3, dtype=torch.uint8)]
    row, gap = beside(pictures, 1920), 2
    assert row.shape == (64, 96 + gap + round(100 * 64 / 120) + gap + 32, 3)
    assert (row[:, 96 : 96 + gap] == 255).all() and (row[:, -32:] == 0).all()
    for largest in (50, 77, 100, 150):
        height, width, _ = beside(pictures, largest).shape
        assert height == pytest.approx(64 * largest / row.shape[1], abs=2)
        assert largest - 6 <= width <= largest
    assert sticks(SOURCE, height=60).shape == (60, 50, 3)


def test_a_frame_that_is_not_finite_is_refused_instead_of_shown_black():
    size = (97, 70)
    poses = Pose.stack([standing(60.0, (35.0, 50.0), size)] * 2)
    moved = PhotoAnimation(NotFinite(SQUASH), smooth_photo(size), poses[0], poses)
    with pytest.raises(BadInput, match="not finite for a frame of the clip"):
        next(iter(moved.frames()))
