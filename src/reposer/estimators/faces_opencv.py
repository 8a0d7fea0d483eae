"""OpenCV's face networks, with the user's files: YuNet detects (Wu et al. 2023), SFace identifies (Zhong et al. 2021).

Faces in pictures of people are small; both networks get the picture enlarged three times.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from reposer.core import BadInput
from reposer.core.extras import install
from reposer.nn.weights import find_weights, sha256

from .estimator import EMBEDDERS, FACE_DETECTORS, Embedder, Face, FaceDetector

ZOO = "https://github.com/opencv/opencv_zoo/tree/main/models"
# The checksums are those of the model zoo's own large-file pointers.
YUNET_FILE = "face_detection_yunet_2023mar.onnx"
YUNET_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
YUNET_SOURCE = f"{ZOO}/face_detection_yunet"
SFACE_FILE = "face_recognition_sface_2021dec.onnx"
SFACE_SHA256 = "0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79"
SFACE_SOURCE = f"{ZOO}/face_recognition_sface"
UPSCALE = 3
SURE, OVERLAP, CANDIDATES = 0.6, 0.3, 5000
"""Faces below this score are dropped; of two that overlap more, the more confident one stays."""


class YuNet(FaceDetector):
    """Detects faces of about 3 to 100 pixels in the picture, which the network sees as 10 to 300."""

    name = "opencv-yunet"
    licence = "MIT"

    def __init__(self, path: Path) -> None:
        self._path = path
        cv2 = _opencv()
        try:
            self._network = cv2.FaceDetectorYN.create(str(path), "", (320, 320), SURE, OVERLAP, CANDIDATES)
        except cv2.error as error:
            raise _unreadable(path, error) from error

    @property
    def description(self) -> str:
        return f"{self.name}, {self._path.name}, SHA-256 {sha256(self._path)[:16]}, x{UPSCALE}, score >= {SURE}"

    def __call__(self, pictures: UInt8[Tensor, "B H W 3"]) -> list[list[Face]]:
        return [self._faces(_enlarged(picture)) for picture in pictures]

    def _faces(self, picture: np.ndarray) -> list[Face]:
        self._network.setInputSize((picture.shape[1], picture.shape[0]))
        rows = self._network.detect(picture)[1]
        faces = [] if rows is None else [face_of_row(row) for row in rows]
        return sorted(faces, key=lambda face: (-face.score, face.box))


class SFace(Embedder):
    """128 numbers of a face, aligned by its five landmarks."""

    name = "opencv-sface"
    licence = "Apache-2.0"
    subject = "face"
    threshold = 0.363  # OpenCV's, from LFW

    def __init__(self, path: Path) -> None:
        self._path = path
        cv2 = _opencv()
        try:
            self._network = cv2.FaceRecognizerSF.create(str(path), "")
        except cv2.error as error:
            raise _unreadable(path, error) from error

    @property
    def description(self) -> str:
        return f"{self.name}, {self._path.name}, SHA-256 {sha256(self._path)[:16]}, x{UPSCALE}"

    def __call__(self, pictures: UInt8[Tensor, "B H W 3"], faces: Sequence[Face] | None = None) -> Float[Tensor, "B D"]:
        assert faces is not None, "an embedder of faces needs a face of each picture"
        vectors = []
        for picture, face in zip(pictures, faces, strict=True):
            upright = self._network.alignCrop(_enlarged(picture), row_of_face(face))
            vectors.append(torch.from_numpy(self._network.feature(upright).copy()).view(-1))
        return F.normalize(torch.stack(vectors).float())


@FACE_DETECTORS.register("opencv-yunet")
def yunet(weights: Path | None) -> YuNet:
    """YuNet with OpenCV's file of March 2023."""
    return YuNet(find_weights(YUNET_FILE, path=weights, source=YUNET_SOURCE, checksum=YUNET_SHA256))


@EMBEDDERS.register("opencv-sface")
def sface(weights: Path | None) -> SFace:
    """SFace with OpenCV's file of December 2021."""
    return SFace(find_weights(SFACE_FILE, path=weights, source=SFACE_SOURCE, checksum=SFACE_SHA256))


def face_of_row(row: np.ndarray) -> Face:
    """OpenCV's 15 numbers (left, top, width, height, five landmarks, score; in the enlarged picture) as a face.

    OpenCV counts pixels from the first one's middle, and a box begins with its first pixel.
    """
    left, top, width, height = (row[:4].astype(float) / UPSCALE).tolist()
    landmarks = (torch.from_numpy(row[4:14].astype(np.float32)).view(5, 2) + 0.5) / UPSCALE - 0.5
    box = (left - 0.5, top - 0.5, left + width - 0.5, top + height - 0.5)
    return Face(box, landmarks, min(1.0, float(row[14])))


def row_of_face(face: Face) -> np.ndarray:
    """The face in OpenCV's format: the inverse of `face_of_row`."""
    left, top, right, bottom = (UPSCALE * (edge + 0.5) for edge in face.box)
    landmarks = (face.landmarks.cpu().flatten() + 0.5) * UPSCALE - 0.5
    return np.array([[left, top, right - left, bottom - top, *landmarks.tolist(), face.score]], np.float32)


def _enlarged(picture: UInt8[Tensor, "H W 3"]) -> np.ndarray:
    """The picture in BGR, enlarged (bicubic, pixel corners aligned)."""
    size = (picture.shape[1] * UPSCALE, picture.shape[0] * UPSCALE)
    cv2 = _opencv()
    resized: np.ndarray = cv2.resize(picture.cpu().flip(-1).numpy(), size, interpolation=cv2.INTER_CUBIC)
    return resized


def _opencv() -> Any:
    try:
        import cv2
    except ImportError as error:
        raise BadInput(f"YuNet and SFace run in OpenCV, which is not installed: {install('faces')}.") from error
    if not cv2.__version__.startswith("4."):
        raise BadInput(f"OpenCV {cv2.__version__} does not read YuNet's file of 2023: {install('faces')}.")
    return cv2


def _unreadable(path: Path, error: Exception) -> BadInput:
    return BadInput(f"{path} cannot be read by OpenCV ({' '.join(str(error).split())[:120]}). Name the right file.")
