"""Inception in both editions: its names and size, what its blocks compute, and its three forms of input."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from reposer.core import BadInput
from reposer.nn import inception as module
from reposer.nn.inception import FILES, Inception, Mixed, inception, inception_file
from reposer.nn.picture_reader import FORMS, PictureReader, gfla_input, graph_input, open_reader, pytorch_fid_input
from tests.metrics.seeded_networks import SmallInception, seeded, small_reader


def pictures(count=2, size=(40, 30), seed=0):
    random = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, *size, 3), generator=random, dtype=torch.uint8)


@pytest.mark.parametrize(
    ("edition", "parameters"),
    # torchvision's count without the auxiliary classifier; 8 classes more, of 2048 weights and a bias each
    [("torchvision", 23_834_568), ("2015", 23_834_568 + 8 * 2049)],
)
def test_inception_has_torchvisions_parameters_and_names(edition, parameters):
    with torch.device("meta"):
        network = Inception(edition)
    assert sum(p.numel() for p in network.parameters()) == parameters
    shapes = {name: tuple(t.shape) for name, t in network.state_dict().items()}
    assert len(shapes) == 94 * 6 + 2  # 94 convolutions with five tensors of a batch norm each, and the classes
    # some of torchvision's own entries
    assert shapes["Conv2d_1a_3x3.conv.weight"] == (32, 3, 3, 3)
    assert shapes["Conv2d_4a_3x3.bn.running_var"] == (192,)
    assert shapes["Mixed_5b.branch_pool.conv.weight"] == (32, 192, 1, 1)
    assert shapes["Mixed_5d.branch5x5_2.conv.weight"] == (64, 48, 5, 5)
    assert shapes["Mixed_6a.branch3x3dbl_3.conv.weight"] == (96, 96, 3, 3)
    assert shapes["Mixed_6c.branch7x7dbl_2.conv.weight"] == (160, 160, 7, 1)
    assert shapes["Mixed_6e.branch7x7_2.conv.weight"] == (192, 192, 1, 7)
    assert shapes["Mixed_7a.branch7x7x3_4.conv.weight"] == (192, 192, 3, 3)
    assert shapes["Mixed_7b.branch3x3_2b.conv.weight"] == (384, 384, 3, 1)
    assert shapes["Mixed_7c.branch3x3dbl_3a.conv.weight"] == (384, 384, 1, 3)
    assert shapes["Mixed_7c.branch1x1.conv.weight"] == (320, 2048, 1, 1)
    assert shapes["fc.weight"] == (1008 if edition == "2015" else 1000, 2048)


def test_a_block_is_its_chains_side_by_side_and_steps_in_one_place_read_the_same_map():
    chains = ((("one", 4, 1),), (("first", 5, 1), (("across", 6, (1, 3)), ("down", 6, (3, 1)))))
    block = seeded(Mixed(3, chains, "average-inside", 7))
    x = torch.rand(2, 3, 6, 5)
    first = block.first(x)
    pooled = F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
    expected = [block.one(x), block.across(first), block.down(first), block.branch_pool(pooled)]
    assert torch.equal(block(x), torch.cat(expected, 1)) and block.width == 4 + 12 + 7
    assert block.across(first).shape[-2:] == (6, 5)


def test_a_halving_block_keeps_the_pooled_map_as_it_is():
    block = seeded(Mixed(3, ((("halved", 4, 3, 2),),), "max-halving", 0))
    x = torch.rand(1, 3, 9, 9)
    out = block(x)
    assert out.shape == (1, 7, 4, 4)
    assert torch.equal(out[:, 4:], F.max_pool2d(x, 3, 2))


def test_the_editions_differ_in_their_poolings_alone():
    with torch.device("meta"):
        blocks = {e: [b for b in Inception(e).children() if isinstance(b, Mixed)] for e in FILES}
    assert [b.chains for b in blocks["2015"]] == [b.chains for b in blocks["torchvision"]]
    kinds = {e: [b.pooling for b in bs if b.pooling != "max-halving"] for e, bs in blocks.items()}
    assert kinds["2015"] == ["average-inside"] * 8 + ["max"]
    assert kinds["torchvision"] == ["average"] * 9


@pytest.fixture(scope="module")
def thin(tmp_path_factory):
    """A file of seeded weights for a small network, which stands in for the published one."""
    path = tmp_path_factory.mktemp("weights") / "small.pth"
    extra = {"AuxLogits.fc.weight": torch.zeros(2)}
    torch.save(seeded(SmallInception()).state_dict() | extra, path)
    return path


def test_a_file_is_loaded_exactly_frozen_and_named_and_its_auxiliary_classifier_is_left(thin, monkeypatch):
    monkeypatch.setattr(module, "Inception", lambda edition: SmallInception())
    network, about = inception("torchvision", thin)
    assert all(
        torch.equal(a, b) for a, b in zip(network.parameters(), seeded(SmallInception()).parameters(), strict=True)
    )
    assert not network.training and not any(p.requires_grad for p in network.parameters())
    assert about.startswith("Inception v3 (torchvision), small.pth, SHA-256 ")


def test_a_file_of_another_network_is_refused_by_the_names_of_its_tensors(thin):
    with pytest.raises(BadInput, match=r"no file of Inception: .*Conv2d_1a_3x3"):
        inception("2015", thin)


@pytest.mark.parametrize("edition", FILES)
def test_a_missing_file_is_named_with_its_source_and_checksum(edition, tmp_path):
    with pytest.raises(BadInput) as caught:
        inception_file(edition, tmp_path)
    assert FILES[edition] in str(caught.value) and "https://" in str(caught.value)
    assert FILES[edition].split("-")[-1].removesuffix(".pth") in str(caught.value)


def test_logits_leave_the_biases_of_the_classes_out():
    network = seeded(SmallInception())
    features = torch.rand(3, 12)
    with_biases = network.fc(features)
    torch.testing.assert_close(network.logits(features), with_biases - network.fc.bias)


def scalar_resize(row, aligned):
    """One row of numbers at 299 places: at i * old/new ('aligned' at the first pixel) or with pixel corners aligned."""
    old, out = len(row), []
    for i in range(299):
        x = i * old / 299 if aligned else min(max((i + 0.5) * old / 299 - 0.5, 0), old - 1)
        left = int(x)
        right = min(left + 1, old - 1)
        out.append(row[left] * (1 - (x - left)) + row[right] * (x - left))
    return np.array(out)


@pytest.mark.parametrize(("prepare", "aligned"), [(graph_input, True), (pytorch_fid_input, False), (gfla_input, False)])
def test_each_form_resizes_by_its_own_rule(prepare, aligned):
    row = np.random.default_rng(0).integers(0, 256, 23)
    across = torch.from_numpy(row.astype(np.uint8))[None, None, :, None].expand(1, 31, 23, 3)
    flat = torch.zeros(1, 31, 23, 3, dtype=torch.uint8)
    black, white = (prepare(flat + level)[0, 0, 0, 0].item() for level in (0, 255))
    expected = scalar_resize(row / 255, aligned) * (white - black) + black
    for x in (prepare(across), prepare(across.transpose(1, 2)).transpose(2, 3)):
        assert x.shape == (1, 3, 299, 299)
        np.testing.assert_allclose(x[0, 0, 150].numpy(), expected, atol=2e-5)


def test_each_form_scales_levels_in_its_own_way():
    def levels(prepare):
        flat = torch.zeros(1, 8, 8, 3, dtype=torch.uint8)
        return [prepare(flat + level)[0, :, 0, 0].tolist() for level in (0, 255)]

    assert levels(graph_input) == [[-1] * 3, [127 / 128] * 3]
    assert levels(pytorch_fid_input) == [[-1] * 3, [1] * 3]
    black, white = levels(gfla_input)
    assert black == pytest.approx([-0.03, -0.088, -0.188]) and white == pytest.approx([0.428, 0.36, 0.262])


def test_a_picture_of_the_networks_own_size_is_not_resampled():
    picture = pictures(1, (299, 299))
    expected = picture.movedim(-1, 1).float()
    torch.testing.assert_close(graph_input(picture), (expected - 128) / 128, atol=1e-5, rtol=0)
    torch.testing.assert_close(pytorch_fid_input(picture), expected / 127.5 - 1, atol=1e-5, rtol=0)


def test_a_picture_is_read_once_and_alone_and_by_its_content():
    reader, calls = small_reader(), []
    reader.network.register_forward_pre_hook(lambda _, inputs: calls.append(len(inputs[0])))
    seen = pictures(3)
    features = reader(seen)
    assert torch.equal(reader(seen.flip(0)), features.flip(0)) and calls == [1, 1, 1]
    assert torch.equal(small_reader()(seen[1:2]), features[1:2])
    assert not torch.equal(reader(seen.transpose(1, 2)), features)  # the same bytes would be another picture
    assert len(calls) == 6


def test_the_memory_of_pictures_has_an_end(monkeypatch):
    monkeypatch.setattr("reposer.nn.picture_reader.REMEMBERED", 2)
    reader, calls = small_reader(), []
    reader.network.register_forward_pre_hook(lambda *_: calls.append(1))
    seen = pictures(3)
    reader(seen)
    reader(seen[1:])
    assert len(calls) == 3
    reader(seen[:1])
    assert len(calls) == 4


def test_all_who_ask_for_one_file_share_a_reader(thin, monkeypatch):
    monkeypatch.setattr(module, "Inception", lambda edition: SmallInception())
    monkeypatch.setattr("reposer.nn.inception.find_weights", lambda *_, **__: thin)
    assert open_reader("graph", None) is open_reader("graph", thin)
    assert open_reader("graph", None) is not open_reader("pytorch-fid", None)
    assert open_reader("gfla", None).description.endswith("gfla input")


@pytest.mark.slow
def test_the_edition_of_2015_behind_its_graphs_input_is_that_of_torch_fidelity(tmp_path):
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except (ImportError, RuntimeError) as error:  # it imports torchvision, whose CUDA build raises RuntimeError
        pytest.skip(f"torch-fidelity does not import: {error}")
    network = alive(Inception("2015"))
    torch.save(network.state_dict(), tmp_path / "seeded.pth")
    theirs = FeatureExtractorInceptionV3(
        "inception-v3-compat", ["2048", "logits_unbiased"], feature_extractor_weights_path=str(tmp_path / "seeded.pth")
    )
    seen = pictures(2)
    features, logits = theirs.eval()(seen.permute(0, 3, 1, 2))
    reader = PictureReader(network, graph_input, "")
    torch.testing.assert_close(reader(seen), features, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(reader.logits(reader(seen)), logits, rtol=1e-4, atol=1e-4)


def alive(network):
    """Seeded, with norms that neither kill nor blow up what passes."""
    for block in seeded(network).modules():
        if isinstance(block, nn.BatchNorm2d):
            nn.init.ones_(block.weight)
    return network


@pytest.mark.slow
@pytest.mark.parametrize("edition", FILES)
def test_the_whole_network_turns_a_picture_into_2048_features_that_depend_on_it(edition):
    network = alive(Inception(edition))
    sides = {}
    for name in ("Mixed_5d", "Mixed_6e", "Mixed_7c"):
        getattr(network, name).register_forward_hook(lambda _, __, out, name=name: sides.update({name: out.shape[-1]}))
    form = "gfla" if edition == "torchvision" else "graph"
    reader = PictureReader(network, FORMS[form][1], "")
    a, b = reader(pictures(2))
    assert sides == {"Mixed_5d": 35, "Mixed_6e": 17, "Mixed_7c": 8}
    assert a.shape == (2048,) and (a >= 0).all() and a.isfinite().all()
    assert (a - b).abs().max() > 1e-3 * a.abs().max()
    assert reader.logits(a[None]).shape == (1, 1008 if edition == "2015" else 1000)
