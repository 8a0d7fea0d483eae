"""The page's server: the standard library's, a thread a request, nothing from outside."""

import json
import logging
import re
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, urlsplit

from reposer.core import BadInput

from .answers import Answers
from .design import POSE, REAL, SOURCE, Question, Study, choices, questions
from .folders import Folders

LONGEST_BODY = 4096  # bytes of an answer
_TITLES = {SOURCE: "The person", POSE: "The wanted pose", REAL: "The wanted picture"}
_PICTURE = re.compile(r"/picture/(\d{1,6})/(candidate|beside)/(\d{1,2})")


class StudyServer(ThreadingHTTPServer):
    """Serves one study at `address`; port 0 takes a free one. Run it with `serve_forever`."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], study: Study, folders: Folders, answers: Answers) -> None:
        self.study, self.folders, self.answers = study, folders, answers
        self.page = files(__package__).joinpath("page.html").read_bytes()
        super().__init__(address, _Handler)

    @property
    def url(self) -> str:
        """Where the page is."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}/"

    def about(self) -> dict[str, Any]:
        """What the page needs to know of the study; nothing that tells real from generated."""
        return {
            "key": self.answers.key,
            "design": self.study.design,
            "practice": self.study.practice,
            "questions": self.study.practice + self.study.checks + self.study.trials,
            "show_seconds": self.study.show_seconds,
            "candidates": len(self.study.systems) if self.study.design == "best" else 1,
        }

    def next_question(self, person: int) -> tuple[int, Question] | None:
        """The first question that the person has not answered; None at the end."""
        asked, number = questions(self.study, person), self.answers.answered(person)
        return (number, asked[number]) if number < len(asked) else None

    def shown(self, person: int) -> dict[str, Any]:
        """The next question as the page gets it: numbers and addresses without names."""
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

    def take(self, person: int, number: int, choice: int, milliseconds: float) -> str:
        """Write down an answer to the person's next question; what is wrong with it, or nothing.

        An answer to a question before it was sent twice by a page that did not hear of the first: it changes nothing.
        """
        following = self.next_question(person)
        if following is None or number < following[0]:
            return ""
        question = following[1]
        possible = choices(self.study, question)
        if number != following[0] or not 0 <= choice < len(possible):
            return f"question {following[0]} has answers 0 to {len(possible) - 1}"
        roles = [role for role in dict.fromkeys((*question.candidates, *self.study.beside))]
        sums = {role: self.folders.checksum(role, question.name) for role in roles}
        self.answers.record(person, number, question, possible[choice], milliseconds, sums)
        return ""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A page that went away in the middle is no error."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: StudyServer
    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds without a word from the other side

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/":
            self._send(HTTPStatus.OK, "text/html; charset=utf-8", self.server.page)
        elif parts.path == "/study":
            self._say(self.server.about())
        elif (person := self._person(parse_qs(parts.query).get("token", [""])[0])) is None:
            self._refuse(HTTPStatus.FORBIDDEN, "unknown person")
        elif parts.path == "/question":
            self._say(self.server.shown(person))
        else:
            self._picture(person, parts.path)

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > LONGEST_BODY:
            self.close_connection = True  # what was sent is still on the line
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {LONGEST_BODY} bytes")
            return
        try:
            said = json.loads(self.rfile.read(int(length)) or b"{}")
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict):
            self._refuse(HTTPStatus.BAD_REQUEST, "a JSON object was expected")
        elif self.path == "/people":
            self._say({"token": self.server.answers.begin()})
        elif self.path == "/answer":
            self._answer(said)
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "there is nothing here")

    def _answer(self, said: dict[str, Any]) -> None:
        person = self._person(said.get("token"))
        number, choice, milliseconds = (said.get(key) for key in ("number", "choice", "milliseconds"))
        if person is None:
            self._refuse(HTTPStatus.FORBIDDEN, "unknown person")
        elif (
            type(number) is not int
            or type(choice) is not int
            or (duration := _duration(milliseconds)) is None
        ):
            self._refuse(HTTPStatus.BAD_REQUEST, "number, choice and milliseconds were expected")
        else:
            try:
                wrong = self.server.take(person, number, choice, duration)
            except BadInput as error:
                self._broken(error)
                return
            if wrong:
                self._refuse(HTTPStatus.CONFLICT, wrong)
            else:
                self._say(self.server.shown(person))

    def _picture(self, person: int, path: str) -> None:
        """Only pictures of the person's next question: nobody looks ahead or back."""
        following, match = self.server.next_question(person), _PICTURE.fullmatch(path)
        if following is None or match is None or int(match[1]) != following[0]:
            self._refuse(HTTPStatus.NOT_FOUND, "there is nothing here")
            return
        number, question = following
        roles = question.candidates if match[2] == "candidate" else self.server.study.beside
        if int(match[3]) >= len(roles):
            self._refuse(HTTPStatus.NOT_FOUND, "there is nothing here")
            return
        try:
            picture = self.server.folders.png(roles[int(match[3])], question.name)
        except BadInput as error:
            self._broken(error)
            return
        if match[2] == "candidate" and int(match[3]) == 0:
            self.server.answers.saw(person, number)
        self._send(HTTPStatus.OK, "image/png", picture)

    def _broken(self, error: BadInput) -> None:
        """A file went away or bad during the study: its name is for whoever runs it, not for the page."""
        logging.getLogger(__name__).error("%s", error)
        self._refuse(
            HTTPStatus.INTERNAL_SERVER_ERROR, "a picture cannot be read; please tell whoever asked you"
        )

    def _person(self, token: object) -> int | None:
        return self.server.answers.person(token) if isinstance(token, str) else None

    def _say(self, value: dict[str, Any]) -> None:
        self._send(HTTPStatus.OK, "application/json", json.dumps(value).encode())

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        self._send(status, "application/json", json.dumps({"error": message}).encode())

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header(
            "Cache-Control", "no-store"
        )  # a picture's time on the screen is the page's to decide
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header(
            "Content-Security-Policy",
            "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src blob: data:; "
            "connect-src 'self'; frame-ancestors 'none'",
        )
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: the answers are the log."""


def _duration(value: object) -> float | None:
    """The value if it can be a number of milliseconds."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value < 1e9 else None  # type: ignore[operator, arg-type]
