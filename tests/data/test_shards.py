"""Tar shards: what is read back, in any order and by any process, is what SyntheticPeople renders."""

import io
import json
import re
import tarfile

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from reposer.core import BadInput, Framing
from reposer.core.images import to_uint8
from reposer.core.skeleton import COCO_17
from reposer.data import DATASETS, open_dataset, shards
from reposer.data.check import check_dataset
from reposer.data.shards import ShardPairs
from reposer.synthetic.people import SyntheticPeople, write, write_people
from reposer.synthetic.people.attributes import attributes

SMALL = (64, 48)
FEW = {"size": SMALL, "num_train": 5, "num_test": 1, "views": 2, "form": "shards", "progress": False}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setattr(write, "PEOPLE_PER_SHARD", 2)
    yield write_people(tmp_path_factory.mktemp("shards") / "people", **FEW, truth=True, flow=True, workers=2)
    patch.undo()


@pytest.fixture(scope="module")
def data(root):
    return open_dataset(root, "train", None)


def test_the_folder_is_recognised_and_holds_all_ordered_pairs(root, data):
    assert DATASETS["shards"] is ShardPairs and isinstance(data, ShardPairs)
    assert sorted(p.name for p in root.glob("*.tar")) == [
        "test-000000.tar", "train-000000.tar", "train-000001.tar", "train-000002.tar",
    ]  # fmt: skip
    assert len(data) == 5 * 2 and data.picture_size == SMALL
    assert [data.identity(i) for i in (0, 1, 2)] == ["synthetic000000", "synthetic000000", "synthetic000001"]
    assert data[3].name == "synthetic000001_1_2_synthetic000001_0"


def test_pairs_read_back_equal_those_rendered_on_the_spot(data):
    fresh = SyntheticPeople(SMALL)
    for person in (4, 0, 3):  # in no order
        a, b = data[2 * person], fresh[person]
        assert torch.equal(to_uint8(a.source), to_uint8(b.source))
        assert torch.equal(to_uint8(a.target), to_uint8(b.target))
        for read, rendering in ((a.source_pose, b.source_pose), (a.target_pose, b.target_pose)):
            assert read.size == rendering.size and torch.equal(read.visible, rendering.visible)
            assert torch.equal(read.xy[read.visible], rendering.xy[rendering.visible])


def test_a_framing_and_another_skeleton_are_applied(root):
    framing = Framing((64, 64), fit="pad")
    data = open_dataset(root, "test", framing, skeleton=COCO_17)
    assert data[0].source.shape == (3, 64, 64) and data[0].source_pose.skeleton == COCO_17
    plain = open_dataset(root, "test", None, skeleton=COCO_17)[0]
    assert torch.equal(data[0].source[:, :, 8:56], plain.source)
    assert data.target_size(0) == SMALL


def test_workers_read_what_the_process_itself_reads(data):
    loader = DataLoader(data, batch_size=None, num_workers=2)
    for i, sample in enumerate(loader):
        assert sample.name == data[i].name and torch.equal(sample.source, data[i].source)


def test_truth_and_words_lie_beside_the_pair(data):
    rendering = SyntheticPeople(SMALL).rendered([(2, 0), (2, 1)])
    i = 2 * 2
    about = data.about(i)
    assert about["identity"] == "synthetic000002"
    assert about["attributes"] == attributes(SyntheticPeople(SMALL).who(2))
    with Image.open(io.BytesIO(data.read(i, "target.parts.png"))) as parts:
        assert np.array_equal(np.array(parts), rendering.parts[1].numpy())
    with np.load(io.BytesIO(data.read(i, "flow.npz"))) as truth:
        flow, visible = rendering.flow(0, 1)
        assert np.array_equal(truth["flow"], flow.numpy().astype(np.float16), equal_nan=True)
        assert np.array_equal(truth["visible"], visible.numpy())
    with np.load(io.BytesIO(data.read(i, "source.npz"))) as truth:
        assert np.array_equal(truth["depth"], rendering.depth[0].numpy().astype(np.float16))


