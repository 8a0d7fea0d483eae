"""People that nobody photographed: articulated, dressed and drawn by our own code from nothing but
numbers.
"""

from .attributes import ATTRIBUTES, attributes
from .body import ArmPose, Body, BodyPose, LegPose
from .cameras import Camera, sample_camera
from .clips import SyntheticClips, SyntheticFaceClips
from .cycles import CYCLES, cycle
from .drawing import Drawing, Shot, draw, dress
from .identity import Identity, sample_identity
from .parts import PARTS
from .people import SyntheticPeople
from .poses import sample_pose
from .scenes import Scene, sample_scene
from .surface import Surface
from .write import write_people

__all__ = [
    "ATTRIBUTES",
    "CYCLES",
    "PARTS",
    "ArmPose",
    "Body",
    "BodyPose",
    "Camera",
    "Drawing",
    "Identity",
    "LegPose",
    "Scene",
    "Shot",
    "Surface",
    "SyntheticClips",
    "SyntheticFaceClips",
    "SyntheticPeople",
    "attributes",
    "cycle",
    "draw",
    "dress",
    "sample_camera",
    "sample_identity",
    "sample_pose",
    "sample_scene",
    "write_people",
]
