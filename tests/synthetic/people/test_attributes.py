"""Attributes of synthetic people: every answer is a word of the vocabulary, and most words occur."""

from collections import Counter

import numpy as np
import pytest

from reposer.synthetic.people.attributes import ATTRIBUTES, attributes
from reposer.synthetic.people.identity import sample_identity


@pytest.fixture(scope="module")
def people():
    return [sample_identity(n, np.random.default_rng(n)) for n in range(2000)]


@pytest.mark.slow
def test_every_attribute_of_two_thousand_people_is_in_the_vocabulary(people):
    for who in people:
        found = attributes(who)
        assert list(found) == list(ATTRIBUTES)
        for question, answer in found.items():
            assert answer in ATTRIBUTES[question], (question, answer)


@pytest.mark.slow
def test_every_word_of_the_vocabulary_is_worn_by_someone(people):
    answers = [attributes(who) for who in people]
    for question, words in ATTRIBUTES.items():
        counts = Counter(a[question] for a in answers)
        missing = [w for w in words if not counts[w]]
        allowed = 14 if question == "lower pattern" else 0  # fair isle is for sweaters
        assert len(missing) <= allowed, (question, missing)


@pytest.mark.slow
def test_every_skin_tone_is_equally_likely(people):
    counts = np.bincount([who.tone for who in people], minlength=11)[1:]
    expected = len(people) / 10
    assert ((counts - expected) ** 2 / expected).sum() < 21.7  # chi-squared of 9 degrees, 1 %


@pytest.mark.slow
def test_attributes_say_what_the_identity_holds(people):
    for who in people[:200]:
        found = attributes(who)
        assert (found["outer layer"] == "none") == (who.outfit.jacket is None)
        assert (found["glasses"] == "none") == (who.face.glasses is None)
        assert (found["upper garment"] == "dress") == who.outfit.dress
        assert found["upper pattern"] == who.outfit.top.cloth.pattern
        assert found["lower pattern"] == who.outfit.lower_cloth.pattern
        assert found["sleeve"] == who.outfit.sleeve
        if who.outfit.jacket is not None:
            assert (found["outer layer worn"] == "closed") == (who.outfit.jacket.lapels == 0)
