"""Mixing: the strategies, which of them are at hand, and the weights that the controls ask for."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from app.components.share_editor import Change
from app.components.share_editor.own_shares import OwnShares
from app.data import mixing
from gem_core.errors import InputError
from gem_core.mixing import Limits, Weights
from gem_core.pipeline.mixing.domains import Domains
from gem_core.pipeline.mixing.strategies import RUNS, STRATEGIES, TAU, Strategy

NAMES: dict[Strategy, str] = {
    "natural": "Natural",
    "uniform": "Uniform",
    "temperature": "Temperature",
    "balanced": "Balanced",
    "custom": "Custom",
    "doremi": "DoReMi",
    "regmix": "RegMix",
    "perfre": "PerfRe",
    "grip": "GRIP",
}
ABOUT: dict[Strategy, str] = {
    "natural": "shares of the tokens",
    "uniform": "the same for all",
    "temperature": "shares, less or more even",
    "balanced": "masses of the fit",
    "custom": "set one by one",
    "doremi": "where a proxy lags behind",
    "regmix": "best of many mixtures",
    "perfre": "what helps the rest",
    "grip": "what is learned fast",
}


@dataclass
class Mix:
    """What is set on the screen; `key` is the taxonomy that own weights are for, `round` counts fresh starts."""

    key: str
    strategy: Strategy = "natural"
    tau: float = TAU
    budget: int = 0
    max_epochs: float | None = None
    floor: float = 0.0
    fold: float = 0.0
    own: OwnShares = field(default_factory=OwnShares)
    touched: set[int] = field(default_factory=set)
    round: int = 0

    @property
    def limits(self) -> Limits:
        """What the weights must keep to."""
        return Limits(float(self.budget), self.max_epochs, self.floor, self.fold)

    def start(self, shares: tuple[float, ...], touched: set[int]) -> None:
        """Begin own weights anew."""
        self.own.start(shares)
        self.touched, self.round = touched, self.round + 1

    def change(self, what: Change) -> None:
        """Take what a person did to one weight or lock."""
        self.own.change(what)
        if what.value is not None:
            self.touched.add(what.at)

    def fixed(self, domains: Domains) -> tuple[tuple[int, float], ...]:
        """Weights that are said one by one, so that the others, in natural proportions, are as on the sliders."""
        shares = np.array(self.own.shares)
        said = np.zeros(len(shares), dtype=bool)
        said[sorted(self.touched) or [int(np.argmax(shares))]] = True
        rest = np.where(said, 0.0, domains.natural)
        follow = rest * (1.0 - shares[said].sum()) / max(float(rest.sum()), 1e-300)
        if not np.allclose(shares[~said], follow[~said], rtol=1e-9, atol=1e-12):
            said[:] = True  # the others have left their natural proportions
        return tuple(
            (number, float(share)) for number, share, own in zip(domains.numbers, shares, said, strict=True) if own
        )


def found_weights(root: Path, mix: Mix, strategy: Strategy | None = None) -> Weights:
    """Return what the controls ask for, or another strategy within the same limits.

    Raises
    ------
    InputError
        If there are none.
    """
    chosen = strategy or mix.strategy
    fixed = mix.fixed(mixing.domains(root)) if chosen == "custom" else ()
    return mixing.weights(root, chosen, mix.limits, tau=mix.tau if chosen == "temperature" else TAU, fixed=fixed)


def at_hand(root: Path) -> tuple[Strategy, ...]:
    """Strategies that can be used: those without runs, and those whose runs are there, here or carried over."""

    def there(strategy: Strategy) -> bool:
        try:
            mixing.weights(root, strategy, Limits())
        except InputError:
            return False
        return True

    return tuple(strategy for strategy in STRATEGIES if strategy not in RUNS or there(strategy))
