"""Folders of pictures with equal names; participants get the pixels of a file and nothing else."""

import io
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from reposer.core import BadInput
from reposer.core.rng import numpy_stream
from reposer.data.picture_kinds import PICTURE_SUFFIXES
from reposer.data.pictures import picture_header, picture_is_cut_off, read_picture
from reposer.evaluation.folder_geometry import is_square
from reposer.evaluation.sides import common_proof, have_white_sides
from reposer.nn.weights import sha256

from .design import POSE, REAL, SCRAMBLED, SOURCE

BANDS = 8  # number of bands into which a scrambled picture is cut, in each direction
EXAMINED, PERSON = 16, (256, 176)  # square pictures whose sides are examined; the person's picture between white sides


@dataclass(frozen=True)
class Folders:
    """Picture files by role (REAL, a system, SOURCE, POSE) and pair: `files[role][name]`."""

    files: Mapping[str, Mapping[str, Path]]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the pairs, sorted."""
        return tuple(sorted(self.files[REAL]))

    def png(self, role: str, name: str) -> bytes:
        """The picture's pixels as a PNG, without the file's name or metadata."""
        pixels = read_picture(self._file(role, name)).numpy()
        if role == SCRAMBLED:
            pixels = scrambled(pixels)
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "PNG", compress_level=1)
        return out.getvalue()

    def checksum(self, role: str, name: str) -> str:
        """SHA-256 of the file; a scrambled picture has that of its original."""
        return sha256(self._file(role, name))

    def _file(self, role: str, name: str) -> Path:
        return self.files[REAL if role == SCRAMBLED else role][name]


def open_folders(
    real: Path, generated: Mapping[str, Path], *, sources: Path | None = None, poses: Path | None = None
) -> Folders:
    """The folders of a study. real: the true targets. generated: one folder per system. sources, poses: shown next to
    the candidates.

    Names are file names without their ending. Refuses missing or empty folders, names that not all folders have,
    truncated pictures, generated pictures whose size differs from the real one's, and square ones of which only the
    real or only the generated have white sides.
    """
    if taken := {REAL, SOURCE, POSE} & set(generated):
        raise BadInput(f"A system cannot be called '{taken.pop()}'; give it another name.")
    beside = {role: folder for role, folder in ((SOURCE, sources), (POSE, poses)) if folder is not None}
    folders = {REAL: real, **generated, **beside}
    files = {role: _pictures(folder) for role, folder in folders.items()}
    for role, own in files.items():
        _refuse_unequal(folders[role], own, real, files[REAL])
    for path in (path for own in files.values() for path in own.values()):
        if picture_is_cut_off(path):
            raise BadInput(f"{path} ends before its end: a copy that broke off. Fetch or save it again.")
    for system in generated:
        for name, path in files[system].items():
            size, expected = picture_header(path), picture_header(files[REAL][name])
            if size != expected:
                raise BadInput(
                    f"{path} is {size[0]}x{size[1]}, the real picture {expected[0]}x{expected[1]} (height x width): "
                    f"people would tell them by their size. Bring the folders to one size."
                )
    _refuse_other_sides(folders, files, generated)
    return Folders(files)


def _refuse_other_sides(
    folders: Mapping[str, Path], files: Mapping[str, Mapping[str, Path]], systems: Iterable[str]
) -> None:
    """Refuse square pictures of which some have white sides and others were squashed: their sides would tell them."""
    names = [n for n, path in sorted(files[REAL].items()) if is_square(picture_header(path))][:EXAMINED]
    evidence = common_proof((read_picture(files[REAL][n]) for n in names), PERSON)
    if evidence not in ("white", "content"):
        return
    for system in systems:
        white = have_white_sides((read_picture(files[system][n]) for n in names), PERSON)
        if white != (evidence == "white"):
            with_sides, without = (
                (folders[REAL], folders[system]) if evidence == "white" else (folders[system], folders[REAL])
            )
            raise BadInput(
                f"The square pictures of {with_sides} have white sides, those of {without} have none: people would "
                "tell them by their sides. Bring both folders to one form."
            )


def scrambled(pixels: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "H W 3"]:
    """The picture cut into bands both ways, reordered; size and colours are unchanged."""
    stream = numpy_stream(0x5C4A, *pixels.shape)
    for axis in (0, 1):
        bands = np.array_split(np.arange(pixels.shape[axis]), BANDS)
        pixels = np.take(pixels, np.concatenate([bands[k] for k in _moved(stream)]), axis)
    return pixels


def _moved(stream: np.random.Generator) -> list[int]:
    """An order in which no band keeps its neighbour above."""
    while True:
        order = [int(k) for k in stream.permutation(BANDS)]
        if all(b != a + 1 for a, b in itertools.pairwise(order)):
            return order


def _pictures(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise BadInput(f"There is no folder {folder}; a folder of pictures was expected.")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in PICTURE_SUFFIXES:
            if path.stem in found:
                raise BadInput(f"{folder} has both {found[path.stem].name} and {path.name}; keep one of them.")
            found[path.stem] = path
    if not found:
        raise BadInput(f"{folder} holds no pictures ({', '.join(PICTURE_SUFFIXES)}).")
    return found


def _refuse_unequal(folder: Path, own: Mapping[str, Path], real: Path, truth: Mapping[str, Path]) -> None:
    lacking, more = sorted(set(truth) - set(own)), sorted(set(own) - set(truth))
    if not lacking and not more:
        return
    said = [f"lacks {_some(lacking)}"] * bool(lacking) + [f"has {_some(more)} besides"] * bool(more)
    raise BadInput(
        f"{folder} and {real} do not hold the same names: {folder} {' and '.join(said)}. All folders of a study "
        f"need a picture of every pair, under one name (endings may differ)."
    )


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{len(names)} ({shown}{', ...' if len(names) > 3 else ''})"
