"""Pose estimators around networks of others: from a picture's pixels to joints in its pixels, and what they refuse."""

import builtins
import hashlib
import os
import sys
from types import ModuleType

import onnx
import pytest
import torch
from onnx import TensorProto, helper
from torch import nn

from reposer.core import BadInput
from reposer.core.onnx_sessions import onnxruntime
from reposer.core.skeleton import COCO_17
from reposer.estimators import POSE_ESTIMATORS, keypointrcnn
from reposer.estimators.rtmpose import RTMPose

SIZE = (64, 48)  # of the made-up networks' inputs


def spots(*places, size=(80, 50)):
    """Dark pictures with one white square of 5x5 pixels each, around (x, y)."""
    pictures = torch.full((len(places), *size, 3), 20, dtype=torch.uint8)
    for picture, (x, y) in zip(pictures, places, strict=True):
        picture[y - 2 : y + 3, x - 2 : x + 3] = 255
    return pictures


def write_network(path, nodes, outputs, rows="batch", constants=()):
    """An ONNX file of a graph from `picture` to `outputs`."""
    picture = helper.make_tensor_value_info("picture", TensorProto.FLOAT, [rows, 3, *SIZE])
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    shapes = [helper.make_tensor(name, TensorProto.INT64, [len(v)], v) for name, v in constants]
    graph = helper.make_graph(nodes, "spots", [picture], ends, initializer=shapes)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)


