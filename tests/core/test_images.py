"""Parts of large pictures are resized as whole ones are, some rows and columns at a time."""

import pytest
import torch

from reposer.core import images
from reposer.core.images import from_uint8, resize, resize_part, resized_columns


def some_bytes(*size):
    return torch.randint(0, 256, size, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


CASES = [
    ((60, 50), (0, 0, 50, 60), (24, 16)),
    ((60, 50), (10, 5, 40, 47), (90, 70)),
    ((60, 50), (-20, -30, 70, 75), (24, 16)),
    ((7, 200), (30, -40, 90, 60), (24, 16)),
    ((60, 50), (3, 3, 20, 20), (17, 17)),
    ((60, 1), (0, 0, 1, 60), (24, 1)),
    ((60, 50), (49, 0, 50, 60), (24, 1)),
]


@pytest.mark.parametrize("block", [1, 100, 1 << 20])
@pytest.mark.parametrize(("size", "edges", "wanted"), CASES)
def test_a_part_is_resized_as_if_it_had_been_cut_out_to_the_bit(monkeypatch, size, edges, wanted, block):
    picture = some_bytes(*size, 3)
    left, top, right, bottom = edges
    rows, columns = torch.arange(top, bottom).clamp(0, size[0] - 1), torch.arange(left, right)
    cut = from_uint8(picture[rows][:, columns.clamp(0, size[1] - 1)])[None]
    expected = resize(cut, wanted)
    monkeypatch.setattr(images, "BLOCK", block)
    assert torch.equal(resize_part(picture, edges, wanted), expected)


@pytest.mark.parametrize("block", [1, 100, 1 << 20])
@pytest.mark.parametrize("size", [(90, 70), (24, 16), (11, 7), (24, 40)])
def test_columns_of_a_resized_picture_are_those_of_the_whole_to_the_bit(monkeypatch, size, block):
    picture = from_uint8(some_bytes(24, 16, 3))[None]
    box = (2, 3, size[1] - 1, size[0] - 4)
    expected = resize(picture, size)[..., box[1] : box[3], box[0] : box[2]]
    monkeypatch.setattr(images, "BLOCK", block)
    found = torch.empty_like(expected)
    for columns, pixels in resized_columns(picture, size, box):
        found[..., columns] = pixels
    assert torch.equal(found, expected)


def test_one_column_is_resized_as_one_of_many_that_are_alike():
    column = from_uint8(some_bytes(99, 1, 3))[None]
    assert torch.equal(resize(column, (20, 1)), resize(column.expand(-1, -1, -1, 5), (20, 5))[..., :1])
