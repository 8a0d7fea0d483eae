"""How a person's picture lies in a file is declared or proved; the same pictures get the same numbers however they
lie."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from reposer.core import BadInput, Framing, Pose, Sample
from reposer.core.images import from_uint8, resize
from reposer.evaluation import PROTOCOLS, Folders, Geometry, evaluate, score_folder
from reposer.evaluation.compare import compare
from reposer.evaluation.folder_geometry import Declared, PairGeometry
from reposer.evaluation.geometry import PLAIN, FileGeometry, with_white_sides
from reposer.evaluation.sides import common_proof, proof

FASHION, MARKET = (128, 88), (128, 64)


def smooth(seed, size, *, amplitude=60):
    """A coloured picture without fine detail, darker than white everywhere: squashing loses little of it."""
    stream = np.random.default_rng(seed)
    y, x = np.mgrid[0 : size[0], 0 : size[1]] / np.array(size)[:, None, None]
    waves = [
        sum(
            stream.uniform(-1, 1) * np.sin(2 * np.pi * (stream.integers(1, 4) * x + stream.integers(1, 4) * y + k))
            for k in range(3)
        )
        for _ in range(3)
    ]
    return (120 + amplitude * np.stack(waves, -1) / 3).clip(0, 255).round().astype(np.uint8)


def put(pixels, layout):
    """The picture as a file of that geometry holds it: as high as it is, and square."""
    height, width = pixels.shape[:2]
    left = (height - width) // 2
    beside = ((0, 0), (left, height - width - left), (0, 0))
    if layout == "squashed":
        return np.array(Image.fromarray(pixels).resize((height, height), Image.Resampling.BICUBIC))
    if layout == "white":
        return np.pad(pixels, beside, constant_values=255)
    if layout == "edge":
        return np.pad(pixels, beside, mode="edge")
    return pixels


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def joints(size):
    """A vertical limb near the left of the picture."""
    xy, visible = torch.zeros(18, 2), torch.zeros(18, dtype=torch.bool)
    xy[2], xy[3] = torch.tensor([0.2 * size[1], 0.2 * size[0]]), torch.tensor([0.2 * size[1], 0.8 * size[0]])
    visible[2:4] = True
    return Pose(xy, visible, size)


def scored(root, rule, *, generated="plain", target="plain", size=FASHION, wrong=12, declared=None, pose=None):
    """Two pairs whose generated pictures differ smoothly from their targets, by files of these geometries."""
    folder = root / f"{generated}-{target}-{wrong}"
    for k, name in enumerate(("a_1", "b_1")):
        truth = smooth(k, size)
        picture = (truth + wrong * (smooth(k + 9, size) / 255.0)).clip(0, 255).astype(np.uint8)
        save(folder / f"t/{name}.png", put(truth, target))
        save(folder / f"g/{name}.png", put(picture, generated))
    poses = {name: joints(size) if pose is None else pose for name in ("a_1", "b_1")}
    folders = Folders(folder / "g", folder / "t", poses=poses, declared=declared or Declared())
    return score_folder(folders, rule, root / "o", workers=0, show=False).report


def simply(name):
    """The protocol's geometry with numbers that need no network."""
    return replace(PROTOCOLS[name], metrics=("psnr", "l1", "l1-limbs"), suite=(), tails={}, reference_set="")


def one_of_each_geometry():
    """The protocols; those whose pictures and joints go where another's do are tried nightly."""
    marked, seen = [], []
    for name, rule in PROTOCOLS.items():
        kind = rule.person, rule.generated, rule.target, rule.white_sides, rule.file_format, rule.rounding
        marked.append(pytest.param(name, marks=pytest.mark.nightly if kind in seen else ()))
        seen.append(kind)
    return pytest.mark.parametrize("name", marked)


def means(report):
    return {name: summary.value.mean for name, summary in report.summary.items()}


def declared_as(layout):
    return {"white": "padded", "edge": "padded"}.get(layout, layout)


