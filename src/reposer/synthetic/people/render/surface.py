"""A dressed person as one mesh at rest, with skinning weights and textures baked from the materials."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ..body.bones import bone_frames, rest_figure, stacked
from ..body.figure import Figure
from ..body.parts import LOWER, TOP, part
from ..identity import Identity
from ..wardrobe.clothes import Plain
from ..wardrobe.shapes import Patch, length, normals, planes
from .dress import patches_of

FACE = part("face")


@dataclass(frozen=True)
class Surface:
    """The mesh of one person in their clothes. V points, F triangles, P patches, T texels; lengths in statures.

    points, normals: at rest. place: (row, column) of each point in its patch's texture, in texels.
    shade: darkness inside sleeves and hems, 1 = none. bones, weights: skinning of each point.
    to_bone: from the space of the person at rest to each bone's own, as (N, 3, 4) matrices.
    faces: three points, anticlockwise seen from outside. patch, part: of each face.
    texels: RGB in [0, 1] and the brightness of folds; row by row, patch by patch.
    first, height, width: of each patch's texture. gloss, group: of each patch.
    """

    points: Float[Tensor, "V 3"]
    normals: Float[Tensor, "V 3"]
    place: Float[Tensor, "V 2"]
    shade: Float[Tensor, "V"]
    bones: Int64[Tensor, "V 4"]
    weights: Float[Tensor, "V 4"]
    to_bone: Float[Tensor, "N 3 4"]
    faces: Int64[Tensor, "F 3"]
    patch: Int64[Tensor, "F"]
    part: Int64[Tensor, "F"]
    texels: Float[Tensor, "T 4"]
    first: Int64[Tensor, "P"]
    height: Int64[Tensor, "P"]
    width: Int64[Tensor, "P"]
    gloss: Float[Tensor, "P"]
    group: Int64[Tensor, "P"]

    def to(self, device: torch.device | str) -> "Surface":
        return Surface(*(getattr(self, field.name).to(device) for field in fields(self)))


def build_surface(who: Identity, density: float) -> Surface:
    """The person's mesh; `density`: texels per stature."""
    figure = rest_figure(who.body)
    return as_surface(patches_of(figure, who), figure, who.number, density)


def as_surface(patches: Sequence[Patch], figure: Figure, number: int, density: float) -> Surface:
    """The mesh of some patches of person `number`, posed like `figure`."""
    axes, origins = (t[0] for t in bone_frames(*stacked([figure])))
    to_bone = torch.cat([axes.mT, -axes.mT @ origins[..., None]], -1)

    faces, parts, place, texels, sizes = [], [], [], [], []
    start = 0
    for patch in patches:
        n, m = patch.points.shape[:2]
        faces.append(_triangles(n, m) + start)
        parts.append(np.broadcast_to(np.asarray(patch.part), (n - 1,)).repeat(2 * (m - 1)))
        own_place, own_texels, size = _baked(patch, density, number)
        place.append(own_place)
        texels.append(own_texels)
        sizes.append(size)
        start += n * m

    def flat(arrays: list[np.ndarray], width: int) -> Tensor:
        return torch.from_numpy(np.concatenate([a.reshape(-1, width) for a in arrays]).astype(np.float32))

    heights, widths = (torch.tensor(s) for s in zip(*sizes, strict=True))
    holds = [p.hold for p in patches if p.hold is not None]
    assert len(holds) == len(patches), "every patch hangs on bones"
    return Surface(
        points=flat([p.points for p in patches], 3),
        normals=flat([normals(p.points) for p in patches], 3),
        place=flat(place, 2),
        shade=flat([np.asarray(p.shade) for p in patches], 1)[:, 0],
        bones=torch.from_numpy(np.concatenate([h.bones.reshape(-1, 4) for h in holds]).astype(np.int64)),
        weights=flat([h.weights for h in holds], 4),
        to_bone=to_bone,
        faces=torch.from_numpy(np.concatenate(faces)),
        patch=torch.repeat_interleave(torch.arange(len(patches)), torch.tensor([len(f) for f in faces])),
        part=torch.from_numpy(np.concatenate(parts).astype(np.int64)),
        texels=torch.from_numpy(np.concatenate(texels)),
        first=torch.cumsum(heights * widths, 0) - heights * widths,
        height=heights,
        width=widths,
        gloss=torch.tensor([p.material.gloss for p in patches]),
        group=torch.tensor([p.group for p in patches]),
    )


