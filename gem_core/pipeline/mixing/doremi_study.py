"""DoReMi study on the clusters of a taxonomy, with its weight curve."""

import json
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gem_core._types import Float64, Progress, silent
from gem_core.mixing.doremi import DEFAULT, Normalizer, doremi
from gem_core.mixing.proxies import ProxyConfig
from gem_core.mixing.token_streams import Streams
from gem_core.pipeline.mixing.domains import Domains, domains_of
from gem_core.pipeline.mixing.proxy_data import SplitSettings, proxy_corpus
from gem_core.workspace import Taxonomy, Workspace
from gem_core.workspace.atomic_files import remove_folder, write_json
from gem_core.workspace.mixing_runs import Mixes

CURVE = "curve.json"


def doremi_study(
    workspace: Workspace,
    taxonomy: Taxonomy,
    config: ProxyConfig = DEFAULT,
    split: SplitSettings | None = None,
    *,
    normalizer: Normalizer = "token",
    device: str = "cpu",
    progress: Progress = silent,
) -> Mapping[str, Any]:
    """Train reference and proxy, and store the weights; a killed study resumes.

    Parameters
    ----------
    workspace : Workspace
    taxonomy : Taxonomy
    config : ProxyConfig
    split : SplitSettings, optional
    normalizer : "token" or "domain"
        `gem_core.mixing.doremi.doremi`.
    device : "cpu" or "cuda"
    progress : Progress

    Returns
    -------
    dict
        The evidence: weights and last {number: weight}, scores {number: nats per token}, numbers, curve (a list of
        weights in the order of the numbers for each of curve_steps), effective_domains, collapsed, `normaliser`, seed.

    Raises
    ------
    InputError
        If a cluster has too few tokens.
    """
    domains = domains_of(workspace, taxonomy)
    split_settings, evidence = split or SplitSettings(), Mixes(workspace.root, domains.taxonomy_hash)
    settings = {"proxy": asdict(config), "split": asdict(split_settings), "normaliser": normalizer}
    folder = evidence.run_folder("doremi", settings)
    stored = evidence.read_evidence("doremi", settings)
    if stored is not None:
        value = {name: part for name, part in stored.items() if name not in ("kind", "settings", "taxonomy_hash")}
    else:
        corpus = proxy_corpus(workspace, domains.positions, domains.names, split_settings, progress=progress)
        value = _run(corpus.streams, domains, config, folder, normalizer, device, progress)
    evidence.write_evidence("doremi", settings, value)  # also what is kept: it is now the run that ended last
    remove_folder(folder)
    return value


def _run(
    streams: Streams,
    domains: Domains,
    config: ProxyConfig,
    folder: Path,
    normalizer: Normalizer,
    device: str,
    progress: Progress,
) -> dict[str, Any]:
    def watch(curve: Float64, steps: NDArray[np.int64]) -> None:
        write_json(
            folder / CURVE, {"numbers": list(domains.numbers), "curve": curve.tolist(), "curve_steps": steps.tolist()}
        )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # The evidence records a collapse, so the warning is not repeated.
        result = doremi(
            streams,
            domains.natural,
            config,
            folder,
            normalizer=normalizer,
            device=device,
            progress=progress,
            watch=watch,
        )
    numbers = list(map(str, domains.numbers))
    return {
        **{
            name: dict(zip(numbers, array.tolist(), strict=True))
            for name, array in (("weights", result.weights), ("last", result.last), ("scores", result.scores))
        },
        "numbers": list(domains.numbers),
        "curve": result.curve.tolist(),
        "curve_steps": result.curve_steps.tolist(),
        "effective_domains": result.effective,
        "collapsed": result.collapsed,
        "normaliser": normalizer,
        "seed": config.seed,
    }


def doremi_curve(workspace: Workspace, taxonomy: Taxonomy) -> Mapping[str, Any] | None:
    """Return numbers, curve and curve_steps of the DoReMi run that goes on or ended last; None when there is none."""
    evidence = Mixes(workspace.root, taxonomy.taxonomy_hash)
    running = sorted(evidence.folder.glob(f"doremi-*/{CURVE}"), key=_written)
    try:
        return (
            dict(json.loads(running[-1].read_text(encoding="utf-8"))) if running else evidence.read_evidence("doremi")
        )
    except FileNotFoundError:  # it ended meanwhile
        return evidence.read_evidence("doremi")


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
