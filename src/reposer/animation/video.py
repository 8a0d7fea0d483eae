"""Animate a photo: its person or face in a sequence of poses, or its object from a sequence of sides.

Frames are yielded as they are generated; memory use does not grow with the clip.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby, tee
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from reposer.core import BadInput, FaceLines, Generator, Pose, View
from reposer.core.choices import OtherSide
from reposer.core.composition import Composition
from reposer.core.framing import in_picture
from reposer.core.generator import refuse_not_finite
from reposer.core.images import from_uint8, resize, resize_part, to_uint8
from reposer.core.joint_limits import within_limits
from reposer.core.retargeting import fitted, own_legs, shows_legs
from reposer.core.samples import Condition
from reposer.core.skeleton import FACE_68
from reposer.nn.edges import frame_edges
from reposer.nn.maps import stick_picture
from reposer.nn.steady import Steadier
from reposer.nn.travel import STAYS, Move, way
from reposer.pipeline import (
    BODY,
    PhotoCrop,
    checked_pose,
    crop_edges,
    goes_far,
    open_photo,
    placement,
    refuse_other_picture,
    refuse_too_little,
)

from .face_motion import driven_by, laid_over

ENOUGH = 0.5  # share of a skeleton's joints that a frame needs to give the person's size and position
LASTING = 3  # frames
GENERATED, SHOWN, BACKGROUND = "drawn", "shown", "background"
"""Names in a frame's memory, which an unfinished clip keeps in a file."""


@dataclass(frozen=True)
class MovedFrame:
    """One generated frame.

    picture: of the photo's own size. pose: the person's pose in it, in pixels of the photo.
    memory: what the next frame is generated from besides its pose; {} if frames are independent.
    """

    picture: UInt8[Tensor, "H W 3"]
    pose: Pose
    memory: Mapping[str, Tensor]


class _Step(NamedTuple):
    """What drives a frame: the pose to generate, in pixels of the photo, and the driver's, in pixels of the clip.

    move: how the person, generated where the photo shows them, is moved; None: they are generated where they are.
    """

    pose: Pose
    driver: Pose
    move: Move | None = None


