"""The page's server, played through as a page would: nothing is told, nothing is lost, nothing counts twice."""

import io
import json
import sqlite3
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image

from reposer.core import BadInput
from reposer.study import Answers, Asking, questions, read_answers, read_study
from reposer.study.design import REAL, SCRAMBLED
from reposer.web.server import WebServer
from reposer.web.study import study_application
from tests.study.folders import a_study, some_folders, write_folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return some_folders(tmp_path_factory.mktemp("study"))


class Page:
    """What the page does, without a browser."""

    def __init__(self, url):
        self.url, self.token = url, ""

    def fetch(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        origin = {"Origin": self.url.rstrip("/")}
        request = urllib.request.Request(self.url.rstrip("/") + path, data, origin)
        with urllib.request.urlopen(request, timeout=600) as reply:
            return reply.headers, reply.read()

    def ask(self, path, body=None):
        return json.loads(self.fetch(path, body)[1])

    def begin(self):
        self.token = self.ask("/people", {})["token"]
        return self.question()

    def question(self):
        return self.ask(f"/question?token={self.token}")

    def picture(self, path):
        return np.array(Image.open(io.BytesIO(self.fetch(f"{path}?token={self.token}")[1])))

    def look(self, question):
        return [self.picture(path) for path in question["candidates"]]

    def answer(self, number, choice, milliseconds=700):
        said = {"token": self.token, "number": number, "choice": choice, "milliseconds": milliseconds}
        return self.ask("/answer", said)


@contextmanager
def served(study, folders, path):
    answers = Answers(path, study)
    server = WebServer("127.0.0.1", 0, study_application(Asking(study, folders, answers)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Page(server.url)
    finally:
        server.shutdown()
        thread.join()
        answers.close()


def status_of(call, *arguments):
    with pytest.raises(urllib.error.HTTPError) as caught:
        call(*arguments)
    return caught.value.code


def test_a_person_who_sees_the_truth_is_written_down_as_right(folders, tmp_path):
    study, real = a_study(), {}
    for name in folders.names:
        real[name] = np.array(Image.open(folders.files[REAL][name])).tobytes()
    with served(study, folders, tmp_path / "a.db") as page:
        question = page.begin()
        while not question["done"]:
            (picture,) = page.look(question)
            question = page.answer(question["number"], 0 if picture.tobytes() in real.values() else 1)
    begun, answers = read_answers(tmp_path / "a.db")
    assert begun == 1 and read_study(tmp_path / "a.db") == study
    assert [(a.kind, a.name, a.candidates) for a in answers] == [
        (q.kind, q.name, q.candidates) for q in questions(study, 0)
    ]
    for answer in answers:
        (role,) = answer.candidates
        assert answer.answer == ("real" if role == REAL else "generated")
        assert answer.checksums == {role: folders.checksum(role, answer.name)}
        assert (answer.exposures, answer.milliseconds) == (1, 700)


def test_the_best_of_two_is_written_down_by_its_system_wherever_it_stood(folders, tmp_path):
    study = a_study("best")
    ours = {np.array(Image.open(path)).tobytes() for path in folders.files["ours"].values()}
    with served(study, folders, tmp_path / "a.db") as page:
        question = page.begin()
        assert [b["title"] for b in question["beside"]] == ["The person", "The wanted picture"]
        while not question["done"]:
            pictures = [picture.tobytes() for picture in page.look(question)]
            found = [k for k, picture in enumerate(pictures) if picture in ours]
            question = page.answer(question["number"], found[0] if found else 1)
    _, answers = read_answers(tmp_path / "a.db")
    assert all(a.answer == "ours" for a in answers if a.kind == "scored")
    assert {a.answer for a in answers if a.kind == "check"} <= {REAL, SCRAMBLED}
    assert all({"source", "real", "ours", "theirs"} == set(a.checksums) for a in answers if a.kind == "scored")


def test_nothing_that_the_page_gets_tells_names_or_systems(folders, tmp_path):
    study = a_study("best")
    with served(study, folders, tmp_path / "a.db") as page:
        question = page.begin()
        told = json.dumps([question, page.ask("/study")])
        headers, _ = page.fetch(f"{question['candidates'][0]}?token={page.token}")
        for word in ("pair", "ours", "theirs", "real", "scrambled", ".png"):
            assert word not in told and word not in str(headers)
        assert headers["Cache-Control"] == "no-store"


def test_the_page_needs_nothing_from_outside(folders, tmp_path):
    with served(a_study(), folders, tmp_path / "a.db") as page:
        headers, body = page.fetch("/")
        assert b"://" not in body
        assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_after_a_kill_and_a_reload_the_next_question_comes(folders, tmp_path):
    study = a_study()
    with served(study, folders, tmp_path / "a.db") as page:
        first = page.begin()
        page.look(first)
        second = page.answer(0, 1)
    with served(study, folders, tmp_path / "a.db") as after:
        after.token = page.token
        assert after.question() == second and second["number"] == 1
        after.look(second)
        after.look(second)  # a reload shows the picture again, and that is known
        after.answer(1, 0)
        other = Page(after.url)
        assert other.begin()["number"] == 0
    _, answers = read_answers(tmp_path / "a.db")
    assert [a.exposures for a in answers] == [1, 2]


def test_an_answer_sent_twice_counts_once_and_the_first_stands(folders, tmp_path):
    with served(a_study(), folders, tmp_path / "a.db") as page:
        page.look(page.begin())
        assert page.answer(0, 1) == page.answer(0, 0)
    _, answers = read_answers(tmp_path / "a.db")
    assert [a.answer for a in answers] == ["generated"]


def test_nobody_looks_ahead_back_or_elsewhere(folders, tmp_path):
    with served(a_study(), folders, tmp_path / "a.db") as page:
        question = page.begin()
        for path in (
            "/picture/1/candidate/0",
            "/picture/0/candidate/1",
            "/picture/0/beside/0",
            "/etc/passwd",
            "/../real/pair00.png",
        ):
            assert status_of(page.fetch, f"{path}?token={page.token}") == 404
        page.answer(0, 0)
        assert status_of(page.picture, question["candidates"][0]) == 404
        assert status_of(page.fetch, "/question?token=somebody") == 410


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"choice": 2}, 409),
        ({"choice": -1}, 409),
        ({"number": 3}, 409),
        ({"number": -3}, 409),
        ({"number": 10**30}, 400),
        ({"number": 0.0}, 400),
        ({"milliseconds": None}, 400),
        ({"milliseconds": True}, 400),
        ({"token": "\ud800"}, 410),
        ({"token": None}, 410),
        ({"choice": True}, 400),
        ({"choice": "0"}, 400),
        ({"milliseconds": -5}, 400),
        ({"milliseconds": float("nan")}, 400),
        ({"milliseconds": 10**400}, 400),
        ({"token": 7}, 410),
        ({"token": "x" * 5000}, 413),
    ],
)
def test_answers_that_cannot_be_are_refused(folders, tmp_path, changes, status):
    with served(a_study(), folders, tmp_path / "a.db") as page:
        page.begin()
        said = {"token": page.token, "number": 0, "choice": 0, "milliseconds": 1.0} | changes
        assert status_of(page.ask, "/answer", said) == status
        assert status_of(page.ask, "/answer", [1]) == 400
    assert read_answers(tmp_path / "a.db")[1] == []


