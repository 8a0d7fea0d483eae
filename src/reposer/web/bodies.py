"""Reads what a visitor sends: at most so many bytes, and not for ever."""

import asyncio
import json
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

from starlette.requests import ClientDisconnect, Request

IDLE_SECONDS = 15.0
"""How long a body may pause."""
BODY_SECONDS = 300.0
"""How long a whole body may take to arrive."""
LONGEST_JSON = 512 * 1024
"""Bytes of a JSON body."""


class Refused(Exception):
    """A request that is answered with this status and sentence."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


async def json_of(request: Request, most: int = LONGEST_JSON) -> dict[str, Any]:
    """The JSON object that a request sent; {} for an empty body."""
    content = b"".join([part async for part in _parts(request, most)])
    try:
        value = json.loads(content or b"{}")
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Refused(HTTPStatus.BAD_REQUEST, "a JSON object was expected")
    return value


async def save(request: Request, path: Path, most: int) -> int:
    """Writes the request's body to a file; returns its number of bytes. Nothing stays of a body that breaks off."""
    count = 0
    try:
        with path.open("wb") as file:
            async for part in _parts(request, most):
                file.write(part)
                count += len(part)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    if not count:
        path.unlink(missing_ok=True)
        raise Refused(HTTPStatus.BAD_REQUEST, "The file is empty. Choose another one.")
    return count


def declared_bytes(request: Request, most: int) -> int:
    """The length of the body by its header; `most` if it says none that can be."""
    said = request.headers.get("content-length", "").strip()
    return min(int(said), most) if said.isascii() and said.isdecimal() and len(said) <= 18 else most


async def _parts(request: Request, most: int) -> AsyncIterator[bytes]:
    """The parts of a body as they arrive."""
    declared = request.headers.getlist("content-length")
    if len(declared) > 1 or any(not (one.strip().isascii() and one.strip().isdecimal()) for one in declared):
        raise Refused(HTTPStatus.BAD_REQUEST, "the Content-Length is no number")
    if declared and (len(declared[0]) > 18 or int(declared[0]) > most):
        raise _too_long(most)
    count, stream = 0, request.stream()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                async with asyncio.timeout(IDLE_SECONDS):
                    part = await anext(stream, None)
                if part is None:
                    return
                count += len(part)
                if count > most:
                    raise _too_long(most)
                yield part
    except TimeoutError:
        raise Refused(HTTPStatus.REQUEST_TIMEOUT, "The file arrived too slowly, and was given up. Try again.") from None
    except ClientDisconnect:
        raise Refused(HTTPStatus.BAD_REQUEST, "the connection was lost") from None


def _too_long(most: int) -> Refused:
    size = f"{most / 1e6:.0f} MB" if most >= 1_000_000 else f"{most // 1024} KB"
    return Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The file is larger than {size}. Choose a smaller one.")
