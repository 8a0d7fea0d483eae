"""BlazePose (Bazarevsky et al. 2020, arXiv:2006.10204) from mediapipe's wheel, which contains the network."""

from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from reposer.core import BadInput, Pose
from reposer.core.extras import install
from reposer.core.images import to_uint8
from reposer.core.skeleton import BLAZEPOSE_33
from reposer.nn.weights import sha256

from .estimator import JOINT_FINDERS, JointFinder
from .joint_decoding import enlarged

MODEL = Path("modules") / "pose_landmark" / "pose_landmark_full.tflite"  # complexity 1, in the package
VISIBLE = 0.5  # visibility from which a joint counts as found


@JOINT_FINDERS.register("blazepose")
class BlazePose(JointFinder):
    """One person. Every picture is processed independently, without tracking, on the CPU.

    weights: not used, the network is in the wheel. upscale: factor by which both sides are enlarged first.
    """

    name = "blazepose"
    licence = "Apache-2.0"
    skeleton = BLAZEPOSE_33

    def __init__(self, weights: Path | None = None, *, upscale: int = 2) -> None:
        mediapipe = _mediapipe()
        self._solution = mediapipe.solutions.pose.Pose(static_image_mode=True, model_complexity=1)
        self._file = f"{MODEL.name}, SHA-256 {sha256(Path(mediapipe.__file__).parent / MODEL)[:16]}"
        self._version, self._upscale = mediapipe.__version__, upscale

    @property
    def description(self) -> str:
        return (
            f"{self.name}, mediapipe {self._version}, {self._file}, joints from a visibility of {VISIBLE:g}, "
            f"pictures upscaled {self._upscale}x"
        )

    def __call__(self, pictures: UInt8[Tensor, "B H W 3"]) -> Pose:
        return self.look(pictures)[0]

    def person(self, pictures: UInt8[Tensor, "B H W 3"]) -> Float[Tensor, "B"]:
        """The mean visibility of all joints, 0 if no person was found: mediapipe does not expose the detector's
        score.
        """
        return self.look(pictures)[1]

    def look(self, pictures: UInt8[Tensor, "B H W 3"]) -> tuple[Pose, Float[Tensor, "B"]]:
        height, width = pictures.shape[1:3]
        large = to_uint8(enlarged(pictures.cpu(), self._upscale)).numpy()
        people = torch.stack([_landmarks(self._solution.process(picture)) for picture in large])
        share, score = people[..., :2], people[..., 2]
        xy = share * share.new_tensor([width, height]) - 0.5  # 0 and 1 are the picture's edges
        found = Pose(xy, score >= VISIBLE, (height, width), self.skeleton, score).to(pictures.device)
        return found, score.mean(1).to(pictures.device)


def _landmarks(result: Any) -> Float[Tensor, "33 3"]:
    """x and y as shares of the picture's sides, and visibility; zeros if no person was found."""
    if result.pose_landmarks is None:
        return torch.zeros(len(BLAZEPOSE_33), 3)
    return torch.tensor([[mark.x, mark.y, mark.visibility] for mark in result.pose_landmarks.landmark])


def _mediapipe() -> Any:
    try:
        import mediapipe
    except ImportError:
        raise BadInput(f"mediapipe, which holds BlazePose, is not installed: {install('pose')}.") from None
    if not hasattr(mediapipe, "solutions"):
        raise BadInput(f"mediapipe {mediapipe.__version__} holds no network of poses; 0.10.14 does: {install('pose')}.")
    return mediapipe
