"""`reposer score GENERATED --targets TARGETS`: score a folder of generated pictures under a named protocol."""

import json as json_module
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tyro.conf import Positional

from reposer.core import BadInput
from reposer.core.choices import Engine, Frame, PictureForm
from reposer.core.outputs import check_output_file, check_output_folder
from reposer.core.terminal import Terminal

from .needed import begins, refuse_elsewhere
from .option_values import MOST_WORKERS, pixels, size, some, within
from .options import called


def run(arguments: Sequence[str]) -> int:
    return called(score, arguments, "score", __doc__)


def score(
    generated: Positional[Path],
    *,
    targets: Path | None = None,
    protocol: str = "reposer-v1",
    sources: Path | None = None,
    reference: Path | None = None,
    annotations: Path | None = None,
    frame: Frame | None = None,
    geometry: PictureForm | None = None,
    target_geometry: PictureForm | None = None,
    strip: int = 1,
    panel: int | None = None,
    strips: tuple[str, ...] | None = None,
    pose_size: tuple[int, int] | None = None,
    pairs: Path | None = None,
    attributes: Path | None = None,
    out: Path | None = None,
    json: Path | None = None,
    weights: Path | None = None,
    without_networks: bool = False,
    workers: int = 2,
    engine: Engine = "local",
    device: str | None = None,
    max_memory: str | None = None,
) -> int:
    """Write report.json, report.csv and report.html. The same command resumes a run that was stopped.

    Exit code 1: some pictures could not be scored, or a number of the protocol is absent; both are listed.

    Args:
        generated: folder of the pictures, named as their targets, as SOURCE_2_TARGET, SOURCE___TARGET_vis or
            SOURCE.jpg_TARGET.jpg as other projects do, or by their numbers in the list of pairs, from 0.
        targets: folder of the true pictures; none = the panel `target` of --strips.
        protocol: a name, or "all": how the numbers change from protocol to protocol.
        sources: folder of the source pictures; none = they lie with the targets.
        reference: folder of the training pictures, for metrics that compare with them.
        annotations: list of joints (name:keypoints_y:keypoints_x), for masks and the suite.
        frame: frame of a fashion list's joints; none = by its name (market-annotation-*: 128x64) or its joints.
        geometry: how a person's picture lies in a generated file: "plain" (it is the file), "squashed" (each axis
            scaled separately), "padded" (centred, with sides); none = detected if sizes or pixels prove it, otherwise
            required.
        target_geometry: the same for square targets, sources and reference pictures.
        strip: number of panels of equal width in a generated file, side by side.
        panel: number of the panel that is the generated picture, counted from 1 at the left.
        strips: instead of --strip and --panel, a name for every panel of a generated file, from the left: generated,
            target or any other word (source, pose, ...). Without --targets, target is taken from the files.
        pose_size: height and width of the pictures that the list's joints refer to, for other lists.
        pairs: list of the expected pairs (from,to); none = all that exist.
        attributes: JSON of true attributes, {identity: {question: answer}}, as of `reposer data synthesize --truth`.
        out: folder of the report; none = GENERATED-PROTOCOL beside the pictures.
        json: also write the JSON to this file; with all protocols, by their names.
        weights: folder of the networks' files; none = the usual places.
        without_networks: skip everything that uses a network.
        workers: processes that decode and compare.
        engine: local = processes of this machine; ray = those of the Ray cluster that RAY_ADDRESS names, whose machines
            see the same folders, or of a Ray on this machine (extra `cluster`). The numbers are the same.
        device: device of the networks: cpu, cuda, ...; none = a CUDA GPU if there is one.
        max_memory: the most memory, over all processes, for example 800M or 4G; fewer `--workers` are chosen so that it
            holds, or nothing is begun. none = no limit.
    """
    most = size("--max-memory", max_memory)
    pixels("--pose-size", pose_size)
    within("--workers", workers, 0, MOST_WORKERS)
    some("--strips", strips)
    if strips and (strip != 1 or panel is not None):
        raise BadInput("--strips names the panels already; leave --strip and --panel out.")
    if targets is None and "target" not in (strips or ()):
        raise BadInput("Give the folder of the true pictures with --targets, or a panel called target in --strips.")
    if targets is None and engine == "ray":
        raise BadInput(
            "The panel `target` is cut out into files of this machine, which those of a cluster do not see. Give the "
            "folder of the true pictures with --targets, or --engine local."
        )
    beside = generated if generated.name not in ("", "..") else generated.resolve()
    if out is None and not beside.name:
        raise BadInput(f"There is no place for the report beside {beside}. Give one with --out.")
    folder_of_all = out or beside.with_name(f"{beside.name}-{protocol}")
    check_output_folder(folder_of_all)
    if json is not None:
        check_output_file(json, endings=(".json",), inputs=(annotations, pairs, attributes), option="--json")

    from reposer.core.device import chosen_device
    from reposer.data.lists import read_pairs
    from reposer.evaluation import Folders
    from reposer.evaluation.folder import pictures_in
    from reposer.evaluation.folder_geometry import Declared
    from reposer.evaluation.strips import chosen_panel, cut_out, named_panels

    from .joint_lists import poses_by_stem

    where = chosen_device(device)
    panels = named_panels(strips) if strips else {"generated": chosen_panel(strip, panel)}
    for folder in (generated, targets or generated):
        pictures_in(folder)  # refused before anything is said
    if engine == "local":
        workers = _within(
            protocol,
            targets or generated,
            workers,
            len(strips or ()) if targets is None else 1,
            most,
            without_networks=without_networks,
        )
    else:
        refuse_elsewhere(most, "a cluster")
    with tempfile.TemporaryDirectory(prefix="reposer-") as cut:
        if targets is None:
            cut_out(panels["target"], pictures_in(generated).values(), Path(cut) / "targets")
        folders = Folders(
            generated=generated,
            targets=targets or Path(cut) / "targets",
            sources=sources,
            reference=reference,
            poses=None if annotations is None else poses_by_stem(annotations, frame, pose_size),
            attributes={} if attributes is None else read_attributes(attributes),
            wanted=None if pairs is None else read_pairs(pairs),
            declared=Declared(geometry, target_geometry, strip=panels["generated"]),
        )
        about = {"generated": beside.name, "targets": beside.name if targets is None else targets.resolve().name}
        return _score(
            folders,
            protocol,
            folder_of_all,
            json,
            about=about,
            weights=weights,
            device=where,
            without_networks=without_networks,
            workers=workers,
            engine=engine,
        )