class PhotoAnimation:
    """Animates a photo's person by `poses`.

    One crop of the photo serves the whole clip: the source's person with the framing's margin and, if the whole track
    is known, everything it reaches. Where somebody goes so far that this would show them small, or leaves the crop of a
    track that is not known, a generator that composes generates them where the photo shows them, and they are moved as
    a whole (see `nn.travel`). The poses are fitted to the photo's person by
    one fit for the whole clip (see `core.retargeting`), or placed by one similarity (see `pipeline.placement`), so that
    a walk stays a walk: the person has the photo's size and place in the first frame with at least half of the joints.
    Of a known track all frames tell the lengths of its bones, of a stream those up to that frame. A face is driven by
    another person's landmarks through `face_motion`, unless they are the same person.

    A frame without a person repeats the previous pose; frames before the first pose use it. `missing` counts both.
    `left_undone` counts the frames in which the generator left something undone, by its message. `inferred` names the
    joints that a known track never shows and that are the photo's own: its legs, moved with the hips.

    source_pose: the person in the photo, in pixels of the photo. poses: one pose per frame in pixels of their own clip,
    all of one size and skeleton: the rows of a `Pose` if all are known, else one at a time. same_person: for faces.
    fit: place by the joints even if clip and photo have the same size; otherwise such a clip is assumed to come from
    the photo's own camera, and its poses are used unchanged. retargeted: fit the proportions, not only size and place.
    edge_frames: for faces: the driving clip's pictures, one per pose. Their edges around the face (hair, collar, wall)
    are part of the condition, as published, aligned with the generated face by the similarity that best fits the
    landmarks.
    picture_size, seed, other_side: as in `pipeline.transfer`. steadier: reduces flicker in the generated frames.
    """

    def __init__(
        self,
        generator: Generator,
        photo: Tensor | np.ndarray | Path | str,
        source_pose: Pose,
        poses: Pose | Iterable[Pose],
        *,
        same_person: bool = False,
        fit: bool = False,
        retargeted: bool = True,
        other_side: OtherSide = "mirrored",
        edge_frames: Iterable[UInt8[Tensor, "h w 3"]] | None = None,
        picture_size: tuple[int, int] | None = None,
        seed: int = 0,
        steadier: Steadier | None = None,
    ) -> None:
        picture = open_photo(photo)
        self._source_pose = checked_pose(source_pose, generator, "photo", generator.source_skeleton)
        refuse_other_picture(self._source_pose, picture)
        refuse_too_little(self._source_pose, "photo")
        self._anchor = checked_pose(source_pose, generator, "photo", generator.skeleton)
        self._generator, self._seed, self._steadier = generator, seed, steadier
        self._same_person, self._fit, self._edge_frames = same_person, fit, edge_frames
        self._other_side: OtherSide = other_side
        self._retargeted = retargeted and BODY in generator.skeleton
        if edge_frames is not None and generator.skeleton != FACE_68:
            raise BadInput(
                f"Edges of the driving frames describe faces; {type(generator).__name__} generates from "
                f"{generator.skeleton.name}. Leave them out."
            )
        self.missing = 0
        self.left_undone: Counter[str] = Counter()
        self.inferred: Sequence[str] = ()
        reach = self._anchor
        if isinstance(poses, Pose):
            rows = list(self._placed(iter(poses), whole=True))
            if not any(row.pose.visible.any() for row in rows):
                raise BadInput(_no_person_seen(len(rows), poses, generator))
            reach = Pose.stack([row.pose for row in rows])
            self._steps: Iterable[_Step] = rows
        else:
            self._steps = self._placed(iter(poses))
        size = picture_size or generator.framing.person_size
        self._travels, self._known = False, isinstance(poses, Pose)
        if generator.composes and isinstance(poses, Pose):
            moves = list(self._ways(reach))
            near = Pose.stack([_seen_near(row, move) for row, move in zip(reach, moves, strict=True)])
            far = goes_far(self._source_pose, reach, near, generator.framing, size)
            self._travels = far or _lasts([move.scale for move in moves])
            reach = near if self._travels else reach
        edges = crop_edges(self._source_pose, reach, generator.framing, size)
        self.crop = PhotoCrop(picture, edges, generator.framing, size)

    def frames(self, start: int = 0, memory: Mapping[str, Tensor] | None = None) -> Iterator[MovedFrame]:
        """Yield the frames from `start` on, once. memory: of the frame before `start`, if `start` is above 0."""
        device = self._generator.device
        steps = self._moving(self._counted(self._held(iter(self._steps))))
        lent = iter(self._edge_frames) if self._edge_frames is not None else None
        before: _Step | None = None
        lent_before: Tensor | None = None
        for _ in range(start):
            before = next(steps, None)
            if before is None:
                return
            lent_before = self._lent(lent)
        generated_for: deque[_Step] = deque()

        def asked() -> Iterator[Condition]:
            for step in steps:
                generated_for.append(step)
                yield self._condition(step, self._lent(lent)).to(device)

        previous = None
        background: Tensor | None = None
        if before is not None and memory:
            background = memory.get(BACKGROUND)
            if self._generator.remembers:
                previous = memory[GENERATED].to(device), self._condition(before, lent_before).to(device)
            if self._steadier is not None:
                self._steadier.before = (memory[GENERATED].to(device), memory[SHOWN].to(device))
        laid = self.crop.laid()
        placed = self.crop.place(self._source_pose)
        edges = None if lent is None else frame_edges(laid, Pose.stack([placed]))[0]
        own = placed if edges is None else FaceLines(placed, edges)
        source = laid[0].to(device)
        for generated, composition in self._generated(source, own.to(device), asked(), previous):
            refuse_not_finite(generated, "a frame of the clip")
            if composition is not None:  # what is invented may flicker; the background stays the first frame's
                generated = composition.invented[0]
                background = composition.background if background is None else background.to(generated)
            shown = generated if self._steadier is None else self._steadier(generated)
            kept, step = self._kept(generated, shown), generated_for.popleft()
            if composition is None:
                picture = self.crop.pasted(shown[None])
            else:
                assert background is not None
                composition = replace(composition, invented=shown[None], background=background)
                gone = not in_picture(step.pose).visible.any()
                picture = self.crop.frame(composition, step.move, gone=bool(gone))
                kept = {**kept, BACKGROUND: background}
            yield MovedFrame(picture, step.pose, kept)

    def _generated(
        self, source: Tensor, own: Condition, asked: Iterator[Condition], previous: tuple[Tensor, Condition] | None
    ) -> Iterator[tuple[Float[Tensor, "3 h w"], Composition | None]]:
        """The generated frames, and what they are made of if the generator says it."""
        if self._generator.composes:
            explained = self._generator.animate_explained(
                source, own, asked, previous=previous, seed=self._seed, other_side=self._other_side
            )
            yield from ((one.picture[0], one.composition) for one in explained)
            return
        for picture in self._generator.animate(source, own, asked, previous=previous, seed=self._seed):
            yield picture, None

    def _kept(self, generated: Tensor, shown: Tensor) -> Mapping[str, Tensor]:
        if self._steadier is not None:
            return {GENERATED: generated, SHOWN: shown}
        return {GENERATED: generated} if self._generator.remembers else {}

    @staticmethod
    def _lent(frames: Iterator[Tensor] | None) -> Tensor | None:
        if frames is None:
            return None
        frame = next(frames, None)
        if frame is None:
            raise BadInput("There are fewer driving frames than poses. Give the clip that the poses belong to.")
        return frame

    def _condition(self, step: _Step, frame: UInt8[Tensor, "h w 3"] | None) -> Condition:
        """The condition in the generator's frame, with the edges of the driving frame, if there is one."""
        pose = self.crop.place(step.pose if step.move is None else step.move.undone(step.pose, self.crop.edges))
        if frame is None:
            return pose
        driver = step.driver.resize((frame.shape[0], frame.shape[1]))
        return FaceLines(pose, _edges_of(frame, driver, pose))

    def _placed(self, poses: Iterator[Pose], *, whole: bool = False) -> Iterator[_Step]:
        """The poses in pixels of the photo and in the generator's skeleton; frames without a person stay empty.

        whole: whether all may be looked at first.
        """
        skeleton = self._generator.skeleton
        converted = (pose.convert(skeleton).to("cpu") for pose in poses)
        own = (replace(pose, xy=pose.xy.float(), score=None) for pose in converted)
        if skeleton == FACE_68 and not self._same_person:
            drivers, drives = tee(own)
            yield from map(_Step, driven_by(self._anchor, drives), drivers)
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
            yield from (_Step(replace(pose, size=self._anchor.size), pose) for pose in waiting)
            return
        refuse_too_little(reference, "driving clip")
        if self._retargeted and (self._fit or reference.size != self._anchor.size):
            yield from self._on_this_body([*waiting, *own] if whole else waiting, reference, own, whole=whole)
            return
        matrix = placement(self._anchor, reference, fit=self._fit)
        for pose in chain(waiting, own):
            yield _Step(pose.affine(matrix, self._anchor.size), pose)

    def _on_this_body(
        self, looked_at: list[Pose], reference: Pose, later: Iterator[Pose], *, whole: bool
    ) -> Iterator[_Step]:
        """The poses fitted to the photo's person by those that may be looked at."""
        rows = Pose.stack(looked_at)
        fit = fitted(self._anchor, rows, next(t for t, pose in enumerate(looked_at) if pose is reference))
        legs = own_legs(self._anchor) if whole and not shows_legs(rows) else {}
        self.inferred = tuple(legs)
        drivers, drives = tee(chain(looked_at, later))
        for placed, driver in zip(fit.along(drives), drivers, strict=True):
            yield _Step(_with(within_limits(placed), legs), driver)

    def _moving(self, steps: Iterator[_Step]) -> Iterator[_Step]:
        """Says how the person is moved: in all frames of a known track or in none, and from the first on in which
        somebody leaves the crop."""
        travels, move = self._travels, STAYS
        for step in steps:
            travels = travels or (self._generator.composes and not self._known and self.crop.leaves(step.pose))
            if travels:
                move = way(self._anchor, step.pose, move)
            yield step._replace(move=move) if travels else step

    def _ways(self, poses: Iterable[Pose]) -> Iterator[Move]:
        move = STAYS
        for pose in poses:
            move = way(self._anchor, pose, move)
            yield move

    def _counted(self, steps: Iterator[_Step]) -> Iterator[_Step]:
        self.left_undone.clear()
        for step in steps:
            if reason := self._generator.left_undone(self._source_pose, step.pose):
                self.left_undone[reason] += 1
            yield step

    def _held(self, steps: Iterator[_Step]) -> Iterator[_Step]:
        """Fill frames without a pose with the previous pose, or with the first one found if there is none before."""
        self.missing = 0
        last: _Step | None = None
        for step in steps:
            found = bool(step.pose.visible.any())
            self.missing += not found
            if found and last is None:
                for _ in range(self.missing):
                    yield step
            if found:
                last = step
            if last is not None:
                yield last
        if last is None:
            raise BadInput(_no_person_seen(self.missing, None, self._generator))


