"""Key point results in COCO's form, as written by AlphaPose: one entry per person, with its picture's name.

[{"image_id": "0.jpg", "category_id": 1, "keypoints": [x, y, score, ...], "score": 2.9, "idx": 1}, ...]. The pictures
of a clip are numbered from 0, and one without people has no entry. The first 17 joints are COCO's in every set of
joints that AlphaPose has for people (COCO 17, Halpe 26 and 136, COCO-WholeBody 133).
"""

from pathlib import Path
from typing import Any

from reposer.core import BadInput, quoted
from reposer.core.skeleton import COCO_17

from .recording import PeopleInPicture, Person, PoseRecording, UnusablePerson
from .values import is_count, person_of_triples, whole_number_in

COUNTS = (17, 26, 133, 136)
"""Numbers of joints in sets that start with COCO's 17."""
LEAST_SCORE = 0.3
"""These programs report a position for every joint, hidden or not; they display those above about this score."""
MOST_FRAMES = 1_000_000


class KeypointResults:
    name = "AlphaPose or COCO results"
    example = '[{"image_id": "0.jpg", "keypoints": [x, y, score, ...], "score": ...}, ...]'

    def recognises(self, content: Any) -> bool:
        return isinstance(content, list) and any(
            isinstance(entry, dict) and "image_id" in entry and "keypoints" in entry for entry in content
        )

    def read(self, path: Path, content: Any) -> PoseRecording:
        by_picture: dict[str | int, list[Person | UnusablePerson]] = {}
        for n, entry in enumerate(content):
            picture: Any = entry.get("image_id") if isinstance(entry, dict) else None
            if not (isinstance(picture, str) or is_count(picture)):
                raise BadInput(
                    f"{path}: entry {n} is {quoted(entry)}; a person with 'image_id', 'keypoints' and 'score' was expected."
                )
            by_picture.setdefault(picture, []).append(_person(entry))
        numbers = [_number(picture) for picture in by_picture]
        if len(by_picture) == 1 or None in numbers or len(set(numbers)) < len(numbers):
            # named photos, not numbered frames of a clip: in the file's order
            pictures = [PeopleInPicture(people, name=str(name)) for name, people in by_picture.items()]
            return PoseRecording(path, self.name, pictures, is_clip=len(pictures) > 1)
        return PoseRecording(
            path,
            self.name,
            _frames(path, dict(zip(numbers, by_picture.values(), strict=True))),  # type: ignore[arg-type]
            is_clip=True,
            ends_open=True,
        )


def _frames(path: Path, people: dict[int, list[Person | UnusablePerson]]) -> list[PeopleInPicture]:
    """The pictures from frame 0 on."""
    count = max(people) + 1
    if count > min(MOST_FRAMES, 1000 * len(people)):
        raise BadInput(
            f"{path} numbers its pictures up to {max(people)} and has {len(people)} of them; the frames of a clip were "
            f"expected, numbered from 0."
        )
    return [PeopleInPicture(people.get(number, ())) for number in range(count)]


def _number(picture: str | int) -> int | None:
    """The number of a frame whose name is only a number (0.jpg), as AlphaPose writes for clips; else None."""
    if isinstance(picture, int):
        return picture
    stem = Path(picture).stem
    return whole_number_in(stem) if stem.isdigit() else None


def _person(entry: dict[str, Any]) -> Person | UnusablePerson:
    values = entry.get("keypoints")
    if not isinstance(values, list):
        return UnusablePerson(f"has {quoted(values)} as 'keypoints', a list of numbers was expected")
    if len(values) not in [3 * count for count in COUNTS]:
        return UnusablePerson(
            f"has {len(values)} numbers; 51 (COCO's 17 joints), 78 or 408 (Halpe) or 399 (COCO-WholeBody) were expected"
        )
    identity = entry.get("idx")
    return person_of_triples(
        values, COCO_17, least_score=LEAST_SCORE, identity=identity if is_count(identity) else None
    )
