"""Finds a face, cuts it out and pastes it back.

All of it is inferred: readers of the paper report only a box, a mask smoothed by a Gaussian, and facial joints as the
face module's condition. A pose of the skeleton person88 may add the face's landmarks and the box of a face detector.

Lengths in pixels are for pictures of height 256 and scale with the picture.
"""

import math
from dataclasses import replace
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from reposer.core import Pose
from reposer.core.skeleton import FACE_68, FACE_BOX
from reposer.nn.maps import heatmaps
from reposer.nn.warp import warp

LANDMARKS = FACE_68.joints
FACE_JOINTS = ("nose", "right_eye", "left_eye", "right_ear", "left_ear")
NEEDED_JOINTS = (*FACE_JOINTS, "neck")

REFERENCE_HEIGHT = 256
SHORTEST, LONGEST, DEFAULT_SIDE = 32.0, 96.0, 48.0  # side of a box (inferred)
NOSE_NECK, EARS, EYES = (1.4, 2.4, 3.5)  # side over the distance of two joints, in the order they are tried (inferred)
AROUND_LANDMARKS = 1.5  # side over the landmarks' extent: they end at the brows (inferred)
FEWEST_BESIDES_NOSE = 2  # eyes and ears that must be seen for a face (inferred)
BLUR = 4.0  # sigma of the mask's edge (inferred)


class Faces(NamedTuple):
    """One square box per row; it may reach beyond the picture. Where `valid` is False there is no face and the box is
    meaningless."""

    centre: Float[Tensor, "B 2"]
    side: Float[Tensor, "B"]
    valid: Bool[Tensor, "B"]


def face_boxes(pose: Pose) -> Faces:
    """The face boxes of a batch of poses: the given box if there is one, else around the landmarks, else from the
    joints.

    A given box becomes a square of its longer side; landmarks count where at least half of them are visible.
    """
    faces = boxes_by_joints(pose)
    if set(LANDMARKS) <= set(pose.skeleton.joints):
        xy, seen = _named(pose, LANDMARKS)
        faces = _preferred(_square_around(xy, seen, AROUND_LANDMARKS, landmarks_seen(pose)), faces)
    if set(FACE_BOX) <= set(pose.skeleton.joints):
        xy, seen = _named(pose, FACE_BOX)
        faces = _preferred(_square_around(xy, seen, 1.0, seen.all(1)), faces)
    return faces


def landmarks_seen(pose: Pose) -> Bool[Tensor, "B"]:
    """True where at least half of a face's landmarks are visible."""
    _, seen = _named(pose, LANDMARKS)
    return seen.sum(1) >= len(LANDMARKS) / 2


def _named(pose: Pose, joints: tuple[str, ...]) -> tuple[Float[Tensor, "B k 2"], Bool[Tensor, "B k"]]:
    places = [pose.skeleton.index(joint) for joint in joints]
    return pose.xy[:, places], pose.visible[:, places]


def _square_around(
    xy: Float[Tensor, "B k 2"], seen: Bool[Tensor, "B k"], wider: float, valid: Bool[Tensor, "B"]
) -> Faces:
    """A square centred on the visible points, `wider` times as long as their longer extent."""
    low = torch.where(seen[..., None], xy, torch.inf).amin(1)
    high = torch.where(seen[..., None], xy, -torch.inf).amax(1)
    side = wider * (high - low).amax(1)
    valid = valid & (side > 0)
    return Faces(torch.where(valid[:, None], (low + high) / 2, 0.0), torch.where(valid, side, 1.0), valid)


def _preferred(first: Faces, second: Faces) -> Faces:
    """`first` where it is valid, else `second`."""
    return Faces(
        torch.where(first.valid[:, None], first.centre, second.centre),
        torch.where(first.valid, first.side, second.side),
        first.valid | second.valid,
    )


def boxes_by_joints(pose: Pose) -> Faces:
    """Boxes derived from the joints. A face needs its nose and two of eyes and ears."""
    names = pose.skeleton.index
    face = [names(joint) for joint in FACE_JOINTS]
    height, width = pose.size
    unit = height / REFERENCE_HEIGHT

    seen = pose.visible[:, face]
    points = torch.where(seen[..., None], pose.xy[:, face], 0.0)
    middle = points.sum(1) / seen.sum(1, keepdim=True).clamp(min=1)
    somewhere = seen.any(1, keepdim=True)
    centre = torch.where(somewhere, middle, pose.xy.new_tensor([(width - 1) / 2, (height - 1) / 2]))

    side = torch.full_like(centre[:, 0], DEFAULT_SIDE * unit)  # a graph for any number of rows can be recorded
    pairs = (("right_eye", "left_eye", EYES), ("right_ear", "left_ear", EARS), ("nose", "neck", NOSE_NECK))
    for one, other, ratio in pairs:  # the last visible pair wins
        a, b = names(one), names(other)
        both = pose.visible[:, a] & pose.visible[:, b]
        difference = torch.where(both[:, None], pose.xy[:, a] - pose.xy[:, b], 0.0)
        side = torch.where(both, ratio * difference.norm(dim=1), side)
    side = side.clamp(SHORTEST * unit, LONGEST * unit)

    valid = seen[:, 0] & (seen[:, 1:].sum(1) >= FEWEST_BESIDES_NOSE)
    return Faces(centre, side, valid)


