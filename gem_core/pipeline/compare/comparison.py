"""Comparison of two groupings of the documents: matched groups, moved documents, overlap and agreement."""

from dataclasses import dataclass

import numpy as np

from gem_core._types import Bool, Float64, Int32, Progress, frozen, silent
from gem_core.clustering.overlap import Int64, jaccard, matched_order, matched_pairs, overlap_table, table_agreement
from gem_core.pipeline.compare.partitions import Partition, at_hand, column_groups, columns_to_compare, partition
from gem_core.pipeline.compare.refits import METHODS
from gem_core.workspace import Workspace

GIANT = 1.5  # a giant is so much larger than the other side's largest group,
EVEN = 3.0  # and so much larger than an even share of its own side
PIECE = 0.05  # part of a giant that counts as one of its pieces
KEPT = 0.5  # Jaccard from which a group returns on the other side
WHOLE = 0.9  # a giant of which the pieces hold less falls into smaller parts besides

__all__ = [
    "Comparison",
    "Giant",
    "Partition",
    "at_hand",
    "column_groups",
    "columns_to_compare",
    "compare",
    "compare_partitions",
    "headline",
    "partition",
]


@dataclass(frozen=True)
class Comparison:
    """Groupings `a` and `b` of the same documents.

    Attributes
    ----------
    a, b : Partition
    table : (K_a, K_b) int64
        Documents in common.
    order_a, order_b : (K_a,), (K_b,) int
        Groups as they are shown, so that the large cells of the table lie along its diagonal.
    partner : (K_a,) int64
        The group of `b` that a group of `a` is matched with, one to one, so that the documents in common are most;
        -1 without one. Between two taxonomies a cluster pinned in either stays itself.
    jaccard : (K_a, K_b) float64
        Documents in common over documents in either, in [0, 1].
    ari, nmi : float
        Agreement of the two groupings (`table_agreement`).
    stay : float
        Fraction of the documents whose two groups are partners.
    moved_rows : (m,) int32
        Rows of the other documents, the least sure of their group first.
    """

    a: Partition
    b: Partition
    table: Int64
    order_a: Int64
    order_b: Int64
    partner: Int64
    jaccard: Float64
    ari: float
    nmi: float
    stay: float
    moved_rows: Int32

    def best(self, side: str) -> tuple[Int64, Float64]:
        """Best counterpart of each group of side "a" or "b" by Jaccard, and that Jaccard."""
        table = self.jaccard if side == "a" else self.jaccard.T
        return table.argmax(axis=1), table.max(axis=1)

    def rows(self, from_a: int | None = None, to_b: int | None = None, *, only_moved: bool = True) -> Int32:
        """Rows of one flow: of a group of `a`, in a group of `b`, all or only those that moved."""
        keep = np.ones(len(self.moved_rows), dtype=bool) if only_moved else np.ones(len(self.a.labels), dtype=bool)
        rows = self.moved_rows if only_moved else np.arange(len(self.a.labels), dtype=np.int32)
        for partition_, group in ((self.a, from_a), (self.b, to_b)):
            if group is not None:
                keep &= partition_.labels[rows] == group
        return np.asarray(rows[keep])


@dataclass(frozen=True)
class Giant:
    """A group far larger than any of the other side, and the pieces that the other side makes of it.

    Attributes
    ----------
    side : "a" or "b"
        The side that has the giant.
    group : int
        Its position there.
    share : float
        Its share of all documents.
    pieces : tuple of int
        Groups of the other side that hold at least 5% of it, the largest piece first.
    covered_share : float
        Fraction of the giant in these pieces.
    """

    side: str
    group: int
    share: float
    pieces: tuple[int, ...]
    covered_share: float


def compare(workspace: Workspace, a: str, b: str, *, progress: Progress = silent) -> Comparison:
    """Compare two groupings of a workspace, each named as in `partition`.

    Raises
    ------
    InputError
        As in `partition`.
    """
    return compare_partitions(partition(workspace, a, progress=progress), partition(workspace, b, progress=progress))


