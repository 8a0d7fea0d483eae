"""COCO's annotations of people: {"images": [...], "annotations": [...], "categories": [...]}.

An annotation has "keypoints": [x, y, v, ...] of 17 joints with v = 0 (not labelled), 1 (labelled, hidden) or 2
(visible); COCO-WholeBody adds lists for feet, face and hands. Images have a size and a name.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from reposer.core import BadInput, quoted
from reposer.core.skeleton import COCO_17

from .keypoint_results import triples_of, with_whole_body
from .recording import PeopleInPicture, Person, PoseRecording, Size, UnusablePerson
from .values import is_count, person_of_triples
from .written import fields_of, number, write_json

_OTHERS = ("info", "licenses", "categories")


class CocoAnnotations:
    key = "coco-annotations"
    name = "COCO annotations"
    example = (
        '{"images": [...], "annotations": [{"image_id": 1, "keypoints": [x, y, v, ...]}, ...], "categories": [...]}'
    )

    def recognises(self, content: Any) -> bool:
        return isinstance(content, dict) and "annotations" in content and "images" in content

    def read(self, path: Path, content: Any) -> PoseRecording:
        images, entries = content["images"], content["annotations"]
        if not (isinstance(images, list) and isinstance(entries, list)):
            raise BadInput(f"{path} is no {self.name}: lists of 'images' and of 'annotations' were expected.")
        _refuse_other_joints(path, content.get("categories"))
        people: dict[int, list[Person | UnusablePerson]] = {}
        for n, entry in enumerate(entries):
            image: Any = entry.get("image_id") if isinstance(entry, dict) else None
            if not is_count(image):
                raise BadInput(
                    f"{path}: annotation {n} is {quoted(entry)}; an 'image_id' and 'keypoints' were expected."
                )
            if "keypoints" in entry:  # else a box or an outline alone
                people.setdefault(image, []).append(_person(entry))
        pictures = [_picture(path, n, image, people) for n, image in enumerate(images)]
        if people:
            raise BadInput(f"{path} has annotations of the image {next(iter(people))}, which is not among its images.")
        more = {key: content[key] for key in _OTHERS if key in content}
        return PoseRecording(path, self.name, pictures, len(pictures) > 1, form=self.key, fields=more)


class CocoAnnotationsWriter:
    """Scores are written as v = 2: the form has none."""

    key, ending = CocoAnnotations.key, ".json"

    def write(self, path: Path, recording: PoseRecording) -> None:
        again = recording.form == self.key
        people = [person for picture in recording.pictures for _, person in picture.usable]
        whole_body = any(part.visible.any() for person in people for part in person.parts)
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        for n, picture in enumerate(recording.pictures):
            size = {} if picture.size is None else {"height": picture.size[0], "width": picture.size[1]}
            image: dict[str, Any] = {"id": n, "file_name": picture.name or f"{n}.jpg"} | size
            images.append(image | (dict(picture.fields) if again else {}))
            for _, person in picture.usable:
                entry = {"id": len(annotations), "image_id": images[-1]["id"], "category_id": 1, "iscrowd": 0}
                entry |= _measures(person) | fields_of(person, recording, self.key)
                annotations.append(
                    entry | triples_of(person, whole_body=whole_body, third="as read" if again else "seen")
                )
        categories = [{"id": 1, "name": "person", "keypoints": list(COCO_17.joints), "skeleton": _limbs()}]
        others = {key: recording.fields[key] for key in _OTHERS if again and key in recording.fields}
        write_json(path, {"categories": categories, **others, "images": images, "annotations": annotations})


def _measures(person: Person) -> dict[str, Any]:
    """What COCO's evaluation needs beside the joints: their number, and the box around them."""
    low, high = person.places.min(0), person.places.max(0)
    box = [number(v) for v in (*low.tolist(), *(high - low).tolist())]
    return {"num_keypoints": int(person.visible.sum()), "bbox": box, "area": number(float(np.prod(high - low)))}


def _limbs() -> list[list[int]]:
    return [[a + 1, b + 1] for a, b in COCO_17.limb_indices]


def _picture(path: Path, n: int, image: Any, people: dict[int, list[Person | UnusablePerson]]) -> PeopleInPicture:
    if not (isinstance(image, dict) and is_count(image.get("id"))):
        raise BadInput(f"{path}: image {n} is {quoted(image)}; an object with a whole number as 'id' was expected.")
    size: Size | None = None
    sides: tuple[Any, Any] = (image.get("height"), image.get("width"))
    if sides != (None, None):
        if not all(is_count(side) and 1 <= side <= 1_000_000 for side in sides):
            raise BadInput(
                f"{path}: image {n} has the height {quoted(sides[0])} and the width {quoted(sides[1])}; pixels were "
                "expected."
            )
        size = sides
    name = image.get("file_name")
    more = {k: v for k, v in image.items() if k not in ("height", "width")}
    return PeopleInPicture(people.pop(image["id"], ()), size, name if isinstance(name, str) else "", more)


def _person(entry: dict[str, Any]) -> Person | UnusablePerson:
    values = entry["keypoints"]
    if not isinstance(values, list) or len(values) != 3 * len(COCO_17):
        came = f"{len(values)} numbers" if isinstance(values, list) else quoted(values)
        return UnusablePerson(f"has {came} as 'keypoints'; 51 (COCO's 17 joints) were expected")
    person = person_of_triples(values, COCO_17)
    if isinstance(person, UnusablePerson):
        return person
    known = ("keypoints", "image_id")
    return replace(with_whole_body(person, entry, known, 0.0), scored=False)


def _refuse_other_joints(path: Path, categories: Any) -> None:
    """Refuse a file whose joint names, if present, are not COCO's."""
    for category in categories if isinstance(categories, list) else ():
        names = category.get("keypoints") if isinstance(category, dict) else None
        if isinstance(names, list) and names[: len(COCO_17)] != list(COCO_17.joints):
            raise BadInput(
                f"{path} has the joints {quoted(names)}; COCO's 17 were expected: {', '.join(COCO_17.joints)}."
            )
