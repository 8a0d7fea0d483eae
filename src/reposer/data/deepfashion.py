"""DeepFashion In-shop in the form of PATN and GFLA."""

from pathlib import Path
from typing import Literal

from jaxtyping import Float
from torch import Tensor

from reposer.core import BadInput, Framing, Pose
from reposer.core.images import from_uint8

from .dataset import DATASETS
from .files import read_annotation, read_pairs, read_picture
from .listed import ListedPairs, find_list

Frame = Literal["padded256", "crop176"]
PERSON = (256, 176)  # height and width of the frame `crop176`
PADDING = 40  # white columns on each side of the frame `padded256`

RESIZED = ("fasion-resize", "fashion-resize")  # the authors' spelling first
PLAIN = ("fasion", "fashion")


@DATASETS.register("deepfashion")
class DeepFashion(ListedPairs):
    """DeepFashion In-shop as PATN and GFLA lay it out: `{train,test}/`, annotation and pair CSV of either spelling.

    Two frames of coordinates exist under near-identical names: `crop176` (256x176) and `padded256` (256x256, with 40
    columns on each side; x - 40 gives the crop). Files called `-resize-` are `crop176`; files without it are
    `padded256` in the copies that go round, but `crop176` in GFLA's own. `frame` settles it; the numbers may refute it.
    Pictures may be 256x176, padded 256x256 (the sides are cut), or of any size and the person's whole height.
    """

    def __init__(self, root: Path, split: str, framing: Framing | None = None, frame: Frame | None = None) -> None:
        annotation = find_list(root, "annotation", split, RESIZED + PLAIN)
        pairs = find_list(root, "pairs", split, RESIZED + PLAIN)
        if annotation is None or pairs is None:
            kind = "annotation" if annotation is None else "pairs"
            raise BadInput(f"{root} has no {RESIZED[0]}-{kind}-{split}.csv (nor another spelling of it).")
        super().__init__(
            root, split, framing, read_pairs(pairs), read_fashion_annotation(annotation, frame), PERSON, pairs
        )

    def whole(self, path: Path) -> Float[Tensor, "3 H W"]:
        picture = from_uint8(read_picture(path))
        if picture.shape[1] == picture.shape[2]:  # square: the padded form; a person's picture is never as wide as high
            side = round(picture.shape[2] * PADDING / PERSON[0])
            picture = picture[:, :, side : picture.shape[2] - side]
        return picture


def read_fashion_annotation(path: Path, frame: Frame | None = None) -> dict[str, Pose]:
    """Poses in the frame `crop176`, whatever the file's own frame is."""
    named = frame or ("crop176" if any(path.name.startswith(stem) for stem in RESIZED) else "padded256")
    poses = read_annotation(path, PERSON, shift_x=0.0 if named == "crop176" else -PADDING)
    xs = [pose.xy[pose.visible, 0] for pose in poses.values() if pose.visible.any()]
    if named == "crop176":
        rightmost = max((float(x.max()) for x in xs), default=0.0)
        if rightmost >= PERSON[1]:
            raise BadInput(
                f"{path} is taken for the frame crop176, {PERSON[1]} pixels wide, but a joint lies at x = "
                f"{rightmost:.0f}: it is in the frame padded256. Pass frame='padded256'."
            )
    elif xs and sum(float(x.min()) < 0 for x in xs) > 0.2 * len(xs):
        raise BadInput(
            f"{path} is taken for the frame padded256, but every fifth person would lie outside the crop at the "
            f"left: it is in the frame crop176. Pass frame='crop176' (GFLA's own files), or rename it to "
            f"{RESIZED[0]}-annotation-...csv."
        )
    return poses
