"""Picture sheets: rows of pictures with titles, and a generator's inner layers made visible."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from reposer.core import Batch, Explanation, FaceLines, Generator, Layer, Pose, Sample
from reposer.core.disk import whole_file
from reposer.core.generator import refuse_not_finite
from reposer.core.images import from_uint8, resize, to_uint8
from reposer.nn.maps import stick_picture
from reposer.nn.warp import flow_picture

PAPER, INK = (255, 255, 255), (60, 64, 72)
# Dark to light at a steady pace, distinguishable by colour-blind people and in print: points of viridis (CC0).
WEIGHT_COLOURS = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))
SMALLEST_TEXT = 9  # points
COMFORTABLE = 256  # pixels: about how high a picture of a sheet is shown


def picture_sheet(
    rows: Sequence[Sequence[Float[Tensor, "3 H W"] | None]],
    column_titles: Sequence[str] = (),
    row_titles: Sequence[str] = (),
    scale: float = 1.0,
) -> UInt8[np.ndarray, "h w 3"]:
    """Pictures in [-1, 1], all of one size, on white paper; `scale` times as large as they are.

    A None, or a row that ends early, leaves its place empty. A title wider than its column is set smaller, then
    truncated with an ellipsis.
    """
    shapes = {tuple(p.shape[-2:]) for row in rows for p in row if p is not None}
    assert len(shapes) == 1, f"a sheet holds pictures of one size, not of {sorted(shapes) or 'none'}"
    ((height, width),) = shapes
    num_columns = max(len(row) for row in rows)
    assert len(column_titles) in (0, num_columns), (len(column_titles), num_columns)
    assert len(row_titles) in (0, len(rows)), (len(row_titles), len(rows))
    h, w = max(1, round(height * scale)), max(1, round(width * scale))

    gap = max(4, round(min(h, w) / 24))
    margin = 3 * gap
    points = min(22.0, max(SMALLEST_TEXT, w / 9))
    font = ImageFont.load_default(size=points)
    side = max((_width(title, font) for title in row_titles), default=0)
    left = margin + (round(side) + 2 * gap if row_titles else 0)
    top = margin + (round(1.2 * points) + gap if column_titles else 0)
    sheet_w = left + num_columns * w + (num_columns - 1) * gap + margin
    sheet_h = top + len(rows) * h + (len(rows) - 1) * gap + margin

    sheet = Image.new("RGB", (sheet_w, sheet_h), PAPER)
    draw = ImageDraw.Draw(sheet)
    for c, title in enumerate(column_titles):
        fitted, fitted_font = _fit(title, points, w)
        draw.text((left + c * (w + gap) + w / 2, top - gap), fitted, INK, fitted_font, anchor="ms")
    for r, title in enumerate(row_titles):
        draw.text((left - 2 * gap, top + r * (h + gap) + h / 2), title, INK, font, anchor="rm")
    for r, row in enumerate(rows):
        for c, picture in enumerate(row):
            if picture is not None:
                cell = to_uint8(resize(picture[None].detach().float().cpu(), (h, w)))[0]
                sheet.paste(Image.fromarray(cell.numpy()), (left + c * (w + gap), top + r * (h + gap)))
    return np.array(sheet)


def explanation_pictures(explanation: Explanation, size: tuple[int, int]) -> dict[str, Float[Tensor, "B 3 H W"]]:
    """The layers of an explanation, by name, as pictures in [-1, 1] of `size`.

    A flow is a colour wheel (hue: direction, strength: length); a weight goes from dark violet (0) to yellow (1).
    Non-finite numbers are refused.
    """
    for title, layer in explanation.layers.items():
        refuse_not_finite(layer.values, f"the layer '{title}'")
    return {title: resize(_layer_picture(layer).float(), size) for title, layer in explanation.layers.items()}


def pair_sheet(generator: Generator, samples: Sequence[Sample]) -> UInt8[np.ndarray, "h w 3"]:
    """A row per pair: source, target pose (if it is one), the generated picture, the truth, and the generator's
    layers.
    """
    batch = Batch.stack(samples).to(generator.device)
    explanation = generator.explain(batch.source, batch.source_pose, batch.target_pose)
    columns = {"source": batch.source}
    pose = batch.target_pose.points if isinstance(batch.target_pose, FaceLines) else batch.target_pose
    if isinstance(pose, Pose):
        columns["target pose"] = stick_picture(pose)
    columns |= {"generated": explanation.picture, "truth": batch.target}
    return _sheet_of_columns(columns, explanation)


def explanation_sheet(explanation: Explanation) -> UInt8[np.ndarray, "h w 3"]:
    """A row per generated picture: it, and the layers it was made from."""
    return _sheet_of_columns({"generated": explanation.picture}, explanation)


def write_sheet(path: Path, sheet: UInt8[np.ndarray, "h w 3"]) -> None:
    """Write a PNG file atomically."""
    encoded = io.BytesIO()  # encoded before the file is opened, as in `write_picture`
    Image.fromarray(sheet).save(encoded, format="PNG")
    with whole_file(path) as file:
        file.write(encoded.getbuffer())


def _sheet_of_columns(columns: dict[str, Tensor], explanation: Explanation) -> UInt8[np.ndarray, "h w 3"]:
    height, width = explanation.picture.shape[-2:]
    columns = columns | explanation_pictures(explanation, (height, width))
    rows = list(zip(*columns.values(), strict=True))
    return picture_sheet(rows, tuple(columns), scale=max(1, round(COMFORTABLE / height)))


def _layer_picture(layer: Layer) -> Float[Tensor, "B 3 h w"]:
    if layer.kind == "flow":
        return flow_picture(layer.values)
    if layer.kind == "weight":
        return weight_picture(layer.values)
    return layer.values


def weight_picture(weights: Float[Tensor, "B 1 H W"]) -> Float[Tensor, "B 3 H W"]:
    """Weights in [0, 1] as colours: dark violet, blue, teal, green, yellow."""
    colours = from_uint8(torch.tensor([[WEIGHT_COLOURS]], dtype=torch.uint8))[0, :, 0].T.to(weights.device)
    place = weights[:, 0].float().clamp(0, 1) * (len(colours) - 1)
    below = place.floor().clamp(max=len(colours) - 2).long()
    mixed = torch.lerp(colours[below], colours[below + 1], (place - below)[..., None])
    return mixed.movedim(-1, 1)


def _width(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> float:
    return font.getlength(text)


def _fit(text: str, points: float, width: float) -> tuple[str, ImageFont.FreeTypeFont | ImageFont.ImageFont]:
    """The text and the font in which it is no wider than `width`."""
    font = ImageFont.load_default(size=points)
    if (needed := _width(text, font)) > width:
        font = ImageFont.load_default(size=max(SMALLEST_TEXT, points * width / needed))
    shown = text
    while _width(shown, font) > width and len(shown) > 2:
        shown = shown[:-2].rstrip() + "…"
    return shown, font