def compare_partitions(a: Partition, b: Partition) -> Comparison:
    """Compare two groupings of the same documents."""
    table = overlap_table(a.labels, b.labels, len(a.names), len(b.names))
    partner = _match_groups(a, b, table)
    if b.kind == "taxonomy" and a.kind != "taxonomy":  # the tree leads
        order_b: Int64 = b.order.astype(np.int64)
        order_a = matched_order(table.T, order_b)
    else:
        order_a = a.order.astype(np.int64)
        order_b = matched_order(table, order_a)
    agree = table_agreement(table)
    is_moved: Bool = partner[a.labels] != b.labels
    rows = np.flatnonzero(is_moved)
    sure = a.margin if a.margin is not None else b.margin
    if sure is not None:
        rows = rows[np.argsort(sure[rows], kind="stable")]
    return Comparison(
        a=a,
        b=b,
        table=table,
        order_a=order_a,
        order_b=order_b,
        partner=partner,
        jaccard=jaccard(table),
        ari=agree.ari,
        nmi=agree.nmi,
        stay=1.0 - rows.size / len(a.labels),
        moved_rows=frozen(rows.astype(np.int32)),
    )


def _match_groups(a: Partition, b: Partition, table: Int64) -> Int64:
    """Match groups one to one by the documents in common; a pinned cluster is matched with itself."""
    if a.kind != "taxonomy" or b.kind != "taxonomy":
        return matched_pairs(table)
    both = sorted({*a.pinned, *b.pinned} & set(a.numbers) & set(b.numbers))
    rows, columns = [a.numbers.index(number) for number in both], [b.numbers.index(number) for number in both]
    free = table.copy()
    free[rows, :] = 0
    free[:, columns] = 0
    partner = matched_pairs(free).copy() if free.any() else np.full(len(free), -1, dtype=np.int64)
    partner[rows] = columns
    return frozen(partner)


def giant(comparison: Comparison) -> Giant | None:
    """Find a group that the other side splits: 3 times an even share, 1.5 times the other side's largest; or None."""
    n = comparison.table.sum()
    sizes_a, sizes_b = comparison.table.sum(axis=1), comparison.table.sum(axis=0)
    side = "a" if sizes_a.max() > sizes_b.max() else "b"
    large, small, table = (
        (sizes_a, sizes_b, comparison.table) if side == "a" else (sizes_b, sizes_a, comparison.table.T)
    )
    if large.max() < max(GIANT * small.max(), EVEN * n / large.size):
        return None
    group = int(large.argmax())
    row = table[group]
    pieces = tuple(int(k) for k in np.argsort(-row, kind="stable") if row[k] >= PIECE * row.sum())
    if len(pieces) < 2:
        return None
    return Giant(side, group, float(large[group] / n), pieces, float(row[list(pieces)].sum() / row.sum()))


def headline(comparison: Comparison) -> str:
    """Summarize a comparison in one line; it holds the name of a column, so it is corpus text.

    Returns
    -------
    str
        "The largest cluster of k-means (31%) is spread over 6 clusters of GEM; 72% of documents in matched groups".
    """
    partition_a, partition_b, n = comparison.a, comparison.b, len(comparison.a.labels)
    if comparison.ari == 1.0:
        return _sentence(f"{_called(partition_a)} and {_called(partition_b)} group all {n:,} documents alike")
    stay = f"{100 * comparison.stay:.0f}% of documents in matched groups"
    largest = giant(comparison)
    if largest is None:
        matched = int(np.sum(comparison.best("a")[1] >= KEPT))
        pair = f"{_noun(partition_a)} of {_called(partition_a)} match in {_called(partition_b)}"
        return f"{matched} of {len(partition_a.names)} {pair}; {stay}"
    owner, other = (partition_a, partition_b) if largest.side == "a" else (partition_b, partition_a)
    rest = "" if largest.covered_share >= WHOLE else " and smaller parts"
    return (
        f"The largest {_noun(owner)[:-1]} of {_called(owner)} ({100 * largest.share:.0f}%) is spread over "
        f"{len(largest.pieces)} {_noun(other)} of {_called(other)}{rest}; {stay}"
    )


def _noun(side: Partition) -> str:
    return "values" if side.kind == "column" else "clusters"


def _called(side: Partition) -> str:
    return f"the {side.title}" if side.kind == "column" or side.title == METHODS["vmf"] else side.title


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] if text.startswith(("step ", "the ")) else text
