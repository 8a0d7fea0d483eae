"""What to type where an optional library is missing: advice that holds in a clone and beside an installed package."""

import re
from importlib.metadata import PackageNotFoundError, requires

_MARK = re.compile(r"""extra\s*==\s*["'](.+?)["']""")
OWN_ENVIRONMENT = {
    "pose": "mediapipe needs protobuf below 5, which onnx and TensorBoard do not take: give it an environment of its own"
}
"""What does not go together with the rest, by extra."""


def install(extra: str) -> str:
    """`pip install ...` of what this extra of pyproject.toml names. Reposer itself is on no index: its name would not
    do."""
    needed = [f"'{requirement}'" for requirement in requirements(extra)]
    command = f"pip install {' '.join(needed)}" if needed else f"pip install -e '.[{extra}]' in a clone of Reposer"
    return f"{command} ({OWN_ENVIRONMENT[extra]})" if extra in OWN_ENVIRONMENT else command


def requirements(extra: str) -> list[str]:
    """What the extra names, as pip takes it; nothing where Reposer runs from a folder that was never installed."""
    try:
        declared = requires("reposer") or []
    except PackageNotFoundError:
        return []
    parts = [line.partition(";") for line in declared]
    return [name.strip() for name, _, marks in parts if (m := _MARK.search(marks)) and m.group(1) == extra]
