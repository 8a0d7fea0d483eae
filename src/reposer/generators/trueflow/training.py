"""How TrueFlow learns: pairs composed on the device from rendered views, and its losses."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from reposer.core import Pose
from reposer.core.skeleton import OPENPOSE_18

from .model import Match, Repose, sample

# ------------------------------------------------------------------------------------------- pairs

PART_GROUPS = (0, 1, 2, 2, 3, 4, 4, 3, 3, 2, 3, 3, 2, 5, 5, 6, 5, 5, 6, 3)
"""What is recoloured as one: hair, skin, top, lower, legs, shoes, by part."""


@dataclass(frozen=True)
class Views:
    """One view of B people, as rendered (see true_views): uint8 pictures, maps at half of their size."""

    person: Tensor
    parts: Tensor
    surface: Tensor
    xy: Tensor
    found: Tensor


@dataclass(frozen=True)
class Truth:
    """A pair of pictures of one person before one background, with all that is true of it.

    coverage: of the person, source and target. parts: of each, at 1/2. place: (x, y) in the source at full size of what each
    pixel at 1/2 of the target shows; visible: whether the source shows it. surface: places on the body at rest.
    """

    source: Float[Tensor, "B 3 H W"]
    target: Float[Tensor, "B 3 H W"]
    source_pose: Pose
    target_pose: Pose
    background: Float[Tensor, "B 3 H W"]
    source_coverage: Float[Tensor, "B 1 H W"]
    target_coverage: Float[Tensor, "B 1 H W"]
    source_parts: Int64[Tensor, "B h w"]
    target_parts: Int64[Tensor, "B h w"]
    source_surface: Float[Tensor, "B 3 h w"]
    target_surface: Float[Tensor, "B 3 h w"]
    place: Float[Tensor, "B 2 h w"]
    visible: Bool[Tensor, "B h w"]


class Dice:
    """Random numbers per row, on the device."""

    def __init__(self, rows: int, generator: torch.Generator) -> None:
        self.rows, self.generator = rows, generator

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        g = self.generator
        return low + (high - low) * torch.rand(self.rows, *shape, device=g.device, generator=g)

    def normal(self, scale: float, *shape: int) -> Tensor:
        g = self.generator
        return scale * torch.randn(self.rows, *shape, device=g.device, generator=g)

    def chance(self, p: float, *shape: int) -> Tensor:
        return self.uniform(0, 1, *shape) < p


def _affine(dice: Dice, flip: Tensor, strength: float, ratio: float) -> Float[Tensor, "B 2 3"]:
    """From places in the output to places in the input, both in [-1, 1]."""
    scale = torch.exp(dice.normal(0.12 * strength) + 0.06 * strength).clamp(0.72, 1.5)
    angle = dice.normal(math.radians(3) * strength)
    c, s = angle.cos() * scale, angle.sin() * scale
    mirror = torch.where(flip, -1.0, 1.0)
    dx, dy = dice.uniform(-0.12, 0.12) * strength, dice.uniform(-0.08, 0.08) * strength
    # x is in shares of the width, y of the height: a rotation mixes them by the ratio of both
    return torch.stack(
        [torch.stack([c * mirror, -s / ratio * mirror, dx], 1), torch.stack([s * ratio, c, dy], 1)], 1
    )


def _inverse(theta: Tensor) -> Tensor:
    whole = torch.cat([theta, theta.new_tensor([0, 0, 1.0]).expand(len(theta), 1, 3)], 1)
    return torch.linalg.inv(whole)[:, :2]


def _moved(theta: Tensor, xy: Tensor, size: tuple[int, int]) -> Tensor:
    """Places (B, N, 2) in pixels, moved by a map between [-1, 1]."""
    half = xy.new_tensor([size[1] / 2, size[0] / 2])
    unit = (xy + 0.5) / half - 1
    unit = unit @ theta[:, :, :2].mT + theta[:, None, :, 2]
    return (unit + 1) * half - 0.5


def _mirror_table(device: torch.device) -> tuple[Tensor, Tensor]:
    from reposer.data.synthetic.parts import PARTS

    def other(name: str) -> str:
        if name.startswith("right_"):
            return "left_" + name.removeprefix("right_")
        return "right_" + name.removeprefix("left_") if name.startswith("left_") else name

    parts = torch.tensor([PARTS.index(other(name)) for name in PARTS], device=device)
    joints = OPENPOSE_18.joints
    return parts, torch.tensor([joints.index(other(name)) for name in joints], device=device)


def _waves(dice: Dice, surface: Tensor) -> Tensor:
    """A pattern fixed to the body's surface, about 1, (B, 3, h, w)."""
    direction = F.normalize(dice.normal(1.0, 3, 3), dim=2)
    speed = torch.exp(dice.uniform(math.log(25), math.log(160), 3))
    phase = dice.uniform(0, 6.28, 3)
    angle = torch.einsum("bnc,bchw->bnhw", direction, surface) * speed[..., None, None] + phase[..., None, None]
    wave = angle.sin() * dice.chance(0.6, 3)[..., None, None]
    colours = dice.normal(0.22, 3, 3)
    return 1 + torch.einsum("bnhw,bnk->bkhw", torch.tanh(2 * wave), colours)


