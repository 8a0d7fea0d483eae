"""The page's application for tests: with a queue of no networks, or with the shipped ones."""

import time
from contextlib import contextmanager

from starlette.testclient import TestClient

from reposer.web.admission import Admission, Hosts
from reposer.web.app import Page, application
from reposer.web.jobs import Lane
from reposer.web.models import CARDS, Model
from reposer.web.visits import Visits
from tests.web.fake_work import work

ORIGIN = {"Origin": "http://localhost:8100"}
POSE = {"skeleton": "openpose18", "size": [90, 60], "joints": {}}
WANTED = {"source": POSE, "pose": POSE, "model": "trueflow", "background": "keep", "canvas": "keep"}


def a_page(target=work, *, visits=None, options=None, models=None):
    models = models or {name: Model(name, "family", (256, 192), 13.0, 1, *card) for name, card in CARDS.items()}
    named = {name: model.named for name, model in models.items()}
    options = {"models": named, "threads": 1, "device": "cpu", "warm": False, **(options or {})}
    return Page(
        Visits() if visits is None else visits,
        Lane(target, options, eager=False),
        Lane(target, options, eager=False),
        models,
    )


@contextmanager
def talking(page, *, token=None):
    """A client that is admitted; the page is closed at the end."""
    app = Admission(application(page), Hosts("127.0.0.1", 8100), token)
    with TestClient(app, base_url="http://localhost:8100", headers=ORIGIN, follow_redirects=False) as client:
        yield client


def begun(client):
    return client.post("/api/visits").json()["visit"]


def answer(client, visit, submitted, seconds=60):
    """What became of a job."""
    assert submitted.status_code == 202, submitted.text
    end = time.monotonic() + seconds
    while (said := client.get(f"/api/visits/{visit}/jobs/{submitted.json()['job']}").json())["state"] in (
        "waiting",
        "running",
    ):
        assert time.monotonic() < end, said
        time.sleep(0.02)
    return said
