"""Render people: a batch of shots to pictures with their ground truth."""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int32, Int64, UInt8
from torch import Tensor

from reposer.core import Pose
from reposer.core.skeleton import OPENPOSE_18
from reposer.synthetic.zbuffer import Hits, columns, pick, quick, rasterise, true_places

from ..body.bones import NUM_BONES, bone_frames, stacked
from ..body.cameras import Camera
from ..body.figure import SIDES, BodyPose, Figure, pose_body, turn
from ..identity import Identity
from .joints import as_detected, exact_poses
from .light import Lamp, shine
from .projection import Projection, lamp_direction, project
from .scenes import Scene, paint
from .surface import Surface, build_surface

SUPERSAMPLING = 2
SAME_PLACE = 0.02
"""Distance on the surface, in statures, within which two points count as the same in visibility tests."""
AT_ONCE = 50_000
"""Pixels of the pictures drawn at once on a CPU: for the maps of more the system has to find new memory each time."""
FAR = -50.0
"""Depth of empty pixels while light is computed, in statures."""


@dataclass(frozen=True)
class Shot:
    """One person in a pose, with camera and scene."""

    who: Identity
    surface: Surface
    pose: BodyPose
    camera: Camera
    scene: Scene
    misses: int | None = None
    """Seed of the joints that a detector misses; None = it finds exactly the visible ones."""
    projection: Projection | None = None
    """Projection of the person; None = by `camera`, fitted to this pose. All frames of a clip share one."""


def aim(moments: Sequence[tuple[Shot, float, Sequence[float]]], size: tuple[int, int]) -> Projection:
    """The first shot's projection, fitted so that all moments of a motion are inside a picture of `size`.

    moments: (shot, degrees that the person has turned to their left since the first, their position then (left, up,
    front) in statures before that turn).
    """
    shots = [shot for shot, _, _ in moments]
    figures = [pose_body(shot.who.body, shot.pose) for shot in shots]
    points, _ = _posed([shot.surface for shot in shots], figures, torch.device("cpu"))
    moved = [
        (p + torch.tensor(shift, dtype=torch.float32)) @ torch.from_numpy(turn(1, turned).T.astype(np.float32))
        for p, (_, turned, shift) in zip(points, moments, strict=True)
    ]
    return project(shots[0].camera, torch.cat(moved), figures[0], size)


def texture_density(size: tuple[int, int]) -> float:
    """Texels per stature that pictures of size (height, width) can resolve."""
    return 0.75 * SUPERSAMPLING * size[0]


def dress(who: Identity, size: tuple[int, int]) -> Surface:
    """The person's mesh, with textures as fine as pictures of `size` can resolve."""
    return build_surface(who, texture_density(size))


@dataclass(frozen=True)
class _View:
    """Raster data of one shot, from which flows to and from it can be computed.

    points: the surface's points in pixels of the picture (x, y, depth). samples: (index of the fine pixel, face,
    weights). patch, place: what each fine pixel shows; patch 0 means none; place in texels.
    """

    who: Identity
    surface: Surface
    points: Float[Tensor, "V 3"]
    pixel: Int64[Tensor, "S"]
    face: Int64[Tensor, "S"]
    weights: Float[Tensor, "S 3"]
    place: Float[Tensor, "S 2"]


