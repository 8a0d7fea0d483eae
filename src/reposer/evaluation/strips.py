"""Pictures of several panels side by side, as test scripts save them: source, target pose, generated, ..."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import UInt8
from torch import Tensor

from reposer.core import BadInput
from reposer.data.pictures import picture_header, read_picture, write_picture

from .geometry import Size

SAME_PANEL = 0.02  # relative deviation allowed of a panel's shape
MOST_PANELS = 12
PANELS = ("source", "target", "generated")
"""Names of panels that mean something."""


@dataclass(frozen=True)
class Strip:
    """A file of `panels` panels of equal width, one of which is the picture.

    panel: which one, counted from 1 at the left.
    """

    panels: int = 1
    panel: int = 1

    def __post_init__(self) -> None:
        if not (self.panels >= 1 and 1 <= self.panel <= self.panels):
            raise BadInput(
                f"Panel {self.panel} of {self.panels} is not possible: --strip PANELS says how many panels a file has, "
                f"--panel K which one is the generated picture, 1 to PANELS, counted from the left."
            )

    def size(self, path: Path) -> Size:
        """(height, width) of the panel, from the file's header."""
        height, width = picture_header(path)
        if width % self.panels:
            raise BadInput(f"it is {width} pixels wide, which {self.panels} panels cannot share evenly")
        return height, width // self.panels

    def read(self, path: Path) -> UInt8[Tensor, "H W 3"]:
        """The panel."""
        _, width = self.size(path)
        return read_picture(path)[:, (self.panel - 1) * width : self.panel * width].contiguous()


WHOLE = Strip()


def chosen_panel(panels: int, panel: int | None) -> Strip:
    """The strip that --strip and --panel describe together; a strip needs both."""
    if panel is None and panels != 1:
        raise BadInput(
            f"--strip {panels} says that a file has {panels} panels; say with --panel K which one is the generated "
            f"picture, 1 to {panels}, counted from the left."
        )
    return Strip(panels, 1 if panel is None else panel)


def named_panels(names: Sequence[str]) -> dict[str, Strip]:
    """The panels of files whose columns have these names, from the left; "generated" must be one of them."""
    doubled = sorted({name for name in PANELS if names.count(name) > 1})
    if "generated" not in names or doubled:
        why = f"names {', '.join(doubled)} twice" if doubled else "does not say which panel is the generated one"
        raise BadInput(
            f"--strips {' '.join(names)} {why}. Name every panel of a file from the left, e.g. --strips source target "
            f"generated; a panel that plays no part may have any other name."
        )
    return {name: Strip(len(names), k) for k, name in enumerate(names, start=1)}


def cut_out(panel: Strip, files: Iterable[Path], folder: Path) -> None:
    """Writes a panel of each file to `folder`, as STEM.png. A file that cannot be read or divided is passed over; if
    that is every file, the first one's reason is raised."""
    folder.mkdir(parents=True, exist_ok=True)
    done, first = 0, ""
    for path in files:
        try:
            picture = panel.read(path)
        except BadInput as error:
            first = first or f"{path}: {error}"
            continue
        write_picture(folder / f"{path.stem}.png", picture)
        done += 1
    if first and not done:
        raise BadInput(f"No file can be cut into {panel.panels} panels. {first}")


def looks_like_a_strip(size: Size, person: Size) -> str:
    """Which panels a picture of this size would have, in words; empty if it is no strip of pictures of a person."""
    height, width = size
    for shape, kind in ((person, ""), ((1, 1), "square ")):
        panels = round(width / height * shape[0] / shape[1])
        exact = abs(width / height * shape[0] / shape[1] / max(1, panels) - 1) <= SAME_PANEL
        if 2 <= panels <= MOST_PANELS and exact and not (panels == 2 and width <= height):
            each = "" if width % panels else f" of {height}x{width // panels}"
            return f"a strip of {panels} {kind}panels{each}"
    return ""
