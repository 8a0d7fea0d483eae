"""From tracks of poses to the network's numbers and back: gaps bridged, edges repeated, coordinates normalised."""

from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from reposer.core import BadInput, Pose
from reposer.core.skeleton import COCO_17, H36M_17
from reposer.core.tracks import body_size

PlacedBy = Literal["picture", "person"]


def bridged(track: Pose) -> Pose:
    """The track with every joint in every frame: interpolated linearly between frames that show it, constant before and
    after.

    A joint that no frame shows takes the place of its partner on the other side, or else the middle of all others.
    Scores are dropped.
    """
    visible = track.visible
    if visible.all():
        return replace(track, score=None)
    if not visible.any():
        raise BadInput(f"No frame of this track of {len(track)} shows any joint; there is nothing to clean.")
    frames = len(track)
    frame = torch.arange(frames, device=visible.device)[:, None]
    before = torch.where(visible, frame, -1).cummax(0).values
    after = torch.where(visible, frame, frames).flip(0).cummin(0).values.flip(0)
    start = torch.where(before < 0, after, before).clamp(max=frames - 1)
    end = torch.where(after == frames, before, after).clamp(min=0)
    share = (frame - start) / (end - start).clamp(min=1)
    places = [track.xy.gather(0, at[..., None].expand_as(track.xy)) for at in (start, end)]
    xy = torch.lerp(places[0], places[1], share.clamp(0, 1)[..., None].to(track.xy))

    ever = visible.any(0)
    middle = xy[:, ever].mean(1)
    for k, other in enumerate(track.skeleton.mirror):
        if not ever[k]:
            xy[:, k] = xy[:, other] if ever[other] else middle
    return replace(track, xy=xy, visible=torch.ones_like(visible), score=None)


def knowable(track: Pose) -> Bool[Tensor, "17"]:
    """Which joints of H36M_17 a COCO_17 track gives: those that it shows in some frame.

    A joint that COCO lacks needs all the joints between which it lies; the top of the head needs the neck.
    """
    ever = Pose(track.xy[0], track.visible.any(0), track.size, track.skeleton).convert(H36M_17).visible
    ever[H36M_17.index("head_top")] = ever[H36M_17.index("neck")]
    return ever


def window(values: Float[Tensor, "T *B"], start: int, frames: int) -> Float[Tensor, "length *B"]:
    """`length` frames from `start` on; beyond the ends the first and the last frame are repeated."""
    at = torch.arange(start, start + frames, device=values.device).clamp(0, len(values) - 1)
    return values[at]


@dataclass(frozen=True)
class Placement:
    """number = (pixel - centre) * scale, for each of B windows."""

    centre: Float[Tensor, "B 2"]
    scale: Float[Tensor, "B"]

    def numbers(self, xy: Float[Tensor, "B T 17 2"]) -> Float[Tensor, "B 34 T"]:
        """All y's, then all x's."""
        placed = (xy - self.centre[:, None, None]) * self.scale[:, None, None, None]
        return torch.cat([placed[..., 1], placed[..., 0]], -1).transpose(1, 2)

    def pixels(self, numbers: Float[Tensor, "B 34 T"]) -> Float[Tensor, "B T 17 2"]:
        """The inverse."""
        y, x = numbers.transpose(1, 2).chunk(2, -1)
        return torch.stack([x, y], -1) / self.scale[:, None, None, None] + self.centre[:, None, None]


def placement(
    xy: Float[Tensor, "B T 17 2"], ever: Bool[Tensor, "17"], size: tuple[int, int], placed_by: PlacedBy
) -> Placement:
    """How bridged COCO_17 tracks become numbers.

    By the picture: x and y, counted from the corner, / width * 2 - 1, as published. By the person: relative to the
    median of the joints, in body sizes (medians over the window). ever: the joints that are known in any frame.
    """
    rows = len(xy)
    if placed_by == "picture":
        width = size[1]
        middle = width / 2 - 0.5  # (pixel + 0.5) / width * 2 - 1
        return Placement(xy.new_full((rows, 2), middle), xy.new_full((rows,), 2 / width))
    centre = xy[:, :, ever].flatten(1, 2).median(1).values
    bodies = body_size(Pose(xy, ever.expand(xy.shape[:-1]), size, COCO_17)).median(1).values
    return Placement(centre, 1 / bodies.clamp(min=1.0))  # a single joint has no size
