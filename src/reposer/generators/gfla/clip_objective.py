"""How GFLA learns to move people and faces (arXiv:2003.00696; code at commit 3afa8fe).

A clip is trained in chunks of a few frames; what one chunk drew last is where the next goes on, without gradient.
Every term is a sum over the frames of a chunk.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from reposer.core import BadInput, ClipBatch
from reposer.core.rng import mix
from reposer.losses.adversarial import GAN_TERMS
from reposer.losses.flow import affine_regularity, sampling_correctness
from reposer.losses.perceptual import content_and_style
from reposer.nn.features import feature_network
from reposer.nn.layout import at_least_float32
from reposer.training import Objective, Turn, frozen

from .clip_network import ClipDrawing, RecurrentGenerator
from .discriminator import ResDiscriminator, TemporalDiscriminator
from .objective import GFLAFlowConfig, GFLALossesConfig, correspondence_layers
from .parts import Moves

CHUNK = 6  # frames, as published
Use = Literal["judged", "drawn"]
USES: tuple[Use, ...] = ("judged", "drawn")  # the two choose their frames independently


@dataclass(frozen=True)
class GFLAClipFlowConfig(GFLAFlowConfig):
    """A first stage of ours: the flow networks alone, the frame before being the true one. The authors describe
    none."""

    def build(self, generator: RecurrentGenerator) -> "GFLAClipFlowObjective":  # type: ignore[override]
        return GFLAClipFlowObjective(self, generator)


@dataclass(frozen=True)
class GFLAClipLossesConfig(GFLALossesConfig):
    """Everything end to end. The defaults are the published weights for people: of iPER, with foreground masks, the
    correctness weighs 2. The adversarial weight is that of each discriminator.
    """

    chunk: int = CHUNK
    """Frames of one update, through which gradients flow; the frames of a clip divide by it."""
    foreground: bool = False
    """Judge the flow where the data set says that the person is (iPER)."""
    previous: Literal["true", "generated"] = "true"
    """Which frame before the flow into it is judged by: the true one (people), or the drawn one (faces)."""
    temporal: Literal["clip", "differences"] = "clip"
    """What judges motion: convolutions over six frames (people), or the two differences of three frames (faces)."""

    def __post_init__(self) -> None:
        if self.chunk < self.window:
            raise BadInput(
                f"Motion is judged over {self.window} frames; a chunk of {self.chunk} is too short for that."
            )

    @property
    def window(self) -> int:
        """Frames that the temporal discriminator sees."""
        return TemporalDiscriminator.frames if self.temporal == "clip" else 3

    def build(self, generator: RecurrentGenerator) -> "GFLAClipObjective":  # type: ignore[override]
        return GFLAClipObjective(self, generator)


class GFLAClipFlowObjective(Objective):
    """One player: the flow networks. Every frame of a clip stands for itself."""

    def __init__(self, config: GFLAClipFlowConfig, generator: RecurrentGenerator) -> None:
        super().__init__()
        self.config, self.generator = config, generator
        self.networks = nn.ModuleDict({"generator": generator})
        self.flow_nets = nn.ModuleList(net for name, net in generator.named_children() if name.startswith("flow_"))
        self.features = feature_network(config.features, weights=config.weights)

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {"flow": self.flow_nets}

    def steps(self, batch: ClipBatch) -> Iterator[Turn]:
        self.generator.admit(batch.source, batch.source_pose, batch.pose(0))
        for start in range(0, batch.frames.shape[1], CHUNK):
            stop = min(start + CHUNK, batch.frames.shape[1])
            with torch.no_grad():
                memory = self.generator.begin(batch.source, batch.source_pose, _before(batch, start))
            moves = []
            for t in range(start, stop):
                with torch.no_grad():
                    maps = self.generator.maps(batch.pose(t), batch.source)
                moves.append(self.generator.moves(memory, maps))
                memory = memory._replace(previous=batch.frames[:, t], previous_maps=maps)
            previous, reference = (_in_one([m[k] for m in moves]) for k in range(2))
            layers = correspondence_layers(self.features, previous.flows)
            wanted = tuple(layers.values())
            (target,) = self.features.of_constants(batch.frames[:, start:stop].flatten(0, 1), layers=wanted)
            first, source = self.features.of_constants(_frame_before(batch, start), batch.source, layers=wanted)
            earlier = _shifted(target, first, stop - start)
            correctness, regularity = _flow_terms(
                previous, reference, earlier, _repeated(source, stop - start), target, layers, None,
                self.generator.kernel_sizes,
            )  # fmt: skip
            yield Turn(
                ("flow",),
                {
                    "correctness": (stop - start) * self.config.correctness * correctness,
                    "regularity": (stop - start) * self.config.regularity * regularity,
                },
            )


class GFLAClipObjective(Objective):
    """Three players: a discriminator of pictures, one of motion, and the whole generator."""

    def __init__(self, config: GFLAClipLossesConfig, generator: RecurrentGenerator) -> None:
        super().__init__()
        self.config, self.generator = config, generator
        width, layers = config.discriminator_width, config.discriminator_layers
        self.discriminator = ResDiscriminator(width, layers=layers)
        self.temporal: nn.Module = (
            TemporalDiscriminator(width)
            if config.temporal == "clip"
            else ResDiscriminator(width, layers=layers, entering=3 * (config.window - 1))
        )
        self.networks = nn.ModuleDict(
            {"generator": generator, "discriminator": self.discriminator, "temporal": self.temporal}
        )
        self.features = feature_network(config.features, weights=config.weights)

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {"generator": self.generator, "discriminator": self.discriminator, "temporal": self.temporal}

    def steps(self, batch: ClipBatch) -> Iterator[Turn]:
        self.generator.admit(batch.source, batch.source_pose, batch.pose(0))
        count, chunk = batch.frames.shape[1], self.config.chunk
        if count % chunk:
            raise BadInput(f"Clips of {count} frames came; their number should divide by the {chunk} of an update.")
        if self.config.foreground and batch.foreground is None:
            raise BadInput("The losses ask for foreground masks, and the data set has none.")
        before = None
        for start in range(0, count, chunk):
            # what the last chunk made is where this one goes on; the networks have moved since: begin anew
            memory = self.generator.begin(batch.source, batch.source_pose, before)
            drawings = []
            for t in range(start, start + chunk):
                drawing, memory = self.generator.frame(memory, batch.pose(t))
                drawings.append(drawing)
            drawn = torch.stack([drawing.picture for drawing in drawings], 1)
            true = batch.frames[:, start : start + chunk]
            yield self._judged(batch, start, true, drawn.detach())
            yield self._drawn(batch, start, drawings, drawn, before)
            before = drawn[:, -1].detach(), batch.pose(start + chunk - 1)

    def _judged(self, batch: ClipBatch, start: int, true: Tensor, drawn: Tensor) -> Turn:
        """Both discriminators, on a frame and a window of their own choice."""
        frame, window = self._frame(batch, start, "judged"), self._window(batch, start, "judged")
        scores = {
            "real": self.discriminator(frame(true)),
            "fake": self.discriminator(frame(drawn)),
            "motion real": self.temporal(window(true)),
            "motion fake": self.temporal(window(drawn)),
        }
        real_loss, fake_loss, _ = GAN_TERMS[self.config.gan]
        terms = {}
        for name, score in scores.items():
            loss = real_loss if name.endswith("real") else fake_loss
            terms[name] = 0.5 * loss(at_least_float32(score))
        return Turn(("discriminator", "temporal"), terms)

    def _drawn(
        self,
        batch: ClipBatch,
        start: int,
        drawings: list[ClipDrawing],
        drawn: Float[Tensor, "B T 3 H W"],
        before: tuple[Tensor, Any] | None,
    ) -> Turn:
        """The generator: every term summed over the chunk's frames."""
        count, weights = len(drawings), self.config
        passed = GAN_TERMS[weights.gan].passed
        previous, reference = (_in_one([d.previous for d in drawings]), _in_one([d.reference for d in drawings]))
        layers = correspondence_layers(self.features, previous.flows)
        places = tuple(layers.values())
        wanted = tuple(dict.fromkeys(self.features.content_layers + self.features.style_layers + places))
        true = batch.frames[:, start : start + count]
        pictures = drawn.flatten(0, 1)
        of_drawn = self.features(pictures, wanted)
        (target,) = self.features.of_constants(true.flatten(0, 1), layers=wanted)
        (source,) = self.features.of_constants(batch.source, layers=places)
        if weights.previous == "true":
            (first,) = self.features.of_constants(_frame_before(batch, start), layers=places)
            earlier = _shifted(target, first, count)
        else:
            last = batch.source if before is None else before[0]
            (first,) = self.features.of_constants(last, layers=places)
            earlier = _shifted({n: of_drawn[n].detach() for n in places}, first, count)
        mask = None
        if weights.foreground:
            assert batch.foreground is not None
            mask = batch.foreground[:, start : start + count].flatten(0, 1)
        content, style = content_and_style(of_drawn, target, self.features)
        correctness, regularity = _flow_terms(
            previous, reference, earlier, _repeated(source, count), target, layers, mask,
            self.generator.kernel_sizes,
        )  # fmt: skip
        with frozen(self.discriminator), frozen(self.temporal):
            score = self.discriminator(self._frame(batch, start, "drawn")(drawn))
            motion_score = self.temporal(self._window(batch, start, "drawn")(drawn))
            # count x: a mean over rows and frames becomes the frames' sum
            return Turn(
                ("generator",),
                {
                    "l1": count * weights.l1 * (drawn - true).abs().mean(),
                    "adversarial": weights.adversarial * passed(at_least_float32(score)),
                    "motion": weights.adversarial * passed(at_least_float32(motion_score)),
                    "content": count * weights.content * content,
                    "style": count * weights.style * style,
                    "correctness": count * weights.correctness * correctness,
                    "regularity": count * weights.regularity * regularity,
                },
            )

    def _frame(self, batch: ClipBatch, start: int, use: Use) -> Callable[[Tensor], Tensor]:
        """Takes one random frame of each row of a chunk: what the discriminator sees."""
        starts = self._starts(batch, start, (USES.index(use), 1), 1)
        return lambda clip: _taken(clip, starts, 1)[:, 0]

    def _window(self, batch: ClipBatch, start: int, use: Use) -> Callable[[Tensor], Tensor]:
        """Takes a random window of each row of a chunk: what the temporal discriminator sees."""
        window = self.config.window
        starts = self._starts(batch, start, (USES.index(use), 2), window)

        def take(clip: Float[Tensor, "B T 3 H W"]) -> Tensor:
            frames = _taken(clip, starts, window)
            if self.config.temporal == "clip":
                return frames.transpose(1, 2)
            return (frames[:, 1:] - frames[:, :-1]).flatten(1, 2)

        return take

    def _starts(self, batch: ClipBatch, start: int, use: tuple[int, int], window: int) -> list[int]:
        seeds = [0] * len(batch) if batch.seeds is None else batch.seeds.tolist()
        return [mix(seed, start, *use) % (self.config.chunk - window + 1) for seed in seeds]


