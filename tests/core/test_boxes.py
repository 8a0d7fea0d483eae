"""Boxes: areas and how far they overlap."""

import pytest

from reposer.core.boxes import area, common_area, overlap


def test_a_box_overlaps_wholly_with_itself_and_not_with_one_beside_it():
    box = (1.0, 2.0, 5.0, 4.0)
    assert overlap(box, box) == 1
    assert overlap(box, (5.0, 2.0, 9.0, 4.0)) == overlap(box, (11.0, 12.0, 15.0, 14.0)) == 0


def test_overlap_is_intersection_over_union_in_either_order():
    one, other = (0.0, 0.0, 4.0, 4.0), (2.0, 0.0, 6.0, 2.0)
    assert common_area(one, other) == 4
    assert overlap(one, other) == overlap(other, one) == pytest.approx(4 / 20)


def test_a_box_without_inside_has_no_area_and_overlaps_nothing():
    nothing = (3.0, 3.0, 3.0, 8.0)
    assert area(nothing) == area((4.0, 0.0, 2.0, 1.0)) == 0
    assert overlap(nothing, nothing) == overlap(nothing, (0.0, 0.0, 9.0, 9.0)) == 0
