"""What moved between two files of `record`: python -m tests.numbers.compare BEFORE.json AFTER.json. Exit code 1 if
anything did."""

import json
import sys
from pathlib import Path
from typing import Any


def leaves(value: Any, name: str = "") -> dict[str, Any]:
    """Every single value by its path."""
    if isinstance(value, dict):
        return {k: v for key, inner in value.items() for k, v in leaves(inner, f"{name}/{key}").items()}
    if isinstance(value, list):
        return {k: v for n, inner in enumerate(value) for k, v in leaves(inner, f"{name}/{n}").items()}
    return {name: value}


if __name__ == "__main__":
    before, after = (leaves(json.loads(Path(file).read_text())) for file in sys.argv[1:3])
    moved = [name for name in before if name in after and before[name] != after[name]]
    gone, added = sorted(set(before) - set(after)), sorted(set(after) - set(before))
    for title, names in (("moved", moved), ("only before", gone), ("only after", added)):
        for name in names:
            print(f"{title}: {name}")
    same = len(set(before) & set(after)) - len(moved)
    print(f"{same} values are equal, {len(moved)} moved, {len(gone)} are only before, {len(added)} only after")
    sys.exit(bool(moved or gone))
