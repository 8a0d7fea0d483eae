"""Write numbers of poses to files, exactly."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from reposer.core.disk import write_text

from .recording import Person, PoseRecording


def number(value: float) -> float | int:
    """The number, without a fraction if it has none."""
    return int(value) if float(value).is_integer() else float(value)


def flat(person: Person, scored: bool | None = None) -> list[float | int]:
    """x, y, score of each joint in one list; a joint that was not found is as the file had it, or 0, 0, 0.

    scored: whether the scores mean something; else they are 1.
    """
    rows = np.array(person.rows, np.float64)
    if not (person.scored if scored is None else scored):
        rows[:, 2] = 1.0
        rows[~person.visible] = 0.0
    return [number(value) for value in rows.ravel().tolist()]


def mean_score(person: Person) -> float:
    """Mean score of the found joints."""
    return round(float(person.rows[person.visible, 2].mean()), 4) if person.scored and person.visible.any() else 1.0


def fields_of(person: Person, recording: PoseRecording, form: str) -> dict[str, Any]:
    """What else the file said of the person, if it had the same form."""
    return dict(person.fields) if recording.form == form else {}


def write_json(path: Path, content: Any) -> None:
    write_text(path, json.dumps(content, ensure_ascii=False) + "\n")
