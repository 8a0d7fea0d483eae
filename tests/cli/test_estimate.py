"""What a command needs is said before it begins, and `reposer estimate` begins nothing."""

import json
import re
from dataclasses import replace

import pytest
import torch

from reposer.cli import main, train
from reposer.cli.trainable import trainable
from reposer.core import BadInput
from reposer.core.configs import to_plain
from reposer.core.memory import Need
from reposer.data.pictures import write_picture
from reposer.data.poses import write_pose_json
from reposer.evaluation import PROTOCOLS
from reposer.generators import model_file
from reposer.needs.pictures import PIXEL, need_of_batch, need_of_clip, need_of_photo
from reposer.needs.scores import COMPARED, EVALUATION, PROCESS, WORKER, need_of_scores
from reposer.nn.features import feature_network
from tests.test_pipeline import smooth_photo, standing

SIZE = (96, 64)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Photos, a pose and pictures to score."""
    root = tmp_path_factory.mktemp("world")
    for name in ("photos/a.png", "photos/b.png", "photo.png", "generated/p.png", "targets/p.png"):
        (root / name).parent.mkdir(exist_ok=True)
        write_picture(root / name, smooth_photo(SIZE))
    write_pose_json(root / "pose.json", standing(60.0, (32.0, 48.0), SIZE))
    return root


def files(root):
    return sorted(root.rglob("*"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "taker"),
    [
        ("transfer photo.png --pose pose.json", "the pose estimator"),
        ("batch photos --poses pose.json --out out", "2 that make pictures"),
        ("score generated --targets targets --protocol reposer-v1-reconstruction --out out", "2 that compare"),
        ("evaluate trueflow --out out", "the network"),
        ("train pg2-mini --batch-size 2 --out out", "a step"),
    ],
)
def test_an_estimate_says_what_takes_the_memory_and_runs_nothing(words, taker, world, monkeypatch, capsys):
    monkeypatch.chdir(world)
    before = files(world)
    assert main(["estimate", *words.split()]) == 0
    said = capsys.readouterr()
    first, *rest = said.out.splitlines()
    assert re.fullmatch(rf"reposer {words.split()[0]} needs about \d+(\.\d)? [MG]B of memory.*", first)
    assert any(line.endswith(taker) for line in rest) and not said.err
    if words.startswith("evaluate"):
        assert any(line.split() == [f"{EVALUATION / 1e6:.0f}", "MB", "Python", "and", "torch"] for line in rest)
    assert files(world) == before


@pytest.mark.slow
def test_a_ceiling_is_refused_before_anything_is_written_and_the_line_comes_first(world, monkeypatch, capsys):
    monkeypatch.chdir(world)
    before = files(world)
    score = [
        "score",
        "generated",
        "--targets",
        "targets",
        "--protocol",
        "reposer-v1-reconstruction",
        "--out",
        "out",
        "--max-memory",
    ]
    for words in (
        [*score, "100M"],
        ["transfer", "photo.png", "--pose", "pose.json", "--max-memory", "100M"],
        ["batch", "photos", "--poses", "pose.json", "--out", "out", "--max-memory", "100M"],
        ["evaluate", "trueflow", "--out", "out", "--max-memory", "100M"],
        ["train", "pg2-mini", "--batch-size", "2", "--out", "out", "--max-memory", "100M"],
        [*score, "lots"],
        ["estimate", "demo"],
        ["estimate", "transfer", "missing.png", "--pose", "pose.json"],
        ["estimate", "transfer", "photo.png", "--pose", "pose.json", "--more-photos", "missing.png"],
        ["estimate", "transfer", "photo.png", "--pose", "missing.png"],
        ["estimate", "transfer", "photo.png", "--pose", "missing.json"],
        ["estimate", "animate", "missing.png", "--driving", "pose.json"],
    ):
        assert main(words) == 2, words
        said = capsys.readouterr().err
        assert said.startswith("reposer: ") and said.count("\n") == 1, said
        assert files(world) == before
    assert main([*score, "300M", "--without-networks"]) in (0, 1)
    said = capsys.readouterr().err
    assert re.match(r"needs about \d+ MB of memory; chosen for --max-memory: --workers 0 instead of 2\n", said), said


def test_scores_need_the_same_for_any_number_of_pairs_and_more_for_larger_pictures(world):
    small, large = PROTOCOLS["cfld2024"], PROTOCOLS["reposer-v1-reconstruction"]
    workers, need = need_of_scores(small, world / "nowhere", 2)
    height, width = small.size
    assert workers == 2 and need.memory == pytest.approx(PROCESS + 2 * (WORKER + 32 * COMPARED * height * width))
    assert need_of_scores(large, world / "targets", 0)[1].memory < need_of_scores(large, world / "targets", 1)[1].memory
    workers, need = need_of_scores(small, world / "nowhere", 2, without_networks=True, most=need.memory - 1)
    assert workers == 1 and need.changed == ("--workers 1 instead of 2",)


def test_a_photo_a_batch_and_a_clip_say_what_would_fit(world):
    model = model_file("trueflow")
    need = need_of_photo(model, [world / "photo.png"], estimated=False)
    large = world / "large.png"
    write_picture(large, torch.zeros(1000, 1000, 3, dtype=torch.uint8))
    three = need_of_photo(model, [large] * 3, looked_at=[large], estimated=False)
    assert three.parts["the photo"] == 3e6 * PIXEL
    with pytest.raises(BadInput, match=r"Photos of up to 2\.0 megapixels in all fit"):
        need_of_photo(model, [large] * 3, estimated=False, most=three.memory - 1e6 * PIXEL)
    assert need_of_photo(model, [world / "photo.png"], looked_at=[large], estimated=False).parts["the photo"] == 13e6
    one, three = (need_of_batch(model, [large] * n, 1)[1].memory for n in (1, 3))
    assert one == three
    with pytest.raises(BadInput, match=r"A photo of one megapixel needs"):
        need_of_photo(model, [world / "photo.png"], estimated=False, most=need.memory - 1)
    workers, batch = need_of_batch(model, [world / "photo.png", world / "nowhere.png"], 3)
    assert workers == 3
    assert need_of_batch(model, [world / "photo.png"], 3, most=batch.memory - 1)[0] == 2
    of = dict(panels=1, estimated=True)
    clip = need_of_clip(model, (2000, 1000), (720, 1280), 1920, **of)
    with pytest.raises(BadInput, match=r"--largest (\d+) fits") as refused:
        need_of_clip(model, (2000, 1000), (720, 1280), 1920, **of, most=clip.memory - 20e6)
    largest = int(re.search(r"--largest (\d+)", str(refused.value))[1])
    assert need_of_clip(model, (2000, 1000), (720, 1280), largest, **of).memory <= clip.memory - 20e6
    with pytest.raises(BadInput, match="A smaller photo is needed"):
        need_of_clip(model, (2000, 1000), None, 1920, **of, most=400e6)


@pytest.mark.parametrize(
    "words",
    [
        "score generated --targets targets --protocol cfld2024 --out out --max-memory 9G",
        "evaluate trueflow --protocol cfld2024 --out out --max-memory 9G",
    ],
)
def test_a_ceiling_is_refused_where_networks_score_that_are_not_counted(words, world, monkeypatch, capsys):
    monkeypatch.chdir(world)
    before = files(world)
    assert main(words.split()) == 2
    said = capsys.readouterr().err
    assert "cfld2024 scores with networks, whose memory is not counted" in said and said.count("\n") == 1
    assert ("--without-networks" if words.startswith("score") else "--protocol") in said
    assert files(world) == before


class Faked:
    """In the place of what counts a run's memory."""

    def __init__(self, recipe):
        self.recipe = recipe

    def need(self):
        feature_network("vgg19")
        return Need({"a step": 1e9})

    def within(self, most):
        return self.recipe, Need({"a step": 1e9})


