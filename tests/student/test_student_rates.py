"""Token rates: right where texts follow them, and not bent by a few very long texts that do not."""

import numpy as np
import pytest

from gem_core.student.rates import fit_token_rates


def test_rates_that_texts_follow_are_found() -> None:
    rng = np.random.default_rng(0)
    words = rng.integers(5, 400, 300)
    size = words * rng.integers(4, 8, 300)
    assert fit_token_rates(words, size, 0.4 * words + 0.15 * size) == pytest.approx((0.4, 0.15))


def test_the_estimates_add_up_beside_a_few_long_texts() -> None:
    """Twenty texts of code, a hundred times as long and with more tokens a word, among 2,000 of prose."""
    rng = np.random.default_rng(1)
    words = np.append(rng.integers(50, 400, 2000), rng.integers(5000, 40000, 20))
    size = np.append(words[:2000] * rng.uniform(4.5, 6.0, 2000), words[2000:] * rng.uniform(7, 9, 20))
    tokens = np.append(0.2 * size[:2000] * rng.uniform(0.9, 1.1, 2000), 0.35 * size[2000:])
    per_word, per_byte = fit_token_rates(words, size, tokens)
    estimate = per_word * words + per_byte * size
    assert per_byte > 0
    assert estimate.sum() == pytest.approx(tokens.sum())  # plain least squares is 19% too high
