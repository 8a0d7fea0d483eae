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
        self.model = nn.Sequential(norm(i), act(), nn.Conv2d(i, o, 4, 2, 1), norm(o), act(), nn.Conv2d(o, o, 3, 1, 1))

    def forward(self, x):
        return self.model(x)


class ResBlock(nn.Module):
    def __init__(self, c, o=None):
        super().__init__()
        self.model = nn.Sequential(
            norm(c), act(), nn.Conv2d(c, c, 3, 1, 1), norm(c), act(), nn.Conv2d(c, o or c, 3, 1, 1)
        )
        if o is not None:
            self.shortcut = nn.Sequential(nn.Conv2d(c, o, 1))

    def forward(self, x):
        return self.model(x) + (self.shortcut(x) if hasattr(self, "shortcut") else x)


class ResBlocks(nn.Module):
    def __init__(self, c, o=None):
        super().__init__()
        self.model = nn.Sequential(ResBlock(c, o))

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
        self.model = nn.Sequential(act(), nn.ReflectionPad2d(1), self.conv1, *([] if last is None else [last]))

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

    def begin(self, maps):
        return self.encoder1(self.encoder0(self.block0(maps)))

    def forward(self, maps, features, flows, masks):
        out = self.begin(maps)
        for n, level in enumerate((3, 2, 1)):
            if level in flows:
                attended = getattr(self, f"attn{n}")(features[level], out, flows[level])
                out = (1 - masks[level]) * out + masks[level] * attended
            out = getattr(self, f"decoder{n}")(out)
        return self.outconv(out)


class FlowNet(nn.Module):
    """branches: pictures that are looked into; 2 x 2 channels of flow and 2 of masks where there are two."""

    def __init__(self, levels, entering=39, branches=1):
        super().__init__()
        self.block0 = EncoderBlock(entering, 32)
        for n, (i, o) in enumerate([(32, 64), (64, 128), (128, 256), (256, 256)]):
            setattr(self, f"encoder{n}", EncoderBlock(i, o))
        self.stages = list(enumerate(range(4, min(levels) - 1, -1)))
        for n, (i, o) in zip(range(len(self.stages)), [(256, 256), (256, 128), (128, 64)], strict=True):
            setattr(self, f"decoder{n}", ResBlockDecoder(i, o, o))
            setattr(self, f"jump{n}", Jump(o, o))
            if 4 - n in levels:
                setattr(self, f"output{n}", nn.Conv2d(o, 2 * branches, 3, 1, 1))
                setattr(self, f"mask{n}", nn.Sequential(nn.Conv2d(o, branches, 3, 1, 1), nn.Sigmoid()))

    def forward(self, *entering, beside=None):
        out = self.block0(torch.cat(entering, 1))
        skips = {1: out}
        for n in range(4):
            skips[n + 2] = out = getattr(self, f"encoder{n}")(out)
        if beside is not None:
            out = self.cat(torch.cat([out, beside.expand(-1, -1, *out.shape[-2:])], 1))
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


class ClipTargetNet(TargetNet):
    """Two blends a level, added."""

    def __init__(self, channels):
        super().__init__({})
        self.block0 = EncoderBlock(channels, 64)
        for n, (c, k) in enumerate([(256, 3), (128, 5)]):
            setattr(self, f"attn_p{n}", ExtractorAttn(c, k))
            setattr(self, f"attn_r{n}", ExtractorAttn(c, k))

    def forward(self, maps, features, flows, masks):
        """features, flows, masks: (of the previous frame, of the reference)."""
        out = self.begin(maps)
        for n, level in enumerate((3, 2, 1)):
            if level in flows[0]:
                blends = []
                for which, feature, flow, mask in zip("pr", features, flows, masks, strict=True):
                    attended = getattr(self, f"attn_{which}{n}")(feature[level], out, flow[level])
                    blends.append((1 - mask[level]) * out + mask[level] * attended)
                out = blends[0] + blends[1]
            out = getattr(self, f"decoder{n}")(out)
        return self.outconv(out)


class DanceGenerator(nn.Module):
    def __init__(self):
        super().__init__()
        self.source_previous, self.source_reference = SourceNet(), SourceNet()
        self.target = ClipTargetNet(20)
        self.flow_net_previous, self.flow_net_reference = FlowNet({2, 3}, 43), FlowNet({2, 3}, 43)

    def forward(self, reference, reference_maps, clip_maps):
        """clip_maps: of every frame in turn. The pictures, and the last frame's flows."""
        previous, previous_maps, pictures = reference, reference_maps, []
        for maps in clip_maps:
            of_previous = self.flow_net_previous(previous, previous_maps, maps)
            of_reference = self.flow_net_reference(reference, reference_maps, maps)
            features = self.source_previous(previous), self.source_reference(reference)
            flows, masks = zip(of_previous, of_reference, strict=True)
            previous, previous_maps = self.target(maps, features, flows, masks), maps
            pictures.append(previous)
        return pictures, flows


class FaceGenerator(nn.Module):
    def __init__(self):
        super().__init__()
        self.source_previous, self.source_reference = SourceNet(), SourceNet()
        self.target, self.flow_net = ClipTargetNet(16), FlowNet({2, 3}, 54, branches=2)

    def forward(self, reference, reference_maps, clip_maps):
        previous, previous_maps, pictures = reference, reference_maps, []
        for maps in clip_maps:
            flow, mask = self.flow_net(maps, previous, previous_maps, reference, reference_maps)
            flows = [{n: f[:, 2 * k : 2 * k + 2] for n, f in flow.items()} for k in range(2)]
            masks = [{n: m[:, k : k + 1] for n, m in mask.items()} for k in range(2)]
            features = self.source_previous(previous), self.source_reference(reference)
            previous, previous_maps = self.target(maps, features, flows, masks), maps
            pictures.append(previous)
        return pictures, flows


class ViewTargetNet(TargetNet):
    """Begins from the code of a view, the same at every place."""

    def __init__(self, kernels):
        super().__init__(kernels)
        del self.encoder0, self.encoder1
        self.block0, self.block1 = ResBlockDecoder(21, 64, 21), ResBlockDecoder(64, 256, 64)

    def begin(self, code):
        return self.block1(self.block0(code))

    def forward(self, code, features, flows, masks):
        height, width = features[3].shape[-2:]
        return super().forward(code.expand(-1, -1, height // 4, width // 4), features, flows, masks)


class ShapeNetGenerator(nn.Module):
    def __init__(self):
        super().__init__()
        self.source, self.target = SourceNet(), ViewTargetNet({2: 5, 3: 3})
        self.flow_net = FlowNet({2, 3}, 3)
        self.flow_net.cat = ResBlocks(277, 256)

    def forward(self, source, source_code, target_code):
        """codes: B x 21 x 1 x 1, one-hot azimuth and elevation."""
        flows, masks = self.flow_net(source, beside=source_code - target_code)
        return self.target(target_code, self.source(source), flows, masks), flows


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
                enlarging = "decoder" in name or (name.startswith("target.block") and parameter.shape[2] == 3)
                transposed = enlarging and ("shortcut" in name or name.endswith("model.5.weight"))
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
