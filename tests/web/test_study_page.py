"""The page of a study in a real browser: everything is seen, nothing covers anything, and answers arrive."""

import itertools

import pytest

from reposer.study import Study, open_folders, read_answers
from reposer.study.design import REAL, SOURCE
from tests.study.folders import write_folder
from tests.study.test_server import served
from tests.web.usable import usable_by_all

pytestmark = pytest.mark.slow

WINDOWS = [(1366, 657), (1920, 969), (1024, 768), (768, 1024), (390, 844), (844, 390)]
"""Inner sizes in CSS pixels: a small laptop, a desktop, a tablet both ways, a phone both ways."""
PICTURES = {"person": (256, 176), "square": (256, 256), "large": (1101, 750), "wide": (128, 384)}
DESIGNS = ["real-or-generated", "best"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """By the name of a picture's shape: eight pairs of two systems."""
    return OfShapes(tmp_path_factory.mktemp("pages"))


class OfShapes(dict):
    """Written when they are first asked for."""

    def __init__(self, root):
        super().__init__()
        self.root = root

    def __missing__(self, shape):
        def written(kind, seed):
            return write_folder(self.root / shape / kind, 8, seed, size=PICTURES[shape])

        systems = {system: written(system, k) for k, system in enumerate(("a", "b"))}
        self[shape] = open_folders(written("real", 0), systems, sources=written("sources", 9))
        return self[shape]


def study(design, folders, **changes):
    options = {"trials": 4, "practice": 1, "checks": 1, "show_seconds": 0.0} | changes
    beside = (SOURCE, REAL) if design == "best" else ()
    return Study(design, ("a", "b"), folders.names, beside=beside, **options)


def begin(browser, page):
    browser.open(page.url)
    browser.wait("document.getElementById('begin').offsetParent")
    browser.click("#begin")
    wait_for_question(browser, 1)


def wait_for_question(browser, number):
    """Until question number 1, 2, ... can be answered."""
    browser.wait(f"open && document.getElementById('count').textContent.startsWith('{number} of ')")


def settle(browser):
    browser.run("return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


LAID_OUT = """
    const shown = e => e.offsetParent !== null && e.getClientRects().length > 0;
    const of = selector => [...document.querySelectorAll(selector)].filter(shown);
    return of('#practice, #count, #question, .frame, figcaption, #answers button, #start, #begin').map(e => {
        const box = e.getBoundingClientRect(), inset = 2;
        const points = [[.5, .5], [0, 0], [1, 0], [0, 1], [1, 1]].map(([x, y]) => [
            box.left + inset + x * (box.width - 2 * inset), box.top + inset + y * (box.height - 2 * inset)]);
        const rounded = e.matches('button:not(.frame), #begin');
        const seen = (rounded ? points.slice(0, 1) : points).every(([x, y]) => {
            const top = document.elementFromPoint(x, y);
            return top !== null && (e.contains(top) || top.contains(e)); });
        return {what: e.id || e.className || e.tagName, text: e.textContent.trim(), seen,
                box: [box.left, box.top, box.right, box.bottom], nested: e.id === 'begin' || e.id === 'start'};
    }).filter(found => found.box[2] > found.box[0] && found.box[3] > found.box[1]);
"""


def overlap(one, other):
    """Whether two boxes (left, top, right, bottom) share more than a rounded edge."""
    return all(min(one[k + 2], other[k + 2]) - max(one[k], other[k]) > 0.5 for k in (0, 1))


def faults(found, width, height):
    """What is not seen whole, and which things lie over each other."""
    cut = [
        (f["what"], f["text"], f["box"])
        for f in found
        if not f["seen"] or min(f["box"]) < 0 or f["box"][2] > width or f["box"][3] > height
    ]
    apart = [f for f in found if not f["nested"]]
    return cut + [
        (one["what"], other["what"])
        for one, other in itertools.combinations(apart, 2)
        if overlap(one["box"], other["box"])
    ]


@pytest.mark.parametrize("shape", PICTURES)
@pytest.mark.parametrize("design", DESIGNS)
def test_pictures_question_and_buttons_are_seen_whole_in_six_windows(browser, folders, tmp_path, design, shape):
    with served(study(design, folders[shape]), folders[shape], tmp_path / "a.db") as page:
        browser.show(*WINDOWS[0])
        begin(browser, page)
        for window in WINDOWS:
            browser.show(*window)
            settle(browser)
            found = browser.run(LAID_OUT)
            names = [f["what"] for f in found]
            assert names.count("frame") == (4 if design == "best" else 1), names
            assert design == "best" or [f["text"][:4] for f in found if f["what"] == "BUTTON"] == ["Real", "Gene"]
            assert not faults(found, *window), (window, faults(found, *window))
            heights = {round(f["box"][3] - f["box"][1]) for f in found if f["what"] == "frame"}
            assert len(heights) == 1 and min(heights) >= 60, "pictures of one question have one height"


def test_the_picture_is_as_large_as_the_window_allows(browser, folders, tmp_path):
    """Up to twice its size; making it fit does not make it small."""
    with served(study("real-or-generated", folders["person"]), folders["person"], tmp_path / "a.db") as page:
        browser.show(*WINDOWS[0])
        begin(browser, page)
        for window, least in zip(WINDOWS, (430, 512, 500, 512, 480, 215), strict=True):
            browser.show(*window)
            settle(browser)
            (height,) = (f["box"][3] - f["box"][1] for f in browser.run(LAID_OUT) if f["what"] == "frame")
            assert least <= height <= 513, window


@pytest.mark.parametrize("design", DESIGNS)
def test_the_first_page_can_be_begun_in_six_windows(browser, folders, tmp_path, design):
    with served(study(design, folders["person"]), folders["person"], tmp_path / "a.db") as page:
        for window in WINDOWS:
            browser.show(*window)
            browser.open(page.url)
            browser.wait("document.getElementById('begin').offsetParent")
            settle(browser)
            browser.run("document.getElementById('begin').scrollIntoView()")  # a phone on its side scrolls to it
            (button,) = (f for f in browser.run(LAID_OUT) if f["what"] == "begin")
            assert button["seen"] and button["box"][2] <= window[0] and button["box"][3] <= window[1], window


def test_a_window_that_is_too_small_for_all_scrolls_and_covers_nothing(browser, folders, tmp_path):
    with served(study("best", folders["person"]), folders["person"], tmp_path / "a.db") as page:
        browser.show(*WINDOWS[0])
        begin(browser, page)
        browser.show(300, 200)
        settle(browser)
        boxes = [f["box"] for f in browser.run(LAID_OUT) if not f["nested"]]
        assert not any(overlap(one, other) for one, other in itertools.combinations(boxes, 2))
        browser.run("document.querySelector('.candidates figure:last-child .frame').scrollIntoView()")
        browser.click(".candidates figure:last-child .frame")
        wait_for_question(browser, 2)


@pytest.mark.parametrize("window", WINDOWS)
def test_both_answers_are_clicked_and_kept(browser, folders, tmp_path, window):
    """A click goes to what is seen there: a covered button cannot be clicked."""
    questions = {} if window == WINDOWS[0] else {"practice": 0, "checks": 0}
    pairs = 3 if window == WINDOWS[0] else 2
    shown = study("real-or-generated", folders["person"], **questions)
    with served(shown, folders["person"], tmp_path / "a.db") as page:
        browser.show(*window)
        begin(browser, page)
        for number in range(1, 2 * pairs + 1):
            wait_for_question(browser, number)
            browser.click(f"#answers button:nth-child({1 + number % 2})")
        browser.wait("document.getElementById('end').offsetParent")
    _, answers = read_answers(tmp_path / "a.db")
    assert [a.answer for a in answers] == ["generated", "real"] * pairs
    assert all(a.exposures == 1 and a.milliseconds > 0 for a in answers)


def test_a_click_on_a_candidate_chooses_what_was_shown_there(browser, folders, tmp_path):
    with served(study("best", folders["person"]), folders["person"], tmp_path / "a.db") as page:
        browser.show(*WINDOWS[4])
        begin(browser, page)
        for number in range(1, 7):
            wait_for_question(browser, number)
            browser.click(f".candidates figure:nth-child({1 + number % 2}) .frame")
        browser.wait("document.getElementById('end').offsetParent")
    _, answers = read_answers(tmp_path / "a.db")
    assert [a.candidates.index(a.answer) for a in answers] == [1, 0] * 3


def test_the_arrow_keys_answer_as_the_buttons_do(browser, folders, tmp_path):
    with served(study("real-or-generated", folders["person"]), folders["person"], tmp_path / "a.db") as page:
        browser.show(*WINDOWS[0])
        browser.open(page.url)
        browser.wait("document.getElementById('begin').offsetParent")
        usable_by_all(browser, "study-1-begin")
        begin(browser, page)
        usable_by_all(browser, "study-2-question")
        browser.press("\ue012")  # left
        wait_for_question(browser, 2)
        browser.press("\ue014")  # right
        wait_for_question(browser, 3)
    _, answers = read_answers(tmp_path / "a.db")
    assert [a.answer for a in answers] == ["real", "generated"]


def test_a_picture_goes_after_its_time_and_the_page_goes_on_after_a_reload(browser, folders, tmp_path):
    shown = study("real-or-generated", folders["person"], show_seconds=0.3)
    with served(shown, folders["person"], tmp_path / "a.db") as page:
        browser.show(*WINDOWS[0])
        begin(browser, page)
        browser.wait("document.getElementById('stage').classList.contains('gone')")
        assert browser.run("return getComputedStyle(document.querySelector('.frame img')).visibility") == "hidden"
        browser.click("#answers button")
        wait_for_question(browser, 2)
        browser.open(page.url)
        browser.wait("document.getElementById('begin').textContent === 'Go on'")
        browser.click("#begin")
        wait_for_question(browser, 2)
    _, answers = read_answers(tmp_path / "a.db")
    assert len(answers) == 1


def test_another_website_that_is_open_in_the_browser_gets_nothing(browser, folders, tmp_path):
    """A page of another address asks with the browser's own headers; the study neither answers nor counts it."""
    mine, other = tmp_path / "mine.db", tmp_path / "other.db"
    whole = study("real-or-generated", folders["person"])
    with served(whole, folders["person"], mine) as page, served(whole, folders["person"], other) as elsewhere:
        browser.open(elsewhere.url + "study")
        statuses = browser.run(
            """const url = arguments[0];
            const ask = (path, options) => fetch(url + path, options).then(r => r.type, e => e.name);
            return Promise.all([ask('study'), ask('people', {method: 'POST', mode: 'no-cors', body: '{}'})]);""",
            page.url,
        )
        assert statuses[0] == "TypeError", "nothing can be read"
    assert read_answers(mine)[0] == 0, "nobody began"
