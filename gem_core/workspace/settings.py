"""Settings of a fit."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from gem_core.clustering.config import MixtureConfig

Weighting = Literal["documents", "tokens"]
Target = str | tuple[float, ...]  # "uniform", "natural", "floor:x" or shares
Concentration = Literal["per_cluster", "shared"] | float


@dataclass(frozen=True)
class Settings:
    """Settings that, with the corpus, determine a taxonomy.

    Parameters
    ----------
    n_clusters : int, >= 1
    strength : float, >= 0 or inf
        Balance strength: 0 is the plain mixture, about 1 matched, infinity exactly the target.
    target : "uniform", "natural", "floor:x" or shares that sum to 1
        "floor:0.02": every cluster at least 2%, otherwise natural shares in proportion.
    concentration : "per_cluster", "shared" or a number > 0
    solver : "dual" or "mm"
    seed : int
    weighting : "documents" or "tokens"
        Whether shares are counted in documents or in tokens.

    Examples
    --------
    >>> Settings(strength=float("inf")).to_json()["strength"]
    'inf'
    >>> Settings.from_json(Settings(n_clusters=8).to_json()).n_clusters
    8
    """

    n_clusters: int = 24
    strength: float = 1.0
    target: Target = "uniform"
    concentration: Concentration = "per_cluster"
    solver: Literal["dual", "mm"] = "dual"
    seed: int = 0
    weighting: Weighting = "documents"

    def config(self) -> MixtureConfig:
        """Return the settings of the clustering package."""
        return MixtureConfig(
            n_clusters=self.n_clusters,
            strength=self.strength,
            target=self.target,
            concentration=self.concentration,
            solver=self.solver,
            seed=self.seed,
        )

    def to_json(self) -> dict[str, Any]:
        """Return JSON's types only; infinite strength becomes the text "inf"."""
        value = asdict(self)
        value["strength"] = "inf" if self.strength == float("inf") else self.strength
        return value

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        target = value["target"]
        return cls(
            **{
                **value,
                "strength": float(value["strength"]),
                "target": target if isinstance(target, str) else tuple(target),
            }
        )