def _seen_near(pose: Pose, move: Move) -> Pose:
    """The pose before the move, as far as the photo shows it after."""
    near = move.near(pose)
    return replace(near, visible=near.visible & in_picture(pose).visible)


def _lasts(scales: Sequence[float]) -> bool:
    """Whether somebody is larger or smaller than the photo shows them for more than a few frames: a single one may be
    wrong."""
    longest = max((len(list(run)) for scale, run in groupby(scales) if scale != 1), default=0)
    return longest >= min(LASTING, len(scales))


def turntable(
    generator: Generator,
    picture: Tensor | np.ndarray | Path | str,
    source_view: View,
    azimuths: Iterable[float],
    elevation: float,
) -> Iterator[UInt8[Tensor, "H W 3"]]:
    """The picture's object from each azimuth, in degrees, as pictures of the picture's own size.

    source_view: the single view from which the picture shows it.
    """
    if generator.condition is not View:
        raise BadInput(
            f"{type(generator).__name__} is asked with a {generator.condition.__name__}, not with a view; "
            f"choose a generator that turns objects."
        )
    photo = open_photo(picture)
    height, width, _ = photo.shape
    crop = PhotoCrop(photo, (0, 0, width, height), generator.framing, (height, width))
    device = generator.device
    source = crop.laid()[0].to(device)
    views = (View(torch.tensor(float(a)), torch.tensor(float(elevation))).to(device) for a in azimuths)
    for generated in generator.animate(source, source_view.to(device), views):
        refuse_not_finite(generated, "a side of the object")
        yield crop.pasted(generated[None])


