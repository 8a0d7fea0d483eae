"""Your own photo in another pose, in one call: the poses come from pictures, pose files or `Pose` objects."""

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from reposer import __version__
from reposer.core import BadInput, Explanation, Generator, Pose
from reposer.core.choices import Background, CanvasChoice, HeadChoice, OtherSide, Runtime
from reposer.core.composition import Provenance
from reposer.core.pose import Box, Edges
from reposer.core.retargeting import arms_alone, retarget, turned_head
from reposer.core.skeleton import OPENPOSE_18
from reposer.data.generated_note import GeneratedNote, digest, marked
from reposer.data.pictures import picture_of, read_picture, write_picture
from reposer.data.poses import choose_pose, read_recording
from reposer.data.poses.presets import OF_ARMS, preset, preset_names
from reposer.data.stick_figures import is_stick_figure
from reposer.engines.run import chosen_runtime, load_for
from reposer.estimated import ESTIMATOR, estimated, kept_estimator
from reposer.estimators import PeopleEstimator, PoseEstimator
from reposer.estimators.people_choice import Estimated, Person
from reposer.generators import model_file
from reposer.generators.hub import WEIGHTS
from reposer.nn.remembered import Remembered
from reposer.pipeline import open_photo, placement, refuse_too_little, retarget_placement, transfer

Picture = Path | str | Image.Image | np.ndarray | Tensor
"""A picture file, a Pillow image, or bytes (H, W, 3) in RGB."""


@dataclass(frozen=True)
class PoseFile:
    """A pose file, and which of its poses is meant.

    size: (height, width) of the picture that the pose belongs to; None = what the file says, or else the photo's.
    frame: which of several, from 0. person: which of several in it, from 0; None = the one with the surest joints.
    form: of the file, see `read_recording`; None = recognised.
    A wanted pose may also be a picture of somebody or a preset's name here; the other fields are refused then.
    """

    path: Path | str
    size: tuple[int, int] | None = None
    frame: int | None = None
    person: int | None = None
    form: str | None = None


@dataclass(frozen=True)
class Opened:
    """A photo that is decoded once for several poses of its person, and what is known of its background and of that
    person. photo: as it is given to `repose`. looked: the pose that `repose` would estimate in it, begun before.
    """

    photo: Picture
    pixels: UInt8[Tensor, "H W 3"]
    remembered: Remembered = field(default_factory=Remembered)
    looked: Future[Estimated] | None = None


@dataclass(frozen=True)
class Wanted:
    """A wanted pose as it came, in pixels of its own picture.

    of_another: whether it is another person's, so that it is fitted also where both pictures have the same size; name:
    of what showed it, for messages. notes: what was decided, one sentence each. of_arms: whether it is about the arms,
    so that all else may stay as it is.
    """

    pose: Pose
    notes: Sequence[str] = ()
    of_another: bool = False
    name: str = ""
    of_arms: bool = False


@dataclass(frozen=True)
class Reposed:
    """The person of a photo in another pose.

    image: of the photo's size. pose: as generated, in pixels of the photo. source_pose: of the person in the photo.
    provenance: where each pixel came from, if asked for. explanation: the inner pictures, if asked for.
    notes: what was decided on the way, one sentence each. generated: by what and from what, for the file's metadata.
    wanted: the pose that was asked for, before it was fitted.
    box, content: the regenerated part of the image, and the part of the generator's frame that fills it, as in
    `Transfer`: where the explanation's layers lie.
    """

    image: Image.Image
    pose: Pose
    source_pose: Pose
    provenance: Provenance | None = None
    explanation: Explanation | None = None
    notes: Sequence[str] = ()
    generated: GeneratedNote | None = None
    wanted: Wanted | None = None
    box: Box | None = None
    content: Edges | None = None

    def save(self, path: Path | str, *, note: bool = True, mark: bool = False) -> None:
        """Write the image as PNG or JPEG, by the name's ending; the file appears whole or not at all.

        note: also write into its metadata that it was generated, by what and from what. mark: and visibly, in its
        corner.
        """
        xmp = self.generated.xmp() if note and self.generated is not None else None
        picture = torch.from_numpy(np.array(self.image))
        write_picture(path, marked(picture) if mark else picture, xmp=xmp)


