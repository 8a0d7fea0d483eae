"""The people-encoder: what its terms say in closed form, that it learns, and that what ships can be loaded."""

import json
import math
from dataclasses import replace

import pytest
import torch

from reposer.cli import main
from reposer.core import BadInput, Framing, Pose
from reposer.core.skeleton import OPENPOSE_18
from reposer.nn.features import feature_network
from reposer.nn.maps import heatmaps
from reposer.nn.weights import read_header
from reposer.probes.encoder import PeopleConfig, PeopleReaderConfig, measure, people_encoder, ship
from reposer.probes.encoder.__main__ import begun
from reposer.probes.encoder.measure import places_of
from reposer.probes.encoder.objective import JOINT_SIGMA, joint_cross_entropy, stride_parts
from reposer.probes.encoder.people import augmented
from reposer.training import train

JOINTS = len(OPENPOSE_18)
MAP, PICTURE = (8, 6), (32, 24)  # of the joints' map, of the picture


def poses(*cells, seen=JOINTS):
    """One row per cell (column, row): every joint at the middle of that place of the map, the first `seen` visible."""
    xy = torch.tensor(cells, dtype=torch.float32)[:, None].expand(-1, JOINTS, 2)
    visible = (torch.arange(JOINTS) < seen).expand(len(cells), -1)
    return Pose((xy + 0.5) * 4 - 0.5, visible, PICTURE)


def test_a_part_at_half_size_is_the_bottom_right_pixel_of_its_block():
    parts = torch.arange(24).view(1, 4, 6)
    assert stride_parts(parts).tolist() == [[[7, 9, 11], [19, 21, 23]]]


def test_a_joint_lies_where_its_place_is_alone_likely():
    logits = torch.full((1, JOINTS, *MAP), -50.0)
    logits[0, 0, 2, 3], logits[0, 1, 0, 0], logits[0, 2, 7, 5] = 50, 50, 50
    logits[0, 3, 4, 1] = logits[0, 3, 4, 2] = 50
    places = places_of(logits, PICTURE)[0]
    assert places[0].tolist() == [13.5, 9.5]  # (3 + 0.5) * 4 - 0.5, (2 + 0.5) * 4 - 0.5
    assert places[1].tolist() == [1.5, 1.5] and places[2].tolist() == [21.5, 29.5]
    assert places[3].tolist() == [7.5, 17.5]  # half way between two that are as likely


def test_a_place_far_from_the_likeliest_counts_for_nothing():
    logits = torch.zeros(1, JOINTS, *MAP)
    logits[..., 1, 1], logits[..., 6, 4] = 5.0, 4.9
    alone = torch.zeros(1, JOINTS, *MAP)
    alone[..., 1, 1] = 5.0
    assert torch.equal(places_of(logits, PICTURE), places_of(alone, PICTURE))


def test_a_bump_is_read_where_the_joint_is():
    pose = poses((3, 4), (2, 5))
    on_map = replace(pose, xy=(pose.xy + 0.5) / 4 - 0.5, size=MAP)
    bumps = heatmaps(on_map, JOINT_SIGMA).clamp(min=1e-9)
    torch.testing.assert_close(places_of(bumps.log(), PICTURE), pose.xy)


def test_places_that_are_all_as_likely_cost_the_logarithm_of_their_number():
    loss = joint_cross_entropy(torch.zeros(2, JOINTS, *MAP), poses((3, 3), (2, 5), seen=4))
    assert loss.item() == pytest.approx(math.log(MAP[0] * MAP[1]), rel=1e-5)


def test_a_perfect_reading_costs_the_entropy_of_the_bump():
    y, x = torch.meshgrid(torch.arange(8.0), torch.arange(6.0), indexing="ij")
    bump = torch.exp(-((x - 3) ** 2 + (y - 4) ** 2) / (2 * JOINT_SIGMA**2))
    p = bump / bump.sum()
    loss = joint_cross_entropy(p.log().expand(1, JOINTS, *MAP), poses((3, 4)))
    assert loss.item() == pytest.approx(-(p * p.log()).sum().item(), rel=1e-5)


def test_rows_weigh_alike_and_joints_not_seen_weigh_nothing():
    logits = torch.randn(3, JOINTS, *MAP, generator=torch.Generator().manual_seed(0))
    few, many, nobody = (poses((3, 4), seen=n) for n in (1, JOINTS, 0))
    together = Pose.stack([p[0] for p in (few, many, nobody)])
    alone = [joint_cross_entropy(logits[b : b + 1], together[b : b + 1]).item() for b in range(3)]
    assert alone[2] == 0
    assert joint_cross_entropy(logits, together).item() == pytest.approx(sum(alone) / 3, rel=1e-5)
    hidden = logits.clone()
    hidden[0, 1:] = 1e3  # joints that row 0 does not see
    assert joint_cross_entropy(hidden, together).item() == pytest.approx(sum(alone) / 3, rel=1e-5)
    assert joint_cross_entropy(logits, poses((40, 4), (3, -9), (3, 30))).item() == 0  # far outside


