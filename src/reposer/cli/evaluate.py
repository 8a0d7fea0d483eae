"""`reposer evaluate MODEL --data DIR`: score a generator under a named protocol, beside copying the source.

Pairs of people by `pair_scores`; clips and views of objects by `clip_scores` and `view_scores`.
"""

from collections.abc import Sequence
from pathlib import Path

import tyro
from tyro.conf import Positional

from reposer.core import BadInput
from reposer.core.choices import Frame, PictureForm, Smoothing
from reposer.core.outputs import check_output_folder

from .option_values import within

PAIRS_PROTOCOL = "reposer-v1-reconstruction"


def run(arguments: Sequence[str]) -> int:
    return tyro.cli(evaluate_model, args=list(arguments), prog="reposer evaluate", description=__doc__)


def evaluate_model(
    model: Positional[str],
    *,
    data: str | None = None,
    split: str = "test",
    frame: Frame | None = None,
    pictures: PictureForm | None = None,
    protocol: str | None = None,
    pairs: int | None = None,
    batch_size: int = 8,
    out: Path | None = None,
    weights: Path | None = None,
    reference: Path | None = None,
    without_networks: bool = False,
    smooth: Smoothing = "none",
    steady: bool = False,
    edges: bool = False,
    against: str | None = None,
    device: str | None = None,
) -> int:
    """Prints a table and writes a report: of pairs as JSON, HTML and CSV; of clips as JSON, with sheets of their frames; of
    views of objects as JSON, with a plot over the azimuth.

    Under a protocol that says how files become pictures, the generated pictures are written to OUT/generated-PROTOCOL
    and the first digits of a checksum of all that they are made from (weights, data, poses, pairs, options), and scored
    as `reposer score` does. A command that was stopped goes on with those that are there.

    Exit code 1: a number of the protocol is absent; the reason is printed.

    Args:
        model: a shipped model's name (see `reposer models`) or a `.safetensors`.
        data: folder of pairs or of clips, or a file of views; none = what suits the model is drawn on the spot.
        split: which part of the data set.
        frame: what x and y of a fashion list count in; none = what its name says or its joints prove.
        pictures: how pictures of another shape than 256x176 hold that one; none = what they prove.
        protocol: what a number means; none = reposer-v1-reconstruction for pairs of people, and for clips and views theirs.
        pairs: score only so many pairs or clips, evenly spread over the data set; none = all.
        batch_size: pictures drawn at a time; the numbers do not depend on it.
        out: folder of the report; none = beside the model, or here for a shipped one.
        weights: folder of the files of networks that score; none = the usual places.
        reference: folder of the training pictures, for metrics that compare with them.
        without_networks: clips: leave out the metrics that look through a network.
        smooth: clips: score the model driven by smoothed joints, too.
        steady: clips: score the model with what moved carried along from frame to frame, too.
        edges: clips of faces: the true frame's edges around the face drive it, too, as published networks saw them.
        against: views: another model, scored on the same pairs.
        device: cpu, cuda, ...; none = a CUDA GPU if there is one.
    """
    within("--batch-size", batch_size, 1)
    path = Path(model)
    folder = out or (path.parent if path.suffix == ".safetensors" else Path())
    check_output_folder(folder)

    from reposer.evaluation import PROTOCOLS
    from reposer.generators import load, shipped_models
    from reposer.recipes import DataConfig

    from .clip_scores import open_whole_clips, score_clips
    from .device import chosen_device
    from .pair_scores import score_pairs
    from .view_scores import open_views, score_views
    from .what_is_scored import about_weights, kind_of_data

    generator = load(model).to(chosen_device(device))
    kind = kind_of_data(generator, data)
    of_clips = {
        "--smooth": smooth != "none",
        "--steady": steady,
        "--without-networks": without_networks,
        "--edges": edges,
    }
    refused = [] if kind == "clips" else [option for option, given in of_clips.items() if given]
    declared = {"--frame": frame, "--pictures": pictures}
    refused += [] if kind == "pairs" else [option for option, given in declared.items() if given is not None]
    refused += ["--against"] if against is not None and kind != "views" else []
    if refused:
        raise BadInput(f"{refused[0]} does not go with {kind}, which is what is scored here; leave it out.")
    file = path if path.suffix == ".safetensors" else shipped_models()[model]
    shown = path.parent.name if path.stem == "generator" else path.stem
    folder.mkdir(parents=True, exist_ok=True)
    about = {"model": model, "split": split} | about_weights(file)
    if kind == "clips":
        clips = open_whole_clips(generator, data, split, edges=edges)
        about["data"] = data or "synthetic clips"
        if edges:
            about["edges"] = "of the true frames"
        return score_clips(
            generator, clips, chosen(pairs, len(clips)), shown=shown, about=about, folder=folder, protocol=protocol,
            weights=weights, without_networks=without_networks, smooth=smooth, steady=steady,
        )  # fmt: skip
    if kind == "views":
        views = open_views(generator, data, split)
        about["data"] = data or "synthetic objects"
        return score_views(
            generator, views, chosen(pairs, len(views)), about=about, folder=folder, protocol=protocol,
            batch_size=batch_size, weights=weights, against=against,
        )  # fmt: skip
    skeleton = generator.skeleton.name
    dataset = DataConfig(
        root=data, split=split, frame=frame, pictures=pictures, num_pairs=200, skeleton=skeleton
    ).open(generator.framing)
    about["data"] = data or "synthetic-people"
    return score_pairs(
        generator, dataset, chosen(pairs, len(dataset)), shown=shown, about=about, folder=folder,
        rule=PROTOCOLS[protocol or PAIRS_PROTOCOL], batch_size=batch_size, weights=weights, reference=reference,
    )  # fmt: skip


def chosen(count: int | None, of: int) -> Sequence[int]:
    """So many numbers, evenly spread over a data set of `of`; None = all."""
    if count is not None and not 0 < count <= of:
        raise BadInput(f"--pairs must be 1 to {of}, the size of the data set, not {count}.")
    return range(of) if count is None else [round(k * of / count) for k in range(count)]