def _within(
    protocol: str, targets: Path, workers: int, panels: int, most: float | None, *, without_networks: bool
) -> int:
    """Says what scoring needs; the number of processes that fit into `most` bytes."""
    from reposer.evaluation import PROTOCOLS
    from reposer.needs.scores import need_of_scores

    rules = PROTOCOLS.values() if protocol == "all" else [PROTOCOLS[protocol]]
    found = [
        need_of_scores(rule, targets, workers, panels=panels, without_networks=without_networks, most=most)
        for rule in rules
    ]
    workers, need = max(found, key=lambda own: (-own[0], own[1].memory))
    begins(need)
    return workers


def _score(
    folders: Any,
    protocol: str,
    folder_of_all: Path,
    json: Path | None,
    *,
    about: dict[str, str],
    weights: Path | None,
    device: Any,
    without_networks: bool,
    workers: int,
    engine: Engine,
) -> int:
    """The exit code, after scoring a `Folders` under one protocol or all, into a folder for each."""
    from reposer.core.disk import write_text
    from reposer.evaluation import PROTOCOLS, Scored, score_folder
    from reposer.evaluation.report_html import write_report

    from .reports import by_protocol, needs_network, refuse_foreign_reports, tell, tell_absent, tell_problems

    console = Terminal()
    rules = PROTOCOLS.values() if protocol == "all" else [PROTOCOLS[protocol]]
    scored: dict[str, Scored] = {}
    refusals: dict[str, str] = {}
    for rule in rules:
        folder = folder_of_all / ("" if protocol != "all" else rule.name)
        refuse_foreign_reports(folder)
        try:
            found = score_folder(
                folders,
                rule,
                folder,
                weights=weights,
                device=device,
                without_networks=without_networks,
                workers=workers,
                engine=engine,
                about=about,
            )
        except BadInput as error:
            if protocol != "all":
                raise
            refusals[rule.name] = str(error)
            continue
        files = write_report(folder, "report", found.report, found.pictures)
        scored[rule.name] = found
        if protocol != "all":
            console.print(found.report.to_table())
            tell(found.report, found.problems, console)
            console.say(f"Report: {files}")
            if json is not None:
                found.report.write_json(json)
    if not scored:
        raise BadInput(next(iter(refusals.values())))
    if protocol == "all":
        if json is not None:
            plain = {name: found.report.to_plain() for name, found in scored.items()}
            write_text(json, json_module.dumps(plain, indent=2, allow_nan=False) + "\n")
        console.print(by_protocol({name: found.report for name, found in scored.items()}))
        tell_problems(list(dict.fromkeys(p for found in scored.values() for p in found.problems)), console)
        tell_absent(refusals, console)
    missed = any(
        found.problems or any(not (without_networks and needs_network(name)) for name in found.report.absent)
        for found in scored.values()
    )
    return 1 if missed or refusals else 0


def read_attributes(path: Path) -> dict[str, dict[str, str]]:
    """The true attributes of each identity."""
    from reposer.core.json_files import read_json

    found = read_json(path)
    try:
        return {str(who): {str(q): str(a) for q, a in own.items()} for who, own in found.items()}
    except AttributeError as error:
        raise BadInput(f"{path} is not a JSON file of {{identity: {{question: answer}}}}.") from error
