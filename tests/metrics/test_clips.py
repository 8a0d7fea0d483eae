"""Metrics of clips: what a step shows, joined over steps and clips; flow, Frechet distance and R3D-18 beneath them."""

import math
import tracemalloc
from functools import partial

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy.linalg import sqrtm
from skimage.data import astronaut

from reposer.core import BadInput
from reposer.core.images import from_uint8, resize, to_uint8
from reposer.metrics import METRICS, Value
from reposer.metrics.clip_distance import FrechetClipDistance
from reposer.metrics.clip_pictures import TemporalDistance
from reposer.metrics.clips import CLIP_METRICS, MOTIONS, ClipFrame, Motion
from reposer.nn.optical_flow import agree, inside, lucas_kanade
from reposer.nn.r3d import FILE, R3D18, r3d18_file
from reposer.nn.warp import warp

SIZE = (24, 20)
ALL = Motion(torch.zeros(2, *SIZE), torch.ones(SIZE, dtype=torch.bool))
LIMBS = torch.zeros(SIZE, dtype=torch.bool)
LIMBS[4:20, 6:12] = True


def noise(count, seed=0, size=SIZE):
    random = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, *size, 3), generator=random, dtype=torch.uint8)


def still(count):
    return noise(1).expand(count, -1, -1, -1)


def rolling(count, across=1):
    """Noise that moves to the right by whole pixels, round the picture."""
    (first,) = noise(1)
    return torch.stack([first.roll(across * t, 1) for t in range(count)])


def moves(across):
    """The motion of `rolling`: what entered from the other side was not seen before."""
    flow = torch.zeros(2, *SIZE)
    flow[0] = -across
    visible = torch.ones(SIZE, dtype=torch.bool)
    visible[:, :across] = False
    return Motion(flow, visible)


def value(metric, generated, target, motion=ALL):
    metric = CLIP_METRICS[metric].open() if isinstance(metric, str) else metric
    feed(metric, generated, target, motion)
    return metric.end_clip()


def feed(metric, generated, target, motion=ALL):
    for t, (g, y) in enumerate(zip(generated, target, strict=True)):
        metric.update(ClipFrame(g, y, {name: motion for name in (*MOTIONS, "exact")} if t else {}, LIMBS))


def colours(clips):
    """Features that a test can follow: mean colours of the first and the last frame."""
    means = clips.double().mean((2, 3))
    return torch.cat([means[:, 0], means[:, -1]], 1)


def distance(a, b):
    return float((a.double() - b.double()).abs().mean())


class ByColour(FrechetClipDistance):
    name = "fvd-colours"


class TemporalL1(TemporalDistance):
    name = "tl1"


OPENERS = {
    **{n: CLIP_METRICS[n].open for n in CLIP_METRICS if not n.startswith(("tlpips", "fvd"))},
    "fvd-colours": lambda: ByColour(colours, 6, "mean colours"),
    "tl1": lambda: TemporalL1(distance),
}
CLIPS = [(noise(n, 1 + n), noise(n, 50 + n)) for n in (20, 33, 17)]


def whole(open_metric, clips=CLIPS):
    metric = open_metric()
    for generated, target in clips:
        value(metric, generated, target)
    return metric


def same(a, b):
    return (a.mean, a.pairs, a.left_out) == (pytest.approx(b.mean, rel=1e-9), b.pairs, b.left_out)


# ------------------------------------------------------------------------------------ the contract


@pytest.mark.parametrize("name", OPENERS)
def test_neither_the_order_of_clips_nor_who_counted_them_matters(name):
    open_metric = OPENERS[name]
    expected = whole(open_metric).compute()
    assert expected.pairs in (3, 4) and math.isfinite(expected.mean)
    assert same(whole(open_metric, CLIPS[::-1]).compute(), expected)
    first, second = whole(open_metric, CLIPS[:1]), whole(open_metric, CLIPS[1:])
    first.merge(second)
    assert same(first.compute(), expected)


@pytest.mark.parametrize("name", OPENERS)
def test_a_run_that_goes_on_later_begins_the_broken_clip_anew(name):
    open_metric = OPENERS[name]
    broken = whole(open_metric, CLIPS[:2])
    feed(broken, noise(18, 7), noise(18, 8))  # this clip never ended
    later = open_metric()
    later.load_state(broken.state())
    value(later, *CLIPS[2])
    assert same(later.compute(), whole(open_metric).compute())


