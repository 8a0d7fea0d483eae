"""Your own photo in another pose, in one call: the poses come from pictures, pose files or `Pose` objects."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from reposer import __version__
from reposer.core import BadInput, Explanation, Generator, Pose
from reposer.core.choices import Background, CanvasChoice
from reposer.core.composition import Provenance
from reposer.core.device import chosen_device
from reposer.core.retargeting import retarget
from reposer.core.skeleton import OPENPOSE_18
from reposer.data.generated_note import GeneratedNote, digest
from reposer.data.pictures import picture_of, read_picture, write_picture
from reposer.data.poses import choose_pose, read_recording
from reposer.data.poses.presets import preset, preset_names
from reposer.data.stick_figures import is_stick_figure, refuse_stick_figure
from reposer.estimators import POSE_ESTIMATORS, PeopleEstimator, PoseEstimator
from reposer.estimators.people_choice import Estimated, Person, estimate
from reposer.generators import load, shipped_models
from reposer.pipeline import open_photo, placement, refuse_too_little, retarget_placement, transfer

ESTIMATOR = "movenet"
"""The default pose estimator."""
Picture = Path | str | Image.Image | np.ndarray | Tensor
"""A picture file, a Pillow image, or bytes (H, W, 3) in RGB."""


@dataclass(frozen=True)
class Reposed:
    """The person of a photo in another pose.

    image: of the photo's size. pose: as generated, in pixels of the photo. source_pose: of the person in the photo.
    provenance: where each pixel came from, if asked for. explanation: the inner pictures, if asked for.
    notes: what was decided on the way, one sentence each. generated: by what and from what, for the file's metadata.
    """

    image: Image.Image
    pose: Pose
    source_pose: Pose
    provenance: Provenance | None = None
    explanation: Explanation | None = None
    notes: Sequence[str] = ()
    generated: GeneratedNote | None = None

    def save(self, path: Path | str, *, note: bool = True) -> None:
        """Write the image as PNG or JPEG, by the name's ending; the file appears whole or not at all.

        note: also write into its metadata that it was generated, by what and from what.
        """
        xmp = self.generated.xmp() if note and self.generated is not None else None
        write_picture(path, np.array(self.image), xmp=xmp)


def repose(
    photo: Picture,
    pose: Pose | Picture,
    *,
    person: Person | None = None,
    pose_person: Person | None = None,
    source_pose: Pose | Path | str | None = None,
    model: Generator | Path | str = "trueflow",
    estimator: PoseEstimator | str = ESTIMATOR,
    seed: int = 0,
    explain: bool = False,
    provenance: bool = False,
    background: Background = "keep",
    canvas: CanvasChoice = "keep",
    retargeted: bool = True,
    device: str | None = None,
) -> Reposed:
    """The photo with its person in another pose.

    pose: a picture of somebody in that pose, a pose file (`docs/poses.md`), the name of a preset ("arms-up"), or a `Pose`.
    person, pose_person: which of several people in the photo, and in the pose's picture: "largest" (the default),
        "left", "right", a number (1 is the largest), a point (x, y) or a box (left, top, right, bottom) in pixels. In a
        pose file: the person's number, from 0.
    source_pose: the joints of the person in the photo; None = estimate them.
    model: a shipped model's name, a `.safetensors` or a generator. device: None = a CUDA GPU if there is one, and a
        generator's own.
    retargeted: fit another person's pose to the body of the photo's, not only by size and place.
    explain, provenance, background, canvas: as in `transfer`.
    """
    picture = as_bytes(photo)
    size = (picture.shape[0], picture.shape[1])
    if source_pose is None:
        source = estimated(picture, named(photo, "the photo"), person, estimator)
    elif isinstance(source_pose, Pose):
        source = Estimated(source_pose)
    else:
        chosen = choose_pose(read_recording(source_pose), size)
        source = Estimated(chosen.pose, chosen.notes)
    wanted = pose_from(pose, source.pose, pose_person, estimator, retargeted=retargeted)
    generator = model if isinstance(model, Generator) else _generator(str(model), str(chosen_device(device)))
    if isinstance(model, Generator) and device is not None:
        generator = model.to(device)
    made = transfer(
        generator,
        picture,
        source.pose,
        wanted.pose,
        seed=seed,
        explain=explain,
        provenance=provenance,
        background=background,
        canvas=canvas,
        retargeted=retargeted,
    )
    leaving = f"The pose leaves the photo, and is cut there: {', '.join(made.cut)}." if made.cut else ""
    notes = (*source.notes, *wanted.notes, *(note for note in (made.left_undone, leaving) if note))
    image = Image.fromarray(made.picture.numpy())
    generated = _note(model, {"photo": photo, "source pose": source_pose, "pose": pose}, picture)
    return Reposed(image, made.target_pose, source.pose, made.provenance, made.explanation, notes, generated)


def _note(
    model: Generator | Path | str, inputs: Mapping[str, object], picture: UInt8[Tensor, "H W 3"]
) -> GeneratedNote:
    """By what and from what a picture was made: of files their checksums, of a photo without a file that of its bytes."""
    digests = {role: digest(Path(i)) for role, i in inputs.items() if isinstance(i, Path | str) and Path(i).exists()}
    if "photo" not in digests:
        digests = {"photo, its pixels": hashlib.sha256(picture.numpy().tobytes()).hexdigest()} | digests
    tool = f"Reposer {__version__}"
    if isinstance(model, Generator):
        return GeneratedNote(tool, type(model).__name__, "", digests)
    weights = Path(model) if Path(model).is_file() else shipped_models()[str(model)]
    return GeneratedNote(tool, weights.stem, digest(weights), digests)


def estimate_pose(photo: Picture, *, person: Person | None = None, estimator: PoseEstimator | str = ESTIMATOR) -> Pose:
    """The joints of the person in a photo, in its pixels; BadInput if it shows nobody. person: see `repose`."""
    return estimated(as_bytes(photo), named(photo, "the photo"), person, estimator).pose


def people_in(photo: Picture, *, estimator: PoseEstimator | str = ESTIMATOR) -> Sequence[Pose]:
    """A rough pose of each person in a photo, in its pixels, the largest person first; empty if it shows nobody. The box of
    one chooses that person in `repose` and `estimate_pose`.
    """
    looks = _estimator(estimator, torch.get_num_threads()) if isinstance(estimator, str) else estimator
    picture = as_bytes(photo)
    if not isinstance(looks, PeopleEstimator):
        found = looks(picture[None])[0]
        return [found] if found.visible.any() else []
    return looks.people(picture)


def pose_for(
    pose: Pose | Picture,
    source_pose: Pose,
    *,
    pose_person: Person | None = None,
    estimator: PoseEstimator | str = ESTIMATOR,
) -> Estimated:
    """A pose as `repose` would generate it of this person, in pixels of the photo, with notes. pose, pose_person: as there.

    source_pose: of the person in the photo.
    """
    own = source_pose.convert(OPENPOSE_18)
    found = pose_from(pose, own, pose_person, estimator)
    if found.pose.size == own.size:
        return found
    other = found.pose.convert(OPENPOSE_18)
    refuse_too_little(own, "photo")
    refuse_too_little(other, "wanted picture")
    return Estimated(retarget_placement(own, other), found.notes)


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


def estimated(
    picture: UInt8[Tensor, "H W 3"], name: str, person: Person | None = None, estimator: PoseEstimator | str = ESTIMATOR
) -> Estimated:
    """The joints of one person in a picture, with notes; BadInput if it shows nobody. name: of the picture."""
    refuse_stick_figure(picture, Path(name), "Give a photo; a stick figure says a pose only as joints in a file.")
    estimator = _estimator(estimator, torch.get_num_threads()) if isinstance(estimator, str) else estimator
    return estimate(estimator, picture, name, person)


def pose_from(
    pose: Pose | Picture,
    source: Pose,
    person: Person | None = None,
    estimator: PoseEstimator | str = ESTIMATOR,
    *,
    retargeted: bool = True,
) -> Estimated:
    """A wanted pose from whatever says one, with notes: see `repose`. source: of the person in the photo."""
    if isinstance(pose, Pose):
        return Estimated(pose)
    if isinstance(pose, Path | str) and is_preset(pose):
        return Estimated(fitted(preset(str(pose)), source, f"'{pose}'", retargeted=retargeted))
    if isinstance(pose, Path | str) and is_pose_file(Path(pose)):
        if person is not None and (not isinstance(person, int) or isinstance(person, bool)):
            raise BadInput(f"{pose} is a pose file: choose its person by a number from 0, not by {person!r}.")
        chosen = choose_pose(read_recording(pose), otherwise=source.size, person=person)
        return Estimated(chosen.pose, chosen.notes)
    name = named(pose, "the picture of the pose")
    picture = read_picture(pose) if isinstance(pose, Path | str) else as_bytes(pose)
    found = estimated(picture, name, person, estimator)
    return Estimated(fitted(found.pose, source, name, retargeted=retargeted), found.notes)


POSE_FILES = (".json", ".csv", ".npz", ".npy")


def is_pose_file(path: Path) -> bool:
    """Whether a path names joints: a file of them, a folder of files, or a picture of a skeleton; not a photo."""
    if path.suffix.lower() in POSE_FILES or path.is_dir():
        return True
    return path.is_file() and is_stick_figure(read_picture(path))


def is_preset(pose: Path | str) -> bool:
    """Whether it is a preset's name, and no file of that name lies here."""
    return str(pose) in preset_names() and not Path(pose).exists()


def fitted(pose: Pose, source: Pose, name: str, *, retargeted: bool = True) -> Pose:
    """Another person's pose, fitted to the photo's person also where both pictures have the same size."""
    if pose.size != source.size:
        return pose  # `transfer` fits it
    own, other = source.convert(OPENPOSE_18), pose.convert(OPENPOSE_18)
    refuse_too_little(own, "photo")
    refuse_too_little(other, f"picture {name}")
    return retarget(own, other).pose if retargeted else pose.affine(placement(own, other, fit=True), source.size)


@lru_cache(maxsize=2)
def _estimator(name: str, threads: int) -> PoseEstimator:
    """The pose estimator of this name, kept for the next call. threads: a network keeps those that it began with."""
    return POSE_ESTIMATORS[name](None)


@lru_cache(maxsize=1)
def _generator(model: str, device: str) -> Generator:
    """The generator, kept for the next call."""
    return load(model).to(device)
