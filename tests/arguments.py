"""A picture and two conditions that any generator may be asked with, whatever kind it wants."""

import torch

from reposer.core import FaceLines, Pose, View


def inputs(generator, rows=3, seed=1):
    random = torch.Generator().manual_seed(seed)
    conditions = [
        some_conditions(generator, skeleton, rows, random)
        for skeleton in (generator.source_skeleton, generator.skeleton)
    ]
    return torch.rand(rows, 3, *generator.framing.size, generator=random) * 2 - 1, *conditions


def some_conditions(generator, skeleton, rows, random):
    if generator.condition is View:
        azimuth, elevation = (torch.randint(n, (rows,), generator=random) for n in (18, 3))
        return View(20.0 * azimuth, 10.0 * elevation)
    height, width = generator.framing.size
    pose = Pose(
        torch.rand(rows, len(skeleton), 2, generator=random) * torch.tensor([width, height]),
        torch.rand(rows, len(skeleton), generator=random) > 0.2,
        (height, width),
        skeleton,
    )
    if generator.condition is FaceLines:
        return FaceLines(pose, (torch.rand(rows, 1, height, width, generator=random) > 0.9).float())
    assert generator.condition is Pose, f"{generator.condition.__name__} has no inputs in this test yet"
    return pose
