"""`reposer data check|list|synthesize|card|...`: check data sets, list the supported kinds, render synthetic ones."""

import json as json_text
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.table import Table
from tyro.conf import Positional

from reposer.core.choices import Engine, Frame, PictureForm
from reposer.core.outputs import PICTURE_ENDINGS, check_output_file, check_output_folder
from reposer.core.terminal import Terminal

from .option_values import MOST_WORKERS, pixels, seeded, some, within
from .options import called_by_name

MOST_VIEWS = 1000  # per person
COMPRESSED = 20  # a picture takes at least a twentieth of its raw bytes


def run(arguments: Sequence[str]) -> int:
    return called_by_name(
        {
            "check": check,
            "list": show,
            "synthesize": synthesize,
            "views": views,
            "card": card,
            "synthesize-objects": synthesize_objects,
        },
        arguments,
        "data",
        __doc__,
    )


def check(root: Positional[Path], *, frame: Frame | None = None, pictures: PictureForm | None = None) -> int:
    """Check a data set before training. Exit code 1 if there is an error.

    Args:
        root: the data set's folder, of pairs, views or clips.
        frame: coordinate frame of a fashion list; none = what its name says or its joints prove. In training:
            --data.frame.
        pictures: how pictures of another shape than 256x176 represent that one; none = what they prove. In training:
            --data.pictures.
    """
    from reposer.data.check import check_dataset
    from reposer.data.findings import findings_table

    findings = check_dataset(root, frame=frame, pictures=pictures)
    Terminal().print(findings_table(findings, root))
    return int(any(finding.severity == "error" for finding in findings))


def show() -> int:
    """List the kinds of data sets that Reposer reads."""
    from reposer.data import DATASETS

    table = Table(box=None, pad_edge=False)
    table.add_column("data set", style="bold")
    table.add_column("what it is")
    for name, dataset in DATASETS.items():
        table.add_row(name, (dataset.__doc__ or "").strip().splitlines()[0])
    Terminal().print(table)
    return 0


