"""How the networks behind the shipped estimators were made: trained on synthetic people to detect, identify and
describe them.

    python -m reposer.probes.readers body --out runs/readers
    python -m reposer.probes.readers face --out runs/readers

Each trains its network (as `reposer train people-body` does), sets its thresholds on held-out people, measures it on
others, and writes the file that ships. No generator or feature network has seen any of these people.
"""

from .recipes import BodyRecipe, FaceRecipe, people_body, people_face
from .ship import ship_body, ship_face

__all__ = ["BodyRecipe", "FaceRecipe", "people_body", "people_face", "ship_body", "ship_face"]
