"""Shapes checked at run time, one torch thread a process, nothing rendered or started twice, and the real data."""

import atexit
import gc
import os
import sys
from pathlib import Path

import hypothesis
import pytest

import tests.forked
import tests.shapes

gc.disable()  # until all tests are imported: nothing of that is garbage
atexit.register(gc.freeze)  # nor need it be looked through when modules are taken down

os.environ.setdefault("OMP_NUM_THREADS", "1")  # of the programs that tests start
os.fsync = lambda _: None  # no test cuts the power, and waiting for a disk takes 16 ms a file

tests.shapes.install()
tests.forked.fork_what_is_spawned()

import torch  # noqa: E402

from tests import rendered  # noqa: E402

hypothesis.settings.register_profile("ours", deadline=None, derandomize=True, max_examples=30)
hypothesis.settings.load_profile("ours")

torch.set_num_threads(1)
rendered.keep_renderings()
rendered.keep_estimates()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--real-data", type=Path, default=None, help="folder of real clips, photos and annotation lists")


FIRST = ("hostile", "web")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is taken from a process that has much to do comes from the end of its list: tests that share a server or a
    browser stand first, and stay together. The longest of them do not come last, either."""
    items.sort(key=lambda item: item.path.relative_to(Path(__file__).parent).parts[0] not in FIRST)
    if not torch.cuda.is_available():
        for item in items:
            if "gpu" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))


def pytest_collection_finish() -> None:
    """Libraries and tests stay to the end: the garbage collector need not look through them again and again."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


CUDA_IS_AVAILABLE = torch.cuda.is_available


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Only tests marked `gpu` see a CUDA device: on the CPU a resumed run is exact to the bit."""
    tests.shapes.begin_test()
    rendered.begin_test(item.path.relative_to(Path(__file__).parent).parts)
    torch.cuda.is_available = CUDA_IS_AVAILABLE if "gpu" in item.keywords else lambda: False
    accelerate = sys.modules.get("accelerate.state")
    if accelerate is not None:  # it keeps the first device that a process asked for
        accelerate.AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture
def real_data(request: pytest.FixtureRequest) -> Path:
    folder = request.config.getoption("--real-data")
    if folder is None:
        pytest.skip("needs real data: pytest --real-data DIR")
    if not folder.is_dir():
        raise pytest.UsageError(f"--real-data {folder}: there is no such folder")
    return folder.resolve()
