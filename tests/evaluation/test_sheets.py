"""A sheet holds its pictures whole and in their places; layers become pictures."""

import numpy as np
import pytest
import torch
from PIL import Image

from reposer.core import BadInput, Explanation, Framing, Generated, Generator, Layer, Pose, Sample
from reposer.core.images import to_uint8
from reposer.evaluation.sheets import (
    explanation_pictures,
    explanation_sheet,
    pair_sheet,
    picture_sheet,
    weight_picture,
    write_sheet,
)


def picture(seed, size=(20, 12)):
    return torch.rand(3, *size, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def places(sheet, cell):
    """How often the bytes of a cell occur in a sheet."""
    windows = np.lib.stride_tricks.sliding_window_view(sheet, cell.shape)[:, :, 0]
    return int((windows == cell).all((-1, -2, -3)).sum())


def test_every_picture_is_on_the_sheet_once_byte_for_byte():
    rows = [[picture(3 * r + c) for c in range(3)] for r in range(2)]
    sheet = picture_sheet(rows, ("source", "pose", "truth"), ("first", "second"))
    assert sheet.dtype == np.uint8 and sheet.ndim == 3
    for row in rows:
        for cell in row:
            assert places(sheet, to_uint8(cell[None])[0].numpy()) == 1


def test_titles_are_written_and_the_paper_is_white():
    rows = [[picture(0)]]
    plain = picture_sheet(rows)
    titled = picture_sheet(rows, ("a title much wider than its column",), ("a person",))
    assert titled.shape[0] > plain.shape[0] and titled.shape[1] > plain.shape[1]
    for sheet in (plain, titled):
        border = np.concatenate([sheet[:4].ravel(), sheet[-4:].ravel(), sheet[:, :4].ravel(), sheet[:, -4:].ravel()])
        assert (border == 255).all()
    assert (titled[:, : titled.shape[1] - plain.shape[1]] < 128).any(), "the row's title is ink"


def test_a_missing_picture_leaves_its_place_white():
    whole = picture_sheet([[picture(0), picture(1)], [picture(2), picture(3)]])
    holes = picture_sheet([[picture(0), None], [picture(2)]])
    assert holes.shape == whole.shape
    assert (holes[:, whole.shape[1] // 2 + 4 :] == 255).all()


def test_scale_enlarges_the_pictures():
    assert places(picture_sheet([[torch.zeros(3, 20, 12)]], scale=3), np.full((60, 36, 3), 128, np.uint8)) == 1


def test_pictures_of_two_sizes_are_refused():
    with pytest.raises(AssertionError, match="one size"):
        picture_sheet([[picture(0), picture(1, (20, 13))]])


def explanation(rows=2):
    layers = {
        "coarse": Layer("picture", torch.zeros(rows, 3, 4, 3)),
        "flow 8": Layer("flow", torch.randn(rows, 2, 8, 6)),
        "occlusion 8": Layer("weight", torch.rand(rows, 1, 8, 6)),
    }
    return Explanation(torch.zeros(rows, 3, 32, 24), layers)


def test_layers_become_pictures_of_the_asked_size_in_range():
    pictures = explanation_pictures(explanation(), (32, 24))
    assert list(pictures) == ["coarse", "flow 8", "occlusion 8"]
    for layer in pictures.values():
        assert layer.shape == (2, 3, 32, 24)
        assert layer.min() >= -1 and layer.max() <= 1


def test_a_layer_that_is_not_finite_is_refused_by_its_name():
    broken = torch.full((1, 1, 4, 4), float("nan"))
    for kind, values in (
        ("weight", broken),
        ("picture", broken.expand(1, 3, 4, 4)),
        ("flow", broken.expand(1, 2, 4, 4)),
    ):
        explanation = Explanation(torch.zeros(1, 3, 4, 4), {"part": Layer(kind, values)})
        with pytest.raises(BadInput, match="not finite for the layer 'part'"):
            explanation_pictures(explanation, (4, 4))


def test_a_larger_weight_is_lighter():
    colours = weight_picture(torch.linspace(0, 1, 64).view(1, 1, 1, 64))
    light = (colours * torch.tensor([0.2126, 0.7152, 0.0722]).view(1, 3, 1, 1)).sum(1).flatten()
    assert (light.diff() > 0).all()


class Half(Generator):
    """Generates the source at half strength, and says so."""

    framing = Framing((32, 24))

    def forward(self, source, source_pose, target_pose):
        return Generated(source / 2)

    def layers(self, output):
        return {"strength": Layer("weight", torch.full_like(output.picture[:, :1], 0.5))}


@pytest.mark.slow
def test_a_pair_sheet_has_a_row_per_pair_with_source_result_and_truth():
    pose = Pose(torch.rand(18, 2) * 24, torch.ones(18, dtype=torch.bool), (256, 192))
    samples = [Sample(picture(k, (256, 192)), picture(k + 9, (256, 192)), pose, pose, name=f"p_{k}") for k in range(2)]
    sheet = pair_sheet(Half(), samples)
    assert 5 * 192 < sheet.shape[1] < 7 * 192 and 2 * 256 < sheet.shape[0] < 3 * 256
    for sample in samples:
        for shown, times in ((sample.source, 1), (sample.source / 2, 1), (sample.target, 1)):
            corner = to_uint8(shown[None])[0, :8, :8].numpy()
            assert places(sheet, corner) == times


def test_an_explanation_sheet_shows_the_picture_and_its_layers(tmp_path):
    sheet = explanation_sheet(explanation())
    path = tmp_path / "new" / "sheet.png"
    write_sheet(path, sheet)
    assert (np.array(Image.open(path)) == sheet).all()
    assert [p.name for p in path.parent.iterdir()] == ["sheet.png"]
