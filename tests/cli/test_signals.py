"""Ctrl-C and SIGTERM end a command with one line and the code that shells know; no process outlives it."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from reposer.cli import main
from reposer.core.processes import Terminated
from reposer.synthetic.people import write_people

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@pytest.mark.parametrize("stop, code", [(KeyboardInterrupt, 130), (Terminated, 143)])
def test_a_stopped_command_says_one_line_and_exits_as_shells_expect(stop, code, monkeypatch, capsys):
    def stopped(arguments):
        raise stop

    monkeypatch.setattr("reposer.cli.recipes.run", stopped)
    assert main(["recipes"]) == code
    assert capsys.readouterr().err == "reposer: stopped.\n"


def test_sigterm_is_heard_and_its_handler_is_put_back(monkeypatch, capsys):
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("reposer.cli.recipes.run", lambda arguments: os.kill(os.getpid(), signal.SIGTERM))
    assert main(["recipes"]) == 143
    assert signal.getsignal(signal.SIGTERM) is before
    assert capsys.readouterr().err.count("\n") == 1


def test_no_memory_is_one_sentence_and_a_mistake_of_ours_keeps_its_traceback(monkeypatch, capsys):
    def fails_with(error):
        def fails(arguments):
            raise error

        monkeypatch.setattr("reposer.cli.recipes.run", fails)

    for error in (MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried ...")):
        fails_with(error)
        assert main(["recipes"]) == 1
        assert capsys.readouterr().err.startswith("reposer: There is not enough memory")
    for bug in (RuntimeError("shapes differ"), AssertionError(), KeyError("x"), OSError("unknown")):
        fails_with(bug)
        with pytest.raises(type(bug)):
            main(["recipes"])


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    root = tmp_path_factory.mktemp("people") / "data"
    return write_people(root, size=(64, 44), num_train=1, num_test=5, views=8, workers=1, progress=False)


def workers_of(process):
    found = []
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if "spawn_main" in " ".join(child.cmdline()):
                    found.append(child)
    return found


@pytest.fixture
def scoring(people, tmp_path):
    """`score` with two workers, as soon as the first has begun; in a group of processes of its own."""
    generated = tmp_path / "generated"
    generated.mkdir()
    pictures = sorted((people / "test").glob("*.png"))
    for picture in pictures:
        (generated / picture.name).write_bytes(picture.read_bytes())
    arguments = [sys.executable, "-m", "reposer.cli", "score", generated, "--targets", people / "test"]
    options = ["--protocol", "reposer-v1-reconstruction", "--workers", "2", "--out", tmp_path / "out"]
    process = subprocess.Popen(
        [str(word) for word in (*arguments, *options)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # tests in the background ignore it
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    try:
        children = []
        while process.poll() is None and not children:
            time.sleep(0.01)
            children = workers_of(process)
        assert process.poll() is None, process.stderr.read()
        yield process, children
    finally:
        for child in [process, *children]:
            if child.is_running() if isinstance(child, psutil.Process) else child.poll() is None:
                child.kill()
        process.wait()


@pytest.mark.slow
@pytest.mark.parametrize("to_all, number", [(True, signal.SIGINT), (False, signal.SIGTERM)])
def test_score_with_workers_stops_in_one_line_and_leaves_no_worker(scoring, to_all, number):
    process, children = scoring
    (os.killpg if to_all else os.kill)(process.pid, number)
    said = process.communicate()[1]
    assert process.returncode == 128 + number
    assert said.count("\n") <= 1 and "Traceback" not in said, said
    assert not psutil.wait_procs(children)[1]


@pytest.mark.slow
def test_workers_of_a_killed_score_end_with_it(scoring):
    process, children = scoring
    process.kill()
    process.wait()
    assert not psutil.wait_procs(children)[1]
