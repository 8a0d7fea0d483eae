"""How `reposer evaluate` scores pairs of people, beside copying the source."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from rich.progress import track
from torch import Tensor

from reposer.core import BadInput, Batch, Generator, Pose
from reposer.core.choices import PictureForm
from reposer.core.images import to_uint8
from reposer.core.rng import mix
from reposer.core.samples import Condition
from reposer.core.shown import renamed
from reposer.core.terminal import Terminal
from reposer.core.work_folder import WorkFolder
from reposer.data import PairDataset
from reposer.data.dataset import FilePairs, unreadable_pictures
from reposer.data.deepfashion import DeepFashion
from reposer.data.pictures import picture_header, write_picture
from reposer.evaluation import Folders, Generate, Protocol, compare_table, evaluate, score_folder
from reposer.evaluation.folder_geometry import Declared, is_square, same_shape
from reposer.evaluation.generated_key import folder_name, made_from
from reposer.evaluation.geometry import through_jpeg
from reposer.evaluation.report_html import write_html
from reposer.generators.copy_source import CopySource, CopySourceConfig

from .report_files import tell, write


def score_pairs(
    generator: Generator,
    dataset: PairDataset,
    numbers: Sequence[int],
    *,
    shown: str,
    about: dict[str, str],
    folder: Path,
    rule: Protocol,
    batch_size: int = 8,
    weights: Path | None = None,
    reference: Path | None = None,
) -> int:
    """Score these pairs, print the table, write the report into the folder; 1 if a number is absent."""
    protocol = rule.name
    left_out = LeftOut({}, 0)
    if isinstance(dataset, FilePairs):
        numbers, left_out = _readable_pairs(dataset, numbers)
        about = about | left_out.words
    if rule.size is not None:
        if not isinstance(dataset, FilePairs):
            raise BadInput(
                f"{protocol} says how files become pictures; give a data set of files with --data."
            )
        made = made_from(generator, dataset, numbers, rule, weights=about["weights_sha256"])
        drawn = folder / folder_name(made, rule)
        rows = [dataset.rows[i] for i in numbers]
        poses = dataset.poses
        undone = Counter(generator.left_undone(poses[r.source_name], poses[r.target_name]) for r in rows)
        about = about | _words_of(undone)
        work = WorkFolder(drawn, "generates the same pictures", ("*.png",), made)
        try:
            write_drawn(generator, dataset, numbers, drawn, rule, batch_size)
        finally:
            work.release()
        folders = as_folders(dataset, numbers, drawn, reference)
        found = score_folder(folders, rule, folder, weights=weights, device=generator.device, about=about)
        write(found, folders, rule, folder, f"report-{protocol}")
        tell(found, Terminal())
        left_out.tell()
        _tell_undone(undone, len(numbers))
        return 1 if found.problems or found.report.absent or left_out.reasons else 0
    copy = CopySource(CopySourceConfig(size=generator.framing.size, fit=generator.framing.fit))
    draw = _Counting(generator)
    options: dict[str, Any] = {
        "indices": numbers,
        "batch_size": batch_size,
        "weights": weights,
        "device": generator.device,
    }
    reports = {
        "copy-the-source": evaluate(copy.generate, rule, dataset, **options),
        shown: evaluate(draw, rule, dataset, progress=True, about=about, **options),
    }
    undone = draw.undone.copy()  # pictures for the page are generated again
    reports[shown] = replace(reports[shown], about={**reports[shown].about, **_words_of(undone)})
    reports[shown].write_json(folder / f"report-{protocol}.json")
    reports[shown].write_csv(folder / f"report-{protocol}.csv")
    places = {row.name: i for row, i in zip(reports[shown].rows, numbers, strict=True)}
    write_html(
        folder / f"report-{protocol}.html",
        reports[shown],
        lambda n: drawn_pictures(dataset, places[n], draw, rule, generator.device),
    )
    console = Terminal()
    console.print_columns(tuple(reports), lambda names: compare_table(renamed(reports, names)))
    for line in reports[shown].lines():
        console.say(line)
    for name, reason in reports[shown].absent.items():
        console.say(f"absent: {name}: {reason}")
    left_out.tell()
    _tell_undone(undone, len(numbers))
    console.say(f"Report: {folder / f'report-{protocol}.html'}, .json and .csv")
    return 1 if reports[shown].absent or left_out.reasons else 0


class _Counting:
    """A generator's `generate` that counts the pairs in which it left something undone, by its sentence about it."""

    def __init__(self, generator: Generator) -> None:
        self.generator, self.undone = generator, Counter[str]()

    def __call__(
        self,
        source: Float[Tensor, "B 3 H W"],
        source_pose: Condition,
        target_pose: Condition,
        *,
        seeds: Int64[Tensor, "B"] | None = None,
    ) -> Float[Tensor, "B 3 H W"]:
        for b in range(len(source)):
            self.undone[self.generator.left_undone(source_pose[b], target_pose[b])] += 1
        return self.generator.generate(source, source_pose, target_pose, seeds=seeds)


def _words_of(undone: Counter[str]) -> dict[str, str]:
    """For the report."""
    counts = [f"{count} pairs: {reason}" for reason, count in undone.items() if reason]
    return {"left_undone": "; ".join(counts)} if counts else {}


