"""Whose picture a name says it is."""

from reposer.data.pairs import market_identity, name_identity


def test_identities_are_cut_from_names():
    assert name_identity("fashionWOMENTees_Tanksid0000508545_1front.jpg") == "fashionWOMENTees_Tanksid0000508545"
    assert name_identity("alone.jpg") == "alone"
    assert market_identity("0432_c5s1_105323_05.jpg") == "0432"
    assert market_identity("-1_c1s1_000401_03.jpg") is None and market_identity("0000_c1s1_0.jpg") is None
