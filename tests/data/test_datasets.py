"""Data sets of files: what a pair shows, where its joints are, and what is refused."""

import json
import pickle

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from reposer.core import BadInput, Framing
from reposer.core.framing import frame_picture, frame_pose
from reposer.core.images import from_uint8, to_uint8
from reposer.core.skeleton import COCO_17
from reposer.data import DATASETS, PairDataset, open_dataset
from reposer.data.dataset import PictureMemory
from reposer.data.deepfashion import DeepFashion
from reposer.data.folder import Folder, split_of
from reposer.data.lists import write_annotation, write_pairs
from reposer.data.market1501 import GREY, Market1501
from reposer.data.moves import move_pictures
from reposer.data.pictures import write_picture
from reposer.data.poses import write_pose_json

from .folders import some_picture, some_pose, write_fashion

MINI = Framing((128, 96), fit="pad")


def test_a_joint_stays_on_its_pixel_through_framing():
    for framing in (MINI, Framing((64, 64)), Framing((256, 176))):
        picture = np.zeros((256, 176, 3), np.uint8)
        pose = some_pose(seed=3)
        x, y = pose.xy[0].int().tolist()
        picture[max(0, y - 4) : y + 5, max(0, x - 4) : x + 5] = 255
        if not (4 <= x < 171 and 4 <= y < 251):
            continue
        framed = frame_picture(from_uint8(torch.from_numpy(picture)), framing)[0] + 1
        rows, columns = torch.meshgrid(*(torch.arange(n, dtype=torch.float32) for n in framed.shape), indexing="ij")
        centre = torch.stack([(framed * columns).sum(), (framed * rows).sum()]) / framed.sum()
        torch.testing.assert_close(centre, frame_pose(pose, framing).xy[0], atol=0.05, rtol=0)


def test_a_fashion_pair_is_the_row_of_its_list(tmp_path):
    root = write_fashion(tmp_path, {"train": ("ann", "bob")})
    data = open_dataset(root, "train", MINI)
    assert isinstance(data, DeepFashion) and len(data) == 4
    assert data.picture_size == (256, 176)
    sample = data[1]
    assert sample.name == "ann_1_2_ann_0" and data.rows[1].identity == "ann"
    assert sample.source.shape == (3, 128, 96) and sample.source_pose.size == (128, 96)
    whole = DeepFashion(root, "train")[1]
    assert torch.equal(to_uint8(whole.source), data.picture("ann_1.png"))
    assert torch.equal(whole.source_pose.xy, data.poses["ann_1.png"].xy)
    assert torch.equal(data[-1].source, data[3].source)
    with pytest.raises(IndexError):
        data[4]


def test_a_picture_of_another_size_shows_the_same_in_the_same_place(tmp_path):
    small = DeepFashion(write_fashion(tmp_path / "a", {"train": ("ann",)}), "train")
    for row in small.rows:
        picture = small.picture(row.source_name).repeat_interleave(2, 0).repeat_interleave(2, 1)
        write_picture(tmp_path / "b" / "train" / row.source_name, picture)
    for path in (tmp_path / "a").glob("*.csv"):
        (tmp_path / "b" / path.name).write_bytes(path.read_bytes())
    large = DeepFashion(tmp_path / "b", "train")
    assert torch.equal(small[0].source_pose.xy, large[0].source_pose.xy)
    assert (small[0].source - large[0].source).abs().mean() < 0.2  # noise, made twice as large and small again


def test_a_padded_square_picture_loses_its_padding_and_its_joints_move_along(tmp_path):
    crop = some_picture()
    padded = torch.full((256, 256, 3), 255, dtype=torch.uint8)
    padded[:, 40:216] = crop
    poses = {f"ann_{k}.png": some_pose(seed=9) for k in range(2)}
    for name in poses:
        write_picture(tmp_path / "train" / name, padded)
    write_annotation(tmp_path / "fashion-annotation-train.csv", poses, frame="padded256")
    write_pairs(tmp_path / "fasion-pairs-train.csv", [("ann_0.png", "ann_1.png")])
    data = DeepFashion(tmp_path, "train", frame="padded256")
    assert (data.frame, data.form) == ("padded256", "padded")
    assert torch.equal(to_uint8(data[0].source), crop)
    assert torch.equal(data[0].source_pose.xy, poses["ann_0.png"].xy)


def test_a_pair_whose_picture_or_joints_are_missing_names_its_row(tmp_path):
    root = write_fashion(tmp_path, {"train": ("ann", "bob")})
    (root / "train" / "bob_1.png").rename(tmp_path / "kept.png")
    with pytest.raises(BadInput, match=r"fasion-resize-pairs-train\.csv, row 4: the picture .*bob_1\.png is missing"):
        open_dataset(root, "train", MINI)
    (tmp_path / "kept.png").rename(root / "train" / "bob_1.png")
    write_annotation(
        root / "fasion-resize-annotation-train.csv",
        {f"{who}_0.png": some_pose() for who in ("ann", "bob")},
        frame="crop176",
    )
    with pytest.raises(BadInput, match=r"row 2: .*no joints for ann_1\.png"):
        open_dataset(root, "train", MINI)