def _tell_undone(undone: Counter[str], num_pairs: int) -> None:
    for reason, count in undone.items():
        if reason:
            Terminal().say(f"In {count} of {num_pairs} pairs: {reason}")


@dataclass(frozen=True)
class LeftOut:
    """Pictures that cannot be read, by name, with the reason; and how many pairs were left out because of them."""

    reasons: Mapping[str, str]
    num_pairs: int

    @property
    def words(self) -> dict[str, str]:
        """For the report."""
        if not self.reasons:
            return {}
        return {
            "left_out": f"{self.num_pairs} pairs, whose pictures cannot be read: {', '.join(self.reasons)}"
        }

    def tell(self) -> None:
        console = Terminal()
        for reason in self.reasons.values():
            console.say(f"left out: {reason}")
        if self.reasons:
            console.say(f"{self.num_pairs} pairs were left out, because these pictures cannot be read.")


def _readable_pairs(dataset: FilePairs, numbers: Sequence[int]) -> tuple[Sequence[int], LeftOut]:
    """The pairs whose pictures can be read, and what was left out here and when the data set was opened."""
    names = (name for i in numbers for name in (dataset.rows[i].source_name, dataset.rows[i].target_name))
    reasons = unreadable_pictures(dataset, names)
    kept = [
        i for i in numbers if not {dataset.rows[i].source_name, dataset.rows[i].target_name} & set(reasons)
    ]
    if not kept:
        raise BadInput(f"No pair of {dataset.root} can be read: {next(iter(reasons.values()))}")
    return kept, LeftOut({**dataset.unreadable, **reasons}, len(numbers) - len(kept))


def write_drawn(
    generator: Generator,
    dataset: FilePairs,
    numbers: Sequence[int],
    out: Path,
    rule: Protocol,
    batch_size: int,
) -> None:
    """The generated pictures without padding, as files that hold what the protocol's would. Those that are there stay."""
    missing = [i for i in numbers if not (out / f"{dataset.pair_name(i)}.png").exists()]
    starts = range(0, len(missing), batch_size)
    for start in track(starts, "generating", console=Terminal(stderr=True), transient=True):
        own = missing[start : start + batch_size]
        seeds = torch.tensor([mix(rule.seed, i) for i in own], dtype=torch.int64)
        batch = Batch.stack([dataset[i] for i in own], seeds).to(generator.device)
        drawn = generator.generate(batch.source, batch.source_pose, batch.target_pose, seeds=batch.seeds)
        for i, picture in zip(own, drawn, strict=True):
            left, top, right, bottom = generator.framing.content_box(dataset.target_size(i))
            pixels = to_uint8(picture[:, top:bottom, left:right], rule.rounding).cpu()
            pixels = through_jpeg(pixels) if rule.file_format == "jpeg" else pixels
            write_picture(out / f"{dataset.pair_name(i)}.png", pixels)


def as_folders(
    dataset: FilePairs, numbers: Sequence[int], generated: Path, reference: Path | None
) -> Folders:
    """What `score_folder` is asked for these pairs of the data set.

    A data set scales its pictures to one size, each axis on its own, and a generated file is the whole of such a picture:
    squashed, unless its target's file had that shape, too. Joints lie in that picture.
    """
    rows = [dataset.rows[i] for i in numbers]
    names = {name for row in rows for name in (row.source_name, row.target_name)}
    poses = {Path(name).stem: pose for name in names if isinstance(pose := dataset.poses[name], Pose)}
    return Folders(
        generated=generated,
        targets=dataset.picture_path(rows[0].target_name).parent,
        reference=reference,
        poses=poses or None,
        wanted=[(row.source_name, row.target_name) for row in rows],
        declared=Declared(
            generated="squashed",
            truths=_form_of_squares(dataset, names),
            person=dataset.target_size(numbers[0]),
            poses_fill_pictures=True,
        ),
    )


def _form_of_squares(dataset: FilePairs, names: Iterable[str]) -> PictureForm | None:
    """How the data set takes the square files among these; None where there are none."""
    for name in names:
        size = picture_header(dataset.picture_path(name))
        if is_square(size):
            pose = dataset.poses[name]
            if isinstance(pose, Pose) and same_shape(pose.size, size):
                return "plain"
            # in a data set of plain pictures, squares are those whose own pixels prove white sides
            form = dataset.form if isinstance(dataset, DeepFashion) else "squashed"
            return "padded" if form == "plain" else form
    return None


def drawn_pictures(
    dataset: PairDataset, i: int, draw: Generate, rule: Protocol, device: torch.device | str = "cpu"
) -> dict[str, np.ndarray]:
    """The pictures of pair i for people, without padding, from the noise that was scored."""
    batch = Batch.stack([dataset[i]], torch.tensor([mix(rule.seed, i)], dtype=torch.int64)).to(device)
    drawn = draw(batch.source, batch.source_pose, batch.target_pose, seeds=batch.seeds)
    height, width = dataset.target_size(i)
    box = (0, 0, width, height) if dataset.framing is None else dataset.framing.content_box((height, width))
    left, top, right, bottom = box
    shown = {"source": batch.source, "target": batch.target, "generated": drawn}
    return {name: to_uint8(p[0, :, top:bottom, left:right]).cpu().numpy() for name, p in shown.items()}
