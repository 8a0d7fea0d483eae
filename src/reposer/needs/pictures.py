"""What photos and clips of people need."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from reposer.core import BadInput
from reposer.core.memory import Need, NotCounted, size_in_words
from reposer.data.pictures import picture_header
from reposer.generators import model_file
from reposer.nn.weights import read_about, read_header

PROCESS = 262e6
"""Bytes of Python, torch and this package in a process that makes pictures, without networks."""
SHARED = 135e6
"""Of these, code that a further process shares with the first."""
ESTIMATOR = 298e6
"""Bytes of the pose estimators and what runs them."""
PIXEL = 13.0
"""Bytes for each pixel of a photo: its own, those of the result, and what it takes to look for people and to write."""
CLIP_PIXEL = 250.0
"""Bytes for each pixel of a clip's frame: some sixty frames, which the encoder looks at before it writes the first,
too."""
DRIVING_PIXEL = 20.0
"""Bytes for each pixel of a driving clip's frame."""

NETWORK_PIXEL = 1500.0
"""Bytes for each pixel of the network's picture: those of TrueFlow, which has the most at a time."""

Size = tuple[int, int]


def need_of_photo(
    model: str | Path,
    photos: Sequence[Path],
    *,
    looked_at: Sequence[Path] = (),
    estimated: bool,
    network_size: Size | None = None,
    most: float | None = None,
) -> Need:
    """Of putting the person of a photo into another pose. BadInput if that is more than `most` bytes, or if a picture
    cannot be read.

    photos: of the person, which are in memory together. looked_at: pictures in which only a pose is looked for.
    """
    pixels = max(sum(map(_pixels, photos)), *map(_pixels, looked_at), 0)
    need = _of_pixels(model, pixels, estimated, network_size)
    if most is not None and need.memory > most:
        raise BadInput(_too_large(need, most, "A photo" if len(photos) == 1 else "Photos"))
    return need


def _of_pixels(model: str | Path, pixels: int, estimated: bool, network_size: Size | None) -> Need:
    return Need(
        {
            "Python and torch": PROCESS,
            "the pose estimator": ESTIMATOR if estimated else 0.0,
            "the network": _of_network(model, network_size),
            "the photo": PIXEL * pixels,
        }
    )


def need_of_batch(
    model: str | Path,
    photos: Iterable[Path],
    workers: int,
    *,
    network_size: Size | None = None,
    most: float | None = None,
) -> tuple[int, Need]:
    """The number of processes, and what they need: of this many (0 = this process alone), or of as many as stay below
    `most` bytes. BadInput if one is too many."""
    one = _of_pixels(model, _most_pixels(photos), estimated=True, network_size=network_size)
    each = one.memory - SHARED
    for number in range(workers, -1, -1):
        parts = {"the process that hands out the work": PROCESS, f"{number} that make pictures": number * each}
        changed = (f"--workers {number} instead of {workers}",) if number != workers else ()
        found = Need(parts if number else one.parts, changed=changed)
        if most is None or found.memory <= most:
            return number, found
    raise BadInput(_too_large(one, most or 0.0))


def need_of_clip(
    model: str | Path,
    photo: Size,
    driving: Size | None,
    largest: int,
    *,
    panels: int,
    estimated: bool,
    network_size: Size | None = None,
    most: float | None = None,
) -> Need:
    """Of a clip of a photo of (height, width); its number of frames does not matter. BadInput if that is more than
    `most` bytes.

    driving: (height, width) of the driving clip's frames; None = a track alone. largest: side of the clip. panels:
    pictures side by side.
    """
    height, width = photo

    def of(largest: float) -> Need:
        shown = height * width * min(1.0, largest / max(height, width)) ** 2
        return Need(
            {
                "Python and torch": PROCESS,
                "the pose estimator": ESTIMATOR if estimated else 0.0,
                "the network": network,
                "the photo": PIXEL * height * width,
                "frames and their encoder": CLIP_PIXEL * panels * shown,
                "the driving clip": DRIVING_PIXEL * (driving[0] * driving[1] if driving else 0),
            }
        )

    network = _of_network(model, network_size)
    need = of(largest)
    if most is not None and need.memory > most:
        fits = next((side for side in range(max(height, width), 63, -32) if of(side).memory <= most), None)
        way_out = (
            f"A smaller photo is needed: without its frames it takes {size_in_words(of(0).memory)}."
            if fits is None
            else f"--largest {min(fits, largest)} fits."
        )
        raise BadInput(f"{_above(need, most)} {way_out}")
    return need


def _of_network(model: str | Path, size: Size | None) -> float:
    """From the file's size and header alone, which is quick; one picture's tensors are a small part of the process."""
    path = model_file(model)
    try:
        height, width = size or read_about(read_header(path), path)["framing"]["size"]
        return 2.0 * path.stat().st_size + NETWORK_PIXEL * int(height) * int(width)
    except (LookupError, TypeError, ValueError, OverflowError) as error:
        raise NotCounted(f"the header of {path.name} does not say the size of the network's pictures") from error


def _too_large(need: Need, most: float, what: str = "A photo") -> str:
    without = need.memory - need.parts["the photo"]
    if without + PIXEL * 1e6 > most:
        return f"{_above(need, most)} A photo of one megapixel needs {size_in_words(without + PIXEL * 1e6)}."
    megapixels = f"{(most - without) / PIXEL / 1e6:.1f} megapixels"
    fits = f"of up to {megapixels} fits" if what == "A photo" else f"of up to {megapixels} in all fit"
    return f"{_above(need, most)} {what} {fits}."


def _above(need: Need, most: float) -> str:
    return f"This needs about {size_in_words(need.memory)} of memory; --max-memory allows {size_in_words(most)}."


def _pixels(photo: Path) -> int:
    height, width = picture_header(photo)
    return height * width


def _most_pixels(photos: Iterable[Path]) -> int:
    """Of the largest that can be read; a batch tells of the others when their turn comes."""
    most = 0
    for path in dict.fromkeys(photos):
        try:
            most = max(most, _pixels(path))
        except (BadInput, OSError):
            continue
    return most