def test_the_shards_are_plain_tar_files_whose_samples_stand_together(root):
    with tarfile.open(root / "train-000001.tar") as tar:
        keys = [name.partition(".")[0] for name in tar.getnames()]
        assert json.load(tar.extractfile(f"{keys[0]}.json"))["target"]["name"] == keys[0].split("__")[1]
    assert len(set(keys)) == 4 and keys == sorted(keys, key=keys.index)
    assert all(keys[k] == keys[k + 1] or keys[k] not in keys[k + 1 :] for k in range(len(keys) - 1))


@pytest.mark.slow
def test_any_number_of_processes_and_a_broken_run_give_the_same_shards(root, tmp_path, monkeypatch):
    monkeypatch.setattr(write, "PEOPLE_PER_SHARD", 2)
    real = write._Plan.render
    monkeypatch.setattr(write._Plan, "render", lambda plan, number: real(plan, number) if number < 3 else 1 / 0)
    options = {**FEW, "truth": True, "flow": True, "workers": 1}
    with pytest.raises(ZeroDivisionError):
        write_people(tmp_path / "people", **options)
    monkeypatch.setattr(write._Plan, "render", real)
    again = write_people(tmp_path / "people", **options)
    assert {p.name: p.read_bytes() for p in again.iterdir()} == {p.name: p.read_bytes() for p in root.iterdir()}


def test_what_is_damaged_or_missing_is_named(root, tmp_path):
    with pytest.raises(BadInput, match=r"val-000000\.tar"):
        ShardPairs(root, "val")
    (tmp_path / "train-000000.tar").write_bytes((root / "train-000000.tar").read_bytes()[:-20_000])
    with pytest.raises(BadInput, match=r"no whole tar|ends too early"):
        data = ShardPairs(tmp_path, "train")
        [data[i] for i in range(len(data))]
    with pytest.raises(BadInput, match=r"it has source\.png"):
        ShardPairs(root, "test").read(0, "sound.wav")


