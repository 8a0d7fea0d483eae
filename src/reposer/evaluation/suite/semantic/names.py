"""Which garment a DeepFashion picture shows, from its file name."""

import re
from dataclasses import dataclass

_NAME = re.compile(r"fashion(?:WOMEN|MEN).+?id(\d{8})(\d{2})_[^/]+")


@dataclass(frozen=True)
class FashionName:
    """item: as In-shop's annotations write it, `id_00007624`. variant: its colour on one person, two digits.

    All pictures of one item and variant are pictures of one identity, and the other way round.
    """

    item: str
    variant: str


def item_of(name: str) -> str | None:
    """The item of a DeepFashion name, with or without its suffix; None for a name of another kind."""
    found = fashion_name(name)
    return None if found is None else found.item


def fashion_name(name: str) -> FashionName | None:
    """The parts of a name such as `fashionWOMENDressesid0000762401_1front.jpg`; None for a name of another kind."""
    match = _NAME.fullmatch(name)
    return FashionName(f"id_{match[1]}", match[2]) if match else None
