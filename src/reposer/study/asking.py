"""What a study asks and takes: the next question of each participant, and their answers."""

import re
from typing import Any, TypeGuard

from .answers import Answers
from .design import POSE, REAL, SOURCE, Question, Study, choices, questions
from .folders import Folders

_LARGEST = 1 << 31  # above every number of a question or a choice
_TITLES = {SOURCE: "The person", POSE: "The wanted pose", REAL: "The wanted picture"}
_PICTURE = re.compile(r"/picture/(\d{1,6})/(candidate|beside)/(\d{1,2})")


class Asking:
    """A running study, asked by a page that never hears what is real and what is generated."""

    def __init__(self, study: Study, folders: Folders, answers: Answers) -> None:
        self.study, self.folders, self.answers = study, folders, answers

    def about(self) -> dict[str, Any]:
        """What the page needs to know about the study; nothing that tells real from generated."""
        return {
            "key": self.answers.key,
            "design": self.study.design,
            "practice": self.study.practice,
            "questions": self.study.practice + self.study.checks + self.study.trials,
            "show_seconds": self.study.show_seconds,
            "candidates": len(self.study.systems) if self.study.design == "best" else 1,
        }

    def person(self, token: object) -> int | None:
        """The participant of this token; None if there is none."""
        return self.answers.person(token) if isinstance(token, str) and token.isascii() else None

    def next_question(self, person: int) -> tuple[int, Question] | None:
        """The first question that the participant has not answered; None at the end."""
        asked, number = questions(self.study, person), self.answers.answered(person)
        return (number, asked[number]) if number < len(asked) else None

    def shown(self, person: int) -> dict[str, Any]:
        """The next question for the page: numbers and addresses without names."""
        if (following := self.next_question(person)) is None:
            return {"done": True}
        number, question = following
        return {
            "done": False,
            "number": number,
            "practice": question.kind == "practice",
            "candidates": [f"/picture/{number}/candidate/{k}" for k in range(len(question.candidates))],
            "beside": [
                {"title": _TITLES[role], "picture": f"/picture/{number}/beside/{k}"}
                for k, role in enumerate(self.study.beside)
            ],
        }

    def picture(self, person: int, path: str) -> bytes | None:
        """The picture at an address of the participant's next question, as PNG; None for later and earlier ones."""
        following, match = self.next_question(person), _PICTURE.fullmatch(path)
        if following is None or match is None or int(match[1]) != following[0]:
            return None
        number, question = following
        roles = question.candidates if match[2] == "candidate" else self.study.beside
        if int(match[3]) >= len(roles):
            return None
        picture = self.folders.png(roles[int(match[3])], question.name)
        if match[2] == "candidate" and int(match[3]) == 0:
            self.answers.saw(person, number)
        return picture

    def take(self, person: int, number: object, choice: object, milliseconds: object) -> str:
        """Store an answer to the participant's next question; returns what is wrong with it, or nothing.

        An answer to an earlier question is a repeat by a page that missed the first reply: it changes nothing.
        """
        if not (_is_number(number) and _is_number(choice)) or (duration := _duration(milliseconds)) is None:
            raise TypeError("number, choice and milliseconds were expected")
        following = self.next_question(person)
        if following is None or 0 <= number < following[0]:
            return ""
        question = following[1]
        possible = choices(self.study, question)
        if number != following[0] or not 0 <= choice < len(possible):
            return f"question {following[0]} has answers 0 to {len(possible) - 1}"
        roles = [role for role in dict.fromkeys((*question.candidates, *self.study.beside))]
        sums = {role: self.folders.checksum(role, question.name) for role in roles}
        self.answers.record(person, number, question, possible[choice], duration, sums)
        return ""


def _is_number(value: object) -> TypeGuard[int]:
    """Whether the value can be the number of a question, or of a choice."""
    return type(value) is int and abs(value) < _LARGEST


def _duration(value: object) -> float | None:
    """The value if it can be a number of milliseconds."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value < 1e9 else None  # type: ignore[operator, arg-type]