@pytest.mark.slow
@one_of_each_geometry()
def test_the_same_pictures_get_the_same_numbers_whichever_geometry_they_are_saved_in(name, tmp_path):
    rule = simply(name)
    size = MARKET if rule.person == (128, 64) else FASHION
    plain = means(scored(tmp_path, rule, size=size))
    for layout in ("white", "edge", "squashed"):
        report = scored(tmp_path, rule, generated=layout, size=size, declared=Declared(declared_as(layout)))
        if layout == "squashed":
            assert means(report)["psnr"] == pytest.approx(plain["psnr"], abs=0.3)
            assert means(report)["l1-limbs"] == pytest.approx(plain["l1-limbs"], rel=0.1)
        else:
            assert means(report) == plain
        assert report.geometry == declared_as(layout)


@pytest.mark.slow
@one_of_each_geometry()
@pytest.mark.parametrize("layout", ["white", "edge", "squashed"])
def test_true_pictures_and_their_joints_go_through_the_declared_geometry(name, layout, tmp_path):
    rule = simply(name)
    size = MARKET if rule.person == (128, 64) else FASHION
    plain = scored(tmp_path, rule, size=size)
    declared = Declared(declared_as(layout), declared_as(layout))
    report = scored(tmp_path, rule, generated=layout, target=layout, size=size, declared=declared)
    if layout != "squashed":
        assert means(report) == means(plain) and report.mask_hashes == plain.mask_hashes
    elif rule.size is None:  # squashed pictures as they are: each pixel's error counts as it did
        assert means(report)["psnr"] == pytest.approx(means(plain)["psnr"], abs=0.3)
        assert report.size == (size[0], size[0])
    else:
        assert means(report)["l1-limbs"] == pytest.approx(means(plain)["l1-limbs"], rel=0.1)
        assert report.mask_hashes == plain.mask_hashes


@one_of_each_geometry()
def test_a_perfect_square_generator_is_scored_as_perfect_as_the_resampling_allows(name, tmp_path):
    rule = simply(name)
    size = MARKET if rule.person == (128, 64) else FASHION
    squashed = scored(tmp_path, rule, generated="squashed", wrong=0, size=size, declared=Declared("squashed"))
    assert means(squashed)["psnr"] > 45
    padded = scored(tmp_path, rule, generated="white", wrong=0, size=size, declared=Declared("padded"))
    assert means(padded)["psnr"] == math.inf


@pytest.mark.parametrize("layout", ["squashed", "edge"])
@pytest.mark.parametrize("name", ["reposer-v1", "patn2019", "pg2-2017", "reposer-v1-reconstruction"])
def test_square_pictures_of_which_nothing_proves_the_geometry_are_refused(name, layout, tmp_path):
    with pytest.raises(BadInput, match=r"squashed .*--geometry squashed.*padded .*--geometry padded"):
        scored(tmp_path, simply(name), generated=layout)


@pytest.mark.parametrize("name", ["reposer-v1", "patn2019", "dptn2022", "pg2-2017"])
def test_square_targets_without_padding_are_refused_where_the_aspect_is_kept(name, tmp_path):
    with pytest.raises(BadInput, match=r"target pictures are square.*--target-geometry squashed.*plain"):
        scored(tmp_path, simply(name), generated="squashed", target="squashed")
    both = scored(tmp_path, simply(name), generated="squashed", target="squashed", declared=Declared("squashed"))
    assert means(both)["psnr"] == pytest.approx(means(scored(tmp_path, simply(name)))["psnr"], abs=0.3)


@pytest.mark.parametrize("name", ["reposer-v1", "gfla2020", "cfld2024", "pg2-2017", "reposer-v1-reconstruction"])
def test_white_sides_that_end_where_they_should_are_found_and_never_scored(name, tmp_path):
    rule = simply(name)
    plain = scored(tmp_path, rule)
    for kinds in (("white", "white"), ("white", "plain"), ("plain", "white")):
        report = scored(tmp_path, rule, generated=kinds[0], target=kinds[1])
        assert means(report) == means(plain)
        assert report.geometry == declared_as(kinds[0])


