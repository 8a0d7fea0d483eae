"""Runs a file of `reposer export --format onnx` with numpy, Pillow and onnxruntime alone: neither torch nor Reposer.

    python examples/onnx_runner.py trueflow.onnx photo.jpg --source-pose photo.json --pose wanted.json --out out.png

The poses are files of `reposer pose extract`: `{"skeleton": ..., "size": [height, width], "joints":
{name: [x, y, score] or null}}`, in pixels of their own picture, (0, 0) being the centre of the top-left one. What the
network needs besides, the file says itself (the entry "reposer" of its metadata). The part of the photo around the
person is cut out, given to the network at its own size, and pasted back enlarged; `reposer transfer` copies from the
photo at its full size instead, which is sharper.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

SOFT_EDGE = 1 / 24  # of the part's smaller side: width over which it fades into the photo
ROOM = 0.13  # of the person's larger side: around the wanted joints, for what lies beyond them (hands, feet, head)

Joints = tuple[np.ndarray, np.ndarray]
"""Places (x, y) and which of them are visible."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="a file of `reposer export --format onnx`")
    parser.add_argument("photo", type=Path)
    parser.add_argument("--source-pose", type=Path, required=True, help="joints of the person in the photo")
    parser.add_argument("--pose", type=Path, required=True, help="joints of the wanted pose")
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    session = onnxruntime.InferenceSession(str(chosen.model), providers=["CPUExecutionProvider"])
    about = json.loads(session.get_modelmeta().custom_metadata_map["reposer"])
    if "derived_joints" not in about:
        sys.exit(f"{chosen.model} is of an older version and does not say which joints it derives. Export it again.")
    photo = np.asarray(ImageOps.exif_transpose(Image.open(chosen.photo)).convert("RGB"))
    result = reposed(session, about, photo, read_pose(chosen.source_pose), read_pose(chosen.pose))
    Image.fromarray(result).save(chosen.out)


def read_pose(path: Path) -> dict[str, Any]:
    """A pose file of Reposer's own form."""
    pose: dict[str, Any] = json.loads(path.read_text())
    if not {"size", "joints"} <= set(pose):
        sys.exit(f"{path} is no pose file of Reposer: `reposer pose convert` makes one.")
    return pose


def reposed(
    session: Any, about: dict[str, Any], photo: np.ndarray, own: dict[str, Any], wanted: dict[str, Any]
) -> np.ndarray:
    """The photo (height, width, 3) with its person in the wanted pose."""
    size = photo.shape[:2]
    if tuple(own["size"]) != size:
        sys.exit(f"The source pose belongs to a picture of {own['size']}, and the photo has {list(size)}.")
    source = joints_of(own, about["source_joints"], about)
    target = joints_of(wanted, about["target_joints"], about)
    if tuple(wanted["size"]) != size:
        target = placed_as(target, joints_of(own, about["target_joints"], about))
    edges = edges_around(source, target, size, about)
    left, top, right, bottom = about["content"]
    height, width = about["size"]
    frame = np.zeros((height, width, 3), np.float32)
    content = resized(cut(photo, edges), (bottom - top, right - left)) / 127.5 - 1
    frame[:] = np.pad(content, ((top, height - bottom), (left, width - right), (0, 0)), mode="edge")
    inputs = {"source": frame.transpose(2, 0, 1)[None]}
    for name, (xy, visible) in (("source", source), ("target", target)):
        scale = np.array([(right - left) / (edges[2] - edges[0]), (bottom - top) / (edges[3] - edges[1])])
        inside = (xy - edges[:2] + 0.5) * scale + (left, top) - 0.5  # pixel corners stay aligned
        inputs[f"{name}_xy"] = inside[None].astype(np.float32)
        inputs[f"{name}_visible"] = visible[None]
    taken = {entry.name for entry in session.get_inputs()}
    picture = session.run(["picture"], {name: value for name, value in inputs.items() if name in taken})[0][0]
    generated = (picture.transpose(1, 2, 0)[top:bottom, left:right] + 1) * 127.5
    return pasted(photo, resized(generated, (edges[3] - edges[1], edges[2] - edges[0])), edges)


