"""Pictures, poses and clips from files. The modules of data sets are imported when their registry is first read.

Each name is imported on first use, so that decoding a picture needs no torch; `__init__.pyi` is for type checkers.
"""

from reposer.core.lazy import on_first_use

_HOMES = {name: "dataset" for name in ("DATASETS", "FilePairs", "PairDataset", "PairRow", "open_dataset")}
__all__ = list(_HOMES)
__getattr__ = on_first_use(__name__, _HOMES)
