"""Puts a photo's person into another pose, at any size: crop, resize and padding follow the pose and are undone."""

import math
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from reposer.core import BadInput, Explanation, Framing, Generator, Pose, Skeleton
from reposer.core.canvas import ROOM, cut_joints, moved_inside
from reposer.core.canvas import growth as growth_for
from reposer.core.choices import Background, CanvasChoice, HeadChoice, OtherSide
from reposer.core.composition import Composition, Provenance, SourcePerson
from reposer.core.framing import between, cut, edges_around, frame_bytes, in_picture, size_of
from reposer.core.generator import refuse_not_finite
from reposer.core.images import from_uint8, resized_columns, to_uint8
from reposer.core.pose import Box, Edges
from reposer.core.processes import closing_soon
from reposer.core.retargeting import retarget
from reposer.data.pictures import MAX_PIXELS, read_picture
from reposer.generators import load
from reposer.generators.trueflow import TrueFlow
from reposer.nn.filling import grown_photo
from reposer.nn.full_size import (
    Composed,
    Fade,
    Known,
    composed,
    enter_copied_as_invented,
    enter_invented,
    in_photo,
    known_of,
)
from reposer.nn.maps import limb_mask
from reposer.nn.photo_look import PhotoPart
from reposer.nn.remembered import Remembered
from reposer.nn.travel import FAR, STAYS, Move, nobody, set_in, way

AnyPhoto = Tensor | np.ndarray | Path | str
"""A photo's bytes (H, W, 3) in RGB, or its file."""

SOFT_EDGE = 1 / 24  # of the crop's smaller side: width over which the generated part fades into the photo
BODY = "left_shoulder"  # a skeleton that has it is a body's
LARGER = 16  # the crop has at most this many times the photo's pixels


@dataclass(frozen=True)
class Transfer:
    """The result of `transfer`.

    picture: the photo's own size, unless its canvas grew; with alpha if the background is transparent.
    box: (left, top, right, bottom) of the regenerated part in pixel edges of the picture; it may exceed it.
    target_pose: the target pose as generated, in pixels of the picture.
    explanation: the generator's layers, in its own frame, if requested.
    left_undone: what the generator could not do with these poses, in a sentence; empty if nothing.
    provenance: where every pixel comes from, if requested; places are in pixels of the photo as it was given.
    cut: names of joints that the photo shows and that the target pose puts outside of the picture.
    content: the part of the generator's frame that fills the box; the rest of the frame is padding.
    """

    picture: UInt8[Tensor, "H W C"]
    box: Box
    target_pose: Pose
    explanation: Explanation | None = None
    left_undone: str = ""
    provenance: Provenance | None = None
    cut: tuple[str, ...] = ()
    content: Edges = (0, 0, 0, 0)


