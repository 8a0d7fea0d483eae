"""True pairs: two views of one person as a pair of pictures with ground truth, for training on true flow.

A pair is composed on demand from views rendered once (see true_views): position, size, mirroring, colours, patterns,
background and the errors of a pose estimator are sampled anew each time, so that training transfers to photographs.
"""

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from reposer.core import BadInput, Batch, Framing, Pose, Sample
from reposer.core.rng import mix
from reposer.core.skeleton import OPENPOSE_18
from reposer.core.truth import Truth
from reposer.data import PairDataset

from .body.parts import PARTS
from .dataset import SyntheticPeople
from .true_views import BYTES_A_PIXEL, BYTES_A_PIXEL_BEHIND, VIEWS, ViewFiles, render_first_view, render_views

PART_GROUPS = (0, 1, 2, 2, 3, 4, 4, 3, 3, 2, 3, 3, 2, 5, 5, 6, 5, 5, 6, 3)
"""Group of each part for recolouring: hair, skin, top, lower, legs, shoes."""


@dataclass(frozen=True)
class Views:
    """One view of B people, as rendered (see true_views): uint8 pictures, maps at half of their size."""

    person: Tensor
    parts: Tensor
    surface: Tensor
    xy: Tensor
    found: Tensor


class RowNoise:
    """Random numbers per row, on the device."""

    def __init__(self, count: int, generator: torch.Generator) -> None:
        self.count, self.generator = count, generator

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        g = self.generator
        return low + (high - low) * torch.rand(self.count, *shape, device=g.device, generator=g)

    def normal(self, scale: float, *shape: int) -> Tensor:
        g = self.generator
        return scale * torch.randn(self.count, *shape, device=g.device, generator=g)

    def chance(self, p: float, *shape: int) -> Tensor:
        return self.uniform(0, 1, *shape) < p


def _affine(rows: RowNoise, flip: Tensor, strength: float, ratio: float) -> Float[Tensor, "B 2 3"]:
    """Map from output to input coordinates, both in [-1, 1]."""
    scale = torch.exp(rows.normal(0.12 * strength) + 0.06 * strength).clamp(0.72, 1.5)
    angle = rows.normal(math.radians(3) * strength)
    c, s = angle.cos() * scale, angle.sin() * scale
    mirror = torch.where(flip, -1.0, 1.0)
    dx, dy = rows.uniform(-0.12, 0.12) * strength, rows.uniform(-0.08, 0.08) * strength
    # x is relative to the width, y to the height: a rotation mixes them by the aspect ratio
    return torch.stack([torch.stack([c * mirror, -s / ratio * mirror, dx], 1), torch.stack([s * ratio, c, dy], 1)], 1)


def _inverse(theta: Tensor) -> Tensor:
    whole = torch.cat([theta, theta.new_tensor([0, 0, 1.0]).expand(len(theta), 1, 3)], 1)
    inverse: Tensor = torch.linalg.inv(whole)[:, :2]
    return inverse


def _moved(theta: Tensor, xy: Tensor, size: tuple[int, int]) -> Tensor:
    """Points (B, N, 2) in pixels, moved by a map between coordinates in [-1, 1]."""
    half = xy.new_tensor([size[1] / 2, size[0] / 2])
    unit = (xy + 0.5) / half - 1
    unit = unit @ theta[:, :, :2].mT + theta[:, None, :, 2]
    return (unit + 1) * half - 0.5


def _mirror_table(device: torch.device) -> tuple[Tensor, Tensor]:
    """The mirrored part of each part, and the mirrored joint of each joint."""

    def other(name: str) -> str:
        if name.startswith("right_"):
            return "left_" + name.removeprefix("right_")
        return "right_" + name.removeprefix("left_") if name.startswith("left_") else name

    parts = torch.tensor([PARTS.index(other(name)) for name in PARTS], device=device)
    joints = OPENPOSE_18.joints
    return parts, torch.tensor([joints.index(other(name)) for name in joints], device=device)


def _waves(rows: RowNoise, surface: Tensor) -> Tensor:
    """A pattern fixed to the body's surface, with values around 1, (B, 3, h, w)."""
    direction = F.normalize(rows.normal(1.0, 3, 3), dim=2)
    speed = torch.exp(rows.uniform(math.log(25), math.log(160), 3))
    phase = rows.uniform(0, 6.28, 3)
    angle = torch.einsum("bnc,bchw->bnhw", direction, surface) * speed[..., None, None] + phase[..., None, None]
    wave = angle.sin() * rows.chance(0.6, 3)[..., None, None]
    colours = rows.normal(0.22, 3, 3)
    return 1 + torch.einsum("bnhw,bnk->bkhw", torch.tanh(2 * wave), colours)


