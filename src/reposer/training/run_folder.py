"""The run folder: a receipt, a log, one true state, and the generator that came out. Nothing is ever half-written."""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock

from reposer.core import BadInput
from reposer.core.configs import to_plain
from reposer.core.disk import only_user, whole_file
from reposer.data.files import write_text

from .recipe import Recipe


class RunFolder:
    """`recipe.json` · `log.jsonl` · `state.pt` · `generator.safetensors` · `pictures/` · reports."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.receipt = root / "recipe.json"
        self.log_file = root / "log.jsonl"
        self.state_file = root / "state.pt"
        self.generator_file = root / "generator.safetensors"
        self.pictures = root / "pictures"
        self._was_there = root.exists()
        self._lock: FileLock | None = None

    def claim(self) -> None:
        """Nobody else may train here until `leave`, or the end of this process. Makes the folder."""
        self.root.mkdir(parents=True, exist_ok=True)
        self._lock = only_user(self.root, "trains")

    def leave(self) -> None:
        """Others may train here again."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def forget_unless_saved(self) -> None:
        """Remove a folder that this run made and has saved nothing in: bad input leaves nothing behind."""
        if not self._was_there and not self.state_file.exists():
            shutil.rmtree(self.root, ignore_errors=True)

    def open(self, recipe: Recipe) -> dict[str, Any] | None:
        """Make the folder or meet it again: the saved state, or None for a new run.

        A folder of another recipe is refused: it names the first values that differ.
        """
        wanted = json.loads(json.dumps(to_plain(recipe)))
        if self.receipt.exists():
            found = json.loads(self.receipt.read_text())["recipe"]
            differences = list(_differences(found, wanted))
            if differences:
                raise BadInput(
                    f"{self.root} holds a run of another recipe ({'; '.join(differences[:3])}). "
                    f"Give a new folder with --out, or the old values to resume it."
                )
        self.pictures.mkdir(parents=True, exist_ok=True)
        if not self.receipt.exists():
            self.write_receipt(recipe, {})
        if not self.state_file.exists():
            self.cut_log(0)
            return None
        try:
            state = torch.load(self.state_file, map_location="cpu", weights_only=True)
        except Exception as error:
            raise BadInput(
                f"{self.state_file} cannot be read ({type(error).__name__}); it was not written by this "
                f"program. Remove it to begin the run again."
            ) from error
        assert isinstance(state, dict)
        return state

    def taken(self) -> tuple[int, float]:
        """How many steps the saved state has taken, in how many seconds; none before the first."""
        if not self.state_file.exists():
            return 0, 0.0
        state = torch.load(self.state_file, map_location="cpu", weights_only=True, mmap=True)
        return state["step"], state["seconds"]

    def write_receipt(self, recipe: Recipe, about: dict[str, Any]) -> None:
        """recipe.json: every value of the recipe, and what was used (`about`)."""
        text = json.dumps({"recipe": to_plain(recipe), "about": about}, indent=2)
        write_text(self.receipt, text)

    def save_state(self, state: dict[str, Any]) -> None:
        """A kill leaves the old state or the new one."""
        with whole_file(self.state_file) as file:
            torch.save(state, file)

    def log(self, line: dict[str, Any]) -> None:
        with self.log_file.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def cut_log(self, step: int) -> None:
        """Drop what the log says of steps after `step`: they will be taken again."""
        if not self.log_file.exists():
            return
        kept = []
        for line in self.log_file.read_text().splitlines():
            try:
                if json.loads(line)["step"] <= step:
                    kept.append(line)
            except (json.JSONDecodeError, KeyError):
                continue  # the last line of a killed run may be cut short
        write_text(self.log_file, "".join(line + "\n" for line in kept))


def machine() -> dict[str, Any]:
    """What a bit-exact resume needs to be the same."""
    return {"torch": str(torch.__version__), "threads": torch.get_num_threads()}


def _differences(found: Any, wanted: Any, where: str = "") -> Any:
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in sorted(found.keys() | wanted.keys()):
            yield from _differences(found.get(key), wanted.get(key), f"{where}.{key}" if where else key)
    elif found != wanted:
        yield f"{where} is {found!r} there and {wanted!r} here"
