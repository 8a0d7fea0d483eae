"""How well joints were found, as sums over pairs: PCKh, PCK, errors, misses, false joints and OKS."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float64, Int64
from torch import Tensor

from reposer.core.skeleton import COCO_17, OPENPOSE_18

_BOTH_SIDES = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
GROUPS: dict[str, tuple[str, ...]] = {
    "head": ("nose", "right_eye", "left_eye", "right_ear", "left_ear"),
    "neck": ("neck",),
    **{joint: (f"right_{joint}", f"left_{joint}") for joint in _BOTH_SIDES},
}
"""The joints of each part that has its own number."""
HEAD_BOX = (*GROUPS["head"], *GROUPS["neck"])  # OpenPose's joints 0, 1 and 14 to 17

PATN_SHARE = 0.5  # of the head box's sides
PCKH_SHARE = 0.5  # of the head's size
HEAD_OF_BOX, SMALLEST_HEAD = (0.6, 4.0)  # a head's size as a share of its box's diagonal, and its minimum in pixels
PCK_SHARES = (0.05, 0.1, 0.2)  # of the torso's diagonal
OKS_LEVELS = (0.5, 0.75)

# How far COCO's annotators differ, as a share of a person's scale (Ronchi and Perona 2017, arXiv:1707.05388).
COCO_SIGMAS = {
    "nose": 0.026, "eye": 0.025, "ear": 0.035, "shoulder": 0.079, "elbow": 0.072, "wrist": 0.062,
    "hip": 0.107, "knee": 0.087, "ankle": 0.089,
}  # fmt: skip


@dataclass(frozen=True)
class Joints:
    """N people's joints in the order of OPENPOSE_18, in pixels. The xy of an invisible joint is undefined."""

    xy: Float64[Tensor, "N 18 2"]
    visible: Bool[Tensor, "N 18"]

    def extent(self, joints: Sequence[str]) -> tuple[Float64[Tensor, "N 2"], Int64[Tensor, "N"]]:
        """Width and height that the visible ones of `joints` span (0 if none is), and how many are visible."""
        places = _places(joints)
        xy, seen = self.xy[:, places], self.visible[:, places, None]
        spread = torch.where(seen, xy, -torch.inf).amax(1) - torch.where(seen, xy, torch.inf).amin(1)
        count = self.visible[:, places].sum(1)
        return torch.where(count[:, None] > 0, spread, 0.0), count


@dataclass(frozen=True)
class Tally:
    """A number about N pairs: the sum of `above` over the sum of `below`. A pair with 0 in both does not count."""

    metric: str
    part: str
    above: Float64[Tensor, "N"]
    below: Float64[Tensor, "N"]
    higher_is_better: bool = True
    unit: str = ""


def measures(found: Joints, truth: Joints) -> Iterator[Tally]:
    """All numbers that compare found joints with those of `truth`."""
    yield pckh_patn(found, truth)
    yield from pck(found, truth)
    yield from pckh(found, truth)
    yield from errors(found, truth)
    yield from misses(found, truth)
    yield from false_joints(found, truth)
    yield from oks(found, truth)


def pckh_patn(found: Joints, truth: Joints) -> Tally:
    """PCKh as PATN's script has it: on each axis separately, nearer than half the head box's side along that axis.

    Pairs with fewer than 2 visible joints of the head box are excluded. A joint that was not found is wrong, a
    superfluous one costs nothing. A head seen exactly from the side has a box without width, so no joint is right.
    """
    extent, seen = truth.extent(HEAD_BOX)
    counted = truth.visible & (seen >= 2)[:, None]
    near = ((found.xy - truth.xy).abs() < PATN_SHARE * extent[:, None]).all(-1)
    right = counted & found.visible & near
    return Tally("pckh-patn", "", right.sum(1).double(), counted.sum(1).double())


