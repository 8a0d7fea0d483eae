"""DRN's fine-grained suite: what is right about a generated person, part by part (semantic, structural, faces).

Every number that uses an estimator is taken on three sets: the generated pictures, the true targets (the ceiling) and
the unchanged sources (the baseline). One file per part; the folder is scanned.
"""

from reposer.core.registry import import_siblings

from .part import SUITE, Finding, SuitePart

import_siblings(__path__, __name__)

__all__ = ["SUITE", "Finding", "SuitePart"]
