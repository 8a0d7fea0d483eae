"""The run-time checks that conftest installs are really on."""

from collections.abc import Iterator

import pytest
import torch
from beartype.roar import BeartypeCallHintViolation
from jaxtyping import Float
from torch import Tensor

from reposer.core import Pose
from reposer.core.images import from_uint8
from tests.shapes import CALLS, begin_test, checked


def test_a_picture_of_the_wrong_type_is_refused():
    with pytest.raises(BeartypeCallHintViolation):
        from_uint8(torch.zeros(2, 4, 4, 3))  # floats where bytes are due


def test_a_pose_of_whole_numbers_is_refused():
    with pytest.raises(BeartypeCallHintViolation):
        Pose(torch.zeros(18, 2, dtype=torch.int64), torch.ones(18, dtype=torch.bool), (8, 8))


def test_a_letter_has_one_value_in_a_call():
    with pytest.raises(BeartypeCallHintViolation):
        Pose(torch.zeros(18, 2), torch.ones(17, dtype=torch.bool), (8, 8))


def test_what_a_function_returns_is_checked():
    wrong = checked(returns_flat_pictures)
    with pytest.raises(BeartypeCallHintViolation):
        wrong(torch.zeros(2, 3, 4, 4))


def test_the_first_calls_in_each_test_are_checked():
    @checked
    def height(picture: Float[Tensor, "h w"]) -> int:
        return len(picture)

    assert all(height(torch.zeros(k, 2)) == k for k in range(CALLS))
    assert height(torch.zeros(3)) == 3
    begin_test()
    with pytest.raises(BeartypeCallHintViolation):
        height(torch.zeros(3))


def returns_flat_pictures(pictures: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B 3 H W"]:
    return pictures[0]


def test_a_generator_has_sizes_of_its_own():
    """Its body runs after the call, among the sizes of whoever asks for the next one."""

    @checked
    def halves(picture: Float[Tensor, "h w"]) -> Iterator[Float[Tensor, "_ w"]]:
        yield from picture.split(len(picture) // 2)

    @checked
    def shapes(picture: Float[Tensor, "h w"]) -> list[tuple[int, ...]]:
        return [tuple(part.shape) for part in halves(picture.repeat(2, 3))]

    assert shapes(torch.zeros(1, 2)) == [(1, 6), (1, 6)]
    with pytest.raises(Exception, match="picture"):
        halves(torch.zeros(3))
