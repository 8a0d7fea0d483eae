"""Write synthetic people to files, with ground truth: a folder in the form of PATN and GFLA, or tar shards."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import permutations
from pathlib import Path
from typing import Literal

import torch

from reposer.core import BadInput, Pose
from reposer.core.choices import Engine
from reposer.data.fashion_pictures import has_picture_shape
from reposer.data.lists import FASHION_SIZE, write_annotation, write_pairs
from reposer.data.shards import BETWEEN, picture_bytes, pose_words, shard_name, write_shard

from .attributes import attributes
from .dataset import FIRST_NUMBER, LAST_NUMBER, Split, SyntheticPeople
from .drafts import Piece, Record, write_in_pieces
from .render.rendering import Rendering
from .render.truth import flow_truth, packed, picture_truth

Form = Literal["patn", "shards"]
Suffix = Literal[".png", ".jpg"]
PEOPLE_PER_SHARD = 32
LICENCE = "CC0-1.0"


def write_people(
    root: Path | str,
    *,
    size: tuple[int, int] = (256, 176),
    num_train: int = 200,
    num_test: int = 20,
    num_val: int = 0,
    views: int = 4,
    seed: int = 0,
    suffix: Suffix = ".png",
    form: Form = "patn",
    truth: bool = False,
    flow: bool = False,
    workers: int = 2,
    engine: Engine = "local",
    progress: bool = True,
) -> Path:
    """Render `views` pictures of each person and list all ordered pairs of a person. Returns the folder `root`.

    root: a folder that does not exist yet. It appears whole or not at all; an unfinished draft `.NAME-draft` stays
        beside it, and the same call resumes there.
    num_train, num_test, num_val: people, not pairs.
    form: "patn", picture files and lists, or "shards", tar files of whole pairs.
    truth: also write parts, depth, surface, albedo, exact joints and attributes. flow: also the true flow of each pair.
    workers: rendering processes, one thread each; 1 = this one. The bytes do not depend on their number. More than one
        are spawned, so a script must call this under `if __name__ == "__main__":`.
    engine: "ray" renders on the cluster that RAY_ADDRESS names, whose machines see the same folder; same bytes.
    """
    counts: dict[Split, int] = {"train": num_train, "val": num_val, "test": num_test}
    for split, people in counts.items():
        if not 0 <= people <= LAST_NUMBER[split] - FIRST_NUMBER[split]:
            room = LAST_NUMBER[split] - FIRST_NUMBER[split]
            raise BadInput(f"The split '{split}' has room for 0 to {room} people, not {people}.")
    if views < 2:
        raise BadInput(f"A pair needs at least 2 views of a person, not {views}.")
    if form == "patn" and not has_picture_shape(size):
        raise BadInput(
            f"Lists of joints in PATN's form are of {FASHION_SIZE[0]}x{FASHION_SIZE[1]} pictures; {size[0]}x{size[1]} "
            f"(height x width) has another shape. Choose a size of that shape, or tar shards, whose joints count in "
            "the picture itself."
        )
    plan = _Plan((size[0], size[1]), views, seed, suffix, truth, flow)
    kept = {split: people for split, people in counts.items() if people or split != "val"}
    write = _Folder(plan, tuple(kept)) if form == "patn" else _Shards(plan)
    return write_in_pieces(
        root,
        list(write.pieces(kept)),
        write,
        write.finish,
        arguments={"form": form, "people": kept, **asdict(plan), "licence": LICENCE},
        workers=workers,
        engine=engine,
        progress=progress,
    )


@dataclass(frozen=True)
class _Plan:
    """Everything that determines the files of a person."""

    size: tuple[int, int]
    views: int
    seed: int
    suffix: str
    truth: bool
    flow: bool

    def render(self, number: int) -> tuple[dict[str, str], Rendering]:
        """Attributes of person `number`, and all their views."""
        data = SyntheticPeople(self.size, num_pairs=1, seed=self.seed)
        return attributes(data.who(number)), data.rendered([(number, view) for view in range(self.views)])

    def names(self, number: int) -> list[str]:
        """The names of a person's pictures, without suffix."""
        return [f"{person_name(number)}_{view}" for view in range(self.views)]

    def pairs(self) -> Iterator[tuple[int, int]]:
        """The ordered pairs of a person's views."""
        return permutations(range(self.views), 2)


def person_name(number: int) -> str:
    return f"synthetic{number:06d}"


