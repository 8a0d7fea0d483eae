"""The rule behind the published lists of pairs, and whose picture a name says it is."""

from collections.abc import Callable, Mapping, Sequence
from itertools import permutations

from reposer.core import Pose

TORSO = ("right_shoulder", "left_shoulder", "right_hip", "left_hip")


def name_identity(name: str) -> str:
    """The person and clothes of a picture: its name up to the last `_`, or without its suffix where it has no `_`."""
    return name.rpartition("_")[0] or name.rpartition(".")[0] or name


def market_identity(name: str) -> str | None:
    """The person of a Market-1501 picture: what stands before the first `_`; None for junk, distractors."""
    person = name.partition("_")[0]
    return None if person in ("-1", "0000") else person


def derive_pairs(
    poses: Mapping[str, Pose],
    identity_of: Callable[[str], str | None] = name_identity,
    require: Sequence[str] = TORSO,
) -> list[tuple[str, str]]:
    """All ordered pairs of different pictures of one identity in which the joints `require` are all visible.

    On the published annotations this gives DeepFashion's 8,570 test pairs and Market-1501's 263,632 training pairs.
    The order: identities as they first appear, then `itertools.permutations` of their pictures in the given order.
    """
    own: dict[str, list[str]] = {}
    for name, pose in poses.items():
        identity = identity_of(name)
        joints = [pose.skeleton.index(joint) for joint in require]
        if identity is not None and bool(pose.visible[joints].all()):
            own.setdefault(identity, []).append(name)
    return [pair for names in own.values() for pair in permutations(names, 2)]
