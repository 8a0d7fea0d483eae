"""Lists of joints, of pairs and of names, in the forms of the published data sets.

Only this module knows that lists contain (y, x), and that fashion lists of the same form come in two frames.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float

from reposer.core import BadInput, Pose, Skeleton
from reposer.core.choices import Frame
from reposer.core.disk import write_text
from reposer.core.skeleton import OPENPOSE_18

from .files import MISSING, read_text

FRAMES: tuple[Frame, ...] = ("padded256", "crop176")
FASHION_SIZE = (256, 176)
PADDING = 40  # columns on each side of a 176 wide picture in the padded frame
# Evidence of a list's frame from its joints. In the published lists 4 of 10,000 joints are outside the picture in the
# right frame, and 340 or more in the wrong one.
REFUTED_SHARE, REFUTED_JOINTS = 0.01, 3
PROVED_SHARE, PROVED_JOINTS, PROVED_PICTURES = 0.002, 20, 5
# Lists that write a missing joint as 0, 0 have many of them; in the published ones none of 173,108 joints is there.
ZERO_SHARE, ZERO_PICTURES = 0.01, 3
_HEADER = "name:keypoints_y:keypoints_x"


# Lists of joints


class PoseTable(Mapping[str, Pose]):
    """Poses by name, stored in two arrays, so that a list of 50,000 is sent to a worker process in one piece.

    xy (N, K, 2) float32 and visible (N, K) bool, in pixels of pictures of `size`; row n belongs to names[n].
    repeated: names that the file has several times; the last row counts.
    """

    def __init__(
        self,
        names: Sequence[str],
        xy: Float[np.ndarray, "N K 2"],
        visible: Bool[np.ndarray, "N K"],
        size: tuple[int, int],
        skeleton: Skeleton = OPENPOSE_18,
    ) -> None:
        self.xy, self.visible, self.size, self.skeleton = xy, visible, size, skeleton
        self._row = {name: row for row, name in enumerate(names)}
        seen: set[str] = set()
        self.repeated = tuple(dict.fromkeys(n for n in names if n in seen or seen.add(n)))  # type: ignore[func-returns-value]

    def __getitem__(self, name: str) -> Pose:
        row = self._row[name]
        xy, visible = torch.from_numpy(self.xy[row].copy()), torch.from_numpy(self.visible[row].copy())
        return Pose(xy, visible, self.size, self.skeleton)

    def __iter__(self) -> Iterator[str]:
        return iter(self._row)

    def __len__(self) -> int:
        return len(self._row)

    def rows(self) -> Iterator[tuple[str, int]]:
        """Each name and its row of `xy` and `visible`."""
        return iter(self._row.items())

    def outside(self) -> Bool[np.ndarray, "N K"]:
        """The joints that were found, but outside their picture."""
        limits = np.array([self.size[1] - 0.5, self.size[0] - 0.5])
        outside: np.ndarray = self.visible & np.any((self.xy < -0.5) | (self.xy > limits), axis=-1)
        return outside

    def convert(self, skeleton: Skeleton) -> "PoseTable":
        """The same people in another skeleton (see Pose.convert)."""
        if skeleton == self.skeleton:
            return self
        rows = list(self._row.values())
        everyone = Pose(torch.from_numpy(self.xy), torch.from_numpy(self.visible), self.size, self.skeleton)
        other = everyone.convert(skeleton)
        return PoseTable(list(self._row), other.xy.numpy()[rows], other.visible.numpy()[rows], self.size, skeleton)


def read_annotation(path: Path | str, *, frame: Frame | tuple[int, int]) -> PoseTable:
    """The poses of a list in PATN's form: rows `NAME: [y, ...]: [x, ...]` of 18 joints, missing = -1.

    frame: the picture to which the file's x and y refer. Both frames of the fashion lists (see `fashion_frame`) give
    poses of the 256x176 picture; a (height, width) is that of the pictures, (128, 64) for Market-1501.
    """
    path = Path(path)
    names, y, x = _annotation_arrays(path)
    visible = _known(x, y)
    if frame == "padded256":
        x = x - PADDING  # after missing joints were identified
    size = FASHION_SIZE if isinstance(frame, str) else frame
    xy = np.where(visible[..., None], np.stack([x, y], -1), 0.0).astype(np.float32)
    return PoseTable(names, xy, visible, size)


def write_annotation(path: Path | str, poses: Mapping[str, Pose], *, frame: Frame | tuple[int, int]) -> None:
    """Write a list that `read_annotation` reads, in whole pixels, like the published ones.

    A joint at -1 is written as missing, because the format cannot tell them apart.
    """
    shift = PADDING if frame == "padded256" else 0
    size = FASHION_SIZE if isinstance(frame, str) else frame
    lines = [_HEADER]
    for name, pose in poses.items():
        if pose.skeleton != OPENPOSE_18 or ":" in name:
            raise BadInput(f"The list holds {OPENPOSE_18.name} poses under names without ':', not {name}.")
        if pose.size != size:
            raise BadInput(f"The pose of {name} belongs to a {pose.size} picture; the list is of {size} pictures.")
        whole = pose.xy.detach().cpu().double().round().long() + torch.tensor([shift, 0])
        there = pose.visible.cpu() & (whole != MISSING).all(-1)
        whole = torch.where(there[:, None], whole, torch.tensor(MISSING))
        lines.append(f"{name}: {whole[:, 1].tolist()}: {whole[:, 0].tolist()}")
    write_text(Path(path), "\n".join(lines) + "\n")


class WrongFrame(BadInput):
    """A list of joints is in another frame than stated, or its frame is unknown."""


def fashion_frame(path: Path | str, frame: Frame | None = None) -> Frame:
    """The frame of a fashion list: declared by `frame`, named by the file, or proved by its joints; else refused.

    crop176: x and y in the 256x176 picture; `-resize-` in a file's name means this. padded256: in the picture
    padded to 256 columns by 40 white ones on each side. Under the plain name both are published, PATN's list in
    padded256 and GFLA's in crop176. People are in columns 40 to 215 or 0 to 175, so joints on both sides decide: the
    frame is proved if at least 1 in 100 joints (20 of them, in 5 pictures) cannot be in the picture of the other frame,
    and at most 2 in 1,000 cannot be in this one. Fewer joints never decide.

    A declared or named frame is refused if more than 1 in 100 joints (3 of them) are outside its picture.
    """
    path = Path(path)
    named = frame or ("crop176" if "-resize-" in path.name else None)
    _, y, x = _annotation_arrays(path)
    outside = {kind: outside_frame(x, y, kind) for kind in FRAMES}
    known = int(_known(x, y).sum())
    if named is not None:
        _refuse_refuted(path, named, known, outside)
        return named
    for kind, other in (FRAMES, FRAMES[::-1]):
        pictures = int(outside[other].any(-1).sum())
        count = int(outside[other].sum())
        told = count >= max(PROVED_JOINTS, REFUTED_SHARE * known) and pictures >= PROVED_PICTURES
        if told and outside[kind].sum() <= PROVED_SHARE * known:
            return kind
    resized = path.name.replace("-annotation-", "-resize-annotation-")
    counts = {kind: f"{int(found.sum()):,} of {known:,}" for kind, found in outside.items()}
    raise WrongFrame(
        f"{path} does not say which frame its joints are in, and they do not prove it. If x counts in the 176 wide "
        f"picture (crop176, as GFLA's lists do), {counts['crop176']} joints lie outside of it; if in the padded 256 "
        f"wide one (padded256, as PATN's do), {counts['padded256']} lie in its white sides or outside. Say which: "
        f"--frame crop176 or --frame padded256 (in training --data.frame, in Python frame=...); a list in crop176 may "
        f"also be renamed to {resized}."
    )


def outside_frame(x: Float[np.ndarray, "N K"], y: Float[np.ndarray, "N K"], frame: Frame) -> Bool[np.ndarray, "N K"]:
    """The found joints of a list, in the file's coordinates, that are outside the 256x176 picture in this frame."""
    left = PADDING if frame == "padded256" else 0
    across = (x >= left) & (x < left + FASHION_SIZE[1])
    return _known(x, y) & ~(across & (y >= 0) & (y < FASHION_SIZE[0]))


