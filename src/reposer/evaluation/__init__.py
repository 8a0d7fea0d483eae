"""Evaluation: pictures, a protocol, the truth; a report whose numbers name their protocol."""

from . import protocols as protocols
from .clip_report import ClipReport, clip_table
from .clips import ClipScorer, evaluate_clips
from .compare import Comparison, compare
from .driving import DrivenClip, copied, drive
from .evaluate import Generate, ScoredPairs, evaluate
from .geometry import Geometry
from .intervals import bootstrap_interval
from .masks import MASKS
from .protocol import PROTOCOLS, Fact, Protocol
from .report import Report, Row, Summary, compare_markdown, compare_table
from .score import Folders, Scored, score_folder, shown_pictures
from .scorer import Scorer, Shown
from .view_plot import view_plot
from .views import ViewReport, evaluate_views
from .whole_pictures import OnWholePictures

__all__ = [
    "MASKS",
    "PROTOCOLS",
    "ClipReport",
    "ClipScorer",
    "Comparison",
    "DrivenClip",
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
    "ViewReport",
    "bootstrap_interval",
    "clip_table",
    "compare",
    "compare_markdown",
    "compare_table",
    "copied",
    "drive",
    "evaluate",
    "evaluate_clips",
    "evaluate_views",
    "score_folder",
    "shown_pictures",
    "view_plot",
]
