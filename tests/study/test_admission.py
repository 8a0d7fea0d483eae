"""Only the study's own page is answered; whatever else is sent gets a 4xx, and leaves no trace on the terminal.

Slow senders and lost connections: tests/web/test_server.py, since it is the same server.
"""

import http.client
import json
import socket
import threading
import urllib.parse

import pytest

from reposer.web.admission import Hosts
from tests.study.folders import a_study, some_folders
from tests.study.test_server import Page, served


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    root = tmp_path_factory.mktemp("admission")
    with served(a_study(), some_folders(root), root / "a.db") as page:
        yield page


@pytest.fixture(autouse=True)
def nothing_is_printed(capsys):
    yield
    said = capsys.readouterr()
    assert "Traceback" not in said.err and said.out == ""


def port_of(page):
    return urllib.parse.urlsplit(page.url).port


def ask(page, method, path, headers, body=None):
    """(status, body); headers as they are, Host among them."""
    connection = http.client.HTTPConnection("127.0.0.1", port_of(page), timeout=600)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in headers:
        connection.putheader(name, value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    reply = connection.getresponse()
    said = reply.status, reply.read()
    connection.close()
    return said


def raw(page, *pieces, pause=None):
    """What comes back for these bytes, sent piece by piece; the sending side is closed after the last, unless it
    pauses."""
    with socket.create_connection(("127.0.0.1", port_of(page)), timeout=600) as connection:
        for piece in pieces:
            connection.sendall(piece)
        if pause is None:
            connection.shutdown(socket.SHUT_WR)
        found = b""
        while more := connection.recv(65536):
            found += more
    return found


@pytest.mark.parametrize("path", ["/", "/study", "/question?token=x"])
@pytest.mark.parametrize(
    "host",
    [
        "evil.example:{port}",
        "evil.example",
        "localhost.evil.example:{port}",
        "127.0.0.1",
        "localhost:1",
        "",
        "10.0.0.7:{port}",
    ],
)
def test_a_foreign_host_is_refused_so_that_no_name_can_be_rebound(page, path, host):
    status, said = ask(page, "GET", path, [("Host", host.format(port=port_of(page)))])
    assert status == 403 and b"<title>" not in said


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST"])
def test_the_machines_own_names_are_answered(page, host):
    assert ask(page, "GET", "/study", [("Host", f"{host}:{port_of(page)}")])[0] == 200


@pytest.mark.parametrize("headers", [[], [("Host", "localhost:{port}"), ("Host", "evil.example")]])
def test_a_request_names_one_host(page, headers):
    own = [(name, value.format(port=port_of(page))) for name, value in headers]
    assert ask(page, "GET", "/", own)[0] == 400


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "https://localhost:{port}", "http://localhost:1", "http://127.0.0.1:{port}", ""],
)
@pytest.mark.parametrize("method, path", [("POST", "/people"), ("POST", "/answer"), ("GET", "/study")])
def test_a_foreign_origin_is_refused(page, origin, method, path):
    host = f"localhost:{port_of(page)}"
    headers = [("Host", host), ("Origin", origin.format(port=port_of(page)))]
    assert ask(page, method, path, headers, b"{}" if method == "POST" else None)[0] == 403


def test_nobody_begins_without_an_origin_so_that_no_forged_post_spoils_the_balance(page):
    before = page.ask("/people", {})["token"]
    host = ("Host", f"localhost:{port_of(page)}")
    assert ask(page, "POST", "/people", [host], b"{}")[0] == 403
    status, said = ask(page, "POST", "/people", [host, ("Origin", f"http://localhost:{port_of(page)}")], b"{}")
    assert status == 200 and json.loads(said)["token"] != before


def test_an_answer_needs_the_persons_token(page):
    own = [("Host", f"localhost:{port_of(page)}"), ("Origin", f"http://localhost:{port_of(page)}")]
    body = json.dumps({"token": "guessed", "number": 0, "choice": 0, "milliseconds": 1}).encode()
    assert ask(page, "POST", "/answer", own, body)[0] == 410


