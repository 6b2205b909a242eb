"""Domains of a mixture: the clusters of a taxonomy that are not excluded, as arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gem_core._types import Float64, Int32, frozen
from gem_core.errors import InputError
from gem_core.workspace import Taxonomy, Workspace

Int64 = NDArray[np.int64]


@dataclass(frozen=True)
class Domains:
    """The clusters that weights are for, K of them, and the n documents in them.

    Attributes
    ----------
    taxonomy_hash, taxonomy_key : str
        Of the taxonomy they come from.
    numbers : tuple of K int
        Cluster numbers, rising; there may be gaps.
    names : tuple of K str
        Labels of the clusters.
    tokens, documents : (K,) int64
        Tokens and documents in each.
    natural : (K,) float64
        Shares of the tokens, sum 1.
    mass : (K,) float64
        Soft masses of the fit, sum 1.
    positions : (n,) int32
        Index of each document's domain; -1 where its cluster is excluded.
    document_tokens : (n,) int64
        Tokens of each document.
    """

    taxonomy_hash: str
    taxonomy_key: str
    numbers: tuple[int, ...]
    names: tuple[str, ...]
    tokens: Int64
    documents: Int64
    natural: Float64
    mass: Float64
    positions: Int32
    document_tokens: Int64


def domains_of(workspace: Workspace, taxonomy: Taxonomy) -> Domains:
    """Return the clusters of a taxonomy as domains; excluded clusters are left out.

    Parameters
    ----------
    workspace : Workspace
    taxonomy : Taxonomy
        Of this workspace.

    Returns
    -------
    Domains

    Raises
    ------
    InputError
        If what is not excluded holds no tokens.
    """
    included = tuple(c for c in taxonomy.clusters if not c.excluded)
    is_included = np.array([not c.excluded for c in taxonomy.clusters])
    positions = np.where(is_included, np.cumsum(is_included) - 1, -1).astype(np.int32)[taxonomy.positions]
    document_tokens = workspace.documents["tokens"].to_numpy(np.int64)
    in_domain = positions >= 0
    tokens = np.zeros(len(included), dtype=np.int64)
    np.add.at(tokens, positions[in_domain], document_tokens[in_domain])  # integers: bincount would round large sums
    if not tokens.sum():
        raise InputError(
            "Domains must hold tokens",
            f"0 in {len(included)} clusters that are not excluded",
            "Include a cluster again, or fit another corpus",
        )
    mass = np.array([c.mass for c in included], dtype=np.float64)
    return Domains(
        taxonomy_hash=taxonomy.taxonomy_hash,
        taxonomy_key=taxonomy.key,
        numbers=tuple(c.number for c in included),
        names=tuple(c.label for c in included),
        tokens=frozen(tokens),
        documents=frozen(np.bincount(positions[in_domain], minlength=len(included)).astype(np.int64)),
        natural=frozen(tokens / tokens.sum()),
        mass=frozen(mass / mass.sum()),
        positions=frozen(positions),
        document_tokens=frozen(document_tokens),
    )
