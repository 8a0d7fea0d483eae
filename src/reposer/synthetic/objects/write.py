"""Write views of rendered objects to an HDF5 file in the form of the published ShapeNet sets (see `data.shapenet`)."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from reposer.core import BadInput
from reposer.core.terminal import Terminal
from reposer.core.view import AZIMUTHS, ELEVATIONS
from reposer.data.hdf5_pictures import hdf5
from reposer.data.view_pairs import view_name

from .dataset import KINDS, NUMBERS, Background, SyntheticObjects


def write_objects(
    path: Path | str,
    kind: str = "chairs",
    *,
    size: tuple[int, int] = (256, 256),
    num_objects: Mapping[str, int] | None = None,
    seed: int = 0,
    background: Background = "white",
    progress: bool = True,
) -> Path:
    """Render the 54 published views of each object to `path`/data_KIND.hdf5, with its lists. Returns the folder.

    path: a folder that does not exist yet; it appears whole or not at all.
    num_objects: by split; none = 100 for training and 20 for testing.
    """
    root = Path(path)
    if root.exists():
        raise BadInput(f"{root} exists already. Name a new folder for the objects, or remove it first.")
    sets = {
        split: SyntheticObjects(kind, size, split, count, seed, background=background)
        for split, count in ({"train": 100, "test": 20} if num_objects is None else num_objects).items()
    }
    library = hdf5()
    root.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{root.name}-", dir=root.parent))
    word = KINDS[kind].word
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with (
            library.File(draft / f"data_{word}.hdf5", "w") as file,
            Progress(*columns, console=Terminal(stderr=True), disable=not progress) as bar,
        ):
            for split, data in sets.items():
                task = bar.add_task(f"rendering {split}", total=len(data.models) * len(AZIMUTHS) * len(ELEVATIONS))
                ids = []
                for k, model in enumerate(data.models):
                    for azimuth in AZIMUTHS:
                        for elevation in ELEVATIONS:
                            picture = data.picture(NUMBERS[split][0] + k, azimuth, elevation).picture
                            ids.append(view_name(model, azimuth, elevation))
                            group = file.create_group(ids[-1])
                            group.create_dataset("image", data=picture, chunks=picture.shape, compression="gzip")
                            group["pose"] = np.array([azimuth // 10, elevation], np.int64)
                            bar.advance(task)
                (draft / f"id_{word}_{split}.txt").write_text("\n".join(ids) + "\n")
                (draft / f"name_{word}_{split}.txt").write_text("\n".join(data.models) + "\n")
        draft.chmod(0o755)
        draft.rename(root)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return root
