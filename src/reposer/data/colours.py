"""Convert a picture file's colours to sRGB: embedded colour profile, bit depth, inks and transparency."""

import io
import logging
from functools import lru_cache

import numpy as np
from PIL import Image, ImageChops, ImageCms

from reposer.core import BadInput
from reposer.core.shown import one_line

SAME = 2
"""Grey levels: a profile that changes no colour by more is a variant of sRGB and is not applied."""
_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
OBLONG = 0.02
"""Share by which the two densities of a picture may differ: rounding."""
_EXIF, _INTEROPERABILITY, _COLOUR_SPACE = 0x8769, 0xA005, 0xA001
_ADOBE_TO_SRGB = np.linalg.solve(
    np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]),
    np.array([[0.5767309, 0.1855540, 0.1881852], [0.2973769, 0.6273491, 0.0752741], [0.0270343, 0.0706872, 0.9911085]]),
)
"""From linear Adobe RGB to linear sRGB, by way of XYZ."""
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


def fit_transparent_colour(image: Image.Image, bits: int, name: str) -> None:
    """Scale a PNG's transparent colour, which is written in `bits` a colour, to the values that Pillow decodes to."""
    colour = image.info.get("transparency")
    if image.mode == "L" and isinstance(colour, int) and bits < 8:
        image.info["transparency"] = colour * 255 // (2**bits - 1)
    if image.mode == "RGB" and isinstance(colour, tuple) and bits == 16:
        raise BadInput(
            f"{name} names one of its colours of 16 bits as transparent, which is not read. Save it with 8 bits a "
            "colour, or with an alpha channel."
        )


def is_adobe_rgb(image: Image.Image) -> bool:
    """Whether EXIF says Adobe RGB, as cameras do: an uncalibrated colour space, and the interoperability index R03."""
    try:
        exif = image.getexif()
        index = exif.get_ifd(_INTEROPERABILITY).get(1)
        space = exif.get_ifd(_EXIF).get(_COLOUR_SPACE)
    except Exception:  # metadata may have any type, and is only a hint
        return False
    index = index.decode("ascii", "replace") if isinstance(index, bytes) else index
    return isinstance(index, str) and index.rstrip("\0 ") == "R03" and space in (0xFFFF, 2)


def is_white_zero(image: Image.Image) -> bool:
    """Whether it is a TIFF of 16 bits in which 0 is white; Pillow inverts those of 8 bits only."""
    return image.mode.startswith("I;16") and getattr(image, "tag_v2", {}).get(262) == 0


def tell_of_oblong_pixels(image: Image.Image, name: str) -> None:
    """Log if a picture says that its pixels are not square."""
    across, down = image.info.get("aspect") or image.info.get("jfif_density") or image.info.get("dpi") or (1, 1)
    try:
        ratio = float(down) / float(across)
    except (ZeroDivisionError, TypeError, ValueError, OverflowError):
        return
    if ratio > 0 and max(ratio, 1 / ratio) > 1 + OBLONG:
        _log.warning(
            "%s says that its pixels are %.3g times as wide as high; they are taken as square, as browsers do. If "
            "people look squeezed in it, scale it to its true shape first.",
            one_line(name),
            ratio,
        )


def _from_adobe(image: Image.Image) -> Image.Image:
    """The sRGB picture of one in Adobe RGB (1998): both have the white of D65, and sRGB's red and blue."""
    light = (np.asarray(image, np.float64) / 255) ** (563 / 256)
    linear = (light @ _ADOBE_TO_SRGB.T).clip(0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return Image.fromarray((255 * encoded).round().astype(np.uint8))


def as_srgb(
    image: Image.Image, profile: bytes | None, name: str, *, adobe: bool = False, inverted: bool = False
) -> Image.Image:
    """The decoded picture, or a part of it, in 8-bit sRGB; transparent pixels become white.

    profile: the embedded ICC profile. An unusable one is ignored with a log message. adobe: whether it is in Adobe RGB.
    inverted: whether 0 is white in a picture of 16 bits.
    """
    colours, alpha = _layers(image)
    colours = ImageChops.invert(colours) if inverted else colours
    colours = _from_adobe(colours) if adobe and colours.mode == "RGB" else colours
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
        values = np.asarray(image).astype(np.uint16)
        grey = Image.fromarray((values >> 8).astype(np.uint8))
        clear = image.info.get("transparency")
        if not isinstance(clear, int):
            return grey, None
        return grey, Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8))
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
