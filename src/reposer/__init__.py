"""Reposer: put a person into a new pose, keep who they are, and say honestly how well it went.

>>> import reposer
>>> generator = reposer.load("trueflow")
>>> pictures = generator.generate(source, source_pose, target_pose)  # doctest: +SKIP
"""

from typing import Any

__version__ = "0.1.0"
__all__ = ["__version__", "evaluate", "load", "transfer"]

_HOMES = {"load": "reposer.generators", "transfer": "reposer.pipeline", "evaluate": "reposer.evaluation"}


def __getattr__(name: str) -> Any:
    """The three calls most people need, imported when first asked for: `import reposer` alone is instant."""
    if name not in _HOMES:
        raise AttributeError(f"module 'reposer' has no attribute '{name}'")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
