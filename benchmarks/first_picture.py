"""From dropping a photo to the first picture on the page, the queue being empty; and twenty visitors at once."""

import json
import os
import threading
import time
import urllib.request
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

from reposer.web.app import Page, application
from reposer.web.jobs import Lane
from reposer.web.models import choices
from reposer.web.server import WebServer
from reposer.web.visits import Visits
from reposer.web.work import work

from .measure import Table

VISITORS = 20
COLUMNS = ("photo", "skeleton", "pose", "picture shown", "all", "processor time of it")
NOTE = (
    "On a busy machine the time passes while others compute; the processor time of the process that generates does not."
)


def run(device: torch.device) -> list[Table]:
    """Through a server of this machine, as a browser would ask."""
    options = {"threads": max(1, torch.get_num_threads() // 2), "device": str(device), "models": {}, "warm": True}
    lanes = (Lane(work, options, eager=True), Lane(work, options | {"warm": False}, eager=False))
    page = Page(Visits(), *lanes, choices(()))
    server = WebServer("127.0.0.1", 0, application(page))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        while not page.pictures.ready:
            time.sleep(0.1)
        rows = [_first(server.url, page, name) for name in ("green-shirt.jpg", "lilac-shirt.jpg", "orange-shirt.jpg")]
        first = Table("First picture, seconds", COLUMNS, rows, NOTE)
        return [first, _many(server.url, page)]
    finally:
        server.shutdown()
        thread.join()


def _first(url: str, page: Page, name: str) -> tuple[str, float, float, float, float, float]:
    """Seconds to the skeleton, of fitting a preset, to the picture, and all together."""
    client, before = _Client(url), _processor_time(page)
    times = [time.perf_counter()]
    _, found, thing = client.done("/photos", _sample(name))
    times.append(time.perf_counter())
    _, pose, _ = client.done(f"/photos/{thing}/fit", {"source": found["pose"], "preset": "hands-on-hips"})
    times.append(time.perf_counter())
    client.done(f"/photos/{thing}/generate", _wanted(found["pose"], pose["pose"]), shown=True)
    times.append(time.perf_counter())
    used = _processor_time(page) - before
    client.ended()  # who leaves before the files are written ends the process that writes them
    client.ask("/leave", {})
    look, fit, made = (b - a for a, b in pairwise(times))
    return (name, look, fit, made, look + fit + made, used)


def _many(url: str, page: Page) -> Table:
    """Everybody sends a photo and asks for a picture in the same moment."""
    together = threading.Barrier(VISITORS)
    seconds: list[float] = []
    peaks: list[float] = []

    def visit() -> None:
        client = _Client(url)
        together.wait()
        began = time.perf_counter()
        _, found, thing = client.done("/photos", _sample("green-shirt.jpg"))
        client.done(f"/photos/{thing}/generate", _wanted(found["pose"], found["pose"]))
        seconds.append(time.perf_counter() - began)
        client.ask("/leave", {})

    threads = [threading.Thread(target=visit) for _ in range(VISITORS)]
    for one in threads:
        one.start()
    while any(one.is_alive() for one in threads):
        peaks.append(resident(page))
        time.sleep(0.2)
    row = (str(VISITORS), min(seconds), max(seconds), max(peaks))
    return Table("Twenty visitors at once", ("visitors", "first, s", "last, s", "process that generates, MB"), [row])


def resident(page: Page) -> float:
    """Megabytes that the process that generates has in memory; 0 if there is none, or this system does not say."""
    process = page.pictures._process
    status = Path(f"/proc/{process.pid}/status") if process is not None else None
    if status is None or not status.exists():
        return 0.0
    lines = [line for line in status.read_text().splitlines() if line.startswith("VmRSS")]
    return int(lines[0].split()[1]) / 1024 if lines else 0.0


def _processor_time(page: Page) -> float:
    """Seconds that the process that generates has computed."""
    process = page.pictures._process
    stat = Path(f"/proc/{process.pid}/stat") if process is not None else None
    if stat is None or not stat.exists():
        return float("nan")
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _sample(name: str) -> bytes:
    return files("reposer.web").joinpath("samples", name).read_bytes()


def _wanted(source: Any, pose: Any) -> dict[str, Any]:
    return {"source": source, "pose": pose, "model": "trueflow", "background": "keep", "canvas": "keep"}


class _Client:
    """What the page's JavaScript does."""

    def __init__(self, url: str) -> None:
        self._url, self._visit, self._job = url.rstrip("/"), "", ""
        self._visit = "/api/visits/" + self._talk("/api/visits", b"")["visit"]

    def ask(self, path: str, body: dict[str, Any] | bytes | None) -> dict[str, Any]:
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        return self._talk(self._visit + path, data)

    def _talk(self, path: str, data: bytes | None) -> dict[str, Any]:
        request = urllib.request.Request(self._url + path, data, {"Origin": self._url})
        with urllib.request.urlopen(request, timeout=600) as reply:
            content = reply.read()
        found: dict[str, Any] = json.loads(content) if content else {}
        return found

    def done(self, path: str, body: dict[str, Any] | bytes, *, shown: bool = False) -> tuple[str, dict[str, Any], str]:
        """The job's state, its result and the thing that it is about; shown: as soon as the picture can be seen."""
        job = self.ask(path, body)
        self._job = job["job"]
        while True:
            said = self.ask(f"/jobs/{self._job}", None)
            if shown and "shown" in said["progress"]:
                return said["state"], said["progress"]["shown"], job["thing"]
            if said["state"] not in ("waiting", "running"):
                assert said["state"] == "done", said
                return said["state"], said["result"], job["thing"]
            time.sleep(0.02)

    def ended(self) -> None:
        """Wait until the last job has ended."""
        while self.ask(f"/jobs/{self._job}", None)["state"] in ("waiting", "running"):
            time.sleep(0.02)
