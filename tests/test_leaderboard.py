import dataclasses
import json
import re
import shutil
from functools import partial
from pathlib import Path

import pytest
import torch

from reposer.cli.leaderboard import _print_table, chosen
from reposer.core import BadInput, Framing, Generated, Pose
from reposer.core.images import resize
from reposer.core.terminal import Terminal
from reposer.data import open_dataset
from reposer.data.pictures import write_picture
from reposer.data.shards import pose_words
from reposer.evaluation import OnWholePictures, evaluate
from reposer.generators import RECIPES, load, save, shipped_models
from reposer.generators.copy_source import CopySource, CopySourceConfig
from reposer.leaderboard import (
    BATCH,
    COPY,
    FASHION,
    Contest,
    Entry,
    _Measures,
    brought_back,
    contest_form,
    full,
    hold,
    mini,
    on_data,
    table,
    with_own_features,
)
from reposer.synthetic.people import SyntheticPeople, write_people
from reposer.training import Start
from reposer.training.run_folder import RunFolder


def tiny(*names: str, **changes) -> Contest:
    contest = Contest(
        systems={name: partial(tiny_recipe, name) for name in names},
        size=(64, 44),
        people=3,
        test_people=2,
        pairs=6,
        pictures=3 * BATCH,
        minutes=1e-6,
        average=0.9,
    )
    return dataclasses.replace(contest, **changes)


def tiny_recipe(name: str):
    return RECIPES[name]().tiny()


@pytest.mark.slow
def test_every_system_is_scored_at_both_moments_but_one_that_diverges_and_the_table_shows_it(tmp_path):
    def wild():
        recipe = tiny_recipe("pg2-mini")
        stages = tuple(
            dataclasses.replace(
                s, optimisers={n: dataclasses.replace(o, learning_rate=1e30) for n, o in s.optimisers.items()}
            )
            for s in recipe.stages
        )
        return dataclasses.replace(recipe, stages=stages)

    contest = tiny("gfla-mini", minutes=0.005)
    contest = dataclasses.replace(contest, systems={"wild": wild, **contest.systems})
    entries = hold(contest, tmp_path, show=False)
    assert [(e.system, e.moment) for e in entries[:2]] == [(COPY, "pictures"), (COPY, "minutes")]
    assert {(e.system, e.moment) for e in entries[2:] if not e.failed} == {
        ("gfla-mini", "pictures"),
        ("gfla-mini", "minutes"),
    }
    failed = [e for e in entries if e.system == "wild"]
    diverged = r"At step \d+ the term '.+' of .+ is (nan|-?inf)|not finite .* or its training diverged"
    assert failed and all(re.search(diverged, e.failed) and not e.scores for e in failed), failed
    scored = [e for e in entries if e.system == "gfla-mini"]
    for entry in scored:
        assert set(entry.scores) == {"psnr", "ssim-gaussian1.5", "l1", "l1-limbs"}
        if entry.moment == "pictures":
            assert entry.pictures == contest.pictures
        else:
            assert entry.processor_minutes >= contest.minutes and entry.minutes > 0
        weights = tmp_path / entry.system / f"{entry.moment}.safetensors"
        assert entry.parameters == sum(p.numel() for p in load(weights).parameters())
    text = (tmp_path / "leaderboard.md").read_text()
    assert all(text.count(f"| {name} |") == 2 for name in (COPY, "gfla-mini")) and failed[0].failed[:20] in text
    assert (tmp_path / "pictures.png").is_file() and (tmp_path / "minutes.png").is_file()
    assert len(json.loads((tmp_path / "leaderboard.json").read_text())["entries"]) == len(entries)