def transfer(
    generator: Generator,
    photo: AnyPhoto,
    source_pose: Pose,
    target_pose: Pose,
    *,
    more: Sequence[tuple[AnyPhoto, Pose]] = (),
    picture_size: tuple[int, int] | None = None,
    seed: int = 0,
    explain: bool = False,
    provenance: bool = False,
    background: Background = "keep",
    canvas: CanvasChoice = "keep",
    retargeted: bool = True,
    head: HeadChoice = "keep",
    other_side: OtherSide = "mirrored",
    remembered: Remembered | None = None,
) -> Transfer:
    """The photo with its person in the target pose. Outside of the cropped box no pixel changes, but where a person
    stood who is moved far.

    A generator that says what its picture is made of (`Generator.composition`) is followed at the photo's own size:
    pixels are copied from the photo itself, and the photo's background stays as it is. Pictures of others are enlarged.

    photo: a file, or bytes (H, W, 3) in RGB.
    source_pose: the person in the photo, in pixels of the photo.
    target_pose: in pixels of its own picture. If that has the photo's size the joints are taken as they are; otherwise
        they are fitted to the person by `retarget_placement`, which `retargeted` and `head` belong to.
    more: further photos of the same person with their poses, for a generator that takes several (TrueFlow).
    picture_size: (height, width) of the pictures that filled the generator's frame in training; the crop has their
        aspect, so that the person is squashed or padded as in training. None: `framing.person_size`.
    seed: of the noise, for generators that use some.
    provenance: whether to say of every pixel where it comes from.
    background: see `choices.Background`; the shipped TrueFlow finds the person where a generator does not tell.
    canvas: see `choices.CanvasChoice`. other_side: see `choices.OtherSide`.
    remembered: of this photo, given with each further pose of its person; saves time, the picture is the same.
    """
    picture = open_photo(photo)
    source_pose = checked_pose(source_pose, generator, "photo", generator.source_skeleton)
    target_pose = checked_pose(target_pose, generator, "wanted picture", generator.skeleton)
    refuse_other_picture(source_pose, picture)
    refuse_too_little(source_pose, "photo")
    if more and not generator.several_sources:
        raise BadInput(
            f"{type(generator).__name__} takes one photo of a person, and several came. Leave the further ones out, or "
            f"use a generator that takes them, such as trueflow."
        )
    own_pose = source_pose.convert(generator.skeleton)
    target_pose = retarget_placement(own_pose, target_pose, retargeted=retargeted, head=head)
    leaving, growth = cut_joints(own_pose, target_pose), (0, 0, 0, 0)
    if leaving and canvas == "inside":
        target_pose = moved_inside(own_pose, target_pose)
        leaving = cut_joints(own_pose, target_pose)
    elif leaving and canvas == "grow":
        growth = growth_for(own_pose, target_pose)
        picture, source_pose, target_pose = _grown(picture, growth, source_pose, target_pose)
        own_pose = source_pose.convert(generator.skeleton)
        leaving = cut_joints(own_pose, target_pose)
    refuse_too_little(target_pose, "wanted picture")
    picture_size = picture_size or generator.framing.person_size
    move = _way(generator, own_pose, target_pose, picture_size)
    crop = _crop(picture, source_pose, move.near(target_pose), generator.framing, picture_size)
    others = [_further(*other, generator, picture_size) for other in more]

    source, own = _laid(crop, source_pose, others)
    target = Pose.stack([crop.place(move.undone(target_pose, crop.edges))])
    device, seeds = generator.device, torch.tensor([seed])
    alone = background in ("white", "transparent")
    further = [other for other, _ in others]
    if others or any(growth):
        remembered = None  # it is of the one photo as it was given
    pictures, poses = source.to(device), own.to(device)
    begun = generator.begun(pictures, poses) if remembered is None else remembered.begun(generator, pictures, poses)
    with closing_soon(ThreadPoolExecutor(1)) as aside:  # beside what depends on the target
        promised: Future[Known] | None = None
        if begun is not None:
            memory = None if alone else remembered
            promised = aside.submit(crop.known, begun.person, further, alpha=alone, remembered=memory)
        explanation = generator.explain(
            pictures, poses, target.to(device), seeds=seeds, begun=begun, other_side=other_side
        )
        refuse_not_finite(explanation.picture, "this photo and pose")
        ready = promised.result() if promised is not None else None
    for name, layer in explanation.layers.items() if explain else ():
        refuse_not_finite(layer.values, f"the layer '{name}' of this photo and pose")
    if move == STAYS:
        made = crop.composed(explanation, further, provenance=provenance, alpha=alone, known=ready)
    else:
        made = crop.moved(explanation, move, further, provenance=provenance, alone=alone, known=ready)
    if explanation.composition is None and background != "keep":
        made = _cut_out(picture, source_pose, made.picture, target_pose, provenance=provenance, alpha=alone)
    left, top, right, bottom = move.of(crop.edges)
    return Transfer(
        _before(made, background),
        (left - 0.5, top - 0.5, right - 0.5, bottom - 0.5),
        target_pose,
        explanation if explain else None,
        generator.left_undone(source_pose, target_pose),
        None if made.provenance is None else in_photo(made.provenance, growth),
        tuple(leaving),
        crop.content,
    )


def _way(generator: Generator, source_pose: Pose, target_pose: Pose, picture_size: tuple[int, int]) -> Move:
    """How the person is moved as a whole, if they go far. Poses of one skeleton."""
    if not generator.composes:
        return STAYS
    move = way(source_pose, target_pose)
    near = move.near(target_pose)
    far = move.scale != 1 or goes_far(source_pose, target_pose, near, generator.framing, picture_size)
    return move if far else STAYS


