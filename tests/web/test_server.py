"""The page's server on real connections: who is slow, lost or malformed harms nobody."""

import http.client
import json
import os
import signal
import socket
import threading
import urllib.parse

import pytest

from reposer.core import BadInput
from reposer.web import bodies
from reposer.web import server as server_module
from reposer.web.app import application
from reposer.web.server import WebServer
from tests.web.api import a_page


@pytest.fixture(scope="module")
def served():
    page = a_page()
    server = WebServer("127.0.0.1", 0, application(page))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server, page
    server.shutdown()
    thread.join()
    assert not page.visits.root.exists(), "nothing is left when the server ends"


def raw(server, *pieces, pause=False):
    """What comes back for these bytes; the sending side stays open if it pauses."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        for piece in pieces:
            connection.sendall(piece.replace(b"PORT", str(server.port).encode()))
        if not pause:
            connection.shutdown(socket.SHUT_WR)
        found = b""
        try:
            while more := connection.recv(65536):
                found += more
        except ConnectionResetError:
            pass
        return found


def is_well(server):
    return raw(server, b"GET /api/about HTTP/1.1\r\nHost: localhost:PORT\r\nConnection: close\r\n\r\n").startswith(
        b"HTTP/1.1 200"
    )


HOST = b"Host: localhost:PORT\r\n"
ORIGIN = b"Origin: http://localhost:PORT\r\n"


@pytest.mark.parametrize(
    "sent, status",
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", b"400"),  # a browser that tries https
        (b"GET\r\n\r\n", b"400"),
        (b"GET / HTTP/x\r\n\r\n", b"400"),
        (b"GET / and more HTTP/1.1\r\n\r\n", b"400"),
        (b"\xff\xfe\x00\r\n\r\n", b"400"),
        (b"GET /%b HTTP/1.1\r\n\r\n" % (b"a" * 90_000), b"4"),
        (b"GET / HTTP/1.1\r\nX: %b\r\n\r\n" % (b"a" * 90_000), b"4"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n" + HOST + b"Host: evil.example\r\n\r\n", b"400"),
        (b"BREW / HTTP/1.1\r\n" + HOST + b"\r\n", b"405"),
        (b"GET / HTTP/1.1\r\nContent-Length: 5\r\n" + HOST + b"\r\nhello", b"400"),
        (b"POST /api/visits HTTP/1.1\r\nContent-Length: 0\r\n" + HOST + b"\r\n", b"403"),
        (b"POST /api/visits HTTP/1.1\r\nContent-Length: -5\r\n" + HOST + ORIGIN + b"\r\n", b"400"),
        (
            b"POST /api/visits HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n" + HOST + ORIGIN + b"\r\n{}",
            b"400",
        ),
        (b"GET /%ff%00 HTTP/1.1\r\n".replace(b"%", b"%%") + HOST + b"\r\n", b"404"),
    ],
)
def test_a_malformed_request_gets_a_4xx_and_the_next_one_is_answered(served, sent, status):
    server, _ = served
    said = raw(server, sent)
    assert said.startswith(b"HTTP/1.1 " + status), said[:80]
    for word in (b"Traceback", b".py", b"/tmp", b"Python", b"site-packages", b"uvicorn"):
        assert word not in said
    assert is_well(server)


def begun(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    own = {"Host": f"localhost:{server.port}", "Origin": f"http://localhost:{server.port}"}
    connection.request("POST", "/api/visits", headers=own)
    return json.loads(connection.getresponse().read())["visit"]


def upload(server, declared, *, pause, visit):
    head = f"POST /api/visits/{visit}/photos HTTP/1.1\r\nContent-Length: {declared}\r\n".encode() + HOST + ORIGIN
    return raw(server, head + b"\r\n", b"a" * 1000, pause=pause)


def test_who_sends_too_slowly_is_told_and_let_go(served, monkeypatch):
    server, page = served
    monkeypatch.setattr(bodies, "IDLE_SECONDS", 0.2)
    visit = begun(server)
    said = upload(server, 5000, pause=True, visit=visit)
    assert said.startswith(b"HTTP/1.1 408") and b"too slowly" in said
    assert not list(page.visits.root.rglob("photo")), "nothing stays of it"
    monkeypatch.setattr(server_module, "REQUEST_SECONDS", 0.2)
    assert raw(server, b"GET / HTTP/1.1\r\nX-Slow", pause=True) == b"", "not even its headers arrived"
    assert raw(server, pause=True) == b""
    assert is_well(server)


def test_a_lost_connection_harms_nothing(served):
    server, page = served
    visit = begun(server)
    upload(server, 5_000_000, pause=False, visit=visit)
    assert is_well(server) and not list(page.visits.root.rglob("photo"))


def test_fifty_visitors_who_come_in_one_moment_are_all_answered(served):
    server, _ = served
    found = []
    threads = [threading.Thread(target=lambda: found.append(begun(server))) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 50


def test_a_port_that_is_taken_is_said_and_away_from_this_machine_a_token_is_asked_for(served):
    server, _ = served
    with pytest.raises(BadInput, match="give another --port"):
        WebServer("127.0.0.1", server.port, lambda: None)
    assert server.token is None and urllib.parse.urlsplit(server.url).query == ""
    away = WebServer("0.0.0.0", 0, lambda: None)
    assert away.token and f"token={away.token}" in away.url and len(away.token) >= 16
    away._socket.close()


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system has no SIGHUP")
def test_the_end_of_the_terminal_ends_the_server_and_nothing_is_left():
    page = a_page()
    server = WebServer("127.0.0.1", 0, application(page))
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)

    def hang_up():
        assert signal.getsignal(signal.SIGHUP) is not signal.SIG_DFL
        threading.Timer(0.4, os.kill, (os.getpid(), signal.SIGHUP)).start()

    try:
        server.serve_forever(hang_up)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # nohup
        with server._ended_by_hangup():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert not page.visits.root.exists()
