"""Scores a folder of pictures: in batches, with several processes, resuming a stopped run."""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from jaxtyping import UInt8
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor

from reposer.core import BadInput, Pose, cluster
from reposer.core.choices import Engine
from reposer.core.configs import to_plain
from reposer.core.terminal import Terminal
from reposer.core.work_folder import WorkFolder
from reposer.data.pictures import picture_header, picture_is_cut_off, read_picture
from reposer.nn.weights import read_safetensors, sha256, write_safetensors

from .folder import FilePair, Problem, in_words, match, pictures_in
from .folder_geometry import Declared, PairGeometry, pair_geometries, reference_geometry, same_shape
from .geometry import FileGeometry, resized
from .pair_batch import PairBatch
from .protocol import Protocol
from .report import Report, Row
from .scorer import Counted, Scorer
from .strips import Strip
from .suite.semantic.names import item_of

CHUNK = 32  # pairs that one process takes at a time
SAVE_SECONDS = 30.0  # between two saved states
STATE = "state.safetensors"
UNFINISHED = "reposer-unfinished"
"""Subfolder of the report's folder that contains the state."""


@dataclass(frozen=True)
class Folders:
    """What to score.

    poses: by the picture's stem, in pixels of the person's picture or of the whole file.
    attributes: by identity, question to answer.
    wanted: the expected pairs (source, target); None = whatever exists.
    declared: what the caller says about how the files were made.
    """

    generated: Path
    targets: Path
    sources: Path | None = None
    reference: Path | None = None
    poses: Mapping[str, Pose] | None = None
    attributes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    wanted: Sequence[tuple[str, str]] | None = None
    declared: Declared = field(default_factory=Declared)

    def absolute(self) -> "Folders":
        """With whole paths, for processes that work in other folders."""
        places = {name: getattr(self, name) for name in ("generated", "targets", "sources", "reference")}
        return replace(self, **{name: path.absolute() for name, path in places.items() if path is not None})


@dataclass(frozen=True)
class Scored:
    """The report, and access to the scored pictures.

    pairs, geometries: by the pairs' names.
    strip: which part of a generated file is the picture.
    """

    report: Report
    problems: tuple[Problem, ...]
    pairs: Mapping[str, FilePair]
    geometries: Mapping[str, PairGeometry]
    strip: Strip

    def pictures(self, name: str) -> dict[str, UInt8[Tensor, "H W 3"]]:
        """The pictures of one pair as they were scored, for display; without its source if that cannot be read."""
        pair, geometry, rule = self.pairs[name], self.geometries[name], self.report.protocol
        generated, target = _scored_pictures(pair, geometry, rule, self.strip)
        found = {"generated": generated, "target": target}
        if pair.source is not None:
            with suppress(BadInput):  # no number used it, or its pair would have been excluded and reported
                found["source"] = rule.target.apply(read_picture(pair.source), geometry.source)
        return found


@dataclass(frozen=True)
class _Task:
    """A chunk for one process: files, joints, and what to compute there.

    show: whether to return the pictures.
    with_sources: whether to return the sources' pictures, too.
    """

    pairs: tuple[FilePair, ...]
    geometries: tuple[PairGeometry, ...]
    strip: Strip
    poses: tuple[tuple[Pose, Pose] | None, ...]
    attributes: tuple[Mapping[str, str], ...]
    protocol: Protocol
    metrics: tuple[str, ...]
    show: bool
    with_sources: bool


@dataclass(frozen=True)
class _Done:
    """The result of a chunk. shown: the pictures, grouped by size, if the main process still needs them."""

    counted: Counted
    shown: tuple[PairBatch, ...]
    problems: tuple[Problem, ...]


