"""The readers: what they are shown is true, their losses and measures have closed forms, and what ships is what was
measured."""

import json
import math
from dataclasses import fields, replace

import pytest
import torch
import torch.nn.functional as F

from reposer.cli import main
from reposer.core import BadInput, Framing, Pose
from reposer.estimators import ATTRIBUTE_READERS, EMBEDDERS, FACE_DETECTORS, POSE_ESTIMATORS
from reposer.estimators.people_files import BODY_FILE, FACE_FILE
from reposer.estimators.people_networks import FACE_5, FaceConfig
from reposer.nn.weights import read_header
from reposer.probes.encoder import HELD_OUT as ENCODERS_PEOPLE
from reposer.probes.readers import __main__ as command
from reposer.probes.readers import people_body, people_face, ship_body, ship_face
from reposer.probes.readers.body_views import NO_PERSON, BodyPeople, in_picture, moved, shuffled
from reposer.probes.readers.face_views import CLOSE_UP, FacePeople, FaceTruth, face_truth, looked_at
from reposer.probes.readers.measure_body import elsewhere, show, torso_length
from reposer.probes.readers.objective import TEMPERATURE, contrast
from reposer.probes.readers.people import CALIBRATION, HELD_OUT, Dice, People, PeopleConfig, blurred
from reposer.probes.readers.same import equal_error, pairs, rank1
from reposer.probes.readers.ship import level
from reposer.recipes import DataConfig
from reposer.synthetic.people import ATTRIBUTES, BodyPose, SyntheticPeople, render
from reposer.training import train

# ---------------------------------------------------------------------------- who is shown


def test_nobody_is_shared_with_generators_or_the_encoder_nor_with_calibration_or_measurement():
    for config in (BodyPeople(), FacePeople()):
        assert config.seed not in (DataConfig().seed, ENCODERS_PEOPLE.seed)
        assert config.first >= HELD_OUT.stop and HELD_OUT.start >= CALIBRATION.stop
    seed = people_body().data.seed
    ours, theirs = (SyntheticPeople((32, 24), "val", 5, s) for s in (seed, ENCODERS_PEOPLE.seed))
    assert ours.who(900_000) != theirs.who(900_000)


def test_a_lookalike_is_another_person_who_shares_more_answers_than_most():
    people = People(PeopleConfig(num_people=30), (32, 24), tuple(ATTRIBUTES))
    answers = people.answers
    for person in (0, 7, 29):
        other = people.lookalike(person, 4)
        assert other != person and people.lookalike(person, 4) == other
        shared = (answers == answers[person]).sum(1)
        assert shared[other] > shared.float().median()
    assert len({people.lookalike(0, seed) for seed in range(30)}) > 2


@pytest.mark.slow
def test_an_item_is_two_lookalikes_twice_and_nobody():
    views = BodyPeople(num_people=3, views=2).open(Framing((64, 48), fit="pad"))
    item, again = views.sample(1, 8), views.sample(1, 8)
    assert torch.equal(item.picture, again.picture) and not torch.equal(item.picture, views.sample(1, 9).picture)
    assert item.who.tolist() == [1, 1, item.who[2], item.who[2], NO_PERSON] and item.who[2] != 1
    assert item.picture.shape == (5, 3, 64, 48) and item.pose.size == (64, 48)
    assert not item.pose.visible[4].any() and item.pose.visible[:4].any(1).all()
    assert torch.equal(item.words[0], views.people.answers[1])
    both = views.collate([item, views.sample(0, 1)], None)
    assert len(both) == 10 and both.picture.abs().max() <= 1


def test_joints_move_with_the_picture_and_leave_it_unseen():
    picture = torch.full((3, 64, 48), -1.0)
    picture[:, 28:37, 20:29] = 1.0
    pose = Pose(torch.tensor([[24.0, 32.0]]).expand(18, 2), torch.ones(18, dtype=torch.bool), (64, 48))
    for seed in range(6):
        out, there = moved(picture, pose, Dice(seed), mirrored=seed % 2 == 1)
        rows, columns = torch.nonzero(out[0] > 0).float().mean(0)
        assert (torch.stack([columns, rows]) - there.xy[0]).abs().max() < 0.6
    outside = in_picture(replace(pose, xy=pose.xy - 40))
    assert not outside.visible.any()


def test_a_shuffled_picture_has_the_same_pixels_elsewhere():
    picture = torch.rand(3, 16, 12)
    mixed = shuffled(picture, Dice(3))
    assert not torch.equal(mixed, picture)
    assert torch.equal(mixed.flatten(1).sort(1).values, picture.flatten(1).sort(1).values)


