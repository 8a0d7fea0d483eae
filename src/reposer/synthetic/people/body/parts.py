"""Names of what a pixel can show, and which surfaces are shaded as one."""

PARTS = (
    "background",
    "hair",
    "face",
    "neck",
    "torso",
    "hips",
    "skirt",
    "right_upper_arm",
    "right_lower_arm",
    "right_hand",
    "left_upper_arm",
    "left_lower_arm",
    "left_hand",
    "right_upper_leg",
    "right_lower_leg",
    "right_shoe",
    "left_upper_leg",
    "left_lower_leg",
    "left_shoe",
    "outer",
)
SKIN, TOP, JACKET, LOWER, HAIR, SHOES = range(1, 7)


def part(name: str) -> int:
    return PARTS.index(name)
