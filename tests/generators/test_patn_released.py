"""The import of PATN's released weights against the network in torch's own layers and the stated names."""

import pytest
import torch
from torch import nn

from reposer.cli import main
from reposer.core import BadInput, Pose
from reposer.generators import load
from reposer.generators.released import import_released
from reposer.nn.maps import heatmaps

from .released_patn import made

FASHION, MARKET = "patn-fashion-2019", "patn-market-2019"


def pair(size):
    random = torch.Generator().manual_seed(1)
    poses = [
        Pose(
            torch.rand(1, 18, 2, generator=random, dtype=torch.float64) * torch.tensor([size[1] - 1.0, size[0] - 1.0]),
            torch.rand(1, 18, generator=random) > 0.2,
            size,
        )
        for _ in range(2)
    ]
    return torch.rand(1, 3, *size, generator=random, dtype=torch.float64) * 2 - 1, *poses


def one_by_one(network):
    """The network in eval mode, except that instance norms see each picture on its own, as the authors advise."""
    network.eval()
    for module in network.modules():
        if isinstance(module, nn.InstanceNorm2d):
            module.track_running_stats, module.running_mean, module.running_var = False, None, None
    return network


@pytest.mark.slow
@pytest.mark.parametrize(("recipe", "options"), [(FASHION, {}), (MARKET, {"market": True, "dropouts": False})])
def test_the_imported_network_computes_what_the_original_computes(recipe, options, tmp_path, capsys):
    original, out = made(**options), tmp_path / "patn.safetensors"
    torch.save(original.state_dict(), tmp_path / "latest_net_netG.pth")
    words = ("import-weights", "patn", str(tmp_path / "latest_net_netG.pth"), "--recipe", recipe, "--out", str(out))
    assert main(list(words)) == 0
    imported = load(str(out))
    count = sum(p.numel() for p in imported.parameters())
    assert f"{count:,} parameters" in capsys.readouterr().err
    assert count == sum(p.numel() for p in original.parameters())  # 41,358,019 and 41,365,763
    source, source_pose, target_pose = pair((32, 24))  # any size that both take
    with torch.no_grad():
        maps = [heatmaps(pose, 6.0, coordinates="truncated") for pose in (source_pose, target_pose)]
        wanted = one_by_one(original.double())(source, torch.cat(maps, 1).double())
        found = imported.double()(source, source_pose, target_pose).picture
    assert 0.05 < wanted.std() < 0.95
    assert (found - wanted).abs().max() < 1e-5


@pytest.mark.slow
def test_a_file_of_another_layout_is_refused_with_the_names_and_nothing_is_written(tmp_path):
    tensors = made().state_dict()
    del tensors["model.att.3.conv_block_stream2.6.bias"]
    tensors["model.stray"] = torch.zeros(1)
    torch.save(tensors, tmp_path / "a.pth")
    out = tmp_path / "out.safetensors"
    with pytest.raises(BadInput, match=r"also has model\.stray; it lacks model\.att\.3\.conv_block_stream2\.6\.bias"):
        import_released(tmp_path / "a.pth", FASHION, out)
    with pytest.raises(BadInput, match="not the released checkpoint of patn-market-2019"):
        import_released(tmp_path / "a.pth", MARKET, out)
    assert not out.exists()
