"""Real HDF5 files of view synthesis through the door that ours go through."""

import pytest
import torch

from reposer.core import BadInput, Framing
from reposer.data import open_dataset
from reposer.data.shapenet import ShapeNetViews
from reposer.data.view_pairs import read_view_name

pytest.importorskip("h5py")


@pytest.mark.parametrize(
    ("kind", "train", "test"), [("car", "cesiummilktruck", "beetle"), ("chair", "trimeshmodel", "model24765")]
)
def test_the_real_files_open_with_their_54_views_and_18_test_pairs(real_data, kind, train, test):
    path = real_data / "views" / f"data_{kind}.hdf5"
    first, second = ShapeNetViews(path, "train"), ShapeNetViews(path, "test")
    assert (len(first), len(second)) == (54, 18)
    assert first.models == [train] and second.models == [test]
    assert first.picture_size == (256, 256)
    assert {first.identity(i) for i in range(54)} == {train}
    for data in (first, second):
        for i in range(len(data)):
            sample, row = data[i], data.rows[i]
            assert sample.source.shape == (3, 256, 256) and sample.source.min() < 0 < sample.source.max()
            assert float(sample.target_pose.azimuth) == read_view_name(row.target_name)[1]
    assert torch.equal(second[0].source, second[0].target)  # the source view is one of the targets


def test_the_pose_in_the_file_is_the_one_in_the_name(real_data):
    import h5py

    for kind in ("car", "chair"):
        with h5py.File(real_data / "views" / f"data_{kind}.hdf5", "r") as file:
            assert len(file) == 108
            for name, view in file.items():
                _, azimuth, elevation = read_view_name(name)
                assert view["pose"][()].tolist() == [azimuth / 10, elevation]


def test_the_van_turns_as_our_cars_do(real_data):
    """Its nose points right at azimuth 0; a camera that goes anticlockwise meets the nose at about 90 degrees."""
    data = ShapeNetViews(real_data / "views" / "data_car.hdf5", "train")

    def width(azimuth):
        seen = (data.picture(f"cesiummilktruck_{azimuth}_0").float().mean(-1) < 250).any(0).nonzero()
        return int(seen.max() - seen.min())

    assert width(8) < width(4) < width(0)


def test_one_file_is_named_where_a_folder_holds_several(real_data):
    with pytest.raises(BadInput, match="Name the one that is meant"):
        open_dataset(real_data / "views", "train", None)
    data = open_dataset(real_data / "views" / "data_chair.hdf5", "train", Framing((64, 64)))
    assert data[0].source.shape == (3, 64, 64)


def test_the_published_lists_are_54_views_of_each_model(real_data):
    folder = real_data / "annotations" / "shapenet"
    ids = (folder / "id_chair_test.txt").read_text().split()
    models = (folder / "model_chair_test.txt").read_text().split()
    assert len(ids) == 54 * len(models) == 7_560
    assert {read_view_name(name)[0] for name in ids} == set(models)
