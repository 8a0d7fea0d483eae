"""Folders written piece by piece by several processes: they appear whole or not at all, and can be resumed."""

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from reposer.core import BadInput, cluster
from reposer.core.choices import Engine
from reposer.core.code import code_digest
from reposer.core.disk import LOCK, only_user, remove_locked, write_text
from reposer.core.json_files import object_in
from reposer.core.terminal import Terminal

T = TypeVar("T")
R = TypeVar("R")
Record = dict[str, Any]
"""What a finished piece contributes to the whole: plain values, stored as JSON."""

CODE = ("synthetic/people", "synthetic/zbuffer.py")
"""The parts of the package that render people: pictures of two versions of them must not be mixed."""
ABOUT = "about.json"
"""File in the finished folder with the arguments that made it."""
_ARGUMENTS, _RECORDS = ".arguments.json", ".finished"
_BEGINNING = re.compile(rf"\.{re.escape(_ARGUMENTS)}\.\w+(?:\.reposer)?\.tmp")  # left by a kill right at the start


def in_processes(items: Sequence[T], work: Callable[[T], R], workers: int, engine: Engine = "local") -> Iterator[R]:
    """Yield `work(item)` in the items' order, computed by `workers` processes of one thread each.

    A single worker is this process, unless the engine is a cluster.
    """
    if workers < 1:
        raise BadInput(f"{workers} processes cannot work; at least 1 is needed.")
    if items:
        alone = workers == 1 and engine == "local"
        yield from cluster.in_order(work, items, 0 if alone else min(workers, len(items)), engine)


@dataclass(frozen=True)
class Piece:
    """A part of the whole that one process writes at once. pictures: number of pictures rendered for it."""

    name: str
    people: tuple[int, ...]
    split: str
    pictures: int


def write_in_pieces(
    root: Path | str,
    pieces: Sequence[Piece],
    write: Callable[[Path, Piece], Record],
    finish: Callable[[Path, Mapping[str, Record]], None],
    *,
    arguments: Mapping[str, Any],
    workers: int = 2,
    engine: Engine = "local",
    progress: bool = True,
) -> Path:
    """Write the folder `root`: each piece by `write(folder, piece)`, the rest by `finish(folder, records)`.

    Unfinished work is in the draft `.NAME-draft` beside it. The same call resumes there; one with other `arguments`
    (all that determine the bytes), or with other code, is refused.

    engine: "ray" renders on the cluster that RAY_ADDRESS names, whose machines see the same folder.
    """
    if engine == "ray":
        cluster.require_ray()
    root = Path(root)
    if root.exists():
        raise BadInput(f"{root} exists already. Name a new folder for the synthetic people, or remove it first.")
    draft = root.with_name(f".{root.name}-draft")
    receipt = json.loads(json.dumps({**arguments, "code": code_digest(*CODE)}))
    with _alone(draft, root):
        if not _begin(draft, root, receipt):
            _write(draft, pieces, write, finish, receipt, workers=workers, engine=engine, progress=progress)
        draft.rename(root)
        (root / LOCK).unlink()  # while we have the lock: see only_user
    return root


@contextmanager
def _alone(draft: Path, root: Path) -> Iterator[None]:
    """Create the draft and lock it for this process: a second one that writes the same folder is refused."""
    try:
        draft.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{draft} cannot be made ({error.strerror}). Give another folder.") from error
    lock = only_user(draft, f"writes {root.name}")
    try:
        if root.exists():
            raise BadInput(f"{root} exists already: another process has just written it.")
        yield
    finally:
        if draft.exists() and {path.name for path in draft.iterdir()} <= {LOCK}:
            remove_locked(draft)
        lock.release()


