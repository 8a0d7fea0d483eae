"""Fits a generator to one person in minutes: their clip or photos in, weights for every command out.

Some frames are held out before the training, the last of a clip and after a gap, so that the scores before and after
are of pictures that it never saw.
"""

import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

from reposer.animation.driving import joints_of, named_estimator, track_beside
from reposer.core import BadInput, Batch, Framing, Generator, Pose
from reposer.core.disk import write_text
from reposer.core.framing import edges_around, in_picture, size_of
from reposer.core.images import resize_part, to_uint8
from reposer.core.json_files import object_in
from reposer.core.skeleton import OPENPOSE_18
from reposer.data.clips import choose_track_of
from reposer.data.dataset import PairRow
from reposer.data.folder import Folder, chosen_photo_pose, photo_pose, photos_in, pose_path
from reposer.data.pictures import read_picture, write_picture
from reposer.data.poses import recording_files, write_pose_json
from reposer.data.video_files import VideoFile
from reposer.estimators import PeopleEstimator, PoseEstimator
from reposer.evaluation import Report, evaluate
from reposer.evaluation.sheets import picture_sheet, write_sheet
from reposer.generators import load, model_file, save
from reposer.generators.trueflow import TrueFlow
from reposer.generators.trueflow.training import trueflow_personal
from reposer.nn.weights import sha256
from reposer.training import Recipe, train
from reposer.training.loop import Outcome
from reposer.training.recipe import Start
from reposer.training.run_folder import RunFolder

PROTOCOL = "reposer-v1-reconstruction"
DECIDES = "l1-limbs"
"""The metric that must be better on held-out frames, or nothing is written."""
MOST_FRAMES = 60
"""Of a clip to train on, evenly spread over it."""
MOST_HELD_OUT = 15
SHARE = 0.2
"""Of the frames that is held out: the last ones."""
GAP = 0.05
"""Share of a clip between the frames that are trained on and those held out: neighbours in time are nearly equal."""
LEAST = 4
"""Usable frames without which there is nothing to learn from and to score."""
LEAST_JOINTS = 6
LARGEST = 1024
"""Larger side of the stored frames, in pixels."""
ROOM = 0.6
"""Around the person in all frames of one camera, as a share of the larger side of their joints' box."""
ALIKE = 1.0
"""Mean difference of two frames' thumbnails, of 255, below which they are the same picture."""
SOURCES, MOST_PAIRS = 5, 40
SHEET_ROWS = 8
MANY_STEPS = 1_000_000
"""The minutes end the training."""


@dataclass(frozen=True)
class Personalized:
    """What `personalize` did.

    trained_on, held_out: numbers of frames. left_out: names of frames that were not used, with the reason.
    minutes, steps: of training. before, after: scores on held-out frames, each shown from frames that were trained on.
    written: whether the result is better and was written. signal: that ended the training early, or 0.
    notes: what was decided while reading joints, one sentence each.
    """

    trained_on: int
    held_out: int
    left_out: dict[str, str]
    minutes: float
    steps: int
    before: Report | None = None
    after: Report | None = None
    written: bool = False
    signal: int = 0
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class _Frame:
    name: str
    picture: UInt8[Tensor, "H W 3"]
    pose: Pose


def personalize(
    source: Path,
    out: Path,
    *,
    work: Path,
    minutes: float = 10,
    model: str = "trueflow",
    track: Path | None = None,
    estimator: str | None = None,
    sheet: Path | None = None,
    progress: Callable[[Iterable[_Frame], int], Iterable[_Frame]] = lambda frames, total: frames,
    show: bool = True,
) -> Personalized:
    """Train `model` on one person for some minutes and write it to `out` if it became better on held-out frames.

    source: a clip, or a folder of photos of one person. Joints come from `track`, from the files beside, or from the
        pose estimator.
    work: folder of the frames and the run; the same call goes on with what it holds.
    sheet: a PNG file with held-out frames before and after.
    progress: shows how many frames were read, of how many. show: show the bar of the training.
    """
    base = load(model)
    if not isinstance(base, TrueFlow):
        raise BadInput(
            f"{model} is not of the family trueflow; only that can be fitted to a person. Give another --model."
        )
    file = model_file(model)
    frames = _stored(source, work / FRAMES, track, estimator, progress)
    run = work / "run"
    before_seconds = RunFolder(run).taken().seconds if run.is_dir() else 0.0
    outcome = train(
        _recipe(base, frames, file), run, progress=show, max_minutes=max(0.0, minutes - before_seconds / 60)
    )
    told = object_in(frames / ABOUT)
    done = Personalized(
        told["trained_on"],
        told["held_out"],
        told["left_out"],
        outcome.seconds / 60,
        outcome.step,
        signal=outcome.signal,
        notes=told["notes"],
    )
    return done if outcome.signal else _judged(done, base, outcome, frames, file, out, sheet)