def score_folder(
    folders: Folders,
    protocol: Protocol,
    out: Path,
    *,
    weights: Path | None = None,
    device: torch.device | str = "cpu",
    without_networks: bool = False,
    workers: int = 2,
    engine: Engine = "local",
    show: bool = True,
    about: Mapping[str, Any] | None = None,
) -> Scored:
    """Score the pictures of a folder. A call that was stopped or killed resumes from the state in `out`.

    out: folder of the unfinished state (UNFINISHED), which is removed at the end; a folder of another origin is
        refused.
    workers: processes that decode and compare; the numbers do not depend on them. 0 = this one.
    engine: "ray" decodes and compares on the cluster that RAY_ADDRESS names, whose machines see the same folders.

    Files that cannot be scored are listed in `problems`; the others are scored.
    """
    if engine == "ray":
        cluster.require_ray()
        folders = folders.absolute()
    generated, targets = pictures_in(folders.generated), pictures_in(folders.targets)
    sources = pictures_in(folders.sources) if folders.sources else None
    pairs, problems = match(generated, targets, sources, folders.wanted)
    if not pairs:
        raise _nothing(folders, problems)
    needs_sources = bool(protocol.suite) or folders.poses is not None
    geometries, misfits = pair_geometries(pairs, protocol, folders.declared, with_sources=needs_sources)
    pairs, poses, unposed = _with_poses([p for p in pairs if p.name in geometries], geometries, protocol, folders)
    problems = [*misfits, *unposed, *problems]
    if not pairs:
        raise _nothing(folders, problems)
    reference, unreadable = _reference_files(folders.reference)
    problems += unreadable
    with_sources = all(pair.source is not None for pair in pairs)
    scorer = Scorer(
        protocol,
        weights=weights,
        device=device,
        without_networks=without_networks,
        with_poses=folders.poses is not None,
        with_sources=with_sources,
        num_reference=len(reference),
        num_pairs=len(pairs),
        pixels_elsewhere=True,
    )
    ledger = _Ledger(out / UNFINISHED, _digest(pairs, geometries, reference, folders, protocol, scorer))
    taken = ledger.take_up(scorer)
    chunks = [tuple(pairs[k : k + CHUNK]) for k in range(0, len(pairs), CHUNK)]
    with ledger, _bar(show) as bar:
        if taken is None:
            ledger.problems += _add_reference(scorer, reference, folders.declared, bar)
            taken = 0
            ledger.save_if_due(scorer, 0)
        tasks = [_task(chunk, geometries, poses, protocol, scorer, folders) for chunk in chunks[taken:]]
        line = bar.add_task("scoring", total=len(pairs), completed=min(len(pairs), taken * CHUNK))
        number, whole = taken, True
        try:
            alone = len(tasks) == 1 and engine == "local"
            for done in cluster.in_order(_work, tasks, 0 if alone else workers, engine):
                whole = False
                _join(scorer, done)
                ledger.problems += done.problems
                bar.update(line, advance=len(chunks[number]))
                number, whole = number + 1, True
                ledger.save_if_due(scorer, number)
        except BaseException:  # any interruption, Ctrl-C too: finished chunks are saved, unless one is half added
            if whole:
                ledger.save(scorer, number)
            raise
    problems = [*ledger.problems, *problems]
    if not scorer.rows:
        ledger.work.remove()
        raise _nothing(folders, problems)
    report = scorer.report(
        {**(about or {}), "not_scored": [to_plain(p) for p in problems]},
        layouts={geometries[row.name].generated.layout for row in scorer.rows},
    )
    ledger.work.remove()
    by_name = {pair.name: pair for pair in pairs}
    return Scored(report, tuple(problems), by_name, geometries, folders.declared.strip)


def _nothing(folders: Folders, problems: Sequence[Problem]) -> BadInput:
    shown = "; ".join(in_words(problems)[:3])
    return BadInput(f"No picture of {folders.generated} can be scored ({shown}).")


