"""`reposer animate PHOTO --driving CLIP.mp4 --out clip.mp4`: animate a photo's person with the motion of a clip or a
track of joints.
"""

from collections.abc import Generator, Iterable, Sequence
from pathlib import Path

from tyro.conf import Positional

from reposer.core import BadInput
from reposer.core.choices import QUALITY, OtherSide, Preset, Runtime, Smoothing
from reposer.core.outputs import check_output_file, named_beside
from reposer.core.terminal import Terminal

from .needed import begins, ends_if_estimated, if_it_can_be_told, refuse_elsewhere
from .option_values import MOST_PIXELS, pixels, seeded, size, within
from .options import called
from .progress import Item, counted

SMALLEST = 64  # pixels: smallest side of a clip


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
    other_side: OtherSide = "mirrored",
    edges: bool = False,
    side_by_side: bool = False,
    sound: bool = True,
    largest: int = 1920,
    quality: int = QUALITY,
    seed: int = 0,
    device: str | None = None,
    engine: Runtime | None = None,
    preset: Preset | None = None,
    anew: bool = False,
    max_memory: str | None = None,
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
        driving_size: height and width of the frames in which the joints of a track without a size were found: the
            clip's, or those of a smaller or larger copy of it.
        smooth: filter for the driving joints: one-euro uses past frames only, two-sided the whole clip.
        clean_motion: weights of a motion network that cleans the driving joints first.
        steady: stabilise the generated frames with the previous frame.
        same_person: the driving face is the photo's own; its landmarks are used unchanged.
        fit: place the person by the joints even if clip and photo have the same size.
        retarget: fit the driving poses to the proportions of the photo's person, by one fit for the whole clip;
            otherwise only to size and place.
        other_side: as in `reposer transfer`.
        edges: faces: also drive with the driving frames' edges around the face, as published networks did.
        side_by_side: photo, driving frame (or its joints) and result in one picture.
        sound: keep the driving clip's sound.
        largest: longest side of the clip, in pixels; larger photos are scaled down. Phones play no more than 4096.
        quality: H.264 constant rate factor: 1 is the finest, 18 is visually nearly lossless, 51 is the coarsest.
        seed: seed of the noise, for models that use noise.
        device: cpu, cuda, ...; none = a CUDA GPU if there is one.
        engine: what runs the network, as in `reposer transfer`.
        preset: fast, balanced or best, as in `reposer transfer`.
        anew: discard what an interrupted run left.
        max_memory: the most memory, for example 800M or 4G: nothing is begun if more is needed, and what would fit is
            said. none = no limit.
    """
    most = size("--max-memory", max_memory)
    within("--largest", largest, SMALLEST, MOST_PIXELS)
    within("--quality", quality, 1, 51)
    pixels("--driving-size", driving_size)
    seeded("--seed", seed)
    out = out or named_beside(photo, "-animated.mp4")
    inputs = (photo, driving, source_pose, track, model, clean_motion)
    check_output_file(out, endings=(".mp4",), inputs=inputs)

    from reposer.animation.driving import frame_rate, open_driving
    from reposer.animation.photo_clip import ClipOptions, write_photo_clip
    from reposer.data.pictures import read_picture
    from reposer.data.poses import LEAST_FPS, MOST_FPS
    from reposer.engines.presets import chosen
    from reposer.engines.run import chosen_runtime, load_for
    from reposer.estimators.people_choice import parse_person
    from reposer.generators import model_file
    from reposer.needs.pictures import need_of_clip
    from reposer.nn.weights import sha256
    from reposer.probes.motion import load_motion

    from .photo_poses import person_in_photo, tell

    console = Terminal(stderr=True)
    picture = read_picture(photo)
    if fps is not None and not LEAST_FPS <= fps <= MOST_FPS:
        raise BadInput(f"--fps is {LEAST_FPS:g} to {MOST_FPS:g} frames per second, not {fps:g}.")
    followed = None if driving_person is None else parse_person(driving_person, "--driving-person")
    rate = frame_rate(fps)
    moves = open_driving(driving, track=track, estimator=joints, fps=rate, size=driving_size, person=followed)
    choice = chosen(preset, model, engine)
    place, runtime = chosen_runtime(device, choice.runtime)
    need = None
    if place == "cpu":
        with if_it_can_be_told(most):
            need = need_of_clip(
                choice.model,
                (picture.shape[0], picture.shape[1]),
                None if moves.clip is None else moves.size,
                largest,
                panels=3 if side_by_side else 1,
                estimated=source_pose is None or moves.track is None,
                network_size=choice.size,
                most=most,
            )
            ends_if_estimated(need)
    else:
        refuse_elsewhere(most, place)
    tell(moves.notes)
    source = person_in_photo(picture, photo, source_pose, joints, person)
    if need is not None:
        begins(need)
    generator = load_for(choice.model, place, runtime, choice.size)
    if edges and moves.clip is None:
        raise BadInput(f"{driving} has no pictures to take edges from. Give a clip, or leave --edges out.")

    def passing(items: Iterable[Item], title: str, total: int, done: int = 0) -> Generator[Item, None, None]:
        return counted(items, title, total, console, done)

    made = write_photo_clip(
        out,
        generator,
        picture,
        source,
        moves,
        ClipOptions(
            smooth=smooth,
            steady=steady,
            same_person=same_person,
            fit=fit,
            retarget=retarget,
            other_side=other_side,
            edges=edges,
            side_by_side=side_by_side,
            sound=sound,
            largest=largest,
            quality=quality,
            seed=seed,
        ),
        cleaner=None if clean_motion is None else load_motion(clean_motion),
        inputs={
            "photo": sha256(photo)[:16],
            "model": sha256(model_file(choice.model))[:16],
            "clean motion": sha256(clean_motion)[:16] if clean_motion else "",
            **({} if runtime == "torch" else {"engine": runtime}),
            **({} if choice.size is None else {"network size": f"{choice.size[0]}x{choice.size[1]}"}),
        },
        anew=anew,
        say=console.say,
        counted=passing,
    )
    length = float(made.frames / made.fps)
    console.say(
        f"The clip: {out} ({made.frames} frames, {length:.1f} s at {float(made.fps):g} frames per second"
        f"{', with its sound' if made.has_sound else ''})"
    )
    if made.missing:
        console.say(f"In {made.missing} of {made.frames} driving frames no person was found: the pose before was kept.")
    if made.inferred:
        tell([made.inferred])
    for sentence in made.left_undone:
        console.say(sentence)
    return 0
