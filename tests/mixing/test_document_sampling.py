"""The draw: chances hold over many seeds, tokens come to the target, whole epochs are whole."""

import numpy as np
import pytest

from gem_core.errors import InputError
from gem_core.mixing.document_sampling import _systematic, draw_tokens
from gem_core.mixing.inclusion_probabilities import inclusion

SIZES = np.random.default_rng(0).lognormal(5, 1, 300).astype(np.int64) + 1


def test_every_chance_is_what_it_says() -> None:
    rng = np.random.default_rng(1)
    target = 0.37 * SIZES.sum()
    draws = np.array([draw_tokens(SIZES, target, rng).copies for _ in range(4000)])
    assert set(np.unique(draws)) == {0, 1}
    z = (draws.mean(axis=0) - 0.37) / np.sqrt(0.37 * 0.63 / 4000)
    assert np.abs(z).max() < 4.5
    assert np.std(z) == pytest.approx(1, abs=0.15)  # no more, no less than chance
    got = draws @ SIZES
    assert abs(got.mean() - target) < 3 * got.std() / np.sqrt(4000)
    assert np.abs(got - target).max() < 2 * SIZES.max()
    assert np.corrcoef(draws[:, :2].T)[0, 1] < 0.9  # documents are not drawn in fixed company


def test_given_chances_are_scaled_to_the_tokens_and_kept() -> None:
    log_length, density = np.log(SIZES), np.random.default_rng(2).random(300) + 0.1
    target = 0.5 * SIZES.sum()
    chances_read: list[int] = []

    def chances(count: int) -> np.ndarray:
        chances_read.append(count)
        return inclusion(log_length, density, count)

    draw = draw_tokens(SIZES, target, 0, chances=chances)
    assert draw.expected @ SIZES == pytest.approx(target, rel=1e-12)
    assert len(chances_read) < 12
    below = inclusion(log_length, density, int(draw.expected.sum()))
    above = inclusion(log_length, density, int(draw.expected.sum()) + 1)
    assert (draw.expected >= below - 1e-12).all()
    assert (draw.expected <= above + 1e-12).all()
    rng = np.random.default_rng(3)
    many = np.mean([_draw_documents(draw.expected, rng) for _ in range(3000)], axis=0)
    spread = np.sqrt(np.maximum(draw.expected * (1 - draw.expected), 1e-4) / 3000)
    assert np.abs((many - draw.expected) / spread).max() < 4.5


def _draw_documents(pi: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    out = np.zeros(len(pi))
    out[_systematic(SIZES, pi, rng)] = 1
    return out


def test_whole_epochs_and_the_part_of_one() -> None:
    draw = draw_tokens(SIZES, 2.25 * SIZES.sum(), 5)
    assert set(draw.copies.tolist()) == {2, 3}
    np.testing.assert_allclose(draw.expected, 2.25)
    assert np.array_equal(draw.copies, draw_tokens(SIZES, 2.25 * SIZES.sum(), 5).copies)
    assert not np.array_equal(draw.copies, draw_tokens(SIZES, 2.25 * SIZES.sum(), 6).copies)
    assert set(draw_tokens(SIZES, 3 * SIZES.sum() * (1 - 1e-12), 5).copies.tolist()) == {3}
    assert draw_tokens(SIZES, 0, 5).copies.sum() == 0
    assert draw_tokens([0, 0], 0, 5).copies.sum() == 0
    assert draw_tokens([], 0, 5).copies.size == 0
    with pytest.raises(InputError) as refused:
        draw_tokens([0, 0], 5, 0)
    assert str(refused.value) == (
        "Tokens can be drawn only from documents that hold some; got 5 from none. Give the domain no weight."
    )
