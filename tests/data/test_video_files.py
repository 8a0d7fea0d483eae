"""Clips come in upright, one frame at a time, at one rate; they go out as files that play anywhere."""

from fractions import Fraction

import av
import numpy as np
import pytest
import torch

from reposer.core import BadInput
from reposer.data.video_files import ClipWriter, VideoFile, shown_at
from tests.data.video_clips import moving_square, place, write_clip


def test_a_clip_says_size_rate_and_sound_and_gives_its_frames_in_order(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", moving_square(12), Fraction(30000, 1001))
    clip = VideoFile(path)
    assert clip.size == (64, 48) and clip.fps == Fraction(30000, 1001) and clip.num_frames == 12
    assert not clip.variable and not clip.has_sound
    assert [place(frame) for frame in clip.frames()] == list(range(12))
    assert [place(frame) for frame in clip.frames()] == list(range(12)), "again from the first on"
    assert VideoFile(write_clip(tmp_path / "s.mp4", moving_square(5), sound=("aac", 0.2))).has_sound


@pytest.mark.parametrize("options", [{"bf": "0"}, {"bf": "3"}], ids=["in order", "reordered"])
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi"])
def test_containers_and_reordered_frames_make_no_difference(tmp_path, suffix, options):
    clip = VideoFile(write_clip(tmp_path / f"clip.{suffix}", moving_square(20), options=options))
    assert clip.fps == 25 and clip.num_frames == 20 and not clip.variable
    assert [place(frame) for frame in clip.frames()] == list(range(20))


def test_another_rate_repeats_frames_or_leaves_some_out(tmp_path):
    clip = VideoFile(write_clip(tmp_path / "clip.mp4", moving_square(10), Fraction(10)))
    assert [place(frame) for frame in clip.frames(Fraction(20))] == list(clip.order(Fraction(20)))
    assert list(clip.order(Fraction(20))) == sorted([*range(10), *range(10)])
    assert list(clip.order(Fraction(5))) == [0, 2, 4, 6, 8]
    assert len(list(clip.frames(Fraction(5)))) == 5


def test_a_clip_of_varying_rate_is_shown_at_the_usual_one_of_its_frames(tmp_path):
    times = [0, 40, 80, 120, 320, 360, 400, 440]  # 25 a second, and one frame that stands for 200 ms
    clip = VideoFile(write_clip(tmp_path / "clip.mkv", moving_square(8), times=times))
    assert clip.variable and clip.fps == 25 and clip.num_frames == 8
    assert list(clip.order()) == [0, 1, 2, 3, 3, 3, 3, 3, 4, 5, 6, 7]
    assert [place(frame) for frame in clip.frames()] == list(clip.order())


def test_a_clip_that_was_cut_between_two_key_frames_stays_in_step(tmp_path):
    write_clip(tmp_path / "whole.ts", moving_square(48), options={"bf": "2", "g": "12"})
    with av.open(str(tmp_path / "whole.ts")) as whole, av.open(str(tmp_path / "cut.ts"), "w") as cut:
        stream = cut.add_stream_from_template(whole.streams.video[0])
        for k, packet in enumerate(whole.demux(video=0)):
            if packet.size and k >= 5:
                packet.stream = stream
                cut.mux(packet)
    clip = VideoFile(tmp_path / "cut.ts")
    seen = [place(frame) for frame in clip.frames()]
    assert clip.num_frames == 43 and len(seen) == len(clip.order()) and seen[-30:] == list(range(18, 48))
    assert seen[0] == seen[1] >= 12, "what no decoder gives is the frame after it"


def test_times_that_tremble_within_half_a_frame_are_a_constant_rate():
    assert shown_at([0, 0.034, 0.066, 0.101], Fraction(30)) == [0, 1, 2, 3]


def test_what_cannot_be_used_is_named(tmp_path):
    with pytest.raises(BadInput, match="There is no clip"):
        VideoFile(tmp_path / "none.mp4")
    (tmp_path / "text.mp4").write_text("no clip " * 100)
    with pytest.raises(BadInput, match="cannot be read as a clip"):
        VideoFile(tmp_path / "text.mp4")
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(BadInput, match="cannot be read as a clip"):
        VideoFile(tmp_path / "empty.mp4")
    write_clip(tmp_path / "whole.mp4", moving_square(3))
    strange = (tmp_path / "whole.mp4").read_bytes().replace(b"avc1", b"zzzz")
    (tmp_path / "strange.mp4").write_bytes(strange)
    with pytest.raises(BadInput, match="of a kind that is not known"):
        VideoFile(tmp_path / "strange.mp4")


def test_sound_alone_is_no_clip(tmp_path):
    from tests.data.video_clips import add_tone

    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        add_tone(container, "aac", 0.3)()
    with pytest.raises(BadInput, match="holds no video"):
        VideoFile(tmp_path / "sound.mp4")


def noise(num_frames, size=(64, 48)):
    numbers = np.random.default_rng(0)
    return [numbers.integers(0, 256, (*size, 3), dtype=np.uint8) for _ in range(num_frames)]


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_clip_that_breaks_off_says_after_how_many_frames(tmp_path, suffix):
    path = tmp_path / f"clip.{suffix}"
    frames = noise(60)
    if suffix == "mp4":  # its list of frames has to come first, else nothing is readable
        with ClipWriter(path, Fraction(10)) as clip:
            for frame in frames:
                clip.add(torch.from_numpy(frame))
    else:
        write_clip(path, frames, Fraction(10))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(BadInput, match=r"breaks off after (2\d|3\d) frames"):
        VideoFile(path)


def test_a_clip_whose_list_of_frames_is_cut_off_is_refused(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", noise(20))  # the list is at its end
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(BadInput, match=r"clip\.mp4"):
        VideoFile(path)


def test_damaged_frames_are_named_by_their_number(tmp_path):
    path = tmp_path / "clip.mp4"
    with ClipWriter(path, Fraction(10)) as clip:
        for frame in noise(30):
            clip.add(torch.from_numpy(frame))
    content = bytearray(path.read_bytes())
    start = content.index(b"mdat") + len(content) // 2
    content[start:-100] = bytes(len(content) - 100 - start)
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"is damaged after \d+ frames"):
        list(VideoFile(path).frames())


@pytest.mark.parametrize("size", [(64, 48), (65, 47), (33, 64)])
def test_what_is_written_is_h264_that_plays_anywhere(tmp_path, size):
    path = tmp_path / "clip.mp4"
    rate = Fraction(30000, 1001)
    with ClipWriter(path, rate) as clip:
        for frame in moving_square(7, size):
            clip.add(torch.from_numpy(frame))
        assert not path.exists(), "the file appears whole"
    even = (size[0] + size[0] % 2, size[1] + size[1] % 2)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264" and stream.codec_context.pix_fmt == "yuv420p"
        assert (stream.height, stream.width) == even and stream.average_rate == rate
        assert stream.frames == 7 and not any(packet.pts != packet.dts for packet in container.demux(stream))
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat"), "a browser can begin before it has all"
    read = list(VideoFile(path).frames())
    for frame, picture in zip(read, moving_square(7, size), strict=True):
        assert frame.shape == (*even, 3)
        inner = frame[: size[0], : size[1]].int() - torch.from_numpy(picture).int()
        assert inner.abs().float().mean() < 3
        assert (frame[-1].int() - frame[size[0] - 1].int()).abs().max() < 20, "the last row once more"


def test_colours_come_back_as_they_were(tmp_path):
    colours = [(200, 60, 30), (20, 200, 90), (10, 40, 230), (255, 255, 255), (0, 0, 0), (90, 120, 150)]
    pictures = [torch.tensor(colour, dtype=torch.uint8).expand(32, 32, 3) for colour in colours]
    with ClipWriter(tmp_path / "clip.mp4", Fraction(5), quality=1) as clip:
        for picture in pictures:
            clip.add(picture)
    for frame, picture in zip(VideoFile(tmp_path / "clip.mp4").frames(), pictures, strict=True):
        assert (frame.int() - picture.int()).abs().max() <= 4


def test_a_writer_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), ClipWriter(tmp_path / "clip.mp4", Fraction(5)) as clip:
        clip.add(torch.zeros(32, 32, 3, dtype=torch.uint8))
        raise RuntimeError
    with ClipWriter(tmp_path / "empty.mp4", Fraction(5)):
        pass
    assert not list(tmp_path.iterdir())


def test_words_of_a_clip_that_are_no_text_do_not_keep_it_from_being_read(tmp_path):
    """An MP4 whose description of its encoder is not UTF-8."""
    path = write_clip(tmp_path / "a.mp4", moving_square(3), Fraction(12))
    content = path.read_bytes()
    place_of_words = content.rindex(b"Lavf")
    path.write_bytes(content[:place_of_words] + b"\xb1\xe9\xff\xfe" + content[place_of_words + 4 :])
    assert VideoFile(path).num_frames == 3