@pytest.mark.parametrize("name", OPENERS)
def test_a_clip_like_its_truth_has_the_best_value_and_another_a_worse_one(name):
    metric, other = OPENERS[name](), OPENERS[name]()
    for k in range(2):
        value(metric, rolling(17, k + 1), rolling(17, k + 1), moves(k + 1))
        value(other, noise(17, k), rolling(17, k + 1), moves(k + 1))
    best = 0.0 if math.isnan(metric.best) else metric.best
    assert metric.compute().mean == pytest.approx(best, abs=1e-9)
    assert abs(other.compute().mean - best) > 0.01


def test_every_metric_of_clips_has_the_name_it_is_registered_under():
    assert all(kind.name == name for name, kind in CLIP_METRICS.items())
    assert all(kind.motion in (None, "exact", *MOTIONS) for kind in CLIP_METRICS.values())


@pytest.mark.parametrize("name", OPENERS)
def test_nothing_that_is_kept_grows_with_the_length_of_a_clip(name):
    frame = ClipFrame(*noise(2), {name: ALL for name in (*MOTIONS, "exact")}, LIMBS)

    def kept(length):
        metric = OPENERS[name]()
        for _ in range(3):
            metric.update(frame)
        tracemalloc.start()
        for _ in range(length):
            metric.update(frame)
        held = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        return held, sum(t.numel() for t in metric.state().values())

    # the least of three: what grows does so each time, what Python happens to keep of its own does not
    short, long = (tuple(map(min, zip(*(kept(length) for _ in range(3)), strict=True))) for length in (16, 48))
    assert long[1] == short[1] and long[0] < short[0] + 4096


# ------------------------------------------------------------------------------------------- frames


def test_the_difference_inside_the_limbs_is_that_of_pictures_and_frames_of_unknown_limbs_are_left_out():
    generated, target = noise(3, 1), noise(3, 2)
    pictures = METRICS["l1-limbs"]()
    own = [pictures.score(g, y, LIMBS) for g, y in zip(generated, target, strict=True)]
    assert value("frame-l1-limbs", generated, target) == pytest.approx(sum(own) / 3)
    elsewhere = target.clone()
    elsewhere[:, ~LIMBS] = generated[:, ~LIMBS]
    assert value("frame-l1-limbs", generated, elsewhere) == pytest.approx(sum(own) / 3)
    metric = CLIP_METRICS["frame-l1-limbs"]()
    for g, y, limbs in zip(generated, target, (None, LIMBS, None), strict=True):
        metric.update(ClipFrame(g, y, {}, limbs))
    assert metric.end_clip() == pytest.approx(own[1])
    metric.update(ClipFrame(generated[0], target[0]))
    assert math.isnan(metric.end_clip()) and metric.compute().left_out == 1


# ---------------------------------------------------------------------------- flicker and warp error


