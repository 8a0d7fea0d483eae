"""RTMPose (Jiang et al. 2023, arXiv:2303.07399) and similar networks, from the user's ONNX file."""

from pathlib import Path

from jaxtyping import Float, UInt8
from torch import Tensor

from reposer.core import BadInput, Pose
from reposer.core.skeleton import COCO_17
from reposer.nn.features import IMAGENET_MEAN, IMAGENET_STD
from reposer.nn.weights import find_weights

from .estimator import POSE_ESTIMATORS, PoseEstimator
from .joint_decoding import Window, enlarged, heatmap_joints, simcc_joints
from .onnx_network import OnnxNetwork

FILE = "rtmpose.onnx"
SOURCE = "mmpose's RTMPose models for COCO's 17 joints, exported by mmdeploy (end2end.onnx), and name it so"
CONTEXT = 1.25  # RTMPose was trained on people's boxes enlarged by this factor


@POSE_ESTIMATORS.register("rtmpose")
class RTMPose(PoseEstimator):
    """One person, who fills the picture. Outputs: SimCC vectors x and y, or one set of heatmaps, of COCO's 17 joints.

    Pictures: centred in a black window `context` times as large, resized to the input, normalised as ImageNet's.
    threshold: the score from which a joint counts as found.
    upscale: factor by which both sides are enlarged first; the input's size makes more than 1 seldom useful.
    """

    name = "rtmpose"
    licence = "that of the user's file (mmpose's own: Apache-2.0)"
    skeleton = COCO_17

    def __init__(
        self, weights: Path | None = None, *, threshold: float = 0.3, context: float = CONTEXT, upscale: int = 1
    ) -> None:
        path = find_weights(FILE, path=weights, source=SOURCE, checksum="")
        self._network = OnnxNetwork(path)
        if self._network.size is None:
            raise BadInput(f"{path} leaves the size of its input open; export it with a fixed height and width.")
        self._size = self._network.size
        self._threshold, self._context, self._upscale = threshold, context, upscale

    @property
    def description(self) -> str:
        height, width = self._size
        return (
            f"{self.name}, {self._network.description}, {height}x{width}, context {self._context:g}, "
            f"joints from {self._threshold:g}, pictures upscaled {self._upscale}x"
        )

    def __call__(self, pictures: UInt8[Tensor, "B H W 3"]) -> Pose:
        return self.look(pictures)[0]

    def person(self, pictures: UInt8[Tensor, "B H W 3"]) -> Float[Tensor, "B"]:
        """The mean score of all joints: the network has no score of the person."""
        return self.look(pictures)[1]

    def look(self, pictures: UInt8[Tensor, "B H W 3"]) -> tuple[Pose, Float[Tensor, "B"]]:
        height, width = pictures.shape[1:3]
        large = enlarged(pictures, self._upscale)
        window = Window((large.shape[2], large.shape[3]), self._size, self._context)
        seen = (window.show(large) + 1) / 2
        mean, std = (seen.new_tensor(v)[:, None, None] for v in (IMAGENET_MEAN, IMAGENET_STD))
        xy, score = self._decode(self._network((seen - mean) / std))
        pose = Pose(xy, score >= self._threshold, self._size, self.skeleton, score)
        found = window.back(pose).resize((height, width)).to(pictures.device)
        return found, score.mean(1).to(pictures.device)

    def _decode(self, outputs: list[Tensor]) -> tuple[Float[Tensor, "B K 2"], Float[Tensor, "B K"]]:
        shapes = [tuple(output.shape[1:]) for output in outputs]
        joints = len(self.skeleton)
        match shapes:
            case [(k, _), (n, _)] if k == n == joints:
                x, y = outputs if self._network.outputs[0] != "simcc_y" else reversed(outputs)
                return simcc_joints(x, y, self._size)
            case [(k, _, _)] if k == joints:
                xy, height = heatmap_joints(outputs[0], self._size, "quarter")
                return xy, height.clamp(0, 1)
        raise BadInput(
            f"{self._network.description} answers with {', '.join(map(str, shapes))} a picture; SimCC vectors "
            f"({joints}, X) and ({joints}, Y) or heatmaps ({joints}, h, w) of {self.skeleton.name} were expected."
        )
