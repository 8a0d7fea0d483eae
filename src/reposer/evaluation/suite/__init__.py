"""DRN's fine-grained suite: what is right about a drawn person, part by part (semantic, structural, faces).

Every number that an estimator stands behind is taken on three sets: the generated pictures, the true targets (what can
be
reached) and the sources as they are (what costs nothing). One file a part; the folder is scanned.
"""

from reposer.core.registry import import_siblings

from .part import SUITE, Finding, SuitePart

import_siblings(__path__, __name__)

__all__ = ["SUITE", "Finding", "SuitePart"]