@pytest.mark.slow
def test_a_contest_that_was_killed_goes_on_and_scores_nothing_twice(tmp_path, monkeypatch):
    contest = tiny("patn-mini", minutes=1e-6)
    first = hold(contest, tmp_path, show=False)
    # one step ends the time; the pictures are seen three steps after it
    assert [(e.moment, e.pictures) for e in first[2:]] == [("minutes", BATCH), ("pictures", 3 * BATCH)]
    (tmp_path / "patn-mini/pictures.json").unlink()  # as if killed between the saved state and the score
    monkeypatch.setattr("reposer.leaderboard.train", lambda *a, **k: pytest.fail("trained again"))
    again = hold(contest, tmp_path, show=False)
    assert {(e.moment, e.pictures) for e in again[2:]} == {("minutes", BATCH), ("pictures", 3 * BATCH)}
    scores = [{e.moment: e.scores for e in entries[2:]} for entries in (first, again)]
    assert scores[0] == scores[1]
    with pytest.raises(BadInput, match="another people"):
        hold(dataclasses.replace(contest, people=4), tmp_path, show=False)


def test_stages_keep_their_share_of_the_pictures_and_the_last_has_no_end(tmp_path):
    contest = dataclasses.replace(mini(), pictures=1500 * BATCH)
    for name, build in contest.systems.items():
        form = contest_form(build(), contest, tmp_path)
        own = None if name == "TrueFlow" else str(tmp_path)  # which learns from pairs with their true flow
        assert (form.batch_size, form.ema, form.data.root) == (BATCH, contest.average, own), name
        assert all(stage.learning_rate_factor(stage.steps - 1) == 1 for stage in form.stages), name
        first = sum(stage.steps for stage in form.stages[:-1]) / 1500
        assert first == pytest.approx(sum(s.steps for s in build().stages[:-1]) / build().steps), name


@pytest.mark.slow
def test_systems_networks_and_folders_of_pictures_are_compared_on_any_data(tmp_path):
    """A system is trained on the folder; copies of the sources in a folder score as copying does."""
    data = write_people(tmp_path / "data", size=(64, 44), num_train=2, num_test=2, views=3, workers=1, progress=False)
    truth = open_dataset(data, "test", None)
    copies, few = tmp_path / "copies", tmp_path / "few"
    for folder, rows in ((copies, truth.rows), (few, truth.rows[1:])):
        folder.mkdir()
        for row in rows:
            name = f"{Path(row.source_name).stem}_2_{Path(row.target_name).stem}.png"
            shutil.copyfile(truth.picture_path(row.source_name), folder / name)
    weights = tmp_path / "own.safetensors"
    save(tiny_recipe("pg2-mini").build(), weights)
    made = {"copies": str(copies), "few": str(few), "own": str(weights)}
    contest = on_data(tiny("patn-mini", made=made, pairs=99), str(data))
    assert contest.size == (64, 44)
    entries = hold(contest, tmp_path / "out", show=False)
    assert not (tmp_path / "out/people").exists()
    found = {(e.system, e.moment): e for e in entries}
    assert len(found) == 2 * (len(contest.names) + 1)
    for moment in ("pictures", "minutes"):
        copied = found[COPY, moment]
        assert found["copies", moment].scores == {n: pytest.approx(s, rel=1e-9) for n, s in copied.scores.items()}
        assert "no generated picture of this pair is there" in found["few", moment].failed
        assert found["own", moment].parameters > 0 and found["own", moment].scores.keys() == copied.scores.keys()
        assert found["patn-mini", moment].pictures > 0
    text = (tmp_path / "out/leaderboard.md").read_text()
    assert all(text.count(f"| {name} |") == 2 for name in (COPY, *contest.names))
    receipt = json.loads((tmp_path / "out/patn-mini/recipe.json").read_text())
    assert receipt["recipe"]["data"]["root"] == str(data)

    (copies / "one-more.png").write_bytes((copies / name).read_bytes())
    with pytest.raises(BadInput, match="another files of copies"):
        hold(contest, tmp_path / "out", show=False)


