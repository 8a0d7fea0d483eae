"""People that nobody photographed: articulated, dressed and drawn by our own code from nothing but
numbers.
"""

from .body import ArmPose, Body, BodyPose, LegPose
from .identity import Identity, sample_identity
from .parts import PARTS
from .people import SyntheticPeople, pose_of
from .poses import sample_pose, sample_yaw
from .render import Camera, RenderedPerson, render_person
from .write import write_people

__all__ = [
    "PARTS",
    "ArmPose",
    "Body",
    "BodyPose",
    "Camera",
    "Identity",
    "LegPose",
    "RenderedPerson",
    "SyntheticPeople",
    "pose_of",
    "render_person",
    "sample_identity",
    "sample_pose",
    "sample_yaw",
    "write_people",
]