def brightness():
    """Normalised pixels to [0, 1]: black 0.02, white 0.9."""
    return [
        helper.make_node("ReduceMean", ["picture"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Constant", [], ["lift"], value_float=2.2),
        helper.make_node("Constant", [], ["share"], value_float=0.2),
        helper.make_node("Add", ["mean", "lift"], ["light"]),
        helper.make_node("Mul", ["light", "share"], ["grey"]),
    ]


def write_heatmaps(path, rows="batch", joints=17):
    nodes = [
        *brightness(),
        helper.make_node("AveragePool", ["grey"], ["cells"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Expand", ["cells", "shape"], ["heatmaps"]),
    ]
    write_network(path, nodes, ["heatmaps"], rows, [("shape", [1, joints, 1, 1])])


def write_simcc(path, names=("simcc_x", "simcc_y")):
    """The brightest column and the brightest row, each pixel two bins."""
    nodes = brightness()
    for name, axis in (("simcc_x", 2), ("simcc_y", 3)):
        nodes += [
            helper.make_node("ReduceMean", ["grey"], [f"{name}_line"], axes=[axis], keepdims=0),
            helper.make_node("Reshape", [f"{name}_line", f"{name}_column"], [f"{name}_bins"]),
            helper.make_node("Expand", [f"{name}_bins", "twice"], [f"{name}_two"]),
            helper.make_node("Reshape", [f"{name}_two", f"{name}_row"], [f"{name}_all"]),
            helper.make_node("Expand", [f"{name}_all", "joints"], [name]),
        ]
    shapes = [("twice", [1, 1, 1, 2]), ("joints", [1, 17, 1])]
    for name, length in (("simcc_x", SIZE[1]), ("simcc_y", SIZE[0])):
        shapes += [(f"{name}_column", [-1, 1, length, 1]), (f"{name}_row", [-1, 1, 2 * length])]
    write_network(path, nodes, list(names), constants=shapes)


PLACES = ((12, 20), (37, 61), (25, 9))


@pytest.mark.parametrize("upscale", [1, 2])
@pytest.mark.parametrize("write", [write_heatmaps, write_simcc])
def test_rtmpose_finds_a_spot_where_it_is_in_the_picture(tmp_path, write, upscale):
    write(tmp_path / "rtmpose.onnx")
    estimator = RTMPose(tmp_path, upscale=upscale, threshold=0.05)
    pose = estimator(spots(*PLACES))
    assert pose.size == (80, 50) and pose.skeleton == COCO_17 and bool(pose.visible.all())
    cell = 1.25 * 80 / 64 * (4 if write is write_heatmaps else 2)  # of the output, in pixels of the picture
    error = (pose.xy - torch.tensor(PLACES)[:, None]).abs()
    assert error.max() <= cell
    assert pose.score.min() > 0 and pose.score.max() <= 1
    assert torch.equal(estimator.person(spots(*PLACES)), pose.score.mean(1))


def test_rtmpose_answers_for_each_picture_alone_even_with_a_fixed_batch(tmp_path):
    write_heatmaps(tmp_path / "free.onnx")
    write_heatmaps(tmp_path / "two.onnx", rows=2)
    free, two = RTMPose(tmp_path / "free.onnx"), RTMPose(tmp_path / "two.onnx")
    together = free(spots(*PLACES))
    assert torch.equal(two(spots(*PLACES)).xy, together.xy)
    for b, place in enumerate(PLACES):
        assert torch.allclose(free(spots(place)).xy[0], together.xy[b])


def test_simcc_outputs_are_told_apart_by_their_names(tmp_path):
    write_simcc(tmp_path / "x-first.onnx")
    write_simcc(tmp_path / "y-first.onnx", names=("simcc_y", "simcc_x"))
    first, other = RTMPose(tmp_path / "x-first.onnx"), RTMPose(tmp_path / "y-first.onnx")
    assert torch.equal(first(spots(*PLACES)).xy, other(spots(*PLACES)).xy)


def test_below_the_threshold_a_joint_is_not_found(tmp_path):
    write_heatmaps(tmp_path / "rtmpose.onnx")
    dark = torch.zeros(1, 80, 50, 3, dtype=torch.uint8)
    assert not RTMPose(tmp_path)(dark).visible.any()
    assert RTMPose(tmp_path, threshold=0.0)(dark).visible.all()


def test_a_description_names_file_checksum_and_every_option(tmp_path):
    path = tmp_path / "rtmpose.onnx"
    write_heatmaps(path)
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    assert RTMPose(tmp_path, upscale=3).description == (
        f"rtmpose, rtmpose.onnx, SHA-256 {checksum}, 64x48, context 1.25, joints from 0.3, pictures upscaled 3x"
    )


def test_files_that_are_missing_broken_or_of_another_skeleton_are_refused(tmp_path):
    with pytest.raises(BadInput, match=r"no rtmpose\.onnx"):
        POSE_ESTIMATORS["rtmpose"](tmp_path)
    (tmp_path / "rtmpose.onnx").write_bytes(b"not a network")
    with pytest.raises(BadInput, match="cannot be opened as an ONNX network"):
        RTMPose(tmp_path)
    write_heatmaps(tmp_path / "hands.onnx", joints=21)
    with pytest.raises(BadInput, match=r"\(21, 16, 12\) a picture.*coco17 were expected"):
        RTMPose(tmp_path / "hands.onnx")(spots(*PLACES))


def test_onnxruntime_is_told_not_to_call_home_before_it_is_imported(monkeypatch):
    told, real = [], builtins.__import__

    def watch(asked, *rest, **others):
        if asked == "onnxruntime":
            told.append(os.environ.get("ORT_DISABLE_TELEMETRY"))
        return real(asked, *rest, **others)

    monkeypatch.delenv("ORT_DISABLE_TELEMETRY", raising=False)
    monkeypatch.setattr(builtins, "__import__", watch)
    onnxruntime()
    assert told == ["1"]


@pytest.fixture
def without(monkeypatch):
    """Makes modules impossible to import."""
    real = builtins.__import__

    def hide(name, error=ImportError):
        def refuse(asked, *rest, **others):
            if asked.split(".")[0] == name:
                raise error(f"no {name} here")
            return real(asked, *rest, **others)

        monkeypatch.setattr(builtins, "__import__", refuse)

    return hide


def test_without_its_library_a_finder_says_what_to_install(without, tmp_path):
    for error in (ImportError, RuntimeError):  # a torchvision of another torch raises RuntimeError
        without("torchvision", error)
        with pytest.raises(BadInput, match="belongs to torch"):
            POSE_ESTIMATORS["keypointrcnn"](None)


class OnePersonOrNobody(nn.Module):
    """Answers as torchvision's Keypoint R-CNN does: finds people where a picture is bright."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, pictures):
        assert not self.training and not torch.is_grad_enabled()
        assert all(p.dtype == torch.float32 and p.min() >= 0 and p.max() <= 1 for p in pictures)
        return [self.answer(picture) for picture in pictures]

    def answer(self, picture):
        if picture.mean() < 0.1:
            return {
                "scores": torch.zeros(0),
                "keypoints": torch.zeros(0, 17, 3),
                "keypoints_scores": torch.zeros(0, 17),
            }
        xy = torch.arange(17.0)[:, None] * self.weight.detach() + torch.tensor([10.5, 20.5])
        right = torch.cat([xy, torch.ones(17, 1)], 1)
        logits = torch.arange(17.0) - 2  # joints 0 to 3 are not sure enough
        return {
            "scores": torch.tensor([0.6, 0.9]),
            "keypoints": torch.stack([0 * right, right]),
            "keypoints_scores": torch.stack([0 * logits, logits]),
        }


@pytest.fixture
def torchvision(monkeypatch, tmp_path):
    """A torchvision with that network, and its file."""
    asked = {}

    def build(**options):
        asked.update(options)
        return OnePersonOrNobody()

    for name in ("torchvision", "torchvision.models", "torchvision.models.detection"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules["torchvision.models.detection"].keypointrcnn_resnet50_fpn = build
    torch.save({"weight": torch.tensor([2.0])}, tmp_path / "weights.pth")
    digits = hashlib.sha256((tmp_path / "weights.pth").read_bytes()).hexdigest()[:8]
    (tmp_path / "weights.pth").rename(tmp_path / f"keypointrcnn-{digits}.pth")
    monkeypatch.setattr(keypointrcnn, "FILE", f"keypointrcnn-{digits}.pth")
    return tmp_path, asked


def test_keypointrcnn_takes_the_surest_person_back_to_the_pictures_own_pixels(torchvision):
    folder, asked = torchvision
    estimator = POSE_ESTIMATORS["keypointrcnn"](folder)
    assert asked == {"weights": None, "weights_backbone": None, "num_keypoints": 17}, "nothing is downloaded"
    pictures = torch.full((2, 40, 30, 3), 200, dtype=torch.uint8)
    pictures[1] = 0
    pose, person = estimator.look(pictures)
    assert pose.size == (40, 30)
    assert pose.xy[0, 5].tolist() == pytest.approx([(20.5 + 0.5) / 2 - 0.5, (30.5 + 0.5) / 2 - 0.5])
    assert pose.visible[0].tolist() == [k >= 4 for k in range(17)]
    assert pose.score[0, 2] == 0.5
    assert not pose.visible[1].any() and pose.score[1].max() == 0
    assert person.tolist() == pytest.approx([0.9, 0.0])
    assert estimator.description.endswith("pictures upscaled 2x") and keypointrcnn.FILE in estimator.description


def test_keypointrcnn_without_its_file_says_which_one(torchvision, tmp_path, monkeypatch):
    monkeypatch.undo()
    for name in ("torchvision", "torchvision.models", "torchvision.models.detection"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules["torchvision.models.detection"].keypointrcnn_resnet50_fpn = None
    with pytest.raises(BadInput, match=r"keypointrcnn_resnet50_fpn_coco-fc266e95\.pth"):
        POSE_ESTIMATORS["keypointrcnn"](tmp_path)
