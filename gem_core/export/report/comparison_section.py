"""Comparison in the report: the taxonomy beside its label column and beside the methods it was compared with."""

from dataclasses import dataclass

from gem_core._formatting import clean, percent
from gem_core.pipeline.compare.comparison import Comparison, at_hand, compare, headline
from gem_core.pipeline.compare.partitions import MOST_VALUES
from gem_core.pipeline.compare.refits import METHODS
from gem_core.pipeline.compare.stability import read_stability
from gem_core.workspace import Taxonomy, Workspace

HALF = 0.5  # Jaccard from which a cluster counts as matched


@dataclass(frozen=True)
class ComparisonSection:
    """Comparisons as text.

    Attributes
    ----------
    title : str
        What the first comparison shows.
    rows : tuple of (grouping, its groups, ARI, NMI, documents in matched groups, matched clusters)
    stability : tuple of (method, ARI between seeds with its 95% interval, the same between resamples)
        Of the stability studies that were run.
    """

    title: str
    rows: tuple[tuple[str, str, str, str, str, str], ...]
    stability: tuple[tuple[str, str, str], ...]


def comparison_section(workspace: Workspace, taxonomy: Taxonomy) -> ComparisonSection | None:
    """Compare with the label column, and with each method whose fit is stored; None if there is neither."""
    own = "present" if taxonomy.key == workspace.taxonomy().key else f"step:{taxonomy.key}"
    column = workspace.manifest.columns.get("label")
    specs = [f"column:{column}"] if _is_label_column(workspace, column) else []
    specs += [method for method in METHODS if method != "gem" and at_hand(workspace, method)]
    comparisons = [compare(workspace, own, spec) for spec in specs]
    if not comparisons:
        return None
    return ComparisonSection(
        title=f"Comparison: {clean(headline(comparisons[0]), 200)}",
        rows=tuple(_row(comparison) for comparison in comparisons),
        stability=_stability(workspace),
    )


def _is_label_column(workspace: Workspace, column: str | None) -> bool:
    table = workspace.documents
    return bool(column) and column in table.columns and 2 <= table[column].nunique() <= MOST_VALUES


def _row(comparison: Comparison) -> tuple[str, str, str, str, str, str]:
    matched = int((comparison.best("a")[1] >= HALF).sum())
    return (
        clean(comparison.b.title, 80),
        str(len(comparison.b.names)),
        f"{comparison.ari:.3f}",
        f"{comparison.nmi:.3f}",
        percent(comparison.stay),
        f"{matched} of {len(comparison.a.names)}",
    )


def _stability(workspace: Workspace) -> tuple[tuple[str, str, str], ...]:
    """Return mean agreement of refits with its interval, for each method that was studied."""
    rows = []
    for method, name in METHODS.items():
        study = read_stability(workspace, method)
        if study is None:
            continue
        texts = []
        for repeats in (study.seeds, study.resamples):
            mean = repeats.summary()
            texts.append("-" if mean is None else f"{mean.mean:.3f} ({mean.low:.3f} to {mean.high:.3f})")
        rows.append((name, texts[0], texts[1]))
    return tuple(rows)
