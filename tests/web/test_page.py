"""The page in a real browser, from a photo to its person in a new pose, with the shipped networks."""

import json
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
from reposer.core.skeleton import OPENPOSE_137
from reposer.data.video_files import ClipWriter
from reposer.generators import GENERATORS, save
from reposer.web.app import SAMPLE_NAMES, application
from reposer.web.models import choices
from reposer.web.server import WebServer
from reposer.web.work import work
from tests.web.api import a_page
from tests.web.usable import SHOTS, look, usable_by_all

pytestmark = pytest.mark.slow

SAMPLES = Path(__file__).parents[2] / "src" / "reposer" / "web" / "samples"
WINDOWS = {"desktop": (1440, 900), "phone": (390, 844)}
DELETE, LEFT, RIGHT = "\ue017", "\ue012", "\ue014"


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
def server(tmp_path_factory):
    """The page with the shipped models and one of the visitor's own: a network of the smallest size, untrained."""
    own = tmp_path_factory.mktemp("models") / "mine.safetensors"
    torch.manual_seed(0)
    save(GENERATORS["trueflow"]().tiny().build(), own, {"licence": "CC0", "data": "nothing"})
    page = a_page(work, models=choices([own]))
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


def with_photo(browser, photo=SAMPLES / "green-shirt.jpg"):
    browser.choose_file("#photo-file", photo)
    browser.wait("document.querySelectorAll('#skeleton .joint').length > 10", seconds=300)
    settled(browser)


def joints(browser):
    """The places of the joints that are shown, in pixels of the photo."""
    return browser.run(
        "return Object.fromEntries([...document.querySelectorAll('#skeleton .joint')].map(e => "
        "[e.dataset.joint, e.getAttribute('transform').match(/[-\\d.]+/g).map(Number)]))"
    )


def joint(browser, name):
    return joints(browser)[name]


def settled(browser):
    browser.wait("document.getElementById('progress-box').hidden", seconds=300)


def trouble(browser):
    return browser.wait(
        "!document.getElementById('trouble').hidden && document.getElementById('trouble-text').textContent"
    )


def with_small_model(browser):
    """Chooses the visitor's own network; pictures that somebody will look at are the default's."""
    told = browser.run(
        "const model = document.getElementById('model'); model.value = 'mine'; model.onchange();"
        "return document.getElementById('model-told').textContent"
    )
    assert "Licence: CC0. Trained on: nothing." in told
    assert browser.run("return document.getElementById('quality-field').hidden"), "of the default model only"
    if SHOTS:
        browser.run("document.getElementById('model').value = 'trueflow'")


def reposed(browser):
    browser.run("document.getElementById('command').value = ''")
    browser.click("#go")
    browser.wait("document.getElementById('command').value", seconds=600)
    settled(browser)
    return browser.run("return document.getElementById('command').value")


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


def saved(browser, name):
    """The bytes of the file that this link saves."""
    content = browser.run(
        "return fetch([...document.querySelectorAll('#downloads a')].find(a => a.href.endsWith('/' + "
        "arguments[0])).href).then(r => r.arrayBuffer()).then(b => [...new Uint8Array(b)])",
        name,
    )
    return bytes(content)