def _recipe(base: TrueFlow, frames: Path, file: Path) -> Recipe:
    recipe = trueflow_personal()
    stage = replace(recipe.stages[0], steps=MANY_STEPS, start=Start(str(file), ("",)))
    return replace(recipe, model=base.config, stages=(stage,), data=replace(recipe.data, root=str(frames)))


def _judged(
    done: Personalized, base: Generator, outcome: Outcome, frames: Path, file: Path, out: Path, sheet: Path | None
) -> Personalized:
    """Score both on held-out frames; write the new one if it is better."""
    fitted = outcome.generator
    assert isinstance(fitted, Generator)
    shown = HeldOut(frames, base.framing)
    before, after = (
        evaluate(g.generate, PROTOCOL, shown, about={"generator": name})
        for g, name in ((base, "before"), (fitted, "after"))
    )
    if sheet is not None:
        write_sheet(sheet, _sheet(shown, base, fitted))
    better = after.summary[DECIDES].value.mean < before.summary[DECIDES].value.mean
    if better:
        about = {
            "personalised from": sha256(file),
            "frames": {"trained on": done.trained_on, "held out": done.held_out},
            "minutes": round(done.minutes, 2),
            "steps": done.steps,
            "held-out " + DECIDES: {
                n: r.summary[DECIDES].value.mean for n, r in (("before", before), ("after", after))
            },
        }
        save(fitted, out, about)
    return replace(done, before=before, after=after, written=better)


