"""A network generates on CUDA what it generates on the CPU, and under bfloat16 nearly that."""

from dataclasses import replace

import pytest
import torch

from reposer.core.images import to_uint8
from reposer.evaluation import evaluate
from reposer.generators import RECIPES
from reposer.pipeline import transfer
from reposer.probes import PROBE_RECIPES
from reposer.probes.encoder.measure import measure, places_of
from tests.arguments import inputs

everyone = pytest.mark.parametrize("name", list(RECIPES))


def heard(network):
    """With weights under which every part of the network is heard: first ones may be near zero."""
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            scale = parameter[0].numel() ** -0.5 if parameter.dim() > 1 else 0.1
            parameter.add_(scale * torch.randn(parameter.shape, generator=random))
    return network.eval()


def there(arguments, device, dtype=torch.float32):
    source, *poses = arguments
    return source.to(device, dtype), *(pose.to(device) for pose in poses)


@everyone
def test_a_tiny_generator_generates_what_it_generates_on_the_cpu(name, device):
    generator = heard(RECIPES[name]().tiny().build()).double()  # norms over two pixels would amplify rounding
    arguments = inputs(generator)
    wanted = generator.generate(*there(arguments, "cpu", torch.float64))
    generated = generator.to(device).generate(*there(arguments, device, torch.float64))
    assert generated.device.type == device.type and generated.dtype == torch.float64
    torch.testing.assert_close(generated.cpu(), wanted, rtol=0, atol=1e-6)


@everyone
def test_so_it_does_in_float32_at_the_recipes_own_size(name, device):
    model = RECIPES[name]().model
    generator = heard(replace(model.tiny(), framing=model.framing).build())
    arguments = inputs(generator)
    wanted = generator.generate(*arguments)
    difference = (generator.to(device).generate(*there(arguments, device)).cpu() - wanted).abs()
    # on the CPU, float32 is off from float64 by 4e-5 in the mean and 3e-3 at most
    assert difference.mean() < 3e-4 and difference.max() < 0.03, (difference.mean(), difference.max())


@everyone
def test_layers_and_clips_are_generated_on_the_device_too(name, device):
    generator = heard(RECIPES[name]().tiny().build()).to(device)
    arguments = there(inputs(generator), device)
    explanation = generator.explain(*arguments)
    assert all(layer.values.device.type == device.type for layer in explanation.layers.values())
    source, source_pose, target_poses = arguments
    frames = list(generator.animate(source[0], source_pose[0], target_poses))
    assert [frame.shape for frame in frames] == [source[0].shape] * 3
    assert all(frame.isfinite().all() for frame in frames)


@everyone
def test_a_picture_of_a_batch_does_not_depend_on_the_others(name, device):
    generator = heard(RECIPES[name]().tiny().build()).double().to(device)
    source, *poses = there(inputs(generator, rows=3), device, torch.float64)
    together = generator.generate(source, *poses)
    alone = generator.generate(source[1:2], *(pose[1:2] for pose in poses))
    torch.testing.assert_close(together[1:2], alone, rtol=0, atol=1e-8)


@pytest.mark.parametrize("name", ["gfla-fashion", "gfla-fashion-2020"])
def test_the_network_for_fashion_under_bfloat16_at_256x256_is_finite_and_near(name, device):
    generator = heard(RECIPES[name]().build()).to(device)
    arguments = there(inputs(generator, rows=4), device)
    assert arguments[0].shape == (4, 3, 256, 256)
    wanted = generator.generate(*arguments)
    with torch.autocast(device.type, torch.bfloat16):
        generated = generator.generate(*arguments)
        layers = generator.explain(*arguments).layers
    assert generated.dtype == torch.float32 and generated.isfinite().all() and generated.abs().max() <= 1
    assert wanted.std() > 0.1  # there is something to be near to
    assert (generated - wanted).abs().mean() < 0.03  # on the CPU: 0.007
    flows = [layer.values for layer in layers.values() if layer.kind == "flow"]
    assert flows and all(flow.dtype == torch.float32 and flow.isfinite().all() for flow in flows)


def test_a_photo_is_reposed_by_a_network_on_the_device(device):
    generator = heard(RECIPES["gfla-mini"]().tiny().build())
    source, source_pose, target_pose = inputs(generator)
    photo = to_uint8(source[0])
    here = transfer(generator, photo, source_pose[0], target_pose[0])
    answer = transfer(generator.to(device), photo, source_pose[0], target_pose[0], explain=True)
    assert answer.picture.device.type == "cpu" and answer.explanation is not None
    assert (answer.picture.int() - here.picture.int()).abs().float().mean() < 3


def test_scores_on_the_device_are_those_of_the_cpu(device):
    recipe = RECIPES["gfla-mini"]().tiny()
    generator = heard(recipe.build())
    people = recipe.data.open(generator.framing)
    here = evaluate(generator.generate, recipe.protocol, people)
    answer = evaluate(generator.to(device).generate, recipe.protocol, people, device=device)
    assert (answer.hash, answer.truth_hash) == (here.hash, here.truth_hash)
    for name, summary in here.summary.items():
        assert answer.summary[name].value.mean == pytest.approx(summary.value.mean, rel=0.02), name


def test_the_people_reader_reads_on_the_device_what_it_reads_on_the_cpu(device):
    recipe = PROBE_RECIPES["people-encoder"]().tiny()
    reader = recipe.build().eval()
    people = recipe.data.open(reader.framing)
    picture = people.plain(0).picture
    with torch.no_grad():
        here = reader(picture)
        report = measure(reader, people)
        reading = reader.to(device)(picture.to(device))
    torch.testing.assert_close(reading.parts.cpu(), here.parts, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(reading.joints.cpu(), here.joints, rtol=1e-3, atol=1e-3)
    assert places_of(reading.joints, people.framing.size).device.type == device.type
    assert measure(reader, people).part_accuracy == pytest.approx(report.part_accuracy, abs=0.02)
