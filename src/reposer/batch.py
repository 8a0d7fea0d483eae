"""Thousands of photos and poses: each pair a picture, by several processes, resumed after a kill.

A picture that is there already is kept if the note in it says that it was made from the same photo, pose, weights and
options. The bytes of a picture depend neither on the number of processes nor on the other pictures.
"""

import csv
import hashlib
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

from jaxtyping import UInt8
from torch import Tensor

from reposer import __version__
from reposer.core import BadInput, Pose, cluster, quoted
from reposer.core.choices import Background, CanvasChoice, Engine, HeadChoice, OtherSide, Runtime
from reposer.core.disk import only_user, whole_file, write_text
from reposer.core.errors import is_of_memory
from reposer.core.shown import one_line
from reposer.core.workers import results
from reposer.data.generated_note import digest
from reposer.data.picture_kinds import PICTURE_SUFFIXES, UNREAD_SUFFIXES
from reposer.data.pictures import read_picture
from reposer.estimated import ESTIMATOR, estimated
from reposer.estimators.people_choice import Estimated, Person, parse_person
from reposer.generators import model_file
from reposer.own_photo import POSE_FILES, Opened, fitted, head_note, inferred_note, is_pose_file, is_preset, repose

COLUMNS = ("photo", "pose", "person", "pose_person", "out")
"""Columns of a manifest; the first two are required."""
FAILURES, NOTES = "failures.csv", "notes.csv"
NOTE_COLUMNS = ("photo", "pose", "out", "note")
ROLE = "batch"
"""Under which the note in a picture holds the digest of all that it was made from."""
HEAD = 1 << 16
"""Bytes at a file's beginning in which its note lies."""


@dataclass(frozen=True)
class Job:
    """One picture to make.

    photo: a picture file. pose: a pose file, a picture of somebody, or a preset's name. out: the file to write.
    person, pose_person: which of several people, as in `transfer --person`; empty = the largest.
    """

    photo: Path
    pose: str
    out: Path
    person: str = ""
    pose_person: str = ""


@dataclass(frozen=True)
class Options:
    """What all pictures of a batch share; see `repose`. mark: write a visible mark into each."""

    model: str = "trueflow"
    estimator: str = ESTIMATOR
    background: Background = "keep"
    canvas: CanvasChoice = "keep"
    retargeted: bool = True
    head: HeadChoice = "keep"
    other_side: OtherSide = "mirrored"
    mark: bool = False
    device: str | None = None
    runtime: Runtime | None = None
    network_size: tuple[int, int] | None = None


@dataclass(frozen=True)
class Done:
    """What became of a job. failure: why there is no picture; empty if there is. new: whether this run made it.

    notes: what was decided on the way, one sentence each; empty for a picture that was made before.
    """

    job: Job
    failure: str = ""
    new: bool = True
    notes: Sequence[str] = ()


# ------------------------------------------------------------------------------------------- jobs


def all_pairs(photos: Path, poses: str, out: Path, ending: str = ".png") -> list[Job]:
    """Every photo of a folder (or one photo) in every pose of a folder (or in one), as OUT/PHOTO_in_POSE.png."""
    wanted = [poses] if is_preset(poses) else [str(path) for path in _files(Path(poses), "pose", POSE_FILES)]
    own = _files(photos, "photo")
    return _distinct([Job(p, pose, out / f"{p.stem}_in_{Path(pose).stem}{ending}") for p in own for pose in wanted])


