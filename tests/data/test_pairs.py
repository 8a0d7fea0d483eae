"""The rule behind the published pairs."""

from reposer.data.pairs import derive_pairs, market_identity, name_identity

from .folders import some_pose


def test_all_ordered_pairs_of_one_identity_whose_shoulders_and_hips_are_seen():
    poses = {
        "a_1.jpg": some_pose(),
        "b_1.jpg": some_pose(),
        "a_2.jpg": some_pose(missing=(0, 4)),  # nose and wrist may be missing
        "a_3.jpg": some_pose(missing=(8,)),  # a hip may not
        "b_2.jpg": some_pose(),
    }
    assert derive_pairs(poses) == [
        ("a_1.jpg", "a_2.jpg"),
        ("a_2.jpg", "a_1.jpg"),
        ("b_1.jpg", "b_2.jpg"),
        ("b_2.jpg", "b_1.jpg"),
    ]
    assert len(derive_pairs(poses, require=("nose",))) == 2 + 2


def test_identities_are_cut_from_names():
    assert (
        name_identity("fashionWOMENTees_Tanksid0000508545_1front.jpg") == "fashionWOMENTees_Tanksid0000508545"
    )
    assert name_identity("alone.jpg") == "alone"
    assert market_identity("0432_c5s1_105323_05.jpg") == "0432"
    assert market_identity("-1_c1s1_000401_03.jpg") is None and market_identity("0000_c1s1_0.jpg") is None
