"""What a photo hides of a body is copied from the side that it shows."""

from dataclasses import replace

import pytest
import torch

import reposer
from reposer.animation.video import PhotoAnimation
from reposer.core import Pose
from reposer.core.composition import COPIED, INVENTED, KEPT, KINDS, MIRRORED
from reposer.core.images import from_uint8, to_uint8
from reposer.core.skeleton import OPENPOSE_18
from reposer.core.truth import PARTS
from reposer.data.poses.presets import preset
from reposer.generators.trueflow import composing
from reposer.generators.trueflow.geometry import Body, Geometry, Match, sample
from reposer.generators.trueflow.other_side import MIRRORS, Mirror, other_sides, source_sides
from reposer.pipeline import transfer
from reposer.synthetic.people import SyntheticPeople

SIZE, HALF = (128, 96), (64, 48)
NOBODY = Pose(torch.zeros(1, 18, 2), torch.zeros(1, 18, dtype=torch.bool), SIZE)


def slab(part: str, depth: float, part_of_right_half: str | None = None) -> Body:
    """A flat body over the whole picture, `depth` statures before its middle; in the right half, another part."""
    y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float32) for n in HALF), indexing="ij")
    surface = torch.stack([(x - 23.5) / 100, (31.5 - y) / 100, torch.full(HALF, depth)])[None]
    parts = torch.full((1, len(PARTS), *HALF), -20.0)
    parts[:, PARTS.index(part), :, :24] = 20
    parts[:, PARTS.index(part_of_right_half or part), :, 24:] = 20
    return Body(parts, surface, parts, parts, parts[..., 0, 0])


def pair(source: Body, target: Body) -> Geometry:
    nothing = torch.zeros(1, 2, *HALF)
    return Geometry(source, target, Match(nothing, nothing[:, :1], nothing[:, 0], nothing[:, 0, :, :1]))


def own_places() -> torch.Tensor:
    y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float32) for n in SIZE), indexing="ij")
    return torch.stack([x, y])[None]


def sides(geometry, pose, hidden):
    return other_sides(source_sides(geometry.source, pose), geometry.target, geometry.match.place, hidden)


def looked_up(geometry, pose=NOBODY, hidden=None):
    hidden = torch.ones(1, 1, *SIZE) if hidden is None else hidden
    return dict(zip(MIRRORS, sides(geometry, pose, hidden), strict=True))


def test_a_back_is_copied_from_the_front_at_the_same_height_and_side():
    found = looked_up(pair(slab("torso", 0.06), slab("torso", -0.06)))
    front = found[Mirror((1, 1, -1), False)]
    inside = (slice(None), slice(None), slice(16, -16), slice(16, -16))  # the source's rim is not copied
    assert front.shown[inside].min() == 1
    assert (front.place - own_places())[inside].abs().max() < 1
    assert found[Mirror((-1, 1, -1), True)].shown[inside].max() == 0, "nothing is left to be looked up"


@pytest.mark.slow
def test_a_left_arm_is_copied_from_the_right_one_with_the_picture_mirrored():
    geometry = pair(slab("right_lower_arm", 0.06), slab("left_lower_arm", 0.06))
    found = looked_up(geometry)[Mirror((-1, 1, 1), True)]
    inside = (slice(None), slice(None), slice(16, -16), slice(16, -16))
    own = own_places()
    opposite = torch.stack([SIZE[1] - 1 - own[:, 0], own[:, 1]], 1)
    assert found.shown[inside].min() == 1 and (found.place - opposite)[inside].abs().max() < 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "source, target", [("face", "hair"), ("hair", "hair"), ("left_upper_leg", "torso"), ("background", "torso")]
)
def test_neither_a_head_nor_another_part_nor_what_lies_far_off_is_copied(source, target):
    assert (
        max(float(side.shown.max()) for side in looked_up(pair(slab(source, 0.06), slab(target, -0.06))).values()) == 0
    )
    far = looked_up(pair(slab("torso", 0.06), slab("torso", -0.3)))
    assert max(float(side.shown.max()) for side in far.values()) == 0


def test_nothing_is_looked_up_for_what_is_copied_already():
    geometry = pair(slab("torso", 0.06), slab("torso", -0.06))
    found = sides(geometry, NOBODY, torch.zeros(1, 1, *SIZE))
    assert max(float(side.shown.max()) for side in found) == 0


