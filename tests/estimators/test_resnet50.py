"""ResNet-50 has torchvision's names and layers; its files are read strictly and say what their outputs mean."""

import hashlib
import json

import pytest
import torch
import torch.nn.functional as F

from reposer.core import BadInput
from reposer.estimators import ATTRIBUTE_READERS, EMBEDDERS
from reposer.nn.resnet import ResNet50
from reposer.nn.weights import write_safetensors

QUESTIONS = ["sleeves: long", "sleeves: short", "print: yes"]


@pytest.fixture(scope="module")
def network():
    """Weights from a seed; every batch norm does something."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = ResNet50(len(QUESTIONS)).eval()
        for name, tensor in network.state_dict().items():
            if "bn" in name or "downsample.1" in name:
                if name.endswith(("weight", "running_var")):
                    tensor.uniform_(0.5, 1.0)
                elif name.endswith(("bias", "running_mean")):
                    tensor.normal_(0, 0.1)
    return network.requires_grad_(False)


@pytest.fixture(scope="module")
def pictures():
    return torch.randint(0, 256, (2, 64, 44, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def reader(network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    write_safetensors(
        folder / "resnet50-attributes.safetensors", network.state_dict(), {"questions": json.dumps(QUESTIONS)}
    )
    return ATTRIBUTE_READERS["resnet50-attributes"](folder)


def restated(tensors, x):
    """The network from torchvision's names alone."""

    def norm(x, name):
        t = [tensors[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
        return F.batch_norm(x, t[0], t[1], t[2], t[3])

    x = F.relu(norm(F.conv2d(x, tensors["conv1.weight"], stride=2, padding=3), "bn1"))
    x = F.max_pool2d(x, 3, stride=2, padding=1)
    for layer, depth in enumerate((3, 4, 6, 3), 1):
        for block in range(depth):
            name, stride = f"layer{layer}.{block}", 2 if layer > 1 and block == 0 else 1
            y = F.relu(norm(F.conv2d(x, tensors[f"{name}.conv1.weight"]), f"{name}.bn1"))
            y = F.relu(norm(F.conv2d(y, tensors[f"{name}.conv2.weight"], stride=stride, padding=1), f"{name}.bn2"))
            y = norm(F.conv2d(y, tensors[f"{name}.conv3.weight"]), f"{name}.bn3")
            if f"{name}.downsample.0.weight" in tensors:
                x = norm(F.conv2d(x, tensors[f"{name}.downsample.0.weight"], stride=stride), f"{name}.downsample.1")
            x = F.relu(x + y)
    return F.linear(F.adaptive_avg_pool2d(x, 1).flatten(1), tensors["fc.weight"], tensors["fc.bias"])


def test_it_has_the_size_and_the_tensors_of_torchvisions():
    with torch.device("meta"):
        network = ResNet50()
    assert sum(p.numel() for p in network.parameters()) == 25_557_032
    assert len(network.state_dict()) == 320
    assert network.state_dict()["layer4.0.downsample.0.weight"].shape == (2048, 1024, 1, 1)


def test_it_computes_what_the_names_say(network):
    x = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(network(x), restated(network.state_dict(), x))


@pytest.mark.slow
def test_the_reader_answers_its_questions_about_the_middle_of_the_picture(network, reader, pictures):
    assert reader.questions == tuple(QUESTIONS)
    scores = reader(pictures)
    x = F.interpolate(
        pictures.movedim(-1, 1) / 127.5 - 1, (372, 256), mode="bilinear", antialias=True, align_corners=False
    )
    torch.testing.assert_close(scores, network(x[..., 74:298, 16:240]).sigmoid(), atol=1e-5, rtol=0)
    torch.testing.assert_close(reader(pictures[1:])[0], scores[1])
    assert "resnet50-attributes.safetensors" in reader.description


@pytest.mark.slow
def test_the_embedding_has_length_one_and_as_many_numbers_as_the_file(network, pictures, tmp_path):
    path = tmp_path / "mine.safetensors"
    write_safetensors(path, network.state_dict(), {})
    vectors = EMBEDDERS["resnet50-inshop"](path)(pictures[:1])
    assert vectors.shape == (1, 3)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(1))


@pytest.mark.slow
def test_the_imagenet_file_serves_without_its_classifier_and_without_counts(network, pictures, tmp_path, monkeypatch):
    old = {n: t for n, t in network.state_dict().items() if not n.endswith("num_batches_tracked")}
    torch.save(old, tmp_path / "resnet50.pth")
    digits = hashlib.sha256((tmp_path / "resnet50.pth").read_bytes()).hexdigest()[:8]
    monkeypatch.setattr("reposer.estimators.resnet50.IMAGENET_FILE", f"resnet50-{digits}.pth")
    (tmp_path / "resnet50.pth").rename(tmp_path / f"resnet50-{digits}.pth")
    embedder = EMBEDDERS["resnet50-imagenet"](tmp_path)
    vectors = embedder(pictures[:1])
    assert vectors.shape == (1, 2048)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(1))
    mean, std = (torch.tensor(v)[:, None, None] for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    x = F.interpolate(pictures[:1].movedim(-1, 1).float(), (224, 224), mode="bilinear", antialias=True)
    features = ResNet50(None).eval()
    features.load_state_dict({n: t for n, t in network.state_dict().items() if not n.startswith("fc.")})
    with torch.no_grad():
        expected = F.normalize(features((x / 255 - mean) / std))
    torch.testing.assert_close(vectors, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("header", [{}, {"questions": "three"}, {"questions": "[]"}, {"questions": "[1, 2, 3]"}])
def test_a_file_that_does_not_say_what_it_answers_is_refused(network, tmp_path, header):
    path = tmp_path / "resnet50-attributes.safetensors"
    write_safetensors(path, {"fc.bias": torch.zeros(3)}, header)
    with pytest.raises(BadInput, match="entry 'questions'"):
        ATTRIBUTE_READERS["resnet50-attributes"](path)


def test_a_file_of_another_network_or_none_is_named(tmp_path):
    path = tmp_path / "resnet50-inshop.safetensors"
    with pytest.raises(BadInput, match=r"no resnet50-inshop.safetensors \(no checksum of it is known\)"):
        EMBEDDERS["resnet50-inshop"](tmp_path)
    write_safetensors(path, {"fc.weight": torch.zeros(4, 2048)}, {})
    with pytest.raises(BadInput, match="is no file of ResNet50"):
        EMBEDDERS["resnet50-inshop"](tmp_path)
