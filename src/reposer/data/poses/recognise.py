"""Recognise the form of a pose file by its content, never by its name."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from reposer.core import BadInput, quoted
from reposer.core.skeleton import OPENPOSE_18

from .arrays import H36M, BareCoco
from .blazepose import BlazePose, TensorFlowPoses
from .coco_annotations import CocoAnnotations
from .contents import Arrays, JointList, PictureFile, content_of
from .keypoint_results import AlphaPose, CocoResults
from .mmpose import MMPose
from .openpose import OpenPose, OpenPoseFrames, people_in
from .own import OwnPose, OwnTrack
from .patn import Patn
from .recording import PeopleInPicture, PoseFormat, PoseRecording
from .skeleton_picture import SkeletonPicture
from .values import whole_number_in

POSE_FORMATS: Sequence[PoseFormat] = (
    OwnPose(),
    OwnTrack(),
    OpenPose(),
    OpenPoseFrames(),
    AlphaPose(),
    CocoResults(),
    CocoAnnotations(),
    MMPose(),
    BlazePose(),
    TensorFlowPoses(),
    H36M(),
    BareCoco(),
    Patn(),
    SkeletonPicture(),
)
"""Known forms. A new form needs a module and an entry here. Several may share a key."""
_DECLARED: Mapping[str, PoseFormat] = {form.key: form for form in (Patn("padded256"), Patn("crop176"))}
"""Forms that are only read if they are named."""
_KEYS = {"openpose18": "openpose", "openpose25": "openpose", "coco-wholebody": "coco"}
"""Names under which forms are written, by the key under which they are read."""
FORMAT_NAMES: Sequence[str] = tuple(dict.fromkeys((*(form.key for form in POSE_FORMATS), *_KEYS, *_DECLARED)))
"""What `--pose-format` takes."""

FRAME_FILES = "*_keypoints.json"
MOST_FILES = 100_000
LARGEST_FRAME = 4 * 2**20
"""Largest file of one frame, in bytes: hundreds of people with faces and hands."""
MOST_PEOPLE = 500_000
"""Most people in all frames of a folder, of 18 joints; fewer with hands and faces: half a gigabyte of memory."""

# Known but unsupported forms: test, description, and advice.
_UNREAD: Sequence[tuple[Callable[[Any], bool], str, str]] = (
    (
        lambda content: "bodies" in (_first(content) or {}) or (isinstance(content, dict) and "bodies" in content),
        "AlphaPose's --format cmu",
        "Run AlphaPose with --format open or with its default form",
    ),
)  # fmt: skip


def read_recording(path: Path | str, form: str | None = None) -> PoseRecording:
    """All people in a pose file of any known form, or in a folder of OpenPose files, one per frame.

    form: one of FORMAT_NAMES; None recognises it by the content, and refuses a file of which there are several
    readings.
    """
    path = Path(path)
    if path.is_dir():
        return _of_folder(path)
    return read_content(path, content_of(path), form)


def read_content(path: Path, content: Any, form: str | None = None) -> PoseRecording:
    """The same of content that was already read."""
    forms = POSE_FORMATS if form is None else _named(form)
    readings = [known for known in forms if known.recognises(content)]
    if len(readings) > 1 and form is None:
        names = " or as ".join(f"{known.name} (--pose-format {known.key})" for known in readings)
        raise BadInput(f"{path} may be read as {names}. Say which it is.")
    if readings:
        return readings[0].read(path, content)
    if form is not None:
        raise BadInput(
            f"{path} is not of the form '{form}': {_look(content)} came, "
            f"{' or '.join(known.example for known in forms)} was expected. Leave --pose-format out to have it "
            "recognised."
        )
    for recognises, what, way_out in _UNREAD:
        if recognises(content):
            raise BadInput(f"{path} is {what}, which is not read. {way_out}.")
    if content == []:
        raise BadInput(f"{path} is an empty list: nobody was found. Take a picture that shows a person clearly.")
    raise BadInput(
        f"{path} is no pose file of a form that is known: {_look(content)}. Read are "
        f"{'; '.join(f'{known.name} {known.example}' for known in POSE_FORMATS)}; and folders of {FRAME_FILES}."
    )


def _named(form: str) -> Sequence[PoseFormat]:
    key = _KEYS.get(form, form)
    forms = [known for known in (*POSE_FORMATS, *_DECLARED.values()) if known.key == key]
    if not forms:
        raise BadInput(f"There is no form '{form}' of pose files; there are {', '.join(FORMAT_NAMES)}.")
    return forms


def recording_files(path: Path) -> list[Path]:
    """The files that `read_recording` reads, in the order of their frames."""
    if not path.is_dir():
        return [path]
    files = [file for file in path.glob(FRAME_FILES) if file.is_file()]
    if not files:
        raise BadInput(
            f"{path} is a folder without a pose file: NAME_NUMBER_keypoints.json were expected, one a frame."
        )
    if len(files) > MOST_FILES:
        raise BadInput(f"{path} has {len(files):,} pose files; at most {MOST_FILES:,} are read as one clip.")
    numbers = {file: whole_number_in(_stem(file)) for file in files}
    unnumbered = sorted(file.name for file, number in numbers.items() if number is None)
    if unnumbered and len(files) > 1:
        raise BadInput(
            f"{path}: {quoted(unnumbered[0])} has no frame number; NAME_NUMBER_keypoints.json was expected of a clip's "
            "frames."
        )
    names = sorted({_without_number(_stem(file)) for file in files})
    if len(names) > 1:
        raise BadInput(
            f"{path} holds the frames of {len(names)} clips ({', '.join(map(quoted, names[:3]))}); one clip a folder "
            f"was expected."
        )
    files.sort(key=lambda file: numbers[file] or 0)
    _refuse_gaps(path, [numbers[file] or 0 for file in files])
    return files


def _of_folder(folder: Path) -> PoseRecording:
    pictures: list[PeopleInPicture] = []
    count = 0
    for file in recording_files(folder):
        content = content_of(file, most_bytes=LARGEST_FRAME)
        if not OpenPose().recognises(content):
            raise BadInput(
                f"{file} is no {OpenPose.name}, as the files of a folder of frames have to be: {_look(content)}."
            )
        pictures.append(people_in(file, content, file.name))
        people = pictures[-1].people
        joints = sum(person.num_joints for _, person in pictures[-1].usable)
        count += max(len(people), joints // len(OPENPOSE_18))
        if count > MOST_PEOPLE:
            raise BadInput(f"{folder} shows more than {MOST_PEOPLE:,} people in its frames. Give a shorter clip.")
    return PoseRecording(folder, "a folder of OpenPose frames", pictures, is_clip=True, form=OpenPose.key)


def _refuse_gaps(folder: Path, numbers: Sequence[int]) -> None:
    """Refuse uneven frame numbers: OpenPose writes a file for every frame (or `--frame_step`), even without people."""
    steps = [later - earlier for earlier, later in pairwise(numbers)]
    for number, step in zip(numbers, steps, strict=False):
        if step != steps[0]:
            raise BadInput(
                f"{folder}: after frame {number} comes frame {number + step}, and the first two are {steps[0]} apart; "
                f"files are missing or too many."
            )


def _stem(file: Path) -> str:
    return file.name.removesuffix("_keypoints.json")


def _without_number(stem: str) -> str:
    end = len(stem)
    while end and not stem[end - 1].isdigit():
        end -= 1
    start = end
    while start and stem[start - 1].isdigit():
        start -= 1
    return stem[:start] + "#" + stem[end:]


def _first(content: Any) -> dict[str, Any] | None:
    """The first object in a list or in an object of objects."""
    entries = content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
    return next((entry for entry in entries if isinstance(entry, dict)), None)


def _look(content: Any) -> str:
    if isinstance(content, Arrays):
        shapes = [f"{quoted(name)} of {' x '.join(map(str, a.shape))}" for name, a in list(content.arrays.items())[:4]]
        return f"arrays ({', '.join(shapes) or 'none of numbers'})"
    if isinstance(content, JointList):
        return "a list of joints in PATN's form"
    if isinstance(content, PictureFile):
        return "a picture"
    if isinstance(content, dict):
        return f"an object with {', '.join(map(quoted, sorted(content)[:6]))}" if content else "an empty object"
    if isinstance(content, list):
        first = _first(content)
        inside = f" of objects with {', '.join(map(quoted, sorted(first)[:6]))}" if first else ""
        return f"a list{inside}"
    return quoted(content)
