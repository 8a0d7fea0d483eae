"""The page of a study, under the rules of the one server."""

import logging
import sqlite3
from collections.abc import Mapping
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reposer.core import BadInput
from reposer.study import Asking

from .app import HANDLERS, KINDS
from .bodies import Refused, json_of

LONGEST_ANSWER = 4096
"""Bytes of an answer."""
OURS = {"/": "study.html", "/study.css": "study.css", "/study.js": "study.js", "/icon.svg": "icon.svg"}


def study_application(asking: Asking) -> Starlette:
    """The study's page and what it asks."""

    async def about(request: Request) -> Response:
        return JSONResponse(asking.about())

    async def begin(request: Request) -> Response:
        await json_of(request, LONGEST_ANSWER)
        return JSONResponse({"token": await run_in_threadpool(asking.answers.begin)})

    async def question(request: Request) -> Response:
        person = _person(asking, request.query_params.get("token"))
        return JSONResponse(await run_in_threadpool(asking.shown, person))

    async def picture(request: Request) -> Response:
        person = _person(asking, request.query_params.get("token"))
        found = await run_in_threadpool(asking.picture, person, request.url.path)
        if found is None:
            raise Refused(HTTPStatus.NOT_FOUND, "there is nothing here")
        return Response(found, media_type="image/png")

    async def answer(request: Request) -> Response:
        said = await json_of(request, LONGEST_ANSWER)
        person = _person(asking, said.get("token"))
        try:
            wrong = await run_in_threadpool(
                asking.take, person, *(said.get(key) for key in ("number", "choice", "milliseconds"))
            )
        except TypeError as error:
            raise Refused(HTTPStatus.BAD_REQUEST, str(error)) from None
        if wrong:
            raise Refused(HTTPStatus.CONFLICT, wrong)
        return JSONResponse(await run_in_threadpool(asking.shown, person))

    return Starlette(
        routes=[
            *(Route(path, _file(name), methods=["GET"]) for path, name in OURS.items()),
            Route("/study", about, methods=["GET"]),
            Route("/people", begin, methods=["POST"]),
            Route("/question", question, methods=["GET"]),
            Route("/picture/{rest:path}", picture, methods=["GET"]),
            Route("/answer", answer, methods=["POST"]),
        ],
        exception_handlers=STUDY_HANDLERS,
    )


async def _broken(request: Request, error: Exception) -> Response:
    """Files that are missing or damaged, or a full disk. The file's name is shown to whoever runs the study, not on the
    page.
    """
    logging.getLogger(__name__).error("%s", error)
    said = "a picture cannot be read, or an answer not be kept; please tell whoever asked you"
    return JSONResponse({"error": said}, HTTPStatus.INTERNAL_SERVER_ERROR)


STUDY_HANDLERS: Mapping[Any, Any] = {**HANDLERS, BadInput: _broken, OSError: _broken, sqlite3.Error: _broken}


def _person(asking: Asking, token: object) -> int:
    person = asking.person(token)
    if person is None:
        raise Refused(HTTPStatus.GONE, "unknown person")
    return person


def _file(name: str) -> Any:
    content = files(__package__).joinpath("page", name).read_bytes()

    async def answer(request: Request) -> Response:
        return Response(content, media_type=f"{KINDS[Path(name).suffix]}; charset=utf-8")

    return answer
