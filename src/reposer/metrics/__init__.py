"""Metrics: how near a generated picture is to the true one. One file each; the folder is scanned."""

from reposer.core.registry import import_siblings

from .metric import METRICS, AnyMetric, Metric, PairMetric, Value

import_siblings(__path__, __name__)

__all__ = ["METRICS", "AnyMetric", "Metric", "PairMetric", "Value"]
