"""Words to choose from that functions and the command line's options share. Nothing is imported here: help is
instant."""

from typing import Literal

Frame = Literal["padded256", "crop176"]
"""What the joints of a fashion list count in: pictures of 256 columns with white sides, or those without them."""
PictureForm = Literal["plain", "padded", "squashed"]
"""How a picture file holds the 256x176 picture of a fashion list. plain: it is the picture, in any size of its shape.
padded: a square, 40 of 256 columns on each side white, as In-shop's low-resolution files are. squashed: of any other
shape,
each axis scaled on its own."""
Smoothing = Literal["none", "one-euro", "two-sided"]
"""Of a track of joints: not at all, by what came before, or by the whole clip."""
QUALITY = 18
"""Of an H.264 file, x264's constant rate factor: 1 is the finest, 51 the coarsest; 18 loses hardly what an eye
sees. (0 would be of a profile that phones and most browsers do not play.)"""
