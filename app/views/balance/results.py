"""Balance view, right side: the effect of the draft."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import streamlit as st

from app.charts import balance as balance_charts
from app.charts.balance import PathPoint, ShareRow, rows_at_level
from app.charts.chart import show_chart
from app.charts.style import SLATE
from app.data import groupings
from app.state.session import Session
from app.ui.clusters import cluster_name
from app.ui.figures import finding
from app.ui.glossary import HINTS
from app.ui.levels import choose_group, has_many
from app.ui.text import escape, short
from app.views.balance.draft import BalanceDraft, applied
from app.views.balance.missing_path import compute_path
from gem_core._formatting import count, percent, strength_text
from gem_core.clustering import BalancePath, MixtureFit, balance_measures
from gem_core.pipeline import Preview
from gem_core.workspace import Taxonomy

MOST_DOCUMENTS = 200_000  # above it a press would wait for the assignment of all documents under two fits
SPLITS = 3  # clusters that are named
DeltaColor = Literal["normal", "inverse", "off"]


def present_shares(taxonomy: Taxonomy) -> np.ndarray:
    """Shares of the applied clusters, in documents or tokens as its settings count them."""
    tokens = taxonomy.settings.weighting == "tokens"
    return np.array([c.share_tokens if tokens else c.share_documents for c in taxonomy.clusters])


def show_summary(taxonomy: Taxonomy, preview: Preview | None) -> None:
    """Six figures; with a draft also how they would change."""
    now = preview.before if preview else balance_measures(present_shares(taxonomy))
    new = preview.after if preview else now
    n = len(taxonomy.documents)

    def change(name: str, form: str, factor: float = 1.0, unit: str = "") -> str | None:
        text = format(factor * (getattr(new, name) - getattr(now, name)), form)
        return None if float(text) == 0 else text + unit

    figures: list[tuple[str, str, str, str | None, DeltaColor]] = [
        ("Evenness", f"{new.normalized_entropy:.3f}", "entropy", change("normalized_entropy", "+.3f"), "normal"),
        (
            "Effective clusters",
            f"{new.effective_clusters:.1f}",
            "effective",
            change("effective_clusters", "+.1f"),
            "normal",
        ),
        ("Largest", percent(new.largest), "share", change("largest", "+.1f", 100, " points"), "inverse"),
        ("Smallest", percent(new.smallest), "share", change("smallest", "+.1f", 100, " points"), "normal"),
        ("Agreement with current", f"{preview.ari:.3f}" if preview else "1.000", "ari", None, "off"),
        (
            "Documents moved",
            count(len(preview.moved_rows)) if preview else "0",
            "moved",
            f"{percent(len(preview.moved_rows) / n)} of all" if preview and len(preview.moved_rows) else None,
            "off",
        ),
    ]
    with st.grid(6, min_column_width=118, gap="small", key="balance-measures"):
        for name, value, hint, delta, color in figures:
            st.metric(
                name,
                value,
                delta,
                delta_color=color,
                help=HINTS[hint],
                delta_arrow="off" if color == "off" else "auto",
            )


def show_charts(session: Session, taxonomy: Taxonomy, preview: Preview | None, draft: BalanceDraft) -> None:
    """Shares before and after beside the balance path."""
    grid = st.grid(2, min_column_width=400, gap="medium", key="balance-figures")
    with grid.cell():
        _shares(taxonomy, preview, draft)
    with grid.cell():
        if taxonomy.has_path:
            _path(session, taxonomy, preview, draft)
        else:
            compute_path(session, taxonomy)


def _shares(taxonomy: Taxonomy, preview: Preview | None, draft: BalanceDraft) -> None:
    rows = share_rows(taxonomy, preview)
    unit = draft.settings.weighting
    if preview:
        finding(
            f"Largest cluster {percent(preview.before.largest)} → {percent(preview.after.largest)}, smallest "
            f"{percent(preview.before.smallest)} → {percent(preview.after.smallest)}",
            f"Share of {unit}. Light: applied, strength {strength_text(taxonomy.settings.strength)}. Solid: preview, "
            f"strength {strength_text(preview.settings.strength)}. Tick: target.",
        )
    else:
        shares = present_shares(taxonomy)
        finding(
            f"Largest cluster {percent(shares.max())}, smallest {percent(shares.min())}",
            f"Share of {unit} in each cluster, applied. Tick: target.",
        )
    if has_many(taxonomy):
        rows = rows_at_level(rows, taxonomy, choose_group(taxonomy, "balance-level"))
    show_chart(
        balance_charts.shares(rows, changed=preview is not None),
        key="balance-shares",
        alt="Share of each cluster, applied and previewed; the table below holds the numbers",
    )
    if preview:
        _show_cluster_changes(taxonomy, preview)


def _show_cluster_changes(taxonomy: Taxonomy, preview: Preview) -> None:
    """Show the changes of the clusters: new ones, gone ones, changed ones, kept ones."""
    new = int((preview.origin < 0).sum())
    n_removed = len(taxonomy.clusters) - (len(preview.origin) - new)
    changed = int((~preview.steady & (preview.origin >= 0)).sum())
    parts = [
        text
        for number, text in (
            (new, f"{count(new)} new"),
            (n_removed, f"{count(n_removed)} gone"),
            (changed, f"{count(changed)} would keep under half of their documents and get new names"),
        )
        if number
    ]
    if parts:
        st.caption(f"Clusters: {', '.join(parts)}. The others keep their numbers and colors.")
    if preview.pinned_clusters:
        names = ", ".join(cluster_name(taxonomy, number, 40) for number in preview.pinned_clusters)
        them = (
            "1 locked cluster is"
            if len(preview.pinned_clusters) == 1
            else f"{count(len(preview.pinned_clusters))} locked clusters are"
        )
        st.caption(
            f":material/keep: {them} kept: pinned or named by a person, so their documents stay together.",
            help=names,
        )


def share_rows(taxonomy: Taxonomy, preview: Preview | None) -> list[ShareRow]:
    """One row per cluster, the largest as applied first, new clusters last."""
    if preview is None:
        shares, target = present_shares(taxonomy), taxonomy.fit.target
        rows = [
            ShareRow(c.label, c.color, float(shares[i]), float(shares[i]), float(target[i]), c.number)
            for i, c in enumerate(taxonomy.clusters)
        ]
        return sorted(rows, key=lambda row: -(row.before or 0.0))
    after = {int(old): k for k, old in enumerate(preview.origin) if old >= 0}
    rows = []
    for i, c in enumerate(taxonomy.clusters):
        k = after.get(c.number)
        rows.append(
            ShareRow(
                c.label,
                c.color,
                float(preview.present[i]),
                None if k is None else float(preview.shares[k]),
                None if k is None else _target_or_none(preview.target[k]),
                c.number,
            )
        )
    rows.sort(key=lambda row: -(row.before or 0.0))
    new = [k for k, old in enumerate(preview.origin) if old < 0]
    rows += [
        ShareRow(
            new_name(taxonomy, preview, k),
            SLATE,
            None,
            float(preview.shares[k]),
            _target_or_none(preview.target[k]),
            int(preview.numbers[k]),
        )
        for k in new
    ]
    return rows


def new_name(taxonomy: Taxonomy, preview: Preview, cluster_index: int, limit: int = 60) -> str:
    """Return what to call a cluster that has no name yet: where most of its documents come from."""
    inside = preview.labels == preview.numbers[cluster_index]
    if not inside.any():
        return f"New {preview.numbers[cluster_index]}"
    most = int(np.bincount(taxonomy.positions[inside]).argmax())
    return f"New {preview.numbers[cluster_index]}, from {short(taxonomy.clusters[most].label, limit)}"


def _target_or_none(target: float) -> float | None:
    """Return None for the target of a pinned cluster that the fit does not have."""
    return None if np.isnan(target) else float(target)


@dataclass
class PathSelection:
    """What was selected on the balance path when it was last read; a draft set otherwise stays as it is."""

    points: list[float] | None = None


def _path(session: Session, taxonomy: Taxonomy, preview: Preview | None, draft: BalanceDraft) -> None:
    balance = taxonomy.path
    first, last = float(balance.effective_clusters[0]), float(balance.effective_clusters[-1])
    finding(
        f"From strength {strength_text(float(balance.strengths[0]))} to "
        f"{strength_text(float(balance.strengths[-1]))}: effective clusters {first:.1f} → {last:.1f}",
        f"Balance path of the applied settings{_path_sample(balance)}. Select a point to set the strength.",
    )
    points = [_point("applied", taxonomy.fit)]
    if preview:
        points.append(_point("draft", preview.fit))
    event = show_chart(
        balance_charts.path(balance, points),
        key="balance-path",
        on_select="rerun",
        alt="Effective clusters, largest and smallest mass at 16 strengths",
    )
    _show_strength_effect(session, taxonomy, preview)
    point_data = [point["customdata"][0] for point in event["selection"]["points"] if point.get("customdata")]
    if point_data != session.drafts.get(PathSelection).points:
        session.drafts.get(PathSelection).points = point_data
        if point_data and point_data[0] >= 0:
            strength = float(balance.strengths[int(point_data[0])])
            draft.put(replace(draft.settings, strength=strength))
            st.rerun(scope="fragment")


def _path_sample(balance: BalancePath) -> str:
    """Say what the path was fitted to, when that is not all documents."""
    sampled = balance.sampled_documents
    return f", fitted to {count(sampled)} documents, masses of all" if sampled else ""


def _show_strength_effect(session: Session, taxonomy: Taxonomy, preview: Preview | None) -> None:
    """Say which clusters the strength splits and how the label column agrees; nothing while more than it differs."""
    applied_settings = applied(taxonomy)
    if preview is not None and replace(preview.settings, strength=applied_settings.strength) != applied_settings:
        return
    if len(taxonomy.documents) > MOST_DOCUMENTS:
        st.caption(f"What a strength splits: gem-explorer path {escape(str(session.root))} --suggest")
        return
    workspace = session.workspace
    fit = preview.fit if preview is not None else workspace.taxonomy(taxonomy.base).fit
    effect = groupings.strength_effect(workspace, taxonomy, fit)
    names = [(f"{escape(short(a, 40))} to {escape(short(b, 40))}", part) for a, b, part in effect.splits]
    moves = "; ".join(f"{percent(part)} of {pair}" for pair, part in names[:SPLITS])
    more = f"; {count(len(names) - SPLITS)} more" if len(names) > SPLITS else ""
    strengths = f"Strength {strength_text(effect.strength)} against {strength_text(effect.weakest)}"
    st.caption(f"{strengths}: {f'moves {moves}{more}' if moves else 'splits no cluster'}.")
    if effect.ari is not None and effect.nmi is not None:
        st.caption(
            f"Agreement with the label column: ARI {effect.ari[0]:.3f} → {effect.ari[1]:.3f}, "
            f"NMI {effect.nmi[0]:.3f} → {effect.nmi[1]:.3f}."
        )


def _point(name: str, fit: MixtureFit) -> PathPoint:
    measures = balance_measures(fit.masses)
    return PathPoint(name, fit.strength, measures.effective_clusters, measures.largest, measures.smallest)
