"""Skeletons: names of joints, limbs between them, and mirror pairs. No other module has a table of limbs.

Left and right are the person's own.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from .registry import Registry


@dataclass(frozen=True)
class Skeleton:
    """An ordered set of named joints.

    joints: the joints' names; a joint called `left_x` mirrors `right_x`.
    limbs: pairs of joint names that a picture of the skeleton connects.
    """

    name: str
    joints: tuple[str, ...]
    limbs: tuple[tuple[str, str], ...]

    def __len__(self) -> int:
        return len(self.joints)

    def __contains__(self, joint: str) -> bool:
        return joint in self.joints

    def index(self, joint: str) -> int:
        """The index of a joint, by its name."""
        if joint not in self.joints:
            raise KeyError(f"{self.name} has no joint '{joint}'; it has {', '.join(self.joints)}.")
        return self.joints.index(joint)

    @cached_property
    def mirror(self) -> tuple[int, ...]:
        """mirror[k] is the index of joint k's partner on the other side; its own for joints of the middle."""
        return tuple(self.joints.index(_other_side(joint)) for joint in self.joints)

    @cached_property
    def body_indices(self) -> tuple[int, ...]:
        """The joints below the head; all joints of a skeleton that is only a face."""
        below = tuple(k for k, joint in enumerate(self.joints) if not _HEAD.intersection(joint.split("_")))
        return tuple(range(len(self))) if "neck" not in self and "left_shoulder" not in self else below

    @cached_property
    def limb_indices(self) -> tuple[tuple[int, int], ...]:
        return tuple((self.index(a), self.index(b)) for a, b in self.limbs)


_HEAD = frozenset(("nose", "eye", "ear", "mouth", "head", "jaw", "chin", "brow", "nostril", "lips", "face", "pupil"))

# A joint that a skeleton lacks is the mean of these, if all of them are visible.
DERIVED_JOINTS: dict[str, tuple[str, ...]] = {
    "neck": ("right_shoulder", "left_shoulder"),
    "mid_hip": ("right_hip", "left_hip"),
    "spine": ("right_shoulder", "left_shoulder", "right_hip", "left_hip"),
    "right_eye": ("right_eye_inner", "right_eye_outer"),
    "left_eye": ("left_eye_inner", "left_eye_outer"),
    "mouth": ("right_mouth", "left_mouth"),
}


def _other_side(joint: str) -> str:
    if joint.startswith("left_"):
        return "right_" + joint.removeprefix("left_")
    if joint.startswith("right_"):
        return "left_" + joint.removeprefix("right_")
    return joint


def _chain(*joints: str) -> tuple[tuple[str, str], ...]:
    return tuple(pairwise(joints))


def _both_sides(*joints: str) -> tuple[tuple[str, str], ...]:
    """A chain of joints on the right and on the left; a joint of the middle has a leading '='."""

    def on(side: str) -> tuple[str, ...]:
        return tuple(j[1:] if j.startswith("=") else f"{side}_{j}" for j in joints)

    return _chain(*on("right")) + _chain(*on("left"))


_ARM = ("shoulder", "elbow", "wrist")
_LEG = ("hip", "knee", "ankle")

OPENPOSE_18 = Skeleton(
    "openpose18",
    joints=(
        "nose", "neck",
        "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist",
        "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
        "right_eye", "left_eye", "right_ear", "left_ear",
    ),
    limbs=(
        *_both_sides("=neck", *_ARM),
        *_both_sides("=neck", *_LEG),
        ("neck", "nose"),
        *_both_sides("=nose", "eye", "ear"),
        *_both_sides("shoulder", "ear"),
    ),
)  # fmt: skip

OPENPOSE_25 = Skeleton(
    "openpose25",
    joints=(
        "nose", "neck",
        "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist", "mid_hip",
        "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
        "right_eye", "left_eye", "right_ear", "left_ear",
        "left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel",
    ),
    limbs=(
        ("neck", "mid_hip"),
        *_both_sides("=neck", *_ARM),
        *_both_sides("=mid_hip", *_LEG),
        ("neck", "nose"),
        *_both_sides("=nose", "eye", "ear"),
        *_both_sides("ankle", "big_toe", "small_toe"),
        *_both_sides("ankle", "heel"),
    ),
)  # fmt: skip

