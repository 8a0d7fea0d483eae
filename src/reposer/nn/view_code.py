"""Encodes a camera's direction: as one of eighteen classes, as published, or as a code that is smooth in the angles."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from reposer.core import BadInput, View
from reposer.core.view import AZIMUTH_STEP, AZIMUTHS, ELEVATIONS

from .call import call
from .layout import without_autocast

ONE_HOT = len(AZIMUTHS) + len(ELEVATIONS)
TOLERANCE = 1e-3  # degrees: tolerates the rounding of an angle to float32

TURNS = (1, 2, 3)  # waves per turn: with views 40 degrees apart, more waves would not be determined
FEATURES = 4 * len(TURNS) + 2


def one_hot_view(view: View) -> Float[Tensor, "B V"]:
    """18 azimuths, then 3 elevations: 1 at the view's own, 0 elsewhere. Other angles are refused, not rounded."""
    if wrong := unknown_angle(view, one_hot=True):
        raise BadInput(f"A one-hot code cannot say {wrong}. Give another angle, or a network with the smooth code.")
    azimuth = (view.azimuth / AZIMUTH_STEP).round().long() % len(AZIMUTHS)
    known = torch.tensor(ELEVATIONS, device=azimuth.device, dtype=view.elevation.dtype)
    elevation = (view.elevation[:, None] - known).abs().argmin(1)
    parts = nn.functional.one_hot(azimuth, len(AZIMUTHS)), nn.functional.one_hot(elevation, len(ELEVATIONS))
    return torch.cat(parts, 1).to(view.azimuth.dtype)


def view_features(source: View, target: View) -> Float[Tensor, "B n"]:
    """Sines and cosines of a few multiples of the target's azimuth and of the turn, then both elevations, 1 at 20
    degrees."""
    angles = torch.stack([target.azimuth, target.azimuth - source.azimuth], 1).deg2rad()
    waves = angles[..., None] * angles.new_tensor(TURNS)
    elevations = torch.stack([source.elevation, target.elevation], 1) / ELEVATIONS[-1]
    return torch.cat([waves.sin().flatten(1), waves.cos().flatten(1), elevations], 1)


class ViewCode(nn.Module):
    """A small network from the features of two views to a code: near views have near codes."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(FEATURES, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())

    def forward(self, source: View, target: View) -> Float[Tensor, "B D"]:
        """In the dtype of the weights; also under autocast: eight bits are too few for an angle."""
        weight = self.layers[0].weight
        assert isinstance(weight, Tensor)
        with without_autocast(weight):
            return call(self.layers, view_features(source, target).to(weight))


class CodeMap(nn.Module):
    """Turns a code into a map that differs from place to place, so that a norm over places does not erase it."""

    def __init__(self, width: int, channels: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.shape = (channels, *size)
        self.places = nn.Linear(width, math.prod(self.shape))

    def forward(self, code: Float[Tensor, "B D"]) -> Float[Tensor, "B C h w"]:
        with without_autocast(code):
            places: Tensor = self.places(code).unflatten(1, self.shape)
        return places


def unknown_angle(view: View, *, one_hot: bool) -> str | None:
    """What is wrong with the angles of a batch of views, or None.

    A smooth code accepts any azimuth, and every elevation up to the highest of training; one-hot codes accept the
    published angles only.
    """
    azimuths, elevations = view.azimuth.double(), view.elevation.double()
    if azimuths.is_meta:  # a count of memory: without numbers none is wrong
        return None
    if not (azimuths.isfinite().all() and elevations.isfinite().all()):
        return "an angle that is not a finite number"
    low, high = ELEVATIONS[0] - TOLERANCE, ELEVATIONS[-1] + TOLERANCE
    outside = (elevations < low) | (elevations > high)
    if outside.any():
        trained = f"from {ELEVATIONS[0]} to {ELEVATIONS[-1]}"
        return f"an elevation of {elevations[outside][0]:g} degrees; it was trained {trained}"
    if not one_hot:
        return None
    between = ((azimuths / AZIMUTH_STEP).round() * AZIMUTH_STEP - azimuths).abs() > TOLERANCE
    if between.any():
        return f"an azimuth of {azimuths[between][0]:g} degrees; it knows the multiples of {AZIMUTH_STEP} alone"
    nearest = (elevations[:, None] - elevations.new_tensor(ELEVATIONS)).abs().amin(1)
    if (nearest > TOLERANCE).any():
        known = ", ".join(map(str, ELEVATIONS))
        return f"an elevation of {elevations[nearest > TOLERANCE][0]:g} degrees; it knows {known} alone"
    return None
