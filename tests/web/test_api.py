"""The page's addresses: who is answered, what is refused, and that nobody sees what is another's."""

import asyncio
import errno
import re
import subprocess
from dataclasses import replace
from urllib.parse import quote

import pytest

from reposer.engines.presets import PRESETS
from reposer.web import app as app_module
from reposer.web import visits
from reposer.web.admission import SECURITY
from reposer.web.app import command_of, plain_name
from reposer.web.jobs import Job
from reposer.web.visits import ENDED_JOBS, WARMING, Visits
from tests.web.api import WANTED, a_page, answer, begun, talking


@pytest.fixture(scope="module")
def client():
    with talking(a_page()) as client:
        yield client


@pytest.fixture
def visit(client):
    return begun(client)


def taken(client, visit, content=b"picture", path="photos", **headers):
    return client.post(f"/api/visits/{visit}/{path}", content=content, headers=headers)


def test_the_page_and_its_parts_are_served_with_rules_that_load_nothing_from_elsewhere(client):
    page = client.get("/")
    assert page.status_code == 200 and "Reposer" in page.text
    for name in re.findall(r'(?:src|href)="([^"#:]+)"', page.text):
        part = client.get(f"/{name}")
        assert part.status_code == 200 and part.headers["content-type"].split(";")[0] in app_module.KINDS.values(), name
    for path in ("/", "/api/about", "/style.css", "/nowhere"):
        assert {name: client.get(path).headers[name] for name in SECURITY} == SECURITY
    assert SECURITY["Referrer-Policy"] == "same-origin", (
        "with no-referrer, Firefox says Origin: null when a page is left"
    )
    assert not re.search(
        r"https?://(?!www\.w3\.org)", "".join(client.get(f"/{name}").text for name in app_module.OURS[1:])
    )


def test_the_page_is_told_models_with_licence_and_training_data_and_poses(client):
    about = client.get("/api/about").json()
    assert about["models"]["trueflow"]["licence"] == "Apache-2.0"
    assert (
        "synthetic people" in about["models"]["trueflow"]["trained_on"] and "named" not in about["models"]["trueflow"]
    )
    assert len(about["presets"]["poses"]) == 24 and len(about["samples"]) == 3
    for name in about["samples"]:
        assert client.get(f"/samples/{name}").headers["content-type"] == "image/jpeg"


@pytest.mark.parametrize(
    "method, path, headers, status",
    [
        ("GET", "/", {"Host": "evil.example:8100"}, 403),
        ("GET", "/api/about", {"Host": "localhost:1"}, 403),
        ("GET", "/", {"Origin": "http://evil.example"}, 403),
        ("POST", "/api/visits", {"Origin": "null"}, 403),
        ("POST", "/api/visits", {"Origin": ""}, 403),
        ("PUT", "/api/visits", {}, 405),
        ("HEAD", "/", {}, 405),
        ("GET", "/samples/..%2f..%2fapp.py", {}, 404),
        ("GET", "/page.html", {}, 404),
    ],
)
def test_what_is_not_the_pages_own_is_refused(client, method, path, headers, status):
    assert client.request(method, path, headers=headers).status_code == status


def test_who_changes_something_needs_an_origin(client):
    with pytest.MonkeyPatch.context() as patched:
        patched.delitem(client.headers, "Origin")
        assert client.post("/api/visits").status_code == 403
        assert client.get("/api/about").status_code == 200


def test_with_a_token_only_its_address_leads_to_the_page():
    with talking(a_page(), token="secret") as client:
        assert client.get("/").status_code == 403 and "token" in client.get("/").text
        assert client.get("/api/about").status_code == 403
        assert client.get("/?token=guess").status_code == 403 and client.post("/api/visits").status_code == 403
        shown = client.get("/?token=secret")
        assert shown.status_code == 303 and shown.headers["location"] == "/"
        assert "HttpOnly" in shown.headers["set-cookie"]
        assert "SameSite=lax" in shown.headers["set-cookie"], "a link in a message, too, leads here"
        assert client.get("/").status_code == 200 and client.post("/api/visits").status_code == 201


def test_a_photo_is_stored_looked_at_and_reposed(client, visit):
    photo = taken(client, visit, **{"X-Name": "my photo.jpg"})
    thing = photo.json()["thing"]
    assert answer(client, visit, photo)["result"]["kind"] == "look"
    made = client.post(f"/api/visits/{visit}/photos/{thing}/generate", json=WANTED)
    said = answer(client, visit, made)
    assert said["command"] == (
        "reposer transfer 'my photo.jpg' --source-pose source.json --pose pose.json --provenance --out reposed.png"
    )
    saved = client.get(f"/api/visits/{visit}/files/{thing}/photo")
    assert saved.content == b"picture" and "my%20photo.jpg" in saved.headers["content-disposition"]
    pose = client.get(f"/api/visits/{visit}/files/{made.json()['thing']}/pose.json")
    assert pose.json() == WANTED["pose"]


