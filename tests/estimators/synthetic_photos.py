"""Photos of one or several synthetic people whom MoveNet finds, with their true joints."""

from functools import lru_cache

import torch

from reposer.core import Pose
from reposer.core.images import to_uint8
from reposer.synthetic.people import SyntheticPeople

CLEAR = (6, 18)
"""Samples of the test split that show a whole person."""
SIZE = (256, 176)


@lru_cache
def somebody(which=0):
    """A picture of (256, 176), and the pose of its person."""
    sample = SyntheticPeople(SIZE, "test", 24)[CLEAR[which]]
    return to_uint8(sample.source), sample.source_pose


def side_by_side(*scales):
    """People next to each other on grey, scaled by these factors, and their poses from left to right."""
    height = int(max(scales) * SIZE[0])
    parts, poses, left = [], [], 0
    width = sum(int(scale * SIZE[1]) for scale in scales)
    for k, scale in enumerate(scales):
        picture, pose = somebody(k % 2)
        size = (int(scale * SIZE[0]), int(scale * SIZE[1]))
        small = torch.nn.functional.interpolate(
            picture.movedim(-1, 0)[None].float(), size=size, mode="bilinear", antialias=True
        )[0]
        part = torch.full((height, size[1], 3), 128, dtype=torch.uint8)
        part[height - size[0] :] = small.round().to(torch.uint8).movedim(0, -1)
        move = torch.tensor([[1.0, 0.0, float(left)], [0.0, 1.0, float(height - size[0])]])
        poses.append(pose.resize(size).affine(move, (height, width)))
        parts.append(part)
        left += size[1]
    return torch.cat(parts, 1), poses


def errors(found: Pose, truth: Pose):
    """Distances of the body's joints that both show, as shares of the height of the true box."""
    found = found.convert(truth.skeleton)
    both = found.visible & truth.visible
    both[[k for k in range(len(both)) if k not in truth.skeleton.body_indices]] = False
    _, top, _, bottom = truth.box()
    return (found.xy - truth.xy)[both].norm(dim=-1) / (bottom - top)
