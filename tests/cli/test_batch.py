"""`reposer batch`: every photo in every pose; what is kept, what is made again, what failed and why."""

import csv
import os
import pickle
import re
import shutil
import signal
import sys
from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch

import reposer
import reposer.batch
import reposer.core.workers
from reposer.batch import Done, Job, Options, all_pairs, manifest
from reposer.cli import main
from reposer.core import BadInput
from reposer.core.cluster import done_row
from reposer.core.skeleton import OPENPOSE_18
from reposer.data.pictures import write_picture
from reposer.data.poses import write_pose_json
from reposer.estimators.people_choice import Estimated
from reposer.generators import GENERATORS, save
from tests.estimators.synthetic_photos import side_by_side, somebody
from tests.forked import spawned_as_ever

GREY = torch.full((120, 90, 3), 128, dtype=torch.uint8)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Two photos, one of them of nobody, a pose file and a picture as poses, and a tiny network."""
    root = tmp_path_factory.mktemp("inputs")
    for folder in ("photos", "poses"):
        (root / folder).mkdir()
    write_picture(root / "photos/anna.png", somebody(0)[0])
    write_picture(root / "photos/wall.png", GREY)
    write_pose_json(root / "poses/file.json", somebody(1)[1])
    write_picture(root / "poses/picture.png", somebody(1)[0])
    torch.manual_seed(0)
    save(GENERATORS["trueflow"]().tiny().build().eval(), root / "tiny.safetensors")
    return root


@pytest.fixture
def world(inputs, tmp_path, monkeypatch):
    """A folder of a test's own with these files."""
    monkeypatch.chdir(tmp_path)
    return shutil.copytree(inputs, tmp_path, dirs_exist_ok=True)


@pytest.fixture
def run(world, capsys):
    def command(*words, workers=0):
        code = main(
            ["batch", *map(str, words), "--model", "tiny.safetensors", "--workers", str(workers), "--out", "out"]
        )
        said = capsys.readouterr().err
        assert "Traceback" not in said
        return code, said

    return command


def files(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.*")) if path.suffix in (".png", ".jpg")}


@pytest.mark.slow
def test_every_photo_is_made_in_every_pose_and_what_fails_is_named(world, run):
    code, said = run("photos", "--poses", "poses")
    assert code == 1 and "2 pictures made, 0 kept from before, 2 failed" in said
    assert set(files(world / "out")) == {"anna_in_file.png", "anna_in_picture.png"}
    assert "photos/wall.png in poses/file.json: " in said
    rows = list(csv.DictReader((world / "out/failures.csv").open()))
    assert [(row["photo"], row["pose"]) for row in rows] == [
        ("photos/wall.png", "poses/file.json"),
        ("photos/wall.png", "poses/picture.png"),
    ]
    assert all("wall.png" in row["reason"] for row in rows)


@pytest.mark.slow
def test_what_is_made_is_kept_until_an_input_or_an_option_changes(world, run):
    (world / "photos/wall.png").unlink()
    assert run("photos", "--poses", "poses")[0] == 0
    first = files(world / "out")
    code, said = run("photos", "--poses", "poses")
    assert code == 0 and "0 pictures made, 2 kept from before" in said and files(world / "out") == first
    (world / "out/anna_in_file.png").unlink()
    assert "1 pictures made, 1 kept" in run("photos", "--poses", "poses")[1]
    assert files(world / "out") == first
    assert "2 pictures made, 0 kept" in run("photos", "--poses", "poses", "--background", "white")[1]
    assert files(world / "out") != first
    assert "2 pictures made, 0 kept" in run("photos", "--poses", "poses", "--other-side", "plain")[1]
    write_pose_json(world / "poses/file.json", somebody(0)[1])
    os.utime(world / "poses/file.json", (1, 1))
    assert "1 pictures made, 1 kept" in run("photos", "--poses", "poses", "--other-side", "plain")[1]


@pytest.mark.slow
@pytest.mark.parametrize("begun", [nullcontext, pytest.param(spawned_as_ever, marks=pytest.mark.nightly)])
def test_the_bytes_do_not_depend_on_the_number_of_processes(begun, world, run):
    run("photos", "--poses", "poses")
    alone = files(world / "out")
    for path in (world / "out").glob("*.png"):
        path.unlink()
    with begun():
        code, said = run("photos", "--poses", "poses", workers=2)
    assert code == 1 and "2 pictures made" in said
    assert files(world / "out") == alone and len(alone) == 2


@pytest.mark.slow
def test_a_manifest_chooses_people_and_names(world, run):
    write_picture(world / "two.png", side_by_side(1.0, 1.6)[0])
    (world / "jobs.csv").write_text(
        "photo,pose,person,out\ntwo.png,arms-up,left,first/left.jpg\ntwo.png,arms-up,right,\ngone.png,arms-up,,\n"
    )
    code, said = run("jobs.csv", "--background", "white")  # nothing is to be filled in behind them
    assert code == 1 and "There is no photo gone.png" in said and "2 pictures made" in said, said
    left, right = (world / "out" / name for name in ("first/left.jpg", "two_in_arms-up.png"))
    assert left.is_file() and right.is_file()
    (world / "jobs.csv").write_text("photo,pose\ntwo.png,arms-up\n")
    assert run("jobs.csv", "--background", "white")[0] == 0 and not (world / "out/failures.csv").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("photo,poze\na.png,b.json\n", "photo and pose were expected"),
        ("photo,pose\n", "has no rows"),
        ("photo,pose\na\0.png,arms-up\n", "a null character"),
        ("photo,pose\na.png\n", "line 2: the row has another number of cells"),
        ("photo,pose\n,b.json\n", "line 2: the photo or the pose is empty"),
        ("photo,pose,out\na.png,b.json,../c.png\n", "inside of --out"),
        ("photo,pose,out\na.png,b.json,c.gif\n", "inside of --out"),
        ("photo,pose,person\na.png,b.json,tallest\n", "line 2: person is"),
        ("photo,pose\na.png,b.json\na.jpg,b.json\n", "would both be"),
        ('photo,pose\n"a.png,b.json\n', "A CSV file was expected"),
    ],
)
def test_a_manifest_that_cannot_be_meant_is_refused_with_its_line(tmp_path, text, said):
    (tmp_path / "jobs.csv").write_text(text)
    with pytest.raises(BadInput, match=re.escape(said)):
        manifest(tmp_path / "jobs.csv", tmp_path / "out")


