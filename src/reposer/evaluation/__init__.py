"""Evaluation: pictures, a protocol, the truth; a report whose numbers name their protocol."""

from . import protocols as protocols
from .compare import Comparison, compare
from .evaluate import Generate, ScoredPairs, evaluate
from .geometry import Geometry
from .intervals import bootstrap_interval
from .masks import MASKS
from .protocol import PROTOCOLS, Fact, Protocol
from .report import Report, Row, Summary, compare_markdown, compare_table
from .score import Folders, Scored, score_folder, shown_pictures
from .scorer import Scorer, Shown
from .whole_pictures import OnWholePictures

__all__ = [
    "MASKS",
    "PROTOCOLS",
    "Comparison",
    "Fact",
    "Folders",
    "Generate",
    "Geometry",
    "OnWholePictures",
    "Protocol",
    "Report",
    "Row",
    "Scored",
    "ScoredPairs",
    "Scorer",
    "Shown",
    "Summary",
    "bootstrap_interval",
    "compare",
    "compare_markdown",
    "compare_table",
    "evaluate",
    "score_folder",
    "shown_pictures",
]