def test_blur_keeps_what_is_constant_and_spreads_a_dot_by_sigma():
    torch.testing.assert_close(blurred(torch.full((3, 9, 8), 0.3), 1.5), torch.full((3, 9, 8), 0.3))
    dot = torch.zeros(3, 41, 31)
    dot[:, 20, 15] = 1
    soft = blurred(dot, 2.0)[0]
    assert soft.sum() == pytest.approx(1, abs=1e-5)
    rows = torch.arange(41.0) - 20
    assert (soft.sum(1) * rows.square()).sum() == pytest.approx(4, abs=0.02)


# ---------------------------------------------------------------------------- faces


def test_a_face_is_shown_by_a_front_and_not_by_a_back():
    people = SyntheticPeople((96, 66), "val", 400, 91)
    stand = replace(people.shot(people.identity_number(301), 0), pose=BodyPose())
    turned = [replace(stand, camera=replace(stand.camera, yaw=yaw)) for yaw in (0.0, 180.0)]
    truth = face_truth(render(turned, (96, 66)))
    assert truth.shown.tolist() == [True, False]
    left, top, right, bottom = truth.box[0].tolist()
    x, y = truth.landmarks.xy[0].unbind(1)
    assert (x > left).all() and (x < right).all() and (y > top).all() and (y < bottom).all()
    assert x[0] < x[1] and x[3] < x[4]  # from the front, the person's right is on the picture's left
    assert (truth.box[0] - truth.middle[0].repeat(2)).abs().max() < truth.side[0] / 2


def test_landmarks_and_box_lie_on_the_crop_where_the_picture_shows_them():
    picture = torch.full((3, *CLOSE_UP), -1.0)
    places = torch.tensor([[36.0, 40.0], [52.0, 40.0], [44.0, 50.0], [38.0, 58.0], [50.0, 58.0]])
    for x, y in places.long().tolist():
        picture[:, y - 2 : y + 3, x - 2 : x + 3] = 1
    shown = torch.ones(1, 5, dtype=torch.bool)
    truth = FaceTruth(
        Pose(places[None], shown, CLOSE_UP, FACE_5),
        torch.tensor([[34.0, 30.0, 54.0, 66.0]]),
        torch.tensor([[44.0, 48.0]]),
        torch.tensor([60.0]),
    )
    for seed in range(6):
        seen = looked_at(picture, truth, 3, 48, Dice(seed), mirrored=seed % 2 == 0)
        points = seen.landmarks.xy[0]
        grid = (2 * points + 1) / 48 - 1
        light = F.grid_sample(seen.heads, grid[None, None], align_corners=False)[0, 0, 0]
        assert (light > seen.heads.mean() + 0.25).all(), seed
        left, top, right, bottom = (seen.box[0] * 48 - 0.5).tolist()
        assert left < points[:, 0].min() and points[:, 0].max() < right
        assert top < points[:, 1].min() and points[:, 1].max() < bottom
        assert (points[0, 0] < points[1, 0]) and seen.who.tolist() == [3]


# ---------------------------------------------------------------------------- losses and measures


def test_the_contrast_of_two_people_is_known():
    who = torch.tensor([0, 0, 1, 1, NO_PERSON])
    x, y = torch.eye(2)
    apart = contrast(torch.stack([x, x, y, y, x]), who)  # of three others, one with cosine 1 and two with 0
    assert apart.item() == pytest.approx(math.log(1 + 2 * math.exp(-1 / TEMPERATURE)), abs=1e-6)
    alike = contrast(torch.stack([x, x, x, x, y]), who)
    assert alike.item() == pytest.approx(math.log(3), rel=1e-5)
    assert contrast(torch.stack([x, y]), torch.tensor([0, 1])).item() == 0  # nobody has a second view


def test_the_equal_error_rate_of_known_cosines():
    threshold, rate = equal_error(torch.tensor([0.9, 0.8]), torch.tensor([0.1, 0.2, 0.3]))
    assert rate == 0 and 0.3 < threshold < 0.8
    threshold, rate = equal_error(torch.tensor([0.9, 0.8, 0.7, 0.2]), torch.tensor([0.1, 0.15, 0.3, 0.75]))
    assert rate == pytest.approx(0.25) and 0.3 < threshold < 0.75
    assert equal_error(torch.tensor([0.0, 0.1]), torch.tensor([0.8, 0.9]))[1] == 1


def test_rank_1_and_pairs_count_each_person_once():
    vectors = F.normalize(torch.tensor([[1.0, 0], [0.9, 0.1], [0, 1], [1, 0.1]]), dim=1)
    who = torch.tensor([5, 5, 9, 9])
    assert rank1(vectors, who) == 0.5  # the last looks like the first
    same, different = pairs(vectors, who)
    assert (len(same), len(different)) == (2, 4)


