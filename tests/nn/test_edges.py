"""Canny's edges: scikit-image's up to ties, and grown to the end."""

import numpy as np
import pytest
import torch
from skimage.feature import canny as skimage_canny

from reposer.nn.edges import canny, frame_edges
from reposer.nn.face_maps import face_mask
from tests.nn.test_face_maps import faces, hidden


def pictures(batch=2, size=(90, 110), seed=0, dtype=torch.float64):
    """Discs and squares of random colours over noise, in [-1, 1]."""
    dice = np.random.default_rng(seed)
    y, x = np.mgrid[: size[0], : size[1]]
    shown = np.zeros((batch, 3, *size)) + dice.normal(0, 0.05, (batch, 3, *size))
    for picture in shown:
        for n in range(12):
            cx, cy, r = dice.uniform(0, size[1]), dice.uniform(0, size[0]), dice.uniform(5, 30)
            away = np.hypot(x - cx, y - cy) if n % 2 else np.maximum(abs(x - cx), abs(y - cy))
            cover = np.clip(r - away, 0, 1)
            picture += cover * (dice.uniform(-1, 1, (3, 1, 1)) - picture)
    return torch.tensor(shown.clip(-1, 1), dtype=dtype)


@pytest.mark.parametrize(("sigma", "low", "high"), [(1.0, 0.1, 0.2), (2.0, 0.05, 0.3), (0.6, 0.4, 0.9)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_edges_are_scikit_images_but_for_a_pixel_in_a_thousand(sigma, low, high, dtype):
    picture = pictures(dtype=dtype)
    edges = canny(picture, sigma, low, high)
    assert edges.dtype == dtype and set(edges.unique().tolist()) == {0.0, 1.0}
    for b in range(len(picture)):
        grey = torch.einsum("c,chw->hw", picture.new_tensor([0.299, 0.587, 0.114]), picture[b] / 2 + 0.5)
        expected = skimage_canny(grey.double().numpy(), sigma, low, high)
        assert expected.mean() > 0.01
        assert (edges[b, 0].bool().numpy() != expected).mean() < 1e-3


def test_a_flat_picture_has_no_edges_and_a_step_has_a_line():
    flat = torch.full((1, 3, 20, 30), 0.3)
    assert (canny(flat) == 0).all()
    step = flat.clone()
    step[..., 15:] = -0.5
    rows, columns = canny(step)[0, 0].nonzero().T
    assert set(rows.tolist()) == set(range(1, 19)) and set(columns.tolist()) <= {14, 15}


def test_a_faint_line_is_followed_from_a_strong_place_to_its_end():
    picture = torch.zeros(2, 3, 40, 200)
    picture[:, :, 20:] = 0.25  # a faint step along the whole row
    picture[1, :, 20:, :50] = torch.linspace(1.0, 0.25, 50)  # which is strong at its beginning
    edges = canny(picture, 1.0, 0.1, 0.8)
    assert (edges[0] == 0).all()
    assert edges[1, 0, 18:22, 30:199].amax(0).all()


def test_a_row_depends_on_itself_alone_and_edges_flip_with_their_picture():
    picture = pictures(3)
    edges = canny(picture)
    assert torch.equal(edges, torch.cat([canny(picture[b : b + 1]) for b in range(3)]))
    assert (canny(picture.flip(-1)).flip(-1) != edges).double().mean() < 1e-3


def test_edges_around_a_face_stay_and_those_within_and_near_it_go():
    face = faces(size=(90, 110))
    picture = pictures(3, dtype=torch.float32)
    around, everywhere = frame_edges(picture, face, margin=2), canny(picture)
    inside = face_mask(face) == 1
    assert (around[inside] == 0).all() and (around[everywhere == 0] == 0).all()
    bare = frame_edges(picture, face, margin=0)
    assert torch.equal(bare, everywhere * ~inside)
    assert around.sum() < bare.sum()
    assert torch.equal(frame_edges(picture, hidden(face, "chin")), everywhere)
