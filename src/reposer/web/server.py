"""Runs an application at an address of this machine until Ctrl-C: one set of rules for the page and for studies."""

import asyncio
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from reposer.core import BadInput

from .admission import Admission, Hosts, in_brackets, is_loopback

REQUEST_SECONDS = 15.0
"""How long the headers of a request may take to arrive."""
IDLE_SECONDS = 60
"""How long a connection may stay open without a request."""
MOST_CONNECTIONS = 512
"""At a time; further ones are told to come back."""


class PatientProtocol(H11Protocol):
    """uvicorn's, which by itself waits for ever for the headers of a request."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        if self._deadline is None and self._is_between_requests():
            self._wait()
        super().data_received(data)
        if not self._is_between_requests():
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _is_between_requests(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _wait(self) -> None:
        self._deadline = self.loop.call_later(REQUEST_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if self._is_between_requests() and not self.transport.is_closing():
            self.transport.close()


class WebServer:
    """Serves `app` at an address; port 0 takes a free one.

    Away from this machine (`--host`) a token is asked for: `url` contains it. BadInput if the address cannot be used.
    """

    def __init__(self, host: str, port: int, app: ASGIApp, *, with_token: bool | None = None) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._socket = socket.create_server((host, port), family=family, backlog=128)
        except (OSError, OverflowError) as error:
            raise BadInput(
                f"No page can be served at {host}:{port} ({error}); give another --port or --host."
            ) from None
        self.host, self.port = host, self._socket.getsockname()[1]
        asked = not is_loopback(host) if with_token is None else with_token
        self.token = secrets.token_urlsafe(16) if asked else None
        self.hosts = Hosts(host, self.port)
        config = uvicorn.Config(
            Admission(app, self.hosts, self.token),
            http=PatientProtocol,
            ws="none",
            lifespan="on",
            log_level="critical",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=3,
            h11_max_incomplete_event_size=65_536,
        )
        self._server = uvicorn.Server(config)

    @property
    def url(self) -> str:
        """The address of the page, with the token if one is asked for."""
        shown = _own_name() if self.host in ("", "0.0.0.0", "::") else self.host
        query = f"?token={self.token}" if self.token else ""
        return f"http://{in_brackets(shown)}:{self.port}/{query}"

    def serve_forever(self, ready: Callable[[], Any] | None = None) -> None:
        """Until Ctrl-C, the terminal's end, or `shutdown`. ready: called once the socket accepts requests."""
        with self._socket, self._ended_by_hangup():
            if ready is not None:
                ready()
            self._server.run(sockets=[self._socket])

    @contextmanager
    def _ended_by_hangup(self) -> Iterator[None]:
        """The end of the terminal is no crash: what visitors left is deleted. Under nohup it changes nothing."""
        hangup = getattr(signal, "SIGHUP", None)  # Windows has none
        if hangup is None or threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.getsignal(hangup)
        if before is not signal.SIG_DFL:
            yield
            return
        signal.signal(hangup, lambda number, frame: self.shutdown())
        try:
            yield
        finally:
            signal.signal(hangup, before)

    def shutdown(self) -> None:
        """End `serve_forever`, from another thread."""
        self._server.should_exit = True


def _own_name() -> str:
    """An address of this machine in its network, for a link; its name if there is none."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing: only asks which address would be used
        return str(probe.getsockname()[0])
    return socket.gethostname()
