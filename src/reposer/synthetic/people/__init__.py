"""Synthetic people: procedurally generated, articulated, dressed and rendered."""

from .attributes import ATTRIBUTES, attributes
from .body.cameras import Camera, sample_camera
from .body.cycles import CYCLES, cycle
from .body.figure import ArmPose, Body, BodyPose, LegPose
from .body.parts import PARTS
from .body.poses import sample_pose
from .clips import SyntheticClips, SyntheticFaceClips
from .dataset import SyntheticPeople
from .identity import Identity, sample_identity
from .render.rendering import Rendering, Shot, dress, render
from .render.scenes import Scene, sample_scene
from .render.surface import Surface
from .write import write_people

__all__ = [
    "ATTRIBUTES",
    "CYCLES",
    "PARTS",
    "ArmPose",
    "Body",
    "BodyPose",
    "Camera",
    "Identity",
    "LegPose",
    "Rendering",
    "Scene",
    "Shot",
    "Surface",
    "SyntheticClips",
    "SyntheticFaceClips",
    "SyntheticPeople",
    "attributes",
    "cycle",
    "dress",
    "render",
    "sample_camera",
    "sample_identity",
    "sample_pose",
    "sample_scene",
    "write_people",
]