def test_systems_are_named_by_the_table_by_recipes_or_by_files(tmp_path):
    folder, weights = tmp_path / "pictures", tmp_path / "w.safetensors"
    folder.mkdir()
    weights.touch()
    systems = mini().systems
    run = tmp_path / "runs/w"
    run.mkdir(parents=True)
    (run / "generator.safetensors").touch()
    words = ("PATN", "gfla-mini", f"theirs={folder}", f"ours={weights}", f"run={run}", "shipped=trueflow")
    trained, made = chosen(words, systems, with_data=True)
    assert trained == {"PATN": systems["PATN"], "gfla-mini": RECIPES["gfla-mini"]}
    own = {"run": str(run / "generator.safetensors"), "shipped": str(shipped_models()["trueflow"])}
    assert made == {"theirs": str(folder), "ours": str(weights), **own}
    assert chosen((f"run={run}",), systems, with_data=False)[1] == {"run": own["run"]}
    assert chosen(None, systems, with_data=False) == (dict(systems), {})
    for word, said in {
        "patn-mimi": "patn-mini",
        f"x={tmp_path / 'none'}": "There is no file or folder",
        f"people={folder}": "files of its own",
        f"../up={folder}": "a name is letters",
        f"x={tmp_path / 'a.txt'}": "neither a .safetensors nor a folder",
    }.items():
        (tmp_path / "a.txt").touch()
        with pytest.raises((BadInput, KeyError), match=said):
            chosen((word,), systems, with_data=True)
    with pytest.raises(BadInput, match="give the data set with --data"):
        chosen((f"theirs={folder}",), systems, with_data=False)
    with pytest.raises(BadInput, match="names PATN twice"):
        chosen(("PATN", "PATN"), systems, with_data=False)


def test_a_system_that_learns_from_clips_is_refused_and_one_that_learns_from_flow_keeps_its_own_pairs(tmp_path):
    with pytest.raises(BadInput, match="gfla-animation-mini does not train on pairs of people"):
        contest_form(RECIPES["gfla-animation-mini"](), mini(), tmp_path)
    flow = RECIPES["trueflow-mini"]()
    assert contest_form(flow, mini(), tmp_path).data == dataclasses.replace(flow.data, photographs=False)
    on_photos = dataclasses.replace(mini(), data=str(tmp_path))
    assert contest_form(flow, on_photos, tmp_path).data == flow.data, "which resembles photographs"


@pytest.mark.slow
def test_what_cannot_be_compared_is_refused_before_anything_trains_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("reposer.leaderboard.train", lambda *a, **k: pytest.fail("trained"))
    monkeypatch.setattr("reposer.leaderboard.write_people", lambda *a, **k: pytest.fail("rendered"))

    def without_files():
        recipe = tiny_recipe("gfla-mini")
        stage = dataclasses.replace(recipe.stages[-1], start=Start(str(tmp_path / "none.safetensors"), ("",)))
        return dataclasses.replace(recipe, stages=(*recipe.stages[:-1], stage))

    views = tmp_path / "views.safetensors"
    save(tiny_recipe("gfla-views-mini").build(), views)
    for contest, said in (
        (tiny("gfla-mini", "gfla-animation-mini"), "gfla-animation-mini does not train on pairs of people"),
        (tiny("drn-landmarks-mini"), "drn-landmarks-mini needs joints of person88; .* openpose18"),
        (tiny(systems={"later": without_files}), r"none\.safetensors"),
        (tiny(made={"views": str(views)}), "views generates from a View; the leaderboard is of people"),
    ):
        with pytest.raises(BadInput, match=said):
            hold(contest, tmp_path / "out", show=False)
        assert not (tmp_path / "out").exists()


def photos(folder, sizes):
    """Own photos of one person in each of these sizes, with poses beside them."""
    for split in ("train", "test"):
        people = SyntheticPeople((64, 44), split, 2, 0, None)
        (folder / split).mkdir(parents=True)
        for k, (h, w) in enumerate(sizes):
            sample = people[k % 2]
            pose = sample.target_pose.resize((h, w))
            write_picture(folder / split / f"anna_{k}.png", resize(sample.target[None], (h, w))[0])
            (folder / split / f"anna_{k}.json").write_text(json.dumps(pose_words(pose)))
    return folder


