"""The models that may be chosen: the shipped ones and the user's files, each with what is said of it."""

import pytest

from reposer.core import BadInput
from reposer.generators import GENERATORS, save
from reposer.web.models import CARDS, choices


def tiny():
    return GENERATORS["trueflow"]().tiny().build()


@pytest.mark.slow
def test_the_default_comes_first_and_every_shipped_model_has_a_card(tmp_path):
    save(tiny(), tmp_path / "mine.safetensors", {"licence": "CC0", "data": "my photos", "recipe": "mine"})
    save(tiny(), tmp_path / "other.safetensors")
    found = choices([tmp_path / "mine.safetensors", tmp_path / "other.safetensors"])
    assert next(iter(found)) == "trueflow" and set(found) == {*CARDS, "mine", "other"}
    mine, other = found["mine"], found["other"]
    assert (mine.licence, mine.trained_on) == ("CC0", "my photos") and "mine" in mine.about
    assert "not said" in other.licence and other.size == (64, 32) and other.parameters < 100_000
    for model in found.values():
        assert str(tmp_path) not in str(model.to_plain()) and model.licence and model.trained_on


def test_what_is_no_model_of_people_is_refused(tmp_path):
    for name, says in (("a.pth", "safetensors"), ("nothing.safetensors", "There is no file")):
        with pytest.raises(BadInput, match=says):
            choices([tmp_path / name])
    save(tiny(), tmp_path / "mine.safetensors")
    with pytest.raises(BadInput, match="twice"):
        choices([tmp_path / "mine.safetensors"] * 3)
