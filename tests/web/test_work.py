"""The process behind the page: hostile files are refused before they cost anything, and no message names a path."""

import struct
import zlib
from multiprocessing import Pipe
from threading import Thread
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from reposer.core import BadInput, Explanation
from reposer.core.errors import is_of_memory
from reposer.core.framing import between
from reposer.data.poses.presets import preset
from reposer.engines.presets import PRESETS
from reposer.generators import load
from reposer.own_photo import Reposed
from reposer.web import work


def huge_png(path, width, height):
    """A whole picture of one bit per pixel, which is small as a file."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = zlib.compress(bytes((width // 8 + 1) * height), 1)
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))


def refused(kind, **about):
    about = {"models": {}, "device": "cpu", **about}
    with pytest.raises(BadInput) as found:
        work.JOBS[kind](about, lambda progress: None)
    return work.in_words(str(found.value), about)


@pytest.mark.parametrize(
    "write, says",
    [
        (lambda path: huge_png(path, 20_000, 10_000), "megapixels"),
        (lambda path: huge_png(path, 9_000, 9_000), "81 megapixels"),
        (lambda path: path.write_bytes(b"PK\x03\x04" + bytes(300)), "not a picture"),
        (lambda path: path.write_bytes(b"\xff\xd8\xff\xe0" + bytes(300)), "picture"),
        (lambda path: Image.fromarray(np.full((200, 150, 3), 128, np.uint8)).save(path, "PNG"), "shows no person"),
    ],
)
def test_a_photo_that_cannot_be_used_is_refused_in_words(tmp_path, write, says):
    photo = tmp_path / "photo"
    write(photo)
    said = refused("look", photo=str(photo), out=str(tmp_path), root=str(tmp_path))
    assert says in said and said.startswith("The photo") and str(tmp_path) not in said


def test_a_pose_that_cannot_be_used_is_refused_in_words(tmp_path):
    (tmp_path / "source.json").write_text('{"skeleton": "openpose18", "size": [9, 9], "joints": {"nose": [1, "x"]}}')
    said = refused("fit", source=str(tmp_path / "source.json"), preset="standing", root=str(tmp_path))
    assert said.startswith("The found pose") and str(tmp_path) not in said


def test_a_clip_that_is_none_is_refused_in_words(tmp_path):
    (tmp_path / "clip").write_bytes(b"not a clip" * 99)
    said = refused("track", clip=str(tmp_path / "clip"), out=str(tmp_path), root=str(tmp_path))
    assert "clip" in said.lower() and str(tmp_path) not in said


def test_a_message_with_a_path_of_ours_becomes_a_plain_sentence(tmp_path):
    assert str(tmp_path) not in work.in_words(f"{tmp_path}/x/other is odd", {"root": str(tmp_path)})


@pytest.mark.parametrize("kind", ["person", "generate", "animate"])
def test_a_photo_that_look_refused_is_decoded_by_no_other_job(tmp_path, kind):
    huge_png(tmp_path / "photo", 9_000, 9_000)
    said = refused(kind, photo=str(tmp_path / "photo"), root=str(tmp_path), out=str(tmp_path), box=[0, 0, 9, 9])
    assert "81 megapixels" in said


def test_a_frame_rate_that_makes_too_many_frames_is_refused(tmp_path, monkeypatch):
    Image.new("RGB", (15, 20)).save(tmp_path / "photo", "PNG")
    monkeypatch.setattr(work, "open_driving", lambda *_, **__: SimpleNamespace(num_frames=180_000, fps=60))
    paths = {name: str(tmp_path / name) for name in ("photo", "clip", "track")}
    said = refused("animate", **paths, out=str(tmp_path), root=str(tmp_path), fps=60)
    assert said.startswith("The clip has 180000 frames at 60 per second") and "lower frame rate" in said


def test_a_clip_is_made_at_the_size_of_its_quality(tmp_path, monkeypatch):
    Image.new("RGB", (15, 20)).save(tmp_path / "photo", "PNG")
    monkeypatch.setattr(work, "open_driving", lambda *_, **__: SimpleNamespace(num_frames=1, fps=1))
    sizes = []

    def loaded(model, device, *, size):
        sizes.append((model, size))
        raise BadInput("enough")

    monkeypatch.setattr(work, "load_for", loaded)
    paths = {name: str(tmp_path / name) for name in ("photo", "clip", "track", "source")}
    for quality in (None, *PRESETS):
        refused("animate", **paths, out=str(tmp_path), root="", fps=1, model="trueflow", quality=quality)
    assert sizes == [("trueflow", choice.size) for choice in (PRESETS["balanced"], *PRESETS.values())]


def test_a_message_names_the_model_and_not_its_file(tmp_path):
    for named in (tmp_path / "mine.safetensors", tmp_path / ("a" * 90) / "mine.safetensors"):
        about = {"models": {"mine": str(named), "trueflow": "trueflow"}}
        with pytest.raises(BadInput) as found:
            load(str(named))
        said = work.in_words(str(found.value), about)
        assert said.startswith("The model mine is neither a file nor a shipped model") and "/" not in said


def test_a_layer_lies_over_the_part_of_the_picture_that_its_frame_shows(monkeypatch):
    """A layer that says its own columns and rows, in a frame of 32x64 of which the middle 20 columns are filled."""
    monkeypatch.setattr(work, "LARGEST_MAP", 50)
    content, edges = (6, 0, 26, 64), (10, -20, 70, 172)
    row, column = torch.meshgrid(torch.arange(64.0), torch.arange(32.0), indexing="ij")
    made = Reposed(
        Image.new("RGB", (100, 150)),
        preset("standing"),
        preset("standing"),
        explanation=Explanation(torch.zeros(1, 3, 64, 32), {}),
        box=tuple(edge - 0.5 for edge in edges),
        content=content,
    )
    shown, inside = work._in_picture(torch.stack([column, row])[None], made)
    y, x = torch.meshgrid(*(torch.arange(n)[1::3].double() for n in (150, 100)), indexing="ij")
    there = between(edges, content) @ torch.stack([x, y, torch.ones_like(x)]).flatten(1)
    assert torch.equal(inside[0, 0].bool(), (x >= 10) & (x < 70))
    wanted = there.unflatten(1, x.shape).float()
    clear = (inside[0, 0] > 0) & (wanted[1] > 0) & (wanted[1] < 63)
    assert torch.allclose(shown[0][:, clear], wanted[:, clear], atol=1e-3)


def test_too_little_memory_is_told_from_a_bug():
    with pytest.raises(RuntimeError) as found:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert is_of_memory(found.value) and is_of_memory(MemoryError())
    assert not is_of_memory(RuntimeError("an illegal memory access was encountered"))


def ready(monkeypatch, options):
    """What a process of the page says when it can work."""
    monkeypatch.setattr(work.signal, "signal", lambda *_: None)
    here, there = Pipe()
    said = []

    def listen():
        said.append(here.recv())
        here.close()

    listener = Thread(target=listen)
    listener.start()
    work.work(there, {"threads": torch.get_num_threads(), "device": "cpu", "models": {}, "warm": True, **options})
    listener.join()
    return said


@pytest.mark.slow
def test_a_process_makes_a_picture_before_the_first_visitor_comes(monkeypatch, tmp_path):
    ((kind, about),) = ready(monkeypatch, {"folder": str(tmp_path)})
    assert kind == "ready" and set(about["expected"]) == {"look", "fit", "generate"}
    assert min(about["expected"].values()) > 0 and not list(tmp_path.iterdir())


def test_a_process_that_cannot_do_that_works_all_the_same_and_says_why(monkeypatch, tmp_path, capsys):
    assert ready(monkeypatch, {"folder": str(tmp_path / "no such")}) == [
        ("ready", {"device": work._named(torch.device("cpu")), "expected": {}})
    ]
    assert "no such" in capsys.readouterr().err
