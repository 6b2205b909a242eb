"""Cluster card: keywords, exemplars, documents, scores and actions of a cluster."""

import math
from collections.abc import Sequence

import streamlit as st

from app.cluster_card import edit_actions
from app.cluster_card.cluster_actions import show_cluster_actions
from app.cluster_card.cluster_documents import show_cluster_documents
from app.cluster_card.cluster_note import show_note
from app.components.row_list import ListColumn, show_row_list
from app.data import cached_results
from app.documents.document_list import show_document_list
from app.state.session import Session
from app.state.widget_state import widget
from app.ui.clusters import title
from app.ui.figures import facts
from app.ui.glossary import HINTS
from app.ui.text import escape, short
from gem_core._formatting import count, percent
from gem_core.pipeline import Rename, model_of
from gem_core.pipeline.editing.operations import MAX_LABEL, Kind
from gem_core.pipeline.search.cluster_profile import ClusterProfile, ColumnProfile
from gem_core.taxonomy.name_parts import MIXED
from gem_core.workspace import Cluster, Group, Taxonomy
from gem_core.workspace.store import is_read_only

MAX_KEYWORDS, MAX_VALUES, MAX_NEAREST, MAX_EXEMPLARS = 6, 6, 4, 3
EXCERPT = 1_500  # characters of an exemplar on the card
OVERVIEW, DOCUMENTS, DETAILS = "Overview", "Documents", "Details"


def show_cluster_card(session: Session, taxonomy: Taxonomy, cluster: Cluster, *, subtopics: bool = False) -> None:
    """Show the card of one cluster; `subtopics` adds the parts it falls into to the overview."""
    workspace = session.workspace
    profile = cached_results.profile_of_cluster(workspace, taxonomy, cluster.number)
    value, share = cached_results.label_purity(workspace, taxonomy).get(cluster.number, ("", 0.0))
    purity = f"{short(value, 20)} {percent(share)}, " if value else ""
    title(cluster.label, cluster.color, f"{purity}in {taxonomy.group(cluster.group).label}")
    if not is_read_only():
        show_rename_form(session, "cluster", cluster)
        show_cluster_actions(session, taxonomy, cluster)
    facts(
        [
            ("Documents", count(cluster.documents), "share_documents"),
            ("Share", percent(cluster.share_documents), "share_documents"),
            ("Tokens", percent(cluster.share_tokens), "share_tokens"),
            ("Median length", count(profile.lengths[1]), "median_length"),
        ]
    )
    mix = cached_results.mix_of_cluster(workspace, taxonomy, cluster.number)
    if mix:
        natural, weight, epochs = mix
        repeats = f", {epochs:.2f} epochs" if math.isfinite(epochs) else ""
        st.markdown(f"**Mix: weight {percent(weight)}{repeats}** :gray[natural share {percent(natural)}]")
    if not is_read_only():
        show_note(session, cluster)
    tabs = st.tabs([OVERVIEW, DOCUMENTS, DETAILS], key="panel_tabs", on_change="rerun")
    with tabs[0]:
        _show_overview(session, taxonomy, cluster, profile, subtopics=subtopics)
    if tabs[1].open:
        with tabs[1]:
            show_cluster_documents(session, taxonomy, cluster)
    with tabs[2]:
        _show_details(session, cluster)


