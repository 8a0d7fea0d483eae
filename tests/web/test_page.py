"""The page in a real browser, from a photo to its person in a new pose, with the shipped networks."""

import json
import os
import threading
import time
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from reposer.cli import main
from reposer.data.video_files import ClipWriter
from reposer.web.app import SAMPLE_NAMES, application
from reposer.web.server import WebServer
from reposer.web.work import work
from tests.web.api import a_page

pytestmark = pytest.mark.slow

SAMPLES = Path(__file__).parents[2] / "src" / "reposer" / "web" / "samples"
AXE = Path(os.environ.get("AXE_CORE", Path(__file__).parents[2] / ".venv/npm/node_modules/axe-core/axe.min.js"))
WINDOWS = {"desktop": (1440, 900), "phone": (390, 844)}
SHOTS = os.environ.get("REPOSER_SCREENSHOTS")
"""A folder for pictures of the page, if somebody wants to look at them."""


@contextmanager
def served(page):
    """The page at an address of this machine."""
    server = WebServer("127.0.0.1", 0, application(page))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def server():
    page = a_page(work)
    with served(page) as server:
        server.visits = page.visits
        yield server


@pytest.fixture
def opened(browser, server):
    """Opens the page anew in a window of this size."""

    def opened(window="desktop"):
        browser.show(*WINDOWS[window])
        browser.requested()
        browser.open(server.url)
        browser.wait("document.documentElement.dataset.ready")
        return browser

    yield opened
    outside = [url for url in browser.requested() if not url.startswith((server.url, "blob:", "data:"))]
    assert outside == [], "the page asks nobody but its own server"


def look(browser, name):
    if SHOTS:
        browser.run("return new Promise(done => setTimeout(done, 400))")
        browser.screenshot(Path(SHOTS) / f"{name}.png")


def with_photo(browser):
    browser.choose_file("#photo-file", SAMPLES / "green-shirt.jpg")
    browser.wait("document.querySelectorAll('#skeleton .joint').length > 10", seconds=300)


def joint(browser, name):
    return browser.run(
        "return document.querySelector(`[data-joint=${arguments[0]}]`).getAttribute('transform')"
        ".match(/[-\\d.]+/g).map(Number)",
        name,
    )


def settled(browser):
    browser.wait("document.getElementById('progress-box').hidden", seconds=300)


def trouble(browser):
    return browser.wait(
        "!document.getElementById('trouble').hidden && document.getElementById('trouble-text').textContent"
    )


def result_pixels(browser):
    """A few pixels of the result that is shown."""
    return browser.run(
        """const image = document.getElementById('after'), canvas = document.createElement('canvas');
        return image.decode().then(() => {
            canvas.width = 96; canvas.height = 128;
            const context = canvas.getContext('2d');
            context.drawImage(image, 0, 0, 96, 128);
            return [...context.getImageData(0, 0, 96, 128).data]; });"""
    )