def _look(rows: RowNoise, persons: list[Tensor], parts: list[Tensor], surfaces: list[Tensor]) -> list[Tensor]:
    """The same change of colours and patterns for all views of a person; persons are RGB times coverage, in [0, 1]."""
    b, device = rows.count, persons[0].device
    groups = torch.tensor(PART_GROUPS, device=device)
    identity = torch.eye(3, device=device)
    mixing = identity + rows.normal(0.15, 7, 3, 3) * rows.chance(0.6, 7)[..., None, None]
    mixing = mixing * torch.exp(rows.normal(0.25, 7))[..., None, None]
    patterned = rows.chance(0.35)[:, None, None, None]
    seed = rows.generator.get_state()
    out = []
    for person, part, surface in zip(persons, parts, surfaces, strict=True):
        rows.generator.set_state(seed)  # the same waves in every view
        matrix = mixing[torch.arange(b, device=device)[:, None, None], groups[part]]  # (B, h, w, 3, 3)
        matrix = matrix.flatten(3).permute(0, 3, 1, 2)
        wave = torch.where(patterned, _waves(rows, surface), 1.0)
        size = person.shape[-2:]
        matrix = F.interpolate(matrix, size, mode="nearest").unflatten(1, (3, 3))
        wave = F.interpolate(wave, size, mode="bilinear", align_corners=False)
        colour = torch.einsum("bkchw,bchw->bkhw", matrix, person[:, :3]) * wave
        out.append(torch.cat([torch.minimum(colour.clamp(min=0), person[:, 3:]), person[:, 3:]], 1))
    return out


def _background(rows: RowNoise, bank: Tensor, size: tuple[int, int]) -> Float[Tensor, "B 3 H W"]:
    """Backdrops zoomed, mixed and textured, in [0, 1]."""
    g, b = rows.generator, rows.count

    def crop() -> Tensor:
        chosen = torch.randint(len(bank), (b,), device=g.device, generator=g)
        zoom = rows.uniform(0.25, 1.0)
        shift = rows.uniform(-1, 1, 2) * (1 - zoom)[:, None]
        theta = torch.zeros(b, 2, 3, device=g.device)
        theta[:, 0, 0] = zoom * torch.where(rows.chance(0.5), -1.0, 1.0)
        theta[:, 1, 1], theta[:, :, 2] = zoom, shift
        picture = bank[chosen].permute(0, 3, 1, 2).float() / 255
        return F.grid_sample(picture, F.affine_grid(theta, [b, 3, *size], align_corners=False), align_corners=False)

    scene = crop()
    texture = sum(
        F.interpolate(
            rows.normal(1.0, 3, max(2, size[0] >> k), max(2, size[1] >> k)), size, mode="bilinear", align_corners=False
        )
        * rows.uniform(0, 1)[:, None, None, None]
        for k in (1, 2, 3, 4, 6)
    )
    scene = scene * (1 + 0.12 * texture * rows.chance(0.4)[:, None, None, None])
    # blocks of another picture, as furniture and passers-by
    blocks = F.interpolate(rows.normal(1.0, 1, 6, 5), size, mode="nearest") > 0.8
    scene = torch.where(
        blocks & rows.chance(0.35)[:, None, None, None], crop() * torch.exp(rows.normal(0.4, 3))[..., None, None], scene
    )
    gain = torch.exp(rows.normal(0.08, 3) + rows.normal(0.2, 1))
    return (scene * gain[..., None, None]).clamp(0, 1)


