"""The queue: one after the other, within their time, ended at once, and never lost."""

import os
import sys
import tempfile
import time

import pytest

from reposer.web import jobs
from reposer.web.jobs import Full, Job, Lane
from tests.web.fake_work import work


@pytest.fixture(scope="module")
def lane():
    lane = Lane(work, {}, eager=True)
    yield lane
    lane.close()


def put(lane, owner="a", *, seconds=20.0, **about):
    return lane.submit(Job(owner, "kind", about, seconds))


def ended(job, seconds=30):
    end = time.monotonic() + seconds
    while job.state in ("waiting", "running"):
        assert time.monotonic() < end, job.state
        time.sleep(0.01)
    return job


def test_jobs_are_done_in_the_order_in_which_they_came(lane):
    put(lane, sleep=0.2)
    several = [put(lane, owner) for owner in "abc"]
    assert [lane.before(job) for job in several] in ([1, 2, 3], [0, 1, 2])
    assert [ended(job).state for job in several] == ["done"] * 3
    assert [job.ended for job in several] == sorted(job.ended for job in several)
    assert lane.expected["kind"] >= 0 and lane.left(several[0]) is not None


def test_a_job_that_waits_or_runs_is_cancelled_at_once_and_the_next_is_done(lane):
    running, waiting, after = put(lane, sleep=60), put(lane), put(lane)
    while running.progress != {"done": 1, "of": 2}:
        time.sleep(0.01)
    lane.cancel(waiting)
    assert waiting.state == "cancelled"
    lane.cancel(running)
    assert ended(running, 5).state == "cancelled" and ended(after).state == "done"


def test_a_clips_time_is_known_by_its_frames_and_not_before(lane):
    first = put(lane, sleep=0.3)
    clip = lane.submit(Job("a", "animate", {}, 20.0))
    assert lane.left(clip) is None
    assert ended(clip).state == "done" and lane.expected["frame"] > 0 and ended(first).state == "done"


def test_a_job_that_takes_too_long_fails_in_a_sentence(lane):
    late = put(lane, sleep=60, seconds=0.1)
    assert ended(late).state == "failed" and "longer than" in late.error
    assert ended(put(lane)).state == "done"


def test_a_process_that_dies_fails_its_job_and_the_next_one_is_done_by_another(lane):
    first, dies, after = put(lane), put(lane, die=True), put(lane)
    assert ended(dies).state == "failed" and "broke off" in dies.error
    assert ended(after).result["pid"] != first.result["pid"]
    if sys.platform == "linux":  # a copy of what has imported everything, not of this process
        assert after.result["parent"] == first.result["parent"] != os.getpid()


def test_what_a_process_refuses_is_said(lane):
    assert ended(put(lane, fail="no such person")).error == "no such person"


def test_the_queue_is_bounded_for_all_and_for_one(lane, monkeypatch):
    monkeypatch.setattr(jobs, "MOST_WAITING", 3)
    monkeypatch.setattr(jobs, "MOST_OF_ONE", 2)
    running = put(lane, sleep=60)
    while running.state == "waiting":
        time.sleep(0.01)
    waiting = [put(lane, "a"), put(lane, "a")]
    with pytest.raises(Full):
        put(lane, "a")
    waiting.append(put(lane, "b"))
    with pytest.raises(Full):
        put(lane, "c")
    for job in (*waiting, running):
        lane.cancel(job)
    ended(running)


def test_a_process_that_cannot_start_fails_its_job_and_the_next_one_is_done(monkeypatch):
    start, failures = Lane._start, [OSError("too many open files")]

    def failing(lane, job=None):
        if failures and job is not None:
            raise failures.pop()
        return start(lane, job)

    monkeypatch.setattr(Lane, "_start", failing)
    lane = Lane(work, {}, eager=False)
    try:
        failed = ended(put(lane))
        assert failed.state == "failed" and "broke off" in failed.error
        assert ended(put(lane)).state == "done"
    finally:
        lane.close()


def test_what_the_first_process_measured_is_kept_and_not_measured_again_after_a_cancelled_job():
    lane = Lane(work, {"warm": True}, eager=True)
    try:
        first = put(lane, sleep=60)
        assert lane.left(first) is None, "the process still starts"
        while first.progress != {"done": 1, "of": 2}:
            time.sleep(0.01)
        assert lane.ready["device"] == "warmed" and 40 < lane.left(first) < 50
        lane.expected["kind"] = 1e-9
        assert lane.left(first) is None, "it takes longer than usual"
        lane.cancel(first)
        assert ended(put(lane)).state == "done"
        assert lane.ready["device"] == "none" and "kind" in lane.ready["expected"]
    finally:
        lane.close()


def test_where_the_temporary_folder_has_a_long_name_processes_begin_anew(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / ("x" * 90)))
    assert jobs._context(work).get_start_method() == "spawn"
