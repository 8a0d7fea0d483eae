"""One small valid file of every format that a command reads, all in one folder, written once."""

import itertools
import json
import shutil
from fractions import Fraction
from pathlib import Path

import torch
from PIL import Image

from reposer.cli import main
from reposer.core import Pose
from reposer.data.pictures import write_picture
from reposer.data.poses import convert, write_pose_json, write_track
from reposer.generators import GENERATORS, save
from reposer.study import Answers
from reposer.synthetic.objects import write_objects
from reposer.synthetic.people import write_people
from tests.data.folders import write_fashion
from tests.data.video_clips import moving_square, write_clip
from tests.estimators.synthetic_photos import somebody
from tests.hostile.commands import TINY_TRAINING
from tests.study.folders import a_study
from tests.test_pipeline import smooth_photo, standing

PHOTO_SIZE, CLIP_SIZE, NUM_FRAMES = (97, 70), (64, 48), 4


def write_valid_files(root: Path) -> Path:
    """Fills a new folder; the names are those that `commands.py` speaks of."""
    root.mkdir(parents=True)
    torch.manual_seed(0)
    _photo(root)
    _clip(root)
    _weights(root)
    _data_sets(root)
    _generated(root)
    _study(root)
    _run_folder(root)
    return root


def _photo(root: Path) -> None:
    write_picture(root / "photo.png", smooth_photo(PHOTO_SIZE))
    write_picture(root / "somebody.png", somebody(0)[0])
    (root / "album").mkdir()
    write_picture(root / "album" / "anna_1.png", somebody(1)[0])
    write_picture(root / "album" / "anna_2.jpg", somebody(0)[0])
    Image.open(root / "photo.png").save(root / "photo.jpg", quality=95)
    Image.open(root / "photo.png").save(root / "photo.webp")
    pose = standing(60.0, (35.0, 50.0), PHOTO_SIZE)
    write_pose_json(root / "photo.json", pose)
    write_pose_json(root / "wanted.json", standing(50.0, (30.0, 45.0), PHOTO_SIZE, True))
    (root / "openpose.json").write_text(json.dumps(openpose(pose)))
    (root / "jobs.csv").write_text(
        "photo,pose,person,out\nalbum/anna_1.png,wanted.json,left,a/one.jpg\nsomebody.png,arms-up,,\n"
    )
    convert(root / "photo.json", root / "skeleton.png")
    convert(root / "photo.json", root / "lifted.npz")


def openpose(pose: Pose) -> dict[str, object]:
    """As OpenPose writes a person of 18 joints."""
    numbers = [
        value
        for (x, y), seen in zip(pose.xy.tolist(), pose.visible.tolist(), strict=True)
        for value in ((x, y, 0.9) if seen else (0, 0, 0))
    ]
    return {"version": 1.3, "people": [{"person_id": [-1], "pose_keypoints_2d": numbers}]}


def _clip(root: Path) -> None:
    write_clip(root / "driving.mp4", moving_square(NUM_FRAMES, CLIP_SIZE), Fraction(12))
    poses = [standing(40.0, (20.0 + t, 32.0), CLIP_SIZE, t % 2 == 0) for t in range(NUM_FRAMES)]
    write_clip(root / "still.mp4", [somebody(0)[0].numpy()] * 2, Fraction(12))
    write_track(root / "track.json", Pose.stack(poses), 12)


def _weights(root: Path) -> None:
    torch.save({"unet.conv.weight": torch.zeros(2)}, root / "people.pth")  # of a family that nobody knows
    for name, family in (("people", "gfla"), ("moving", "gfla-animation"), ("views", "gfla-views")):
        save(GENERATORS[family]().tiny().build().eval(), root / f"{name}.safetensors")


def _data_sets(root: Path) -> None:
    write_people(root / "people", size=(64, 44), num_train=2, num_test=1, views=2, workers=1, progress=False)
    write_people(
        root / "shards", size=(64, 44), num_train=1, num_test=1, views=2, form="shards", workers=1, progress=False
    )
    write_fashion(root / "fashion", {"train": ("fashionA_id1",), "test": ("fashionB_id2",)})
    write_objects(root / "cars", "cars", size=(32, 32), num_objects={"train": 1, "test": 1}, progress=False)
    (root / "clips").mkdir()
    shutil.copy(root / "driving.mp4", root / "clips/a.mp4")
    shutil.copy(root / "track.json", root / "clips/a.json")


def _generated(root: Path) -> None:
    """Two folders of generated pictures, the targets and the sources themselves, and the report of each."""
    pictures = sorted((root / "people/test").glob("*.png"))
    for folder in ("generated", "copied"):
        (root / folder).mkdir()
        for source, target in itertools.permutations(pictures, 2):
            name = f"{source.stem}_2_{target.stem}_vis.png"
            shutil.copy(target if folder == "generated" else source, root / folder / name)
    for folder, report in (("generated", "report"), ("copied", "other")):
        score = ["score", str(root / folder), "--targets", str(root / "people/test"), "--workers", "0"]
        code = main([*score, "--protocol", "reposer-v1-reconstruction", "--out", str(root / report)])
        assert code in (0, 1)  # 1: a number is absent


def _study(root: Path) -> None:
    Answers(root / "study.db", a_study()).close()


def _run_folder(root: Path) -> None:
    arguments = ["train", "gfla-mini", "--data", str(root / "people"), "--out", str(root / "run")]
    assert main([*arguments, *TINY_TRAINING]) == 0
    shutil.copy(root / "run/recipe.json", root / "receipt.json")
