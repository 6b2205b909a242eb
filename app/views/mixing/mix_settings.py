"""Mixing settings: strategy, token budget, limits and custom weights, and the weights they give."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from app.components.share_editor import Change
from app.components.share_editor.own_shares import OwnShares
from app.data import mixing
from gem_core.errors import InputError
from gem_core.mixing import Limits, Weights
from gem_core.mixing.goals import corpus_goal
from gem_core.mixing.weights import weigh
from gem_core.pipeline.mixing.domains import Domains
from gem_core.pipeline.mixing.strategies import RUNS, STRATEGIES, TAU, Strategy
from gem_core.pipeline.mixing.token_pool import check_budget, pool_tokens
from gem_core.workspace import Taxonomy, Workspace

NAMES: dict[Strategy, str] = {
    "natural": "Natural",
    "uniform": "Uniform",
    "temperature": "Temperature",
    "balanced": "Balanced",
    "custom": "Custom",
    "goal": "Goal",
    "mixmin": "MixMin",
    "doremi": "DoReMi",
    "regmix": "RegMix",
    "perfre": "PerfRe",
    "grip": "GRIP",
}
ABOUT: dict[Strategy, str] = {
    "natural": "token shares",
    "uniform": "equal weights",
    "temperature": "share^tau",
    "balanced": "cluster masses from the fit",
    "custom": "set per cluster",
    "goal": "lowest goal loss by n-gram models",
    "mixmin": "lowest goal loss by a proxy per cluster",
    "doremi": "upweights where a proxy model lags",
    "regmix": "regression on proxy runs",
    "perfre": "upweights what lowers other losses",
    "grip": "upweights what is learned fastest",
}


CORPUS = corpus_goal().name
MOST_STEPS = 100  # changes that can be undone
_SIMPLE = ("strategy", "tau", "budget", "max_epochs", "floor", "fold", "pool", "goal", "part")


@dataclass
class Mix:
    """Mixing settings of one session; `key` is the taxonomy of the custom weights, `round` counts their resets.

    `initial` holds the restored values that input fields start from: a default that changed would reset a field.
    `revision` counts loaded settings and is part of the fields' keys, so that they show what was loaded. `name` is the
    saved mix that was loaded or saved last, `weights` are the latest that could be made. `undo` and `redo` are earlier
    and later settings around `recorded`.
    """

    key: str
    strategy: Strategy = "natural"
    tau: float = TAU
    budget: float = 0
    max_epochs: float | None = None
    floor: float = 0.0
    fold: float = 0.0
    pool: str = ""
    pool_tokens: tuple[int, ...] | None = None
    goal: str = CORPUS
    part: float = 1.0
    own: OwnShares = field(default_factory=OwnShares)
    touched: set[int] = field(default_factory=set)
    round: int = 0
    initial: dict[str, Any] = field(default_factory=dict)
    revision: int = 0
    name: str = ""
    undo: list[dict[str, Any]] = field(default_factory=list)
    redo: list[dict[str, Any]] = field(default_factory=list)
    recorded: dict[str, Any] = field(default_factory=dict)
    weights: Weights | None = None

    @property
    def limits(self) -> Limits:
        """Limits for the weights: budget, epochs, floor and folding."""
        return Limits(float(self.budget), self.max_epochs, self.floor, self.fold, self.pool_tokens)

    def to_settings(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        simple = {name: getattr(self, name) for name in _SIMPLE}
        own = {"shares": list(self.own.shares), "locked": list(self.own.locked), "touched": sorted(self.touched)}
        return {**simple, "pool_tokens": None if self.pool_tokens is None else list(self.pool_tokens), **own}

    def restore(self, settings: dict[str, Any]) -> None:
        """Take over settings that were saved for this taxonomy."""
        for name in _SIMPLE:
            setattr(self, name, settings.get(name, getattr(self, name)))
        self.initial = {name: settings[name] for name in _SIMPLE if name in settings}
        pool = settings.get("pool_tokens")
        self.pool_tokens = None if pool is None else tuple(map(int, pool))
        shares = tuple(map(float, settings.get("shares", ())))
        if len(shares) == len(self.own.shares):
            self.start(shares, set(settings.get("touched", ())))
            self.own.locked = [bool(locked) for locked in settings.get("locked", self.own.locked)]

    def load(self, settings: dict[str, Any]) -> None:
        """Replace all settings by others of this taxonomy, in new fields."""
        self.restore(settings)
        self.revision += 1

    def field_key(self, name: str) -> str:
        """Return the key of an input field; it changes when settings are loaded."""
        return f"{name}-{self.revision}" if self.revision else name

    def record(self) -> None:
        """Note the settings as a step that can be undone, if they differ from the last ones."""
        settings = self.to_settings()
        if self.recorded and settings != self.recorded:
            self.undo = [*self.undo, self.recorded][-MOST_STEPS:]
            self.redo = []
        self.recorded = settings

    def step(self, back: bool) -> bool:
        """Go to the settings before the last change, or forward again; return whether there are such."""
        source, target = (self.undo, self.redo) if back else (self.redo, self.undo)
        if not source:
            return False
        target.append(self.recorded)
        self.recorded = source.pop()
        self.load(self.recorded)
        return True

    def link_settings(self, domains: Domains) -> dict[str, Any]:
        """Return what a link to this mix carries; the weights of single clusters only for custom weights."""
        used = {"strategy", "budget", "max_epochs", "floor", "fold", "pool"}
        used |= {"tau"} if self.strategy == "temperature" else set()
        used |= {"goal", "part"} if self.strategy in ("goal", "mixmin") else set()
        settings = {name: getattr(self, name) for name in _SIMPLE if name in used}
        if self.strategy == "custom":
            settings["fixed"] = {str(number): weight for number, weight in self.fixed(domains)}
        return settings

    def load_link(self, settings: dict[str, Any], domains: Domains) -> None:
        """Replace all settings by those of a link; custom weights of clusters that are not there are left out.

        Raises
        ------
        InputError
            If the weights of the link cannot be those of these clusters.
        """
        pool = str(settings.get("pool", ""))
        fixed = {number: weight for number, weight in settings.get("fixed", {}).items() if number in domains.numbers}
        shares = domains.natural
        if fixed:
            shares = weigh("custom", domains.numbers, domains.tokens, fixed=fixed).weights
        default = {name: getattr(Mix(self.key, budget=float(domains.tokens.sum())), name) for name in _SIMPLE}
        self.load(
            {
                **default,
                **{name: settings[name] for name in _SIMPLE if name in settings},
                "pool_tokens": list(pool_tokens(domains, pool)) if pool else None,
                "shares": shares.tolist(),
                "locked": [False] * len(domains.numbers),
                "touched": [at for at, number in enumerate(domains.numbers) if number in fixed],
            }
        )

    def start(self, shares: tuple[float, ...], touched: set[int]) -> None:
        """Reset the custom weights."""
        self.own.start(shares)
        self.touched, self.round = touched, self.round + 1

    def change(self, what: Change) -> None:
        """Apply a change of one custom weight or lock."""
        self.own.change(what)
        if what.value is not None:
            self.touched.add(what.at)

    def fixed(self, domains: Domains) -> tuple[tuple[int, float], ...]:
        """Return the weights to fix so that the others, in natural proportions, match the sliders."""
        shares = np.array(self.own.shares)
        is_set = np.zeros(len(shares), dtype=bool)
        is_set[sorted(self.touched) or [int(np.argmax(shares))]] = True
        others = np.where(is_set, 0.0, domains.natural)
        expected = others * (1.0 - shares[is_set].sum()) / max(float(others.sum()), 1e-300)
        if not np.allclose(shares[~is_set], expected[~is_set], rtol=1e-9, atol=1e-12):
            is_set[:] = True  # The other weights no longer have natural proportions, so each one is fixed.
        return tuple(
            (number, float(share))
            for number, share, fixed in zip(domains.numbers, shares, is_set, strict=True)
            if fixed
        )


def mix_weights(workspace: Workspace, taxonomy: Taxonomy, mix: Mix, strategy: Strategy | None = None) -> Weights:
    """Return the weights of the settings, or of another strategy within the same limits.

    Raises
    ------
    InputError
        If the limits cannot be met or the strategy has no runs.
    """
    active_strategy = strategy or mix.strategy
    domains = mixing.domains(workspace, taxonomy)
    check_budget(domains, mix.limits)
    fixed = mix.fixed(domains) if active_strategy == "custom" else ()
    return mixing.weights(
        workspace,
        taxonomy,
        active_strategy,
        mix.limits,
        tau=mix.tau if active_strategy == "temperature" else TAU,
        fixed=fixed,
        goal=mix.goal if active_strategy in ("goal", "mixmin") else CORPUS,
        part=mix.part if active_strategy in ("goal", "mixmin") else 1.0,
    )


def available_strategies(workspace: Workspace, taxonomy: Taxonomy) -> tuple[Strategy, ...]:
    """Return the strategies that need no proxy runs, and those whose runs exist for this or an earlier taxonomy."""

    def has_runs(strategy: Strategy) -> bool:
        try:
            mixing.weights(workspace, taxonomy, strategy, Limits())
        except InputError:
            return False
        return True

    return tuple(strategy for strategy in STRATEGIES if strategy not in RUNS or has_runs(strategy))