def joints_of(pose: dict[str, Any], names: list[str], about: dict[str, Any]) -> Joints:
    """The joints of these names. One that the file does not know is the mean of those that define it (neck: both
    shoulders), if all of them are visible."""
    places, visible = np.zeros((len(names), 2)), np.zeros(len(names), bool)
    for k, name in enumerate(names):
        parts = [name] if name in pose["joints"] else about["derived_joints"].get(name, [])
        found = [pose["joints"].get(part) for part in parts]
        if found and all(joint is not None for joint in found):
            places[k], visible[k] = np.mean([joint[:2] for joint in found], axis=0), True
    return places, visible


def placed_as(target: Joints, source: Joints) -> Joints:
    """The wanted pose with the height and the place of the person in the photo."""
    (xy, visible), (own, own_visible) = target, source
    both = visible & own_visible
    if both.sum() < 2:
        sys.exit("The two poses share fewer than two joints.")
    scale = np.ptp(own[both], axis=0).max() / max(np.ptp(xy[both], axis=0).max(), 1e-6)
    return (xy - xy[both].mean(0)) * scale + own[both].mean(0), visible


def edges_around(
    source: Joints, target: Joints, size: tuple[int, int], about: dict[str, Any]
) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of the part to generate: around both poses, with training's margin and shape."""
    low, high = inner_box(source, size) or sys.exit("The source pose shows nobody in the photo.")
    margin, side = about["framing"]["margin"], max(high - low)
    low, high = low - margin * side, high + margin * side
    reached = inner_box(target, size)
    if reached is not None:
        beyond = min(ROOM, margin) * side
        low, high = np.minimum(low, reached[0] - beyond), np.maximum(high, reached[1] + beyond)
    aspect = about["person_size"][1] / about["person_size"][0]
    height = max(high[1] - low[1], (high[0] - low[0]) / aspect)
    rows, columns = max(1, round(height)), max(1, round(aspect * height))
    x, y = (round((low[k] + high[k] + 1 - side) / 2) for k, side in enumerate((columns, rows)))
    return x, y, x + columns, y + rows


def inner_box(joints: Joints, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray] | None:
    """The corners, in pixel edges, of the box of the visible joints that lie in the picture."""
    xy, visible = joints
    inside = visible & (xy >= -0.5).all(1) & (xy <= np.array([size[1], size[0]]) - 0.5).all(1)
    return (xy[inside].min(0) - 0.5, xy[inside].max(0) + 0.5) if inside.any() else None


def cut(photo: np.ndarray, edges: tuple[int, int, int, int]) -> np.ndarray:
    """The part of the photo; beyond it the border's pixels repeat."""
    rows = np.clip(np.arange(edges[1], edges[3]), 0, photo.shape[0] - 1)
    columns = np.clip(np.arange(edges[0], edges[2]), 0, photo.shape[1] - 1)
    return photo[rows[:, None], columns]


def resized(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The picture at another (height, width), linear in between, without aliasing."""
    channels = [
        np.asarray(Image.fromarray(picture[..., k].astype(np.float32)).resize(size[::-1], Image.Resampling.BILINEAR))
        for k in range(3)
    ]
    return np.stack(channels, -1)


def pasted(photo: np.ndarray, part: np.ndarray, edges: tuple[int, int, int, int]) -> np.ndarray:
    """The photo with the part at its place, blended in at the sides that lie inside the photo."""
    left, top, right, bottom = edges
    height, width = photo.shape[:2]
    soft = max(1.0, SOFT_EDGE * min(bottom - top, right - left))
    down = fade(bottom - top, soft, top > 0, bottom < height)
    across = fade(right - left, soft, left > 0, right < width)
    weight = (down[:, None] * across)[..., None]
    y0, x0, y1, x1 = max(top, 0), max(left, 0), min(bottom, height), min(right, width)
    inner = np.s_[y0 - top : y1 - top, x0 - left : x1 - left]
    answer = photo.astype(np.float32)
    answer[y0:y1, x0:x1] += weight[inner] * (part[inner] - answer[y0:y1, x0:x1])
    return np.rint(np.clip(answer, 0, 255)).astype(np.uint8)


def fade(length: int, soft: float, at_start: bool, at_end: bool) -> np.ndarray:
    """Weights along one direction: smooth over `soft` pixels at the named ends, otherwise 1."""
    place = np.arange(length) + 0.5
    weight = np.ones(length)
    for wanted, distance in ((at_start, place), (at_end, length - place)):
        if wanted:
            t = np.clip(distance / soft, 0, 1)
            weight *= t * t * (3 - 2 * t)
    return weight


if __name__ == "__main__":
    main()
