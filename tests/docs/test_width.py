"""The documents' lines within the declared width."""

import tomllib

from .documents import BLOCK, DOCUMENTS, ROOT


def test_no_line_of_prose_is_wider_than_the_code():
    width = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["line-length"]
    wide = [
        f"{path.relative_to(ROOT)}: {line[:60]}..."
        for path in DOCUMENTS
        for line in BLOCK.sub("", path.read_text()).splitlines()
        if len(line) > width and not line.startswith("|")
    ]
    assert not wide, "\n".join(wide)