def test_a_missing_split_an_unknown_folder_and_two_kinds_in_one_are_refused(tmp_path):
    root = write_fashion(tmp_path / "a", {"train": ("ann",)})
    with pytest.raises(BadInput, match=r"has no fasion-resize-annotation-test\.csv"):
        open_dataset(root, "test", MINI)
    with pytest.raises(BadInput, match="There is no folder"):
        open_dataset(tmp_path / "b", "train", MINI)
    (tmp_path / "b").mkdir()
    with pytest.raises(BadInput, match=r"deepfashion: .*; folder: .*; market1501: "):
        open_dataset(tmp_path / "b", "train", MINI)
    (root / "market-annotation-train.csv").write_text("")
    with pytest.raises(BadInput, match="several kinds"):
        open_dataset(root, "train", MINI)


def test_several_spellings_may_stand_side_by_side_only_if_they_hold_the_same(tmp_path):
    root = write_fashion(tmp_path, {"train": ("ann",)})
    pairs = root / "fasion-resize-pairs-train.csv"
    other = root / "fashion-pairs-train.csv"
    other.write_bytes(pairs.read_bytes())
    assert len(open_dataset(root, "train", MINI)) == 2
    write_pairs(other, [("ann_0.png", "ann_1.png")])
    with pytest.raises(BadInput, match="which differ"):
        open_dataset(root, "train", MINI)


def test_a_picture_is_decoded_once_and_what_is_returned_may_be_changed(tmp_path, monkeypatch):
    data = DeepFashion(write_fashion(tmp_path, {"train": ("ann",)}), "train", MINI)
    first = data[0].source.clone()
    data[0].source.zero_()
    monkeypatch.setattr(DeepFashion, "picture", lambda self, name: pytest.fail("decoded again"))
    assert torch.equal(data[0].source, first)


def test_the_memory_of_pictures_is_bounded_and_stays_behind():
    memory = PictureMemory(num_bytes=2 * 12 * 4)
    for name in "abc":
        memory.get(name, lambda: torch.zeros(12))
    assert sorted(memory._kept) == ["a", "b"]
    assert not pickle.loads(pickle.dumps(memory))._kept


def test_another_skeleton_can_be_asked_for(tmp_path):
    data = open_dataset(write_fashion(tmp_path, {"train": ("ann",)}), "train", MINI, skeleton=COCO_17)
    assert data[0].source_pose.skeleton == COCO_17 and data[0].source_pose.xy.shape == (17, 2)


def test_a_worker_process_gives_the_same_pairs(tmp_path):
    data = open_dataset(write_fashion(tmp_path, {"train": ("ann", "bob")}), "train", MINI)
    loader = DataLoader(data, batch_size=2, num_workers=1, collate_fn=data.collate, multiprocessing_context="spawn")
    batches = list(loader)
    assert [name for batch in batches for name in batch.names] == [data[i].name for i in range(4)]
    assert torch.equal(batches[1].target[1], data[3].target)
    assert torch.equal(batches[1].target_pose.xy[1], data[3].target_pose.xy)


# Market-1501


def write_market(root, folder="train"):
    poses = {f"0002_c1s1_00{k}_01.jpg": some_pose((128, 64), k) for k in range(2)}
    for k, name in enumerate(poses):
        write_picture(root / folder / name, some_picture((128, 64), k))
    write_annotation(root / "market-annotation-train.csv", poses, frame=(128, 64))
    write_pairs(root / "market-pairs-train.csv", [tuple(poses)])
    return root


@pytest.mark.parametrize("folder", ["train", "bounding_box_train"])
def test_market_pairs_are_of_one_person_and_128_by_64(tmp_path, folder):
    data = open_dataset(write_market(tmp_path, folder), "train", Framing((128, 64)), augment=True)
    assert isinstance(data, Market1501) and data.augment
    assert data.rows[0].identity == "0002"
    assert data[0].source.shape == (3, 128, 64)


