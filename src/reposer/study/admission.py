"""Which requests the page's server answers: timely requests from its own page. Other websites open in the visitor's
browser get nothing.

A browser lets any website send requests to addresses of this machine or its network, and, by a name that the website's
owner points at such an address (DNS rebinding), also read the replies. Both show in the headers Host and Origin.
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
"""How long a request may take to arrive, after its first line."""

LINGER_SECONDS = 1.0
"""How long a refused connection may go on sending."""

Refusal = tuple[HTTPStatus, str]


NO_LENGTH: Refusal = HTTPStatus.LENGTH_REQUIRED, "a Content-Length was expected"


class Hosts:
    """The accepted values of the header Host.

    host, port: where the server listens. If on all addresses of the machine ("0.0.0.0", "::"), any of them is accepted,
        as is the machine's own name: a literal address cannot be rebound.
    """

    def __init__(self, host: str, port: int) -> None:
        self._port = port
        self._everywhere = host in ("", "0.0.0.0", "::")
        own = (socket.gethostname(), f"{socket.gethostname()}.local", socket.getfqdn())
        named = own if self._everywhere else (in_brackets(host),)
        self._names = {name.lower() for name in (*LOOPBACK, *named)}

    def __contains__(self, host: str) -> bool:
        name, colon, port = host.lower().rpartition(":")
        if not colon or port.endswith("]"):  # without a port, HTTP's default applies
            name, port = host.lower(), "80"
        if port != str(self._port):
            return False
        return name in self._names or (self._everywhere and _is_address(name))


def in_brackets(host: str) -> str:
    """The host as written in an address: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def refusal(headers: Message, hosts: Hosts) -> Refusal | None:
    """Why a request with these headers is refused; None if it is accepted."""
    named = headers.get_all("Host", [])
    if len(named) != 1:
        return HTTPStatus.BAD_REQUEST, "one Host header was expected"
    if named[0] not in hosts:
        return HTTPStatus.FORBIDDEN, "this page has another address"
    if any(not _is_same(origin, named[0]) for origin in headers.get_all("Origin", [])):
        return HTTPStatus.FORBIDDEN, "another website asked"
    return None


def has_origin(headers: Message) -> bool:
    """Whether the request has an Origin header; `refusal` has checked that it is this server's."""
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
    """The incoming data of a connection. All data until the next `allow` must arrive in time, else: TimeoutError."""

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
