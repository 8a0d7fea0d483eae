"""Reposer: put a person into a new pose, keep who they are, and say honestly how well it went.

>>> import reposer
>>> reposer.repose("photo.jpg", "other_photo.jpg").save("reposed.png")
>>> pose = reposer.estimate_pose("photo.jpg")
>>> generator = reposer.load("trueflow")
>>> answer = reposer.transfer(generator, "photo.jpg", pose, reposer.estimate_pose("other_photo.jpg"))
"""

from typing import Any

__version__ = "0.2.0"
_HOMES = {
    "repose": "reposer.own_photo",
    "estimate_pose": "reposer.own_photo",
    "load": "reposer.generators",
    "push_to_hub": "reposer.generators",
    "transfer": "reposer.pipeline",
    "evaluate": "reposer.evaluation",
}
__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    """The calls most people need, imported when first asked for: `import reposer` alone is instant."""
    if name not in _HOMES:
        raise AttributeError(f"module 'reposer' has no attribute '{name}'")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
