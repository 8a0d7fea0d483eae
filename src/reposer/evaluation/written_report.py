"""Report files as `compare` reads them, with every value checked."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, runtime_checkable
from typing import Protocol as Interface

from reposer.core import BadInput, quoted
from reposer.core.configs import from_plain
from reposer.core.json_files import parse_json
from reposer.metrics import METRICS


@dataclass(frozen=True)
class WrittenNumber:
    """A metric's mean and the ends of its interval, each a number or "inf", "nan" as text; and its number of pairs."""

    mean: float | str
    low: float | str
    high: float | str
    pairs: int
    left_out: int
    printed: str

    def __post_init__(self) -> None:
        for name in ("mean", "low", "high"):
            value = getattr(self, name)
            if isinstance(value, str) and value not in ("inf", "-inf", "nan"):
                raise BadInput(f"its {name} is {quoted(value)}; a number was expected.")
        if min(self.pairs, self.left_out) < 0:
            raise BadInput("it counts fewer pairs than none.")

    def values(self) -> tuple[float, float, float]:
        """(mean, low, high)."""
        return float(self.mean), float(self.low), float(self.high)


@dataclass(frozen=True)
class WrittenReport:
    """The part of a report's file by which its numbers are compared: fields as those of `Report`.

    protocol: its values, including its name.
    pairs: number of pairs.
    row_hashes: of each number, by metric.
    """

    protocol: Mapping[str, Any]
    pairs: int
    size: tuple[int, int]
    geometry: str
    hash: str
    truth_hash: str
    mask_hashes: Mapping[str, str]
    reference_hash: str
    networks: Mapping[str, str]
    row_hashes: Mapping[str, str]
    summary: Mapping[str, WrittenNumber]

    def __post_init__(self) -> None:
        if not isinstance(self.protocol.get("name"), str):
            raise BadInput("its protocol has no name.")
        if self.summary.keys() != self.row_hashes.keys():
            raise BadInput("summary and row_hashes are not of the same metrics.")
        for metric in self.summary:
            if metric not in METRICS:
                raise BadInput(f"there is no metric {quoted(metric)} here.")
            kind = METRICS[metric]
            if kind.mask and kind.mask not in self.mask_hashes:
                raise BadInput(f"mask_hashes lacks '{kind.mask}', which {metric} needs.")
            if self.row_hashes[metric] != row_hash(metric, self):
                raise BadInput(
                    f"row_hashes.{metric} does not belong to the other values: one of them was changed after the "
                    "scoring."
                )

    @property
    def name(self) -> str:
        """The protocol's."""
        return str(self.protocol["name"])


@runtime_checkable
class Compared(Interface):
    """What decides a report's numbers besides the generated pixels."""

    @property
    def hash(self) -> str: ...
    @property
    def geometry(self) -> str: ...
    @property
    def truth_hash(self) -> str: ...
    @property
    def networks(self) -> Mapping[str, str]: ...
    @property
    def mask_hashes(self) -> Mapping[str, str]: ...
    @property
    def reference_hash(self) -> str: ...


def row_hash(metric: str, report: Compared) -> str:
    """SHA-256 of all that decides one number besides the generated pixels.

    Protocol and list of pairs, geometry of the generated files, truth, network; its mask and the reference set, if the
    metric uses them.
    """
    kind = METRICS[metric]
    mask = report.mask_hashes[kind.mask] if kind.mask else ""
    reference = report.reference_hash if kind.needs_reference else ""
    network = report.networks.get(metric, "")
    plain = [report.hash, report.geometry, report.truth_hash, metric, network, mask, reference]
    return hashlib.sha256(json.dumps(plain).encode()).hexdigest()


def read_report(path: Path) -> dict[str, Any]:
    """The contents of a file that `Report.write_json` wrote."""
    if not path.is_file():  # opening a pipe would block for ever
        raise BadInput(f"There is no file {path}; the JSON file of a report was expected there.")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}). Give the JSON file of a report.") from error
    plain = parse_json(content, str(path))
    written_report(plain, str(path))
    return dict(plain)


def written_report(plain: Any, where: str) -> WrittenReport:
    """The checked values. where: names the report in error messages."""
    names = {field.name for field in fields(WrittenReport)}
    missing = sorted(names - plain.keys()) if isinstance(plain, Mapping) else []
    if not isinstance(plain, Mapping) or missing:
        lacks = f" (it lacks {', '.join(missing)})" if missing else ""
        raise BadInput(f"{where} is not a report that `reposer score` or `reposer evaluate` wrote{lacks}.")
    report: WrittenReport = from_plain(WrittenReport, {name: plain[name] for name in names}, where)
    return report