def test_a_still_clip_and_an_error_that_stays_do_not_flicker():
    assert value("flicker-l1", still(5), still(5)) == 0
    brighter = (rolling(5).int() // 2 + 40).to(torch.uint8)
    assert value("flicker-l1", brighter, (rolling(5).int() // 2).to(torch.uint8)) == 0


def test_a_clip_that_blinks_by_a_level_flickers_by_a_255th():
    grey = torch.full((6, *SIZE, 3), 100, dtype=torch.uint8)
    blinking = grey.clone()
    blinking[::2] += 1
    assert value("flicker-l1", blinking, grey) == pytest.approx(1 / 255)


def test_a_picture_that_stands_still_has_no_share_of_the_motion():
    assert value("motion-ratio-l1", still(5), rolling(5)) == 0
    half = (rolling(5).int() // 2 * 2).to(torch.uint8)
    assert value("motion-ratio-l1", (half // 2), half) == pytest.approx(0.5)


def test_motion_where_the_truth_stands_still_has_no_ratio_and_is_left_out():
    metric = CLIP_METRICS["motion-ratio-l1"]()
    assert value(metric, rolling(3), still(3)) == math.inf
    assert value(metric, rolling(3), rolling(3)) == 1
    assert metric.compute() == Value(1.0, 1, 1)


@pytest.mark.parametrize("across", [1, 3])
def test_a_clip_that_moves_as_the_truth_does_has_no_warp_error_inside_the_mask(across):
    clip = rolling(4, across)
    assert value("warp-l1-exact", clip, clip, moves(across)) == 0
    everywhere = Motion(moves(across).flow, ALL.visible)
    assert value("warp-l1-exact", clip, clip, everywhere) > 0.01
    # other pixels than the truth's, moving alike
    assert value("warp-l1-exact", 255 - clip, clip, moves(across)) == 0
    assert value("warp-l1-exact", still(4), clip, moves(across)) > 0.2


def test_warp_error_is_the_mean_over_visible_pixels_and_unknown_flow_elsewhere_plays_no_part():
    black = torch.zeros(2, *SIZE, 3, dtype=torch.uint8)
    black[1, :4] = 51
    visible = torch.zeros(SIZE, dtype=torch.bool)
    visible[:8] = True
    flow = torch.full((2, *SIZE), torch.nan)
    flow[:, :8] = 0
    assert value("warp-l1-exact", black, black, Motion(flow, visible)) == pytest.approx(51 / 255 / 2)


def test_steps_that_show_nothing_twice_are_left_out():
    nowhere = Motion(ALL.flow, torch.zeros(SIZE, dtype=torch.bool))
    metric = CLIP_METRICS["warp-l1-exact"]()
    assert math.isnan(value(metric, noise(3), noise(3), nowhere))
    assert metric.compute().left_out == 1


# ------------------------------------------------------------------------------------ optical flow


def photo():
    return from_uint8(torch.from_numpy(astronaut()[:128, 160:256].copy()))[None]


def turned(degrees, scale, x, y, size=(128, 96)):
    """The flow of a turn about the middle, a scaling and a shift."""
    h, w = size
    down, across = torch.meshgrid(torch.arange(h) - h / 2, torch.arange(w) - w / 2, indexing="ij")
    c, s = scale * math.cos(math.radians(degrees)), scale * math.sin(math.radians(degrees))
    return torch.stack([c * across - s * down + x - across, s * across + c * down + y - down])[None]


@pytest.mark.parametrize("motion", [(0, 1, 0.5, 0.25), (0, 1, 6, -3), (4, 1.02, 2, 1)])
def test_lucas_kanade_finds_a_known_motion(motion):
    flow = turned(*motion)
    found = lucas_kanade(photo(), warp(photo(), flow))
    miss = (found - flow).norm(dim=1)
    within = inside(flow)
    assert miss[within].median() < 0.05
    back = lucas_kanade(warp(photo(), flow), photo())
    believed = agree(found, back) & within
    assert believed.float().mean() > 0.6 and miss[believed].mean() < 0.15


def test_there_is_no_flow_between_a_picture_and_itself_and_rows_do_not_meet():
    moved = warp(photo(), turned(0, 1, 3, 1))
    both = lucas_kanade(torch.cat([photo(), photo()]), torch.cat([photo(), moved]))
    assert both[0].abs().max() == 0
    assert torch.equal(both[1:], lucas_kanade(photo(), moved))


def test_what_only_one_frame_shows_is_not_visible():
    coarse = torch.rand(2, 3, 24, 20, generator=torch.Generator().manual_seed(0)) * 2 - 1
    earlier, patch = to_uint8(resize(coarse, (96, 80)))
    later, patch = earlier.clone(), patch[:24, :24]
    earlier[30:54, 20:44] = patch
    later[30:54, 24:48] = patch  # it moves to the right by four pixels
    motion = MOTIONS["lucas-kanade"](earlier, later)
    assert motion.visible.float().mean() > 0.8
    assert motion.visible[32:52, 20:23].float().mean() < 0.2  # uncovered
    assert motion.flow[0][34:50, 28:44].median() == pytest.approx(-4, abs=0.1)


# ----------------------------------------------------------------------------------- temporal LPIPS


def test_temporal_distance_compares_the_steps_of_both_clips():
    generated, target = noise(3, 1), noise(3, 2)
    steps = [abs(distance(generated[t], generated[t + 1]) - distance(target[t], target[t + 1])) for t in range(2)]
    assert value(TemporalL1(distance), generated, target) == pytest.approx(sum(steps) / 2)


def test_temporal_distance_takes_any_metric_of_pictures_as_its_distance():
    class Anew(TemporalDistance):
        name, lens = "tl1-anew", "l1"

    metric = Anew.open()
    assert value(metric, noise(4, 1), noise(4, 2)) == pytest.approx(
        value(TemporalL1(distance), noise(4, 1), noise(4, 2)) / 255
    )
    assert metric.network == METRICS["l1"]().network


# --------------------------------------------------------------------------------------------- FVD


def test_fvd_of_clips_whose_colours_are_gaussian_is_the_closed_form():
    random = np.random.default_rng(1)
    means = {"generated": (90, 120, 150), "target": (100, 120, 130)}
    sampled = {side: random.normal(mean, (8, 4, 12), (40, 3)).round().astype(np.uint8) for side, mean in means.items()}
    metric = ByColour(colours, 6, "mean colours")
    for g, y in zip(*sampled.values(), strict=True):
        value(metric, *(torch.from_numpy(c).expand(16, *SIZE, 3) for c in (g, y)))
    # the first and the last frame of a clip are one colour here: each feature stands there twice
    m, n = (np.tile(c.mean(0), 2) for c in sampled.values())
    a, b = (np.cov(np.tile(c, 2).T) for c in sampled.values())
    ridge = 1e-10 * np.eye(6)  # for scipy's root alone
    expected = ((m - n) ** 2).sum() + np.trace(a + b - 2 * sqrtm((a + ridge) @ (b + ridge)).real)
    assert metric.compute().pairs == 40
    assert metric.compute().mean == pytest.approx(expected, rel=1e-4)


def test_windows_are_16_frames_long_and_rests_are_counted():
    metric = ByColour(colours, 6, "mean colours")
    for length in (15, 16, 33):
        assert value(metric, noise(length, length), noise(length, 90 + length)) is None
    assert (metric.compute().pairs, metric.compute().left_out) == (3, 2)
    assert math.isnan(whole(lambda: ByColour(colours, 6, ""), [(noise(16), noise(16))]).compute().mean)


def test_r3d18_has_the_parameters_of_the_published_network():
    with torch.device("meta"):
        network = R3D18()
    classifier = 512 * 400 + 400  # which it leaves away
    assert sum(p.numel() for p in network.parameters()) + classifier == 33_371_472
    names = set(network.state_dict())
    assert {"stem.0.weight", "layer2.0.downsample.1.running_var", "layer4.1.conv2.0.weight"} <= names


def test_r3d18_sees_time_and_clips_apart():
    torch.manual_seed(0)
    network = R3D18(width=2).eval()
    clips = torch.stack([noise(16, 1), noise(16, 2)])
    features = network(clips)
    assert features.shape == (2, 16) and network.features == 16
    assert torch.allclose(network(clips[1:]), features[1:], atol=1e-5)
    assert not torch.allclose(network(clips.flip(1)), features, atol=1e-4)


def test_r3d18_opens_safetensors_of_any_checksum_and_says_which(tmp_path, monkeypatch):
    monkeypatch.setattr("reposer.nn.r3d.R3D18", partial(R3D18, width=2))  # the whole one takes seconds to write
    shapes = {n: t.shape for n, t in R3D18(width=2).state_dict().items() if not n.endswith("_tracked")}
    tensors = {name: torch.full(shape, float(k), dtype=torch.half) for k, (name, shape) in enumerate(shapes.items())}
    tensors["fc.weight"] = torch.zeros(400, 512)
    save_file(tensors, tmp_path / "r3d_18.safetensors")
    assert r3d18_file(tmp_path) == r3d18_file(tmp_path / "r3d_18.safetensors") == tmp_path / "r3d_18.safetensors"
    metric = CLIP_METRICS["fvd-r3d18"].open(tmp_path)
    loaded = metric.features
    assert metric.network.startswith("R3D-18, r3d_18.safetensors, SHA-256 ")
    assert all(torch.equal(loaded.state_dict()[name], tensors[name].float()) for name in shapes)
    assert not loaded.training and not any(p.requires_grad for p in loaded.parameters())


def test_fvd_without_its_network_says_which_file_is_missing(tmp_path, monkeypatch):
    monkeypatch.delenv("REPOSER_WEIGHTS_DIR", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for weights in (None, tmp_path, tmp_path / "clip-network.pt"):
        with pytest.raises(BadInput, match=FILE):
            CLIP_METRICS["fvd-r3d18"].open(weights)
    (tmp_path / "scripted.pt").write_bytes(b"code")
    with pytest.raises(BadInput, match="b3b3357e"):
        CLIP_METRICS["fvd-r3d18"].open(tmp_path / "scripted.pt")
