"""The example page runs an exported network in Chromium, by onnxruntime-web."""

import functools
import http.server
import os
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from reposer.data.pictures import write_picture
from reposer.data.poses import write_pose_json
from reposer.engines.export import export_generator
from reposer.engines.graph import INPUTS, example_inputs
from reposer.engines.runtimes import onnxruntime_session
from reposer.generators import load
from tests.docs.documents import ROOT
from tests.test_pipeline import smooth_photo, standing
from tests.web.browser import open_browser

MODULES = Path(os.environ.get("REPOSER_NODE_MODULES", ROOT / "node_modules"))


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def address(tmp_path):
    """A plain server of a folder that has the examples and onnxruntime-web."""
    if not (MODULES / "onnxruntime-web").is_dir():
        pytest.skip("needs onnxruntime-web: npm install onnxruntime-web, or its folder in REPOSER_NODE_MODULES")
    (tmp_path / "node_modules").symlink_to(MODULES)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.mark.nightly
def test_the_browser_gives_onnxruntime_s_picture_and_a_result(address, tmp_path):
    pytest.importorskip("onnxscript")
    path = Path(os.environ.get("REPOSER_EXPORTED", tmp_path / "trueflow.onnx"))
    network = load("trueflow")
    if not path.exists():
        export_generator(network, path, "onnx", precision="fp16", about={})
    inputs = example_inputs(network, 1, 3)
    (expected,) = onnxruntime_session(path)(dict(zip(INPUTS, inputs, strict=True)))
    size = (97, 70)
    write_picture(tmp_path / "photo.png", smooth_photo(size))
    write_pose_json(tmp_path / "own.json", standing(60.0, (35.0, 50.0), size))
    write_pose_json(tmp_path / "wanted.json", standing(60.0, (35.0, 50.0), size, True))
    with open_browser() as browser:
        browser.open(f"{address}/examples/browser.html")
        browser.wait("window.network !== undefined")
        for field, file in (("model", path), *((n, tmp_path / f"{n}.json") for n in ("own", "wanted"))):
            browser.choose_file(f"#{field}", file.resolve())
        browser.choose_file("#photo", tmp_path / "photo.png")
        browser.click("#go")
        said = browser.wait(
            "/Done|not work/.test(document.getElementById('said').textContent)"
            " && document.getElementById('said').textContent",
            seconds=300,
        )
        assert said.startswith("Done in"), said
        assert browser.run("const c = document.getElementById('result'); return [c.height, c.width]") == [97, 70]
        source, xy, visible, target_xy, target_visible = (t.flatten().to(torch.float32).tolist() for t in inputs)
        found = browser.run(
            "const [s, a, b, c, d] = arguments; const joints = (xy, v) => ({xy: new Float32Array(xy), visible: new Uint8Array(v)});"
            "return window.network.picture(new Float32Array(s), joints(a, b), joints(c, d)).then((p) => Array.from(p))",
            *(source, xy, visible, target_xy, target_visible),
        )
    apart = np.abs(np.array(found, np.float32).reshape(expected.shape) - expected)
    assert apart.max() < 1e-3, apart.max()
