"""A clip that is written in segments is the same whether or not it was broken off."""

from fractions import Fraction

import av
import pytest
import torch

from reposer.animation.segments import SegmentedClip
from reposer.core import BadInput
from reposer.core.work_folder import WorkFolder
from reposer.data.video_files import VideoFile
from tests.data.video_clips import moving_square, place, write_clip

FPS = Fraction(24)
MADE_OF = {"photo": "1", "driving": "2"}


def frames(count):
    return [torch.from_numpy(picture) for picture in moving_square(count)]


def written(out, count, **options):
    clip = SegmentedClip(out, FPS, MADE_OF, length=10, **options)
    for frame in frames(count)[clip.done :]:
        clip.add(frame)
    return clip


def bytes_of_frames(path):
    return torch.stack(list(VideoFile(path).frames()))


def test_segments_join_to_one_clip_with_every_frame_at_its_place(tmp_path):
    out = tmp_path / "clip.mp4"
    written(out, 34).finish()
    clip = VideoFile(out)
    assert clip.num_frames == 34 and clip.fps == FPS and not clip.variable
    assert [place(frame) for frame in clip.frames()] == list(range(34))
    with av.open(str(out)) as container:
        times = [p.pts * p.time_base * FPS for p in container.demux(video=0) if p.size]
        assert times == list(range(34))
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


@pytest.mark.slow
def test_a_clip_that_was_broken_off_goes_on_and_equals_one_that_was_not(tmp_path):
    whole, broken = tmp_path / "whole.mp4", tmp_path / "broken.mp4"
    written(whole, 34).finish()
    written(broken, 27).stop()
    assert not broken.exists()
    again = written(broken, 34)
    assert again.done == 30, "of which the first 20 were there"
    again.finish()
    assert torch.equal(bytes_of_frames(broken), bytes_of_frames(whole))


def test_what_a_kill_leaves_behind_does_no_harm(tmp_path):
    out = tmp_path / "clip.mp4"
    folder = written(out, 27).folder  # never told to stop, as by kill -9
    (folder / "00002.mp4.123.tmp").write_bytes(b"half a clip")
    (folder / "00002.safetensors").write_bytes(b"the memory of a segment that was not ended")
    again = written(out, 34)
    again.finish()
    assert [place(frame) for frame in VideoFile(out).frames()] == list(range(34))
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_the_memory_of_the_last_safe_frame_comes_back_exactly(tmp_path):
    out = tmp_path / "clip.mp4"
    clip = SegmentedClip(out, FPS, MADE_OF, length=10)
    assert clip.done == 0 and clip.memory == {}
    for k, frame in enumerate(frames(15)):
        clip.add(frame, {"drawn": torch.full((3, 2, 2), k / 7)})
    clip.stop()
    again = SegmentedClip(out, FPS, MADE_OF, length=10)
    assert again.done == 10 and torch.equal(again.memory["drawn"], torch.full((3, 2, 2), 9 / 7))


def test_another_clips_segments_are_refused_unless_they_are_to_be_forgotten(tmp_path):
    out = tmp_path / "clip.mp4"
    written(out, 12).stop()
    other = MADE_OF | {"photo": "3"}
    with pytest.raises(BadInput, match=r"beginning of another clip \(other: photo\).*--anew"):
        SegmentedClip(out, FPS, other, length=10)
    with pytest.raises(BadInput, match="fps"):
        SegmentedClip(out, Fraction(25), MADE_OF, length=10)
    assert SegmentedClip(out, FPS, other, length=10, anew=True).done == 0


def test_a_clip_is_made_by_one_run_at_a_time(tmp_path):
    out = tmp_path / "clip.mp4"
    first = written(out, 12)
    for options in ({}, {"anew": True}):
        with pytest.raises(BadInput, match="in use: another process makes a clip there"):
            SegmentedClip(out, FPS, MADE_OF, length=10, **options)
    first.stop()
    again = written(out, 12)
    again.finish()
    assert [place(frame) for frame in VideoFile(out).frames()] == list(range(12))


def test_an_early_stop_leaves_nothing_and_no_frames_are_an_error(tmp_path):
    written(tmp_path / "clip.mp4", 5).stop()
    assert not list(tmp_path.iterdir())
    with pytest.raises(BadInput, match="no frame"):
        written(tmp_path / "clip.mp4", 0).finish()
    assert not list(tmp_path.iterdir())
    with pytest.raises(BadInput, match=r"\.mp4"):
        SegmentedClip(tmp_path / "clip.avi", FPS, MADE_OF)