@pytest.mark.parametrize("window", WINDOWS)
def test_the_whole_path_from_a_photo_to_a_picture(opened, server, window, tmp_path, monkeypatch):
    """Photo, skeleton, drag, undo, preset, Repose, layers, and the command that makes the same picture."""
    browser, kind = opened(window), "touch" if window == "phone" else "mouse"
    alts = browser.run("return [...document.querySelectorAll('#samples img')].map(i => i.alt)")
    assert alts == list(SAMPLE_NAMES.values())
    the_theme_is_the_systems_until_another_is_chosen(browser)
    look(browser, f"{window}-1-begin")
    usable_by_all(browser, f"{window}-1-begin")
    with_photo(browser)
    look(browser, f"{window}-2-skeleton")
    browser.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    usable_by_all(browser, f"{window}-2-skeleton")
    browser.run("document.querySelectorAll('details').forEach(d => { d.open = false; })")

    found = joints(browser)
    browser.drag("[data-joint=left_wrist]", 40, -70, kind=kind)
    moved = joint(browser, "left_wrist")
    assert moved[0] > found["left_wrist"][0] + 10 and moved[1] < found["left_wrist"][1] - 20
    browser.click("#undo")
    assert joints(browser) == found
    browser.click("#redo")
    assert joint(browser, "left_wrist") == moved
    browser.run("document.querySelector('[data-joint=left_wrist]').focus()")
    browser.press(RIGHT)
    assert joint(browser, "left_wrist")[0] > moved[0]
    the_pose_is_edited_as_a_whole(browser, kind)
    a_joint_is_deleted_and_restored(browser)
    browser.click("#mirror")
    browser.click("#reset")
    assert joints(browser) == found

    browser.click("[data-preset=hands-on-hips]")
    browser.wait("document.querySelector('[data-preset=hands-on-hips]').getAttribute('aria-pressed') === 'true'")
    look(browser, f"{window}-3-preset")
    if window == "phone":
        with_small_model(browser)
    elif not SHOTS:
        browser.run("document.getElementById('quality').focus()")
        browser.press("f")  # the keyboard chooses "fast"
    command = reposed(browser)
    look(browser, f"{window}-4-result")
    first = result_pixels(browser)
    assert browser.run("return document.getElementById('invented').textContent").endswith("%")
    usable_by_all(browser, f"{window}-4-result")
    the_layers_lie_over_the_result(browser, window)

    if window == "desktop":
        folder = tmp_path / "saved"
        folder.mkdir()
        for file in ("pose.json", "source.json"):
            (folder / file).write_bytes(saved(browser, file))
        (folder / "green-shirt.jpg").write_bytes((SAMPLES / "green-shirt.jpg").read_bytes())
        (tmp_path / "shown.png").write_bytes(saved(browser, "reposed.png"))
        assert SHOTS or " --preset fast " in command
        monkeypatch.chdir(folder)
        assert main([*command.split()[1:], "--device", "cpu"]) == 0
        made, shown = (np.array(Image.open(path)) for path in ("reposed.png", "../shown.png"))
        assert np.array_equal(made, shown), "the command makes the same picture"
    else:
        assert "/mine.safetensors" in command or SHOTS

    browser.click("#tab-edit")
    browser.drag("[data-joint=right_elbow]", -30, -60, kind=kind)
    reposed(browser)
    assert np.abs(np.array(first) - np.array(result_pixels(browser))).max() > 30, "another pose, another picture"

    assert list(server.visits.root.iterdir())
    browser.open("about:blank")
    end = time.monotonic() + 20
    while list(server.visits.root.iterdir()):
        assert time.monotonic() < end, "who leaves the page takes everything along"
        time.sleep(0.1)


def the_theme_is_the_systems_until_another_is_chosen(browser):
    browser.run("localStorage.clear(); location.reload()")
    browser.wait("document.documentElement.dataset.ready")
    for theme in ("dark", "light"):
        browser.prefer(theme)
        browser.wait(f"document.documentElement.dataset.theme === '{theme}'")
    browser.click("#theme")
    browser.wait("document.documentElement.dataset.theme === 'dark'")


def the_pose_is_edited_as_a_whole(browser, kind):
    """Moved with the arrow keys, scaled with plus and with a corner; each is one step of undo."""
    before = {name: np.array(at) for name, at in joints(browser).items()}
    browser.click("#whole")
    browser.press(RIGHT)
    shifts = [at - before[name] for name, at in joints(browser).items()]
    assert np.ptp(shifts, 0).max() < 0.02 and shifts[0][0] > 1 and shifts[0][1] == 0

    def spread(places):
        return np.ptp(list(places.values()), 0)

    browser.press("+")
    assert np.allclose(spread(joints(browser)) / spread(before), 1.03, atol=1e-3)
    look(browser, f"{kind}-whole")
    browser.drag("#skeleton .corner:last-of-type", -40, -80, kind=kind)  # the lower right one
    width, height = spread(joints(browser)) / spread(before)
    assert width < 0.95 and abs(width - height) < 1e-2
    for _ in range(3):
        browser.click("#undo")
    assert all(np.array_equal(before[name], at) for name, at in joints(browser).items())
    browser.click("#whole")


