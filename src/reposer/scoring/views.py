"""Scores views of objects: by azimuth, against copying the source and, on request, another model."""

import json
from contextlib import ExitStack
from pathlib import Path

from reposer.core import BadInput, Generator
from reposer.core.disk import write_text
from reposer.core.view import EVERY_THIRD, HELD_OUT
from reposer.data.shapenet import ShapeNetViews
from reposer.evaluation import VIEWS_V1, Generate, evaluate_views, view_plot, view_table, views_to_plain
from reposer.evaluation.sheets import write_sheet
from reposer.evaluation.views import GENERATED
from reposer.generators import load
from reposer.recipes import ViewDataConfig
from reposer.synthetic.objects import SyntheticObjects

from .kept import Kept, kept_in, made_on_the_spot
from .options import Options, ViewScoring
from .outcome import Model, Outcome, short_name

SYNTHETIC_OBJECTS = 10  # rendered on the spot if no data are given


def score_views(model: Model, options: Options, of: ViewScoring) -> Outcome:
    """Score the pairs and write report and plot. The held-out split is every third azimuth."""
    generator, split, data = model.generator, options.split, options.data
    hold_out = EVERY_THIRD if split == HELD_OUT else 0
    config = ViewDataConfig(root=data, split=split, hold_out=hold_out, num_objects=SYNTHETIC_OBJECTS)
    dataset = config.open(generator.framing)
    numbers = options.chosen(len(dataset))
    options.refuse_protocol("Views", VIEWS_V1.name)
    others = {}
    if of.against is not None:
        others[short_name(of.against)] = _alike(of.against, generator).generate
    pictures: Path | None = None
    with ExitStack() as stack:
        generate: Generate = generator.generate
        if options.keep_pictures:
            assert isinstance(dataset, ShapeNetViews | SyntheticObjects)
            names = [f"{row.source_name}_2_{row.target_name}" for row in (dataset.rows[i] for i in numbers)]
            asked = list(zip(numbers, names, strict=True))
            pictures = stack.enter_context(kept_in(model, made_on_the_spot(model, data, split=split, pairs=asked)))
            generate = Kept(generator, dataset, numbers, names, VIEWS_V1, pictures)
        reports = evaluate_views(
            generate, dataset, VIEWS_V1, indices=numbers, batch_size=options.batch_size, progress=True,
            weights=options.weights, about={**model.about, "data": data or "synthetic objects"}, against=others,
            device=generator.device,
        )  # fmt: skip
    path = model.folder / f"{model.report_name(VIEWS_V1.name)}.json"
    write_text(path, json.dumps(views_to_plain(reports), indent=1) + "\n")
    write_sheet(path.with_suffix(".png"), view_plot(reports))
    return Outcome(reports[GENERATED], view_table(reports), f"{path} and .png", pictures=pictures)


def _alike(name: str, generator: Generator) -> Generator:
    """The other model, if it has the same kind and size as this one."""
    other = load(name).to(generator.device)
    if other.framing != generator.framing or other.condition is not generator.condition:
        raise BadInput(
            f"{name} generates from {other.condition.__name__} at {other.framing.size}, this model "
            f"{generator.condition.__name__} in {generator.framing.size}; compare two of one kind and size."
        )
    return other
