"""`python -m scripts.afternoons.engineer FOLDER`: install, a photo of one's own, many of them, a network fitted to one
person, and what is needed to ship."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from reposer.cli import COMMANDS
from scripts.container import LineFailed, carry_out

from .steps import Afternoon, StepFailed, spend

PHOTO = "people_photos/tfjs_pose.jpg"
OTHERS = "people_real/codait_white"
MINUTES = 1.0
NOT_BETTER = 1  # exit code of `personalize` if the fitted network is not better on held-out photos


def main(arguments: Sequence[str] | None = None) -> int:
    return spend(__doc__ or "", work, arguments)


def work(a: Afternoon, real_data: Path | None) -> None:
    a.reposer("the demo", "demo")
    photos(a, real_data)

    # --- One photo: a pose by name, the pose of another photo, what of it is real
    a.reposer("a photo in a pose by name", "transfer", "photo.jpg", "--pose", "arms-up", "--out", "arms-up.png")
    a.reposer(
        "a photo in another photo's pose, with provenance",
        *("transfer", "photo.jpg", "--pose", "album/b.jpg", "--provenance", "--out", "other.png"),
    )
    a.need("arms-up.png", "other.png")

    # --- Many: stopped ones go on
    batch = ("batch", "album", "--poses", "arms-up", "--workers", "1", "--out", "results")
    a.reposer("an album in a pose", *batch)
    a.reposer("the same again keeps every picture", *batch)
    made = len(list((a.folder / "results").glob("*.png")))
    if made != len(list((a.folder / "album").glob("*.jpg"))):
        raise StepFailed(f"The batch made {made} pictures of the album.")

    # --- One person
    words = ("personalize", "album", "--minutes", str(MINUTES), "--threads", "1", "--out", "mine.safetensors")
    a.reposer("fit the network to one person for a minute", *words, codes=(0, NOT_BETTER))
    model = "mine.safetensors" if (a.folder / "mine.safetensors").is_file() else "trueflow"
    a.reposer(f"use {model}", "transfer", "photo.jpg", "--pose", "arms-up", "--model", model, "--out", "own.png")

    # --- Ship
    if "export" in COMMANDS:
        # the form that needs no extra: the environment has the bare wheel
        a.reposer("export it", "export", model, "--format", "pt2", "--out", "model.pt2")
        a.need("model.pt2")
    with a.step("carry out the container file's lines, with this environment's packages"):
        container(a)


def photos(a: Afternoon, real_data: Path | None) -> None:
    """photo.jpg, and a folder `album` of one person."""
    album = a.folder / "album"
    album.mkdir()
    if real_data is not None:
        with a.step("copy real photos"):
            shutil.copyfile(real_data / PHOTO, a.folder / "photo.jpg")
            for letter, path in zip("abcdefgh", sorted((real_data / OTHERS).glob("*.jpg")), strict=False):
                shutil.copyfile(path, album / f"{letter}.jpg")
        return
    size = ("--size", "512", "352", "--suffix", ".jpg")
    people = ("--people", "1", "--test-people", "1", "--views", "12")
    a.reposer("render photos of one person", "data", "synthesize", "people", *people, *size)
    for letter, path in zip("abcdefghijkl", sorted((a.folder / "people/train").glob("*.jpg")), strict=True):
        shutil.copyfile(path, album / f"{letter}.jpg")
    shutil.copyfile(album / "a.jpg", a.folder / "photo.jpg")


def container(a: Afternoon) -> None:
    """What the container file does works. (Building the image needs a network and a daemon.)"""
    try:
        carry_out(next(a.folder.parent.glob("installed/*.whl")), a.folder.parent / "image", borrow=True)
    except LineFailed as error:
        raise StepFailed(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
