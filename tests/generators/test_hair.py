"""Hair from behind is the photo's: from above the forehead, and its locks."""

import pytest
import torch

from reposer.generators.trueflow.geometry import sample
from reposer.generators.trueflow.hair import NAPE, front_hair, hair_coloured, hair_from_behind, no_hair, unseen
from reposer.generators.trueflow.head_axis import HeadAxis

SIZE = (192, 160)
SKIN, HAIR, WALL = (0.5, 0.1, -0.2), (-0.7, -0.8, -0.9), (0.4, 0.5, 0.8)
FACES = torch.tensor(SKIN).view(1, 3, 1, 1)
MIDDLE, WAY = 80 + 70j, 40j
"""Between the ears, and from there to the neck's joint."""
WAS = HeadAxis(torch.tensor(MIDDLE), torch.tensor(WAY))


def area(top, bottom, left, right):
    """Rows and columns in a head's lengths."""
    rows, columns = (
        (int(MIDDLE.imag + 40 * a) for a in (top, bottom)),
        (int(MIDDLE.real + 40 * a) for a in (left, right)),
    )
    return (..., slice(*rows), slice(*columns))


def mask(*areas):
    shown = torch.zeros(1, 1, *SIZE)
    for place in areas:
        shown[place] = 1
    return shown


HEAD, FACE, BODY = area(-0.9, 0.5, -0.5, 0.5), area(-0.4, 0.5, -0.4, 0.4), area(0.5, 3, -1.5, 1.5)
LOCKS = area(-0.9, 1.6, -0.8, -0.45), area(-0.9, 1.6, 0.45, 0.8)


def photo(*hairs, colour=HAIR):
    shown = torch.tensor(WALL).view(1, 3, 1, 1).repeat(1, 1, *SIZE)
    for place in (HEAD, BODY):
        shown[place] = torch.tensor(SKIN).view(1, 3, 1, 1)
    for place in (area(-0.9, -0.4, -0.5, 0.5), *hairs):
        shown[place] = torch.tensor(colour).view(1, 3, 1, 1)
    return shown


def hair(source, now=WAS, away=1.0, *more, head=HEAD):
    person = mask(HEAD, BODY, *more)
    return hair_from_behind(front_hair(source, mask(FACE), person, WAS, FACES), mask(head), now, away)


def at(values, along, right, now=WAS):
    """Where that far along a head and to the right of it (of an upright picture)."""
    there = now.places(torch.complex(torch.tensor(along), torch.tensor(-right)))
    return values[0, :, round(float(there.imag)), round(float(there.real))]


@pytest.mark.parametrize("now", [WAS, HeadAxis(torch.tensor(70 + 80j), torch.tensor(3 + 38j))])
def test_what_lies_above_the_forehead_is_drawn_down_to_the_nape(now):
    wanted = torch.zeros(1, 1, *SIZE)
    y, x = torch.meshgrid(torch.arange(SIZE[0]), torch.arange(SIZE[1]), indexing="ij")
    there = now.coordinates(torch.complex(x.float(), y.float()))
    wanted[0, 0] = ((there.real > -0.9) & (there.real < 0.5) & (there.imag.abs() < 0.5)).float()
    source = photo()
    front = front_hair(source, mask(FACE), mask(HEAD, BODY), WAS, FACES)
    found = hair_from_behind(front, wanted, now, 1.0)
    shown = found.cap_shown > 0.9
    assert torch.allclose(found.colour.flatten(), torch.tensor(HAIR), atol=0.05)
    assert shown.sum() > 0.8 * ((there.real > -0.8) & (there.real < NAPE[0]) & (there.imag.abs() < 0.45)).sum()
    looks = sample(source, found.cap)
    assert (looks - torch.tensor(HAIR).view(1, 3, 1, 1)).abs().amax(1, True)[shown].max() < 0.05
    assert found.covers[0, 0][there.real > NAPE[1] + 0.04].max() == 0 and found.falls.max() == 0
    down = [float(at(found.cap, along, 0.1, now)[1]) for along in (-0.7, -0.3, 0.1)]
    assert down[0] < down[1] < down[2] < MIDDLE.imag - 0.4 * 40


def test_from_behind_the_left_is_at_the_left():
    fair = photo()
    fair[area(-0.9, -0.4, 0.1, 0.5)] = torch.tensor((0.2, 0.0, -0.6)).view(1, 3, 1, 1)  # the person's left
    found = hair(fair)
    assert at(found.cap, -0.5, -0.3)[0] > MIDDLE.real + 8 and at(found.cap, -0.5, 0.3)[0] < MIDDLE.real - 8


def test_locks_lie_behind_the_neck_and_beyond_it():
    source = photo(*LOCKS)
    found = hair(source, WAS, 1.0, *LOCKS)
    assert at(found.covers, 1.0, 0.2) > 0.95 and at(found.falls, 1.0, 0.2) > 0.95
    assert at(found.falls, 1.0, 1.0) == 0 and at(found.covers, 2.0, 0.0) < 0.01, "nor beyond where they end"
    shown = found.locks_shown > 0.5
    assert shown[area(0.4, 1.2, -0.4, 0.4)].float().mean() > 0.7
    looks = sample(source, found.locks)
    assert (looks - torch.tensor(HAIR).view(1, 3, 1, 1)).abs().amax(1, True)[shown].max() < 0.1
    left, right = (at(found.locks, 0.8, to_the_right)[0] for to_the_right in (-0.3, 0.3))
    assert left > MIDDLE.real > right
    assert (found.cap_shown + found.locks_shown).max() <= 1 + 1e-6


