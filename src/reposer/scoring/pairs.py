"""Scores pairs of people, against copying the source."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

import torch
from jaxtyping import Float, Int64, UInt8
from rich.progress import track
from torch import Tensor

from reposer.core import BadInput, Generator, Pose, cluster
from reposer.core.choices import PictureForm
from reposer.core.device import chosen_device
from reposer.core.framing import cut
from reposer.core.images import to_uint8
from reposer.core.samples import Condition
from reposer.core.terminal import Terminal
from reposer.core.work_folder import WorkFolder
from reposer.data import PairDataset
from reposer.data.dataset import FilePairs, unreadable_pictures
from reposer.data.deepfashion import DeepFashion
from reposer.data.pictures import picture_header, write_picture
from reposer.evaluation import PROTOCOLS, Folders, Generate, Protocol, Report, evaluate, score_folder, side_by_side
from reposer.evaluation.evaluate import content_box, generated
from reposer.evaluation.folder_geometry import Declared, is_square, same_shape
from reposer.evaluation.geometry import through_jpeg
from reposer.evaluation.report_html import write_report
from reposer.generators import load
from reposer.recipes import DataConfig

from .generated_key import folder_name, made_from
from .kept import Kept, kept_in, made_on_the_spot
from .options import Options, PairScoring
from .outcome import LeftOut, Model, Outcome, about_undone

PROTOCOL = "reposer-v1-reconstruction"
SYNTHETIC_PAIRS = 200  # rendered on the spot if no data are given


def score_pairs(model: Model, options: Options, of: PairScoring) -> Outcome:
    """Score the pairs and write the report; under a protocol that says how files become pictures, via files."""
    generator, data = model.generator, options.data
    rule = PROTOCOLS[options.protocol or PROTOCOL]
    if of.engine == "ray":
        cluster.require_ray()
        if rule.size is None or data is None:
            raise BadInput(
                f"{rule.name}{'' if rule.size is None else ' without --data'} is scored by one process, as no file is "
                f"written: leave --engine ray out, or give --data and a protocol that says how files become pictures."
            )
    config = DataConfig(
        root=data,
        split=options.split,
        frame=of.frame,
        pictures=of.pictures,
        num_pairs=SYNTHETIC_PAIRS,
        skeleton=generator.skeleton.name,
    )
    dataset = config.open(generator.framing)
    numbers: Sequence[int] = options.chosen(len(dataset))
    left_out = LeftOut()
    if isinstance(dataset, FilePairs):
        numbers, left_out = _readable_pairs(dataset, numbers)
    model = replace(model, about={**model.about, "data": data or "synthetic-people", **left_out.about()})
    if rule.size is None:
        return _score_generated(model, dataset, numbers, rule, options, left_out)
    if not isinstance(dataset, FilePairs):
        raise BadInput(f"{rule.name} says how files become pictures; give a data set of files with --data.")
    made = made_from(generator, dataset, numbers, rule, weights=model.about["weights_sha256"])
    pictures = model.folder / folder_name(made, rule)
    work = WorkFolder(pictures, "generates the same pictures", ("*.png",), made)
    try:
        if of.engine == "ray":
            _generate_on_cluster(model, config, dataset, numbers, pictures, rule, options, of.workers)
        else:
            write_generated(generator, dataset, numbers, pictures, rule, options.batch_size)
    finally:
        work.release()
    undone = Counter(generator.left_undone(*(dataset.poses[name] for name in _names(dataset, i))) for i in numbers)
    model = replace(model, about={**model.about, **about_undone(undone)})
    folders = as_folders(dataset, numbers, pictures, of.reference)
    found = score_folder(
        folders,
        rule,
        model.folder,
        weights=options.weights,
        device=generator.device,
        workers=of.workers,
        engine=of.engine,
        about=model.about,
    )
    files = write_report(model.folder, model.report_name(rule.name), found.report, found.pictures)
    return Outcome(found.report, found.report.to_table(), files, found.problems, left_out, undone, pictures=pictures)


def _score_generated(
    model: Model, dataset: PairDataset, numbers: Sequence[int], rule: Protocol, options: Options, left_out: LeftOut
) -> Outcome:
    """Score the generator's pictures directly."""
    if not options.keep_pictures:
        return _score_directly(model, dataset, numbers, rule, options, left_out, model.generator.generate)
    names = ["_2_".join(dataset.picture_names(i)) for i in numbers]
    if isinstance(dataset, FilePairs):
        made = made_from(model.generator, dataset, numbers, rule, weights=model.about["weights_sha256"])
    else:
        made = made_on_the_spot(
            model, None, protocol=(rule.name, rule.seed), pairs=list(zip(numbers, names, strict=True))
        )
    with kept_in(model, made) as folder:
        kept = Kept(model.generator, dataset, numbers, names, rule, folder)
        outcome = _score_directly(model, dataset, numbers, rule, options, left_out, kept)
    return replace(outcome, pictures=folder)


def _score_directly(
    model: Model,
    dataset: PairDataset,
    numbers: Sequence[int],
    rule: Protocol,
    options: Options,
    left_out: LeftOut,
    generate: Generate,
) -> Outcome:
    device = model.generator.device
    counting = _Counting(model.generator, generate)

    def scored(own: Generate, about: Mapping[str, str] | None, progress: bool) -> Report:
        return evaluate(
            own, rule, dataset, indices=numbers, batch_size=options.batch_size, device=device, progress=progress,
            weights=options.weights, about=None if about is None else dict(about),
        )  # fmt: skip

    reports = {
        "copy-the-source": scored(model.copy_source().generate, None, False),
        model.name: scored(counting, model.about, True),
    }
    report = reports[model.name]
    report = replace(report, about={**report.about, **about_undone(counting.undone)})
    reports[model.name] = report
    places = {row.name: i for row, i in zip(report.rows, numbers, strict=True)}
    files = write_report(
        model.folder,
        model.report_name(rule.name),
        report,
        lambda name: pictures_of(dataset, places[name], generate, rule, device),
    )
    return Outcome(report, side_by_side(reports), files, left_out=left_out, undone=counting.undone)


