"""RegMix study: proxy runs of a taxonomy, trained here or imported, and the mixture that regression proposes."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from gem_core._content_key import content_key
from gem_core._types import Float64, Progress, frozen, silent
from gem_core.errors import InputError
from gem_core.mixing.mixture_sampling import sample_mixtures
from gem_core.mixing.proxies import ProxyConfig, train_proxies
from gem_core.mixing.proxy_runs import Runs, read_runs, target_loss
from gem_core.mixing.regmix import regmix
from gem_core.mixing.regressors import Name, check_run_count
from gem_core.pipeline.mixing.domains import Domains, domains_of
from gem_core.pipeline.mixing.proxy_data import SplitSettings, proxy_corpus
from gem_core.workspace import Taxonomy, Workspace
from gem_core.workspace.atomic_files import remove_folder, write_json, write_text
from gem_core.workspace.mixing_runs import Mixes

COUNT = 64
RUN_FACTS = "runs.json"  # unit and direction of losses.csv
UNIT = "nats per token"
ALL = "all"  # the loss of the corpus: that of each cluster by its natural share


@dataclass(frozen=True)
class Proposal:
    """Mixture proposed by regression on proxy runs.

    Attributes
    ----------
    domains : Domains
    runs : Runs
        One domain and one target a cluster, named by `column_names`; the target "all" is the whole corpus.
    weights : (K,) float64
        Sum 1.
    evidence : dict
        As it is kept in the workspace, with regressor, scores, out_of_fold_spearman and predicted_loss.
    """

    domains: Domains
    runs: Runs
    weights: Float64
    evidence: Mapping[str, Any]


def column_names(domains: Domains) -> tuple[str, ...]:
    """Names of the clusters in files of proxy runs: number and label, so that no two are alike."""
    return tuple(f"{number} {name}" for number, name in zip(domains.numbers, domains.names, strict=True))


def proxy_study(
    workspace: Workspace,
    taxonomy: Taxonomy,
    config: ProxyConfig,
    split: SplitSettings | None = None,
    *,
    count: int = COUNT,
    target: int | None = None,
    regressor: Name | Literal["auto"] = "auto",
    resamples: int = 0,
    device: str = "cpu",
    progress: Progress = silent,
) -> Proposal:
    """Train proxies on random mixtures of the clusters, and propose the mixture of least predicted loss (RegMix).

    Mixtures are drawn as RegMix does (`sample_mixtures`) by the seed of the proxies. A killed study
    resumes; proxies that are trained are read, so another target costs only the regression, and a larger count only the
    proxies that are new. The runs stand in the workspace as mixtures.csv and losses.csv in the layout of RegMix.

    Parameters
    ----------
    workspace : Workspace
    taxonomy : Taxonomy
    config : ProxyConfig
    split : SplitSettings, optional
    count : int
        Proxies.
    target : int, optional
        Number of the cluster whose held-out loss is to fall; the whole corpus when left out.
    regressor, resamples
        As in `gem_core.mixing.regmix`.
    device : "cpu" or "cuda"
    progress : Progress

    Raises
    ------
    InputError
        If a cluster has too few tokens, the target is none, or the runs are too few for a regressor.
    """
    domains = domains_of(workspace, taxonomy)
    split_settings, evidence = split or SplitSettings(), Mixes(workspace.root, domains.taxonomy_hash)
    target_name = _target(domains, target)
    check_run_count(regressor, count, len(domains.numbers))
    settings = {"proxy": asdict(config), "split": asdict(split_settings), "count": count}
    stored = evidence.read_evidence("proxies", settings)
    if stored is None:
        corpus = proxy_corpus(workspace, domains.positions, domains.names, split_settings, progress=progress)
        mixtures = proxy_mixtures(domains.natural, count, config.seed)
        losses = _losses_of_earlier_runs(evidence, settings, mixtures)
        if len(losses) < count:
            trained = train_proxies(
                corpus.streams,
                mixtures[len(losses) :],
                config,
                evidence.run_folder("proxies", settings),
                device=device,
                progress=progress,
            )
            losses = np.concatenate([losses, trained])
        stored = {
            "mixtures": mixtures.tolist(),
            "losses": losses.tolist(),
            "numbers": list(domains.numbers),
            "tokenizer_hash": corpus.tokenizer_hash,
        }
        evidence.write_evidence("proxies", settings, stored)
    remove_folder(evidence.run_folder("proxies", settings))
    runs = _own_runs(domains, *(np.array(stored[name], dtype=np.float64) for name in ("mixtures", "losses")))
    _write_runs(evidence.folder, runs)
    write_json(evidence.folder / RUN_FACTS, {"unit": UNIT, "higher": False, "notes": []})
    return _propose(
        evidence, domains, runs, target_name, regressor, resamples, config.seed, {**settings, "runs": "own"}
    )


def proxy_mixtures(natural: Float64, count: int, seed: int) -> Float64:
    """Draw the mixtures of a study in blocks of 64, so that a larger count begins with those of a smaller one."""
    seeds = [seed, *np.random.SeedSequence(seed).generate_state(count // COUNT)]
    blocks = [sample_mixtures(natural, COUNT, seed=int(block_seed)) for block_seed in seeds]
    return frozen(np.concatenate(blocks)[:count])


def _losses_of_earlier_runs(evidence: Mixes, settings: dict[str, Any], mixtures: Float64) -> Float64:
    """Return the losses of the first mixtures that a study with another count of the same proxies has trained."""
    losses, key = np.empty((0, mixtures.shape[1])), content_key({**settings, "count": 0})
    for study in evidence.all_evidence("proxies"):
        if content_key({**study["settings"], "count": 0}) == key:
            rows = np.array(study["mixtures"], dtype=np.float64)[: len(mixtures)]
            if len(rows) > len(losses) and np.array_equal(rows, mixtures[: len(rows)]):
                losses = np.array(study["losses"], dtype=np.float64)[: len(rows)]
    return losses


def import_runs(
    workspace: Workspace,
    taxonomy: Taxonomy,
    mixtures: Path,
    losses: Path | None,
    *,
    target: str = ALL,
    weight_columns: Sequence[str] = ("*",),
    loss_columns: Sequence[str] = ("*",),
    higher: bool = False,
    unit: str = UNIT,
    regressor: Name | Literal["auto"] = "auto",
    resamples: int = 0,
    seed: int = 0,
) -> Proposal:
    """Take proxy runs from outside, in the layout of RegMix, as evidence for the clusters of a taxonomy.

    Parameters
    ----------
    workspace : Workspace
    taxonomy : Taxonomy
    mixtures, losses : Path
        `read_runs`. The mixtures have a column for each cluster that is not excluded, named by its label, or by number
        and label as in mixtures.csv of `proxy_study`; in any order. `mixtures` alone may hold both, by the patterns.
    target : str
        Loss to lower; the only one there is when there is only one.
    weight_columns, loss_columns : sequence of str
        Patterns of the columns.
    higher : bool
        Whether higher values of the targets are better.
    unit : str
        Of the targets, for reports.
    regressor, resamples, seed
        As in `gem_core.mixing.regmix`.

    Raises
    ------
    InputError
        If the runs are of other clusters than those of this taxonomy, or cannot be read or fitted.
    """
    domains = domains_of(workspace, taxonomy)
    read = read_runs(mixtures, losses, weights=weight_columns, targets=loss_columns, higher=higher)
    order = match_columns(read.domains, domains)
    runs = Runs(
        column_names(domains),
        read.targets,
        frozen(read.mixtures[:, order]),
        read.losses,
        read.index,
        frozen(read.rows[:, order]),
    )
    if target == ALL and len(runs.targets) == 1:
        target = runs.targets[0]
    settings = {"runs": content_key([runs.rows.tolist(), runs.losses.tolist(), runs.targets]), "seed": seed}
    evidence = Mixes(workspace.root, domains.taxonomy_hash)
    _write_runs(evidence.folder, runs)
    write_json(evidence.folder / RUN_FACTS, {"unit": unit, "higher": higher, "notes": list(read.notes)})
    return _propose(evidence, domains, runs, target, regressor, resamples, seed, settings)


def _target(domains: Domains, number: int | None) -> str:
    if number is None:
        return ALL
    if number not in domains.numbers:
        raise InputError(
            "The target must be the number of a cluster that is not excluded",
            f"{number}",
            "See the numbers with: gem-explorer info DIR",
        )
    return column_names(domains)[domains.numbers.index(number)]


def _own_runs(domains: Domains, mixtures: Float64, losses: Float64) -> Runs:
    names = column_names(domains)
    whole = losses @ domains.natural
    return Runs(
        names,
        (ALL, *names),
        frozen(mixtures),
        frozen(np.column_stack([whole, losses])),
        tuple(str(i + 1) for i in range(len(mixtures))),
    )


def match_columns(columns: tuple[str, ...], domains: Domains) -> list[int]:
    """Where the column of each domain stands; refuses columns that are not exactly the clusters of this taxonomy."""
    full = column_names(domains)
    column_index = {name: i for i, name in enumerate(full)}
    for i, label in enumerate(domains.names):
        if domains.names.count(label) == 1:
            column_index.setdefault(label, i)
    result = [column_index.get(column) for column in columns]
    unknown = [column for column, i in zip(columns, result, strict=True) if i is None]
    if unknown:
        raise InputError(
            f"Runs must have the {len(full)} clusters of this taxonomy as their domains",
            f"{unknown[0]!r}, which is none of them" + (f", and {len(unknown) - 1} more" if len(unknown) > 1 else ""),
            "Use runs that were made for this taxonomy; those of another do not carry over",
        )
    missing = [name for i, name in enumerate(full) if result.count(i) != 1]
    if missing:
        raise InputError(
            f"Runs must have the {len(full)} clusters of this taxonomy as their domains, each once",
            f"{result.count(full.index(missing[0]))} columns for {missing[0]!r}",
            "Give a cluster that took no part a column of zeros",
        )
    return [result.index(i) for i in range(len(full))]


def _propose(
    evidence: Mixes,
    domains: Domains,
    runs: Runs,
    target: str,
    regressor: Name | Literal["auto"],
    resamples: int,
    seed: int,
    settings: dict[str, Any],
) -> Proposal:
    result = regmix(runs, target, regressor=regressor, prior=domains.natural, resamples=resamples, seed=seed)
    numbers = list(map(str, domains.numbers))
    value = {
        "weights": dict(zip(numbers, result.best_mixture.tolist(), strict=True)),
        "target": target,
        "regressor": result.regressor,
        "scores": result.scores,
        "out_of_fold_spearman": result.out_of_fold_spearman,
        "predicted_loss": result.predicted_loss,
        "n_runs": result.n_runs,
        "numbers": list(domains.numbers),
        "interval": {
            n: [low, high] for n, low, high in zip(numbers, result.low.tolist(), result.high.tolist(), strict=True)
        }
        if resamples
        else None,
        "mixtures": runs.mixtures.tolist(),
        "losses": target_loss(target, runs).tolist(),
    }
    evidence.write_evidence(
        "regmix", {**settings, "target": target, "regressor": regressor, "resamples": resamples}, value
    )
    return Proposal(domains, runs, result.best_mixture, value)


def _write_runs(folder: Path, runs: Runs) -> None:
    """Both tables in the layout of RegMix: names begin with a number, so a spreadsheet runs none of them."""
    for name, columns, table in (("mixtures", runs.domains, runs.mixtures), ("losses", runs.targets, runs.losses)):
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["index", *columns])
        writer.writerows([index, *map(repr, row)] for index, row in zip(runs.index, table.tolist(), strict=True))
        write_text(folder / f"{name}.csv", text.getvalue())


@dataclass(frozen=True)
class StoredRuns:
    """The runs that were trained or imported last, with the unit of their targets.

    Attributes
    ----------
    runs : Runs
        Targets where higher is better are negated.
    unit : str
    higher : bool
    notes : tuple of str
        What was recognized while reading.
    """

    runs: Runs
    unit: str
    higher: bool
    notes: tuple[str, ...]


def stored_runs(workspace: Workspace, domains: Domains) -> StoredRuns | None:
    """Return the runs in the workspace for a taxonomy; None if there are none.

    Raises
    ------
    InputError
        If their files are damaged.
    """
    folder = Mixes(workspace.root, domains.taxonomy_hash).folder
    if not (folder / "mixtures.csv").exists() or not (folder / "losses.csv").exists():
        return None
    runs = read_runs(folder / "mixtures.csv", folder / "losses.csv")
    facts: dict[str, Any] = {}
    if (folder / RUN_FACTS).exists():
        facts = json.loads((folder / RUN_FACTS).read_text(encoding="utf-8"))
    return StoredRuns(
        runs, str(facts.get("unit", UNIT)), bool(facts.get("higher")), tuple(map(str, facts.get("notes", ())))
    )