class HeldOut(Folder):
    """Pairs from a frame that was trained on to one that was held out, cut together."""

    def __init__(self, frames: Path, framing: Framing) -> None:
        super().__init__(frames, "train", framing, together=True)
        sources = sorted(self.paths)[:: max(1, len(self.paths) // SOURCES)][:SOURCES]
        targets = photos_in(frames / "test")
        self.paths = {**self.paths, **{path.name: path for path in targets}}
        self.poses = {**self.poses, **{path.name: photo_pose(path).convert(OPENPOSE_18) for path in targets}}
        rows = [PairRow(a, b.name, "person") for b in targets for a in sources]
        self.rows = [rows[i] for i in np.linspace(0, len(rows) - 1, min(MOST_PAIRS, len(rows))).round().astype(int)]


def _sheet(shown: HeldOut, base: Generator, fitted: Generator) -> UInt8[np.ndarray, "h w 3"]:
    """Rows of source, truth, before and after."""
    rows = np.linspace(0, len(shown) - 1, min(SHEET_ROWS, len(shown))).round().astype(int)
    batch = Batch.stack([shown[int(i)] for i in rows])
    generated = [g.generate(batch.source, batch.source_pose, batch.target_pose) for g in (base, fitted)]
    columns = (batch.source, batch.target, *generated)
    return picture_sheet(list(zip(*columns, strict=True)), ("source", "truth", "before", "after"))


# ------------------------------------------------------------------------------------------- frames

FRAMES, ABOUT = "frames", "frames.json"
"""The folder of the frames, in the work folder, and its file that says how they were made."""


def _stored(
    source: Path,
    folder: Path,
    track: Path | None,
    estimator: str | None,
    progress: Callable[[Iterable[_Frame], int], Iterable[_Frame]],
) -> Path:
    """The frames as a folder of photos, split in train and test; made once."""
    if not source.exists():
        raise BadInput(f"There is no {source}. Give a clip or a folder of photos of one person.")
    if source.is_file() and track is None and not estimator:
        track = track_beside(source)
    wanted = {
        "source": sha256(source) if source.is_file() else {photo.name: _contents(photo) for photo in photos_in(source)},
        "track": None if track is None else [sha256(file) for file in recording_files(track)],
        "estimator": estimator,
    }
    if (folder / ABOUT).is_file():
        if object_in(folder / ABOUT).get("wanted") != wanted:
            raise BadInput(f"{folder.parent} holds other frames. Give another --work, or remove that folder.")
        return folder
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "train").is_dir():
        raise BadInput(f"{folder} is not a folder of frames of Reposer. Give another --work.")
    left_out: dict[str, str] = {}
    notes: list[str] = []
    if source.is_dir():
        train_frames, held_out = _of_photos(source, estimator, progress, left_out, notes)
    else:
        train_frames, held_out = _of_clip(source, track, estimator, progress, left_out, notes)
    _refuse_few(source, train_frames, held_out, left_out)
    for split, own in (("train", train_frames), ("test", held_out)):
        shutil.rmtree(folder / split, ignore_errors=True)  # frames of a source that a kill cut short
        (folder / split).mkdir(parents=True, exist_ok=True)
        for k, frame in enumerate(own):
            write_picture(folder / split / f"person_{split}{k:04d}.png", frame.picture)
            write_pose_json(folder / split / f"person_{split}{k:04d}.json", frame.pose)
    about = {"wanted": wanted, "trained_on": len(train_frames), "held_out": len(held_out)}
    about |= {"left_out": left_out, "notes": notes}
    write_text(folder / ABOUT, json.dumps(about, indent=1, allow_nan=False) + "\n")
    return folder


def _of_clip(
    source: Path,
    track: Path | None,
    estimator: str | None,
    progress: Callable[[Iterable[_Frame], int], Iterable[_Frame]],
    left_out: dict[str, str],
    notes: list[str],
) -> tuple[list[_Frame], list[_Frame]]:
    """The first frames to train on, the last ones held out, with a gap between; all cut around where the person is."""
    clip = VideoFile(source)
    order = torch.tensor(clip.order())
    chosen = None if track is None else choose_track_of(clip, track)
    notes += chosen.notes if chosen is not None else ()
    poses = None if chosen is None else chosen.pose[order]
    reader = None if poses is not None else named_estimator(estimator)
    count = len(order)
    last, first = int((1 - SHARE - GAP) * count), int((1 - SHARE) * count)
    wanted = {*_spread(0, last, MOST_FRAMES), *_spread(first, count, MOST_HELD_OUT)}

    def found() -> Iterable[_Frame]:
        for t, picture in enumerate(clip.frames()):
            if t in wanted:
                pose = _looked(reader, picture, people) if reader is not None else None if poses is None else poses[t]
                assert pose is not None
                yield _Frame(str(t), picture, pose)

    people: list[int] = []
    usable = _usable(progress(found(), len(wanted)), left_out)
    notes[:0] = _several(people, "frames")
    if not usable:
        return [], []
    cut = _cut_alike(usable)
    return [f for f in cut if int(f.name) < last], [f for f in cut if int(f.name) >= first]


def _spread(start: int, end: int, most: int) -> Sequence[int]:
    if end <= start:
        return ()
    return [int(t) for t in np.linspace(start, end - 1, min(most, end - start)).round()]


def _of_photos(
    source: Path,
    estimator: str | None,
    progress: Callable[[Iterable[_Frame], int], Iterable[_Frame]],
    left_out: dict[str, str],
    notes: list[str],
) -> tuple[list[_Frame], list[_Frame]]:
    """The last fifth of the photos held out, by name; photos that equal one of those are left out."""
    photos = photos_in(source)
    readers = [] if all(pose_path(photo) for photo in photos) else [named_estimator(estimator)]

    people: list[int] = []

    def found() -> Iterable[_Frame]:
        for photo in photos:
            try:
                picture = read_picture(photo)
                if pose_path(photo):
                    chosen = chosen_photo_pose(photo)
                    pose = chosen.pose
                    notes.extend(chosen.notes)
                else:
                    pose = _looked(readers[0], picture, people)
            except BadInput as error:
                left_out[photo.name] = str(error)
                continue
            yield _Frame(photo.name, picture, pose)

    usable = [_small(frame) for frame in _usable(progress(found(), len(photos)), left_out)]
    notes[:0] = _several(people, "photos")  # before those on single photos
    count = max(1, min(MOST_HELD_OUT, round(SHARE * len(usable))))
    own, held_out = usable[:-count], usable[-count:]
    small = [_thumbnail(frame) for frame in held_out]
    kept = []
    for frame in own:
        if any(np.abs(_thumbnail(frame) - other).mean() < ALIKE for other in small):
            left_out[frame.name] = "it equals a photo that is held out"
        else:
            kept.append(frame)
    return kept, held_out


def _looked(estimator: PoseEstimator, picture: UInt8[Tensor, "H W 3"], people: list[int]) -> Pose:
    """The pose of the largest person; the number of people in the picture is added to `people`."""
    if not isinstance(estimator, PeopleEstimator):
        return joints_of(estimator, picture)
    found = estimator.people(picture, closer=False)
    people.append(len(found))
    return estimator.refined(picture, found[0]) if found else joints_of(estimator, picture)


def _several(people: Sequence[int], what: str) -> list[str]:
    several = sum(count > 1 for count in people)
    if not several:
        return []
    return [
        f"{several} of {len(people)} {what} show several people; the largest is taken in each. If that is not always "
        "the same person, cut the others out, or give the joints in files."
    ]


def _contents(photo: Path) -> list[str]:
    """Checksums of a photo and of its pose file, if it has one."""
    return [sha256(path) for path in (photo, pose_path(photo)) if path is not None]


def _usable(frames: Iterable[_Frame], left_out: dict[str, str]) -> list[_Frame]:
    kept = []
    for frame in frames:
        if int(in_picture(frame.pose).visible.sum()) < LEAST_JOINTS:
            left_out[frame.name] = f"fewer than {LEAST_JOINTS} joints are seen in it"
        else:
            kept.append(frame)
    return kept


def _refuse_few(source: Path, own: Sequence[_Frame], held_out: Sequence[_Frame], left_out: dict[str, str]) -> None:
    if len(own) < LEAST - 1 or not held_out:
        why = "".join(f"; {name}: {reason}" for name, reason in list(left_out.items())[:3])
        raise BadInput(
            f"{source} gives {len(own)} frames of the person to train on and {len(held_out)} to hold out; at least "
            f"{LEAST - 1} and 1 are needed{why}. Give a longer clip or more photos."
        )


def _cut_alike(frames: Sequence[_Frame]) -> list[_Frame]:
    """All frames cut to the part in which the person moves, so that one camera stays one camera."""
    poses = Pose.stack([frame.pose for frame in frames])
    left, top, right, bottom = edges_around(poses, ROOM, 0.75)
    h, w = poses.size
    box = max(0, left), max(0, top), min(w, right), min(h, bottom)
    return [_resized(frame, box) for frame in frames]


def _small(frame: _Frame) -> _Frame:
    h, w = frame.pose.size
    return _resized(frame, (0, 0, w, h))


def _resized(frame: _Frame, box: tuple[int, int, int, int]) -> _Frame:
    height, width = size_of(box)
    scale = min(1.0, LARGEST / max(height, width))
    size = max(1, round(scale * height)), max(1, round(scale * width))
    picture = to_uint8(resize_part(frame.picture, box, size))[0]
    return replace(frame, picture=picture, pose=frame.pose.cut(box).resize(size))


def _thumbnail(frame: _Frame) -> Float32[np.ndarray, "32 32 3"]:
    h, w = frame.picture.shape[:2]
    return to_uint8(resize_part(frame.picture, (0, 0, w, h), (32, 32)))[0].numpy().astype(np.float32)