def test_a_picture_that_goes_away_is_told_to_the_one_who_runs_the_study_only(tmp_path, caplog):
    folders = some_folders(tmp_path)
    with served(a_study(), folders, tmp_path / "a.db") as page:
        question = page.begin()
        for file in [f for own in folders.files.values() for f in own.values()]:
            file.unlink()
        with pytest.raises(urllib.error.HTTPError) as caught:
            page.look(question)
        assert caught.value.code == 500 and b"pair" not in caught.value.read()
    assert "There is no picture" in caplog.text


def test_people_who_come_at_once_get_numbers_of_their_own(folders, tmp_path):
    answers = Answers(tmp_path / "a.db", a_study())
    tokens = []
    threads = [threading.Thread(target=lambda: tokens.append(answers.begin())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers.person(token) for token in tokens) == list(range(8))
    answers.close()


def test_another_study_is_not_mixed_into_a_file(tmp_path):
    Answers(tmp_path / "a.db", a_study()).close()
    Answers(tmp_path / "a.db", a_study()).close()
    with pytest.raises(BadInput, match="other trials, seed;"):
        Answers(tmp_path / "a.db", a_study(trials=4, seed=1))


def test_a_file_that_is_no_study_is_refused_and_left_alone(tmp_path):
    (tmp_path / "text.db").write_text("not a database, but long enough to look at" * 30)
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE study (a)")
    for name in ("text.db", "other.db", "nowhere.db"):
        with pytest.raises(BadInput, match="of a study"):
            read_study(tmp_path / name)
    with pytest.raises(BadInput, match="does not hold"):
        Answers(tmp_path / "other.db", a_study())


def test_a_study_with_poses_shows_them_instead_of_the_target(tmp_path):
    from reposer.study import open_folders
    from reposer.study.design import POSE, SOURCE

    generated = {name: write_folder(tmp_path / name, 12, k) for k, name in enumerate(("ours", "theirs"))}
    folders = open_folders(
        write_folder(tmp_path / "real", 12, 5),
        generated,
        sources=write_folder(tmp_path / "sources", 12, 6),
        poses=write_folder(tmp_path / "poses", 12, 7, size=(30, 20)),
    )
    study = a_study("best", names=folders.names, beside=(SOURCE, POSE))
    with served(study, folders, tmp_path / "a.db") as page:
        beside = page.begin()["beside"]
        assert [b["title"] for b in beside] == ["The person", "The wanted pose"]
        assert page.picture(beside[1]["picture"]).shape == (30, 20, 3)