@dataclass(frozen=True)
class _Folder:
    """Picture files and lists in the form of PATN. A piece is a person."""

    plan: _Plan
    splits: tuple[Split, ...]

    def pieces(self, counts: Mapping[Split, int]) -> Iterator[Piece]:
        for split, people in counts.items():
            for number in range(FIRST_NUMBER[split], FIRST_NUMBER[split] + people):
                yield Piece(f"{split}-{number:06d}", (number,), split, self.plan.views)

    def __call__(self, draft: Path, piece: Piece) -> Record:
        plan, (number,) = self.plan, piece.people
        words, rendering = plan.render(number)
        names = plan.names(number)
        files = {
            f"{piece.split}/{name}{plan.suffix}": picture_bytes(rendering.picture[row], plan.suffix)
            for row, name in enumerate(names)
        }
        if plan.truth:
            for row, name in enumerate(names):
                files[f"truth/{piece.split}/{name}.npz"] = packed(picture_truth(rendering, row))
        if plan.flow:
            for a, b in plan.pairs():
                path = f"truth/{piece.split}/flow/{names[a]}{BETWEEN}{names[b]}.npz"
                files[path] = packed(flow_truth(rendering, a, b))
        for path, content in files.items():
            (draft / path).parent.mkdir(parents=True, exist_ok=True)
            (draft / path).write_bytes(content)
        found = rendering.detected.resize(FASHION_SIZE)  # coordinates of these lists refer to the 256x176 frame
        return {
            "split": piece.split,
            "person": person_name(number),
            "names": [name + plan.suffix for name in names],
            "xy": found.xy.tolist(),
            "visible": found.visible.tolist(),
            "attributes": words,
        }

    def finish(self, draft: Path, records: Mapping[str, Record]) -> None:
        for split in self.splits:
            (draft / split).mkdir(exist_ok=True)
            own = [record for record in records.values() if record["split"] == split]
            poses = {
                name: Pose(torch.tensor(xy), torch.tensor(visible), FASHION_SIZE)
                for record in own
                for name, xy, visible in zip(record["names"], record["xy"], record["visible"], strict=True)
            }
            pairs = [(r["names"][a], r["names"][b]) for r in own for a, b in self.plan.pairs()]
            (draft / f"{split}.lst").write_text("".join(f"{name}\n" for name in poses))
            write_annotation(draft / f"fasion-resize-annotation-{split}.csv", poses, frame="crop176")
            write_pairs(draft / f"fasion-resize-pairs-{split}.csv", pairs)
            if self.plan.truth:
                words = {record["person"]: record["attributes"] for record in own}
                (draft / "truth" / split).mkdir(parents=True, exist_ok=True)
                (draft / "truth" / split / "attributes.json").write_text(json.dumps(words, indent=1) + "\n")


@dataclass(frozen=True)
class _Shards:
    """Tar shards of whole pairs. A piece is a shard."""

    plan: _Plan

    def pieces(self, counts: Mapping[Split, int]) -> Iterator[Piece]:
        for split, people in counts.items():
            first, last = FIRST_NUMBER[split], FIRST_NUMBER[split] + people
            for k, start in enumerate(range(first, last, PEOPLE_PER_SHARD)):
                numbers = tuple(range(start, min(start + PEOPLE_PER_SHARD, last)))
                yield Piece(shard_name(split, k), numbers, split, len(numbers) * self.plan.views)

    def __call__(self, draft: Path, piece: Piece) -> Record:
        write_shard(draft / piece.name, (s for n in piece.people for s in self._samples(n)))
        return {"split": piece.split, "samples": len(piece.people) * len(list(self.plan.pairs()))}

    def finish(self, draft: Path, records: Mapping[str, Record]) -> None:
        """Nothing to do: a shard lists its own pairs."""

    def _samples(self, number: int) -> Iterator[tuple[str, dict[str, bytes]]]:
        """(key, files) of each pair of one person."""
        plan = self.plan
        words, rendering = plan.render(number)
        names = plan.names(number)
        pictures = [picture_bytes(picture, plan.suffix) for picture in rendering.picture]
        parts = [picture_bytes(row) for row in rendering.parts]
        truth = [packed(picture_truth(rendering, row)) for row in range(plan.views)] if plan.truth else []
        for pair in plan.pairs():
            files: dict[str, bytes] = {}
            about = {"identity": person_name(number), "attributes": words}
            for side, row in zip(("source", "target"), pair, strict=True):
                files[f"{side}{plan.suffix}"] = pictures[row]
                files[f"{side}.parts.png"] = parts[row]
                about[side] = {"name": names[row], "pose": pose_words(rendering.detected[row])}
                if truth:
                    files[f"{side}.npz"] = truth[row]
            files["json"] = json.dumps(about).encode()
            if plan.flow:
                files["flow.npz"] = packed(flow_truth(rendering, *pair))
            yield f"{names[pair[0]]}{BETWEEN}{names[pair[1]]}", files
