"""The door for files: lists of joints and pairs. Poses and tracks in JSON are read in `data/poses`.

Nothing beyond this file knows that a missing joint is written as -1 (or as 0, 0, 0), that lists hold (y, x), or that
the same-looking fashion lists come in two frames.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float

from reposer.core import SKELETONS, BadInput, Pose, Skeleton
from reposer.core.disk import whole_file
from reposer.core.skeleton import OPENPOSE_18, OPENPOSE_25

Frame = Literal["padded256", "crop176"]
FRAMES: tuple[Frame, ...] = ("padded256", "crop176")
FASHION_SIZE = (256, 176)
PADDING = 40  # columns on each side of a 176 wide picture in the padded frame
MISSING = -1
_HEADER = "name:keypoints_y:keypoints_x"


def write_text(path: Path, text: str) -> None:
    """A text file in UTF-8; it appears whole or not at all."""
    with whole_file(path) as file:
        file.write(text.encode())


def _read_text(path: Path, what: str) -> str:
    if not path.is_file():
        raise BadInput(f"There is no file {path}; {what} was expected there.")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput(f"{path} is not text; {what} was expected.") from None


# Lists of joints


class PoseTable(Mapping[str, Pose]):
    """Poses by name, kept in two arrays: a list of 50,000 goes to a worker process in one piece.

    xy (N, K, 2) float32 and visible (N, K) bool, in pixels of pictures of `size`; row n belongs to names[n].
    repeated: names that the file had several times; the last row counts.
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

    def convert(self, skeleton: Skeleton) -> "PoseTable":
        """The same people in another skeleton (see Pose.convert)."""
        if skeleton == self.skeleton:
            return self
        rows = list(self._row.values())
        everyone = Pose(torch.from_numpy(self.xy), torch.from_numpy(self.visible), self.size, self.skeleton)
        other = everyone.convert(skeleton)
        return PoseTable(
            list(self._row), other.xy.numpy()[rows], other.visible.numpy()[rows], self.size, skeleton
        )


def read_annotation(path: Path | str, *, frame: Frame | tuple[int, int]) -> PoseTable:
    """The poses of a list in PATN's form: rows `NAME: [y, ...]: [x, ...]` of 18 joints, missing = -1.

    frame: what the file's x and y count in. The two of the fashion lists (see `fashion_frame`) both give poses of the
    256x176 picture; a (height, width) is that of the pictures, (128, 64) for Market-1501.
    """
    path = Path(path)
    names, y, x = _annotation_arrays(path)
    visible = (x != MISSING) & (y != MISSING)
    if frame == "padded256":
        x = x - PADDING  # after the missing joints were told apart
    size = FASHION_SIZE if isinstance(frame, str) else frame
    xy = np.where(visible[..., None], np.stack([x, y], -1), 0.0).astype(np.float32)
    return PoseTable(names, xy, visible, size)


def write_annotation(path: Path | str, poses: Mapping[str, Pose], *, frame: Frame | tuple[int, int]) -> None:
    """The list that `read_annotation` reads, in whole pixels, as the published ones are.

    A joint that would come to stand at -1 is written as missing: the format has no other word for it.
    """
    shift = PADDING if frame == "padded256" else 0
    size = FASHION_SIZE if isinstance(frame, str) else frame
    lines = [_HEADER]
    for name, pose in poses.items():
        if pose.skeleton != OPENPOSE_18 or ":" in name:
            raise BadInput(f"The list holds {OPENPOSE_18.name} poses under names without ':', not {name}.")
        if pose.size != size:
            raise BadInput(
                f"The pose of {name} belongs to a {pose.size} picture; the list is of {size} pictures."
            )
        whole = pose.xy.detach().cpu().double().round().long() + torch.tensor([shift, 0])
        there = pose.visible.cpu() & (whole != MISSING).all(-1)
        whole = torch.where(there[:, None], whole, torch.tensor(MISSING))
        lines.append(f"{name}: {whole[:, 1].tolist()}: {whole[:, 0].tolist()}")
    write_text(Path(path), "\n".join(lines) + "\n")


class WrongFrame(BadInput):
    """A list of joints counts in another frame than it says, or does not say in which."""