def test_a_protocol_that_squashes_takes_squares_as_squashed_unless_they_look_padded(tmp_path):
    rule = simply("gfla2020")
    report = scored(tmp_path, rule, generated="squashed", target="squashed", wrong=0)
    assert report.geometry == "squashed" and means(report)["psnr"] == math.inf
    assert means(scored(tmp_path, rule, generated="squashed", target="white", wrong=0))["psnr"] > 45
    with pytest.raises(BadInput, match="--geometry padded"):
        scored(tmp_path, rule, generated="edge", target="squashed")


def test_a_declared_geometry_that_the_pixels_refute_is_refused(tmp_path):
    rule = simply("reposer-v1")
    with pytest.raises(BadInput, match="--geometry squashed contradicts the generated pictures"):
        scored(tmp_path, rule, generated="white", declared=Declared("squashed"))
    with pytest.raises(BadInput, match="--target-geometry padded contradicts the target pictures"):
        scored(tmp_path, rule, target="squashed", declared=Declared(None, "padded"))
    with pytest.raises(BadInput, match="with --geometry plain both have one shape"):
        scored(tmp_path, rule, generated="squashed", declared=Declared("plain"))


def test_a_square_photo_is_plain_where_that_is_declared(tmp_path):
    declared = Declared(None, "plain")
    report = scored(tmp_path, simply("reposer-v1"), size=(128, 128), declared=declared)
    assert report.geometry == "plain" and report.size == (256, 176)
    as_they_are = scored(tmp_path, simply("reposer-v1-reconstruction"), size=(128, 128))
    assert as_they_are.size == (128, 128)


def test_padded_and_squashed_targets_in_one_folder_are_refused(tmp_path):
    for k, layout in enumerate(("white", "squashed")):
        save(tmp_path / f"t/a_{k}.png", put(smooth(k, FASHION), layout))
        save(tmp_path / f"g/a_{k}.png", smooth(k, FASHION))
    with pytest.raises(BadInput, match="made alike"):
        folders = Folders(tmp_path / "g", tmp_path / "t")
        score_folder(folders, simply("cfld2024"), tmp_path / "o", workers=0, show=False)


def test_a_few_wider_pictures_do_not_hide_that_a_folder_has_white_sides():
    """In-shop's low-resolution files are like that."""
    white = [torch.tensor(put(smooth(k, FASHION), "white")) for k in range(20)]
    wider = torch.tensor(smooth(99, (128, 128), amplitude=240))
    assert common_proof([*white, wider], FASHION) == "white"
    assert common_proof([*white[:3], wider], FASHION) == "mixed"
    assert common_proof([wider], FASHION) == "content"


def test_one_padded_target_among_squashed_ones_is_named_and_left_out(tmp_path):
    made = FileGeometry("squashed", FASHION)
    padded = torch.tensor(put(smooth(0, FASHION), "white"))
    with pytest.raises(BadInput, match="its target has white sides, unlike the other targets"):
        PairGeometry(target=made, found=True).check(padded)
    PairGeometry(target=made, found=False).check(padded)  # declared


def test_numbers_of_another_geometry_are_not_ranked_and_it_is_said(tmp_path):
    rule = simply("reposer-v1")
    plain = scored(tmp_path, rule).to_plain()
    padded = scored(tmp_path, rule, generated="white").to_plain()
    assert plain["truth_hash"] == padded["truth_hash"] and plain["hash"] == padded["hash"]
    for line in compare({"plain": plain, "padded": padded}).lines:
        assert not line.best
        assert line.notes == ("another geometry of the generated pictures (plain / padded)",)


