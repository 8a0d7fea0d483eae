"""Checks that a command asks for the run that a folder contains: every value that affects the numbers must be the
same."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from reposer.core import BadInput, quoted

from .old_names import ADDED_WITHIN
from .recipe import Recipe

FREE = ("log_every", "save_every", "picture_every", "keep", "workers")
"""Values of a recipe that cannot change the numbers."""
SHOWN = 3  # differences in a message, at most

Difference = tuple[str, Any, Any]  # path in the recipe, the value there, the value asked


def refuse_another_run(
    root: Path,
    found: Mapping[str, Any],
    asked: Mapping[str, Any],
    holds: Mapping[str, Any],
    recipe: Recipe,
    *,
    taken: int,
    extend: bool,
) -> None:
    """BadInput unless the receipt `found` in the folder `root` is of the run that is asked for.

    asked: the recipe's plain values. holds: digests of its files (`contents`). taken: steps that the run has saved.
    extend: the last stage may have more steps than the receipt says, if every step so far would have been the same.
    """
    there = found["contents"]
    for where in sorted(there.keys() & holds.keys()):
        if there[where] != holds[where]:
            raise BadInput(
                f"What {where} names is not what the run in {root} began with: {_size(there[where])} then, "
                f"{_size(holds[where])} now. Bring the old files back, or give a new folder with --out."
            )
    by_content = there.keys() & holds.keys()
    more = f"stages.{len(recipe.stages) - 1}.steps"
    differing = [
        (where, old, new)
        for where, old, new in differences(found["recipe"], asked)
        if where not in FREE and where not in by_content
    ]
    longer = [d for d in differing if d[0] == more and _whole(d[1]) and _whole(d[2]) and 0 < d[1] < d[2]]
    if len(differing) == 1 and longer:
        _refuse_unless_extended(root, recipe, longer[0][1], taken, extend=extend)
        return
    if differing:
        listed = "; ".join(f"{w} is {quoted(old)} there, {quoted(new)} asked" for w, old, new in differing[:SHOWN])
        rest = f"; and {len(differing) - SHOWN} more" if len(differing) > SHOWN else ""
        raise BadInput(
            f"{root} holds a run with other values: {listed}{rest}. Give the old values to go on with it, or a new "
            f"folder with --out."
        )


def _refuse_unless_extended(root: Path, recipe: Recipe, before: int, taken: int, *, extend: bool) -> None:
    last = recipe.stages[-1]
    shorter = replace(last, steps=before)
    into = max(0, taken - (recipe.steps - last.steps))
    changed = next((k for k in range(into) if shorter.learning_rate_factor(k) != last.learning_rate_factor(k)), None)
    if changed is not None:
        raise BadInput(
            f"The run in {root} cannot be extended from {before:,} to {last.steps:,} steps of '{last.name}': its "
            f"learning rate follows the schedule '{last.schedule}' over all steps, and has been another since step "
            f"{changed:,} than the longer run would have had. Begin a new run with --out, or from these weights with "
            f"--stages.0.start {root / 'generator.safetensors'}."
        )
    if not extend:
        raise BadInput(
            f"{root} holds a run of {before:,} steps of '{last.name}', and {last.steps:,} are asked. Add --extend to "
            f"go on to there, or give a new folder with --out."
        )


def _size(content: Any) -> str:
    if not isinstance(content, dict):
        return quoted(content)
    digest = str(content.get("sha256"))[:12]
    return f"{content.get('files')} files of {content.get('bytes')} bytes (SHA-256 {digest})"


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def differences(found: Any, asked: Any, where: str = "") -> Iterator[Difference]:
    """The innermost values that differ."""
    if isinstance(found, dict) and isinstance(asked, dict):
        for key in [*asked, *(k for k in found if k not in asked)]:
            old = found[key] if key in found else ADDED_WITHIN.get(key)
            yield from differences(old, asked.get(key), f"{where}.{key}" if where else str(key))
    elif isinstance(found, list) and isinstance(asked, list) and len(found) == len(asked):
        for number, (old, new) in enumerate(zip(found, asked, strict=True)):
            yield from differences(old, new, f"{where}.{number}")
    elif found != asked or isinstance(found, bool) != isinstance(asked, bool):
        yield where, found, asked
