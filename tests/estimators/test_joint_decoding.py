"""From tensors to joints: windows come back to their pictures, peaks are where they were put."""

import pytest
import torch

from reposer.core import Pose
from reposer.core.images import from_uint8
from reposer.core.skeleton import COCO_17, OPENPOSE_18
from reposer.estimators.joint_decoding import Window, enlarged, heatmap_joints, simcc_joints

SIZE = (256, 192)


@pytest.mark.parametrize("picture", [(64, 40), (40, 64), (100, 100), (256, 176)])
@pytest.mark.parametrize("context", [1.0, 1.25, 2.0])
def test_what_a_window_shows_at_a_joint_is_what_the_picture_has_where_the_joint_comes_back(picture, context):
    height, width = picture
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    window = Window(picture, SIZE, context)
    shown = window.show(torch.stack([x, y, torch.ones_like(x)])[None])[0]
    assert tuple(shown.shape) == (3, *SIZE)
    rows, columns = (torch.arange(0, side, 5) for side in SIZE)
    xy = torch.cartesian_prod(columns, rows)
    pose = Pose(xy[:, None].expand(-1, 18, -1).float(), torch.ones(len(xy), 18, dtype=torch.bool), SIZE)
    back = window.back(pose)
    assert back.size == picture
    joint, last = back.xy[:, 0], torch.tensor([width - 1.0, height - 1.0])
    inside = ((joint >= 5) & (joint <= last - 5)).all(-1)  # what lies outside reaches in a little
    seen = (shown[:2, xy[:, 1], xy[:, 0]].T + 1) / 2 * last
    assert inside.sum() > 20 and torch.allclose(joint[inside], seen[inside], atol=0.02)


def test_around_the_picture_the_window_is_black_and_the_picture_keeps_its_shape():
    shown = Window((60, 60), (256, 192), context=1.25).show(torch.ones(1, 3, 60, 60))
    white = shown[0, 0] > 0
    height, width = white.any(1).sum().item(), white.any(0).sum().item()
    assert height == pytest.approx(192 / 1.25, abs=3) and height == pytest.approx(width, abs=1)
    edges = (shown[..., :20, :], shown[..., -20:, :], shown[..., :5], shown[..., -5:])
    assert all(edge.max() < -0.9999 for edge in edges)


def test_enlarged_pictures_are_the_same_pictures():
    pictures = torch.randint(0, 256, (2, 10, 8, 3), dtype=torch.uint8)
    assert torch.equal(enlarged(pictures, 1), from_uint8(pictures))
    large = enlarged(pictures, 3)
    assert tuple(large.shape) == (2, 3, 30, 24) and large.abs().max() <= 1


def test_simcc_peaks_are_bins_of_half_a_pixel_and_as_sure_as_the_lower_one():
    x, y = torch.zeros(1, 17, 384), torch.zeros(1, 17, 512)
    for k in range(17):
        x[0, k, 20 * k + 1] = 0.9
        y[0, k, 500 - 10 * k] = 0.4 if k % 2 else 1.7
    xy, score = simcc_joints(x, y, SIZE)
    k = torch.arange(17)
    assert torch.equal(xy[0], torch.stack([10 * k + 0.5, 250.0 - 5 * k], -1))
    assert score[0].tolist() == pytest.approx([0.4 if n % 2 else 0.9 for n in range(17)])
    assert simcc_joints(x - 5, 2 * y, SIZE)[1].max() == 0, "a score stays in [0, 1]"


def test_a_heatmaps_peak_leans_a_quarter_towards_its_higher_neighbour():
    heatmaps = torch.zeros(1, 3, 64, 48)
    heatmaps[0, 0, 10, 20] = 0.8
    heatmaps[0, 0, 10, 21], heatmaps[0, 0, 9, 20] = 0.5, 0.3
    heatmaps[0, 1, 0, 47] = 1.3  # in a corner there is nobody to lean to
    heatmaps[0, 1, 1, 47] = 0.2
    heatmaps[0, 2, 63, 0] = 0.6
    xy, score = heatmap_joints(heatmaps, SIZE, "quarter")
    assert xy[0].tolist() == [[4 * 20.25, 4 * 9.75], [4 * 47.0, 0.0], [0.0, 4 * 63.0]]
    assert score[0].tolist() == pytest.approx([0.8, 1.3, 0.6])


def test_a_heatmap_says_the_same_as_a_loop_over_its_cells():
    heatmaps = torch.rand(2, 4, 8, 6, generator=torch.Generator().manual_seed(0))
    xy, _ = heatmap_joints(heatmaps, (16, 12), "quarter")
    for b in range(2):
        for k in range(4):
            cells = heatmaps[b, k].tolist()
            r, c = max(((r, c) for r in range(8) for c in range(6)), key=lambda rc: cells[rc[0]][rc[1]])
            x, y = float(c), float(r)
            if 0 < c < 5:
                x += 0.25 if cells[r][c + 1] > cells[r][c - 1] else -0.25
            if 0 < r < 7:
                y += 0.25 if cells[r + 1][c] > cells[r - 1][c] else -0.25
            assert xy[b, k].tolist() == [2 * x, 2 * y]


def test_cocos_joints_become_openposes_with_a_neck_only_where_both_shoulders_are_seen():
    xy = torch.rand(2, 17, 2) * 100
    visible = torch.ones(2, 17, dtype=torch.bool)
    visible[1, COCO_17.index("left_shoulder")] = False
    pose = Pose(xy, visible, SIZE, COCO_17, torch.linspace(0.1, 0.9, 17).expand(2, 17)).convert(OPENPOSE_18)
    neck = OPENPOSE_18.index("neck")
    shoulders = [COCO_17.index("left_shoulder"), COCO_17.index("right_shoulder")]
    assert pose.visible[:, neck].tolist() == [True, False]
    assert torch.allclose(pose.xy[0, neck], xy[0, shoulders].mean(0))
    assert pose.score[0, neck] == pytest.approx(0.1 + 0.05 * min(shoulders))
    wrist = OPENPOSE_18.index("right_wrist")
    assert torch.equal(pose.xy[:, wrist], xy[:, COCO_17.index("right_wrist")])
