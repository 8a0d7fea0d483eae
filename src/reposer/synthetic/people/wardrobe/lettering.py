"""Lettering: a 5 x 7 bitmap alphabet, invented words, and the ink of printed lines."""

from functools import lru_cache

import numpy as np

# Seven rows of five bits, from the top.
GLYPHS: dict[str, tuple[int, ...]] = {
    "A": (14, 17, 17, 31, 17, 17, 17),
    "B": (30, 17, 17, 30, 17, 17, 30),
    "C": (14, 17, 16, 16, 16, 17, 14),
    "D": (30, 17, 17, 17, 17, 17, 30),
    "E": (31, 16, 16, 30, 16, 16, 31),
    "F": (31, 16, 16, 30, 16, 16, 16),
    "G": (14, 17, 16, 23, 17, 17, 14),
    "H": (17, 17, 17, 31, 17, 17, 17),
    "I": (14, 4, 4, 4, 4, 4, 14),
    "J": (7, 2, 2, 2, 2, 18, 12),
    "K": (17, 18, 20, 24, 20, 18, 17),
    "L": (16, 16, 16, 16, 16, 16, 31),
    "M": (17, 27, 21, 21, 17, 17, 17),
    "N": (17, 25, 21, 19, 17, 17, 17),
    "O": (14, 17, 17, 17, 17, 17, 14),
    "P": (30, 17, 17, 30, 16, 16, 16),
    "R": (30, 17, 17, 30, 20, 18, 17),
    "S": (15, 16, 16, 14, 1, 1, 30),
    "T": (31, 4, 4, 4, 4, 4, 4),
    "U": (17, 17, 17, 17, 17, 17, 14),
    "V": (17, 17, 17, 17, 17, 10, 4),
    "W": (17, 17, 17, 21, 21, 27, 17),
    "Y": (17, 17, 10, 4, 4, 4, 4),
    "Z": (31, 1, 2, 4, 8, 16, 31),
    "0": (14, 17, 17, 17, 17, 17, 14),
    "1": (4, 12, 4, 4, 4, 4, 14),
    "2": (14, 17, 1, 6, 8, 16, 31),
    "3": (30, 1, 1, 14, 1, 1, 30),
    "4": (2, 6, 10, 18, 31, 2, 2),
    "5": (31, 16, 30, 1, 1, 17, 14),
    "6": (14, 16, 16, 30, 17, 17, 14),
    "7": (31, 1, 2, 4, 8, 8, 8),
    "8": (14, 17, 17, 14, 17, 17, 14),
    "9": (14, 17, 17, 15, 1, 1, 14),
    " ": (0, 0, 0, 0, 0, 0, 0),
}
_HEADS = ("B", "D", "F", "G", "H", "K", "L", "M", "N", "P", "R", "S", "T", "V", "Z", "BR", "ST", "TR", "CL")
_VOWELS = ("A", "E", "I", "O", "U", "A", "E", "O")
_TAILS = ("N", "R", "S", "L", "M", "T", "ND", "K", "NO", "VA", "RO", "LI")


def invented_word(stream: np.random.Generator) -> str:
    """A pronounceable but meaningless word of three to eight letters."""
    long, *lots = stream.integers(0, 1 << 20, 6).tolist()
    word = _HEADS[lots[0] % len(_HEADS)] + _VOWELS[lots[1] % len(_VOWELS)]
    if long % 4:
        word += _HEADS[lots[2] % 15] + _VOWELS[lots[3] % len(_VOWELS)]
    return word + _TAILS[lots[4] % len(_TAILS)]


@lru_cache(maxsize=512)
def bitmap(line: str) -> np.ndarray:
    """(9, 6 n + 1) 0 or 1, row 0 the lowest, with an empty border."""
    grid = np.zeros((9, 6 * len(line) + 1), np.float32)
    for k, letter in enumerate(line):
        for row, bits in enumerate(GLYPHS[letter]):
            for column in range(5):
                grid[7 - row, 6 * k + 1 + column] = bits >> (4 - column) & 1
    grid.flags.writeable = False
    return grid


def ink(
    line: str, x: np.ndarray, y: np.ndarray, height: float, *, weight: float = 0.5, slant: float = 0.0
) -> np.ndarray:
    """Ink of a line of letters of this height, centred at x = y = 0.

    weight: threshold between the dots of the alphabet: the corners are rounded; less is bolder.
    slant: how far the top leans to the right, in heights.
    """
    grid = bitmap(line)
    dot = height / 7
    rows, columns = grid.shape
    t = y / dot + (rows - 1) / 2
    s = (x - slant * y) / dot + (columns - 1) / 2
    out = np.zeros(x.shape, bool)
    near = np.flatnonzero((s > 0) & (s < columns - 1) & (t > 0) & (t < rows - 1))
    if len(near):
        s, t = s[near], t[near]
        i, j = s.astype(np.int32), t.astype(np.int32)
        fs, ft = s - i, t - j
        flat = grid.reshape(-1)
        k = j * columns + i
        low = flat[k] * (1 - fs) + flat[k + 1] * fs
        high = flat[k + columns] * (1 - fs) + flat[k + columns + 1] * fs
        out[near] = low * (1 - ft) + high * ft > weight
    return out
