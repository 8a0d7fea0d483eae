"""How the people-encoder came to be: trained on synthetic people to see parts, joints, colour and texture.

    python -m reposer.probes.encoder --out runs/people-encoder

draws its people, trains, measures and writes `people-encoder.safetensors`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn

from reposer.core import Pose
from reposer.core.skeleton import OPENPOSE_18
from reposer.data.synthetic import PARTS
from reposer.nn.features import ENCODER_BLOCKS, PeopleEncoder
from reposer.nn.maps import heatmaps
from reposer.training import Objective, Turn

PARTS_STRIDE, JOINTS_STRIDE = 2, 4
JOINT_SIGMA = 1.0  # pixels of the joints' map
RECONSTRUCTED = (1, 2, 4, 8)  # strides from whose features alone the picture is drawn again


@dataclass(frozen=True)
class PeopleBatch:
    """B pictures of people with their truth. `clean` is what `picture` was before noise was laid over it."""

    picture: Float[Tensor, "B 3 H W"]
    clean: Float[Tensor, "B 3 H W"]
    parts: Int64[Tensor, "B H W"]
    pose: Pose

    def to(self, device: torch.device | str) -> "PeopleBatch":
        return PeopleBatch(*(getattr(self, name).to(device) for name in ("picture", "clean", "parts", "pose")))


@dataclass(frozen=True)
class Reading:
    """What the heads read off the features."""

    parts: Float[Tensor, "B P h w"]
    """Logits of the parts, at stride 2."""
    joints: Float[Tensor, "B K g v"]
    """Logits of each joint's place, at stride 4."""
    pictures: Mapping[int, Float[Tensor, "B 3 H W"]]
    """The picture drawn again from the features of one stride, by stride."""


class PeopleReader(nn.Module):
    """The encoder and light heads on all its strides; the heads serve its training only."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.encoder = PeopleEncoder()
        self.strides = [stride for stride, _ in ENCODER_BLOCKS if stride > 1]
        widths = dict(ENCODER_BLOCKS)
        self.inward = nn.ModuleDict({str(s): nn.Conv2d(widths[s], width, 1) for s in self.strides})
        self.joints = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, len(OPENPOSE_18.joints), 1)
        )
        self.parts = nn.Conv2d(width, len(PARTS), 1)
        self.redrawn = nn.ModuleDict({str(s): nn.Conv2d(widths[s], 3 * s * s, 1) for s in RECONSTRUCTED})

    def forward(self, picture: Float[Tensor, "B 3 H W"]) -> Reading:
        features = self.encoder(picture, tuple(f"stride{s}_2" for s, _ in ENCODER_BLOCKS))
        x, at = None, {}
        for s in reversed(self.strides):
            own = self.inward[str(s)](features[f"stride{s}_2"])
            x = own if x is None else own + F.interpolate(x, scale_factor=2, mode="nearest")
            at[s] = x
        pictures = {s: F.pixel_shuffle(self.redrawn[str(s)](features[f"stride{s}_2"]), s) for s in RECONSTRUCTED}
        return Reading(self.parts(F.relu(at[PARTS_STRIDE])), self.joints(F.relu(at[JOINTS_STRIDE])), pictures)


class EncoderObjective(Objective):
    """One player: parts by cross-entropy, each seen joint's place by cross-entropy, the picture by L1."""

    def __init__(self, reader: PeopleReader) -> None:
        super().__init__()
        self.networks = nn.ModuleDict({"generator": reader})

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {"reader": self.networks["generator"]}

    def steps(self, batch: PeopleBatch) -> Iterator[Turn]:
        reading = self.networks["generator"](batch.picture)
        redrawn = [(drawn.float() - batch.clean).abs().mean() for drawn in reading.pictures.values()]
        yield Turn(
            ("reader",),
            {
                "parts": F.cross_entropy(reading.parts.float(), stride_parts(batch.parts)),
                "joints": 0.1 * joint_cross_entropy(reading.joints.float(), batch.pose),
                "picture": torch.stack(redrawn).sum(),
            },
        )