def _with_poses(
    pairs: Sequence[FilePair], geometries: Mapping[str, PairGeometry], protocol: Protocol, folders: Folders
) -> tuple[list[FilePair], dict[str, tuple[Pose, Pose]], list[Problem]]:
    """(source's, target's) joints in the protocol's geometry, by the pair's name; and the pairs that lack them.

    The target's twice if the source is unknown.
    """
    if folders.poses is None:
        return list(pairs), {}, []
    kept, poses, problems = [], {}, []
    for pair in pairs:
        geometry = geometries[pair.name]
        files = [(pair.source, geometry.source)] if pair.source is not None else []
        files.append((pair.target, geometry.target))
        missing = [path.stem for path, _ in files if path.stem not in folders.poses]
        if missing:
            reason = f"the list has no joints for {', '.join(missing)}"
            problems.append(Problem(pair.generated.name, reason))
            continue
        try:
            own = [_placed(folders, path, file, protocol) for path, file in files]
        except BadInput as error:
            problems.append(Problem(pair.generated.name, str(error)))
            continue
        kept.append(pair)
        poses[pair.name] = own[0], own[-1]
    return kept, poses, problems


def _placed(folders: Folders, path: Path, file: FileGeometry, protocol: Protocol) -> Pose:
    """The joints of a list, placed as the protocol's geometry places this file. A list refers to the person's
    picture, or to the whole file, at any resolution; one of another shape belongs to other pictures.
    """
    assert folders.poses is not None
    pose, size = folders.poses[path.stem], picture_header(path)
    shape = file.shape(size)
    if folders.declared.poses_fill_pictures or same_shape(pose.size, shape):
        return protocol.target.place(pose.resize(shape)) if protocol.size is not None else pose
    if same_shape(pose.size, size):
        return protocol.target.place(pose.resize(size), file)
    raise BadInput(
        f"the list's joints count in pictures of {pose.size[0]}x{pose.size[1]}, but its target's or source's picture "
        f"has another shape, that of {shape[0]}x{shape[1]}; give the list of these pictures, or say in which size it "
        f"counts (--pose-size HEIGHT WIDTH)"
    )


def _task(
    chunk: tuple[FilePair, ...],
    geometries: Mapping[str, PairGeometry],
    poses: Mapping[str, tuple[Pose, Pose]],
    protocol: Protocol,
    scorer: Scorer,
    folders: Folders,
) -> _Task:
    return _Task(
        pairs=chunk,
        geometries=tuple(geometries[pair.name] for pair in chunk),
        strip=folders.declared.strip,
        poses=tuple(poses.get(pair.name) for pair in chunk),
        attributes=tuple(folders.attributes.get(pair.identity, {}) for pair in chunk),
        protocol=protocol,
        metrics=tuple(scorer.elsewhere),
        show=bool(scorer.metrics or scorer.parts),
        with_sources=bool(scorer.parts),
    )


def _work(task: _Task) -> _Done:
    """In another process: decode, prepare, compare. A file that fails is reported and excluded."""
    singles, problems = [], []
    for pair, geometry, poses, attributes in zip(task.pairs, task.geometries, task.poses, task.attributes, strict=True):
        try:
            singles.append(_single(pair, geometry, poses, attributes, task))
        except BadInput as error:
            problems.append(Problem(pair.generated.name, str(error)))
    runs = [_joined(list(run)) for _, run in groupby(singles, key=lambda shown: shown.target.shape)]
    scorer = Scorer(replace(task.protocol, suite=(), tails={}), metrics=task.metrics)
    for shown in runs:
        scorer.add(shown)
    return _Done(scorer.counted, tuple(runs) if task.show else (), tuple(problems))


def _single(
    pair: FilePair, geometry: PairGeometry, poses: tuple[Pose, Pose] | None, attributes: Mapping[str, str], task: _Task
) -> PairBatch:
    """The pictures of one pair, decoded and in the protocol's geometry."""
    generated, target = _scored_pictures(pair, geometry, task.protocol, task.strip)
    source = None
    if task.with_sources:
        assert pair.source is not None, "the suite looks at sources"
        source = task.protocol.target.apply(read_picture(pair.source), geometry.source)
        _refuse_unlike("source", source, target)
    source_pose, target_pose = (None, None) if poses is None else (_row(p, generated) for p in poses)
    return PairBatch(
        names=(pair.name,),
        identities=(pair.identity,),
        generated=generated[None],
        target=target[None],
        source=None if source is None else source[None],
        source_pose=source_pose,
        target_pose=target_pose,
        source_names=(pair.source_name or pair.name,),
        target_names=(pair.target.stem,),
        items=(item_of(pair.target.stem) or pair.identity,),
        attributes=(attributes,),
    )


