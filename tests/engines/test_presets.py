"""Presets: a model, a size and an engine in one word."""

import typing

import pytest
import torch

from reposer import batch
from reposer.core import BadInput, Pose
from reposer.core.choices import Preset
from reposer.engines.graph import example_inputs
from reposer.engines.presets import DEFAULT_MODEL, PRESETS, Choice, chosen
from reposer.engines.run import load_for
from reposer.generators import GENERATORS, save


def test_every_preset_is_a_choice_and_none_is_what_was_asked_for():
    assert set(PRESETS) == set(typing.get_args(Preset))
    assert chosen(None, "own.safetensors", "openvino") == Choice("own.safetensors", "openvino")
    assert chosen("fast", DEFAULT_MODEL, None) == PRESETS["fast"] != PRESETS["balanced"]


@pytest.mark.parametrize(("model", "engine"), [("gfla-synthetic", None), (DEFAULT_MODEL, "onnxruntime")])
def test_a_preset_goes_with_no_other_model_or_engine(model, engine):
    with pytest.raises(BadInput, match=r"leave (--model gfla-synthetic|the engine onnxruntime) out"):
        chosen("fast", model, engine)


def test_a_network_works_at_the_size_of_the_preset_and_keeps_its_framing(tmp_path):
    torch.manual_seed(0)
    save(GENERATORS["trueflow"]().tiny().build(), tmp_path / "ours.safetensors")
    whole, small = (load_for(tmp_path / "ours.safetensors", "cpu", size=size) for size in (None, (48, 32)))
    assert small.framing.size == (48, 32) and small.framing.margin == whole.framing.margin
    source, xy, visible, target_xy, target_visible = example_inputs(small, 1, 0)
    own, target = (Pose(a, b, (48, 32)) for a, b in ((xy, visible), (target_xy, target_visible)))
    assert small.generate(source, own, target).shape == (1, 3, 48, 32)
    save(GENERATORS["pg2"]().tiny().build(), tmp_path / "pg2.safetensors")
    with pytest.raises(BadInput, match="works at 64x32 only, not at 48x32"):
        load_for(tmp_path / "pg2.safetensors", "cpu", size=(48, 32))


def test_pictures_of_a_batch_at_another_size_are_other_pictures(tmp_path):
    for name in ("photo.png", "model.safetensors"):
        (tmp_path / name).write_bytes(name.encode())
    job, model = batch.Job(tmp_path / "photo.png", "arms-up", tmp_path / "out.png"), str(tmp_path / "model.safetensors")
    plain, small = (batch.made_from(job, batch.Options(model, network_size=size)) for size in (None, (192, 144)))
    assert plain != small