@lru_cache(maxsize=256)
def _triangles(n: int, m: int) -> np.ndarray:
    """Two triangles for each cell of a grid of n x m points."""
    corner = np.arange((n - 1) * m).reshape(n - 1, m)[:, :-1]
    a, b, c, d = corner, corner + 1, corner + m + 1, corner + m
    return np.stack([np.stack([a, b, c], -1), np.stack([a, c, d], -1)], 2).reshape(-1, 3)


def _baked(patch: Patch, density: float, number: int) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """(place of each point, texels, (height, width)) of a patch's texture, sized by the patch."""
    knots = _knots(patch, density)
    place = np.stack(np.meshgrid(*knots, indexing="ij"), -1)
    folded = TOP <= patch.group % 10 <= LOWER
    if isinstance(patch.material, Plain) and not folded:  # one texel is enough: places beyond it are clamped
        return place, np.array([[*patch.material.rgb, 1.0]], np.float32), (1, 1)
    q = _between(patch, *knots)
    texels = np.empty((*q.shape[:2], 4), np.float32).reshape(-1, 4)
    texels[:, :3] = patch.material.colour(q.reshape(-1, 3))
    texels[:, 3] = _folds(q.reshape(-1, 3), number) if folded else 1.0
    return place, np.clip(texels, 0, 1.2, out=texels), (q.shape[0], q.shape[1])


def texel_coordinates(patch: Patch, density: float) -> Float[np.ndarray, "h w 3"]:
    """The material's input at each texel of a patch's texture."""
    return _between(patch, *_knots(patch, density))


def _between(patch: Patch, down: np.ndarray, across: np.ndarray) -> Float[np.ndarray, "h w 3"]:
    """The coordinates at all texels, from those of the points in rows `down` and columns `across`."""
    q = patch.coordinates.astype(np.float32)
    n, m, channels = q.shape
    low, share = _resampling(down, round(down[-1]) + 1)
    rows = q.reshape(n, -1)
    q = rows.take(low, 0) * (1 - share)[:, None] + rows.take(low + 1, 0) * share[:, None]
    low, share = _resampling(across, round(across[-1]) + 1)
    left, right = (q.reshape(-1, m, channels).take(i, 1).reshape(len(q), -1) for i in (low, low + 1))
    # of a column's share one for each channel: loops of three are slow
    share = np.repeat(share, channels)
    left *= 1 - share
    right *= share
    left += right
    return np.asarray(left.reshape(len(q), -1, channels))


def _knots(patch: Patch, density: float) -> tuple[np.ndarray, np.ndarray]:
    """Texture positions of the rows and columns of a patch's points, in texels; a face's texture is finer."""
    fineness = density * (1.4 if np.ndim(patch.part) == 0 and patch.part == FACE else 1.0)
    points = planes(patch.points)
    down = length(points[:, 1:] - points[:, :-1]).max(1)
    across = length(points[..., 1:] - points[..., :-1])
    across = across[across.sum(1).argmax()]
    knots = []
    for steps in (down, across):
        along = np.concatenate([[0.0], np.cumsum(np.maximum(steps, 1e-6))])
        count = max(2, int(np.ceil(along[-1] * fineness)))
        knots.append(along / along[-1] * (count - 1))
    return knots[0], knots[1]


def _resampling(knots: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """For 0 .. size - 1 the knot before it, and the next knot's share in a linear interpolation."""
    at = np.interp(np.arange(size), knots, np.arange(len(knots)))
    low = np.minimum(at.astype(int), len(knots) - 2)
    return low, (at - low).astype(np.float32)


def _folds(q: np.ndarray, number: int) -> np.ndarray:
    """Brightness of the soft folds of cloth, fixed to the cloth."""
    u, v = 70 * q[:, 0], 70 * q[:, 1]
    phase = np.float32(0.7 * (number % 997))
    wave = np.sin(0.9 * v + 1.6 * np.sin(0.55 * u + phase) + phase) + 0.7 * np.sin(
        1.1 * u - 0.6 * v + 1.3 * np.sin(0.5 * v - phase)
    )
    return 1 + np.float32(0.035) * wave
