"""Synthetic clips of people and faces, rendered on the fly: frame t of clip i depends on (seed, split, i, t) only."""

from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from typing import Any, Generic, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from reposer.core import BadInput, FaceLines, Framing, Pose, Skeleton
from reposer.core.framing import frame_mask, frame_picture, frame_pose
from reposer.core.images import from_uint8
from reposer.core.rng import numpy_stream
from reposer.core.samples import Condition
from reposer.core.skeleton import OPENPOSE_18
from reposer.data.clip_dataset import CLIP_DATASETS, ClipDataset, RecentFrames, with_edges
from reposer.data.dataset import CACHE_BYTES

from .body.cameras import Camera
from .body.cycles import CYCLES, CycleName
from .dataset import SyntheticPeople
from .render.heads import Bust, Manner
from .render.rendering import render

M = TypeVar("M")
PEOPLE_SIZE, FACE_SIZE = (256, 176), (256, 256)  # picture sizes without a framing
CLIP_LENGTH = 75  # frames: three seconds
AT_ONCE = 8  # frames rendered together
KEPT_MOTIONS = 16  # cached people, dressed and with their camera
_MOTION, _MANNER, _FACE_VIEW = 21, 22, 23  # addresses of the random streams


class _Kept(Generic[M]):
    """The most recently made items, by number. Not sent to worker processes."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._kept: OrderedDict[int, M] = OrderedDict()

    def get(self, number: int, make: Any) -> M:
        if number in self._kept:
            self._kept.move_to_end(number)
        else:
            self._kept[number] = make(number)
            if len(self._kept) > self.count:
                self._kept.popitem(last=False)
        return self._kept[number]

    def __getstate__(self) -> dict[str, Any]:
        return {"count": self.count, "_kept": OrderedDict()}


class _RenderedClips(ClipDataset):
    """Base of both kinds: numbered people of a split, and a cache of rendered frames."""

    def __init__(
        self,
        split: str,
        framing: Framing | None,
        size: tuple[int, int],
        frames: int,
        num_clips: int,
        seed: int,
        length: int,
        fps: float,
        cache_bytes: int,
    ) -> None:
        if not 0 < frames <= length:
            raise BadInput(f"The clips have {length} frames; a sample has 1 to {length} of them, not {frames}.")
        self.split, self.framing, self.frames_per_sample = split, framing, frames
        self.people = SyntheticPeople(size, split, num_clips, seed, misses=False)
        self.size, self.length, self.rate = size, length, fps
        self.memory = RecentFrames(cache_bytes)

    def __len__(self) -> int:
        return len(self.people)

    def identity(self, i: int) -> str:
        return self.people.identity(i)

    def name(self, i: int) -> str:
        return self.identity(i)

    def fps(self, i: int) -> float:
        return self.rate

    def picture_size(self, i: int) -> tuple[int, int]:
        return self.size

    def span(self, i: int) -> range:
        return range(self.length)

    def number(self, i: int) -> int:
        """The number of the person of clip i, unique over all splits."""
        return self.people.identity_number(i % len(self))

    @abstractmethod
    def rendered(self, i: int, frames: Sequence[int]) -> list[tuple[Tensor, ...]]:
        """These frames of clip i, rendered together; each is independent of which others are asked for."""

    def kept(self, i: int, frames: Sequence[int]) -> list[tuple[Tensor, ...]]:
        """These frames of clip i, from the cache or newly rendered."""
        i %= len(self)
        lacking = [t for t in dict.fromkeys(frames) if (i, t) not in self.memory]
        found: dict[int, tuple[Tensor, ...]] = {}
        for start in range(0, len(lacking), AT_ONCE):
            some = lacking[start : start + AT_ONCE]
            found |= zip(some, self.rendered(i, some), strict=True)

        def frame(t: int) -> tuple[Tensor, ...]:
            return found[t] if t in found else self.rendered(i, [t])[0]

        return [self.memory.get((i, t), partial(frame, t)) for t in frames]

    def pictures(self, i: int, frames: Sequence[int]) -> Float[Tensor, "T 3 H W"]:
        return torch.stack([frame_picture(from_uint8(found[0]), self.framing) for found in self.kept(i, frames)])


@CLIP_DATASETS.register("synthetic-clips")
class SyntheticClips(_RenderedClips):
    """Synthetic people who walk, run, turn, wave, sit down or dance in front of a fixed camera.

    Clip i is person i of the split in one motion, `length` frames long; splits share no people.

    framing: the pictures are rendered at its `person_size`. fps: frames per second.
    skeleton, source_skeleton: of the frames' poses and of the reference's; None = OpenPose's 18 joints, the native
    ones.
    misses: drop joints frame by frame as a detector would; False gives every visible joint.
    cache_bytes: limit of the cache of rendered frames, per process.
    """

    def __init__(
        self,
        split: str = "train",
        framing: Framing | None = None,
        *,
        frames: int = 30,
        num_clips: int = 200,
        seed: int = 0,
        length: int = CLIP_LENGTH,
        fps: float = 25.0,
        skeleton: Skeleton | None = None,
        source_skeleton: Skeleton | None = None,
        misses: bool = False,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        size = PEOPLE_SIZE if framing is None else framing.person_size
        super().__init__(split, framing, size, frames, num_clips, seed, length, fps, cache_bytes)
        self.people.misses = misses
        self.skeleton, self.source_skeleton = skeleton or OPENPOSE_18, source_skeleton or OPENPOSE_18
        self._motions: _Kept[Any] = _Kept(KEPT_MOTIONS)

    def motion(self, i: int) -> CycleName:
        """The motion of clip i."""
        stream = numpy_stream(self.people.seed, _MOTION, self.number(i))
        return list(CYCLES)[int(stream.integers(len(CYCLES)))]

    def conditions(self, i: int, frames: Sequence[int]) -> Condition:
        return self._poses(i, frames).convert(self.skeleton)

    def reference(self, i: int, frame: int) -> tuple[Float[Tensor, "3 H W"], Condition]:
        return self.pictures(i, [frame])[0], self._poses(i, [frame]).convert(self.source_skeleton)[0]

    def _poses(self, i: int, frames: Sequence[int]) -> Pose:
        """The rendered poses, in the generator's frame."""
        found = self.kept(i, frames)
        xy, visible = torch.stack([f[2] for f in found]), torch.stack([f[3] for f in found])
        return frame_pose(Pose(xy, visible, self.size, OPENPOSE_18), self.framing)

    def masks(self, i: int, frames: Sequence[int]) -> Float[Tensor, "T 1 H W"]:
        return torch.stack([frame_mask(f[1].float()[None], self.framing) for f in self.kept(i, frames)])

    def rendered(self, i: int, frames: Sequence[int]) -> list[tuple[Tensor, ...]]:
        """For each frame: picture (h, w, 3), mask (h, w), joints (18, 2) and visibility (18)."""
        moving = self._motions.get(self.number(i), lambda n: self.people.moving(n, self.motion(i), fps=self.rate))
        rendering = render([moving(t) for t in frames], self.size)
        pose = rendering.detected
        return list(zip(rendering.picture, rendering.mask, pose.xy, pose.visible, strict=True))


