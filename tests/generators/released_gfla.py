"""The published GFLA, slowly: written from the specification with explicit patches and the released names.

This is the oracle of the import: nothing here comes from the package.
"""

import torch
import torch.nn.functional as F
from torch import nn


def act():
    return nn.LeakyReLU(0.1)


def norm(channels):
    return nn.InstanceNorm2d(channels, affine=True)


class EncoderBlock(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.model = nn.Sequential(
            norm(i), act(), nn.Conv2d(i, o, 4, 2, 1), norm(o), act(), nn.Conv2d(o, o, 3, 1, 1)
        )

    def forward(self, x):
        return self.model(x)


class ResBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.model = nn.Sequential(
            norm(c), act(), nn.Conv2d(c, c, 3, 1, 1), norm(c), act(), nn.Conv2d(c, c, 3, 1, 1)
        )

    def forward(self, x):
        return self.model(x) + x


class ResBlocks(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.model = nn.Sequential(ResBlock(c))

    def forward(self, x):
        return self.model(x)


class ResBlockDecoder(nn.Module):
    def __init__(self, i, o, h):
        super().__init__()
        self.model = nn.Sequential(
            norm(i), act(), nn.Conv2d(i, h, 3, 1, 1), norm(h), act(), nn.ConvTranspose2d(h, o, 3, 2, 1, 1)
        )
        self.shortcut = nn.Sequential(nn.ConvTranspose2d(i, o, 3, 2, 1, 1))

    def forward(self, x):
        return self.model(x) + self.shortcut(x)


class Jump(nn.Module):
    def __init__(self, i, o, last=None):
        super().__init__()
        self.conv1 = nn.Conv2d(i, o, 3)
        self.model = nn.Sequential(
            act(), nn.ReflectionPad2d(1), self.conv1, *([] if last is None else [last])
        )

    def forward(self, x):
        return self.model(x)


def extract_blocks(source, flow, k):
    """(B, C, k h, k w): around p + flow(p), the k x k bilinear samples, borders repeated."""
    h, w = flow.shape[-2:]
    rows, columns = torch.arange(k * h), torch.arange(k * w)
    flow = flow.repeat_interleave(k, 2).repeat_interleave(k, 3)
    y = flow[:, 1] + (rows // k + rows % k - k // 2)[:, None]
    x = flow[:, 0] + (columns // k + columns % k - k // 2)
    height, width = source.shape[-2:]
    grid = torch.stack([2 * x / (width - 1) - 1, 2 * y / (height - 1) - 1], -1)
    return F.grid_sample(source, grid, mode="bilinear", padding_mode="border", align_corners=True)


class ExtractorAttn(nn.Module):
    def __init__(self, c, k):
        super().__init__()
        self.k = k
        self.fully_connect_layer = nn.Sequential(
            nn.Conv2d(2 * c, 128, k, stride=k), act(), nn.Conv2d(128, k * k, 1), nn.Softmax(dim=1)
        )

    def forward(self, source, target, flow):
        of_source = extract_blocks(source, flow, self.k)
        of_target = extract_blocks(target, torch.zeros_like(flow), self.k)
        weights = self.fully_connect_layer(torch.cat([of_target, of_source], 1))
        return F.avg_pool2d(F.pixel_shuffle(weights, self.k) * of_source, self.k, self.k)


class SourceNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.block0, self.encoder0 = EncoderBlock(3, 64), EncoderBlock(64, 128)
        self.encoder1 = EncoderBlock(128, 256)

    def forward(self, x):
        one = self.block0(x)
        two = self.encoder0(one)
        return {1: one, 2: two, 3: self.encoder1(two)}


class TargetNet(nn.Module):
    def __init__(self, kernels):
        super().__init__()
        self.block0, self.encoder0 = EncoderBlock(18, 64), EncoderBlock(64, 128)
        self.encoder1 = EncoderBlock(128, 256)
        for n, (i, o) in enumerate([(256, 128), (128, 64), (64, 64)]):
            setattr(self, f"decoder{n}", nn.Sequential(ResBlocks(i), ResBlockDecoder(i, o, i)))
            if 3 - n in kernels:
                setattr(self, f"attn{n}", ExtractorAttn(i, kernels[3 - n]))
        self.outconv = Jump(64, 3, nn.Tanh())

    def forward(self, maps, features, flows, masks):
        out = self.encoder1(self.encoder0(self.block0(maps)))
        for n, level in enumerate((3, 2, 1)):
            if level in flows:
                attended = getattr(self, f"attn{n}")(features[level], out, flows[level])
                out = (1 - masks[level]) * out + masks[level] * attended
            out = getattr(self, f"decoder{n}")(out)
        return self.outconv(out)


class FlowNet(nn.Module):
    def __init__(self, levels):
        super().__init__()
        self.block0 = EncoderBlock(39, 32)
        for n, (i, o) in enumerate([(32, 64), (64, 128), (128, 256), (256, 256)]):
            setattr(self, f"encoder{n}", EncoderBlock(i, o))
        self.stages = list(enumerate(range(4, min(levels) - 1, -1)))
        for n, (i, o) in zip(range(len(self.stages)), [(256, 256), (256, 128), (128, 64)], strict=True):
            setattr(self, f"decoder{n}", ResBlockDecoder(i, o, o))
            setattr(self, f"jump{n}", Jump(o, o))
            if 4 - n in levels:
                setattr(self, f"output{n}", nn.Conv2d(o, 2, 3, 1, 1))
                setattr(self, f"mask{n}", nn.Sequential(nn.Conv2d(o, 1, 3, 1, 1), nn.Sigmoid()))

    def forward(self, source, source_maps, target_maps):
        out = self.block0(torch.cat([source, source_maps, target_maps], 1))
        skips = {1: out}
        for n in range(4):
            skips[n + 2] = out = getattr(self, f"encoder{n}")(out)
        flows, masks = {}, {}
        for n, level in self.stages:
            out = getattr(self, f"decoder{n}")(out) + getattr(self, f"jump{n}")(skips[level])
            if hasattr(self, f"output{n}"):
                flows[level], masks[level] = getattr(self, f"output{n}")(out), getattr(self, f"mask{n}")(out)
        return flows, masks


class PoseGenerator(nn.Module):
    """kernels: side of the patch by level."""

    def __init__(self, kernels):
        super().__init__()
        self.source, self.target, self.flow_net = SourceNet(), TargetNet(kernels), FlowNet(kernels)

    def forward(self, source, source_maps, target_maps):
        flows, masks = self.flow_net(source, source_maps, target_maps)
        return self.target(target_maps, self.source(source), flows, masks), flows, masks


class Poses(nn.Module):
    """Heat maps as published: sigma 6, positions cut to whole pixels, an empty map for a missing joint."""

    def forward(self, pose, dtype):
        height, width = pose.size
        maps = torch.zeros(*pose.visible.shape, height, width, dtype=dtype)
        for b, k in pose.visible.nonzero().tolist():
            x, y = (int(v) for v in pose.xy[b, k])
            rows, columns = torch.arange(height, dtype=dtype), torch.arange(width, dtype=dtype)
            maps[b, k] = torch.exp(-((rows[:, None] - y) ** 2 + (columns - x) ** 2) / 72)
        return maps


def with_lively_weights(network, seed=0):
    """Seeded weights under which flows are several pixels long, occlusions far from one half and nothing saturates."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.dim() == 4:
                transposed = "shortcut" in name or (name.endswith("model.5.weight") and "decoder" in name)
                fan = parameter[0].numel() if not transposed else parameter[:, 0].numel() / 4
                parameter.normal_(0, fan**-0.5, generator=random)
            elif name.endswith("weight"):
                parameter.uniform_(0.5, 1.5, generator=random)
            else:
                parameter.normal_(0, 0.1, generator=random)
            if ".output" in name:
                parameter.mul_(1.5)
            if "outconv" in name:
                parameter.mul_(0.3)
    return network
