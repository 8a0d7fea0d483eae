import pytest

from reposer.core import SKELETONS
from reposer.core.skeleton import FACE_68, OPENPOSE_18

everyone = pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=list(SKELETONS))


@everyone
def test_the_mirror_of_the_mirror_is_the_joint(skeleton):
    assert [skeleton.mirror[k] for k in skeleton.mirror] == list(range(len(skeleton)))


@everyone
def test_joints_are_unique_and_limbs_join_joints(skeleton):
    assert len(set(skeleton.joints)) == len(skeleton.joints)
    assert all(a in skeleton and b in skeleton and a != b for a, b in skeleton.limbs)


@everyone
def test_the_length_is_in_the_name(skeleton):
    assert skeleton.name.endswith(str(len(skeleton)))


@everyone
def test_limbs_are_symmetric(skeleton):
    limbs = {frozenset(limb) for limb in skeleton.limb_indices}
    assert {frozenset(skeleton.mirror[k] for k in limb) for limb in limbs} == limbs


def test_openpose_18_has_the_published_nineteen_limbs():
    published = (
        "1-2,1-5,2-3,3-4,5-6,6-7,1-8,8-9,9-10,1-11,11-12,12-13,1-0,0-14,14-16,0-15,15-17,2-16,5-17"  # (Cao et al. 2017)
    )
    expected = {frozenset(map(int, limb.split("-"))) for limb in published.split(",")}
    assert {frozenset(limb) for limb in OPENPOSE_18.limb_indices} == expected


def test_the_face_mirrors_by_the_published_places():
    pairs = {0: 16, 7: 9, 8: 8, 17: 26, 21: 22, 27: 27, 31: 35, 33: 33, 36: 45, 39: 42, 41: 46, 48: 54, 51: 51}
    pairs |= {50: 52, 55: 59, 57: 57, 60: 64, 61: 63, 65: 67, 66: 66}
    assert {k: FACE_68.mirror[k] for k in pairs} == pairs


@everyone
def test_the_body_is_all_below_the_head_and_a_face_alone_is_its_own(skeleton):
    names = {skeleton.joints[k] for k in skeleton.body_indices}
    if skeleton == FACE_68:
        assert names == set(skeleton.joints)
    else:
        assert {"left_shoulder", "right_ankle"} <= names and "nose" not in names
        assert not any(word in name for name in names for word in ("eye", "_ear", "mouth", "head"))
