"""`reposer personalize`: no frame is both trained on and scored, and only what is better is written."""

import json
from fractions import Fraction

import pytest
import torch

import reposer.personalize
from reposer.cli import main
from reposer.core import BadInput, Batch, Framing, Pose
from reposer.core.skeleton import COCO_17
from reposer.data.folder import Folder
from reposer.data.pictures import write_picture
from reposer.data.poses import read_pose, write_pose_json, write_track
from reposer.generators import GENERATORS, load, save
from reposer.nn.weights import read_header, sha256
from reposer.personalize import HeldOut, Personalized, _stored
from tests.data.video_clips import moving_square, write_clip
from tests.estimators.synthetic_photos import side_by_side, somebody
from tests.test_pipeline import smooth_photo, standing

SIZE = (64, 48)


@pytest.fixture
def clip(tmp_path):
    """40 frames of a person who sinks."""
    write_clip(tmp_path / "me.mp4", moving_square(40, SIZE), Fraction(10))
    poses = Pose.stack([standing(40.0, (20.0, 28.0 + t / 8), SIZE, True) for t in range(40)])
    write_track(tmp_path / "me.json", poses, 10)
    return tmp_path / "me.mp4"


@pytest.fixture
def model(tmp_path):
    torch.manual_seed(0)
    save(GENERATORS["trueflow"]().tiny().build().eval(), tmp_path / "base.safetensors")
    return tmp_path / "base.safetensors"


def command(folder, source, model, *more):
    places = ["--out", str(folder / "mine.safetensors"), "--work", str(folder / "work"), "--model", str(model)]
    return ["personalize", str(source), *places, "--threads", "1", *more]


def frames_of(source, folder, track=None):
    return _stored(source, folder / "frames", track, None, lambda frames, total: frames)


def test_the_last_frames_of_a_clip_are_held_out_after_a_gap(clip, tmp_path):
    frames = frames_of(clip, tmp_path)
    own, held_out = (Folder(frames, split).poses for split in ("train", "test"))
    assert len(own) == 30 and len(held_out) == 8  # 40 frames: 75 % and 20 %
    height = own["person_train0000.png"].size[0]
    lowest = [max(float(p.xy[:, 1].max()) for p in poses.values()) for poses in (own, held_out)]
    highest_held_out = min(float(p.xy[:, 1].max()) for p in held_out.values())
    step = (1 / 8) * height / 64  # of the person between two frames, at the size of the stored frames
    assert lowest[0] < lowest[1] and highest_held_out - lowest[0] >= 2 * step


def test_pairs_go_from_frames_trained_on_to_frames_held_out(clip, tmp_path):
    frames = frames_of(clip, tmp_path)
    shown = HeldOut(frames, Framing((64, 32)))
    assert 0 < len(shown) <= 40
    for i in range(len(shown)):
        source, target = shown.picture_names(i)
        assert source.startswith("person_train") and target.startswith("person_test")


@pytest.mark.slow
def test_joints_of_every_frame_are_those_that_the_network_takes(clip, tmp_path):
    """As a pose estimator finds them: in a skeleton of its own."""
    frames = frames_of(clip, tmp_path)
    for path in frames.rglob("person_*.json"):
        write_pose_json(path, read_pose(path).convert(COCO_17))
    shown = HeldOut(frames, Framing((64, 48), fit="pad"))
    assert {pose.skeleton.name for pose in shown.poses.values()} == {"openpose18"}
    batch = Batch.stack([shown[i] for i in range(2)])
    assert batch.target_pose.visible.any() and batch.target_pose.skeleton == batch.source_pose.skeleton


def test_a_photo_that_equals_one_held_out_is_left_out(tmp_path):
    for k in range(6):
        write_picture(
            tmp_path / f"p_{k}.png",
            smooth_photo(SIZE) if k in (0, 5) else smooth_photo(SIZE).flip(k % 2).roll(9 * k, 0),
        )
        write_pose_json(tmp_path / f"p_{k}.json", standing(40.0, (22.0 + k, 30.0), SIZE))
    told = json.loads((frames_of(tmp_path, tmp_path / "work") / "frames.json").read_text())
    assert told["left_out"] == {"p_0.png": "it equals a photo that is held out"}
    assert (told["trained_on"], told["held_out"]) == (4, 1)


