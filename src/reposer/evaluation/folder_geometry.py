"""How the pictures of a folder were made: declared, proved by sizes and pixels, or refused. Never assumed.

A file of its target's shape is plain. A square one may contain a person's picture in several ways; what proves one of
them: true pictures with white sides that end where they should, true pictures whose sides are no padding, and a
protocol that squashes everything. Otherwise scoring is refused with a message that names the possible readings.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import UInt8
from torch import Tensor

from reposer.core import BadInput
from reposer.data.pictures import picture_header, picture_is_cut_off, read_picture

from .folder import FilePair, Problem
from .geometry import PLAIN, FileGeometry, Layout, Size
from .protocol import Protocol
from .sides import Evidence, common_proof, have_white_sides, proof
from .strips import WHOLE, Strip, looks_like_a_strip

SQUARE_ENOUGH, SAME_SHAPE = 0.01, 0.02  # relative deviations of a shape
SAMPLE = 64  # pictures of a folder whose pixels are examined


@dataclass(frozen=True)
class Declared:
    """What the caller declares about files; None = detected, where that is certain.

    generated: of the generated pictures.
    truths: of targets, sources and reference pictures that are square.
    person: (height, width) of a person's picture; None = as the target or the protocol says.
    strip: which part of a generated file is the picture.
    poses_fill_pictures: joints lie in the person's picture after each axis was scaled separately, whatever its shape.
    """

    generated: Layout | None = None
    truths: Layout | None = None
    person: Size | None = None
    strip: Strip = WHOLE
    poses_fill_pictures: bool = False


@dataclass(frozen=True)
class PairGeometry:
    """How the three files of a pair were made.

    found: the targets' geometry was inferred from the pixels of some, so each target is checked against it.
    """

    generated: FileGeometry = PLAIN
    target: FileGeometry = PLAIN
    source: FileGeometry = PLAIN
    found: bool = False

    def check(self, target: UInt8[Tensor, "H W 3"]) -> None:
        """Refuse a true picture with white sides where others were found to have none."""
        if not self.found or self.target.person is None or self.target.layout != "squashed":
            return
        if proof(target, self.target.person) == "white":
            raise BadInput(
                "its target has white sides, unlike the other targets; keep pictures that were made alike in a folder"
            )


def is_square(size: Size) -> bool:
    return abs(size[1] / size[0] - 1) <= SQUARE_ENOUGH


def same_shape(one: Size, other: Size) -> bool:
    return abs(one[1] / one[0] * other[0] / other[1] - 1) <= SAME_SHAPE


def pair_geometries(
    pairs: Sequence[FilePair], protocol: Protocol, declared: Declared, *, with_sources: bool = False
) -> tuple[dict[str, PairGeometry], list[Problem]]:
    """By the pairs' names; and the pairs whose files cannot be scored, with the reason.

    Headers decide nearly everything; of square files some pixels are examined. with_sources: whether sources are used.
    """
    person = declared.person or protocol.person
    sizes, problems = _sizes(pairs, declared.strip)
    pairs = [pair for pair in pairs if pair.name in sizes]
    squares = [p.target for p in pairs if _needs_layout(sizes[p.name][1], person)]
    too = any(is_square(own) for own, _ in sizes.values())
    layout = _layout_of_truths(squares, "target", protocol, declared, person, generated_too=too)
    targets = {p.name: _true_file(sizes[p.name][1], layout, person) for p in pairs}
    shown = {name: file.shape(sizes[name][1]) for name, file in targets.items()}
    sources = _sources(pairs, squares, layout, protocol, declared, person) if with_sources else {}

    fitting = []
    for pair in pairs:
        if reason := _misfit(sizes[pair.name][0], shown[pair.name], declared.generated):
            problems.append(Problem(pair.generated.name, reason))
        else:
            fitting.append(pair)
    unlike = [p for p in fitting if not same_shape(sizes[p.name][0], shown[p.name])]
    apart = {pair.name for pair in unlike}
    alike = [p for p in fitting if is_square(sizes[p.name][0]) and p.name not in apart]
    _refuse_padding_beside_squares(alike, person, declared)
    own = _layout_of_generated(unlike, squares, layout, shown, protocol, declared, sizes)
    found = {}
    for pair in fitting:
        size, its = sizes[pair.name][0], shown[pair.name]
        declared_squash = declared.generated == "squashed"
        file = PLAIN if same_shape(size, its) and not declared_squash else _file(own, its).of(size)
        source = sources.get(pair.name, PLAIN)
        found[pair.name] = PairGeometry(file, targets[pair.name], source, found=declared.truths is None)
    return found, problems


def reference_geometry(paths: Sequence[Path], protocol: Protocol, declared: Declared) -> Callable[[Size], FileGeometry]:
    """How a reference picture of a given size was made."""
    person = declared.person or protocol.person
    squares = [path for path in paths if _needs_layout(_size_or_none(path) or (2, 1), person)]
    layout = _layout_of_truths(squares, "reference", protocol, declared, person, generated_too=False)
    return lambda size: _true_file(size, layout, person)


def _sizes(pairs: Sequence[FilePair], strip: Strip) -> tuple[dict[str, tuple[Size, Size]], list[Problem]]:
    """The (generated, target) sizes of every pair whose files can be opened, from headers alone."""
    sizes, problems = {}, []
    known: dict[Path, Size] = {}
    for pair in pairs:
        try:
            size = strip.size(pair.generated)
            if picture_is_cut_off(pair.generated):
                raise BadInput("the file is cut short")
            if pair.target not in known:
                known[pair.target] = picture_header(pair.target)
            sizes[pair.name] = size, known[pair.target]
        except BadInput as error:
            problems.append(Problem(pair.generated.name, str(error)))
    return sizes, problems


def _needs_layout(size: Size, person: Size) -> bool:
    """Whether a picture of this size may contain a person's picture of another shape."""
    return is_square(size) and not same_shape(size, person)


