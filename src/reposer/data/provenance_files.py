"""Files that say where every pixel of a result comes from: a picture in five colours, and the places as numbers."""

import io
from pathlib import Path

import numpy as np
import torch

from reposer.core.composition import KINDS, Provenance
from reposer.core.disk import whole_file

from .pictures import write_picture

COLOURS = {
    "kept": (238, 238, 238),
    "copied": (0, 114, 178),
    "filled": (230, 159, 0),
    "invented": (204, 51, 17),
    "mirrored": (86, 180, 233),
}
"""Of the picture, by kind: distinguishable by colour-blind people (after Okabe and Ito)."""


def write_provenance(picture: Path, numbers: Path, provenance: Provenance) -> None:
    """Writes the picture (PNG, in COLOURS) and the numbers (`.npz`: `kind` (H, W) indices into `kinds`; `place` (H, W,
    2), x and y in pixels of photo number `photo` (H, W), NaN and 255 where no photo is shown).
    """
    colours = torch.tensor([COLOURS[kind] for kind in KINDS], dtype=torch.uint8)
    write_picture(picture, colours[provenance.kind.long()])
    content = io.BytesIO()
    kind, place, photo = (a.numpy() for a in (provenance.kind, provenance.place, provenance.photo))
    np.savez_compressed(content, kinds=np.array(KINDS), kind=kind, place=place, photo=photo)
    with whole_file(numbers) as file:
        file.write(content.getbuffer())


def told_shares(provenance: Provenance) -> str:
    """The share of each kind of pixel, in a sentence."""
    shares = provenance.shares
    made = 1 - shares["kept"]
    invented = shares["invented"] / made if made else 0.0
    return (
        f"{shares['invented']:.1%} of the picture is invented ({invented:.0%} of what changed); {shares['copied']:.1%} "
        f"is copied from elsewhere in the photo, {shares['mirrored']:.1%} from the other side of the body, "
        f"{shares['filled']:.1%} is filled background, {shares['kept']:.1%} stays."
    )
