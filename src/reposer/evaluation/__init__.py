"""Evaluation: pictures, a protocol, the truth; a report whose numbers name their protocol."""

from .evaluate import Generate, ScoredPairs, evaluate
from .geometry import Geometry
from .intervals import bootstrap_interval
from .masks import MASKS
from .protocol import Fact, Protocol
from .protocols import PROTOCOLS
from .report import Report, Row, Summary, compare_markdown, compare_table
from .scorer import Scorer, Shown
from .whole_pictures import OnWholePictures

__all__ = [
    "MASKS",
    "PROTOCOLS",
    "Fact",
    "Generate",
    "Geometry",
    "OnWholePictures",
    "Protocol",
    "Report",
    "Row",
    "ScoredPairs",
    "Scorer",
    "Shown",
    "Summary",
    "bootstrap_interval",
    "compare_markdown",
    "compare_table",
    "evaluate",
]