def _scored_pictures(
    pair: FilePair, geometry: PairGeometry, protocol: Protocol, strip: Strip
) -> tuple[UInt8[Tensor, "H W 3"], UInt8[Tensor, "H W 3"]]:
    """The generated picture and its target as they are compared."""
    target = read_picture(pair.target)
    geometry.check(target)
    target = protocol.target.apply(target, geometry.target)
    generated = protocol.generated.apply(strip.read(pair.generated), geometry.generated)
    if protocol.size is None and geometry.generated.layout == "squashed":
        generated = resized(generated, (target.shape[0], target.shape[1]), protocol.generated.rule)
    _refuse_unlike("generated picture", generated, target)
    return generated, target


def _refuse_unlike(what: str, picture: UInt8[Tensor, "h w 3"], target: UInt8[Tensor, "H W 3"]) -> None:
    if picture.shape != target.shape:
        sizes = " and ".join(f"{p.shape[0]}x{p.shape[1]}" for p in (picture, target))
        raise BadInput(f"the {what} and the target have {sizes} pixels")


def _row(pose: Pose, picture: UInt8[Tensor, "H W 3"]) -> Pose:
    """The pose as a batch of one, in pixels of the picture; a list may refer to pictures of another size."""
    size = (picture.shape[0], picture.shape[1])
    return Pose.stack([pose if pose.size == size else pose.resize(size)])


def _joined(singles: Sequence[PairBatch]) -> PairBatch:
    """Pairs of one size as one batch."""

    def together(name: str) -> Any:
        own = [getattr(single, name) for single in singles]
        if own[0] is None:
            return None
        if isinstance(own[0], Pose):
            return Pose.stack([pose[0] for pose in own])
        return torch.cat(own) if isinstance(own[0], Tensor) else tuple(one for each in own for one in each)

    return PairBatch(**{part.name: together(part.name) for part in fields(PairBatch)})


def _join(scorer: Scorer, done: _Done) -> None:
    if not done.shown:
        scorer.take(done.counted)
        return
    counted, start = done.counted, 0
    for shown in done.shown:
        own = slice(start, start + len(shown.names))
        scorer.add(shown, Counted(counted.rows[own], counted.truths[own], counted.sizes, counted.masks[own]))
        start = own.stop


def _reference_files(folder: Path | None) -> tuple[list[Path], list[Problem]]:
    """The pictures of the reference set, and those that cannot be opened."""
    files, problems = [], []
    for path in [] if folder is None else pictures_in(folder).values():
        try:
            picture_header(path)
            if picture_is_cut_off(path):
                raise BadInput("the file is cut short")
            files.append(path)
        except BadInput as error:
            problems.append(_of_reference(path, error))
    return files, problems


def _add_reference(scorer: Scorer, paths: Sequence[Path], declared: Declared, bar: Progress) -> tuple[Problem, ...]:
    """Add the reference set if a metric needs it: the whole training set takes time. Returns what could not be
    decoded.
    """
    if not any(metric.needs_reference for metric in scorer.metrics.values()):
        return ()
    made = reference_geometry(paths, scorer.protocol, declared)
    problems = []
    for path in bar.track(paths, description="reference"):
        try:
            picture = read_picture(path)
        except BadInput as error:
            problems.append(_of_reference(path, error))
            continue
        file = made((picture.shape[0], picture.shape[1]))
        scorer.add_reference(scorer.protocol.reference.apply(picture, file)[None])
    return tuple(problems)


