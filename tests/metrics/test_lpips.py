"""LPIPS and DISTS are their papers' formulas, restated slowly here, and find their weights or say what is missing."""

from importlib.util import find_spec

import numpy as np
import pytest
import torch
from torch import nn

from reposer.core import BadInput
from reposer.metrics import METRICS
from reposer.metrics.dists import CHECKSUM, DISTS, Importance, smooth_pool
from reposer.metrics.learned_weights import find_packaged
from reposer.metrics.lpips import CHECKSUMS, LPIPS, SOURCE, Heads
from reposer.nn.classifiers import classifier
from reposer.nn.weights import read_checkpoint
from tests.metrics.seeded_networks import positive, seeded, small_classifier

# found, not imported: that would take seconds
packaged_weights = pytest.mark.skipif(find_spec("torchmetrics") is None, reason="torchmetrics is not installed")
LPIPS_NAMES = [name for name in METRICS if name.startswith("lpips")]


def pair(size=(33, 31), seed=0):
    random = torch.Generator().manual_seed(seed)
    a = torch.randint(0, 256, (*size, 3), generator=random, dtype=torch.uint8)
    b = torch.randint(0, 256, (*size, 3), generator=random, dtype=torch.uint8)
    return a, (a.int() * 2 // 3 + b.int() // 3).byte()


def slow_lpips(network, heads, a, b, range01=False):
    """Place by place: unit vectors over channels, squared differences, weighted, mean over places, sum over maps."""
    shift, scale = (np.array([-0.030, -0.088, -0.188]), np.array([0.458, 0.448, 0.450]))  # the authors' constants

    def maps(picture):
        x = picture.numpy() / 255 if range01 else picture.numpy() / 127.5 - 1
        x, found = torch.from_numpy((x - shift) / scale).permute(2, 0, 1)[None].float(), []
        for number, module in enumerate(network.features):
            x = module(x)
            if number in network.taps:
                found.append(x[0].double().numpy())
        return found

    total = 0.0
    for x, y, head in zip(maps(a), maps(b), heads.parameters(), strict=True):
        _, height, width = x.shape
        weights, at_places = head.double().numpy().ravel(), 0.0
        for i in range(height):
            for j in range(width):
                u = x[:, i, j] / (np.linalg.norm(x[:, i, j]) + 1e-10)
                v = y[:, i, j] / (np.linalg.norm(y[:, i, j]) + 1e-10)
                at_places += (weights * (u - v) ** 2).sum()
        total += at_places / (height * width)
    return total


@pytest.mark.parametrize("name", LPIPS_NAMES)
def test_lpips_is_the_formula_restated_place_by_place(name):
    kind = METRICS[name]
    network = seeded(classifier(kind.backbone))
    heads = positive(Heads(network.widths))
    a, b = pair()
    expected = slow_lpips(network, heads, a, b, range01=name.endswith("range01"))
    assert expected > 0.01
    value = kind(network, heads, "").update(a[None], b[None]).item()
    assert value == pytest.approx(expected, rel=1e-5)


def test_lpips_on_the_wrong_range_sees_half_the_contrast_and_another_brightness():
    wrong = METRICS["lpips-alex-range01"](small_classifier(), positive(Heads((6, 4))), "")
    a, _ = pair()
    black, white = torch.zeros_like(a), torch.full_like(a, 255)
    assert wrong.prepare(black[None]).unique().tolist() == [0.0]
    assert wrong.prepare(white[None]).unique().tolist() == [1.0]


@pytest.mark.parametrize("name", LPIPS_NAMES)
def test_lpips_takes_the_smallest_picture_that_its_network_takes_and_refuses_a_smaller_one(name):
    kind = METRICS[name]
    network = seeded(classifier(kind.backbone))
    network(torch.zeros(1, 3, network.smallest, network.smallest))
    with pytest.raises(RuntimeError):
        network(torch.zeros(1, 3, network.smallest - 1, network.smallest))
    small = kind(small_classifier(), positive(Heads((6, 4))), "")
    with pytest.raises(BadInput, match=f"5x40 pixels is too small for {name}, which needs 6"):
        small.update(*(p[None] for p in pair((5, 40))))


def test_lpips_weighs_each_channel_by_its_head():
    network, heads = small_classifier(), positive(Heads((6, 4)))
    a, b = pair()
    whole = METRICS["lpips-alex"](network, heads, "").update(a[None], b[None]).item()
    parts = 0.0
    for k, weights in enumerate(heads.weights()):
        for c in range(len(weights)):
            one = Heads((6, 4)).requires_grad_(False)
            for other in one.parameters():
                other.zero_()
            one.get_parameter(f"lin{k}.model.1.weight")[0, c] = weights[c]
            parts += METRICS["lpips-alex"](network, one, "").update(a[None], b[None]).item()
    assert parts == pytest.approx(whole, rel=1e-6)


def slow_dists(network, importance, a, b):
    alpha, beta = (p.double().numpy().ravel() for p in (importance.alpha, importance.beta))
    shift, scale = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])

    def channels(picture):
        x = picture.numpy() / 255
        found = list(x.transpose(2, 0, 1))
        x = torch.from_numpy((x - shift) / scale).permute(2, 0, 1)[None].float()
        for number, module in enumerate(network.features):
            x = smooth_pool(x) if isinstance(module, nn.MaxPool2d) else module(x)
            if number in network.taps:
                found += list(x[0].double().numpy())
        return found

    likeness = 0.0
    for k, (x, y) in enumerate(zip(channels(a), channels(b), strict=True)):
        texture = (2 * x.mean() * y.mean() + 1e-6) / (x.mean() ** 2 + y.mean() ** 2 + 1e-6)
        covariance = ((x - x.mean()) * (y - y.mean())).mean()
        structure = (2 * covariance + 1e-6) / (x.var() + y.var() + 1e-6)
        likeness += alpha[k] * texture + beta[k] * structure
    return 1 - likeness / (alpha.sum() + beta.sum())