def _files(path: Path, what: str, more: tuple[str, ...] = ()) -> list[Path]:
    """The files of a folder that may be one of these, sorted; or the file."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise BadInput(f"There is no {what} {path}. Give a file or a folder.")
    kinds = (*PICTURE_SUFFIXES, *UNREAD_SUFFIXES, *more)
    found = sorted(p for p in path.iterdir() if p.is_file() and p.suffix.lower() in kinds and p.name[0] != ".")
    if not found:
        raise BadInput(f"The folder {path} holds no {what}.")
    return found


def manifest(path: Path, out: Path, ending: str = ".png") -> list[Job]:
    """The jobs of a CSV file with the columns photo, pose and, if wanted, person, pose_person and out.

    Paths are relative to the file's folder, those of `out` to the folder `out`, inside of which they stay.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput(f"{path} is not text in UTF-8; a CSV file was expected.") from None
    if "\0" in text:
        raise BadInput(f"{path} has a null character, which no name of a file has; a CSV file was expected.")
    try:
        rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        names = [name.strip() for name in rows.fieldnames or ()]
        _check_columns(path, names)
        rows.fieldnames = names
        jobs = [_of_row(path, rows.line_num, row, out, ending) for row in rows]
    except csv.Error as error:
        raise BadInput(f"{path}, line {rows.line_num}: {error}. A CSV file was expected.") from None
    if not jobs:
        raise BadInput(f"{path} has no rows under its header.")
    return _distinct(jobs)


def _check_columns(path: Path, names: Sequence[str]) -> None:
    unknown = [name for name in names if name not in COLUMNS]
    lacking = [name for name in COLUMNS[:2] if name not in names]
    if unknown or lacking or len(set(names)) < len(names):
        raise BadInput(
            f"{path} has the columns {quoted(', '.join(names))}; photo and pose were expected, and may be followed by "
            f"{', '.join(COLUMNS[2:])}, each once."
        )


def _of_row(path: Path, line: int, row: Mapping[str | None, str | None], out: Path, ending: str) -> Job:
    if None in row or None in row.values():
        raise BadInput(f"{path}, line {line}: the row has another number of cells than the header.")
    cell = {str(name): (value or "").strip() for name, value in row.items()}
    if not cell["photo"] or not cell["pose"]:
        raise BadInput(f"{path}, line {line}: the photo or the pose is empty.")
    for option in ("person", "pose_person"):
        if cell.get(option):
            try:
                parse_person(cell[option], option)
            except BadInput as error:
                raise BadInput(f"{path}, line {line}: {error}") from None
    photo, pose = path.parent / cell["photo"], cell["pose"]
    if not is_preset(pose):
        pose = str(path.parent / pose)
    name = cell.get("out") or f"{photo.stem}_in_{Path(pose).stem}{ending}"
    place = Path(name)
    if place.is_absolute() or ".." in place.parts or place.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise BadInput(
            f"{path}, line {line}: out is {quoted(name)}; the name of a .png or .jpg inside of --out was expected."
        )
    return Job(photo, pose, out / place, cell.get("person", ""), cell.get("pose_person", ""))


def _distinct(jobs: list[Job]) -> list[Job]:
    places: dict[Path, Job] = {}
    for job in jobs:
        if job.out in places:
            other = places[job.out]
            raise BadInput(
                f"{other.photo} in {other.pose} and {job.photo} in {job.pose} would both be {job.out}. Name them apart."
            )
        places[job.out] = job
    inputs = {path.resolve() for job in jobs for path in (job.photo, Path(job.pose))}
    for place in places:
        if place.resolve() in inputs:
            raise BadInput(f"{place} would be written over, and is read. Give another --out.")
    return jobs


# ------------------------------------------------------------------------------------------- work


def run(
    jobs: Sequence[Job], out: Path, options: Options, *, workers: int = 2, engine: Engine = "local"
) -> Iterator[Done]:
    """Make what is missing, in any order of completion; `out` is locked meanwhile. Notes are added to OUT/notes.csv.

    workers: processes of one thread each; 0 = this one. A job that cannot be done does not stop the others.
    engine: "ray" computes on the cluster that RAY_ADDRESS names, whose machines see the same files (`core.cluster`).
    """
    if engine == "ray":
        cluster.require_ray()
    options = replace(options, model=str(model_file(options.model)))  # first: what is refused leaves nothing behind
    out.mkdir(parents=True, exist_ok=True)
    lock = only_user(out, "makes a batch")
    try:
        notes = _Notes(out)
        try:
            for done in (
                _on_cluster(jobs, options, workers)
                if engine == "ray"
                else results(partial(make, options=options), jobs, workers)
            ):
                notes.add(done)
                yield done
        finally:
            notes.tidy()
    finally:
        lock.release()