def test_what_host_declares_is_answered_and_nothing_else():
    mine = Hosts("study.lab.example", 8000)
    assert "study.lab.example:8000" in mine and "other.lab.example:8000" not in mine and "10.0.0.7:8000" not in mine
    everywhere = Hosts("0.0.0.0", 8000)
    for host in ("10.0.0.7:8000", "[fe80::1]:8000", "localhost:8000", f"{socket.gethostname()}:8000"):
        assert host in everywhere, host
    for host in ("evil.example:8000", "10.0.0.7:8001", "10.0.0.7", "10.0.0.7.evil.example:8000", ":8000", ""):
        assert host not in everywhere, host
    assert "10.0.0.7" in Hosts("0.0.0.0", 80) and "[::1]" in Hosts("::1", 80) and "[::1]:80" in Hosts("::1", 80)


def test_fifty_visitors_who_come_in_one_moment_are_all_answered(page):
    together, answered, own = threading.Barrier(50), [], []

    def visit():
        visitor = Page(page.url)
        together.wait()
        question = visitor.begin()
        own.append(visitor.token)
        answered.append(visitor.picture(question["candidates"][0]).shape)

    threads = [threading.Thread(target=visit) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answered) == 50 and len(set(own)) == 50


def test_connections_that_wait_in_the_queue_are_not_reset(page):
    waiting = [socket.create_connection(("127.0.0.1", port_of(page)), timeout=600) for _ in range(100)]
    request = f"GET /study HTTP/1.1\r\nHost: localhost:{port_of(page)}\r\nConnection: close\r\n\r\n".encode()
    for connection in waiting:
        connection.sendall(request)
    assert all(connection.recv(12) == b"HTTP/1.1 200" for connection in waiting)
    for connection in waiting:
        connection.close()


HOST = b"Host: localhost:PORT\r\n"
OWN = HOST + b"Origin: http://localhost:PORT\r\n"


@pytest.mark.parametrize(
    "sent, status",
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", 400),  # a browser that tries https
        (b"GET\r\n\r\n", 400),
        (b"GET / HTTP/x\r\n\r\n", 400),
        (b"GET / and more HTTP/1.1\r\n\r\n", 400),
        (b"POST /people\r\n\r\n", 400),
        (b"\xff\xfe\x00\r\n\r\n", 400),
        (b"BREW / HTTP/1.1\r\n" + HOST + b"\r\n", 405),
        (b"HEAD / HTTP/1.1\r\n" + HOST + b"\r\n", 405),
        (b"GET http://[ HTTP/1.1\r\n" + HOST + b"\r\n", 404),
        (b"GET /question?token=%ff%00 HTTP/1.1\r\n" + HOST + b"\r\n", 410),
        (b"GET / HTTP/1.1\r\nContent-Length: 5\r\n" + HOST + b"\r\nhello", 400),
        (b"POST /people HTTP/1.1\r\nContent-Length: 2\r\n" + HOST + b"\r\n{}", 403),  # without an Origin
        (b"POST /people HTTP/1.1\r\nContent-Length: -5\r\n" + OWN + b"\r\n", 400),
        (b"POST /people HTTP/1.1\r\nContent-Length: five\r\n" + OWN + b"\r\n", 400),
        (b"POST /people HTTP/1.1\r\nContent-Length: \xb2\r\n" + OWN + b"\r\n", 400),
        (b"POST /people HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n" + OWN + b"\r\n{}", 400),
        (b"POST /people HTTP/1.1\r\nContent-Length: 4\r\n" + OWN + b"\r\n[1] ", 400),
        (b"POST /people HTTP/1.1\r\nContent-Length: 4000\r\n" + OWN + b"\r\n" + b"[" * 4000, 400),
        (b"POST /people HTTP/1.1\r\nContent-Length: 3\r\n" + OWN + b"\r\n\xff\xfe{", 400),
        (b"POST /nowhere HTTP/1.1\r\nContent-Length: 2\r\n" + OWN + b"\r\n{}", 404),
        (b"POST /people HTTP/1.1\r\nContent-Length: 999999\r\n" + OWN + b"\r\n" + b"a" * 200_000, 413),
    ],
)
def test_a_malformed_request_gets_a_4xx_and_the_next_one_is_answered(page, sent, status):
    said = raw(page, sent.replace(b"PORT", str(port_of(page)).encode()))
    assert said.startswith(b"HTTP/1.1 %d " % status), said[:80]
    for word in (b"Traceback", b".py", b"/tmp", b"Python", b"site-packages"):
        assert word not in said
    assert page.ask("/study")["questions"] == 12


def test_an_address_of_ipv6_is_served_where_the_machine_has_one():
    from reposer.web.server import WebServer

    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    server = WebServer("::1", 0, lambda: None)
    assert server.url.startswith("http://[::1]:") and server.token is None
    server._socket.close()
