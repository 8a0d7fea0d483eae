"""How to install a missing optional library, in a clone as well as beside an installed package."""

import re
from importlib.metadata import PackageNotFoundError, requires

_MARK = re.compile(r"""extra\s*==\s*["'](.+?)["']""")


def install(extra: str) -> str:
    """The `pip install ...` command for an extra of pyproject.toml. Reposer itself is on no index, so its name would
    not work."""
    needed = [f"'{requirement}'" for requirement in requirements(extra)]
    return f"pip install {' '.join(needed)}" if needed else f"pip install -e '.[{extra}]' in a clone of Reposer"


def requirements(extra: str) -> list[str]:
    """The extra's requirements for pip; empty if Reposer runs from a folder that was never installed."""
    try:
        declared = requires("reposer") or []
    except PackageNotFoundError:
        return []
    parts = [line.partition(";") for line in declared]
    return [name.strip() for name, _, marks in parts if (m := _MARK.search(marks)) and m.group(1) == extra]