def _look(dice: Dice, persons: list[Tensor], parts: list[Tensor], surfaces: list[Tensor]) -> list[Tensor]:
    """The same change of colours and patterns for all views of a person; persons are RGB times coverage, in [0, 1]."""
    b, device = dice.rows, persons[0].device
    groups = torch.tensor(PART_GROUPS, device=device)
    identity = torch.eye(3, device=device)
    mixing = identity + dice.normal(0.15, 7, 3, 3) * dice.chance(0.6, 7)[..., None, None]
    mixing = mixing * torch.exp(dice.normal(0.25, 7))[..., None, None]
    patterned = dice.chance(0.35)[:, None, None, None]
    seed = dice.generator.get_state()
    out = []
    for person, part, surface in zip(persons, parts, surfaces, strict=True):
        dice.generator.set_state(seed)  # the same waves in every view
        matrix = mixing[torch.arange(b, device=device)[:, None, None], groups[part]]  # (B, h, w, 3, 3)
        matrix = matrix.flatten(3).permute(0, 3, 1, 2)
        wave = torch.where(patterned, _waves(dice, surface), 1.0)
        size = person.shape[-2:]
        matrix = F.interpolate(matrix, size, mode="nearest").unflatten(1, (3, 3))
        wave = F.interpolate(wave, size, mode="bilinear", align_corners=False)
        colour = torch.einsum("bkchw,bchw->bkhw", matrix, person[:, :3]) * wave
        out.append(torch.cat([torch.minimum(colour.clamp(min=0), person[:, 3:]), person[:, 3:]], 1))
    return out


def _background(dice: Dice, bank: Tensor, size: tuple[int, int]) -> Float[Tensor, "B 3 H W"]:
    """Backdrops zoomed, mixed and textured, in [0, 1]."""
    g, b = dice.generator, dice.rows

    def crop() -> Tensor:
        rows = torch.randint(len(bank), (b,), device=g.device, generator=g)
        zoom = dice.uniform(0.25, 1.0)
        shift = dice.uniform(-1, 1, 2) * (1 - zoom)[:, None]
        theta = torch.zeros(b, 2, 3, device=g.device)
        theta[:, 0, 0] = zoom * torch.where(dice.chance(0.5), -1.0, 1.0)
        theta[:, 1, 1], theta[:, :, 2] = zoom, shift
        picture = bank[rows].permute(0, 3, 1, 2).float() / 255
        return F.grid_sample(picture, F.affine_grid(theta, [b, 3, *size], align_corners=False), align_corners=False)

    scene = crop()
    noise = sum(
        F.interpolate(
            dice.normal(1.0, 3, max(2, size[0] >> k), max(2, size[1] >> k)), size, mode="bilinear", align_corners=False
        )
        * dice.uniform(0, 1)[:, None, None, None]
        for k in (1, 2, 3, 4, 6)
    )
    scene = scene * (1 + 0.12 * noise * dice.chance(0.4)[:, None, None, None])
    # blocks of another picture, as furniture and passers-by
    blocks = F.interpolate(dice.normal(1.0, 1, 6, 5), size, mode="nearest") > 0.8
    scene = torch.where(blocks & dice.chance(0.35)[:, None, None, None], crop() * torch.exp(dice.normal(0.4, 3))[..., None, None], scene)
    gain = torch.exp(dice.normal(0.08, 3) + dice.normal(0.2, 1))
    return (scene * gain[..., None, None]).clamp(0, 1)




