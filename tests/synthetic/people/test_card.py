"""The data card: counts add up, and each is what a direct look at the people gives."""

import json

import pytest
from PIL import Image

from reposer.cli import main
from reposer.core.skeleton import OPENPOSE_18
from reposer.synthetic.people import SyntheticPeople
from reposer.synthetic.people.attributes import attributes
from reposer.synthetic.people.card import card, charts, tables

SMALL = (64, 48)
PEOPLE = 6


@pytest.fixture(scope="module")
def found():
    return card(PEOPLE, SMALL, workers=1)


@pytest.mark.slow
def test_counts_and_shares_add_up(found):
    assert found["people"] == PEOPLE and found["pictures"] == 2 * PEOPLE
    assert sum(found["skin_tone"].values()) == PEOPLE
    for name in ("crop", "facing", "yaw", "scene", "parts"):
        assert sum(found[name].values()) == pytest.approx(1), name
    for question, shares in found["attributes"].items():
        assert sum(shares.values()) == pytest.approx(1), question


@pytest.mark.slow
def test_every_number_is_what_a_direct_look_gives(found):
    data = SyntheticPeople(SMALL)
    who = [data.who(n) for n in range(PEOPLE)]
    renderings = [data.rendered([(n, 0), (n, 1)]) for n in range(PEOPLE)]
    statures = [person.body.stature for person in who]
    assert found["body"]["stature"]["mean"] == pytest.approx(sum(statures) / PEOPLE)
    assert found["body"]["stature"]["max"] == max(statures)
    assert found["skin_tone"]["3"] == sum(person.tone == 3 for person in who)
    plain = sum(attributes(person)["upper pattern"] == "plain" for person in who)
    assert found["attributes"]["upper pattern"]["plain"] == plain / PEOPLE
    areas = [float(mask.float().mean()) for d in renderings for mask in d.mask]
    assert found["person_area"]["mean"] == pytest.approx(sum(areas) / len(areas))
    assert found["person_area"]["min"] == pytest.approx(min(areas))
    shown = []
    for d in renderings:
        flow, visible = d.flow(0, 1)
        shown.append(float(visible.sum() / (~flow[0].isnan()).sum()))
    assert found["flow_visible"]["mean"] == pytest.approx(sum(shown) / PEOPLE)


@pytest.mark.slow
def test_a_joint_is_missed_or_found_only_where_it_can_be(found):
    assert list(found["joints"]) == list(OPENPOSE_18.joints)
    data, k = SyntheticPeople(SMALL), OPENPOSE_18.index("right_wrist")
    visible = missed = 0
    for n in range(PEOPLE):
        rendering = data.rendered([(n, 0), (n, 1)])
        sees = rendering.poses[OPENPOSE_18.name].visible[:, k]
        visible += int(sees.sum())
        missed += int((sees & ~rendering.detected.visible[:, k]).sum())
    assert found["joints"]["right_wrist"]["missed"] == pytest.approx(missed / visible)
    assert all(0 <= share <= 1 for row in found["joints"].values() for share in row.values())


def test_no_design_is_worn_in_two_splits(found):
    assert set(found["designs"]) == {"train", "val", "test", "shared"}
    assert set(found["designs"]["shared"].values()) == {0}
    for split in ("train", "val", "test"):
        assert 0 < found["designs"][split]["designs"] <= found["designs"][split]["garments"]


def test_the_number_of_processes_changes_no_number(found):
    assert card(PEOPLE, SMALL, workers=2) == found


@pytest.mark.slow
def test_the_command_prints_json_and_tables_and_writes_charts(found, tmp_path, capsys):
    options = ["data", "card", "--people", str(PEOPLE), "--size", "64", "48", "--workers", "1"]
    assert main([*options, "--json", "--chart", str(tmp_path / "card.png")]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(found))
    with Image.open(tmp_path / "card.png") as chart:
        assert chart.size == charts(found).shape[1::-1]
    text = tables(found)
    assert f"{PEOPLE} people, {2 * PEOPLE} pictures of 64x48" in text
    for table in text.split("\n\n"):
        widths = {line.count("|") for line in table.strip().splitlines()}
        assert len(widths) == 1, table
