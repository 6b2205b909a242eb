"""Cluster cards of the report: figures, keywords and excerpts of a few documents."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gem_core._formatting import clean, count, decimal, percent
from gem_core.workspace import Cluster, Taxonomy, Workspace

OPENING = 260  # characters of a document that are shown
SOURCES = {
    "keywords": "named from its keywords",
    "vocabulary": "named by the vocabulary",
    "llm": "named by a language model",
    "person": "named by a person",
}


@dataclass(frozen=True)
class Opening:
    """The first words of a document; `row` is its place in the corpus."""

    row: int
    id: str
    text: str
    gis: str
    margin: str


@dataclass(frozen=True)
class Card:
    """One cluster as the report shows it; `position` is its place among the clusters, `group` its group's."""

    position: int
    number: int
    label: str
    source: str
    group: int
    group_label: str
    color: str
    keywords: tuple[str, ...]
    documents: str
    tokens: str
    share: float
    share_documents: str
    share_tokens: str
    mass: str
    concentration: str
    within: str
    marks: tuple[str, ...]
    note: str
    exemplars: tuple[Opening, ...]
    borderline: tuple[Opening, ...]


@dataclass(frozen=True)
class GroupCard:
    """A group of clusters and the places of its children, largest first."""

    label: str
    source: str
    color: str
    children: tuple[int, ...]
    share: float
    share_documents: str


def cards(workspace: Workspace, taxonomy: Taxonomy) -> tuple[Card, ...]:
    """One card a cluster, in the order of the taxonomy."""
    exemplars, borderline = _numbers(len(taxonomy.clusters))
    example_rows = {c.number: (c.exemplars[:exemplars], c.borderline[:borderline]) for c in taxonomy.clusters}
    openings = _openings(
        workspace, taxonomy, sorted({row for parts in example_rows.values() for p in parts for row in p})
    )
    group_of = {number: group_index for group_index, parent in enumerate(taxonomy.groups) for number in parent.children}
    total = sum(c.mass for c in taxonomy.clusters if not c.excluded) or 1.0
    cluster_cards = []
    for cluster_index, c in enumerate(taxonomy.clusters):
        group = group_of.get(c.number, 0)
        cluster_cards.append(
            Card(
                position=cluster_index,
                number=c.number,
                label=clean(c.label, 120) or f"Cluster {c.number}",
                source=SOURCES.get(c.label_source, ""),
                group=group,
                group_label=clean(taxonomy.groups[group].label, 120),
                color=report_color(c),
                keywords=tuple(word for term, _ in c.keywords[:10] if (word := clean(term, 60))),
                documents=count(c.documents),
                tokens=count(c.tokens),
                share=c.share_documents,
                share_documents=percent(c.share_documents),
                share_tokens=percent(c.share_tokens),
                mass=percent(0.0 if c.excluded else c.mass / total),
                concentration=decimal(c.concentration, 1),
                within=decimal(c.within_cosine, 3),
                marks=tuple(
                    word for word, on in (("pinned", c.pinned), ("excluded", c.excluded), ("checked", c.checked)) if on
                ),
                note=clean(c.note, 2000),
                exemplars=tuple(openings[row] for row in example_rows[c.number][0]),
                borderline=tuple(openings[row] for row in example_rows[c.number][1]),
            )
        )
    return tuple(cluster_cards)


def groups(taxonomy: Taxonomy) -> tuple[GroupCard, ...]:
    """Return the groups in the order of the taxonomy."""
    places = {c.number: cluster_index for cluster_index, c in enumerate(taxonomy.clusters)}
    report_groups = []
    for p in taxonomy.groups:
        children = sorted(
            (places[number] for number in p.children if number in places),
            key=lambda cluster_index: -taxonomy.clusters[cluster_index].documents,
        )
        share = sum(taxonomy.clusters[cluster_index].share_documents for cluster_index in children)
        report_groups.append(
            GroupCard(
                label=clean(p.label, 120),
                source=SOURCES.get(p.label_source, ""),
                color=_hex(p.color),
                children=tuple(children),
                share=share,
                share_documents=percent(share),
            )
        )
    return tuple(report_groups)


def report_color(cluster: Cluster) -> str:
    """Color of a cluster on the map; an excluded one is gray."""
    return "#8b97a8" if cluster.excluded else _hex(cluster.color)


def _hex(text: str) -> str:
    """Return a color that can stand in a style sheet, whatever a workspace from elsewhere holds."""
    digits = text[1:]
    return (
        text if len(text) == 7 and text[0] == "#" and all(c in "0123456789abcdefABCDEF" for c in digits) else "#8b97a8"
    )


def _numbers(clusters: int) -> tuple[int, int]:
    """Exemplars and borderline documents of each cluster: fewer where there are many clusters."""
    return (6, 3) if clusters <= 120 else (3, 1) if clusters <= 500 else (1, 0)


def _openings(workspace: Workspace, taxonomy: Taxonomy, rows: Sequence[int]) -> dict[int, Opening]:
    ids = workspace.documents["id"].astype(str).to_numpy()
    scores = taxonomy.documents
    gis, margin = (scores[name].to_numpy(np.float64) for name in ("gis", "margin"))
    return {
        row: Opening(row, clean(ids[row], 80), clean(text, OPENING), decimal(gis[row]), decimal(margin[row]))
        for row, text in zip(rows, workspace.texts(rows) if rows else [], strict=True)
    }
