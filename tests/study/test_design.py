"""Everybody's questions follow from the study and a number; shares are equal; nobody sees a pair twice."""

from collections import Counter

import pytest

from reposer.core import BadInput
from reposer.study import questions
from reposer.study.design import REAL, SCRAMBLED, choices
from tests.study.folders import a_study

DESIGNS = ["real-or-generated", "best"]


@pytest.mark.parametrize("design", DESIGNS)
def test_the_questions_follow_from_study_and_person(design):
    study = a_study(design)
    assert questions(study, 3) == questions(study, 3)
    assert questions(study, 3) != questions(study, 4)
    assert questions(study, 3) != questions(a_study(design, seed=1), 3)


@pytest.mark.parametrize("design", DESIGNS)
def test_nobody_is_asked_about_a_pair_twice_and_practice_comes_first(design):
    study = a_study(design)
    for person in range(30):
        asked = questions(study, person)
        assert len({q.name for q in asked}) == len(asked) == 12
        kinds = [q.kind for q in asked]
        assert kinds[:2] == ["practice"] * 2
        assert Counter(kinds) == {"practice": 2, "check": 2, "scored": 8}


def test_half_of_the_pictures_are_real_and_systems_have_equal_shares():
    for person in range(10):
        scored = [q for q in questions(a_study(), person) if q.kind == "scored"]
        assert Counter(q.candidates for q in scored) == {(REAL,): 4, ("ours",): 2, ("theirs",): 2}


def test_over_people_every_picture_is_shown_equally_often():
    study = a_study()
    shown = Counter(
        (q.candidates, q.name) for person in range(13) for q in questions(study, person) if q.kind == "scored"
    )
    for candidates, most_apart in (((REAL,), 2), (("ours",), 1), (("theirs",), 1)):
        times = [shown[candidates, name] for name in study.names]
        assert max(times) - min(times) <= most_apart
        assert sum(times) == 13 * (4 if candidates == (REAL,) else 2)


def test_every_system_stands_in_every_place_equally_often():
    study = a_study("best", systems=("a", "b", "c"), trials=9)
    for person in range(5):
        scored = [q for q in questions(study, person) if q.kind == "scored"]
        for place in range(3):
            assert Counter(q.candidates[place] for q in scored) == {"a": 3, "b": 3, "c": 3}


def test_a_check_has_one_right_answer():
    for person in range(5):
        for question in questions(a_study(), person):
            if question.kind == "check":
                assert question.candidates == (SCRAMBLED,)
        for question in questions(a_study("best"), person):
            if question.kind == "check":
                assert sorted(question.candidates) == [REAL, SCRAMBLED]


def test_what_may_be_answered_does_not_tell_what_is_shown():
    study = a_study()
    assert {choices(study, q) for q in questions(study, 0)} == {("real", "generated")}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"trials": 10}, "--trials 8"),
        ({"trials": 20}, "--trials 16"),
        ({"trials": 20, "practice": 20}, "more pictures"),
        ({"systems": ("real", "ours")}, "cannot be called 'real'"),
        ({"practice": -1}, "cannot be negative"),
    ],
)
def test_a_study_that_cannot_be_fair_is_refused_with_the_way_out(changes, says):
    with pytest.raises(BadInput, match=says):
        a_study(**changes)


def test_one_system_cannot_be_the_best():
    with pytest.raises(BadInput, match="at least two systems"):
        a_study("best", systems=("ours",))
