"""Small networks that look at people: trained on synthetic people, shipped with the package.

Every module in this folder is imported here so that it registers its recipe in PROBE_RECIPES: to add a probe, add a
file.
"""

from reposer.core.registry import import_siblings
from reposer.training import PROBE_RECIPES

import_siblings(__path__, __name__)

__all__ = ["PROBE_RECIPES"]
