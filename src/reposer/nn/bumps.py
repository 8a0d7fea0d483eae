"""Convolutions of pose maps, each of which is a column times a row, as a bump of a joint is: of side 7, about a
seventh of the products.

sum over dy, dx of w[dy, dx] column[y + dy] row[x + dx] = sum over dy of column[y + dy] (sum over dx of w[dy, dx]
row[x + dx]): the inner sum has one axis less, the outer one is a product of matrices.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

WORTH = 4096  # places of a map, from which on the work saved outweighs the search for columns and rows
EXACT = 1e-5  # of the largest value: maps further from a column times a row are something else


def columns_and_rows(maps: Float[Tensor, "B K H W"]) -> tuple[Float[Tensor, "B K H"], Float[Tensor, "B K W"]] | None:
    """Of which each map is the product; None if one is no such product. Maps are at least 0; an empty one is 0."""
    down, across = maps.sum(3), maps.sum(2)
    whole = down.sum(2, keepdim=True)
    columns = down / torch.where(whole > 0, whole, 1.0)
    apart = (columns[..., None] * across[..., None, :]).sub_(maps).abs_().amax()
    return (columns, across) if bool(apart <= EXACT * maps.amax()) else None


def convolved(
    columns: Float[Tensor, "B K H"], rows: Float[Tensor, "B K W"], weight: Float[Tensor, "O K k k"]
) -> Float[Tensor, "B O H W"]:
    """The convolution of the maps that are these columns times these rows, padded by reflection to keep their size."""
    (batch, _, height), width, outputs, side = columns.shape, rows.shape[2], len(weight), weight.shape[2]
    reach = (side // 2, side // 2)
    near_rows = F.pad(rows, reach, mode="reflect").unfold(2, side, 1)  # B K W dx
    near_columns = F.pad(columns, reach, mode="reflect").unfold(2, side, 1)  # B K H dy
    inner = torch.einsum("bkwx,okyx->bkywo", near_rows, weight)
    outer = near_columns.permute(0, 2, 1, 3).reshape(batch, height, -1)
    found = torch.bmm(outer, inner.reshape(batch, -1, width * outputs))
    return found.view(batch, height, width, outputs).permute(0, 3, 1, 2)
