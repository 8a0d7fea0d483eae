"""`score` and `evaluate` through the command line: square pictures, Market lists, strips."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.metrics import structural_similarity

from reposer.cli import main
from reposer.core import Framing, Pose
from reposer.evaluation import PROTOCOLS
from reposer.generators import save
from reposer.generators.copy_source import CopySourceConfig
from reposer.metrics import METRICS
from reposer.nn.maps import pose_mask
from tests.evaluation.test_file_geometry import put, smooth
from tests.evaluation.test_file_geometry import save as save_picture

MARKET = (128, 64)


def row(name, xy):
    """A line of a list of joints; those that are not named are missing."""
    xs, ys = ([xy.get(k, (-1, -1))[axis] for k in range(18)] for axis in (0, 1))
    return f"{name}: {ys}: {xs}"


@pytest.fixture
def market(tmp_path):
    """Two people whose generated pictures are grey above the waist, and their list in pixels of 128x64."""
    lines = ["name:keypoints_y:keypoints_x"]
    joints = {2: (20, 30), 3: (18, 50), 5: (44, 30), 6: (46, 50), 8: (26, 66), 9: (24, 90), 11: (38, 66), 12: (40, 90)}
    for k in range(2):
        truth = np.random.default_rng(k).integers(0, 256, (*MARKET, 3), dtype=np.uint8)
        picture = truth.copy()
        picture[:60] = 128
        save_picture(tmp_path / f"t/000{k}_c1.png", truth)
        save_picture(tmp_path / f"g/000{k}_c1.png", picture)
        lines.append(row(f"000{k}_c1.png", joints))
    (tmp_path / "market-annotation-test.csv").write_text("\n".join(lines) + "\n")
    xy, visible = torch.zeros(18, 2), torch.zeros(18, dtype=torch.bool)
    for joint, place in joints.items():
        xy[joint], visible[joint] = torch.tensor(place, dtype=torch.float32), True
    mask = pose_mask(Pose.stack([Pose(xy, visible, MARKET)]), 4.0)[0, 0].bool().numpy()
    return tmp_path, mask


def right_value(root, mask):
    """scikit-image's SSIM of both pictures, black outside of the mask."""
    values = []
    for path in sorted((root / "t").iterdir()):
        truth, picture = (np.array(Image.open(p)) * mask[..., None] for p in (path, root / "g" / path.name))
        values.append(structural_similarity(truth, picture, win_size=7, channel_axis=-1, data_range=255))
    return float(np.mean(values))


def score(root, *more, protocol="pg2-2017-market", code=0):
    command = ["score", root / "g", "--targets", root / "t", "--protocol", protocol, "--out", root / "o"]
    found = main([str(a) for a in (*command, "--workers", 0, "--without-networks", *more)])
    assert found == code
    if code == 2:
        return None
    return json.loads((root / "o/report.json").read_text())


def test_a_market_list_gives_the_right_masked_ssim_without_any_option(market):
    root, mask = market
    plain = score(root, "--annotations", root / "market-annotation-test.csv", code=1)  # no sources
    found = plain["summary"]["ssim-uniform7-masked-target"]["mean"]
    assert found == pytest.approx(right_value(root, mask), abs=1e-6) and 0.5 < found < 0.95


def test_no_advice_about_a_market_list_leads_to_a_wrong_number(market, capsys):
    root, mask = market
    own = root / "my-list.csv"
    own.write_text((root / "market-annotation-test.csv").read_text())
    score(root, "--annotations", own, code=2)
    assert "--pose-size HEIGHT WIDTH (128 64 for Market-1501)" in capsys.readouterr().err
    followed = score(root, "--annotations", own, "--pose-size", 128, 64, code=1)
    found = followed["summary"]["ssim-uniform7-masked-target"]["mean"]
    assert found == pytest.approx(right_value(root, mask), abs=1e-6)
    for frame, said in (("crop176", "another shape, that of 128x64"), ("padded256", "padded256")):
        score(root, "--annotations", own, "--frame", frame, code=2)
        assert said in capsys.readouterr().err


def test_a_list_may_not_be_said_to_count_in_two_things(market, capsys):
    root, _ = market
    own = root / "market-annotation-test.csv"
    score(root, "--annotations", own, "--frame", "crop176", "--pose-size", 128, 64, code=2)
    assert "give one of them" in capsys.readouterr().err


def test_a_list_of_larger_pictures_than_it_is_said_to_be_of_is_refused(market, capsys):
    root, _ = market
    lines = ["name:keypoints_y:keypoints_x"]
    lines += [row(f"000{k}_c1.png", {j: (100 + j, 200) for j in range(8)}) for k in range(2)]
    (root / "market-annotation-test.csv").write_text("\n".join(lines) + "\n")
    score(root, "--annotations", root / "market-annotation-test.csv", code=2)
    assert "joints lie outside of the 128x64" in capsys.readouterr().err