def repose(
    photo: Picture,
    pose: Pose | Picture | PoseFile,
    *,
    person: Person | None = None,
    pose_person: Person | None = None,
    source_pose: Pose | PoseFile | Path | str | None = None,
    more: Sequence[tuple[Picture, Pose | PoseFile | Path | str | None]] = (),
    model: Generator | Path | str = "trueflow",
    estimator: PoseEstimator | str = ESTIMATOR,
    seed: int = 0,
    explain: bool = False,
    provenance: bool = False,
    background: Background = "keep",
    canvas: CanvasChoice = "keep",
    retargeted: bool = True,
    head: HeadChoice = "keep",
    other_side: OtherSide = "mirrored",
    device: str | None = None,
    opened: Opened | None = None,
    begun: Future[Wanted | None] | None = None,
    engine: Runtime | None = None,
    network_size: tuple[int, int] | None = None,
) -> Reposed:
    """The photo with its person in another pose.

    pose: a picture of somebody in that pose, a pose file (`docs/poses.md`), the name of a preset ("arms-up"), or a
    `Pose`.
    person, pose_person: which of several people in the photo, and in the pose's picture: "largest" (the default),
        "left", "right", a number (1 is the largest), a point (x, y) or a box (left, top, right, bottom) in pixels. In a
        pose file: the person's number, from 0.
    source_pose: the joints of the person in the photo; None = estimate them.
    more: further photos of the same person, each with its joints (None = estimate them), for models that take several.
    model: a shipped model's name, a `.safetensors` or a generator. device: None = a CUDA GPU if there is one, and a
        generator's own. engine: what runs the network of a model that is named; None = torch.
    network_size: (height, width) at which it works; None = that of its training.
    retargeted: fit another person's pose to the body of the photo's, not only by size and place. head: of a pose that
        is: see `choices.HeadChoice`.
    explain, provenance, background, canvas, other_side: as in `transfer`.
    opened: the photo's own, given with each of several poses: the pictures are the same, and sooner there.
    begun: what `wanted_alone` says of this pose, begun before.
    """
    if opened is not None and opened.photo is not photo:
        raise BadInput("What was opened is another photo; give the photo that it was made of.")
    asked = model, device, engine, network_size
    looked = None if opened is None or source_pose is not None else opened.looked
    with ThreadPoolExecutor(2) as aside:  # networks are read while the photo is decoded and looked at
        # not so where a graph may be recorded: that takes minutes, and changes switches of torch for all threads
        loaded = aside.submit(kept_generator, *asked) if engine in (None, "torch") else None
        looks = aside.submit(kept_estimator, estimator) if source_pose is None and looked is None else None
        picture = as_bytes(photo) if opened is None else opened.pixels
        estimator = estimator if looks is None else looks.result()
        source = (
            looked.result()
            if looked is not None
            else person_in(picture, named(photo, "the photo"), source_pose, person, estimator)
        )
        alone = wanted_alone(pose, pose_person, estimator) if begun is None else begun.result()
        wanted = _with_source(alone, pose, source.pose, pose_person)
        further = []
        for other, joints in more:
            shown = as_bytes(other)
            further.append((shown, person_in(shown, named(other, "a further photo"), joints, None, estimator)))
        generator = kept_generator(*asked) if loaded is None else loaded.result()
    target, kept = _with_arms_alone(wanted, source.pose, head=head) if retargeted else (wanted.pose, ())
    if wanted.of_another and not kept:
        target = fitted(target, source.pose, wanted.name, retargeted=retargeted, head=head)
    made = transfer(
        generator,
        picture,
        source.pose,
        target,
        more=[(shown, found.pose) for shown, found in further],
        seed=seed,
        explain=explain,
        provenance=provenance,
        background=background,
        canvas=canvas,
        retargeted=retargeted,
        head=head,
        other_side=other_side,
        remembered=None if opened is None else opened.remembered,
    )
    notes = [*source.notes, *wanted.notes, *kept, *(note for _, found in further for note in found.notes)]
    if retargeted and head == "keep" and (wanted.of_another or wanted.pose.size != source.pose.size):
        notes += head_note(source.pose, wanted.pose)
    inferred = "" if kept else inferred_note(wanted.pose, made.target_pose)
    notes += [note for note in (inferred, made.left_undone, _cut(made.cut)) if note]
    inputs = {"photo": photo, "source pose": source_pose, "pose": pose}
    for number, (other, joints) in enumerate(more, 1):
        inputs |= {f"further photo {number}": other, f"pose of further photo {number}": joints}
    generated = _note(model, inputs, picture)
    image = Image.fromarray(made.picture.numpy())
    return Reposed(
        image,
        made.target_pose,
        source.pose,
        made.provenance,
        made.explanation,
        notes,
        generated,
        wanted,
        made.box,
        made.content,
    )