def test_a_speck_far_off_makes_neither_the_head_nor_its_hair_wider():
    front = front_hair(photo(), mask(FACE), mask(HEAD, BODY), WAS, FACES)
    whole = hair_from_behind(front, mask(HEAD), WAS, 1.0)
    speck = mask(HEAD, area(2.0, 2.05, 0.95, 1.0))
    same = hair_from_behind(front, speck, WAS, 1.0)
    assert torch.allclose(whole.cap, same.cap) and torch.allclose(whole.falls, same.falls)


def test_hair_down_to_where_nobody_looks_is_drawn_down_too():
    curtains = area(-0.9, 3.0, -0.8, -0.15), area(-0.9, 3.0, 0.15, 0.8)
    short = area(-0.9, 1.9, -0.8, -0.15), area(-0.9, 1.9, 0.15, 0.8)
    found, other = (hair(photo(*locks), WAS, 1.0, *locks) for locks in (curtains, short))
    here = area(-0.7, 0.1, -0.4, 0.4)
    assert (found.cap[:, :1] - other.cap[:, :1])[here].abs().max() < 4


def test_it_works_in_float64_too():
    values = photo().double(), mask(FACE).double(), mask(HEAD, BODY).double()
    found = hair_from_behind(front_hair(*values, WAS, FACES.double()), mask(HEAD).double(), WAS, 1.0)
    assert torch.allclose(found.cap.float(), hair(photo()).cap, atol=0.1)


def test_short_hair_has_no_locks_and_one_lock_is_not_long_hair():
    assert hair(photo()).locks_shown.max() == 0
    assert hair(photo(LOCKS[0]), WAS, 1.0, LOCKS[0]).falls.max() == 0


def test_a_bald_head_has_the_skins_colour():
    found = hair(photo(colour=SKIN))
    assert found.cap_shown.max() == 0 and found.locks_shown.max() == 0
    assert torch.allclose(found.colour.flatten(), torch.tensor(SKIN), atol=0.05)


def test_arms_above_the_head_are_no_hair():
    arms = area(-1.7, -1.2, -0.8, 0.8)
    source = photo()
    source[arms] = torch.tensor(SKIN).view(1, 3, 1, 1)
    found, without = hair(source, WAS, 1.0, arms), hair(photo())
    assert torch.allclose(found.colour, without.colour, atol=0.02)
    assert (found.cap - without.cap)[area(-0.8, 0.1, -0.4, 0.4)].abs().max() < 1


def test_who_is_hardly_turned_has_as_little_of_it_and_without_a_head_there_is_none():
    whole, half = hair(photo()), hair(photo(), WAS, 0.5)
    assert torch.allclose(half.covers, whole.covers / 2) and torch.allclose(half.cap_shown, whole.cap_shown / 2)
    for none in (hair(photo(), head=area(0, 0, 0, 0)), no_hair(photo())):
        assert all(float(maps.abs().max()) == 0 for maps in none)


def test_what_another_photo_shows_is_left_to_it():
    found = hair(photo(*LOCKS), WAS, 1.0, *LOCKS)
    assert all(torch.equal(a, b) for a, b in zip(unseen(found, mask()), found, strict=True))
    seen = unseen(found, torch.ones(1, 1, *SIZE))
    assert max(float(maps.max()) for maps in (seen.covers, seen.falls, seen.cap_shown, seen.locks_shown)) == 0


def test_what_is_not_copied_has_the_colour_of_the_first_photos_hair():
    found, missing = hair(photo()), mask(area(-1.5, 0, -1, 1))
    other = found._replace(colour=-found.colour)
    painted = hair_coloured(torch.zeros(1, 3, *SIZE), [found, other], missing)
    assert torch.allclose(at(painted, -0.4, 0.0), found.colour.flatten(), atol=1e-4)
    assert at(painted, 0.1, 0.0).abs().max() == 0, "what is copied"


def test_of_a_head_that_the_photo_cuts_nothing_comes_from_beyond_its_edge():
    cut = HeadAxis(torch.tensor(MIDDLE - 44j), torch.tensor(WAY))
    source, face, person = (maps[:, :, 44:].contiguous() for maps in (photo(), mask(FACE), mask(HEAD, BODY)))
    source, face, person = (torch.cat([maps, maps[:, :, -44:]], 2) for maps in (source, face, person))
    found = hair_from_behind(front_hair(source, face, person, cut, FACES), mask(HEAD), WAS, 1.0)
    assert all(bool(maps.isfinite().all()) for maps in found)
    shown = (found.cap_shown > 0)[0, 0]
    assert bool(shown.any()) and found.cap[0, :, shown].min() >= 0
