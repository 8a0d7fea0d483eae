"""Ways to fill the background that a photo's person hides, on holes whose truth is known.

Real photos (REPOSER_REAL_DATA names their folder), reduced to SIDE. The hole is the outline of the photo's own person,
shifted to where the person does not stand; the person's own place is unknown to all methods, and only the shifted
outline is scored. PSNR; gradient energy, filled over true; distance of texture: sliced Wasserstein distance of 5x5
patches without their local mean, 0 is equal. OpenCV's Telea and Navier-Stokes run if it is installed. Seconds are
processor time.
"""

import importlib.util
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from reposer.core import Pose
from reposer.core.images import from_uint8, resize, to_uint8
from reposer.data.pictures import read_picture
from reposer.generators import load
from reposer.generators.trueflow import TrueFlow
from reposer.nn.filling import filled
from reposer.nn.patch_fill import patched
from reposer.own_photo import estimate_pose
from reposer.pipeline import PhotoCrop, crop_edges

from .measure import Table

SIDE = 320
PHOTOS = (
    "people_photos/tfjs_pose.jpg",
    "people_photos/coral_couple_snow.png",
    "people_real/single_views/person_3.jpg",
    "people_real/single_views/person_5.jpg",
    "people_real/codait_white/t5.jpg",
    "people_real/caliscope_plaid/cam0_f0200.jpg",
    "people_real/pose2sim_a/cam1_f0000.jpg",
    "people_real/sports2d_man/f0195.jpg",
    "people_real/intel_room_1/f0072.jpg",
    "people_real/openpeople_02/amateur_posture.jpg",
    "people_real/openpeople_03/amateur_posture.jpg",
    "people_real/openpeople_05/amateur_posture.jpg",
)
COLUMNS = ("method", "PSNR (dB)", "gradient energy", "distance of texture", "seconds")

Fill = Callable[[Float[Tensor, "3 h w"], Bool[Tensor, "h w"]], Float[Tensor, "3 h w"]]


def run(device: torch.device) -> list[Table]:
    root = os.environ.get("REPOSER_REAL_DATA")
    if root is None:
        return [Table("filling: REPOSER_REAL_DATA names no folder, so nothing was measured", COLUMNS, [])]
    methods: dict[str, Fill] = {"smooth (pull, push)": _smooth, "copied offsets": _copied}
    if importlib.util.find_spec("cv2"):
        methods |= {"OpenCV, Telea": _opencv("INPAINT_TELEA"), "OpenCV, Navier-Stokes": _opencv("INPAINT_NS")}
    found: dict[str, list[tuple[float, float, float, float]]] = {name: [] for name in methods}
    for picture, unknown, hole in _cases(Path(root)):
        for name, fill in methods.items():
            start = time.process_time()
            answer = fill(picture.masked_fill(unknown, 0), unknown).clamp(-1, 1)
            seconds = time.process_time() - start
            found[name].append((_psnr(answer, picture, hole), *_texture(answer, picture, hole), seconds))
    rows = [(name, *torch.tensor(scores).mean(0).tolist()) for name, scores in found.items()]
    return [Table(f"backgrounds of {len(PHOTOS)} real photos, longer side {SIDE}", COLUMNS, list(rows))]


def _cases(root: Path) -> Iterator[tuple[Float[Tensor, "3 h w"], Bool[Tensor, "h w"], Bool[Tensor, "h w"]]]:
    """Photo, what of it is unknown, and the part of that which is scored."""
    finder = load("trueflow")
    assert isinstance(finder, TrueFlow)
    for name in PHOTOS:
        photo = read_picture(root / name)
        scale = SIDE / max(photo.shape[:2])
        size = (round(scale * photo.shape[0]), round(scale * photo.shape[1]))
        person = _person(finder, photo, size)
        hole = _shifted(person)
        yield resize(from_uint8(photo)[None], size)[0].clamp(-1, 1), person | hole, hole & ~person