def stride_parts(parts: Int64[Tensor, "B H W"]) -> Int64[Tensor, "B h w"]:
    """The part map at the stride of the head: the bottom-right pixel of each block of 2 x 2."""
    return parts[:, PARTS_STRIDE - 1 :: PARTS_STRIDE, PARTS_STRIDE - 1 :: PARTS_STRIDE]


def joint_cross_entropy(logits: Float[Tensor, "B K h w"], pose: Pose) -> Float[Tensor, ""]:
    """Cross-entropy of each joint's place against a Gaussian; rows weigh alike, joints not seen weigh nothing."""
    inside = on_map(pose, logits.shape[-2:])
    wanted = heatmaps(inside, JOINT_SIGMA).flatten(2)
    mass = wanted.sum(2)
    seen = inside.visible & (mass > 1)  # enough of the bump lies in the picture
    wanted = wanted / mass.clamp(min=1)[..., None]
    each = -(wanted * logits.flatten(2).log_softmax(2)).sum(2) * seen
    return (each.sum(1) / seen.sum(1).clamp(min=1)).mean()


def on_map(pose: Pose, size: tuple[int, int]) -> Pose:
    """The pose in pixels of a map of `size`, pixel corners aligned."""
    scale_y, scale_x = size[0] / pose.size[0], size[1] / pose.size[1]
    scale = pose.xy.new_tensor([scale_x, scale_y])
    return replace(pose, xy=(pose.xy + 0.5) * scale - 0.5, size=tuple(size))


def augmented(picture: Tensor, parts: Tensor, pose: Pose, seed: int) -> PeopleBatch:
    """One person (3 H W), (H W), moved, recoloured, before another ground, with noise: all functions of `seed`."""
    stream = torch.Generator().manual_seed(seed)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(shape, generator=stream)

    h, w = parts.shape
    if uniform(0, 1) < 0.4:
        ground = sum(
            amount * F.interpolate(uniform(-1, 1, 1, 3, *size), (h, w), mode=mode)[0]
            for amount, size, mode in (
                (0.7, (2, 2), "bilinear"),
                (float(uniform(0, 0.6)), (12, 9), "nearest"),
                (float(uniform(0, 0.4)), (64, 48), "bilinear"),
            )
        )
        picture = torch.where(parts > 0, picture, ground + uniform(-0.5, 0.5, 3, 1, 1)).clamp(-1, 1)

    # drawn(p) = picture(zoom (p - middle) + middle + shift)
    zoom, middle = uniform(0.75, 1.2, 2) * uniform(1, 1, 2), torch.tensor([(w - 1) / 2, (h - 1) / 2])
    zoom[1] = zoom[0] * uniform(0.92, 1.08)
    shift = uniform(-0.08, 0.08, 2) * torch.tensor([w, h])
    x = (zoom[0] * (torch.arange(w) - middle[0]) + middle[0] + shift[0]) * 2 / (w - 1) - 1
    y = (zoom[1] * (torch.arange(h) - middle[1]) + middle[1] + shift[1]) * 2 / (h - 1) - 1
    grid = torch.stack(torch.broadcast_tensors(x[None], y[:, None]), -1)[None]
    moved = F.grid_sample(picture[None], grid, padding_mode="border", align_corners=True)
    moved_parts = F.grid_sample(parts[None, None].float(), grid, "nearest", "border", align_corners=True)
    moved_pose = replace(pose, xy=(pose.xy - middle - shift) / zoom + middle)

    gain, offset = uniform(0.65, 1.25, 1, 1, 1) * uniform(0.85, 1.15, 3, 1, 1), uniform(-0.25, 0.25, 1, 1, 1)
    clean = (moved * gain + offset).clamp(-1, 1)
    noisy = clean + float(uniform(0, 0.12)) * torch.randn(clean.shape, generator=stream)
    return PeopleBatch(noisy, clean, moved_parts[0].long(), moved_pose)