def a_joint_is_deleted_and_restored(browser):
    """With the key and with the button; it comes back by its button below the photo."""
    whole = joints(browser)
    for delete in (lambda: browser.press(DELETE), lambda: browser.click("#remove")):
        browser.run("document.querySelector('[data-joint=left_wrist]').focus()")
        delete()
        assert set(whole) - set(joints(browser)) == {"left_wrist"}
        assert "left wrist" in browser.run("return document.getElementById('missing').textContent")
        browser.click("[aria-label='Restore left wrist']")
        assert set(joints(browser)) == set(whole) and "left_wrist" in browser.run(
            "return document.activeElement.dataset.joint"
        )


def the_layers_lie_over_the_result(browser, window):
    """Flow, visibility and provenance have the result's shape; pointing at a pixel says where it came from."""
    shape = browser.run("const e = document.getElementById('after'); return [e.naturalWidth / e.naturalHeight]")
    for name in ("flow", "visibility", "provenance"):
        browser.click(f"#tab-{name}")
        browser.wait(f"document.getElementById('tab-{name}').getAttribute('aria-selected') === 'true'")
        image = "origin-kinds" if name == "provenance" else "layer"
        size = browser.wait(
            f"document.getElementById('{image}').complete && [document.getElementById('{image}')]"
            ".map(e => e.naturalWidth / e.naturalHeight)"
        )
        assert np.allclose(size, shape, rtol=0.01), "as large as the result"
        look(browser, f"{window}-5-{name}")
        if name != "flow":
            usable_by_all(browser, f"{window}-5-{name}")
    browser.run("document.getElementById('tab-provenance').focus()")
    browser.press(LEFT)
    assert browser.run("return document.activeElement.id") == "tab-visibility", "arrows go from tab to tab"
    browser.press(RIGHT)
    browser.run("document.getElementById('origin').focus()")
    browser.wait("document.getElementById('origin-kinds').complete")
    time.sleep(0.5)
    browser.press(LEFT)
    browser.wait("/pixel|Copied|Background|Invented/.test(document.getElementById('origin-told').textContent)")


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
    usable_by_all(browser, "desktop-trouble")
    with_photo(browser)
    browser.click("#go")
    browser.wait("!document.getElementById('stop').hidden && !document.getElementById('progress-box').hidden")
    browser.click("#stop")
    settled(browser)
    assert browser.run("return document.getElementById('step-result').hidden")
    assert browser.run("return document.getElementById('go').disabled") is False