def test_nobody_sees_what_is_anothers(client, visit):
    thing = taken(client, visit).json()["thing"]
    other = begun(client)
    own = f"files/{thing}/photo"
    assert client.get(f"/api/visits/{visit}/{own}").status_code == 200
    assert client.get(f"/api/visits/{other}/{own}").status_code == 404
    assert client.get(f"/api/visits/guess/{own}").status_code == 410
    assert client.post(f"/api/visits/{other}/photos/{thing}/generate", json=WANTED).status_code == 404
    assert visit not in client.get("/api/about").text


@pytest.mark.parametrize(
    "name", ["..%2f..%2fphoto", "..", "%2fetc%2fpasswd", "photo%00", "source.json%2f..", "work.py"]
)
def test_no_name_leads_out_of_the_visitors_folder(client, visit, name):
    thing = taken(client, visit).json()["thing"]
    assert client.get(f"/api/visits/{visit}/files/{thing}/{name}").status_code == 404
    assert client.get(f"/api/visits/{visit}/files/{name}/photo").status_code == 404


def test_a_path_in_a_file_name_is_only_a_name():
    assert plain_name("../../etc/passwd", "photo") == "passwd"
    assert plain_name('C:\\photos\\a"b;$(x).jpg', "photo") == "a_b;$(x).jpg"
    assert plain_name("/", "photo") == "photo" and plain_name("..", "photo") == "photo"
    assert plain_name("-rf", "photo") == "rf"
    assert len(plain_name("a" * 9000, "photo")) <= 120


def test_a_file_that_is_too_large_or_empty_is_refused_and_leaves_nothing(client, visit, monkeypatch):
    monkeypatch.setattr(app_module, "MOST_PHOTO_BYTES", 1000)
    monkeypatch.setattr("reposer.web.app.MOST_CLIP_BYTES", 1000)
    for path in ("photos", "clips", "others"):
        large, empty = taken(client, visit, b"a" * 1001, path), taken(client, visit, b"", path)
        assert large.status_code == 413 and "larger than" in large.json()["error"]
        assert empty.status_code == 400 and "empty" in empty.json()["error"]

    parts = (b"a" * 500 for _ in range(9))  # no length is declared
    assert client.post(f"/api/visits/{visit}/photos", content=parts).status_code == 413


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{",
        b"[" * 9999,
        b'{"source": 1}',
        b'{"source": {}, "pose": {}, "model": ["trueflow"], "background": "keep", "canvas": "keep"}',
        b'{"source": {}, "pose": {}, "model": "/etc/passwd", "background": "keep", "canvas": "keep"}',
        b'{"source": {}, "pose": {}, "model": "trueflow", "background": "red", "canvas": "keep"}',
        b'{"source": {}, "pose": {}, "model": "trueflow", "background": "keep", "canvas": "keep", "other_side": []}',
        b'{"source": {}, "pose": [], "model": "trueflow", "background": "keep", "canvas": "keep"}',
        b'{"source": {}, "pose": {}, "model": "trueflow", "background": "keep", "canvas": "keep", "quality": "x"}',
        b'{"source": {}, "pose": {}, "model": "trueflow", "background": "keep", "canvas": "keep", "quality": ["fast"]}',
        b'{"source": {}, "pose": {}, "model": "gfla-synthetic", "background": "keep", "canvas": "keep", '
        b'"quality": "best"}',
    ],
)
def test_what_is_no_request_is_refused_in_words(client, visit, body):
    thing = taken(client, visit).json()["thing"]
    said = client.post(f"/api/visits/{visit}/photos/{thing}/generate", content=body)
    assert said.status_code == 400 and "/" not in said.json()["error"]


def test_the_same_for_people_poses_and_clips(client, visit):
    thing = taken(client, visit).json()["thing"]
    for path, body in (
        ("person", {"box": [1, 2, 3]}),
        ("person", {"box": [1, 2, 3, "4"]}),
        ("person", {"box": [1, 2, 3, True]}),
        ("person", {"box": [1, 2, 3, 10**400]}),
        ("fit", {"source": {}}),
        ("fit", {"source": {}, "preset": "no-such-pose"}),
        ("fit", {"source": {}, "other": "photo99"}),
        ("animate", {"clip": thing, "model": "trueflow", "source": {}, "fps": 1e9}),
        ("animate", {"clip": thing, "model": "trueflow", "source": {}, "fps": 10**400}),
        ("animate", {"clip": thing, "model": "trueflow", "source": {}}),
        ("animate", {"model": "trueflow"}),
    ):
        said = client.post(f"/api/visits/{visit}/photos/{thing}/{path}", json=body)
        assert said.status_code in (400, 404), (path, body, said.status_code)


