"""A folder with the files that the documents speak of, small ones, and their recipes at their tiny size."""

import shutil
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from reposer.cli import main
from reposer.core import Registry
from reposer.data.lists import read_annotation, write_annotation
from reposer.data.pictures import write_picture
from reposer.generators import RECIPES, save
from reposer.generators.pg2 import PG2Config
from reposer.synthetic.people import write_people
from reposer.training.recipe import PROBE_RECIPES
from tests.data.video_clips import write_clip
from tests.estimators.synthetic_photos import somebody
from tests.generators.released_patn import made
from tests.generators.test_drn_faces import folder as photos_with_poses
from tests.generators.test_drn_faces import person
from tests.generators.test_gfla_released import released
from tests.generators.test_pg2_released import computed, inputs
from tests.hostile.valid_files import write_valid_files
from tests.probes.test_motion import write_files
from tests.study.folders import some_folders

from .documents import ROOT

PLACEHOLDERS = {
    "MINE": "mine",
    "runs/MINE/generator.safetensors": "runs/mine/generator.safetensors",
    "MODEL": "runs/gfla-mini/generator.safetensors",
    "RUN": "runs/gfla-mini/recipe.json",
    "RECIPE": "gfla-mini",
    "NAME": "gfla-mini",
    "PHOTO": "photo.jpg",
    "OTHER_PHOTO": "other_photo.jpg",
    "PICTURE": "car.png",
    "PHOTOS": "photos",
    "POSES": "poses",
    "CLIP.mp4": "dance.mp4",
    "CLIP_OR_FOLDER": "me.mp4",
    "GENERATED": "generated",
    "X": "runs/gfla-views-mini/generator.safetensors",
    "FILE": "model.onnx",
    "FOLDER": "runs",
    "ALBUM": "album",
    "FILE.pth": "latest_net_G.pth",
    "X.safetensors": "x.safetensors",
    "SQUARES": "generated",
    "TARGETS": "targets",
    "theirs=PICTURES": "theirs=of_people",
}
"""What stands in the place of names that the reader puts in; `DIR` and `CLIPS` are folders of the world."""

NETWORKS = {
    "gfla-mini": "gfla-mini",
    "gfla-mini/seed-0": "gfla-mini",
    "gfla-mini/seed-1": "gfla-mini",
    "gfla-mini/seed-2": "gfla-mini",
    "patn-mini": "patn-mini",
    "proof": "gfla-mini",
    "flow": "gfla-mini",
    "walker": "gfla-mini",
    "gfla-animation-mini": "gfla-animation-mini",
    "gfla-face-mini": "gfla-face-mini",
    "gfla-views-mini": "gfla-views-mini",
    "appearance-flow-mini": "appearance-flow-mini",
}
"""Folders below `runs`, and the recipe of the network in each; `appearance-flow-mini` has another one."""


def write_world(root: Path, valid: Path) -> Path:
    """Fills the new folder `root`; `valid`: a new folder for what it is made of."""
    write_valid_files(valid)
    root.mkdir()
    _photos_and_poses(root)
    _reports(root, valid)
    for name in ("DIR", "people", "people_mini"):
        shutil.copytree(valid / "people", root / name)
    for name in ("CLIPS", "people_video"):
        shutil.copytree(valid / "clips", root / name)
        for ending in ("mp4", "json"):
            shutil.copy(root / name / f"a.{ending}", root / name / f"b.{ending}")
    for name in ("album", "photos", "poses"):
        shutil.copytree(valid / "album", root / name)
    shutil.copytree(valid / "generated", root / "of_people")
    shutil.copytree(valid / "cars", root / "cars")
    for path in (valid / "cars").iterdir():
        shutil.copy(path, root)
    _fashion(root)
    some_folders(root / "of_a_study")
    (root / "human36m").mkdir()
    write_files(root / "human36m")
    (root / "marked").mkdir()
    for split in ("train", "test"):
        photos_with_poses(root / "marked" / split, person(landmarks=True)[0])
    shutil.copy(valid / "study.db", root / "study.db")
    _networks(root, valid)
    return root


def _photos_and_poses(root: Path) -> None:
    for k, name in enumerate(("photo", "other_photo", "other", "half", "side", "back")):
        write_picture(root / f"{name}.jpg", somebody(k % 2)[0])
    assert main(["pose", "extract", str(root / "photo.jpg"), "--out", str(root / "pose.json"), "--plain"]) == 0
    pose = str(root / "pose.json")
    assert main(["pose", "convert", pose, str(root / "people.json"), "--format", "openpose18"]) == 0
    assert main(["pose", "convert", pose, str(root / "skeleton.png")]) == 0
    for name, count in (("dance", 2), ("clip", 2), ("me", 10)):
        write_clip(root / f"{name}.mp4", [somebody(k % 2)[0].numpy() for k in range(count)], Fraction(12))
    for name in ("car", "picture"):
        write_picture(root / f"{name}.png", somebody()[0][::4, ::4])
    (root / "jobs.csv").write_text("photo,pose\nphoto.jpg,arms-up\n")


