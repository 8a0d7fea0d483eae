"""A run folder has one user, loses nothing of anybody's, and says in words what was damaged in it."""

import json
import os
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from reposer.core import BadInput
from reposer.core.disk import LOCK, remove_drafts, whole_file
from reposer.generators import load
from reposer.training import Start, TrainingStopped, train
from reposer.training.run_folder import RunFolder
from tests.forked import CONTEXT, started, started_command
from tests.training.run_tiny import recipe


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A finished run, to be copied."""
    root = tmp_path_factory.mktemp("finished") / "run"
    train(recipe(1), root, progress=False)
    return root


@pytest.fixture
def finished(trained, tmp_path):
    """A finished run of its own."""
    return Path(shutil.copytree(trained, tmp_path / "run"))


def race(orders) -> None:
    """Claims each folder that is named, says how that went, and leaves it when told to."""
    for root in iter(orders.recv, None):
        folder = RunFolder(root)
        try:
            folder.claim()
            (root / "log.jsonl").write_text(str(root))
            orders.send("claimed")
        except BadInput:
            folder.forget_unless_saved()
            orders.send("refused")
        orders.recv()
        folder.leave()


@pytest.mark.slow
def test_of_two_that_begin_the_same_run_one_trains_and_the_loser_removes_nothing(tmp_path):
    ours, theirs = zip(CONTEXT.Pipe(), CONTEXT.Pipe(), strict=True)
    racers = [started(race, orders) for orders in theirs]
    for number in range(40):
        root = tmp_path / f"run{number}"
        for racer in ours:
            racer.send(root)
        assert sorted(racer.recv() for racer in ours) == ["claimed", "refused"]
        assert (root / "log.jsonl").read_text() == str(root)
        for racer in ours:
            racer.send("leave")
    for orders, racer in zip(ours, racers, strict=True):
        orders.send(None)
        racer.join()
        assert racer.exitcode == 0


def test_who_loses_after_making_the_folder_leaves_it_to_the_winner(tmp_path, monkeypatch):
    winner, loser = RunFolder(tmp_path / "run"), RunFolder(tmp_path / "run")
    make = loser._make

    def made_and_overtaken():
        made = make()
        winner.claim()
        return made

    monkeypatch.setattr(loser, "_make", made_and_overtaken)
    with pytest.raises(BadInput, match="in use"):
        loser.claim()
    loser.forget_unless_saved()
    assert (tmp_path / "run" / LOCK).exists()
    winner.open(recipe(1))
    winner.forget_unless_saved()
    assert (tmp_path / "run").exists()  # it was the loser who made it
    winner.leave()


def test_bad_input_leaves_no_folder_behind_but_a_users_file_in_it_stays(tmp_path):
    for named in (None, "notes.txt"):
        folder = RunFolder(tmp_path / "run")
        folder.claim()
        folder.open(recipe(1))
        if named:
            (folder.root / named).write_text("mine")
        folder.forget_unless_saved()
        folder.leave()
        assert folder.root.exists() == bool(named)
    assert (tmp_path / "run" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["log.jsonl", "state.pt", "generator.safetensors", "pictures"])
def test_a_folder_with_somebody_elses_files_is_refused_and_left_as_it_is(tmp_path, name):
    path = tmp_path / name
    if name == "pictures":
        path.mkdir()
        path = path / "holiday.jpg"
    path.write_bytes(b"mine")
    with pytest.raises(BadInput, match=f"holds {name} but no recipe.json"):
        train(recipe(1), tmp_path, progress=False)
    assert path.read_bytes() == b"mine"


def test_a_file_where_the_run_folder_should_be_is_refused(tmp_path):
    (tmp_path / "run").write_text("a file")
    with pytest.raises(BadInput, match="is a file"):
        train(recipe(1), tmp_path / "run", progress=False)
    with pytest.raises(BadInput, match="is a file"):
        train(recipe(1), tmp_path / "run" / "below", progress=False)


@pytest.mark.slow
def test_ones_own_leftovers_go_with_the_next_run_and_nobody_elses(finished):
    own = [
        ".state.pt.abcd1234.tmp",
        ".generator.safetensors.x_y_z012.tmp",
        ".recipe.json.00000000.tmp",
        "pictures/.00000002.png.abcd1234.tmp",
    ]
    others = [".state.pt.mine.tmp", ".notes.abcd1234.tmp", "state.pt.abcd1234.tmp"]
    for name in own + others:
        (finished / name).write_bytes(b"half")
    train(recipe(1), finished, progress=False)
    assert [name for name in own if (finished / name).exists()] == []
    assert all((finished / name).exists() for name in others)


def test_a_link_that_is_called_like_a_leftover_is_not_followed(tmp_path):
    (tmp_path / "kept").write_bytes(b"mine")
    (tmp_path / ".a.abcd1234.tmp").symlink_to(tmp_path / "kept")
    remove_drafts(tmp_path, "a")
    assert (tmp_path / "kept").read_bytes() == b"mine"


def killed_while_writing(path: Path) -> None:
    with whole_file(path) as file:
        file.write(b"half")
        file.flush()
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_leftover_of_a_killed_process_is_removed_by_the_next(tmp_path):
    process = started(killed_while_writing, tmp_path / "state.pt")
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 1
    remove_drafts(tmp_path, r"state\.pt")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b"\xff\xfe", b'{"recipe": 1}', b"[" * 100_000, b'{"recipe": {}, "about": {}}'],
    ids=["empty", "cut", "a list", "no text", "no recipe", "nested", "no contents"],
)
def test_a_damaged_receipt_is_said_in_words(finished, damage):
    (finished / "recipe.json").write_bytes(damage)
    with pytest.raises(BadInput, match=r"recipe\.json"):
        train(recipe(1), finished, progress=False)
    assert (finished / "recipe.json").read_bytes() == damage


def flipped(content: bytes) -> bytes:
    place = len(content) // 2
    return content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :]


def with_entry(name: str, value: object):
    def change(path: Path) -> None:
        state = torch.load(path, weights_only=True)
        state[name] = value
        torch.save(state, path)

    return change


DAMAGES = {
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:1000]),
    "empty": lambda path: path.write_bytes(b""),
    "one byte changed": lambda path: path.write_bytes(flipped(path.read_bytes())),
    "a list": lambda path: torch.save([1, 2], path),
    "step is a text": with_entry("step", "2"),
    "step is true": with_entry("step", True),
    "step too far": with_entry("step", 100),
    "step below 0": with_entry("step", -1),
    "stage too far": with_entry("stage", 7),
    "no networks": with_entry("networks", {}),
    "another network": with_entry("networks", {"generator": {"weight": torch.ones(1)}}),
    "optimisers of another kind": with_entry("optimisers", {"generator": 3}),
    "averaged is empty": with_entry("averaged", {}),
    "an objective's state that it does not have": with_entry("objective", {"pool": 1}),
    "other features": with_entry("about", {"feature_network": "another"}),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_state_is_said_in_words_and_stays_for_whoever_can_mend_it(finished, kind):
    DAMAGES[kind](finished / "state.pt")
    damaged = (finished / "state.pt").read_bytes()
    with pytest.raises(BadInput):
        train(recipe(1), finished, progress=False)
    assert (finished / "state.pt").read_bytes() == damaged


def test_lines_of_the_log_that_nobody_can_read_are_dropped(tmp_path):
    folder = RunFolder(tmp_path)
    good = [json.dumps({"step": step}) for step in (1, 2)]
    bad = [b"5", b"[]", b'{"step": "x"}', b'{"step": true}', b"\xff", b"[" * 100_000, b'{"st']
    folder.log_file.write_bytes(b"\n".join([good[0].encode(), *bad[:-1], good[1].encode(), bad[-1]]))
    assert folder.cut_log(5) == len(bad) - 1
    assert folder.log_file.read_text().splitlines() == good


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["gone", "cut", "of another step"])
def test_the_generator_of_a_finished_run_is_made_anew_from_its_state(finished, tmp_path, damage):
    path = finished / "generator.safetensors"
    whole = path.read_bytes()
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(whole[:500])
    else:  # as a kill between state and generator leaves it
        train(recipe(1), tmp_path / "early", progress=False, until_step=1)
        shutil.copyfile(tmp_path / "early" / path.name, path)
        assert path.read_bytes() != whole
    assert train(recipe(1), finished, progress=False).finished
    assert path.read_bytes() == whole
    load(path)


@pytest.mark.slow
def test_a_folder_in_which_nothing_was_saved_takes_any_recipe(tmp_path):
    folder = RunFolder(tmp_path)
    folder.open(recipe(1))
    assert train(recipe(2), tmp_path, progress=False).finished


def test_training_into_the_data_set_is_refused(tmp_path):
    ours = recipe(1)
    ours = replace(ours, data=replace(ours.data, root=str(tmp_path)))
    with pytest.raises(BadInput, match="is the data set; a run needs a folder of its own"):
        train(ours, tmp_path, progress=False)


@pytest.mark.slow
@pytest.mark.parametrize("saved", [False, True])
def test_a_term_that_is_not_finite_names_the_saved_state_only_if_there_is_one(tmp_path, saved):
    broken = recipe(2)
    last = broken.stages[-1]
    term = replace(last, objective=replace(last.objective, l1=1e39))
    stages = (*broken.stages[:-1], term) if saved else (replace(term, steps=2),)
    with pytest.raises(TrainingStopped) as caught:
        train(replace(broken, stages=stages, save_every=1), tmp_path, progress=False)
    assert ("The state of step" in str(caught.value)) == saved
    assert ("Nothing was saved before" in str(caught.value)) != saved


def test_a_start_that_is_missing_is_said_before_the_stages_before_it(tmp_path):
    ours = recipe(1)
    later = replace(ours.stages[1], start=Start(str(tmp_path / "none.safetensors"), ("coarse_net.",)))
    with pytest.raises(BadInput, match=r"none\.safetensors"):
        train(replace(ours, stages=(ours.stages[0], later)), tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize("workers", [0, 1])
def test_train_that_a_signal_stops_saves_and_says_so_by_its_exit_code(tmp_path, number, code, workers):
    out = tmp_path / "run"
    said = tmp_path / "said"
    command = ["train", "pg2-mini", "--out", str(out), "--threads", "1"]
    options = ["--save-every", "100000", "--log-every", "1", "--picture-every", "100000"]
    small = ["--data.num-pairs", "4", "--batch-size", "1", "--workers", str(workers)]
    process = started_command(command + options + small, said)
    try:
        while process.is_alive() and not (out / "log.jsonl").exists():
            time.sleep(0.05)
        to_all = workers == 0 or number == signal.SIGINT
        (os.killpg if to_all else os.kill)(process.pid, number)
        process.join()
    finally:
        if process.is_alive():
            os.killpg(process.pid, signal.SIGKILL)
    printed = said.read_text()
    assert process.exitcode == code, printed
    assert (out / "state.pt").exists() and "Traceback" not in printed and len(printed.splitlines()) < 12


def test_a_receipt_of_an_earlier_version_is_read_in_todays_words(tmp_path):
    words = {"stages": [{"objective": {"fooled": "drawn-and-source", "l1": 50.0}}, {"objective": {"fooled": "drawn"}}]}
    (tmp_path / "recipe.json").write_text(json.dumps({"recipe": words, "contents": {}, "about": {}}))
    first, second = RunFolder(tmp_path).read_receipt()["recipe"]["stages"]
    assert first["objective"] == {"fooled": "generated-and-source", "l1": 50.0}
    assert second["objective"] == {"fooled": "generated"}


@pytest.mark.slow
def test_a_run_that_an_earlier_version_began_goes_on(tmp_path):
    folder = RunFolder(tmp_path)
    train(recipe(1), tmp_path, progress=False, until_step=1)
    receipt = json.loads(folder.receipt.read_text())
    del receipt["recipe"]["accumulation"]  # it had no such field, and one that nothing read
    receipt["recipe"]["protocol"] = "reposer-v1-reconstruction"
    folder.receipt.write_text(json.dumps(receipt))
    assert train(recipe(1), tmp_path, progress=False).finished
    assert "protocol" not in json.loads(folder.receipt.read_text())["recipe"]