def inferred_note(wanted: Pose, generated: Pose) -> str:
    """Names the joints that the wanted pose did not have."""
    shown = wanted.convert(generated.skeleton).visible
    names = [name for k, name in enumerate(generated.skeleton.joints) if generated.visible[k] and not shown[k]]
    if not names:
        return ""
    return f"Joints that the wanted pose lacks are taken from its other side or from the photo: {', '.join(names)}."


SEEN_TURN = 0.15
"""Widths of the shoulders: a head that is turned by less looks the same."""


def head_note(source: Pose, wanted: Pose) -> list[str]:
    """Says that the head is not turned as in the wanted pose, if fitting leaves it as in the photo."""
    own, other = (pose.convert(OPENPOSE_18) for pose in (source, wanted))
    if turned_head(own, other) < SEEN_TURN:
        return []
    return ["The head keeps its direction in the photo; --head pose turns it as the pose does."]


def _with_arms_alone(wanted: Wanted, source: Pose, *, head: HeadChoice) -> tuple[Pose, Sequence[str]]:
    """The wanted pose; if it is about the arms, and they fit, the photo's own pose with its arms, and a note that says
    so."""
    own = source.convert(OPENPOSE_18)
    pose = arms_alone(own, wanted.pose, head=head) if wanted.of_arms else None
    if pose is None:
        return wanted.pose, ()
    above = [k for k, joint in enumerate(own.skeleton.joints) if joint == "nose" or joint.endswith(("_eye", "_ear"))]
    moving = "the arms move" if torch.equal(pose.xy[above], own.xy[above]) else "arms and head move"
    return pose, (f"Only {moving}: {wanted.name} is about the arms.",)


def _cut(joints: Sequence[str]) -> str:
    if not joints:
        return ""
    return (
        f"The pose leaves the photo, and is cut there: {', '.join(joints)}. --canvas grow "
        "makes the picture larger, --canvas inside moves the pose."
    )


def _note(
    model: Generator | Path | str, inputs: Mapping[str, object], picture: UInt8[Tensor, "H W 3"]
) -> GeneratedNote:
    """By what and from what a picture was made: of files their checksums, of a photo without a file that of its
    bytes."""
    paths = {role: value.path if isinstance(value, PoseFile) else value for role, value in inputs.items()}
    digests = {role: digest(Path(p)) for role, p in paths.items() if isinstance(p, Path | str) and Path(p).exists()}
    if "photo" not in digests:
        digests = {"photo, its pixels": hashlib.sha256(picture.numpy().tobytes()).hexdigest()} | digests
    tool = f"Reposer {__version__}"
    if isinstance(model, Generator):
        return GeneratedNote(tool, type(model).__name__, "", digests)
    weights = model_file(model)
    return GeneratedNote(tool, weights.stem, digest(weights), digests)


def estimate_pose(photo: Picture, *, person: Person | None = None, estimator: PoseEstimator | str = ESTIMATOR) -> Pose:
    """The joints of the person in a photo, in its pixels; BadInput if it shows nobody. person: see `repose`."""
    return estimated(as_bytes(photo), named(photo, "the photo"), person, estimator).pose


def people_in(photo: Picture, *, estimator: PoseEstimator | str = ESTIMATOR) -> Sequence[Pose]:
    """A rough pose of each person in a photo, in its pixels, the largest person first; empty if it shows nobody. The
    box of one chooses that person in `repose` and `estimate_pose`.
    """
    looks = kept_estimator(estimator)
    picture = as_bytes(photo)
    if not isinstance(looks, PeopleEstimator):
        found = looks(picture[None])[0]
        return [found] if found.visible.any() else []
    return looks.people(picture)


