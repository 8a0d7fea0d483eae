"""A ready process does a call as the call does itself; whatever is wrong with it, the call does it alone."""

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from importlib.resources import files

import psutil
import pytest
from PIL import Image

from reposer.cli import main
from reposer.cli.ready import client, place
from reposer.cli.ready.option import minutes_asked, refuse_elsewhere, with_minutes
from reposer.core import BadInput

SAMPLES = files("reposer.web").joinpath("samples")
PHOTO, POSE = (str(SAMPLES.joinpath(name)) for name in ("orange-shirt.jpg", "green-shirt.jpg"))
COMMAND = "import sys; sys.argv[0] = 'reposer'; from reposer.cli import entry; entry()"
"""As the console script; `python -m` would look for modules in the folder that it is called in."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a process is kept ready on Linux only")


@pytest.mark.parametrize(
    "given, read",
    [
        (["a.jpg", "--ready"], ["a.jpg", "--ready", "10"]),
        (["--ready", "a.jpg"], ["--ready", "10", "a.jpg"]),
        (["--ready", "2.5", "a.jpg"], ["--ready", "2.5", "a.jpg"]),
        (["--ready=3", "a.jpg"], ["--ready=3", "a.jpg"]),
        (["--ready", "--explain"], ["--ready", "10", "--explain"]),
    ],
)
def test_minutes_may_follow_the_option_and_are_ten_otherwise(given, read):
    assert with_minutes(given) == read


def test_the_option_goes_before_the_variable_and_nought_is_no_process(monkeypatch):
    monkeypatch.delenv("REPOSER_READY", raising=False)
    assert minutes_asked(None) is None and minutes_asked(0) is None and minutes_asked(5) == 5
    monkeypatch.setenv("REPOSER_READY", "7")
    assert minutes_asked(None) == 7 and minutes_asked(5) == 5 and minutes_asked(0) is None
    for wrong in ("soon", "-1", "nan", "1e9"):
        monkeypatch.setenv("REPOSER_READY", wrong)
        with pytest.raises(BadInput, match="REPOSER_READY is "):
            minutes_asked(None)


def test_other_systems_get_a_sentence_before_anything_is_done(monkeypatch, capsys):
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(BadInput, match="on Linux only"):
        refuse_elsewhere()
    assert main(["transfer", "missing.jpg", "--pose", "arms-up", "--ready"]) == 2
    assert main(["ready"]) == 2
    assert capsys.readouterr().err.count("on Linux only") == 2


def test_another_setting_of_torch_needs_another_process_and_another_terminal_does_not(monkeypatch):
    def key(**variables):
        monkeypatch.setattr(place, "environment", lambda: {"HOME": "/home/a", **variables})
        return place.key.__wrapped__()

    same = key()
    assert key(COLUMNS="40", TERM="dumb", PWD="/", REPOSER_READY="3") == same
    others = [key(**{name: "2"}) for name in ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "REPOSER_X", "PYTHONPATH")]
    assert len({same, *others}) == 5
    monkeypatch.setattr(place, "PACKAGE", files("reposer.web"))
    assert key() != same


def test_a_folder_that_others_may_read_or_write_is_not_used(tmp_path, monkeypatch):
    tmp_path.chmod(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("REPOSER_CACHE_DIR", str(tmp_path / "cache"))
    assert place.folder() is None and place.folder(make=True) == tmp_path / "reposer"
    assert (tmp_path / "reposer").stat().st_mode & 0o777 == 0o700 and place.folder() == tmp_path / "reposer"
    (tmp_path / "reposer").chmod(0o750)
    assert place.folder() is None
    tmp_path.chmod(0o755)  # as a folder for all users, which is not the session's
    assert place.folder(make=True) == tmp_path / "cache" / "ready"
    (tmp_path / "reposer").rmdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "reposer").symlink_to(tmp_path / "elsewhere")
    tmp_path.chmod(0o700)
    assert place.folder() is None


def test_a_user_without_a_home_has_no_folder_and_that_is_no_error(monkeypatch):
    for name in ("XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "REPOSER_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)

    def homeless(_):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(place.Path, "expanduser", homeless)
    assert place.folder() is None and place.all_files() == []
    assert client.handed_over(["transfer", "photo.jpg"]) is None
    found, said = client.kept_ready(1.0)
    assert found is None and said.startswith("No process is kept ready")


def test_a_process_of_another_container_is_not_taken_for_one_of_here(tmp_path, monkeypatch, capsys):
    tmp_path.chmod(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("REPOSER_CACHE_DIR", str(tmp_path / "cache"))
    held = place.Files(place.folder(make=True), "name")
    lock = held.locked()
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        held.tell(sleeper.pid, "waiting", 0, time.time())
        assert held.held() and held.told()["pid"] == sleeper.pid
        monkeypatch.setattr(place, "here", lambda: "elsewhere")
        assert held.held() and held.told() == {}
        assert main(["ready", "--stop"]) == 0 and sleeper.poll() is None
        sleeper.kill()
    os.close(lock)
    assert not held.held()


def test_how_long_a_process_stays_is_what_was_asked_for_last(tmp_path):
    one = place.Files(tmp_path, "name")
    assert one.seconds() == 600
    one.minutes.write_text("0.5")
    assert one.seconds() == 30


MEETING = """
import os, socket, sys, threading
from reposer.cli.ready import client, place
files = place.Files(place.folder(make=True), place.key())
listening = socket.socket(socket.AF_UNIX)
with place.address(files.socket) as name:
    listening.bind(name)
