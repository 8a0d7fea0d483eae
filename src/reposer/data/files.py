"""The door for files: pictures, annotations, pair lists, poses.

The only place that knows "-1", "(y, x)" and "(0, 0) with score 0"; behind it a missing joint is `visible == False`.
"""

import csv
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from reposer.core import SKELETONS, BadInput, Pose, Skeleton
from reposer.core.images import to_uint8
from reposer.core.skeleton import OPENPOSE_18, OPENPOSE_25

MAX_PIXELS = 100_000_000
MISSING = -1  # in CSV annotations and in our clip JSON
ANNOTATION_HEADER = "name:keypoints_y:keypoints_x"


def read_picture(path: Path) -> UInt8[Tensor, "H W 3"]:
    """The picture in RGB, turned as its EXIF orientation says. Below 100 megapixels."""
    must_exist(path, "picture")
    try:
        with Image.open(path) as file:
            width, height = file.size
            if width * height >= MAX_PIXELS:
                raise BadInput(
                    f"{path} has {width * height / 1e6:.0f} megapixels ({width}x{height}); the limit is "
                    f"{MAX_PIXELS / 1e6:.0f}. Make it smaller first."
                )
            picture = ImageOps.exif_transpose(file).convert("RGB")
    except UnidentifiedImageError as error:
        raise BadInput(f"{path} is no picture that can be read; expected JPEG, PNG or WebP.") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"{path} is broken or cut short ({error}). Copy or export it again.") from error
    return torch.from_numpy(np.array(picture))


def write_picture(path: Path, picture: UInt8[Tensor, "H W 3"] | Float[Tensor, "3 H W"]) -> None:
    """PNG, JPEG or WebP, as the suffix says. The file appears whole or not at all."""
    if picture.is_floating_point():
        picture = to_uint8(picture)
    if path.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp"):
        raise BadInput(f"{path} does not end in .png, .jpg or .webp, so there is no saying what to write.")
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        Image.fromarray(picture.cpu().numpy()).save(draft, quality=95)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def read_annotation(
    path: Path, size: tuple[int, int], *, skeleton: Skeleton = OPENPOSE_18, shift_x: float = 0.0
) -> dict[str, Pose]:
    """The poses of a PATN / GFLA annotation file, by picture name. A row is `NAME: [y, ...]: [x, ...]`.

    size: (height, width) of the frame that the coordinates belong to, in pixels. shift_x: added to every x.
    """
    must_exist(path, "annotation file")
    poses = {}
    with path.open(encoding="utf-8") as file:
        header = file.readline().strip()
        if header != ANNOTATION_HEADER:
            raise BadInput(f"{path} begins with '{header[:60]}', expected '{ANNOTATION_HEADER}'.")
        for number, line in enumerate(file, start=2):
            if not line.strip():
                continue
            name, y, x = _annotation_row(path, number, line)
            for values in (y, x):
                if len(values) != len(skeleton):
                    raise BadInput(
                        f"{path}, line {number}: {name} has {len(values)} joints; {skeleton.name} has "
                        f"{len(skeleton)}. Convert the file, or name the skeleton it was made with."
                    )
            xy = torch.tensor([x, y], dtype=torch.float32).T
            visible = (xy != MISSING).all(1)
            xy = torch.where(visible[:, None], xy + torch.tensor([shift_x, 0.0]), 0.0)
            poses[name] = Pose(xy, visible, size, skeleton)
    return poses


def _annotation_row(path: Path, number: int, line: str) -> tuple[str, list[float], list[float]]:
    try:
        name, y, x = line.rsplit(":", 2)
        return name.strip(), [float(v) for v in json.loads(y)], [float(v) for v in json.loads(x)]
    except (ValueError, TypeError) as error:
        raise BadInput(
            f"{path}, line {number}: '{line.strip()[:60]}' is no row of the form NAME: [y, ...]: [x, ...]."
        ) from error


