"""GFLA for fashion at 256x256 and the shipped TrueFlow, one picture, against the time that their multiplications alone
would take."""

import copy

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from reposer.core import Generator, Pose
from reposer.data.poses.presets import preset
from reposer.engines.run import load_for
from reposer.generators.gfla.network import GFLAConfig, GFLAGenerator

from .local_attention import PatchAttention
from .measure import Table, best_times, matrix_product_speed

GIGAMACS = 20.46  # of one picture, counted over all convolutions of the published network
REPEATS = 15
TRUEFLOW_SIZES = ((256, 192), (192, 144))
"""(height, width): as trained, and that of the preset `fast`."""


def run(device: torch.device) -> list[Table]:
    return [gfla(device), trueflow(device)]


def trueflow(device: torch.device) -> Table:
    """A picture of the shipped network, and the next pose of the same photo, whose body is known."""
    rows: list[tuple[str | float, ...]] = []
    with torch.inference_mode():
        speed = matrix_product_speed(torch.float32, device=device)
    for height, width in TRUEFLOW_SIZES:
        generator = load_for("trueflow", device, "torch", (height, width))
        pose = demo_pose((height, width)).to(device)
        source = 2 * torch.rand(1, 3, height, width, device=device) - 1
        operations = plain_operations(generator, source, pose)
        with torch.inference_mode():
            memory = generator.begin(source, pose)
            seconds = best_times(
                {
                    "a picture": lambda: generator.generate(source, pose, pose),  # noqa: B023
                    "a further pose": lambda: generator.frame(memory, pose),  # noqa: B023
                },
                repeats=REPEATS,
                device=device,
            )
        floor = operations / speed
        size = f"{height}x{width}"
        rows.append((f"{size}, floor: {operations / 2e9:.2f} GMACs as fp32 matrix products", 1e3 * floor, 1.0))
        rows += [(f"{size}, {name}", 1e3 * value, value / floor) for name, value in seconds.items()]
    note = f"Best of {REPEATS}; the floor is of a picture. Matrix products in the same run: {speed / 1e9:.0f} GFLOP/s."
    return Table("TrueFlow inference, one picture, fp32", ("what", "ms", "times the floor"), rows, note)


def plain_operations(generator: Generator, source: Tensor, pose: Pose) -> int:
    """Multiplications and additions of a picture in the plain form, which is that of training: what only generates
    leaves some of them out."""
    with FlopCounterMode(display=False) as counter:
        generator(source, pose, pose)
    return int(counter.get_total_flops())


def demo_pose(size: tuple[int, int]) -> Pose:
    """A standing person of a picture of this (height, width)."""
    pose = preset("standing").resize(size)
    return Pose(pose.xy[None], pose.visible[None], size)


def gfla(device: torch.device) -> Table:
    ours = GFLAConfig.fashion().build().eval().to(device)
    plain = plain_port(GFLAConfig.fashion_2020().build().eval()).to(device)
    published = GFLAConfig.fashion_2020().build().eval().to(device)
    halved = copy.deepcopy(ours).bfloat16()
    joints = len(ours.skeleton)
    height, width = ours.framing.size
    source = 2 * torch.rand(1, 3, height, width, device=device) - 1
    pose = Pose(256 * torch.rand(1, joints, 2), torch.ones(1, joints, dtype=torch.bool), (height, width)).to(device)

    def generate(generator: GFLAGenerator, picture: Tensor = source) -> Tensor:
        return generator.generate(picture, pose, pose)

    def generate_autocast() -> Tensor:
        with torch.autocast(device.type, torch.bfloat16):
            return generate(ours)

    calls = {
        "a plain port: patches, channels first, instance norms; fp32": lambda: generate(plain),
        "gfla-fashion-2020, fp32": lambda: generate(published),
        "gfla-fashion, fp32": lambda: generate(ours),
    }
    if has_bf16(device):
        calls["gfla-fashion, bf16 autocast"] = generate_autocast
        calls["gfla-fashion, bf16 weights"] = lambda: generate(halved, source.bfloat16())
    with torch.inference_mode():
        before = matrix_product_speed(torch.float32, device=device)
        seconds = best_times(calls, repeats=REPEATS, device=device)
        speed = max(before, matrix_product_speed(torch.float32, device=device))
        half_speed = matrix_product_speed(torch.bfloat16, device=device) if has_bf16(device) else None
    floor = 2e9 * GIGAMACS / speed
    rows: list[tuple[str | float, ...]] = [(f"floor: {GIGAMACS} GMACs as fp32 matrix products", 1e3 * floor, 1.0)]
    rows += [(name, 1e3 * value, value / floor) for name, value in seconds.items()]
    half = "bf16 has no instructions here" if half_speed is None else f"{half_speed / 1e9:.0f} in bf16"
    note = f"Best of {REPEATS}. Matrix products in the same run: {speed / 1e9:.0f} GFLOP/s in fp32, {half}."
    return Table("GFLA inference, one 256x256 picture", ("network", "ms", "times the fp32 floor"), rows, note)


def has_bf16(device: torch.device) -> bool:
    """Without instructions for it, a CPU did not end the rows in bf16 within seven minutes."""
    return device.type != "cpu" or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def plain_port(generator: GFLAGenerator) -> GFLAGenerator:
    """The same network as one would first write it: attention by patches, the channels first."""
    generator = generator.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    attention = generator.target_net.attention
    for name, module in list(attention.items()):
        attention[name] = PatchAttention(module)  # type: ignore[arg-type]
    for net in (generator.source_net, generator.target_net, generator.flow_net):
        _replace_norms(net)
        for block in net.encoder[:1]:
            block.register_forward_pre_hook(lambda _, inputs: (inputs[0].contiguous(),))
    return generator


class _InstanceNormAct(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm, self.act = nn.InstanceNorm2d(channels, affine=True), nn.LeakyReLU(0.1)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.norm(x))


def _replace_norms(module: nn.Module) -> None:
    for name, child in list(module.named_children()):
        if isinstance(child, nn.GroupNorm):
            setattr(module, name, _InstanceNormAct(child.num_channels))
        else:
            _replace_norms(child)
