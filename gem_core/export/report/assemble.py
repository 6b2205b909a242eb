"""Assemble the report of a workspace from its parts, with progress."""

from dataclasses import asdict
from typing import Any

from gem_core._formatting import clean, count, percent, strength_text
from gem_core._types import Progress
from gem_core._version import __version__
from gem_core.export.report.comparison_section import comparison_section
from gem_core.export.report.content import Card, GroupCard, cards, groups
from gem_core.export.report.facts import measures, receipt_rows
from gem_core.export.report.figure_files import figure_files
from gem_core.export.report.label_breakdown import label_breakdown
from gem_core.export.report.mix import mix_section
from gem_core.export.report.page import page
from gem_core.export.report.points import Points, pack
from gem_core.export.report.svg_chart import path_chart
from gem_core.geometry import effective_number
from gem_core.workspace import Taxonomy, Workspace

STEP = "write the report"
PARTS = 6


def assemble(workspace: Workspace, taxonomy: Taxonomy, progress: Progress) -> str:
    """Gather the parts and fill the page."""
    progress(STEP, 0, PARTS)
    points = pack(workspace, taxonomy)
    progress(STEP, 1, PARTS)
    cluster_cards, tree = cards(workspace, taxonomy), groups(taxonomy)
    progress(STEP, 2, PARTS)
    figures = measures(workspace, taxonomy)
    progress(STEP, 4, PARTS)
    chart, receipt = path_chart(workspace, taxonomy), receipt_rows(workspace, taxonomy)
    progress(STEP, 5, PARTS)
    order = sorted(
        range(len(cluster_cards)), key=lambda at: ("excluded" in cluster_cards[at].marks, -cluster_cards[at].share, at)
    )
    text = page(
        colors=[card.color for card in cluster_cards],
        data=_data(workspace, taxonomy, points, cluster_cards, tree),
        name=clean(workspace.manifest.name, 120) or "Corpus",
        facts=_facts(workspace, taxonomy, tree),
        headline=_headline(taxonomy),
        evenness=_evenness(taxonomy),
        drawn=count(len(points.rows)),
        sampled=len(points.rows) < len(workspace),
        cards=cluster_cards,
        groups=tree,
        order=order,
        measures=figures,
        chart=chart,
        receipt=receipt,
        mix=mix_section(workspace, taxonomy),
        labels=label_breakdown(workspace, taxonomy),
        comparison=comparison_section(workspace, taxonomy),
        figures=figure_files(workspace, taxonomy),
        edits=_edits(workspace, taxonomy),
        version=__version__,
        most=max((card.share for card in cluster_cards), default=1.0) or 1.0,
    )
    progress(STEP, PARTS, PARTS)
    return text


def _data(
    workspace: Workspace,
    taxonomy: Taxonomy,
    points: Points,
    cluster_cards: tuple[Card, ...],
    tree: tuple[GroupCard, ...],
) -> dict[str, Any]:
    """Return what the scripts of the page need: positions, colors, names and sizes."""
    total = sum(c.mass for c in taxonomy.clusters if not c.excluded) or 1.0
    return {
        "points": points.packed,
        "documents": len(workspace),
        "clusters": [
            {
                "number": c.number,
                "label": card.label,
                "color": card.color,
                "group": card.group,
                "documents": 0 if c.excluded else c.documents,
                "tokens": 0 if c.excluded else c.tokens,
                "mass": 0 if c.excluded else round(c.mass / total, 6),
                "size": c.documents,
                "shares": [card.share_documents, card.share_tokens, card.mass],
                "exemplars": points.places(tuple(o.row for o in card.exemplars)),
            }
            for c, card in zip(taxonomy.clusters, cluster_cards, strict=True)
        ],
        "groups": [{**asdict(group), "source": ""} for group in tree],
    }


def _facts(workspace: Workspace, taxonomy: Taxonomy, tree: tuple[GroupCard, ...]) -> tuple[str, ...]:
    return (
        f"{count(len(workspace))} documents",
        f"{count(workspace.manifest.tokens)} tokens",
        f"{len(taxonomy.clusters)} clusters in {len(tree)} {'group' if len(tree) == 1 else 'groups'}",
        f"strength {strength_text(taxonomy.settings.strength)}",
    )


def _edits(workspace: Workspace, taxonomy: Taxonomy) -> tuple[dict[str, str], ...]:
    """Return the steps in words, where there is more than the first fit."""
    steps = workspace.history().to(taxonomy.key)
    return (
        tuple(
            {"sentence": clean(step.sentence, 400), "at": clean(step.at[:16].replace("T", " "), 16) + " UTC"}
            for step in steps
        )
        if len(steps) > 1
        else ()
    )


def _headline(taxonomy: Taxonomy) -> str:
    shares = [c.share_documents for c in taxonomy.clusters if not c.excluded]
    return f"{len(shares)} clusters, from {percent(min(shares))} to {percent(max(shares))} of the documents"


def _evenness(taxonomy: Taxonomy) -> str:
    shares = [c.documents for c in taxonomy.clusters if not c.excluded]
    return f"As even as {effective_number(shares):.1f} clusters of one size"