def blur(size: tuple[int, int]) -> tuple[float, int]:
    """Sigma of the mask's edge and the radius at which its Gaussian is cut off, for pictures of `size`, in pixels."""
    sigma = BLUR * size[0] / REFERENCE_HEIGHT
    return sigma, math.ceil(3 * sigma)


def with_margin(faces: Faces, size: tuple[int, int]) -> Faces:
    """The boxes to cut out: wider by the mask's blur on each side, so that the mask ends inside."""
    return faces._replace(side=faces.side + 2 * blur(size)[1])


def cut_out(picture: Float[Tensor, "B C H W"], faces: Faces, size: int) -> Float[Tensor, "B C {size} {size}"]:
    """The boxes of a picture, each resized to size x size pixels; beyond the border the picture's edge repeats."""
    positions = faces.centre[:, :, None] + faces.side[:, None, None] * _shares(size, faces.side)
    across, down = positions[:, 0, None, :], positions[:, 1, :, None]
    return warp(picture, _flow(across, down))


def put_back(
    face: Float[Tensor, "B C S S"], faces: Faces, size: tuple[int, int]
) -> Float[Tensor, "B C {size[0]} {size[1]}"]:
    """The inverse of `cut_out`: faces in pictures of `size`. Outside its box a face's border repeats."""
    crop = face.shape[-1]
    height, width = size
    across, down = (
        ((_pixels(length, faces.side) - faces.centre[:, axis, None]) / faces.side[:, None] + 0.5) * crop - 0.5
        for axis, length in ((0, width), (1, height))
    )
    return warp(face, _flow(across[:, None, :], down[:, :, None]))


def face_maps(
    pose: Pose, faces: Faces, size: int, sigma: float, joints: tuple[str, ...] = FACE_JOINTS
) -> Float[Tensor, "B k {size} {size}"]:
    """These joints of a face as bumps of height 1 in the picture that `cut_out` makes; `sigma` in its pixels.

    H_F of the paper, whose form is not reported (inferred): the five joints, or the landmarks.
    """
    inside = ((pose.xy - faces.centre[:, None]) / faces.side[:, None, None] + 0.5) * size - 0.5
    maps = heatmaps(replace(pose, xy=inside, size=(size, size)), sigma)
    return maps[:, [pose.skeleton.index(joint) for joint in joints]]


def face_mask(faces: Faces, size: tuple[int, int]) -> Float[Tensor, "B 1 {size[0]} {size[1]}"]:
    """g(sigma) * 1_B: the box (without margin) convolved with a Gaussian that is cut off at three sigma.

    In [0, 1]; 0 from the border of the box with margin on, and everywhere where there is no face.
    """
    sigma, radius = blur(size)
    offsets = torch.arange(-radius, radius + 1, device=faces.side.device, dtype=faces.side.dtype)
    weights = torch.exp(-offsets.square() / (2 * sigma**2))
    weights = weights / weights.sum()

    def profile(axis: int, length: int) -> Tensor:
        """Box and Gaussian are both a column times a row."""
        places = _pixels(length, faces.side)[:, None] + offsets
        inside = (places - faces.centre[:, axis, None, None]).abs() <= faces.side[:, None, None] / 2
        return (inside * weights).sum(-1).clamp(max=1)

    height, width = size
    mask = profile(1, height)[:, :, None] * profile(0, width)[:, None, :]
    return torch.where(faces.valid[:, None, None], mask, 0.0)[:, None]


def _shares(size: int, like: Tensor) -> Float[Tensor, "S"]:
    """Places of a crop's pixels across its box, from -1/2 to 1/2."""
    return (_pixels(size, like) + 0.5) / size - 0.5


def _pixels(length: int, like: Tensor) -> Float[Tensor, "L"]:
    return torch.arange(length, device=like.device, dtype=like.dtype)


def _flow(across: Float[Tensor, "B 1 w"], down: Float[Tensor, "B h 1"]) -> Float[Tensor, "B 2 h w"]:
    """The flow from each pixel to its place (across, down)."""
    h, w = down.shape[1], across.shape[2]
    x = (across - _pixels(w, across)).expand(-1, h, -1)
    y = (down - _pixels(h, down)[:, None]).expand(-1, -1, w)
    return torch.stack([x, y], 1)
