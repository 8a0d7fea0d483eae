"""The run-time checks that conftest installs are really on."""

import pytest
import torch
from jaxtyping import TypeCheckError

from reposer.core import Pose
from reposer.core.images import from_uint8


def test_a_picture_of_the_wrong_type_is_refused():
    with pytest.raises(TypeCheckError):
        from_uint8(torch.zeros(2, 4, 4, 3))  # floats where bytes are due


def test_a_pose_of_whole_numbers_is_refused():
    with pytest.raises(TypeCheckError):
        Pose(torch.zeros(18, 2, dtype=torch.int64), torch.ones(18, dtype=torch.bool), (8, 8))
