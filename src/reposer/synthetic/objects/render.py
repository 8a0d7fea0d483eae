"""An object seen from an azimuth and an elevation: picture and mask.

The light is fixed to the object, as if the camera moved around it: a point has the same brightness in all views.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..zbuffer import rasterise
from .mesh import Colour, Mesh

SUPERSAMPLING = 2
DISTANCE = 4.5  # distance of the camera from the object's centre, in radii of the object
FILLS = 0.94  # share of the picture's shorter side that the object's bounding ball fills
WHITE: Colour = (1.0, 1.0, 1.0)
NUM_LIGHTS = 32
SHADOW_SIZE = 112  # pixels of a light's depth map
_SUN = np.array([0.45, 0.75, 0.5]) / np.linalg.norm([0.45, 0.75, 0.5])


@dataclass(frozen=True)
class Hits:
    """What S pixels of B pictures show. pixel: index into B x H x W, ascending; weights: barycentric (S, 3).

    depth: (B, H, W), -inf where nothing is seen.
    """

    pixel: np.ndarray
    face: np.ndarray
    weights: np.ndarray
    depth: np.ndarray


def hits(points: np.ndarray, faces: np.ndarray, size: tuple[int, int]) -> Hits:
    """The nearest front face under every pixel centre, for the points (B, V, 3) of B pictures.

    points: x right, y down in pixels, z towards the camera. Only this function depends on the rasteriser.
    """
    num, vertices = points.shape[:2]
    corners = torch.from_numpy(faces).long() + vertices * torch.arange(num)[:, None, None]
    picture = torch.arange(num).repeat_interleave(len(faces))
    flat = torch.from_numpy(points.reshape(-1, 3)).float()
    found = rasterise(flat, corners.view(-1, 3), picture, num, size)
    return Hits(found.pixel.numpy(), (found.face % len(faces)).numpy(), found.weights.numpy(), found.depth.numpy())


@dataclass(frozen=True)
class RenderedObject:
    """picture (H, W, 3) uint8; mask (H, W) True where most of a pixel shows the object."""

    picture: np.ndarray
    mask: np.ndarray


class LitObject:
    """An object with precomputed light, ready to be rendered from any side.

    It is scaled to a ball of radius 1 around its centre, so that no view cuts it off.
    """

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh
        self.points = (mesh.points - mesh.centre) / mesh.radius
        self.lights, self.power = _lights()
        self.maps = self._depth_maps()

    def _depth_maps(self) -> np.ndarray:
        """(n, h, w): depth of the object's surface towards each light, in radii; -inf where there is none."""
        flat = np.einsum("vc,nkc->nvk", self.points, self.lights)
        scale, middle = (SHADOW_SIZE - 4) / 2, (SHADOW_SIZE - 1) / 2
        seen = flat * (scale, -scale, 1) + (middle, middle, 0)
        depth: np.ndarray = np.maximum(hits(seen, self.mesh.faces, (SHADOW_SIZE, SHADOW_SIZE)).depth, -2)
        return depth

    def irradiance(self, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """Light that reaches points (n, 3) of the scaled object; about 1 on an open surface."""
        total = np.zeros(len(points), np.float32)
        scale, middle = (SHADOW_SIZE - 4) / 2, (SHADOW_SIZE - 1) / 2
        lifted = points + 0.012 * normals
        for turn, power, depth in zip(self.lights, self.power, self.maps, strict=True):
            turn = turn.astype(np.float32)
            facing = normals @ turn[2]
            lit = np.flatnonzero(facing > 0)
            x, y, z = turn @ lifted[lit].T
            column, row = middle + scale * x, middle - scale * y
            c, r = np.floor(column).astype(np.int64), np.floor(row).astype(np.int64)
            c, r = np.clip(c, 0, SHADOW_SIZE - 2), np.clip(r, 0, SHADOW_SIZE - 2)
            u, v = column - c, row - r
            slack = 0.03 / np.maximum(facing[lit], 0.25)
            open_sky = np.zeros(len(lit), np.float32)
            for dy, dx, share in ((0, 0, (1 - u) * (1 - v)), (0, 1, u * (1 - v)), (1, 0, (1 - u) * v), (1, 1, u * v)):
                above = depth[r + dy, c + dx] - z
                open_sky += share * np.clip(2.0 - above / slack, 0, 1)
            total[lit] += power * facing[lit] * open_sky
        return total

    def render(
        self, azimuth: float, elevation: float, size: tuple[int, int] = (256, 256), background: Sequence[float] = WHITE
    ) -> RenderedObject:
        """The object from a camera at `azimuth` (anticlockwise from above, 0 = its front) and `elevation` degrees."""
        h, w = size
        ss = SUPERSAMPLING
        turn = camera_turn(azimuth, elevation)
        seen = self.points @ turn.T
        near = DISTANCE / (DISTANCE - seen[:, 2])
        # apparent size of a ball of radius 1 at this distance
        scale = FILLS * min(h, w) * ss / 2 / (DISTANCE / math.sqrt(DISTANCE**2 - 1))
        flat = np.stack(
            [(w * ss - 1) / 2 + scale * seen[:, 0] * near, (h * ss - 1) / 2 - scale * seen[:, 1] * near, 100 * near], -1
        )
        found = hits(flat[None], self.mesh.faces, (h * ss, w * ss))
        # weights were linear in the picture; dividing by the distance makes them linear on the surface
        weights = found.weights * near[self.mesh.faces[found.face]]
        weights = (weights / weights.sum(1, keepdims=True)).astype(np.float32)
        fine = np.empty((h * ss * w * ss, 3), np.float32)
        fine[:] = np.asarray(background, np.float32)
        fine[found.pixel] = self._colours(found.face, weights, turn)
        inside = np.isfinite(found.depth[0])
        picture = fine.reshape(h, ss, w, ss, 3).mean((1, 3))
        cover = inside.reshape(h, ss, w, ss).mean((1, 3))
        return RenderedObject(np.clip(np.rint(picture * 255), 0, 255).astype(np.uint8), cover >= 0.5)

    def _colours(self, face: np.ndarray, weights: np.ndarray, turn: np.ndarray) -> np.ndarray:
        """Colours (n, 3) of the points with barycentric `weights` (n, 3) on `face` (n,)."""
        mesh = self.mesh
        scaled = np.einsum("nkc,nk->nc", self.points[mesh.faces[face]], weights)
        normal = np.einsum("nkc,nk->nc", mesh.normals[face], weights)
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)
        scaled, normal = scaled.astype(np.float32), normal.astype(np.float32)
        own = scaled * mesh.radius + mesh.centre.astype(np.float32)
        finish = mesh.finish[face]
        order = np.argsort(finish, kind="stable")
        edges = np.searchsorted(finish[order], np.arange(len(mesh.finishes) + 1))
        colour = np.empty((len(face), 3), np.float32)
        for k, look in enumerate(mesh.finishes):
            rows = order[edges[k] : edges[k + 1]]
            if len(rows):
                colour[rows] = look.colours(own[rows], normal[rows])
        gloss = np.array([look.gloss for look in mesh.finishes], np.float32)[finish]

        light = self.irradiance(scaled, normal)
        eye = (np.array([0, 0, DISTANCE]) @ turn).astype(np.float32) - scaled
        eye /= np.linalg.norm(eye, axis=1, keepdims=True)
        facing = np.clip((normal * eye).sum(1), 0, 1)
        mirror = 2 * facing[:, None] * normal - eye
        # a bright sky above a grey floor, and one soft lamp
        sky = 0.25 + 0.75 * np.clip(0.5 + 2.2 * mirror[:, 1], 0, 1)
        lamp = np.clip(mirror @ _SUN.astype(np.float32), 0, 1) ** 40
        fresnel = 0.25 + 0.75 * (1 - facing) ** 4
        shine = gloss * np.clip(light, 0.25, 1) * (0.55 * fresnel * sky + 0.8 * lamp)
        shade = np.clip(light, 0, 1.15)[:, None]
        # shadows keep some colour
        lit = colour * shade ** np.array([1.04, 1.04, 0.97], np.float32)
        shaded: np.ndarray = np.clip(lit * (1 - 0.35 * gloss * fresnel)[:, None] + shine[:, None], 0, 1)
        return shaded