def changed(path, content):
    """The folder of a shard of these bytes."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path.parent


def files_end(content):
    """Where the last file of a tar ends."""
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        last = tar.getmembers()[-1]
    return last.offset_data + -(-last.size // 512) * 512


@pytest.mark.parametrize("where", ["between two files", "in a header", "in a file", "before the end mark"])
def test_a_truncated_shard_is_an_error_wherever_it_was_cut(root, tmp_path, where):
    content = (root / "train-000000.tar").read_bytes()
    with tarfile.open(root / "train-000000.tar") as tar:
        member = tar.getmembers()[7]
    cut = {
        "between two files": member.offset,
        "in a header": member.offset + 100,
        "in a file": member.offset_data + 60,
        "before the end mark": files_end(content),
    }[where]
    folder = changed(tmp_path / "cut" / "train-000000.tar", content[:cut])
    with pytest.raises(BadInput, match=r"ends too early|no whole tar file"):
        ShardPairs(folder, "train")
    errors = [f for f in check_dataset(folder, progress=False) if f.severity == "error"]
    assert {f.kind for f in errors} == {"does not open", "empty"}


def test_a_shard_with_a_damaged_header_and_two_shards_joined_into_one_are_errors(root, tmp_path):
    content = (root / "train-000000.tar").read_bytes()
    with tarfile.open(root / "train-000000.tar") as tar:
        at = tar.getmembers()[7].offset
    folder = changed(tmp_path / "a" / "train-000000.tar", content[:at] + b"?" * 512 + content[at + 512 :])
    with pytest.raises(BadInput, match=f"damaged at byte {at:,}"):
        ShardPairs(folder, "train")
    folder = changed(tmp_path / "b" / "train-000000.tar", content + content)
    with pytest.raises(BadInput, match="two tar files joined into one"):
        ShardPairs(folder, "train")


def test_a_picture_in_a_shard_of_another_size_than_its_pose_says_is_refused(root, tmp_path):
    with tarfile.open(root / "train-000000.tar") as tar:
        key = tar.getmembers()[0].name.partition(".")[0]
        files = {m.name: tar.extractfile(m).read() for m in tar if m.name.startswith(key)}
    small = io.BytesIO()
    Image.new("RGB", (20, 30)).save(small, "PNG")
    files[f"{key}.source.png"] = small.getvalue()
    shards.write_shard(tmp_path / "train-000000.tar", iter([(key, {n.partition(".")[2]: c for n, c in files.items()})]))
    with pytest.raises(BadInput, match="has 30x20 pixels, but"):
        ShardPairs(tmp_path, "train")[0]


def test_a_program_in_the_place_of_a_shards_picture_is_refused_and_never_runs(root, tmp_path):
    with tarfile.open(root / "train-000000.tar") as tar:
        key = tar.getmembers()[0].name.partition(".")[0]
        files = {m.name: tar.extractfile(m).read() for m in tar if m.name.startswith(key)}
    program = f"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n({tmp_path}/ran) (w) file closefile\nshowpage\n"
    files[f"{key}.source.png"] = program.encode()
    shards.write_shard(tmp_path / "train-000000.tar", iter([(key, {n.partition(".")[2]: c for n, c in files.items()})]))
    with pytest.raises(BadInput, match="PostScript program, which is never run"):
        ShardPairs(tmp_path, "train")[0]
    assert any(f.severity == "error" for f in check_dataset(tmp_path, progress=False))
    assert not (tmp_path / "ran").exists()


def test_shards_in_which_nobody_has_a_joint_do_not_train_and_are_an_error(root, tmp_path):
    with tarfile.open(root / "train-000000.tar") as tar:
        files = {m.name: tar.extractfile(m).read() for m in tar}
    samples = {}
    for name, content in files.items():
        key, _, file = name.partition(".")
        if file == "json":
            about = json.loads(content)
            for side in ("source", "target"):
                about[side]["pose"]["joints"] = {}
            content = json.dumps(about).encode()
        samples.setdefault(key, {})[file] = content
    shards.write_shard(tmp_path / "train-000000.tar", iter(samples.items()))
    with pytest.raises(BadInput, match="has a joint: all of them are missing"):
        ShardPairs(tmp_path, "train")
    assert "does not open" in {f.kind for f in check_dataset(tmp_path, progress=False)}


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"skeleton": []}, r"names the skeleton \[\]"),
        ({"skeleton": "\x1b[31m"}, r"names the skeleton '\\x1b\[31m'"),
        ({"size": [True, 9]}, "height, width"),
        ({"joints": {"nose": [10**39, 1]}}, "the joint nose is"),
        ({"joints": []}, r"has the joints \[\]"),
    ],
)
def test_a_pose_in_a_shard_is_checked_as_a_pose_file_is(root, tmp_path, changed, says):
    with tarfile.open(root / "train-000000.tar") as tar:
        key = tar.getmembers()[0].name.partition(".")[0]
        files = {m.name.partition(".")[2]: tar.extractfile(m).read() for m in tar if m.name.startswith(key + ".")}
    about = json.loads(files["json"])
    about["source"]["pose"] |= changed
    for content in (json.dumps(about).encode(), b"[" * 100_000, b"[]", b'{"source": 5}'):
        shards.write_shard(tmp_path / "train-000000.tar", iter([(key, files | {"json": content})]))
        with pytest.raises(BadInput) as caught:
            ShardPairs(tmp_path, "train")
        assert str(caught.value).isprintable() and f"{key}.json" in str(caught.value)
        if content.startswith(b'{"source": {') or b"skeleton" in content:
            assert re.search(says, str(caught.value))
