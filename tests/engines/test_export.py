"""A network as a file of another runtime: it does what the network does, or there is no file."""

import importlib.util
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from reposer.cli import main
from reposer.core import BadInput, Pose
from reposer.core.skeleton import COCO_17
from reposer.data.pictures import write_picture
from reposer.data.poses import write_pose_json
from reposer.engines import export
from reposer.engines.graph import PictureGraph, example_inputs
from reposer.engines.run import RunWhole
from reposer.engines.runtimes import onnxruntime_session
from reposer.generators import GENERATORS, save
from reposer.pipeline import transfer
from tests.docs.documents import ROOT
from tests.test_pipeline import smooth_photo, standing

from .small import SmallConfig

pytest.importorskip("onnxscript")
RUNNER = ROOT / "examples" / "onnx_runner.py"


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return SmallConfig().build().eval()


@pytest.fixture(scope="module")
def exported(network, tmp_path_factory):
    """An ONNX file of it, and what was said of it."""
    path = tmp_path_factory.mktemp("exported") / "small.onnx"
    about = {"card": {"licence": "Apache-2.0"}}
    return path, export.export_generator(network, path, "onnx", precision="fp16", about=about)


@pytest.mark.slow
def test_an_onnx_file_gives_the_network_s_pictures_for_any_number_of_rows(network, exported):
    path, made = exported
    assert 0 < made.difference < export.BOUNDS["fp16"] and made.bytes == path.stat().st_size
    session = onnxruntime_session(path)
    for rows in (1, 5):
        inputs = example_inputs(network, rows, 7)
        (picture,) = session(dict(zip(export.INPUTS, inputs, strict=True)))
        assert np.abs(picture - PictureGraph(network)(*inputs).numpy()).max() < 1e-4


def test_the_file_says_what_a_runner_needs(exported):
    import onnx

    entries = {entry.key: entry.value for entry in onnx.load(exported[0]).metadata_props}
    about = json.loads(entries["reposer"])
    assert about["size"] == [32, 24] and about["framing"]["aspect"] == 0.75 and about["precision"] == "fp16"
    assert about["card"] == {"licence": "Apache-2.0"} and about["target_joints"][0] == "nose"


def test_weights_in_half_precision_lie_so_in_the_file(exported):
    import onnx

    kinds = {w.data_type for w in onnx.load(exported[0]).graph.initializer if np.prod(w.dims) >= export.SMALLEST}
    assert kinds == {onnx.TensorProto.FLOAT16}


def test_bf16_is_for_what_was_learned_and_moves_no_places(network):
    import onnx

    names = ["generator.flow.weight", "generator.colour.weight", "grid", "generator.colour.bias"]
    values = [torch.rand(n) for n in (256, 256, 256, 3)]
    stored = [onnx.numpy_helper.from_array(v.numpy(), name) for v, name in zip(values, names, strict=True)]
    model = onnx.helper.make_model(onnx.helper.make_graph([], "none", [], [], stored))
    half = export._smaller(model, "bf16", export._coarse(PictureGraph(network)))
    kinds = onnx.TensorProto
    expected = [kinds.FLOAT16, kinds.BFLOAT16, kinds.FLOAT16, kinds.FLOAT]
    assert [weight.data_type for weight in half.graph.initializer] == expected


@pytest.mark.slow
def test_generate_by_onnxruntime_is_generate_by_torch(network, exported):
    run = RunWhole(network, {"picture": onnxruntime_session(exported[0])})
    source, _, _, target_xy, target_visible = example_inputs(network, 2, 3)
    poses = [standing(25.0, (12.0, 16.0), (32, 24)) for _ in range(2)]
    own, target = Pose.stack(poses), Pose(target_xy, target_visible, (32, 24))
    assert (run.generate(source, own, target) - network.generate(source, own, target)).abs().max() < 1e-4
    with pytest.raises(BadInput, match="32x24"):
        run.generate(source.repeat(1, 1, 2, 2), own, target)


