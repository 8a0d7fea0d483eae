"""Names of the body parts that a pixel can show, and of surfaces shaded as one."""

from reposer.core.truth import PARTS

__all__ = ["HAIR", "JACKET", "LOWER", "PARTS", "SHOES", "SKIN", "TOP", "part"]
SKIN, TOP, JACKET, LOWER, HAIR, SHOES = range(1, 7)


def part(name: str) -> int:
    return PARTS.index(name)
