"""What is opened as a clip: video files, and nothing that leads to other files."""

import shlex
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image, features

from reposer.core import BadInput
from reposer.data.video_files import VideoFile

from .video_clips import moving_square, write_clip


def an_animation(path, kind):
    frames = [Image.fromarray(frame) for frame in moving_square(6)]
    frames[0].save(path, kind, save_all=True, append_images=frames[1:], duration=100)
    return path


@pytest.mark.parametrize("kind", ["GIF", "PNG"])
def test_an_animated_gif_or_png_is_a_clip(tmp_path, kind):
    video = VideoFile(an_animation(tmp_path / f"a.{kind.lower()}", kind))
    assert (video.num_frames, video.size, round(video.fps)) == (6, (64, 48), 10 if kind == "GIF" else video.fps)
    assert len(list(video.frames())) == 6


@pytest.mark.parametrize("kind", ["WEBP", "AVIF"])
def test_an_animated_webp_or_avif_is_named_and_the_way_out_works(tmp_path, kind):
    if not features.check(kind.lower()):
        pytest.skip(f"this Pillow has no {kind}")
    path = an_animation(tmp_path / f"it's $(a) dance.{kind.lower()}", kind)
    with pytest.raises(BadInput, match="which is not read as a clip") as refusal:
        VideoFile(path)
    command = shlex.split(str(refusal.value).split("anew as one that is: python ")[1])
    subprocess.run([sys.executable, *command], cwd=tmp_path, check=True)
    assert VideoFile(path.with_suffix(".png")).num_frames == 6


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF"])
def test_a_still_picture_is_no_clip(tmp_path, kind):
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(tmp_path / "a.mp4", kind)
    with pytest.raises(BadInput, match="is a picture, not a clip"):
        VideoFile(tmp_path / "a.mp4")


@pytest.mark.parametrize("start", ["", "\n"])
def test_a_list_of_other_files_leads_nowhere(tmp_path, start):
    other = write_clip(tmp_path / "other.ts", moving_square(10), Fraction(25))
    (tmp_path / "a.mp4").write_text(f"{start}#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{other}\n#EXT-X-ENDLIST\n")
    (tmp_path / "b.mp4").write_text(f"{start}ffconcat version 1.0\nfile {other.name}\n")
    (tmp_path / "c.sdp").write_text("v=0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n")
    for name in ("a.mp4", "b.mp4", "c.sdp"):
        with pytest.raises(BadInput, match=r"is a list of other files|cannot be read as a clip"):
            VideoFile(tmp_path / name)
