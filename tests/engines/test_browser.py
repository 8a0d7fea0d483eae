"""The example page runs an exported network in Chromium, by onnxruntime-web."""

import contextlib
import functools
import http.server
import json
import os
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from reposer.core.skeleton import COCO_17
from reposer.data.pictures import write_picture
from reposer.data.poses import write_pose_json
from reposer.engines.export import described, export_generator
from reposer.engines.graph import INPUTS, example_inputs
from reposer.engines.runtimes import onnxruntime_session
from reposer.generators import load
from tests.docs.documents import ROOT
from tests.test_pipeline import smooth_photo, standing
from tests.web.browser import open_browser

from .small import SmallConfig

MODULES = Path(os.environ.get("REPOSER_NODE_MODULES", ROOT / "node_modules"))


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextlib.contextmanager
def served(folder):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def address(tmp_path):
    """A plain server of a folder that has the examples and onnxruntime-web."""
    if not (MODULES / "onnxruntime-web").is_dir():
        pytest.skip("needs onnxruntime-web: npm install onnxruntime-web, or its folder in REPOSER_NODE_MODULES")
    (tmp_path / "node_modules").symlink_to(MODULES)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    with served(tmp_path) as found:
        yield found


RUNTIME = """
export const env = { wasm: {} };
export class Tensor { constructor(type, data, dims) { Object.assign(this, { type, data, dims }); } }
const run = async (inputs) => { window.given = inputs; return { picture: { data: inputs.source.data } }; };
export const InferenceSession = { create: async () => ({ inputNames: %s, run }) };
"""
"""What the page uses of onnxruntime-web; its network gives back the source."""


@pytest.mark.slow
def test_the_page_takes_the_neck_from_the_shoulders_and_refuses_the_pose_of_another_photo(tmp_path):
    (tmp_path / "node_modules/onnxruntime-web/dist").mkdir(parents=True)
    runtime = RUNTIME % json.dumps(INPUTS)
    (tmp_path / "node_modules/onnxruntime-web/dist/ort.wasm.min.mjs").write_text(runtime)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    about = described(SmallConfig().build())
    content = json.dumps(about).encode()
    length = bytes([len(content) & 127 | 128, len(content) >> 7])
    assert 128 <= len(content) < 1 << 14
    (tmp_path / "small.onnx").write_bytes(b"\x0a\x07reposer\x12" + length + content)
    size = (97, 70)
    write_picture(tmp_path / "photo.png", smooth_photo(size))
    lacking = standing(60.0, (35.0, 50.0), size, True).convert(COCO_17)
    lacking.visible[COCO_17.index("left_shoulder")] = False
    write_pose_json(tmp_path / "own.json", standing(60.0, (35.0, 50.0), size).convert(COCO_17))
    write_pose_json(tmp_path / "wanted.json", lacking)
    write_pose_json(tmp_path / "other.json", standing(60.0, (35.0, 50.0), (98, 70)))
    names = about["target_joints"]
    neck, right, left = (names.index(name) for name in ("neck", "right_shoulder", "left_shoulder"))
    with served(tmp_path) as address, open_browser() as browser:
        browser.open(f"{address}/examples/browser.html")
        browser.wait("window.network !== undefined")

        def said(own):
            for field, file in (
                ("model", "small.onnx"),
                ("photo", "photo.png"),
                ("own", own),
                ("wanted", "wanted.json"),
            ):
                browser.choose_file(f"#{field}", (tmp_path / file).resolve())
            browser.click("#go")
            text = "document.getElementById('said').textContent"
            return browser.wait(f"/Done|not work/.test({text}) && {text}", seconds=60)

        assert "belongs to a picture of 98 x 70, and the photo has 97 x 70" in said("other.json")
        browser.run("document.getElementById('said').textContent = ''")
        assert said("own.json").startswith("Done in")
        places, of_source, of_target = browser.run(
            "const g = window.given;"
            "return [g.source_xy, g.source_visible, g.target_visible].map((t) => Array.from(t.data))"
        )
    xy = np.array(places).reshape(-1, 2)
    assert of_source == [1] * len(names) and np.abs(xy[neck] - (xy[right] + xy[left]) / 2).max() < 1e-4
    assert [name for name, seen in zip(names, of_target, strict=True) if not seen] == ["neck", "left_shoulder"]


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
            "const [s, a, b, c, d] = arguments;"
            "const joints = (xy, v) => ({xy: new Float32Array(xy), visible: new Uint8Array(v)});"
            "return window.network.picture(new Float32Array(s), joints(a, b), joints(c, d)).then((p) => Array.from(p))",
            *(source, xy, visible, target_xy, target_visible),
        )
    apart = np.abs(np.array(found, np.float32).reshape(expected.shape) - expected)
    assert apart.max() < 1e-3, apart.max()
