"""ICC profiles for tests, and what they say of a colour by the published formulas."""

import struct

import numpy as np

# Red, green, blue (x, y) and white (x, y) of the standards
PRIMARIES = {
    "Adobe RGB": (((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)), (0.3127, 0.3290), 563 / 256),
    "Display P3": (((0.68, 0.32), (0.265, 0.69), (0.15, 0.06)), (0.3127, 0.3290), None),
    "ProPhoto RGB": (((0.734699, 0.265301), (0.159597, 0.840403), (0.036598, 0.000105)), (0.345704, 0.358540), 1.8),
    "sRGB": (((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)), (0.3127, 0.3290), None),
}
D50 = np.array([0.9642, 1.0, 0.8249])
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def to_d50(name: str) -> np.ndarray:
    """The matrix from a space's linear colours to XYZ under D50."""
    corners, white, _ = PRIMARIES[name]
    xyz = np.array([[x / y, 1, (1 - x - y) / y] for x, y in corners]).T
    light = np.array([white[0] / white[1], 1, (1 - white[0] - white[1]) / white[1]])
    matrix = xyz * np.linalg.solve(xyz, light)
    scale = (BRADFORD @ D50) / (BRADFORD @ light)
    return np.linalg.inv(BRADFORD) @ np.diag(scale) @ BRADFORD @ matrix


def decoded(name: str, values: np.ndarray) -> np.ndarray:
    """Linear light of values in [0, 1]; sRGB's curve where the space has no exponent of its own."""
    gamma = PRIMARIES[name][2]
    if gamma is not None:
        return values**gamma
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def srgb_of(name: str, colours: np.ndarray) -> np.ndarray:
    """Bytes of a space as bytes of sRGB, by the formulas; colours beyond sRGB are clipped."""
    linear = decoded(name, colours / 255) @ to_d50(name).T @ np.linalg.inv(to_d50("sRGB")).T
    linear = linear.clip(0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def profile(name: str) -> bytes:
    """The space as an ICC profile of version 2: three corners and a curve of 1,024 points."""
    steps = np.linspace(0, 1, 1024)
    curve = b"curv" + bytes(4) + struct.pack(">I", 1024)
    curve += (65535 * decoded(name, steps)).round().astype(">u2").tobytes()
    corners = [b"XYZ " + bytes(4) + _fixed(column) for column in to_d50(name).T]
    title = name.encode() + b"\0"
    text = b"desc" + bytes(4) + struct.pack(">I", len(title)) + title + bytes(78)
    tags = {
        b"desc": text,
        b"wtpt": b"XYZ " + bytes(4) + _fixed(D50),
        **dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), corners, strict=True)),
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    return _assembled(tags, b"RGB ")


def grey_profile(gamma: float) -> bytes:
    """Grey values as powers of light."""
    steps = np.linspace(0, 1, 1024) ** gamma
    curve = b"curv" + bytes(4) + struct.pack(">I", 1024) + (65535 * steps).round().astype(">u2").tobytes()
    return _assembled({b"wtpt": b"XYZ " + bytes(4) + _fixed(D50), b"kTRC": curve}, b"GRAY")


def _fixed(values: np.ndarray) -> bytes:
    return struct.pack(">3i", *(round(65536 * float(v)) for v in values))


def _assembled(tags: dict[bytes, bytes], space: bytes) -> bytes:
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for tag, content in tags.items():
        content += bytes(-len(content) % 4)
        table += tag + struct.pack(">II", start + len(body), len(content))
        body += content
    header = struct.pack(">I4sI4s4s4s", start + len(body), b"", 0x02400000, b"mntr", space, b"XYZ ")
    header += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + _fixed(D50)
    return header.ljust(128, b"\0") + table + body