@CLIP_DATASETS.register("synthetic-face-clips")
class SyntheticFaceClips(_RenderedClips):
    """Close-ups of synthetic people's heads, which turn by up to 27 degrees, nod, smile, talk and blink.

    Clip i is person i of the split; splits share no people. Conditions are FaceLines with exact landmarks, including
    hidden ones, as landmark detectors report them.

    framing: the pictures are rendered at its size. fps: frames per second. edges: include each frame's edges around
    the face.
    cache_bytes: limit of the cache of rendered frames, per process.
    """

    def __init__(
        self,
        split: str = "train",
        framing: Framing | None = None,
        *,
        frames: int = 30,
        num_clips: int = 200,
        seed: int = 0,
        length: int = CLIP_LENGTH,
        fps: float = 25.0,
        edges: bool = False,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        size = FACE_SIZE if framing is None else framing.size
        super().__init__(split, framing, size, frames, num_clips, seed, length, fps, cache_bytes)
        self.edges = edges
        self._busts: _Kept[tuple[Bust, Manner]] = _Kept(KEPT_MOTIONS)

    def conditions(self, i: int, frames: Sequence[int]) -> Condition:
        bust, manner = self._bust(i)
        points = Pose.stack([bust.landmarks(manner(t / self.rate)) for t in frames])
        framed = frame_pose(points, self.framing)
        return with_edges(framed, self.pictures(i, frames)) if self.edges else FaceLines(framed)

    def rendered(self, i: int, frames: Sequence[int]) -> list[tuple[Tensor, ...]]:
        """For each frame: its picture (h, w, 3)."""
        bust, manner = self._bust(i)
        rendering = render([bust.shot(manner(t / self.rate)) for t in frames], self.size)
        return [(picture,) for picture in rendering.picture]

    def _bust(self, i: int) -> tuple[Bust, Manner]:
        return self._busts.get(self.number(i), self._made)

    def _made(self, number: int) -> tuple[Bust, Manner]:
        seed = self.people.seed
        who, view = self.people.who(number), numpy_stream(seed, _FACE_VIEW, number)
        camera = Camera(
            yaw=float(view.normal(0, 7)),
            elevation=float(view.normal(1, 3)),
            shift=(float(view.normal(0, 0.012)), float(view.normal(0.01, 0.012))),
            roll=float(view.normal(0, 1)),
            distance=float(view.uniform(2.5, 6)),
        )
        share = float(view.uniform(0.68, 0.80))
        bust = Bust(who, self.people.scene(number), camera, self.size, share)
        return bust, Manner(who.face, numpy_stream(seed, _MANNER, number))