@pytest.fixture
def people(tmp_path, monkeypatch):
    """A data set of two pictures in PATN's form, whose pairs ask for the source itself: copying it is perfect.

    Protocols are without what looks through a network: geometry is the same for all metrics, and pixels show it.
    """
    for name, protocol in PROTOCOLS.items():
        pixels = tuple(m for m in protocol.metrics if not METRICS[m].looks_through_a_network)
        monkeypatch.setitem(PROTOCOLS._entries, name, replace(protocol, metrics=pixels, suite=()))
    data = tmp_path / "data"
    names = ["person_1.png", "person_2.png"]
    for k, name in enumerate(names):
        save_picture(data / "test" / name, smooth(k, (256, 176)))
    lines = ["name:keypoints_y:keypoints_x"]
    lines += [row(name, {2: (60, 60), 3: (60, 150), 5: (110, 60), 6: (110, 150)}) for name in names]
    (data / "fasion-resize-annotation-test.csv").write_text("\n".join(lines) + "\n")
    (data / "fasion-resize-pairs-test.csv").write_text("\n".join(["from,to", *(f"{n},{n}" for n in names)]) + "\n")
    return tmp_path


def evaluated(root, size, fit, protocol):
    model = root / f"{fit}{size[1]}.safetensors"
    save(CopySourceConfig(Framing(size, fit=fit)).build(), model)
    command = ["evaluate", model, "--data", root / "data", "--protocol", protocol, "--out", root / "o"]
    main([str(a) for a in command])
    return json.loads((root / f"o/report-{protocol}.json").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["reposer-v1", "cfld2024", "pg2-2017", "reposer-v1-reconstruction"])
def test_evaluate_scores_a_perfect_generator_as_perfect_in_every_framing(protocol, people, capsys):
    plain = evaluated(people, (256, 176), "squash", protocol)
    padded = evaluated(people, (256, 256), "pad", protocol)
    squashed = evaluated(people, (256, 256), "squash", protocol)
    assert [r["geometry"] for r in (plain, padded, squashed)] == ["plain", "plain", "squashed"]
    assert plain["summary"]["psnr"]["mean"] == padded["summary"]["psnr"]["mean"] == "inf"
    perfect = squashed["summary"]["psnr"]["mean"]
    assert perfect == "inf" or perfect > 45
    assert padded["row_hashes"] == plain["row_hashes"] != squashed["row_hashes"]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["squashed", "padded"])
def test_evaluate_takes_square_data_as_the_data_set_does(form, people, capsys):
    for path in (people / "data/test").iterdir():
        pixels = np.array(Image.open(path))
        save_picture(path, put(pixels, "white" if form == "padded" else form))
    model = people / "model.safetensors"
    save(CopySourceConfig(Framing((256, 176))).build(), model)
    command = ["evaluate", model, "--data", people / "data", "--protocol", "reposer-v1", "--out", people / "o"]
    main([str(a) for a in (*command, "--pictures", form)])
    report = json.loads((people / "o/report-reposer-v1.json").read_text())
    perfect = report["summary"]["psnr"]["mean"]
    assert perfect == "inf" or perfect > 40, "both were scaled once, by two rules"
    assert report["geometry"] == "plain"


@pytest.mark.slow
def test_compare_says_that_pictures_lay_in_another_geometry(people, capsys):
    reports = []
    for k, (size, fit) in enumerate((((256, 176), "squash"), ((256, 256), "squash"))):
        evaluated(people, size, fit, "reposer-v1")
        reports.append(people / f"r{k}/report.json")
        reports[-1].parent.mkdir()
        (people / "o/report-reposer-v1.json").rename(reports[-1])
    capsys.readouterr()
    assert main(["compare", *map(str, reports), "--format", "markdown"]) == 1
    assert "another geometry of the generated pictures (plain / squashed)" in capsys.readouterr().out


def test_score_takes_the_geometry_and_the_panel_as_options(tmp_path, capsys):
    for k in range(2):
        truth = smooth(k, (128, 88))
        save_picture(tmp_path / f"t/a_{k}.png", truth)
        save_picture(
            tmp_path / f"g/a_{k}.png",
            np.concatenate([put(smooth(k + 5, (128, 88)), "squashed"), put(truth, "squashed")], axis=1),
        )
    score(tmp_path, "--strip", 2, "--panel", 2, protocol="reposer-v1-reconstruction", code=2)
    assert "--geometry squashed" in capsys.readouterr().err
    options = ("--strip", 2, "--panel", 2, "--geometry", "squashed")
    plain = score(tmp_path, *options, protocol="reposer-v1-reconstruction", code=1)  # no joints
    assert plain["geometry"] == "squashed" and plain["summary"]["psnr"]["mean"] > 45
    score(tmp_path, protocol="reposer-v1-reconstruction", code=2)
    assert "a strip of 2 square panels of 128x128" in capsys.readouterr().err
    score(tmp_path, "--strip", 2, protocol="reposer-v1-reconstruction", code=2)
    assert "--panel K" in capsys.readouterr().err