def test_dists_is_the_formula_restated_channel_by_channel():
    network = seeded(classifier("vgg"))
    importance = positive(Importance(1475))  # 3 + 64 + 128 + 256 + 512 + 512, as in the authors' file
    a, b = pair()
    expected = slow_dists(network, importance, a, b)
    value = DISTS(network, importance, "").update(a[None], b[None]).item()
    assert value == pytest.approx(expected, rel=1e-4) and value > 0.01


def test_a_smooth_pooling_is_the_root_of_the_hann_weighted_mean_of_squares():
    x = torch.rand(1, 2, 6, 8, generator=torch.Generator().manual_seed(0)).double()
    out = smooth_pool(x)
    assert out.shape == (1, 2, 3, 4)
    window = np.outer([1, 2, 1], [1, 2, 1]) / 16
    expected = np.sqrt((window * x[0, 1, 1:4, 3:6].numpy() ** 2).sum() + 1e-12)
    assert out[0, 1, 1, 2].item() == pytest.approx(expected, rel=1e-9)
    flat = torch.full((1, 1, 5, 5), 3.0)
    assert smooth_pool(flat)[0, 0, 1, 1].item() == pytest.approx(3)


@pytest.fixture
def backbones(tmp_path, monkeypatch):
    """A folder with seeded weights in files of the published names, whose checksums are not asked for."""
    for name in ("alexnet-owt-7be5be79.pth", "squeezenet1_1-b8a52dc0.pth"):
        backbone = "alex" if name.startswith("alex") else "squeeze"
        tensors = seeded(classifier(backbone)).state_dict() | {"classifier.1.weight": torch.zeros(1)}
        torch.save(tensors, tmp_path / name)
    monkeypatch.setattr("reposer.nn.classifiers.find_weights", lambda name, path, source: path / name)
    return tmp_path