COCO_17 = Skeleton(
    "coco17",
    joints=(
        "nose", "left_eye", "right_eye", "left_ear", "right_ear",
        "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
        "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
    ),
    limbs=(
        *_both_sides(*_ARM),
        *_both_sides("shoulder", *_LEG),
        ("right_shoulder", "left_shoulder"),
        ("right_hip", "left_hip"),
        *_both_sides("=nose", "eye", "ear"),
    ),
)  # fmt: skip

H36M_17 = Skeleton(
    "h36m17",
    joints=(
        "mid_hip", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
        "spine", "neck", "nose", "head_top",
        "left_shoulder", "left_elbow", "left_wrist", "right_shoulder", "right_elbow", "right_wrist",
    ),
    limbs=(
        *_chain("mid_hip", "spine", "neck", "nose", "head_top"),
        *_both_sides("=neck", *_ARM),
        *_both_sides("=mid_hip", *_LEG),
    ),
)  # fmt: skip

BLAZEPOSE_33 = Skeleton(
    "blazepose33",
    joints=(
        "nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer",
        "left_ear", "right_ear", "left_mouth", "right_mouth",
        "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
        "left_pinky", "right_pinky", "left_index", "right_index", "left_thumb", "right_thumb",
        "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
        "left_heel", "right_heel", "left_big_toe", "right_big_toe",
    ),
    limbs=(
        *_both_sides(*_ARM, "pinky", "index", "wrist", "thumb"),
        *_both_sides("shoulder", *_LEG, "heel", "big_toe", "ankle"),
        ("right_shoulder", "left_shoulder"),
        ("right_hip", "left_hip"),
        ("right_mouth", "left_mouth"),
        *_both_sides("=nose", "eye_inner", "eye", "eye_outer", "ear"),
    ),
)  # fmt: skip


def _numbered(stem: str, numbers: range) -> tuple[str, ...]:
    return tuple(f"{stem}_{n}" for n in numbers)


_EYE_RIGHT = ("eye_outer", "eye_top_outer", "eye_top_inner", "eye_inner", "eye_bottom_inner", "eye_bottom_outer")
_EYE_LEFT = ("eye_inner", "eye_top_inner", "eye_top_outer", "eye_outer", "eye_bottom_outer", "eye_bottom_inner")

_FACE_JOINTS = (
    *_numbered("right_jaw", range(1, 9)), "chin", *_numbered("left_jaw", range(8, 0, -1)),
    *_numbered("right_brow", range(1, 6)), *_numbered("left_brow", range(5, 0, -1)),
    *_numbered("nose_bridge", range(1, 5)),
    "right_nostril_1", "right_nostril_2", "nose_base", "left_nostril_2", "left_nostril_1",
    *(f"right_{part}" for part in _EYE_RIGHT), *(f"left_{part}" for part in _EYE_LEFT),
    "right_lips", "right_lips_upper_1", "right_lips_upper_2", "lips_top",
    "left_lips_upper_2", "left_lips_upper_1", "left_lips",
    "left_lips_lower_1", "left_lips_lower_2", "lips_bottom", "right_lips_lower_2", "right_lips_lower_1",
    "right_mouth", "right_mouth_upper", "mouth_top", "left_mouth_upper", "left_mouth",
    "left_mouth_lower", "mouth_bottom", "right_mouth_lower",
)  # fmt: skip

FACE_68 = Skeleton(
    "face68",
    joints=_FACE_JOINTS,
    limbs=(
        *_chain(*_FACE_JOINTS[0:17]), *_chain(*_FACE_JOINTS[17:22]), *_chain(*_FACE_JOINTS[22:27]),
        *_chain(*_FACE_JOINTS[27:31]), *_chain(*_FACE_JOINTS[31:36]),
        *_chain(*_FACE_JOINTS[36:42], _FACE_JOINTS[36]), *_chain(*_FACE_JOINTS[42:48], _FACE_JOINTS[42]),
        *_chain(*_FACE_JOINTS[48:60], _FACE_JOINTS[48]), *_chain(*_FACE_JOINTS[60:68], _FACE_JOINTS[60]),
    ),
)  # fmt: skip

