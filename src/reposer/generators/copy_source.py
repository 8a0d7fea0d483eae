"""The baseline that every generator must beat: the source picture as it is."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from jaxtyping import Float
from torch import Tensor

from reposer.core import Framing, Generated, Generator
from reposer.core.samples import Condition

from .registries import GENERATORS


@GENERATORS.register("copy-source")
@dataclass(frozen=True)
class CopySourceConfig:
    """Only a framing: there is nothing to learn."""

    family: ClassVar[str] = "copy-source"

    framing: Framing = Framing((256, 256))
    """Size of the pictures, and how a photo is framed."""

    def tiny(self) -> "CopySourceConfig":
        return replace(self, framing=self.framing.tiny())

    def build(self) -> "CopySource":
        return CopySource(self)


class CopySource(Generator):
    """Returns the source, whatever the pose."""

    config: CopySourceConfig

    def __init__(self, config: CopySourceConfig) -> None:
        super().__init__()
        self.config = config
        self.framing = config.framing

    def forward(self, source: Float[Tensor, "B 3 H W"], source_pose: Any, target_pose: Any) -> Generated:
        return Generated(source.clone())

    def admit(self, source: Float[Tensor, "B *S 3 H W"], *conditions: Condition) -> tuple[Any, ...]:
        """Accepts any condition, since it uses none."""
        return conditions
