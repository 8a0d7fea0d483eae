"""Folders of pictures that somebody drew: which file belongs to which target, and what is wrong with a file."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reposer.core import BadInput
from reposer.data.pairs import name_identity
from reposer.data.picture_kinds import PICTURE_SUFFIXES
from reposer.data.pictures import picture_header, picture_is_cut_off

OURS = "_2_"
SEPARATORS = ("___", OURS, "_to_", "_vis_")
ENDINGS = ("_vis", "_gen", "_fake", "_generated")
SQUARE_ENOUGH, SAME_ASPECT = 0.01, 0.02  # shares by which an aspect may be off


@dataclass(frozen=True)
class FilePair:
    """A generated file and the truth it belongs to.

    source_name: the source's stem; None where the generated file's name does not say it. source: None where it is not
        there.
    """

    generated: Path
    target: Path
    source: Path | None
    source_name: str | None

    @property
    def name(self) -> str:
        """The pair's own name, however the generated file writes it: the same for everybody's pictures of it."""
        return f"{self.source_name}{OURS}{self.target.stem}" if self.source_name else self.target.stem

    @property
    def identity(self) -> str:
        """One person in one set of clothes: the target's name up to its last `_`."""
        return name_identity(self.target.name)


@dataclass(frozen=True)
class Problem:
    """A picture that was not scored."""

    name: str
    reason: str


def pictures_in(folder: Path) -> dict[str, Path]:
    """The picture files below a folder by stem. Folders inside are looked through; two files of one stem are refused."""
    if not folder.is_dir():
        raise BadInput(f"{folder} is not a folder. Give the folder that holds the pictures.")
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file():
            if path.stem in found:
                raise BadInput(
                    f"{folder} holds two pictures called {path.stem}: {found[path.stem]} and {path}."
                )
            found[path.stem] = path
    if not found:
        raise BadInput(f"{folder} holds no pictures ({', '.join(PICTURE_SUFFIXES)}).")
    return found


def match(
    generated: Mapping[str, Path],
    targets: Mapping[str, Path],
    sources: Mapping[str, Path] | None,
    wanted: Sequence[tuple[str, str]] | None = None,
) -> tuple[list[FilePair], list[Problem]]:
    """The pairs in the order of their names, and generated or wanted pictures that have no partner.

    A generated file has its target's name, or joins the source's and the target's as the peers do
    (SOURCE_2_TARGET, SOURCE___TARGET_vis, suffixes of pictures inside or not). wanted: all pairs that should be there.
    sources: None = they may lie with the targets, or nowhere.
    """
    problems = []
    found: dict[str, FilePair] = {}
    for stem, path in generated.items():
        partners = _partners(stem, targets, targets if sources is None else sources)
        if partners is None:
            problems.append(Problem(path.name, "its name says no target that is there"))
            continue
        source_name, target = partners
        source = None if source_name is None else (targets if sources is None else sources).get(source_name)
        pair = FilePair(path, targets[target], source, source_name)
        if source_name is not None and source is None and sources is not None:
            problems.append(Problem(path.name, f"its source {source_name} is not there"))
        elif pair.name in found:
            problems.append(Problem(path.name, f"{found[pair.name].generated.name} is of the same pair"))
        else:
            found[pair.name] = pair
    pairs = list(found.values())
    there = {(p.source_name, p.target.stem) for p in pairs}
    for from_name, to_name in wanted or ():
        left, right = Path(from_name).stem, Path(to_name).stem
        if (left, right) not in there and (None, right) not in there:
            problems.append(Problem(f"{left}{OURS}{right}", "no generated picture of this pair is there"))
    if wanted is not None:
        listed = {(Path(s).stem, Path(t).stem) for s, t in wanted}
        own = {t for _, t in listed}
        kept: list[FilePair] = []
        for p in pairs:
            if (p.source_name, p.target.stem) in listed if p.source_name else p.target.stem in own:
                kept.append(p)
            else:
                problems.append(Problem(p.generated.name, "its pair is not in the list"))
        pairs = kept
    elif not any(p.source_name for p in pairs):
        drawn = {p.target.stem for p in pairs}
        problems += [
            Problem(path.name, "this target has no generated picture")
            for stem, path in targets.items()
            if stem not in drawn
        ]
    return sorted(pairs, key=lambda p: p.name), sorted(problems, key=lambda p: p.name)


def refused(path: Path, size: tuple[int, int] | None, target: Path | None = None) -> str:
    """Why this generated file cannot be scored in pictures of `size`; empty if it can. No pixel is decoded.

    It may have that shape, be a square, or have the shape of its target, which goes the same way.
    """
    try:
        height, width = picture_header(path)
        if picture_is_cut_off(path):
            return "the file is cut short"
    except BadInput as error:
        return str(error)
    if size is None or (height, width) == size:
        return ""
    square = abs(width / height - 1) <= SQUARE_ENOUGH
    wanted = size[1] / size[0]
    if square or abs(width / height / wanted - 1) <= SAME_ASPECT:
        return ""
    if target is not None and _same_shape((height, width), target):
        return ""
    return f"it is {height}x{width} pixels; the protocol takes {size[0]}x{size[1]}, another size of that shape, a square, or its target's shape"


def _partners(
    stem: str, targets: Mapping[str, Path], sources: Mapping[str, Path]
) -> tuple[str | None, str] | None:
    """(source, target) by their stems; the source is None where the name does not say it. One that is there is preferred."""
    plain = _bare(stem)
    for name in (stem, plain):
        if name in targets:
            return None, name
    for left, right in _splits(plain):
        if right in targets and left in sources:
            return left, right
    return next((names for names in _splits(plain) if names[1] in targets), None)


def _same_shape(size: tuple[int, int], target: Path) -> bool:
    try:
        height, width = picture_header(target)
    except BadInput:
        return False  # decoding says what is wrong with it
    return abs(size[1] / size[0] * height / width - 1) <= SAME_ASPECT


def _splits(stem: str) -> Iterator[tuple[str, str]]:
    for separator in SEPARATORS:
        for place in re.finditer(f"(?={separator})", stem):  # also where two overlap: a_2_2_b
            yield _bare(stem[: place.start()]), _bare(stem[place.start() + len(separator) :])


def _bare(stem: str) -> str:
    """The name without what peers append to it, and without a suffix of a picture that stayed inside."""
    while True:
        for ending in (*ENDINGS, *PICTURE_SUFFIXES):
            if stem.lower().endswith(ending):
                stem = stem[: -len(ending)]
                break
        else:
            return stem
