"""Files appear whole or not at all; a folder has one user at a time, and a dead one holds nothing."""

import os
import signal
import stat
import subprocess
import sys

import pytest

from reposer.core import BadInput
from reposer.core.disk import only_user, whole_file

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
