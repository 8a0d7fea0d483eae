"""What the process behind the page does: it calls what the command line calls, and writes what the page shows.

Each kind of job is a function of its own: plain values in, files in the visitor's folder and plain values out.
"""

import json
import os
import re
import signal
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Generator as Passing
from importlib.resources import files
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from reposer.animation.driving import frame_rate, open_driving
from reposer.animation.photo_clip import ClipOptions, Counted, Item, write_photo_clip
from reposer.core import BadInput, Pose
from reposer.core.composition import COPIED, KINDS, MIRRORED, Provenance
from reposer.core.device import chosen_device
from reposer.core.errors import is_of_memory, quoted
from reposer.core.generator import refuse_not_finite
from reposer.core.images import to_uint8
from reposer.core.skeleton import FACE_68, OPENPOSE_18
from reposer.data.pictures import picture_header, read_picture
from reposer.data.poses import choose_pose, read_recording, write_pose_json, write_track
from reposer.data.provenance_files import COLOURS, told_shares, write_provenance
from reposer.engines.presets import Choice, chosen
from reposer.engines.run import load_for
from reposer.evaluation.sheets import weight_picture
from reposer.extraction import clip_poses
from reposer.nn.warp import flow_picture
from reposer.own_photo import Reposed, estimate_pose, people_in, person_in, pose_for, preset_wanted, repose

from .visits import WARMING

Tell = Callable[[dict[str, Any]], None]

MOST_PIXELS = 50_000_000
"""Of a photo on the page."""
LARGEST_VIEW = 1600
"""Longest side of a picture that the page shows, in pixels."""
LARGEST_MAP = 480
"""Longest side of the map of where pixels come from."""
NOWHERE = 65_535
"""Stands for "no place" in that map."""
MOST_FRAMES = 3000
"""Of a clip on the page: two minutes at 25 frames per second."""
LARGEST_CLIP = 1280
"""Longest side of a generated clip, in pixels."""


def work(connection: Connection, options: Mapping[str, Any]) -> None:
    """Does jobs until the server goes away.

    options: threads, device, models (name to file), warm (load now), folder (for what that writes; None = the
        system's).
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server ends this process
    torch.set_num_threads(options["threads"])
    device = chosen_device(options["device"])
    expected: Mapping[str, float] = {}
    try:
        if options["warm"]:
            expected = _warmed(options)
    except Exception:  # the page does without; each job says what is wrong with it
        traceback.print_exc()
    connection.send(("ready", {"device": _named(device), "expected": expected}))
    while True:
        try:
            kind, about = connection.recv()
        except EOFError:
            return

        def tell(progress: dict[str, Any]) -> None:
            connection.send(("progress", progress))

        try:
            answer: tuple[str, Any] = ("done", JOBS[kind]({**options, **about}, tell))
        except BadInput as error:
            answer = ("failed", in_words(str(error), {**options, **about}))
        except Exception as error:
            if is_of_memory(error):
                answer = ("failed", "There is not enough memory for this. Try a smaller photo.")
            else:
                traceback.print_exc()  # for whoever runs the server; the page gets no path and no line of code
                answer = ("failed", "Something went wrong that should not: the terminal says what. Try another photo.")
        connection.send(answer)


def in_words(message: str, about: Mapping[str, Any]) -> str:
    """The message with the visitor's own words for the files: it names no path."""
    names = {named: f"the model {name}" for name, named in about.get("models", {}).items() if named != name}
    names |= {about[key]: word for key, word in WORDS.items() if isinstance(about.get(key), str)}
    for path in sorted(names, key=len, reverse=True):
        for written in (f"picture {path}", quoted(path), repr(path), path):
            message = message.replace(written, names[path])
    root = str(about.get("root", ""))
    if root and root in message:
        return "This cannot be used. Try another file."
    return message[:1].upper() + message[1:]


def for_page(note: str) -> str:
    """A note without the sentences about options of the command line, which the page does not have."""
    return " ".join(part for part in re.split(r"(?<=[.;])\s+", note) if "--" not in part)