def pck(found: Joints, truth: Joints) -> Iterator[Tally]:
    """Share of joints within a share of the torso's diagonal, that of the box around shoulders and hips.

    Pairs without a visible shoulder or without a visible hip have no torso.
    """
    extent, _ = truth.extent(GROUPS["shoulder"] + GROUPS["hip"])
    whole = (truth.extent(GROUPS["shoulder"])[1] > 0) & (truth.extent(GROUPS["hip"])[1] > 0)
    for share in PCK_SHARES:
        yield from _within(f"pck@{share:g}", share * extent.norm(dim=-1), whole, found, truth)


def pckh(found: Joints, truth: Joints) -> Iterator[Tally]:
    """Share of joints within half the head's size (Andriluka et al. 2014), here 0.6 of its box's diagonal."""
    extent, seen = truth.extent(HEAD_BOX)
    head = (HEAD_OF_BOX * extent.norm(dim=-1)).clamp(min=SMALLEST_HEAD)
    yield from _within(f"pckh@{PCKH_SHARE:g}", PCKH_SHARE * head, seen >= 2, found, truth)


def errors(found: Joints, truth: Joints) -> Iterator[Tally]:
    """Mean distance in pixels over the true joints that were found."""
    both = found.visible & truth.visible
    distance = torch.where(both, _distance(found, truth), 0.0)
    yield from _by_part("joint-error", distance, both, False, "px")


def misses(found: Joints, truth: Joints) -> Iterator[Tally]:
    """Share of the true joints that were not found."""
    yield from _by_part("joint-missed", truth.visible & ~found.visible, truth.visible, False)


def false_joints(found: Joints, truth: Joints) -> Iterator[Tally]:
    """Share of the joints absent from the truth that were found."""
    yield from _by_part("joint-false", found.visible & ~truth.visible, ~truth.visible, False)


def oks(found: Joints, truth: Joints) -> Iterator[Tally]:
    """COCO's object keypoint similarity, its mean and the share of pairs above each level.

    The mean over COCO's joints in the truth of exp(-d^2 / (2 area (2 sigma)^2)), and 0 for one that was not found;
    area: of the box, in pixel edges, around those joints. Pairs without any are excluded.
    """
    joints = _places(COCO_17.joints)
    extent, count = truth.extent(COCO_17.joints)
    area = (extent + 1).prod(-1)  # from the middles of the outer pixels to their edges
    sigma = truth.xy.new_tensor([COCO_SIGMAS[joint.split("_")[-1]] for joint in COCO_17.joints])
    squares = _distance(found, truth)[:, joints].square()
    near = torch.exp(-squares / (2 * area[:, None] * (2 * sigma).square()))
    both = (found.visible & truth.visible)[:, joints]
    similarity = torch.where(both, near, 0.0).sum(1) / count.clamp(min=1)
    there = (count > 0).double()
    yield Tally("oks", "", similarity, there)
    for level in OKS_LEVELS:
        yield Tally(f"oks@{level:g}", "", (similarity > level).double(), there)


def _within(
    metric: str, reach: Float64[Tensor, "N"], measurable: Bool[Tensor, "N"], found: Joints, truth: Joints
) -> Iterator[Tally]:
    """Share of the true joints that were found at most `reach` pixels away."""
    counted = truth.visible & measurable[:, None]
    right = counted & found.visible & (_distance(found, truth) <= reach[:, None])
    yield from _by_part(metric, right, counted)


def _by_part(
    metric: str,
    above: Bool[Tensor, "N 18"] | Float64[Tensor, "N 18"],
    below: Bool[Tensor, "N 18"],
    higher_is_better: bool = True,
    unit: str = "",
) -> Iterator[Tally]:
    """One tally over all joints, and one per group."""
    for part, joints in {"": OPENPOSE_18.joints, **GROUPS}.items():
        places = _places(joints)
        over, under = (values[:, places].sum(1).double() for values in (above, below))
        yield Tally(metric, part, over, under, higher_is_better, unit)


def _distance(found: Joints, truth: Joints) -> Float64[Tensor, "N 18"]:
    distance: Tensor = (found.xy - truth.xy).norm(dim=-1)
    return distance


def _places(joints: Sequence[str]) -> list[int]:
    return [OPENPOSE_18.index(joint) for joint in joints]