@pytest.mark.slow
def test_an_estimate_of_a_run_needs_no_file_of_a_published_network_and_the_run_does(world, monkeypatch, capsys):
    monkeypatch.chdir(world)
    monkeypatch.setattr(train, "RunMemory", Faked)
    for place in ("REPOSER_WEIGHTS_DIR", "TORCH_HOME"):
        monkeypatch.setenv(place, str(world))
    assert main(["estimate", "train", "pg2-mini"]) == 0
    assert main(["train", "pg2-mini", "--out", "out"]) == 2
    assert capsys.readouterr().err.startswith("reposer: There is no vgg19")


def test_each_seeds_run_goes_on_with_the_parts_that_it_began_with(world, monkeypatch):
    monkeypatch.setattr(train, "RunMemory", Faked)
    recipe = trainable()["pg2-mini"]()
    runs = [(replace(recipe, seed=seed), world / f"seed-{seed}") for seed in (4, 9)]
    begun = {"name": recipe.name, **to_plain(replace(recipe, accumulation=2))}
    (world / "seed-9").mkdir()
    (world / "seed-9" / "recipe.json").write_text(json.dumps({"recipe": begun, "contents": {}, "about": {}}))
    found = train._with_their_needs(runs, 4e9)
    assert [(own.seed, own.accumulation, out) for own, out in found] == [
        (4, recipe.accumulation, runs[0][1]),
        (9, 2, runs[1][1]),
    ]


def test_the_steps_of_clips_are_not_counted_where_nobody_asks(world, monkeypatch, capsys):
    monkeypatch.setattr(train, "RunMemory", Faked)
    runs = [(trainable()["gfla-animation-mini"](), world / "out")]
    assert train._with_their_needs(runs, None) == runs and not capsys.readouterr().err
    assert train._with_their_needs(runs, 4e9) == runs and "needs about 1.0 GB" in capsys.readouterr().err
