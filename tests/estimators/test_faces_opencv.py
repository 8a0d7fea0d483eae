"""YuNet and SFace are asked as OpenCV wants it; their answers are in our pixels. The networks here are made by hand."""

import sys

import numpy as np
import pytest
import torch

from reposer.core import BadInput
from reposer.estimators import EMBEDDERS, FACE_DETECTORS, Face
from reposer.estimators.faces_opencv import SFace, YuNet, face_of_row, row_of_face

SIZE = (48, 32)  # three times as large and filled up to multiples of 32: 160x96


def message(*fields):
    """A protobuf message of (number, value): an int, a text, bytes or a message."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        else:
            raw = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(raw)) + raw
    return out


def varint(value):
    value &= (1 << 64) - 1
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def node(kind, inputs, output, **ints):
    attributes = [(5, message((1, name), *((8, v) for v in values), (20, 7))) for name, values in ints.items()]
    return (1, message(*((1, name) for name in inputs), (2, output), (4, kind), *attributes))


def constant(name, array):
    kind = {np.dtype("float32"): 1, np.dtype("int64"): 7}[array.dtype]
    return (5, message(*((1, n) for n in array.shape), (2, kind), (8, name), (9, array.tobytes())))


def value(field, name, shape):
    dimensions = message(*((1, message((1, n))) for n in shape))
    return (field, message((1, name), (2, message((1, message((1, 1), (2, dimensions)))))))


def write_onnx(path, *graph):
    path.write_bytes(message((1, 7), (7, message((2, "by hand"), *graph)), (8, message((1, ""), (2, 11)))))
    return path


@pytest.fixture
def bright_is_a_face(tmp_path):
    """A YuNet to which a white cell of 16 pixels is a face of that size, eyes and mouth in its quarters."""
    graph = [value(11, "input", (1, 3, 160, 96)), constant("w", np.full((1, 3, 1, 1), 1 / 765, np.float32))]
    graph.append(node("Conv", ["input", "w"], "grey"))
    bias = {
        "cls": [0],
        "obj": [0],
        "bbox": [0.5, 0.5, 0, 0],
        "kps": [0.25, 0.25, 0.75, 0.25, 0.5, 0.5, 0.25, 0.75, 0.75, 0.75],
    }
    for stride in (8, 16, 32):
        cells = f"cells{stride}"
        graph.append(node("AveragePool", ["grey"], cells, kernel_shape=[stride] * 2, strides=[stride] * 2))
        for kind, b in bias.items():
            weight = np.full((len(b), 1, 1, 1), float(stride == 16 and kind in ("cls", "obj")), np.float32)
            w, b_, shape, c, t = (f"{kind}{letter}{stride}" for letter in "wbsct")
            graph += [constant(w, weight), constant(b_, np.array(b, np.float32))]
            graph += [constant(shape, np.array([1, -1, len(b)]))]
            graph += [node("Conv", [cells, w, b_], c), node("Transpose", [c], t, perm=[0, 2, 3, 1])]
            graph.append(node("Reshape", [t, shape], f"{kind}_{stride}"))
    graph += [value(12, f"{kind}_{s}", (1, 160 * 96 // s**2, len(b))) for kind, b in bias.items() for s in (8, 16, 32)]
    return YuNet(write_onnx(tmp_path / "yunet.onnx", *graph))


@pytest.fixture
def pooled_pixels(tmp_path):
    """An SFace that answers with the mean red of each of 49 cells, then green, then blue."""
    graph = [value(11, "data", (1, 3, 112, 112)), value(12, "fc1", (1, 147))]
    graph += [constant("shape", np.array([1, -1])), node("Reshape", ["cells", "shape"], "fc1")]
    graph.insert(2, node("AveragePool", ["data"], "cells", kernel_shape=[16, 16], strides=[16, 16]))
    return SFace(write_onnx(tmp_path / "sface.onnx", *graph))


def a_face(cx=16.0, cy=24.0, side=12.0):
    places = torch.tensor([[-0.17, -0.04], [0.15, -0.04], [0.0, 0.14], [-0.13, 0.32], [0.13, 0.32]])
    box = (cx - side / 2, cy - side / 2, cx + side / 2, cy + side / 2)
    return Face(box, torch.tensor([cx, cy]) + side * places, 0.9)


def test_a_face_is_found_where_it_is_in_the_picture_and_only_there(bright_is_a_face):
    pictures = torch.zeros(2, *SIZE, 3, dtype=torch.uint8)
    pictures[0, 14:23, 8:18] = 255  # holds the cell that is columns 32..47 and rows 48..63 of the enlarged picture
    found, none = bright_is_a_face(pictures)
    assert none == [] and len(found) == 1
    assert found[0].box == pytest.approx((32 / 3 - 0.5, 15.5, 15.5, 64 / 3 - 0.5))
    eyes = torch.tensor([[36.5 / 3 - 0.5, 52.5 / 3 - 0.5], [44.5 / 3 - 0.5, 52.5 / 3 - 0.5]])
    torch.testing.assert_close(found[0].landmarks[:2], eyes)
    assert 0.9 < found[0].score <= 1


def test_the_surest_face_comes_first(bright_is_a_face):
    picture = torch.zeros(1, *SIZE, 3, dtype=torch.uint8)
    picture[0, 4:13, 8:18] = 200
    picture[0, 30:39, 8:18] = 255
    scores = [face.score for face in bright_is_a_face(picture)[0]]
    assert len(scores) == 2 and scores[0] > scores[1]


def test_opencv_and_we_mean_the_same_face():
    face = a_face()
    back = face_of_row(row_of_face(face)[0])
    assert back.box == pytest.approx(face.box, abs=1e-5) and back.score == pytest.approx(face.score)
    torch.testing.assert_close(back.landmarks, face.landmarks)


def test_a_face_has_one_vector_wherever_it_is_in_the_picture_and_whatever_stands_beside(pooled_pixels):
    head = torch.randint(0, 256, (1, 20, 18, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    pictures = torch.zeros(2, *SIZE, 3, dtype=torch.uint8)
    pictures[0, 14:34, 7:25] = head
    pictures[1, 20:40, 12:30] = head
    vectors = pooled_pixels(pictures, [a_face(16, 24), a_face(21, 30)])
    torch.testing.assert_close(vectors[0], vectors[1], atol=2e-3, rtol=0)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(2))
    assert torch.equal(pooled_pixels(pictures[1:], [a_face(21, 30)])[0], vectors[1])


def test_the_identity_network_sees_red_first_as_it_was_trained(pooled_pixels):
    red = torch.zeros(1, *SIZE, 3, dtype=torch.uint8)
    red[..., 0] = 200
    vector = pooled_pixels(red, [a_face()])[0]
    torch.testing.assert_close(vector, torch.tensor([1 / 7.0] * 49 + [0.0] * 98))


def test_their_descriptions_and_licences_say_whose_they_are(bright_is_a_face, pooled_pixels):
    assert "yunet.onnx" in bright_is_a_face.description and "x3" in bright_is_a_face.description
    assert "sface.onnx" in pooled_pixels.description and pooled_pixels.threshold == 0.363
    assert (YuNet.licence, SFace.licence, SFace.subject) == ("MIT", "Apache-2.0", "face")


@pytest.mark.parametrize(
    ("registry", "name", "file", "digits"),
    [
        (FACE_DETECTORS, "opencv-yunet", "face_detection_yunet_2023mar.onnx", "8f2383e4dd3cfbb4"),
        (EMBEDDERS, "opencv-sface", "face_recognition_sface_2021dec.onnx", "0ba9fbfa01b5270c"),
    ],
)
def test_a_missing_or_another_file_is_named_with_its_source_and_checksum(registry, name, file, digits, tmp_path):
    with pytest.raises(BadInput, match=f"{file} .*{digits}.*opencv_zoo"):
        registry[name](tmp_path)
    (tmp_path / file).write_bytes(b"something else")
    with pytest.raises(BadInput, match=f"{digits}.*damaged or another file"):
        registry[name](tmp_path)


def test_a_file_that_is_no_network_is_named(tmp_path):
    (tmp_path / "no.onnx").write_bytes(b"no network")
    for network in (YuNet, SFace):
        with pytest.raises(BadInput, match=r"no\.onnx cannot be read by OpenCV"):
            network(tmp_path / "no.onnx")


def test_without_opencv_the_way_out_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(BadInput, match="pip install 'opencv-python-headless"):
        YuNet(tmp_path / "yunet.onnx")
