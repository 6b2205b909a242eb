"""Token rates: right where texts follow them, and not bent by a few very long texts that do not."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from gem_core.student import Student
from gem_core.student.token_estimate import fit_token_factors, fit_token_rates


def test_rates_that_texts_follow_are_found() -> None:
    rng = np.random.default_rng(0)
    words = rng.integers(5, 400, 300)
    size = words * rng.integers(4, 8, 300)
    assert fit_token_rates(words, size, 0.4 * words + 0.15 * size) == pytest.approx((0.4, 0.15))


def test_the_estimates_add_up_beside_a_few_long_texts() -> None:
    """Twenty texts of code, a hundred times as long and with more tokens per word, among 2,000 of prose."""
    rng = np.random.default_rng(1)
    words = np.append(rng.integers(50, 400, 2000), rng.integers(5000, 40000, 20))
    size = np.append(words[:2000] * rng.uniform(4.5, 6.0, 2000), words[2000:] * rng.uniform(7, 9, 20))
    tokens = np.append(0.2 * size[:2000] * rng.uniform(0.9, 1.1, 2000), 0.35 * size[2000:])
    per_word, per_byte = fit_token_rates(words, size, tokens)
    estimate = per_word * words + per_byte * size
    assert per_byte > 0
    assert estimate.sum() == pytest.approx(tokens.sum())  # plain least squares is 19% too high


def test_factors_make_up_for_clusters_that_write_unlike_the_others() -> None:
    rng = np.random.default_rng(2)
    labels = rng.choice(4, 3000, p=[0.5, 0.3, 0.199, 0.001])
    estimated = rng.uniform(100, 900, 3000)
    tokens = estimated * np.array([0.9, 1.0, 1.5, 9.0])[labels]
    factors = fit_token_factors(labels, estimated, tokens, 5)
    assert factors[:3] == pytest.approx((0.9, 1.0, 1.5), abs=0.02)
    assert 1 < factors[3] < 5  # a few documents do not say much
    assert factors[4] == 1.0  # and none nothing


def test_scores_use_the_factor_of_their_cluster() -> None:
    plain = Student(np.zeros((4096, 2), dtype=np.int16), 1.0, np.array([0.0, 0.5]), token_rates=(1.0, 0.5))
    text = pa.array(["one two three"])  # 3 words, 13 bytes
    assert plain.token_factors == (1.0, 1.0)
    assert plain.score(text).tokens.tolist() == [10]  # rint(9.5), halves to even
    other = replace(plain, token_factors=(7.0, 2.0))
    assert other.score(text).tokens.tolist() == [19]
    assert other.hash != plain.hash
