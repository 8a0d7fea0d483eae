"""Measures of boxes (left, top, right, bottom)."""

from collections.abc import Sequence


def area(box: Sequence[float]) -> float:
    """Width times height; 0 of a box that ends before it begins."""
    left, top, right, bottom = box
    return max(0.0, right - left) * max(0.0, bottom - top)


def common_area(one: Sequence[float], other: Sequence[float]) -> float:
    """The area that both boxes cover."""
    return area((max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])))


def overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union, from 0 to 1; 0 if there is no intersection."""
    both = common_area(one, other)
    return both / (area(one) + area(other) - both) if both > 0 else 0.0