def test_inputs_are_never_written_over(world):
    with pytest.raises(BadInput, match="would be written over"):
        (world / "jobs.csv").write_text("photo,pose,out\nphotos/anna.png,arms-up,anna.png\n")
        manifest(world / "jobs.csv", world / "photos")
    with pytest.raises(BadInput, match="holds no pose"):
        (world / "empty").mkdir()
        all_pairs(world / "photos", str(world / "empty"), world / "out")


def test_a_killed_worker_is_told_and_the_same_command_goes_on(world, monkeypatch):
    jobs = all_pairs(world / "photos", "arms-up", world / "out")
    monkeypatch.setattr(reposer.core.workers, "_begin", os.abort)
    with pytest.raises(BadInput, match="ended from outside"):
        list(reposer.batch.run(jobs, world / "out", Options(model="tiny.safetensors"), workers=1))
    assert not files(world / "out")


@pytest.mark.slow
def test_one_call_takes_a_pose_by_name_and_its_note_names_the_photo(world):
    made = reposer.repose("photos/anna.png", "arms-up", model="tiny.safetensors")
    made.save("made.png")
    assert made.generated is not None and set(made.generated.inputs) == {"photo"}


def test_a_model_that_is_none_leaves_nothing_behind(world):
    assert main(["batch", "photos", "--poses", "arms-up", "--out", "out", "--model", "nobody", "--workers", "0"]) == 2
    assert not (world / "out").exists()


