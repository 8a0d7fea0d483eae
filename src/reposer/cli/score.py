"""`reposer score GENERATED --targets TARGETS`: score a folder of anybody's pictures under a named protocol."""

import json as json_module
from collections.abc import Sequence
from pathlib import Path

import tyro
from rich.console import Console
from rich.table import Table
from rich.text import Text
from tyro.conf import Positional

from reposer.core import BadInput, Pose
from reposer.data.lists import Frame, fashion_frame, read_annotation, read_pairs
from reposer.evaluation import PROTOCOLS, Folders, Protocol, Report, Scored, score_folder, shown_pictures
from reposer.evaluation.report_html import write_html
from reposer.evaluation.suite import SUITE
from reposer.metrics import METRICS

from .device import chosen_device

MANY = 10  # problems that are printed


def run(arguments: Sequence[str]) -> int:
    return tyro.cli(score, args=list(arguments), prog="reposer score", description=__doc__)


def score(
    generated: Positional[Path],
    *,
    targets: Path,
    protocol: str = "reposer-v1",
    sources: Path | None = None,
    reference: Path | None = None,
    annotations: Path | None = None,
    frame: Frame | None = None,
    pose_size: tuple[int, int] | None = None,
    pairs: Path | None = None,
    attributes: Path | None = None,
    out: Path | None = None,
    json: Path | None = None,
    weights: Path | None = None,
    without_networks: bool = False,
    workers: int = 2,
    device: str | None = None,
) -> int:
    """Writes report.json, report.csv and report.html. The same command goes on with a run that was stopped.

    Exit code 1: some pictures could not be scored, or a number of the protocol is absent; both are named.

    Args:
        generated: folder of the pictures, named as their targets or SOURCE_2_TARGET as the peers do.
        targets: folder of the true pictures.
        protocol: a name, or "all": how the numbers move from protocol to protocol.
        sources: folder of the source pictures; none = they lie with the targets.
        reference: folder of the training pictures, for metrics that compare with them.
        annotations: list of joints (name:keypoints_y:keypoints_x), for masks and the suite.
        frame: what a fashion list's joints count in; none = what its name says.
        pose_size: height and width of the pictures that the list's joints count in, for other lists.
        pairs: list of the pairs that should be there (from,to); none = all that are.
        attributes: JSON of true attributes, {identity: {question: answer}}, as `reposer data synthesize --truth` writes.
        out: folder of the report; none = GENERATED-PROTOCOL beside the pictures.
        json: write the JSON here, too; of all protocols by their names.
        weights: folder of the networks' files; none = the usual places.
        without_networks: leave out all that looks through a network.
        workers: processes that decode and compare.
        device: where networks look: cpu, cuda, ...; none = a CUDA GPU if there is one.
    """
    where = chosen_device(device)
    folders = Folders(
        generated=generated,
        targets=targets,
        sources=sources,
        reference=reference,
        poses=_poses(annotations, frame, pose_size),
        attributes={} if attributes is None else read_attributes(attributes),
        wanted=None if pairs is None else read_pairs(pairs),
    )
    console = Console()
    rules = PROTOCOLS.values() if protocol == "all" else [PROTOCOLS[protocol]]
    scored: dict[str, Scored] = {}
    beside = generated if generated.name not in ("", "..") else generated.resolve()
    refusals: dict[str, str] = {}
    for rule in rules:
        folder = (out or beside.with_name(f"{beside.name}-{protocol}")) / (
            "" if protocol != "all" else rule.name
        )
        try:
            found = score_folder(
                folders,
                rule,
                folder,
                weights=weights,
                device=where,
                without_networks=without_networks,
                workers=workers,
                about={"generated": beside.name, "targets": targets.resolve().name},
            )
        except BadInput as error:
            if protocol != "all":
                raise
            refusals[rule.name] = str(error)
            continue
        write(found, folders, rule, folder)
        scored[rule.name] = found
        if protocol != "all":
            tell(found, console)
            console.print(f"Report: {folder / 'report.html'}, .json and .csv", soft_wrap=True, markup=False)
            if json is not None:
                found.report.write_json(json)
    if not scored:
        raise BadInput(next(iter(refusals.values())))
    if protocol == "all":
        if json is not None:
            plain = {name: found.report.to_plain() for name, found in scored.items()}
            json.write_text(json_module.dumps(plain, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        console.print(side_by_side({name: found.report for name, found in scored.items()}))
        for line in sorted({f"{p.name}: {p.reason}" for found in scored.values() for p in found.problems})[
            :MANY
        ]:
            console.print(f"not scored: {line}", highlight=False, soft_wrap=True, markup=False)
        for name, reason in refusals.items():
            console.print(f"absent: {name}: {reason}", highlight=False, soft_wrap=True, markup=False)
    missed = any(
        found.problems or any(not (without_networks and needs_network(name)) for name in found.report.absent)
        for found in scored.values()
    )
    return 1 if missed or refusals else 0


def needs_network(name: str) -> bool:
    """Whether this metric or part of the suite looks through a network."""
    return name in SUITE or METRICS[name].looks_through_a_network


def write(found: Scored, folders: Folders, rule: Protocol, folder: Path, stem: str = "report") -> None:
    """All three forms of the report."""
    by_name = {pair.name: pair for pair in found.pairs}
    found.report.write_json(folder / f"{stem}.json")
    found.report.write_csv(folder / f"{stem}.csv")
    write_html(
        folder / f"{stem}.html",
        found.report,
        lambda name: {k: p.numpy() for k, p in shown_pictures(folders, rule, by_name[name]).items()},
    )


def tell(found: Scored, console: Console) -> None:
    """The table, what is absent and why, and what was not scored."""
    console.print(found.report.to_table())
    for line in found.report.lines():
        console.print(line, highlight=False, soft_wrap=True)
    for name, reason in found.report.absent.items():
        console.print(f"absent: {name}: {reason}", highlight=False, soft_wrap=True, markup=False)
    for problem in found.problems[:MANY]:
        console.print(
            f"not scored: {problem.name}: {problem.reason}", highlight=False, soft_wrap=True, markup=False
        )
    if (more := len(found.problems) - MANY) > 0:
        console.print(f"not scored: {more} more; report.json names them all")


def side_by_side(reports: dict[str, Report]) -> Table:
    """A row per protocol and number: the same pictures, other rules. Nothing is ranked here."""
    table = Table(title="The same pictures under every protocol")
    table.add_column("protocol", no_wrap=True)
    table.add_column("metric", no_wrap=True)
    table.add_column("value", justify="right")
    for name, report in reports.items():
        for summary in report.summary.values():
            table.add_row(name, summary.metric, Text(summary.cell()))
        for metric in report.absent:
            table.add_row(name, metric, Text("absent", style="dim"))
        table.add_section()
    return table


def read_attributes(path: Path) -> dict[str, dict[str, str]]:
    """The true attributes of each identity."""
    try:
        found = json_module.loads(path.read_text(encoding="utf-8"))
        return {str(who): {str(q): str(a) for q, a in own.items()} for who, own in found.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise BadInput(f"{path} is not a JSON file of {{identity: {{question: answer}}}}.") from error


def _poses(path: Path | None, frame: Frame | None, size: tuple[int, int] | None) -> dict[str, Pose] | None:
    if path is None:
        return None
    if size is not None:
        found = read_annotation(path, frame=size)
    else:
        found = read_annotation(path, frame=fashion_frame(path, frame))
    return {Path(name).stem: pose for name, pose in found.items()}