def test_people_are_chosen_and_poses_come_from_photos_files_and_clips(opened, tmp_path):
    pair = Image.new("RGB", (1536, 1024))
    for k, name in enumerate(("green-shirt.jpg", "lilac-shirt.jpg")):
        pair.paste(Image.open(SAMPLES / name), (768 * k, 0))
    pair.resize((768, 512)).save(tmp_path / "two.png")
    with ClipWriter(tmp_path / "clip.mp4", Fraction(5)) as clip:
        for _ in range(3):
            clip.add(torch.from_numpy(np.array(Image.open(SAMPLES / "lilac-shirt.jpg").resize((384, 512)))))
    browser = opened()
    with_photo(browser, tmp_path / "two.png")
    browser.wait("document.querySelectorAll('#people-list button').length === 2")
    look(browser, "desktop-8-people")
    for choose in ("#skeleton .somebody", "#people-list [aria-pressed=false]"):
        first, pressed = joint(browser, "neck")[0], "document.querySelector('#people-list [aria-pressed=true]')"
        name = browser.run(f"return {pressed}.textContent")
        browser.click(choose)
        browser.wait(f"{pressed}.textContent !== {name!r}")
        assert abs(joint(browser, "neck")[0] - first) > 200, "the other person is taken"
    browser.click("#skeleton .somebody")
    browser.wait(f"{pressed}.textContent === {name!r}")

    found = joints(browser)

    def another(act):
        before = browser.run("return document.querySelector('[data-joint=left_wrist]').getAttribute('transform')")
        act()
        changed = "document.querySelector('[data-joint=left_wrist]').getAttribute('transform') !=="
        browser.wait(f"{changed} {before!r}", seconds=300)
        settled(browser)

    another(lambda: browser.choose_file("#other-file", SAMPLES / "green-shirt.jpg"))
    another(lambda: browser.click("#undo"))
    assert joints(browser) == found

    def moment():
        browser.choose_file("#moment-file", tmp_path / "clip.mp4")
        browser.wait("document.getElementById('moment-film').readyState >= 2", seconds=120)
        usable_by_all(browser, "desktop-9-moment", "#moment")
        browser.click("#moment-take")

    another(moment)
    browser.download_into(tmp_path)
    browser.click("#export")
    exported = tmp_path / "pose.json"
    end = time.monotonic() + 30
    while not exported.exists():
        assert time.monotonic() < end, "the pose is saved"
        time.sleep(0.05)
    there = joints(browser)
    browser.click("#reset")
    another(lambda: browser.choose_file("#pose-file", exported))
    assert there.keys() == joints(browser).keys()
    assert all(np.allclose(there[name], at, atol=0.02) for name, at in joints(browser).items()), "as it was exported"
    assert browser.run("return document.querySelectorAll('#skeleton .somebody').length") == 1, "still to be chosen"
    (tmp_path / "none.json").write_text("{")
    browser.choose_file("#pose-file", tmp_path / "none.json")
    assert "not JSON" in trouble(browser)

    a_pose_with_hands_and_a_face_is_edited(browser, tmp_path / "whole.json")
    browser.run("document.getElementById('options').open = true; document.getElementById('canvas').value = 'grow';")
    with_small_model(browser)
    assert "--canvas grow" in reposed(browser)
    height, width = browser.run("const e = document.getElementById('after'); return [e.naturalHeight, e.naturalWidth]")
    assert height > 512 and width >= 768, "the canvas grew"
    assert browser.run("return getComputedStyle(document.getElementById('before')).display") == "none", (
        "nothing to lay over"
    )
    look(browser, "desktop-4-grown")


def a_pose_with_hands_and_a_face_is_edited(browser, path):
    """All of 137 joints are shown, a hand moves with its wrist and a face with its nose; the pose leaves the photo."""
    middle = joint(browser, "neck")[0]
    body = {
        "nose": (0, -30), "neck": (0, 0), "mid_hip": (0, 140), "right_shoulder": (-40, 5), "left_shoulder": (40, 5),
        "right_elbow": (-70, -60), "left_elbow": (80, 40), "right_wrist": (-75, -150), "left_wrist": (90, 100),
        "right_hip": (-25, 140), "left_hip": (25, 140), "right_knee": (-30, 220), "left_knee": (30, 220),
        "right_ankle": (-30, 300), "left_ankle": (30, 300),
    }  # fmt: skip
    places = {}
    for number, name in enumerate(OPENPOSE_137.joints):
        root = "nose"
        if any(part in name for part in ("hand", "thumb", "index", "middle", "ring", "pinky")):
            root = f"{name.split('_')[0]}_wrist"
        if any(part in name for part in ("toe", "heel")):
            root = f"{name.split('_')[0]}_ankle"
        x, y = body.get(name) or (body[root][0] + number % 7 - 3, body[root][1] + number % 5 - 8)
        places[name] = [middle + x, 130.0 + y]
    path.write_text(json.dumps({"skeleton": "openpose137", "size": [512, 768], "joints": places}))
    browser.choose_file("#pose-file", path)
    browser.wait("document.querySelectorAll('#skeleton .joint').length === 137", seconds=60)
    settled(browser)
    assert browser.run("""
        const well = document.querySelector('#view-edit .well').getBoundingClientRect();
        return [...document.querySelectorAll('#skeleton .dot')].every(dot => {
            const box = dot.getBoundingClientRect();
            return box.top >= well.top && box.bottom <= well.bottom &&
                box.left >= well.left && box.right <= well.right; })
    """), "joints that leave the photo can be dragged, too"
    before = joints(browser)
    for name, followers in (
        ("left_wrist", {"left_thumb_4", "left_hand_root"}),
        ("nose", {"chin", "left_pupil", "lips_top"}),
    ):
        browser.run(f"document.querySelector('[data-joint={name}]').focus()")
        browser.press(LEFT)
        now = joints(browser)
        moved = {joint for joint, at in now.items() if at != before[joint]}
        assert followers < moved and "right_wrist" not in moved and "right_index_4" not in moved
        before = now
    look(browser, "desktop-8-hands")