@packaged_weights
@pytest.mark.parametrize("name", ["lpips-alex", "lpips-squeeze", "lpips-alex-range01"])
def test_lpips_opens_with_the_backbone_of_a_folder_and_the_packaged_heads(name, backbones):
    metric = METRICS[name].open(backbones)
    for part in (".pth, SHA-256", CHECKSUMS[METRICS[name].backbone][:16], f"{METRICS[name].backbone}.pth"):
        assert part in metric.network
    a, b = pair((64, 48))
    assert metric.update(torch.stack([a, a]), torch.stack([a, b])).tolist()[0] == 0
    assert metric.compute().mean > 0


@packaged_weights
def test_lpips_is_that_of_the_package_lpips(backbones):
    try:
        import lpips
    except (ImportError, RuntimeError) as error:  # it imports torchvision, whose CUDA build raises RuntimeError
        pytest.skip(f"lpips does not import: {error}")
    metric = METRICS["lpips-alex"].open(backbones)
    theirs = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    for theirs_conv, ours in zip(
        (m for m in theirs.net.modules() if isinstance(m, nn.Conv2d)),
        (m for m in metric.classifier.modules() if isinstance(m, nn.Conv2d)),
        strict=True,
    ):
        theirs_conv.load_state_dict(ours.state_dict())
    a, b = pair((64, 48))
    expected = theirs(*(p.permute(2, 0, 1)[None] / 127.5 - 1 for p in (a, b))).item()
    assert metric.update(a[None], b[None]).item() == pytest.approx(expected, rel=1e-5)


@packaged_weights
@pytest.mark.parametrize("backbone", CHECKSUMS)
def test_the_packaged_heads_have_one_weight_for_each_channel_of_the_backbone(backbone):
    inside = f"functional/image/lpips_models/{backbone}.pth"
    path = find_packaged(inside, CHECKSUMS[backbone], folder=None, source=SOURCE)
    with torch.device("meta"):
        own = Heads(classifier(backbone).widths).state_dict()
    packaged = read_checkpoint(path)
    assert {n: t.shape for n, t in packaged.items()} == {n: t.shape for n, t in own.items()}
    assert all((t >= 0).all() for t in packaged.values())


@packaged_weights
def test_the_packaged_weights_of_dists_have_one_of_each_kind_for_each_channel():
    path = find_packaged("functional/image/dists_models/weights.pt", CHECKSUM, folder=None, source="")
    with torch.device("meta"):
        own = Importance(3 + sum(classifier("vgg").widths)).state_dict()
    assert {n: t.shape for n, t in read_checkpoint(path).items()} == {n: t.shape for n, t in own.items()}


def test_missing_heads_are_named_with_their_checksum_and_two_ways_out(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(BadInput) as caught:
        METRICS["lpips-vgg"].open(tmp_path)
    for part in ("vgg.pth", CHECKSUMS["vgg"][:8], "torchmetrics>=1.8", "PerceptualSimilarity", str(tmp_path)):
        assert part in str(caught.value)


def test_heads_in_the_given_folder_come_first_and_damaged_ones_are_refused(tmp_path):
    (tmp_path / "vgg.pth").write_bytes(b"other")
    with pytest.raises(BadInput, match=r"vgg\.pth has the SHA-256 .* not a78928a0"):
        METRICS["lpips-vgg"].open(tmp_path)


@packaged_weights
@pytest.mark.parametrize("name", [*LPIPS_NAMES, "dists"])
def test_a_missing_backbone_is_named_with_its_source(name, tmp_path):
    with pytest.raises(BadInput) as caught:
        METRICS[name].open(tmp_path)
    kind = METRICS[name]
    file = {"alex": "alexnet-owt-7be5be79.pth", "vgg": "vgg16-397923af.pth", "squeeze": "squeezenet1_1-b8a52dc0.pth"}
    assert file[kind.backbone if issubclass(kind, LPIPS) else "vgg"] in str(caught.value)
    assert "https://download.pytorch.org/models/" in str(caught.value)