@pytest.mark.slow
def test_data_in_shards_and_own_photos_of_several_sizes_are_scored_or_refused_in_plain_words(tmp_path):
    shards = write_people(
        tmp_path / "shards", form="shards", size=(64, 44), num_train=1, num_test=1, views=2, workers=1, progress=False
    )
    own = photos(tmp_path / "own", [(64, 44), (80, 60)])
    weights, pictures = tmp_path / "own.safetensors", tmp_path / "pictures"
    save(tiny_recipe("pg2-mini").build(), weights)
    pictures.mkdir()
    for data, size in ((shards, (64, 44)), (own, FASHION)):
        contest = on_data(tiny(made={"own": str(weights)}), str(data))
        assert contest.size == size
        entries = hold(contest, tmp_path / f"{data.name}-out", show=False)
        assert len(entries) == 4 and all(entry.scores and not entry.failed for entry in entries)
        with pytest.raises(
            BadInput, match=r"made elsewhere \(theirs\) are compared with pictures? (files|of one size)"
        ):
            on_data(tiny(made={"theirs": str(pictures)}), str(data))


def test_a_network_from_a_file_is_timed_where_it_is_scored(tmp_path, monkeypatch):
    happened = []

    class Watched(CopySource):
        def to(self, *where):
            happened.append("moved")
            return super().to(*where)

    own = Watched(CopySourceConfig(Framing((64, 44))))
    monkeypatch.setattr("reposer.leaderboard.load", lambda path: own)
    monkeypatch.setattr(_Measures, "milliseconds", lambda self, generator: happened.append("timed") or 1.0)
    test = SyntheticPeople((64, 44), "test", 1, 0, Framing((64, 44)))
    _Measures(tiny(), test, [0]).made_elsewhere("own", tmp_path / "own.safetensors", tmp_path)
    assert happened[:2] == ["moved", "timed"]


def test_the_full_size_contest_has_the_same_systems_and_can_do_without_foreign_weights():
    assert list(full().systems) == list(mini().systems)
    own = with_own_features(full())
    for name in full().systems:
        published, small, ours = full().systems[name](), mini().systems[name](), own.systems[name]()
        assert ours.model == published.model and ours.name != published.name
        assert [s.objective for s in ours.stages] == [s.objective for s in small.stages]


def test_a_generator_scores_the_same_on_whole_pictures_as_in_its_own_frame():
    """Padding of whole pixels is exact; so both ways see the same bytes."""
    framing = Framing((128, 96), fit="pad")
    generator = CopySource(CopySourceConfig(Framing((128, 96), fit="pad")))
    people = {
        "framed": SyntheticPeople((128, 88), "test", 3, 0, framing),
        "whole": SyntheticPeople((128, 88), "test", 3, 0, Framing((128, 88))),
    }
    framed = evaluate(generator.generate, "reposer-v1-reconstruction", people["framed"])
    whole = evaluate(OnWholePictures(generator), "reposer-v1-reconstruction", people["whole"])
    assert [row.values for row in framed.rows] == [row.values for row in whole.rows]
    assert framed.truth_hash == whole.truth_hash


def test_a_whole_picture_comes_back_in_its_own_size_with_joints_where_they_were():
    class Dots(CopySource):
        """Generates a white block at the target's first joint."""

        def forward(self, source, source_pose, target_pose):
            picture = torch.full_like(source, -1.0)
            for row, (x, y) in zip(picture, target_pose.xy[:, 0].round().long().tolist(), strict=True):
                row[:, y - 2 : y + 3, x - 2 : x + 3] = 1.0
            return Generated(picture)

    pose = Pose(torch.tensor([[[20.0, 40.0]] * 18]), torch.ones(1, 18, dtype=torch.bool), (64, 44))
    for fit in ("squash", "pad"):
        generator = Dots(CopySourceConfig(Framing((128, 128), fit=fit)))
        generated = OnWholePictures(generator)(torch.zeros(1, 3, 64, 44), pose, pose)
        assert generated.shape == (1, 3, 64, 44)
        white = (generated[0, 0] > 0).nonzero().float().mean(0)
        assert white.tolist() == pytest.approx([40.0, 20.0], abs=0.6), fit


