"""The forced-choice study: participants say which pictures are real or which is best, and their answers are counted."""

from .answers import Answer, Answers, read_answers, read_study
from .asking import Asking
from .design import Design, Question, Study, questions
from .folders import Folders, open_folders
from .results import Comparison, Rate, Results, results, tally

__all__ = [
    "Answer",
    "Answers",
    "Asking",
    "Comparison",
    "Design",
    "Folders",
    "Question",
    "Rate",
    "Results",
    "Study",
    "open_folders",
    "questions",
    "read_answers",
    "read_study",
    "results",
    "tally",
]