def show_rename_form(session: Session, kind: Kind, item: Cluster | Group) -> None:
    """Show the field that renames a cluster or a group; it follows the name after undo, split and merge."""
    key = f"name_{kind}_{item.number}"
    edit_actions.follow_value(key, item.label)
    with st.form(f"form_{key}", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Name", key=key, max_chars=MAX_LABEL, label_visibility="collapsed", placeholder="Short name")
        st.form_submit_button(
            "Rename", on_click=lambda: edit_actions.on_edit(session, Rename(kind, item.number, str(widget(key) or "")))
        )
    edit_actions.show_refusal(session)


def describe_label_source(session: Session, cluster: Cluster) -> str:
    """Describe who named a cluster, safe in Markdown."""
    if cluster.label_source == "person":
        return "Named by a person"
    if cluster.label_source == "keywords":
        return "Named from its keywords"
    if cluster.label_source == "vocabulary":
        what = "its largest subjects, those" if cluster.label.startswith(MIXED) else "the subject"
        covered = f": {what} of {percent(cluster.coverage)} of its documents" if cluster.coverage else ""
        kind = f". Commonest kind of text: {escape(cluster.kind.lower())}" if cluster.kind else ""
        return f"Named by the vocabulary{covered}{kind}"
    model = model_of(session.workspace, cluster)
    which = f"the language model {escape(short(model, 60))}" if model else "a language model"
    return f"Named by {which} from the keywords and exemplars below"


def _show_overview(
    session: Session, taxonomy: Taxonomy, cluster: Cluster, profile: ClusterProfile, *, subtopics: bool
) -> None:
    _show_keywords(session, cluster)
    subtopics_slot = st.container(key="subtopics")  # Filled last, so that the rest can be read meanwhile.
    _show_exemplars(session, cluster)
    for column in profile.columns:
        _show_column(column, cluster)
    low, median, high = profile.lengths
    st.markdown(
        f"**Length: median {count(median)} tokens** :gray[corpus {count(profile.corpus_length)}; "
        f"90% of documents from {count(low)} to {count(high)}]"
    )
    _show_nearest(session, taxonomy, profile)
    if subtopics:
        with subtopics_slot:
            _show_subtopics(session, cluster)


def _show_keywords(session: Session, cluster: Cluster) -> None:
    st.markdown(f"**Keywords** :gray[{describe_label_source(session, cluster)}]", help=HINTS["keyword"])
    words = sorted(cluster.keywords, key=lambda word: -word[1])
    if not words:
        st.caption("No distinctive keywords.")
        return
    show_row_list(
        [
            ListColumn("Keyword", [term for term, _ in words]),
            ListColumn("Weight", [weight for _, weight in words], "bar", [f"{w:.2f}" for _, w in words], width=190),
        ],
        key=f"keywords_{cluster.number}",
        label="Keywords with their weights",
        height=31 + 23 * MAX_KEYWORDS,
    )


def _show_exemplars(session: Session, cluster: Cluster) -> None:
    st.markdown("**Most typical documents**", help=HINTS["exemplar"])
    rows = tuple(int(row) for row in cluster.exemplars)
    texts = session.workspace.texts(rows[:MAX_EXEMPLARS])
    for row, text in zip(rows[:MAX_EXEMPLARS], texts, strict=True):
        with st.container(
            border=True, height=150 if len(text) > 320 else "content", key=f"exemplar_{row}", gap="xsmall"
        ):
            st.text(short(text, EXCERPT))
            st.button(
                "Open document",
                key=f"open_exemplar_{row}",
                type="tertiary",
                icon=":material/open_in_full:",
                on_click=session.open_document,
                args=(row, rows),
            )


def _show_column(column: ColumnProfile, cluster: Cluster) -> None:
    if not column.counts:
        return
    total = sum(column.counts)
    name = escape(short(column.name, 40))
    st.markdown(f"**{name}: {percent(column.counts[0] / total)} {escape(short(column.values[0], 40))}**")
    shares = [n / total for n in column.counts]
    show_row_list(
        [
            ListColumn("Value", list(column.values)),
            ListColumn("Share", shares, "bar", [percent(share) for share in shares], width=150),
            ListColumn(
                "Corpus", list(column.corpus_shares), "number", [percent(s) for s in column.corpus_shares], width=72
            ),
        ],
        key=f"column_{column.name}_{cluster.number}",
        label=f"Values of {column.name} in the cluster",
        height=31 + 23 * MAX_VALUES,
    )


def _show_nearest(session: Session, taxonomy: Taxonomy, profile: ClusterProfile) -> None:
    nearest = profile.nearest[:MAX_NEAREST]
    if not nearest:
        return
    clusters = [taxonomy.cluster(number) for number, _ in nearest]
    st.markdown("**Nearest clusters**", help=HINTS["cosine"])
    show_row_list(
        [
            ListColumn("", [c.color for c in clusters], "dot", width=30),
            ListColumn("Cluster", [c.label for c in clusters]),
            ListColumn("Cosine", [cosine for _, cosine in nearest], "bar", [f"{c:.2f}" for _, c in nearest], width=150),
        ],
        key="nearest_clusters",
        label="Nearest clusters",
        on_open=lambda index: session.select(None, clusters[index].number),
    )


def _show_details(session: Session, cluster: Cluster) -> None:
    facts(
        [
            ("Mass", percent(cluster.mass), "mass"),
            ("Concentration", f"{cluster.concentration:,.1f}", "concentration"),
            ("Cohesion", f"{cluster.within_cosine:.3f}", "within"),
        ]
    )
    lists: Sequence[tuple[str, str, str, tuple[int, ...], tuple[str, ...]]] = (
        ("Typical", "gis", "exemplars", tuple(cluster.exemplars), ("gis", "confidence", "centrality", "density")),
        ("Between clusters", "margin", "borderline", tuple(cluster.borderline), ("margin", "gis")),
        ("Outliers", "gis", "atypical", tuple(cluster.atypical), ("gis", "confidence", "centrality", "density")),
    )
    for heading, hint, key, rows, scores in lists:
        st.markdown(f"**{heading}**", help=HINTS[hint])
        show_document_list(session, rows, key=f"{key}_{cluster.number}", show=scores, height=300)


def _show_subtopics(session: Session, cluster: Cluster) -> None:
    hint = "Parts found by a fit inside the cluster. Split makes them clusters with these names."
    with st.spinner("Finding subtopics"):
        parts = cached_results.subtopics(session.workspace, session.taxonomy, cluster.number)
    if not parts:
        st.markdown("**Subtopics**", help=hint)
        st.caption("No clear subtopics." if cluster.documents >= 24 else "Too few documents for subtopics.")
        return
    st.markdown(f"**{len(parts)} subtopics, largest {percent(parts[0].share)}**", help=hint)
    more = [", ".join(w for w in part.keywords if w.casefold() not in part.label.casefold()) for part in parts]
    show_row_list(
        [
            ListColumn("Subtopic", [part.label for part in parts], lines=2),
            ListColumn(
                "Share", [part.share for part in parts], "bar", [percent(part.share) for part in parts], width=104
            ),
            ListColumn("More keywords", more, lines=2),
        ],
        key=f"subtopics_{cluster.number}",
        label="Subtopics; a row opens its most typical document",
        on_open=lambda index: session.open_document(parts[index].exemplar),
    )
