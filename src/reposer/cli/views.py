"""`reposer views PICTURE --model X --out turntable.mp4`: the object of a picture on a turntable."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from tyro.conf import Positional

from reposer.core.choices import QUALITY
from reposer.core.outputs import check_output_file, named_beside
from reposer.core.terminal import Terminal

from .option_values import MOST_PIXELS, within
from .options import called
from .progress import counted

ROUND = 360
MOST_DEGREES = 3600
MOST_STEPS = 3600


def run(arguments: Sequence[str]) -> int:
    return called(views, arguments, "views", __doc__)


def views(
    picture: Positional[Path],
    *,
    model: str,
    out: Path | None = None,
    azimuth: float = 0.0,
    elevation: float = 0.0,
    steps: int = 18,
    fps: float = 12.0,
    frames_per_view: int = 2,
    side_by_side: bool = False,
    largest: int = 1920,
    quality: int = QUALITY,
    device: str | None = None,
) -> int:
    """Write an MP4 (H.264) of the picture's size (see `largest`): one turn of the object, starting at the picture's
    side.

    Args:
        picture: a picture file of an object of the model's kind, cropped as in its training data.
        model: a `.safetensors` of a model that turns objects.
        out: the MP4 to write; none = PICTURE-turntable.mp4 beside the picture.
        azimuth: side from which the picture shows the object, in degrees, counter-clockwise seen from above.
        elevation: height of the camera above the horizon, in degrees; constant over the clip.
        steps: number of sides in one turn.
        fps: frames per second.
        frames_per_view: number of frames for which each side is shown.
        side_by_side: show the picture next to each side.
        largest: longest side of the clip, in pixels; larger pictures are scaled down. Phones play no more than 4096.
        quality: H.264 constant rate factor: 1 is the finest, 18 is visually nearly lossless, 51 is the coarsest.
        device: cpu, cuda, ...; none = a CUDA GPU if there is one.
    """
    within("--azimuth", azimuth, -MOST_DEGREES, MOST_DEGREES)
    within("--elevation", elevation, -MOST_DEGREES, MOST_DEGREES)
    within("--steps", steps, 1, MOST_STEPS)
    within("--frames-per-view", frames_per_view, 1, MOST_STEPS)
    within("--largest", largest, 2, MOST_PIXELS)
    within("--quality", quality, 1, 51)
    out = out or named_beside(picture, "-turntable.mp4")
    check_output_file(out, endings=(".mp4",), inputs=(picture, model))

    import torch

    from reposer.animation.video import beside, no_larger, turntable
    from reposer.core import View
    from reposer.core.device import chosen_device
    from reposer.data.pictures import read_picture
    from reposer.data.poses import LEAST_FPS, MOST_FPS
    from reposer.data.video_files import ClipWriter
    from reposer.generators import load

    within("--fps", fps, LEAST_FPS, MOST_FPS)
    pixels = no_larger(read_picture(picture), largest)
    source = View(torch.tensor(azimuth), torch.tensor(elevation))
    azimuths = [(azimuth + step * ROUND / steps) % ROUND for step in range(steps)]
    console = Terminal(stderr=True)
    rate = Fraction(fps).limit_denominator(10_000)
    with ClipWriter(out, rate, quality=quality) as clip:
        frames = turntable(load(model).to(chosen_device(device)), pixels, source, azimuths, elevation)
        for frame in counted(frames, "generating", steps, console):
            shown = beside([pixels, frame], largest) if side_by_side else frame
            for _ in range(frames_per_view):
                clip.add(shown)
    console.say(f"The clip: {out} ({steps} sides, {float(clip.num_frames / rate):.1f} s)")
    return 0
