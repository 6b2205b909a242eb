"""N-gram proxy of a taxonomy: built once, then read from the workspace."""

from pathlib import Path

import numpy as np

from gem_core._content_key import content_key
from gem_core._types import Progress, frozen, silent
from gem_core.mixing.ngram import PAIRS, SAMPLE, SINGLES, NgramProxy, ngram_proxy
from gem_core.pipeline.mixing.domains import Domains
from gem_core.pipeline.mixing.proxy_data import SplitSettings, proxy_corpus
from gem_core.workspace import Workspace
from gem_core.workspace.atomic_files import write_whole
from gem_core.workspace.integrity import DAMAGE
from gem_core.workspace.mixing_runs import Mixes


def ngram_preview(
    workspace: Workspace, domains: Domains, split: SplitSettings | None = None, *, progress: Progress = silent
) -> NgramProxy:
    """Return the n-gram mixture proxy over the domains of a taxonomy; its targets are their held-out documents.

    Parameters
    ----------
    workspace : Workspace
    domains : Domains
        Of a taxonomy of this workspace.
    split : SplitSettings, optional
        As for the trained proxies, so that both are judged by the same documents.
    progress : Progress
        Called as progress("read as tokens", done, documents) the first time in a workspace.

    Raises
    ------
    InputError
        If a domain has too few tokens for a held-out set.
    """
    split_settings = split or SplitSettings()
    key = content_key([vars(split_settings), SAMPLE, PAIRS, SINGLES])
    path = Mixes(workspace.root, domains.taxonomy_hash).folder / f"ngram-{key}.npz"
    stored = read_probabilities(path)
    if stored is not None:
        return stored
    corpus = proxy_corpus(workspace, domains.positions, domains.names, split_settings, progress=progress)
    proxy = ngram_proxy(corpus.streams, seed=split_settings.seed)
    write_probabilities(path, proxy)
    return proxy


def read_probabilities(path: Path) -> NgramProxy | None:
    """Return stored token probabilities; None when there are none that can be read."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return NgramProxy(frozen(file["probabilities"]), frozen(file["bounds"]))
    except DAMAGE:
        return None


def write_probabilities(path: Path, proxy: NgramProxy) -> None:
    """Write token probabilities completely or not at all."""

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez(file, probabilities=proxy.probabilities, bounds=proxy.bounds)

    write_whole(path, write)