def heard(path):
    """Codec, seconds, and the tone's loudness of a clip's sound."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        pieces = [torch.from_numpy(f.to_ndarray()).float().flatten() for f in container.decode(stream)]
        wave = torch.cat(pieces)
        return stream.codec_context.name, len(wave) / stream.rate, float(wave.std())


@pytest.mark.parametrize("suffix, codec", [("mp4", "aac"), ("mp4", "mp3"), ("mkv", "flac"), ("mkv", "libopus")])
def test_the_sound_of_the_driving_clip_comes_along(tmp_path, suffix, codec):
    driving = write_clip(tmp_path / f"driving.{suffix}", moving_square(34), FPS, sound=(codec, 34 / 24))
    out = tmp_path / "clip.mp4"
    written(out, 34).finish(sound=driving)
    name, seconds, loud = heard(out)
    assert name == "aac" and abs(seconds - 34 / 24) < 0.1 and loud > 0.1
    assert [place(frame) for frame in VideoFile(out).frames()] == list(range(34))


def test_copied_sound_is_the_same_to_the_byte_and_ends_with_the_frames(tmp_path):
    driving = write_clip(tmp_path / "driving.mp4", moving_square(48), FPS, sound=("aac", 2.0))
    out = tmp_path / "clip.mp4"
    written(out, 24).finish(sound=driving)

    def packets(path):
        with av.open(str(path)) as container:
            return [bytes(packet) for packet in container.demux(audio=0) if packet.size]

    ours, theirs = packets(out), packets(driving)
    assert ours == theirs[: len(ours)] and abs(heard(out)[1] - 1.0) < 0.1


def test_sound_that_pauses_is_silent_meanwhile_and_not_early_after_it(tmp_path):
    sound = ("pcm_s16le", 2.0, (0.5, 1.25))
    driving = write_clip(tmp_path / "driving.mkv", moving_square(48), FPS, sound=sound)
    out = tmp_path / "clip.mp4"
    written(out, 48).finish(sound=driving)
    with av.open(str(out)) as container:
        stream = container.streams.audio[0]
        wave = torch.cat([torch.from_numpy(f.to_ndarray())[0] for f in container.decode(stream)])
        loud = [wave[int(a * stream.rate) : int((a + 0.1) * stream.rate)].std() > 0.1 for a in (0.2, 0.8, 1.5, 1.8)]
    assert abs(len(wave) / stream.rate - 2.0) < 0.1 and loud == [True, False, True, True]


def test_sound_of_an_unknown_kind_is_told_and_the_frames_stay(tmp_path):
    driving = write_clip(tmp_path / "driving.mkv", moving_square(12), FPS, sound=("aac", 0.5))
    driving.write_bytes(driving.read_bytes().replace(b"A_AAC", b"A_ZZZ"))
    clip = written(tmp_path / "clip.mp4", 12)
    with pytest.raises(BadInput, match="--no-sound"):
        clip.finish(sound=driving)
    assert not (tmp_path / "clip.mp4").exists()
    again = written(tmp_path / "clip.mp4", 12)
    assert again.done == 12
    again.finish()
    assert VideoFile(tmp_path / "clip.mp4").num_frames == 12


def test_a_kill_while_the_folder_goes_leaves_a_whole_clip_and_nothing_to_go_on_from(tmp_path, monkeypatch):
    out = tmp_path / "clip.mp4"
    clip = written(out, 34)
    with monkeypatch.context() as killed:
        killed.setattr(WorkFolder, "remove", lambda work: (work.path / "00001.mp4").unlink())
        clip.finish()
    clip._work.release()
    assert VideoFile(out).num_frames == 34 and clip.folder.exists()
    assert SegmentedClip(out, FPS, MADE_OF, length=10).done == 0


def test_a_clip_without_sound_gives_none(tmp_path):
    driving = write_clip(tmp_path / "driving.mp4", moving_square(12), FPS)
    written(tmp_path / "clip.mp4", 12).finish(sound=driving)
    assert not VideoFile(tmp_path / "clip.mp4").has_sound


@pytest.mark.parametrize("name", ["clip.mp4.segments", "clip.mp4.reposer-segments"])
def test_a_users_folder_beside_the_clip_is_never_touched(tmp_path, name):
    mine = tmp_path / name / "00000.mp4"
    mine.parent.mkdir()
    mine.write_bytes(b"a film of mine")
    if name.endswith("reposer-segments"):
        for anew in (False, True):
            with pytest.raises(BadInput, match="not a work folder of Reposer"):
                written(tmp_path / "clip.mp4", 12, anew=anew)
    else:
        written(tmp_path / "clip.mp4", 12).finish()
    assert mine.read_bytes() == b"a film of mine" and list(mine.parent.iterdir()) == [mine]


def test_what_a_user_puts_among_the_segments_stays_when_they_go(tmp_path):
    clip = written(tmp_path / "clip.mp4", 12)
    (clip.folder / "notes.txt").write_text("mine")
    clip.finish()
    assert [path.name for path in clip.folder.iterdir()] == ["notes.txt"]
