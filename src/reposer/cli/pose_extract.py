"""What `reposer pose extract` does with a photo, a clip, and a folder."""

from contextlib import closing
from pathlib import Path

from reposer.core import BadInput, Pose
from reposer.core.outputs import check_output_file
from reposer.core.terminal import Terminal
from reposer.data.pictures import read_picture, write_picture
from reposer.data.poses import write_pose_json, write_track
from reposer.data.skeleton_pictures import skeleton_over
from reposer.data.video_files import VideoFile
from reposer.estimated import ESTIMATOR
from reposer.estimators import POSE_ESTIMATORS
from reposer.estimators.people_choice import parse_person
from reposer.extraction import Extraction, clip_poses, write_clip_skeletons

from .photo_poses import person_in_photo
from .progress import counted


def of_photo(photo: Path, out: Path, joints: str | None, person: str | None, shown: Path | None) -> int:
    """Write a photo's pose, and the skeleton over the photo to `shown`."""
    picture = read_picture(photo)
    pose = person_in_photo(picture, photo, None, joints, person)
    write_pose_json(out, pose)
    console = Terminal(stderr=True)
    console.say(f"The pose: {out} ({int(pose.visible.sum())} of {len(pose.skeleton)} joints found)")
    if shown is not None:
        write_picture(shown, skeleton_over(picture, pose))
        console.say(f"The skeleton over the photo: {shown}")
    return 0


def of_clip(path: Path, out: Path, joints: str | None, person: str | None, shown: Path | None) -> int:
    """Write a clip's track, and the skeleton over the clip to `shown`."""
    if shown is not None:
        check_output_file(shown, inputs=(path,), option="the clip of --show,")
    console = Terminal(stderr=True)
    chosen = None if person is None else parse_person(person)
    clip = VideoFile(path)
    looking = counted(
        clip_poses(clip, POSE_ESTIMATORS[joints or ESTIMATOR](None), chosen), "looking", clip.num_frames, console
    )
    track = Pose.stack(list(looking))
    found = int(track.visible.any(-1).sum())
    if not found:
        raise BadInput(f"{path} shows no person in any of its {len(track)} frames. Take a clip that shows one clearly.")
    write_track(out, track, float(clip.fps), clip.seconds if clip.variable else None)
    console.say(f"The track: {out} (the person is found in {found} of {len(track)} frames)")
    if shown is not None:
        write_clip_skeletons(shown, clip, track)
        console.say(f"The skeleton over the clip: {shown}")
    return 0


def of_folder(
    folder: Path, out: Path, joints: str | None, person: str | None, size: tuple[int, int] | None, show: bool
) -> int:
    """Make a data set of a folder's photos. Exit code 1 if a photo was left out."""
    chosen = None if person is None else parse_person(person)
    extraction = Extraction(folder, out, POSE_ESTIMATORS[joints or ESTIMATOR](None), chosen, size, show)
    console = Terminal(stderr=True)
    photos = extraction.photos()
    failures, several, new = [], 0, 0
    with closing(counted(extraction.run(photos), "looking", len(photos), console, unit="photos")) as passing:
        for made in passing:
            several += bool(made.notes)
            new += made.new and not made.failure
            if made.failure:
                failures.append(made.photo)
                console.say(f"Left out: {made.failure}")
    kept = len(photos) - len(failures)
    before = f", {kept - new} of them before" if new < kept else ""
    console.say(f"The data set: {extraction.out} ({kept} of {len(photos)} photos{before})")
    if several:
        console.say(f"In {several} photos there are several people; the largest is taken. --person chooses another.")
    if failures:
        console.say(f"{len(failures)} photos are left out: {', '.join(path.name for path in failures)}")
    return int(bool(failures))