def test_who_leaves_takes_everything_along_and_an_hour_counts_as_leaving():
    now = [0.0]
    page = a_page(visits=Visits(clock=lambda: now[0]))
    with talking(page) as client:
        visit = begun(client)
        taken(client, visit)
        assert len(list(page.visits.root.rglob("photo"))) == 1
        assert client.post(f"/api/visits/{visit}/leave").status_code == 204
        assert list(page.visits.root.iterdir()) == []
        late = begun(client)
        taken(client, late)
        now[0] = visits.VISIT_SECONDS - 1
        assert client.get(f"/api/visits/{late}/jobs/none").status_code == 404, "still here; this counts as a request"
        now[0] += visits.VISIT_SECONDS + 1
        gone = client.get(f"/api/visits/{late}/jobs/none")
        assert gone.status_code == 410 and "deleted" in gone.json()["error"]
        assert list(page.visits.root.iterdir()) == []
    assert not page.visits.root.exists(), "the server deletes its folder when it ends"


def test_there_is_an_end_to_visitors_things_and_waiting_jobs(monkeypatch):
    monkeypatch.setattr(visits, "MOST_VISITS", 2)
    monkeypatch.setattr(visits, "MOST_THINGS", 1)
    monkeypatch.setattr("reposer.web.jobs.MOST_OF_ONE", 0)
    page = a_page()
    with talking(page) as client:
        visit = begun(client)
        begun(client)
        full = client.post("/api/visits")
        assert full.status_code == 503 and "Too many people" in full.json()["error"]
        assert taken(client, visit).status_code == 503
        assert not list(page.visits.root.rglob("photo")), "what no job looks at is not kept"
        assert taken(client, visit).status_code == 507


def test_a_job_is_cancelled_by_its_owner_alone(client, visit):
    job = taken(client, visit).json()["job"]
    assert client.delete(f"/api/visits/{begun(client)}/jobs/{job}").status_code == 404
    assert client.delete(f"/api/visits/{visit}/jobs/{job}").status_code == 204


def test_twenty_visitors_are_served_in_order_and_each_gets_their_own():
    with talking(a_page()) as client:
        everybody = [begun(client) for _ in range(20)]
        sent = [taken(client, visit, f"photo of {k}".encode()) for k, visit in enumerate(everybody)]
        said = [answer(client, visit, one) for visit, one in zip(everybody, sent, strict=True)]
        assert [one["state"] for one in said] == ["done"] * 20
        numbers = [one.json()["job"] for one in sent]
        assert numbers == [f"look-{k}" for k in range(20)]
        for k, (visit, one) in enumerate(zip(everybody, sent, strict=True)):
            own = client.get(f"/api/visits/{visit}/files/{one.json()['thing']}/photo").content
            assert own == f"photo of {k}".encode()


def test_the_shown_command_has_the_options_that_were_chosen(client, visit):
    thing = taken(client, visit).json()["thing"]
    chosen = {"background": "white", "canvas": "grow", "other_side": "plain"}
    for wanted, options in ((WANTED, ""), (WANTED | chosen, " --background white --canvas grow --other-side plain")):
        said = answer(client, visit, client.post(f"/api/visits/{visit}/photos/{thing}/generate", json=wanted))
        assert said["command"].endswith(f"--pose pose.json{options} --provenance --out reposed.png")


@pytest.mark.parametrize("name", ["photo (1).jpg", "café.jpg", "IMG,2.jpg", "it's $(mine) & `yours`.png", "写真.jpg"])
def test_the_shown_command_names_the_file_as_its_sender_does(client, visit, name):
    photo = taken(client, visit, **{"X-Name": quote(name)})
    thing = photo.json()["thing"]
    said = answer(client, visit, client.post(f"/api/visits/{visit}/photos/{thing}/generate", json=WANTED))
    arguments = subprocess.run(
        ["sh", "-c", said["command"].replace("reposer transfer", "printf '%s\\n'")], capture_output=True, text=True
    )
    assert arguments.stdout.splitlines()[0] == name
    saved = client.get(f"/api/visits/{visit}/files/{thing}/photo")
    assert quote(name) in saved.headers["content-disposition"]


