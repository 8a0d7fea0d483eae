"""Ctrl-C and SIGTERM end a command with one line and the code that shells know; no process outlives it."""

import contextlib
import os
import signal
import time

import psutil
import pytest
import torch

from reposer.cli import main
from reposer.core.processes import Terminated
from reposer.data.pictures import write_picture
from tests.forked import started_command

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


def workers_of(process):
    found = []
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if "spawn_main" in " ".join(child.cmdline()):
                    found.append(child)
    return found


@contextlib.contextmanager
def scoring(folder, workers):
    """`score`, as soon as its first worker has begun, its workers, and what it prints; in a group of processes."""
    for name in ("targets", "generated"):
        (folder / name).mkdir()
        for k in range(40):
            noise = torch.randint(256, (64, 44, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(k))
            write_picture(folder / name / f"person{k:02d}_0.png", noise)
    arguments = ["score", folder / "generated", "--targets", folder / "targets", "--out", folder / "out"]
    options = ["--protocol", "reposer-v1-reconstruction", "--workers", workers]
    said = folder / "said"
    process, children = started_command([str(word) for word in (*arguments, *options)], said), []
    try:
        while process.is_alive() and not children:
            time.sleep(0.05)  # looking at all processes takes time from them
            children = workers_of(process)
        assert process.is_alive(), said.read_text()
        yield process, children, said
    finally:
        for child in [process, *children]:
            if child.is_running() if isinstance(child, psutil.Process) else child.is_alive():
                child.kill()
        process.join()


@pytest.mark.slow
@pytest.mark.parametrize("to_all, number", [(True, signal.SIGINT), (False, signal.SIGTERM)])
def test_score_with_workers_stops_in_one_line_and_leaves_no_worker(to_all, number, tmp_path):
    with scoring(tmp_path, workers=2 if to_all else 1) as (process, children, said):
        before = len(said.read_text().splitlines())
        (os.killpg if to_all else os.kill)(process.pid, number)
        process.join()
        last = said.read_text().splitlines()[before:]
        assert process.exitcode == 128 + number
        assert len(last) <= 1 and not any("Traceback" in line for line in last), last
        assert not psutil.wait_procs(children)[1]


@pytest.mark.slow
def test_workers_of_a_killed_score_end_with_it(tmp_path):
    with scoring(tmp_path, workers=1) as (process, children, _):
        process.kill()
        process.join()
        assert not psutil.wait_procs(children)[1]