@pytest.mark.parametrize("window", WINDOWS)
def test_the_whole_path_from_a_photo_to_a_picture(opened, server, window, tmp_path, monkeypatch):
    """Photo, skeleton, drag, undo, preset, Repose, layers, and the command that makes the same picture."""
    browser = opened(window)
    look(browser, f"{window}-1-begin")
    with_photo(browser)
    settled(browser)
    look(browser, f"{window}-2-skeleton")

    found = joint(browser, "left_wrist")
    browser.drag("[data-joint=left_wrist]", 40, -70, kind="touch" if window == "phone" else "mouse")
    moved = joint(browser, "left_wrist")
    assert moved[0] > found[0] + 10 and moved[1] < found[1] - 20
    browser.click("#undo")
    assert joint(browser, "left_wrist") == found
    browser.click("#redo")
    assert joint(browser, "left_wrist") == moved
    browser.run("document.querySelector('[data-joint=left_wrist]').focus()")
    browser.press("\ue014")  # right
    assert joint(browser, "left_wrist")[0] > moved[0]
    browser.press("\ue017")  # delete
    assert "left wrist" in browser.run("return document.getElementById('missing').textContent")
    browser.run("document.querySelector('#missing button').click()")
    browser.click("#mirror")
    browser.click("#reset")
    assert joint(browser, "left_wrist") == found

    browser.click("[data-preset=hands-on-hips]")
    browser.wait("document.querySelector('[data-preset=hands-on-hips]').getAttribute('aria-pressed') === 'true'")
    look(browser, f"{window}-3-preset")
    browser.click("#go")
    browser.wait("document.getElementById('command').value", seconds=400)
    settled(browser)
    look(browser, f"{window}-4-result")
    first = result_pixels(browser)
    assert browser.run("return document.getElementById('invented').textContent").endswith("%")
    for name in ("flow", "visibility", "provenance"):
        browser.click(f"#tab-{name}")
        browser.wait(f"document.getElementById('tab-{name}').getAttribute('aria-selected') === 'true'")
        look(browser, f"{window}-5-{name}")
    browser.run("document.getElementById('origin').focus()")
    browser.wait("document.getElementById('origin-kinds').complete")
    time.sleep(0.5)
    browser.press("\ue012")
    browser.wait("/pixel|Copied|Background|Invented/.test(document.getElementById('origin-told').textContent)")

    folder = tmp_path / "saved"
    folder.mkdir()
    command = browser.run("return document.getElementById('command').value")
    for file in ("reposed.png", "pose.json", "source.json"):
        content = browser.run(
            "return fetch([...document.querySelectorAll('#downloads a')].find(a => a.href.endsWith('/' + "
            "arguments[0])).href).then(r => r.arrayBuffer()).then(b => [...new Uint8Array(b)])",
            file,
        )
        (folder / file).write_bytes(bytes(content))
    shown = np.array(Image.open(folder / "reposed.png"))
    (folder / "reposed.png").unlink()
    (folder / "green-shirt.jpg").write_bytes((SAMPLES / "green-shirt.jpg").read_bytes())
    if window == "desktop":
        monkeypatch.chdir(folder)
        assert main([*command.split()[1:], "--device", "cpu"]) == 0
        assert np.array_equal(np.array(Image.open("reposed.png")), shown), "the command makes the same picture"

    browser.click("#tab-edit")
    browser.drag("[data-joint=right_elbow]", -30, -60)
    browser.run("document.getElementById('command').value = ''")
    browser.click("#go")
    browser.wait("document.getElementById('command').value", seconds=400)
    assert np.abs(np.array(first) - np.array(result_pixels(browser))).max() > 30, "another pose, another picture"

    assert list(server.visits.root.iterdir())
    browser.open("about:blank")
    end = time.monotonic() + 20
    while list(server.visits.root.iterdir()):
        assert time.monotonic() < end, "who leaves the page takes everything along"
        time.sleep(0.1)


def test_a_run_is_cancelled_and_a_broken_file_is_told_in_words(opened, tmp_path):
    browser = opened()
    for name, content in {
        "broken.jpg": (SAMPLES / "green-shirt.jpg").read_bytes()[:20_000],
        "archive.jpg": b"PK\x03\x04" + b"\0" * 400,
        "empty.jpg": b"",
    }.items():
        (tmp_path / name).write_bytes(content)
        browser.run("document.getElementById('trouble').hidden = true")
        browser.choose_file("#photo-file", tmp_path / name)
        said = trouble(browser)
        assert "photo" in said.lower() or "file" in said.lower()
        assert "/" not in said.replace("JPEG/", "") and "Traceback" not in said
    look(browser, "desktop-trouble")
    with_photo(browser)
    settled(browser)
    browser.click("#go")
    browser.wait("!document.getElementById('stop').hidden && !document.getElementById('progress-box').hidden")
    browser.click("#stop")
    settled(browser)
    assert browser.run("return document.getElementById('step-result').hidden")
    assert browser.run("return document.getElementById('go').disabled") is False


def test_poses_come_from_another_photo_a_file_and_a_moment_of_a_clip(opened, tmp_path):
    pair = Image.new("RGB", (1536, 1024))
    for k, name in enumerate(("green-shirt.jpg", "lilac-shirt.jpg")):
        pair.paste(Image.open(SAMPLES / name), (768 * k, 0))
    pair.resize((768, 512)).save(tmp_path / "two.png")
    with ClipWriter(tmp_path / "clip.mp4", Fraction(5)) as clip:
        for _ in range(3):
            clip.add(torch.from_numpy(np.array(Image.open(SAMPLES / "lilac-shirt.jpg").resize((384, 512)))))
    browser = opened()
    browser.choose_file("#photo-file", tmp_path / "two.png")
    browser.wait("document.querySelectorAll('#people-list button').length === 2", seconds=300)
    settled(browser)
    look(browser, "desktop-8-people")
    first = joint(browser, "neck")
    browser.click("#people-list [aria-pressed=false]")
    browser.wait("document.querySelector('#people-list button:nth-child(2)').getAttribute('aria-pressed') === 'true'")
    assert abs(joint(browser, "neck")[0] - first[0]) > 200, "the other person is taken"

    found = joint(browser, "left_wrist")
    changed = "document.querySelector('[data-joint=left_wrist]').getAttribute('transform') !== arguments[0]"

    def another(act):
        before = browser.run("return document.querySelector('[data-joint=left_wrist]').getAttribute('transform')")
        act()
        browser.wait(changed.replace("arguments[0]", repr(before)), seconds=300)
        settled(browser)

    another(lambda: browser.choose_file("#other-file", SAMPLES / "green-shirt.jpg"))
    another(lambda: browser.click("#undo"))
    assert joint(browser, "left_wrist") == found
    pose = {
        "skeleton": "openpose18",
        "size": [512, 768],
        "joints": {"neck": [300, 100], "left_wrist": [200, 60], "nose": [300, 70]},
    }
    pose["joints"] |= {
        f"{side}_{part}": [300 + 40 * sign, y]
        for side, sign in (("left", 1), ("right", -1))
        for part, y in (("shoulder", 110), ("hip", 250))
    }
    (tmp_path / "pose.json").write_text(json.dumps(pose))
    another(lambda: browser.choose_file("#pose-file", tmp_path / "pose.json"))
    assert joint(browser, "left_wrist") == [200.5, 60.5]

    def moment():
        browser.choose_file("#moment-file", tmp_path / "clip.mp4")
        browser.wait("document.getElementById('moment-film').readyState >= 2", seconds=120)
        look(browser, "desktop-9-moment")
        browser.click("#moment-take")

    another(moment)
    (tmp_path / "none.json").write_text("{")
    browser.choose_file("#pose-file", tmp_path / "none.json")
    assert "not JSON" in trouble(browser)