@pytest.mark.parametrize("framing", [None, Framing((128, 64)), Framing((64, 64), fit="pad")])
def test_an_augmented_pair_is_its_seeds_and_its_joints_stay_on_their_pixels(tmp_path, framing):
    root = write_market(tmp_path)
    data = Market1501(root, "train", framing, augment=True)
    name = data.rows[0].source_name
    data.poses.xy[0, 0] = (29.5, 59.5)
    picture = np.zeros((128, 64, 3), np.uint8)
    picture[54:66, 24:36] = 255  # even: at half the size its edges lie between pixels, too
    write_picture(root / "train" / name.replace(".jpg", ".png"), picture)
    data.picture_path = lambda n: root / "train" / (n.replace(".jpg", ".png") if n == name else n)
    places, errors = set(), []
    for seed in range(24):
        sample, again = data.sample(0, seed), data.sample(0, seed)
        assert torch.equal(sample.source, again.source) and torch.equal(sample.target_pose.xy, again.target_pose.xy)
        light = (sample.source[0] > 0.5).float()
        rows, columns = torch.meshgrid(*(torch.arange(n, dtype=torch.float32) for n in light.shape), indexing="ij")
        centre = torch.stack([(light * columns).sum(), (light * rows).sum()]) / light.sum()
        errors.append(centre - sample.source_pose.xy[0])
        places.add(tuple(sample.source_pose.xy[0].tolist()))
    errors = torch.stack(errors)
    assert errors.abs().max() < 0.8  # the nearest pixel
    assert errors.mean(0).abs().max() < 0.15  # and not to one side
    assert len(places) == 24
    still = Market1501(root, "train", framing)
    assert torch.equal(still.sample(0, 5).target, still[0].target)


def test_a_move_by_whole_pixels_is_exact_and_brings_in_grey():
    picture = from_uint8(some_picture((5, 6)))
    moved = move_pictures(picture, torch.tensor([[1.0, 0.0, 2.0], [0.0, 1.0, -1.0]]), GREY)
    assert torch.equal(moved[:, :-1, 2:], picture[:, 1:, :-2])
    assert (to_uint8(moved[:, :, :2]) == 128).all() and (to_uint8(moved[:, -1:]) == 128).all()


# A folder of your own photos


def write_folder(root, *names, size=(40, 30)):
    for k, name in enumerate(names):
        write_picture(root / name, some_picture(size, k))
        write_pose_json((root / name).with_suffix(".json"), some_pose(size, k))
    return root


def test_a_folder_pairs_the_photos_of_each_person(tmp_path):
    write_folder(tmp_path / "train", "ann_1.jpg", "ann_2.jpg", "ann_3.png", "bob_1.jpg")
    data = open_dataset(tmp_path, "train", Framing((64, 48)))
    assert isinstance(data, Folder) and len(data) == 6
    assert {row.identity for row in data.rows} == {"ann"}
    assert data.picture_size == (40, 30)
    assert torch.equal(data.poses["ann_1.jpg"].xy, some_pose((40, 30), 0).xy)


def test_without_sub_folders_a_hash_of_the_name_splits_the_people_and_all_are_in_one_split(tmp_path):
    people = [f"person{k}" for k in range(12)]
    write_folder(tmp_path, *(f"{who}_{view}.png" for who in people for view in range(2)))
    seen = []
    for split in ("train", "val", "test"):
        if any(split_of(who) == split for who in people):
            seen += [row.identity for row in open_dataset(tmp_path, split, Framing((32, 32))).rows]
    assert sorted(seen) == sorted(2 * people)
    counts = [sum(split_of(f"p{k}") == split for k in range(3000)) for split in ("train", "val", "test")]
    assert abs(counts[0] - 2400) < 100 and abs(counts[1] - 300) < 80


def test_photos_of_several_sizes_are_laid_into_the_frame_and_openpose_files_are_read(tmp_path):
    write_folder(tmp_path / "train", "ann_1.jpg", size=(40, 30))
    write_picture(tmp_path / "train" / "ann_2.jpg", some_picture((60, 60)))
    people = [{"pose_keypoints_2d": [20.0, 30.0, 0.5] * 25}]
    (tmp_path / "train" / "ann_2_keypoints.json").write_text(json.dumps({"people": people}))
    data = open_dataset(tmp_path, "train", MINI)
    assert data.picture_size == MINI.size
    assert data[0].source.shape == data[0].target.shape == (3, 128, 96)
    assert data[1].source_pose.visible.all() and data[1].source_pose.size == (128, 96)
    with pytest.raises(BadInput, match="2 sizes"):
        Folder(tmp_path, "train")


def test_a_photo_without_a_pose_with_the_pose_of_another_or_alone_is_refused(tmp_path):
    root = write_folder(tmp_path / "a", "train/ann_1.jpg", "train/ann_2.jpg")
    write_pose_json(root / "train" / "ann_2.json", some_pose((50, 30)))
    with pytest.raises(BadInput, match=r"is the pose of a 50x30 picture, but ann_2.jpg is 40x30"):
        open_dataset(root, "train", MINI)
    (root / "train" / "ann_2.json").unlink()
    with pytest.raises(BadInput, match=r"ann_2.jpg has no pose; ann_2.json was expected"):
        open_dataset(root, "train", MINI)
    with pytest.raises(BadInput, match="no two photos of one person for the split 'test'"):
        open_dataset(root, "test", MINI)


def test_every_data_set_says_what_it_is_in_one_line():
    assert {"deepfashion", "market1501", "folder", "synthetic-people"} <= set(DATASETS)
    for kind in DATASETS.values():
        assert issubclass(kind, PairDataset)
        assert 0 < len(kind.__doc__.splitlines()[0]) <= 120