def _readable_pairs(dataset: FilePairs, numbers: Sequence[int]) -> tuple[Sequence[int], LeftOut]:
    """The pairs whose pictures can be read, and what was excluded here and when the data set was opened."""
    names = {i: _names(dataset, i) for i in numbers}
    reasons = unreadable_pictures(dataset, (name for own in names.values() for name in own))
    kept = [i for i in numbers if reasons.keys().isdisjoint(names[i])]
    if not kept:
        raise BadInput(f"No pair of {dataset.root} can be read: {next(iter(reasons.values()))}")
    return kept, LeftOut({**dataset.unreadable, **reasons}, len(numbers) - len(kept))


def _names(dataset: FilePairs, i: int) -> tuple[str, str]:
    return dataset.rows[i].source_name, dataset.rows[i].target_name


class _Counting:
    """A generator's `generate` that counts the pairs in which it left something undone, by its sentence about it."""

    def __init__(self, generator: Generator, generate: Generate) -> None:
        self.generator, self.generate, self.undone = generator, generate, Counter[str]()

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
        return self.generate(source, source_pose, target_pose, seeds=seeds)


def write_generated(
    generator: Generator,
    dataset: FilePairs,
    numbers: Sequence[int],
    out: Path,
    rule: Protocol,
    batch_size: int,
    *,
    title: str = "generating",
) -> None:
    """Write the generated pictures without padding, as files in the protocol's form. Existing files are kept.

    title: of the progress bar; none = no bar.
    """
    files, missing = _files(dataset, numbers, out)
    batches = generated(
        generator.generate, rule, dataset, missing, batch_size=batch_size, device=generator.device, title=title
    )  # fmt: skip
    for own, _, pictures in batches:
        for i, picture in zip(own, pictures, strict=True):
            pixels = to_uint8(cut(picture, content_box(dataset, i)), rule.rounding).cpu()
            write_picture(files[i], through_jpeg(pixels) if rule.file_format == "jpeg" else pixels)


def _files(dataset: FilePairs, numbers: Sequence[int], out: Path) -> tuple[dict[int, Path], list[int]]:
    """The file of each pair's picture, and the pairs that have none yet."""
    files = {i: out / f"{dataset.pair_name(i)}.png" for i in numbers}
    pair_of: dict[str, tuple[str, str]] = {}
    for i, file in files.items():
        own = (dataset.rows[i].source_name, dataset.rows[i].target_name)
        if (other := pair_of.setdefault(file.name.casefold(), own)) != own:
            raise BadInput(
                f"The pairs {' and '.join(own)}, {' and '.join(other)} would have one file, {file.name}. Give the "
                f"pictures names that differ in more than their endings."
            )
    return files, [i for i in numbers if not files[i].exists()]


def _generate_on_cluster(
    model: Model,
    config: DataConfig,
    dataset: FilePairs,
    numbers: Sequence[int],
    out: Path,
    rule: Protocol,
    options: Options,
    workers: int,
) -> None:
    """As `write_generated`, a batch at a time by processes of one thread each."""
    _, missing = _files(dataset, numbers, out)
    size = options.batch_size
    batches = [tuple(missing[k : k + size]) for k in range(0, len(missing), size)]
    work = partial(
        _generate_batch,
        weights=model.file.absolute(),
        config=replace(config, root=str(Path(str(config.root)).absolute())),
        out=out.absolute(),
        rule=rule,
        device=options.device,
    )
    console = Terminal(stderr=True)
    done = cluster.results(work, batches, max(1, workers))
    for _ in track(done, "generating", total=len(batches), console=console, transient=True):
        pass


def _generate_batch(
    numbers: tuple[int, ...], *, weights: Path, config: DataConfig, out: Path, rule: Protocol, device: str | None
) -> None:
    """In another process. What a process that was killed had written is kept."""
    generator, dataset = _opened(weights, config, device)
    write_generated(generator, dataset, numbers, out, rule, len(numbers), title="")


@lru_cache(maxsize=1)
def _opened(weights: Path, config: DataConfig, device: str | None) -> tuple[Generator, FilePairs]:
    generator = load(weights).to(chosen_device(device))
    dataset = config.open(generator.framing)
    assert isinstance(dataset, FilePairs)
    return generator, dataset


def as_folders(dataset: FilePairs, numbers: Sequence[int], generated: Path, reference: Path | None) -> Folders:
    """The arguments of `score_folder` for these pairs of the data set.

    A data set scales its pictures to one size, each axis separately, and a generated file is the whole of such a
    picture: squashed, unless its target's file had that shape, too. Joints lie in that picture.
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
    """How the data set reads the square files among these; None if there are none."""
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


def pictures_of(
    dataset: PairDataset, i: int, generate: Generate, rule: Protocol, device: torch.device | str = "cpu"
) -> dict[str, UInt8[Tensor, "H W 3"]]:
    """The pictures of pair i for display, without padding, from the noise that was scored."""
    ((_, batch, pictures),) = generated(generate, rule, dataset, [i], device=device)
    shown = {"source": batch.source, "target": batch.target, "generated": pictures}
    return {name: to_uint8(cut(p[0], content_box(dataset, i))).cpu() for name, p in shown.items()}
