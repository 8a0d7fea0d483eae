"""GFLA's ablations (Baseline, Global-Attn, Bi-Sample) and the forms of its adversarial terms."""

from dataclasses import replace

import pytest
import torch

from reposer.cli.train import parse
from reposer.generators import RECIPES
from reposer.generators.gfla import GFLAConfig
from reposer.generators.gfla.objective import GFLALossesConfig
from reposer.generators.gfla.parts import BilinearSampling
from reposer.generators.gfla.without_flow import GFLAWithoutFlowConfig, GlobalAttention
from reposer.nn.local_attention import LocalAttention
from reposer.nn.weights import unfilled
from tests.batches import batches

from .test_gfla_network import count, lively, pair

ABLATIONS = {
    "gfla-fashion-2020-bilinear": 12_633_729,
    "gfla-fashion-2020-global-attention": 6_124_719,
    "gfla-fashion-2020-baseline": 4_612_305,
}
BASELINE = GFLAWithoutFlowConfig.baseline_2020()
GLOBAL = GFLAWithoutFlowConfig.global_attention_2020()


@pytest.mark.parametrize("name", ABLATIONS)
def test_every_ablation_is_a_recipe_of_the_published_size_batch_and_losses(name):
    whole, ablation = RECIPES["gfla-fashion-2020"](), RECIPES[name]()
    assert count(unfilled(ablation.model.build)) == ABLATIONS[name]
    assert (ablation.model.framing, ablation.batch_size) == (whole.model.framing, whole.batch_size)
    assert ablation.stages[-1] == whole.stages[-1]
    assert len(ablation.stages) == (2 if name.endswith("bilinear") else 1)  # without a flow it is not learnt first


def test_the_bilinear_form_is_the_whole_system_less_its_two_attentions():
    whole = unfilled(GFLAConfig.fashion_2020().build)
    assert count(whole) - count(whole.target_net.attention) == ABLATIONS["gfla-fashion-2020-bilinear"]


def test_bilinear_sampling_is_local_attention_to_a_patch_of_one_pixel():
    torch.manual_seed(0)
    source, target, flow = torch.randn(2, 3, 8, 6), torch.randn(2, 3, 8, 6), 3 * torch.randn(2, 2, 8, 6)
    one = LocalAttention(3, 1, hidden=4)
    assert torch.allclose(BilinearSampling()(source, target, flow), one(source, target, flow), atol=1e-5)


def test_global_attention_is_a_softmax_over_every_place_of_the_source():
    torch.manual_seed(0)
    block = GlobalAttention(4, 3)
    source, target = torch.randn(1, 4, 3, 2), torch.randn(1, 4, 2, 2)
    found, occlusion = block(source, target)
    query, key = block.query(target), block.key(source)
    for y in range(2):
        for x in range(2):
            alike = torch.stack([query[0, :, y, x] @ key[0, :, v, u] / 3**0.5 for v in range(3) for u in range(2)])
            places = [source[0, :, v, u] for v in range(3) for u in range(2)]
            wanted = sum(w * place for w, place in zip(alike.softmax(0), places, strict=True))
            assert torch.allclose(found[0, :, y, x], wanted, atol=1e-5)
    assert occlusion.shape == (1, 1, 2, 2) and 0 < occlusion.min() <= occlusion.max() < 1


def test_the_baseline_sees_the_source_pose_and_global_attention_does_not():
    source, source_pose, target_pose = pair((64, 32))
    for config, seen in ((BASELINE, True), (GLOBAL, False)):
        generator = lively(config.tiny()).eval()
        one, other = (generator.generate(source, pose, target_pose) for pose in (source_pose, target_pose))
        assert torch.equal(one, other) is not seen
        mirrored = generator.generate(source.flip(-1), source_pose, target_pose)
        assert not torch.equal(mirrored, one)  # both see the source


def test_the_ablations_without_a_flow_have_no_terms_of_one_and_name_what_they_can_show():
    for config, shown in ((BASELINE, []), (GLOBAL, ["occlusion level 3", "occlusion level 2"])):
        generator = config.tiny().build()
        assert list(generator.explain(*pair((64, 32))).layers) == shown
        recipe = replace(RECIPES["gfla-fashion-2020-baseline"](), model=config).tiny()
        batch = next(batches(recipe.data.open(generator.framing), seed=0, batch_size=2, first_step=0, last_step=1))
        _, turn = recipe.stages[0].objective.build(generator).train().steps(batch)
        assert set(turn.terms) == {"l1", "adversarial", "content", "style"}


@pytest.mark.parametrize(
    ("gan", "real", "fake", "passed"),
    [("least-squares", 0.25, 0.25, 0.25), ("hinge", 0.5, 1.5, -0.5), ("cross-entropy", 0.474077, 0.974077, 0.474077)],
)
def test_the_adversarial_terms_are_least_squares_hinge_or_logarithms_as_asked(gan, real, fake, passed):
    """With a discriminator that scores everything 0.5, of which the terms are known."""
    recipe = RECIPES["gfla-mini"]().tiny()
    generator = recipe.build()
    losses = replace(GFLALossesConfig(), gan=gan, adversarial=1.0).tiny()
    objective = losses.build(generator).train()
    objective.discriminator.forward = lambda picture: torch.full((len(picture), 1, 2, 2), 0.5)
    batch = next(batches(recipe.data.open(generator.framing), seed=0, batch_size=2, first_step=0, last_step=1))
    discriminated, generated = objective.steps(batch)
    assert float(discriminated.terms["real"]) == pytest.approx(0.5 * real, abs=1e-5)
    assert float(discriminated.terms["fake"]) == pytest.approx(0.5 * fake, abs=1e-5)
    assert float(generated.terms["adversarial"]) == pytest.approx(passed, abs=1e-5)


def test_the_form_of_the_adversarial_terms_is_a_flag_of_every_task_of_gfla():
    for name in ("gfla-fashion-2020", "gfla-dance-fashion-2020", "gfla-face-2020", "gfla-views-2020"):
        last = len(RECIPES[name]().stages) - 1
        _, recipe = parse(RECIPES[name](), [f"--stages.{last}.objective.gan", "hinge"])
        assert recipe.stages[last].objective.gan == "hinge"
