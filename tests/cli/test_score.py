"""Folders of pictures through the command line: reports, exit codes, comparisons."""

import csv
import importlib
import io
import json
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

from reposer.cli import main
from reposer.core import BadInput, Pose
from reposer.data.lists import write_annotation
from reposer.evaluation import Protocol
from reposer.synthetic.people import SyntheticPeople, write_people

SIZE = (64, 44)


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Rendered people as files, and a folder of generated pictures: the targets with every third row black."""
    root = tmp_path_factory.mktemp("people")
    write_people(root / "data", size=SIZE, num_train=1, num_test=2, views=3, truth=True, workers=1, progress=False)
    pictures = sorted((root / "data/test").glob("*.png"))
    for source in pictures:
        for target in pictures:
            if source != target and source.stem[:-1] == target.stem[:-1]:
                generated = Image.open(target).copy()
                for y in range(0, SIZE[0], 3):
                    generated.paste((0, 0, 0), (0, y, SIZE[1], y + 1))
                (root / "generated").mkdir(exist_ok=True)
                generated.save(root / "generated" / f"{source.stem}_2_{target.stem}_vis.png")
    return root


def command(people, *more, protocol="reposer-v1-reconstruction"):
    arguments = [
        "score",
        people / "generated",
        "--targets",
        people / "data/test",
        "--protocol",
        protocol,
        "--workers",
        0,
    ]
    return main([str(a) for a in (*arguments, *more)])


def annotated(people):
    return ("--annotations", people / "data/fasion-resize-annotation-test.csv")


def test_a_folder_is_scored_and_leaves_three_reports(people, tmp_path, capsys):
    assert command(people, *annotated(people), "--out", tmp_path / "o", "--json", tmp_path / "copy.json") == 0
    plain = json.loads((tmp_path / "o/report.json").read_text())
    assert plain["pairs"] == 12 and set(plain["summary"]) == {"psnr", "ssim-gaussian1.5", "l1", "l1-limbs"}
    assert json.loads((tmp_path / "copy.json").read_text()) == plain
    assert len((tmp_path / "o/report.csv").read_text().splitlines()) == 13
    page = (tmp_path / "o/report.html").read_text()
    assert "data:image/png;base64" in page and "http://" not in page.replace("http://www.w3.org", "")
    assert "reposer-v1-reconstruction/psnr = " in capsys.readouterr().out


@pytest.mark.slow
def test_what_is_absent_is_said_and_the_exit_code_shows_it(people, tmp_path, capsys):
    assert command(people, "--out", tmp_path / "o") == 1
    assert "absent: l1-limbs: its mask 'limbs' is made of joints" in capsys.readouterr().out
    assert command(people, "--out", tmp_path / "p", protocol="cfld2024") == 1
    out = capsys.readouterr().out
    assert "alexnet-owt-7be5be79.pth" in out and "cfld2024/ssim-uniform51 = " in out
    assert command(people, "--out", tmp_path / "q", "--without-networks", protocol="cfld2024") == 0


def test_a_broken_picture_is_named(people, tmp_path, capsys):
    broken = sorted((people / "generated").iterdir())[0]
    whole = broken.read_bytes()
    try:
        broken.write_bytes(whole[:100])
        assert command(people, *annotated(people), "--out", tmp_path / "o") == 1
    finally:
        broken.write_bytes(whole)
    assert f"not scored: {broken.name}: the file is cut short" in capsys.readouterr().out


def test_a_damaged_source_that_no_number_looks_at_stops_nothing(people, tmp_path):
    """Its pixels are damaged behind a whole header, so that only decoding tells."""
    source = sorted((people / "data/test").iterdir())[0]
    whole = source.read_bytes()
    command(people, *annotated(people), "--out", tmp_path / "whole")
    try:
        source.write_bytes(whole[:200] + bytes(60) + whole[260:])
        command(people, *annotated(people), "--out", tmp_path / "o")
    finally:
        source.write_bytes(whole)
    pairs = [json.loads((tmp_path / f / "report.json").read_text())["pairs"] for f in ("whole", "o")]
    as_target = sum(source.stem in p.stem.partition("_2_")[2] for p in (people / "generated").iterdir())
    assert pairs[1] == pairs[0] - as_target and (tmp_path / "o/report.html").is_file()


def test_an_unknown_protocol_names_the_near_ones(people, tmp_path, capsys):
    assert command(people, "--out", tmp_path / "o", protocol="cfld") == 2
    assert "cfld2024" in capsys.readouterr().err


@pytest.mark.slow
def test_reports_compare_only_where_they_were_made_alike(people, tmp_path, capsys):
    command(people, *annotated(people), "--out", tmp_path / "a")
    command(people, *annotated(people), "--out", tmp_path / "b")
    reports = [str(tmp_path / name / "report.json") for name in ("a", "b")]
    capsys.readouterr()
    assert main(["compare", *reports, "--format", "markdown"]) == 0
    table = capsys.readouterr().out
    assert "| l1 |" in table and "| metric | a | b |" in table  # files of one name
    assert main(["compare", *reports, "--format", "latex", "--mean"]) == 0
    table = capsys.readouterr().out
    assert (
        table.startswith("\\begin{tabular}{lrrr}")
        and "mean of 2" in table
        and "l1 $\\downarrow$ &" in table
        and "% l1" not in table
    )
    assert main(["compare", *reports, "--format", "csv", "--names", "one_a", "b"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    saved = json.loads(Path(reports[0]).read_text())["summary"]["l1"]["mean"]
    first = next(row for row in rows if row["metric"] == "l1")
    assert first["system"] == "one_a" and float(first["value"]) == pytest.approx(saved, abs=6e-5)
    command(people, "--out", tmp_path / "c", "--without-networks", protocol="pidm2023")
    assert (
        main(["compare", reports[0], str(tmp_path / "c/report.json"), "--format", "markdown"]) == 0
    )  # no line in common
    command(people, "--out", tmp_path / "e", "--without-networks", protocol="cfld2024")
    capsys.readouterr()
    assert main(["compare", reports[0], str(tmp_path / "e/report.json"), "--format", "markdown"]) == 1
    assert "another protocol" in capsys.readouterr().out


@pytest.mark.slow
def test_all_protocols_in_one_table(people, tmp_path, capsys):
    few = tmp_path / "few"
    shutil.copytree(people / "data", few / "data")
    (few / "generated").mkdir()
    for picture in sorted((people / "generated").iterdir())[:3]:
        shutil.copy(picture, few / "generated")
    command(few, *annotated(few), "--out", tmp_path / "o", "--without-networks", protocol="all")
    out = capsys.readouterr().out
    for name in ("patn2019", "cfld2024", "pcdm2024", "pg2-2017"):
        assert name in out and (tmp_path / "o" / name / "report.html").is_file()


def test_a_protocol_that_can_score_nothing_does_not_stop_the_others(people, tmp_path, capsys, monkeypatch):
    score_module = importlib.import_module("reposer.evaluation")
    score_folder = score_module.score_folder

    def refuses_one(folders, rule, *more, **options):
        if rule.name == "first":
            raise BadInput("a picture [/of] another shape")
        return score_folder(folders, rule, *more, **options)

    two = {name: Protocol(name, metrics=("l1",)) for name in ("first", "second")}
    monkeypatch.setattr(score_module, "PROTOCOLS", two)
    monkeypatch.setattr(score_module, "score_folder", refuses_one)
    file = tmp_path / "all.json"
    assert command(people, "--out", tmp_path / "o", "--json", file, protocol="all") == 1
    assert "absent: first: a picture [/of] another shape" in capsys.readouterr().out
    assert set(json.loads(file.read_text())) == {"second"}


def test_without_networks_is_no_excuse_for_missing_joints(people, tmp_path):
    out = ("--out", tmp_path / "o", "--without-networks")
    assert command(people, *out) == 1
    assert command(people, *out, *annotated(people), protocol="reposer-v1-synthetic") == 0


def test_the_report_of_this_folder_lies_beside_it(people, tmp_path, monkeypatch):
    shutil.copytree(people / "generated", tmp_path / "mine")
    monkeypatch.chdir(tmp_path / "mine")
    targets, name = people / "data/test", "reposer-v1-reconstruction"
    code = main(["score", ".", "--targets", str(targets), "--protocol", name, "--workers", "0"])
    assert code == 1 and (tmp_path / f"mine-{name}/report.json").is_file()


@pytest.mark.slow
def test_the_whole_suite_runs_offline_on_rendered_people(people, tmp_path, capsys):
    code = command(
        people,
        *annotated(people),
        "--attributes",
        people / "data/truth/test/attributes.json",
        "--out",
        tmp_path / "o",
        protocol="reposer-v1-synthetic",
    )
    plain = json.loads((tmp_path / "o/report.json").read_text())
    assert plain["absent"] == {} and code == 0, plain["absent"]
    found = {finding["metric"] for finding in plain["findings"]}
    assert {
        "pckh-patn-annotation",
        "recall@5-item-source",  # six pictures: ten would find all of them
        "face-detection",
        "attribute-recall@5",
    } <= found, found
    for finding in plain["findings"]:
        assert 0 <= finding["covered"] <= finding["total"]
        assert "SHA-256" in finding["estimator"], finding


def test_the_joints_of_another_list_are_those_of_its_pictures_size(people, tmp_path):
    poses = {
        path.name: Pose(torch.full((18, 2), 20.0), torch.ones(18, dtype=torch.bool), SIZE)
        for path in (people / "data/test").glob("*.png")
    }
    write_annotation(tmp_path / "own.csv", poses, frame=SIZE)
    more = ("--annotations", tmp_path / "own.csv", "--pose-size", *SIZE, "--out", tmp_path / "o")
    assert command(people, *more) == 0


def test_rendered_people_have_names_and_attributes_for_the_suite():
    data = SyntheticPeople(SIZE, "test", 3)
    assert len({name for i in range(3) for name in data.picture_names(i)}) == 6
    assert all(data.attributes(i)["upper garment"] for i in range(3))


@pytest.mark.slow
def test_evaluate_writes_files_and_scores_them_as_score_does(people, tmp_path, capsys):
    """One way of scoring: the pictures that `evaluate` leaves behind get the same numbers and hashes from `score`."""
    common = ["--data", str(people / "data"), "--protocol", "cfld2024", "--out", str(tmp_path / "e"), "--pairs", "3"]
    assert main(["evaluate", "gfla-synthetic", *common]) == 1  # networks are absent
    generated = next((tmp_path / "e").glob("generated-cfld2024-*"))
    assert len(list(generated.glob("*.png"))) == 3
    score = ["score", generated, "--targets", people / "data/test", "--protocol", "cfld2024", "--workers", "0"]
    main([str(a) for a in (*score, *annotated(people), "--out", tmp_path / "s")])
    one, other = (json.loads((tmp_path / path).read_text()) for path in ("e/report-cfld2024.json", "s/report.json"))
    assert one["summary"] == other["summary"] and one["row_hashes"] == other["row_hashes"]
    capsys.readouterr()
    assert main(["evaluate", "gfla-synthetic", "--protocol", "cfld2024", "--out", str(tmp_path / "n")]) == 2
    assert "--data" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["unfinished", "reposer-unfinished"])
def test_a_users_folder_in_the_output_is_never_touched(people, tmp_path, capsys, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    (tmp_path / name / "state.safetensors").write_text("my novel")
    code = command(people, *annotated(people), "--out", ".")
    assert code == (0 if name == "unfinished" else 2)
    if code:
        assert "not a work folder of Reposer" in capsys.readouterr().err
    assert (tmp_path / name / "state.safetensors").read_text() == "my novel"
    assert [path.name for path in (tmp_path / name).iterdir()] == ["state.safetensors"]


@pytest.mark.parametrize("name", ["report.json", "report.csv", "report.html"])
def test_a_users_report_is_not_written_over_and_ours_is(people, tmp_path, capsys, name):
    (tmp_path / name).write_text('{"profit": 3}')
    assert command(people, *annotated(people), "--out", tmp_path) == 2
    assert name in capsys.readouterr().err and (tmp_path / name).read_text() == '{"profit": 3}'
    (tmp_path / name).unlink()
    assert [command(people, *annotated(people), "--out", tmp_path) for _ in range(2)] == [0, 0]


def test_names_of_reports_are_no_html_no_markup_and_no_escapes_in_a_comparison(people, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    names = ("<img src=x onerror=alert(1)>|[red]", "\x1b[31m[bold]x")
    reports = []
    for name in names:
        assert command(people, *annotated(people), "--out", tmp_path / name) == 0
        reports.append(str(tmp_path / name / "report.json"))
    capsys.readouterr()
    assert main(["compare", *reports, "--format", "markdown"]) == 0
    said = capsys.readouterr().out
    assert "<img" not in said and "\x1b" not in said and r"&lt;img src=x onerror=alert(1)&gt;\|\[red\]" in said
    assert len({line.replace(r"\|", "").count("|") for line in said.splitlines() if line}) == 1
    assert main(["compare", *reports]) == 0
    said = capsys.readouterr().out
    assert "\x1b" not in said and r"\x1b[31m[bold]x" in said
    page = (tmp_path / names[0] / "report.html").read_text(encoding="utf-8")
    assert "\x1b" not in page and "<img src=x" not in page
