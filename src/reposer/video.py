"""A photo that moves: its person, or its face, in one pose after another; an object from one side after another.

Frames come as they are drawn; what is held does not grow with the clip.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from reposer.core import BadInput, Generator, Pose, View
from reposer.core.face_motion import driven_by
from reposer.core.images import from_uint8, resize, to_uint8
from reposer.core.skeleton import FACE_68
from reposer.nn.maps import stick_picture
from reposer.nn.steady import Steadier

from .pipeline import (
    PhotoCrop,
    checked_pose,
    crop_edges,
    device_of,
    open_photo,
    placement,
    refuse_other_picture,
)

ENOUGH = 0.5  # of a skeleton's joints: a frame that shows so many says how large and where the person is
DRAWN, SHOWN = "drawn", "shown"  # names in a frame's memory


@dataclass(frozen=True)
class MovedFrame:
    """One frame.

    picture: the photo's own size. pose: where the person was drawn, in pixels of the photo.
    memory: what the frame after it is drawn from, beside its pose; {} where every frame is drawn by itself.
    """

    picture: UInt8[Tensor, "H W 3"]
    pose: Pose
    memory: Mapping[str, Tensor]


class PhotoAnimation:
    """A photo's person who is to move as `poses` say.

    One crop of the photo serves the whole clip: the source's person with the framing's margin and, where the whole track
    is known, all that it reaches; outside of it no pixel ever changes. The poses are placed in the photo by one
    similarity (see `pipeline.placement`), that of the first frame with at least half of the joints, so that a walk stays
    a walk. A face is driven by another person's landmarks through `core.face_motion`, unless it is the same person's.

    A frame that shows nobody keeps the pose before it; the first ones wait for the first pose. `missing` counts them.

    source_pose: the person in the photo, in pixels of the photo. poses: a pose per frame in pixels of their own clip, of
    one size and skeleton: the rows of a `Pose` if all are known, else one at a time. same_person: for faces.
    picture_size, seed: as in `pipeline.transfer`. steadier: calms the drawn frames.
    """

    def __init__(
        self,
        generator: Generator,
        photo: Tensor | np.ndarray | Path | str,
        source_pose: Pose,
        poses: Pose | Iterable[Pose],
        *,
        same_person: bool = False,
        picture_size: tuple[int, int] | None = None,
        seed: int = 0,
        steadier: Steadier | None = None,
    ) -> None:
        picture = open_photo(photo)
        self._source_pose = checked_pose(source_pose, generator, "photo", generator.source_skeleton)
        refuse_other_picture(self._source_pose, picture)
        self._anchor = checked_pose(source_pose, generator, "photo", generator.skeleton)
        self._generator, self._seed, self._steadier = generator, seed, steadier
        self._same_person = same_person
        self.missing = 0
        reach = self._anchor
        if isinstance(poses, Pose):
            rows = list(self._placed(iter(poses)))
            if not any(row.visible.any() for row in rows):
                raise BadInput(_nobody(len(rows), poses, generator))
            reach = Pose.stack(rows)
            self._poses: Iterable[Pose] = rows
        else:
            self._poses = self._placed(iter(poses))
        size = picture_size or generator.framing.person_size
        edges = crop_edges(self._source_pose, reach, generator.framing, size)
        self.crop = PhotoCrop(picture, edges, generator.framing, size)

    def frames(self, start: int = 0, memory: Mapping[str, Tensor] | None = None) -> Iterator[MovedFrame]:
        """The frames from `start` on, once. memory: that of the frame before it, if `start` is above 0."""
        device = device_of(self._generator)
        poses = self._held(iter(self._poses))
        before: Pose | None = None
        for _ in range(start):
            before = next(poses, None)
            if before is None:
                return
        drawn_for: deque[Pose] = deque()

        def asked() -> Iterator[Pose]:
            for pose in poses:
                drawn_for.append(pose)
                yield self.crop.place(pose).to(device)

        options: dict[str, Any] = {"seed": self._seed}
        if before is not None and memory:
            if self._generator.remembers:
                options["previous"] = (memory[DRAWN].to(device), self.crop.place(before).to(device))
            if self._steadier is not None:
                self._steadier.before = (memory[DRAWN].to(device), memory[SHOWN].to(device))
        source = self.crop.laid()[0].to(device)
        own = self.crop.place(self._source_pose).to(device)
        for drawn in self._generator.animate(source, own, asked(), **options):
            shown = drawn if self._steadier is None else self._steadier(drawn)
            yield MovedFrame(self.crop.pasted(shown[None]), drawn_for.popleft(), self._kept(drawn, shown))

    def _kept(self, drawn: Tensor, shown: Tensor) -> Mapping[str, Tensor]:
        if self._steadier is not None:
            return {DRAWN: drawn, SHOWN: shown}
        return {DRAWN: drawn} if self._generator.remembers else {}

    def _placed(self, poses: Iterator[Pose]) -> Iterator[Pose]:
        """In pixels of the photo and in the generator's skeleton; frames that show nobody stay so."""
        skeleton = self._generator.skeleton
        converted = (pose.convert(skeleton).to("cpu") for pose in poses)
        own = (replace(pose, xy=pose.xy.float(), score=None) for pose in converted)
        if skeleton == FACE_68 and not self._same_person:
            yield from driven_by(self._anchor, own)
            return
        waiting: list[Pose] = []
        for pose in own:
            waiting.append(pose)
            if pose.visible.float().mean() >= ENOUGH:
                break
        if not waiting:
            return
        reference = max(waiting, key=lambda pose: int(pose.visible.sum()))
        if not reference.visible.any():
            yield from (replace(pose, size=self._anchor.size) for pose in waiting)
            return
        matrix = placement(self._anchor, reference)
        for pose in chain(waiting, own):
            yield pose.affine(matrix, self._anchor.size)

    def _held(self, poses: Iterator[Pose]) -> Iterator[Pose]:
        """A pose for every frame: the one before where there is none, the first found where there is none before."""
        self.missing = 0
        last: Pose | None = None
        for pose in poses:
            found = bool(pose.visible.any())
            self.missing += not found
            if found and last is None:
                for _ in range(self.missing):
                    yield pose
            if found:
                last = pose
            if last is not None:
                yield last
        if last is None:
            raise BadInput(_nobody(self.missing, None, self._generator))


