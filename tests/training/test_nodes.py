"""Training on several nodes: two agents of torchrun, each a node of its own on this machine."""

import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reposer.core.configs import to_plain

from .run_tiny import recipe
from .test_resume import assert_same, final_state

IN_STAGE = 3
"""Steps of each of the two stages."""


def node(folder, name, out, port):
    """An agent of torchrun with one process, begun as docs/cluster.md says."""
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1"),
        *("--max-restarts", "3", "--rdzv-backend", "c10d", "--rdzv-id", out.name),
        *("--rdzv-endpoint", f"localhost:{port}", "-m", "reposer.cli"),
        *("train", "--from", str(folder / "tiny.json"), "--out", str(out)),
        *("--validation-pairs", "0", "--threads", "1"),
    ]
    environment = {**os.environ, "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1", "PYTHONUNBUFFERED": "1"}
    with (folder / f"{out.name}-{name}.log").open("wb") as said:
        return subprocess.Popen(command, env=environment, stdout=said, stderr=subprocess.STDOUT)


def process_of(agent):
    """The process that trains."""
    (child,) = Path(f"/proc/{agent.pid}/task/{agent.pid}/children").read_text().split()
    return int(child)


def logged(out):
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


@pytest.mark.nightly
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the training processes in /proc")
def test_two_nodes_of_which_one_loses_its_process_end_with_the_weights_of_an_unbroken_run(tmp_path):
    tiny = dataclasses.replace(recipe(IN_STAGE), save_every=2, log_every=1)
    (tmp_path / "tiny.json").write_text(json.dumps({"recipe": to_plain(tiny), "contents": {}, "about": {}}))
    outs = [tmp_path / "unbroken", tmp_path / "broken"]
    for out in outs:
        with socket.socket() as free:
            free.bind(("localhost", 0))
            port = free.getsockname()[1]
        agents = [node(tmp_path, name, out, port) for name in ("one", "other")]
        try:
            if out == outs[1]:
                while not (out / "state.pt").exists():
                    assert all(agent.poll() is None for agent in agents)
                    time.sleep(0.02)
                os.kill(process_of(agents[1]), signal.SIGKILL)
            for agent in agents:
                assert agent.wait(timeout=500) == 0, "\n".join(
                    p.read_text() for p in tmp_path.glob(f"{out.name}-*.log")
                )
        finally:
            for agent in agents:
                agent.terminate()  # it ends its process
                agent.wait()
    assert "exitcode: -9" in (tmp_path / "broken-other.log").read_text(), "it was killed, and begun again"
    assert_same(*map(final_state, outs))
    assert (
        outs[0].joinpath("generator.safetensors").read_bytes() == outs[1].joinpath("generator.safetensors").read_bytes()
    )
    assert [line["step"] for line in logged(outs[1])] == list(range(1, 2 * IN_STAGE + 1))
    terms = [[{k: v for k, v in line.items() if "/" in k} for line in logged(out)] for out in outs]
    assert terms[0] == terms[1] and all(terms[0])
