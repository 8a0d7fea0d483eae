"""Convert the people of files from one set of joints to another, by the joints' names."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from reposer.core import Skeleton
from reposer.core.skeleton import DERIVED_JOINTS

from .recording import Person

Row = tuple[float, float, float]


def rows_by_name(person: Person) -> dict[str, Row]:
    """x, y and score of every found joint, of the parts too; the score is 1 where the file has none."""
    rows: dict[str, Row] = {}
    for part in (person, *person.parts):
        for k in np.flatnonzero(part.visible):
            x, y, score = part.rows[k].tolist()
            rows.setdefault(part.skeleton.joints[k], (x, y, score if person.scored else 1.0))
    return rows


def in_joints(person: Person, skeleton: Skeleton, parts: Sequence[Skeleton] = ()) -> Person:
    """The person in another set of joints. parts: beyond the skeleton's; those without any joint are left out.

    A joint that the file lacks is the mean of those that define it (neck: both shoulders) if all are found; its score
    is the lowest of theirs. In the same set of joints nothing changes, also not in joints of a score too low to count.
    """
    if person.skeleton == skeleton and all(part.skeleton in parts for part in person.parts):
        return person
    everything = (person, *person.parts)
    if sum((one.skeleton.joints for one in everything), ()) == skeleton.joints:
        rows = np.concatenate([one.rows for one in everything])
        visible = np.concatenate([one.visible for one in everything])
        return replace(person, skeleton=skeleton, rows=rows, visible=visible, parts=())
    found = rows_by_name(person)
    others = (_of(found, part, person.scored) for part in parts)
    body = _of(found, skeleton, person.scored)
    more = tuple(part for part in others if part.visible.any())
    return replace(body, identity=person.identity, parts=more, fields=person.fields)


def smallest(people: Sequence[Person], candidates: Sequence[Skeleton]) -> Skeleton:
    """The first set that has every joint of these people, or else the one with the most of them.

    Joints of the middle that follow from others (neck, middle of the hips) do not count.
    """
    names = {name for person in people for name in rows_by_name(person)} - set(DERIVED_JOINTS)
    return max(candidates, key=lambda skeleton: len(names & set(skeleton.joints)))


def _of(rows: dict[str, Row], skeleton: Skeleton, scored: bool) -> Person:
    own = np.zeros((len(skeleton), 3))
    visible = np.zeros(len(skeleton), bool)
    for k, joint in enumerate(skeleton.joints):
        names = (joint,) if joint in rows else DERIVED_JOINTS.get(joint, ())
        if names and all(name in rows for name in names):
            of = np.array([rows[name] for name in names])
            own[k] = (*of[:, :2].mean(0), of[:, 2].min())
            visible[k] = True
    return Person(skeleton, own, visible, scored)
