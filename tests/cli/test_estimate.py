"""What a command needs is said before it begins, and `reposer estimate` begins nothing."""

import re

import pytest

from reposer.cli import main
from reposer.core import BadInput
from reposer.data.pictures import write_picture
from reposer.data.poses import write_pose_json
from reposer.evaluation import PROTOCOLS
from reposer.generators import model_file
from reposer.needs.pictures import need_of_batch, need_of_clip, need_of_photo
from reposer.needs.scores import COMPARED, PROCESS, WORKER, need_of_scores
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
    assert files(world) == before


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
    workers, need = need_of_scores(small, world / "nowhere", 2, most=need.memory - 1)
    assert workers == 1 and need.changed == ("--workers 1 instead of 2",)


def test_a_photo_a_batch_and_a_clip_say_what_would_fit(world):
    model = model_file("trueflow")
    need = need_of_photo(model, [world / "photo.png"], estimated=False)
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
