"""What a case changes: bytes, JSON values, lines of lists, headers of weights, pictures, the file itself, options.

All of it follows from one `random.Random`: the same number is the same case everywhere.
"""

import json
import os
import random
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

VALUES: tuple[Any, ...] = (
    *(None, True, False, [], {}, "", "x", 0, -1, 1, 0.5, -0.0, 1e308, -1e308, 10**9, 10**400),
    *(float("nan"), float("inf"), -float("inf"), "1", "nan", "a" * 10_000, "\x1b[31mred\x1b[0m", "[/b]"),
    *("[bold]x[/bold]", "<img onerror=alert(1)>", "../../outside", "/dev/zero", "\u202egnp.exe", "\ud800"),
    *([[]], [None], [1, 2, 3], {"a": {"b": []}}, [10**9, 10**9], [0, 0], [-5, 5], [[[1, 2]]]),
)
ENDLESS = "99999999999999999999"
NUMBERS = ("0", "-1", "inf", "-inf", "nan", "1e999", "0.5", "", "x", ENDLESS, "1,5", "0x10")
PATHS = (
    *("photo.json/x.png", "no/such/folder/out", "x" * 300 + ".png", "[bold]out[/].png", "out.xyz", "."),
    *("/dev/null/x", "/proc/x", "-", "", "a\nb.png", "out\x1b[31m.png", "ünï cödé.png", "photo.png"),
)
TEXTS = (".json", ".csv", ".lst", ".txt", ".html", ".jsonl")
PICTURES = (".png", ".jpg", ".webp")


def change_file(path: Path, numbers: random.Random) -> str:
    """Changes one file in place; returns what was done, in words."""
    kinds: list[Callable[[Path, random.Random], str]] = [_bytes, _bytes, _replaced]
    if path.suffix == ".json":
        kinds += [_json] * 8
    elif path.suffix in TEXTS:
        kinds += [_lines] * 6
    elif path.suffix in PICTURES:
        kinds += [_picture] * 5
    elif path.suffix == ".safetensors":
        kinds += [_header] * 6 + [_weights] * 2
    change = numbers.choice(kinds)
    return f"{path.name}: {change(path, numbers)}"


def change_arguments(arguments: list[str], options: tuple[str, ...], numbers: random.Random) -> str:
    """Gives one option of the command another value, in place; returns what was done, in words."""
    outs = [k + 1 for k, word in enumerate(arguments) if word == "--out"]
    if outs and numbers.random() < 0.35:
        arguments[outs[0]] = numbers.choice(PATHS)
        return f"--out {arguments[outs[0]]!r}"
    if not options or numbers.random() < 0.1:
        arguments.insert(numbers.randrange(1, len(arguments) + 1), numbers.choice((*NUMBERS, "--no-such", "--")))
        return "a word too many"
    option, value = numbers.choice(options), numbers.choice((*NUMBERS, *PATHS[:3]))
    if value == ENDLESS and option.endswith(("steps", "people", "objects", "views")):
        value = "-1"  # so much work is no mistake that anybody could see
    if option == "--port" and value == "0":
        value = "-1"  # 0 is any free port: the page would be served until somebody stops it
    if numbers.random() < 0.1:
        arguments.append(option)
        return f"{option} without a value"
    arguments += [option, value]
    if option.endswith("size") and not option.endswith("batch-size"):
        arguments.append(numbers.choice(NUMBERS))
    return f"{option} {value}"


def _bytes(path: Path, numbers: random.Random) -> str:
    content = bytearray(path.read_bytes())
    place = numbers.randrange(len(content) + 1)
    what = numbers.choice(("cut", "flip", "zeros", "double", "noise", "empty", "tail", "mark"))
    if what == "cut":
        del content[place:]
    elif what == "flip":
        for _ in range(numbers.choice((1, 8, 64))):
            if content:
                content[numbers.randrange(len(content))] ^= 1 << numbers.randrange(8)
    elif what == "zeros":
        content[place : place + 64] = bytes(len(content[place : place + 64]))
    elif what == "double":
        content[place:place] = content[:place]
    elif what == "noise":
        content[place : place + 16] = numbers.randbytes(16)
    elif what == "empty":
        content.clear()
    elif what == "tail":
        content += numbers.randbytes(100)
    else:
        content[:0] = b"\xef\xbb\xbf"
    path.write_bytes(bytes(content))
    return f"bytes, {what} at {place}"


def _replaced(path: Path, numbers: random.Random) -> str:
    """Something else stands where the file was."""
    what = numbers.choice(("gone", "folder", "link to nothing", "link to itself", "pipe", "other kind", "program"))
    others = [p for p in path.parent.rglob("*") if p.is_file() and p != path]
    path.unlink()
    if what == "folder":
        path.mkdir()
    elif what == "link to nothing":
        path.symlink_to("nowhere")
    elif what == "link to itself":
        path.symlink_to(path.name)
    elif what == "pipe":
        os.mkfifo(path)
    elif what == "other kind" and others:
        shutil.copy(numbers.choice(sorted(others)), path)
    elif what == "program":
        path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\nshowpage\n")
    return what


