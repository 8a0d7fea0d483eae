"""Option values and rules shared by functions and the command line. Nothing is imported here: help is instant."""

from typing import Literal

Frame = Literal["padded256", "crop176"]
"""Coordinates of the joints in a fashion list: pictures of 256 columns with white sides, or without them."""
PictureForm = Literal["plain", "padded", "squashed"]
"""How a picture file contains the 256x176 picture of a fashion list. plain: it is the picture, in any size of its
shape. padded: a square, 40 of 256 columns on each side white, as In-shop's low-resolution files are. squashed: of any
other shape, each axis scaled on its own."""
Smoothing = Literal["none", "one-euro", "two-sided"]
"""Smoothing of a track of joints: none, by the frames before ("one-euro"), or by the whole clip ("two-sided")."""
QUALITY = 18
"""x264's constant rate factor of an H.264 file: 1 is the finest, 51 the coarsest; the loss at 18 is hardly visible. (0
would need a profile that phones and most browsers do not play.)"""
Background = Literal["keep", "fill", "white", "transparent"]
"""Behind a reposed person. keep: as the generator gives it; TrueFlow's is the photo's own, filled where the person
stood.
fill: that for every generator. white, transparent: the person alone."""
CanvasChoice = Literal["keep", "grow", "inside"]
"""If the new pose leaves the photo. keep: it is cut, and said. grow: the picture grows; the surroundings are continued
smoothly. inside: the pose is moved, and made smaller if it must be, until it is inside."""
HeadChoice = Literal["keep", "pose"]
"""The head of a person who gets somebody else's pose. keep: its direction in the photo, where the neck of the pose
can turn it there. pose: as in the pose."""
OtherSide = Literal["mirrored", "plain"]
"""What no photo shows of trunk, arms, legs and shoes, if much of it is hidden, and of hair (TrueFlow). mirrored: copied
from the body's other side, patterns included. plain: the network's guess, smooth, in the colours around it."""
Engine = Literal["local", "ray"]
"""Where many pictures are made, rendered or scored. local: by processes of this machine. ray: by Ray Data, on a cluster
or on this machine."""
Runtime = Literal["torch", "onnxruntime", "openvino"]
"""What runs a network."""
Preset = Literal["fast", "balanced", "best"]
"""Choices of model, size and runtime by name; see `engines.presets`."""
ExportForm = Literal["onnx", "pt2", "openvino"]
"""Forms of an exported network."""
StoredAs = Literal["fp32", "fp16", "bf16"]
"""How an exported network's weights are stored."""


def evenly(count: int, of: int) -> list[int]:
    """`count` of the numbers below `of`, evenly spread: the pairs that every command scores if it scores only some."""
    return [round(k * of / count) for k in range(count)]
