"""Scores a model on suitable data."""

from pathlib import Path

from reposer.core import BadInput, Generator, View
from reposer.core.device import chosen_device
from reposer.core.skeleton import FACE_68
from reposer.data.clip_dataset import holds_clips
from reposer.generators import load, model_file
from reposer.generators.old_names import RECIPES as OLD_RECIPES
from reposer.nn.weights import read_about, read_header, sha256
from reposer.training.run_folder import NUMBERED

from .clips import score_clips
from .options import Kind, Scoring
from .outcome import Model, Outcome, own_folder, short_name
from .pairs import score_pairs
from .views import score_views


def score_model(name: str, how: Scoring) -> Outcome:
    """Score a model, see `generators.model_file`, and write the report. Options for other kinds of data
    are refused.
    """
    options = how.common
    file = model_file(name)
    generator = load(name).to(chosen_device(options.device))
    kind = kind_of_data(generator, options.data)
    for other in (how.pairs, how.clips, how.views):
        if other.kind != kind and other.given:
            raise BadInput(f"{other.given[0]} does not go with {kind}, which is what is scored here; leave it out.")
    folder = options.out or own_folder(name)
    folder.mkdir(parents=True, exist_ok=True)
    about = {"model": name, "split": options.split}
    about |= about_weights(file)
    step = file.stem if NUMBERED.fullmatch(file.name) else ""
    model = Model(generator, short_name(name), about, folder, file, step)
    if kind == "pairs":
        return score_pairs(model, options, how.pairs)
    return score_clips(model, options, how.clips) if kind == "clips" else score_views(model, options, how.views)


def kind_of_data(generator: Generator, data: str | None) -> Kind:
    """What is scored: views for a generator of views; clips if the data are clips, or the generator is one of clips."""
    if generator.condition is View:
        return "views"
    if data is not None:
        return "clips" if holds_clips(Path(data)) else "pairs"
    return "clips" if generator.remembers or generator.skeleton == FACE_68 else "pairs"


def about_weights(file: Path) -> dict[str, str]:
    """Identifies the scored weights: the file's checksum and its header's information on training."""
    header = read_about(read_header(file), file)
    made = {k: str(v) for k, v in header.items() if k in ("recipe", "step", "feature_network")}
    if "recipe" in made:
        made["recipe"] = OLD_RECIPES.get(made["recipe"], made["recipe"])
    return {"weights_sha256": sha256(file), **made}
