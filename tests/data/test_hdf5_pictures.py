"""HDF5 files from anywhere: only what the file itself holds is read, and what is damaged is said in a sentence."""

import os
import shutil

import numpy as np
import pytest

from reposer.core import BadInput
from reposer.data.check import check_dataset
from reposer.data.hdf5_pictures import opened
from reposer.data.shapenet import ShapeNetViews
from reposer.synthetic.objects import write_objects

h5py = pytest.importorskip("h5py")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    root = tmp_path_factory.mktemp("objects") / "cars"
    return write_objects(root, "cars", size=(32, 40), num_objects={"train": 1, "test": 1}, progress=False)


@pytest.fixture
def views(written, tmp_path):
    """A copy of the written views, to be spoilt. Its first listed view is called `name`."""
    shutil.copytree(written, tmp_path / "views")
    return tmp_path / "views"


def first_view(root):
    return (root / "id_car_train.txt").read_text().split()[0]


def spoil(root, change):
    """`change` the group of the first view, in the opened file."""
    with h5py.File(root / "data_car.hdf5", "r+") as file:
        change(file, first_view(root))
    return root


def refusal(root):
    with pytest.raises(BadInput) as caught:
        ShapeNetViews(root, "train")
    errors = {f.kind for f in check_dataset(root, progress=False) if f.severity == "error"}
    assert "does not open" in errors
    return str(caught.value)


def secret(tmp_path):
    """Another file of the machine, with a picture in it."""
    with h5py.File(tmp_path / "secret.hdf5", "w") as file:
        file["view/image"] = np.full((64, 64, 3), 77, np.uint8)
        file["image"] = np.full((64, 64, 3), 77, np.uint8)
    (tmp_path / "secret.bin").write_bytes(bytes([77]) * (64 * 64 * 3))
    return tmp_path


@pytest.mark.slow
def test_an_external_link_is_refused(views, tmp_path):
    other = secret(tmp_path)

    def link_group(file, name):
        del file[name]
        file[name] = h5py.ExternalLink(str(other / "secret.hdf5"), "/view")

    assert "is a link to another place" in refusal(spoil(views, link_group))


def test_a_link_to_an_image_in_another_file_is_refused(views, tmp_path):
    other = secret(tmp_path)

    def link_image(file, name):
        del file[name]["image"]
        file[name]["image"] = h5py.ExternalLink(str(other / "secret.hdf5"), "/image")

    assert "is a link to another place" in refusal(spoil(views, link_image))


def test_a_soft_link_that_leads_through_another_file_is_refused(views, tmp_path):
    other = secret(tmp_path)

    def through(file, name):
        file["door"] = h5py.ExternalLink(str(other / "secret.hdf5"), "/")
        del file[name]["image"]
        file[name]["image"] = h5py.SoftLink("/door/image")

    assert "is a link to another place" in refusal(spoil(views, through))


def test_a_name_in_a_list_leads_through_no_link(views, tmp_path):
    other = secret(tmp_path)

    def door(file, name):
        file["door"] = h5py.ExternalLink(str(other / "secret.hdf5"), "/")

    spoil(views, door)
    (views / "id_car_train.txt").write_text("door/view_0_0\n")
    with pytest.raises(BadInput, match="has no view 'door/view_0_0'"):
        ShapeNetViews(views, "train")


def test_pixels_that_lie_in_another_file_are_refused(views, tmp_path):
    other = secret(tmp_path)

    def external(file, name):
        del file[name]["image"]
        place = [(str(other / "secret.bin"), 0, 64 * 64 * 3)]
        file[name].create_dataset("image", (64, 64, 3), np.uint8, external=place)

    assert "lies in other files (external storage)" in refusal(spoil(views, external))


def test_a_virtual_data_set_is_refused(views, tmp_path):
    other = secret(tmp_path)

    def virtual(file, name):
        del file[name]["image"]
        layout = h5py.VirtualLayout((64, 64, 3), np.uint8)
        layout[:] = h5py.VirtualSource(str(other / "secret.hdf5"), "image", (64, 64, 3))
        file[name].create_virtual_dataset("image", layout)

    assert "is put together of other files (a virtual data set)" in refusal(spoil(views, virtual))


def test_damaged_blocks_of_an_hdf5_file_are_a_sentence_and_an_error(views):
    with h5py.File(views / "data_car.hdf5") as file:
        chunk = file[first_view(views)]["image"].id.get_chunk_info(0)
    content = bytearray((views / "data_car.hdf5").read_bytes())
    content[chunk.byte_offset : chunk.byte_offset + chunk.size] = b"\xff" * chunk.size
    (views / "data_car.hdf5").write_bytes(content)
    assert "the image is damaged" in refusal(views)


def test_a_view_of_another_size_among_the_others_is_refused_and_an_error(views):
    name = (views / "id_car_train.txt").read_text().split()[5]
    with h5py.File(views / "data_car.hdf5", "r+") as file:
        del file[name]["image"]
        file[name]["image"] = np.zeros((32, 64, 3), np.uint8)
    data = ShapeNetViews(views, "train")
    with pytest.raises(BadInput, match="has 32x64 pixels, the first one has"):
        data.picture(name)
    assert "unreadable pictures" in {f.kind for f in check_dataset(views, progress=False) if f.severity == "error"}


def test_a_pipe_in_the_place_of_an_hdf5_file_is_refused_before_it_is_opened(tmp_path):
    """To open one would wait for somebody to write into it, for ever."""
    os.mkfifo(tmp_path / "data_car.hdf5")
    with pytest.raises(BadInput, match="not a file"):
        opened(tmp_path / "data_car.hdf5")
