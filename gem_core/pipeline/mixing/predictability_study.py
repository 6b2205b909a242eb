"""Predictability study: how well mixtures of a grouping predict proxy losses."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gem_core._content_key import content_key
from gem_core._types import Float64, Int32, Progress, frozen, silent
from gem_core.errors import InputError
from gem_core.mixing.predictability import SPLITS, Predictability, predictability
from gem_core.mixing.proxies import ProxyConfig, train_proxies
from gem_core.mixing.regressors import Name
from gem_core.pipeline.compare.partitions import partition
from gem_core.pipeline.mixing.domains import domains_of
from gem_core.pipeline.mixing.proxy_data import SplitSettings, proxy_corpus
from gem_core.pipeline.mixing.regmix_study import proxy_mixtures
from gem_core.workspace import Taxonomy, Workspace
from gem_core.workspace.atomic_files import remove_folder
from gem_core.workspace.mixing_runs import Mixes

RUNS = 64
REST = "(the rest)"


@dataclass(frozen=True)
class DomainGrouping:
    """A grouping as domains that proxies can be trained on.

    Attributes
    ----------
    positions : (n,) int32
        Domain of each document; -1 for none.
    names : tuple of K str
    natural : (K,) float64
        Shares of the tokens, sum 1.
    folded : int
        Groups too small for a held-out set of their own that were put into one, "(the rest)".
    left_out : int
        Documents in no domain: of excluded clusters, or of a rest that is too small itself.
    """

    positions: Int32
    names: tuple[str, ...]
    natural: Float64
    folded: int
    left_out: int


@dataclass(frozen=True)
class GroupingPredictability:
    """Proxy runs on a grouping and their predictability.

    Attributes
    ----------
    spec : str
    groups : DomainGrouping
    mixtures, losses : (n, K) float64
        Of the runs; held-out loss of each domain, nats per token.
    target : (n,) float64
        Loss of the whole held-out text: the mean over domains by natural share.
    predictability : Predictability
    """

    spec: str
    groups: DomainGrouping
    mixtures: Float64
    losses: Float64
    target: Float64
    predictability: Predictability


def study_predictability(
    workspace: Workspace,
    taxonomy: Taxonomy,
    spec: str,
    config: ProxyConfig,
    split: SplitSettings | None = None,
    *,
    runs: int = RUNS,
    seed: int = 0,
    regressor: Name | Literal["auto"] = "auto",
    splits: int = SPLITS,
    device: str = "cpu",
    progress: Progress = silent,
) -> GroupingPredictability:
    """Train proxies on random mixtures of a grouping's domains and measure how well mixtures predict losses.

    A killed study resumes; runs that ended are read, and only the regression is done again. The runs of
    the clusters are those of RegMix (`proxy_study`) where these are there.

    Parameters
    ----------
    workspace : Workspace
    taxonomy : Taxonomy
        The present one: it gives the number of groups to all methods, and the results belong to it.
    spec : str
        "gem", "kmeans", "spherical", "column:NAME" or "random" (`domain_grouping`).
    config : ProxyConfig
    split : SplitSettings, optional
    runs : int
        Mixtures.
    seed : int
        Of the mixtures, the random grouping and the splits of the runs.
    regressor, splits
        As in `predictability`.
    device : "cpu" or "cuda"
    progress : Progress

    Raises
    ------
    InputError
        If the grouping is unknown or has fewer than two domains, or runs are too few.
    """
    if runs < 20:
        raise InputError("Predictability needs 20 runs or more: a quarter is held out", f"{runs}", "Train more proxies")
    split_settings = split or SplitSettings()
    groups = domain_grouping(workspace, taxonomy, spec, least=split_settings.least, seed=seed, progress=progress)
    evidence, kind = Mixes(workspace.root, taxonomy.taxonomy_hash), f"predict-{spec.partition(':')[0]}"
    settings = {
        "partition": spec,
        "groups": content_key([groups.positions.tolist()]),
        "runs": runs,
        "seed": seed,
        "proxy": asdict(config),
        "split": asdict(split_settings),
    }
    mixtures = proxy_mixtures(groups.natural, runs, seed)
    stored = evidence.read_evidence(kind, settings)
    if stored is None and spec == "gem" and not groups.folded and seed == config.seed:  # the same proxies as RegMix's
        stored = evidence.read_evidence(
            "proxies", {"proxy": asdict(config), "split": asdict(split_settings), "count": runs}
        )
    if stored is None:
        corpus = proxy_corpus(workspace, groups.positions, groups.names, split_settings, progress=progress)
        losses = train_proxies(
            corpus.streams, mixtures, config, evidence.run_folder(kind, settings), device=device, progress=progress
        )
    else:
        losses = np.asarray(stored["losses"], dtype=np.float64)
    target = frozen(losses @ groups.natural)
    value = {
        "losses": losses.tolist(),
        "mixtures": mixtures.tolist(),
        "domains": list(groups.names),
        "natural": groups.natural.tolist(),
        "folded": groups.folded,
        "left_out": groups.left_out,
    }
    if stored is None:  # before the regression, which may be asked for with too few runs
        evidence.write_evidence(kind, settings, value)
    result = predictability(mixtures, target, regressor=regressor, splits=splits, seed=seed, progress=progress)
    evidence.write_evidence(
        kind,
        settings,
        {
            **value,
            "regressor": regressor,
            "scores": result.scores.tolist(),
            "regressors": list(result.regressors),
            "median": result.median,
            "quartiles": list(result.quartiles),
            "verdict": result.verdict,
        },
    )
    remove_folder(evidence.run_folder(kind, settings))
    return GroupingPredictability(spec, groups, mixtures, frozen(losses), target, result)


def domain_grouping(
    workspace: Workspace, taxonomy: Taxonomy, spec: str, *, least: int, seed: int = 0, progress: Progress = silent
) -> DomainGrouping:
    """Return a grouping as domains; groups too small for a held-out set are put into one.

    Parameters
    ----------
    workspace : Workspace
    taxonomy : Taxonomy
        The present one.
    spec : str
        "gem": its clusters without the excluded ones. "kmeans", "spherical": as many clusters by another method.
        "column:NAME": the values of a column. "random": as many groups, drawn by `seed`, the control: nothing but
        chance tells its domains apart.
    least : int
        Tokens to train on, and tokens to hold out, that a domain needs at least.
    seed : int
    progress : Progress

    Raises
    ------
    InputError
        If the grouping is unknown, or has fewer than two domains that are large enough.
    """
    kind_word, _, rest = spec.partition(":")
    documents = len(workspace)
    if spec == "gem":
        domains = domains_of(workspace, taxonomy)
        positions, names = domains.positions, domains.names
    elif spec == "random":
        k = len(domains_of(workspace, taxonomy).numbers)
        positions = np.random.default_rng([seed, k]).integers(0, k, documents).astype(np.int32)
        names = tuple(f"random {at}" for at in range(k))
    elif spec in ("kmeans", "spherical") or (kind_word == "column" and rest):
        result = partition(workspace, spec, progress=progress)
        positions, names = result.labels, result.names
    else:
        raise InputError("A grouping is gem, kmeans, spherical, random or column:NAME", repr(spec), "Use one of these")
    tokens = workspace.documents["tokens"].to_numpy(np.int64)
    return _fold_small_groups(
        np.asarray(positions), names, tokens, 3 * least
    )  # counted by words, read as somewhat other tokens


def _fold_small_groups(
    positions: NDArray[np.int32], names: Sequence[str], tokens: ArrayLike, need: int
) -> DomainGrouping:
    """Put groups with fewer than `need` tokens into one; leave that out where it is still too small."""
    weights = np.asarray(tokens, dtype=np.float64)
    in_domain = positions >= 0
    sizes = np.bincount(positions[in_domain], weights[in_domain], minlength=len(names))
    large = np.flatnonzero(sizes >= need)
    rest = sizes[sizes < need].sum() >= need
    new = np.full(len(names) + 1, len(large) if rest else -1)
    new[large], new[-1] = np.arange(len(large)), -1  # the last entry: documents that had no group
    stored = tuple(names[int(k)] for k in large) + ((REST,) if rest else ())
    if len(stored) < 2:
        raise InputError(
            f"A mixture needs two domains of {need:,} tokens or more",
            f"{len(stored)}",
            "Use a grouping with larger groups, or hold out fewer tokens",
        )
    new_positions = new[positions].astype(np.int32)
    in_group = new_positions >= 0
    totals = np.bincount(new_positions[in_group], weights[in_group], minlength=len(stored))
    return DomainGrouping(
        frozen(new_positions),
        stored,
        frozen(totals / totals.sum()),
        int((sizes < need).sum()) if rest else 0,
        int((~in_group).sum()),
    )
