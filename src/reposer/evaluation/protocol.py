"""Protocols: everything a number depends on beside the pictures. A changed protocol gets a new name."""

from dataclasses import dataclass

from reposer.core import Registry
from reposer.metrics import METRICS

PROTOCOLS: Registry["Protocol"] = Registry("protocol", "reposer.protocols")


@dataclass(frozen=True)
class Protocol:
    """How pictures are scored.

    metrics: names of METRICS, in the order of printing.
    limb_radius: half a limb's width in the mask of the target's limbs, as a share of the picture's height.
    confidence: of the bootstrap intervals.
    resamples: how often the bootstrap draws.
    seed: of the bootstrap, and of the noise of generators that use some.
    """

    name: str
    metrics: tuple[str, ...]
    limb_radius: float = 1 / 32
    confidence: float = 0.95
    resamples: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        for metric in self.metrics:
            METRICS[metric]


RECONSTRUCTION_V1 = PROTOCOLS.add(
    "reposer-v1-reconstruction",
    Protocol("reposer-v1-reconstruction", metrics=("psnr", "ssim-gaussian1.5", "l1", "l1-limbs")),
)
"""How near the drawn target is to the true one, as 8-bit pictures without padding; every pair counts once."""
