"""Loading large libraries at the start of a command."""

import builtins
import gc
import os
import subprocess
import sys

import pytest

from reposer.cli.startup import OnFirstUse, WithoutCollector
from reposer.core import BadInput
from reposer.core.onnx_sessions import CPU, open_ahead, open_session


@pytest.mark.parametrize("on", [True, False])
@pytest.mark.parametrize("fails", [False, True])
def test_a_library_is_loaded_once_without_the_collector_which_is_then_as_before(tmp_path, monkeypatch, on, fails):
    content = "import gc\nfound = gc.isenabled()\nkept = [[] for _ in range(5000)]\n" + ("1 / 0\n" if fails else "")
    (tmp_path / "some_library.py").write_text(content)
    (tmp_path / "other_library.py").write_text(content.replace("1 / 0", ""))
    monkeypatch.setattr(sys, "meta_path", [WithoutCollector("some_library"), *sys.meta_path])
    monkeypatch.syspath_prepend(tmp_path)
    was_on, frozen = gc.isenabled(), gc.get_freeze_count()
    try:
        (gc.enable if on else gc.disable)()
        import other_library

        assert other_library.found == on and gc.get_freeze_count() <= frozen
        if fails:
            with pytest.raises(ZeroDivisionError):
                import some_library
        else:
            import some_library

            assert not some_library.found and gc.get_freeze_count() >= frozen + 5000
        assert gc.isenabled() == on
        assert not any(isinstance(finder, WithoutCollector) for finder in sys.meta_path)
    finally:
        (gc.enable if was_on else gc.disable)()
        for name in ("some_library", "other_library"):
            sys.modules.pop(name, None)


def test_a_module_that_is_left_for_first_use_is_loaded_by_that(tmp_path, monkeypatch):
    (tmp_path / "seldom_used.py").write_text("import builtins\nbuiltins.loaded_for_a_test = True\nword = 'here'\n")
    monkeypatch.setattr(sys, "meta_path", [OnFirstUse("seldom_used"), *sys.meta_path])
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(builtins, "loaded_for_a_test", False, raising=False)
    try:
        import seldom_used

        assert not builtins.loaded_for_a_test
        assert seldom_used.word == "here" and builtins.loaded_for_a_test
    finally:
        sys.modules.pop("seldom_used", None)


def test_the_library_tells_how_many_threads_torch_has():
    """In a process of its own, before torch is imported, as `transfer` asks it."""
    code = (
        "from reposer.cli.startup import leave_for_first_use, torch_threads\n"
        "before = torch_threads()\nleave_for_first_use()\nimport torch\n"
        "assert before in (None, torch.get_num_threads()), before\n"
        "assert torch.rand(2, 3).topk(2).values.shape == (2, 2)\nprint(before)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert found.isdigit() if sys.platform == "linux" else found


def test_decoding_and_the_estimators_networks_need_no_torch():
    code = (
        "import sys, reposer.data.decoding\nfrom reposer.core.onnx_sessions import CPU, open_ahead, open_session\n"
        "from reposer.core.shipped import MOVENET, SHIPPED\npath = SHIPPED / MOVENET[1]\n"
        "open_ahead([path], (CPU,), 1)\nahead = open_session(path, (CPU,), 1)\n"
        "assert ahead is not open_session(path, (CPU,), 1) and 'torch' not in sys.modules\n"
        "assert ahead.get_inputs()[0].shape == [1, 256, 256, 3]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_could_not_be_opened_ahead_is_refused_where_it_is_asked_for(tmp_path):
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"no network")
    open_ahead([path], (CPU,), 1)
    with pytest.raises(BadInput, match=r"cannot be opened as an ONNX network"):
        open_session(path, (CPU,), 1)


def test_a_process_leaves_with_its_code_after_its_threads_its_handlers_and_its_output():
    code = (
        "import atexit, sys, threading, time\nfrom concurrent.futures import ThreadPoolExecutor\n"
        "from reposer.cli.startup import leave\n"
        "atexit.register(print, 'handled')\npool = ThreadPoolExecutor(1)\n"
        "pool.submit(lambda: (time.sleep(0.3), print('computed')))\n"
        "threading.Thread(target=lambda: (time.sleep(0.5), print('waited'))).start()\n"
        "sys.stderr.write('said')\nleave(7)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 7 and done.stderr == "said"
    assert done.stdout.split() == ["computed", "waited", "handled"]


def test_a_process_that_has_no_stderr_leaves_with_its_code():
    code = "import sys\nfrom reposer.cli.startup import leave\nsys.stderr = None\nleave(7)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 7


@pytest.mark.slow
def test_torch_is_whole_and_comes_without_the_collector_though_parts_of_it_are_loaded_ahead_and_later():
    code = (
        "import gc, sys\nfrom reposer.cli.startup import WithoutCollector, leave_for_first_use, torch_library\n"
        "sys.meta_path.insert(0, WithoutCollector('torch'))\ntorch_library()\nleave_for_first_use()\nimport torch\n"
        "assert gc.get_freeze_count() > 10_000\nimport torch._dynamo\n"
        "conv = torch.nn.Conv2d(3, 4, 3, device='meta')\n"
        "assert conv(torch.empty(1, 3, 8, 8, device='meta')).shape == (1, 4, 6, 6)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("given", "found"), [({}, "10000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "active"}, "None")]
)
def test_every_command_lets_threads_that_wait_rest_unless_somebody_has_said_how_they_wait(given, found):
    script = "\n".join(
        [
            "import os, sys",
            "from reposer.cli import entry",
            "sys.argv = ['reposer', '--version']",
            "try: entry()",
            "except SystemExit: print(os.environ.get('GOMP_SPINCOUNT'))",
        ]
    )
    own = {name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    done = subprocess.run([sys.executable, "-c", script], env=own | given, capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == found