def _json(path: Path, numbers: random.Random) -> str:
    text = path.read_text()
    what = numbers.choice(("value", "value", "value", "key gone", "deep", "twice"))
    if what == "deep":
        depth = numbers.choice((500, 100_000))
        path.write_text("[" * depth + "]" * depth)
        return f"{depth} brackets"
    try:
        content = json.loads(text)
    except ValueError:
        return "not JSON any more"
    places = _places(content)
    if not places:
        path.write_text(json.dumps(numbers.choice(VALUES)))
        return "another value"
    holder, key, name = numbers.choice(places)
    if what == "value":
        value = numbers.choice(VALUES)
        holder[key] = value
        what = f"{name} = {str(value)[:40]!r}"
    elif what == "key gone":
        del holder[key]
        what = f"{name} gone"
    elif isinstance(holder, list):
        holder.insert(key, holder[key])
        what = f"{name} twice"
    path.write_text(json.dumps(content))
    return what


def _places(content: Any, name: str = "") -> list[tuple[Any, Any, str]]:
    """Every place of a JSON value: (holder, key, path in words)."""
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    found = []
    for key, value in items:
        found.append((content, key, f"{name}[{key!r}]"))
        found += _places(value, f"{name}[{key!r}]")
    return found


def _lines(path: Path, numbers: random.Random) -> str:
    lines = path.read_text(errors="replace").splitlines() or [""]
    k = numbers.randrange(len(lines))
    what = numbers.choice(("gone", "twice", "value", "separator", "long", "escape", "swap", "nul", "only header"))
    if what == "gone":
        del lines[k]
    elif what == "twice":
        lines.insert(k, lines[k])
    elif what == "value":
        words = lines[k].split(" ")
        words[numbers.randrange(len(words))] = str(numbers.choice(VALUES))[:5_000]
        lines[k] = " ".join(words)
    elif what == "separator":
        lines[k] = lines[k].replace(numbers.choice((":", ",", "[")), numbers.choice(("", ";", "::", "\t")))
    elif what == "long":
        lines[k] = lines[k] * 2_000
    elif what == "escape":
        lines[k] = f"\x1b[31m{lines[k]}\x07"
    elif what == "swap":
        other = numbers.randrange(len(lines))
        lines[k], lines[other] = lines[other], lines[k]
    elif what == "nul":
        lines[k] = lines[k].replace("e", "\0")
    else:
        del lines[1:]
    path.write_text("\n".join(lines) + "\n", errors="replace")
    return f"line {k}, {what}"


def _picture(path: Path, numbers: random.Random) -> str:
    """Another picture under the same name: another size, mode, format, or metadata of a wrong type."""
    what = numbers.choice(("mode", "size", "format", "metadata", "animated"))
    kind = {".png": "PNG", ".jpg": "JPEG", ".webp": "WEBP"}[path.suffix]
    try:
        with Image.open(path) as opened:
            picture = opened.convert("RGB")
    except (OSError, ValueError):
        return "no picture any more"
    if what == "mode":
        mode = numbers.choice(("1", "L", "P", "I;16", "RGBA", "LA", "CMYK", "F", "I"))
        grey = np.asarray(picture.convert("L"))
        if mode == "I;16":
            changed = Image.fromarray(grey.astype(np.uint16) * 257)
        else:
            changed = picture.convert("L").convert(mode) if mode in ("F", "I", "LA") else picture.convert(mode)
        _save(changed, path, numbers.choice((kind, "TIFF", "PNG", "JPEG")))
        return f"mode {mode}"
    if what == "size":
        size = numbers.choice(((1, 1), (1, 500), (3_000, 1), (7, 5), (65_000, 60), (2_000, 2_000)))
        _save(picture.resize(size), path, kind)
        return f"size {size}"
    if what == "format":
        other = numbers.choice(("GIF", "TIFF", "BMP", "EPS", "PDF", "ICO", "PPM", "TGA", "SGI", "PNG", "JPEG"))
        _save(picture, path, other)
        return f"format {other}"
    if what == "animated":
        _save(picture, path, numbers.choice(("GIF", "WEBP", "PNG")), save_all=True, append_images=[picture] * 3)
        return "several frames"
    tags = struct.pack("<2sHIHHHII", b"II", 42, 8, 1, 0x0112, numbers.randrange(20), numbers.randrange(2**31), 6)
    _save(picture, path, kind, exif=b"Exif\0\0" + tags, icc_profile=numbers.randbytes(40))
    return "metadata"


def _save(picture: Image.Image, path: Path, kind: str, **options: Any) -> None:
    try:
        picture.save(path, kind, **options)
    except (OSError, ValueError, KeyError, SystemError):  # that mode does not fit in that format
        picture.convert("RGB").save(path, "PNG")


def _header(path: Path, numbers: random.Random) -> str:
    """Changes the metadata of weights: the words by which a generator is built from a file."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    try:
        header = json.loads(content[8 : 8 + length])
        about = json.loads(header["__metadata__"]["reposer"])
    except (ValueError, KeyError, TypeError):
        return _bytes(path, numbers)
    holder, key, name = numbers.choice(_places(about))
    value = numbers.choice(VALUES)
    holder[key] = value
    header["__metadata__"]["reposer"] = json.dumps(about)
    words = json.dumps(header).encode("utf-8", "surrogatepass")
    words += b" " * (-len(words) % 8)
    path.write_bytes(struct.pack("<Q", len(words)) + words + content[8 + length :])
    return f"header{name} = {str(value)[:40]!r}"


def _weights(path: Path, numbers: random.Random) -> str:
    """Numbers among the weights that are none."""
    content = bytearray(path.read_bytes())
    (length,) = struct.unpack("<Q", content[:8])
    place = 8 + length + 4 * numbers.randrange(max(1, (len(content) - 8 - length) // 4))
    content[place : place + 4] = struct.pack("<f", numbers.choice((float("nan"), float("inf"), 3e38)))
    path.write_bytes(bytes(content))
    return "a weight that is no number"
