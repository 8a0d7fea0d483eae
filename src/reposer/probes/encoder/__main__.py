"""python -m reposer.probes.encoder --out DIR: train the people encoder, measure it, write the file that ships."""

import sys
from dataclasses import asdict, replace
from pathlib import Path

import tyro

from reposer.core import BadInput
from reposer.core.configs import from_plain
from reposer.core.terminal import Terminal
from reposer.nn.features import ENCODER_FILE
from reposer.training import train
from reposer.training.run_folder import RunFolder

from .measure import HELD_OUT, ship
from .network import PeopleReader
from .recipe import EncoderRecipe, people_encoder


def main(out: Path, steps: int | None = None) -> None:
    """Train the people encoder in the folder `out`, measure it and write `people-encoder.safetensors` there.

    Args:
        out: run folder; a run that `reposer train people-encoder` began there is finished with its own recipe.
        steps: number of batches; none = as many as the recipe says.
    """
    recipe = begun(out) or people_encoder()
    if steps is not None:
        recipe = replace(recipe, stages=(replace(recipe.stages[0], steps=steps),))
    outcome = train(recipe, out)
    if not outcome.finished or outcome.signal:
        sys.exit(128 + outcome.signal)
    reader = outcome.generator
    assert isinstance(reader, PeopleReader)
    held_out = HELD_OUT.open(reader.framing)
    report = ship(reader, held_out, out / ENCODER_FILE.name, {"seed": recipe.seed, "steps": recipe.steps})
    Terminal().say(
        f"{out / ENCODER_FILE.name}, on {len(held_out)} pictures of held-out people: "
        + ", ".join(f"{name} = {value:.4f}" for name, value in asdict(report).items())
    )


def begun(out: Path) -> EncoderRecipe | None:
    """The recipe of the run in this folder, if there is one."""
    receipt = RunFolder(out).receipt
    if not receipt.exists():
        return None
    recipe: EncoderRecipe = from_plain(EncoderRecipe, RunFolder(out).read_receipt()["recipe"], str(receipt))
    return recipe


if __name__ == "__main__":
    try:
        tyro.cli(main)
    except BadInput as error:
        sys.stderr.write(f"reposer: {error}\n")
        sys.exit(2)