def compose(
    source: Views,
    target: Views,
    flow: Tensor,
    visible: Tensor,
    bank: Tensor,
    generator: torch.Generator,
    *,
    hard: bool = True,
) -> Truth:
    """A pair as the network sees it. hard: with everything that photographs and pose estimators do; else plain, centred."""
    b, h, w, _ = source.person.shape
    size, half = (h, w), (h // 2, w // 2)
    device = source.person.device
    dice = Dice(b, generator)
    ratio = h / w
    flip = dice.chance(0.5) if hard else torch.zeros(b, dtype=torch.bool, device=device)
    strength = 1.0 if hard else 0.0
    theta_s = _affine(dice, flip, strength, ratio)
    theta_t = _affine(dice, flip, strength, ratio)
    same = dice.chance(0.3)[:, None, None]
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
        surface = torch.where(flip[:, None, None, None], surface * surface.new_tensor([-1, 1, 1]).view(3, 1, 1), surface)
        xy = _moved(_inverse(theta), views.xy, size)
        xy = torch.where(flip[:, None, None], xy[:, mirror_joints], xy)
        found = torch.where(flip[:, None], views.found[:, mirror_joints], views.found)
        inside = ((xy > -0.5) & (xy < xy.new_tensor([w - 0.5, h - 0.5]))).all(-1)
        return person, parts, surface, xy, found & inside

    person_s, parts_s, surface_s, xy_s, found_s = viewed(source, theta_s)
    person_t, parts_t, surface_t, xy_t, found_t = viewed(target, theta_t)

    # where the source shows what each pixel of the target shows
    coarse = F.affine_grid(theta_t, [b, 1, *half], align_corners=False)
    maps = torch.cat([flow.float(), visible[:, None].float()], 1)
    maps = F.grid_sample(maps, coarse, mode="nearest", align_corners=False)
    here = (coarse.flatten(1, 2) + 1) * xy_s.new_tensor([w / 2, h / 2]) - 0.5
    place = _moved(_inverse(theta_s), here + maps[:, :2].flatten(2).mT, size)
    inside = ((place > -0.5) & (place < place.new_tensor([w - 0.5, h - 0.5]))).all(-1).view(b, *half)
    place = place.mT.reshape(b, 2, *half)
    shown = (maps[:, 2] > 0.5) & inside & (parts_t > 0)

    background = _background(dice, bank, size) if hard else bank[: len(flow)].permute(0, 3, 1, 2).float() / 255
    if hard:
        person_s, person_t = _look(dice, [person_s, person_t], [parts_s, parts_t], [surface_s, surface_t])
        # somebody else in the picture
        other = person_t.roll(1, 0)
        theta = _affine(Dice(b, generator), flip, 3.0, ratio)
        theta[:, 0, 2] += torch.where(dice.chance(0.5), 0.9, -0.9)
        other = F.grid_sample(other, F.affine_grid(theta, [b, 1, *size], align_corners=False), align_corners=False)
        other = other * dice.chance(0.15)[:, None, None, None]
        background = background * (1 - other[:, 3:]) + other[:, :3]
        xy_s, found_s, xy_t, found_t = _detections(dice, xy_s, found_s, xy_t, found_t, size)

    def picture(person: Tensor) -> Tensor:
        return background * (1 - person[:, 3:]) + person[:, :3]

    source_picture, target_picture = picture(person_s), picture(person_t)
    if hard:
        tone = torch.exp(dice.normal(0.06, 3) + dice.normal(0.15, 1))[..., None, None]
        gamma = torch.exp(dice.normal(0.15))[:, None, None, None]
        source_picture, target_picture, background = (
            (p.clamp(1e-4, 1) ** gamma * tone).clamp(0, 1) for p in (source_picture, target_picture, background)
        )
        source_picture = _camera(dice, source_picture)
    return Truth(
        source_picture * 2 - 1,
        target_picture * 2 - 1,
        Pose(xy_s, found_s, size),
        Pose(xy_t, found_t, size),
        background * 2 - 1,
        person_s[:, 3:],
        person_t[:, 3:],
        parts_s,
        parts_t,
        surface_s,
        surface_t,
        place,
        shown,
    )


def _camera(dice: Dice, picture: Tensor) -> Tensor:
    """What a camera and a file do: softness, lost resolution, noise."""
    size = picture.shape[-2:]
    soft = F.avg_pool2d(F.pad(picture, (1, 1, 1, 1), mode="replicate"), 3, 1)
    picture = torch.lerp(picture, soft, (dice.uniform(0, 1) * dice.chance(0.3))[:, None, None, None])
    small = F.interpolate(F.avg_pool2d(picture, 2), size, mode="bilinear", align_corners=False)
    picture = torch.where(dice.chance(0.1)[:, None, None, None], small, picture)
    noise = dice.normal(1.0, *picture.shape[1:]) * (dice.uniform(0, 0.04) * dice.chance(0.5))[:, None, None, None]
    return (picture + noise).clamp(0, 1)


_TORSO = ("neck", "right_shoulder", "left_shoulder", "right_hip", "left_hip")


def _detections(
    dice: Dice, xy_s: Tensor, found_s: Tensor, xy_t: Tensor, found_t: Tensor, size: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What a pose estimator makes of joints: an offset of its convention (one for both), noise, misses."""
    index = {name: i for i, name in enumerate(OPENPOSE_18.joints)}
    k = len(index)
    lengthwise, sideways = dice.normal(0.012, k), dice.normal(0.010, k)
    for name in ("hip", "shoulder"):  # both sides alike: up and down, in and out
        right, left = index[f"right_{name}"], index[f"left_{name}"]
        along, out = dice.normal(0.045), dice.normal(0.09)
        lengthwise[:, right] = lengthwise[:, left] = along
        sideways[:, right], sideways[:, left] = out, out
    lengthwise[:, index["neck"]] = dice.normal(0.05)
    missing = dice.chance(0.02, k)
    out = []
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
        noise = dice.normal(0.016, k, 2) * long[..., None]
        noise = torch.where(dice.chance(0.03, k)[..., None], 5 * noise, noise)
        noise = noise * dice.uniform(0, 1.5)[:, None, None]
        moved = xy + own + noise
        inside = ((moved > -0.5) & (moved < moved.new_tensor([size[1] - 0.5, size[0] - 0.5]))).all(-1)
        out += [moved, found & inside & ~missing & ~dice.chance(0.02, k)]
    return out[0], out[1], out[2], out[3]


# ------------------------------------------------------------------------------------------- losses


def match_loss(match: Match, truth: Truth) -> Float[Tensor, ""]:
    """Negative log-likelihood of the true cell of the source, or of "none", over the target's person."""
    b, h, w = truth.visible.shape
    h, w = h // 2, w // 2
    person = truth.target_parts[:, ::2, ::2].flatten(1) > 0
    shown = truth.visible[:, ::2, ::2].flatten(1)
    place = truth.place[:, :, ::2, ::2].flatten(2)  # full pixels; a cell is 4 of them
    x, y = (place[:, 0] + 0.5) / 4 - 0.5, (place[:, 1] + 0.5) / 4 - 0.5
    left, top = x.floor(), y.floor()
    a, c = x - left, y - top
    log = match.scores - match.scores.logsumexp(2, keepdim=True)
    likely = torch.zeros_like(x)
    for dy, wy in ((0, 1 - c), (1, c)):
        for dx, wx in ((0, 1 - a), (1, a)):
            cell = (top + dy).clamp(0, h - 1).long() * w + (left + dx).clamp(0, w - 1).long()
            likely = likely + wy * wx * log.gather(2, cell[..., None])[..., 0]
    none = log[..., -1]
    value = -torch.where(shown, likely, 0.7 * none)
    return (value * person).sum() / person.sum().clamp(min=1)


def geometry_terms(repose: Repose, truth: Truth) -> dict[str, Tensor]:
    """Weighted losses of where every pixel is and comes from."""
    g = repose.geometry
    terms = {}
    for name, body, parts, surface in (
        ("source", g.source, truth.source_parts, truth.source_surface),
        ("target", g.target, truth.target_parts, truth.target_surface),
    ):
        edge = (F.max_pool2d((parts > 0)[:, None].float(), 3, 1, 1) - -F.max_pool2d(-(parts > 0)[:, None].float(), 3, 1, 1))[:, 0]
        weight = 1 + 2 * edge + 2.0 * (parts > 0)
        loss = F.cross_entropy(body.parts, parts, reduction="none")
        terms[f"parts_{name}"] = 0.5 * (loss * weight).sum() / weight.sum()
        person = (parts > 0)[:, None].float()
        terms[f"surface_{name}"] = 3.0 * ((body.surface - surface).abs() * person).sum() / person.sum().clamp(min=1) / 3
    terms["match"] = 0.25 * match_loss(g.match, truth)
    person = truth.target_parts > 0
    error = (g.match.place - truth.place).square().sum(1).add(0.01).sqrt()
    error = 12 * (1 + error / 12).log()  # far-off places are the matching's business
    terms["place"] = 0.12 * (error * truth.visible).sum() / truth.visible.sum().clamp(min=1)
    seen = F.binary_cross_entropy_with_logits(g.match.visible[:, 0], truth.visible.float(), reduction="none")
    terms["visible"] = 0.3 * (seen * person).sum() / person.sum().clamp(min=1)
    return terms


def end_point_error(repose: Repose, truth: Truth) -> Float[Tensor, ""]:
    """Mean distance in pixels of the full size from the true place, over visible pixels."""
    error = (repose.geometry.match.place - truth.place).square().sum(1).sqrt()
    return (error * truth.visible).sum() / truth.visible.sum().clamp(min=1)


def paint_terms(repose: Repose, truth: Truth, features: torch.nn.Module | None) -> dict[str, Tensor]:
    """Weighted losses of the picture."""
    from reposer.nn.efficientnet import feature_distance

    cover = truth.target_coverage
    person = cover.mean((1, 2, 3), keepdim=True).clamp(min=0.02)
    terms = {"picture": 1.0 * (repose.picture - truth.target).abs().mean()}
    terms["person"] = 0.5 * ((repose.picture - truth.target).abs() * cover / person).mean()
    terms["painted"] = 0.4 * ((repose.painted - truth.target).abs() * cover / person).mean()
    terms["background"] = 1.0 * ((repose.background - truth.background).abs() * repose.hole).sum() / (
        3 * repose.hole.sum()
    ).clamp(min=1)
    terms["coverage"] = 0.5 * F.binary_cross_entropy(repose.person.clamp(1e-4, 1 - 1e-4), cover.clamp(0, 1))
    if features is not None:
        with torch.no_grad():
            true = features(truth.target)
        terms["features"] = 0.35 * feature_distance(features(repose.picture), true).mean()
        # what is painted must look right alone, too: on the true background
        alone = torch.lerp(truth.target, repose.painted, cover)
        terms["features_painted"] = 0.2 * feature_distance(features(alone), true).mean()
    return terms
