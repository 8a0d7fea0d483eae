"""Runs command lines in forked children of one warm process: python -m tests.hostile.fork_server VALID, a JSON line a
case. VALID: the folder of the commands' valid files.

A child has its own folder, no input, bounded CPU seconds and address space; the answer names its exit code, what it
printed, its peak memory and whether it had to be killed. What a child imported, the server imports too, so that the
next one finds it loaded.
"""

import contextlib
import gc
import importlib
import io
import json
import os
import resource
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from tests.hostile.commands import COMMANDS

CPU_SECONDS = 60
IDLE_SECONDS = 20  # of a child that uses no CPU: it waits for ever, however busy the machine is
ADDRESS_SPACE = 8 << 30  # protects the machine; what is promised is the peak of resident memory
PRELOADED = ("reposer", "torch", "accelerate", "safetensors", "numpy", "PIL", "av", "h5py", "rich", "tyro", "scipy")
TRACEBACK = 70  # exit code of a child whose error nobody caught


def serve(valid: str) -> None:
    """Answers a case a line until the input ends."""
    import numpy as np
    import torch
    import torch._dynamo  # the first optimiser imports it
    from PIL import Image

    import reposer.cli.animate
    import reposer.cli.compare
    import reposer.cli.data
    import reposer.cli.evaluate
    import reposer.cli.score
    import reposer.cli.study
    import reposer.cli.train
    import reposer.cli.transfer
    import reposer.cli.views
    import reposer.cli.web  # noqa: F401
    from reposer.cli import estimate, main
    from reposer.own_photo import people_in
    from tests import rendered

    torch.set_num_threads(1)
    os.fsync = lambda _: None  # no case cuts the power
    gc.set_threshold(50_000, 20, 20)
    rendered.keep_estimates()
    people_in(np.full((64, 64, 3), 128, np.uint8))  # children find the pose estimator open
    for name in ("somebody.png", "album/anna_1.png", "album/anna_2.jpg"):  # and what it says of unchanged photos
        people_in(np.asarray(Image.open(Path(valid, name)).convert("RGB")))
    with contextlib.redirect_stdout(io.StringIO()):  # and what reads options imported, and its patterns compiled
        for words in sorted({command.arguments[: command.words] for command in COMMANDS.values()}):
            with contextlib.suppress(SystemExit):
                main([*words, "--help"])
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()), contextlib.chdir(valid):
        for command in COMMANDS.values():  # and the shapes of the networks' tensors
            if command.arguments[0] in estimate.COMMANDS:
                main(["estimate", *command.arguments])
    for line in sys.stdin:
        case = json.loads(line)
        sys.stdout.write(json.dumps(_answer(case["arguments"], case["folder"])) + "\n")
        sys.stdout.flush()


def _answer(arguments: list[str], folder: str) -> dict[str, Any]:
    printed = folder + ".printed"
    gc.freeze()  # children do not look through what they share
    child = os.fork()
    if child == 0:
        _child(arguments, folder, printed)
    killed, (_, status, used) = _ended(child)
    with open(printed, "rb") as file:
        said = file.read()
    os.unlink(printed)
    _import_too(printed + ".modules")
    return {
        "code": os.waitstatus_to_exitcode(status),
        "said": said.decode("utf-8", "replace"),
        "peak": used.ru_maxrss * 1024,
        "killed": killed,
    }


def _import_too(listed: str) -> None:
    """Imports the modules that a child listed, each by its own name; a killed child lists none."""
    with contextlib.suppress(FileNotFoundError), open(listed) as file:
        for name in json.load(file):
            if name not in sys.modules and name.partition(".")[0] in PRELOADED:
                with contextlib.suppress(Exception):
                    importlib.import_module(name)
        os.unlink(listed)


def _child(arguments: list[str], folder: str, printed: str) -> None:
    """Never returns."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.chdir(folder)
    nothing, file = os.open(os.devnull, os.O_RDONLY), os.open(printed, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.dup2(nothing, 0)
    os.dup2(file, 1)
    os.dup2(file, 2)
    code = TRACEBACK
    try:
        from reposer.cli import main

        code = main(arguments)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception), open(printed + ".modules", "w") as listed:
            json.dump(sorted(sys.modules), listed)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _ended(child: int) -> tuple[bool, tuple[int, int, Any]]:
    """Waits for the child, and kills it and all that it began if it stands still."""
    used, since, pause = -1, time.monotonic(), 0.001
    while True:
        found = os.wait4(child, os.WNOHANG)
        if found[0]:
            return False, found
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)
        if time.monotonic() > since + 1 and (now := _ticks(child)) != used:
            used, since = now, time.monotonic()
        if time.monotonic() > since + IDLE_SECONDS:
            os.killpg(child, signal.SIGKILL)
            return True, os.wait4(child, 0)


def _ticks(group: int) -> int:
    """CPU time that the processes of a group have used, in clock ticks."""
    total = 0
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    words = file.read().rpartition(")")[2].split()
            except OSError:
                continue
            total += sum(map(int, words[11:13])) if int(words[2]) == group else 0
    return total


if __name__ == "__main__":
    serve(sys.argv[1])
