"""A generator whose network another runtime runs gives what the generator gives."""

import importlib
import sys
from types import ModuleType, SimpleNamespace

import pytest
import torch

from reposer import batch
from reposer.cli import main
from reposer.core import BadInput, Pose
from reposer.engines import run
from reposer.engines.graph import INPUTS, PictureGraph, example_inputs
from reposer.engines.run import RunWhole, chosen_runtime, load_for
from reposer.engines.trueflow_parts import NAMES, RunTrueFlow, parts
from reposer.generators import GENERATORS, save

from .small import Small, SmallConfig


@pytest.fixture(scope="module")
def pair():
    """A TrueFlow, and the same by its three graphs, each called with plain arrays as a runtime is."""
    torch.manual_seed(0)
    network = GENERATORS["trueflow"]().tiny().build().eval().requires_grad_(False)
    modules = parts(network, example_inputs(network, 1, 0))

    def called(name):
        def run_part(inputs):
            return [t.numpy() for t in modules[name][0](*(inputs[key] for key in NAMES[name][0]))]

        return run_part

    return network, RunTrueFlow(network, {name: called(name) for name in NAMES})


def conditions(network, rows, seed):
    source, xy, visible, target_xy, target_visible = example_inputs(network, rows, seed)
    size = network.framing.size
    return source, Pose(xy, visible, size), Pose(target_xy, target_visible, size)


def test_trueflow_by_its_graphs_is_trueflow(pair):
    network, by_graphs = pair
    inputs = conditions(network, 2, 1)
    expected, found = network.explain(*inputs), by_graphs.explain(*inputs)
    assert torch.equal(found.picture, expected.picture) and found.composition is not None
    for name, value in vars(expected.composition).items():
        ours = getattr(found.composition, name)
        assert torch.equal(ours, value) if isinstance(value, torch.Tensor) else ours == value, name
    assert found.layers.keys() == expected.layers.keys()


def test_a_clip_by_graphs_is_the_clip_and_finds_the_source_s_body_once(pair):
    network, by_graphs = pair
    source, own, targets = conditions(network, 3, 2)
    expected = list(network.animate_explained(source[0], own[0], targets))
    found = list(by_graphs.animate_explained(source[0], own[0], targets))
    assert len(found) == 3
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one.picture, other.picture)
        assert torch.equal(one.composition.place, other.composition.place)


def test_several_photos_by_graphs_are_put_together_in_torch(pair):
    network, by_graphs = pair
    source, own, target = conditions(network, 2, 3)
    own_of_two = Pose(own.xy[None], own.visible[None], own.size)
    expected = network.generate(source[None], own_of_two, target[:1])
    assert torch.equal(by_graphs.generate(source[None], own_of_two, target[:1]), expected)


def test_graphs_are_of_one_size(pair):
    _, by_graphs = pair
    larger = [condition.resize((128, 64)) for condition in conditions(pair[0], 1, 4)[1:]]
    with pytest.raises(BadInput, match="takes pictures of"):
        by_graphs.generate(torch.zeros(1, 3, 128, 64), *larger)


def test_another_runtime_is_refused_on_another_device_and_for_networks_of_something_else(tmp_path, monkeypatch):
    monkeypatch.setenv("REPOSER_CACHE_DIR", str(tmp_path / "cache"))
    with pytest.raises(BadInput, match="--engine onnxruntime runs on the CPU, not on cuda"):
        load_for("trueflow", "cuda", "onnxruntime")
    save(GENERATORS["gfla-animation"]().tiny().build(), tmp_path / "moving.safetensors")
    with pytest.raises(BadInput, match="no memory"):
        load_for(tmp_path / "moving.safetensors", "cpu", "onnxruntime")
    assert not (tmp_path / "cache").exists()


def test_other_runtimes_are_on_the_cpu_where_no_device_is_named(monkeypatch):
    monkeypatch.setattr(run, "chosen_device", lambda device: torch.device(device or "cuda"))
    assert chosen_runtime(None, None) == ("cuda", "torch")
    assert chosen_runtime(None, "onnxruntime") == ("cpu", "onnxruntime")
    assert chosen_runtime("cpu", "torch") == ("cpu", "torch")


@pytest.mark.parametrize("runtime", ["torch", "onnxruntime"])
def test_a_device_that_does_not_exist_is_refused_for_every_runtime(runtime):
    with pytest.raises(BadInput, match="nothing to compute on called 'foo'"):
        chosen_runtime("foo", runtime)


def test_a_graph_is_recorded_once_and_again_for_other_weights(tmp_path, monkeypatch):
    monkeypatch.setenv("REPOSER_CACHE_DIR", str(tmp_path / "cache"))
    recorded = []
    monkeypatch.setattr(run, "_recorded", lambda generator, name, inputs: recorded.append(name) or name.encode())
    monkeypatch.setattr(run, "onnxruntime_session", lambda path: path.read_bytes())
    monkeypatch.setattr(run, "differences", lambda expected, found: (0.0, 0.0))
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        save(GENERATORS["pg2"]().tiny().build(), tmp_path / "pg2.safetensors")
        assert isinstance(load_for(tmp_path / "pg2.safetensors", "cpu", "onnxruntime"), RunWhole)
    assert recorded == ["picture"] * 2 and len(list((tmp_path / "cache/graphs").glob("*.onnx"))) == 2
    recorded.clear()
    save(GENERATORS["trueflow"]().tiny().build(), tmp_path / "ours.safetensors")
    assert isinstance(load_for(tmp_path / "ours.safetensors", "cpu", "onnxruntime"), RunTrueFlow)
    assert recorded == ["body", "geometry", "compose"]


