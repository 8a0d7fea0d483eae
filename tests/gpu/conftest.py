"""Tests in this folder are marked `gpu` and skip without a CUDA device."""

from pathlib import Path

import pytest
import torch


@pytest.hookimpl(tryfirst=True)  # before the skipping
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.gpu)


@pytest.fixture(autouse=True)
def whole_float32(monkeypatch):
    """float32 means float32: no TF32 in convolutions (in products of matrices it is off anyway)."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


@pytest.fixture
def device() -> torch.device:
    return torch.device("cuda")