def goes_far(source_pose: Pose, target: Pose, near: Pose, framing: Framing, picture_size: tuple[int, int]) -> bool:
    """Whether a crop of the source and of the target, one or rows of poses, is far larger than one of these near it."""
    both, without = (edges_for(source_pose, pose, framing, picture_size) for pose in (target, near))
    return size_of(both)[0] > FAR * size_of(without)[0]


def _crop(
    photo: UInt8[Tensor, "H W 3"], own: Pose, target: Pose, framing: Framing, picture_size: tuple[int, int]
) -> "PhotoCrop":
    return PhotoCrop(photo, crop_edges(own, target, framing, picture_size), framing, picture_size)


def _further(
    photo: AnyPhoto, pose: Pose, generator: Generator, picture_size: tuple[int, int]
) -> tuple["PhotoCrop", Pose]:
    """A further photo of the person, cropped around them, and its pose."""
    picture = open_photo(photo)
    pose = checked_pose(pose, generator, "further photo", generator.source_skeleton)
    refuse_other_picture(pose, picture)
    refuse_too_little(pose, "further photo")
    return _crop(picture, pose, pose, generator.framing, picture_size), pose


def _laid(
    crop: "PhotoCrop", pose: Pose, others: Sequence[tuple["PhotoCrop", Pose]]
) -> tuple[Float[Tensor, "1 *S 3 h w"], Pose]:
    """The source and its pose in the frame; with an axis for sources if there are several."""
    if not others:
        return crop.laid(), Pose.stack([crop.place(pose)])
    pairs = [(crop, pose), *others]
    pictures = torch.stack([one.laid() for one, _ in pairs], 1)
    return pictures, Pose.stack([Pose.stack([replace(one.place(p), score=None) for one, p in pairs])])


