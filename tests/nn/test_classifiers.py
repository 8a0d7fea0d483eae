"""The classifiers' convolutions have torchvision's names, shapes and maps."""

import pytest
import torch

from reposer.core import BadInput
from reposer.nn.classifiers import FILES, classifier, open_classifier, standardised
from reposer.nn.features import IMAGENET_MEAN, IMAGENET_STD
from reposer.nn.published import load_published

# (number of weights and biases of torchvision's `features`, some of its entries)
KNOWN = {
    "alex": (2_469_696, {"features.0.weight": (64, 3, 11, 11), "features.10.weight": (256, 256, 3, 3)}),
    "vgg": (14_714_688, {"features.5.weight": (128, 64, 3, 3), "features.28.bias": (512,)}),
    "squeeze": (
        722_496,
        {"features.3.squeeze.weight": (16, 64, 1, 1), "features.12.expand3x3.weight": (256, 64, 3, 3)},
    ),
}
# sides of the maps that torchvision's layers give for a picture of 64x64
SIDES = {"alex": [15, 7, 3, 3, 3], "vgg": [64, 32, 16, 8, 4], "squeeze": [31, 15, 7, 3, 3, 3, 3]}


@pytest.mark.parametrize("backbone", FILES)
def test_a_classifier_has_torchvisions_names_and_shapes(backbone):
    with torch.device("meta"):
        state = classifier(backbone).state_dict()
    count, some = KNOWN[backbone]
    assert sum(t.numel() for t in state.values()) == count
    assert some.items() <= {name: tuple(t.shape) for name, t in state.items()}.items()


@pytest.mark.parametrize("backbone", FILES)
def test_the_maps_have_the_known_sides_and_widths_and_are_positive(backbone):
    network = classifier(backbone)
    with torch.no_grad():
        maps = network(torch.rand(1, 3, 64, 64) * 2 - 1)
    assert [m.shape[-1] for m in maps] == SIDES[backbone]
    assert tuple(m.shape[1] for m in maps) == network.widths
    assert all((m >= 0).all() for m in maps)


def test_a_picture_of_imagenets_mean_is_standardised_to_zero_and_its_deviation_to_one():
    mean, deviation = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)
    for colour, expected in ((mean, 0.0), (mean + deviation, 1.0)):
        picture = (colour * 2 - 1).view(1, 3, 1, 1).expand(1, 3, 2, 2)
        torch.testing.assert_close(standardised(picture), torch.full_like(picture, expected), atol=1e-6, rtol=0)


@pytest.mark.parametrize("backbone", FILES)
def test_a_missing_classifier_is_named_with_its_source(backbone, tmp_path):
    with pytest.raises(BadInput, match=f"{FILES[backbone]}.*https://download.pytorch.org"):
        open_classifier(backbone, tmp_path)


def test_published_weights_are_loaded_exactly_or_refused(tmp_path):
    torch.manual_seed(0)
    written, read = (torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4)) for _ in range(2))
    state = written.state_dict()
    old = {name: t for name, t in state.items() if not name.endswith("num_batches_tracked")}
    for content in (state, old, state | {"top.weight": torch.zeros(1)}):
        torch.save(content, tmp_path / "net.pth")
        about = load_published(read, tmp_path / "net.pth", without=("top.",))
        assert about.startswith("net.pth, SHA-256 ")
        assert all(torch.equal(read.state_dict()[name], t) for name, t in state.items())
    assert not read.training and not any(p.requires_grad for p in read.parameters())
    with pytest.raises(BadInput, match=r"1 tensors are missing, left over or of another shape \('top\.weight'\)"):
        load_published(read, tmp_path / "net.pth")
