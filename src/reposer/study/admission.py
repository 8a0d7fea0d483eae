"""Which requests the page's server answers: those of its own page, in time. A website that a visitor has open gets
nothing.

A browser lets any website send requests to addresses of this machine or its network, and, by a name that the website's
owner turns to such an address (DNS rebinding), also read the replies. Both show in the headers Host and Origin.
"""

import io
import ipaddress
import socket
import time
from email.message import Message
from http import HTTPStatus

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
IDLE_SECONDS = 60.0
"""How long a connection may stay open without a request."""
REQUEST_SECONDS = 15.0
"""How long a request may take to arrive, once its first line is there."""

LINGER_SECONDS = 1.0
"""How long a connection that was refused may go on sending."""

Refusal = tuple[HTTPStatus, str]


NO_LENGTH: Refusal = HTTPStatus.LENGTH_REQUIRED, "a Content-Length was expected"


class Hosts:
    """The values of the header Host by which this server is meant.

    host, port: where it listens. On all addresses of the machine ("0.0.0.0", "::"), it is called by any of them, or by
    the
    machine's own name: an address as it is cannot be rebound.
    """

    def __init__(self, host: str, port: int) -> None:
        self._port = port
        self._everywhere = host in ("", "0.0.0.0", "::")
        own = (socket.gethostname(), f"{socket.gethostname()}.local", socket.getfqdn())
        named = own if self._everywhere else (in_brackets(host),)
        self._names = {name.lower() for name in (*LOOPBACK, *named)}

    def __contains__(self, host: str) -> bool:
        name, colon, port = host.lower().rpartition(":")
        if not colon or port.endswith("]"):  # no port is the usual one of HTTP
            name, port = host.lower(), "80"
        if port != str(self._port):
            return False
        return name in self._names or (self._everywhere and _is_address(name))


def in_brackets(host: str) -> str:
    """The host as it stands in an address: an IPv6 one in brackets."""
    return f"[{host}]" if ":" in host else host


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def refusal(headers: Message, hosts: Hosts) -> Refusal | None:
    """Why a request with these headers is not answered; None if it is."""
    named = headers.get_all("Host", [])
    if len(named) != 1:
        return HTTPStatus.BAD_REQUEST, "one Host header was expected"
    if named[0] not in hosts:
        return HTTPStatus.FORBIDDEN, "this page has another address"
    if any(not _is_same(origin, named[0]) for origin in headers.get_all("Origin", [])):
        return HTTPStatus.FORBIDDEN, "another website asked"
    return None


def has_origin(headers: Message) -> bool:
    """Whether a browser says that a page of this server asks; `refusal` has seen that it is the same."""
    return "Origin" in headers


def _is_same(origin: str, host: str) -> bool:
    return origin.lower() == f"http://{host.lower()}"


def body_length(headers: Message, most: int) -> int | Refusal:
    """How many bytes follow the headers, or why they are not read."""
    if "Transfer-Encoding" in headers:
        return HTTPStatus.BAD_REQUEST, "a Content-Length was expected, and no Transfer-Encoding"
    lengths = headers.get_all("Content-Length", [])
    if not lengths:
        return NO_LENGTH
    length = lengths[0].strip()
    if len(lengths) > 1 or not (length.isascii() and length.isdecimal()):
        return HTTPStatus.BAD_REQUEST, "the Content-Length is no number"
    if len(length) > 18 or int(length) > most:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {most} bytes"
    return int(length)


class TimedReader(io.RawIOBase):
    """What comes in over a connection. All of it until the next `allow` must be there in time, else: TimeoutError."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.allow(IDLE_SECONDS)

    def allow(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)