def _file(layout: Layout, person: Size) -> FileGeometry:
    return PLAIN if layout == "plain" else FileGeometry(layout, person)


def _true_file(size: Size, layout: Layout, person: Size) -> FileGeometry:
    return _file(layout, person) if _needs_layout(size, person) else PLAIN


def _layout_of_truths(
    squares: Sequence[Path], what: str, protocol: Protocol, declared: Declared, person: Size, *, generated_too: bool
) -> Layout:
    """How the square true pictures were made."""
    if not squares:
        return "plain"
    evidence = common_proof(_sample(squares), person)
    if declared.truths is not None:
        _refuse_contradiction(declared.truths, evidence, squares, f"{what} pictures", "--target-geometry")
        return declared.truths
    if evidence == "white":
        return "padded"
    if generated_too and declared.generated is not None and (declared.generated, evidence) != ("padded", "content"):
        return declared.generated
    if protocol.size is None:
        return "plain"
    if protocol.target.fit == "squash" and evidence == "content":
        return "squashed"
    raise _question(f"{what} pictures", squares, person, ("squashed", "padded", "plain"), "--target-geometry", evidence)


def _sources(
    pairs: Sequence[FilePair],
    target_squares: Sequence[Path],
    layout: Layout,
    protocol: Protocol,
    declared: Declared,
    person: Size,
) -> dict[str, FileGeometry]:
    """How the sources were made: as the targets, if both have squares that look alike."""
    sizes = {p.name: size for p in pairs if p.source and (size := _size_or_none(p.source)) is not None}
    known = set(target_squares)
    squares = [p.source for p in pairs if p.source and p.name in sizes and _needs_layout(sizes[p.name], person)]
    apart = list(dict.fromkeys(path for path in squares if path not in known))
    own = layout
    if apart and not (known and _look_alike(apart, target_squares, person)):
        own = _layout_of_truths(apart, "source", protocol, declared, person, generated_too=False)
    return {
        p.name: _true_file(sizes[p.name], layout if p.source in known else own, person)
        for p in pairs
        if p.name in sizes
    }


def _layout_of_generated(
    unlike: Sequence[FilePair],
    target_squares: Sequence[Path],
    layout: Layout,
    shown: Mapping[str, Size],
    protocol: Protocol,
    declared: Declared,
    sizes: Mapping[str, tuple[Size, Size]],
) -> Layout:
    """How the generated pictures whose shape differs from their target's were made."""
    if not unlike:
        return declared.generated or "plain"
    person, paths = shown[unlike[0].name], [pair.generated for pair in unlike]
    pictures = list(_sample(paths, declared.strip.read))
    evidence, whitish = common_proof(pictures, person), have_white_sides(pictures, person)
    if declared.generated is not None:
        _refuse_contradiction(declared.generated, evidence, paths, "generated pictures", "--geometry")
        return declared.generated
    beside = [p.target for p in unlike if _needs_layout(sizes[p.name][1], person)]
    if beside and layout != "plain":
        truths = list(_sample(beside))
        flat = evidence == "nothing" and common_proof(truths, person) == "content"
        if whitish == have_white_sides(truths, person) and not flat:
            return layout
    if evidence == "white":
        return "padded"
    if protocol.size is not None and protocol.generated.fit == "squash" and evidence == "content" and not whitish:
        return "squashed"
    raise _question("generated pictures", paths, person, ("squashed", "padded"), "--geometry", evidence)