def test_the_engine_ray_is_refused_with_advice_where_it_is_not_installed(world, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    words = ["batch", "photos", "--poses", "arms-up", "--out", "out", "--model", "tiny.safetensors", "--engine", "ray"]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "needs Ray Data (ray is missing)" in said and "install" in said and not (world / "out").exists()


def negative(number):
    assert torch.get_num_threads() == 1
    return -number


def test_a_row_of_the_cluster_is_a_task_done_by_one_thread():
    assert pickle.loads(done_row({"task": pickle.dumps(3)}, negative)["result"]) == -3


@pytest.mark.nightly
def test_ray_gives_the_bytes_of_the_local_engine_and_a_killed_worker_loses_and_doubles_nothing(world, run, monkeypatch):
    pytest.importorskip("ray")
    run("photos", "--poses", "poses")
    alone = files(world / "out")
    for path in (world / "out").glob("*.png"):
        path.unlink()
    killed = world / "killed"

    def killing(job, options):
        done = reposer.batch.make(job, options)
        if not done.failure and not killed.exists():
            killed.touch()
            os.kill(os.getpid(), signal.SIGKILL)  # the picture is there, and nobody was told
        return done

    monkeypatch.setattr(reposer.batch, "make", killing)
    jobs = all_pairs(world / "photos", "poses", world / "out")
    options = Options(model="tiny.safetensors")
    done = list(reposer.batch.run(jobs, world / "out", options, workers=2, engine="ray"))
    assert killed.exists() and sorted(str(d.job.out) for d in done) == sorted(str(job.out) for job in jobs)
    assert sum(bool(d.failure) for d in done) == 2 and sum(not d.new for d in done) == 1, "the killed one's is kept"
    assert files(world / "out") == alone and len(alone) == 2
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"


@pytest.mark.slow
def test_what_was_decided_for_a_picture_is_kept_in_notes_and_counted(world, run):
    write_picture(world / "photos/couple.png", side_by_side(1.0, 1.6)[0])
    (world / "photos/wall.png").unlink()
    code, said = run("photos", "--poses", "poses/file.json")
    assert code == 0 and re.search(r"Notes on [12] of the pictures made now .*: out/notes\.csv", " ".join(said.split()))
    rows = list(csv.DictReader((world / "out/notes.csv").open()))
    (couple,) = [row for row in rows if "shows 2 people; the largest is taken" in row["note"]]
    assert couple["photo"] == "photos/couple.png" and couple["out"] == "couple_in_file.png"
    assert run("photos", "--poses", "poses/file.json")[0] == 0  # all kept from before, and their notes with them
    assert list(csv.DictReader((world / "out/notes.csv").open())) == rows


def noted(out):
    with (out / "notes.csv").open(newline="") as file:
        return [(row["out"], row["note"]) for row in csv.DictReader(file)]


def test_notes_outlive_a_kill_and_later_batches_of_other_pictures(tmp_path, monkeypatch):
    out = tmp_path / "out"
    (tmp_path / "net.safetensors").touch()
    says = {"a.png": ["two people"], "b.png": ["a cut limb", "two people"], "c.png": [], "d.png": ["two people"]}

    def make(job, options):
        if job.out.name not in says:
            raise KeyboardInterrupt
        new = not job.out.is_file()
        job.out.touch()
        return Done(job, new=new, notes=says[job.out.name] if new else ())

    def batch(*names, folder=out):
        jobs = [Job(tmp_path / "photo.png", "arms-up", folder / name) for name in names]
        return reposer.batch.run(jobs, folder, Options(model=str(tmp_path / "net.safetensors")), workers=0)

    monkeypatch.setattr(reposer.batch, "make", make)
    of_b = [("b.png", "a cut limb"), ("b.png", "two people")]
    made = batch("b.png", "a.png", "c.png")
    next(made), next(made)
    assert noted(out) == [*of_b, ("a.png", "two people")]  # as they come
    made.close()
    with pytest.raises(KeyboardInterrupt):
        list(batch("a.png", "stopped.png"))
    with (out / "notes.csv").open("a") as file:
        file.write("photo.png,arms-up,c.png,cut by a ki")
    monkeypatch.chdir(tmp_path)
    list(batch("a.png", "d.png", folder=out.relative_to(tmp_path)))  # another manifest, and another way to say OUT
    assert noted(out) == [("a.png", "two people"), *of_b, ("d.png", "two people")]
    (out / "a.png").unlink(), (out / "b.png").unlink()
    says["b.png"] = ["another one"]
    list(batch("b.png"))
    assert noted(out) == [("b.png", "another one"), ("d.png", "two people")]
    says["b.png"] = says["d.png"] = []
    (out / "b.png").unlink(), (out / "d.png").unlink()
    list(batch("b.png", "d.png"))
    assert not (out / "notes.csv").exists()


def test_a_pair_without_enough_memory_does_not_stop_the_others(world, monkeypatch):
    job, options = Job(world / "photos/anna.png", "arms-up", world / "out.png"), Options(model="tiny.safetensors")

    def make(error):
        def fails(*of):
            raise error

        monkeypatch.setattr(reposer.batch, "_make", fails)
        return reposer.batch.make(job, options)

    for error in (MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried ...")):
        assert make(error).failure == "there is not enough memory for it"
    with pytest.raises(RuntimeError, match="shapes differ"):
        make(RuntimeError("shapes differ"))


def test_joints_that_another_person_s_pose_lacks_are_told_at_every_size(world, monkeypatch):
    truth = somebody(0)[1]
    whole = somebody(1)[1].convert(OPENPOSE_18)
    lacking = replace(whole, visible=whole.visible & ~torch.isin(torch.arange(18), torch.tensor([9, 10, 12, 13])))
    monkeypatch.setattr(reposer.batch, "_source", lambda *of: Estimated(truth))
    told = []
    for size in (truth.size, (truth.size[0] + 8, truth.size[1])):
        monkeypatch.setattr(reposer.batch, "_posed", lambda *of, size=size: Estimated(lacking.resize(size)))
        job = Job(world / "photos/anna.png", str(world / "poses/picture.png"), world / "out.png")
        done = reposer.batch.make(job, Options(model="tiny.safetensors"))
        assert not done.failure
        told.append(done.notes)
        job.out.unlink()
    assert all(len(set(notes)) == len(notes) for notes in told), "each is told once"
    of_joints = [[note for note in notes if note.startswith("Joints that the wanted pose lacks")] for notes in told]
    assert len(of_joints[0]) == 1 and of_joints[0] == of_joints[1]
    assert of_joints[0][0].endswith("the photo: right_knee, right_ankle, left_knee, left_ankle.")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_photo_that_is_a_pipe_is_a_failure_with_its_reason_and_is_not_waited_for(world, run):
    os.mkfifo(world / "pipe.png")
    (world / "jobs.csv").write_text("photo,pose\npipe.png,arms-up\n")
    code, said = run("jobs.csv")
    assert code == 1 and "There is no file" in said and "1 failed" in said
