"""`reposer animate PHOTO --driving CLIP.mp4 --out clip.mp4`: animate a photo's person with the motion of a clip or a
track of joints.
"""

from collections.abc import Sequence
from contextlib import closing
from fractions import Fraction
from pathlib import Path

from tyro.conf import Positional

from reposer.core import BadInput
from reposer.core.choices import QUALITY, Smoothing
from reposer.core.outputs import check_output_file, named_beside
from reposer.core.terminal import Terminal

from .option_values import MOST_PIXELS, pixels, seeded, within
from .options import called
from .progress import counted

SMALLEST = 64  # pixels: smallest side of a clip
CODE = ("animation", "core", "data", "estimators", "generators", "nn", "probes", "pipeline.py")
"""The parts of the package that decide a generated frame: frames of two versions are not mixed in one clip."""


def run(arguments: Sequence[str]) -> int:
    return called(animate, arguments, "animate", __doc__)


def animate(
    photo: Positional[Path],
    *,
    driving: Path,
    model: str = "trueflow",
    out: Path | None = None,
    person: str | None = None,
    driving_person: str | None = None,
    source_pose: Path | None = None,
    track: Path | None = None,
    joints: str | None = None,
    fps: float | None = None,
    driving_size: tuple[int, int] | None = None,
    smooth: Smoothing = "none",
    clean_motion: Path | None = None,
    steady: bool = False,
    same_person: bool = False,
    fit: bool = False,
    retarget: bool = True,
    edges: bool = False,
    side_by_side: bool = False,
    sound: bool = True,
    largest: int = 1920,
    quality: int = QUALITY,
    seed: int = 0,
    device: str | None = None,
    anew: bool = False,
) -> int:
    """Write an MP4 (H.264) of the photo's size (see `largest`) with the frame rate and the sound of the driving clip.

    If killed, it leaves no broken file: the same command resumes at the last multiple of a hundred frames.

    Args:
        photo: a picture file.
        driving: a clip, or a track of joints: a JSON file, or a folder of OpenPose files, one per frame.
        model: a shipped model's name, a `.safetensors`, a run's folder, or hf://OWNER/NAME, of people or of faces.
        out: the MP4 to write; none = PHOTO-animated.mp4 beside the photo.
        person: which of several people in the photo: largest, left, right, a number (by size: 1 is the largest), a
            point X,Y on the person or a box L,T,R,B around the person, in pixels; none = the largest, and a note says
            how many there are.
        driving_person: the same for a driving clip without a track, in the first frame that shows somebody.
        source_pose: the joints of the person in the photo; none = estimate them.
        track: the joints of the driving clip, a pose per frame; none = the track beside it, or else
            estimate them.
        joints: name of the pose estimator; none = movenet.
        fps: frames per second; none = the driving clip's.
        driving_size: height and width of the frames in which the joints of a track without a size were found: the clip's,
            or those of a smaller or larger copy of it.
        smooth: filter for the driving joints: one-euro uses past frames only, two-sided the whole clip.
        clean_motion: weights of a motion network that cleans the driving joints first.
        steady: stabilise the generated frames with the previous frame.
        same_person: the driving face is the photo's own; its landmarks are used unchanged.
        fit: place the person by the joints even if clip and photo have the same size.
        retarget: fit the driving poses to the proportions of the photo's person, by one fit for the whole clip;
            otherwise only to size and place.
        edges: faces: also drive with the driving frames' edges around the face, as published networks did.
        side_by_side: photo, driving frame (or its joints) and result in one picture.
        sound: keep the driving clip's sound.
        largest: longest side of the clip, in pixels; larger photos are scaled down. Phones play no more than 4096.
        quality: H.264 constant rate factor: 1 is the finest, 18 is visually nearly lossless, 51 is the coarsest.
        seed: seed of the noise, for models that use noise.
        device: cpu, cuda, ...; none = a CUDA GPU if there is one.
        anew: discard what an interrupted run left.
    """
    within("--largest", largest, SMALLEST, MOST_PIXELS)
    within("--quality", quality, 1, 51)
    pixels("--driving-size", driving_size)
    seeded("--seed", seed)
    out = out or named_beside(photo, "-animated.mp4")
    inputs = (photo, driving, source_pose, track, model, clean_motion)
    check_output_file(out, endings=(".mp4",), inputs=inputs)

    from reposer.animation.driving import open_driving
    from reposer.animation.segments import SegmentedClip
    from reposer.animation.video import PhotoAnimation, no_larger
    from reposer.core.code import code_digest
    from reposer.core.device import chosen_device
    from reposer.core.skeleton import FACE_68
    from reposer.data.pictures import read_picture
    from reposer.data.poses import LEAST_FPS, MOST_FPS
    from reposer.estimators.people_choice import parse_person
    from reposer.generators import load, model_file
    from reposer.nn.steady import Steadier
    from reposer.nn.weights import sha256
    from reposer.probes.motion import load_motion

    from .driven_frames import calm, shown
    from .photo_poses import person_in_photo, pose_digest, tell

    console = Terminal(stderr=True)
    picture = read_picture(photo)
    if fps is not None and not LEAST_FPS <= fps <= MOST_FPS:
        raise BadInput(f"--fps is {LEAST_FPS:g} to {MOST_FPS:g} frames per second, not {fps:g}.")
    rate = None if fps is None else Fraction(fps).limit_denominator(10_000)
    followed = None if driving_person is None else parse_person(driving_person, "--driving-person")
    moves = open_driving(driving, track=track, estimator=joints, fps=rate, size=driving_size, person=followed)
    tell(moves.notes)
    source = person_in_photo(picture, photo, source_pose, joints, person)
    picture = no_larger(picture, largest)
    source = source.resize((picture.shape[0], picture.shape[1]))
    generator = load(model).to(chosen_device(device))
    if edges and moves.clip is None:
        raise BadInput(f"{driving} has no pictures to take edges from. Give a clip, or leave --edges out.")
    cleaner = None if clean_motion is None else load_motion(clean_motion)
    weights = model_file(model)
    about = moves.about | {
        "photo": sha256(photo)[:16],
        "source pose": pose_digest(source),
        "model": sha256(weights)[:16],
        "clean motion": sha256(clean_motion)[:16] if clean_motion else "",
        **{"smooth": smooth, "steady": str(steady), "same person": str(same_person), "seed": str(seed)},
        "edges": str(edges),
        "version of Reposer": code_digest(*CODE),
        **{"fit": str(fit), "retarget": str(retarget)},
        **{"side by side": str(side_by_side), "largest": str(largest)},
    }
    clip = SegmentedClip(out, moves.fps, about, quality=quality, anew=anew)
    if clip.done:
        again = " Their joints are looked for again first." if moves.track is None else ""
        console.say(f"{clip.done} frames were generated before; the clip goes on after them.{again}")
    of_another = generator.skeleton == FACE_68 and not same_person
    if moves.size == source.size and not (fit or of_another):
        console.say("Clip and photo have one size: the joints are taken where they are (else: --fit).")
    try:
        moves, poses = calm(moves, generator.skeleton, smooth, cleaner, console)
        animation = PhotoAnimation(
            generator,
            picture,
            source,
            poses,
            same_person=same_person,
            fit=fit,
            retargeted=retarget,
            edge_frames=moves.frames() if edges else None,
            seed=seed,
            steadier=Steadier() if steady else None,
        )
        frames = animation.frames(clip.done, clip.memory)
        pictures = shown(frames, moves, picture if side_by_side else None, largest, clip.done)
        with closing(counted(pictures, "generating", moves.num_frames, console, clip.done)) as passing:
            for frame, moved in passing:
                clip.add(frame, moved.memory)
    except KeyboardInterrupt as stop:
        clip.stop()
        stop.args = (f"stopped; {clip.done} frames are safe. The same command goes on after them.",)
        raise
    except BaseException:
        clip.stop()
        raise
    heard = moves.clip if sound and moves.clip is not None and moves.clip.has_sound else None
    clip.finish(sound=None if heard is None else heard.path)
    _tell(console, out, clip.done, clip.fps, animation.missing, heard is not None)
    if animation.inferred:
        tell([f"the driving clip shows no legs; these joints are the photo's own: {', '.join(animation.inferred)}."])
    for reason, count in animation.left_undone.items():
        console.say(f"In {count} of {clip.done} frames: {reason}")
    return 0


def _tell(console: Terminal, out: Path, num_frames: int, fps: Fraction, missing: int, sound: bool) -> None:
    length = float(num_frames / fps)
    console.say(
        f"The clip: {out} ({num_frames} frames, {length:.1f} s at {float(fps):g} frames per second"
        f"{', with its sound' if sound else ''})"
    )
    if missing:
        console.say(f"In {missing} of {num_frames} driving frames no person was found: the pose before was kept.")
