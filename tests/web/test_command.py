"""`reposer web`: what cannot be used is refused in a sentence, and nothing is left of it."""

import socket
import tempfile

import pytest

from reposer.cli import main


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--port", "70000"), "--port"),
        (("--threads", "0"), "--threads"),
        (("--device", "abacus"), "abacus"),
        (("--models", "mine.pth"), ".safetensors"),
        (("--models", "nowhere.safetensors"), "no file"),
    ],
)
def test_what_cannot_be_used_is_refused(options, says, capsys):
    assert main(["web", "--no-browser", *options]) == 2
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1


def test_a_port_that_is_taken_is_said_and_nothing_is_left(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        assert main(["web", "--no-browser", "--port", str(other.getsockname()[1])]) == 2
    assert "give another --port" in capsys.readouterr().err
    assert [path for path in tmp_path.iterdir() if path.name.startswith("reposer-web-")] == []
