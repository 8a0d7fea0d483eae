"""Synthetic objects: what an object is follows from its number, a turn is a turn, and a file has what was rendered."""

import hashlib
import pickle
import sys

import numpy as np
import pytest
import torch

from reposer.core import BadInput, Batch, Framing, View
from reposer.core.images import to_uint8
from reposer.core.rng import numpy_stream
from reposer.core.view import AZIMUTHS, ELEVATIONS
from reposer.core.workers import results
from reposer.data import open_dataset
from reposer.data.shapenet import ShapeNetViews
from reposer.data.view_pairs import read_view_name, view_name
from reposer.synthetic.objects import KINDS, LitObject, SyntheticObjects, camera_turn, write_objects
from reposer.synthetic.objects.finishes import Finish
from reposer.synthetic.objects.mesh import ball, bar, block, corner_normals, join, lathe, shell

SMALL = (48, 48)
CHALK = Finish((0.8, 0.2, 0.2), 0.0)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    pytest.importorskip("h5py")
    root = tmp_path_factory.mktemp("objects") / "cars"
    return write_objects(root, "cars", size=(32, 40), num_objects={"train": 2, "test": 1}, progress=False)


def volume(part):
    a, b, c = (part.points[part.faces[:, k]] for k in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


def test_parts_are_closed_and_their_faces_look_outwards():
    t = np.linspace(-1, 1, 5)
    u, v = np.meshgrid(t, t)
    box = block((1, 2, 3), (0.4, 0.2, 0.6), CHALK, radius=0.0001)
    assert volume(box) == pytest.approx(0.4 * 0.2 * 0.6, rel=1e-3)
    assert volume(ball((0, 5, 0), (1, 1, 1), CHALK, rows=64)) == pytest.approx(4 / 3 * np.pi, rel=0.01)
    assert volume(lathe([(1, 0), (1, 2)], CHALK, columns=200)) == pytest.approx(2 * np.pi, rel=0.01)
    assert volume(shell(np.stack([u, 0 * u, v], -1), 0.1, CHALK)) == pytest.approx(0.4, rel=1e-6)
    assert volume(bar((0, 0, 0), (0, 0, 2), CHALK, 0.5, roundness=2)) == pytest.approx(np.pi / 2, rel=0.05)


def test_smooth_normals_of_a_ball_are_its_radii_and_a_box_keeps_its_edges():
    part = ball((0, 0, 0), (1, 1, 1), CHALK, rows=24)
    radii = part.points[part.faces]
    assert ((corner_normals(part.points, part.faces) * radii).sum(-1) > 0.995).all()
    box = block((0, 0, 0), (1, 1, 1), CHALK, radius=0.1, steps=1)
    flat = np.abs(corner_normals(box.points, box.faces)).max(-1) > 0.9
    assert flat.mean() > 0.3


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_fills_the_frame_and_is_not_cut_from_any_side(kind):
    data = SyntheticObjects(kind, SMALL, num_objects=3)
    for number in range(3):
        for azimuth, elevation in ((0, 0), (60, 20), (200, 10), (315, 60)):
            rendered = data.picture(number, azimuth, elevation)
            edge = np.concatenate(
                [rendered.picture[[0, -1]].reshape(-1, 3), rendered.picture[:, [0, -1]].reshape(-1, 3)]
            )
            assert (edge == 255).all()
            y, x = np.nonzero(rendered.mask)
            assert max(np.ptp(x), np.ptp(y)) > 0.35 * SMALL[0]
            assert rendered.picture[rendered.mask].astype(float).std() > 4  # it is shaded, not a silhouette


def test_a_whole_turn_changes_nothing_and_a_part_of_one_does():
    data = SyntheticObjects("cars", SMALL)
    first = data.picture(4, 40, 10).picture
    assert np.array_equal(first, data.picture(4, 400, 10).picture)
    assert np.array_equal(first, data.picture(4, -320, 10).picture)
    assert not np.array_equal(first, data.picture(4, 60, 10).picture)


def test_azimuth_goes_anticlockwise_seen_from_above_and_elevation_up():
    front, right, up = np.eye(3)[2], np.eye(3)[0], np.eye(3)[1]
    assert np.allclose(camera_turn(0, 0), np.eye(3))
    # the camera that went a quarter round stands at the object's +x side and sees its front on the left
    assert np.allclose(camera_turn(90, 0) @ right, (0, 0, 1))
    assert np.allclose(camera_turn(90, 0) @ front, (-1, 0, 0))
    assert np.allclose(camera_turn(123, 90) @ up, (0, 0, 1))
    for azimuth in (0, 77, 200):
        assert np.linalg.det(camera_turn(azimuth, 20)) == pytest.approx(1)
    nose = LitObject(
        join([block((0, 0, 0), (1, 1, 4), CHALK), block((0, 0, 2.2), (1, 1, 0.4), Finish((0, 0, 1.0), 0.0))])
    )
    picture = nose.render(90, 0, (64, 64)).picture.astype(int)
    blue = np.nonzero(picture[..., 2] > picture[..., 0] + 40)
    assert blue[1].size and blue[1].max() < 32


def test_a_thing_of_mirror_symmetry_looks_mirrored_from_mirrored_azimuths():
    part = lathe([(0.5, 0), (0.3, 1), (0.6, 1.4)], CHALK)
    lit = LitObject(join([part]))
    lit.power = np.where(np.arange(len(lit.power)) == 0, lit.power, 0)  # the lights alone are not symmetric
    mask = lit.render(30, 15, SMALL).mask
    assert (mask ^ mask[:, ::-1]).mean() < 0.01


def digest_of_chair(i):
    data = SyntheticObjects("chairs", SMALL, num_objects=5)
    return hashlib.sha256(data[i].target.numpy().tobytes()).hexdigest()


@pytest.mark.slow
def test_an_item_is_the_same_in_any_order_instance_and_process():
    one, two = (SyntheticObjects("chairs", SMALL, num_objects=3), SyntheticObjects("chairs", SMALL, num_objects=90))
    items = [0, 70, 161]
    forwards = {i: one[i] for i in items}
    for i in reversed(items):
        sample = two[i]
        assert sample.name == forwards[i].name
        assert torch.equal(sample.source, forwards[i].source) and torch.equal(sample.target, forwards[i].target)
        assert one.identity(i) == two.identity(i)
    digest = hashlib.sha256(forwards[70].target.numpy().tobytes()).hexdigest()
    assert list(results(digest_of_chair, [70], 1)) == [digest]
    again = pickle.loads(pickle.dumps(one))
    assert torch.equal(again[70].source, forwards[70].source)


@pytest.mark.slow
def test_another_seed_kind_or_number_gives_another_object():
    pictures = [
        SyntheticObjects(kind, SMALL, seed=seed).picture(number, 40, 10).picture
        for kind, seed, number in (("chairs", 0, 0), ("chairs", 1, 0), ("chairs", 0, 1), ("cars", 0, 0))
    ]
    assert len({p.tobytes() for p in pictures}) == 4


def test_splits_share_no_object_and_pairs_follow_the_published_rule():
    sets = {split: SyntheticObjects("chairs", SMALL, split, num_objects=20) for split in ("train", "val", "test")}
    models = [model for data in sets.values() for model in data.models]
    assert len(set(models)) == 60 and not any("_" in model for model in models)
    train, test = sets["train"], sets["test"]
    assert len(train) == 20 * 54 and len(test) == 20 * 18
    seen = set()
    for i in range(54):
        row = train.rows[i]
        model, azimuth, elevation = read_view_name(row.source_name)
        goal, _, level = read_view_name(row.target_name)
        assert model == goal == row.identity == train.identity(i) and elevation == level
        seen.add((azimuth, elevation))
    assert seen == {(a, e) for a in AZIMUTHS for e in ELEVATIONS}
    for i in range(len(test)):
        row = test.rows[i]
        assert read_view_name(row.source_name)[1:] == (20.0 * (i // 18 % 18), 0)
        assert read_view_name(row.target_name)[1:] == (20.0 * (i % 18), 0)
    goals = {train.rows.sampled(7, seed).target_name for seed in range(200)}
    assert len(goals) == 18


def held_out_facts(train, held, everything):
    """The two splits of every third azimuth: disjoint in azimuth, one in the object, complete together."""
    kept = {read_view_name(row.source_name)[1] for row in train.rows}
    goals = {read_view_name(train.rows.sampled(i, seed).target_name)[1] for i in range(4) for seed in range(100)}
    asked = {read_view_name(row.target_name)[1] for row in held.rows}
    assert asked == set(range(40, 360, 60)) and not asked & kept and kept == goals
    assert kept | asked == {read_view_name(row.source_name)[1] for row in everything.rows}
    assert len(train) == len(everything) * 12 // 18 and len(held) == len(train) * 6
    pairs = {(row.source_name, row.target_name) for row in held.rows}
    assert len(pairs) == len(held)
    for apart in (2, 3, 6, 7):  # as a few are picked to be scored
        assert len({read_view_name(row.target_name)[1] for row in held.rows[::apart]}) == 6
    for row in held.rows:
        (model, start, level), (goal, _, height) = (read_view_name(name) for name in (row.source_name, row.target_name))
        assert model == goal == row.identity and start in kept and level == height
    assert {train.identity(i) for i in range(len(train))} == {held.identity(i) for i in range(len(held))}


def test_every_third_azimuth_of_the_training_objects_is_held_out():
    train, held, everything = (
        SyntheticObjects("chairs", SMALL, split, num_objects=2, hold_out=hold_out)
        for split, hold_out in (("train", 3), ("held-out", 3), ("train", 0))
    )
    held_out_facts(train, held, everything)
    assert held.models == train.models
    test = SyntheticObjects("chairs", SMALL, "test", num_objects=2, hold_out=3)
    assert len(test) == 36  # the other objects are turned to all azimuths


@pytest.mark.slow
def test_a_file_holds_out_what_rendered_objects_do(written):
    train, held, everything = (
        ShapeNetViews(written, split, hold_out=hold_out)
        for split, hold_out in (("train", 3), ("held-out", 3), ("train", 0))
    )
    held_out_facts(train, held, everything)
    assert held.rows == SyntheticObjects("cars", (32, 40), "held-out", num_objects=2, hold_out=3).rows
    assert open_dataset(written, "held-out", None).rows == held.rows  # every third, where nobody says more
    assert torch.equal(held[5].target, everything.framed(held.rows[5].target_name)[0])


@pytest.mark.parametrize(("split", "hold_out"), [("train", 1), ("train", -2), ("held-out", 0), ("held-out", 19)])
def test_a_hold_out_that_leaves_nothing_is_refused(split, hold_out):
    with pytest.raises(BadInput, match=f"hold_out={hold_out} does not fit"):
        SyntheticObjects("chairs", SMALL, split, num_objects=1, hold_out=hold_out)


def test_samples_carry_views_in_degrees_and_stack():
    data = SyntheticObjects("chairs", SMALL, num_objects=1, framing=Framing((64, 48)))
    sample = data[4]  # azimuth 20, elevation 10
    assert isinstance(sample.source_pose, View)
    assert (float(sample.source_pose.azimuth), float(sample.source_pose.elevation)) == (20.0, 10.0)
    assert sample.source.shape == (3, 64, 48)
    assert sample.name == f"{data.rows[4].source_name}_2_{data.rows[4].target_name}"
    batch = Batch.stack([data[4], data.sample(4, 3)])
    assert batch.source_pose.azimuth.tolist() == [20.0, 20.0]
    assert torch.equal(batch.source[0], batch.source[1])


@pytest.mark.slow
def test_a_plain_background_is_one_colour_of_the_object():
    data = SyntheticObjects("cars", SMALL, background="plain")
    one, two = data.picture(0, 0, 0).picture, data.picture(0, 100, 20).picture
    assert (one[0] == one[0, 0]).all() and (one[0, 0] == two[0, 0]).all()
    assert not (one[0, 0] == data.picture(1, 0, 0).picture[0, 0]).all()


@pytest.mark.slow
def test_a_written_file_gives_back_what_was_rendered(written):
    rendered, read = SyntheticObjects("cars", (32, 40), num_objects=2), ShapeNetViews(written, "train")
    assert len(rendered) == len(read) == 108 and read.picture_size == (32, 40)
    for i in (0, 50, 107):
        a, b = rendered[i], read[i]
        assert a.name == b.name and rendered.identity(i) == read.identity(i)
        assert torch.equal(to_uint8(a.source), to_uint8(b.source))
        assert torch.equal(to_uint8(a.target), to_uint8(b.target))
        assert torch.equal(a.target_pose.azimuth, b.target_pose.azimuth)
        assert torch.equal(rendered.sample(i, 9).target, read.sample(i, 9).target)
    tests = ShapeNetViews(written / "data_car.hdf5", "test")
    assert len(tests) == 18 and tests.identity(3) == "car950000"


@pytest.mark.slow
def test_a_written_file_has_the_published_form(written):
    h5py = pytest.importorskip("h5py")
    ids = (written / "id_car_train.txt").read_text().split()
    assert len(ids) == 108 and ids[4] == "car000000_2_10"
    assert (written / "name_car_test.txt").read_text().split() == ["car950000"]
    with h5py.File(written / "data_car.hdf5", "r") as file:
        assert len(file) == 3 * 54
        view = file["car000001_34_20"]
        assert view["image"].shape == (32, 40, 3) and view["image"].dtype == np.uint8
        assert view["pose"].dtype == np.int64 and view["pose"][()].tolist() == [34, 20]


@pytest.mark.slow
def test_open_dataset_knows_the_form_and_survives_pickling(written):
    data = open_dataset(written, "test", Framing((64, 64)))
    assert isinstance(data, ShapeNetViews) and data[0].source.shape == (3, 64, 64)
    assert torch.equal(pickle.loads(pickle.dumps(data))[5].target, data[5].target)


@pytest.mark.slow
def test_what_is_wrong_with_a_folder_of_views_is_said(written, tmp_path, monkeypatch):
    with pytest.raises(BadInput, match="exists already"):
        write_objects(written, "cars")
    with pytest.raises(BadInput, match="no synthetic 'boats'; there are chairs, cars"):
        write_objects(tmp_path / "new", "boats")
    with pytest.raises(BadInput, match=r"id_car_val.txt is missing"):
        ShapeNetViews(written, "val")
    (tmp_path / "data_car.hdf5").write_bytes(b"not HDF5")
    (tmp_path / "id_car_train.txt").write_text("car000000_0_0\n")
    with pytest.raises(BadInput, match="not a whole HDF5 file"):
        ShapeNetViews(tmp_path, "train")
    (tmp_path / "data_chair.hdf5").write_bytes(b"")
    with pytest.raises(BadInput, match=r"holds data_car.hdf5, data_chair.hdf5. Name the one"):
        ShapeNetViews(tmp_path, "train")
    lists = tmp_path / "ids.txt"
    lists.write_text("car000000_0_0\nvan_0_0\n")
    with pytest.raises(BadInput, match="has no view 'van_0_0'"):
        ShapeNetViews(written, "train", ids=lists)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(BadInput, match=r"pip install 'h5py>=3.11'"):
        ShapeNetViews(written, "test")


def test_a_broken_off_writing_leaves_nothing(tmp_path, monkeypatch):
    pytest.importorskip("h5py")
    calls = []

    def stop(self, *place):
        calls.append(place)
        raise KeyboardInterrupt

    monkeypatch.setattr(SyntheticObjects, "picture", stop)
    with pytest.raises(KeyboardInterrupt):
        write_objects(tmp_path / "new", "chairs", num_objects={"train": 1}, progress=False)
    assert calls and list(tmp_path.iterdir()) == []


def test_names_of_views_read_back_and_others_are_refused():
    for view in (("chair000007", 140.0, 20.0), ("a_b", 12.5, 0.0)):
        assert read_view_name(view_name(*view)) == view
    with pytest.raises(BadInput, match="is not the name of a view"):
        read_view_name("chair7")


@pytest.mark.parametrize("numbers", [range(8), pytest.param(range(8, 100), marks=pytest.mark.nightly)])
@pytest.mark.parametrize("kind", KINDS)
def test_objects_of_every_kind_are_sound(kind, numbers):
    for number in numbers:
        mesh = join(KINDS[kind].make(numpy_stream(0, number)))
        assert np.isfinite(mesh.points).all() and np.isfinite(mesh.normals).all()
        assert len(mesh.faces) < 40_000 and mesh.radius > 0