def _write(
    draft: Path,
    pieces: Sequence[Piece],
    write: Callable[[Path, Piece], Record],
    finish: Callable[[Path, Mapping[str, Record]], None],
    receipt: Mapping[str, Any],
    *,
    workers: int,
    engine: Engine,
    progress: bool,
) -> None:
    """Write everything that the draft still lacks."""
    records = {p.name: r for p in pieces if (r := _read_record(draft, p)) is not None}
    rest = [p for p in pieces if p.name not in records]
    try:
        with _bar(pieces, records, progress) as advance:
            for name, record in in_processes(rest, _Writer(draft.absolute(), write), workers, engine):
                records[name] = record
                advance(name)
        finish(draft, {piece.name: records[piece.name] for piece in pieces})
    except BaseException:
        if not any((draft / _RECORDS).iterdir()):
            remove_locked(draft)  # nothing in it is worth keeping
        raise
    write_text(draft / ABOUT, json.dumps(receipt, indent=1) + "\n")
    shutil.rmtree(draft / _RECORDS)
    (draft / _ARGUMENTS).unlink()


class _Writer:
    """Writes a piece and then its record, which marks it as finished."""

    def __init__(self, draft: Path, write: Callable[[Path, Piece], Record]) -> None:
        self._draft, self._write = draft, write

    def __call__(self, piece: Piece) -> tuple[str, Record]:
        record = self._write(self._draft, piece)
        write_text(_record_path(self._draft, piece), json.dumps(record))
        return piece.name, record


def _begin(draft: Path, root: Path, receipt: Mapping[str, Any]) -> bool:
    """Start the draft, or check that an existing one is from the same call; return whether it is complete."""
    path = draft / _ARGUMENTS
    if not path.is_file():
        there = {entry.name for entry in draft.iterdir()} - {LOCK}
        if ABOUT in there and _RECORDS not in there and object_in(draft / ABOUT) == receipt:
            return True  # killed between the last piece and renaming the folder
        if there - {_RECORDS} - {name for name in there if _BEGINNING.fullmatch(name)}:
            raise BadInput(
                f"{draft} holds files ({', '.join(sorted(there)[:3])}) that no call of this kind began. The unfinished "
                f"{root.name} would lie there: move them away, or give another folder."
            )
        (draft / _RECORDS).mkdir(exist_ok=True)
        write_text(path, json.dumps(receipt, indent=1))
        return False
    begun = object_in(path)
    differing = sorted(k for k in {*begun, *receipt} if begun.get(k) != receipt.get(k))
    if differing:
        which = ", ".join(
            "the code that renders" if k == "code" else f"{k} = {begun.get(k)}, not {receipt.get(k)}" for k in differing
        )
        raise BadInput(
            f"{draft} holds an unfinished {root.name} that was begun otherwise ({which}). Repeat that call to finish "
            f"it, or remove the folder to begin anew."
        )
    return False


def _record_path(draft: Path, piece: Piece) -> Path:
    return draft / _RECORDS / f"{piece.name}.json"


def _read_record(draft: Path, piece: Piece) -> Record | None:
    """The record of a piece; None if it is unfinished or its record is damaged, so that it is written again."""
    return object_in(_record_path(draft, piece)) or None


class _Speed(ProgressColumn):
    """Pictures per second."""

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:.1f} pictures/s")


@contextmanager
def _bar(pieces: Sequence[Piece], finished: Mapping[str, Record], progress: bool) -> Iterator[Callable[[str], None]]:
    """A progress bar for each split; call the yielded function with the name of each finished piece."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Speed(), TimeRemainingColumn())
    by_name = {piece.name: piece for piece in pieces}
    with Progress(*columns, console=Terminal(stderr=True), disable=not progress) as bar:
        tasks = {}
        for split in dict.fromkeys(piece.split for piece in pieces):
            own = [piece for piece in pieces if piece.split == split]
            done = sum(piece.pictures for piece in own if piece.name in finished)
            tasks[split] = bar.add_task(f"rendering {split}", total=sum(p.pictures for p in own), completed=done)
        yield lambda name: bar.advance(tasks[by_name[name].split], by_name[name].pictures)