def _grown(
    photo: UInt8[Tensor, "H W 3"], growth: tuple[int, int, int, int], source_pose: Pose, target_pose: Pose
) -> tuple[UInt8[Tensor, "H2 W2 3"], Pose, Pose]:
    """The photo on its larger canvas, and both poses there."""
    left, top, right, bottom = growth
    height, width = photo.shape[:2]
    small = source_pose.resize((max(1, 256 * height // max(height, width)), max(1, 256 * width // max(height, width))))
    person = limb_mask(Pose.stack([small]), max(small.size) / 16)
    edges = (-left, -top, width + right, height + bottom)
    return grown_photo(photo, growth, person), source_pose.cut(edges), target_pose.cut(edges)


def _cut_out(
    photo: UInt8[Tensor, "H W 3"],
    source_pose: Pose,
    result: UInt8[Tensor, "H W 3"],
    target_pose: Pose,
    *,
    provenance: bool,
    alpha: bool,
) -> Composed:
    """The person of another generator's result before the photo's own background, or alone, as the shipped TrueFlow
    finds them."""
    network = _shipped_trueflow()
    own, target = (pose.convert(network.skeleton) for pose in (source_pose, target_pose))
    size = network.framing.person_size
    first, second = (_crop(picture, own, target, network.framing, size) for picture in (photo, result))
    placed = [Pose.stack([first.place(pose)]) for pose in (own, target)]
    composition = network.cut_out(first.laid(), placed[0], second.laid(), placed[1])
    explanation = Explanation(composition.invented, {}, composition)
    made = first.composed(explanation, [second], provenance=provenance, alpha=alpha)
    if made.provenance is not None:
        enter_copied_as_invented(made.provenance)
    return made


@cache
def _shipped_trueflow() -> TrueFlow:
    """The network that tells a person from the background."""
    network = load("trueflow")
    assert isinstance(network, TrueFlow)
    return network


def _before(made: Composed, background: Background) -> UInt8[Tensor, "H W C"]:
    """The result before the background that was asked for."""
    if made.alpha is None:
        return made.picture
    if background == "transparent":
        return torch.cat([made.picture, made.alpha[..., None]], -1)
    over_white = made.picture.clone()
    for rows in torch.arange(len(over_white)).split(256):  # a large photo is never converted as a whole
        level = made.alpha[rows, :, None].int()
        over_white[rows] = ((made.picture[rows].int() * level + 255 * (255 - level) + 127) // 255).to(torch.uint8)
    return over_white


def retarget_placement(
    source_pose: Pose, target_pose: Pose, *, retargeted: bool = True, head: HeadChoice = "keep"
) -> Pose:
    """The target pose in the source's picture, fitted to the source's person. Single poses.

    A pose whose picture has the source's size is taken as it is. Otherwise it gets the size, the proportions and the
    place of the source's person, and joints that it misses where they are plausible (see `core.retargeting`).
    retargeted: False = one scaling and shift only, see `placement`; landmarks of faces always get that.
    head: see `choices.HeadChoice`; only for what is retargeted.
    """
    if target_pose.size == source_pose.size:
        return target_pose
    if retargeted and BODY in source_pose.skeleton:
        return retarget(source_pose, target_pose, head=head).pose
    return target_pose.affine(placement(source_pose, target_pose), source_pose.size)


def placement(source_pose: Pose, target_pose: Pose, *, fit: bool = False) -> Float[Tensor, "2 3"]:
    """The scaling and shift that place the target as the source's person, also for other poses of the target's clip.

    The size follows the limbs that both poses show, all lengths together (a bent torso alone would mislead), and the
    position follows the hips: horizontally always, vertically unless both show an ankle, in which case the lower foot
    stays on its ground. Where limbs or hips are missing, the bounding box of the visible joints is used instead.
    fit: also if both pictures have the same size.
    """
    if target_pose.size == source_pose.size and not fit:
        return torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], dtype=torch.float64)
    scale = _person_size_ratio(source_pose, target_pose)
    anchors = [_anchor(pose, other) for pose, other in ((source_pose, target_pose), (target_pose, source_pose))]
    shift_x, shift_y = (anchors[0] - scale * anchors[1]).tolist()
    return torch.tensor([[scale, 0.0, shift_x], [0.0, scale, shift_y]], dtype=torch.float64)


def crop_edges(source_pose: Pose, target_pose: Pose, framing: Framing, picture_size: tuple[int, int]) -> Edges:
    """The part of the photo to regenerate, in whole pixels; it may exceed the photo.

    target_pose: one, or rows of poses that must all fit.

    It contains the joints of the source that lie in the photo, with a margin of `framing.margin` times the larger side,
    and is extended to contain the target's joints in the photo, with room for the hands, feet and the top of the head
    that lie beyond them; then the shorter direction grows until the aspect is
    that of `picture_size`.
    """
    edges = edges_for(source_pose, target_pose, framing, picture_size)
    _refuse_far_larger(size_of(edges), source_pose.size)
    return edges


def edges_for(source_pose: Pose, target_pose: Pose, framing: Framing, picture_size: tuple[int, int]) -> Edges:
    """The same, of any size."""
    assert in_picture(source_pose).visible.any(), "see refuse_too_little"
    aspect = picture_size[1] / picture_size[0]
    return edges_around(source_pose, framing.margin, aspect, target_pose, min(ROOM, framing.margin))


def _refuse_far_larger(crop: tuple[int, int], photo: tuple[int, int]) -> None:
    """The crop may exceed the photo, for example for a person lying down, but not out of all proportion."""
    pixels, own = crop[0] * crop[1], photo[0] * photo[1]
    if pixels > max(MAX_PIXELS, LARGER * own):
        raise BadInput(
            f"The pose is spread over so much of the {_size(photo)} photo that the part to be generated would have "
            f"{_size(crop)} pixels (height x width), {pixels / own:.0f} times the photo's. Give the pose of one "
            f"person, or cut the person out of the photo first."
        )


class PhotoCrop:
    """The part of a photo to regenerate: maps it into a generator's frame, laid out as in training, and back.

    edges: of the part, in pixels of the photo.
    picture_size: (height, width) of the pictures of training. content: the part of the frame that shows the crop.
    """

    def __init__(
        self, photo: UInt8[Tensor, "H W 3"], edges: Edges, framing: Framing, picture_size: tuple[int, int]
    ) -> None:
        self.photo, self.edges, self.framing = photo, edges, framing
        self.picture_size, self.content = picture_size, framing.content_box(picture_size)
        self._known: Known | None = None
        self._empty: Composed | None = None

    def laid(self) -> Float[Tensor, "1 3 h w"]:
        """The crop, resized, in its part of the frame; the rest is filled as the framing says."""
        return frame_bytes(self.photo, self.framing, self.picture_size, self.edges)[None]

    def pasted(self, generated: Float[Tensor, "1 3 h w"]) -> UInt8[Tensor, "H W 3"]:
        """The photo with the crop replaced by what was generated in the frame, without the frame's padding."""
        return _paste(self.photo, cut(generated.float().cpu(), self.content), self.edges)

    def known(
        self,
        person: SourcePerson | Composition,
        others: Sequence["PhotoCrop"] = (),
        *,
        alpha: bool = False,
        remembered: Remembered | None = None,
    ) -> Known:
        """What `composed` needs of the photos alone. remembered: of this photo, if it is the only one and alpha is not
        asked for."""
        sources = [PhotoPart(crop.photo, crop.edges) for crop in (self, *others)]
        if remembered is not None:
            return remembered.known(sources[0], self.content, person)
        return known_of(sources, self.content, person, backdrop=not alpha)

    def composed(
        self,
        explanation: Explanation,
        others: Sequence["PhotoCrop"] = (),
        *,
        provenance: bool = False,
        alpha: bool = False,
        known: Known | None = None,
    ) -> Composed:
        """The photo with what was generated, at its own size as far as the generator says what that is made of.

        others: of the further photos that it was made of. provenance: also where each pixel comes from. alpha: also
        what is the person, if the generator says it. known: from `known` of the same; None = it is computed.
        """
        size = (self.photo.shape[0], self.photo.shape[1])
        fade = _fades(self.edges, size)
        if explanation.composition is not None:
            made_of = explanation.composition
            sources = [PhotoPart(crop.photo, crop.edges) for crop in (self, *others)]
            return composed(sources, self.content, made_of, fade, provenance=provenance, alpha=alpha, known=known)
        origin = Provenance.untouched(size) if provenance else None
        if origin is not None:
            enter_invented(origin, self.edges, fade)
        return Composed(self.pasted(explanation.picture), None, origin)

    def moved(
        self,
        explanation: Explanation,
        move: Move,
        others: Sequence["PhotoCrop"] = (),
        *,
        provenance: bool = False,
        alone: bool = False,
        known: Known | None = None,
    ) -> Composed:
        """As `composed`, with the person moved as a whole, before the photo's background (alone: with alpha)."""
        place = move.of(self.edges)
        _refuse_far_larger(size_of(place), (self.photo.shape[0], self.photo.shape[1]))
        person = self._person(explanation, others, provenance=provenance, known=known)
        behind = None
        if not alone or provenance:
            filled = None if alone else known  # what is known for a person alone has no background
            behind = self._without(explanation, others, provenance=provenance, known=filled)
        return set_in(person, self.edges, place, behind, alone=alone)

    def _person(
        self,
        explanation: Explanation,
        others: Sequence["PhotoCrop"] = (),
        *,
        provenance: bool = False,
        known: Known | None = None,
    ) -> Composed:
        """The generated person alone, with alpha."""
        looks = None if known is None else Known(known.looks, None)
        return self.composed(explanation, others, provenance=provenance, alpha=True, known=looks)

    def _without(
        self,
        explanation: Explanation,
        others: Sequence["PhotoCrop"] = (),
        *,
        provenance: bool = False,
        known: Known | None = None,
    ) -> Composed:
        """The photo without its person."""
        assert explanation.composition is not None, "only of a generator that composes"
        empty = replace(explanation, composition=nobody(explanation.composition))
        return self.composed(empty, others, provenance=provenance, known=known)

    def frame(
        self, composition: Composition, move: Move | None = None, *, gone: bool = False
    ) -> UInt8[Tensor, "H W 3"]:
        """A frame of a clip, at the photo's own size. What depends on the photo alone is computed with the first.

        move: how the person is moved as a whole; None: they are where they were generated. gone: they left the photo.
        """
        if self._known is None:
            self._known = known_of([PhotoPart(self.photo, self.edges)], self.content, composition)
        explanation = Explanation(composition.invented, {}, composition)
        if not gone and move in (None, STAYS):
            return self.composed(explanation, known=self._known).picture
        if self._empty is None:
            self._empty = self._without(explanation, known=self._known)
        if gone or move is None:
            return self._empty.picture
        place = move.of(self.edges)
        _refuse_far_larger(size_of(place), (self.photo.shape[0], self.photo.shape[1]))
        return set_in(self._person(explanation, known=self._known), self.edges, place, self._empty).picture

    def leaves(self, pose: Pose) -> bool:
        """Whether a joint that lies in the photo lies outside of this part of it."""
        left, top, right, bottom = self.edges
        xy = pose.xy[in_picture(pose).visible]
        return bool(((xy < xy.new_tensor([left, top])) | (xy > xy.new_tensor([right - 1, bottom - 1]))).any())

    def place(self, pose: Pose) -> Pose:
        """A pose of the photo, in the frame."""
        return pose.affine(between(self.edges, self.content), self.framing.size)


def open_photo(photo: Tensor | np.ndarray | Path | str) -> UInt8[Tensor, "H W 3"]:
    """The photo's bytes in RGB, on the CPU; BadInput if it cannot be read."""
    picture = read_picture(Path(photo)) if isinstance(photo, Path | str) else photo
    picture = torch.from_numpy(picture) if isinstance(picture, np.ndarray) else picture
    if picture.dtype != torch.uint8 or picture.dim() != 3 or picture.shape[-1] != 3:
        raise BadInput(
            f"A photo of shape {tuple(picture.shape)} and type {picture.dtype} came; expected is 8-bit RGB "
            f"of shape (height, width, 3), as `reposer.data.pictures.read_picture` reads it."
        )
    return picture.cpu()


def checked_pose(pose: Pose, generator: Generator, where: str, skeleton: Skeleton) -> Pose:
    """A single pose in the generator's `skeleton`, on the CPU, with at least one visible joint. where: names the
    picture in errors.
    """
    if generator.condition is not Pose:
        raise BadInput(
            f"{type(generator).__name__} is asked with a {generator.condition.__name__}, not with a pose; "
            f"choose a generator of people."
        )
    assert pose.xy.dim() == 2, "one photo, one pose"
    if not pose.visible.any():
        raise BadInput(
            f"The {where} is without a person's pose: none of the {len(pose.skeleton)} joints is visible; "
            f"give a pose with the joints that were found."
        )
    converted = pose.convert(skeleton)
    if not converted.visible.any():
        raise BadInput(
            f"No visible joint of the {where}'s pose ({pose.skeleton.name}) exists in the "
            f"generator's skeleton, {skeleton.name}; give a pose that shows some of its joints."
        )
    return replace(converted, xy=converted.xy.float()).to("cpu")


def refuse_other_picture(source_pose: Pose, photo: UInt8[Tensor, "H W 3"]) -> None:
    """The source's pose has to be in pixels of the photo."""
    photo_size = (photo.shape[0], photo.shape[1])
    if source_pose.size != photo_size:
        raise BadInput(
            f"The source pose belongs to a picture of {_size(source_pose.size)} pixels, the photo has "
            f"{_size(photo_size)} (height x width); give the pose of this photo."
        )


def refuse_too_little(pose: Pose, where: str) -> None:
    """Require at least two joints of the body that lie apart and in the picture, to place a person by. where: names the
    picture in errors.

    Joints of the head do not tell a person's size: their distances depend on how the head is turned.
    """
    shown = in_picture(pose)
    if not shown.visible.any():
        raise BadInput(
            f"The {where} is without a person's pose: all visible joints lie outside of its {_size(pose.size)} pixels "
            f"(height x width). Give the pose of a person in it."
        )
    body = [k for k in pose.skeleton.body_indices if shown.visible[k]]
    names = [pose.skeleton.joints[k] for k in body]
    places = shown.xy[body]
    if len(body) < 2 or float((places.amax(0) - places.amin(0)).amax()) < 1:
        raise BadInput(
            f"The pose of the {where} shows too little of a person: {' and '.join(names) or 'nothing'} below the head. "
            f"Two joints of the body that lie apart, in the picture, are needed to tell how large the person is and "
            f"where. Give a pose with shoulders, hips or limbs."
        )


def _person_size_ratio(source_pose: Pose, target_pose: Pose) -> float:
    """How many times larger the source's person is than the target's."""
    shared = source_pose.visible & target_pose.visible
    limbs = [(a, b) for a, b in source_pose.skeleton.limb_indices if shared[a] and shared[b]]
    lengths = [
        sum(math.dist(pose.xy[a].tolist(), pose.xy[b].tolist()) for a, b in limbs)
        for pose in (source_pose, target_pose)
    ]
    if min(lengths) == 0:
        boxes = [pose.box() for pose in (source_pose, target_pose)]
        lengths = [max(right - left, bottom - top) for left, top, right, bottom in boxes]
    return lengths[0] / lengths[1]


def _anchor(pose: Pose, other: Pose) -> Float[Tensor, "2"]:
    """The point of `pose` that stays where it is: see `placement`."""
    shows_hips = all(len(_seen(p, ("right_hip", "left_hip", "mid_hip"))) > 0 for p in (pose, other))
    left, top, right, bottom = pose.box()
    place = pose.xy.new_tensor([(left + right) / 2, (top + bottom) / 2])
    if shows_hips:
        place = _seen(pose, ("right_hip", "left_hip", "mid_hip")).mean(0)
    if all(len(_seen(p, ("right_ankle", "left_ankle"))) > 0 for p in (pose, other)):
        place[1] = _seen(pose, ("right_ankle", "left_ankle"))[:, 1].amax()
    return place


def _seen(pose: Pose, joints: Iterable[str]) -> Float[Tensor, "N 2"]:
    places = [pose.skeleton.index(joint) for joint in joints if joint in pose.skeleton]
    return pose.xy[places][pose.visible[places]]


def _paste(
    picture: UInt8[Tensor, "H W 3"], generated: Float[Tensor, "1 3 h w"], edges: Edges
) -> UInt8[Tensor, "H W 3"]:
    """The photo with `generated`, resized, at `edges`, blended in at those edges that lie inside the photo."""
    left, top, right, bottom = edges
    height, width = picture.shape[:2]
    seen = (max(left, 0), max(top, 0), min(right, width), min(bottom, height))
    box = (seen[0] - left, seen[1] - top, seen[2] - left, seen[3] - top)
    fade = _fades(edges, (height, width))
    down, across = fade.down[box[1] : box[3], None], fade.across[box[0] : box[2]]
    answer = picture.clone()
    part = answer[seen[1] : seen[3], seen[0] : seen[2]]
    for columns, pixels in resized_columns(generated, (bottom - top, right - left), box):
        blended = torch.lerp(from_uint8(part[:, columns]), pixels[0], down * across[columns])
        part[:, columns] = to_uint8(blended)
    return answer


def _fades(edges: Edges, photo: tuple[int, int]) -> Fade:
    """The weight of the generated part along its height and its width; 0 outside the photo."""
    left, top, right, bottom = edges
    soft = max(1.0, SOFT_EDGE * min(right - left, bottom - top))
    found = []
    for low, high, end in ((top, bottom, photo[0]), (left, right, photo[1])):
        first, last = max(low, 0), min(high, end)
        weight = torch.zeros(high - low)
        weight[first - low : last - low] = _fade(last - first, soft, low > 0, high < end)
        found.append(weight)
    return Fade(*found)


def _fade(length: int, soft: float, at_start: bool, at_end: bool) -> Float[Tensor, "length"]:
    """Weight of the generated part along one direction: smooth over `soft` pixels at the named ends."""
    place = torch.arange(length, dtype=torch.float32) + 0.5
    weight = torch.ones(length)
    for wanted, distance in ((at_start, place), (at_end, length - place)):
        if wanted:
            t = (distance / soft).clamp(0, 1)
            weight = weight * t * t * (3 - 2 * t)
    return weight


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