def test_joints_that_count_in_the_file_go_where_the_picture_goes(tmp_path):
    rule = simply("cfld2024")
    plain = scored(tmp_path, rule)
    squashed = scored(
        tmp_path, rule, target="squashed", declared=Declared(None, "squashed"), pose=joints(FASHION).resize((128, 128))
    )
    assert means(squashed)["l1-limbs"] == pytest.approx(means(plain)["l1-limbs"], rel=0.02)
    pose = joints(FASHION)
    in_file = pose.crop((-20.5, -0.5, 107.5, 127.5))
    placed = rule.target.place(in_file, FileGeometry("padded", FASHION))
    assert placed.size == (256, 176)
    assert torch.allclose(placed.xy[2:4], rule.target.place(pose).xy[2:4])


def test_a_list_of_other_pictures_shape_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"count in pictures of 256x176, .* another shape, that of 128x64"):
        scored(tmp_path, simply("patn2019-market"), size=MARKET, pose=joints(FASHION).resize((256, 176)))


def test_a_file_squashed_to_nearly_its_own_shape_is_brought_back_exactly():
    """A picture of 750x1101 is 174 columns wide at 256 high: squashed to 176, it is two columns too wide."""
    kept, file = Geometry((256, 176), fit="keep-aspect"), FileGeometry("squashed", (1101, 750))
    picture = torch.tensor(smooth(0, (256, 176)))
    assert file.of((256, 176)) == file and torch.equal(kept.apply(picture), picture)
    columns = kept.apply(picture, file).amin((0, 2))
    assert columns[0] == columns[-1] == 255 and columns[1] < 255 and columns[-2] < 255
    assert FileGeometry("squashed", (512, 352)).of((256, 176)) is PLAIN


def test_one_white_picture_proves_nothing():
    person = torch.tensor(smooth(0, FASHION))
    assert proof(with_white_sides(person[None], 20, 20)[0], FASHION) == "white"
    assert proof(torch.full((128, 128, 3), 255, dtype=torch.uint8), FASHION) == "nothing"
    assert proof(torch.tensor(put(smooth(0, FASHION), "squashed")), FASHION) == "content"
    assert proof(torch.tensor(put(smooth(0, FASHION), "edge")), FASHION) == "nothing"
    narrower = with_white_sides(person[None, :, 8:-8], 28, 28)[0]  # a white background of another width
    assert proof(narrower, FASHION) == "nothing"


class FramedPeople:
    """Smooth pictures of 128x88 as a generator of this framing sees them."""

    def __init__(self, framing):
        self.framing = framing

    def __len__(self):
        return 2

    def __getitem__(self, i):
        left, top, right, bottom = self.framing.content_box(FASHION)
        content = resize(from_uint8(torch.tensor(smooth(i, FASHION)))[None], (bottom - top, right - left))[0]
        height, width = self.framing.size
        around = (left, width - right, top, height - bottom)
        picture = torch.nn.functional.pad(content, around, mode="replicate")
        pose = self.framing.place(joints(FASHION))
        return Sample(picture, picture, pose, pose, name=f"person_{i}")

    def identity(self, i):
        return "person"

    def target_size(self, i):
        return FASHION

    def picture_names(self, i):
        return f"person_{i}s", f"person_{i}t"

    def attributes(self, i):
        return {}


def half_wrong(source, source_pose, target_pose, *, seeds=None):
    return source * 0.6 - 0.1


@one_of_each_geometry()
def test_generators_of_any_framing_get_the_same_numbers_from_the_same_pictures(name):
    rule = simply(name)
    plain = evaluate(half_wrong, rule, FramedPeople(Framing(FASHION, aspect=88 / 128)))
    padded = evaluate(half_wrong, rule, FramedPeople(Framing((128, 128), fit="pad")))
    squashed = evaluate(half_wrong, rule, FramedPeople(Framing((128, 128))))
    assert (plain.geometry, padded.geometry, squashed.geometry) == ("plain", "plain", "squashed")
    assert means(padded) == means(plain)
    assert means(squashed)["psnr"] == pytest.approx(means(plain)["psnr"], abs=0.2)
    if rule.size is not None:
        assert squashed.size == plain.size
        assert squashed.mask_hashes == plain.mask_hashes
