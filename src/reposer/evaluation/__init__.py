"""Evaluation: pictures, a protocol and the truth give a report whose numbers name their protocol."""

from . import protocols as protocols
from .clip_report import CLIPS_V1, ClipReport
from .clips import ClipScorer, evaluate_clips
from .compare import Comparison, compare
from .driving import DrivenClip, copied, drive
from .evaluate import Generate, ScoredPairs, evaluate
from .geometry import Geometry
from .intervals import bootstrap_interval
from .masks import MASKS
from .numbers import SideBySide
from .pair_batch import PairBatch
from .protocol import PROTOCOLS, Fact, Protocol
from .report import Report, Row, Summary, side_by_side
from .score import Folders, Scored, score_folder
from .scorer import Scorer
from .view_plot import view_plot
from .views import VIEWS_V1, by_angle, evaluate_views, view_table, views_to_plain
from .whole_pictures import OnWholePictures

__all__ = [
    "CLIPS_V1",
    "MASKS",
    "PROTOCOLS",
    "VIEWS_V1",
    "ClipReport",
    "ClipScorer",
    "Comparison",
    "DrivenClip",
    "Fact",
    "Folders",
    "Generate",
    "Geometry",
    "OnWholePictures",
    "PairBatch",
    "Protocol",
    "Report",
    "Row",
    "Scored",
    "ScoredPairs",
    "Scorer",
    "SideBySide",
    "Summary",
    "bootstrap_interval",
    "by_angle",
    "compare",
    "copied",
    "drive",
    "evaluate",
    "evaluate_clips",
    "evaluate_views",
    "score_folder",
    "side_by_side",
    "view_plot",
    "view_table",
    "views_to_plain",
]
