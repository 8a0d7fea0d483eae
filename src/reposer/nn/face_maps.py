"""A face's input maps: edges, distances to its lines, and a map of its parts (GFLA's face animation).

Computed for a batch, on the landmarks' device. The published system has 16 channels: an edge map, 14 maps of distance
and one map of parts. The paper does not say which lines, which numbers and which forehead; whatever is marked inferred
follows from the counts (14 lines, parts 0 to 6) and from the landmarks' order.
"""

from functools import lru_cache
from typing import Literal, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from reposer.core import FaceLines, Pose
from reposer.core.skeleton import FACE_68

from .layout import at_least_float32

Labels = Literal["scaled", "raw"]

FACE_CHANNELS = 16  # one edge map, 14 distances, one map of parts
REACH = 3 * 255.0  # pixels: distances were counted in units of three pixels and stored as bytes
FOREHEAD = 2 / 3  # inferred: the forehead is this share as high as the chin is low
FILL_STEPS = 8  # straight pieces per curve through three landmarks, where an area is filled


def _numbered(stem: str, numbers: range) -> tuple[str, ...]:
    return tuple(f"{stem}_{n}" for n in numbers)


def _on(side: str, *joints: str) -> tuple[str, ...]:
    """Names on one side; a joint of the middle has a leading '='."""
    return tuple(j[1:] if j.startswith("=") else f"{side}_{j}" for j in joints)


_JAW = (*_numbered("right_jaw", range(1, 9)), "chin", *_numbered("left_jaw", range(8, 0, -1)))
_BROW = _numbered("brow", range(1, 6))
_EYE_TOP = ("eye_outer", "eye_top_outer", "eye_top_inner", "eye_inner")
_EYE_BOTTOM = ("eye_outer", "eye_bottom_outer", "eye_bottom_inner", "eye_inner")
_NOSTRIL = ("=nose_bridge_2", "nostril_1")  # inferred: from below the eyes, not from between them


def _arch(ends: str, half: tuple[str, ...], middle: str) -> tuple[str, ...]:
    """A line from the right end through the middle to the left end."""
    return (*_on("right", ends, *half), middle, *_on("left", *reversed(half), ends))


# The 14 lines, inferred. A name that FACE_68 lacks ("forehead_n") is a landmark n of the jaw, mirrored upwards.
FACE_LINES: tuple[tuple[str, ...], ...] = (
    (*_JAW, *_numbered("forehead", range(len(_JAW) - 2, 0, -1)), _JAW[0]),
    _on("right", *_BROW),
    _on("left", *_BROW),
    _on("right", *_NOSTRIL),
    ("right_nostril_1", "right_nostril_2", "nose_base", "left_nostril_2", "left_nostril_1"),
    _on("left", *_NOSTRIL),
    _on("right", *_EYE_TOP),
    _on("right", *_EYE_BOTTOM),
    _on("left", *_EYE_TOP),
    _on("left", *_EYE_BOTTOM),
    _arch("lips", ("lips_upper_1", "lips_upper_2"), "lips_top"),
    _arch("lips", ("lips_lower_1", "lips_lower_2"), "lips_bottom"),
    _arch("mouth", ("mouth_upper",), "mouth_top"),
    _arch("mouth", ("mouth_lower",), "mouth_bottom"),
)
# Areas between lines (by their places in FACE_LINES) and their labels, inferred. A higher label covers a lower
# one. A brow is a single line: it is closed by its chord.
FACE_PARTS: tuple[tuple[int, tuple[int, ...]], ...] = (
    (1, (0,)),
    (2, (1,)),
    (2, (2,)),
    (3, (6, 7)),
    (3, (8, 9)),
    (4, (3, 4, 5)),
    (5, (10, 11)),
    (6, (12, 13)),
)
LABELS = max(label for label, _ in FACE_PARTS)


@torch.no_grad()
def face_maps(face: FaceLines | Pose, *, labels: Labels = "scaled") -> Float[Tensor, "B 16 H W"]:
    """The 16 maps of a batch of faces (skeleton FACE_68), without gradients.

    0: 1 on a line of the face or on an edge of `face`, 0 elsewhere.
    1 to 14: the L1 distance d to each of FACE_LINES, in pixels, as min(d / 3, 255) / 255.
    15: which of FACE_PARTS a pixel belongs to, 0 to 6: as it is ("raw", published) or over 6 ("scaled").

    A line with a missing landmark, or with no pixel in the picture, is at distance 1 everywhere.
    """
    points = face.points if isinstance(face, FaceLines) else face
    curves = _curves(points)
    lines = _painted(curves, points.size)
    edges = lines.any(1, keepdim=True).to(curves.corners.dtype)
    if isinstance(face, FaceLines) and face.edges is not None:
        edges = torch.maximum(edges, face.edges.to(edges))
    distances = l1_distances(lines, curves.corners.dtype).clamp_(max=REACH).div_(REACH)
    values = torch.tensor([label for label, _ in FACE_PARTS], device=edges.device, dtype=edges.dtype)
    parts = _filled(curves, points.size).to(edges.dtype).mul_(values[:, None, None]).amax(1, keepdim=True)
    return torch.cat([edges, distances, parts / LABELS if labels == "scaled" else parts], 1)


