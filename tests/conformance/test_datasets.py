"""Every registered data set, of pairs and of clips, from its smallest valid folder (`smallest.py`)."""

import pickle

import pytest
import torch

from reposer.core import FaceLines, Framing, Pose, View
from reposer.data import DATASETS
from reposer.data.clip_dataset import CLIP_DATASETS, FileClips, recognise_clips
from reposer.data.dataset import FilePairs, recognise
from tests.batches import batches

from .smallest import CLIPS, FRAMES, PAIRS, equal

SQUARE = Framing((32, 32), aspect=1.0)
SLOW = ("synthetic-objects",)  # a car takes a second


def named(names):
    marked = [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in names]
    return pytest.mark.parametrize("name", marked)


pairs, clips, every = named(PAIRS), named(CLIPS), named([*PAIRS, *CLIPS])


@pytest.fixture
def opened(name, tmp_path):
    """Opens the data set of this name anew, each time from the same files."""
    smallest = (PAIRS | CLIPS)[name]
    if smallest.write is not None:
        smallest.write(tmp_path)
    return lambda framing=SQUARE: smallest.open(tmp_path, framing)


def in_range(picture, size):
    assert picture.dtype == torch.float32 and picture.shape[-3:] == (3, *size)
    assert picture.isfinite().all() and picture.min() >= -1 and picture.max() <= 1


def in_frame(condition, size):
    """Whether a condition is of pictures of this size, with finite places."""
    if isinstance(condition, View):
        assert condition.azimuth.isfinite().all() and condition.elevation.isfinite().all()
        return
    points = condition.points if isinstance(condition, FaceLines) else condition
    assert isinstance(points, Pose) and points.size == size and points.visible.any()
    assert points.xy[points.visible].isfinite().all()


def test_each_registered_data_set_has_a_smallest_folder():
    """One that is missed here is added to PAIRS or CLIPS in smallest.py; then all of the tests below see it."""
    assert set(PAIRS) == set(DATASETS)
    assert set(CLIPS) == set(CLIP_DATASETS)


@every
def test_a_folder_is_recognised_as_its_own_kind(name, opened, tmp_path):
    kind = DATASETS[name] if name in PAIRS else CLIP_DATASETS[name]
    data = opened()
    assert type(data) is kind
    if isinstance(data, FilePairs):
        assert recognise(tmp_path) is kind and kind.looks_for
    elif isinstance(data, FileClips):
        assert recognise_clips(tmp_path) is kind and kind.looks_for
    else:
        assert not any(tmp_path.iterdir())  # it reads no files


@pairs
def test_pairs_have_one_order_and_one_number(name, opened):
    data, again = opened(), opened()
    assert len(data) == len(again) > 0
    last = len(data) - 1
    for i in {0, last}:
        assert equal(data[i], again[i])
        assert data.identity(i) == again.identity(i) and data.picture_names(i) == again.picture_names(i)
        assert equal(data.sample(i, 7), again.sample(i, 7))
    assert equal(data[-1], data[last])
    with pytest.raises(IndexError):
        data[len(data)]


@pairs
@pytest.mark.parametrize("framing", [SQUARE, Framing((48, 32), fit="pad"), None])
def test_pairs_have_the_promised_size_and_range(name, opened, framing):
    data = opened(framing)
    sample = data[0]
    size = data.picture_size if framing is None else framing.size
    for picture, condition in ((sample.source, sample.source_pose), (sample.target, sample.target_pose)):
        in_range(picture, size)
        in_frame(condition, size)
    assert data.framing == framing and sample.name and data.identity(0)
    assert all(side > 0 for side in data.target_size(0))


@clips
def test_clips_have_one_order_and_one_number(name, opened):
    data, again = opened(), opened()
    assert len(data) == len(again) > 0
    for i in {0, len(data) - 1}:
        assert (data.name(i), data.identity(i), data.span(i), data.fps(i)) == (
            *(again.name(i), again.identity(i), again.span(i), again.fps(i)),
        )
        assert equal(data.sample(i, 7), again.sample(i, 7))
    assert equal(data[-1], data[len(data) - 1])
    with pytest.raises(IndexError):
        data[len(data)]


@clips
def test_clips_have_the_promised_frames_sizes_and_ranges(name, opened):
    data = opened()
    sample, whole = data.sample(0, 3), data.whole(0)
    assert data.frames_per_sample == FRAMES == len(sample.frames) == len(sample.poses)
    for picture in (sample.source, sample.frames, whole.source, *whole.frames()):
        in_range(picture, SQUARE.size)
    in_frame(sample.source_pose, SQUARE.size)
    in_frame(sample.poses, SQUARE.size)
    count = len(data.span(0))
    assert whole.num_frames == len(whole.poses) == len(data.trusted(0)) == count == sum(1 for _ in whole.frames())
    masks = data.masks(0, data.span(0)[:2])
    if masks is not None:
        assert masks.shape == (2, 1, *SQUARE.size) and masks.min() >= 0 and masks.max() <= 1
        assert sample.foreground is not None and sum(1 for _ in whole.foreground()) == count


@pytest.mark.slow
@every
def test_two_worker_processes_read_what_none_reads(name, opened):
    data = opened()
    asked = {"seed": 5, "batch_size": 2, "first_step": 0, "last_step": 2}
    alone = list(batches(data, **asked))
    assert len(alone) == 2
    assert all(equal(one, other) for one, other in zip(alone, batches(opened(), **asked, workers=2), strict=True))


@every
def test_a_data_set_that_was_read_survives_the_way_to_another_process(name, opened):
    data = opened()
    first = data[0]
    assert equal(pickle.loads(pickle.dumps(data))[0], first)