listening.listen(1)
def other():
    connection, _ = listening.accept()
    head, descriptors, _, _ = socket.recv_fds(connection, 4, 4)
    place.received(connection, *client.NUMBER.unpack(head))
    {other}
    connection.close()
client.PATIENCE = 0.2
{begin}
print(client.handed_over(["transfer", "photo.jpg"]))
"""
ANSWER = "connection.sendall(client.NUMBER.pack(os.getpid())); "
BEGUN = "threading.Thread(target=other, daemon=True).start()"


@pytest.mark.parametrize(
    "other, begin, result",
    [
        ("", "listening.close()", "None"),  # a file is left of a process that was killed
        ("", BEGUN, "None"),  # it ends before it began
        ("", "", "None"),  # it does not answer
        ("", BEGUN + "; place.is_own_user = client.is_own_user = lambda connection: False", "None"),
        (ANSWER + "assert connection.recv(1) == b'!'", BEGUN, "1"),  # it ends after it began
        (ANSWER + "connection.recv(1); connection.sendall(client.NUMBER.pack(7))", BEGUN, "7"),
    ],
)
def test_what_was_not_begun_is_left_to_the_call_and_what_was_begun_has_its_code(other, begin, result, tmp_path):
    tmp_path.chmod(0o700)
    code = MEETING.format(other=other, begin=begin)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"{result}\n", done.stderr
    assert ("was ended from outside" in done.stderr) == (result == "1")


class World:
    """Calls in a folder. ready: where a process is found; alone: where there is none."""

    def __init__(self, folder):
        self.folder = folder
        self.homes = {True: folder / "r", False: folder / "n"}
        for home in self.homes.values():
            home.mkdir(mode=0o700)
        image = Image.open(PHOTO)
        image.resize((6000, 6000 * image.height // image.width)).save(folder / "large.jpg")

    def environment(self, ready, **more):
        return {**os.environ, "XDG_RUNTIME_DIR": str(self.homes[ready]), "REPOSER_READY": "", **more}

    def begin(self, *arguments, ready=True, cwd=None, more=(), **streams):
        return subprocess.Popen(
            [sys.executable, "-c", COMMAND, *map(str, arguments)],
            env=self.environment(ready, **dict(more)),
            cwd=cwd or self.folder,
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams},
        )

    def run(self, *arguments, **options):
        """The exit code, and what was printed on both streams."""
        process = self.begin(*arguments, **options)
        out, err = process.communicate()
        return process.returncode, out.decode(), err.decode()

    def told(self):
        return next((one.told() for one in self.files()), {})

    def calls(self):
        """How many were handed over, once a process is ready for the next."""
        self.wait("waiting")
        return self.told()["calls"]

    def files(self):
        folder = self.homes[True] / "reposer"
        return [place.Files(folder, path.stem) for path in folder.glob("*.lock")]

    def wait(self, state):
        end = time.monotonic() + 40
        while self.told().get("state") != state:
            assert time.monotonic() < end, (state, self.told())
            time.sleep(0.02)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A world in which a process is ready; none is left at its end."""
    world = World(tmp_path_factory.mktemp("w"))
    world.first = world.run("transfer", PHOTO, "--pose", POSE, "--out", "first.png", "--ready", "5")
    try:
        yield world
        keeper = psutil.Process(world.told()["pid"])
        processes = [keeper, *keeper.children(recursive=True)]
        said = world.run("ready", "--stop")
        assert said == (0, "", "Processes that ended: 1.\n")
        assert not psutil.wait_procs(processes, timeout=10)[1]
        assert not [*(world.homes[True] / "reposer").iterdir()]
    finally:
        for pid in {one.told().get("pid") for one in world.files()} - {None}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.mark.slow
