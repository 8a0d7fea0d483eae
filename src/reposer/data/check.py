"""Check a data set before training: `reposer data check ROOT`."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import TypeVar

from reposer.core import BadInput, Pose
from reposer.core.choices import Frame, PictureForm

from .check_clips import check_clips
from .clip_dataset import holds_clips
from .dataset import Asked, FilePairs, NoSplit, SplitFiles, holds_pairs, recognise, refuse_declared, sole_file
from .deepfashion import DeepFashion
from .fashion_pictures import has_picture_shape, picture_form, whole_picture
from .findings import Finding, Findings, outside_picture, tracked
from .folder import SPLITS, Folder, chosen_photo_pose, photos_in, split_photos, unread_in
from .lists import PoseTable, WrongFrame, fashion_frame, read_annotation, read_names, read_pairs, refuse_outside
from .market1501 import SIZE as MARKET_SIZE
from .market1501 import Market1501, has_market_shape
from .pairs import name_identity
from .pictures import picture_header, read_picture

T = TypeVar("T")


@dataclass
class _Split:
    """The readable part of one split: `pictures` by name, whether or not the file exists."""

    name: str
    pictures: dict[str, Path] = field(default_factory=dict)
    poses: PoseTable | None = None
    pairs: list[tuple[str, str]] = field(default_factory=list)
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)


def check_dataset(
    root: Path | str, *, frame: Frame | None = None, pictures: PictureForm | None = None, progress: bool = True
) -> list[Finding]:
    """All problems of the data set in this folder, errors first.

    Every picture is decoded; files are compared only if they have the same length.
    frame, pictures: declarations about files that do not state them (`Asked`), as in training.
    """
    root, asked = Path(root), Asked(frame=frame, pictures=pictures)
    found = Findings()
    if holds_clips(root):
        check_clips(root, found, progress)
        if not holds_pairs(root):
            if asked.declared:
                raise BadInput(
                    f"{root} holds clips; --{asked.declared[0]} is for lists in DeepFashion's form, leave it out."
                )
            return found.sorted()
    kind = recognise(root)
    refuse_declared(kind, root, asked)
    if kind not in (Folder, DeepFashion, Market1501):
        _check_opened(kind, root, found, progress)
        return found.sorted()
    splits = (
        [_read_folder(root, s, found) for s in SPLITS] if kind is Folder else _read_listed(kind, root, asked, found)
    )
    splits = [split for split in splits if split.pictures]
    if not splits:
        found.add("error", "empty", f"{root} has no split with pictures.")
    identity_of = _identity_rule(kind)
    for split in splits:
        _check_pictures(split, kind, asked, found, progress)
        _check_pairs(split, identity_of, found)
    _check_leaks(splits, identity_of, found, progress)
    return found.sorted()


# Reading as much as can be read


def _read_listed(kind: type[FilePairs], root: Path, asked: Asked, found: Findings) -> list[_Split]:
    files, word = (DeepFashion.files, "fasion-resize") if kind is DeepFashion else (Market1501.files, "market")
    splits = []
    for name in SPLITS:
        there = files(root, name)
        if there.annotations or there.pairs or (root / f"{name}.lst").is_file():
            splits.append(_read_split(kind, root, name, there, word, asked, found))
    return splits


def _read_split(
    kind: type[FilePairs], root: Path, name: str, files: SplitFiles, word: str, asked: Asked, found: Findings
) -> _Split:
    split = _Split(name)
    listing = root / f"{name}.lst"
    if files.annotations or files.pairs:
        try:
            path = sole_file(files.annotations, root, f"{word}-annotation-{name}.csv", kind.looks_for)
            if kind is DeepFashion:
                split.poses = read_annotation(path, frame=fashion_frame(path, asked.frame))
            else:
                split.poses = read_annotation(path, frame=MARKET_SIZE)
                refuse_outside(path, split.poses)
            text = f"{path.name} lists a picture twice; the last counts"
            found.add("warning", "repeated rows", text, split.poses.repeated)
        except WrongFrame as error:
            found.add("error", "wrong frame", str(error))
        except BadInput as error:
            found.add("error", "list of joints", str(error))
        try:
            path = sole_file(files.pairs, root, f"{word}-pairs-{name}.csv", kind.looks_for)
            split.pairs = read_pairs(path)
        except BadInput as error:
            found.add("error", "list of pairs", str(error))
    else:
        found.add("warning", "no lists", f"{name}: only {listing.name} is there, neither joints nor pairs")
    names = dict.fromkeys([*(split.poses or ()), *(name for pair in split.pairs for name in pair)])
    if listing.is_file():
        names.update(dict.fromkeys(read_names(listing)))
    folder = files.pictures or root / name
    split.pictures = {picture: folder / picture for picture in names}
    return split


def _read_folder(root: Path, name: str, found: Findings) -> _Split:
    split = _Split(name, pictures=split_photos(root, name))
    poses: dict[str, Pose] = {}
    notes: list[str] = []
    for photo_name, photo in split.pictures.items():
        try:
            chosen = chosen_photo_pose(photo)
            poses[photo_name] = chosen.pose
            notes += chosen.notes
        except BadInput as error:
            found.add("error", "pose", str(error))
    found.add(
        "warning", "chosen poses", f"{name}: people were chosen or left out, or the file does not say its size", notes
    )
    _check_photo_poses(name, poses, found)
    folder = root / name if (root / "train").is_dir() else root
    text = f"{name}: files of kinds that are not read (HEIC, GIF, raw files of cameras, ...); save them as JPEG or PNG"
    found.add("warning", "not read", text, unread_in(folder))
    people = Counter(name_identity(photo) for photo in split.pictures)
    alone = [photo for photo in split.pictures if people[name_identity(photo)] == 1]
    found.add("warning", "alone", f"{name}: the only photo of its person: in no pair", alone)
    if (root / "train").is_dir() and name == "train":
        found.add("warning", "beside", "photos outside of train, val and test are not read", photos_in(root))
    return split


def _check_photo_poses(name: str, poses: Mapping[str, Pose], found: Findings) -> None:
    """Photos without a person, and joints outside their photo."""
    blind = [photo for photo, pose in poses.items() if not pose.visible.any()]
    everybody = bool(poses) and len(blind) == len(poses)
    found.add(
        "error" if everybody else "warning",
        "no joints",
        f"{name}: " + ("no person has a joint" if everybody else "every joint is missing"),
        blind,
    )
    outside = {photo: int(outside_picture(pose).sum()) for photo, pose in poses.items()}
    known = sum(int(pose.visible.sum()) for pose in poses.values())
    text = (
        f"{name}: {sum(outside.values()):,} of {known:,} joints lie outside of their photo; where they are many, the "
        f"pose was made of a picture of another size"
    )
    examples = [f"{photo}: {count}" for photo, count in outside.items() if count]
    found.add("warning", "joints outside", text, examples)


def _identity_rule(kind: type[FilePairs]) -> Callable[[str], str | None]:
    return Market1501.identity_of if kind is Market1501 else name_identity


# Kinds whose files only their own class can read


def _check_opened(kind: type[FilePairs], root: Path, found: Findings, progress: bool) -> None:
    """Check a data set by opening it and reading every picture: shards, HDF5, kinds of other packages."""
    opened: dict[str, FilePairs] = {}
    for name in SPLITS:
        try:
            opened[name] = kind.open(root, name, None, Asked())
        except NoSplit as error:
            if name != "val":  # most data sets have no validation split
                found.add("warning", "no split", f"{name} is not there", (error,))
        except BadInput as error:
            found.add("error", "does not open", f"{name}: {error}")
    if not opened:
        found.add("error", "empty", f"{root} has no split that opens.")
    for name, data in opened.items():
        names = dict.fromkeys(picture for row in data.rows for picture in (row.source_name, row.target_name))
        unreadable = []
        for picture in tracked(names, f"{name}: pictures", len(names), progress):
            try:
                data.picture(picture)
            except BadInput as error:
                unreadable.append(str(error))
        found.add("error", "unreadable pictures", f"{name}: these cannot be read", unreadable)
        poses, damaged = {}, []
        for picture in names:
            try:
                pose = data.poses[picture]
            except BadInput as error:
                damaged.append(str(error))
                continue
            if isinstance(pose, Pose):
                poses[picture] = pose
        found.add("error", "poses", f"{name}: these cannot be read", damaged)
        _check_photo_poses(name, poses, found)
    for (first, a), (second, b) in combinations(opened.items(), 2):
        both = f"{first} and {second}"
        pictures, people = ({r.source_name for r in a.rows}, {r.identity for r in a.rows})
        shared = sorted({r.source_name for r in b.rows} & pictures)
        found.add("error", "leak", f"the same picture in {both}", shared)
        found.add(
            "warning",
            "same person",
            f"people of {both} are not disjoint",
            sorted({r.identity for r in b.rows} & people),
        )


# What can be wrong


def _check_pictures(split: _Split, kind: type[FilePairs], asked: Asked, found: Findings, progress: bool) -> None:
    """Missing and unreadable files, and wrong sizes."""
    paired = {name for pair in split.pairs for name in pair}
    missing, unreadable = [], []
    for name, path in tracked(split.pictures.items(), f"{split.name}: pictures", len(split.pictures), progress):
        if not path.is_file():
            missing.append(name)
            continue
        try:
            split.sizes[name] = picture_header(path)
        except BadInput as error:
            unreadable.append(str(error))
            continue
        try:
            read_picture(path)
        except BadInput as error:
            unreadable.append(str(error))
    where = f"{split.name}: "
    found.add("error", "missing pictures", where + "in a pair, but no such file", [n for n in missing if n in paired])
    rest = [n for n in missing if n not in paired]
    found.add("warning", "missing pictures", where + "listed, in no pair, and no such file", rest)
    found.add("error", "unreadable pictures", where + "these cannot be read", unreadable)
    if kind is DeepFashion:
        _check_forms(split, paired, asked, found)
    if kind is Market1501:
        shapes = [n for n, size in split.sizes.items() if not has_market_shape(size)]
        found.add("error", "odd shape", f"{where}not of the shape 128x64: no joint is in its place", shapes)
        odd = [n for n, size in split.sizes.items() if size != MARKET_SIZE and n not in shapes]
        found.add("warning", "odd size", f"{where}not 128x64: they will be scaled", odd)


def _check_forms(split: _Split, paired: set[str], asked: Asked, found: Findings) -> None:
    """Pictures of another shape than 256x176, whose layout must be declared, or proved as in training."""
    names = [name for name in split.sizes if name in paired] or list(split.sizes)
    if not names:
        return
    folder = split.pictures[names[0]].parent
    try:
        form = picture_form(folder, names, asked.pictures)
    except BadInput as error:
        other = [n for n, size in split.sizes.items() if not has_picture_shape(size)]
        found.add("error", "unknown geometry", str(error), other)
        return
    unclear = []
    for name, size in split.sizes.items():
        if not has_picture_shape(size) and form != "squashed":
            try:
                whole_picture(read_picture(split.pictures[name]), form, split.pictures[name])
            except BadInput:
                unclear.append(name)
    text = (
        f"{split.name}: of another shape than 256x176 and most other pictures: where the joints lie in them is not "
        f"known; say how they were made (--pictures)"
    )
    found.add("error", "unknown geometry", text, unclear)


def _check_pairs(split: _Split, identity_of: Callable[[str], str | None], found: Findings) -> None:
    """Pairs of two different people or without joints, pictures in no pair, joints outside their picture."""
    where = f"{split.name}: "
    crossed = [f"{a} with {b}" for a, b in split.pairs if identity_of(a) != identity_of(b)]
    found.add("error", "crossed pairs", where + "pairs of two different people (or clothes)", crossed)
    found.add("warning", "self pairs", where + "a picture with itself", [a for a, b in split.pairs if a == b])
    again = [f"{a} with {b}" for (a, b), count in Counter(split.pairs).items() if count > 1]
    found.add("warning", "repeated pairs", where + "pairs that stand in the list several times", again)
    if split.poses is None:
        return
    poses = split.poses
    paired = dict.fromkeys(name for pair in split.pairs for name in pair)
    unknown = [name for name in paired if name not in poses]
    found.add("error", "no joints", where + "in a pair, but not in the list of joints", unknown)
    seen = {name for name, row in poses.rows() if poses.visible[row].any()}
    blind = [name for name in paired if name in poses and name not in seen]
    everybody = bool(paired) and len(blind) == len(paired)
    found.add(
        "error" if everybody else "warning",
        "no joints",
        where + ("no person in a pair has a joint" if everybody else "in a pair, but every joint is missing"),
        blind,
    )
    if split.pairs:
        unused = [name for name in seen if name not in paired]
        found.add("warning", "in no pair", where + "pictures with joints that no pair uses", sorted(unused))
    _check_outside(split, poses, found)


def _check_outside(split: _Split, poses: PoseTable, found: Findings) -> None:
    """Joints outside their picture: a detector finds a few; a list with many was already refused when read."""
    outside, known = poses.outside(), int(poses.visible.sum())
    if outside.any():
        names = [name for name, row in poses.rows() if outside[row].any()]
        share = f"{outside.sum() / known:.2%}"
        text = f"{split.name}: {outside.sum():,} of {known:,} joints ({share}) lie outside of their picture"
        found.add("warning", "joints outside", text, names)


def _check_leaks(
    splits: Sequence[_Split], identity_of: Callable[[str], str | None], found: Findings, progress: bool
) -> None:
    """The same file or the same person in two splits, and copies within one."""
    for k, first in enumerate(splits):
        for second in splits[k + 1 :]:
            both = f"{first.name} and {second.name}"
            shared = [name for name in second.pictures if name in first.pictures]
            found.add("error", "leak", f"the same picture in {both}", shared)
            people = {identity_of(name) for name in first.pictures} - {None}
            again = sorted({who for name in second.pictures if (who := identity_of(name)) in people and who})
            found.add("warning", "same person", f"people of {both} are not disjoint", again)
    leaks: dict[tuple[str, str], list[str]] = defaultdict(list)
    copies: dict[str, list[str]] = defaultdict(list)
    for same in _same_bytes(splits, progress):
        split, name = same[0]
        for other_split, other_name in same[1:]:
            if other_split == split:
                copies[split].append(f"{other_name} = {name}")
            elif other_name != name:  # the same name has already been reported
                leaks[split, other_split].append(f"{other_name} = {name}")
    for (a, b), names in leaks.items():
        found.add("error", "leak", f"the same bytes under two names in {a} and {b}", names)
    for split, names in copies.items():
        found.add("warning", "copies", f"{split}: the same bytes under two names", names)


def _same_bytes(splits: Sequence[_Split], progress: bool) -> list[list[tuple[str, str]]]:
    """Groups of (split, name) with identical files; only files of equal length are read."""
    by_length: dict[int, list[tuple[str, str, Path]]] = defaultdict(list)
    for split in splits:
        for name in split.sizes:
            path = split.pictures[name]
            by_length[path.stat().st_size].append((split.name, name, path))
    candidates = [entry for entries in by_length.values() if len(entries) > 1 for entry in entries]
    by_hash: dict[bytes, list[tuple[str, str]]] = defaultdict(list)
    for split_name, name, path in tracked(candidates, "same pictures", len(candidates), progress):
        by_hash[hashlib.sha256(path.read_bytes()).digest()].append((split_name, name))
    return [group for group in by_hash.values() if len(group) > 1]
