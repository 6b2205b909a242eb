"""Packed positions of the documents on the map: 16-bit, in cluster order, without ids or text."""

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np

from gem_core._types import Float64, Int32
from gem_core.workspace import Taxonomy, Workspace

LIMIT = 50_000  # documents drawn at most
LEVELS = 65_535.0  # of a turn, and of the way from pole to pole


@dataclass(frozen=True)
class Points:
    """The drawn documents.

    Attributes
    ----------
    rows : (m,) int32
        Documents in the order they are sent: cluster by cluster.
    packed : dict
        counts (documents of each cluster, in the order of the clusters), sphere (base64 of little-endian 16-bit
        pairs: longitude and latitude) and anchors (where each cluster's name stands, unit). The page makes the flat
        map from the same numbers by the same projection (Equal Earth).
    """

    rows: Int32
    packed: dict[str, Any]

    def places(self, rows: tuple[int, ...]) -> list[int]:
        """Places of documents among the drawn ones."""
        order = np.argsort(self.rows, kind="stable")
        positions = np.searchsorted(self.rows[order], np.array(rows, dtype=np.int32))
        return [int(position) for position in order[positions]]


def pack(workspace: Workspace, taxonomy: Taxonomy, limit: int = LIMIT) -> Points:
    """Choose the documents to draw and pack their positions; the exemplars are always among them.

    24,000 documents take 4 bytes each, 128 kB as base64.
    """
    groups, k = taxonomy.positions, len(taxonomy.clusters)
    exemplar_rows = np.array(sorted({row for c in taxonomy.clusters for row in c.exemplars}), dtype=np.int32)
    room = limit if len(groups) <= limit else max(limit - exemplar_rows.size, k)
    point_rows = np.union1d(thin(groups, room), exemplar_rows).astype(np.int32)
    rows = point_rows[np.argsort(groups[point_rows], kind="stable")]
    sphere = np.asarray(workspace.sphere[rows], np.float64)
    longitude = np.arctan2(sphere[:, 1], sphere[:, 0]) / (2 * np.pi)
    latitude = np.arcsin(np.clip(sphere[:, 2], -1.0, 1.0)) / np.pi
    steps = np.rint(LEVELS * np.stack((longitude, latitude), axis=1)).clip(-32_767, 32_767).astype("<i2")
    return Points(
        rows,
        {
            "counts": np.bincount(groups[rows], minlength=k).tolist(),
            "sphere": base64.b64encode(steps.tobytes()).decode("ascii"),
            "anchors": [[round(float(v), 4) for v in anchor] for anchor in _anchors(sphere, groups[rows], k)],
        },
    )


def thin(groups: Int32, limit: int, seed: int = 0) -> Int32:
    """Choose at most `limit` documents, more than proportionally from small groups, so that none disappears.

    A group of c documents is offered places in proportion to the square root of c, and takes c at most; what it
    leaves goes to the others.

    Examples
    --------
    >>> groups = np.repeat(np.arange(3, dtype=np.int32), (900, 90, 10))
    >>> np.bincount(groups[thin(groups, 100)])
    array([70, 22,  7])
    """
    n = len(groups)
    if n <= limit:
        return np.arange(n, dtype=np.int32)
    sizes = np.bincount(groups).astype(np.float64)
    quota, remaining, waiting = np.zeros(len(sizes)), float(limit), sizes > 0
    while waiting.any():
        offer = np.where(waiting, remaining * np.sqrt(sizes) / np.sqrt(sizes[waiting]).sum(), 0.0)
        full = waiting & (offer >= sizes)
        if not full.any():
            quota[waiting] = offer[waiting]
            break
        quota[full] = sizes[full]
        remaining -= float(sizes[full].sum())
        waiting &= ~full
    order = np.random.default_rng(seed).permutation(n)
    ranked = order[np.argsort(groups[order], kind="stable")]
    rank = np.arange(n) - np.repeat(np.cumsum(sizes) - sizes, sizes.astype(np.int64))
    return np.sort(ranked[rank < np.floor(quota)[groups[ranked]]]).astype(np.int32)


def _anchors(sphere: Float64, groups: Int32, k: int) -> Float64:
    """Return the middle of the densest half of each cluster on the sphere, (K, 3) unit."""
    out = np.tile([1.0, 0.0, 0.0], (k, 1))
    for group in range(k):
        points = sphere[groups == group]
        for _ in range(4):
            if not len(points):
                break
            middle = points.mean(axis=0)
            length = float(np.linalg.norm(middle))
            out[group] = middle / length if length > 1e-9 else points[0]
            near = points @ out[group]
            points = points[near >= np.median(near)]
    return out
