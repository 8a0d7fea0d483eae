"""PATN with the released names, written from the paper and the stated layout alone, in torch's own layers."""

import torch
from torch import nn


def normalised(channels, market):
    """Instance norms of files from before torch 0.4 have running statistics."""
    if market:
        return nn.BatchNorm2d(channels)
    return nn.InstanceNorm2d(channels, affine=False, track_running_stats=True)


def encoder(i, market):
    layers = [nn.ReflectionPad2d(3), nn.Conv2d(i, 64, 7, bias=not market), normalised(64, market), nn.ReLU()]
    for c in (64, 128):
        halve = nn.Conv2d(c, 2 * c, 3, stride=2, padding=1, bias=not market)
        layers += [halve, normalised(2 * c, market), nn.ReLU()]
    return nn.Sequential(*layers)


def two_convolutions(i, hidden, o, market, dropouts, *, last_norm):
    first = [nn.ReflectionPad2d(1), nn.Conv2d(i, hidden, 3, bias=not market), normalised(hidden, market), nn.ReLU()]
    second = [nn.ReflectionPad2d(1), nn.Conv2d(hidden, o, 3, bias=not market)]
    drop = [nn.Dropout(0.5)] if dropouts else []
    return nn.Sequential(*first, *drop, *second, *([normalised(o, market)] if last_norm else []))


class Block(nn.Module):
    def __init__(self, first, market, dropouts):
        super().__init__()
        p = 256 if first else 512
        self.conv_block_stream1 = two_convolutions(256, 256, 256, market, dropouts, last_norm=True)
        self.conv_block_stream2 = two_convolutions(p, p, 256, market, dropouts, last_norm=False)

    def forward(self, x, p):
        p = self.conv_block_stream2(p)
        x = x + self.conv_block_stream1(x) * torch.sigmoid(p)
        return x, torch.cat([p, x], 1)


class Model(nn.Module):
    def __init__(self, market, dropouts):
        super().__init__()
        self.stream1_down, self.stream2_down = encoder(3, market), encoder(36, market)
        self.att = nn.ModuleList(Block(n == 0, market, dropouts) for n in range(9))
        up = []
        for c in (256, 128):
            enlarge = nn.ConvTranspose2d(c, c // 2, 3, stride=2, padding=1, output_padding=1, bias=not market)
            up += [enlarge, normalised(c // 2, market), nn.ReLU()]
        self.stream1_up = nn.Sequential(*up, nn.ReflectionPad2d(3), nn.Conv2d(64, 3, 7), nn.Tanh())

    def forward(self, source, maps):
        x, p = self.stream1_down(source), self.stream2_down(maps)
        for block in self.att:
            x, p = block(x, p)
        return self.stream1_up(x)


class PATNetwork(nn.Module):
    """market: batch norms without biases before them, as released for Market-1501; otherwise instance norms."""

    def __init__(self, *, market=False, dropouts=True):
        super().__init__()
        self.model = Model(market, dropouts)

    def forward(self, source, maps):
        return self.model(source, maps)


def made(seed=0, **options):
    """A network with weights from a seed that keep features alive, and running statistics unlike the first."""
    network = PATNetwork(**options)
    random = torch.Generator().manual_seed(seed)
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5, generator=random)
        elif tensor.dim() > 1:
            tensor.normal_(0, (2 / tensor[0].numel()) ** 0.5, generator=random)
        elif tensor.is_floating_point():
            tensor.normal_(1.0 if name.endswith("weight") else 0.0, 0.1, generator=random)
    return network