def test_two_models_are_compared_on_the_same_photo_and_pose(opened):
    browser = opened()
    with_photo(browser)
    settled(browser)
    browser.run("document.getElementById('options').open = true")
    browser.click("#compare-go")
    browser.wait("document.querySelectorAll('#compare-grid figure').length === 3", seconds=400)
    settled(browser)
    titles = browser.run("return [...document.querySelectorAll('#compare-grid b')].map(b => b.textContent)")
    assert titles == ["Your photo", "trueflow", "gfla-synthetic"]
    look(browser, "desktop-6-compare")


def test_a_clip_drives_the_photos_person_and_the_film_is_played(opened, tmp_path):
    """The driving clip: the sample's person, small, moving across the picture."""
    whole = Image.open(SAMPLES / "lilac-shirt.jpg").resize((192, 256))
    with ClipWriter(tmp_path / "walk.mp4", Fraction(10)) as clip:
        for k in range(6):
            clip.add(torch.from_numpy(np.roll(np.array(whole), 4 * k, 1)))
    browser = opened()
    with_photo(browser)
    settled(browser)
    browser.click("#mode-clip")
    browser.choose_file("#clip-file", tmp_path / "walk.mp4")
    assert "6 frames" in browser.wait("document.getElementById('clip-told').textContent", seconds=400)
    settled(browser)
    assert browser.run("return document.querySelectorAll('#driving-track line').length") > 8
    browser.click("#go")
    browser.wait("document.getElementById('command').value", seconds=600)
    browser.wait("document.getElementById('film').readyState >= 2")
    assert browser.run("return document.getElementById('film').videoWidth") == 768
    assert "6 frames" in browser.run("return document.getElementById('result-told').textContent")
    assert browser.run("return document.getElementById('command').value").startswith("reposer animate green-shirt.jpg")
    look(browser, "desktop-7-clip")


NAMES = """
    const shown = e => e.offsetParent !== null || e.getClientRects().length > 0;
    const all = [...document.querySelectorAll('button, a[href], input, select, textarea, summary, [tabindex]')].filter(shown);
    return all.filter(e => {
        const label = e.getAttribute('aria-label') || (e.labels && e.labels.length && e.labels[0].textContent) ||
            e.textContent || e.title || (e.querySelector && e.querySelector('img') && e.querySelector('img').alt);
        return !(label || '').trim(); }).map(e => e.outerHTML.slice(0, 120));
"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_control_has_a_name_and_no_serious_fault_is_found(opened, theme):
    """By axe-core where it is installed (`make axe`), and by a check of names of our own anywhere."""
    browser = opened()
    browser.run("document.documentElement.dataset.theme = arguments[0]", theme)
    states = ["begin", "pose"]
    for state in states:
        if state == "pose":
            with_photo(browser)
            settled(browser)
            browser.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        assert browser.run(NAMES) == []
        if not AXE.is_file():
            continue
        found = browser.run(
            AXE.read_text() + "; return axe.run(document, {resultTypes: ['violations']}).then(r => r.violations"
            ".filter(v => ['serious', 'critical'].includes(v.impact))"
            ".map(v => [v.id, v.help, v.nodes.slice(0, 4).map(n => n.html.slice(0, 160) + ' ' + n.failureSummary)]))"
        )
        assert found == [], (state, found)


def test_samples_are_offered_and_described(opened):
    browser = opened()
    alts = browser.run("return [...document.querySelectorAll('#samples img')].map(i => i.alt)")
    assert alts == list(SAMPLE_NAMES.values())
