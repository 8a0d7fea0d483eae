"""How the people-encoder came to be: trained on synthetic people to see parts, joints, colour and texture.

    reposer train people-encoder --out runs/people-encoder
    python -m reposer.probes.encoder --out runs/people-encoder

The first trains it; the second, too, or goes on from there, then measures it on people that it never saw and writes
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