WORDS = {
    "photo": "the photo",
    "from_photo": "the other photo",
    "from_file": "the file",
    "source": "the found pose",
    "pose": "the wanted pose",
    "clip": "the clip",
    "track": "the clip's track",
}
"""What the page calls the files of a job."""


def look(about: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """Decode a photo, write how the page shows it, and find the people and the joints of the largest."""
    photo = Path(about["photo"])
    _refuse_many_pixels(photo, about)
    picture = read_picture(photo)
    size = (picture.shape[0], picture.shape[1])
    _write_view(picture, Path(about["out"]) / "view.jpg")
    found: dict[str, Any] = {"size": list(size), "view": "view.jpg"}
    tell({"shown": found})
    people = people_in(picture)
    if not people:
        raise BadInput(f"{photo} shows no person. Take a photo that shows one clearly, from head to feet.")
    chosen = people[0].box() if len(people) > 1 else None
    pose = estimate_pose(picture, person=chosen)
    return found | {"people": [list(one.box()) for one in people], "pose": as_plain(pose)}


def person(about: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """The joints of the person in this box."""
    _refuse_many_pixels(Path(about["photo"]), about)
    left, top, right, bottom = about["box"]
    return {"pose": as_plain(estimate_pose(about["photo"], person=(left, top, right, bottom)))}


def fit(about: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """A preset, somebody else's pose, or a pose file's, as the person of the photo would take it."""
    source = choose_pose(read_recording(Path(about["source"]))).pose
    if "preset" in about:
        wanted: Any = preset_wanted(about["preset"])
    elif "from_photo" in about:
        _refuse_many_pixels(Path(about["from_photo"]), about)
        wanted = Path(about["from_photo"])
    else:
        wanted = choose_pose(read_recording(Path(about["from_file"])), otherwise=source.size).pose
    found = pose_for(wanted, source)
    return {"pose": as_plain(found.pose), "notes": found.notes}


def generate(about: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """The photo in another pose, what the page shows of it, and then the files for download."""
    _refuse_many_pixels(Path(about["photo"]), about)
    out = Path(about["out"])
    choice = _choice(about)
    began = time.monotonic()
    made = repose(
        Path(about["photo"]),
        Path(about["pose"]),
        source_pose=Path(about["source"]),
        model=choice.model,
        seed=0,
        explain=True,
        provenance=True,
        background=about["background"],
        canvas=about["canvas"],
        other_side=about["other_side"],
        device=about["device"],
        network_size=choice.size,
    )
    shown = {"seconds": round(time.monotonic() - began, 2), **_written_views(made, out)}
    tell({"shown": shown, "left": 0})
    made.save(out / "reposed.png")
    assert made.provenance is not None
    write_provenance(out / "reposed-provenance.png", out / "reposed-provenance.npz", made.provenance)
    return shown


def track(about: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """The joints of a clip's person, frame by frame, as a file and for the preview."""
    clip = Path(about["clip"])
    moves = open_driving(clip, estimator="movenet")
    if moves.num_frames > MOST_FRAMES:
        raise BadInput(
            f"{clip} has {moves.num_frames} frames; the page takes up to {MOST_FRAMES}. Cut it shorter, or use the "
            f"command: reposer animate."
        )
    video, looks = moves.clip, moves.estimator
    assert video is not None and looks is not None
    found = clip_poses(video, looks, None)  # of each stored frame, as tracks have them
    stored = Pose.stack(list(_told_frames(tell)(found, "looking for joints", video.num_frames)))
    poses = stored[torch.tensor(video.order())]
    if not poses.visible.any():
        raise BadInput(f"{clip} shows no person. Take a clip that shows one clearly.")
    fps = float(moves.fps)
    write_track(Path(about["out"]) / "track.json", stored, fps, video.seconds if video.variable else None)
    plain = poses.convert(OPENPOSE_18)
    places = [
        [[round(x, 1), round(y, 1)] if seen else None for (x, y), seen in zip(p, v, strict=True)]
        for p, v in zip(plain.xy.tolist(), plain.visible.tolist(), strict=True)
    ]
    return {
        "fps": fps,
        "frames": len(poses),
        "size": list(moves.size),
        "limbs": _limbs(plain),
        "track": places,
        "seen": int(poses.visible.any(-1).sum()),
        "notes": [said for note in moves.notes if (said := for_page(note.replace(str(clip), "The clip")))],
    }


def animate(about: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """The photo's person moving as in the clip, as H.264."""
    _refuse_many_pixels(Path(about["photo"]), about)
    out, clip_path = Path(about["out"]), Path(about["clip"])
    moves = open_driving(clip_path, track=Path(about["track"]), fps=frame_rate(about["fps"]))
    if moves.num_frames > MOST_FRAMES:
        raise BadInput(
            f"{clip_path} has {moves.num_frames} frames at {float(moves.fps):g} per second; the page makes up to "
            f"{MOST_FRAMES}. Choose a lower frame rate, or use the command: reposer animate."
        )
    picture, source = read_picture(Path(about["photo"])), Path(about["source"])
    choice = _choice(about)
    generator = load_for(choice.model, chosen_device(about["device"]), size=choice.size)
    if generator.skeleton == FACE_68:
        raise BadInput("This model is of faces, and clips of people are made here. Choose another model.")
    began = time.monotonic()
    made = write_photo_clip(
        out / "reposed.mp4",
        generator,
        picture,
        person_in(picture, about["photo"], source).pose,
        moves,
        ClipOptions(largest=LARGEST_CLIP),
        anew=True,
        say=lambda sentence: None,
        counted=_told_frames(tell),
    )
    notes = [made.inferred, *made.left_undone]
    return {
        "clip": "reposed.mp4",
        "frames": made.frames,
        "fps": float(made.fps),
        "seconds": round(time.monotonic() - began, 1),
        "missing": made.missing,
        "size": list(made.size),
        "notes": [said[:1].upper() + said[1:] for note in notes if (said := for_page(note))],
    }


def _choice(about: Mapping[str, Any]) -> Choice:
    """Model and size, as the command line's --model and --preset choose them."""
    return chosen(about.get("quality"), about["models"].get(about["model"], about["model"]), None)


JOBS: dict[str, Callable[[Mapping[str, Any], Tell], dict[str, Any]]] = {
    "look": look,
    "person": person,
    "fit": fit,
    "generate": generate,
    "track": track,
    "animate": animate,
}


def _told_frames(tell: Tell) -> Counted:
    """Tells the page how many frames have passed, how many do in a second, and how many seconds are left."""

    def counted(items: Iterable[Item], title: str, total: int, done: int = 0) -> Passing[Item, None, None]:
        began = time.monotonic()
        for count, item in enumerate(items, done + 1):
            yield item
            rate = (count - done) / max(time.monotonic() - began, 1e-6)
            tell({"done": count, "of": total, "rate": round(rate, 2), "left": max(0, total - count) / rate})

    return counted


def as_plain(pose: Pose) -> dict[str, Any]:
    """A pose for the page: our own form, with the limbs that it shows."""
    pose = _editable(pose)
    joints: dict[str, list[float] | None] = {}
    for k, name in enumerate(pose.skeleton.joints):
        place = [round(float(v), 2) for v in pose.xy[k]]
        score = [] if pose.score is None else [round(float(pose.score[k]), 3)]
        joints[name] = place + score if bool(pose.visible[k]) else None
    return {"skeleton": pose.skeleton.name, "size": list(pose.size), "joints": joints, "limbs": _limbs(pose)}


def _editable(pose: Pose) -> Pose:
    """In 18 joints, unless there are more (hands, feet, a face)."""
    return pose.convert(OPENPOSE_18) if len(pose.skeleton) <= len(OPENPOSE_18) else pose


def _limbs(pose: Pose) -> list[list[str]]:
    """The lines between joints; not those from shoulder to ear, which are no limbs of a body."""
    return [[a, b] for a, b in pose.skeleton.limbs if not ("shoulder" in a and "ear" in b)]


def _refuse_many_pixels(photo: Path, about: Mapping[str, Any]) -> None:
    height, width = picture_header(photo)
    if height * width > MOST_PIXELS:
        raise BadInput(
            f"{photo} has {height * width / 1e6:.0f} megapixels; the page takes up to {MOST_PIXELS / 1e6:.0f}. Make it "
            f"smaller first, or use the command: reposer transfer."
        )


def _write_view(picture: UInt8[Tensor, "H W C"], path: Path) -> None:
    """The picture as the page shows it: at most LARGEST_VIEW on the longer side."""
    image = Image.fromarray(np.ascontiguousarray(picture.numpy()))
    image.thumbnail((LARGEST_VIEW, LARGEST_VIEW), Image.Resampling.LANCZOS, reducing_gap=2.0)
    if path.suffix == ".png":
        image.save(path, compress_level=1)
    else:
        image.save(path, quality=92)


def _written_views(made: Reposed, out: Path) -> dict[str, Any]:
    """Writes the pictures of the tabs; returns their names and what is said of them."""
    bytes_of = torch.from_numpy(np.array(made.image))
    view = "view.png" if bytes_of.shape[-1] == 4 else "view.jpg"
    _write_view(bytes_of, out / view)
    write_pose_json(out / "generated.json", made.pose)
    provenance = made.provenance
    assert provenance is not None and made.explanation is not None
    small = _reduced(provenance)
    (out / "places.bin").write_bytes(_packed(small))
    colours = torch.tensor([COLOURS[kind] for kind in KINDS], dtype=torch.uint8)
    Image.fromarray(colours[small.kind.long()].numpy()).save(out / "provenance.png")
    _save_layer(*_flow(small, made), out / "flow.png")
    weights = {name: layer for name, layer in made.explanation.layers.items() if layer.kind == "weight"}
    told: list[str] = sorted(weights, key=lambda name: name not in ("copied share", "occlusion", "visibility"))
    seen = told[0] if told else None
    if seen is not None:
        shares, inside = _in_picture(weights[seen].values, made)
        refuse_not_finite(shares, f"the layer '{seen}'")
        composition = made.explanation.composition
        person = inside if composition is None else inside * _in_picture(composition.person, made)[0]
        _save_layer(weight_picture(shares), person, out / "visibility.png")
    return {
        "view": view,
        "size": list(bytes_of.shape[:2]),
        "map": {"file": "places.bin", "size": list(small.kind.shape), "kinds": list(KINDS), "nowhere": NOWHERE},
        "provenance": "provenance.png",
        "flow": "flow.png",
        "visibility": None if seen is None else "visibility.png",
        "shares": provenance.shares,
        "told": told_shares(provenance),
        "notes": [said for note in made.notes if (said := for_page(note))],
        "pose": as_plain(made.pose),
    }


def _thinned(size: tuple[int, int]) -> slice:
    """Every n-th row and column, so that the longer side has at most LARGEST_MAP."""
    step = max(1, -(-max(size) // LARGEST_MAP))
    return slice(step // 2, None, step)


def _reduced(provenance: Provenance) -> Provenance:
    few = _thinned((provenance.kind.shape[0], provenance.kind.shape[1]))
    return Provenance(*(a[few, few] for a in (provenance.kind, provenance.place, provenance.photo)))


def _packed(provenance: Provenance) -> bytes:
    """Bytes of the kinds, row by row; then x and y as 16-bit numbers, little endian."""
    place = provenance.place.nan_to_num(nan=float(NOWHERE)).round().clamp(0, NOWHERE)
    return provenance.kind.numpy().tobytes() + place.numpy().astype("<u2").tobytes()


def _flow(small: Provenance, made: Reposed) -> tuple[Float[Tensor, "1 3 h w"], Float[Tensor, "1 1 h w"]]:
    """From where each pixel was copied, as colours, and where that is said; for a model that says no places, its own
    flow."""
    copied = (small.kind == COPIED) | (small.kind == MIRRORED)
    assert made.provenance is not None and made.explanation is not None
    if bool(copied.any()):
        own = _reduced(Provenance.untouched((made.image.height, made.image.width))).place
        flow = torch.where(copied[..., None], small.place - own, torch.zeros(()))
        longest = float(torch.linalg.vector_norm(flow[copied], dim=-1).quantile(0.98))
        return flow_picture(flow.movedim(-1, 0)[None], longest=max(longest, 1.0)), copied[None, None].float()
    flows = [layer.values for layer in made.explanation.layers.values() if layer.kind == "flow"]
    if not flows:
        return torch.ones(1, 3, *copied.shape), torch.zeros(1, 1, *copied.shape)
    return _in_picture(flow_picture(flows[-1][:1]), made)


def _in_picture(
    layer: Float[Tensor, "1 C h w"], made: Reposed
) -> tuple[Float[Tensor, "1 C H W"], Float[Tensor, "1 1 H W"]]:
    """A layer of the generator's frame where it lies in the picture, as large as the map of where pixels come from, and
    1 where it lies there."""
    assert made.box is not None and made.content is not None and made.explanation is not None
    size, edges = (made.image.height, made.image.width), made.box
    frame_h, frame_w = made.explanation.picture.shape[-2:]
    few, places, inside = _thinned(size), [], []
    for axis, of_frame in ((0, frame_w), (1, frame_h)):  # across, then down
        low, high = edges[axis], edges[axis + 2]
        share = (torch.arange(size[1 - axis])[few] - low) / (high - low)
        first, last = made.content[axis], made.content[axis + 2]
        places.append(2 * (first + share * (last - first)) / of_frame - 1)
        inside.append((share >= 0) & (share < 1))
    across, down = places
    grid = torch.stack([across.expand(len(down), -1), down[:, None].expand(-1, len(across))], -1)
    shown = F.grid_sample(layer.float().cpu(), grid[None], padding_mode="border", align_corners=False)
    return shown, (inside[1][:, None] & inside[0])[None, None].float()


def _save_layer(colours: Float[Tensor, "1 3 H W"], shown: Float[Tensor, "1 1 H W"], path: Path) -> None:
    """Writes colours that the page lays over the picture. shown: how much of each pixel they cover."""
    alpha = (255 * shown[0, 0].clamp(0, 1)).round().to(torch.uint8)
    pixels = torch.cat([to_uint8(colours.detach().float().cpu())[0], alpha[..., None]], -1)
    Image.fromarray(pixels.numpy()).save(path)


def _named(device: torch.device) -> str:
    if device.type == "cuda":
        return f"GPU ({torch.cuda.get_device_name(device)})"
    return f"CPU ({os.cpu_count() or 1} cores)"


def _warmed(options: Mapping[str, Any]) -> dict[str, float]:
    """Loads the default networks and makes one picture, so that the first visitor does not wait for it; the seconds
    that the second one takes.
    """
    sample = files("reposer.web").joinpath("samples", SAMPLES[0])
    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix=WARMING, dir=options.get("folder")) as folder:
        out = Path(folder)
        (out / "photo").write_bytes(sample.read_bytes())
        about = {**options, "photo": str(out / "photo"), "out": folder, "model": "trueflow"}
        about |= {"background": "keep", "canvas": "keep", "other_side": "mirrored", "source": str(out / "source.json")}
        about |= {"pose": str(out / "pose.json")}
        for _ in range(2):
            for kind in ("look", "fit", "generate"):
                began = time.monotonic()
                found = JOBS[kind]({**about, "preset": "arms-up"}, lambda progress: None)
                seconds[kind] = time.monotonic() - began
                if kind != "generate":
                    name = "source.json" if kind == "look" else "pose.json"
                    (out / name).write_text(json.dumps({k: v for k, v in found["pose"].items() if k != "limbs"}))
    return seconds


SAMPLES = ("green-shirt.jpg", "lilac-shirt.jpg", "orange-shirt.jpg")
"""Synthetic people that ship with the page, free of rights."""
