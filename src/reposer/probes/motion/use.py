"""Cleaning a track with a motion network."""

from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from reposer.core import BadInput, Pose, Skeleton, quoted
from reposer.core.skeleton import COCO_17, H36M_17
from reposer.nn.weights import network_of, read_about, read_safetensors

from .network import CONTEXT, MotionConfig, MotionNetwork
from .placing import bridged, knowable, placement, window

ROWS = 64  # windows per batch


def load_motion(path: Path | str) -> MotionNetwork:
    """The network of a `.safetensors` that `reposer train motion-mini` (or motion-2020) wrote, in eval mode."""
    path = Path(path)
    tensors, header = read_safetensors(path)
    about = read_about(header, path)
    if about.get("family") != MotionConfig.family:
        raise BadInput(
            f"{path} holds {quoted(about.get('family', 'no network of ours'))}, not a motion network "
            f"({MotionConfig.family}). Train one with `reposer train motion-mini`."
        )
    network: MotionNetwork = network_of(MotionConfig, about.get("config"), tensors, path)
    return network.requires_grad_(False)


@torch.no_grad()
def clean(track: Pose, network: MotionNetwork, *, skeleton: Skeleton = H36M_17) -> Pose:
    """A track of T rows, of any skeleton with COCO's joints, cleaned: T rows of `skeleton`, in a picture of the same
    size.

    Joints that H36M_17 lacks, and the whole face with the nose, stay as the track has them, frame by frame. The others
    are in every frame: gaps are bridged; only a joint that no frame shows stays missing. Scores are dropped. Frame t
    depends on frames before and after it, so the whole track is needed first. Made for 24 to 50 frames per second.
    BadInput if the track's skeleton lacks a joint of COCO, or no frame shows any joint.
    """
    told = _told_by(track.skeleton, COCO_17)
    absent = [joint for joint, known in zip(COCO_17.joints, told.tolist(), strict=True) if not known]
    if absent:
        raise BadInput(
            f"A motion network cleans tracks with the joints of {COCO_17.name}; {track.skeleton.name} lacks "
            f"{', '.join(absent)}. Give a track of openpose18, openpose25, coco17 or blazepose33."
        )
    found = track.convert(COCO_17)
    device = next(network.parameters()).device
    whole = bridged(found).xy.float()
    cleaned = _through(whole, found, network, device)
    seen = knowable(found).expand(len(track), -1)
    body = Pose(cleaned.to(track.xy), seen, track.size, H36M_17).convert(skeleton)
    return _with_own_face(body, track.convert(skeleton))


def _through(
    whole: Float[Tensor, "T 17 2"], found: Pose, network: MotionNetwork, device: torch.device
) -> Float[Tensor, "T 17 2"]:
    """The bridged track through the network, in half-overlapping windows as long as in training; the middle of each
    weighs most.
    """
    frames = network.config.frames
    starts = list(range(0, max(len(whole) - frames, 0) + 1, max(frames // 2, 1)))
    if starts[-1] + frames < len(whole):
        starts.append(len(whole) - frames)
    ramp = torch.arange(1, frames + 1)
    weight = torch.minimum(ramp, ramp.flip(0)).to(whole)[:, None, None]
    ever = found.visible.any(0)
    total, weights = torch.zeros_like(whole), whole.new_zeros(len(whole), 1, 1)
    for first in range(0, len(starts), ROWS):
        some = starts[first : first + ROWS]
        windows = torch.stack([window(whole, start - CONTEXT, frames + 2 * CONTEXT) for start in some])
        place = placement(windows, ever, found.size, network.config.placed_by)
        answer = network(place.numbers(windows).to(device)).to(whole)
        for start, places in zip(some, place.pixels(answer), strict=True):
            count = min(frames, len(whole) - start)
            total[start : start + count] += (places * weight)[:count]
            weights[start : start + count] += weight[:count]
    return total / weights


def _with_own_face(body: Pose, own: Pose) -> Pose:
    """The body's joints; the face, and all that no joint of H36M_17 determines, from the track itself."""
    keeps = _told_by(H36M_17, body.skeleton)
    if body.skeleton != H36M_17 and "nose" in body.skeleton:
        keeps[body.skeleton.index("nose")] = False
    keeps = keeps.to(body.visible.device)
    xy = torch.where(keeps[:, None], body.xy, own.xy)
    return Pose(xy, torch.where(keeps, body.visible, own.visible), body.size, body.skeleton)


def _told_by(skeleton: Skeleton, wanted: Skeleton) -> Bool[Tensor, "K"]:
    """Which joints of `wanted` a skeleton provides when all its joints are visible."""
    everything = Pose(torch.zeros(len(skeleton), 2), torch.ones(len(skeleton), dtype=torch.bool), (1, 1), skeleton)
    return everything.convert(wanted).visible.clone()
