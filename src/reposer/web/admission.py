"""Which requests the server answers: those of its own pages. Other websites open in the visitor's browser get nothing.

A browser lets any website send requests to addresses of this machine or its network, and, by a name that the website's
owner points at such an address (DNS rebinding), also read the replies. Both show in the headers Host and Origin.
"""

import hmac
import ipaddress
import socket
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
METHODS = ("GET", "POST", "DELETE")
SECURITY = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # with "no-referrer", Firefox sends a beacon's Origin as "null"
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}
"""Headers of every reply: nothing is stored, and a page loads from its own server only."""

Refusal = tuple[HTTPStatus, str]


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


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches this address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def refusal(method: str, headers: Headers, hosts: Hosts) -> Refusal | None:
    """Why a request is refused; None if it is accepted. What changes something needs an Origin, which browsers send."""
    named, origins = headers.getlist("host"), headers.getlist("origin")
    if len(named) != 1:
        return HTTPStatus.BAD_REQUEST, "one Host header was expected"
    if named[0] not in hosts:
        return HTTPStatus.FORBIDDEN, "this page has another address"
    if any(not _is_same(origin, named[0]) for origin in origins):
        return HTTPStatus.FORBIDDEN, "another website asked"
    if method not in METHODS:
        return HTTPStatus.METHOD_NOT_ALLOWED, "only GET, POST and DELETE are answered"
    if method != "GET":
        return None if origins else (HTTPStatus.FORBIDDEN, "only the page itself may ask this")
    if headers.get("content-length", "0").strip() != "0" or "transfer-encoding" in headers:
        return HTTPStatus.BAD_REQUEST, "no body was expected"
    return None


def _is_same(origin: str, host: str) -> bool:
    return origin.lower() == f"http://{host.lower()}"


def refused(status: int, message: str) -> Response:
    """A refusal in a sentence. Who is too slow is let go."""
    headers = {"Connection": "close"} if status == HTTPStatus.REQUEST_TIMEOUT else None
    return JSONResponse({"error": message}, status, headers)


class Admission:
    """Wraps an application: refuses what its own pages did not send, and adds SECURITY to all replies.

    token: if given, asked for once in the address (`/?token=...`), and kept by the browser in a cookie.
    """

    def __init__(self, app: ASGIApp, hosts: Hosts, token: str | None = None) -> None:
        self.app, self.hosts, self.token = app, hosts, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY.items():
                    headers[name] = value
            await send(message)

        request = Request(scope)
        found = refusal(request.method, request.headers, self.hosts)
        if found is not None:
            response: ASGIApp = refused(*found)
        else:
            response = self._for_token(request) or self.app
        await response(scope, receive, guarded)

    def _for_token(self, request: Request) -> Response | None:
        """What is answered instead of the page: its address with the token leads to the page, without to a refusal."""
        if self.token is None:
            return None
        cookie = f"reposer-token-{request.url.port or 80}"  # browsers keep cookies of all ports together
        given = request.query_params.get("token", "")
        if request.method == "GET" and given and _is_secret(given, self.token):
            response = RedirectResponse(request.url.path, HTTPStatus.SEE_OTHER)
            response.set_cookie(cookie, self.token, httponly=True, samesite="lax")  # a link in a message may lead here
            return response
        if _is_secret(request.cookies.get(cookie, ""), self.token):
            return None
        said = "Open the address that the terminal shows, with its token. This page is for those who were given it."
        if request.url.path == "/":
            return HTMLResponse(f"<!doctype html><html lang=en><title>Reposer</title><p>{said}", HTTPStatus.FORBIDDEN)
        return refused(HTTPStatus.FORBIDDEN, said)


def _is_secret(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), token.encode())