def test_an_arm_and_its_hand_in_front_of_the_body_are_not_copied_onto_its_back():
    xy, visible = torch.zeros(1, 18, 2), torch.zeros(1, 18, dtype=torch.bool)
    for name, place in (("left_elbow", (80.0, 64.0)), ("left_wrist", (60.0, 64.0))):
        joint = OPENPOSE_18.index(name)
        xy[0, joint], visible[0, joint] = torch.tensor(place), True
    shown = looked_up(pair(slab("torso", 0.06), slab("torso", -0.06)), Pose(xy, visible, SIZE))[MIRRORS[0]].shown[0, 0]
    assert shown[62:66, 50:80].max() == 0, "the forearm, and the hand beyond the wrist"
    assert shown[20:40, 20:76].min() == 1


@pytest.mark.slow
def test_each_row_is_what_it_is_alone():
    both = [pair(slab("torso", 0.06), slab("torso", -0.06)), pair(slab("right_hand", 0.02), slab("left_hand", 0.02))]
    stacked = Geometry(
        *(
            Body(*(torch.cat([getattr(getattr(g, of), name) for g in both]) for name in Body.__dataclass_fields__))
            for of in ("source", "target")
        ),
        Match(*(torch.cat([getattr(g.match, name) for g in both]) for name in Match.__dataclass_fields__)),
    )
    poses = Pose(NOBODY.xy.expand(2, -1, -1), NOBODY.visible.expand(2, -1), SIZE)
    together = sides(stacked, poses, torch.ones(2, 1, *SIZE))
    for row, geometry in enumerate(both):
        for ours, alone in zip(together, sides(geometry, NOBODY, torch.ones(1, 1, *SIZE)), strict=True):
            assert torch.allclose(ours.place[row], alone.place[0], atol=1e-3)
            assert torch.allclose(ours.shown[row], alone.shown[0], atol=1e-4)


@pytest.mark.slow
def test_a_person_seen_from_behind_wears_the_photos_clothes_and_provenance_says_from_where(monkeypatch):
    generator = reposer.load("trueflow")
    shot = SyntheticPeople((256, 192), "test", 40).held_out_demo(1)[0]
    photo, front = to_uint8(shot.source), shot.source_pose
    other = list(OPENPOSE_18.mirror)
    behind = replace(front, xy=front.xy[other], visible=front.visible[other])
    for joint in ("nose", "left_eye", "right_eye"):
        behind.visible[OPENPOSE_18.index(joint)] = False
    made = transfer(generator, photo, front, behind, provenance=True)
    kind = made.provenance.kind
    mirrored = kind == MIRRORED
    assert made.provenance.shares[KINDS[MIRRORED]] > 0.03
    assert mirrored.sum() > ((kind == INVENTED) | (kind == COPIED)).sum() / 3
    there = sample(from_uint8(photo)[None], made.provenance.place.nan_to_num(0).movedim(-1, 0)[None])[0].movedim(0, -1)
    difference = (there - from_uint8(made.picture).movedim(0, -1)).abs().amax(-1)[mirrored]
    assert difference.median() < 2 / 255 and (difference < 0.1).float().mean() > 0.8
    plain = transfer(generator, photo, front, behind, provenance=True, other_side="plain")
    assert plain.provenance.shares[KINDS[MIRRORED]] == 0
    assert (plain.provenance.kind[mirrored] == INVENTED).float().mean() > 0.99
    assert (plain.picture == made.picture)[kind == KEPT].float().mean() > 0.999, "but for the edge of hair"
    monkeypatch.setattr(composing, "other_sides", lambda *_: pytest.fail("nothing is looked up there"))
    without = transfer(generator, photo, front, behind, other_side="plain")
    assert torch.equal(plain.picture, without.picture), "nor does a colour come from there"


@pytest.mark.slow
def test_a_clip_has_what_a_picture_has_hands_and_other_side_or_not():
    generator = reposer.load("trueflow")
    shot = SyntheticPeople((256, 192), "test", 40).held_out_demo(1)[0]
    photo, own = to_uint8(shot.source), shot.source_pose
    wanted = preset("arms-up")
    for other_side in ("mirrored", "plain"):
        animation = PhotoAnimation(generator, photo, own, Pose.stack([wanted, wanted]), other_side=other_side)
        frames = [frame.picture for frame in animation.frames()]
        still = transfer(generator, photo, own, wanted, other_side=other_side).picture
        for frame in frames:
            assert (frame.int() - still.int()).abs().float().mean() < 0.5


def test_where_most_of_a_limb_is_shown_the_rest_is_left_to_the_network():
    hidden = torch.zeros(1, 1, *SIZE)
    hidden[..., :24] = 1
    geometry = pair(slab("torso", 0.06), slab("torso", -0.06))
    assert max(float(side.shown.max()) for side in looked_up(geometry, hidden=hidden).values()) == 0
    hidden[..., :60] = 1
    assert looked_up(geometry, hidden=hidden)[MIRRORS[0]].shown[0, 0, 30:90, 16:50].min() > 0.99
