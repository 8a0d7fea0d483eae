"""Pictures of several panels, and the names that test scripts give to files."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reposer.cli import main
from reposer.core import BadInput
from reposer.evaluation import PROTOCOLS, Folders, Protocol, score_folder
from reposer.evaluation.folder import in_words, match
from reposer.evaluation.folder_geometry import Declared
from reposer.evaluation.strips import Strip, chosen_panel

from .test_score import picture, save

PLAIN = Protocol("plain", metrics=("psnr", "l1"))
SIZE = (32, 22)


def strips(root, panels, *, panel, size=SIZE):
    """Three pairs A___B_vis whose generated picture is one of the panels; the others are noise."""
    for k in range(3):
        truth = picture(k, SIZE)
        save(root / f"t/b_{k}.png", truth)
        save(root / f"t/a_{k}.png", picture(50 + k, SIZE))
        own = [picture(100 + 9 * k + n, size) for n in range(panels)]
        own[panel - 1] = np.clip(picture(k, size).astype(int) // 2, 0, 255).astype(np.uint8)
        save(root / f"g/a_{k}___b_{k}_vis.png", np.concatenate(own, axis=1))
        save(root / f"alone/a_{k}___b_{k}_vis.png", own[panel - 1])


def scored(root, rule=PLAIN, *, generated="g", **more):
    folders = Folders(root / generated, root / "t", **more)
    return score_folder(folders, rule, root / "o", workers=0, show=False)


@pytest.mark.parametrize(("panels", "panel"), [(5, 5), (3, 2), (2, 1)])
def test_a_panel_of_a_strip_is_scored_as_the_picture_alone(panels, panel, tmp_path):
    strips(tmp_path, panels, panel=panel)
    alone = scored(tmp_path, generated="alone").report
    assert scored(tmp_path, declared=Declared(strip=Strip(panels, panel))).report.rows == alone.rows


def test_strips_whose_panels_have_names_need_no_other_folder(tmp_path, capsys):
    """A folder of strips (source, target, generated) gets the scores of the folders it was made from."""
    strips(tmp_path, 3, panel=3)
    for path in (tmp_path / "g").iterdir():
        whole = np.array(Image.open(path))
        whole[:, SIZE[1] : 2 * SIZE[1]] = np.array(Image.open(tmp_path / f"t/b_{path.stem[-5]}.png"))
        save(tmp_path / f"named/{path.stem}.png", whole)
    (tmp_path / "named/cut.png").write_bytes((tmp_path / "named" / path.name).read_bytes()[:200])
    options = ["--protocol", "reposer-v1-reconstruction", "--workers", "0", "--out"]
    columns = ["--strips", "source", "target", "generated"]
    assert main(["score", str(tmp_path / "named"), *columns, *options, str(tmp_path / "o")]) == 1  # l1-limbs is absent
    assert "cut.png" in capsys.readouterr().out
    main(["score", str(tmp_path / "alone"), "--targets", str(tmp_path / "t"), *options, str(tmp_path / "p")])
    found, expected = (json.loads((tmp_path / name / "report.json").read_text()) for name in ("o", "p"))
    assert found["summary"]["l1"]["mean"] == expected["summary"]["l1"]["mean"] > 0
    assert found["pairs"] == 3


@pytest.mark.parametrize(
    "options",
    [
        ["--strips", "source", "target"],
        ["--strips", "generated", "generated", "target"],
        ["--strips", "source", "generated"],
        ["--strips", "target", "generated", "--strip", "2"],
        ["--strips"],
        [],
    ],
)
def test_strips_that_do_not_say_what_is_needed_are_refused(options, tmp_path, capsys):
    assert main(["score", str(tmp_path), *options, "--out", str(tmp_path / "o")]) == 2
    assert "--strips" in (said := capsys.readouterr().err) or "--targets" in said


def test_files_of_which_none_can_be_cut_are_refused_with_the_first_one_s_reason(tmp_path, capsys):
    save(tmp_path / "g/a.png", picture(1, (32, 67)))
    save(tmp_path / "g/b.png", picture(2, (32, 68)))
    options = ["--strips", "source", "target", "generated", "--out", str(tmp_path / "o"), "--workers", "0"]
    assert main(["score", str(tmp_path / "g"), *options]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "a.png: it is 67 pixels wide, which 3 panels cannot share evenly" in said and "b.png" not in said


@pytest.mark.parametrize("name", ["reposer-v1", "patn2019", "gfla2020", "reposer-v1-reconstruction"])
@pytest.mark.parametrize("panels", [2, 3, 5])
def test_a_strip_is_refused_by_that_word_with_the_way_out_whatever_the_protocol(panels, name, tmp_path):
    strips(tmp_path, panels, panel=1)
    rule = replace(PROTOCOLS[name], metrics=("l1",), suite=(), tails={}, reference_set="")
    with pytest.raises(BadInput) as refusal:
        scored(tmp_path, rule)
    said = str(refusal.value)
    assert f"a strip of {panels} panels of 32x22" in said and "--strip PANELS --panel K" in said


def test_the_reason_comes_first_and_is_not_hidden_behind_pairs_that_are_missing(tmp_path):
    strips(tmp_path, 5, panel=5)
    wanted = [(f"A{k}.png", f"A{k + 1}.png") for k in range(50)]
    wanted += [(f"a_{k}.png", f"b_{k}.png") for k in range(3)]
    with pytest.raises(BadInput, match=r"can be scored \(a_0___b_0_vis.png and 2 more: it is 32x110 pixels, a strip"):
        scored(tmp_path, wanted=wanted)


def test_square_panels_are_asked_for_their_geometry_like_any_square(tmp_path):
    strips(tmp_path, 3, panel=3, size=(32, 32))
    with pytest.raises(BadInput, match=r"strip of 3 square panels of 32x32"):
        scored(tmp_path)
    with pytest.raises(BadInput, match=r"--geometry squashed"):
        scored(tmp_path, declared=Declared(strip=Strip(3, 3)))
    found = scored(tmp_path, declared=Declared("padded", strip=Strip(3, 3)))
    assert found.report.geometry == "padded" and len(found.report.rows) == 3


def test_panels_that_cannot_be_are_refused(tmp_path):
    with pytest.raises(BadInput, match="say with --panel K which one"):
        chosen_panel(5, None)
    for panels, panel in ((5, 6), (5, 0), (1, 2), (0, 1)):
        with pytest.raises(BadInput, match="not possible"):
            chosen_panel(panels, panel)
    strips(tmp_path, 5, panel=5)
    with pytest.raises(BadInput, match="110 pixels wide, which 4 panels cannot share evenly"):
        scored(tmp_path, declared=Declared(strip=Strip(4, 1)))


def paths(*stems):
    return {stem: Path(f"{stem}.png") for stem in stems}


def test_names_that_join_two_file_names_by_one_underscore_are_matched():
    generated = {"A_1.jpg_B_2.jpg": Path("A_1.jpg_B_2.jpg.png")}
    ((pair,), problems) = match(generated, paths("A_1", "B_2"), None)
    assert (pair.name, pair.source_name, pair.target.stem) == ("A_1_2_B_2", "A_1", "B_2") and not problems


def test_plain_numbers_count_the_list_of_pairs_from_0():
    wanted = [("c.jpg", "a.jpg"), ("a.jpg", "b.jpg"), ("b.jpg", "c.jpg")]
    pairs, problems = match(paths("0", "1", "0002"), paths("a", "b", "c"), None, wanted)
    assert {p.generated.stem: p.name for p in pairs} == {"0": "c_2_a", "1": "a_2_b", "0002": "b_2_c"}
    assert not problems
    from_one, _ = match(paths("1", "2", "3"), paths("a", "b", "c"), None, wanted)
    assert {p.generated.stem: p.name for p in from_one} == {"1": "c_2_a", "2": "a_2_b", "3": "b_2_c"}


def test_numbers_whose_beginning_cannot_be_told_are_refused():
    wanted = [("c.jpg", "a.jpg"), ("a.jpg", "b.jpg"), ("b.jpg", "c.jpg")]
    with pytest.raises(BadInput, match="whether the list's first pair is 0 or 1 cannot be told"):
        match(paths("1", "2"), paths("a", "b", "c"), None, wanted)


def test_a_number_without_a_list_or_beyond_it_says_so():
    _, problems = match(paths("0", "1"), paths("a", "b"), None)
    assert "--pairs" in problems[0].reason
    _, problems = match(paths("0", "7"), paths("a", "b"), None, [("a.jpg", "b.jpg")])
    assert problems[0].reason == "the list of 1 has no pair of that number"
    pairs, _ = match(paths("0"), paths("0", "a", "b"), None, [("a.jpg", "b.jpg"), ("a.jpg", "0.jpg")])
    assert [p.target.stem for p in pairs] == ["0"]  # a target has that name: it is no number of the list


def test_files_that_are_there_are_named_before_files_that_are_not():
    wanted = [("a.jpg", "b.jpg"), ("a.jpg", "c.jpg")]
    _, problems = match(paths("nobody", "a_2_b"), paths("a", "b", "c"), None, wanted)
    assert [p.name for p in problems] == ["nobody.png", "a_2_c"]
    assert in_words(problems)[0] == "nobody.png: its name says no target that is there"
