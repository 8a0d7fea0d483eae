"""Folders of generated pictures: which file belongs to which target, and what is wrong with a file."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reposer.core import BadInput
from reposer.data.pairs import name_identity
from reposer.data.picture_kinds import PICTURE_SUFFIXES

OURS = "_2_"
SEPARATORS = ("___", OURS, "_to_", "_vis_")
SUFFIX_INSIDE = re.compile(f"(?:{'|'.join(map(re.escape, PICTURE_SUFFIXES))})_", re.IGNORECASE)
ENDINGS = ("_vis", "_gen", "_fake", "_generated")


@dataclass(frozen=True)
class FilePair:
    """A generated file and the truth it belongs to.

    source_name: the source's stem; None if the generated file's name does not contain it.
    source: None if the file is missing.
    """

    generated: Path
    target: Path
    source: Path | None
    source_name: str | None

    @property
    def name(self) -> str:
        """The pair's own name, however the generated file writes it: the same for every system's pictures of it."""
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


def in_words(problems: Sequence[Problem]) -> list[str]:
    """One line per reason, in the order of appearance: the pictures affected, and how many more."""
    names: dict[str, list[str]] = {}
    for problem in problems:
        names.setdefault(problem.reason, []).append(problem.name)
    return [f"{own[0]}{f' and {len(own) - 1} more' if len(own) > 1 else ''}: {reason}" for reason, own in names.items()]


def pictures_in(folder: Path) -> dict[str, Path]:
    """The picture files below a folder by stem, recursively; two files with the same stem are refused."""
    if not folder.is_dir():
        raise BadInput(f"{folder} is not a folder. Give the folder that holds the pictures.")
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file():
            if path.stem in found:
                raise BadInput(f"{folder} holds two pictures called {path.stem}: {found[path.stem]} and {path}.")
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
    """The pairs in the order of their names, and generated or wanted pictures without a partner.

    A generated file has its target's name, or joins the source's and the target's as other projects do
    (SOURCE_2_TARGET, SOURCE___TARGET_vis, SOURCE.jpg_TARGET.jpg, with or without inner file extensions), or is a plain
    number, which counts the wanted pairs from 0 in their order. wanted: all expected pairs. sources: None = they may
    lie with the targets, or be missing. Problems of existing files come before missing files.
    """
    problems, absent = [], []
    found: dict[str, FilePair] = {}
    known = targets if sources is None else sources
    numbered = _numbered(generated, targets, wanted)
    for stem, path in generated.items():
        partners = numbered.get(stem) or _partners(stem, targets, known)
        if partners is None or partners[1] not in targets:
            problems.append(Problem(path.name, _no_target(stem, partners, wanted)))
            continue
        source_name, target = partners
        source = None if source_name is None else known.get(source_name)
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
            absent.append(Problem(f"{left}{OURS}{right}", "no generated picture of this pair is there"))
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
        seen = {p.target.stem for p in pairs}
        absent += [
            Problem(path.name, "this target has no generated picture")
            for stem, path in targets.items()
            if stem not in seen
        ]
    problems, absent = (sorted(own, key=lambda p: p.name) for own in (problems, absent))
    return sorted(pairs, key=lambda p: p.name), problems + absent


def _numbered(
    generated: Mapping[str, Path], targets: Mapping[str, Path], wanted: Sequence[tuple[str, str]] | None
) -> dict[str, tuple[str, str]]:
    """The pairs of files whose names are plain numbers, by the list; none if targets have such names, too."""
    numbers = {stem: int(stem) for stem in generated if _is_number(stem) and stem not in targets}
    if not wanted or not numbers:
        return {}
    least, most = min(numbers.values()), max(numbers.values())
    if least > 0 and most < len(wanted):
        raise BadInput(
            f"The generated pictures are numbers from {least} to {most}, the list has {len(wanted)} pairs: whether the "
            f"list's first pair is 0 or 1 cannot be told. Name the files from 0, or as SOURCE_2_TARGET."
        )
    start = 0 if least == 0 else 1
    return {
        stem: (Path(wanted[number - start][0]).stem, Path(wanted[number - start][1]).stem)
        for stem, number in numbers.items()
        if 0 <= number - start < len(wanted)
    }


def _is_number(stem: str) -> bool:
    return stem.isascii() and stem.isdigit()


def _no_target(stem: str, partners: tuple[str | None, str] | None, wanted: Sequence[tuple[str, str]] | None) -> str:
    """Why a generated file has no target."""
    if partners is not None:
        return f"its target {partners[1]} is not there"
    if not _is_number(stem):
        return "its name says no target that is there"
    if wanted is None:
        return "its name is a number, which says no target; give the list of pairs in whose order it counts (--pairs)"
    return f"the list of {len(wanted)} has no pair of that number"


def _partners(stem: str, targets: Mapping[str, Path], sources: Mapping[str, Path]) -> tuple[str | None, str] | None:
    """(source, target) by their stems; the source is None if the name does not contain it. Existing sources are
    preferred.
    """
    plain = _bare(stem)
    for name in (stem, plain):
        if name in targets:
            return None, name
    for left, right in _splits(plain):
        if right in targets and left in sources:
            return left, right
    return next((names for names in _splits(plain) if names[1] in targets), None)


def _splits(stem: str) -> Iterator[tuple[str, str]]:
    for separator in SEPARATORS:
        for place in re.finditer(f"(?={separator})", stem):  # also where two overlap: a_2_2_b
            yield _bare(stem[: place.start()]), _bare(stem[place.start() + len(separator) :])
    for place in SUFFIX_INSIDE.finditer(stem):  # A.jpg_B.jpg
        yield _bare(stem[: place.end() - 1]), _bare(stem[place.end() :])


def _bare(stem: str) -> str:
    """The name without the suffixes that other projects append, and without an inner file extension."""
    while True:
        for ending in (*ENDINGS, *PICTURE_SUFFIXES):
            if stem.lower().endswith(ending):
                stem = stem[: -len(ending)]
                break
        else:
            return stem
