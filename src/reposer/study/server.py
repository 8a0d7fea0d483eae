"""The page's server: based on the standard library, one thread per request, no external resources."""

import io
import json
import logging
import re
import socket
import sqlite3
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any, TypeGuard
from urllib.parse import parse_qs, urlsplit

from reposer.core import BadInput

from .admission import (
    IDLE_SECONDS,
    LINGER_SECONDS,
    NO_LENGTH,
    REQUEST_SECONDS,
    Hosts,
    TimedReader,
    body_length,
    has_origin,
    in_brackets,
    refusal,
)
from .answers import Answers
from .design import POSE, REAL, SOURCE, Question, Study, choices, questions
from .folders import Folders

LONGEST_BODY = 4096  # bytes of an answer
LONGEST_LEFTOVER = 1 << 20  # bytes read of a refused request
MOST_CONNECTIONS = 1024  # at a time; further ones are closed
_LARGEST = 1 << 31  # above every number of a question or a choice
_TITLES = {SOURCE: "The person", POSE: "The wanted pose", REAL: "The wanted picture"}
_PICTURE = re.compile(r"/picture/(\d{1,6})/(candidate|beside)/(\d{1,2})")


class StudyServer(ThreadingHTTPServer):
    """Serves one study at `address`; port 0 takes a free one. Run it with `serve_forever`."""

    daemon_threads = True
    request_queue_size = 128  # simultaneous visitors queue; with the library's 5, most would be refused

    def __init__(self, address: tuple[str, int], study: Study, folders: Folders, answers: Answers) -> None:
        self.study, self.folders, self.answers = study, folders, answers
        self.page = files(__package__).joinpath("page.html").read_bytes()
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__(address, _Handler)
        self.hosts = Hosts(address[0], self.server_address[1])

    @property
    def url(self) -> str:
        """The address of the page."""
        host, port = self.server_address[:2]
        return f"http://{in_brackets(str(host))}:{port}/"

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

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

    def take(self, person: int, number: int, choice: int, milliseconds: float) -> str:
        """Store an answer to the participant's next question; returns what is wrong with it, or nothing.

        An answer to an earlier question is a repeat by a page that missed the first reply: it changes nothing.
        """
        following = self.next_question(person)
        if following is None or 0 <= number < following[0]:
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
        """A client that disconnects midway is no error."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: StudyServer
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "Reposer", ""  # do not reveal the Python version

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self._incoming = TimedReader(self.connection)
        self.rfile = io.BufferedReader(self._incoming)

    def handle_one_request(self) -> None:
        self._incoming.allow(IDLE_SECONDS)
        super().handle_one_request()

    def parse_request(self) -> bool:
        """Whether `do_GET` or `do_POST` is to answer the request; if not, it has been refused."""
        self._incoming.allow(REQUEST_SECONDS)
        try:
            if not super().parse_request():
                return False
        except TimeoutError:
            self.send_error(HTTPStatus.REQUEST_TIMEOUT)
            return False
        if (refused := refusal(self.headers, self.server.hosts)) is not None:
            self._hang_up(*refused)
            return False
        if self.command != "POST" and body_length(self.headers, 0) not in (0, NO_LENGTH):
            self._hang_up(HTTPStatus.BAD_REQUEST, "no body was expected")
            return False
        return True

    def do_GET(self) -> None:
        self._guarded(self._get)

    def do_POST(self) -> None:
        self._guarded(self._post)

    def _guarded(self, answer: Callable[[], None]) -> None:
        """Answer, and report files that are missing or damaged and a full disk."""
        try:
            answer()
        except (ConnectionError, TimeoutError):
            raise
        except (BadInput, OSError, sqlite3.Error) as error:
            self._broken(error)

    def _get(self) -> None:
        try:
            parts = urlsplit(self.path)
            token = parse_qs(parts.query).get("token", [""])[0]
        except ValueError:
            self._refuse(HTTPStatus.BAD_REQUEST, "this is no address")
            return
        if parts.path == "/":
            self._send(HTTPStatus.OK, "text/html; charset=utf-8", self.server.page)
        elif parts.path == "/study":
            self._say(self.server.about())
        elif (person := self._person(token)) is None:
            self._refuse(HTTPStatus.FORBIDDEN, "unknown person")
        elif parts.path == "/question":
            self._say(self.server.shown(person))
        else:
            self._picture(person, parts.path)

    def _post(self) -> None:
        length = body_length(self.headers, LONGEST_BODY)
        if not isinstance(length, int):
            self._hang_up(*length)  # unread data is still on the connection
            return
        try:
            said = json.loads(self.rfile.read(length) or b"{}")
        except TimeoutError:
            self.send_error(HTTPStatus.REQUEST_TIMEOUT)
            return
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict):
            self._refuse(HTTPStatus.BAD_REQUEST, "a JSON object was expected")
        elif self.path == "/people":
            self._begin()
        elif self.path == "/answer":
            self._answer(said)
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "there is nothing here")

    def _begin(self) -> None:
        if not has_origin(self.headers):  # answers carry a token instead, which no other website knows
            self._refuse(HTTPStatus.FORBIDDEN, "only the study's own page begins")
        else:
            self._say({"token": self.server.answers.begin()})

    def _answer(self, said: dict[str, Any]) -> None:
        person = self._person(said.get("token"))
        number, choice, milliseconds = (said.get(key) for key in ("number", "choice", "milliseconds"))
        if person is None:
            self._refuse(HTTPStatus.FORBIDDEN, "unknown person")
        elif not (_is_number(number) and _is_number(choice)) or (duration := _duration(milliseconds)) is None:
            self._refuse(HTTPStatus.BAD_REQUEST, "number, choice and milliseconds were expected")
        elif wrong := self.server.take(person, number, choice, duration):
            self._refuse(HTTPStatus.CONFLICT, wrong)
        else:
            self._say(self.server.shown(person))

    def _picture(self, person: int, path: str) -> None:
        """Serves only pictures of the participant's next question, not later or earlier ones."""
        following, match = self.server.next_question(person), _PICTURE.fullmatch(path)
        if following is None or match is None or int(match[1]) != following[0]:
            self._refuse(HTTPStatus.NOT_FOUND, "there is nothing here")
            return
        number, question = following
        roles = question.candidates if match[2] == "candidate" else self.server.study.beside
        if int(match[3]) >= len(roles):
            self._refuse(HTTPStatus.NOT_FOUND, "there is nothing here")
            return
        picture = self.server.folders.png(roles[int(match[3])], question.name)
        if match[2] == "candidate" and int(match[3]) == 0:
            self.server.answers.saw(person, number)
        self._send(HTTPStatus.OK, "image/png", picture)

    def _broken(self, error: Exception) -> None:
        """The file's name is shown to whoever runs the study, not on the page."""
        logging.getLogger(__name__).error("%s", error)
        self._refuse(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "a picture cannot be read, or an answer not be kept; please tell whoever asked you",
        )

    def _hang_up(self, status: HTTPStatus, message: str) -> None:
        """Refuse, and close the connection. Remaining data is read and dropped: unread, it would reset the
        connection and lose the reply.
        """
        self.close_connection = True
        self._refuse(status, message)
        self._incoming.allow(LINGER_SECONDS)
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.rfile.read(LONGEST_LEFTOVER)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what the library cannot parse. Unknown methods and versions are the client's fault, too."""
        theirs = {HTTPStatus.NOT_IMPLEMENTED: 405, HTTPStatus.HTTP_VERSION_NOT_SUPPORTED: 400}
        self.request_version = self.protocol_version  # of a line that could not be read: the reply still needs a status
        status = HTTPStatus(theirs.get(HTTPStatus(code), code))
        self._hang_up(status, status.phrase.lower())

    def _person(self, token: object) -> int | None:
        is_token = isinstance(token, str) and token.isascii()
        return self.server.answers.person(token) if is_token else None  # type: ignore[arg-type]

    def _say(self, value: dict[str, Any]) -> None:
        self._send(HTTPStatus.OK, "application/json", json.dumps(value).encode())

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        self._send(status, "application/json", json.dumps({"error": message}).encode())

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.connection.settimeout(IDLE_SECONDS)
        self.send_response(status)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")  # the page decides how long a picture is shown
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header(
            "Content-Security-Policy",
            "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src blob: data:; "
            "connect-src 'self'; frame-ancestors 'none'",
        )
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: the answers are the log."""


def _is_number(value: object) -> TypeGuard[int]:
    """Whether the value can be the number of a question, or of a choice."""
    return type(value) is int and abs(value) < _LARGEST


def _duration(value: object) -> float | None:
    """The value if it can be a number of milliseconds."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value < 1e9 else None  # type: ignore[operator, arg-type]