def write_annotation(path: Path, poses: Mapping[str, Pose]) -> None:
    """The same form, in whole pixels."""
    lines = [ANNOTATION_HEADER]
    for name, pose in poses.items():
        whole = torch.where(pose.visible[:, None], pose.xy.round(), MISSING).int()
        lines.append(f"{name}: {whole[:, 1].tolist()}: {whole[:, 0].tolist()}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_pairs(path: Path) -> list[tuple[str, str]]:
    """(source name, target name) of every row of a pair list with the header `from,to`."""
    must_exist(path, "pair list")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    if not rows or [c.strip() for c in rows[0]] != ["from", "to"]:
        raise BadInput(f"{path} begins with '{','.join(rows[0])[:60] if rows else ''}', expected 'from,to'.")
    for number, row in enumerate(rows[1:], start=2):
        if row and len(row) != 2:
            raise BadInput(f"{path}, line {number}: expected two names, found {len(row)}.")
    return [(row[0].strip(), row[1].strip()) for row in rows[1:] if row]


def write_pairs(path: Path, pairs: Iterable[tuple[str, str]]) -> None:
    path.write_text("from,to\n" + "".join(f"{a},{b}\n" for a, b in pairs), encoding="utf-8")


def read_pose(path: Path, size: tuple[int, int] | None = None) -> Pose:
    """A pose from JSON: our own form, or OpenPose's, which does not say the picture's size."""
    content = _read_json(path)
    if isinstance(content, dict) and "joints" in content:
        return _pose_of_ours(path, content)
    if isinstance(content, dict) and "people" in content:
        if size is None:
            raise BadInput(f"{path} is OpenPose's JSON, which knows no picture size. Give the height and width.")
        return _pose_of_openpose(path, content, size)
    raise BadInput(f"{path} is neither our pose file (a dict with 'joints') nor OpenPose's (a dict with 'people').")


def write_pose(path: Path, pose: Pose) -> None:
    """Our own form: `{"skeleton": name, "size": [h, w], "joints": {name: [x, y, score] | null}}`."""
    assert pose.xy.dim() == 2, "a file holds one pose"
    score = torch.ones(len(pose.skeleton)) if pose.score is None else pose.score
    joints = {
        joint: [*pose.xy[k].tolist(), score[k].item()] if pose.visible[k] else None
        for k, joint in enumerate(pose.skeleton.joints)
    }
    text = json.dumps({"skeleton": pose.skeleton.name, "size": list(pose.size), "joints": joints}, indent=1)
    path.write_text(text, encoding="utf-8")


def _pose_of_ours(path: Path, content: dict[str, Any]) -> Pose:
    name = content.get("skeleton")
    if name not in SKELETONS:
        raise BadInput(f"{path} names the skeleton {name!r}; there are {', '.join(SKELETONS)}.")
    skeleton, joints = SKELETONS[name], content["joints"]
    unknown = sorted(set(joints) - set(skeleton.joints)) if isinstance(joints, dict) else []
    if not isinstance(joints, dict) or unknown:
        raise BadInput(f"{path} has joints {unknown[:5]} that {name} lacks; it has {', '.join(skeleton.joints)}.")
    try:
        height, width = (int(side) for side in content["size"])
        rows = [[0.0, 0.0, 0.0] if joints.get(j) is None else [float(v) for v in joints[j]] for j in skeleton.joints]
        rows = [row if len(row) == 3 else [*row, 1.0] for row in rows]
        table = torch.tensor(rows, dtype=torch.float32).view(len(skeleton), 3)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise BadInput(
            f"{path} is no pose file: expected \"size\": [height, width] and joints as [x, y, score] or null."
        ) from error
    visible = torch.tensor([joints.get(j) is not None for j in skeleton.joints])
    return Pose(table[:, :2].contiguous(), visible, (height, width), skeleton, table[:, 2].contiguous())


def _pose_of_openpose(path: Path, content: dict[str, Any], size: tuple[int, int]) -> Pose:
    """The person with the highest sum of scores; (0, 0) with score 0 is a missing joint."""
    people = [p.get("pose_keypoints_2d", []) for p in content["people"]]
    people = [p for p in people if p]
    if not people:
        raise BadInput(f"{path} holds no person.")
    by_length = {3 * len(s): s for s in (OPENPOSE_18, OPENPOSE_25)}
    skeleton = by_length.get(len(people[0]))
    if skeleton is None or any(len(p) != len(people[0]) for p in people):
        raise BadInput(f"{path} has {len(people[0]) / 3:g} joints; OpenPose's models have 18 or 25.")
    tables = torch.tensor(people, dtype=torch.float32).view(len(people), -1, 3)
    table = tables[tables[..., 2].sum(1).argmax()]
    visible = table[:, 2] > 0
    return Pose(table[:, :2].contiguous(), visible, size, skeleton, table[:, 2].contiguous())


def read_tracks(path: Path) -> tuple[list[Pose], dict[str, Any]]:
    """The poses of a clip from our clip JSON, `keypoints[frame][joint] = [x, y]` in OPENPOSE_18 order, missing = -1.

    Frames listed in `unreliable_frames` have no visible joint. Returns the poses and the rest of the file.
    """
    content = _read_json(path)
    try:
        table = torch.tensor(content["keypoints"], dtype=torch.float32)
        size = (int(content["height"]), int(content["width"]))
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path} is no clip JSON: expected 'keypoints', 'height' and 'width'.") from error
    if table.dim() != 3 or table.shape[1] != len(OPENPOSE_18):
        raise BadInput(f"{path} has joints of shape {list(table.shape)}; expected frames x 18 x 2.")
    visible = (table[..., :2] != MISSING).all(-1)
    unreliable = [f for f in content.get("unreliable_frames", []) if f < len(table)]
    visible[unreliable] = False
    xy = torch.where(visible[..., None], table[..., :2], 0.0)
    return [Pose(xy[t], visible[t], size) for t in range(len(table))], content


def _read_json(path: Path) -> Any:
    must_exist(path, "pose file")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is no JSON ({error}).") from error


def must_exist(path: Path, what: str) -> None:
    if not path.is_file():
        raise BadInput(f"The {what} {path} does not exist.")


def first_existing(root: Path, names: Sequence[str]) -> Path | None:
    """The first of several spellings of a file that is there."""
    return next((root / name for name in names if (root / name).is_file()), None)
