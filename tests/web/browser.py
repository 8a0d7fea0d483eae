"""A real browser for tests: Chromium, driven by its chromedriver over WebDriver (plain JSON over HTTP)."""

import base64
import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # WebDriver's name of an element's number


class Browser:
    """One window. `show` gives it an inner size; what it runs is JavaScript."""

    def __init__(self, driver: str, binary: str) -> None:
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
        options += ["--force-prefers-reduced-motion"]  # moving is repainting
        wanted = {
            "goog:chromeOptions": {"binary": binary, "args": options},
            "goog:loggingPrefs": {"performance": "ALL"},  # see `requested`
        }
        self._base = driver
        self._base += (
            f"/session/{self._call('POST', '/session', {'capabilities': {'alwaysMatch': wanted}})['sessionId']}"
        )

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._base + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as reply:
                return json.load(reply)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"]) from None

    def show(self, width: int, height: int, *, scale: float = 1.0) -> None:
        """The window's inner size in CSS pixels; scale: device pixels of one."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
        self._call("POST", "/goog/cdp/execute", {"cmd": "Emulation.setDeviceMetricsOverride", "params": metrics})

    def open(self, url: str) -> None:
        self._call("POST", "/url", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        """What `return` gives; a promise is waited for."""
        return self._call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, condition: str, *, seconds: float = 60.0) -> Any:
        """Until this expression is true."""
        end, pause = time.monotonic() + seconds, 0.02
        while not (found := self.run(f"return {condition}")):
            assert time.monotonic() < end, f"never came true: {condition}"
            time.sleep(pause)
            pause = min(1.3 * pause, 0.2)  # asking takes time from what is waited for
        return found

    def click(self, selector: str) -> None:
        """As a hand does: where something covers the element, it is refused."""
        element = self._call("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]
        self._call("POST", f"/element/{element}/click", {})

    def choose_file(self, selector: str, path: Path) -> None:
        """Gives a file to an input of files, which may be hidden."""
        element = self._call("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]
        self._call("POST", f"/element/{element}/value", {"text": str(path)})

    def download_into(self, folder: Path) -> None:
        """Where the files go that the page lets its visitor save."""
        wanted = {"behavior": "allow", "downloadPath": str(folder)}
        self._call("POST", "/goog/cdp/execute", {"cmd": "Browser.setDownloadBehavior", "params": wanted})

    def prefer(self, theme: str) -> None:
        """As if the system were set to this theme: light or dark."""
        features = [{"name": "prefers-color-scheme", "value": theme}]
        self._call("POST", "/goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": {"features": features}})

    def drag(self, selector: str, right: int, down: int, *, kind: str = "mouse") -> None:
        """Presses on the middle of an element, moves by so many CSS pixels, and lets go. kind: mouse or touch."""
        x, y = self.run(
            "const e = document.querySelector(arguments[0]); e.scrollIntoView({block: 'nearest'});"
            "const b = e.getBoundingClientRect(); return [b.left + b.width / 2, b.top + b.height / 2]",
            selector,
        )
        steps = [
            {"type": "pointerMove", "duration": 0, "x": round(x), "y": round(y)},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerMove", "duration": 60, "x": round(x + right / 2), "y": round(y + down / 2)},
            {"type": "pointerMove", "duration": 60, "x": round(x + right), "y": round(y + down)},
            {"type": "pointerUp", "button": 0},
        ]
        pointer = {"type": "pointer", "id": kind, "parameters": {"pointerType": kind}, "actions": steps}
        self._call("POST", "/actions", {"actions": [pointer]})

    def requested(self) -> list[str]:
        """The addresses of all requests since the last call."""
        found = [
            json.loads(entry["message"])["message"] for entry in self._call("POST", "/se/log", {"type": "performance"})
        ]
        return [one["params"]["request"]["url"] for one in found if one["method"] == "Network.requestWillBeSent"]

    def press(self, key: str, times: int = 1) -> None:
        actions = [{"type": kind, "value": key} for _ in range(times) for kind in ("keyDown", "keyUp")]
        self._call("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._call("GET", "/screenshot")))

    def close(self) -> None:
        self._call("DELETE", "")


@contextlib.contextmanager
def open_browser() -> Iterator[Browser]:
    """Chromium; where none is installed, the test is skipped and says so."""
    binary = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    program = shutil.which("chromedriver")
    if binary is None or program is None:
        pytest.skip("no Chromium with chromedriver is installed (Debian: apt-get install chromium chromium-driver)")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    quiet = os.environ | {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
    process = subprocess.Popen(
        [program, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=quiet
    )
    try:
        driver = f"http://127.0.0.1:{port}"
        for _ in range(600):
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{driver}/status", timeout=5):
                break
            time.sleep(0.05)
        browser = Browser(driver, binary)
        try:
            yield browser
        finally:
            browser.close()
    finally:
        process.terminate()
        process.wait()
