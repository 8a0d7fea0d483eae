"""What a generated picture is made of: what is copied, from where, and what is invented."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

KEPT, COPIED, FILLED, INVENTED, MIRRORED = range(5)
"""Where a pixel comes from; see `Provenance.kind`."""
KINDS = ("kept", "copied", "filled", "invented", "mirrored")
"""Their names."""


@dataclass(frozen=True)
class SourcePerson:
    """Where the sources' person is: as in `Composition`, but known before any target."""

    source_person: Float[Tensor, "B S 1 h w"]
    hole: Float[Tensor, "B 1 h w"]


@dataclass(frozen=True)
class Composition:
    """What a picture is made of, pixel by pixel of a generator's frame: enough to make it again at a photo's own size.

    The person is M copies: of S sources, of their arms, hands and heads as wholes, and then, where none shows it,
    of places where one shows the body's other side, or hair that is seen from behind; the rest is invented. Behind the
    person lies the first source's own background, filled where its person stood.

    place: (x, y) of what a pixel shows, in pixels of each copy's source. copied: the share of the person's pixel that
    is each copy; together at most 1. invented: the person, as far as it is not copied.
    person: how much of a pixel the person covers. background: complete. hole: how much of the background is filled.
    still: how surely nothing moved there, so that the first source's own pixel stays. source_person: how much of each
    source's pixels its person covers. wholes, mirrored: the source of each copy of a part of an arm, a hand or head,
    and of a body's other side or hair.
    """

    place: Float[Tensor, "B M 2 h w"]
    copied: Float[Tensor, "B M 1 h w"]
    invented: Float[Tensor, "B 3 h w"]
    person: Float[Tensor, "B 1 h w"]
    background: Float[Tensor, "B 3 h w"]
    hole: Float[Tensor, "B 1 h w"]
    still: Float[Tensor, "B 1 h w"]
    source_person: Float[Tensor, "B S 1 h w"]
    wholes: tuple[int, ...] = ()
    mirrored: tuple[int, ...] = ()

    @property
    def sources(self) -> tuple[int, ...]:
        """The source of each copy."""
        return (*range(self.source_person.shape[1]), *self.wholes, *self.mirrored)

    @property
    def direct(self) -> int:
        """How many copies show what a source shows: the first ones."""
        return len(self.sources) - len(self.mirrored)


@dataclass(frozen=True)
class Provenance:
    """Where every pixel of a result comes from.

    kind: KEPT, the photo's own pixel at this place; COPIED from another place of a photo; FILLED, background that the
    photo hides behind its person; INVENTED by the generator; MIRRORED, copied from where a photo shows the other side
    of the body. A pixel that is a blend has the kind of its largest share.
    place: (x, y) in pixels of the photo that a kept, copied or mirrored pixel comes from, NaN for others.
    photo: which photo that is: 0 is the first; 255 where no photo is copied.
    """

    kind: UInt8[Tensor, "H W"]
    place: Float[Tensor, "H W 2"]
    photo: UInt8[Tensor, "H W"]

    @staticmethod
    def untouched(size: tuple[int, int]) -> "Provenance":
        """Of a photo of this (height, width) in which nothing has changed yet."""
        y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float32) for n in size), indexing="ij")
        none = torch.zeros(size, dtype=torch.uint8)
        return Provenance(none, torch.stack([x, y], -1), none.clone())

    @property
    def shares(self) -> dict[str, float]:
        """The share of each kind among all pixels, by name."""
        counts = torch.bincount(self.kind.flatten().int(), minlength=len(KINDS)).double()
        return dict(zip(KINDS, (counts / counts.sum()).tolist(), strict=True))
