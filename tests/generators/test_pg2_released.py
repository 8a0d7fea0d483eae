"""The import of PG2's released weights, in the stated layout, against a forward pass in TensorFlow's own terms."""

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from reposer.cli import main
from reposer.core import BadInput, Pose
from reposer.generators import load
from reposer.generators.pg2 import PG2Config
from reposer.generators.pg2_released import as_released, layers, read_released
from reposer.generators.released import RELEASED, Released, import_released
from reposer.nn.weights import unfilled

from .released_pg2 import Variables, coarse, pose_maps, refined

FORMS = {"market": PG2Config.market().tiny(), "fashion": PG2Config.fashion().tiny()}


def inputs(config):
    random = torch.Generator().manual_seed(2)
    xy = torch.rand(2, 18, 2, generator=random) * torch.tensor([config.framing.size[1], config.framing.size[0]])
    pose = Pose(xy, torch.rand(2, 18, generator=random) > 0.2, config.framing.size)
    return torch.rand(2, 3, *config.framing.size, generator=random) * 2 - 1, pose


def computed(config, source, pose, arrays=None):
    """The original's coarse and final pictures, and its variables."""
    first, second = Variables("Pose_AE/G", arrays), Variables("UAEnoFC/G", arrays, seed=1)
    picture = source.permute(0, 2, 3, 1).double().numpy()
    maps = pose_maps(pose.xy.numpy(), pose.visible.numpy(), config.framing.size)
    rough = coarse(first, picture, maps, config.width, config.levels, config.bottleneck)
    final = refined(second, picture, rough, config.width, config.levels - 2, config.finest_skip)
    return rough, final, first.made | second.made


@pytest.fixture(params=FORMS)
def exported(request, tmp_path):
    """(config, file in the stated layout, its arrays) of a network with made-up weights."""
    config = FORMS[request.param]
    *_, arrays = computed(config, *inputs(config))
    np.savez(tmp_path / "pg2.npz", **arrays)
    return config, tmp_path / "pg2.npz", arrays


def test_the_imported_network_computes_what_the_original_computes(exported):
    config, file, arrays = exported
    source, pose = inputs(config)
    rough, final, _ = computed(config, source, pose, arrays)
    imported = read_released(file, config).double()
    output = imported(source.double(), pose, pose)
    for ours, theirs in ((output.coarse, rough), (output.picture, final)):
        assert theirs.std() > 0.1
        assert np.abs(ours.detach().permute(0, 2, 3, 1).numpy() - theirs).max() < 1e-5


def test_a_safetensors_of_the_same_names_is_read_alike(exported, tmp_path):
    config, file, arrays = exported
    save_file({name: array.astype(np.float32) for name, array in arrays.items()}, tmp_path / "pg2.safetensors")
    one, other = (read_released(path, config).state_dict() for path in (file, tmp_path / "pg2.safetensors"))
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    ("form", "parameters", "deepest", "bottleneck"),
    [
        ("market", 70_795_075 + 6_058_883, "Pose_AE/G/Conv_14/weights", (8 * 4 * 640, 64)),
        ("fashion", 122_103_235 + 12_696_067, "Pose_AE/G/Conv_17/weights", (8 * 8 * 768, 64)),
    ],
)
def test_the_layout_of_the_published_networks_has_their_names_and_shapes(form, parameters, deepest, bottleneck):
    config = getattr(PG2Config, form)()
    own = unfilled(config.build).state_dict()
    theirs = {f"{name}/weights": as_released(own[f"{ours}.weight"]).shape for ours, name in layers(config)}
    biases = sum(own[f"{ours}.bias"].numel() for ours, _ in layers(config))
    assert sum(shape.numel() for shape in theirs.values()) + biases == parameters
    width = config.width * config.levels
    assert theirs["Pose_AE/G/Conv/weights"] == (3, 3, 21, 128)
    assert theirs["Pose_AE/G/Conv_3/weights"] == (3, 3, 128, 256)  # halves the first level
    assert theirs[deepest] == (3, 3, width, width)
    assert theirs["Pose_AE/G/fully_connected/weights"] == bottleneck
    assert theirs["Pose_AE/G/fully_connected_1/weights"] == (64, bottleneck[0] // config.levels)
    assert theirs["UAEnoFC/G/Conv/weights"] == (3, 3, 6, 128)
    assert sum("fully_connected" in name for name in theirs) == 2


def without(arrays, name):
    return {key: array for key, array in arrays.items() if key != name}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a: without(a, "Pose_AE/G/Conv_2/biases"), "it lacks Pose_AE/G/Conv_2/biases"),
        (lambda a: a | {"Pose_AE/G/Conv/weights/Adam": np.zeros(2)}, "it also has Pose_AE/G/Conv/weights/Adam"),
        (
            lambda a: a | {"UAEnoFC/G/Conv/weights": a["UAEnoFC/G/Conv/weights"].transpose(3, 2, 0, 1)},
            r"UAEnoFC/G/Conv/weights \(5, 6, 3, 3\) for \(3, 3, 6, 5\)",
        ),
        (lambda a: a | {"UAEnoFC/G/Conv/biases": np.full(5, np.nan)}, "not finite"),
        (lambda a: a | {"UAEnoFC/G/Conv/biases": np.zeros(5, int)}, "int64"),
        (lambda a: a | {"UAEnoFC/G/Conv/biases": np.array(["a"] * 5)}, "no array of numbers"),
        (lambda a: a | {"UAEnoFC/G/Conv/biases": np.array([{}] * 5, object)}, "cannot be read as a .npz"),
    ],
)
def test_another_name_shape_or_kind_of_number_is_refused(change, said, tmp_path):
    config = FORMS["market"]
    *_, arrays = computed(config, *inputs(config))
    np.savez(tmp_path / "changed.npz", **change(arrays))
    with pytest.raises(BadInput, match=said):
        read_released(tmp_path / "changed.npz", config)


def test_a_file_that_is_cut_short_or_missing_is_refused(exported, tmp_path):
    config, file, _ = exported
    (tmp_path / "short.npz").write_bytes(file.read_bytes()[:-300])
    for name, said in (("short.npz", "cut short"), ("gone.npz", "There is no file")):
        with pytest.raises(BadInput, match=said):
            read_released(tmp_path / name, config)


def test_the_imported_file_says_what_it_is_and_generates_in_the_padded_frame(exported, tmp_path, monkeypatch):
    config, file, _ = exported
    monkeypatch.setitem(RELEASED._entries, "tiny", Released("pg2", lambda: config, read_released))
    imported = import_released(file, "tiny", tmp_path / "out.safetensors")
    loaded = load(tmp_path / "out.safetensors")
    source, pose = inputs(config)
    assert torch.equal(loaded.generate(source, pose, pose), imported.generate(source, pose, pose))
    assert loaded.framing == imported.framing
    assert (loaded.framing.fit, loaded.framing.sides) == (config.framing.fit, config.framing.sides)


def test_the_command_reads_pg2_and_refuses_a_recipe_of_another_family(tmp_path, capsys):
    np.savez(tmp_path / "pg2.npz", **{"Pose_AE/G/Conv/weights": np.zeros((3, 3, 21, 128))})
    out = str(tmp_path / "out.safetensors")
    arguments = ["import-weights", "pg2", str(tmp_path / "pg2.npz"), "--out", out, "--recipe"]
    assert main([*arguments, "pg2-market-2017"]) == 2
    assert "it lacks" in capsys.readouterr().err
    assert main([*arguments, "gfla-market-2020"]) == 2
    assert "pg2-market-2017, pg2-fashion-2017" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out.safetensors").exists()
