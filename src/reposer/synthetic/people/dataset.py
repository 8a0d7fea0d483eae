"""SyntheticPeople: pairs of pictures of one dressed person in two poses, rendered on the fly from a seed."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from reposer.core import BadInput, Clip, Framing, Pose, Sample
from reposer.core.framing import frame_picture, frame_pose
from reposer.core.images import from_uint8
from reposer.core.rng import mix, numpy_stream
from reposer.core.skeleton import FACE_68, OPENPOSE_18, Skeleton
from reposer.data.dataset import DATASETS, PairDataset

from .attributes import attributes
from .body.cameras import Camera, sample_camera, sample_look
from .body.cycles import CycleName, Moment, cycle, sample_style
from .body.figure import BodyPose
from .body.poses import DEMO_POSES, HANGING, RELAXED, RESTING, sample_pose
from .identity import Identity, sample_identity
from .render.joints import with_landmarks
from .render.projection import axes_of
from .render.rendering import Rendering, Shot, aim, dress, render
from .render.scenes import Scene, sample_scene
from .render.surface import Surface

Split = Literal["train", "val", "test"]
# First identity number of each split; the ranges are disjoint.
FIRST_NUMBER: dict[Split, int] = {"train": 0, "val": 900_000, "test": 950_000}
LAST_NUMBER: dict[Split, int] = {"train": 900_000, "val": 950_000, "test": 1_000_000}
_IDENTITY, _VIEW, _MISSES, _SCENE, _CLIP = 1, 2, 3, 4, 5  # addresses of the random streams
PERIODS: dict[CycleName, float] = {"walk": 1.1, "run": 0.7, "turn": 5.0, "wave": 1.2, "sit": 5.0, "dance": 2.2}
"""Duration of one cycle of each motion, in seconds."""
DRESSED = 16
"""Size of the cache of dressed people: another picture of a cached person costs half."""


@DATASETS.register("synthetic-people")
class SyntheticPeople(PairDataset):
    """People rendered on the fly from a seed: `num_pairs` pairs, each one person of the split in views 0 and 1.

    Pair i depends on (seed, split, i) only. Splits share no people and no garment designs.

    size: (height, width) of the rendered pictures, in pixels.
    framing: how they are placed in a generator's frame; None leaves them as rendered.
    misses: drop joints as a detector would; False gives every visible joint.
    skeleton: of the poses; one with facial landmarks has all visible ones.
    """

    def __init__(
        self,
        size: tuple[int, int] = (256, 176),
        split: str = "train",
        num_pairs: int = 10_000,
        seed: int = 0,
        framing: Framing | None = None,
        *,
        misses: bool = True,
        skeleton: Skeleton = OPENPOSE_18,
    ) -> None:
        if split not in FIRST_NUMBER:
            raise BadInput(f"There is no split '{split}' of synthetic people; there are {', '.join(FIRST_NUMBER)}.")
        self._split: Split = split
        room = LAST_NUMBER[self._split] - FIRST_NUMBER[self._split]
        if not 0 < num_pairs <= room:
            raise BadInput(f"The split '{split}' of synthetic people holds 1 to {room} pairs, not {num_pairs}.")
        self.size, self.split, self.num_pairs, self.seed = size, split, num_pairs, seed
        self.framing, self.picture_size, self.misses, self.skeleton = framing, size, misses, skeleton
        self._dressed: OrderedDict[int, tuple[Identity, Surface]] = OrderedDict()

    def __len__(self) -> int:
        return self.num_pairs

    def __getitem__(self, i: int) -> Sample:
        if not -len(self) <= i < len(self):
            raise IndexError(f"pair {i} of {len(self)}")
        number = self.identity_number(i % len(self))
        rendering = self.rendered([(number, 0), (number, 1)])
        return self._sample(rendering, 0, 1, f"person{number:06d}_0")

    def identity(self, i: int) -> str:
        return f"person{self.identity_number(i % len(self)):06d}"

    def picture_names(self, i: int) -> tuple[str, str]:
        return f"{self.identity(i)}_0", f"{self.identity(i)}_1"

    def attributes(self, i: int) -> Mapping[str, str]:
        return attributes(self.who(self.identity_number(i % len(self))))

    def identity_number(self, i: int) -> int:
        """The number of the split's person i, unique over all splits."""
        return FIRST_NUMBER[self._split] + i

    def who(self, number: int) -> Identity:
        """Appearance and clothes of person `number`."""
        return sample_identity(number, numpy_stream(self.seed, _IDENTITY, number), split_of(number))

    def scene(self, number: int) -> Scene:
        """Scene of person `number`."""
        return sample_scene(numpy_stream(self.seed, _SCENE, number))

    def view(self, number: int, view: int) -> tuple[BodyPose, Camera]:
        """Pose and camera of person `number` in view `view`."""
        return self._view(self.who(number), view)

    def _view(self, who: Identity, view: int) -> tuple[BodyPose, Camera]:
        stream = numpy_stream(self.seed, _VIEW, who.number, view)
        camera = sample_camera(stream)
        pose = sample_pose(who.body, stream, max_lift=0.05 if who.outfit.lower == "skirt" else 1.0)
        return sample_look(pose, camera, stream), camera

    def shot(self, number: int, view: int) -> Shot:
        """Everything that determines the picture of person `number` in view `view`."""
        who, surface = self._person(number)
        pose, camera = self._view(who, view)
        misses = mix(self.seed, _MISSES, number, view) if self.misses else None
        return Shot(who, surface, pose, camera, self.scene(number), misses)

    def rendered(self, views: Sequence[tuple[int, int]], device: torch.device | str = "cpu") -> Rendering:
        """The pictures of these (person, view) with their ground truth, as rendered (not framed)."""
        return render([self.shot(number, view) for number, view in views], self.size, device)

    def clip(self, number: int, motion: CycleName, num_frames: int, *, fps: float = 25.0) -> tuple[Clip, Rendering]:
        """A clip of person `number` in one of CYCLES' motions, seen by a fixed camera, and its ground truth."""
        moment = self.moving(number, motion, fps=fps)
        shots = [moment(t) for t in range(num_frames)]
        rendering = Rendering.joined([render([shot], self.size) for shot in shots])
        return Clip(from_uint8(rendering.picture), rendering.detected, f"person{number:06d}_{motion}", fps), rendering

    def moving(self, number: int, motion: CycleName, *, fps: float = 25.0) -> Callable[[int], Shot]:
        """Everything that determines frame t of a clip of person `number`, as a function of t; the camera is fixed."""
        stream = numpy_stream(self.seed, _CLIP, number)
        (who, surface), scene = self._person(number), self.scene(number)
        camera, style = replace(sample_camera(stream), crop="full"), sample_style(stream)
        start, seconds = float(stream.random()), PERIODS[motion] * float(stream.uniform(0.85, 1.2))

        def moment(phase: float) -> tuple[Moment, Shot]:
            found = cycle(motion, phase, who.body, style)
            return found, Shot(who, surface, found.pose, camera, scene)

        # place the camera so that the whole motion is in the picture
        around = [moment(k / 12) for k in range(12)]
        still = aim([(shot, now.yaw, now.shift) for now, shot in around], self.size)

        def at(t: int) -> Shot:
            now, shot = moment((start + t / fps / seconds) % 1)
            projection = replace(still, turn=axes_of(camera, now.yaw), middle=still.middle - np.array(now.shift))
            misses = mix(self.seed, _MISSES, number, _CLIP, t) if self.misses else None
            return replace(shot, projection=projection, misses=misses)

        return at

    def held_out_demo(self, num_poses: int = 6, person: int = 7) -> list[Sample]:
        """Pairs of one person of the test split: one frontal source with clear, different targets."""
        if not 0 < num_poses <= len(DEMO_POSES):
            raise BadInput(f"The demonstration has 1 to {len(DEMO_POSES)} poses, not {num_poses}.")
        number = FIRST_NUMBER["test"] + person
        who, surface = self._person(number)
        stand = BodyPose(right_arm=RELAXED, left_arm=HANGING, right_leg=RESTING[0], left_leg=RESTING[1])
        views = [(stand, 12.0), *DEMO_POSES[:num_poses]]
        shots = [Shot(who, surface, pose, Camera(yaw=yaw), Scene()) for pose, yaw in views]
        rendering = render(shots, self.size)
        return [self._sample(rendering, 0, k, f"person{number:06d}_{k}") for k in range(1, len(shots))]

    def _person(self, number: int) -> tuple[Identity, Surface]:
        """Person `number` and their dressed surface."""
        if number in self._dressed:
            self._dressed.move_to_end(number)
        else:
            who = self.who(number)
            self._dressed[number] = who, dress(who, self.size)
            if len(self._dressed) > DRESSED:
                self._dressed.popitem(last=False)
        return self._dressed[number]

    def _sample(self, rendering: Rendering, source: int, target: int, name: str) -> Sample:
        def framed(row: int) -> tuple[Tensor, Pose]:
            picture = frame_picture(from_uint8(rendering.picture[row]), self.framing)
            pose = rendering.detected[row]
            if self.skeleton != OPENPOSE_18:
                pose = with_landmarks(pose, rendering.poses[FACE_68.name][row]).convert(self.skeleton)
            return picture, frame_pose(pose, self.framing)

        source_picture, source_pose = framed(source)
        target_picture, target_pose = framed(target)
        return Sample(source_picture, target_picture, source_pose, target_pose, name=name)


def split_of(number: int) -> Split:
    """The split to which person `number` belongs."""
    for split, first in FIRST_NUMBER.items():
        if first <= number < LAST_NUMBER[split]:
            return split
    raise BadInput(f"There is no synthetic person {number}; numbers run from 0 to {LAST_NUMBER['test'] - 1}.")