def pose_for(
    pose: Pose | Picture | Wanted,
    source_pose: Pose,
    *,
    pose_person: Person | None = None,
    estimator: PoseEstimator | str = ESTIMATOR,
    head: HeadChoice = "keep",
) -> Estimated:
    """A pose as `repose` would generate it of this person, in pixels of the photo, with notes. pose, pose_person: as
    there, or what these say. head: too.

    source_pose: of the person in the photo.
    """
    own = source_pose.convert(OPENPOSE_18)
    found = pose if isinstance(pose, Wanted) else pose_from(pose, own, pose_person, estimator)
    pose, kept = _with_arms_alone(found, own, head=head)
    pose = fitted(pose, own, found.name, head=head) if found.of_another and not kept else pose
    if pose.size == own.size and not found.of_another:
        return Estimated(pose, found.notes)
    notes = [*found.notes, *kept, *(head_note(own, found.pose) if head == "keep" else ())]
    if pose.size == own.size:
        return Estimated(pose, notes)
    other = pose.convert(OPENPOSE_18)
    refuse_too_little(own, "photo")
    refuse_too_little(other, "wanted picture")
    return Estimated(retarget_placement(own, other, head=head), notes)


def as_bytes(photo: Picture) -> UInt8[Tensor, "H W 3"]:
    """The photo's bytes in RGB, upright; BadInput if it cannot be read."""
    if isinstance(photo, Image.Image):
        return picture_of(photo)
    return open_photo(
        np.array(photo) if isinstance(photo, np.ndarray) else photo
    )  # torch warns of arrays that are locked


def named(photo: object, otherwise: str) -> str:
    """The name of a picture in messages: its path, if it came as one."""
    return str(photo) if isinstance(photo, Path | str) else otherwise


def person_in(
    picture: UInt8[Tensor, "H W 3"],
    name: str,
    pose: Pose | PoseFile | Path | str | None = None,
    person: Person | None = None,
    estimator: PoseEstimator | str = ESTIMATOR,
) -> Estimated:
    """The joints of the person in a photo: these, those of a file, or estimated ones, with notes.

    name: of the photo, in messages. person: which of the people that the pose estimator finds.
    """
    if pose is None:
        return estimated(picture, name, person, estimator)
    if isinstance(pose, Pose):
        return Estimated(pose)
    if person is not None:
        raise BadInput(
            f"--person chooses among the people that the pose estimator finds in {name}, and --source-pose names one "
            f"already. Leave one of them out (--source-person chooses in the file)."
        )
    file = pose if isinstance(pose, PoseFile) else PoseFile(pose)
    size = (picture.shape[0], picture.shape[1])
    found = choose_pose(read_recording(file.path, file.form), size, frame=file.frame, person=file.person, told=False)
    if found.pose.size != size:
        height, width = found.pose.size
        raise BadInput(
            f"{file.path} belongs to a picture of {height}x{width}, {name} is {size[0]}x{size[1]} (height x width). "
            "Give the pose of this photo."
        )
    return Estimated(_somebody(found.pose, file), found.notes)


def pose_from(
    pose: Pose | Picture | PoseFile,
    source: Pose,
    person: Person | None = None,
    estimator: PoseEstimator | str = ESTIMATOR,
) -> Wanted:
    """A wanted pose from whatever says one: see `repose`. source: of the person in the photo."""
    return _with_source(wanted_alone(pose, person, estimator), pose, source, person)


def wanted_alone(
    pose: Pose | Picture | PoseFile, person: Person | None = None, estimator: PoseEstimator | str = ESTIMATOR
) -> Wanted | None:
    """A wanted pose that is said without the photo: by a picture, a name or itself. None: by a file of joints."""
    if isinstance(pose, Pose):
        return Wanted(pose)
    file = _as_file(pose)
    if file is None:
        assert not isinstance(pose, PoseFile | Path | str)
        found = estimated(as_bytes(pose), "the picture of the pose", person, estimator)
        return Wanted(found.pose, _of_pose_person(found.notes), True, "the picture of the pose")
    name = str(file.path)
    options = {"--pose-size": file.size, "--pose-frame": file.frame}
    if is_preset(file.path):
        _refuse(options | {"--pose-person": person, "--pose-format": file.form}, f"{name} is a pose by name")
        return preset_wanted(name)
    if file.form is None and not _named_as_poses(Path(name)):
        shown = read_picture(name)  # once: it may be large
        if not is_stick_figure(shown):
            _refuse(options, f"{name} is taken as a picture")
            found = estimated(shown, name, person, estimator)
            return Wanted(found.pose, _of_pose_person(found.notes), True, name)
    return None