@torch.no_grad()
def face_mask(points: Pose) -> Float[Tensor, "B 1 H W"]:
    """1 inside the closed contour of a face, 0 elsewhere and where a landmark of the jaw is missing."""
    curves = _curves(points)
    return _filled(curves, points.size)[:, :1].to(curves.corners.dtype)


def l1_distances(lines: Bool[Tensor, "B N H W"], dtype: torch.dtype) -> Float[Tensor, "B N H W"]:
    """From every pixel the L1 distance to the nearest True one of its map, in pixels; inf where there is none."""
    far = torch.full(lines.shape, torch.inf, dtype=dtype, device=lines.device).masked_fill_(lines, 0)
    # map by map: what one sweep writes is still in the cache when the next reads it (3 times as fast)
    maps = [_swept(_swept(one).mT.contiguous()).mT.flip(-2, -1) for one in far.unbind(1)]
    return torch.stack(maps, 1)


def _swept(start: Float[Tensor, "*B H W"]) -> Float[Tensor, "*B H W"]:
    """min over j of start(j) + |i - j|: a sweep to the right over what lies to the left, then one from right to
    left."""
    place = torch.arange(start.shape[-1], device=start.device, dtype=start.dtype)
    left = (start - place).cummin(-1).values  # without the distance to i, which the next step adds
    return left.add_(2 * place).flip(-1).cummin(-1).values.sub_(place.flip(0))


class _Curves(NamedTuple):
    """The lines of a batch of faces in pieces: parabolas through three landmarks, or straight ones between two.

    corners: start, middle and end of each of P pieces, in pixels; 0 where the piece is absent.
    present: of each line.
    """

    corners: Float[Tensor, "B P 3 2"]
    present: Bool[Tensor, "B N"]


class _Table(NamedTuple):
    """Start, middle and end of the pieces of FACE_LINES. A straight piece has no middle landmark: the mean of two is
    used.

    Places count the landmarks of FACE_68 and then those of the forehead.
    """

    pieces: tuple[tuple[int, int, int, int], ...]
    line_of_piece: tuple[int, ...]
    landmarks: tuple[tuple[int, ...], ...]


@lru_cache(maxsize=1)
def _table() -> _Table:
    """FACE_LINES by number."""
    places = {joint: k for k, joint in enumerate(FACE_68.joints)}
    places |= {joint: len(places) + k for k, joint in enumerate(_numbered("forehead", range(1, len(_JAW) - 1)))}
    pieces: list[tuple[int, int, int, int]] = []
    line_of_piece: list[int] = []
    for n, line in enumerate(FACE_LINES):
        here = [places[joint] for joint in line]
        for start in range(0, len(here) - 1, 2):
            a, c = here[start], here[min(start + 2, len(here) - 1)]
            pieces.append((a, here[start + 1], here[start + 1], c) if start + 2 < len(here) else (a, a, c, c))
            line_of_piece.append(n)
    seen = tuple(
        tuple(FACE_68.index(joint) for joint in line if joint in FACE_68) for line in FACE_LINES
    )  # the contour needs the whole jaw, and with it the forehead is there
    return _Table(tuple(pieces), tuple(line_of_piece), seen)


def _curves(points: Pose) -> _Curves:
    assert points.xy.dim() == 3, "maps are of a batch of faces"
    assert points.skeleton == FACE_68, points.skeleton.name
    table = _table()
    xy = at_least_float32(points.xy)
    xy = torch.where(points.visible[..., None], xy, 0.0)
    xy = torch.cat([xy, _forehead(xy)], 1)
    present = torch.stack([points.visible[:, list(line)].all(-1) for line in table.landmarks], 1)
    pieces = torch.tensor(table.pieces, device=xy.device)
    start, end = xy[:, pieces[:, 0]], xy[:, pieces[:, 3]]
    middle = (xy[:, pieces[:, 1]] + xy[:, pieces[:, 2]]) / 2
    return _Curves(torch.stack([start, middle, end], 2), present)


def _forehead(xy: Float[Tensor, "B K 2"]) -> Float[Tensor, "B M 2"]:
    """The jaw without its ends, mirrored at the line between its ends and flattened by FOREHEAD."""
    jaw = xy[:, [FACE_68.index(joint) for joint in _JAW]]
    start, chord = jaw[:, :1], jaw[:, -1:] - jaw[:, :1]
    length = chord.square().sum(-1, keepdim=True).clamp(min=torch.finfo(xy.dtype).tiny)
    way = jaw[:, 1:-1] - start
    along = (way * chord).sum(-1, keepdim=True) / length * chord
    return start + along - FOREHEAD * (way - along)


