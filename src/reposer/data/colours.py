"""Convert a picture file's colours to sRGB: embedded colour profile, bit depth, inks and transparency."""

import io
import logging
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

from reposer.core import BadInput
from reposer.core.shown import one_line

SAME = 2
"""Grey levels: a profile that changes no colour by more is a variant of sRGB and is not applied."""
_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
_SPACES = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK"}  # Pillow's name, the profile's name
_log = logging.getLogger(__name__)


class BadProfile(ValueError):
    """An embedded colour profile cannot be used; the message says why."""


def refuse_unknown_depth(image: Image.Image, name: str) -> None:
    """Refuse numeric pictures with unknown black and white levels, before decoding."""
    if image.mode == "F":
        raise BadInput(
            f"{name} holds floating-point numbers; which of them is white is not said. Save it with 8 or 16 bits a "
            "colour."
        )
    if image.mode == "I":
        raise BadInput(
            f"{name} holds integers of 32 bits, or signed ones; which of them is white is not said. Save it with 8 or "
            f"16 bits a colour."
        )
    bits = getattr(image, "tag_v2", {}).get(258, (16,))
    if image.mode.startswith("I;16") and bits not in ((16,), 16):
        raise BadInput(f"{name} has {bits} bits a pixel, which are not read. Save it with 8 or 16 bits a colour.")


def as_srgb(image: Image.Image, profile: bytes | None, name: str) -> Image.Image:
    """The decoded picture, or a part of it, in 8-bit sRGB; transparent pixels become white.

    profile: the embedded ICC profile. An unusable one is ignored with a log message.
    """
    colours, alpha = _layers(image)
    try:
        if profile is not None and colours.mode == "L" and _space(profile) == "RGB":
            colours = colours.convert("RGB")  # treat grey as colour
        transform = None if profile is None else _transform(profile, colours.mode)
    except BadProfile as error:
        shown, why = one_line(name), one_line(str(error))
        _log.warning("%s: its colour profile is ignored (%s); its colours are taken as sRGB.", shown, why)
        transform = None
    rgb = colours.convert("RGB") if transform is None else ImageCms.applyTransform(colours, transform)
    assert rgb is not None, "not in place"
    if alpha is None:
        return rgb
    rgb.putalpha(alpha)
    paper = Image.new("RGBA", rgb.size, (255, 255, 255, 255))
    return Image.alpha_composite(paper, rgb).convert("RGB")


def _layers(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """The picture in 8 bits as RGB, L (grey) or CMYK, and its alpha channel, if any."""
    if image.mode.startswith("I;16"):
        grey = np.asarray(image).astype(np.uint16) >> 8
        return Image.fromarray(grey.astype(np.uint8)), None
    if image.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in image.info:
        layers = image.convert("RGBA")
        colours = layers.convert("L") if image.mode in ("L", "LA", "La") else layers.convert("RGB")
        return colours, layers.getchannel("A")
    if image.mode == "1":
        return image.convert("L"), None
    return (image if image.mode in _SPACES else image.convert("RGB")), None


def _space(profile: bytes) -> str:
    """The colour space in a profile's header: "RGB", "GRAY", "CMYK", ..."""
    return profile[16:20].decode("ascii", "replace").strip()


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The transform from the profile's colours to sRGB; None if it changes nothing."""
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = own.profile.xcolor_space.strip()
        if space != _SPACES[mode]:
            raise BadProfile(f"it is one of {space}, the picture is {_SPACES[mode]}")
        transform = ImageCms.buildTransform(
            own,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            renderingIntent=_INTENT,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except BadProfile:
        raise
    except Exception as error:  # LittleCMS and its absence raise errors of several kinds
        raise BadProfile(str(error).strip() or type(error).__name__) from None
    return None if mode != "CMYK" and _changes_nothing(transform, mode) else transform


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether a grid of test colours stays unchanged."""
    steps = np.linspace(0, 255, 18).round().astype(np.uint8)
    if mode == "L":
        before = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    else:
        before = Image.fromarray(np.stack(np.meshgrid(steps, steps, steps), -1).reshape(len(steps), -1, 3))
    after = np.asarray(ImageCms.applyTransform(before, transform)).astype(np.int16)
    return bool(np.abs(after - np.asarray(before.convert("RGB"))).max() <= SAME)
