"""`reposer web`: a page in the browser that puts a photo's person into another pose. Nothing leaves this machine."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from reposer.core.terminal import Terminal

from .option_values import within
from .options import called


def run(arguments: Sequence[str]) -> int:
    return called(web, arguments, "web", __doc__)


def web(
    *,
    models: tuple[Path, ...] = (),
    host: str = "127.0.0.1",
    port: int = 8100,
    browser: bool = True,
    threads: int | None = None,
    device: str | None = None,
) -> int:
    """Serve the page until Ctrl-C, and open it in the browser.

    Args:
        models: `.safetensors` of your own, to be chosen on the page beside the shipped models.
        host: address to listen at. 0.0.0.0 = the whole network may come, if they have the address with its token, which
            is printed; otherwise only this machine.
        port: TCP port of the page; 0 = a free one.
        browser: open the page in the browser.
        threads: CPU threads of the process that generates; none = half of the cores.
        device: cpu, cuda, ...; none = a CUDA GPU if there is one.
    """
    within("--port", port, 0, 65_535)
    if threads is not None:
        within("--threads", threads, 1, 256)

    from reposer.core.device import chosen_device
    from reposer.web.admission import is_loopback
    from reposer.web.app import Page, application
    from reposer.web.jobs import Lane
    from reposer.web.models import choices
    from reposer.web.server import WebServer
    from reposer.web.visits import Visits
    from reposer.web.work import work

    chosen_device(device)
    chosen = choices(models)
    visits = Visits()
    options = {
        "threads": threads or max(1, (os.cpu_count() or 1) // 2),
        "device": device,
        "models": {name: model.named for name, model in chosen.items()},
        "folder": str(visits.root),
    }
    page = Page(
        visits,
        Lane(work, {**options, "warm": True}, eager=True),
        Lane(work, {**options, "warm": False}, eager=False),
        chosen,
        is_loopback(host),
        device,
    )
    try:
        server = WebServer(host, port, application(page))
        Terminal(stderr=True).say(f"The page is at {server.url} until Ctrl-C. Nothing leaves this machine.")
        server.serve_forever(lambda: _open(server.url) if browser else None)
    finally:
        page.close()
    return 0


def _open(url: str) -> None:
    """In the default browser, if there is a screen; otherwise the address is on the terminal."""
    import webbrowser

    if sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(url)