def _samples(curves: _Curves, steps: int) -> Float[Tensor, "B P S 2"]:
    """steps + 1 places on every piece: its start, half of the steps to its middle, the other half to its end.

    The parabola passes its middle at the share of the way at which that lies, so it turns with its landmarks and does
    not depend on axes.
    """
    a, b, c = (curves.corners[:, :, k, None] for k in range(3))
    first, second = (b - a).norm(dim=-1, keepdim=True), (c - b).norm(dim=-1, keepdim=True)
    both = (first + second).clamp(min=torch.finfo(first.dtype).tiny)
    m = (first / both).clamp(0.1, 0.9)  # coinciding landmarks leave no distance between them
    half = torch.linspace(0, 1, steps // 2 + 1, device=a.device, dtype=a.dtype)[:, None]
    t = torch.cat([half * m, 1 - (1 - m) * (1 - half[1:])], -2)
    # Weights first: they are exactly 1 and 0 at the ends, so that pieces join exactly and areas have no gaps.
    parabola: Tensor = a * ((t - m) * (t - 1) / m) + b * (t * (1 - t) / (m * (1 - m))) + c * (t * (t - m) / (1 - m))
    return parabola


def _painted(curves: _Curves, size: tuple[int, int]) -> Bool[Tensor, "B N H W"]:
    """True on every pixel that a line passes. A piece has no gaps as long as it is shorter than the picture's side.

    (The speed along a parabola is not even: there are twice as many samples as pixels on that side.)
    """
    height, width = size
    places = (_samples(curves, 2 * max(size)) + 0.5).floor()
    x, y = places.unbind(-1)
    lines = torch.tensor(_table().line_of_piece, device=x.device)
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height) & curves.present[:, lines, None]
    column, row = (torch.where(inside, place, 0.0).long() for place in (x, y))
    pixel = (lines[:, None] * height + row) * width + column
    count = torch.zeros(len(x), len(FACE_LINES) * height * width, device=x.device, dtype=torch.int32)
    count.scatter_add_(1, pixel.flatten(1), inside.flatten(1).to(torch.int32))
    return (count > 0).view(len(x), len(FACE_LINES), height, width)


@lru_cache(maxsize=1)
def _parts_of_pieces() -> tuple[tuple[int, int], ...]:
    """(part, piece) for every piece at the border of a part of FACE_PARTS."""
    lines = _table().line_of_piece
    return tuple(
        (part, piece)
        for part, (_, border) in enumerate(FACE_PARTS)
        for piece, line in enumerate(lines)
        if line in border
    )


def _filled(curves: _Curves, size: tuple[int, int]) -> Bool[Tensor, "B M H W"]:
    """True where a pixel's centre is inside a part: a ray from the left crosses an odd number of the part's borders."""
    height, width = size
    start, end, part = _borders(curves)
    rows = torch.arange(height, device=start.device, dtype=start.dtype)
    (ax, ay), (bx, by) = (ends[..., None].unbind(2) for ends in (start, end))
    crossed = (ay <= rows) != (by <= rows)
    share = (rows - ay) / torch.where(crossed, by - ay, 1.0)
    column = (ax + share * (bx - ax)).ceil().clamp(0, width)  # beyond the right border: no pixel is on that ray
    column = torch.where(crossed, column, width).long()
    place = (part[:, None] * height + rows.long()) * (width + 1) + column
    count = torch.zeros(len(start), len(FACE_PARTS) * height * (width + 1), device=start.device, dtype=torch.int32)
    count.scatter_add_(1, place.flatten(1), crossed.flatten(1).to(torch.int32))
    crossings = count.view(len(start), len(FACE_PARTS), height, width + 1)[..., :width].cumsum(-1, dtype=torch.int32)
    present = torch.stack([curves.present[:, list(border)].all(1) for _, border in FACE_PARTS], 1)
    return (crossings % 2 == 1) & present[..., None, None]


def _borders(curves: _Curves) -> tuple[Float[Tensor, "B E 2"], Float[Tensor, "B E 2"], Tensor]:
    """Straight edges around the parts: their starts, their ends, and the part of each."""
    owner = torch.tensor(_parts_of_pieces(), device=curves.corners.device)
    samples = _samples(curves, FILL_STEPS)[:, owner[:, 1]]
    part = owner[:, 0].repeat_interleave(FILL_STEPS)
    start, end = samples[:, :, :-1].flatten(1, 2), samples[:, :, 1:].flatten(1, 2)
    # a part with a single open line as its border is closed by the line's chord
    first, last, chords = _chords()
    corners = curves.corners
    start = torch.cat([start, corners[:, list(last), 2]], 1)
    end = torch.cat([end, corners[:, list(first), 0]], 1)
    return start, end, torch.cat([part, torch.tensor(chords, device=part.device)])


@lru_cache(maxsize=1)
def _chords() -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """For the parts that one open line borders: its first piece, its last piece, and the part."""
    lines = _table().line_of_piece
    found = [
        (lines.index(border[0]), len(lines) - 1 - lines[::-1].index(border[0]), part)
        for part, (_, border) in enumerate(FACE_PARTS)
        if len(border) == 1 and FACE_LINES[border[0]][0] != FACE_LINES[border[0]][-1]
    ]
    first, last, parts = zip(*found, strict=True)
    return tuple(first), tuple(last), tuple(parts)
