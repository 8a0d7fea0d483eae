"""Every generator, at its tiny size: a new family is tested without editing a test."""

import pytest
import torch

from reposer.core import Explanation
from reposer.core.samples import stack_conditions
from reposer.generators import GENERATORS, load, save
from tests.arguments import inputs

everyone = pytest.mark.parametrize("name", list(GENERATORS))


def build(name):
    """With weights under which every part of the network is heard: first ones may be near zero."""
    torch.manual_seed(0)
    generator = GENERATORS[name]().tiny().build()
    with torch.no_grad():
        for parameter in generator.parameters():
            scale = parameter[0].numel() ** -0.5 if parameter.dim() > 1 else 0.1
            parameter.add_(scale * torch.randn_like(parameter))
    return generator.eval()


@everyone
def test_tiny_is_small(name):
    generator = GENERATORS[name]().tiny().build()
    assert generator.framing.size == (64, 32)
    assert sum(p.numel() for p in generator.parameters()) <= 100_000


@everyone
def test_pictures_have_the_shape_and_range_of_pictures_and_no_history(name):
    generator = build(name)
    source, *poses = inputs(generator)
    pictures = generator.generate(source, *poses)
    assert pictures.shape == source.shape and pictures.dtype == torch.float32
    assert pictures.abs().max() <= 1 and pictures.isfinite().all()
    assert not pictures.requires_grad


@everyone
def test_picture_b_depends_on_row_b_and_its_seed_alone(name):
    generator = build(name).double()  # norms over the two pixels of a tiny map would amplify rounding
    source, source_pose, target_pose = inputs(generator)
    source = source.double()
    seeds = torch.tensor([5, 6, 7])
    together = generator.generate(source, source_pose, target_pose, seeds=seeds)
    for b in range(3):
        row = slice(b, b + 1)
        alone = generator.generate(source[row], source_pose[row], target_pose[row], seeds=seeds[row])
        assert torch.allclose(alone, together[row], atol=1e-9)
    other_source, _, other_pose = inputs(generator, seed=2)
    other_source = other_source.double()
    keep = torch.tensor([False, True, False])
    mixed = torch.where(keep[:, None, None, None], source, other_source)
    pose = stack_conditions([(target_pose if own else other_pose)[b] for b, own in enumerate(keep)])
    assert torch.allclose(generator.generate(mixed, source_pose, pose, seeds=seeds)[1], together[1], atol=1e-9)


@everyone
def test_the_same_call_generates_the_same_picture_and_leaves_the_worlds_noise_alone(name):
    generator = build(name)
    arguments = inputs(generator)
    state = torch.random.get_rng_state()
    first = generator.generate(*arguments)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(first, generator.generate(*arguments))
    assert torch.equal(first, generator.generate(*arguments, seeds=torch.zeros(3, dtype=torch.int64)))


@everyone
def test_saving_and_loading_changes_nothing(name, tmp_path):
    generator = build(name)
    save(generator, tmp_path / "a.safetensors", {"recipe": "none", "step": 3})
    loaded = load(tmp_path / "a.safetensors")
    assert type(loaded) is type(generator) and not loaded.training
    assert loaded.config == generator.config
    assert loaded.framing == generator.framing and loaded.skeleton == generator.skeleton
    arguments = inputs(generator)
    assert torch.equal(loaded.generate(*arguments), generator.generate(*arguments))
    save(loaded, tmp_path / "b.safetensors", {"recipe": "none", "step": 3})
    assert (tmp_path / "b.safetensors").read_bytes() == (tmp_path / "a.safetensors").read_bytes()


@everyone
def test_an_explanation_holds_the_picture_that_is_generated_and_layers_in_range(name):
    generator = build(name)
    source, *poses = inputs(generator)
    explanation = generator.explain(source, *poses)
    assert isinstance(explanation, Explanation)
    assert torch.equal(explanation.picture, generator.generate(source, *poses))
    channels = {"picture": 3, "weight": 1, "flow": 2}
    for layer in explanation.layers.values():
        assert layer.values.shape[:2] == (3, channels[layer.kind])
        assert layer.values.isfinite().all() and not layer.values.requires_grad
        if layer.kind == "picture":
            assert layer.values.abs().max() <= 1 + 1e-5
        if layer.kind == "weight":
            assert layer.values.min() >= 0 and layer.values.max() <= 1


@everyone
def test_a_clip_has_a_frame_a_pose(name):
    generator = build(name)
    source, source_pose, target_poses = inputs(generator)
    first = source_pose[0]
    frames = list(generator.animate(source[0], first, target_poses))
    assert [frame.shape for frame in frames] == [source[0].shape] * 3
    assert torch.equal(frames[0], next(iter(generator.animate(source[0], first, target_poses[:1]))))


@everyone
def test_every_parameter_is_moved_by_what_the_network_generates(name):
    generator = build(name).train()
    if not list(generator.parameters()):
        pytest.skip(f"{name} has no parameters")
    outputs = [value for value in tensors(generator(*inputs(generator))) if value.requires_grad]
    torch.stack([(value * torch.randn_like(value)).sum() for value in outputs]).sum().backward()
    unread = getattr(generator, "unread", ())
    moved = {n for n, p in generator.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    still = {n for n, _ in generator.named_parameters() if n not in moved and not n.startswith(unread or "\0")}
    # A bias before an instance norm is subtracted again: its gradient is rounding noise, which may be exactly zero.
    assert not {name for name in still if not name.endswith("bias")}


def tensors(value):
    """All tensors in what a family's forward returns."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        return [t for part in value.values() for t in tensors(part)]
    if isinstance(value, tuple | list):
        return [t for part in value for t in tensors(part)]
    return [t for part in vars(value).values() for t in tensors(part)] if hasattr(value, "__dict__") else []