def _edges_of(frame: UInt8[Tensor, "h w 3"], landmarks: Pose, wanted: Pose) -> Float[Tensor, "1 H W"]:
    """Edges around the face of a frame after the similarity that best fits its landmarks to the wanted ones.

    They have the size of the wanted picture; there are none outside the frame.
    """
    lays = laid_over(landmarks, wanted)
    scale = min(1.0, float(lays.turn.abs()))  # smooth before shrinking
    size = (max(1, round(scale * frame.shape[0])), max(1, round(scale * frame.shape[1])))
    small = resize(from_uint8(frame)[None], size)
    rows, columns = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in wanted.size), indexing="ij")
    places = lays.back(torch.complex(columns, rows))
    # pixel corners at -1 and 1, so the same coordinates hold in the smaller picture
    grid = torch.stack([(2 * places.real + 1) / frame.shape[1] - 1, (2 * places.imag + 1) / frame.shape[0] - 1], -1)
    moved = F.grid_sample(small, grid[None].to(small), padding_mode="border", align_corners=False)
    reached = (grid.abs() <= 1).all(-1)  # outside the frame the border, and so its edges, would repeat
    return frame_edges(moved, Pose.stack([wanted]))[0] * reached


def no_larger(picture: UInt8[Tensor, "H W 3"], largest: int) -> UInt8[Tensor, "h w 3"]:
    """The picture, shrunk if a side is longer than this many pixels."""
    height, width, _ = picture.shape
    if max(height, width) <= largest:
        return picture
    scale = largest / max(height, width)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    return to_uint8(resize_part(picture, (0, 0, width, height), size))[0]


def beside(pictures: Sequence[UInt8[Tensor, "_ _ 3"]], largest: int) -> UInt8[Tensor, "H W 3"]:
    """Pictures side by side with white gaps, all as high as the last.

    largest: longest side of the result, in pixels; a larger one is shrunk.
    """

    def width_at(height: int) -> int:
        widths = (max(1, round(p.shape[1] * height / p.shape[0])) for p in pictures)
        return sum(widths) + _gap(height) * (len(pictures) - 1)

    height = min(pictures[-1].shape[0], largest)
    height = max(1, min(height, height * largest // width_at(height) + 1))
    while height > 1 and width_at(height) > largest:
        height -= 1
    gap = torch.full((height, _gap(height), 3), 255, dtype=torch.uint8)
    parts: list[Tensor] = []
    for picture in pictures:
        size = (height, max(1, round(picture.shape[1] * height / picture.shape[0])))
        fitted = picture if tuple(picture.shape[:2]) == size else to_uint8(resize(from_uint8(picture)[None], size))[0]
        parts += [gap, fitted] if parts else [fitted]
    return torch.cat(parts, 1)


def _gap(height: int) -> int:
    return max(2, height // 64)


def sticks(pose: Pose, *, height: int = 256) -> UInt8[Tensor, "h w 3"]:
    """A single pose rendered as a picture of `height` rows, in the pose's own aspect."""
    small = pose.resize((height, max(1, round(pose.size[1] * height / pose.size[0]))))
    return to_uint8(stick_picture(Pose.stack([small])))[0]


def _with(pose: Pose, legs: Mapping[str, Float[Tensor, "2"]]) -> Pose:
    """The pose with these joints, seen from the hip of their side, where it shows that."""
    xy, visible = pose.xy.clone(), pose.visible.clone()
    for joint, offset in legs.items():
        k, hip = pose.skeleton.index(joint), pose.skeleton.index(f"{joint.split('_')[0]}_hip")
        xy[k], visible[k] = xy[hip] + offset.to(xy), visible[hip]
    return replace(pose, xy=xy, visible=visible)


def _no_person_seen(count: int, poses: Pose | None, generator: Generator) -> str:
    known = "" if poses is None else f" ({poses.skeleton.name})"
    return (
        f"None of the {count} driving frames shows a person{known} in joints of the generator's skeleton, "
        f"{generator.skeleton.name}. Give a clip or a track with somebody in it."
    )