def _look_alike(some: Sequence[Path], others: Sequence[Path], person: Size) -> bool:
    one, other = (have_white_sides(_sample(paths), person) for paths in (some, others))
    return one == other


def _refuse_padding_beside_squares(alike: Sequence[FilePair], person: Size, declared: Declared) -> None:
    """Refuse generated pictures with white sides next to targets of the same shape that have none."""
    if not alike or declared.generated is not None or same_shape((1, 1), person):
        return
    paths = [pair.generated for pair in alike]
    evidence = common_proof(_sample(paths, declared.strip.read), person)
    if evidence == "white" and common_proof(_sample([p.target for p in alike]), person) != "white":
        raise _question("generated pictures", paths, person, ("padded", "plain"), "--geometry", evidence)


def _refuse_contradiction(layout: Layout, evidence: Evidence, paths: Sequence[Path], what: str, option: str) -> None:
    if (layout, evidence) == ("squashed", "white"):
        raise BadInput(
            f"{option} squashed contradicts the {what}: they have white sides, which end where those of a padded "
            f"picture do (see {paths[0].name}). Say {option} padded."
        )
    if (layout, evidence) == ("padded", "content") and option == "--target-geometry":
        raise BadInput(
            f"{option} padded contradicts the {what}: their sides are no padding (see {paths[0].name}). Say "
            f"{option} squashed, or plain."
        )


def _question(
    what: str, paths: Sequence[Path], person: Size, readings: Sequence[Layout], option: str, evidence: Evidence
) -> BadInput:
    """The error that asks the caller to declare the geometry."""
    size = picture_header(paths[0])
    shape = f"{size[0]}x{round(size[0] * person[1] / person[0])}"
    words = {
        "squashed": f"a {shape} picture squashed to the square",
        "padded": f"a {shape} picture padded at its sides",
        "plain": "a picture that is square itself",
    }
    said = ", or ".join(f"{words[reading]} ({option} {reading})" for reading in readings)
    mixed = " Some have white sides and others have none: keep pictures that were made alike in a folder."
    return BadInput(
        f"The {what} are square ({len(paths)} of them; {paths[0].name} has {size[0]}x{size[1]} pixels), and neither "
        f"their size nor their pixels prove what that is: {said}. Say which.{mixed if evidence == 'mixed' else ''}"
    )


def _misfit(size: Size, shown: Size, layout: Layout | None) -> str:
    """Why a generated picture of this size cannot contain a person's picture of that shape; empty if it can."""
    if same_shape(size, shown):
        return ""
    came, wanted = f"{size[0]}x{size[1]}", f"{shown[0]}x{shown[1]}"
    if strip := looks_like_a_strip(size, shown):
        return (
            f"it is {came} pixels, {strip}; say how many panels there are and which one is the generated picture, "
            f"counted from the left: --strip PANELS --panel K"
        )
    if layout == "plain":
        return f"it is {came} pixels, its target's picture {wanted}: with --geometry plain both have one shape"
    if is_square(size) or (layout is not None and size[1] <= size[0]):
        return ""
    return (
        f"it is {came} pixels, its target's picture {wanted}; it must have that shape, or be a square that holds it "
        f"(--geometry squashed or --geometry padded)"
    )


def _size_or_none(path: Path) -> Size | None:
    """The size from the header; None if it cannot be read, which decoding will report."""
    try:
        return picture_header(path)
    except BadInput:
        return None


def _sample(
    paths: Sequence[Path], read: Callable[[Path], UInt8[Tensor, "H W 3"]] = read_picture
) -> Iterator[UInt8[Tensor, "H W 3"]]:
    """Some of the pictures, evenly spread; unreadable ones are skipped, as scoring reports them."""
    for path in paths[:: max(1, -(-len(paths) // SAMPLE))]:
        try:
            yield read(path)
        except BadInput:
            continue
