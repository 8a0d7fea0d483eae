"""The basic types: poses, picture pairs, generators, registries. Uses torch and numpy, and a lock for folders.

Each name is imported on first use, so that what needs no torch (errors, disk, the command line's help) does not wait
for it. `__init__.pyi` lists the same names for type checkers.
"""

from .lazy import on_first_use

_HOMES = {
    "SKELETONS": "skeleton",
    "BadInput": "errors",
    "Batch": "samples",
    "Clip": "samples",
    "ClipBatch": "samples",
    "ClipSample": "samples",
    "Explanation": "generator",
    "FaceLines": "face",
    "Framing": "framing",
    "Generated": "generator",
    "Generator": "generator",
    "Layer": "generator",
    "Pose": "pose",
    "Registry": "registry",
    "Sample": "samples",
    "Skeleton": "skeleton",
    "View": "view",
    "quoted": "errors",
}
__all__ = list(_HOMES)
__getattr__ = on_first_use(__name__, _HOMES)
