"""Clips with a pose per frame."""

import json
from fractions import Fraction

import numpy as np
import pytest
import torch

from reposer.core import BadInput
from reposer.core.images import from_uint8
from reposer.data.clips import read_clip

av = pytest.importorskip("av")


def write_clip(folder, num_frames=4, size=(64, 48)):
    pictures = [np.full((*size, 3), 40 * k, np.uint8) for k in range(num_frames)]
    with av.open(str(folder / "clip.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(5), options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = size[1], size[0], "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    joints = [[[float(k), 10.0]] * 18 for k in range(num_frames)]
    (folder / "clip.json").write_text(json.dumps({"keypoints": joints, "unreliable_frames": [1]}))
    return folder / "clip.mp4", folder / "clip.json", pictures


def test_a_clip_has_a_picture_and_a_pose_per_frame(tmp_path):
    path, track, pictures = write_clip(tmp_path)
    clip = read_clip(path, track)
    assert len(clip) == 4 and clip.fps == 5 and clip.name == "clip"
    assert clip.poses.xy[:, 0, 0].tolist() == [0, 0, 2, 3] and clip.poses.visible.any(-1).tolist() == [
        1,
        0,
        1,
        1,
    ]
    for frame, picture in zip(clip.frames, pictures, strict=True):
        assert (frame - from_uint8(torch.from_numpy(picture))).abs().max() < 0.05
    half = read_clip(path, track, size=(32, 24))
    assert half.frames.shape == (4, 3, 32, 24) and half.poses.size == (32, 24)
    assert half.poses.xy[2, 0].tolist() == [0.75, 4.75]


def test_a_track_of_another_clip_a_missing_clip_and_a_damaged_one_are_refused(tmp_path):
    path, track, _ = write_clip(tmp_path)
    track.write_text(json.dumps({"keypoints": [[[1, 1]] * 18]}))
    with pytest.raises(BadInput, match=r"has 4 frames, .* has joints for 1"):
        read_clip(path, track)
    path.write_bytes(b"nothing")
    with pytest.raises(BadInput, match="cannot be read as a clip"):
        read_clip(path, track)
    with pytest.raises(BadInput, match="There is no clip"):
        read_clip(tmp_path / "other.mp4", track)