def test_the_first_call_says_that_a_process_stays_for_how_long_and_how_to_end_it(world):
    code, out, err = world.first
    assert code == 0 and out == ""
    *_, picture, stays = err.splitlines()
    assert picture == "The picture: first.png"
    assert re.fullmatch(r"A process stays .* GB of memory, and ends 5 minutes .* `reposer ready --stop`\.", stays)
    world.wait("waiting")
    code, out, err = world.run("ready", "--status")
    assert code == 0 and not err
    assert re.fullmatch(r"process \d+ is waiting, for [45]\.\d minutes more; calls taken: 0; \d+ MB; \S+\n", out)
    assert world.run("ready", "--status", ready=False) == (1, "There is no ready process.\n", "")


CALLS = {
    "plain": [PHOTO, "--pose", POSE, "--out", "out.png"],
    "a JPEG": [PHOTO, "--pose", "arms-up", "--out", "out.jpg", "--head", "pose", "--no-note"],
    "all files": [
        *(PHOTO, "--pose", "walking", "--out", "out.png", "--background", "transparent", "--provenance", "--explain"),
        *("--show-retarget", "--mark", "--canvas", "grow", "--preset", "fast"),
    ],
    "no photo": ["missing.jpg", "--pose", POSE],
    "no option": [PHOTO, "--pose", POSE, "--nothing"],
    "no value": [PHOTO, "--pose", "nowhere.json"],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CALLS)
def test_files_text_and_exit_code_are_those_of_the_call_alone(name, world, tmp_path):
    found = []
    for ready in (True, False):
        folder = tmp_path / str(ready)
        folder.mkdir()
        before = world.calls()
        said = world.run("transfer", *CALLS[name], ready=ready, cwd=folder, more={"COLUMNS": "70"})
        assert world.calls() == before + ready
        written = {path.name: (path.read_bytes(), path.stat().st_mode) for path in folder.iterdir()}
        found.append((said, written))
    (code, out, err), written = found[0]
    assert found[0] == found[1]
    assert (code, bool(written)) == ((2, False) if "no" in name.split() else (0, True)), err
    assert err and not out