def test_a_level_has_as_many_above_it_as_asked():
    logits = torch.randn(40, 3, generator=torch.Generator().manual_seed(2))
    counts = torch.tensor([0, 17, 40])
    assert ((logits - level(logits, counts)) > 0).sum(0).tolist() == [0, 17, 40]


def test_a_torso_reaches_from_the_neck_to_the_middle_of_the_hips():
    xy, visible = torch.zeros(2, 18, 2), torch.ones(2, 18, dtype=torch.bool)
    xy[:, 8], xy[:, 11] = torch.tensor([-3.0, 12.0]), torch.tensor([3.0, 12.0])
    visible[1, 8] = False
    length, known = torso_length(Pose(xy, visible, (64, 48)))
    assert length.tolist() == [12, 12] and known.tolist() == [True, False]


def test_people_elsewhere_are_the_same_people_before_another_ground():
    ((number, rendering, words),) = show(range(301, 302), (64, 44))
    there = elsewhere(rendering, number)
    assert torch.equal(there[rendering.mask], rendering.picture[rendering.mask])
    assert (there != rendering.picture)[~rendering.mask].float().mean() > 0.9
    assert len(words) == len(ATTRIBUTES)


# ---------------------------------------------------------------------------- training and shipping


def tiny(recipe, steps):
    recipe = recipe.tiny()
    return replace(recipe, stages=(replace(recipe.stages[0], steps=steps, warmup=3),), batch_size=3, save_every=steps)


@pytest.mark.slow
def test_the_tiny_recipes_train_and_what_ships_is_what_was_measured(tmp_path):
    recipes = tiny(people_body(), 30), tiny(people_face(), 30)
    for recipe in recipes:
        outcome = train(recipe, tmp_path / recipe.name, progress=False)
        lines = [json.loads(line) for line in (tmp_path / recipe.name / "log.jsonl").read_text().splitlines()]
        for term in [term for term in lines[0] if term.startswith("reader/")]:
            first, last = (sum(line[term] for line in part) / 8 for part in (lines[:8], lines[-8:]))
            assert last < first, f"{recipe.name}: {term} went from {first} to {last}"
        if recipe is recipes[0]:
            report = ship_body(outcome.generator, tmp_path, {"seed": 1}, range(2), range(2, 4))
        else:
            with torch.no_grad():
                outcome.generator.whole[-1].bias[0] = 9  # so short a training finds no face
            report = ship_face(outcome.generator, tmp_path, {"seed": 1}, range(2), range(2, 4))
        name = BODY_FILE if recipe is recipes[0] else FACE_FILE
        card = json.loads(read_header(tmp_path / name)["reposer"])
        assert card["licence"] == "Apache-2.0" and card["seed"] == 1 and -1.01 <= card["threshold"] <= 1.01
        assert set(card["measured"]) == {field.name for field in fields(report)}
        for field in fields(report):
            value, written = getattr(report, field.name), card["measured"][field.name]
            assert written is None if math.isnan(value) else written == pytest.approx(value, abs=1e-4)
    shown = SyntheticPeople((128, 88), "val", 2, 91).rendered([(900_000, 0)]).picture
    assert POSE_ESTIMATORS["people-joints"](tmp_path)(shown).size == (128, 88)
    assert len(ATTRIBUTE_READERS["people-attributes"](tmp_path).questions) == sum(map(len, ATTRIBUTES.values()))
    assert EMBEDDERS["people-identity"](tmp_path).threshold is not None
    assert len(FACE_DETECTORS["people-faces"](tmp_path)(shown)) == 1


def test_the_command_goes_on_with_the_recipe_that_the_run_folder_holds(tmp_path):
    recipe = tiny(people_face(), 1)
    train(recipe, tmp_path, progress=False)
    assert command.begun(tmp_path, type(recipe)) == recipe
    assert command.begun(tmp_path / "none", type(recipe)) is None
    with pytest.raises(BadInput, match="does not fit Body"):
        command.begun(tmp_path, type(people_body()))


@pytest.mark.slow
def test_the_command_line_trains_it_and_says_how_to_go_on(tmp_path, capsys):
    tiny_face = ["--model.widths", "8", "8", "16", "--model.embedding", "4", "--data.num-people", "2"]
    tiny_face += ["--batch-size", "1", "--stages.0.steps", "1", "--threads", "1", "--precision", "fp32"]
    assert main(["train", "people-face", "--out", str(tmp_path / "people-face"), *tiny_face]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert f"python -m reposer.probes.readers face --out {tmp_path}" in said
    made = command.begun(tmp_path / "people-face", type(people_face())).model
    assert made == FaceConfig(widths=(8, 8, 16), embedding=4)
