"""A folder of synthetic people has one writer; what lies where its draft would is nobody's to remove."""

import os
import signal
import time
from functools import partial

import pytest

from reposer.core import BadInput
from reposer.core.disk import LOCK, only_user
from reposer.synthetic.people import drafts, write, write_people
from tests.forked import started
from tests.synthetic.people.test_files import FEW, contents


@pytest.mark.slow
def test_a_second_writer_of_the_same_people_is_refused_and_the_first_one_finishes(tmp_path):
    root, draft = tmp_path / "people", tmp_path / ".people-draft"
    first = started(partial(write_people, root, **FEW, workers=1))
    while not draft.exists() or len(list(draft.iterdir())) < 2:  # the file of the lock comes before the lock is taken
        assert first.is_alive()
        time.sleep(0.001)
    os.kill(first.pid, signal.SIGSTOP)  # so that it is still writing, however fast it is
    try:
        with pytest.raises(BadInput, match=r"is in use: another process writes people there"):
            write_people(root, **FEW, workers=1)
        assert (draft / LOCK).exists()
    finally:
        os.kill(first.pid, signal.SIGCONT)
    first.join()
    assert first.exitcode == 0
    write_people(tmp_path / "again", **FEW, workers=1)
    assert contents(root) == contents(tmp_path / "again") and not draft.exists()
    assert not (root / LOCK).exists()


@pytest.mark.slow
def test_who_takes_the_lock_after_the_folder_was_finished_is_refused_and_removes_nothing(tmp_path, monkeypatch):
    root = tmp_path / "people"
    began = drafts.only_user

    def overtaken(draft, what):
        monkeypatch.setattr(drafts, "only_user", began)
        draft.rmdir()
        write_people(root, **FEW, workers=1)
        draft.mkdir()
        return began(draft, what)

    monkeypatch.setattr(drafts, "only_user", overtaken)
    with pytest.raises(BadInput, match="another process has just written it"):
        write_people(root, **FEW, workers=1)
    assert (root / "about.json").exists() and not (tmp_path / ".people-draft").exists()


def test_a_users_folder_where_the_draft_would_lie_is_left_as_it_is(tmp_path):
    draft = tmp_path / ".people-draft"
    draft.mkdir()
    (draft / "thesis.tex").write_text("mine")
    with pytest.raises(BadInput, match=r"holds files \(thesis.tex\) that no call of this kind began"):
        write_people(tmp_path / "people", **FEW, workers=1)
    assert [path.name for path in draft.iterdir() if path.name != LOCK] == ["thesis.tex"]


@pytest.mark.slow
def test_a_kill_between_the_last_piece_and_the_folders_name_costs_nothing(tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    def killed(path, target):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("pathlib.Path.rename", killed)
        with pytest.raises(Killed):
            write_people(tmp_path / "people", **FEW, workers=1)
    monkeypatch.setattr(write._Plan, "render", lambda plan, number: 1 / 0)
    assert (write_people(tmp_path / "people", **FEW, workers=1) / "about.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["[]", "{", ""])
def test_a_piece_whose_record_was_damaged_is_written_again(tmp_path, monkeypatch, damage):
    real = write._Plan.render
    with monkeypatch.context() as patched:
        patched.setattr(write._Plan, "render", lambda plan, number: real(plan, number) if number < 2 else 1 / 0)
        with pytest.raises(ZeroDivisionError):
            write_people(tmp_path / "people", **FEW, workers=1)
    record = next((tmp_path / ".people-draft" / ".finished").iterdir())
    record.write_text(damage)
    assert (write_people(tmp_path / "people", **FEW, workers=1) / "about.json").exists()


def test_a_draft_that_cannot_be_made_is_refused_in_words(tmp_path):
    (tmp_path / "file").write_text("a file")
    with pytest.raises(BadInput, match="cannot be made"):
        write_people(tmp_path / "file" / "people", **FEW, workers=1)


def test_a_lock_whose_file_was_removed_locks_nobody_out(tmp_path):
    first = only_user(tmp_path, "writes")
    (tmp_path / LOCK).unlink()
    first.release()
    only_user(tmp_path, "writes").release()
