"""The interface of every family of networks."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from .choices import OtherSide
from .composition import Composition, SourcePerson
from .errors import BadInput
from .face import FaceLines
from .framing import Framing
from .pose import Pose
from .samples import Condition, stack_conditions
from .skeleton import OPENPOSE_18, Skeleton


def refuse_not_finite(values: Tensor, of: str) -> None:
    """Refuses a generator's output if some of it is not finite: it would be shown as black.

    of: the input of that output, as in "frame 3 of walk.mp4".
    """
    if not values.isfinite().all():
        raise BadInput(
            f"The generator gave numbers that are not finite for {of}; its weights are damaged or its training "
            "diverged."
        )


LayerKind = Literal["picture", "weight", "flow"]


@dataclass(frozen=True)
class Layer:
    """One named intermediate result of a generator.

    kind: "picture" (B, 3, h, w) in [-1, 1]; "weight" (B, 1, h, w) in [0, 1]; "flow" (B, 2, h, w) in pixels of its map.
    """

    kind: LayerKind
    values: Float[Tensor, "B C h w"]


@dataclass(frozen=True)
class Explanation:
    """A generated picture and the family's intermediate layers, in the order of the network.

    composition: what it is made of, if the family says so.
    """

    picture: Float[Tensor, "B 3 H W"]
    layers: Mapping[str, Layer]
    composition: Composition | None = None


@dataclass(frozen=True)
class Begun:
    """What a generator knows of its sources before any target.

    memory, rest: from its `begin` and `at_rest`. person: what a composition will say of them.
    """

    memory: Any
    rest: Any
    person: SourcePerson


@dataclass(frozen=True)
class Generated:
    """The minimal result of a forward pass. A family's own type adds what `layers` shows and what its losses compare.

    picture: may leave [-1, 1]; `generate` clamps it.
    """

    picture: Float[Tensor, "B 3 H W"]


class Generator(nn.Module, ABC):
    """Generates the person of one picture in another pose.

    A family sets `config` (a frozen dataclass with a class variable `family`), `framing` and `skeleton`, and defines
    `forward` and `layers`; everything else is here. Several photos of one person are an extra axis S of `source`.

    condition: the type that describes source and target. takes_edges: accepts a face's lines instead of its landmarks.
    unread: prefixes of parameters that a published form has but never reads.
    places: prefixes of parameters that decide from where pixels are copied, which bf16 would move.
    divisor: number that the sides of its pictures must be multiples of. any_size: False if it only accepts pictures of
    `framing.size`.
    several_sources: True if `source` may have an axis of several photos of one person.
    remembers: True if a frame of a clip also depends on the frame before it.
    composes: True if it says what its pictures are made of (`composition`).
    """

    config: Any
    framing: Framing
    skeleton: Skeleton = OPENPOSE_18
    condition: type = Pose
    takes_edges: bool = False
    unread: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    divisor: int = 1
    any_size: bool = True
    several_sources: bool = False
    remembers: bool = False
    composes: bool = False

    @abstractmethod
    def forward(self, source: Any, source_pose: Any, target_pose: Any) -> Any:
        """A `Generated`, or a dataclass of the family's own with its `picture`, from conditions that `admit`
        accepted."""

    def layers(self, output: Any) -> Mapping[str, Layer]:
        """The layers that `explain` shows of a forward pass: flow, occlusion, coarse image, whatever this family
        has."""
        return {}

    def composition(
        self,
        source: Any,
        source_pose: Any,
        target_pose: Any,
        output: Any,
        rest: Any = None,
        *,
        other_side: OtherSide = "mirrored",
    ) -> Composition | None:
        """What the picture of a forward pass is made of, by which `transfer` makes it again at the photo's own size.
        None for a family that copies no pixels: its picture is enlarged. rest: from `at_rest`, once for a clip.
        other_side: see `choices.OtherSide`."""
        return None

    def at_rest(self, memory: Any) -> Any:
        """What `composition` needs of the sources alone. memory: from `begin`."""
        return None

    def source_person(self, rest: Any) -> SourcePerson | None:
        """What a composition will say of the sources alone. rest: from `at_rest`."""
        return None

    def begin(self, source: Any, source_pose: Any, previous: tuple[Any, Any] | None = None) -> Any:
        """The memory that a clip's frames start from. A family overrides it, and `frame`, to compute once what depends
        on the source alone, or to remember. previous: the frame to continue after and its condition, for a family that
        remembers."""
        return source, source_pose

    def frame(self, memory: Any, target_pose: Any, seeds: Tensor | None = None) -> tuple[Any, Any]:
        """The next frame, as from `forward`, and the memory for the one after it."""
        source, source_pose = memory
        return self.sample(source, source_pose, target_pose, seeds), memory

    def sample(self, source: Any, source_pose: Any, target_pose: Any, seeds: Tensor | None) -> Any:
        """`forward` without noise. A family with noise overrides it: row b's comes from seeds[b], or 0."""
        return self(source, source_pose, target_pose)

    @property
    def device(self) -> torch.device:
        """The device of its weights; the CPU if it has none."""
        return next((parameter.device for parameter in self.parameters()), torch.device("cpu"))

    @property
    def source_skeleton(self) -> Skeleton:
        """The skeleton of `source_pose`; a published form may use another one than for the targets."""
        return self.skeleton

    def generate(
        self,
        source: Float[Tensor, "B *S 3 H W"],
        source_pose: Condition,
        target_pose: Condition,
        *,
        seeds: Int64[Tensor, "B"] | None = None,
    ) -> Float[Tensor, "B 3 H W"]:
        """Pictures in [-1, 1], in eval mode, without gradients. Picture b depends on row b and on seeds[b] only."""
        own, target = self.admit(source, source_pose, target_pose)
        with self._inference():
            return _clamped(self.sample(source, own, target, seeds))

    def begun(self, source: Float[Tensor, "B *S 3 H W"], source_pose: Condition) -> Begun | None:
        """What `explain` needs of the sources alone, of a family that composes; None of others."""
        if not self.composes:
            return None
        (own,) = self.admit(source, source_pose)
        with self._inference():
            memory = self.begin(source, own)
            rest = self.at_rest(memory)
            person = self.source_person(rest)
            return None if person is None else Begun(memory, rest, person)

    def explain(
        self,
        source: Float[Tensor, "B *S 3 H W"],
        source_pose: Condition,
        target_pose: Condition,
        *,
        seeds: Int64[Tensor, "B"] | None = None,
        begun: Begun | None = None,
        other_side: OtherSide = "mirrored",
    ) -> Explanation:
        """The picture that `generate` gives, its named layers, and what it is made of. other_side: of the last.

        begun: what `begun` says of these sources; None = it is found. The picture is the same.
        """
        own, target = self.admit(source, source_pose, target_pose)
        with self._inference():
            if begun is not None:
                rest, (output, _) = begun.rest, self.frame(begun.memory, target, seeds)
            else:
                rest, output = None, self.sample(source, own, target, seeds)
            made_of = self.composition(source, own, target, output, rest, other_side=other_side)
            return Explanation(_clamped(output), self.layers(output), made_of)

    def left_undone(self, source_pose: Condition, target_pose: Condition) -> str:
        """A sentence on what this network cannot do for one pair because its poses lack something; empty if nothing."""
        return ""

    def animate(
        self,
        source: Float[Tensor, "*S 3 H W"],
        source_pose: Condition,
        target_poses: Iterable[Condition],
        *,
        previous: tuple[Float[Tensor, "3 H W"], Condition] | None = None,
        seed: int = 0,
    ) -> Iterator[Float[Tensor, "3 H W"]]:
        """One frame for each of `target_poses` (single conditions, or the rows of a batch), as soon as that pose
        arrives.

        Frame t depends on the poses up to t only; memory use does not grow with the clip.
        previous: the frame to continue after and its condition, if a clip was interrupted; only families that remember
        use it.
        """
        for output, _, _, _ in self._outputs(source, source_pose, target_poses, previous, seed):
            yield _clamped(output)[0]

    def animate_explained(
        self,
        source: Float[Tensor, "*S 3 H W"],
        source_pose: Condition,
        target_poses: Iterable[Condition],
        *,
        previous: tuple[Float[Tensor, "3 H W"], Condition] | None = None,
        seed: int = 0,
        other_side: OtherSide = "mirrored",
    ) -> Iterator[Explanation]:
        """The frames of `animate`, without layers, and what each is made of. other_side: as in `composition`."""
        rest = None
        for output, own, target, memory in self._outputs(source, source_pose, target_poses, previous, seed):
            with self._inference():
                rest = self.at_rest(memory) if rest is None else rest
                made_of = self.composition(source[None], own, target, output, rest, other_side=other_side)
                explanation = Explanation(_clamped(output), {}, made_of)
            yield explanation

    def _outputs(
        self,
        source: Float[Tensor, "*S 3 H W"],
        source_pose: Condition,
        target_poses: Iterable[Condition],
        previous: tuple[Float[Tensor, "3 H W"], Condition] | None,
        seed: int,
    ) -> Iterator[tuple[Any, Any, Any, Any]]:
        """For each frame: the output of `frame`, both admitted conditions, and the memory after it."""
        pictures, seeds, own = source[None], torch.tensor([seed]), stack_conditions([source_pose])
        with self._inference():  # not across a yield: the mode between frames is the caller's
            before = None
            if previous is not None and self.remembers:
                picture = previous[0][None].to(pictures).contiguous()
                before = picture, self.admit(picture, own, stack_conditions([previous[1]]))[1]
            admitted = self.admit(pictures, own)[0]
            memory = self.begin(pictures, admitted, before)
        for pose in target_poses:
            with self._inference():
                _, target = self.admit(pictures, own, stack_conditions([pose]))
                output, memory = self.frame(memory, target, seeds)
            yield output, admitted, target, memory

    def admit(
        self, source: Float[Tensor, "B *S 3 H W"], source_pose: Condition, *target_poses: Condition
    ) -> tuple[Any, ...]:
        """The conditions, on the picture's device, if they and the picture fit this network and each other."""
        size, name = (source.shape[-2], source.shape[-1]), type(self).__name__.removesuffix("Generator")
        if not self.any_size and size != self.framing.size:
            height, width = self.framing.size
            raise BadInput(
                f"This {name} takes pictures of {height}x{width} pixels only, not of {size[0]}x{size[1]}. "
                f"generator.framing says how a picture becomes one."
            )
        refuse_indivisible(size, self.divisor, name)
        skeletons = self.source_skeleton, *(self.skeleton for _ in target_poses)
        for condition, skeleton in zip((source_pose, *target_poses), skeletons, strict=True):
            if wrong := self._misfit(condition, size, skeleton):
                raise BadInput(f"{name} {wrong}")
        return tuple(condition.to(source.device) for condition in (source_pose, *target_poses))

    def _misfit(self, condition: Condition, size: tuple[int, int], skeleton: Skeleton) -> str | None:
        """Why a condition does not fit, to follow the network's name in a message; None if it does."""
        pose = condition.points if isinstance(condition, FaceLines) and self.takes_edges else condition
        if not isinstance(pose, self.condition):
            return f"needs a {self.condition.__name__}, not a {type(condition).__name__}."
        if isinstance(pose, Pose) and (pose.size != size or pose.skeleton != skeleton):
            return (
                f"needs poses of the skeleton {skeleton.name} in the picture's size {size}; this came: "
                f"{pose.skeleton.name} in {pose.size}. Pose.convert and generator.framing.place make one from another."
            )
        return self.refusal(condition)

    def refusal(self, condition: Any) -> str | None:
        """A family's further reason to refuse a condition, to follow its name in a message; None if there is none."""
        return None

    @contextmanager
    def _inference(self) -> Iterator[None]:
        """Eval mode and no gradients; restores every module's mode afterwards."""
        training = [module for module in self.modules() if module.training]
        self.eval()
        try:
            with torch.no_grad():
                yield
        finally:
            for module in training:
                module.training = True


def _clamped(output: Any) -> Float[Tensor, "B 3 H W"]:
    picture: Tensor = output.picture
    return picture.clamp(-1, 1)


def refuse_indivisible(size: tuple[int, int], divisor: int, name: str) -> None:
    """BadInput unless both sides are positive multiples of `divisor`. name: of the network, for the message."""
    if min(size) < 1 or any(side % divisor for side in size):
        raise BadInput(f"{name} needs pictures whose sides divide by {divisor}, not {size[0]}x{size[1]}.")