def test_the_same_part_of_both_frames_is_cut_so_a_pair_of_one_frame_is_equal(clip, tmp_path):
    frames = frames_of(clip, tmp_path)
    pairs = Folder(frames, "train", Framing((64, 32)), together=True)
    apart = Folder(frames, "train", Framing((64, 32)))
    pair = pairs[0]
    row = pairs.rows[0]
    shift = pairs.poses[row.target_name].xy - pairs.poses[row.source_name].xy
    seen = pair.source_pose.visible & pair.target_pose.visible
    moved = (pair.target_pose.xy - pair.source_pose.xy)[seen]
    ratio = moved[:, 1] / shift[seen][:, 1]
    assert ratio.std() < 1e-3, "one scale for both"
    assert pair.source.shape == (3, 64, 32) and len(pairs) == len(apart)


@pytest.mark.slow
def test_the_result_is_better_on_held_out_frames_and_every_command_takes_it(clip, model, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(reposer.personalize, "MANY_STEPS", 24)  # on any machine, and long before the minutes are over
    assert main(command(tmp_path, clip, model, "--minutes", "1000")) == 0
    said = capsys.readouterr()
    assert "before" in said.out and "8 frames were held out" in " ".join(said.err.split())
    header = json.loads(read_header(tmp_path / "mine.safetensors")["reposer"])
    assert header["personalised from"] == sha256(model) and header["frames"] == {"trained on": 30, "held out": 8}
    scores = header["held-out l1-limbs"]
    assert scores["after"] < scores["before"]
    base, mine = load(model).state_dict(), load(tmp_path / "mine.safetensors").state_dict()
    changed = {name for name in base if not torch.equal(base[name], mine[name])}
    assert changed and all(name.startswith(("paint.", "geometry.target_net.")) for name in changed)
    assert (tmp_path / "mine-before-after.png").is_file()


@pytest.mark.slow
def test_what_is_not_better_is_not_written_and_the_exit_code_says_so(clip, model, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(reposer.personalize, "MANY_STEPS", 1)
    monkeypatch.setattr(reposer.personalize, "DECIDES", "psnr")  # a bit up or down: decided by the next line
    real = reposer.personalize.evaluate
    reports = []

    def twice_the_same(generate, *more, **named):
        reports.append(reports[0] if reports else real(generate, *more, **named))
        return reports[-1]

    monkeypatch.setattr(reposer.personalize, "evaluate", twice_the_same)
    assert main(command(tmp_path, clip, model)) == 1
    assert "is not written" in capsys.readouterr().err
    assert not (tmp_path / "mine.safetensors").exists()


@pytest.mark.slow
def test_too_few_frames_other_families_and_other_frames_in_the_work_folder_are_refused(clip, model, tmp_path, capsys):
    (tmp_path / "few").mkdir()
    for k in range(2):
        write_picture(tmp_path / "few" / f"p_{k}.png", smooth_photo(SIZE))
        write_pose_json(tmp_path / "few" / f"p_{k}.json", standing(40.0, (22.0, 30.0), SIZE))
    assert main(command(tmp_path, tmp_path / "few", model)) == 2
    assert "to train on" in capsys.readouterr().err
    torch.manual_seed(0)
    save(GENERATORS["pg2"]().tiny().build().eval(), tmp_path / "pg2.safetensors")
    assert main(command(tmp_path, clip, tmp_path / "pg2.safetensors")) == 2
    assert "not of the family trueflow" in " ".join(capsys.readouterr().err.split())
    frames_of(clip, tmp_path / "work")
    write_clip(tmp_path / "other.mp4", moving_square(30, SIZE), Fraction(10))
    assert main(command(tmp_path, tmp_path / "other.mp4", model, "--track", str(tmp_path / "me.json"))) == 2
    assert "holds other frames" in capsys.readouterr().err
    assert main(["personalize", str(clip), "--out", str(clip)]) == 2


def test_frames_of_a_clip_of_varying_rate_keep_their_own_joints(tmp_path):
    times = [33 * k if k < 20 else 33 * 20 + 17 * (k - 20) for k in range(40)]  # the second half twice as fast
    write_clip(tmp_path / "me.mp4", moving_square(40, SIZE), times=times, options={"bf": "0", "crf": "1"})
    rows = [standing(40.0, (20.0, 4.0 + t % 56), SIZE) for t in range(40)]  # the hip follows the square
    write_track(tmp_path / "me.json", Pose.stack(rows), 30)
    frames = frames_of(tmp_path / "me.mp4", tmp_path)
    apart = []
    for split in ("train", "test"):
        data = Folder(frames, split)
        for name, pose in data.poses.items():
            rows = (data.picture(name).float().mean(-1) > 120).nonzero()[:, 0].float()
            apart.append(float(pose.xy[:, 1].mean() - rows.mean()))
    assert len(apart) > 20 and max(apart) - min(apart) < 1.5


def people(folder, shift):
    folder.mkdir(exist_ok=True)
    for k in range(6):
        write_picture(folder / f"{k}.png", smooth_photo(SIZE).roll(k + shift, 1))
        write_pose_json(folder / f"{k}.json", standing(40.0, (20.0 + k, 32.0), SIZE))
    return folder


def test_a_work_folder_belongs_to_the_contents_of_photos_and_tracks_not_to_their_names(clip, tmp_path):
    photos = people(tmp_path / "photos", 0)
    frames_of(photos, tmp_path / "a")
    assert frames_of(photos, tmp_path / "a") == tmp_path / "a/frames"
    write_pose_json(photos / "0.json", standing(41.0, (20.0, 32.0), SIZE))
    with pytest.raises(BadInput, match="holds other frames"):
        frames_of(photos, tmp_path / "a")
    frames_of(photos, tmp_path / "b")
    people(photos, 3)
    with pytest.raises(BadInput, match="holds other frames"):
        frames_of(photos, tmp_path / "b")
    frames_of(clip, tmp_path / "c")
    track = clip.with_suffix(".json")
    track.write_text(track.read_text().replace("28.0", "28.5"))
    with pytest.raises(BadInput, match="holds other frames"):
        frames_of(clip, tmp_path / "c")


def test_frames_that_a_kill_left_of_another_source_do_not_stay(clip, tmp_path):
    (tmp_path / "frames/train").mkdir(parents=True)
    write_picture(tmp_path / "frames/train/person_train0099.png", smooth_photo(SIZE))
    frames = frames_of(clip, tmp_path)
    assert not (frames / "train/person_train0099.png").exists() and len(list((frames / "train").glob("*.png"))) == 30


def test_of_many_notes_the_first_are_told_and_where_the_others_are(clip, model, tmp_path, capsys, monkeypatch):
    notes = [f"photo {k} shows two people" for k in range(7)]
    stopped = Personalized(0, 0, {}, 0.0, 0, signal=15, notes=notes)
    monkeypatch.setattr(reposer.personalize, "personalize", lambda *of, **how: stopped)
    assert main(command(tmp_path, clip, model)) == 143
    said = " ".join(capsys.readouterr().err.split())
    assert "photo 4 shows" in said and "photo 5 shows" not in said
    assert "... and 2 more notes: " in said and said.replace(" ", "").count("work/frames/frames.json") == 1


@pytest.mark.slow
def test_several_people_in_frames_without_joints_are_told(tmp_path):
    (tmp_path / "photos").mkdir()
    for k in range(5):
        picture = side_by_side(1.0, 1.6)[0] if k == 0 else (somebody(k % 2)[0] * (1 - k / 20)).byte()
        write_picture(tmp_path / "photos" / f"{k}.png", picture)
    frames_of(tmp_path / "photos", tmp_path)
    (note,) = json.loads((tmp_path / "frames/frames.json").read_text())["notes"]
    assert "1 of 5 photos show several people; the largest is taken in each" in note
