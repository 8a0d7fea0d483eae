"""Composition at a photo's own size: what is copied is the photo's pixels, and it says truly where they come from."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import torch

from reposer.core.composition import COPIED, FILLED, INVENTED, KEPT, KINDS, MIRRORED, Composition
from reposer.core.images import from_uint8
from reposer.nn.full_size import Fade, composed, known_of
from reposer.nn.matte import matte_weights
from reposer.nn.photo_look import PhotoPart
from reposer.nn.remembered import Remembered

FRAME = (64, 48)
CONTENT = (0, 0, 48, 64)
SIZE = (640, 480)


def photo(seed=0, size=SIZE):
    """Noise: any resampling would show."""
    return torch.randint(0, 256, (*size, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def own_places(size=FRAME):
    y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float32) for n in size), indexing="ij")
    return torch.stack([x, y])[None, None]


def made_of(shift=(0.0, 0.0), **changes):
    """Everything is copied from `shift` frame pixels away; the person covers all of both pictures."""
    ones, zeros = torch.ones(1, 1, *FRAME), torch.zeros(1, 1, *FRAME)
    whole = Composition(
        place=own_places() + torch.tensor(shift).view(2, 1, 1),
        copied=ones[None],
        invented=torch.zeros(1, 3, *FRAME),
        person=ones,
        background=torch.full((1, 3, *FRAME), 0.5),
        hole=zeros,
        still=zeros,
        source_person=ones[None],
    )
    return replace(whole, **changes)


def fade(size=SIZE):
    return Fade(torch.ones(size[0]), torch.ones(size[1]))


def compose(composition, picture=None, edges=None, **options):
    picture = photo() if picture is None else picture
    edges = edges or (0, 0, picture.shape[1], picture.shape[0])
    whole = fade((edges[3] - edges[1], edges[2] - edges[0]))
    return composed([PhotoPart(picture, edges)], CONTENT, composition, whole, **options)


def test_what_is_copied_from_its_own_place_is_the_photo_to_the_bit():
    made = compose(made_of(), provenance=True)
    assert torch.equal(made.picture, photo()) and made.alpha is None
    assert (made.provenance.kind == COPIED).all() and made.provenance.shares["copied"] == 1
    assert torch.allclose(made.provenance.place, own_places(SIZE)[0, 0].movedim(0, -1), atol=1e-3)


def test_a_move_by_whole_pixels_of_the_photo_copies_them_at_full_size():
    made = compose(made_of((1.0, -2.0)), provenance=True)  # 10 and -20 pixels of the photo
    assert torch.equal(made.picture[20:, :-10], photo()[:-20, 10:])


def test_nothing_changes_where_nothing_moved_or_nothing_covers():
    zeros = torch.zeros(1, 1, *FRAME)
    for kept in (made_of((3.0, 3.0), still=zeros + 1), made_of((3.0, 3.0), person=zeros)):
        made = compose(kept, provenance=True)
        assert torch.equal(made.picture, photo()) and (made.provenance.kind == KEPT).all()
    outside = compose(made_of((3.0, 3.0)), edges=(100, 200, 340, 520)).picture
    assert torch.equal(outside[:200], photo()[:200]) and not torch.equal(outside[200:520], photo()[200:520])


@pytest.mark.slow
def test_behind_the_person_the_photos_own_texture_goes_on_unblurred():
    pattern = photo(size=(32, 48)).repeat(20, 10, 1)
    zeros, stood = torch.zeros(1, 1, *FRAME), torch.zeros(1, 1, *FRAME)
    stood[..., 24:40, 18:30] = 1
    covered = pattern.clone()
    covered[240:400, 180:300] = 255
    parts = made_of(person=zeros, copied=zeros[None], hole=stood, source_person=stood[None], still=zeros)
    fade = Fade(torch.ones(SIZE[0]), torch.ones(SIZE[1]))
    made = composed([PhotoPart(covered, (0, 0, SIZE[1], SIZE[0]))], CONTENT, parts, fade, provenance=True)
    assert (made.provenance.kind[260:380, 200:280] == FILLED).all()
    assert (made.picture.int() - pattern.int()).abs()[240:400, 180:300].float().quantile(0.9) <= 2


@pytest.mark.slow
def test_the_kinds_are_the_same_on_a_plain_background():
    zeros, stood, goes = torch.zeros(1, 1, *FRAME), torch.zeros(1, 1, *FRAME), torch.zeros(1, 1, *FRAME)
    stood[..., 24:40, 8:18], goes[..., 24:40, 30:40] = 1, 1
    picture = torch.full((*SIZE, 3), 30, dtype=torch.uint8)
    picture[240:400, 80:180] = 220
    parts = made_of((-22.0, 0.0), person=goes, copied=goes[None], hole=stood, source_person=stood[None], still=zeros)
    over, alone = (compose(parts, picture, provenance=True, alpha=alpha).provenance for alpha in (False, True))
    for made in (over, alone):
        assert all((made.kind == kind).any() for kind in (KEPT, COPIED, FILLED))
        assert (made.kind == INVENTED).float().mean() < 0.002  # at most the rim of who is copied
    assert (alone.kind == over.kind).float().mean() > 0.97  # they differ at the edges of what is filled
    assert (alone.kind[:200] == KEPT).all() and (alone.kind[260:380, 100:160] == FILLED).all()


@pytest.mark.slow
def test_every_kind_is_where_it_should_be_and_says_its_place_and_photo():
    left, right = torch.zeros(1, 1, *FRAME), torch.zeros(1, 1, *FRAME)
    left[..., :16], right[..., 32:] = 1, 1
    made = compose(
        made_of(person=1 - right, hole=right, copied=(1 - left)[None], still=torch.zeros_like(left)), provenance=True
    )
    origin = made.provenance
    for kind, columns in ((INVENTED, slice(0, 120)), (COPIED, slice(200, 280)), (FILLED, slice(360, 480))):
        assert (origin.kind[:, columns] == kind).all(), KINDS[kind]
        assert origin.place[:, columns].isnan().all() == (kind != COPIED)
        assert (origin.photo[:, columns] == (0 if kind == COPIED else 255)).all()
    assert (from_uint8(made.picture[:, :100]).abs() < 0.01).all()


def test_mirrored_it_is_the_mirrored_result():
    torch.manual_seed(0)
    smooth = torch.nn.functional.interpolate(torch.rand(1, 4, 8, 6), FRAME, mode="bicubic").clamp(0, 1)
    composition = made_of(
        (1.5, -0.5), copied=smooth[:, None, :1], person=smooth[:, 1:2], hole=smooth[:, 2:3], still=smooth[:, 3:]
    )
    place = composition.place.flip(-1)
    place = torch.stack([FRAME[1] - 1 - place[:, :, 0], place[:, :, 1]], 2)
    fields = ("copied", "invented", "person", "background", "hole", "still", "source_person")
    mirrored = replace(composition, place=place, **{name: getattr(composition, name).flip(-1) for name in fields})
    there = compose(mirrored, photo().flip(1).contiguous()).picture.flip(1)
    assert (there.int() - compose(composition).picture.int()).abs().max() <= 1


@pytest.mark.slow
def test_tiles_leave_no_seams():
    """Parts of a size that tiles do not divide equal the whole."""
    torch.manual_seed(0)
    composition = made_of((0.3, 0.7), person=torch.rand(1, 1, *FRAME), hole=torch.rand(1, 1, *FRAME))
    from reposer.nn import full_size

    whole, tile = compose(composition).picture, full_size.TILE
    try:
        full_size.TILE = 77
        assert (compose(composition).picture.int() - whole.int()).abs().max() <= 1
    finally:
        full_size.TILE = tile


def test_alpha_is_the_person_and_keeps_who_does_not_move():
    person = torch.zeros(1, 1, *FRAME)
    person[..., 16:48, 12:36] = 1
    colours = torch.full((*SIZE, 3), 30, dtype=torch.uint8)
    colours[160:480, 120:360] = 220
    for still in (torch.zeros_like(person), torch.ones_like(person)):
        made = compose(made_of(person=person, source_person=person[None], still=still), colours, alpha=True)
        assert (made.alpha[200:440, 160:320] == 255).all() and (made.alpha[:100] == 0).all()
        assert (made.picture[200:440, 160:320] == 220).all()


def test_a_matte_follows_the_pictures_edge_where_its_mask_is_blurred():
    truth = torch.zeros(1, 1, 64, 64)
    truth[..., 20:] = 1
    picture = torch.where(truth > 0, 0.8, -0.6).expand(-1, 3, -1, -1)
    blurred = torch.nn.functional.avg_pool2d(truth, 9, 1, 4, count_include_pad=False)
    a = matte_weights(picture, blurred, 6)
    matte = (a[:, :3] * picture).sum(1, keepdim=True) + a[:, 3:]
    steps = [float((values[..., 20] - values[..., 19]).mean()) for values in (blurred, matte)]
    assert steps[1] > 4 * steps[0] and steps[0] == pytest.approx(1 / 9, abs=1e-3)


def test_well_inside_the_mask_the_person_is_copied_whatever_its_colour():
    """A person in the colours of what is behind it: colours say nothing, the mask does."""
    person = torch.zeros(1, 1, *FRAME)
    person[..., 12:52, 8:40] = 1
    plain = torch.full((*SIZE, 3), 128, dtype=torch.uint8)
    plain += photo() // 64
    made = compose(made_of(person=person, source_person=person[None]), plain, provenance=True)
    inside = torch.zeros(SIZE, dtype=torch.bool)
    inside[180:460, 140:340] = True
    assert (made.provenance.kind[inside] == COPIED).all()


@pytest.mark.parametrize("size", [(37, 29), (1, 5), (300, 200)])
def test_photos_of_any_size_and_parts_that_exceed_them_are_composed(size):
    made = compose(made_of((0.5, 0.5)), photo(size=size), (-7, -5, size[1] + 9, size[0] + 11), provenance=True)
    assert made.picture.shape == (*size, 3) and made.provenance.kind.shape == size


@pytest.mark.slow
def test_what_is_remembered_of_a_photo_changes_no_pixel_and_is_forgotten_with_another_person_in_it():
    hole = torch.zeros(1, 1, *FRAME)
    hole[..., 20:40, 15:30] = 1
    first = made_of(hole=hole, source_person=hole[None], person=hole)
    second = made_of((3.0, 0.0), hole=hole, source_person=hole[None], person=hole.roll(9, -1))
    third = made_of((3.0, 0.0), hole=hole.roll(5, -1), source_person=hole.roll(5, -1)[None], person=hole)
    part, remembered = PhotoPart(photo(), (0, 0, SIZE[1], SIZE[0])), Remembered()
    known = [remembered.known(part, CONTENT, composition) for composition in (first, second, third)]
    assert known[0] is known[1] and known[1] is not known[2]
    for composition, before in zip((first, second, third), known, strict=True):
        assert torch.equal(compose(composition, known=before).picture, compose(composition).picture)


@pytest.mark.slow
def test_copied_background_is_the_mean_of_what_the_four_cells_around_a_pixel_show():
    hole, (height, width) = torch.zeros(1, 1, *FRAME), SIZE
    hole[..., 20:40, 15:30] = 1
    part = PhotoPart(photo(), (0, 0, width, height))
    behind = known_of([part], CONTENT, made_of(hole=hole, source_person=hole[None], person=hole)).backdrop
    down, across = slice(190, 410), slice(140, 310)
    colours, share = behind.behind(torch.ones(220, 170), down, across)
    assert behind.several.any()  # cells that copy from different places meet

    def around(part, cells, pixels):
        place = (torch.arange(part.start, part.stop) + 0.5) * cells / pixels - 0.5
        first = place.floor().long()
        return [((first + n).clamp(0, cells - 1), 1 - (place - first - n).abs()) for n in (0, 1)]

    sums, shares = torch.zeros(3, 220, 170), torch.zeros(220, 170)
    y, x = torch.meshgrid(torch.arange(190, 410), torch.arange(140, 310), indexing="ij")
    for row, by_row in around(down, behind.cells[0], height):
        for column, by_column in around(across, behind.cells[1], width):
            shift, gap = behind.shift[:, row][:, :, column], behind.gap[row][:, column]
            shown = from_uint8(photo()[(y + shift[0]).clamp(0, height - 1), (x + shift[1]).clamp(0, width - 1)])
            weight = by_row[:, None] * by_column * gap
            sums += weight * (shown * behind.fits[row][:, column] + behind.tone[:, row][:, :, column])
            shares += weight
    torch.testing.assert_close(share, shares, atol=1e-5, rtol=0)
    wanted = (sums / shares.clamp(min=1e-9)).clamp(-1, 1)
    torch.testing.assert_close(colours[:, shares > 0.01], wanted[:, shares > 0.01], atol=1e-3, rtol=0)


@pytest.mark.slow
def test_the_number_of_threads_changes_no_pixel():
    hole, threads = torch.zeros(1, 1, *FRAME), torch.get_num_threads()
    hole[..., 20:40, 15:30] = 1
    composition = made_of((0.3, 0.7), person=hole.roll(9, -1), hole=hole, source_person=hole[None])
    made = []
    try:
        for number in (1, 3):
            torch.set_num_threads(number)
            made.append(compose(composition, provenance=True))
            with ThreadPoolExecutor(1) as later:
                assert torch.get_num_threads() == number == later.submit(torch.get_num_threads).result()
        with torch.inference_mode():
            assert torch.equal(compose(composition).picture, made[0].picture)
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(made[0].picture, made[1].picture)
    assert torch.equal(made[0].provenance.kind, made[1].provenance.kind)


def test_a_matte_is_the_solution_of_its_equations():
    picture = torch.rand(1, 3, 20, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    mask = torch.rand(1, 1, 20, 16, generator=torch.Generator().manual_seed(1))

    def mean(values):
        return torch.nn.functional.avg_pool2d(values.double(), 7, 1, 3, count_include_pad=False)

    colour, level = mean(picture), mean(mask)
    products = mean((picture[:, :, None] * picture[:, None]).flatten(1, 2)).unflatten(1, (3, 3))
    matrix = (products - colour[:, :, None] * colour[:, None]).permute(0, 3, 4, 1, 2) + 4e-3 * torch.eye(3)
    right = (mean(picture * mask) - colour * level).permute(0, 2, 3, 1)
    a = torch.linalg.solve(matrix, right).permute(0, 3, 1, 2)
    wanted = mean(torch.cat([a, level - (a * colour).sum(1, keepdim=True)], 1))
    torch.testing.assert_close(matte_weights(picture, mask, 3).double(), wanted, atol=1e-5, rtol=0)


def test_a_copy_of_the_bodys_other_side_is_noted_as_such_with_its_place():
    half = torch.zeros(1, 1, *FRAME)
    half[..., FRAME[1] // 2 :] = 1
    place = torch.cat([own_places(), own_places() + torch.tensor([-4.0, 0.0]).view(2, 1, 1)], 1)
    parts = made_of(place=place, copied=torch.stack([1 - half, half], 1), mirrored=(0,))
    made = compose(parts, provenance=True)
    left, right = made.provenance.kind[:, : SIZE[1] // 2 - 8], made.provenance.kind[:, SIZE[1] // 2 + 8 :]
    assert (left == COPIED).all() and (right == MIRRORED).all()
    assert (made.provenance.photo == 0).all()
    scale = SIZE[1] / (CONTENT[2] - CONTENT[0])
    moved = (made.provenance.place - own_places(SIZE)[0, 0].movedim(0, -1))[:, SIZE[1] // 2 + 8 :]
    assert torch.allclose(moved[..., 0], torch.tensor(-4.0 * scale), atol=0.05) and moved[..., 1].abs().max() < 0.05
    assert made.provenance.shares["copied"] + made.provenance.shares["mirrored"] == 1