def test_nothing_saved_is_no_time_and_no_steps(tmp_path):
    assert RunFolder(tmp_path).taken() == (0, 0.0, 0.0)


@pytest.mark.slow
def test_all_small_systems_hold_the_person_pixel_for_pixel_so_their_numbers_are_of_one_geometry():
    contest = mini()
    for name, build in contest.systems.items():
        framing = build().model.build().framing
        assert brought_back(framing, contest.size) == "", name


def test_the_table_says_which_systems_squash_the_person():
    entries = [
        Entry("GFLA", "pictures", geometry=brought_back(Framing((256, 256)), (256, 176))),
        Entry("PG2", "pictures", geometry=brought_back(Framing((256, 256), fit="pad"), (256, 176))),
        Entry("PATN", "pictures", geometry=brought_back(Framing((256, 176)), (256, 176))),
    ]
    text = table(full(), entries)
    assert "before scoring, which costs these a little: GFLA (squashed to 256x256)." in text


def test_a_row_of_a_squashing_generator_says_so_after_its_pictures_were_scaled_back():
    people = SyntheticPeople((64, 44), "test", num_pairs=1)
    for size, geometry in (((64, 64), "squashed"), ((64, 44), "plain")):
        generate = OnWholePictures(CopySource(CopySourceConfig(Framing(size))))
        assert evaluate(generate, "reposer-v1-reconstruction", people).geometry == geometry


@pytest.mark.parametrize("width", [80, 200])
def test_no_digit_of_the_table_is_lost_to_a_narrow_terminal(width, capsys):
    scores = {"psnr": (12.345, 11.234, 13.456), "l1": (0.12345, 0.11234, 0.13456), "l1-limbs": (0.2, 0.1, 0.3)}
    text = table(tiny("patn-mini"), [Entry("patn-mini", "pictures", scores=scores)])
    _print_table(text, Terminal(width=width))
    said = capsys.readouterr().out
    assert "12.35" in said and "0.1123" in said and "…" not in said


def test_a_folder_of_other_files_is_no_contests_folder(tmp_path):
    (tmp_path / "leaderboard.md").write_text("mine")
    with pytest.raises(BadInput, match=r"holds files \(leaderboard.md\) but no contest.json"):
        hold(tiny("gfla-mini"), tmp_path, show=False)
    assert [path.name for path in tmp_path.iterdir()] == ["leaderboard.md"]


def test_people_who_are_not_the_contests_are_not_scored(tmp_path, monkeypatch):
    monkeypatch.setattr("reposer.leaderboard.write_people", lambda *a, **k: pytest.fail("they are there"))
    contest = tiny("gfla-mini")
    with pytest.raises(pytest.fail.Exception):
        hold(contest, tmp_path, show=False)
    (tmp_path / "people").mkdir()
    about = {"people": {"train": contest.people + 1, "test": contest.test_people}, "size": list(contest.size)}
    (tmp_path / "people/about.json").write_text(json.dumps(about | {"seed": 0, "form": "patn"}))
    with pytest.raises(BadInput, match="does not hold the people of this contest"):
        hold(contest, tmp_path, show=False)


def test_a_contest_of_changed_recipes_does_not_go_on(tmp_path, monkeypatch):
    monkeypatch.setattr("reposer.leaderboard.write_people", lambda *a, **k: (_ for _ in ()).throw(KeyboardInterrupt))
    contest = tiny("gfla-mini")
    with pytest.raises(KeyboardInterrupt):
        hold(contest, tmp_path, show=False)

    def changed():
        return dataclasses.replace(tiny_recipe("gfla-mini"), batch_size=3)

    with pytest.raises(BadInput, match="another recipe of gfla-mini"):
        hold(dataclasses.replace(contest, systems={"gfla-mini": changed}), tmp_path, show=False)
