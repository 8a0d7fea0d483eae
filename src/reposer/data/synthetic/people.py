"""SyntheticPeople: pairs of pictures of one dressed person in two poses, drawn on the spot from a seed."""

from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from reposer.core import BadInput, Framing, Pose, Sample
from reposer.core.images import from_uint8
from reposer.core.rng import numpy_stream
from reposer.core.skeleton import OPENPOSE_18

from ..dataset import PairDataset, frame_picture, frame_pose
from .body import BodyPose
from .identity import Identity, sample_identity
from .poses import DEMO_POSES, HANGING, RELAXED, RESTING, sample_pose, sample_yaw
from .render import Camera, RenderedPerson, render_person

Split = Literal["train", "val", "test"]
# Identity numbers of a split start here: splits never meet.
FIRST_NUMBER: dict[Split, int] = {"train": 0, "val": 900_000, "test": 950_000}
LAST_NUMBER: dict[Split, int] = {"train": 900_000, "val": 950_000, "test": 1_000_000}
_IDENTITY, _VIEW, _MISSES = 1, 2, 3  # addresses of the random streams


class SyntheticPeople(PairDataset):
    """People drawn on the spot from a seed: `num_pairs` pairs, each one person of the split in views 0 and 1.

    Pair i depends on (seed, split, i) only.

    size: (height, width) of the drawn pictures, in pixels.
    framing: how they are laid into a generator's frame; None leaves them as drawn.
    """

    def __init__(
        self,
        size: tuple[int, int] = (256, 176),
        split: str = "train",
        num_pairs: int = 10_000,
        seed: int = 0,
        framing: Framing | None = None,
    ) -> None:
        if split not in FIRST_NUMBER:
            raise BadInput(
                f"There is no split '{split}' of synthetic people; there are {', '.join(FIRST_NUMBER)}."
            )
        room = LAST_NUMBER[split] - FIRST_NUMBER[split]
        if not 0 < num_pairs <= room:
            raise BadInput(
                f"The split '{split}' of synthetic people holds 1 to {room} pairs, not {num_pairs}."
            )
        self.size, self.split, self.num_pairs, self.seed = size, split, num_pairs, seed
        self.framing, self.picture_size = framing, size

    def __len__(self) -> int:
        return self.num_pairs

    def __getitem__(self, i: int) -> Sample:
        if not -len(self) <= i < len(self):
            raise IndexError(f"pair {i} of {len(self)}")
        number = self.identity_number(i % len(self))
        source, source_pose = self._framed(self.picture(number, 0))
        target, target_pose = self._framed(self.picture(number, 1))
        return Sample(source, target, source_pose, target_pose, name=f"person{number:06d}_0")

    def identity(self, i: int) -> str:
        return f"person{self.identity_number(i % len(self)):06d}"

    def identity_number(self, i: int) -> int:
        """The number of the split's person i, unique over all splits."""
        return FIRST_NUMBER[self.split] + i

    def who(self, number: int) -> Identity:
        """Who person `number` is and what they wear."""
        return sample_identity(number, numpy_stream(self.seed, _IDENTITY, number))

    def view(self, number: int, view: int) -> tuple[BodyPose, Camera]:
        """How person `number` stands in view `view`, and from where they are seen."""
        stream = numpy_stream(self.seed, _VIEW, number, view)
        who = self.who(number)
        pose = sample_pose(who.body, stream, max_lift=0.05 if who.outfit.lower == "skirt" else 1.0)
        yaw = sample_yaw(stream)
        # half of the people whose face can be seen look towards the camera
        facing = (yaw + 180) % 360 - 180
        if abs(facing) < 110 and stream.random() < 0.5:
            bow, _, tilt = pose.neck
            pose = replace(pose, neck=(bow, float(max(-50, min(50, -0.75 * facing))), tilt))
        camera = Camera(
            yaw=yaw,
            elevation=float(stream.normal(4, 3)),
            height=float(stream.uniform(0.80, 0.88)),
            shift=(float(stream.normal(0, 0.02)), float(stream.normal(0, 0.006))),
            half=bool(stream.random() < 0.10),
        )
        return pose, camera

    def picture(self, identity_number: int, view_number: int) -> RenderedPerson:
        """One view of one person, with its truth, as drawn (not framed)."""
        pose, camera = self.view(identity_number, view_number)
        misses = numpy_stream(self.seed, _MISSES, identity_number, view_number)
        return render_person(self.who(identity_number), pose, camera, self.size, misses)

    def held_out_demo(self, num_poses: int = 6, person: int = 7) -> list[Sample]:
        """Pairs of one person of the test split: the same source, seen from the front, and clear,
        different targets.
        """
        if not 0 < num_poses <= len(DEMO_POSES):
            raise BadInput(f"The demonstration has 1 to {len(DEMO_POSES)} poses, not {num_poses}.")
        number = FIRST_NUMBER["test"] + person
        who = self.who(number)
        stand = BodyPose(right_arm=RELAXED, left_arm=HANGING, right_leg=RESTING[0], left_leg=RESTING[1])
        source, source_pose = self._framed(render_person(who, stand, Camera(yaw=12.0), self.size))
        samples = []
        for k, (pose, yaw) in enumerate(DEMO_POSES[:num_poses]):
            target, target_pose = self._framed(render_person(who, pose, Camera(yaw=yaw), self.size))
            samples.append(
                Sample(source, target, source_pose, target_pose, name=f"person{number:06d}_{k + 1}")
            )
        return samples

    def _framed(self, person: RenderedPerson) -> tuple[Tensor, Pose]:
        picture = from_uint8(torch.from_numpy(person.picture))
        return frame_picture(picture, self.framing), frame_pose(pose_of(person), self.framing)


def pose_of(person: RenderedPerson) -> Pose:
    """The joints of a drawn person as a detector would report them."""
    h, w = person.parts.shape
    return Pose(torch.from_numpy(person.xy), torch.from_numpy(person.visible), (h, w), OPENPOSE_18)