def _person(finder: TrueFlow, photo: Tensor, size: tuple[int, int]) -> Bool[Tensor, "h w"]:
    """Where the person is, with a rim."""
    pose = estimate_pose(photo.numpy()).convert(finder.skeleton)
    edges = crop_edges(pose, pose, finder.framing, finder.framing.person_size)
    crop = PhotoCrop(photo, edges, finder.framing, finder.framing.person_size)
    laid, placed = crop.laid(), Pose.stack([crop.place(pose)])
    mask = finder.cut_out(laid, placed, laid, placed).person
    left, top, right, bottom = edges
    large = F.interpolate(mask, (bottom - top, right - left), mode="bilinear", align_corners=False)[0, 0]
    height, width = photo.shape[:2]
    whole = torch.zeros(height, width)
    rows, columns = slice(max(top, 0), min(bottom, height)), slice(max(left, 0), min(right, width))
    whole[rows, columns] = large[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    small = F.adaptive_avg_pool2d(whole[None, None], size)
    return F.max_pool2d((small > 0.15).float(), 7, 1, 3)[0, 0] > 0.5


def _shifted(person: Bool[Tensor, "h w"]) -> Bool[Tensor, "h w"]:
    """The outline, or its mirror image, moved sideways to where most of it is background and inside the photo."""
    width = person.shape[1]
    best, most = person, -1
    for dx in range(-width, width + 1, 4):
        for outline in (person, person.flip(1)):
            hole = torch.zeros_like(person)
            hole[:, max(dx, 0) : width + min(dx, 0)] = outline[:, max(-dx, 0) : width - max(dx, 0)]
            gain = int((hole & ~person).sum()) - int((hole & person).sum())
            if gain > most:
                best, most = hole, gain
    return best


def _smooth(picture: Float[Tensor, "3 h w"], hole: Bool[Tensor, "h w"]) -> Float[Tensor, "3 h w"]:
    return filled(picture[None], (~hole)[None, None].float())[0]


def _copied(picture: Float[Tensor, "3 h w"], hole: Bool[Tensor, "h w"]) -> Float[Tensor, "3 h w"]:
    found = patched(picture, hole, ~hole)
    if found is None:
        return _smooth(picture, hole)
    y, x = torch.meshgrid(*(torch.arange(n) for n in hole.shape), indexing="ij")
    copied = picture[:, y + found.offset[1], x + found.offset[0]] + found.tone
    return torch.where(hole & found.fits, copied, _smooth(picture, hole))


def _opencv(method: str) -> Fill:
    import cv2

    def fill(picture: Float[Tensor, "3 h w"], hole: Bool[Tensor, "h w"]) -> Float[Tensor, "3 h w"]:
        pixels = to_uint8(picture).numpy()
        done = cv2.inpaint(pixels, hole.numpy().astype("uint8"), 5, getattr(cv2, method))
        return from_uint8(torch.from_numpy(done))

    return fill


def _psnr(a: Tensor, b: Tensor, hole: Tensor) -> float:
    return float(-10 * ((a - b) / 2).square()[:, hole].mean().log10())


def _texture(a: Tensor, b: Tensor, hole: Tensor) -> tuple[float, float]:
    """Gradient energy of a over that of b, and the distance of their patches, in the hole without its rim."""
    inner = F.max_pool2d((~hole)[None, None].float(), 5, 1, 2)[0, 0] < 0.5
    energies, patches = [], []
    directions = F.normalize(torch.randn(75, 64, generator=torch.Generator().manual_seed(0)), dim=0)
    for picture in (a, b):
        across, down = picture[:, :-1, 1:] - picture[:, :-1, :-1], picture[:, 1:, :-1] - picture[:, :-1, :-1]
        energies.append((across.square() + down.square())[:, inner[:-1, :-1]].sum())
        detail = picture - F.avg_pool2d(picture[None], 9, 1, 4, count_include_pad=False)[0]
        rows = F.unfold(detail[None], 5, padding=2)[0].T[inner.flatten()]
        patches.append((rows @ directions).sort(0).values)
    return float(energies[0] / energies[1]), float((patches[0] - patches[1]).abs().mean())
