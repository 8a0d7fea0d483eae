"""The import of released checkpoints against a slow network written from the specification."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from reposer.core import BadInput, Framing, Pose, View
from reposer.core.skeleton import COCO_17, FACE_68, H36M_17
from reposer.generators import load
from reposer.generators.gfla.clip_network import GFLAAnimationConfig, GFLAFaceConfig
from reposer.generators.gfla.network import GFLAConfig
from reposer.generators.gfla.released import layers, read_released, twice
from reposer.generators.gfla.view_network import GFLAViewsConfig
from reposer.generators.released import import_released
from reposer.nn.weights import unfilled

from .released_gfla import DanceGenerator, FaceGenerator, PoseGenerator, Poses, ShapeNetGenerator, with_lively_weights

NETWORKS = {
    "gfla-fashion-2020": (GFLAConfig.fashion_2020(), lambda: PoseGenerator({2: 5, 3: 3})),
    "gfla-market-2020": (GFLAConfig.market_2020(), lambda: PoseGenerator({2: 3})),
    "gfla-dance-fashion-2020": (GFLAAnimationConfig.dance_2020(), DanceGenerator),
    "gfla-face-2020": (GFLAFaceConfig.face_2020(), FaceGenerator),
    "gfla-views-car-2020": (GFLAViewsConfig.shapenet_2020(), ShapeNetGenerator),
}
CLIPS = ("gfla-dance-fashion-2020", "gfla-face-2020")
networks = pytest.mark.parametrize("recipe", NETWORKS)
people = pytest.mark.parametrize("recipe", ["gfla-fashion-2020", "gfla-market-2020"])
# one way of writing and loading for all of them; the largest nightly
written = pytest.mark.parametrize(
    "recipe", [pytest.param(name, marks=pytest.mark.nightly if name in CLIPS else ()) for name in NETWORKS]
)
clips = pytest.mark.parametrize("recipe", CLIPS)


def pair(size, dtype=torch.float64):
    random = torch.Generator().manual_seed(1)
    height, width = size
    poses = []
    for _ in range(2):
        xy = torch.rand(2, 18, 2, generator=random, dtype=dtype)
        xy = xy * torch.tensor([width + 8, height + 8]) - 4  # some a little outside
        poses.append(Pose(xy, torch.rand(2, 18, generator=random) > 0.2, size))
    return torch.rand(2, 3, height, width, generator=random, dtype=dtype) * 2 - 1, *poses


def released(recipe, path):
    network = with_lively_weights(NETWORKS[recipe][1]())
    torch.save(network.state_dict(), path)
    return network


@pytest.mark.slow
@people
def test_the_imported_network_computes_what_the_original_computes(recipe, tmp_path):
    original = released(recipe, tmp_path / "latest_net_G.pth").double()
    imported = import_released(tmp_path / "latest_net_G.pth", recipe, tmp_path / "out.safetensors")
    source, source_pose, target_pose = pair((64, 64) if "fashion" in recipe else (64, 32))
    with torch.no_grad():
        maps = [Poses()(pose, torch.float64) for pose in (source_pose, target_pose)]
        picture, flows, occlusions = original(source, *maps)
        output = imported.double()(source, source_pose, target_pose)
    assert output.flows.keys() == flows.keys()
    for level in flows:
        assert 1 < flows[level].abs().max() < 100
        assert torch.allclose(output.flows[level], flows[level], rtol=0, atol=1e-5)
        assert torch.allclose(output.occlusions[level], occlusions[level], rtol=0, atol=1e-6)
    assert 0.1 < picture.std() < 0.9
    assert (output.picture - picture).abs().max() < 1e-5


@pytest.mark.slow
@clips
def test_an_imported_network_of_clips_generates_three_frames_as_the_original_does(recipe, tmp_path):
    """The original gets the maps that ours makes: which lines and colours they are of is inferred, not released."""
    original = released(recipe, tmp_path / "a.pth").double()
    imported = import_released(tmp_path / "a.pth", recipe, tmp_path / "out.safetensors").double()
    random = torch.Generator().manual_seed(2)

    def condition(skeleton):
        xy = torch.rand(1, len(skeleton), 2, generator=random, dtype=torch.float64) * 64
        return Pose(xy, torch.rand(1, len(skeleton), generator=random) > 0.1, (64, 64), skeleton)

    face = recipe == "gfla-face-2020"
    source_pose, *targets = (
        condition(FACE_68 if face else skeleton) for skeleton in (COCO_17, H36M_17, H36M_17, H36M_17)
    )
    source = torch.rand(1, 3, 64, 64, generator=random, dtype=torch.float64) * 2 - 1
    with torch.no_grad():
        maps = [imported.maps(pose, source) for pose in (source_pose, *targets)]
        pictures, flows = original(source, maps[0], maps[1:])
        memory, outputs = imported.begin(source, source_pose), []
        for pose in targets:
            output, memory = imported.frame(memory, pose)
            outputs.append(output)
    for level in (3, 2):
        assert 1 < flows[0][level].abs().max() < 100
        assert torch.allclose(outputs[-1].previous.flows[level], flows[0][level], rtol=0, atol=1e-5)
        assert torch.allclose(outputs[-1].reference.flows[level], flows[1][level], rtol=0, atol=1e-5)
    for output, picture in zip(outputs, pictures, strict=True):
        assert picture.std() > 0.1
        assert (output.picture - picture).abs().max() < 1e-5
    frames = imported.animate(source[0], source_pose[0], [pose[0] for pose in targets])
    assert torch.allclose(torch.stack(list(frames)), torch.cat(pictures), rtol=0, atol=1e-5)


@pytest.mark.slow
def test_an_imported_network_of_views_generates_as_the_original_does(tmp_path):
    original = released("gfla-views-car-2020", tmp_path / "a.pth").double()
    imported = read_released(
        tmp_path / "a.pth", replace(GFLAViewsConfig.shapenet_2020(), framing=Framing((64, 64), aspect=1.0))
    ).double()
    source = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(2), dtype=torch.float64) * 2 - 1
    views = (
        View(torch.tensor([0.0, 340.0]), torch.tensor([0.0, 20.0])),
        View(torch.tensor([160.0, 20.0]), torch.tensor([0.0, 10.0])),
    )
    codes = torch.zeros(2, 2, 21, 1, 1, dtype=torch.float64)  # source and target, row, code
    for which, row, azimuth, elevation in ((0, 0, 0, 0), (0, 1, 17, 2), (1, 0, 8, 0), (1, 1, 1, 1)):
        codes[which, row, azimuth] = codes[which, row, 18 + elevation] = 1
    with torch.no_grad():
        picture, flows = original(source, *codes)
        output = imported(source, *views)
    for level in (3, 2):
        assert torch.allclose(output.flows[level], flows[level], rtol=0, atol=1e-5)
    assert picture.std() > 0.1 and (output.picture - picture).abs().max() < 1e-5


@pytest.mark.slow
@written
def test_what_is_written_loads_as_what_was_imported(recipe, tmp_path):
    released(recipe, tmp_path / "latest_net_G.pth")
    imported = import_released(tmp_path / "latest_net_G.pth", recipe, tmp_path / "out.safetensors")
    loaded = load(tmp_path / "out.safetensors")
    assert loaded.config == imported.config == NETWORKS[recipe][0]
    state = loaded.state_dict()
    assert all(torch.equal(tensor, state[name]) for name, tensor in imported.state_dict().items())


@networks
def test_the_oracle_has_the_released_keys_and_shapes(recipe, request):
    listing = Path(__file__).parent / "gfla_released_keys.json"
    entries = json.loads(listing.read_text())[recipe]
    state = NETWORKS[recipe][1]().state_dict()
    assert {key: list(tensor.shape) for key, tensor in state.items()} == entries["shapes"]
    tied = {a: b for a, b in entries["same_tensor_as"].items()}
    config = NETWORKS[recipe][0]
    assert tied == {f"{a}.{kind}": f"{b}.{kind}" for a, b in twice(config) for kind in ("weight", "bias")}
    assert all(state[copy].data_ptr() == state[layer].data_ptr() for copy, layer in tied.items())


@networks
def test_every_key_is_used_once(recipe):
    config, original = NETWORKS[recipe]
    used = [theirs for _, theirs in layers(config)] + [copy for copy, _ in twice(config)]
    assert len(used) == len(set(used))
    keys = set(original().state_dict())
    assert {f"{layer}.{kind}" for layer in used for kind in ("weight", "bias")} == keys


@pytest.fixture
def market(tmp_path):
    return dict(released("gfla-market-2020", tmp_path / "whole.pth").state_dict())


def refusal(tensors, tmp_path):
    path = tmp_path / "changed.pth"
    torch.save(tensors, path)
    with pytest.raises(BadInput) as caught:
        import_released(path, "gfla-market-2020", tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.slow
def test_a_key_too_many_too_few_or_misshapen_is_named(market, tmp_path):
    bias = market.pop("flow_net.output2.bias")
    assert "it lacks flow_net.output2.bias." in refusal(market, tmp_path)
    market["flow_net.output2.bias"] = bias
    assert "it also has stray.weight." in refusal(market | {"stray.weight": bias}, tmp_path)
    assert "flow_net.output2.bias (3,) for (2,)" in refusal(
        market | {"flow_net.output2.bias": torch.zeros(3)}, tmp_path
    )


@pytest.mark.slow
def test_tied_tensors_that_differ_are_refused(market, tmp_path):
    market["flow_net.jump1.model.2.weight"] = market["flow_net.jump1.model.2.weight"] + 1e-3
    message = refusal(market, tmp_path)
    assert "flow_net.jump1.model.2.weight and flow_net.jump1.conv1.weight" in message


def test_a_checkpoint_of_another_family_is_refused_in_one_sentence_with_some_of_its_keys(tmp_path):
    dance = {f"source_previous.encoder{n}.model.0.weight": torch.zeros(3) for n in range(40)}
    message = refusal(dance, tmp_path)
    assert "source_previous.encoder0.model.0.weight" in message
    assert "and 34 more" in message and "it lacks source.block0.model.0.weight" in message
    assert len(message) < 1000


@pytest.mark.slow
def test_a_fashion_checkpoint_is_not_a_market_checkpoint(tmp_path):
    fashion = PoseGenerator({2: 5, 3: 3}).state_dict()
    message = refusal(fashion, tmp_path)
    assert "it also has target.attn0.fully_connect_layer.0.weight" in message
    assert "target.attn1.fully_connect_layer.2.bias (25,) for (9,)" in message


def test_an_unknown_release_is_answered_with_those_there_are(tmp_path):
    torch.save({"a": torch.zeros(1)}, tmp_path / "a.pth")
    with pytest.raises(BadInput, match="gfla-fashion-2020, gfla-market-2020"):
        import_released(tmp_path / "a.pth", "gfla-fashon", tmp_path / "out.safetensors")


@pytest.mark.slow
def test_a_published_network_does_not_see_the_colour_of_the_source_and_ours_does(tmp_path):
    """Any positive gain and any offset per channel (the published first layer is an instance norm)."""
    gain = torch.tensor([0.4, 0.9, 0.6], dtype=torch.float64)[:, None, None]
    offset = torch.tensor([0.3, -0.05, 0.1], dtype=torch.float64)[:, None, None]
    source, source_pose, target_pose = pair((128, 64))
    source = torch.nn.functional.avg_pool2d(source, 9, 1, 4) * 4  # smooth, like a picture
    released("gfla-market-2020", tmp_path / "a.pth")
    published = read_released(tmp_path / "a.pth", GFLAConfig.market_2020()).double()
    ours = unfilled(GFLAConfig.market().build).double()
    ours.load_state_dict(published.state_dict(), strict=False)  # but for the norms that are gone

    def change(generator):
        plain = generator.generate(source, source_pose, target_pose)
        tinted = generator.generate(source * gain + offset, source_pose, target_pose)
        return (tinted - plain).abs().max()

    assert change(published) < 1e-3
    assert change(ours) > 0.05
