"""A clip's frames carried along: calmer where nothing new is seen, and as generated where something is."""

import gc
import weakref

import pytest
import torch

from reposer.core import BadInput
from reposer.core.images import resize
from reposer.nn.steady import Steadier, carried, steadied

SIZE = (64, 64)


def texture(seed=0, size=SIZE):
    random = torch.Generator().manual_seed(seed)
    return resize(torch.rand(1, 3, 12, 12, generator=random) * 1.6 - 0.8, size)[0]


def noisy(frames, level=0.06, seed=3):
    random = torch.Generator().manual_seed(seed)
    return [frame + level * torch.randn(frame.shape, generator=random) for frame in frames]


def square_moving(background, count=6, step=3):
    """A square of a texture of its own goes to the right over a background that stands still."""
    square = texture(7)[:, :20, :20] * 0.3 + torch.tensor([0.6, -0.6, 0.6])[:, None, None]
    frames = []
    for t in range(count):
        frame = background.clone()
        frame[:, 22:42, 8 + step * t : 28 + step * t] = square
        frames.append(frame)
    return frames


def flicker(frames):
    """Mean absolute change from frame to frame, without the borders and the first steps."""
    inner = torch.stack(frames)[3:, :, 6:-6, 6:-6]
    return (inner[1:] - inner[:-1]).abs().mean().item()


@pytest.mark.slow
def test_a_still_clip_with_noise_flickers_less_than_half_as_much():
    frames = noisy([texture()] * 10)
    assert flicker(list(steadied(frames))) < 0.5 * flicker(frames)


def test_a_moving_texture_is_carried_along():
    wide = texture(2, (64, 96))
    true = [wide[:, :, 2 * t : 2 * t + 64] for t in range(8)]
    frames = noisy(true)
    calm = list(steadied(frames))
    inner = (slice(None), slice(8, -8), slice(8, -16))
    before = (frames[-1] - true[-1])[inner].abs().mean()
    assert (calm[-1] - true[-1])[inner].abs().mean() < 0.75 * before


def uncovered(frames):
    """(shown, generated) where the square just was and is no more, step by step."""
    for t, (generated, shown) in enumerate(zip(frames, steadied(frames), strict=True)):
        if t:
            place = (slice(None), slice(22, 42), slice(8 + 3 * (t - 1), 8 + 3 * t))
            yield shown[place], generated[place]


@pytest.mark.slow
def test_a_moving_square_leaves_no_ghost():
    plain = torch.tensor([-0.4, 0.3, -0.2])[:, None, None].expand(3, *SIZE)
    for shown, generated in uncovered(square_moving(plain)):
        assert torch.allclose(shown, generated, atol=1e-5)
    # on a texture, a few pixels show their neighbours' colour; none shows the square's
    for shown, generated in uncovered(square_moving(texture())):
        square = torch.tensor([0.6, -0.6, 0.6])[:, None, None]
        assert (shown - generated).abs().mean() < 0.09 * (square - generated).abs().mean()


def test_a_cut_begins_anew():
    frames = [texture(0)] * 3 + [texture(5)] * 2
    calm = list(steadied(frames))
    assert torch.equal(calm[3], frames[3])
    assert carried(frames[2], frames[2], frames[3])[1].max() == 0


def test_a_strength_of_0_changes_nothing_and_the_first_frame_is_never_changed():
    frames = noisy([texture()] * 3)
    assert all(torch.equal(a, b) for a, b in zip(frames, steadied(frames, 0.0), strict=True))
    steadier = Steadier()
    assert torch.equal(steadier(frames[0]), frames[0])
    assert not torch.equal(steadier(frames[1]), frames[1])
    steadier.before = None  # another clip
    assert torch.equal(steadier(frames[2]), frames[2])
    assert torch.equal(steadier(texture(0, (64, 32))), texture(0, (64, 32)))  # another clip's size


def test_a_frame_depends_on_the_frames_up_to_it_alone():
    frames = noisy(square_moving(texture(), 5))
    whole, part = list(steadied(frames)), list(steadied(frames[:3]))
    assert all(torch.equal(a, b) for a, b in zip(whole, part, strict=False))
    stream = steadied(iter(frames))
    assert torch.equal(next(stream), whole[0]) and torch.equal(next(stream), whole[1])


def test_a_clip_that_was_broken_off_goes_on_with_what_was_before():
    frames = noisy([texture()] * 4)
    whole, first, later = list(steadied(frames)), Steadier(), Steadier()
    assert torch.equal(torch.stack([first(frame) for frame in frames[:2]]), torch.stack(whole[:2]))
    later.before = first.before
    assert torch.equal(torch.stack([later(frame) for frame in frames[2:]]), torch.stack(whole[2:]))


def test_no_more_than_a_frame_and_its_answer_are_kept():
    steadier, alive = Steadier(), []
    for frame in noisy([texture()] * 5):
        own = frame.clone()
        alive.append(weakref.ref(own))
        steadier(own)
        del own
    gc.collect()
    assert sum(reference() is not None for reference in alive) == 1


def test_a_strength_of_1_would_never_show_a_new_frame_and_is_refused():
    with pytest.raises(BadInput, match="at least 0 and below 1, not 1"):
        Steadier(1.0)
