import pytest
import torch

from reposer.core import BadInput, Framing
from reposer.nn.features import (
    ENCODER_FILE,
    FEATURE_NETWORKS,
    VGG16BN,
    VGG16BN_FILE,
    VGG19,
    VGG19_FILE,
    PeopleEncoder,
    feature_network,
)
from reposer.synthetic.people import SyntheticPeople

# torchvision's names and shapes of VGG-19's convolutions (its `vgg19().state_dict()`, without the classifier)
VGG19_SHAPES = {
    0: (64, 3),
    2: (64, 64),
    5: (128, 64),
    7: (128, 128),
    10: (256, 128),
    12: (256, 256),
    14: (256, 256),
    16: (256, 256),
    19: (512, 256),
    21: (512, 512),
    23: (512, 512),
    25: (512, 512),
    28: (512, 512),
    30: (512, 512),
    32: (512, 512),
    34: (512, 512),
}
every = pytest.mark.parametrize("build", [VGG19, VGG16BN, PeopleEncoder])
shipped = pytest.mark.skipif(not ENCODER_FILE.exists(), reason="the people-encoder has not been trained yet")


@pytest.fixture
def picture():
    return torch.rand(2, 3, 64, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_vgg19_has_torchvisions_names_and_shapes():
    wanted = {f"features.{n}.weight": (*shape, 3, 3) for n, shape in VGG19_SHAPES.items()}
    wanted |= {f"features.{n}.bias": (shape[0],) for n, shape in VGG19_SHAPES.items()}
    assert {n: tuple(t.shape) for n, t in VGG19().state_dict().items()} == wanted


@every
def test_a_layer_is_positive_and_its_map_is_halved_as_its_name_says(build, picture):
    network = build()
    for name, features in network(picture, network.layers).items():
        stride = int(name.split("_")[0].removeprefix("stride")) if name[0] == "s" else 2 ** (int(name[4]) - 1)
        assert features.shape[-2:] == (64 // stride, 32 // stride)
        assert features.min() >= 0


@every
def test_places_of_level_n_are_matched_on_a_map_of_size_h_over_2_to_the_n(build, picture):
    network = build()
    for level in range(4):
        layer = network.correspondence_layer(level)
        assert network(picture, (layer,))[layer].shape[-2:] == (64 // 2**level, 32 // 2**level)


@every
def test_every_layer_that_the_losses_name_exists(build):
    network = build()
    assert set(network.content_layers + network.style_layers) <= set(network.layers)
    assert not set(network.content_layers) & set(network.style_layers)


@every
def test_nothing_deeper_than_the_deepest_asked_layer_is_computed(build, picture):
    network, first = build(), build().layers[0]
    convolved = []
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(lambda *_: convolved.append(1))
    assert set(network(picture, (first,))) == {first}
    assert len(convolved) == 1


@every
def test_one_pass_over_several_pictures_gives_what_each_alone_gives_and_no_gradient(build, picture):
    network = build()
    layers = network.content_layers
    together = network.of_constants(picture, picture.flip(0), layers=layers)
    alone = network(picture, layers), network(picture.flip(0), layers)
    for mine, theirs in zip(together, alone, strict=True):
        for name in layers:
            assert not mine[name].requires_grad
            torch.testing.assert_close(mine[name], theirs[name], rtol=1e-4, atol=1e-5)


@every
def test_a_frozen_network_passes_gradients_to_the_picture_and_stays_in_eval_mode(build, picture):
    network = build()
    network.freeze()
    picture.requires_grad_()
    layer = network.layers[-1]
    network.train()(picture, (layer,))[layer].sum().backward()
    assert not network.training
    assert picture.grad is not None and picture.grad.abs().sum() > 0
    assert all(p.grad is None for p in network.parameters())


def test_vgg19_takes_the_picture_as_it_is_unless_told_to_normalise(picture):
    plain, normal = VGG19(), VGG19(normalize_input=True)
    normal.load_state_dict(plain.state_dict())
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    moved = ((picture + 1) / 2 - mean[:, None, None]) / std[:, None, None]
    first = plain.layers[:1]
    torch.testing.assert_close(normal(picture, first), plain(moved, first))
    torch.testing.assert_close(plain(picture, first)["relu1_1"], plain.features[0](picture).relu())


def test_a_missing_file_is_named_with_its_source_and_checksum(tmp_path, monkeypatch):
    monkeypatch.delenv("REPOSER_WEIGHTS_DIR", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(BadInput) as error:
        feature_network("vgg19")
    for said in (VGG19_FILE, "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth", "dcbb9e9d"):
        assert said in str(error.value)


def test_a_file_with_another_checksum_is_refused(tmp_path):
    torch.save(VGG19().state_dict(), tmp_path / VGG19_FILE)
    with pytest.raises(BadInput, match="dcbb9e9d"):
        feature_network("vgg19", weights=tmp_path / VGG19_FILE)


def test_a_file_of_another_network_is_refused(tmp_path):
    torch.save({"convs.stride1_1.weight": torch.zeros(16, 3, 3, 3)}, tmp_path / "half.pth")
    with pytest.raises(BadInput, match="PeopleEncoder"):
        feature_network("people-encoder", weights=tmp_path / "half.pth")


def test_an_unknown_name_answers_with_those_there_are():
    with pytest.raises(BadInput, match="vgg19"):
        feature_network("vgg16")


@pytest.mark.slow
def test_torchvisions_checkpoint_loads_with_its_classifier_left_out(tmp_path, monkeypatch, picture):
    network = VGG19()
    torch.save({**network.state_dict(), "classifier.0.weight": torch.zeros(1)}, tmp_path / VGG19_FILE)
    monkeypatch.setattr("reposer.nn.features.find_weights", lambda *_, **__: tmp_path / VGG19_FILE)
    loaded = feature_network("vgg19")
    torch.testing.assert_close(loaded(picture, ("relu2_1",)), network(picture, ("relu2_1",)))
    assert VGG19_FILE in loaded.description and not any(p.requires_grad for p in loaded.parameters())


@pytest.mark.slow
def test_vgg16_with_batch_norm_has_torchvisions_names_and_its_file_loads(tmp_path, monkeypatch):
    torch.manual_seed(0)
    own = VGG16BN().state_dict()
    # torchvision's vgg16_bn().features: a norm after each convolution, 13 of both, and its weights, 14,723,136
    assert sum(t.numel() for n, t in own.items() if n.endswith(("weight", "bias"))) == 14_723_136
    assert own["features.40.weight"].shape == (512, 512, 3, 3) and own["features.41.running_var"].shape == (512,)
    file = tmp_path / VGG16BN_FILE
    monkeypatch.setattr("reposer.nn.features.find_weights", lambda *_, **__: file)
    for counts in ({}, {"features.1.num_batches_tracked": torch.tensor(0)}):  # old files and young ones
        torch.save({**own, **counts, "classifier.0.weight": torch.zeros(1)}, file)
        network = feature_network("vgg16-bn")
        assert network.normalize_input and not network.training
        assert all(torch.equal(network.state_dict()[n], t) for n, t in own.items())


def test_balancing_the_encoder_changes_the_scale_of_each_layer_and_nothing_else(picture):
    encoder = PeopleEncoder().double()
    for conv in encoder.convs.values():
        torch.nn.init.normal_(conv.bias)
    before = encoder(picture.double(), encoder.layers)
    sizes = {name: float(f.detach().square().mean().sqrt()) for name, f in before.items()}
    encoder.balance(sizes)
    for name, features in encoder(picture.double(), encoder.layers).items():
        torch.testing.assert_close(features, before[name] / sizes[name])


def test_the_encoder_is_small():
    encoder = PeopleEncoder()
    macs = []

    def count(conv, _, out):
        macs.append(conv.weight.numel() * out.shape[-2] * out.shape[-1])

    for conv in encoder.convs.values():
        conv.register_forward_hook(count)
    encoder(torch.zeros(1, 3, 128, 96), encoder.layers)
    assert sum(macs) < 0.17e9
    assert sum(p.numel() for p in encoder.parameters()) < 0.5e6


@shipped
def test_the_shipped_encoder_names_its_file_and_checksum_and_sees_colour(picture):
    network = FEATURE_NETWORKS["people-encoder"](None)
    assert "people-encoder.safetensors" in network.description and "SHA-256" in network.description
    dyed = picture.flip(1)  # red and blue exchanged
    before, after = network.of_constants(picture, dyed, layers=("stride4_2",))
    assert (before["stride4_2"] - after["stride4_2"]).abs().mean() > 0.05


@pytest.mark.slow
@shipped
def test_every_layer_of_the_shipped_encoder_has_about_mean_square_1_on_synthetic_people():
    people = SyntheticPeople((128, 88), "val", 24, seed=77, framing=Framing((128, 96), fit="pad"))
    network = feature_network("people-encoder")
    pictures = torch.stack([people[i].source for i in range(len(people))])
    for features in network(pictures, network.layers).values():
        assert features.square().mean().sqrt() == pytest.approx(1, abs=0.2)