def camera_turn(azimuth: float, elevation: float) -> np.ndarray:
    """Rotation from the object's axes to the camera's: x right, y up, z towards the camera."""
    a, e = math.radians(azimuth % 360.0), math.radians(elevation)
    right = [math.cos(a), 0.0, -math.sin(a)]
    towards = [math.sin(a) * math.cos(e), math.sin(e), math.cos(a) * math.cos(e)]
    return np.array([right, np.cross(towards, right), towards])


def _lights() -> tuple[np.ndarray, np.ndarray]:
    """Directions of the sky's lights as camera turns (n, 3, 3), and the power of each."""
    k = np.arange(NUM_LIGHTS) + 0.5
    up = 1 - 1.45 * k / NUM_LIGHTS  # the floor reflects some light
    azimuth = np.degrees(k * np.pi * (3 - math.sqrt(5)))
    turns = np.stack([camera_turn(a, math.degrees(math.asin(u))) for a, u in zip(azimuth, up, strict=True)])
    towards = turns[:, 2]
    power = np.where(towards[:, 1] > 0, 0.75 + 0.35 * towards[:, 1], 0.85)
    power = power * (1 + 0.7 * np.clip(towards @ _SUN, 0, 1) ** 3)
    open_top = (power * np.clip(towards[:, 1], 0, None)).sum()
    return turns, (1.10 * power / open_top).astype(np.float32)