FACE_BOX = ("face_box_1", "face_box_2")
"""Two opposite corners of a face's box, on the edges of pixels, from a face detector."""

PERSON_88 = Skeleton(
    "person88", joints=(*OPENPOSE_18.joints, *FACE_68.joints, *FACE_BOX), limbs=(*OPENPOSE_18.limbs, *FACE_68.limbs)
)
"""OPENPOSE_18 with the landmarks and the box of the face; any of them may be missing, like joints."""

FACE_70 = Skeleton("face70", joints=(*FACE_68.joints, "right_pupil", "left_pupil"), limbs=FACE_68.limbs)
"""OpenPose's face: FACE_68 and both pupils."""

_FINGERS = ("thumb", "index", "middle", "ring", "pinky")


def _hand(side: str) -> Skeleton:
    """A hand as OpenPose, COCO-WholeBody and Halpe count it: its root, and four joints per finger, thumb first."""
    root = f"{side}_hand_root"
    fingers = [_numbered(f"{side}_{finger}", range(1, 5)) for finger in _FINGERS]
    joints = (root, *(joint for finger in fingers for joint in finger))
    return Skeleton(f"{side}_hand21", joints, tuple(limb for finger in fingers for limb in _chain(root, *finger)))


LEFT_HAND_21, RIGHT_HAND_21 = _hand("left"), _hand("right")


def _feet(name: str, *joints: str) -> Skeleton:
    names = tuple(f"{side}_{joint}" for side in ("left", "right") for joint in joints)
    return Skeleton(name, names, ())


COCO_FEET_6 = _feet("coco_feet6", "big_toe", "small_toe", "heel")
HALPE_9 = Skeleton(
    "halpe9",
    joints=(
        "head_top", "neck", "mid_hip", "left_big_toe", "right_big_toe", "left_small_toe", "right_small_toe",
        "left_heel", "right_heel",
    ),
    limbs=(("head_top", "neck"), ("neck", "mid_hip")),
)  # fmt: skip
"""What Halpe's sets have beyond COCO's 17."""


def _together(name: str, *parts: Skeleton) -> Skeleton:
    return Skeleton(
        name,
        joints=tuple(joint for part in parts for joint in part.joints),
        limbs=tuple(limb for part in parts for limb in part.limbs),
    )


COCO_WHOLEBODY_133 = _together("coco_wholebody133", COCO_17, COCO_FEET_6, FACE_68, LEFT_HAND_21, RIGHT_HAND_21)
HALPE_26 = _together("halpe26", COCO_17, HALPE_9)
HALPE_136 = _together("halpe136", COCO_17, HALPE_9, FACE_68, LEFT_HAND_21, RIGHT_HAND_21)
OPENPOSE_130 = _together("openpose130", OPENPOSE_18, FACE_70, LEFT_HAND_21, RIGHT_HAND_21)
OPENPOSE_137 = _together("openpose137", OPENPOSE_25, FACE_70, LEFT_HAND_21, RIGHT_HAND_21)
"""OPENPOSE_25 (OPENPOSE_130: OPENPOSE_18) with face and hands."""

# Lines along which PG2's and GFLA's masks of a person run: not from shoulder to ear, but along sides, hips and head.
BODY_LINES: tuple[tuple[str, str], ...] = (
    *(limb for limb in OPENPOSE_18.limbs if limb not in _both_sides("shoulder", "ear")),
    *_both_sides("=neck", "ear"),
    *_both_sides("hip", "shoulder"),
    ("right_hip", "left_hip"),
    ("right_ear", "left_ear"),
)

SKELETONS: Registry[Skeleton] = Registry("skeleton")
for _skeleton in (
    OPENPOSE_18, OPENPOSE_25, COCO_17, H36M_17, BLAZEPOSE_33, FACE_68, PERSON_88,
    HALPE_26, COCO_WHOLEBODY_133, HALPE_136, OPENPOSE_130, OPENPOSE_137,
):  # fmt: skip
    SKELETONS.add(_skeleton.name, _skeleton)
