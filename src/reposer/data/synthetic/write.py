"""Synthetic people as a folder in the form of the PATN and GFLA data sets, which every file loader reads."""

import itertools
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from reposer.core import BadInput

from .people import FIRST_NUMBER, Split, SyntheticPeople
from .render import RenderedPerson

MISSING = -1


def write_people(
    root: Path | str,
    *,
    size: tuple[int, int] = (256, 176),
    num_train: int = 200,
    num_test: int = 20,
    views: int = 4,
    seed: int = 0,
    suffix: Literal[".png", ".jpg"] = ".png",
    progress: bool = True,
) -> Path:
    """Draw `views` pictures of each person and list all ordered pairs of a person. Returns the folder `root`.

    root: a folder that does not exist yet; it appears whole or not at all. num_train, num_test: people, not
        pairs.
    """
    root = Path(root)
    if root.exists():
        raise BadInput(
            f"{root} exists already. Name a new folder for the synthetic people, or remove it first."
        )
    if views < 2:
        raise BadInput(f"A pair needs at least 2 views of a person, not {views}.")
    root.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{root.name}-", dir=root.parent))
    try:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, disable=not progress) as bar:
            for split, people in (("train", num_train), ("test", num_test)):
                task = bar.add_task(f"drawing {split}", total=people * views)
                for _ in _write_split(draft, split, people, views, size, seed, suffix):  # type: ignore[arg-type]
                    bar.advance(task)
        draft.chmod(0o755)
        draft.rename(root)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return root


def _write_split(
    root: Path, split: Split, people: int, views: int, size: tuple[int, int], seed: int, suffix: str
) -> Iterable[None]:
    (root / split).mkdir()
    data = SyntheticPeople(size, split, num_pairs=max(people, 1), seed=seed)
    rows, names, pairs = ["name:keypoints_y:keypoints_x"], [], ["from,to"]
    for number in range(FIRST_NUMBER[split], FIRST_NUMBER[split] + people):
        own = [f"synthetic{number:06d}_{view}{suffix}" for view in range(views)]
        for view, name in enumerate(own):
            person = data.picture(number, view)
            Image.fromarray(person.picture).save(root / split / name, quality=95)
            rows.append(_row(name, person))
            yield
        names += own
        pairs += [f"{a},{b}" for a, b in itertools.permutations(own, 2)]
    (root / f"{split}.lst").write_text("\n".join(names) + "\n")
    (root / f"fasion-resize-annotation-{split}.csv").write_text("\n".join(rows) + "\n")
    (root / f"fasion-resize-pairs-{split}.csv").write_text("\n".join(pairs) + "\n")


def _row(name: str, person: RenderedPerson) -> str:
    """NAME: [y...]: [x...] in whole pixels of the 256x176 frame, which these lists use; -1 where a joint is missing."""
    height, width = person.parts.shape
    xy = (person.xy + 0.5) * [176 / width, 256 / height] - 0.5
    whole = np.where(person.visible[:, None], np.rint(xy).astype(int), MISSING)
    return f"{name}: {whole[:, 1].tolist()}: {whole[:, 0].tolist()}"