@dataclass(frozen=True)
class Rendering:
    """B pictures of people with ground truth. Maps sample the bottom-right fine pixel of each pixel.

    picture: RGB. albedo: the same without light, scene and folds, black where there is no person.
    person: the person alone: RGB times coverage, and coverage. backdrop: the complete background.
    parts: index into PARTS. depth: towards the camera, in statures of the person, 0 at the camera's target: the hips,
    or one fixed point in a clip; -inf without a person. surface: position of a pixel's point on the person at rest, in
    statures, (0, 0, 0) on the ground below the middle of the hips; NaN without a person.
    poses: exact joints by the skeleton's name; visible = in the picture and unoccluded.
    detected: OPENPOSE_18 joints as a detector would report them.
    """

    picture: UInt8[Tensor, "B H W 3"]
    albedo: UInt8[Tensor, "B H W 3"]
    person: UInt8[Tensor, "B H W 4"]
    backdrop: UInt8[Tensor, "B H W 3"]
    parts: UInt8[Tensor, "B H W"]
    depth: Float[Tensor, "B H W"]
    surface: Float[Tensor, "B 3 H W"]
    poses: dict[str, Pose]
    detected: Pose
    views: tuple[_View, ...]

    @property
    def mask(self) -> Bool[Tensor, "B H W"]:
        """True where the person is."""
        return self.parts > 0

    def __len__(self) -> int:
        return len(self.picture)

    def __getitem__(self, i: int) -> "Rendering":
        """Row i, as a `Rendering` of one picture."""
        if not 0 <= i < len(self):
            raise IndexError(f"row {i} of {len(self)}")
        rows = slice(i, i + 1)
        return Rendering(
            self.picture[rows],
            self.albedo[rows],
            self.person[rows],
            self.backdrop[rows],
            self.parts[rows],
            self.depth[rows],
            self.surface[rows],
            {name: pose[rows] for name, pose in self.poses.items()},
            self.detected[rows],
            self.views[rows],
        )

    @staticmethod
    def joined(renderings: Sequence["Rendering"]) -> "Rendering":
        """Concatenate the rows of several renderings of one size."""
        return Rendering(
            torch.cat([d.picture for d in renderings]),
            torch.cat([d.albedo for d in renderings]),
            torch.cat([d.person for d in renderings]),
            torch.cat([d.backdrop for d in renderings]),
            torch.cat([d.parts for d in renderings]),
            torch.cat([d.depth for d in renderings]),
            torch.cat([d.surface for d in renderings]),
            {
                name: Pose.stack([d.poses[name][i] for d in renderings for i in range(len(d))])
                for name in renderings[0].poses
            },
            Pose.stack([d.detected[i] for d in renderings for i in range(len(d))]),
            tuple(view for d in renderings for view in d.views),
        )

    def flow(self, source: int, target: int) -> tuple[Float[Tensor, "2 H W"], Bool[Tensor, "H W"]]:
        """Ground truth (flow, visible) between two rows that show the same person.

        flow: backward, in pixels: the point that pixel p of the target shows is at p + flow(p) of the source; NaN where
        the target shows no person. visible: the source shows that point too.
        """
        a, b = self.views[source], self.views[target]
        if a.who != b.who:
            raise ValueError(f"Rows {source} and {target} show different people: there is no flow between them.")
        h, w = self.parts.shape[1:]
        ss = SUPERSAMPLING
        fine_w = w * ss
        y, x = b.pixel // fine_w, b.pixel % fine_w
        chosen = torch.nonzero((y % ss == ss - 1) & (x % ss == ss - 1) & (b.face < len(b.surface.faces)))[:, 0]
        y, x, face = y[chosen], x[chosen], b.face[chosen]
        corners = b.surface.faces.to(face.device)[face]
        where = (a.points[corners] * b.weights[chosen][..., None]).sum(1)
        here = torch.stack([(x + 0.5) / ss - 0.5, (y + 0.5) / ss - 0.5], 1)
        pixel = (y // ss) * w + x // ss
        flow = where.new_full((2, h * w), torch.nan)
        flow[:, pixel] = (where[:, :2] - here).T
        shown = _shows(a, (h * ss, fine_w), where[:, :2], b.surface.patch.to(face.device)[face], b.place[chosen])
        visible = torch.zeros(h * w, dtype=torch.bool, device=flow.device)
        visible[pixel] = shown
        return flow.view(2, h, w), visible.view(h, w)


def _shows(view: _View, size: tuple[int, int], xy: Tensor, patch: Tensor, place: Tensor) -> Tensor:
    """Whether a view shows these places of these patches at positions xy of its picture."""
    h, w = size
    at = torch.full((h * w,), -1, dtype=torch.long, device=xy.device)
    at[view.pixel] = torch.arange(len(view.pixel), device=xy.device)
    faces = len(view.surface.faces)
    patches = view.surface.patch.to(xy.device)
    own = torch.where(view.face < faces, patches[view.face.clamp(max=faces - 1)], -1)
    fine = (xy + 0.5) * SUPERSAMPLING - 0.5
    corner = fine.floor().long()
    # neighbouring pixels are farther apart on a surface that is seen at a grazing angle
    tolerance = max(2.5, SAME_PLACE * texture_density((h // SUPERSAMPLING, w // SUPERSAMPLING)))
    shown = torch.zeros(len(xy), dtype=torch.bool, device=xy.device)
    for dy in (0, 1):
        for dx in (0, 1):
            x, y = corner[:, 0] + dx, corner[:, 1] + dy
            inside = (x >= 0) & (x < w) & (y >= 0) & (y < h)
            k = at[(y.clamp(0, h - 1) * w + x.clamp(0, w - 1))]
            near = (view.place[k] - place).abs().amax(1) <= tolerance
            shown |= inside & (k >= 0) & (own[k] == patch) & near
    return shown


def render(shots: Sequence[Shot], size: tuple[int, int], device: torch.device | str = "cpu") -> Rendering:
    """Render these shots at (height, width), with ground truth. A shot's picture does not depend on the others."""
    with torch.no_grad():
        return _render(shots, size, torch.device(device))


def _render(shots: Sequence[Shot], size: tuple[int, int], device: torch.device) -> Rendering:
    figures = [pose_body(shot.who.body, shot.pose) for shot in shots]
    points, normals = _posed([shot.surface for shot in shots], figures, device)
    meshes = []
    for shot, figure, p, n in zip(shots, figures, points, normals, strict=True):
        projection = shot.projection or project(shot.camera, p, figure, size)
        meshes.append(_Mesh(shot, figure, projection, p, projection(p), n, _seat(shot, figure)))
    some = max(AT_ONCE // (size[0] * size[1]), 1) if device.type == "cpu" else len(shots)
    drawn = [_draw(meshes[i : i + some], size, device) for i in range(0, len(shots), some)]
    depth = torch.cat([d.nearest for d in drawn])
    poses = exact_poses(figures, [shot.who.face for shot in shots], [mesh.projection for mesh in meshes], depth)
    return Rendering(
        torch.cat([d.picture for d in drawn]),
        torch.cat([d.albedo for d in drawn]),
        torch.cat([d.person for d in drawn]),
        torch.cat([d.backdrop for d in drawn]),
        torch.cat([d.parts for d in drawn]),
        torch.cat([d.depth for d in drawn]),
        torch.cat([d.surface for d in drawn]),
        poses,
        as_detected(poses[OPENPOSE_18.name], [shot.misses for shot in shots]),
        tuple(view for d in drawn for view in d.views),
    )


@dataclass(frozen=True)
class _Drawn:
    """What a `Rendering` has of some of its pictures. nearest: depth at each pixel, in its units, seats included."""

    picture: Tensor
    albedo: Tensor
    person: Tensor
    backdrop: Tensor
    parts: Tensor
    depth: Tensor
    surface: Tensor
    nearest: Tensor
    views: tuple[_View, ...]


def _draw(meshes: Sequence["_Mesh"], size: tuple[int, int], device: torch.device) -> _Drawn:
    """Draw pictures at once: what their fine pixels see and in which light, then the pixels, then the maps of truth."""
    num, (h, w), ss = len(meshes), size, SUPERSAMPLING
    fine = (h * ss, w * ss)
    scene = _assembled(meshes, device)
    hits = rasterise(scene.flat, scene.faces, scene.picture, num, fine)
    corners = pick(scene.faces, hits.face)
    # interpolate everything that is linear over a face at once: place 2, shade 1, normal 3, point at rest 3
    linear = F.embedding_bag(corners, scene.linear, per_sample_weights=hits.weights, mode="sum")
    place = linear[:, :2]
    patch = pick(scene.patch, hits.face)
    texel = _sampled(scene, patch, place)
    part = pick(scene.part, hits.face)
    line = hits.pixel // fine[1]
    x = hits.pixel - line * fine[1]
    row = line // fine[0]
    y = line - row * fine[0]
    units = torch.tensor([m.projection.unit * ss for m in meshes], device=device)
    colour = _lit(meshes, scene, hits, patch, linear, texel, (row, y, x), units)

    # a pixel is the mean of its fine pixels; all that follows is of pixels which show anything
    layers = columns(*colour, torch.ones_like(colour[0]), *texel[:, :3].unbind(1))
    fine_at = torch.full((num, *fine), len(layers), dtype=torch.int32, device=device)
    fine_at.view(-1).index_copy_(0, hits.pixel, torch.arange(len(layers), dtype=torch.int32, device=device))
    squares = [fine_at[:, i::ss, j::ss].flatten() for i in range(ss) for j in range(ss)]
    shown = true_places(quick(functools.reduce(torch.minimum, squares)) < len(layers))
    square = columns(*(pick(at, shown) for at in squares))
    everything = _means(layers, square)
    seats = any(mesh.seat is not None for mesh in meshes)
    alone = _means(layers * (part > 0)[:, None], square) if seats else everything
    # (3, B, H, W), as all maps of colours are until they are bytes
    behind = torch.from_numpy(np.stack([_backdrop(m, size) for m in meshes], 1)).to(device)
    under = columns(*(pick(plane, shown) for plane in behind.flatten(1)))
    backdrop = torch.stack(list(_to_uint8(behind)), -1)

    def put(on: Tensor, values: Tensor) -> Tensor:
        on.view(num * h * w, -1).index_copy_(0, shown, _to_uint8(values))
        return on

    nothing = [torch.zeros(num, h, w, channels, dtype=torch.uint8, device=device) for channels in (3, 4)]
    picture = put(backdrop.clone(), under * (1 - everything[:, 3:4]) + everything[:, :3])
    albedo = put(nothing[0], alone[:, 4:] / alone[:, 3:4].clamp(min=1e-6))
    person = put(nothing[1], alone[:, :4])

    # maps at one fine pixel of each pixel
    chosen = square[:, -1]
    where = true_places(quick(chosen) < len(layers))
    at, chosen = pick(shown, where), pick(chosen, where).long()
    if seats:
        bare = true_places(quick(pick(part, chosen)) > 0)
        at, chosen = pick(at, bare), pick(chosen, bare)
    parts = torch.zeros(num * h * w, dtype=torch.uint8, device=device)
    parts.index_copy_(0, at, pick(part, chosen).to(torch.uint8))
    depth = torch.full((num * h * w,), -torch.inf, device=device)
    depth.index_copy_(0, at, pick(hits.depth.flatten(), pick(hits.pixel, chosen)) / pick(units, pick(row, chosen)))
    surface = torch.full((3, num * h * w), torch.nan, device=device)
    for plane, values in zip(surface, pick(linear, chosen)[:, 6:].unbind(1), strict=True):
        plane.index_copy_(0, at, values)
    return _Drawn(
        picture,
        albedo,
        person,
        backdrop,
        parts.view(num, h, w),
        depth.view(num, h, w),
        surface.view(3, num, h, w).transpose(0, 1),
        hits.depth[:, ss - 1 :: ss, ss - 1 :: ss] / ss,
        _views(meshes, scene, hits, place, row, fine),
    )


def _lit(
    meshes: Sequence["_Mesh"],
    scene: "_Scene",
    hits: Hits,
    patch: Tensor,
    linear: Tensor,
    texel: Tensor,
    where: tuple[Tensor, Tensor, Tensor],
    units: Tensor,
) -> list[Float[Tensor, "S"]]:
    """Red, green and blue in the light; only the bounding box of the people is lit. where: (picture, y, x)."""
    row, y, x = where
    num, fine, device = len(meshes), hits.depth.shape[1:], linear.device
    down, across = (y, x) if len(y) else (y.new_zeros(1), x.new_zeros(1))  # all pictures may be empty
    edges = down.min() - 8, across.min() - 8, down.max() + 10, across.max() + 10
    top, left, bottom, right = (_even(v) for v in edges)
    top, left, bottom, right = max(top, 0), max(left, 0), min(bottom, fine[0]), min(right, fine[1])
    box = (bottom - top, right - left)
    y, x = y - top, x - left
    pixel = (row * box[0] + y) * box[1] + x
    normal = torch.zeros(3, num * box[0] * box[1], device=device)
    for axis in range(3):
        normal[axis].index_copy_(0, pixel, linear[:, 3 + axis].contiguous())
    group = torch.zeros(num * box[0] * box[1], dtype=torch.int16, device=device)
    group.index_copy_(0, pixel, pick(scene.group.short(), patch))
    depth = (hits.depth[:, top:bottom, left:right] / units[:, None, None]).clamp(min=FAR)
    lamp = Lamp(
        torch.tensor([lamp_direction(m.shot.scene.light) for m in meshes]),
        torch.tensor([m.shot.scene.ambient for m in meshes]),
        torch.tensor([m.shot.scene.warmth for m in meshes]),
    ).to(device)
    return shine(
        texel,
        linear[:, 2],
        pick(scene.gloss, patch),
        normal.view(3, num, *box),
        group.view(num, *box),
        depth,
        (row, y, x),
        lamp,
        0.82 * fine[0],
    )


def _to_uint8(values: Float[Tensor, "*N"]) -> UInt8[Tensor, "*N"]:
    return (values * 255).round_().clamp_(0, 255).to(torch.uint8)


def _even(value: Tensor) -> int:
    return int(value) // SUPERSAMPLING * SUPERSAMPLING


def _means(layers: Float[Tensor, "S C"], square: Int32[Tensor, "P Q"]) -> Float[Tensor, "P C"]:
    """The means of the layers at Q places each; there is nothing at place S."""
    padded = torch.cat([layers, layers.new_zeros(1, layers.shape[1])])
    return F.embedding_bag(square, padded, mode="sum").div_(square.shape[1])


# ---------------------------------------------------------------------------------- meshes


@dataclass(frozen=True)
class _Mesh:
    """One shot's mesh in body space, and its projection."""

    shot: Shot
    figure: Figure
    projection: Projection
    points: Tensor
    flat: Tensor
    """The points in the picture."""
    normals: Tensor
    seat: tuple[Tensor, Tensor, Tensor] | None


@dataclass(frozen=True)
class _Scene:
    """All meshes as one. V points, F faces, P patches."""

    flat: Tensor
    linear: Tensor
    """Channels of each point: place 2, shade 1, normal in the camera's axes 3, point at rest 3."""
    faces: Tensor
    picture: Tensor
    patch: Tensor
    part: Tensor
    texels: Tensor
    first: Tensor
    height: Tensor
    width: Tensor
    gloss: Tensor
    group: Tensor
    starts: tuple[tuple[int, int, int], ...]
    """First point, first face and first patch of each shot."""


def _posed(
    surfaces: Sequence[Surface], figures: Sequence[Figure], device: torch.device
) -> tuple[list[Tensor], list[Tensor]]:
    """Points and normals of each surface, posed by the bones of its figure."""
    axes, origins = bone_frames(*(t.to(device) for t in stacked(figures)))
    to_bone = torch.stack([s.to_bone for s in surfaces]).to(device)
    turned = axes @ to_bone[..., :3]
    moved = (axes @ to_bone[..., 3:]) + origins[..., None]
    carry = torch.cat([turned, moved], -1).reshape(-1, 12)
    bones = torch.cat([s.bones.to(device) + i * NUM_BONES for i, s in enumerate(surfaces)])
    weights = torch.cat([s.weights.to(device) for s in surfaces])
    matrix = F.embedding_bag(bones, carry, per_sample_weights=weights, mode="sum").view(-1, 3, 4)
    points = torch.cat([s.points.to(device) for s in surfaces])
    normals = torch.cat([s.normals.to(device) for s in surfaces])
    sizes = [len(s.points) for s in surfaces]
    posed = torch.baddbmm(matrix[..., 3:], matrix[..., :3], points[..., None])[..., 0]
    turned_normals = (matrix[..., :3] @ normals[..., None])[..., 0]
    return list(posed.split(sizes)), list(turned_normals.split(sizes))


def _seat(shot: Shot, figure: Figure) -> tuple[Tensor, Tensor, Tensor] | None:
    """(points, normals, faces) of the box on which a sitting person sits."""
    height = shot.pose.seat
    if height is None or height < 0.02:  # the floor needs no box
        return None
    middle, heading = figure.points["seat"], figure.frames["pelvis"][:, 2] * (1, 0, 1)
    ahead = heading / max(float(np.linalg.norm(heading)), 1e-6)
    aside = np.array([ahead[2], 0.0, -ahead[0]])
    half, depth = 0.135, 0.12
    corners = []
    for up in (0.0, height):
        for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
            corners.append([middle[0], up, middle[2]] + aside * half * a + ahead * (depth * b + 0.03))
    quads = ((4, 7, 6, 5), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7))
    points: list[np.ndarray] = []
    normals: list[np.ndarray] = []
    faces: list[list[int]] = []
    for quad in quads:
        square = np.array([corners[k] for k in quad])
        normal = np.cross(square[1] - square[0], square[2] - square[0])
        if normal @ (square.mean(0) - np.mean(corners, 0)) < 0:
            square, normal = square[::-1], -normal
        start = len(points)
        points += list(square)
        normals += [normal / np.linalg.norm(normal)] * 4
        faces += [[start, start + 1, start + 2], [start, start + 2, start + 3]]
    to = torch.tensor
    return (to(np.array(points), dtype=torch.float32), to(np.array(normals), dtype=torch.float32), to(faces))


def _assembled(meshes: Sequence[_Mesh], device: torch.device) -> _Scene:
    """Every shot's person, and seat, in fine pixels, as one set of triangles."""
    parts: dict[str, list[Tensor]] = {name: [] for name in _Scene.__annotations__ if name != "starts"}
    starts = []
    num_points = num_faces = num_patches = num_texels = 0
    for i, mesh in enumerate(meshes):
        s = mesh.shot.surface.to(device)
        turn = torch.from_numpy(mesh.projection.turn.T.astype(np.float32)).to(device)
        starts.append((num_points, num_faces, num_patches))
        flat = mesh.flat * SUPERSAMPLING
        flat[:, :2] += (SUPERSAMPLING - 1) / 2  # (x + 0.5) ss - 0.5
        linear = torch.cat([s.place, s.shade[:, None], mesh.normals @ turn, s.points], 1)
        columns = [flat, linear, s.faces + num_points if num_points else s.faces]
        columns += [torch.full((len(s.faces),), i, device=device), s.patch + num_patches, s.part, s.texels]
        columns += [s.first + num_texels, s.height, s.width, s.gloss, s.group]
        num_points, num_faces = num_points + len(s.points), num_faces + len(s.faces)
        num_patches, num_texels = num_patches + len(s.first), num_texels + len(s.texels)
        for name, column in zip(parts, columns, strict=True):
            parts[name].append(column)
        if mesh.seat is None:
            continue
        points, normals, faces = (t.to(device) for t in mesh.seat)
        flat = mesh.projection(points) * SUPERSAMPLING
        flat[:, :2] += (SUPERSAMPLING - 1) / 2
        n, f = len(points), len(faces)
        colour = mesh.shot.scene.seat_colour
        one = torch.ones(1, dtype=torch.long, device=device)
        linear = torch.cat([torch.tensor([[0.0, 0.0, 1.0]], device=device).expand(n, 3), normals @ turn, 0 * points], 1)
        columns = [
            flat,
            linear,
            faces + num_points,
            torch.full((f,), i, device=device),
            torch.full((f,), num_patches, device=device),
        ]
        columns += [torch.zeros(f, dtype=torch.long, device=device), torch.tensor([[*colour, 1.0]], device=device)]
        columns += [one * num_texels, one, one, torch.tensor([0.02], device=device), one * 19]
        num_points, num_faces = num_points + n, num_faces + f
        num_patches, num_texels = num_patches + 1, num_texels + 1
        for name, column in zip(parts, columns, strict=True):
            parts[name].append(column)
    joined = {name: torch.cat(columns) if len(columns) > 1 else columns[0] for name, columns in parts.items()}
    return _Scene(**joined, starts=tuple(starts))


def _sampled(scene: _Scene, patch: Tensor, place: Tensor) -> Float[Tensor, "S 4"]:
    """Texture values at places of patches, interpolated bilinearly."""
    height, width, first = (pick(values.int(), patch) for values in (scene.height, scene.width, scene.first))
    down, across = (values.contiguous() for values in place.unbind(1))
    r, c = down.floor(), across.floor()
    a, b = down.sub_(r), across.sub_(c)
    r0, c0 = torch.minimum(r.int().clamp_(min=0), height.sub_(1)), torch.minimum(c.int().clamp_(min=0), width - 1)
    r1, c1 = torch.minimum(r0 + 1, height), torch.minimum(c0 + 1, width - 1)
    upper, lower = first.addcmul(r0, width), first.addcmul(r1, width)
    index = columns(upper + c0, upper + c1, lower + c0, lower + c1)
    up, left = 1 - a, 1 - b
    weights = columns(up * left, up * b, a * left, a * b)
    return F.embedding_bag(index, scene.texels, per_sample_weights=weights, mode="sum")


def _views(
    meshes: Sequence[_Mesh], scene: _Scene, hits: Hits, place: Tensor, row: Tensor, fine: tuple[int, int]
) -> tuple[_View, ...]:
    counts = torch.bincount(row, minlength=len(meshes)).tolist()
    views, start = [], 0
    for mesh, (_, first_face, _), count, i in zip(meshes, scene.starts, counts, range(len(meshes)), strict=True):
        own = slice(start, start + count)
        start += count
        views.append(
            _View(
                mesh.shot.who,
                mesh.shot.surface,
                mesh.flat,
                hits.pixel[own] - i * fine[0] * fine[1],
                hits.face[own] - first_face,
                hits.weights[own],
                place[own],
            )
        )
    return tuple(views)


# ---------------------------------------------------------------------------------- behind the person


def _backdrop(mesh: _Mesh, size: tuple[int, int]) -> Float[np.ndarray, "3 H W"]:
    """The background scene, with the shadows of the feet on its floor."""
    h, w = size
    picture = paint(mesh.shot.scene, mesh.projection.ground(), size)
    figure, unit = mesh.figure, mesh.projection.unit
    feet = [figure.points[f"{side}_ankle"] + figure.frames[f"{side}_foot"][:, 2] * 0.035 for side, _ in SIDES]
    blobs = [(feet[0], 0.34, 0.062), (feet[1], 0.34, 0.062), ((feet[0] + feet[1]) / 2, 0.26, 0.13)]
    if mesh.seat is not None:
        blobs.append((figure.points["seat"] * (1, 0, 1), 0.4, 0.2))
    y, x = np.arange(h, dtype=np.float32), np.arange(w, dtype=np.float32)
    flat = max(0.017 / 0.062, math.sin(math.radians(mesh.projection.elevation)))
    places = np.array([[foot[0], 0.004, foot[2]] for foot, _, _ in blobs], np.float32)
    centres = mesh.projection(torch.from_numpy(places)).tolist()
    for (foot, strength, width), centre in zip(blobs, centres, strict=True):
        lift = max(float(foot[1]) - 0.06, 0.0)
        rx = width * unit
        ry = flat * rx if width > 0.15 else 0.017 * unit * (width / 0.062) ** 0.5
        across, down = np.exp(-(((x - centre[0]) / rx) ** 2)), np.exp(-(((y - centre[1]) / ry) ** 2))
        rows, columns = _span(down), _span(across)
        blob = across[columns] * down[rows, None]
        picture[:, rows, columns] *= 1 - strength * math.exp(-lift / 0.08) * blob
    return picture


def _span(shadow: Float[np.ndarray, " n"]) -> slice:
    """Where a shadow is: elsewhere 1 minus it is 1 in float32."""
    where = np.flatnonzero(shadow > 2.0**-25)
    return slice(where[0], where[-1] + 1) if len(where) else slice(0)
