"""The data card: statistics of synthetic people, counted from sampled and rendered people.

`reposer data card --people 1000` prints the tables of docs/synthetic.md.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import combinations
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont
from rich.progress import track

from reposer.core import BadInput
from reposer.core.code import code_digest
from reposer.core.skeleton import OPENPOSE_18
from reposer.core.terminal import Terminal

from .attributes import ATTRIBUTES, attributes
from .body.cameras import CROPS
from .body.figure import Body
from .body.parts import PARTS
from .dataset import FIRST_NUMBER, LAST_NUMBER, SyntheticPeople
from .drafts import CODE, in_processes

Shares = dict[str, float]
Card = dict[str, Any]
"""Plain numbers by name, as documented in `card`."""
FACING = ("front", "side", "back")
VIEWS = 2


@dataclass(frozen=True)
class Measure:
    """Measurements of one person in two views. J joints, P parts.

    cameras: (crop, yaw, elevation, distance) of each view. inside, visible, missed, found_hidden: for each joint, the
    number of views in which it is in the picture, unoccluded, unoccluded but missed by the detector, or occluded but
    found. areas: share of each picture that shows the person. parts: pixels of each part. flow: (points of the
    person in view 1 that view 0 also shows, all of them).
    """

    tone: int
    body: dict[str, float]
    words: dict[str, str]
    scene: str
    cameras: tuple[tuple[str, float, float, float], ...]
    inside: np.ndarray
    visible: np.ndarray
    missed: np.ndarray
    found_hidden: np.ndarray
    areas: tuple[float, ...]
    parts: np.ndarray
    flow: tuple[int, int]


@dataclass(frozen=True)
class _Measurer:
    data: SyntheticPeople

    def __call__(self, number: int) -> Measure:
        who = self.data.who(number)
        rendering = self.data.rendered([(number, view) for view in range(VIEWS)])
        cameras = [self.data.view(number, view)[1] for view in range(VIEWS)]
        joints, found = rendering.poses[OPENPOSE_18.name], rendering.detected.visible
        h, w = self.data.size
        inside = ((joints.xy > -0.5) & (joints.xy < joints.xy.new_tensor([w - 0.5, h - 0.5]))).all(-1)
        flow, seen = rendering.flow(0, 1)
        return Measure(
            who.tone,
            {field.name: float(getattr(who.body, field.name)) for field in fields(Body)},
            attributes(who),
            self.data.scene(number).kind,
            tuple((c.crop, _turned(c.yaw), c.elevation, c.distance) for c in cameras),
            inside.sum(0).numpy(),
            joints.visible.sum(0).numpy(),
            (joints.visible & ~found).sum(0).numpy(),
            (inside & ~joints.visible & found).sum(0).numpy(),
            tuple(rendering.mask.float().mean((1, 2)).tolist()),
            np.bincount(rendering.parts.numpy().ravel(), minlength=len(PARTS)),
            (int(seen.sum()), int((~flow[0].isnan()).sum())),
        )


def card(
    people: int = 1000, size: tuple[int, int] = (128, 88), seed: int = 0, *, workers: int = 2, progress: bool = False
) -> Card:
    """Statistics of the first `people` people of the split train, in two views each.

    Counts: skin_tone, by the Monk scale. Shares of people: attributes, scene. Of pictures: crop, facing, yaw. Of a
    joint's places in the picture: visible; of those visible: missed; of those hidden: found. Of the person's pixels:
    parts. flow_visible: share of the person's points in one view that the other view also shows. mean, sd, min and
    max: body (factors), camera, person_area (share of the picture). designs: number of garments and of distinct
    designs by split, and of designs that two splits share.
    """
    most = LAST_NUMBER["val"] - FIRST_NUMBER["val"]
    if people > most:
        raise BadInput(f"The splits are compared by as many people of each; the smallest has {most}, not {people}.")
    data = SyntheticPeople(size, num_pairs=people, seed=seed)
    found: Iterable[Measure] = in_processes(range(people), _Measurer(data), workers)
    if progress:
        found = track(found, "rendering people", total=people, console=Terminal(stderr=True), transient=True)
    measures = list(found)
    cameras = [camera for m in measures for camera in m.cameras]
    inside, visible, missed, hidden = (
        np.sum([getattr(m, name) for m in measures], 0).tolist()
        for name in ("inside", "visible", "missed", "found_hidden")
    )
    parts = np.sum([m.parts for m in measures], 0)[1:]
    yaws = [yaw for _, yaw, _, _ in cameras]
    return {
        "people": people,
        "pictures": len(cameras),
        "size": list(size),
        "seed": seed,
        "code": code_digest(*CODE),
        "skin_tone": {str(tone): sum(m.tone == tone for m in measures) for tone in range(1, 11)},
        "body": {name: _spread(m.body[name] for m in measures) for name in measures[0].body},
        "attributes": {
            question: _shares((m.words[question] for m in measures), words) for question, words in ATTRIBUTES.items()
        },
        "scene": _shares((m.scene for m in measures), ("white", "gradient", "room")),
        "crop": _shares((crop for crop, *_ in cameras), tuple(CROPS)),
        "facing": _shares(map(_facing, yaws), FACING),
        "yaw": {f"{low}": sum(low <= yaw < low + 30 for yaw in yaws) / len(yaws) for low in range(-180, 180, 30)},
        "camera": {
            "elevation": _spread(elevation for *_, elevation, _ in cameras),
            "distance": _spread(distance for *_, distance in cameras),
        },
        "joints": {
            joint: {
                "inside": inside[k] / len(cameras),
                "visible": _ratio(visible[k], inside[k]),
                "missed": _ratio(missed[k], visible[k]),
                "found_hidden": _ratio(hidden[k], inside[k] - visible[k]),
            }
            for k, joint in enumerate(OPENPOSE_18.joints)
        },
        "person_area": _spread(area for m in measures for area in m.areas),
        "parts": {name: float(count / parts.sum()) for name, count in zip(PARTS[1:], parts, strict=True)},
        "flow_visible": _spread(_ratio(*m.flow) for m in measures if m.flow[1]),
        "designs": _designs(people, seed),
    }


def _designs(people: int, seed: int) -> dict[str, Any]:
    """Number of garments and designs among the first people of each split, and of designs shared by two splits."""
    worn = {}
    for split, first in FIRST_NUMBER.items():
        data = SyntheticPeople(split=split, num_pairs=people, seed=seed)
        worn[split] = [d for n in range(first, first + people) for d in data.who(n).outfit.designs]
    unique = {split: set(designs) for split, designs in worn.items()}
    shared = {f"{a} and {b}": len(unique[a] & unique[b]) for a, b in combinations(unique, 2)}
    return {
        **{split: {"garments": len(worn[split]), "designs": len(unique[split])} for split in worn},
        "shared": shared,
    }


def _turned(yaw: float) -> float:
    """`yaw` wrapped to [-180, 180) degrees."""
    return (yaw + 180) % 360 - 180


def _facing(yaw: float) -> str:
    return "front" if abs(yaw) < 45 else "back" if abs(yaw) > 135 else "side"


def _ratio(a: float, b: float) -> float:
    return float(a / b) if b else 0.0


def _shares(found: Iterable[str], words: Sequence[str]) -> Shares:
    counts = Counter(found)
    assert set(counts) <= set(words), set(counts) - set(words)
    return {word: counts[word] / counts.total() for word in words}


def _spread(values: Iterable[float]) -> Shares:
    a = np.fromiter(values, float)
    return {"mean": float(a.mean()), "sd": float(a.std()), "min": float(a.min()), "max": float(a.max())}


# Tables


def tables(found: Card) -> str:
    """The card as Markdown."""
    h, w = found["size"]
    blocks = [
        f"{found['people']:,} people, {found['pictures']:,} pictures of {h}x{w}, seed {found['seed']}, rendered by the "
        f"code {found['code']}.",
        _table(("skin tone (Monk)", *found["skin_tone"]), [("people", *map(str, found["skin_tone"].values()))]),
        _table(
            ("pictures", "shares"),
            [(name, _in_words(found[name])) for name in ("crop", "facing")]
            + [("scene (of people)", _in_words(found["scene"]))],
        ),
        _spread_table("body", found["body"]),
        _spread_table(
            "pictures",
            {
                "camera's elevation, degrees": found["camera"]["elevation"],
                "camera's distance, statures": found["camera"]["distance"],
                "person's share of the picture": found["person_area"],
                "true flow: points of one view that the other shows": found["flow_visible"],
            },
        ),
        _table(
            ("joint", "in the picture", "of these visible", "of those missed", "hidden, yet found"),
            [(joint, *(_percent(v) for v in row.values())) for joint, row in found["joints"].items()],
        ),
        _table(
            ("part", "share of the person's pixels"),
            [(name, _percent(share)) for name, share in found["parts"].items()],
        ),
        _table(
            ("attribute", "shares of people"),
            [(question, _in_words(shares)) for question, shares in found["attributes"].items()],
        ),
        _table(
            ("split", "garments", "different designs"),
            [
                (split, f"{row['garments']:,}", f"{row['designs']:,}")
                for split, row in found["designs"].items()
                if split != "shared"
            ],
        ),
        "Designs in two splits: "
        + ", ".join(f"{splits}: {count}" for splits, count in found["designs"]["shared"].items())
        + ".",
    ]
    return "\n\n".join(blocks) + "\n"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _in_words(shares: Shares) -> str:
    ordered = sorted(shares.items(), key=lambda item: -item[1])
    return ", ".join(f"{word} {100 * share:.1f} %" for word, share in ordered if share)


def _spread_table(title: str, rows: Mapping[str, Shares]) -> str:
    names = ("mean", "sd", "min", "max")
    return _table((title, *names), [(row, *(f"{values[name]:.3f}" for name in names)) for row, values in rows.items()])


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


# Charts

_PAPER, _INK, _BAR, _SECOND = (255, 255, 255), (60, 64, 72), (59, 110, 165), (230, 159, 70)
_PANEL = (560, 30)  # width of a panel, height of a bar's row, in pixels


def charts(found: Card) -> UInt8[np.ndarray, "h w 3"]:
    """Bar charts of the card."""
    words = found["attributes"]
    joints = {j: row["visible"] for j, row in found["joints"].items()}
    detected = {
        j: row["visible"] * (1 - row["missed"]) + (1 - row["visible"]) * row["found_hidden"]
        for j, row in found["joints"].items()
    }
    columns = [
        [
            _panel("skin tone (Monk scale), people", found["skin_tone"], unit=""),
            _panel("facing, pictures", found["facing"]),
            _panel("crop, pictures", found["crop"]),
            _panel("scene, people", found["scene"]),
            _panel("hair colour, people", words["hair colour"]),
        ],
        [
            _panel("joints in the picture: visible (blue), found by the detector (orange)", joints, detected),
            _panel("hair style, people", words["hair style"]),
        ],
        [
            _panel("parts, of the person's pixels", found["parts"]),
            _panel("upper garment, people", words["upper garment"]),
            _panel("outer layer, people", words["outer layer"]),
        ],
    ]
    height = max(sum(panel.height for panel in column) for column in columns)
    sheet = Image.new("RGB", (len(columns) * _PANEL[0], height), _PAPER)
    for c, column in enumerate(columns):
        top = 0
        for panel in column:
            sheet.paste(panel, (c * _PANEL[0], top))
            top += panel.height
    return np.array(sheet)


def _panel(
    title: str, values: Mapping[str, float], second: Mapping[str, float] | None = None, unit: str = "%"
) -> Image.Image:
    """A chart of horizontal bars; the longest fills the panel."""
    width, row = _PANEL
    left, right, top = 190, 70, 46
    panel = Image.new("RGB", (width, top + row * len(values) + 16), _PAPER)
    draw, font = ImageDraw.Draw(panel), ImageFont.load_default(size=15)
    draw.text((20, 16), title, _INK, ImageFont.load_default(size=16))
    full = max(*values.values(), *(second or {}).values(), 1e-9)
    for k, (name, value) in enumerate(values.items()):
        y = top + k * row
        draw.text((left - 10, y + row / 2), name.replace("_", " "), _INK, font, anchor="rm")
        bars = [(value, _BAR)] if second is None else [(value, _BAR), (second[name], _SECOND)]
        thick = (row - 8) / len(bars)
        for b, (length, colour) in enumerate(bars):
            end = left + (width - left - right) * length / full
            draw.rectangle((left, y + 4 + b * thick, max(end, left + 1), y + 3 + (b + 1) * thick), colour)
        longest = left + (width - left - right) * max(length for length, _ in bars) / full
        text = f"{100 * value:.1f} %" if unit else f"{value:,}"
        draw.text((longest + 8, y + row / 2), text, _INK, font, anchor="lm")
    return panel


def people_sheet(seed: int, rows: int = 4, columns: int = 16) -> UInt8[np.ndarray, "h w 3"]:
    """A sheet of random people of the test split at 256x176, one view of each."""
    data = SyntheticPeople((256, 176), "test", seed=seed)
    numbers = np.random.default_rng(seed).choice(LAST_NUMBER["test"] - FIRST_NUMBER["test"], rows * columns, False)
    people = [data.rendered([(FIRST_NUMBER["test"] + int(n), 0)]).picture[0].numpy() for n in numbers]
    return np.concatenate([np.concatenate(people[r * columns : (r + 1) * columns], 1) for r in range(rows)])