def _flow_terms(
    previous: Moves,
    reference: Moves,
    previous_features: Mapping[str, Tensor],
    reference_features: Mapping[str, Tensor],
    target: Mapping[str, Tensor],
    layers: Mapping[int, str],
    mask: Float[Tensor, "N 1 H W"] | None,
    kernel_sizes: Mapping[int, int],
) -> tuple[Tensor, Tensor]:
    """Sampling correctness and affine regularity of both branches, summed over the levels, a mean over the N rows."""
    correctness, regularity = [], []
    for moves, features in ((previous, previous_features), (reference, reference_features)):
        for level, flow in moves.flows.items():
            name = layers[level]
            own = None if mask is None else F.interpolate(mask, size=flow.shape[-2:], mode="nearest")
            correctness.append(sampling_correctness(features[name], target[name], flow, own))
            regularity.append(affine_regularity(flow, kernel_sizes[level]))
    return torch.stack(correctness).sum(), torch.stack(regularity).sum()


def _before(batch: ClipBatch, start: int) -> tuple[Tensor, Any] | None:
    """The true frame before frame `start`, with its condition; None before the first."""
    return None if start == 0 else (batch.frames[:, start - 1], batch.pose(start - 1))


def _frame_before(batch: ClipBatch, start: int) -> Float[Tensor, "B 3 H W"]:
    return batch.source if start == 0 else batch.frames[:, start - 1]


def _in_one(moves: list[Moves]) -> Moves:
    """The moves of T frames as those of B T rows, in the order of `frames.flatten(0, 1)`."""
    flows, occlusions = (
        {n: torch.stack([m[k][n] for m in moves], 1).flatten(0, 1) for n in moves[0].flows} for k in range(2)
    )
    return Moves(flows, occlusions)


def _shifted(features: Mapping[str, Tensor], first: Mapping[str, Tensor], count: int) -> dict[str, Tensor]:
    """Of every frame the features of the one before it; `first` are those before the first."""
    shifted = {}
    for name, before in first.items():
        own = features[name].unflatten(0, (-1, count))
        shifted[name] = torch.cat([before[:, None], own[:, :-1]], 1).flatten(0, 1)
    return shifted


def _repeated(features: Mapping[str, Tensor], count: int) -> dict[str, Tensor]:
    """The same features for each of `count` frames."""
    return {name: f.repeat_interleave(count, 0) for name, f in features.items()}


def _taken(clip: Float[Tensor, "B T 3 H W"], starts: list[int], count: int) -> Float[Tensor, "B n 3 H W"]:
    """Of each row, `count` frames from its own start on."""
    return torch.stack([row[start : start + count] for row, start in zip(clip, starts, strict=True)])
