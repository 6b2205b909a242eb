"""Explorer of proxy runs: slopes are those of the truth, fronts hold what no run beats, and distance is named."""

import numpy as np
import pytest

from gem_core.errors import InputError
from gem_core.mixing import Runs
from gem_core.mixing.run_explorer import distance_notes, run_slopes, target_front

SLOPES = np.array([[3.0, 1.0], [2.0, 2.0], [1.0, 3.0]])


@pytest.fixture(scope="module")
def runs() -> Runs:
    """Forty runs of two opposed targets over three domains, one of them with a gap."""
    mixtures = np.random.default_rng(0).dirichlet(np.full(3, 8.0), 40)
    losses = mixtures @ SLOPES
    losses[3, 1] = np.nan
    return Runs(("a", "b", "c"), ("first", "second"), mixtures, losses, tuple(map(str, range(40))))


def test_slopes_are_those_of_the_truth(runs: Runs) -> None:
    slopes = run_slopes(runs)
    center = runs.mixtures.mean(axis=0)
    assert slopes.values[0] == pytest.approx(0.1 * (SLOPES[:, 0] - center @ SLOPES[:, 0]))
    assert slopes.errors[0] == pytest.approx(0, abs=1e-9)


def test_a_front_leads_from_one_target_to_the_other(runs: Runs) -> None:
    front = target_front(runs, "first", "second")
    assert len(front.losses) == 39
    assert front.is_best.sum() >= 2
    for row in front.losses[~front.is_best]:
        assert ((front.losses <= row).all(axis=1) & (front.losses < row).any(axis=1)).any()
    assert np.diff(front.predicted[:, 0]).min() > -1e-3
    assert np.diff(front.predicted[:, 1]).max() < 1e-3
    assert front.mixtures[0][2] > front.mixtures[-1][2]
    with pytest.raises(InputError, match="needs 10 runs"):
        target_front(runs.head(5), "first", "second")


def test_mixtures_outside_of_the_runs_are_named(runs: Runs) -> None:
    assert distance_notes(runs, runs.mixtures[0]) == ()
    outside, far = distance_notes(runs, [1.0, 0.0, 0.0])
    assert outside.startswith("Outside the range of the runs: a 100.0% (runs ")
    assert "predictions are not to be trusted there" in far