def test_parts_and_joints_move_with_the_picture():
    picture, parts = torch.full((3, 64, 48), -1.0), torch.zeros(64, 48, dtype=torch.int64)
    picture[:, 28:37, 20:29], parts[28:37, 20:29] = 1.0, 1
    pose = Pose(torch.tensor([[24.0, 32.0]]).expand(JOINTS, 2), torch.ones(JOINTS, dtype=torch.bool), (64, 48))
    places, words = set(), torch.zeros(3, dtype=torch.int64)
    for seed in range(8):
        moved = augmented(picture, parts, pose, words, seed)
        rows, columns = torch.nonzero(moved.parts[0]).float().mean(0)
        assert (torch.stack([columns, rows]) - moved.pose.xy[0, 0]).abs().max() < 1
        inside = moved.parts[0] == 1
        assert moved.clean[0][:, inside].mean() > moved.clean[0][:, ~inside].mean() + 0.3
        assert torch.equal(augmented(picture, parts, pose, words, seed).picture, moved.picture)
        places.add(tuple(moved.pose.xy[0, 0].tolist()))
    assert len(places) == 8


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of the tiny recipe, long enough to learn something."""
    recipe = people_encoder().tiny()
    stage = replace(recipe.stages[0], steps=60, warmup=5)
    out = tmp_path_factory.mktemp("runs") / "encoder"
    recipe = replace(recipe, stages=(stage,), save_every=60)
    return recipe, out, train(recipe, out, progress=False)


@pytest.mark.slow
def test_the_tiny_recipe_trains_and_every_term_falls(run):
    _, out, outcome = run
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert outcome.finished and len(lines) == 60
    for term in ("reader/parts", "reader/joints", "reader/picture", "reader/attributes"):
        first, last = (sum(line[term] for line in part) / 10 for part in (lines[:10], lines[-10:]))
        assert last < 0.95 * first, f"{term} went from {first} to {last}"


@pytest.mark.slow
def test_what_ships_is_loaded_and_every_layer_has_mean_square_1(run, tmp_path):
    _, _, outcome = run
    people = PeopleConfig(first=0, num_people=3).open(Framing((64, 48), fit="pad"))
    path = tmp_path / "people-encoder.safetensors"
    before = measure(outcome.generator, people)
    report = ship(outcome.generator, people, path, {"seed": 5})
    assert report == before and 0 <= report.part_accuracy <= 1 and 0 <= report.matched_parts <= 1
    card = json.loads(read_header(path)["reposer"])
    assert card["kind"] == "people-encoder" and card["licence"] == "Apache-2.0" and card["seed"] == 5
    assert card["joint_error"] == pytest.approx(report.joint_error, abs=1e-4)
    network = feature_network("people-encoder", weights=path)
    pictures = torch.cat([people.plain(i).picture for i in range(len(people))])
    for name, features in network(pictures, network.layers).items():
        assert features.square().mean().item() == pytest.approx(1, abs=0.03), name  # bfloat16 weights


def test_the_command_goes_on_with_the_recipe_that_the_run_folder_holds(run, tmp_path):
    recipe, out, _ = run
    assert begun(tmp_path) is None
    assert begun(out) == recipe
    assert train(begun(out), out, progress=False).step == 60
    receipt = json.loads((out / "recipe.json").read_text()) | {"recipe": {"name": "gfla-mini"}}
    (tmp_path / "recipe.json").write_text(json.dumps(receipt))
    with pytest.raises(BadInput, match="EncoderRecipe"):
        begun(tmp_path)


@pytest.mark.slow
def test_the_command_line_trains_it_and_says_how_to_go_on(tmp_path, capsys):
    tiny = ["--model.size", "64", "48", "--model.width", "4", "--data.num-people", "2", "--batch-size", "2"]
    tiny += ["--stages.0.steps", "2", "--threads", "1", "--precision", "fp32", "--picture-every", "1"]
    assert main(["train", "people-encoder", "--out", str(tmp_path / "run"), *tiny]) == 0
    said = capsys.readouterr().err
    assert "python -m reposer.probes.encoder --out" in said and "reposer evaluate" not in said
    assert begun(tmp_path / "run").model == PeopleReaderConfig(size=(64, 48), width=4)
    assert main(["train", "people-encoder", "--data", "somewhere"]) == 2
    assert "leave --data out" in capsys.readouterr().err
    assert main(["recipes"]) == 0 and "people-encoder" in capsys.readouterr().out
    assert main(["train", "people-encodr"]) == 2
    assert "Did you mean people-encoder" in capsys.readouterr().err