def animate_photo(
    generator: Generator,
    photo: Tensor | np.ndarray | Path | str,
    source_pose: Pose,
    poses: Pose | Iterable[Pose],
    *,
    same_person: bool = False,
    picture_size: tuple[int, int] | None = None,
    seed: int = 0,
    steadier: Steadier | None = None,
) -> Iterator[UInt8[Tensor, "H W 3"]]:
    """The photo's person in one pose after the other, a picture of the photo's size for each: see `PhotoAnimation`."""
    animation = PhotoAnimation(
        generator,
        photo,
        source_pose,
        poses,
        same_person=same_person,
        picture_size=picture_size,
        seed=seed,
        steadier=steadier,
    )
    return (frame.picture for frame in animation.frames())


def turntable(
    generator: Generator,
    picture: Tensor | np.ndarray | Path | str,
    source_view: View,
    azimuths: Iterable[float],
    elevation: float,
) -> Iterator[UInt8[Tensor, "H W 3"]]:
    """The picture's object from each of these sides, in degrees: pictures of the picture's own size.

    source_view: from where the picture shows it, a single view.
    """
    if generator.condition is not View:
        raise BadInput(
            f"{type(generator).__name__} is asked with a {generator.condition.__name__}, not with a view; "
            f"choose a generator that turns objects."
        )
    photo = open_photo(picture)
    height, width, _ = photo.shape
    crop = PhotoCrop(photo, (0, 0, width, height), generator.framing, (height, width))
    device = device_of(generator)
    source = crop.laid()[0].to(device)
    views = (View(torch.tensor(float(a)), torch.tensor(float(elevation))).to(device) for a in azimuths)
    for drawn in generator.animate(source, source_view.to(device), views):
        yield crop.pasted(drawn[None])


def no_larger(picture: UInt8[Tensor, "H W 3"], largest: int) -> UInt8[Tensor, "h w 3"]:
    """The picture, made smaller if a side has more than this many pixels."""
    height, width, _ = picture.shape
    if max(height, width) <= largest:
        return picture
    scale = largest / max(height, width)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    return to_uint8(resize(from_uint8(picture)[None], size))[0]


def beside(pictures: Sequence[UInt8[Tensor, "_ _ 3"]], largest: int) -> UInt8[Tensor, "H W 3"]:
    """Pictures in one, from left to right, white gaps between them; all as high as the last.

    largest: of the whole's sides, in pixels; what is larger is made smaller.
    """
    height = pictures[-1].shape[0]
    width = sum(p.shape[1] * height / p.shape[0] for p in pictures) + _gap(height) * (len(pictures) - 1)
    height = max(1, min(height, int(height * largest / max(height, width))))
    gap = torch.full((height, _gap(height), 3), 255, dtype=torch.uint8)
    parts: list[Tensor] = []
    for picture in pictures:
        size = (height, max(1, round(picture.shape[1] * height / picture.shape[0])))
        fitted = (
            picture
            if tuple(picture.shape[:2]) == size
            else to_uint8(resize(from_uint8(picture)[None], size))[0]
        )
        parts += [gap, fitted] if parts else [fitted]
    return torch.cat(parts, 1)


def _gap(height: int) -> int:
    return max(2, height // 64)


def sticks(pose: Pose, *, height: int = 256) -> UInt8[Tensor, "h w 3"]:
    """A single pose as a picture of so many rows, in the aspect of its own."""
    small = pose.resize((height, max(1, round(pose.size[1] * height / pose.size[0]))))
    return to_uint8(stick_picture(Pose.stack([small])))[0]


def _nobody(count: int, poses: Pose | None, generator: Generator) -> str:
    known = "" if poses is None else f" ({poses.skeleton.name})"
    return (
        f"None of the {count} driving frames shows a person{known} in joints of the generator's skeleton, "
        f"{generator.skeleton.name}. Give a clip or a track with somebody in it."
    )
