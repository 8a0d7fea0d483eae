"""The models that may be chosen on the page, and what is said of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reposer.core import BadInput
from reposer.generators import load, shipped_models
from reposer.nn.weights import read_about, read_header

CARDS = {
    "trueflow": (
        "Apache-2.0",
        "381,440 pictures of 5,632 synthetic people, rendered by this project",
        "Copies what the photo shows at its full resolution, and invents the rest.",
    ),
    "gfla-synthetic": (
        "Apache-2.0",
        "9,600 pictures of 2,400 synthetic people, rendered by this project",
        "A small demonstration of GFLA at 128x96: blurred on photographs.",
    ),
}
"""Of the shipped models: licence, what they were trained on, what they are good for (docs/models.md)."""
OWN_CARD = ("not said in the file", "not said in the file", "Your own file.")


@dataclass(frozen=True)
class Model:
    """A model of people that may be chosen. named: what the command line calls it. size: (height, width) of its
    pictures."""

    named: str
    family: str
    size: tuple[int, int]
    megabytes: float
    parameters: int
    licence: str
    trained_on: str
    about: str

    def to_plain(self) -> dict[str, Any]:
        """For the page; not the file's place."""
        plain = {key: value for key, value in vars(self).items() if key != "named"}
        return plain | {"megabytes": round(self.megabytes, 1)}


def choices(own: Sequence[Path]) -> dict[str, Model]:
    """The shipped models, the default first, and the user's files, by the names that the page shows."""
    found: dict[str, Model] = {}
    for name in sorted(shipped_models(), key=lambda name: name != "trueflow"):
        found[name] = _model(name, shipped_models()[name], CARDS.get(name, OWN_CARD))
    for path in own:
        if path.suffix != ".safetensors":
            raise BadInput(f"--models takes files that end in .safetensors; {path} does not.")
        name = path.stem if path.stem not in found else f"{path.parent.name}/{path.name}"
        if name in found:
            raise BadInput(f"--models names {path} twice.")
        found[name] = _model(str(path), path, _own_card(path))
    return found


def _model(named: str, path: Path, card: tuple[str, str, str]) -> Model:
    generator = load(named)
    count = sum(parameter.numel() for parameter in generator.parameters())
    if "left_shoulder" not in generator.skeleton:
        raise BadInput(f"{path} is a model of {generator.skeleton.name}; the page takes models of people.")
    size, family = generator.framing.size, generator.config.family
    return Model(named, family, size, path.stat().st_size / 1e6, count, *card)


def _own_card(path: Path) -> tuple[str, str, str]:
    """What the file's header says."""
    about = read_about(read_header(path), path)
    said = [about.get(key) for key in ("licence", "data")]
    licence, data = (one if isinstance(one, str) and one else OWN_CARD[0] for one in said)
    recipe = about.get("recipe")
    return licence, data, f"Your own file, of the recipe {recipe}." if isinstance(recipe, str) else OWN_CARD[2]
