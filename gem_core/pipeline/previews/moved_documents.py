"""Why documents would move: what a previewed fit changes for each of them, in nats."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gem_core._types import Float32, Float64, Floating, Int32, frozen
from gem_core.clustering import MixtureFit
from gem_core.pipeline.previews.preview import Preview
from gem_core.workspace import Taxonomy, Workspace

Reason = Literal["balance", "centers", "new", "gone", "held", "edited"]
REASONS: tuple[Reason, ...] = ("balance", "centers", "new", "gone", "held", "edited")
BLOCK = 4096  # documents at a time
NARROW = 2.0  # nats: a lead below this is said to be small
UNBOUNDED = 1e20  # nats: a cluster that may hold nothing is never ahead


@dataclass(frozen=True)
class Moves:
    """Documents that would leave their cluster; every array has one entry per document, in the order of `rows`.

    A document goes from cluster a to cluster b when l_b + b_b overtakes l_a + b_a. What it gains on the way is the
    sum of two parts: the change of the biases, which is the balance, and the change of the log densities, which is
    centers and concentrations that moved.

    Attributes
    ----------
    rows : (m,) int32
        As `Preview.moved_rows`: least sure first.
    leaves : (m,) int32
        Number of the cluster it is in now.
    joins : (m,) int32
        Number of the cluster it would be in, as `Preview.numbers` has them.
    margin_before, margin_after : (m,) float32
        Lead of its cluster over the next one, nats, as applied and as previewed.
    cosine_before, cosine_after : (m,) float32
        Cosine to the center it leaves, as applied, and to the center it joins, as previewed.
    lead : (m,) float64
        How far the cluster it leaves was ahead of the one it joins, nats; NaN where either is not in both fits.
    by_balance, by_centers : (m,) float64
        What the one it joins has gained on that, nats; NaN likewise. Their sum exceeds `lead`.
    drift, approach : (m,) float64
        By how much the center it leaves moves away from it, and the one it joins toward it, in cosine; NaN likewise.
    reason : (m,) int8
        Index into `REASONS`. "balance", "centers": the larger of the two parts. "new": it joins a cluster that was
        not there. "gone": its cluster no longer exists. "held": pinned or named clusters keep their documents, and
        it makes room or stays with its own. "edited": an edit had put it where the fit would not have.
    """

    rows: Int32
    leaves: Int32
    joins: Int32
    margin_before: Float32
    margin_after: Float32
    cosine_before: Float32
    cosine_after: Float32
    lead: Float64
    by_balance: Float64
    by_centers: Float64
    drift: Float64
    approach: Float64
    reason: NDArray[np.int8]

    def counts(self) -> dict[Reason, int]:
        """Documents by reason, those that occur."""
        reason_counts = np.bincount(self.reason, minlength=len(REASONS))
        return {reason: int(n) for reason, n in zip(REASONS, reason_counts, strict=True) if n}

    def words(self, at: int) -> str:
        """Return the reason of one of them in a few words."""
        reason = REASONS[int(self.reason[at])]
        if reason == "balance":
            if self.by_balance[at] > UNBOUNDED:
                return "balance: a target of 0"
            return (
                f"balance: small lead of {self.lead[at]:.1f} nats"
                if self.lead[at] < NARROW
                else f"balance: shifted by {self.by_balance[at]:.1f} nats"
            )
        if reason == "centers":
            drift, approach = float(self.drift[at]), float(self.approach[at])
            if max(drift, approach) < 0.005:
                return "concentrations changed"
            return (
                f"its center moved away ({drift:.2f})"
                if drift > approach
                else f"another center moved closer ({approach:.2f})"
            )
        return {
            "new": "joins a new cluster",
            "gone": "its cluster is removed",
            "held": "pinned clusters keep their documents",
            "edited": "an edit had placed it",
        }[reason]


def explain_moves(workspace: Workspace, taxonomy: Taxonomy, preview: Preview) -> Moves:
    """Explain for every document that would move what moves it.

    Parameters
    ----------
    workspace : Workspace
    taxonomy : Taxonomy
        The one that `preview` was compared with.
    preview : Preview

    Returns
    -------
    Moves
        Memory: fourteen numbers a moved document; vectors are read 4,096 at a time.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from gem_core.pipeline import open_sample, preview
    >>> workspace = open_sample()
    >>> taxonomy = workspace.taxonomy()
    >>> found = preview(workspace, taxonomy, replace(taxonomy.settings, strength=float("inf")))
    >>> moves = explain_moves(workspace, taxonomy, found)
    >>> bool((moves.by_balance + moves.by_centers >= moves.lead - 1e-3).all())
    True
    """
    rows = preview.moved_rows
    fitted = preview.fit_rows
    new = np.searchsorted(preview.numbers, preview.labels[rows])
    old = taxonomy.positions[rows]
    before = {int(c.number): cluster_index for cluster_index, c in enumerate(taxonomy.clusters)}
    origin = np.array([before.get(int(number), -1) for number in preview.origin])  # position of the continued cluster
    continued = np.full(len(taxonomy.clusters), -1)
    continued[origin[origin >= 0]] = np.flatnonzero(origin >= 0)  # and back: position in `found.numbers`
    came, went = origin[new], continued[old]
    is_held = (fitted[new] < 0) | (preview.assignment.labels[rows] != fitted[new])
    is_new, is_gone = came < 0, went < 0
    both = ~(is_held | is_new | is_gone)
    both[both] &= fitted[went[both]] >= 0
    lead, balance, centres, drift, approach = (np.full(len(rows), np.nan) for _ in range(5))
    at = np.flatnonzero(both)
    for start in range(0, len(at), BLOCK):
        part = at[start : start + BLOCK]
        x = np.asarray(workspace.embeddings[rows[part]], dtype=np.float64)
        x /= np.linalg.norm(x, axis=1, keepdims=True)
        density = _ahead(x, taxonomy.fit, old[part], came[part])
        bias = _bias(taxonomy.fit)
        lead[part] = density + bias[old[part]] - bias[came[part]]
        later, earlier = fitted[new[part]], fitted[went[part]]
        shift = _bias(preview.fit)
        balance[part] = shift[later] - shift[earlier] - (bias[came[part]] - bias[old[part]])
        centres[part] = density - _ahead(x, preview.fit, earlier, later)
        drift[part] = np.einsum("ij,ij->i", x, taxonomy.fit.centers[old[part]] - preview.fit.centers[earlier])
        approach[part] = np.einsum("ij,ij->i", x, preview.fit.centers[later] - taxonomy.fit.centers[came[part]])
    is_held |= ~(both | is_new | is_gone)
    reason = np.select(
        [is_held, is_new, is_gone, lead < 0, balance >= centres],
        [REASONS.index(name) for name in ("held", "new", "gone", "edited", "balance")],
        REASONS.index("centers"),
    ).astype(np.int8)
    documents = taxonomy.documents
    return Moves(
        rows=rows,
        leaves=_numbers(taxonomy)[old],
        joins=frozen(preview.numbers[new]),
        margin_before=frozen(documents["margin"].to_numpy(np.float32)[rows]),
        margin_after=frozen(preview.assignment.margin[rows]),
        cosine_before=frozen(documents["cosine"].to_numpy(np.float32)[rows]),
        cosine_after=frozen(preview.assignment.cosine[rows]),
        lead=frozen(lead),
        by_balance=frozen(balance),
        by_centers=frozen(centres),
        drift=frozen(drift),
        approach=frozen(approach),
        reason=frozen(reason),
    )


def _ahead(x: Floating, fit: MixtureFit, cluster: NDArray[Any], rival: NDArray[Any]) -> Float64:
    """l_cluster - l_rival of each row, nats: how much better `cluster` describes it, biases left out."""
    model = fit.parameters().model()
    slope = model.slopes[cluster] - model.slopes[rival]
    return np.asarray(np.einsum("ij,ij->i", x, slope) + model.offsets[cluster] - model.offsets[rival])


def _bias(fit: MixtureFit) -> Float64:
    return np.where(np.isfinite(fit.bias), fit.bias, -10 * UNBOUNDED)


def _numbers(taxonomy: Taxonomy) -> Int32:
    return np.array([cluster.number for cluster in taxonomy.clusters], dtype=np.int32)
