"""Why documents would move, natural shares, floors and numbers that are kept: what Balance says before an apply."""

from dataclasses import replace

import numpy as np
import pytest

from gem_core.clustering import suggest_strength
from gem_core.clustering.assignment import assign_units
from gem_core.pipeline import (
    Merge,
    Move,
    Pin,
    Preview,
    Rename,
    edit,
    ensure_path,
    explain_moves,
    fit_taxonomy,
    natural_shares,
    preview,
)
from gem_core.pipeline.previews.moved_documents import REASONS
from gem_core.pipeline.previews.preview import compare_fit
from gem_core.workspace import Taxonomy, Workspace

INF = float("inf")


def score(X: np.ndarray, fit: object, row: int, k: int) -> float:
    """l + b of one document and one cluster, the slow way, up to what all clusters share."""
    from gem_core.geometry import log_normalizer

    x = X[row].astype(np.float64)
    x /= np.linalg.norm(x)
    kappa = float(fit.concentrations[k])  # type: ignore[attr-defined]
    return (
        float(log_normalizer(X.shape[1], kappa))
        + kappa * float(x @ fit.centers[k])
        + float(  # type: ignore[attr-defined]
            fit.bias[k]
        )
    )  # type: ignore[attr-defined]


def explained(workspace: Workspace, taxonomy: Taxonomy, **changes: object) -> tuple[Preview, object]:
    draft_preview = preview(workspace, taxonomy, replace(taxonomy.settings, **changes))  # type: ignore[arg-type]
    return draft_preview, explain_moves(workspace, taxonomy, draft_preview)


def test_what_a_move_gains_is_the_sum_of_balance_and_centres(sample: Workspace) -> None:
    """Each part against a slow reading of both fits."""
    taxonomy = ensure_path(sample)
    draft_preview, moves = explained(sample, taxonomy, strength=INF)
    X = sample.embeddings
    assert len(moves.rows) > 20
    for at, row in enumerate(moves.rows.tolist()):
        a, b = int(moves.leaves[at]), int(moves.joins[at])
        before = score(X, taxonomy.fit, row, a) - score(X, taxonomy.fit, row, b)
        after = score(X, draft_preview.fit, row, b) - score(X, draft_preview.fit, row, a)
        assert moves.lead[at] == pytest.approx(before, abs=1e-3)
        assert moves.by_balance[at] + moves.by_centers[at] == pytest.approx(before + after, abs=2e-3)
        assert after > 0
        bias = draft_preview.fit.bias[b] - draft_preview.fit.bias[a] - taxonomy.fit.bias[b] + taxonomy.fit.bias[a]
        assert moves.by_balance[at] == pytest.approx(bias, abs=1e-9)
        x = X[row] / np.linalg.norm(X[row])
        old, new = taxonomy.fit.centers, draft_preview.fit.centers
        assert moves.drift[at] == pytest.approx(float(x @ (old[a] - new[a])), abs=1e-5)
        assert moves.approach[at] == pytest.approx(float(x @ (new[b] - old[b])), abs=1e-5)
    larger = np.where(moves.by_balance >= moves.by_centers, "balance", "centers")
    assert [REASONS[r] for r in moves.reason] == larger.tolist()
    assert sum(moves.counts().values()) == len(moves.rows)


def test_moves_carry_both_margins_and_both_cosines(sample: Workspace) -> None:
    taxonomy = ensure_path(sample)
    draft_preview, moves = explained(sample, taxonomy, strength=INF)
    documents = taxonomy.documents.iloc[draft_preview.moved_rows]
    assert np.array_equal(moves.rows, draft_preview.moved_rows)
    assert moves.margin_before == pytest.approx(documents["margin"].to_numpy())
    assert moves.cosine_before == pytest.approx(documents["cosine"].to_numpy())
    assert moves.margin_after == pytest.approx(draft_preview.assignment.margin[draft_preview.moved_rows])
    assert np.array_equal(moves.leaves, documents["cluster_id"])
    assert np.array_equal(moves.joins, draft_preview.labels[draft_preview.moved_rows])
    assert (np.diff(moves.margin_after) >= 0).all()


def test_a_document_between_two_clusters_is_moved_by_the_balance(sample: Workspace) -> None:
    """Nothing but a bias changes: every move is the balance's, and the words say how narrow the lead was."""
    taxonomy = ensure_path(sample)
    table = taxonomy.documents
    row = int(table["margin"].to_numpy().argmin())
    narrow, second = float(table["margin"].iloc[row]), int(table["second"].iloc[row])
    bias = taxonomy.fit.bias.copy()
    bias[second] += narrow + 0.5
    fit = replace(taxonomy.fit, bias=bias)
    moves = explain_moves(
        sample, taxonomy, compare_fit(sample, taxonomy, taxonomy.settings, fit, assign_units(sample.embeddings, fit))
    )
    at = int(np.flatnonzero(moves.rows == row)[0])
    assert set(moves.counts()) == {"balance"}
    assert (moves.joins == second).all()
    assert moves.by_balance == pytest.approx(np.full(len(moves.rows), narrow + 0.5))
    assert moves.by_centers == pytest.approx(np.zeros(len(moves.rows)), abs=1e-9)
    assert moves.lead[at] == pytest.approx(narrow, abs=1e-3)
    assert replace(moves, lead=moves.lead * 0 + 0.42).words(at) == "balance: small lead of 0.4 nats"
    assert replace(moves, lead=moves.lead * 0 + 10).words(at) == f"balance: shifted by {narrow + 0.5:.1f} nats"


