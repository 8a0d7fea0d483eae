"""Rates, intervals and tests against closed forms; what does not count is left out by rule."""

import itertools
import json
import math

import pytest

from reposer.study import tally
from reposer.study.answers import Answer
from reposer.study.design import REAL, SCRAMBLED
from reposer.study.statistics import holm, people_interval, sign_test, wilson_interval
from tests.study.folders import a_study


@pytest.fixture(scope="module")
def stats():
    """scipy's: it takes a second, which only the process of these tests need wait."""
    from scipy import stats

    return stats


@pytest.mark.parametrize(("hits", "total"), [(0, 7), (3, 7), (7, 7), (41, 100), (1, 1)])
def test_wilson_is_scipys(hits, total, stats):
    expected = stats.binomtest(hits, total).proportion_ci(0.95, "wilson")
    assert wilson_interval(hits, total) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_at_the_ends_of_wilsons_interval_the_rate_is_z_errors_away(stats):
    z = stats.norm.ppf(0.975)
    for p in wilson_interval(13, 40):
        assert abs(13 / 40 - p) == pytest.approx(z * math.sqrt(p * (1 - p) / 40), rel=1e-12)


def test_the_sign_test_is_the_exact_binomial(stats):
    for wins, losses in itertools.product(range(8), repeat=2):
        expected = stats.binomtest(wins, wins + losses).pvalue if wins + losses else 1.0
        assert sign_test(wins, losses) == pytest.approx(expected, rel=1e-12)
    assert sign_test(10, 0) == 2 / 2**10


def test_holm_in_a_worked_example():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0] and holm([]) == []


def test_people_sampled_again_have_the_spread_of_the_binomial(stats):
    # people of one mind each: the rate of a resample is a binomial of the people, whatever they answered
    low, high = people_interval([50] * 30 + [0] * 70, [50] * 100)
    assert (low, high) == pytest.approx([k / 100 for k in stats.binom(100, 0.3).ppf([0.025, 0.975])], abs=0.011)
    independent = wilson_interval(1500, 5000)
    assert high - low > 5 * (independent[1] - independent[0])


def test_people_who_are_all_alike_leave_no_doubt_and_one_person_no_interval():
    assert people_interval([2, 4], [4, 8]) == (0.5, 0.5)
    assert all(map(math.isnan, people_interval([3], [4])))
    assert all(map(math.isnan, people_interval([3, 0], [4, 0])))
    assert people_interval([1, 2, 3], [5, 5, 5]) == people_interval([3, 1, 2], [5, 5, 5])


def answer(person, trial, candidates, said, kind="scored", exposures=1, checksum="aa"):
    return Answer(person, trial, kind, f"pair{trial:02}", candidates, {candidates[0]: checksum}, said, 500.0, exposures)


def test_r2g_and_g2r_count_what_was_mistaken():
    answers = [answer(0, k, (REAL,), "generated" if k < 1 else "real") for k in range(4)]
    answers += [answer(0, 4 + k, ("ours",), "real" if k < 3 else "generated") for k in range(4)]
    answers += [answer(1, k, ("theirs",), "real" if k < 1 else "generated") for k in range(5)]
    rates = {rate.name: (rate.hits, rate.total) for rate in tally(a_study(), 2, answers).rates}
    assert rates == {"R2G": (1, 4), "G2R, all systems": (4, 9), "G2R ours": (3, 4), "G2R theirs": (1, 5)}


def test_preferences_are_shares_of_all_choices_and_each_person_one_vote(stats):
    both = ("ours", "theirs")
    answers = [answer(p, k, both, "ours" if k < 6 else "theirs") for p in range(6) for k in range(10)]
    answers += [answer(6, k, both, both[k % 2]) for k in range(10)]
    found = tally(a_study("best"), 7, answers)
    assert [(r.name, r.hits, r.total) for r in found.rates] == [
        ("preferred ours", 41, 70),
        ("preferred theirs", 29, 70),
    ]
    people, choices = found.comparisons
    assert (people.wins, people.losses, people.ties, people.p) == (6, 0, 1, 2 / 2**6)
    assert (choices.wins, choices.losses) == (41, 29)
    assert choices.p == pytest.approx(stats.binomtest(41, 70).pvalue)


def test_practice_checks_and_people_who_do_not_look_are_left_out():
    answers = [
        answer(0, 0, (REAL,), "real", kind="practice"),
        answer(0, 1, (SCRAMBLED,), "generated", kind="check"),
        answer(0, 2, (SCRAMBLED,), "real", kind="check"),  # one slip is forgiven
        answer(0, 3, ("ours",), "real"),
        answer(0, 4, ("ours",), "real", exposures=2),
        answer(0, 5, ("ours",), "real", exposures=0),
        answer(1, 1, (SCRAMBLED,), "real", kind="check"),
        answer(1, 2, (SCRAMBLED,), "real", kind="check"),
        answer(1, 3, ("ours",), "generated"),
    ]
    found = tally(a_study(), 3, answers)
    assert (found.begun, found.finished, found.counted, found.answers) == (3, 0, 1, 1)
    assert found.left_out == {
        "practice": 1,
        "checks": 4,
        "by people who failed more than 1 checks": 1,
        "shown more than once": 1,
        "given without looking": 1,
    }
    assert next(r for r in found.rates if r.name == "G2R ours").hits == 1
    staying = tally(a_study(show_seconds=0.0), 3, answers)
    assert staying.answers == 2, "a picture that stays may be looked at again"


def test_files_that_changed_during_the_study_are_named():
    answers = [answer(p, 7, ("ours",), "real", checksum=c) for p, c in enumerate(("aa", "bb"))]
    found = tally(a_study(), 2, answers)
    assert found.changed == ("pair07",)
    assert any("pair07" in note for note in found.notes())


def test_a_study_without_answers_has_no_numbers_and_says_so_in_json():
    found = tally(a_study(), 0, [])
    plain = json.loads(json.dumps(found.to_plain(), allow_nan=False))
    assert plain["rates"][0] == {
        "name": "R2G",
        "hits": 0,
        "total": 0,
        "wilson": [None, None],
        "people": [None, None],
        "value": None,
    }
    assert plain["study"]["systems"] == ["ours", "theirs"]
