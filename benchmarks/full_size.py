"""A photo of 12 megapixels in another pose: time and memory of its steps, with the shipped generator.

The photo is a synthetic person, enlarged, with noise that only copying keeps. On the CPU; the generator also on
`--device`.
"""

import torch
from torch import Tensor

from reposer.core import Pose
from reposer.core.images import resize, to_uint8
from reposer.core.memory import own_peak
from reposer.generators import load
from reposer.pipeline import PhotoCrop, crop_edges, transfer
from reposer.synthetic.people import SyntheticPeople

from .measure import Table, best_times

MODEL = "trueflow"
SIZE = (4000, 3000)
REPEATS = 3


def run(device: torch.device) -> list[Table]:
    generator = load(MODEL).to(device)
    photo, own, target = large_photo()
    picture_size = generator.framing.person_size
    crop = PhotoCrop(photo, crop_edges(own, target, generator.framing, picture_size), generator.framing, picture_size)
    source = crop.laid().to(device)
    poses = [Pose.stack([crop.place(pose)]).to(device) for pose in (own, target)]
    explanation = generator.explain(source, *poses)
    calls = {
        "crop and reduce": crop.laid,
        f"{MODEL}": lambda: generator.explain(source, *poses),
        "compose at full size": lambda: crop.composed(explanation).picture,
        "compose, with provenance": lambda: crop.composed(explanation, provenance=True).picture,
        "whole transfer": lambda: transfer(generator, photo, own, target).picture,
    }
    rows = []
    for name, call in calls.items():
        seconds = best_times({name: call}, repeats=REPEATS, device=device)[name]
        rows.append((name, seconds, own_peak() / 1e9))
    shares = transfer(generator, photo, own, target, provenance=True).provenance
    assert shares is not None
    said = ", ".join(f"{share:.1%} {kind}" for kind, share in shares.shares.items())
    height, width = crop.edges[3] - crop.edges[1], crop.edges[2] - crop.edges[0]
    note = f"best of {REPEATS}; peak of the whole process until then; part of {height}x{width}; pixels: {said}"
    title = f"{MODEL} on a photo of {SIZE[0]}x{SIZE[1]}"
    return [Table(title, ("step", "seconds", "peak memory (GB)"), list(rows), note)]


def large_photo() -> tuple[Tensor, Pose, Pose]:
    """The photo, its person's pose, and another pose of the same person."""
    pair = SyntheticPeople((512, 384), "test", 20).held_out_demo(2)[1]
    large = resize(pair.source[None], SIZE)[0]
    large += 0.03 * torch.randn(large.shape, generator=torch.Generator().manual_seed(0))
    return to_uint8(large), pair.source_pose.resize(SIZE), pair.target_pose.resize(SIZE)
