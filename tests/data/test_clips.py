"""Clips with a pose per frame."""

import json
import struct
from fractions import Fraction

import numpy as np
import pytest
import torch

from reposer.core import BadInput
from reposer.core.images import from_uint8

from .video_clips import clip_of

av = pytest.importorskip("av")


def write_clip(folder, num_frames=4, size=(64, 48), pictures=None):
    pictures = pictures or [np.full((*size, 3), 40 * k, np.uint8) for k in range(num_frames)]
    with av.open(str(folder / "clip.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(5), options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = size[1], size[0], "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    joints = [[[float(k), 10.0]] * 18 for k in range(len(pictures))]
    (folder / "clip.json").write_text(json.dumps({"keypoints": joints, "unreliable_frames": [1]}))
    return folder / "clip.mp4", folder / "clip.json", pictures


def test_a_clip_has_a_picture_and_a_pose_per_frame(tmp_path):
    path, track, pictures = write_clip(tmp_path)
    clip = clip_of(path, track)
    assert len(clip) == 4 and clip.fps == 5 and clip.name == "clip"
    assert clip.poses.xy[[0, 2, 3], 0, 0].tolist() == [0, 2, 3]
    assert clip.poses.visible.any(-1).tolist() == [True, False, True, True]
    for frame, picture in zip(clip.frames, pictures, strict=True):
        assert (frame - from_uint8(torch.from_numpy(picture))).abs().max() < 0.05
    half = clip_of(path, track, size=(32, 24))
    assert half.frames.shape == (4, 3, 32, 24) and half.poses.size == (32, 24)
    assert half.poses.xy[2, 0].tolist() == [0.75, 4.75]


def test_a_track_of_another_clip_a_missing_clip_and_a_damaged_one_are_refused(tmp_path):
    path, track, _ = write_clip(tmp_path)
    track.write_text(json.dumps({"keypoints": [[[1, 1]] * 18]}))
    with pytest.raises(BadInput, match=r"has 4 frames, .* has joints for 1"):
        clip_of(path, track)
    path.write_bytes(b"nothing")
    with pytest.raises(BadInput, match="cannot be read as a clip"):
        clip_of(path, track)
    with pytest.raises(BadInput, match="There is no clip"):
        clip_of(tmp_path / "other.mp4", track)


ONE = 1 << 16  # in 16.16 fixed point
SHOWN = {  # how a phone may have been held: (a, b, c, d) of the matrix, and the same done to an array
    "as it is": ((1, 0, 0, 1), lambda p: p),
    "a quarter clockwise": ((0, 1, -1, 0), lambda p: np.rot90(p, -1)),
    "upside down": ((-1, 0, 0, -1), lambda p: np.rot90(p, 2)),
    "a quarter counterclockwise": ((0, -1, 1, 0), np.rot90),
    "mirrored": ((-1, 0, 0, 1), np.fliplr),
    "transposed": ((0, 1, 1, 0), lambda p: p.swapaxes(0, 1)),
}


@pytest.mark.parametrize("held", SHOWN)
def test_a_phones_clip_is_upright_whichever_way_it_was_held(held, tmp_path):
    (a, b, c, d), turn = SHOWN[held]
    picture = np.zeros((64, 48, 3), np.uint8)
    picture[:32, :24], picture[:32, 24:], picture[32:, :24] = 230, 160, 80  # the fourth quarter is black
    path, track, _ = write_clip(tmp_path, pictures=[picture] * 2)
    file = bytearray(path.read_bytes())
    place = file.index(b"tkhd") + 44  # where a track's header keeps its matrix
    struct.pack_into(">9i", file, place, a * ONE, b * ONE, 0, c * ONE, d * ONE, 0, 0, 0, 1 << 30)
    path.write_bytes(file)
    clip = clip_of(path, track)
    wanted = from_uint8(torch.from_numpy(turn(picture).copy()))
    assert clip.frames.shape[1:] == wanted.shape and clip.poses.size == tuple(wanted.shape[1:])
    assert clip.poses.xy[0, 0].tolist() == [0.0, 10.0]  # the track's joints are those of the upright clip
    assert (clip.frames - wanted).abs().mean() < 0.03
