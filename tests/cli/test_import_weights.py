"""`reposer import-weights` knows the released networks that are registered, those of other packages too."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from reposer.cli import main
from reposer.core import quoted
from reposer.generators.released import RELEASED

ROOT = Path(__file__).parents[2]
THEIRS = """
import torch
from reposer.generators.released import RELEASED, Released
from tests.conformance.new_family import ConvConfig

def read(checkpoint, config, name):
    network = config.build().eval()
    network.conv.load_state_dict(torch.load(checkpoint, weights_only=True))
    return network

RELEASED.add("conv-2024", Released("conv", ConvConfig, read))
"""


def refused(capsys, tmp_path, family, recipe):
    words = ["import-weights", family, str(tmp_path / "x.pth"), "--recipe", recipe, "--out", str(tmp_path / "o")]
    (tmp_path / "x.pth").touch()
    assert main([*words[:-1], words[-1] + ".safetensors"]) == 2
    return " ".join(capsys.readouterr().err.split())


def test_an_unknown_network_or_family_is_answered_with_those_that_there_are(capsys, tmp_path):
    said = refused(capsys, tmp_path, "patn", "patn-fashion-2018")
    assert f"There is no released network {quoted('patn-fashion-2018')}. Did you mean patn-fashion-2019" in said
    assert all(name in said for name in RELEASED)
    said = refused(capsys, tmp_path, "patm", "patn-fashion-2019")
    assert "no released network of patm; families with released networks are: gfla, patn, pg2." in said
    said = refused(capsys, tmp_path, "patn", "pg2-market-2017")
    assert "no released network of patn; those are: patn-fashion-2019, patn-market-2019." in said


@pytest.mark.slow
def test_a_released_network_of_another_package_is_imported(tmp_path):
    about = tmp_path / "theirs-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[reposer.generators]\ntheirs = theirs\n")
    (tmp_path / "theirs.py").write_text(THEIRS)
    weights = torch.nn.Conv2d(3, 3, 3).state_dict()
    torch.save(weights, tmp_path / "released.pth")
    out = tmp_path / "out.safetensors"
    words = ["import-weights", "conv", str(tmp_path / "released.pth"), "--recipe", "conv-2024", "--out", str(out)]
    program = (
        f"import sys; from reposer.cli import main; code = main({words!r})\n"
        f"import reposer; print(reposer.load({str(out)!r}).conv.bias.tolist()); sys.exit(code)"
    )
    path = os.pathsep.join([str(tmp_path), str(ROOT), str(ROOT / "src")])
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == weights["bias"].tolist()