def test_fewer_clusters_keep_the_numbers_of_those_that_stay(sample: Workspace) -> None:
    before = sample.taxonomy()
    draft_preview, moves = explained(sample, before, n_clusters=len(before.clusters) - 3)
    assert set(draft_preview.numbers.tolist()) <= {c.number for c in before.clusters}
    assert not np.array_equal(draft_preview.numbers, np.arange(len(draft_preview.numbers))), (
        "the survivors are not counted anew"
    )
    lost_numbers = {c.number for c in before.clusters} - set(draft_preview.numbers.tolist())
    assert len(lost_numbers) == 3
    reasons = np.array([REASONS[r] for r in moves.reason])
    assert (reasons[np.isin(moves.leaves, list(lost_numbers))] == "gone").all()
    after = fit_taxonomy(sample, draft_preview.settings)
    assert [c.number for c in after.clusters] == draft_preview.numbers.tolist()
    for number, steady in zip(draft_preview.numbers.tolist(), draft_preview.steady.tolist(), strict=True):
        if steady:
            assert after.cluster(number).color == before.cluster(number).color


def test_more_clusters_are_new_ones(sample: Workspace) -> None:
    before = sample.taxonomy()
    draft_preview, moves = explained(sample, before, n_clusters=len(before.clusters) + 2)
    fresh = draft_preview.numbers[draft_preview.origin < 0]
    assert len(fresh) == 2
    assert not {c.number for c in before.clusters} & set(fresh.tolist())
    reasons = np.array([REASONS[r] for r in moves.reason])
    assert (reasons[np.isin(moves.joins, fresh)] == "new").all()
    assert moves.words(int(np.flatnonzero(reasons == "new")[0])) == "joins a new cluster"


def test_pinned_clusters_hold_their_documents_and_others_make_room(sample: Workspace) -> None:
    smallest = min(sample.taxonomy().clusters, key=lambda c: c.documents).number
    pinned = edit(sample, Pin(smallest))
    ensure_path(sample)
    draft_preview, moves = explained(sample, pinned, strength=INF)
    assert draft_preview.pinned_clusters == (smallest,)
    inside = pinned.documents["cluster_id"].to_numpy() == smallest
    assert (draft_preview.labels[inside] == smallest).all()
    assert smallest not in moves.leaves
    assert smallest not in moves.joins
    assert not np.isnan(moves.by_balance[moves.reason == REASONS.index("balance")]).any()
    draft_preview, moves = explained(
        sample, pinned, n_clusters=6
    )  # what continues the pinned cluster turns others away
    fitted = draft_preview.numbers[~np.isnan(draft_preview.target)][draft_preview.assignment.labels[moves.rows]]
    turned = fitted != moves.joins
    assert turned.any()
    assert np.array_equal(moves.reason == REASONS.index("held"), turned)
    assert moves.words(int(np.flatnonzero(turned)[0])) == "pinned clusters keep their documents"
    renamed = edit(sample, Rename("cluster", smallest, "Mine"))
    assert explained(sample, renamed, n_clusters=3)[0].pinned_clusters == (smallest,)


def test_a_document_that_an_edit_placed_says_so(sample: Workspace) -> None:
    taxonomy = sample.taxonomy()
    row = int(np.argmax(taxonomy.documents["margin"].to_numpy()))
    home = int(taxonomy.documents["cluster_id"].iloc[row])
    away = next(c.number for c in taxonomy.clusters if c.number not in (home, int(taxonomy.documents["second"][row])))
    edit(sample, Move((row,), away))
    unpinned = edit(sample, Pin(away, on=False))
    _, moves = explained(sample, unpinned, strength=1.1)
    at = int(np.flatnonzero(moves.rows == row)[0])
    assert (moves.leaves[at], moves.joins[at]) == (away, home)
    assert REASONS[moves.reason[at]] == "edited"
    assert moves.words(at) == "an edit had placed it"


def test_natural_shares_are_those_of_the_weakest_balance(sample: Workspace) -> None:
    taxonomy = ensure_path(sample)
    natural = natural_shares(sample, taxonomy)
    assert natural == pytest.approx(taxonomy.path.masses[1])
    first, two = taxonomy.clusters[2].number, taxonomy.clusters[5].number
    merged = edit(sample, Merge((first, two)))
    after = natural_shares(sample, merged)
    assert after is not None
    assert after.sum() == pytest.approx(1)
    assert after[merged.index_of(max((first, two), key=lambda n: taxonomy.cluster(n).documents))] == pytest.approx(
        natural[2] + natural[5]
    )  # type: ignore[index]
    (sample.root / "fits" / taxonomy.key / "path.npz").unlink()
    assert natural_shares(sample, sample.taxonomy()) is None


def test_a_floor_is_a_setting_that_gives_the_same_taxonomy_again(sample: Workspace) -> None:
    settings = replace(sample.taxonomy().settings, target="floor:0.07", strength=INF)
    draft_preview = preview(sample, sample.taxonomy(), settings)
    assert draft_preview.fit.masses.min() == pytest.approx(0.07, abs=1e-6)
    applied = fit_taxonomy(sample, settings)
    assert applied.settings.to_json()["target"] == "floor:0.07"
    assert sorted(c.mass for c in applied.clusters) == pytest.approx(sorted(draft_preview.fit.masses), abs=1e-6)
    assert ensure_path(sample).path.masses[-1].min() == pytest.approx(0.07, abs=1e-6)
    suggestion = suggest_strength(sample.taxonomy().path)
    assert suggestion.reason in ("knee", "flat")
