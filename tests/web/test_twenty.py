"""Twenty visitors at once with the shipped networks: served in order, each their own picture, and memory has an end."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.first_picture import resident
from reposer.web.work import work
from tests.web.api import a_page, answer, begun, talking

pytestmark = pytest.mark.nightly

SAMPLE = Path(__file__).parents[2] / "src" / "reposer" / "web" / "samples" / "green-shirt.jpg"
MOST_MEGABYTES = 1500
"""Of the process that generates, for photos of 768x1024."""


def photo_of(number):
    """The sample, with a square of a colour of its own in the corner, where no picture changes."""
    picture = np.array(Image.open(SAMPLE))
    picture[:40, :40] = (12 * number, 255 - 12 * number, 90)
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG")
    return out.getvalue()


def test_twenty_visitors_at_once_get_their_own_pictures_in_order():
    page = a_page(work)
    with talking(page) as client:
        visits = [begun(client) for _ in range(20)]
        looked = [client.post(f"/api/visits/{v}/photos", content=photo_of(k)) for k, v in enumerate(visits)]
        made = []
        for visit, sent in zip(visits, looked, strict=True):
            pose = answer(client, visit, sent, 600)["result"]["pose"]
            raised = json.loads(json.dumps(pose))
            raised["joints"]["left_wrist"][1] -= 200
            wanted = {"source": pose, "pose": raised, "model": "trueflow", "background": "keep", "canvas": "keep"}
            made.append(client.post(f"/api/visits/{visit}/photos/{sent.json()['thing']}/generate", json=wanted))
        peaks = []
        for number, (visit, sent) in enumerate(zip(visits, made, strict=True)):
            assert answer(client, visit, sent, 600)["state"] == "done"
            peaks.append(resident(page))
            content = client.get(f"/api/visits/{visit}/files/{sent.json()['thing']}/reposed.png").content
            corner = np.array(Image.open(io.BytesIO(content)))[20, 20]
            assert corner.tolist() == [12 * number, 255 - 12 * number, 90]
        ends = [page.visits.find(v).jobs[s.json()["job"]].ended for v, s in zip(visits, made, strict=True)]
        assert ends == sorted(ends)
    assert 0 < max(peaks) < MOST_MEGABYTES and max(peaks) < 1.3 * min(peaks), peaks
