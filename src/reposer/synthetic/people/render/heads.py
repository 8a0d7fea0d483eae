"""Close-ups of heads, and their motion: turning, nodding, smiling, talking, blinking."""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from reposer.core import Pose
from reposer.core.skeleton import FACE_68

from ..body.bones import rest_figure
from ..body.cameras import Camera
from ..body.figure import HEAD_RADII, BodyPose, Vector, pose_body
from ..head.faces import Face
from ..head.landmarks import face_points
from ..head.surface import face_points as on_head
from ..identity import Identity
from ..wardrobe.shapes import normals
from .dress import bust_of
from .projection import Projection, axes_of
from .rendering import Shot
from .scenes import Scene
from .surface import as_surface, texel_coordinates

HEAD_HEIGHT = 0.145  # of an average head, in statures
SHUT = 0.06  # share of an eye's usual opening while it blinks
LIPS_APART = 0.15  # largest opening of the lips, in head radii
JAW = 7.0  # how much the chin drops (Face.chin) per head radius between the lips
TEETH = 0.94  # upper limit of Face.smile: above it teeth would appear abruptly
FINENESS = 1.1  # texels per pixel of the picture


class Wave:
    """A smooth, irregular function of time, roughly in [-1, 1]: a sum of three sines.

    seconds: the shortest and the longest period.
    """

    def __init__(self, stream: np.random.Generator, seconds: tuple[float, float]) -> None:
        self.rates = 2 * math.pi / stream.uniform(*seconds, 3)
        self.phases = stream.uniform(0, 2 * math.pi, 3)
        weights = stream.uniform(0.4, 1.0, 3)
        self.weights = weights / np.sqrt((weights**2).sum())

    def __call__(self, time: float) -> float:
        return float((self.weights * np.sin(self.rates * time + self.phases)).sum().clip(-1.5, 1.5) / 1.5)


@dataclass(frozen=True)
class Moment:
    """Pose of a head and expression of its face. neck, spine: (nod, turn, tilt), in degrees (see BodyPose)."""

    neck: Vector
    spine: Vector
    face: Face


class Manner:
    """A person's motion of head and face, as a function of time in seconds."""

    def __init__(self, face: Face, stream: np.random.Generator) -> None:
        self.face = face
        self.size = {
            "turn": float(stream.uniform(14, 27)),
            "nod": float(stream.uniform(5, 13)),
            "tilt": float(stream.uniform(2, 8)),
            "sway": float(stream.uniform(0.5, 2.5)),
            "smile": float(stream.uniform(0.3, 0.6)),
            "talk": float(stream.uniform(0.5, 1.0)) * LIPS_APART,
            "brows": float(stream.uniform(0.01, 0.035)),
        }
        slow, middle, fast = (1.6, 4.5), (1.0, 3.0), (0.25, 0.6)
        self.waves = {
            "turn": Wave(stream, slow),
            "nod": Wave(stream, (1.2, 3.5)),
            "tilt": Wave(stream, slow),
            "bow": Wave(stream, slow),
            "sway": Wave(stream, slow),
            "smile": Wave(stream, middle),
            "talk": Wave(stream, fast),
            "pause": Wave(stream, middle),
            "brows": Wave(stream, middle),
        }
        self.blinks = np.cumsum(stream.uniform(1.2, 3.5, 400)) - float(stream.uniform(0, 2))

    def __call__(self, time: float) -> Moment:
        wave = {name: function(time) for name, function in self.waves.items()}
        size, face = self.size, self.face
        talking = min(max(0.5 + 1.6 * wave["pause"], 0.0), 1.0)
        opening = size["talk"] * talking * max(0.5 + 0.8 * wave["talk"], 0.0)
        smile = min(max(min(face.smile, TEETH) + size["smile"] * wave["smile"], 0.0), TEETH)
        since = float(np.abs(self.blinks - time).min())
        shut = max(0.0, 1 - since / 0.13) ** 0.7  # a quarter of a second from open to open
        moving = replace(
            face,
            smile=smile,
            opening=opening,
            chin=face.chin + JAW * opening,
            mouth_width=face.mouth_width * (0.94 + 0.14 * smile - 0.5 * opening),
            eye_open=face.eye_open * (SHUT + (1 - SHUT) * (1 - shut)),
            brow_height=face.brow_height + size["brows"] * wave["brows"],
        )
        neck = (size["nod"] * wave["nod"], size["turn"] * wave["turn"], size["tilt"] * wave["tilt"])
        spine = (0.5 * size["sway"] * wave["bow"], size["sway"] * wave["sway"], 0.0)
        return Moment(neck, spine, moving)


class Bust:
    """Head and shoulders of one person, as a mesh with expressions, in front of a fixed camera.

    size: (height, width) of the pictures, in pixels. share: of their height (or 1.25 times their width, if that is
    less) that the head fills.
    """

    def __init__(self, who: Identity, scene: Scene, camera: Camera, size: tuple[int, int], share: float) -> None:
        self.who, self.scene, self.camera, self.size = who, scene, camera, size
        self.figure = rest_figure(who.body)
        height = HEAD_HEIGHT * who.body.head * who.body.stature
        scale = share * min(size[0], 1.25 * size[1]) / height
        patches = bust_of(self.figure, who)
        density = FINENESS * scale * who.body.stature
        self.surface = as_surface(patches, self.figure, who.number, density)
        self.grid = patches[0].coordinates  # a head is a function of directions
        self.directions = texel_coordinates(patches[0], density).reshape(-1, 3)
        looked_at = pose_body(who.body, BodyPose()).points["head"]
        self.projection = Projection(
            axes_of(camera),
            looked_at,
            who.body.stature,
            camera.distance,
            scale,
            (size[1] - 1) / 2 + camera.shift[0] * size[1],
            (size[0] - 1) / 2 + camera.shift[1] * size[0],
            camera.elevation,
        )

    def shot(self, moment: Moment) -> Shot:
        """Everything that determines the picture of a moment."""
        face, head = moment.face, self.figure.frames["head"]
        radii = HEAD_RADII * self.who.body.head
        points = self.figure.points["head"] + (on_head(self.grid, face) * radii) @ head.T
        surface = self.surface
        first = points.shape[0] * points.shape[1]
        changed = {
            "points": _with_first(surface.points, points.reshape(-1, 3), first),
            "normals": _with_first(surface.normals, normals(points).reshape(-1, 3), first),
        }
        texels = surface.texels.clone()
        texels[: len(self.directions), :3] = torch.from_numpy(face.colour(self.directions).clip(0, 1.2))
        return Shot(
            replace(self.who, face=face),
            replace(surface, texels=texels, **changed),
            BodyPose(neck=moment.neck, spine=moment.spine),
            self.camera,
            self.scene,
            projection=self.projection,
        )

    def landmarks(self, moment: Moment) -> Pose:
        """The 68 landmarks, including those hidden by the head, as landmark detectors report them."""
        figure = pose_body(self.who.body, BodyPose(neck=moment.neck, spine=moment.spine))
        places = torch.from_numpy(face_points(figure, moment.face).astype(np.float32))
        xy = self.projection(places)[:, :2].contiguous()
        return Pose(xy, torch.ones(len(FACE_68), dtype=torch.bool), self.size, FACE_68)


def _with_first(values: Tensor, first: np.ndarray, count: int) -> Tensor:
    """`values` with its first rows replaced."""
    out = values.clone()
    out[:count] = torch.from_numpy(first.astype(np.float32))
    return out