@pytest.mark.slow
def test_the_example_puts_the_person_of_a_photo_into_a_pose_without_torch(exported, tmp_path):
    size = (97, 70)
    write_picture(tmp_path / "photo.png", smooth_photo(size))
    write_pose_json(tmp_path / "own.json", standing(60.0, (35.0, 50.0), size))
    write_pose_json(tmp_path / "wanted.json", standing(25.0, (20.0, 30.0), (60, 40), True))
    blocked = "import sys, runpy; sys.modules.update(torch=None, reposer=None); sys.argv = sys.argv[1:]; "
    command = [sys.executable, "-c", blocked + "runpy.run_path(sys.argv[0], run_name='__main__')", str(RUNNER)]
    poses = ["--source-pose", str(tmp_path / "own.json"), "--pose", str(tmp_path / "wanted.json")]
    ended = subprocess.run(
        [*command, str(exported[0]), str(tmp_path / "photo.png"), *poses, "--out", str(tmp_path / "out.png")],
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    before, after = (np.asarray(Image.open(tmp_path / name)).astype(int) for name in ("photo.png", "out.png"))
    changed = np.abs(after - before).max(-1) > 0
    assert after.shape == before.shape and changed.mean() > 0.2 and not changed[0, 0]


@pytest.mark.parametrize("lacking", [(), ("left_shoulder",)], ids=["whole", "without a shoulder"])
def test_the_example_gives_the_network_what_transfer_gives_it_of_poses_without_a_neck(network, lacking, tmp_path):
    spec = importlib.util.spec_from_file_location("onnx_runner", RUNNER)
    runner = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(runner)
    size, given, expected = (97, 70), {}, {}
    photo, poses = smooth_photo(size), []
    for name, raised in (("own", False), ("wanted", True)):
        pose = standing(60.0, (34.7, 50.2), size, raised).convert(COCO_17)
        for joint in lacking:
            pose.visible[COCO_17.index(joint)] = False
        write_pose_json(tmp_path / f"{name}.json", pose)
        poses.append(pose)

    class Session:
        def get_inputs(self):
            return [type("Entry", (), {"name": name}) for name in export.INPUTS]

        def run(self, outputs, inputs):
            given.update(inputs)
            return [inputs["source"]]

    about = json.loads(json.dumps(export.described(network)))
    runner.reposed(
        Session(), about, photo.numpy(), *(runner.read_pose(tmp_path / f"{n}.json") for n in ("own", "wanted"))
    )
    handle = network.register_forward_pre_hook(
        lambda _, inputs: expected.update(zip(("source", "own", "target"), inputs, strict=True))
    )
    try:
        transfer(network, photo, *poses)
    finally:
        handle.remove()
    neck = list(about["target_joints"]).index("neck")
    for name, pose in (("source", expected["own"]), ("target", expected["target"])):
        seen = pose.visible.numpy()
        assert (given[f"{name}_visible"] == seen).all() and seen[0, neck] == (not lacking)
        assert np.abs(given[f"{name}_xy"] - pose.xy.numpy())[seen].max() < 1e-3
    assert np.abs(given["source"] - expected["source"].numpy()).mean() < 0.02


@pytest.mark.slow
def test_a_file_that_differs_is_refused_and_the_older_one_stays(network, tmp_path, monkeypatch):
    recorded = export.exported_program(PictureGraph(network), example_inputs(network, 2, 0))
    monkeypatch.setattr(export, "exported_program", lambda graph, inputs: recorded)
    monkeypatch.setattr(export, "opened", lambda path, form: lambda inputs: PictureGraph(network)(*inputs) + 2e-4)
    with pytest.raises(BadInput, match=r"differs from the network by up to 0\.0002 where 0\.0001 is allowed in fp32"):
        export.export_generator(network, tmp_path / "a.pt2", "pt2", about={})
    assert not list(tmp_path.iterdir())
    (tmp_path / "a.pt2").write_bytes(b"older")
    monkeypatch.setattr(export, "opened", lambda path, form: lambda inputs: PictureGraph(network)(*inputs) / 0)
    with pytest.raises(BadInput, match="was not kept"):
        export.export_generator(network, tmp_path / "a.pt2", "pt2", about={})
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.pt2", b"older")]


@pytest.mark.slow
def test_the_command_s_pt2_is_read_by_torch_alone(network, tmp_path, monkeypatch, capsys):
    save(network, tmp_path / "small.safetensors")
    monkeypatch.setattr("reposer.generators.load", lambda model: network)  # its family is registered nowhere
    assert main(["export", str(tmp_path / "small.safetensors"), "--format", "pt2", "--out", f"{tmp_path}/a.pt2"]) == 0
    assert "differ from the network's by at most" in " ".join(capsys.readouterr().err.split())
    code = (
        "import sys, torch; program = torch.export.load(sys.argv[1]); "
        "x = torch.zeros(3, 3, 32, 24), torch.zeros(3, 18, 2), torch.ones(3, 18, dtype=torch.bool); "
        "print(tuple(program.module()(*x, *x[1:]).shape), 'reposer' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code, f"{tmp_path}/a.pt2"], capture_output=True, text=True)
    assert ended.stdout == "(3, 3, 32, 24) False\n", ended.stderr


def test_a_missing_package_is_named_before_the_work(network, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "onnxscript" else object())
    with pytest.raises(BadInput, match="This needs onnxscript: pip install"):
        export.export_generator(network, tmp_path / "a.onnx", "onnx", about={})
    with pytest.raises(BadInput, match="is written in fp32"):
        export.export_generator(network, tmp_path / "a.pt2", "pt2", precision="fp16", about={})


@pytest.mark.parametrize(
    ("family", "why"),
    [("gfla-animation", "no memory"), ("gfla-views", "takes a View"), ("gfla-face", "lines of a face")],
)
def test_a_network_of_something_else_is_refused(family, why, tmp_path, capsys):
    save(GENERATORS[family]().tiny().build(), tmp_path / "other.safetensors")
    assert main(["export", str(tmp_path / "other.safetensors"), "--out", str(tmp_path / "a.onnx")]) == 2
    assert why in capsys.readouterr().err and not (tmp_path / "a.onnx").exists()


@pytest.mark.nightly
@pytest.mark.parametrize("family", ["drn", "gfla", "patn", "pg2", "trueflow"])
@pytest.mark.parametrize("form", ["onnx", "openvino"])
def test_every_family_of_people_can_be_exported(family, form, tmp_path):
    torch.manual_seed(0)
    network = GENERATORS[family]().tiny().build().eval()
    path = tmp_path / ("a.onnx" if form == "onnx" else "a.xml")
    assert export.export_generator(network, path, form, about={}).difference <= 1e-4
