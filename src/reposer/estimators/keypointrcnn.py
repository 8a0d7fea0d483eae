"""Keypoint R-CNN (He et al. 2017, arXiv:1703.06870) as torchvision builds it, with torchvision's file."""

from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from reposer.core import BadInput, Pose
from reposer.core.skeleton import COCO_17
from reposer.nn.weights import fill, find_weights, read_checkpoint, sha256

from .estimator import POSE_ESTIMATORS, PoseEstimator
from .joint_decoding import enlarged

FILE = "keypointrcnn_resnet50_fpn_coco-fc266e95.pth"
SOURCE = f"https://download.pytorch.org/models/{FILE}"
PERSON = 0.5  # score from which a person counts as present
JOINT = 2.0  # peak of a joint's logits from which the joint counts as found


@POSE_ESTIMATORS.register("keypointrcnn")
class KeypointRCNN(PoseEstimator):
    """The most confident person of each picture.

    A joint's score is the sigmoid of its peak. upscale: factor by which both sides are enlarged first.
    """

    name = "keypointrcnn"
    licence = "BSD-3-Clause"
    skeleton = COCO_17

    def __init__(self, weights: Path | None = None, *, upscale: int = 2) -> None:
        build = _builder()
        path = find_weights(FILE, path=weights, source=SOURCE)
        self._network: nn.Module = build(weights=None, weights_backbone=None, num_keypoints=len(self.skeleton))
        fill(self._network, read_checkpoint(path), path)
        self._network.requires_grad_(False).eval()
        self._upscale = upscale
        self._file = f"{path.name}, SHA-256 {sha256(path)[:16]}"

    @property
    def description(self) -> str:
        return (
            f"{self.name}, {self._file}, people from {PERSON:g}, joints from a logit of {JOINT:g}, "
            f"pictures upscaled {self._upscale}x"
        )

    def __call__(self, pictures: UInt8[Tensor, "B H W 3"]) -> Pose:
        return self.look(pictures)[0]

    def person(self, pictures: UInt8[Tensor, "B H W 3"]) -> Float[Tensor, "B"]:
        """The score of the most confident person; 0 if there is none."""
        return self.look(pictures)[1]

    @torch.no_grad()
    def look(self, pictures: UInt8[Tensor, "B H W 3"]) -> tuple[Pose, Float[Tensor, "B"]]:
        large = (enlarged(pictures, self._upscale) + 1) / 2
        network = self._network.to(large.device)
        found = [network([picture])[0] for picture in large]  # one by one: neighbours in a batch must not matter
        people = [_surest(one, large) for one in found]
        xy, logit, person = (torch.stack(column) for column in zip(*people, strict=True))
        visible = (logit >= JOINT) & (person >= PERSON)[:, None]
        pose = Pose(xy, visible, (large.shape[2], large.shape[3]), self.skeleton, logit.sigmoid())
        return pose.resize((pictures.shape[1], pictures.shape[2])), person


def _surest(found: dict[str, Tensor], like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """xy (17, 2), logits (17) and score of the most confident person; the score is 0 if there is none."""
    if not len(found["scores"]):
        joints = len(COCO_17)
        return like.new_zeros(joints, 2), like.new_full((joints,), -torch.inf), like.new_zeros(())
    best = int(found["scores"].argmax())
    return found["keypoints"][best, :, :2], found["keypoints_scores"][best], found["scores"][best]


def _builder() -> Any:
    try:
        from torchvision.models.detection import keypointrcnn_resnet50_fpn
    except (ImportError, RuntimeError) as error:  # RuntimeError: built for another torch
        raise BadInput(
            f"torchvision cannot be used here ({error}); install the release that belongs to torch "
            f"{torch.__version__}, or take another pose estimator."
        ) from error
    return keypointrcnn_resnet50_fpn
