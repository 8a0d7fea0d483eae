"""How the people encoder was made: trained on synthetic people to recognise parts, joints, colour and texture.

    reposer train people-encoder --out runs/people-encoder
    python -m reposer.probes.encoder --out runs/people-encoder

The first command trains it. The second trains it or resumes the run, measures it on held-out people and writes
`people-encoder.safetensors`.
"""

from .measure import HELD_OUT, measure, ship
from .network import PeopleReader, PeopleReaderConfig
from .people import PeopleBatch, PeopleConfig, PeopleViews
from .recipe import EncoderRecipe, people_encoder

__all__ = [
    "HELD_OUT",
    "EncoderRecipe",
    "PeopleBatch",
    "PeopleConfig",
    "PeopleReader",
    "PeopleReaderConfig",
    "PeopleViews",
    "measure",
    "people_encoder",
    "ship",
]
