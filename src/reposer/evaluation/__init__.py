"""Evaluation: a generator, a protocol, a data set; a report whose numbers name their protocol."""

from .evaluate import Generate, ScoredPairs, evaluate
from .intervals import bootstrap_interval
from .protocol import PROTOCOLS, Protocol
from .report import Report, Row, Summary, compare_markdown, compare_table
from .whole_pictures import OnWholePictures

__all__ = [
    "PROTOCOLS",
    "Generate",
    "OnWholePictures",
    "Protocol",
    "Report",
    "Row",
    "ScoredPairs",
    "Summary",
    "bootstrap_interval",
    "compare_markdown",
    "compare_table",
    "evaluate",
]
