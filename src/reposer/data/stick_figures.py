"""Detect pictures of a skeleton instead of a person: thin lines in several bright colours on an even background."""

from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import UInt8
from torch import Tensor

from reposer.core import BadInput

SIDE = 512
"""Pixels: larger pictures are subsampled by rows and columns."""
EVEN = 40
"""Grey levels by which the background may vary, as in a compressed clip."""
GROUND = 0.7
MARKS = (0.001, 0.3)
"""Shares of the picture: least background, and range of the lines."""
BRIGHT, MOSTLY = 80, 0.5
"""Grey levels between the largest and smallest channel of a bright colour, and least share of bright lines."""
HUES, OF_A_HUE = 4, 0.03
"""Least number of hues, of twelve, and the least share of the bright lines that each has."""
THICKNESS, LEFT = 1 / 24, 0.1
"""Largest thickness of a line, as a share of the smaller side, and share of the lines that may be thicker."""


def is_stick_figure(picture: UInt8[Tensor, "H W 3"]) -> bool:
    """Whether it looks like joints and limbs rendered on an even background."""
    step = -(-max(picture.shape[:2]) // SIDE)
    pixels = picture[::step, ::step].int()
    ground = _commonest(pixels)
    marks = (pixels - ground).abs().amax(-1) > EVEN
    share = float(marks.float().mean())
    if share > 1 - GROUND or not MARKS[0] <= share <= MARKS[1]:
        return False
    lines = pixels[marks]
    bright = lines[(lines.amax(-1) - lines.amin(-1)) >= BRIGHT]
    if len(bright) < MOSTLY * len(lines):
        return False
    counts = torch.bincount(_hues(bright), minlength=12)
    return int((counts >= OF_A_HUE * len(bright)).sum()) >= HUES and _are_thin(marks)


def refuse_stick_figure(picture: UInt8[Tensor, "H W 3"], path: Path, way_out: str) -> None:
    """Refuse a picture of a skeleton, in which a pose estimator cannot find a person."""
    if is_stick_figure(picture):
        raise BadInput(
            f"{path} shows a stick figure, not a person: there is no person whose joints could be found. {way_out}"
        )


def _commonest(pixels: Tensor) -> Tensor:
    """Mean colour of the pixels in the most frequent of 16 x 16 x 16 cells."""
    cells = (pixels // 16 * torch.tensor([256, 16, 1])).sum(-1)
    return pixels[cells == torch.bincount(cells.flatten()).argmax()].float().mean(0).round().int()


def _hues(colours: Tensor) -> Tensor:
    """Hues of bright colours, as indices of twelve."""
    red, green, blue = colours.float().unbind(-1)
    turn = torch.atan2(3**0.5 * (green - blue), 2 * red - green - blue)
    return (turn / torch.pi * 6 + 12.5).long() % 12


def _are_thin(marks: Tensor) -> bool:
    """Whether almost nothing is left after eroding half of THICKNESS from both sides of every line."""
    radius = max(1, round(THICKNESS / 2 * min(marks.shape)))
    ground = (~marks).float()[None, None]
    left = F.max_pool2d(ground, 2 * radius + 1, stride=1, padding=radius) == 0
    return int(left.sum()) <= LEFT * int(marks.sum())