def _reports(root: Path, valid: Path) -> None:
    for name in ("a", "one", "mine"):
        shutil.copytree(valid / "report", root / name)
    for name in ("b", "other", "theirs"):
        shutil.copytree(valid / "other", root / name)
    report = "report-reposer-v1-reconstruction.json"
    places = {f"runs/gfla-mini/seed-{seed}": name for seed, name in enumerate(("report", "other"))}
    places |= dict.fromkeys((f"scores/{name}" for name in ("patn", "gfla", "mine")), "report")
    for place, name in places.items():
        (root / place).mkdir(parents=True)
        shutil.copy(valid / name / "report.json", root / place / report)


def _fashion(root: Path) -> None:
    """A data set of 256x176, and two folders of its test pictures: the targets, and as generated."""
    write_people(root / "fashion", num_train=1, num_test=1, views=2, workers=1, progress=False)
    _add(root / "fashion", root / "shared/fashion")
    pictures = sorted((root / "fashion/test").glob("*.png"))
    for folder in ("generated", "shared/results"):
        (root / folder).mkdir(parents=True)
        for source in pictures:
            for target in pictures:
                if source != target:
                    shutil.copy(source, root / folder / f"{source.stem}_2_{target.stem}_vis.png")
    (root / "strips").mkdir()
    for path in (root / "generated").iterdir():
        source, target = path.name.removesuffix("_vis.png").split("_2_")
        names = (f"{source}.png", f"{target}.png", f"{source}.png")
        panels = [np.asarray(Image.open(root / "fashion/test" / name)) for name in names]
        Image.fromarray(np.concatenate(panels, 1)).save(root / "strips" / path.name)
    _add(root / "fashion/test", root / "targets")
    _add(root / "fashion/test", root / "shared/targets")
    _add(root / "fashion/train", root / "train")
    lists = "fasion-resize-annotation-test.csv"
    shutil.copy(root / "fashion" / lists, root / lists)
    write_annotation(root / "list.csv", read_annotation(root / lists, frame="crop176"), frame="padded256")


def _networks(root: Path, valid: Path) -> None:
    shutil.copytree(valid / "run", root / "runs/done")
    (root / "runs/gfla-mini").mkdir(exist_ok=True)
    shutil.copy(valid / "run/recipe.json", root / "runs/gfla-mini/recipe.json")
    torch.manual_seed(0)
    for folder, recipe in NETWORKS.items():
        place = root / "runs" / folder
        place.mkdir(parents=True, exist_ok=True)
        save(RECIPES[recipe]().tiny().build().eval(), place / "generator.safetensors")
    (root / "runs/gfla-mini/checkpoints").mkdir()
    shutil.copy(root / "runs/gfla-mini/generator.safetensors", root / "runs/gfla-mini/checkpoints/00001200.safetensors")
    shutil.copy(ROOT / "src/reposer/weights/trueflow.safetensors", root / "mine.safetensors")
    torch.save(made().state_dict(), root / "latest_net_netG.pth")
    config = PG2Config.fashion().tiny()
    *_, variables = computed(config, *inputs(config))
    for name in ("pg2", "variables"):
        np.savez(root / f"{name}.npz", **variables)
    released("gfla-fashion-2020", root / "latest_net_G.pth")
    released("gfla-face-2020", root / "face_net_G.pth")


def _add(folder: Path, to: Path) -> None:
    shutil.copytree(folder, to, dirs_exist_ok=True)


def copy_of(world: Path, place: Path) -> Path:
    """A copy to work in; networks are not copied, since nothing is written into one that is there."""

    def put(source: str, target: str) -> None:
        large = source.endswith((".safetensors", ".pth"))
        Path(target).hardlink_to(source) if large else shutil.copy(source, target)

    shutil.copytree(world, place, copy_function=put)
    return place


FOLDERS_OF_A_STUDY = {
    "targets": "real",
    "sources": "sources",
    "generated": "ours",
    "out/ours": "ours",
    "out/patn": "theirs",
    "out/gfla": "ours",
}


def lay_out_study(place: Path) -> None:
    """The folders of a study, which must have the same names, instead of those of a score."""
    for name, of in FOLDERS_OF_A_STUDY.items():
        shutil.rmtree(place / name, ignore_errors=True)
        shutil.copytree(place / "of_a_study" / of, place / name)


@contextmanager
def idea_installed(path):
    """The researcher's idea is there, as after `pip install -e idea`; path: a monkeypatch for sys.path."""
    import importlib
    import sys

    from reposer.generators import GENERATORS

    path.syspath_prepend(str(ROOT / "scripts/afternoons/idea"))
    importlib.import_module("mine")
    try:
        yield
    finally:
        del sys.modules["mine"], GENERATORS._entries["mine"], RECIPES._entries["mine"]


def tiny_recipes() -> Registry:
    """All recipes that can be trained, at their tiny size."""
    small = Registry("recipe")
    for registry in (RECIPES, PROBE_RECIPES):
        for name, build in registry.items():
            small.add(name, lambda build=build: build().tiny())
    return small
