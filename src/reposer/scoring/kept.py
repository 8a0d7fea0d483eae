"""`reposer evaluate --keep-pictures`: generated pictures that are kept as files, and taken from there after a stop."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from reposer.core import BadInput, Generator
from reposer.core.code import code_digest
from reposer.core.framing import cut, size_of
from reposer.core.generator import refuse_not_finite
from reposer.core.images import from_uint8, to_uint8
from reposer.core.rng import mix
from reposer.core.samples import Condition
from reposer.core.work_folder import WorkFolder
from reposer.data.pictures import read_picture, write_picture
from reposer.evaluation import DrivenClip, Protocol
from reposer.evaluation.driving import Frames
from reposer.evaluation.evaluate import ScoredPairs, content_box
from reposer.training.contents import digest

from .generated_key import digest_of, generator_facts
from .outcome import Model

CODE = (
    "core", "data", "generators", "nn", "recipes", "synthetic", "evaluation/driving.py", "evaluation/evaluate.py",
    "scoring/clips.py", "scoring/kept.py", "scoring/pairs.py", "scoring/views.py",
)  # fmt: skip
"""The parts of the package between the data and a generated picture; data may be rendered on the spot."""


def pictures_folder(model: Model) -> Path:
    """OUT/pictures; those of numbered checkpoints lie side by side, as their reports do."""
    return model.folder / (f"pictures-{model.step}" if model.step else "pictures")


def made_on_the_spot(model: Model, data: str | None, **of: Any) -> dict[str, str]:
    """The facts that pictures depend on which are not of pairs of picture files (`made_from`), as short texts.

    of: the protocol, the names and numbers of the pairs, options.
    """
    if data is not None and model.folder.resolve().is_relative_to(Path(data).resolve()):
        raise BadInput(
            f"The results ({model.folder}) lie in the data ({data}), which would change with each picture that is kept."
            f" Give another --out."
        )
    return {
        "weights": model.about["weights_sha256"],
        "generator": generator_facts(model.generator),
        "data": "synthetic" if data is None else str(digest(Path(data))["sha256"]),
        "asked": digest_of({name: str(value) for name, value in of.items()}),
        "device": model.generator.device.type,
        "torch": str(torch.__version__),
    }


@contextmanager
def kept_in(model: Model, made: Mapping[str, str]) -> Iterator[Path]:
    """The folder of the pictures, locked meanwhile; refused if it is not ours, or if its pictures were made from other
    facts."""
    folder = pictures_folder(model)
    work = WorkFolder(folder, "keeps the same pictures", ("*.png",), {**made, "code": code_digest(*CODE)})
    try:
        yield folder
    finally:
        work.release()


class Kept:
    """A generator's `generate` that writes each picture, without padding, to FOLDER/NAME.png, and reads those that are
    there instead of generating them.

    A pair is recognised by its seed, which scoring makes from the protocol's and the pair's number.
    """

    def __init__(
        self,
        generator: Generator,
        dataset: ScoredPairs,
        numbers: Sequence[int],
        names: Sequence[str],
        rule: Protocol,
        folder: Path,
    ) -> None:
        assert rule.rounding == "nearest", "a file's bytes are rounded once"
        self.generator, self.dataset, self.folder = generator, dataset, folder
        own, numbered = [plain_name(name) for name in names], file_names(names)
        if twice := [name for name, other in zip(own, numbered, strict=True) if name != other]:
            raise BadInput(
                f"Two of the pairs would have one file, {twice[0]}.png, of the pictures that are kept. Give "
                f"their pictures different names, or leave --keep-pictures out."
            )
        self._files = {mix(rule.seed, i): (i, folder / f"{name}.png") for i, name in zip(numbers, own, strict=True)}

    def __call__(
        self,
        source: Float[Tensor, "B 3 H W"],
        source_pose: Condition,
        target_pose: Condition,
        *,
        seeds: Int64[Tensor, "B"] | None = None,
    ) -> Float[Tensor, "B 3 H W"]:
        assert seeds is not None, "scoring gives every pair its own noise"
        pairs = [self._files[int(seed)] for seed in seeds]
        missing = [b for b, (_, file) in enumerate(pairs) if not file.exists()]
        pictures = torch.zeros_like(source)
        if missing:
            rows = torch.tensor(missing, device=source.device)
            own = torch.tensor(missing)
            pictures[rows] = self.generator.generate(
                source[rows], source_pose[rows], target_pose[rows], seeds=seeds[own.to(seeds.device)]
            )
        for b in missing:  # before any is written
            refuse_not_finite(pictures[b], pairs[b][1].stem)
        for b, (i, file) in enumerate(pairs):
            box = content_box(self.dataset, i)
            if b in missing:
                write_picture(file, to_uint8(cut(pictures[b], box)).cpu())
            else:
                left, top, right, bottom = box
                pictures[b, :, top:bottom, left:right] = from_uint8(_read(file, size_of(box))).to(source)
        return pictures


def kept_clip(own: Path, truth: DrivenClip, num_frames: int, drive: Callable[[], DrivenClip]) -> DrivenClip:
    """The driven clip, whose frames are written to the folder `own` as they are generated; or, if all are there, read.

    truth: any clip with the same true frames and limbs.
    """
    files = [own / f"{t:05d}.png" for t in range(num_frames)]
    if all(file.exists() for file in files):
        return replace(
            truth, frames=((_read(file, None), true) for file, (_, true) in zip(files, truth.frames, strict=True))
        )
    own.mkdir(exist_ok=True)
    driven = drive()

    def frames() -> Iterator[Frames]:
        for file, (picture, true) in zip(files, driven.frames, strict=True):
            write_picture(file, picture)
            yield picture, true

    return replace(driven, frames=frames())


def plain_name(name: str) -> str:
    """The name as that of a file: nothing in it leads to another folder."""
    return re.sub(r"[/\\:\0]", "-", name)


def file_names(names: Sequence[str]) -> list[str]:
    """`plain_name` of each; one that came before, in capitals or not, gets a number."""
    found: list[str] = []
    taken: set[str] = set()
    for name in map(plain_name, names):
        numbered = (name, *(f"{name}-{k}" for k in range(2, len(names) + 2)))
        found.append(next(own for own in numbered if own.casefold() not in taken))
        taken.add(found[-1].casefold())
    return found


def _read(file: Path, size: tuple[int, int] | None) -> UInt8[Tensor, "H W 3"]:
    """A picture that was kept. size: (height, width) that it must have; None = any."""
    picture = read_picture(file)
    if size is not None and tuple(picture.shape[:2]) != tuple(size):
        raise BadInput(
            f"{file} has {picture.shape[0]}x{picture.shape[1]} pixels, and was written with {size[0]}x{size[1]}. "
            f"Remove it, and it is generated anew."
        )
    return picture