def synthesize(
    out: Positional[Path],
    *,
    size: tuple[int, int] = (256, 176),
    people: int = 200,
    test_people: int = 20,
    val_people: int = 0,
    views: int = 4,
    seed: int = 0,
    suffix: Annotated[Literal[".png", ".jpg"], tyro.conf.arg()] = ".png",
    form: Literal["patn", "shards"] = "patn",
    truth: bool = False,
    flow: bool = False,
    workers: int = 2,
    engine: Engine = "local",
) -> int:
    """Render synthetic people into a folder that `reposer train --data` reads. The pictures are free of rights (CC0).

    Args:
        out: a new folder; it appears whole or not at all. An interrupted run continues if you repeat the command.
        size: height and width of the pictures, in pixels.
        people: number of people to train on.
        test_people: number of other people to test on.
        val_people: number of other people to validate on.
        views: pictures of each person; every ordered pair of them is listed.
        seed: seed that decides the people.
        suffix: the kind of picture file.
        form: picture files and lists as PATN has them, or tar shards of whole pairs (WebDataset).
        truth: also write parts, depth, surface, albedo, exact joints and attributes (docs/synthetic.md).
        flow: also write the true flow of each pair.
        workers: processes that render; the files do not depend on their number.
        engine: local = processes of this machine; ray = those of the Ray cluster that RAY_ADDRESS names, whose machines
            see the same folder, or of a Ray on this machine (extra `cluster`). The files are the same.
    """
    pixels("--size", size)
    seeded("--seed", seed)
    for option, count in {"--people": people, "--test-people": test_people, "--val-people": val_people}.items():
        within(option, count, 0)
    within("--views", views, 2, MOST_VIEWS)
    within("--workers", workers, 1, MOST_WORKERS)
    count = (people + test_people + val_people) * views
    check_output_folder(out, room=count * 3 * size[0] * size[1] // COMPRESSED, option="the folder")

    from reposer.synthetic.people import write_people

    write_people(
        out,
        size=size,
        num_train=people,
        num_test=test_people,
        num_val=val_people,
        views=views,
        seed=seed,
        suffix=suffix,
        form=form,
        truth=truth,
        flow=flow,
        workers=workers,
        engine=engine,
    )
    Terminal(stderr=True).say(f"{count:,} pictures in {out}")
    return 0


def views(
    out: Positional[Path],
    *,
    size: tuple[int, int] = (256, 192),
    people: int = 1600,
    val_people: int = 0,
    test_people: int = 0,
    seed: int = 0,
    workers: int = 2,
    engine: Engine = "local",
) -> int:
    """Render synthetic people in four views each with the true flow between them: what `reposer train trueflow` reads.

    Args:
        out: a new folder; it appears whole or not at all. An interrupted run continues if you repeat the command.
        size: height and width of the pictures, in pixels: those of the network.
        people: number of people to train on, in steps of 16; 2.3 MB each at 256x192.
        val_people: number of other people to validate on.
        test_people: number of other people to test on.
        seed: seed that decides the people.
        workers: processes that render; about one person a second each.
        engine: as in `reposer data synthesize`.
    """
    pixels("--size", size)
    seeded("--seed", seed)
    for option, count in {"--people": people, "--val-people": val_people, "--test-people": test_people}.items():
        within(option, count, 0)
    within("--workers", workers, 1, MOST_WORKERS)
    check_output_folder(out, room=(people + val_people + test_people) * 46 * size[0] * size[1], option="the folder")

    from reposer.synthetic.people.true_views import write_views

    write_views(
        out,
        size=size,
        num_train=people,
        num_val=val_people,
        num_test=test_people,
        seed=seed,
        workers=workers,
        engine=engine,
    )
    Terminal(stderr=True).say(f"Views in {out}. Train on them: reposer train trueflow --data.root {out}")
    return 0


def card(
    *,
    people: int = 1000,
    size: tuple[int, int] = (128, 88),
    seed: int = 0,
    workers: int = 2,
    json: bool = False,
    chart: Path | None = None,
    sheet: Path | None = None,
) -> int:
    """Print the statistics of synthetic people, as in docs/synthetic.md, measured anew on rendered people.

    Args:
        people: number of people of the training split to render, in two views each.
        size: height and width of the pictures, in pixels.
        seed: seed that decides the people.
        workers: processes that render.
        json: print the numbers as JSON, not as Markdown tables.
        chart: also write bar charts to this PNG file.
        sheet: also write a sheet of 64 random people of the test split to this picture file.
    """
    within("--people", people, 1)
    pixels("--size", size)
    seeded("--seed", seed)
    within("--workers", workers, 1, MOST_WORKERS)
    if chart is not None:
        check_output_file(chart, endings=PICTURE_ENDINGS, option="--chart")
    if sheet is not None:
        check_output_file(sheet, endings=PICTURE_ENDINGS, option="--sheet")

    from reposer.data.pictures import write_picture
    from reposer.synthetic.people.card import card as count_card
    from reposer.synthetic.people.card import charts, people_sheet, tables

    found = count_card(people, size, seed, workers=workers, progress=True)
    text = json_text.dumps(found, indent=1) if json else tables(found)
    Terminal().text(text)
    if chart is not None:
        write_picture(chart, charts(found))
    if sheet is not None:
        write_picture(sheet, people_sheet(seed))
    return 0


def synthesize_objects(
    out: Positional[Path],
    *,
    kind: Literal["chairs", "cars"] = "chairs",
    size: tuple[int, int] = (256, 256),
    objects: int = 100,
    test_objects: int = 20,
    split: tuple[Literal["train", "val", "test"], ...] = ("train", "test"),
    background: Literal["white", "plain"] = "white",
    seed: int = 0,
) -> int:
    """Render objects from 54 sides each into one HDF5 file with lists (ShapeNet's form). Free of rights (CC0).

    Args:
        out: a new folder; it appears whole or not at all.
        kind: category of the objects.
        size: height and width of the pictures, in pixels.
        objects: number of objects to train on.
        test_objects: number of other objects in every other split.
        split: the splits to write.
        background: white as in the published sets, or a muted colour per object.
        seed: seed that decides the objects.
    """
    pixels("--size", size)
    seeded("--seed", seed)
    within("--objects", objects, 1)
    within("--test-objects", test_objects, 1)
    some("--split", split)
    check_output_folder(out, option="the folder")

    from reposer.core.view import AZIMUTHS, ELEVATIONS
    from reposer.synthetic.objects import write_objects

    counts: dict[str, int] = {name: objects if name == "train" else test_objects for name in split}
    write_objects(out, kind, size=size, num_objects=counts, seed=seed, background=background)
    num_views = sum(counts.values()) * len(AZIMUTHS) * len(ELEVATIONS)
    Terminal(stderr=True).say(f"{num_views:,} pictures in {out}")
    return 0