def test_the_command_of_a_clip_names_the_clip_the_exact_rate_and_the_device_and_to_others_no_folder():
    page = a_page()
    try:
        own = replace(page.models["trueflow"], named="/home/someone/models/mine.safetensors")
        page = replace(page, models={**page.models, "mine": own}, device="cuda:1")
        visit = page.visits.begin()
        visit.titles |= {"clip1": "my dance.mov", "result2": "me.jpg"}
        about = {"thing": "result2", "clip": str(visit.folder / "clip1" / "clip"), "fps": 23.9760239, "model": "mine"}
        said = command_of(page, visit, Job(visit.name, "animate", about, 1.0))
        assert "--driving 'my dance.mov' " in said and "--fps 23.9760239 " in said and "--device 'cuda:1'" in said
        assert f"--model {own.named} " in said
        away = command_of(replace(page, on_loopback=False), visit, Job(visit.name, "animate", about, 1.0))
        assert "--model mine.safetensors " in away and "/home" not in away
    finally:
        page.close()


def test_a_quality_is_the_preset_of_the_command(client, visit):
    thing = taken(client, visit).json()["thing"]
    for quality, option in ((None, ""), *((name, f" --preset {name}") for name in PRESETS)):
        made = client.post(f"/api/visits/{visit}/photos/{thing}/generate", json={**WANTED, "quality": quality})
        assert f" --pose pose.json{option} --provenance" in answer(client, visit, made)["command"]
    page = client.get("/").text
    assert re.findall(r'value="(\w+)"', page.split('id="quality"')[1].split("</select>")[0]) == list(PRESETS)


def test_the_pose_of_another_photo_is_no_dead_end(client, visit):
    thing = taken(client, visit, path="others").json()["thing"]
    made = client.post(f"/api/visits/{visit}/photos/{thing}/generate", json=WANTED)
    assert answer(client, visit, made)["state"] == "done"


def test_the_jobs_of_who_is_away_too_long_are_ended_whoever_notices():
    now = [0.0]
    page = a_page(visits=Visits(clock=lambda: now[0]))
    with talking(page) as client:
        visit = page.visits.find(begun(client))
        job = page.pictures.submit(Job(visit.name, "generate", {"sleep": 60}, 90.0))
        visit.remember(job)
        now[0] += visits.VISIT_SECONDS + 1
        begun(client)
        assert job.stop.is_set() and visit.left


def test_folders_that_no_visitor_owns_are_swept_away():
    page = a_page()
    with talking(page) as client:
        own = page.visits.find(begun(client)).folder
        (page.visits.root / "left" / "result0").mkdir(parents=True)
        warming = page.visits.root / f"{WARMING}1"
        warming.mkdir()
        page.visits.sweep()
        assert set(page.visits.root.iterdir()) == {own, warming}


def test_who_leaves_while_a_file_is_sent_gets_no_job(monkeypatch):
    page = a_page()
    with talking(page) as client:
        visit = begun(client)
        kept = app_module.save

        async def leaving(request, path, most):
            count = await kept(request, path, most)
            page.visits.leave(visit)
            return count

        monkeypatch.setattr(app_module, "save", leaving)
        assert taken(client, visit).status_code == 410
        assert list(page.visits.root.iterdir()) == []


def test_files_that_are_being_sent_count_as_stored(monkeypatch):
    monkeypatch.setattr(visits, "MOST_BYTES", 1500)
    page = a_page()
    with talking(page) as client:
        visit, rooms = begun(client), []
        kept = app_module.save

        async def noticing(request, path, most):
            rooms.append(page.visits.find(visit).has_room(600))
            return await kept(request, path, most)

        monkeypatch.setattr(app_module, "save", noticing)
        assert page.visits.find(visit).has_room(600)
        assert taken(client, visit, b"a" * 1000).status_code == 202 and rooms == [False]
        assert page.visits.find(visit).arriving == 0 and page.visits.find(visit).has_room(400)
        assert taken(client, visit, b"a" * 1000).status_code == 507


def test_only_the_last_ended_jobs_of_a_visitor_are_remembered():
    everybody = Visits()
    visit = everybody.begin()
    for k in range(ENDED_JOBS + 5):
        visit.remember(Job(visit.name, "look", {}, 1.0, number=f"look-{k}", state="waiting" if k == 0 else "done"))
    assert list(visit.jobs) == ["look-0", *(f"look-{k}" for k in range(5, ENDED_JOBS + 5))]
    everybody.close()


@pytest.mark.parametrize(("number", "status"), [(errno.ENOSPC, 507), (errno.EIO, 500)])
def test_a_full_disk_is_told_and_other_errors_are_printed_for_whoever_runs_the_server(
    client, visit, monkeypatch, caplog, number, status
):
    async def failing(request, path, most):
        await asyncio.sleep(0)
        raise OSError(number, "cannot", str(path))

    monkeypatch.setattr(app_module, "save", failing)
    said = taken(client, visit)
    assert said.status_code == status and "/" not in said.json()["error"]
    assert ("Traceback" in caplog.text) == (status == 500)