def refuse_outside(path: Path, poses: "PoseTable") -> None:
    """Refuse a list with many joints outside its pictures: it was made for pictures of another size."""
    outside = poses.outside()
    if many_outside(int(outside.sum()), int(poses.visible.sum())):
        raise WrongFrame(
            f"{path}: {int(outside.sum()):,} of {int(poses.visible.sum()):,} joints lie outside of the "
            f"{poses.size[0]}x{poses.size[1]} (height x width) pictures that such a list is of. Scale the joints to "
            f"pictures of that size."
        )


def many_outside(outside: int, known: int) -> bool:
    """Whether too many of the known joints are outside the picture for the list to belong to such pictures."""
    return outside >= REFUTED_JOINTS and outside > REFUTED_SHARE * known


def _refuse_refuted(path: Path, named: Frame, known: int, outside: Mapping[Frame, Bool[np.ndarray, "N K"]]) -> None:
    other: Frame = "padded256" if named == "crop176" else "crop176"
    count, in_other = int(outside[named].sum()), int(outside[other].sum())
    if not many_outside(count, known):
        return
    picture = f"the {FASHION_SIZE[0]}x{FASHION_SIZE[1]} picture"
    what = f"{path} is said to be in {named}, but then {count:,} of its {known:,} joints lie outside of {picture}"
    if many_outside(in_other, known):
        raise WrongFrame(
            f"{what}; in {other} {in_other:,} do. It was made of pictures of another size: scale its joints to "
            f"{picture}."
        )
    plain = path.name.replace("-resize-", "-")
    rename = f", and rename it to {plain}" if plain != path.name else ""
    raise WrongFrame(f"{what}; in {other} {in_other:,} do. Say {other} (--frame, or frame=...){rename}.")


