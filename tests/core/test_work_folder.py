"""Folders of unfinished work are known by a marker; what is not ours is neither removed nor written over."""

import pytest

from reposer.core import BadInput
from reposer.core.work_folder import MARKER, WorkFolder


def open_work(path, about=None):
    return WorkFolder(path, "works", ("state", "*.png"), about)


def test_a_folder_without_the_marker_is_refused_and_left_as_it_was(tmp_path):
    (tmp_path / "w").mkdir()
    (tmp_path / "w/state").write_text("mine")
    with pytest.raises(BadInput, match="not a work folder of Reposer"):
        open_work(tmp_path / "w")
    assert [path.name for path in (tmp_path / "w").iterdir()] == ["state"]
    assert (tmp_path / "w/state").read_text() == "mine"


def test_a_file_or_a_link_of_that_name_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "photos").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "photos")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    for name in ("file", "link", "nowhere"):
        with pytest.raises(BadInput, match="is in the way"):
            open_work(tmp_path / name)
    assert list((tmp_path / "photos").iterdir()) == [] and (tmp_path / "file").read_text() == "mine"


def test_our_files_go_and_with_them_the_folder(tmp_path):
    work = open_work(tmp_path / "deep/w")
    for name in ("state", "a.png", ".a.png.x1y2z3.tmp"):
        (work.path / name).write_text("ours")
    work.clear()
    assert MARKER in {path.name for path in work.path.iterdir()} and not work.files()
    work.remove()
    assert not (tmp_path / "deep/w").exists()


def test_what_a_user_puts_into_our_folder_stays(tmp_path):
    work = open_work(tmp_path / "w")
    (work.path / "state").write_text("ours")
    (work.path / "letter.txt").write_text("mine")
    (work.path / "sub.png").mkdir()
    (tmp_path / "elsewhere.png").write_text("mine")
    (work.path / "link.png").symlink_to(tmp_path / "elsewhere.png")
    work.remove()
    assert {path.name for path in work.path.iterdir()} == {"letter.txt", "sub.png", "link.png"}
    assert (tmp_path / "elsewhere.png").read_text() == "mine"
    with pytest.raises(BadInput, match="not a work folder"):
        open_work(tmp_path / "w")


def test_what_was_left_is_taken_up_for_the_same_work_only(tmp_path):
    first = open_work(tmp_path / "w", {"weights": "a", "pairs": [1, 2]})
    (first.path / "state").write_text("ours")
    first.release()
    again = open_work(tmp_path / "w", {"weights": "a", "pairs": [1, 2]})
    assert [path.name for path in again.files()] == ["state"]
    again.release()
    with pytest.raises(BadInput, match="damaged, or of other work"):
        open_work(tmp_path / "w", {"weights": "b", "pairs": [1, 2]})
    (tmp_path / "w" / MARKER).write_text("{")
    with pytest.raises(BadInput, match="damaged, or of other work"):
        open_work(tmp_path / "w", {"weights": "a", "pairs": [1, 2]})


def test_one_process_at_a_time_works_in_it(tmp_path):
    work = open_work(tmp_path / "w")
    with pytest.raises(BadInput, match="is in use: another process works there"):
        open_work(tmp_path / "w")
    work.release()
    open_work(tmp_path / "w").remove()


def test_a_folder_that_a_kill_left_empty_is_taken(tmp_path):
    (tmp_path / "w").mkdir()
    (tmp_path / "w/.lock").touch()
    open_work(tmp_path / "w").remove()
    assert not (tmp_path / "w").exists()