def write_failures(out: Path, done: Sequence[Done]) -> Path | None:
    """Write OUT/failures.csv, a manifest of what failed with the reasons; removed if nothing did. Returns its path."""
    path = out / FAILURES
    failed = [d for d in done if d.failure]
    if not failed:
        path.unlink(missing_ok=True)
        return None
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("photo", "pose", "person", "pose_person", "out", "reason"))
    for d in failed:
        job = d.job
        writer.writerow((job.photo, job.pose, job.person, job.pose_person, job.out, one_line(d.failure)))
    write_text(path, text.getvalue())
    return path


class _Notes:
    """OUT/notes.csv: a row for each note on a picture that is there, in the order of `out`, which is relative to OUT.

    Rows are added as the pictures are made, so that a kill loses none that came. They stay until their picture is made
    anew or is gone: several batches may share a folder.
    """

    def __init__(self, out: Path) -> None:
        self._out, self._path = out, out / NOTES
        self._rows: dict[str, list[list[str]]] = {}
        if self._path.is_file():
            whole = self._path.read_bytes().rpartition(b"\n")[0].decode(errors="replace")  # a cut last line is none
            for row in list(csv.reader(io.StringIO(whole, newline="")))[1:]:
                if len(row) == len(NOTE_COLUMNS):
                    self._rows.setdefault(row[2], []).append(row)
        self.tidy()

    def add(self, done: Done) -> None:
        """Enter the notes of a picture, if it was made now, in place of those that it had."""
        if done.failure or not done.new:
            return
        job = done.job
        name = Path(os.path.relpath(job.out, self._out)).as_posix()
        rows = [[str(job.photo), job.pose, name, one_line(note)] for note in done.notes]
        before = self._rows.pop(name, [])
        if rows:
            self._rows[name] = rows
        if rows == before:
            return
        if before or not self._path.is_file():
            self._write()
        else:
            with self._path.open("ab") as file:
                file.write(_lines(rows))

    def tidy(self) -> None:
        """Sort the rows, and drop those of pictures that are gone."""
        self._rows = {name: rows for name, rows in sorted(self._rows.items()) if (self._out / name).is_file()}
        self._write()

    def _write(self) -> None:
        if self._rows:
            with whole_file(self._path) as file:
                file.write(_lines([NOTE_COLUMNS, *(row for rows in self._rows.values() for row in rows)]))
        else:
            self._path.unlink(missing_ok=True)


