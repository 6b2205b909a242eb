"""Intervals of means: Student's t over seeds, and a bootstrap over corpora for paired differences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import bootstrap, ttest_1samp

LEVEL = 0.95
RESAMPLES = 4000


@dataclass(frozen=True)
class Interval:
    """A mean and its 95% interval; the bounds are NaN where the values do not give one."""

    mean: float
    low: float
    high: float
    count: int

    @property
    def excludes_zero(self) -> bool:
        return self.low > 0 or self.high < 0


def t_interval(values: Sequence[float]) -> Interval:
    """Mean and Student's t interval of independent values; NaN is left out, and one value has no interval."""
    finite = _finite(values)
    mean = float(finite.mean()) if finite.size else float("nan")
    if finite.size < 2:
        return Interval(mean, float("nan"), float("nan"), finite.size)
    if np.ptp(finite) == 0:  # scipy warns about a loss of precision, and the answer is known
        return Interval(mean, mean, mean, finite.size)
    low, high = ttest_1samp(finite, 0.0).confidence_interval(LEVEL)
    return Interval(mean, float(low), float(high), finite.size)


def bootstrap_interval(groups: Mapping[str, Sequence[float]], seed: int = 0) -> Interval:
    """Mean over groups of the groups' means, with a percentile bootstrap that draws whole groups (corpora).

    Values of one corpus share its documents, so the corpora are what is drawn. With six corpora or so the interval is
    rough, and narrower than it should be; fewer than three groups give none.
    """
    means = np.array([_finite(values).mean() for values in groups.values() if _finite(values).size])
    mean = float(means.mean()) if means.size else float("nan")
    if means.size < 3:
        return Interval(mean, float("nan"), float("nan"), means.size)
    if np.ptp(means) == 0:
        return Interval(mean, mean, mean, means.size)
    bounds = bootstrap(
        (means,), np.mean, n_resamples=RESAMPLES, confidence_level=LEVEL, method="percentile", rng=seed
    ).confidence_interval
    return Interval(mean, float(bounds.low), float(bounds.high), means.size)


def _finite(values: Sequence[float]) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    return array[np.isfinite(array)]
