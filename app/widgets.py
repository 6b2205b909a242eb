"""Small pieces that several screens share. Corpus text goes through st.text, st.code and st.dataframe only."""

from collections.abc import Iterator
from contextlib import contextmanager

import cached
import streamlit as st
from state import Session

from gem_core.errors import GemError
from gem_core.workspace import Cluster, Taxonomy, Workspace

HINTS = {
    "strength": "How hard the shares are pulled to the target: 0 = plain mixture, 1 = matched to the data, inf = exactly the target.",
    "mass": "Soft share of a cluster in the fit: every document counts for each cluster by how much it belongs there.",
    "share": "Part of the corpus that lies in a cluster.",
    "concentration": "How tightly a cluster's documents gather around its centre; higher is tighter.",
    "margin": "Lead of a document's cluster over the next one, in nats. Small: borderline. Not a calibrated probability.",
    "gis": "Geometric Influence Score: confidence + centrality + density. High: a typical, unmistakable document.",
    "confidence": "Log of how much the document belongs to its cluster; 0 is the most.",
    "centrality": "Log density of the document under its cluster's distribution.",
    "density": "Log of the mean cosine to its nearest neighbours inside the cluster; 0 is the most.",
    "entropy": "Evenness of the shares: 1 = all equal, 0 = one cluster holds everything.",
    "effective": "Number of equally large clusters with the same evenness: exp of the entropy.",
    "ari": "Adjusted Rand index: agreement of two groupings, 1 = the same, 0 = as by chance.",
    "moved": "Documents that would change their cluster.",
}


def percent(fraction: float) -> str:
    """0.0523 -> '5.2%'."""
    return f"{100 * fraction:.1f}%"


def count(number: float) -> str:
    """24000 -> '24,000'."""
    return f"{number:,.0f}"


def escape(text: str) -> str:
    """Make text safe inside st.markdown, button labels and captions: nothing in it is read as Markdown or LaTeX."""
    flat = " ".join(text.split())
    return "".join("\\" + c if c in "\\`*_{}[]()<>#+-.!|~$:=&^@/" else c for c in flat)


def plain(text: str) -> str:
    """Make text safe as a Plotly label: Plotly reads a few HTML tags."""
    flat = " ".join(text.split())
    return flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def short(text: str, limit: int = 60) -> str:
    """Cut text to `limit` characters."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


@contextmanager
def guarded() -> Iterator[None]:
    """Show our own errors as what must hold, what came and what to do, instead of a traceback."""
    try:
        yield
    except GemError as error:
        with st.container(border=True):
            st.markdown(":material/error: **This cannot be done as asked**")
            st.text(str(error))


def header(session: Session) -> None:
    """One line above every screen: which corpus is open and how it is clustered."""
    workspace = cached.workspace(session.root)
    manifest = workspace.manifest
    facts = [f"**{escape(short(manifest.name))}**", f"{count(manifest.documents)} documents",
             f"{count(manifest.tokens)} tokens"]
    if workspace.database.history()[1] >= 0:
        taxonomy = cached.taxonomy(session.root)
        settings = taxonomy.settings
        facts += [f"{len(taxonomy.clusters)} clusters", f"strength {strength_text(settings.strength)}"]
    st.markdown(" &nbsp;·&nbsp; ".join(facts))


def strength_text(strength: float) -> str:
    """0.5 -> '0.5', inf -> 'exact'."""
    return "exact" if strength == float("inf") else f"{strength:.3g}"


def chip(cluster: Cluster) -> str:
    """Return Markdown for a cluster's name behind its colour."""
    return f":material/circle: {escape(cluster.label)}"


def reader(workspace: Workspace, taxonomy: Taxonomy, row: int) -> None:
    """Show one document: where it lies, how typical it is, its columns and its text."""
    record = workspace.documents.iloc[row]
    place = taxonomy.documents.iloc[row]
    cluster = taxonomy.clusters[int(place["cluster_id"])]
    second = taxonomy.clusters[int(place["second"])]
    st.text(f"{record['id']}")
    st.caption(f"in {escape(cluster.label)}, next {escape(second.label)}")
    for column, (name, value, hint) in zip(st.columns(4), (
            ("GIS", f"{place['gis']:.2f}", HINTS["gis"]), ("Margin", f"{place['margin']:.2f}", HINTS["margin"]),
            ("Cosine", f"{place['cosine']:.3f}", "Cosine to the centre of its cluster."),
            ("Tokens", count(record["tokens"]), "")), strict=True):
        column.metric(name, value, help=hint or None)
    others = {name: str(record[name]) for name in record.index if name not in ("id", "tokens")}
    if others:
        st.text("   ".join(f"{name}: {short(value, 80)}" for name, value in others.items()))
    with st.container(border=True, height=320):
        st.text(workspace.texts([row])[0][:100_000])
