"""What a source says by itself, found once for all pictures that are made of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from jaxtyping import Float
from torch import Tensor

from reposer.core import Pose

from .arms import SourceArm, source_arms
from .copying import hands_in_front, shown_arms, without_rim
from .geometry import Body, large
from .heads import SourceFace, SourceHead, source_faces, source_head
from .other_side import SourceSide, source_sides


@dataclass(frozen=True)
class Source:
    """A source, and what is known of it before any target; the rest of that is found when it is first asked for.

    picture: at the generator's size. pose, body: of its person. error: how far off the network puts each pixel where
    nothing moves. mask, hands: its person, and both hands.
    """

    picture: Float[Tensor, "B 3 H W"]
    pose: Pose
    body: Body
    error: Float[Tensor, "B 2 h w"]
    mask: Float[Tensor, "B 1 h w"]
    hands: Float[Tensor, "B 2 H W"]

    @property
    def size(self) -> tuple[int, int]:
        return self.picture.shape[-2], self.picture.shape[-1]

    @cached_property
    def person(self) -> Float[Tensor, "B 1 H W"]:
        """Its person, at the picture's size."""
        return large(self.mask, self.size)

    @cached_property
    def inside(self) -> Float[Tensor, "B 1 H W"]:
        """See `without_rim`."""
        return without_rim(self.mask, self.size)

    @cached_property
    def shown_arms(self) -> Float[Tensor, "B 1 H W"]:
        return shown_arms(self.body, self.size)

    @cached_property
    def hands_in_front(self) -> Float[Tensor, "B 1 H W"]:
        return hands_in_front(self.picture, self.body, self.pose)

    @cached_property
    def arms(self) -> Sequence[Sequence[SourceArm]]:
        return source_arms(self.picture, self.body, self.mask, self.hands, self.pose)

    @cached_property
    def head(self) -> SourceHead:
        return source_head(self.body, self.mask, self.hands, self.pose)

    @cached_property
    def faces(self) -> Sequence[SourceFace]:
        return source_faces(self.picture, self.body, self.mask, self.pose)

    @cached_property
    def sides(self) -> Sequence[Sequence[SourceSide]]:
        return source_sides(self.body, self.pose)