def test_two_models_are_compared_on_the_same_photo_and_pose(opened):
    browser = opened()
    with_photo(browser)
    browser.run("document.getElementById('options').open = true")
    browser.click(f"#compare-list [value={'mine' if SHOTS else 'trueflow'}]")
    browser.click("#compare-go")
    browser.wait("document.querySelectorAll('#compare-grid figure').length === 3", seconds=400)
    settled(browser)
    titles = browser.run("return [...document.querySelectorAll('#compare-grid b')].map(b => b.textContent)")
    assert titles == ["Your photo", *(["trueflow", "gfla-synthetic"] if SHOTS else ["gfla-synthetic", "mine"])]
    look(browser, "desktop-6-compare")
    usable_by_all(browser, "desktop-6-compare")


def test_a_clip_drives_the_photos_person_and_its_command_makes_the_same_bytes(opened, tmp_path, monkeypatch):
    """The driving clip: the sample's person, small, moving across the picture."""
    whole = Image.open(SAMPLES / "lilac-shirt.jpg").resize((192, 256))
    with ClipWriter(tmp_path / "walk.mp4", Fraction(10)) as clip:
        for k in range(6):
            clip.add(torch.from_numpy(np.roll(np.array(whole), 4 * k, 1)))
    browser = opened()
    with_photo(browser)
    browser.click("#mode-clip")
    browser.choose_file("#clip-file", tmp_path / "walk.mp4")
    assert "6 frames" in browser.wait("document.getElementById('clip-told').textContent", seconds=400)
    settled(browser)
    assert browser.run("return document.querySelectorAll('#driving-track line').length") > 8
    with_small_model(browser)
    browser.run("document.getElementById('fps').value = '8'")
    command = reposed(browser)
    browser.wait("document.getElementById('film').readyState >= 2")
    assert browser.run("return document.getElementById('film').videoWidth") == 768
    assert "5 frames" in browser.run("return document.getElementById('result-told').textContent")
    look(browser, "desktop-7-clip")
    usable_by_all(browser, "desktop-7-clip")
    browser.show(*WINDOWS["phone"])
    usable_by_all(browser, "phone-7-clip")

    assert command.startswith("reposer animate green-shirt.jpg") and "--fps 8" in command
    for name in ("source.json", "track.json"):
        (tmp_path / name).write_bytes(saved(browser, name))
    (tmp_path / "green-shirt.jpg").write_bytes((SAMPLES / "green-shirt.jpg").read_bytes())
    monkeypatch.chdir(tmp_path)
    assert main([*command.split()[1:], "--device", "cpu"]) == 0
    assert Path("reposed.mp4").read_bytes() == saved(browser, "reposed.mp4"), "the command makes the same clip"
