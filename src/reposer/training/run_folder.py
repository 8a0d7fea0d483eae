"""The run folder: a receipt, a log, one saved state, and the resulting generator. No file is ever half-written."""

import json
import re
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from filelock import FileLock

from reposer.core import BadInput
from reposer.core.configs import to_plain
from reposer.core.disk import LOCK, only_user, remove_drafts, remove_locked, whole_file, write_text
from reposer.core.json_files import parse_json
from reposer.core.outputs import check_output_folder

from .contents import contents
from .old_names import renewed
from .recipe import Recipe
from .same_run import refuse_another_run

STATE: Mapping[str, type | tuple[type, ...]] = {
    "stage": int,
    "step": int,
    "seconds": (int, float),
    "processor_seconds": (int, float),
    "networks": dict,
    "optimisers": dict,
    "averaged": dict,
    "objective": dict,
    "about": dict,
    "machine": dict,
}
"""The entries of a saved state, with a description of each."""


NUMBERED = re.compile(r"\d{8}\.safetensors")


class Taken(NamedTuple):
    """How far a saved state is: steps, their seconds by the clock, and their processor time over all processes."""

    step: int
    seconds: float
    processor_seconds: float


class RunFolder:
    """`recipe.json` · `log.jsonl` · `losses.png` · `state.pt` · `generator.safetensors` · `checkpoints/` ·
    `pictures/` · reports."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.receipt = root / "recipe.json"
        self.log_file = root / "log.jsonl"
        self.state_file = root / "state.pt"
        self.generator_file = root / "generator.safetensors"
        self.loss_plot = root / "losses.png"
        self.checkpoints = root / "checkpoints"
        self.pictures = root / "pictures"
        self.tensorboard = root / "tensorboard"
        self._made_it = False
        self._lock: FileLock | None = None

    def claim(self) -> None:
        """Locks the folder for this process until `leave`, or until the process ends. Makes the folder.

        A folder with foreign files is refused; unfinished files of an earlier run that was killed are removed.
        """
        self._made_it = self._make()
        self._lock = only_user(self.root, "trains")
        if not self.receipt.exists():
            own = (self.log_file, self.state_file, self.generator_file, self.checkpoints, self.pictures, self.loss_plot)
            if foreign := [path.name for path in own if path.exists()]:
                raise BadInput(
                    f"{self.root} holds {', '.join(foreign)} but no recipe.json: it is no run folder of Reposer, and "
                    f"training would write over them. Give a new folder with --out."
                )
        files = (self.receipt, self.log_file, self.state_file, self.generator_file)
        for path in files[1:]:
            _refuse_odd_file(path)
        names = [path.name.replace(".", r"\.") for path in (*files, self.loss_plot)]
        remove_drafts(self.root, "|".join(names))
        remove_drafts(self.pictures, r"\d{8}\.png")
        remove_drafts(self.checkpoints, r"\d{8}\.safetensors")

    def _make(self) -> bool:
        """Makes the folder; True if it did not exist."""
        check_output_folder(self.root)
        try:
            self.root.parent.mkdir(parents=True, exist_ok=True)
            self.root.mkdir()
            return True
        except OSError as error:
            if self.root.is_dir():
                return False
            why = "a file is there" if self.root.exists() else error.strerror
            raise BadInput(f"The run folder {self.root} cannot be made ({why}). Give another --out.") from error

    def leave(self) -> None:
        """Releases the lock, so that other processes may train here."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def forget_unless_saved(self) -> None:
        """Removes the files of this run if it has saved nothing: bad input leaves nothing behind.

        Only a folder that this very call made and has locked, and in which no user has put something meanwhile.
        """
        if self._lock is None or not self._made_it or self.state_file.exists():
            return
        for path in (self.receipt, self.log_file, self.generator_file, self.loss_plot):
            path.unlink(missing_ok=True)
        for folder in (self.checkpoints, self.pictures, self.tensorboard):
            shutil.rmtree(folder, ignore_errors=True)
        if {path.name for path in self.root.iterdir()} <= {LOCK}:
            remove_locked(self.root)

    def open(self, recipe: Recipe, *, extend: bool = False) -> dict[str, Any] | None:
        """Creates the folder's files, or checks the existing ones. A run of another recipe or of other data is
        refused. Returns the saved state, if there is one."""
        found = self.read_receipt() if self.state_file.exists() else None
        holds = contents(recipe)
        state = None if found is None else self.state()
        if found is not None:
            assert state is not None
            refuse_another_run(self.root, found, _written(recipe), holds, recipe, taken=state["step"], extend=extend)
        self.write_receipt(recipe, {} if found is None else found["about"], holds)
        self.pictures.mkdir(parents=True, exist_ok=True)
        if found is None:
            self.cut_log(0)
        return state

    def read_receipt(self) -> dict[str, Any]:
        """The content of recipe.json: every value of the recipe, the digests of its files, and what was used."""
        try:
            whole = self.receipt.is_file()  # opening a pipe would block for ever
            found = parse_json(self.receipt.read_bytes(), str(self.receipt)) if whole else None
        except FileNotFoundError:
            found = None
        entries = ("recipe", "contents", "about")
        if not isinstance(found, dict) or not all(isinstance(found.get(entry), dict) for entry in entries):
            raise BadInput(
                f"{self.receipt} is damaged: a receipt has the entries {', '.join(entries)}. Which run this is cannot "
                f"be told without it. Put a good copy back, or give a new folder with --out."
            )
        return {**found, "recipe": renewed(found["recipe"])}

    def state(self) -> dict[str, Any] | None:
        """The saved state, checked for damage; None if the run has saved nothing."""
        if not self.state_file.exists():
            return None
        _refuse_odd_file(self.state_file)
        try:
            with zipfile.ZipFile(self.state_file) as archive:
                damaged = archive.testzip()  # torch.load compares no checksums
            state = torch.load(self.state_file, map_location="cpu", weights_only=True)
        except Exception as error:
            raise BadInput(self._damaged(type(error).__name__)) from error
        if damaged is not None:
            raise BadInput(self._damaged(f"{damaged} in it was changed"))
        if isinstance(state, dict):
            state.setdefault("processor_seconds", 0.0)  # versions before 30 November 2026 did not count it
        if not isinstance(state, dict) or not all(
            isinstance(state.get(name), kind) and not isinstance(state[name], bool) for name, kind in STATE.items()
        ):
            raise BadInput(self._damaged(f"a state has the entries {', '.join(STATE)}"))
        return state

    def _damaged(self, why: str) -> str:
        return (
            f"{self.state_file} cannot be read ({why}): it was damaged, or written by another program. Put a good copy "
            f"back, or remove it to begin the run again."
        )

    def taken(self) -> Taken:
        """How far the saved state is; zeros before the first save."""
        state = self.state()
        return Taken(0, 0.0, 0.0) if state is None else Taken(*(state[name] for name in Taken._fields))

    def write_receipt(self, recipe: Recipe, about: Mapping[str, Any], holds: Mapping[str, Any] | None = None) -> None:
        """Writes recipe.json: every value of the recipe, what was used (`about`), and the data's digests (None: those
        of the existing one)."""
        holds = self.read_receipt()["contents"] if holds is None else holds
        text = json.dumps({"recipe": to_plain(recipe), "contents": holds, "about": about}, indent=2)
        write_text(self.receipt, text)

    def save_state(self, state: dict[str, Any]) -> None:
        """Writes the state. A kill leaves the old state or the new one."""
        with whole_file(self.state_file) as file:
            torch.save(state, file)

    def keep_checkpoint(self, step: int, number: int) -> None:
        """Keeps a copy of the generator under its step, and of those that were kept only the last `number`; 0 changes
        nothing."""
        if number < 1:
            return
        self.checkpoints.mkdir(exist_ok=True)
        with whole_file(self.checkpoints / f"{step:08d}.safetensors") as file:
            file.write(self.generator_file.read_bytes())
        for path in self._numbered()[:-number]:
            path.unlink()

    def drop_checkpoints(self, *, after: int) -> None:
        """Removes checkpoints of steps that will be taken again."""
        for path in self._numbered():
            if int(path.stem) > after:
                path.unlink()

    def _numbered(self) -> list[Path]:
        """The checkpoints, from the first to the last."""
        return sorted(path for path in self.checkpoints.glob("*.safetensors") if NUMBERED.fullmatch(path.name))

    def log(self, line: dict[str, Any]) -> None:
        with self.log_file.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def cut_log(self, step: int) -> int:
        """Drops the log's lines after `step`, whose steps will be taken again.

        Unreadable lines are dropped too. Returns how many, not counting the last one, which a kill may have cut short.
        """
        if not self.log_file.exists():
            return 0
        kept, broken = [], []
        lines = self.log_file.read_bytes().splitlines()
        for number, line in enumerate(lines, start=1):
            if (its_step := _step_of(line)) is None:
                broken.append(number)
            elif its_step <= step:
                kept.append(line.decode())
        write_text(self.log_file, "".join(line + "\n" for line in kept))
        return len(broken) - (bool(broken) and broken[-1] == len(lines))


def _refuse_odd_file(path: Path) -> None:
    """Refuse a pipe, a device or a folder in a file's place: opening a pipe would block for ever."""
    if path.exists() and not path.is_file():
        raise BadInput(f"{path} is no ordinary file. Put a good copy there, or give a new folder with --out.")


def _step_of(line: bytes) -> int | None:
    """The step of a line of the log; None if it is no such line."""
    try:
        content = parse_json(line, "log")
    except BadInput:
        return None
    step = content.get("step") if isinstance(content, dict) else None
    return step if isinstance(step, int) and not isinstance(step, bool) else None


def _written(recipe: Recipe) -> dict[str, Any]:
    """The recipe in the form of its receipt."""
    plain: dict[str, Any] = json.loads(json.dumps(to_plain(recipe)))
    return plain


def machine() -> dict[str, Any]:
    """Properties of the machine that a bit-exact resume needs unchanged."""
    return {"torch": str(torch.__version__), "threads": torch.get_num_threads()}
