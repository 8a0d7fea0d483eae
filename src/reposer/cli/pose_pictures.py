"""Pictures of poses that commands write: presets on a sheet, a pose before and after it was fitted."""

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from reposer.core.skeleton import OPENPOSE_18
from reposer.data.poses import openpose_picture
from reposer.data.poses.presets import preset, preset_names
from reposer.data.skeleton_pictures import skeleton_over
from reposer.own_photo import Reposed
from reposer.pipeline import placement

COLUMNS = 8
LINE = 18
"""Height of a name under its pose, in pixels."""


def preset_sheet() -> UInt8[Tensor, "H W 3"]:
    """All presets with their names, eight in a row."""
    cells = []
    for name in preset_names():
        pose = preset(name)
        cell = Image.new("RGB", (pose.size[1], pose.size[0] + LINE))
        cell.paste(Image.fromarray(openpose_picture([pose], pose.size).numpy()))
        middle = (pose.size[1] / 2, pose.size[0] + LINE / 2)
        ImageDraw.Draw(cell).text(middle, name, "white", ImageFont.load_default(13), anchor="mm")
        cells.append(np.array(cell))
    blank = np.zeros_like(cells[0])
    cells += [blank] * (-len(cells) % COLUMNS)
    rows = [np.concatenate(cells[n : n + COLUMNS], 1) for n in range(0, len(cells), COLUMNS)]
    return torch.from_numpy(np.concatenate(rows, 0))


def before_and_after(photo: UInt8[Tensor, "H W 3"], reposed: Reposed) -> UInt8[Tensor, "h w 3"]:
    """The photo with its own pose, with the wanted one by size and place alone, and with the fitted one."""
    assert reposed.wanted is not None
    own, before, fitted = (p.convert(OPENPOSE_18) for p in (reposed.source_pose, reposed.wanted.pose, reposed.pose))
    if reposed.wanted.of_another or before.size != own.size:
        before = before.affine(placement(own, before, fit=True), own.size)
    if fitted.size != own.size:  # the canvas has grown: its pixels are no longer the photo's
        photo = torch.cat([photo, photo[-1:].expand(max(0, fitted.size[0] - photo.shape[0]), -1, -1)])
    return torch.cat([skeleton_over(photo, pose) for pose in (own, before, fitted)], 1)