def fashion_frame(path: Path | str, frame: Frame | None = None) -> Frame:
    """The frame of a fashion list: as named by `frame`, else by the file's name; the joints may refute it.

    crop176: x and y in the 256x176 picture; `-resize-` in a file's name says so. padded256: in the picture that 40
    white columns on each side make 256 wide; x of 176 and more tells it. A file under the plain name whose x are all
    below 176 may be either: it has to be named.
    """
    path = Path(path)
    named = frame or ("crop176" if "-resize-" in path.name else None)
    _, y, x = _annotation_arrays(path)
    known = x[(x != MISSING) & (y != MISSING)]
    largest = int(known.max()) if known.size else 0
    # a joint may lie a little outside of the picture; in the padded frame 4 of 100 do not fit, by far
    refuted = (
        known.size > 0
        and (known >= FASHION_SIZE[1]).mean() > 0.01
        and largest >= FASHION_SIZE[1] + PADDING / 2
    )
    if named == "crop176" and refuted:
        raise WrongFrame(
            f"{path} has x up to {largest}, which a 176 wide picture cannot have: it is in the padded 256x256 frame. "
            f"Rename it to {path.name.replace('-resize-', '-')}, or pass frame='padded256'."
        )
    if named is not None:
        return named
    if largest >= FASHION_SIZE[1]:
        return "padded256"
    resized = path.name.replace("-annotation-", "-resize-annotation-")
    raise WrongFrame(
        f"{path} does not say which frame its joints are in, and all x are below 176. If they count in the 176 wide "
        f"picture, rename it to {resized} (or pass frame='crop176'); if in the padded 256x256 one, pass "
        f"frame='padded256'."
    )