def _known(x: Float[np.ndarray, "N K"], y: Float[np.ndarray, "N K"]) -> Bool[np.ndarray, "N K"]:
    """The joints that were found."""
    there: np.ndarray = (x != MISSING) & (y != MISSING)
    return there


def _annotation_arrays(path: Path) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names, y (N, 18) and x (N, 18) as in the file."""
    lines = read_text(path, "a list of joints").splitlines()
    if not lines or lines[0].replace(" ", "") != _HEADER:
        came = lines[0][:60] if lines else ""
        raise BadInput(f"{path} begins with '{came}'; a list of joints begins with the line '{_HEADER}'.")
    names, y, x = [], [], []
    for row, line in enumerate(lines[1:], start=2):
        if line.strip():
            name, own_y, own_x = _annotation_row(path, row, line)
            names.append(name)
            y.append(own_y)
            x.append(own_x)
    shape = (len(names), len(OPENPOSE_18))
    all_y, all_x = np.array(y, np.float64).reshape(shape), np.array(x, np.float64).reshape(shape)
    _refuse_other_words(path, all_x, all_y)
    return names, all_y, all_x


def _refuse_other_words(path: Path, x: Float[np.ndarray, "N K"], y: Float[np.ndarray, "N K"]) -> None:
    """Refuse lists without any joints, with missing joints as 0, 0, or with coordinates relative to the picture."""
    known = _known(x, y)
    if len(x) and not known.any():
        raise BadInput(
            f"{path} has no joint in any of its {len(x):,} rows: all of them are missing ({MISSING}). Make the list "
            f"with a pose estimator that finds the people."
        )
    zero = known & (x == 0) & (y == 0)
    if zero.sum() > ZERO_SHARE * known.sum() and zero.any(-1).sum() >= ZERO_PICTURES:
        raise BadInput(
            f"{path} has {int(zero.sum()):,} of {int(known.sum()):,} joints at 0, 0, the corner of the picture: it "
            f"seems to write missing joints so. In this form a missing joint is {MISSING}, {MISSING}; write them so."
        )
    places = np.concatenate([x[known], y[known]])
    if len(places) and (places > 0).any() and ((places >= 0) & (places <= 1)).all():
        raise BadInput(
            f"{path} has all joints between 0 and 1: shares of the picture, it seems. In this form joints are in "
            f"pixels; multiply x by the picture's width and y by its height."
        )


def _annotation_row(path: Path, row: int, line: str) -> tuple[str, list[float], list[float]]:
    parts = line.split(":")
    if len(parts) != 3:
        raise BadInput(f"{path}, row {row}: 'NAME: [y, ...]: [x, ...]' was expected, not '{line[:60]}'.")
    try:
        y, x = json.loads(parts[1]), json.loads(parts[2])
        counts = (len(y), len(x))
        finite = all(isinstance(v, int | float) and math.isfinite(v) for v in (*y, *x))
    except (ValueError, TypeError):
        finite, counts = False, (0, 0)
    if not finite:
        raise BadInput(f"{path}, row {row}: the joints of {parts[0]} are not two lists of numbers. Mend that row.")
    expected = len(OPENPOSE_18)
    if counts != (expected, expected):
        raise BadInput(
            f"{path}, row {row}: {parts[0]} has {counts[0]} y and {counts[1]} x; {OPENPOSE_18.name} has {expected} "
            f"joints. Convert the file to the 18 joints of OpenPose (with -1 for those it lacks)."
        )
    return parts[0].strip(), y, x


# Lists of pairs and names


def read_pairs(path: Path | str) -> list[tuple[str, str]]:
    """(source, target) names of a list with the header `from,to`, in order."""
    path = Path(path)
    lines = read_text(path, "a list of pairs").splitlines()
    if not lines or lines[0].replace(" ", "") != "from,to":
        came = lines[0][:60] if lines else ""
        raise BadInput(f"{path} begins with '{came}'; a list of pairs begins with the line 'from,to'.")
    pairs = []
    for row, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        names = [name.strip() for name in line.split(",")]
        if len(names) != 2 or not all(names):
            raise BadInput(f"{path}, row {row}: two names with a comma between were expected, not '{line[:60]}'.")
        pairs.append((names[0], names[1]))
    return pairs


def write_pairs(path: Path | str, pairs: Sequence[tuple[str, str]]) -> None:
    """Write a list that `read_pairs` reads."""
    write_text(Path(path), "\n".join(["from,to", *(f"{a},{b}" for a, b in pairs)]) + "\n")


def first_existing(root: Path, names: Sequence[str]) -> Path | None:
    """The first of these names that exists in a folder."""
    return next((root / name for name in names if (root / name).exists()), None)


def read_names(path: Path | str) -> list[str]:
    """The names of a `.lst` file, one per line."""
    return [line.strip() for line in read_text(Path(path), "a list of names").splitlines() if line.strip()]