def preset_wanted(name: str) -> Wanted:
    """The preset of this name."""
    return Wanted(preset(name), (), True, f"'{name}'", name in OF_ARMS)


def _with_source(alone: Wanted | None, pose: Pose | Picture | PoseFile, source: Pose, person: Person | None) -> Wanted:
    """What `wanted_alone` found, or else what the file says."""
    if alone is not None:
        return alone
    file = _as_file(pose)
    assert file is not None
    return _of_file(file, source, file.person if person is None else person)


def _as_file(pose: object) -> PoseFile | None:
    if isinstance(pose, PoseFile):
        return pose
    return PoseFile(pose) if isinstance(pose, Path | str) else None


def _of_file(file: PoseFile, source: Pose, person: Person | None) -> Wanted:
    if person is not None and (not isinstance(person, int) or isinstance(person, bool)):
        raise BadInput(
            f"{file.path} is a pose file: --pose-person is the person's number there, from 0, not {person!r}."
        )
    recording = read_recording(file.path, file.form)
    chosen = choose_pose(recording, file.size, otherwise=source.size, frame=file.frame, person=person)
    if file.size is not None and chosen.pose.size != file.size:
        height, width = chosen.pose.size
        raise BadInput(
            f"{file.path} says itself that it belongs to a picture of {height}x{width} (height x width), not of "
            f"{file.size[0]}x{file.size[1]}. Leave --pose-size out."
        )
    return Wanted(_somebody(chosen.pose, file), chosen.notes)


def _refuse(options: Mapping[str, object], what: str) -> None:
    """Refuses options that only a pose file has a meaning for."""
    given = [option for option, value in options.items() if value is not None]
    if given:
        raise BadInput(f"{what}, and {given[0]} is for pose files. Leave it out.")


def _of_pose_person(notes: Sequence[str]) -> list[str]:
    return [note.replace("--person", "--pose-person") for note in notes]


def _somebody(pose: Pose, file: PoseFile) -> Pose:
    if not pose.visible.any():
        raise BadInput(f"{file.path} shows no person: none of its {len(pose.skeleton)} joints was found.")
    return pose


POSE_FILES = (".json", ".csv", ".npz", ".npy")


def is_pose_file(path: Path) -> bool:
    """Whether a path names joints: a file of them, a folder of files, or a picture of a skeleton; not a photo."""
    return _named_as_poses(path) or (path.is_file() and is_stick_figure(read_picture(path)))


def _named_as_poses(path: Path) -> bool:
    return path.suffix.lower() in POSE_FILES or path.is_dir()


def is_preset(pose: Path | str) -> bool:
    """Whether it is a preset's name, and no file of that name lies here."""
    return str(pose) in preset_names() and not Path(pose).exists()


def fitted(pose: Pose, source: Pose, name: str, *, retargeted: bool = True, head: HeadChoice = "keep") -> Pose:
    """Another person's pose, fitted to the photo's person also where both pictures have the same size."""
    if pose.size != source.size:
        return pose  # `transfer` fits it
    own, other = source.convert(OPENPOSE_18), pose.convert(OPENPOSE_18)
    refuse_too_little(own, "photo")
    refuse_too_little(other, f"picture {name}")
    if retargeted:
        return retarget(own, other, head=head).pose
    return pose.affine(placement(own, other, fit=True), source.size)


def kept_generator(
    model: Generator | Path | str,
    device: str | None = None,
    engine: Runtime | None = None,
    size: tuple[int, int] | None = None,
) -> Generator:
    """The generator of this name, kept for the next call; one that is given is itself. As in `repose`."""
    if isinstance(model, Generator):
        return model if device is None else model.to(device)
    return _generator(str(model), _written(Path(model)), *chosen_runtime(device, engine), size)


@lru_cache(maxsize=1)
def _generator(
    model: str, written: tuple[str, int, int] | None, device: str, engine: Runtime, size: tuple[int, int] | None
) -> Generator:
    """The generator, kept for the next call. written: another file under the same name is loaded anew."""
    return load_for(model, device, engine, size)


def _written(model: Path) -> tuple[str, int, int] | None:
    """Which file this is, when it was written and how long it is; None for a name of a model that is no file here."""
    for path in (model, model / WEIGHTS):
        if path.is_file():
            return str(path.resolve()), path.stat().st_mtime_ns, path.stat().st_size
    return None
