"""What `reposer evaluate` was given: which kind of data, and which weights."""

from pathlib import Path
from typing import Literal

from reposer.core import Generator, View
from reposer.core.skeleton import FACE_68
from reposer.data.clip_dataset import holds_clips
from reposer.nn.weights import read_about, read_header, sha256


def kind_of_data(generator: Generator, data: str | None) -> Literal["pairs", "clips", "views"]:
    """What is scored: views with a generator of views; clips where the data are some, or where the generator is of clips."""
    if generator.condition is View:
        return "views"
    if data is not None:
        return "clips" if holds_clips(Path(data)) else "pairs"
    return "clips" if generator.remembers or generator.skeleton == FACE_68 else "pairs"


def about_weights(file: Path) -> dict[str, str]:
    """Which weights were scored: the file's checksum and what its header says of its making."""
    header = read_about(read_header(file), file)
    made = {k: str(v) for k, v in header.items() if k in ("recipe", "step", "feature_network")}
    return {"weights_sha256": sha256(file), **made}