def _of_reference(path: Path, error: BadInput) -> Problem:
    return Problem(path.name, f"left out of the reference set: {error}")


def _bar(show: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Terminal(stderr=True),
        disable=not show,
        transient=True,
    )


def _digest(
    pairs: Sequence[FilePair],
    geometries: Mapping[str, PairGeometry],
    reference: Sequence[Path],
    folders: Folders,
    protocol: Protocol,
    scorer: Scorer,
) -> str:
    """Digest of all that an unfinished state belongs to: protocol, networks, joints, attributes, and the content of
    every file.
    """
    paths = dict.fromkeys(path for p in pairs for path in (p.generated, p.target, p.source) if path is not None)
    if any(metric.needs_reference for metric in scorer.metrics.values()):
        paths |= dict.fromkeys(reference)
    files = [[path.name, sha256(path)] for path in paths]
    seen = sorted({path.stem for p in pairs for path in (p.target, p.source) if path is not None})
    poses = [(name, folders.poses[name]) for name in seen] if folders.poses is not None else []
    joints = [[name, pose.xy.tolist(), pose.visible.tolist(), pose.size] for name, pose in poses]
    attributes = [dict(folders.attributes.get(pair.identity, {})) for pair in pairs]
    networks = {name: metric.network for name, metric in scorer.metrics.items()}
    looks = {name: part.networks() for name, part in sorted(scorer.parts.items())}
    plain = [to_plain(protocol), networks, looks, sorted(scorer.elsewhere), files]
    made = [to_plain(geometries[pair.name]) for pair in pairs]
    plain += [joints, attributes, made, to_plain(folders.declared)]
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


class _Ledger:
    """The visible folder with the state of an unfinished scoring. For other files or another protocol, it starts
    over.
    """

    def __init__(self, folder: Path, digest: str) -> None:
        self.work, self.digest = WorkFolder(folder, "scores pictures", (STATE,)), digest
        self.problems: tuple[Problem, ...] = ()
        self._file = folder / STATE
        self._saved = time.monotonic()

    def take_up(self, scorer: Scorer) -> int | None:
        """Number of chunks saved here, which are loaded into the scorer with the reference set. None: nothing is
        saved here.
        """
        if not self._file.exists():
            return None
        try:
            tensors, header = read_safetensors(self._file)
            about = json.loads(header["unfinished"])
        except (BadInput, KeyError, ValueError):
            return None  # damaged on disk: none of it can be trusted
        if about["digest"] != self.digest:
            return None
        rows = [Row(row["name"], row["identity"], _floats(row["values"])) for row in about["rows"]]
        scorer.load_state(tensors, rows)
        self.problems = tuple(Problem(**p) for p in about["problems"])
        return int(about["chunks"])

    def save_if_due(self, scorer: Scorer, chunks: int) -> None:
        """Save every SAVE_SECONDS: the most work that a kill can lose."""
        if time.monotonic() - self._saved >= SAVE_SECONDS:
            self.save(scorer, chunks)
            self._saved = time.monotonic()

    def save(self, scorer: Scorer, chunks: int) -> None:
        """Atomically: rows and state are one file."""
        rows = [{"name": r.name, "identity": r.identity, "values": _words(r.values)} for r in scorer.rows]
        about = {
            "digest": self.digest,
            "chunks": chunks,
            "rows": rows,
            "problems": [to_plain(p) for p in self.problems],
        }
        write_safetensors(self._file, scorer.state(), {"unfinished": json.dumps(about)})

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """An interruption keeps the state for the next call, if there is one."""
        if kind is not None:
            (self.work.release if self._file.exists() else self.work.remove)()


def _words(values: Mapping[str, float]) -> dict[str, str]:
    """Numbers as text with every digit; JSON has no infinity."""
    return {name: value.hex() for name, value in values.items()}


def _floats(values: Mapping[str, str]) -> dict[str, float]:
    return {name: float.fromhex(value) for name, value in values.items()}