def compose(
    source: Views,
    target: Views,
    flow: Tensor,
    visible: Tensor,
    bank: UInt8[Tensor, "N H W 3"],
    other: UInt8[Tensor, "B H W 4"],
    generator: torch.Generator,
    *,
    hard: bool = True,
    names: tuple[str, ...] = (),
) -> Batch:
    """Compose the pairs given to a network, with ground truth.

    flow, visible: from `source` to `target`, as rendered. bank: backdrops to sample from; a plain pair b has bank[b].
    other: another person for each pair, who may be placed in the background.
    hard: simulate photographs and pose estimators (position, size, colours, patterns, backgrounds, noise, inaccurate
    and missing joints); else as rendered.
    """
    b, h, w, _ = source.person.shape
    size, half = (h, w), (h // 2, w // 2)
    device = source.person.device
    rows = RowNoise(b, generator)
    ratio = h / w
    flip = rows.chance(0.5) if hard else torch.zeros(b, dtype=torch.bool, device=device)
    strength = 1.0 if hard else 0.0
    theta_s = _affine(rows, flip, strength, ratio)
    theta_t = _affine(rows, flip, strength, ratio)
    same = rows.chance(0.3)[:, None, None]
    theta_t = torch.where(same, theta_s, theta_t)
    mirror_parts, mirror_joints = _mirror_table(device)

    def viewed(views: Views, theta: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        fine = F.affine_grid(theta, [b, 1, *size], align_corners=False)
        coarse = F.affine_grid(theta, [b, 1, *half], align_corners=False)
        person = F.grid_sample(views.person.permute(0, 3, 1, 2).float() / 255, fine, align_corners=False)
        maps = torch.cat([views.parts[:, None].float(), views.surface.float()], 1)
        maps = F.grid_sample(maps, coarse, mode="nearest", align_corners=False)
        parts, surface = maps[:, 0].round().long(), maps[:, 1:]
        parts = torch.where(flip[:, None, None], mirror_parts[parts], parts)
        surface = torch.where(
            flip[:, None, None, None], surface * surface.new_tensor([-1, 1, 1]).view(3, 1, 1), surface
        )
        xy = _moved(_inverse(theta), views.xy, size)
        xy = torch.where(flip[:, None, None], xy[:, mirror_joints], xy)
        found = torch.where(flip[:, None], views.found[:, mirror_joints], views.found)
        inside = ((xy > -0.5) & (xy < xy.new_tensor([w - 0.5, h - 0.5]))).all(-1)
        return person, parts, surface, xy, found & inside

    person_s, parts_s, surface_s, xy_s, found_s = viewed(source, theta_s)
    person_t, parts_t, surface_t, xy_t, found_t = viewed(target, theta_t)

    # position in the source of the point shown by each pixel of the target
    coarse = F.affine_grid(theta_t, [b, 1, *half], align_corners=False)
    maps = torch.cat([flow.float(), visible[:, None].float()], 1)
    maps = F.grid_sample(maps, coarse, mode="nearest", align_corners=False)
    here = (coarse.flatten(1, 2) + 1) * xy_s.new_tensor([w / 2, h / 2]) - 0.5
    place = _moved(_inverse(theta_s), here + maps[:, :2].flatten(2).mT, size)
    inside = ((place > -0.5) & (place < place.new_tensor([w - 0.5, h - 0.5]))).all(-1).view(b, *half)
    place = place.mT.reshape(b, 2, *half)
    shown = (maps[:, 2] > 0.5) & inside & (parts_t > 0)

    background = _background(rows, bank, size) if hard else bank[: len(flow)].permute(0, 3, 1, 2).float() / 255
    if hard:
        person_s, person_t = _look(rows, [person_s, person_t], [parts_s, parts_t], [surface_s, surface_t])
        # another person in the picture
        passer_by = other.permute(0, 3, 1, 2).float() / 255
        theta = _affine(RowNoise(b, generator), flip, 3.0, ratio)
        theta[:, 0, 2] += torch.where(rows.chance(0.5), 0.9, -0.9)
        passer_by = F.grid_sample(
            passer_by, F.affine_grid(theta, [b, 1, *size], align_corners=False), align_corners=False
        )
        passer_by = passer_by * rows.chance(0.15)[:, None, None, None]
        background = background * (1 - passer_by[:, 3:]) + passer_by[:, :3]
        xy_s, found_s, xy_t, found_t = _detections(rows, xy_s, found_s, xy_t, found_t, size)

    def picture(person: Tensor) -> Tensor:
        return background * (1 - person[:, 3:]) + person[:, :3]

    source_picture, target_picture = picture(person_s), picture(person_t)
    if hard:
        tone = torch.exp(rows.normal(0.06, 3) + rows.normal(0.15, 1))[..., None, None]
        gamma = torch.exp(rows.normal(0.15))[:, None, None, None]
        source_picture, target_picture, background = (
            (p.clamp(1e-4, 1) ** gamma * tone).clamp(0, 1) for p in (source_picture, target_picture, background)
        )
        source_picture = _camera(rows, source_picture)
    truth = Truth(
        place=place,
        visible=shown,
        source_parts=parts_s,
        target_parts=parts_t,
        source_surface=surface_s,
        target_surface=surface_t,
        target_coverage=person_t[:, 3:],
        background=background * 2 - 1,
    )
    return Batch(
        source_picture * 2 - 1,
        target_picture * 2 - 1,
        Pose(xy_s, found_s, size),
        Pose(xy_t, found_t, size),
        names or ("",) * b,
        truth=truth,
    )


def _camera(rows: RowNoise, picture: Tensor) -> Tensor:
    """Simulate camera and file: blur, lost resolution, noise."""
    size = picture.shape[-2:]
    soft = F.avg_pool2d(F.pad(picture, (1, 1, 1, 1), mode="replicate"), 3, 1)
    picture = torch.lerp(picture, soft, (rows.uniform(0, 1) * rows.chance(0.3))[:, None, None, None])
    small = F.interpolate(F.avg_pool2d(picture, 2), size, mode="bilinear", align_corners=False)
    picture = torch.where(rows.chance(0.1)[:, None, None, None], small, picture)
    noise = rows.normal(1.0, *picture.shape[1:]) * (rows.uniform(0, 0.04) * rows.chance(0.5))[:, None, None, None]
    return (picture + noise).clamp(0, 1)


def _detections(
    rows: RowNoise, xy_s: Tensor, found_s: Tensor, xy_t: Tensor, found_t: Tensor, size: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Simulate a pose estimator: an offset of its joint convention (shared by both poses), noise, misses."""
    index = {name: i for i, name in enumerate(OPENPOSE_18.joints)}
    k = len(index)
    lengthwise, sideways = rows.normal(0.012, k), rows.normal(0.010, k)
    for name in ("hip", "shoulder"):  # both sides alike: up and down, in and out
        right, left = index[f"right_{name}"], index[f"left_{name}"]
        along, out = rows.normal(0.045), rows.normal(0.09)
        lengthwise[:, right] = lengthwise[:, left] = along
        sideways[:, right], sideways[:, left] = out, out
    lengthwise[:, index["neck"]] = rows.normal(0.05)
    missing = rows.chance(0.02, k)
    moved_poses: list[Tensor] = []
    for xy, found in ((xy_s, found_s), (xy_t, found_t)):
        shoulders = xy[:, [index["right_shoulder"], index["left_shoulder"]]]
        hips = xy[:, [index["right_hip"], index["left_hip"]]]
        spine = hips.mean(1) - shoulders.mean(1)
        long = spine.norm(dim=1, keepdim=True).clamp(min=8)
        down = F.normalize(spine, dim=1)
        own = torch.zeros_like(xy)
        for pair in ("hip", "shoulder"):
            right, left = index[f"right_{pair}"], index[f"left_{pair}"]
            apart = (xy[:, left] - xy[:, right]) * 0.5
            own[:, right] -= sideways[:, right, None] * apart
            own[:, left] += sideways[:, left, None] * apart
        own = own + lengthwise[..., None] * (down * long)[:, None]
        noise = rows.normal(0.016, k, 2) * long[..., None]
        noise = torch.where(rows.chance(0.03, k)[..., None], 5 * noise, noise)
        noise = noise * rows.uniform(0, 1.5)[:, None, None]
        moved = xy + own + noise
        inside = ((moved > -0.5) & (moved < moved.new_tensor([size[1] - 0.5, size[0] - 0.5]))).all(-1)
        moved_poses += [moved, found & inside & ~missing & ~rows.chance(0.02, k)]
    xy_s, found_s, xy_t, found_t = moved_poses
    return xy_s, found_s, xy_t, found_t


# ------------------------------------------------------------------------------------------- the data set

KEPT = 200_000_000
"""Bytes of views that are cached when rendered on the fly: of 350 people at 128x96, of 88 at 256x192."""
KEPT_BEHIND = 50_000_000
"""Bytes of cached people who were only in the background so far, who need one view: 580 at 128x96."""
_PASSER_BY = 7  # address of a random stream


class TruePairs(PairDataset):
    """Pairs of synthetic people with ground truth, from a folder of `write_views` or rendered on the fly.

    `self[i]` is plain and deterministic; `sample(i, seed)` is a function of (i, seed): hard, or without `photographs`
    plain as well.

    pairs_each: of a person, all ordered pairs of views. Of those that resemble photographs some are of a view with
    itself, which differ by what is composed; as rendered they would be a picture and itself.
    """

    def __init__(
        self,
        size: tuple[int, int],
        split: str = "train",
        num_people: int = 1000,
        seed: int = 0,
        root: Path | None = None,
        framing: Framing | None = None,
        *,
        photographs: bool = True,
    ) -> None:
        self.photographs = photographs
        self.pairs_each = VIEWS * VIEWS if photographs else VIEWS * (VIEWS - 1)
        self.people = SyntheticPeople(size, split, seed=seed)
        self.files = None if root is None else ViewFiles(root, size, split, seed)
        self.num_people = num_people if self.files is None else min(num_people, len(self.files))
        if framing is not None and framing.size != size:
            raise BadInput(f"True pairs are rendered at the generator's size {framing.size}, not {size}.")
        self.size, self.framing, self.picture_size = size, framing, size
        self._kept, self._behind = _Recent(KEPT), _Recent(KEPT_BEHIND)

    def __len__(self) -> int:
        return self.num_people * self.pairs_each

    def __getitem__(self, i: int) -> Sample:
        if not -len(self) <= i < len(self):
            raise IndexError(f"pair {i} of {len(self)}")
        return self._composed(i % len(self), 0, hard=False)

    def sample(self, i: int, seed: int) -> Sample:
        return self._composed(i, seed, hard=self.photographs)

    def identity(self, i: int) -> str:
        return self.people.identity(i // self.pairs_each)

    def picture_names(self, i: int) -> tuple[str, str]:
        person, source, target = self._address(i)
        return f"{self.people.identity(person)}_{source}", f"{self.people.identity(person)}_{target}"

    def _address(self, i: int) -> tuple[int, int, int]:
        """(person, source view, target view)."""
        person, pair = divmod(i, self.pairs_each)
        if self.photographs:
            return person, *divmod(pair, VIEWS)
        source, further = divmod(pair, VIEWS - 1)
        return person, source, (source + 1 + further) % VIEWS

    def _composed(self, i: int, seed: int, *, hard: bool) -> Sample:
        person, a, b = self._address(i)
        passer_by = mix(seed, _PASSER_BY, i) % self.num_people
        own = self._views(person)
        others = self._first_view(passer_by) if hard else own

        def view(v: int) -> Views:
            return Views(*(own[name][v][None] for name in ("person", "parts", "surface", "xy", "found")))

        generator = torch.Generator().manual_seed(mix(seed, i))
        bank = torch.stack([own["backdrop"], others["backdrop"]])
        flow, visible = own["flow"][a, b][None], own["visible"][a, b][None]
        name = "_".join(self.picture_names(i))
        pair = compose(view(a), view(b), flow, visible, bank, others["person"][:1], generator, hard=hard, names=(name,))
        assert pair.truth is not None
        return Sample(
            pair.source[0], pair.target[0], pair.source_pose[0], pair.target_pose[0], name=name, truth=pair.truth[0]
        )  # fmt: skip

    @property
    def bytes_to_keep(self) -> int:
        """Of memory that rendered people take up in the end, in each process that loads pairs."""
        if self.files is not None:
            return 0
        pixels = self.size[0] * self.size[1]
        whole, behind = BYTES_A_PIXEL * pixels, BYTES_A_PIXEL_BEHIND * pixels
        return min(KEPT, self.num_people * whole) + self.photographs * min(KEPT_BEHIND, self.num_people * behind)

    def _views(self, person: int) -> dict[str, Tensor]:
        if self.files is not None:
            return self.files.person(person)
        number = self.people.identity_number(person)
        return self._kept.get(person, lambda: render_views(self.people, number))

    def _first_view(self, person: int) -> dict[str, Tensor]:
        """What a pair needs of the person in its background, as `_views` has it."""
        if self.files is not None or person in self._kept:
            return self._views(person)
        number = self.people.identity_number(person)
        return self._behind.get(person, lambda: render_first_view(self.people, number))


class _Recent:
    """Rendered people by number, as long as they fit; those that were not asked for the longest go first."""

    def __init__(self, most: int) -> None:
        self.most, self._bytes = most, 0
        self._people: OrderedDict[int, dict[str, Tensor]] = OrderedDict()

    def __contains__(self, person: int) -> bool:
        return person in self._people

    def get(self, person: int, render: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
        if person in self._people:
            self._people.move_to_end(person)
            return self._people[person]
        views = self._people[person] = render()
        self._bytes += _bytes(views)
        while self._bytes > self.most and len(self._people) > 1:
            self._bytes -= _bytes(self._people.popitem(last=False)[1])
        return views

    def __getstate__(self) -> dict[str, Any]:
        """A process that loads pairs begins with none."""
        return {"most": self.most, "_bytes": 0, "_people": OrderedDict()}


def _bytes(views: dict[str, Tensor]) -> int:
    return sum(t.nbytes for t in views.values())
