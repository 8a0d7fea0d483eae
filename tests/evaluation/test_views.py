"""Views per azimuth: grouped rightly, beside the copied source, and shown."""

import json
import math

import numpy as np
import pytest
import torch

from reposer.core import BadInput, Pose, Sample
from reposer.core.ticks import round_ticks
from reposer.data.shapenet import ShapeNetViews
from reposer.data.view_pairs import as_view, view_name
from reposer.evaluation.view_plot import BLUE, ORANGE, OTHERS, view_plot
from reposer.evaluation.views import by_angle, evaluate_views, view_table, views_to_plain
from reposer.metrics import Value
from reposer.synthetic.objects.dataset import SyntheticObjects

SIZE = (12, 12)


class Turntable:
    """Grey pictures of two objects, whose level is the target's azimuth / 10 and half of it in the source."""

    framing = None
    pairs = tuple((model, source, target) for model, source in (("a", 0), ("b_2", 20)) for target in (0, 20, 340))

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, i):
        model, source, target = self.pairs[i]
        grey = [torch.full((3, *SIZE), level / 127.5 - 1) for level in (target / 20, target / 10)]
        name = f"{view_name(model, source, 0)}_2_{view_name(model, target, 0)}"
        return Sample(*grey, as_view(source, 0), as_view(target, 0), name)

    def identity(self, i):
        return self.pairs[i][0]

    def target_size(self, i):
        return SIZE

    def picture_names(self, i):
        model, source, target = self.pairs[i]
        return view_name(model, source, 0), view_name(model, target, 0)

    def attributes(self, i):
        return {}


def black(source, source_pose, target_pose, *, seeds=None):
    return torch.full_like(source, -1.0)


@pytest.mark.parametrize("batch_size", [1, 4])
def test_each_pair_counts_at_its_targets_azimuth_or_at_its_turn(batch_size):
    reports = evaluate_views(black, Turntable(), batch_size=batch_size)
    by_azimuth = by_angle(reports, "l1")
    assert list(by_azimuth) == [0, 20, 340]
    for azimuth, (generated, copied) in by_azimuth.items():
        assert (generated.pairs, copied.pairs) == (2, 2)
        assert generated.mean == pytest.approx(azimuth / 10 / 255)
        assert copied.mean == pytest.approx(azimuth / 20 / 255)
    turns = by_angle(reports, "l1", "turn")
    assert {turn: generated.pairs for turn, (generated, _) in turns.items()} == {-40: 1, -20: 2, 0: 2, 20: 1}
    assert turns[-40][0].mean == pytest.approx(34 / 255)


def test_the_mean_over_azimuths_weighted_by_pairs_is_the_reports_own():
    reports = evaluate_views(black, Turntable())
    for metric, summary in reports["generated"].summary.items():
        groups = [generated for generated, _ in by_angle(reports, metric).values() if generated.pairs]
        total = sum(g.mean * g.pairs for g in groups) / sum(g.pairs for g in groups)
        assert total == pytest.approx(summary.value.mean)


def test_a_view_that_is_generated_exactly_has_no_finite_psnr_and_is_said_to_be_left_out():
    reports = evaluate_views(black, Turntable())
    generated, copied = by_angle(reports, "psnr")[0]
    assert generated == copied == Value(math.inf, 0, 2)
    table = view_table(reports)
    cells = [list(column.cells) for column in table.columns]
    assert cells[0] == ["0", "20", "340", "all"] and cells[-1] == ["2", "2", "2", "6"]
    assert cells[3][0] == "inf (inf)" and cells[3][-1].count("of 4") == 2
    plain = json.loads(json.dumps(views_to_plain(reports, "turn"), allow_nan=False))
    assert [row["pairs"] for row in plain["by_turn"]["l1"]] == [1, 2, 2, 1]


def test_another_generator_stands_beside_in_the_numbers_the_table_and_the_plot():
    def exact(source, source_pose, target_pose, *, seeds=None):
        level = target_pose.azimuth / 10 / 127.5 - 1
        return level[:, None, None, None].expand(source.shape)

    reports = evaluate_views(black, Turntable(), against={"exact": exact})
    generated, copied, other = by_angle(reports, "l1")[340]
    assert other.mean == 0 and generated.mean > copied.mean > 0
    assert list(views_to_plain(reports)) == ["generated", "copied", "exact", "by_azimuth"]
    assert set(views_to_plain(reports)["by_azimuth"]["l1"][0]) == {"degrees", "generated", "copied", "exact", "pairs"}
    table = view_table(reports)
    assert "generated / exact (copied source)" in table.title
    assert list(table.columns[1].cells)[2] == f"{generated.mean:.4f} / 0.0000 ({copied.mean:.4f})"
    sheet = view_plot(reports)
    assert all((sheet == colour).all(-1).any() for colour in (BLUE, ORANGE, OTHERS[0]))
    with pytest.raises(BadInput, match="cannot be called 'copied'"):
        evaluate_views(black, Turntable(), against={"copied": exact})
    with pytest.raises(BadInput, match="4 lines at most, not 5"):
        view_plot(evaluate_views(black, Turntable(), against=dict.fromkeys("abc", exact)))


def test_poses_of_people_are_refused():
    class People(Turntable):
        def __getitem__(self, i):
            pose = Pose(torch.zeros(18, 2), torch.ones(18, dtype=torch.bool), SIZE)
            grey = torch.zeros(3, *SIZE)
            return Sample(grey, grey, pose, pose, "person_0")

    with pytest.raises(BadInput, match="not of views"):
        evaluate_views(black, People())


def test_the_plot_shows_both_lines_and_leaves_a_gap_where_nothing_is_finite():
    reports = evaluate_views(black, Turntable())
    sheet = view_plot(reports)
    for part in np.array_split(sheet, 3, axis=1):  # one for each metric
        field = part[60:260, 70:]
        assert all((field == colour).all(-1).any() for colour in (BLUE, ORANGE))
    alone = evaluate_views(black, Turntable(), indices=[0])  # nothing but an infinite PSNR
    assert view_plot(alone, "turn").shape == sheet.shape


@pytest.mark.parametrize(("low", "high"), [(0, 0.11), (12.9, 22.6), (-3, 7), (0, 0), (5, 5), (0, 3e-10), (2e-12, 3e-12),
    (1e-310, 2e-310), (0, 3e30), (1, 1 + 2**-52), (-1e-9, -1e-9 + 1e-15)])  # fmt: skip
def test_ticks_are_even_and_hold_all_values(low, high):
    ticks = round_ticks(low, high)
    assert 2 <= len(ticks) <= 8 and ticks[0] <= low <= high <= ticks[-1]
    assert np.allclose(np.diff(ticks), ticks[1] - ticks[0])


def test_objects_sampled_from_a_seed_are_hardest_from_behind():
    reports = evaluate_views(black, SyntheticObjects("chairs", (32, 32), "test", 1))
    turns = by_angle(reports, "ssim-gaussian1.5", "turn")
    assert len(turns) == 18
    assert turns[0][1].mean == 1
    assert turns[20][1].mean > turns[-180][1].mean


@pytest.mark.slow
def test_real_views_are_scored_for_all_18_azimuths(real_data):
    pytest.importorskip("h5py")
    reports = evaluate_views(black, ShapeNetViews(real_data / "views" / "data_car.hdf5", "test"))
    assert list(by_angle(reports, "l1")) == [float(a) for a in range(0, 360, 20)]
    assert by_angle(reports, "l1", "turn")[0][1].mean == 0