def _lines(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _on_cluster(jobs: Sequence[Job], options: Options, workers: int) -> Iterator[Done]:
    """The processes of a cluster have folders of their own to work in, so that they get whole paths."""
    options = replace(options, model=str(Path(options.model).absolute()))
    tasks = [_absolute(job) for job in jobs]
    own = {task.out: job for task, job in zip(tasks, jobs, strict=True)}
    for done in cluster.results(partial(make, options=options), tasks, max(1, workers)):
        yield replace(done, job=own[done.job.out])


def _absolute(job: Job) -> Job:
    pose = job.pose if is_preset(job.pose) else str(Path(job.pose).absolute())
    return replace(job, photo=job.photo.absolute(), pose=pose, out=job.out.absolute())


def make(job: Job, options: Options) -> Done:
    """Make one picture, or keep it if it is there; in any process that sees the same files."""
    try:
        for what, path in (("photo", job.photo), ("pose", Path(job.pose))):
            if not path.exists() and not (what == "pose" and is_preset(job.pose)):
                raise BadInput(f"There is no {what} {path}.")
        wanted = made_from(job, options)
        if _is_made(job.out, wanted):
            return Done(job, new=False)
        return Done(job, notes=_make(job, options, wanted))
    except BadInput as error:
        return Done(job, failure=str(error))
    except (MemoryError, RuntimeError) as error:
        if not is_of_memory(error):
            raise
        return Done(job, failure="there is not enough memory for it")


def made_from(job: Job, options: Options) -> str:
    """The digest of all that decides a picture."""
    pose = Path(job.pose)
    plain = asdict(options)
    if options.runtime in (None, "torch"):
        del plain["runtime"]  # pictures from before it could be chosen are the same
    if options.other_side == "mirrored":
        del plain["other_side"]
    if options.network_size is None:
        del plain["network_size"]
    content = {
        "photo": _digest(job.photo, job.photo.stat().st_mtime_ns),
        "pose": job.pose if is_preset(job.pose) else _digest(pose, pose.stat().st_mtime_ns),
        "model": _digest(Path(options.model), Path(options.model).stat().st_mtime_ns),
        "people": [job.person, job.pose_person],
        "options": {k: v for k, v in plain.items() if k not in ("model", "device")},
        "version": __version__,
        "ending": job.out.suffix.lower(),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _is_made(out: Path, wanted: str) -> bool:
    """Whether the picture is there with a note that says so. Files appear whole, so it is complete."""
    try:
        with out.open("rb") as file:
            return wanted.encode() in file.read(HEAD)
    except FileNotFoundError:
        return False


def _make(job: Job, options: Options, wanted: str) -> Sequence[str]:
    """Make the picture of a job; returns the notes."""
    pose_person = parse_person(job.pose_person, "pose_person") if job.pose_person else None
    shown = _source(job.photo, job.photo.stat().st_mtime_ns, job.person, options.estimator)
    source, notes = shown.pose, [*shown.notes]
    pose: Pose | str = job.pose
    asked: Pose | None = None
    if not is_preset(job.pose) and not is_pose_file(Path(job.pose)):
        path = Path(job.pose)
        found = _posed(path, path.stat().st_mtime_ns, job.pose_person, options.estimator)
        notes += [note.replace("--person", "pose_person") for note in found.notes]
        asked = found.pose
        pose = fitted(asked, source, job.pose, retargeted=options.retargeted, head=options.head)
        pose_person = None
    opened = _opened(job.photo, job.photo.stat().st_mtime_ns)
    made = repose(
        opened.photo,
        pose,
        pose_person=pose_person,
        source_pose=source,
        model=options.model,
        estimator=options.estimator,
        background=options.background,
        canvas=options.canvas,
        retargeted=options.retargeted,
        head=options.head,
        other_side=options.other_side,
        device=options.device,
        opened=opened,
        engine=options.runtime,
        network_size=options.network_size,
    )
    assert made.generated is not None
    inputs = {**made.generated.inputs, ROLE: wanted}
    if not is_preset(job.pose):
        inputs["pose"] = _digest(Path(job.pose), Path(job.pose).stat().st_mtime_ns)
    replace(made, generated=replace(made.generated, inputs=inputs)).save(job.out, mark=options.mark)
    if asked is not None and options.retargeted and options.head == "keep":
        notes += [note for note in head_note(source, asked) if note not in made.notes]
    if asked is not None and (note := inferred_note(asked, made.pose)) and note not in made.notes:
        notes.append(note)  # a pose that was fitted here has all joints
    return [*notes, *made.notes]


@lru_cache(maxsize=4096)
def _digest(path: Path, changed: int) -> str:
    return digest(path)


@lru_cache(maxsize=1)
def _opened(photo: Path, changed: int) -> Opened:
    return Opened(photo, read_picture(photo))


@lru_cache(maxsize=4)
def _source(photo: Path, changed: int, person: str, estimator: str) -> Estimated:
    return _estimated(_opened(photo, changed).pixels, photo, person, estimator)


@lru_cache(maxsize=256)
def _posed(picture: Path, changed: int, person: str, estimator: str) -> Estimated:
    return _estimated(read_picture(picture), picture, person, estimator)


def _estimated(picture: UInt8[Tensor, "H W 3"], path: Path, person: str, estimator: str) -> Estimated:
    choice: Person | None = parse_person(person) if person else None
    return estimated(picture, str(path), choice, estimator)
