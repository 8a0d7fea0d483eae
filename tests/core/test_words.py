import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
import torch

from reposer.core import BadInput, Batch, Framing, Pose, Registry, Sample, View
from reposer.core.configs import from_plain, to_plain
from reposer.core.images import from_uint8, resize, to_uint8
from reposer.core.rng import mix, permutation, row_seeds, seeded_randn
from tests.core.test_pose import a_pose


def test_every_byte_survives_the_way_in_and_out():
    picture = torch.arange(256, dtype=torch.uint8).view(16, 16, 1).repeat(1, 1, 3)
    assert torch.equal(to_uint8(from_uint8(picture)), picture)
    assert from_uint8(picture).min() == -1 and from_uint8(picture).max() == 1


def test_numbers_beyond_the_range_are_clipped():
    assert to_uint8(torch.full((3, 1, 1), 5.0)).unique().tolist() == [255]
    assert to_uint8(torch.full((3, 1, 1), -5.0)).unique().tolist() == [0]


def test_a_resize_of_a_plain_picture_is_plain():
    assert resize(torch.full((1, 3, 10, 7), 0.25), (23, 5)).sub(0.25).abs().max() < 1e-6


def test_an_unknown_name_answers_with_the_nearest_and_the_whole_list():
    registry: Registry[int] = Registry("fruit")
    registry.add("apple", 1)
    registry.add("pear", 2)
    with pytest.raises(BadInput, match=r"no fruit 'aple'.*Did you mean apple.*There are: apple, pear"):
        registry["aple"]
    assert list(registry) == ["apple", "pear"] and registry["pear"] == 2


def test_the_noise_of_a_row_does_not_depend_on_the_batch():
    seeds = row_seeds(seed=3, step=7, first_row=0, num_rows=4)
    whole = seeded_randn((2, 3), seeds)
    assert torch.equal(seeded_randn((2, 3), seeds[2:3])[0], whole[2])
    assert torch.equal(row_seeds(3, 7, 2, 2), seeds[2:])
    assert len({tuple(row.flatten().tolist()) for row in whole}) == 4


def test_seeds_differ_in_every_place():
    assert len({mix(a, b) for a in range(30) for b in range(30)}) == 900
    assert mix(1, 2) != mix(2, 1) and all(0 <= mix(k) < 2**63 for k in range(100))


def test_a_permutation_is_one_and_the_rounds_differ():
    first, second = permutation(0, 0, 50), permutation(0, 1, 50)
    assert sorted(first) == list(range(50)) and list(first) != list(second)


@dataclass(frozen=True)
class Inner:
    sides: tuple[int, ...] = (1, 2)
    name: str | None = None


@dataclass(frozen=True)
class Outer:
    inner: Inner
    pairs: tuple[tuple[int, int], ...] = ((1, 2), (3, 4))
    rate: float = 0.5
    others: Mapping[str, Inner] = field(default_factory=dict)


def test_a_config_comes_back_from_its_plain_form():
    config = Outer(Inner((5,), "x"), ((7, 8),), others={"left": Inner((3,))})
    assert from_plain(Outer, to_plain(config)) == config


def test_a_field_that_is_unknown_or_missing_is_refused():
    with pytest.raises(BadInput, match="speed"):
        from_plain(Outer, to_plain(Outer(Inner())) | {"speed": 1})
    with pytest.raises(BadInput, match="inner"):
        from_plain(Outer, {"rate": 1.0})


def test_a_mini_frame_leaves_four_columns_on_each_side():
    framing = Framing((128, 96), fit="pad")
    assert framing.content_box((256, 176)) == (4, 0, 92, 128) == framing.content_box((128, 88))
    assert framing.person_size == (128, 88)


@pytest.mark.parametrize("fit", ["squash", "pad"])
@pytest.mark.parametrize("size", [(256, 176), (1101, 750), (100, 300)])
def test_a_picture_s_corners_go_to_the_corners_of_its_content(fit, size):
    framing = Framing((128, 96), fit=fit)
    left, top, right, bottom = framing.content_box(size)
    corners = torch.tensor([[-0.5, -0.5], [size[1] - 0.5, size[0] - 0.5]]).repeat(9, 1)
    placed = framing.place(Pose(corners, torch.ones(18, dtype=torch.bool), size))
    assert placed.size == (128, 96)
    torch.testing.assert_close(placed.xy[0], torch.tensor([left - 0.5, top - 0.5]), rtol=0, atol=1e-3)
    far = torch.tensor([right - 0.5, bottom - 0.5])
    assert (placed.xy[1] - far).abs().max() <= 0.501  # the content ends at a whole pixel


def a_sample(seed: int) -> Sample:
    picture = torch.rand(3, 8, 6, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return Sample(picture, picture.flip(2), a_pose(seed), a_pose(seed + 1), f"person_{seed}")


def test_a_batch_swapped_twice_is_itself_and_its_rows_are_its_samples():
    batch = Batch.stack([a_sample(k) for k in range(3)], torch.arange(3))
    twice = batch.swap().swap()
    assert torch.equal(twice.source, batch.source) and torch.equal(twice.target_pose.xy, batch.target_pose.xy)
    row = batch.rows(1, 2)
    assert len(row) == 1 and row.names == ("person_1",) and torch.equal(row.source[0], a_sample(1).source)
    assert row.seeds.tolist() == [1]


def test_views_stack():
    views = [View(torch.tensor(a), torch.tensor(10.0)) for a in (0.0, 20.0)]
    assert View.stack(views).azimuth.tolist() == [0.0, 20.0]
    assert View.stack(views)[1].azimuth == 20.0


def test_what_could_not_be_imported_is_tried_again_at_the_next_look(tmp_path, monkeypatch):
    (tmp_path / "fruits_of_a_test").mkdir()
    (tmp_path / "fruits_of_a_test/__init__.py").write_text(
        "from reposer.core import Registry\nFRUITS = Registry('fruit')\n"
    )
    (tmp_path / "fruits_of_a_test/apple.py").write_text("from . import FRUITS\nFRUITS.add('apple', 1)\n")
    (tmp_path / "fruits_of_a_test/berry.py").write_text(
        "import os\nfrom . import FRUITS\nif 'FLAKY' in os.environ:\n    raise MemoryError\nFRUITS.add('berry', 2)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("FLAKY", "1")
    fruits = importlib.import_module("fruits_of_a_test").FRUITS
    fruits.fill_from("fruits_of_a_test")
    with pytest.raises(MemoryError):
        list(fruits)
    monkeypatch.delenv("FLAKY")
    assert sorted(fruits) == ["apple", "berry"]