@pytest.fixture
def plugged(tmp_path, monkeypatch):
    """A family of another package, loaded under the name of a file of weights, and its graph by torch itself."""
    monkeypatch.setenv("REPOSER_CACHE_DIR", str(tmp_path / "cache"))
    torch.manual_seed(0)
    network, off, recorded = SmallConfig().build(), [0.0], []
    graph = PictureGraph(network.eval())

    def opened(path):
        return lambda inputs: [(graph(*(inputs[name] for name in INPUTS)) + off[0]).detach().numpy()]

    monkeypatch.setattr(run, "load", lambda model: network)
    monkeypatch.setattr(run, "model_file", lambda model: model)
    monkeypatch.setattr(run, "_recorded", lambda generator, name, inputs: recorded.append(name) or b"graph")
    monkeypatch.setattr(run, "onnxruntime_session", opened)
    weights = tmp_path / "small.safetensors"
    weights.write_bytes(b"weights")
    return SimpleNamespace(
        network=network, off=off, recorded=recorded, load=lambda: load_for(weights, "cpu", "onnxruntime")
    )


def test_a_graph_is_recorded_again_for_other_code_of_another_package(plugged, tmp_path, monkeypatch):
    package = tmp_path / "code" / "plugged_family"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from .part import Part\n")
    (package / "part.py").write_text("import torch\nclass Part(torch.nn.Identity): pass\n")
    monkeypatch.syspath_prepend(package.parent)
    plugged.network.part = importlib.import_module("plugged_family").Part()
    plugged.load()
    plugged.load()
    assert plugged.recorded == ["picture"]
    (package / "part.py").write_text("import torch\nclass Part(torch.nn.Identity): other = True\n")
    plugged.load()
    assert plugged.recorded == ["picture"] * 2
    plugged.network.part = type("Typed", (torch.nn.Identity,), {"__module__": "typed_in"})()
    monkeypatch.setitem(sys.modules, "typed_in", ModuleType("typed_in"))
    with pytest.raises(BadInput, match=r"code that lies in no file \(typed_in\)"):
        plugged.load()


def test_a_graph_is_compared_with_torch_once_and_refused_if_it_differs(plugged):
    plugged.off[0] = 1e-2
    for _ in range(2):
        with pytest.raises(BadInput, match=r"by onnxruntime differ from torch's by up to 0\.01, where 0\.0001"):
            plugged.load()
    plugged.off[0] = 0.0
    plugged.load()
    assert plugged.recorded == ["picture"]
    plugged.off[0] = 1e-2
    plugged.load()  # equal once, and not run again


def test_what_one_graph_leaves_out_is_refused_and_a_family_s_own_refusal_is_passed_on(plugged, monkeypatch):
    monkeypatch.setattr(Small, "refusal", lambda self, condition: "is for other people.", raising=False)
    inputs = conditions(plugged.network, 1, 0)
    with pytest.raises(BadInput, match="is for other people"):
        plugged.load().generate(*inputs)
    for method, why in (("composition", "says what its pictures are made of"), ("sample", "generates from noise")):
        with monkeypatch.context() as patched:
            patched.setattr(Small, method, lambda *_: None, raising=False)
            with pytest.raises(BadInput, match=f"small-warp {why}"):
                plugged.load()


def test_a_cache_that_cannot_be_written_is_named_before_anything_is_recorded(plugged, tmp_path):
    (tmp_path / "cache").write_bytes(b"a file")
    with pytest.raises(BadInput, match=r"cache/graphs cannot be used for recorded graphs .*REPOSER_CACHE_DIR"):
        plugged.load()
    assert not plugged.recorded


def test_pictures_of_a_batch_from_before_there_were_runtimes_are_kept(tmp_path):
    for name in ("photo.png", "model.safetensors"):
        (tmp_path / name).write_bytes(name.encode())
    job = batch.Job(tmp_path / "photo.png", "arms-up", tmp_path / "out.png")
    told = {
        runtime: batch.made_from(job, batch.Options(str(tmp_path / "model.safetensors"), runtime=runtime))
        for runtime in (None, "torch", "onnxruntime")
    }
    assert told[None] == told["torch"] != told["onnxruntime"]


def test_the_inner_pictures_are_refused_where_the_network_is_elsewhere(tmp_path, capsys):
    words = ["transfer", str(tmp_path / "a.png"), "--pose", "arms-up", "--explain", "--engine", "onnxruntime"]
    assert main(words) == 2
    assert "--explain shows what is inside the network" in capsys.readouterr().err


@pytest.mark.nightly
@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_the_shipped_model_by_another_runtime_gives_its_pictures(runtime, tmp_path, monkeypatch):
    pytest.importorskip("onnxscript")
    pytest.importorskip("openvino")
    monkeypatch.setenv("REPOSER_CACHE_DIR", str(tmp_path))
    network, other = load_for("trueflow", "cpu"), load_for("trueflow", "cpu", runtime)
    inputs = conditions(network, 1, 5)
    expected, found = network.explain(*inputs), other.explain(*inputs)
    assert (found.picture - expected.picture).abs().max() < 1e-3
    made, same = found.composition, expected.composition
    apart = (made.place - same.place).abs() * same.copied * same.person[:, None]
    assert apart.max() < 0.1  # in pixels; places from which nothing is copied may jump
