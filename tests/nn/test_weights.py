import hashlib
import os
import pickle
import zipfile

import pytest
import torch

from reposer.core import BadInput
from reposer.nn.weights import find_weights, read_checkpoint, read_header, read_safetensors, unfilled, write_safetensors

TENSORS = {"a.weight": torch.arange(6.0).view(2, 3), "b": torch.tensor([1, 2]), "c": torch.ones(2).bfloat16()}


def same(read, written=TENSORS):
    return read.keys() == written.keys() and all(
        torch.equal(read[n], t) and read[n].dtype == t.dtype for n, t in written.items()
    )


def refusal(path):
    with pytest.raises(BadInput) as caught:
        read_checkpoint(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500
    return str(caught.value)


@pytest.mark.parametrize("zipped", [True, False])
def test_what_torch_saved_reads_back_in_both_of_its_formats(zipped, tmp_path):
    torch.save(TENSORS, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    assert same(read_checkpoint(tmp_path / "a.pth"))


def test_safetensors_read_back_with_their_header(tmp_path):
    write_safetensors(tmp_path / "new" / "a.safetensors", TENSORS, {"reposer": "{}"})
    tensors, header = read_safetensors(tmp_path / "new" / "a.safetensors")
    assert same(tensors) and header == {"reposer": "{}"} == read_header(tmp_path / "new" / "a.safetensors")
    assert same(read_checkpoint(tmp_path / "new" / "a.safetensors"))


def test_any_memory_layout_can_be_written(tmp_path):
    picture = torch.rand(2, 3, 4, 5).to(memory_format=torch.channels_last)
    write_safetensors(tmp_path / "a.safetensors", {"p": picture}, {})
    assert torch.equal(read_safetensors(tmp_path / "a.safetensors")[0]["p"], picture)


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "a.safetensors"
    write_safetensors(path, TENSORS, {})
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_safetensors(path, {"other": torch.zeros(1)}, {})
    assert list(tmp_path.iterdir()) == [path]
    assert same(read_safetensors(path)[0])


class Malicious:
    def __init__(self, victim):
        self.victim = victim

    def __reduce__(self):
        return open, (self.victim, "w")


@pytest.mark.parametrize("how", ["zip", "legacy", "plain pickle"])
def test_a_pickle_that_would_run_code_is_refused_and_its_code_does_not_run(how, tmp_path):
    path, victim = tmp_path / "evil.pth", tmp_path / "victim"
    content = {"a": torch.zeros(1), "b": Malicious(str(victim))}
    if how == "plain pickle":
        path.write_bytes(pickle.dumps(content["b"]))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=how == "zip")
    message = refusal(path)
    assert not victim.exists()
    assert "open" in message or how == "plain pickle"


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("kept", [0, 1, 7, 0.5, 0.99])
def test_a_truncated_file_is_refused(suffix, kept, tmp_path):
    path = tmp_path / f"a{suffix}"
    tensors = {"a": torch.rand(100, 100)}
    torch.save(tensors, path) if suffix == ".pth" else write_safetensors(path, tensors, {})
    content = path.read_bytes()
    path.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    refusal(path)


def test_other_kinds_of_files_are_refused(tmp_path):
    path = tmp_path / "a.pth"
    for content in (b"hello", b"\x89PNG\r\n\x1a\n" + bytes(100), b"\x80\x02", os.urandom(200), b"{}\n"):
        path.write_bytes(content)
        refusal(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "nothing")
    refusal(path)
    refusal(tmp_path / "missing.pth")
    refusal(tmp_path)


def test_a_pickle_of_something_else_is_refused_and_says_what_it_is(tmp_path):
    torch.save({"epoch": 3, "net_G": {"a": torch.zeros(1)}}, tmp_path / "a.pth")
    assert "a dict with the entries epoch, net_G" in refusal(tmp_path / "a.pth")
    torch.save([torch.zeros(1)], tmp_path / "a.pth")
    assert "a list" in refusal(tmp_path / "a.pth")
    torch.save({}, tmp_path / "a.pth")
    refusal(tmp_path / "a.pth")


@pytest.fixture
def weights(tmp_path, monkeypatch):
    monkeypatch.delenv("REPOSER_WEIGHTS_DIR", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    content = b"weights"
    return f"net-{hashlib.sha256(content).hexdigest()[:8]}.pth", content


def test_weights_are_found_where_they_are_given_then_in_the_folder_then_in_torchs_cache(weights, tmp_path, monkeypatch):
    filename, content = weights
    own, hub = tmp_path / "own", tmp_path / "torch" / "hub" / "checkpoints"
    monkeypatch.setenv("REPOSER_WEIGHTS_DIR", str(own))
    for folder in (hub, own, tmp_path / "given"):  # from the last place to the first
        folder.mkdir(parents=True)
        (folder / filename).write_bytes(content)
        given = folder / filename if folder.name == "given" else None
        assert find_weights(filename, path=given, source="the moon") == folder / filename
    assert find_weights(filename, path=tmp_path / "given", source="the moon").parent == tmp_path / "given"


def test_missing_weights_are_named_with_their_source_and_checksum(weights, tmp_path):
    filename, _ = weights
    for path in (None, tmp_path / "elsewhere.pth"):
        with pytest.raises(BadInput) as caught:
            find_weights(filename, path=path, source="https://example.org/net")
        for part in (filename, "https://example.org/net", filename[4:12], str(path or tmp_path)):
            assert part in str(caught.value)


def test_weights_with_another_checksum_are_refused(weights, tmp_path):
    filename, _ = weights
    (tmp_path / filename).write_bytes(b"other")
    with pytest.raises(BadInput, match=hashlib.sha256(b"other").hexdigest()[:8]):
        find_weights(filename, path=tmp_path, source="the moon")


def test_an_unfilled_module_samples_nothing_and_is_filled_by_loading():
    torch.manual_seed(0)
    filled = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    state = torch.random.get_rng_state()
    module = unfilled(lambda: torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4)))
    assert torch.equal(torch.random.get_rng_state(), state)
    module.load_state_dict(filled.state_dict())
    picture = torch.rand(2, 3, 8, 8)
    assert torch.equal(module(picture), filled(picture))
