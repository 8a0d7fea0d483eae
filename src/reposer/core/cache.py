"""Where Reposer keeps what it can make again."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """$REPOSER_CACHE_DIR, or the user's cache."""
    own = os.environ.get("REPOSER_CACHE_DIR")
    base = Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "reposer"
    return base.expanduser()
