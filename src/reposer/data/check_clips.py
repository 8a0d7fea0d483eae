"""Check a data set of clips before training: `reposer data check ROOT`."""

from collections.abc import Sequence
from pathlib import Path

import torch

from reposer.core import BadInput, FaceLines, Pose

from .clip_dataset import ClipReading, recognise_clips
from .clip_folder import TRAIN_SHARE, ClipFolder, open_clip_with_notes, track_of, tracks_beside
from .dataset import NoSplit
from .findings import Findings, outside_picture, tracked
from .frame_folders import FrameFolders, uneven
from .pictures import picture_header, picture_is_cut_off

SPLITS = ("train", "val", "test")


def check_clips(root: Path, found: Findings, progress: bool) -> None:
    """Report every problem of the clips in this folder; every frame of a video file is decoded."""
    kind = recognise_clips(root)
    if kind is ClipFolder:
        _check_folder(root, found, progress)
    elif issubclass(kind, FrameFolders):
        for split in SPLITS:
            _check_split(kind, root, split, found, progress)
    else:
        found.add("warning", "not checked", f"clips of the kind {kind.__name__} are not checked")


def _check_folder(root: Path, found: Findings, progress: bool) -> None:
    clips = tracks_beside(root)
    alone: list[str] = []
    many: list[str] = []
    unreadable, blind, short, unscored, outside = [], [], [], [], []
    notes: list[str] = []
    partly: list[str] = []
    skeletons: dict[str, str] = {}
    for path, tracks in tracked(clips.items(), "clips", len(clips), progress):
        if track_of(path, tracks) is None:
            (many if tracks else alone).append(path.name)
            continue
        try:
            video, chosen = open_clip_with_notes(path, tracks)
            decoded = sum(1 for _ in video.frames())
        except BadInput as error:
            unreadable.append(str(error))
            continue
        if decoded != len(video.order()):
            unreadable.append(f"{path} shows {decoded} frames, not {len(video.order())}.")
        notes += chosen.notes
        poses = chosen.pose[torch.tensor(video.order())]
        skeletons.setdefault(poses.skeleton.name, path.name)
        seen = poses.visible.any(-1)
        cut = max(1, int(TRAIN_SHARE * len(seen)))
        if not seen[:cut].any():
            blind.append(path.name)
        if 0 < (hidden := int((~seen[cut:]).sum())) < len(seen) - cut:
            partly.append(f"{path.name}: {hidden} of {len(seen) - cut}")
        if cut == len(seen):
            short.append(f"{path.name}: {len(seen)}")
        elif not seen[cut:].any():
            unscored.append(path.name)
        if count := int(outside_picture(poses).sum()):
            outside.append(f"{path.name}: {count:,} of {int(poses.visible.sum()):,}")
    found.add("error", "no track", "clips without a track of joints beside them, NAME.json", alone)
    found.add("error", "several tracks", "clips with several tracks, of which none is called NAME.json", many)
    found.add("error", "unreadable clips", "clips or tracks that cannot be read", unreadable)
    found.add("error", "no joints", f"no person in the first {TRAIN_SHARE:.0%}: there is no reference", blind)
    text = "people were chosen or left out, or the track does not say its size or times"
    found.add("warning", "chosen tracks", text, notes)
    found.add("warning", "no test", "too few frames to keep any for the split test", short)
    found.add("warning", "not scored", "no person in what the split test has", unscored)
    text = "frames of the split test without a person: they are scored too, generated in the pose before"
    found.add("warning", "frames without a person", text, partly)
    found.add("warning", "joints outside", "joints outside of the picture", outside)
    if len(skeletons) > 1:
        text = "tracks of several skeletons; training needs one that all become (--data.skeleton)"
        found.add("warning", "several skeletons", text, [f"{n}: {name}" for name, n in skeletons.items()])


def _check_split(kind: type[FrameFolders], root: Path, split: str, found: Findings, progress: bool) -> None:
    try:
        data = kind(root, split, None, ClipReading(frames=1))
    except NoSplit as error:
        if split != "val":  # most data sets have no validation split
            found.add("warning", "no split", f"{split} is not there", (error,))
        return
    except BadInput as error:
        found.add("error", "does not open", f"{split}: {error}")
        return
    assert isinstance(data, FrameFolders)
    wrong, pictures, blind, outside = [], [], [], []
    notes: list[str] = []
    gaps: list[str] = []
    for i in tracked(range(len(data)), f"{split}: clips", len(data), progress):
        try:
            files = data.frame_files(i)
            data.reference(i, data.first_reference(i))
            condition = data.conditions(i, data.span(i))
        except BadInput as error:
            wrong.append(str(error))
            continue
        try:
            notes += data.notes(i)
        except BadInput as error:
            wrong.append(str(error))
        gaps += [f"{data.name(i)}: {gap}"] if (gap := uneven(files)) else []
        pictures += _unlike(files)
        poses = condition.points if isinstance(condition, FaceLines) else condition
        assert isinstance(poses, Pose)
        if not poses.visible.any():
            blind.append(data.name(i))
        if count := int(outside_picture(poses).sum()):
            outside.append(f"{data.name(i)}: {count:,} of {int(poses.visible.sum()):,}")
    if not len(data):
        found.add("error", "empty", f"{split} has no clips")
    found.add("error", "unreadable clips", f"{split}: clips or joints that cannot be read", wrong)
    found.add("error", "unreadable pictures", f"{split}: these cannot be read, or have another size", pictures)
    everybody = bool(blind) and len(blind) == len(data)
    text = f"{split}: no person has a joint" if everybody else f"{split}: clips in which no person has a joint"
    found.add("error" if everybody else "warning", "no joints", text, blind)
    text = f"{split}: frames are missing or too many; those beside a gap count as neighbours in time"
    found.add("warning", "uneven frames", text, gaps)
    found.add("warning", "chosen people", f"{split}: frames show several people; the surest of each is read", notes)
    found.add("warning", "joints outside", f"{split}: joints outside of the picture", outside)


def _unlike(files: Sequence[Path]) -> list[str]:
    """The frames of a clip that cannot be read or differ in size from the first."""
    wrong, first = [], None
    for path in files:
        try:
            size = picture_header(path)
        except BadInput as error:
            wrong.append(str(error))
            continue
        first = first or size
        if picture_is_cut_off(path):
            wrong.append(f"{path} ends too early: it is damaged.")
        elif size != first:
            wrong.append(f"{path} has {size[0]}x{size[1]} pixels, the clip's first frame {first[0]}x{first[1]}.")
    return wrong
