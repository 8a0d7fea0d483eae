"""python -m reposer.probes.readers body|face: train a network of the estimators, measure it, write its shipped form."""

import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

import tyro

from reposer.core import BadInput
from reposer.core.configs import from_plain
from reposer.core.terminal import Terminal
from reposer.estimators.people_files import BODY_FILE, FACE_FILE
from reposer.estimators.people_networks import PeopleBody, PeopleFace
from reposer.training import Recipe, train
from reposer.training.run_folder import RunFolder

from .measure_body import BodyReport
from .measure_face import FaceReport
from .people import HELD_OUT
from .recipes import BodyRecipe, FaceRecipe, people_body, people_face
from .ship import ship_body, ship_face


def main(
    which: tyro.conf.Positional[Literal["body", "face"]], out: Path, into: Path | None = None, steps: int | None = None
) -> None:
    """Train a network in the folder `out`, measure it on people that it never saw, and write the file that ships.

    Args:
        which: whole people (joints, attributes, identity), or faces, which are measured with the file of whole people.
        out: a folder for the run; one that `reposer train people-body` (or people-face) began is finished by its own
            recipe, if it is called `people-body` (or people-face) in this folder.
        into: folder of the file; none = `out`.
        steps: number of batches; none = as many as the recipe says.
    """
    run = out / f"people-{which}"
    recipe: Any
    if which == "body":
        recipe, name = begun(run, BodyRecipe) or people_body(), BODY_FILE
    else:
        recipe, name = begun(run, FaceRecipe) or people_face(), FACE_FILE
    if steps is not None:
        recipe = replace(recipe, stages=(replace(recipe.stages[0], steps=steps),))
    outcome = train(recipe, run)
    if not outcome.finished or outcome.signal:
        sys.exit(128 + outcome.signal)
    network = outcome.generator
    about = {"seed": recipe.seed, "steps": recipe.steps, "people's seed": recipe.data.seed}
    report: BodyReport | FaceReport
    if isinstance(network, PeopleBody):
        report = ship_body(network, into or out, about)
    else:
        assert isinstance(network, PeopleFace)
        report = ship_face(network, into or out, about)
    Terminal().say(f"{(into or out) / name}, on {len(HELD_OUT)} people whom it never saw:")
    for title, value in asdict(report).items():
        Terminal().say(f"  {title} = {value:.4f}")


def begun(out: Path, kind: type[Recipe]) -> Recipe | None:
    """The recipe of the run in this folder, if there is one."""
    receipt = RunFolder(out).receipt
    if not receipt.exists():
        return None
    recipe: Recipe = from_plain(kind, RunFolder(out).read_receipt()["recipe"], str(receipt))
    return recipe


if __name__ == "__main__":
    try:
        tyro.cli(main)
    except BadInput as error:
        sys.stderr.write(f"reposer: {error}\n")
        sys.exit(2)
