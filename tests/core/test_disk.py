"""Files appear whole or not at all; a folder has one user at a time, and a dead one holds nothing."""

import os
import signal
import stat
import subprocess
import sys

import pytest

import reposer.core.disk
from reposer.core import BadInput
from reposer.core.disk import checked_files, only_user, whole_file

HOLDS = """
import sys, time
from pathlib import Path
from reposer.core.disk import only_user
lock = only_user(Path(sys.argv[1]), "sleeps")
print("held", flush=True)
time.sleep(600)
"""


def test_a_file_takes_its_name_when_it_is_whole(tmp_path):
    path = tmp_path / "folder" / "file"
    with whole_file(path) as file:
        file.write(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    assert [p.name for p in path.parent.iterdir()] == ["file"]
    (tmp_path / "plain").write_bytes(b"")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_what_fails_while_it_is_written_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(OSError, match="disk full"), whole_file(path) as file:
        file.write(b"half")
        raise OSError("disk full")
    assert path.read_bytes() == b"old" and [p.name for p in tmp_path.iterdir()] == ["file"]


def test_files_that_are_checked_take_their_names_together_and_only_if_they_pass(tmp_path, monkeypatch):
    first, second = tmp_path / "a.bin", tmp_path / "a.xml"
    first.write_bytes(b"old")
    with pytest.raises(BadInput, match="differs"), checked_files({first: b"new", second: b"newer"}) as drafts:
        assert [draft.name for draft in drafts] == ["a.bin", "a.xml"] and drafts[1].read_bytes() == b"newer"
        raise BadInput("differs")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a.bin", b"old")]
    left = tmp_path / ".a.bin.abcdefgh.reposer.tmp"  # of a process that was killed while it checked
    left.mkdir()
    os.utime(left, (0, 0))
    monkeypatch.setattr(reposer.core.disk, "_swept", set())
    with checked_files({first: b"new", second: b"newer"}) as drafts:
        assert first.read_bytes() == b"old" and not second.exists() and drafts[0].parent.parent == tmp_path
    assert sorted((p.name, p.read_bytes()) for p in tmp_path.iterdir()) == [("a.bin", b"new"), ("a.xml", b"newer")]


def test_a_folder_has_one_user_and_a_killed_one_lets_go(tmp_path):
    other = subprocess.Popen([sys.executable, "-c", HOLDS, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(BadInput, match="in use: another process reads there"):
            only_user(tmp_path, "reads")
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
        lock = only_user(tmp_path, "reads")
        with pytest.raises(BadInput, match="in use"):
            only_user(tmp_path, "reads")
        lock.release()
        only_user(tmp_path, "reads").release()
    finally:
        other.kill()


ABANDONS = """
import os, sys, time
from pathlib import Path
from reposer.core.disk import whole_file
with whole_file(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    print("half", flush=True)
    time.sleep(600)
"""


def test_what_a_killed_process_left_of_a_file_goes_when_the_next_one_writes_there(tmp_path, monkeypatch):
    monkeypatch.setattr(reposer.core.disk, "_YOUNG", -1.0)
    for name in (".notes.tmp", ".a.png.abcd1234.tmp", "a.png.abcd1234.reposer.tmp", ".a.reposer.tmp"):
        (tmp_path / name).write_bytes(b"somebody's own")
    own = sorted(tmp_path.iterdir())
    killed, alive = (
        subprocess.Popen([sys.executable, "-c", ABANDONS, str(tmp_path / name)], stdout=subprocess.PIPE, text=True)
        for name in ("a.png", "b.png")
    )
    try:
        assert killed.stdout.readline() == alive.stdout.readline() == "half\n"
        killed.kill()
        killed.wait()
        with whole_file(tmp_path / "c.png") as file:
            file.write(b"whole")
        left = sorted(set(tmp_path.iterdir()) - set(own) - {tmp_path / "c.png"})
        assert [path.name.split(".")[1] for path in left] == ["b"], "one that still writes keeps its draft"
    finally:
        alive.kill()
        alive.wait()
    assert all(path.read_bytes() == b"somebody's own" for path in own)


def test_a_young_draft_is_left_alone(tmp_path):
    (tmp_path / ".a.png.abcd1234.reposer.tmp").write_bytes(b"")
    with whole_file(tmp_path / "b.png"):
        pass
    assert (tmp_path / ".a.png.abcd1234.reposer.tmp").exists()
