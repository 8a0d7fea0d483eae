"""PNG files of large pictures: packed in bands of rows, on all cores.

A PNG file is one stream of zlib. Each band is packed by itself and ends on a whole byte, so that all of them in order
are that stream. How a band is packed depends on its rows alone: the file is the same whatever the number of threads.
"""

import struct
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from jaxtyping import UInt8

from reposer.core.processes import closing_soon

BAND = 1 << 20
"""Bytes of rows that are packed together, about."""
_MODULUS = 65521  # of Adler's checksum
_UP = 2  # the filter of all rows: differences to the row above, which for photos is as good as choosing for each row


def png_bytes(pixels: UInt8[np.ndarray, "H W C"], xmp: str | None = None) -> bytes:
    """The file's content, of RGB or RGBA. xmp: a packet of metadata.

    Repeated bytes and their frequencies are packed, not repetitions from further away (zlib's RLE): photos have none.
    """
    height, width, channels = pixels.shape
    rows = np.ascontiguousarray(pixels).reshape(height, width * channels)
    step = max(1, BAND // (width * channels))
    bands = range(0, height, step)

    def packed(first: int) -> tuple[bytes, int, int]:
        part = _differences(rows, first, min(first + step, height))
        packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS, 9, zlib.Z_RLE)
        content = packer.compress(part.data) + packer.flush(zlib.Z_FINISH if first == bands[-1] else zlib.Z_SYNC_FLUSH)
        return content, zlib.adler32(part.data), part.size

    def chunks() -> Iterator[bytes]:
        kind = {3: 2, 4: 6}[channels]
        yield b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0))
        if xmp is not None:
            yield _chunk(b"iTXt", b"XML:com.adobe.xmp" + bytes(5) + xmp.encode())
        checksum, begins = 1, b"\x78\x01"  # zlib's header: the fastest of its levels
        with closing_soon(ThreadPoolExecutor(min(len(bands), torch.get_num_threads()))) as pool:
            for content, own, length in pool.map(packed, bands):
                yield _chunk(b"IDAT", begins + content)
                checksum, begins = _joined(checksum, own, length), b""
        yield _chunk(b"IDAT", struct.pack(">I", checksum)) + _chunk(b"IEND", b"")

    return b"".join(chunks())


def _differences(rows: UInt8[np.ndarray, "H N"], first: int, last: int) -> UInt8[np.ndarray, "h M"]:
    """These rows as the file has them: the filter's number, then the differences to the row above."""
    found = np.empty((last - first, 1 + rows.shape[1]), np.uint8)
    found[:, 0] = _UP
    start = max(first, 1)
    np.subtract(rows[start:last], rows[start - 1 : last - 1], out=found[start - first :, 1:])
    if first == 0:
        found[0, 1:] = rows[0]  # above it is 0
    return found


def _joined(one: int, other: int, length: int) -> int:
    """Adler's checksum of two parts behind one another, from those of the parts. length: of the second, in bytes."""
    low, high = one & 0xFFFF, one >> 16
    other_low, other_high = other & 0xFFFF, other >> 16
    joined_high = high + other_high + length * (low - 1)
    return (joined_high % _MODULUS) << 16 | (low + other_low - 1) % _MODULUS


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(content, zlib.crc32(kind)))
