"""GFLA's motion network, which cleans tracks found by a detector.

    reposer train motion-mini
    python -m reposer.probes.motion runs/motion-mini/generator.safetensors
    reposer animate PHOTO --driving CLIP.mp4 --model X --clean-motion runs/motion-mini/generator.safetensors

Trained on synthetic tracks (motion-mini) or, as published, on Human3.6M (motion-2020).
"""

from .human36m import Human36M
from .network import MotionConfig, MotionNetwork
from .placing import bridged
from .recipe import MotionRecipe, motion_2020, motion_mini
from .synthetic_tracks import SyntheticTracks
from .use import clean, load_motion

__all__ = [
    "Human36M",
    "MotionConfig",
    "MotionNetwork",
    "MotionRecipe",
    "SyntheticTracks",
    "bridged",
    "clean",
    "load_motion",
    "motion_2020",
    "motion_mini",
]