@pytest.mark.slow
def test_a_terminal_is_one_for_the_ready_process_too(world, tmp_path):
    said = []
    for ready in (True, False):
        before = world.calls()
        ours, theirs = pty.openpty()
        more = {"TERM": "xterm-256color", "COLUMNS": "60"}
        process = world.begin(
            "transfer", PHOTO, "--nothing", ready=ready, more=more, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        content = b""
        with contextlib.suppress(OSError):  # the end of a terminal
            while part := os.read(ours, 4096):
                content += part
        os.close(ours)
        assert process.wait() == 2 and world.calls() == before + ready
        said.append(content)
    assert said[0] == said[1] and b"\x1b[" in said[0]


def _usual_signals():
    """Who runs the tests in the background, or by nohup, may have these ignored."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_what_ends_the_call_ends_the_work_and_nothing_half_written_stays(number, world, tmp_path):
    world.wait("waiting")
    (worker,) = psutil.Process(world.told()["pid"]).children()
    large = world.folder / "large.jpg"
    process = world.begin(
        *("transfer", large, "--pose", POSE, "--out", "out.png"), cwd=tmp_path, preexec_fn=_usual_signals
    )
    world.wait("working")
    worker.suspend()  # on full cores the picture could be made before the signal comes
    time.sleep(0.3)
    process.send_signal(number)
    worker.resume()
    _, err = process.communicate(timeout=60)
    if number in (signal.SIGINT, signal.SIGTERM):
        assert (process.returncode, err) == (128 + number, b"reposer: stopped.\n")
    else:
        assert (process.returncode, err) == (-number, b"")
    assert not psutil.wait_procs([worker], timeout=60)[1]
    assert not list(tmp_path.iterdir())
    world.wait("waiting")  # the next one


@pytest.mark.slow
def test_a_second_call_at_a_time_and_one_of_other_settings_are_done_alone(world, tmp_path):
    before = world.calls()
    arguments = "transfer", PHOTO, "--pose", POSE, "--out"
    assert world.run(*arguments, tmp_path / "one.png", more={"OMP_NUM_THREADS": "2"})[0] == 0
    assert world.calls() == before
    first = world.begin("transfer", world.folder / "large.jpg", "--pose", POSE, "--out", tmp_path / "large.png")
    world.wait("working")
    assert world.run("transfer", "missing.jpg", "--pose", POSE)[0] == 2
    assert world.told()["state"] == "working"
    first.communicate()
    assert first.returncode == 0 and (tmp_path / "large.png").exists() and world.calls() == before + 1


@pytest.mark.slow
def test_a_killed_keeper_takes_what_waits_along_and_the_call_is_done_alone(tmp_path):
    world = World(tmp_path)
    code, _, err = world.run("ready", "--minutes", "5")
    assert code == 0 and "A process stays" in err
    keeper = psutil.Process(world.told()["pid"])
    copies = keeper.children()
    keeper.kill()
    assert len(copies) == 1 and not psutil.wait_procs([keeper, *copies], timeout=20)[1]
    code, _, err = world.run("transfer", PHOTO, "--pose", POSE, "--out", "out.png")
    assert code == 0 and err.endswith("The picture: out.png\n")
    assert world.run("ready", "--stop")[2] == "There is no ready process.\n"


@pytest.mark.slow
def test_a_process_ends_when_its_minutes_are_over(tmp_path):
    world = World(tmp_path)
    assert world.run("ready", "--minutes", "0.2")[0] == 0
    keeper = psutil.Process(world.told()["pid"])
    assert not psutil.wait_procs([keeper, *keeper.children()], timeout=60)[1]
    assert not world.files() and json.dumps(world.told()) == "{}"


@pytest.mark.slow
def test_why_no_process_became_ready_is_said(tmp_path):
    world = World(tmp_path)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "onnxruntime.py").write_text("1 / 0\n")
    path = os.pathsep.join(filter(None, (str(tmp_path / "broken"), os.environ.get("PYTHONPATH"))))
    code, _, err = world.run("ready", more={"PYTHONPATH": path})
    assert code == 2 and "No process became ready: ZeroDivisionError: division by zero." in err and ".log" in err
    assert not world.files()