def _annotation_arrays(path: Path) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names, y (N, 18) and x (N, 18) as the file has them."""
    lines = _read_text(path, "a list of joints").splitlines()
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
    return names, np.array(y, np.float64).reshape(shape), np.array(x, np.float64).reshape(shape)


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
        raise BadInput(
            f"{path}, row {row}: the joints of {parts[0]} are not two lists of numbers. Mend that row."
        )
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
    lines = _read_text(path, "a list of pairs").splitlines()
    if not lines or lines[0].replace(" ", "") != "from,to":
        came = lines[0][:60] if lines else ""
        raise BadInput(f"{path} begins with '{came}'; a list of pairs begins with the line 'from,to'.")
    pairs = []
    for row, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        names = [name.strip() for name in line.split(",")]
        if len(names) != 2 or not all(names):
            raise BadInput(
                f"{path}, row {row}: two names with a comma between were expected, not '{line[:60]}'."
            )
        pairs.append((names[0], names[1]))
    return pairs


def write_pairs(path: Path | str, pairs: Sequence[tuple[str, str]]) -> None:
    """The list that `read_pairs` reads."""
    write_text(Path(path), "\n".join(["from,to", *(f"{a},{b}" for a, b in pairs)]) + "\n")


def first_existing(root: Path, names: Sequence[str]) -> Path | None:
    """The first of these names that is there, in a folder."""
    return next((root / name for name in names if (root / name).exists()), None)


def read_names(path: Path | str) -> list[str]:
    """The names of a `.lst` file, one a line."""
    return [line.strip() for line in _read_text(Path(path), "a list of names").splitlines() if line.strip()]


# Poses in JSON


def read_pose(path: Path | str, size: tuple[int, int] | None = None) -> Pose:
    """The pose in one of our own files or in OpenPose's JSON; `size` is the picture's, which only ours know."""
    content = _read_json(Path(path))
    if isinstance(content, dict) and "people" in content:
        if size is None:
            raise BadInput(
                f"{path} is OpenPose JSON, which does not say how large its picture is. Give the picture's size, "
                f"(height, width) in pixels."
            )
        return read_openpose_json(path, size)
    return read_pose_json(path)


def read_pose_json(path: Path | str) -> Pose:
    """Our own form: {"skeleton": name, "size": [h, w], "joints": {name: [x, y] or [x, y, score] or null}}.

    A joint that is not named was not found. Scores are kept if every joint that was found has one.
    """
    path = Path(path)
    content = _read_json(path)
    if not isinstance(content, dict) or set(content) != {"skeleton", "size", "joints"}:
        raise BadInput(
            f'{path} is no pose file: {{"skeleton": ..., "size": [h, w], "joints": {{name: [x, y, score]}}}} or '
            f"OpenPose's JSON was expected."
        )
    skeleton, joints = content["skeleton"], content["joints"]
    if skeleton not in SKELETONS:
        raise BadInput(f"{path} names the skeleton '{skeleton}'; known are {', '.join(SKELETONS)}.")
    words = SKELETONS[skeleton]
    size = _size_in(path, content["size"])
    unknown = sorted(set(joints) - set(words.joints)) if isinstance(joints, dict) else ["(not a map)"]
    if unknown:
        raise BadInput(
            f"{path} has joints that {words.name} lacks: {', '.join(unknown)}. It has {words.joints}."
        )
    rows = np.zeros((len(words), 3), np.float32)
    visible = np.zeros(len(words), bool)
    scored = True
    for name, value in joints.items():
        if value is None:
            continue
        if not (isinstance(value, list) and len(value) in (2, 3) and _finite(value)):
            raise BadInput(
                f"{path}: the joint {name} is {value}; [x, y], [x, y, score] or null was expected."
            )
        scored = scored and len(value) == 3
        rows[words.index(name), : len(value)] = value
        visible[words.index(name)] = True
    return _pose(rows, visible, size, words, scored=scored and bool(visible.any()))


def write_pose_json(path: Path | str, pose: Pose) -> None:
    """A single pose in our own form."""
    assert pose.xy.dim() == 2, "one file, one pose"
    joints: dict[str, list[float] | None] = {}
    for k, name in enumerate(pose.skeleton.joints):
        place = [round(float(v), 3) for v in pose.xy[k]]
        score = [] if pose.score is None else [round(float(pose.score[k]), 4)]
        joints[name] = place + score if bool(pose.visible[k]) else None
    content = {"skeleton": pose.skeleton.name, "size": list(pose.size), "joints": joints}
    write_text(Path(path), json.dumps(content, indent=1) + "\n")


def read_openpose_json(path: Path | str, size: tuple[int, int], person: int | None = None) -> Pose:
    """One person of OpenPose's JSON (18 or 25 joints, missing = 0, 0, 0) in a picture of `size`.

    person: which of the people in the file; None takes the one whose joints' scores sum up highest.
    """
    path = Path(path)
    content = _read_json(path)
    people = content.get("people") if isinstance(content, dict) else None
    if not isinstance(people, list):
        raise BadInput(
            f'{path} is no OpenPose JSON: {{"people": [{{"pose_keypoints_2d": [x, y, score, ...]}}]}}.'
        )
    if not people:
        raise BadInput(
            f"{path} shows no person: OpenPose found nobody. Take a picture that shows one clearly."
        )
    if person is not None and not 0 <= person < len(people):
        raise BadInput(f"{path} has {len(people)} people; there is no person {person} (they count from 0).")
    everyone = [_openpose_person(path, entry) for entry in people]
    number = int(np.argmax([rows[:, 2].sum() for rows in everyone])) if person is None else person
    rows = everyone[number]
    skeleton = OPENPOSE_18 if len(rows) == len(OPENPOSE_18) else OPENPOSE_25
    return _pose(rows, (rows != 0).any(-1), size, skeleton, scored=True)


def _openpose_person(path: Path, entry: Any) -> np.ndarray:
    values = entry.get("pose_keypoints_2d", entry.get("pose_keypoints")) if isinstance(entry, dict) else None
    if not isinstance(values, list) or not _finite(values):
        raise BadInput(f"{path}: a person of OpenPose's JSON needs 'pose_keypoints_2d', a list of numbers.")
    if len(values) not in (3 * len(OPENPOSE_18), 3 * len(OPENPOSE_25)):
        raise BadInput(
            f"{path}: {len(values)} numbers for a person; OpenPose writes 54 (18 joints) or 75 (25 joints). "
            f"Make the file with its COCO or BODY_25 model."
        )
    return np.array(values, np.float32).reshape(-1, 3)


def read_track(path: Path | str, size: tuple[int, int] | None = None) -> Pose:
    """A pose per frame of a clip, as rows; nothing is visible in the frames that `unreliable_frames` lists.

    Our own form: {"skeleton": name, "size": [h, w], "fps": 25, "keypoints": [[[x, y] or [x, y, score] or null, one a
    joint] or null, one a frame]}. Without a skeleton: 18 joints in OpenPose's order, missing = -1, and the clip's
    `size` has to be given.
    """
    path = Path(path)
    content = _read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("keypoints"), list):
        raise BadInput(
            f'{path} has no track of joints: {{"skeleton": ..., "size": [h, w], "fps": ..., "keypoints": [[[x, y], ...], '
            f"... frames]}} was expected; without a skeleton, 18 joints in OpenPose's order."
        )
    name = content.get("skeleton", OPENPOSE_18.name)
    if name not in SKELETONS:
        raise BadInput(f"{path} names the skeleton '{name}'; known are {', '.join(SKELETONS)}.")
    own_size = _size_in(path, content["size"]) if "size" in content else size
    if own_size is None:
        raise BadInput(f"{path} does not say how large its clip is. Give the clip's size, (height, width).")
    if size is not None and own_size != size:
        raise BadInput(
            f"{path} is the track of a {own_size[0]}x{own_size[1]} clip (height x width), not of one of "
            f"{size[0]}x{size[1]}. Give the track of this clip."
        )
    missing = None if "skeleton" in content else MISSING
    rows, visible, scored = _track_arrays(path, content["keypoints"], SKELETONS[name], missing=missing)
    unreliable = content.get("unreliable_frames", [])
    if not (isinstance(unreliable, list) and all(isinstance(n, int) for n in unreliable)):
        raise BadInput(f"{path}: unreliable_frames should be a list of frame numbers, not {unreliable}.")
    visible[[n for n in unreliable if 0 <= n < len(visible)]] = False
    return _pose(rows, visible, own_size, SKELETONS[name], scored)


def write_track(path: Path | str, poses: Pose, fps: float) -> None:
    """The rows of `poses`, one a frame, in our own form. Joints that are not visible become null."""
    assert poses.xy.dim() == 3, "one file, one clip"
    scores = None if poses.score is None else poses.score.tolist()
    frames: list[Any] = []
    for t, (places, seen) in enumerate(zip(poses.xy.tolist(), poses.visible.tolist(), strict=True)):
        row = [
            [round(x, 3), round(y, 3)] + ([] if scores is None else [round(scores[t][k], 4)])
            for k, (x, y) in enumerate(places)
        ]
        frames.append([place if there else None for place, there in zip(row, seen, strict=True)])
    content = {"skeleton": poses.skeleton.name, "size": list(poses.size), "fps": fps, "keypoints": frames}
    write_text(Path(path), json.dumps(content) + "\n")


def track_rate(path: Path | str) -> float | None:
    """Frames per second that a track file says, if it does."""
    content = _read_json(Path(path))
    fps = content.get("fps") if isinstance(content, dict) else None
    return float(fps) if isinstance(fps, int | float) and math.isfinite(fps) and fps > 0 else None


def _track_arrays(
    path: Path, frames: list[Any], words: Skeleton, *, missing: float | None
) -> tuple[Float[np.ndarray, "T K 3"], Bool[np.ndarray, "T K"], bool]:
    """(x, y, score), visible, and whether every joint that was found has a score."""
    rows = np.zeros((len(frames), len(words), 3), np.float32)
    visible = np.zeros(rows.shape[:2], bool)
    scored = True
    for t, frame in enumerate(frames):
        if frame is None:
            continue
        if not isinstance(frame, list) or len(frame) != len(words):
            came = len(frame) if isinstance(frame, list) else frame
            raise BadInput(
                f"{path} has no track of joints of {words.name}: frame {t} has {came} joints, not {len(words)}. A "
                f'track of another skeleton says so: "skeleton": one of {", ".join(SKELETONS)}.'
            )
        for k, place in enumerate(frame):
            if place is None:
                continue
            if not (isinstance(place, list) and len(place) in (2, 3) and _finite(place)):
                raise BadInput(
                    f"{path}, frame {t}: the joint {words.joints[k]} is {place}; [x, y] was expected."
                )
            if missing in place[:2]:
                continue
            rows[t, k, : len(place)] = place
            visible[t, k] = True
            scored = scored and len(place) == 3
    return rows, visible, scored and bool(visible.any())


def _size_in(path: Path, size: Any) -> tuple[int, int]:
    if not (isinstance(size, list) and len(size) == 2 and all(isinstance(s, int) and s > 0 for s in size)):
        raise BadInput(f"{path} has the size {size}; [height, width] in whole pixels was expected.")
    return size[0], size[1]


def _pose(
    rows: Float[np.ndarray, "*T K 3"],
    visible: Bool[np.ndarray, "*T K"],
    size: tuple[int, int],
    skeleton: Skeleton,
    scored: bool,
) -> Pose:
    score = torch.from_numpy(rows[..., 2].clip(0, 1).copy()) if scored else None
    return Pose(torch.from_numpy(rows[..., :2].copy()), torch.from_numpy(visible), size, skeleton, score)


def _finite(values: Sequence[Any]) -> bool:
    return all(isinstance(v, int | float) and math.isfinite(v) for v in values)


def _read_json(path: Path) -> Any:
    try:
        return json.loads(_read_text(path, "a JSON file"))
    except json.JSONDecodeError as error:
        raise BadInput(
            f"{path} is not JSON (line {error.lineno}, column {error.colno}: {error.msg})."
        ) from None
