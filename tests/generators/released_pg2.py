"""PG2 as TensorFlow computes it, written from the specification alone: pictures (B, H, W, C), variables by name,
numpy."""

import numpy as np


class Variables:
    """The variables of one scope, taken in the order in which the layers are called, as slim numbers them.

    Without `arrays` they are made up, from a seed.
    """

    def __init__(self, scope, arrays=None, seed=0):
        self.scope, self.arrays, self.made = scope, arrays, {}
        self.random = np.random.default_rng(seed)
        self.calls = {"Conv": 0, "fully_connected": 0}

    def layer(self, kind, shape):
        n = self.calls[kind]
        self.calls[kind] = n + 1
        name = f"{self.scope}/{kind}" + (f"_{n}" if n else "")
        if self.arrays is None:
            scale = np.prod(shape[:-1]) ** -0.5
            self.made[f"{name}/weights"] = self.random.normal(0, scale, shape)
            self.made[f"{name}/biases"] = self.random.normal(0, 0.1, shape[-1:])
        arrays = self.made if self.arrays is None else self.arrays
        return arrays[f"{name}/weights"], arrays[f"{name}/biases"]

    def conv(self, x, channels, side, stride=1, relu=True):
        """slim.conv2d with SAME padding: what cannot be shared evenly is padded at the bottom and right."""
        weights, biases = self.layer("Conv", (side, side, x.shape[-1], channels))
        _, height, width, _ = x.shape
        h, w = -(-height // stride), -(-width // stride)
        down = max((h - 1) * stride + side - height, 0)
        across = max((w - 1) * stride + side - width, 0)
        before = ((0, 0), (down // 2, down - down // 2), (across // 2, across - across // 2), (0, 0))
        padded = np.pad(x, before)
        out = np.zeros((len(x), h, w, channels)) + biases
        for i in range(side):
            for j in range(side):
                tap = padded[:, i : i + stride * h : stride, j : j + stride * w : stride][:, :h, :w]
                out += tap @ weights[i, j]
        return np.maximum(out, 0) if relu else out

    def linear(self, x, channels):
        weights, biases = self.layer("fully_connected", (x.shape[-1], channels))
        return x @ weights + biases


def enlarged(x):
    return x.repeat(2, axis=1).repeat(2, axis=2)


def coarse(variables, source, maps, width, levels, bottleneck):
    x, skips = variables.conv(np.concatenate([source, maps], -1), width, 3), []
    for n in range(levels):
        channels = width * (n + 1)
        x = x + variables.conv(variables.conv(x, channels, 3), channels, 3)
        skips.append(x)
        if n < levels - 1:
            x = variables.conv(x, width * (n + 2), 3, stride=2)
    _, h, w, _ = x.shape
    code = variables.linear(x.reshape(len(x), -1), bottleneck)
    x = variables.linear(code, h * w * width).reshape(-1, h, w, width)
    for n in range(levels):
        x = np.concatenate([x, skips[levels - 1 - n]], -1)
        channels = x.shape[-1]
        x = x + variables.conv(variables.conv(x, channels, 3), channels, 3)
        if n < levels - 1:
            x = variables.conv(enlarged(x), width * (levels - n - 1), 1)
    return variables.conv(x, 3, 3, relu=False)


def refined(variables, source, picture, width, levels, finest_skip):
    x, skips = variables.conv(np.concatenate([picture, source], -1), width, 3), []
    for n in range(levels):
        channels = width * (n + 1)
        x = variables.conv(variables.conv(x, channels, 3), channels, 3)
        skips.append(x)
        if n < levels - 1:
            x = variables.conv(x, channels, 3, stride=2)
    for n in range(levels):
        if n < levels - 1 or finest_skip:
            x = np.concatenate([x, skips[levels - 1 - n]], -1)
        x = variables.conv(variables.conv(x, width, 3), width, 3)
        if n < levels - 1:
            x = enlarged(x)
    return picture + variables.conv(x, 3, 3, relu=False)


def pose_maps(xy, visible, size, radius=4):
    """(B, H, W, K): 1 in a joint's disc, at whole pixels, -1 elsewhere."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    maps = np.full((len(xy), *size, xy.shape[1]), -1.0)
    for b in range(len(xy)):
        for k in range(xy.shape[1]):
            if visible[b, k]:
                x, y = (int(v) for v in xy[b, k])
                maps[b, (rows - y) ** 2 + (columns - x) ** 2 <= radius**2, k] = 1
    return maps
