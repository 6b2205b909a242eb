"""Report figures of the whole taxonomy: quality measures, receipt, costs."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from gem_core._formatting import clean, count, decimal, percent, strength_text
from gem_core.clustering import agreement, balance_measures, silhouette
from gem_core.export.receipt import receipt
from gem_core.projection import trustworthiness
from gem_core.workspace import Taxonomy, Workspace

SAMPLE = 2000  # documents for the silhouette
TRUSTED = 96  # documents for the trustworthiness of the map
NEIGHBORS = 15


@dataclass(frozen=True)
class Measure:
    """A figure, and what it says."""

    name: str
    value: str
    note: str


def measures(workspace: Workspace, taxonomy: Taxonomy) -> tuple[Measure, ...]:
    """Return quality measures: evenness, cohesion and separation of the clusters, trustworthiness of the map."""
    living = [c for c in taxonomy.clusters if not c.excluded]
    even = balance_measures([c.documents for c in living])
    table, labels, n = taxonomy.documents, taxonomy.positions, len(workspace)
    rows = [
        Measure(
            "Effective clusters",
            f"{even.effective_clusters:.1f} of {len(living)}",
            "clusters of equal size that would be as even",
        ),
        Measure("Normalized entropy", decimal(even.normalized_entropy, 3), "1 = all shares equal"),
        Measure(
            "Largest and smallest share", f"{percent(even.largest)} and {percent(even.smallest)}", "of the documents"
        ),
        Measure("Empty clusters", str(even.empty), "below a thousandth of an even share"),
    ]
    rows += [
        Measure("Cosine to the center", decimal(table["cosine"].mean(), 3), "mean; 1 = all the same direction"),
        Measure(
            "Margin",
            f"{decimal(table['margin'].median())} nats",
            "median lead over the next cluster; small = borderline",
        ),
    ]
    some = np.sort(np.random.default_rng(0).choice(n, min(SAMPLE, n), replace=False))
    if np.isfinite(score := silhouette(workspace.embeddings[some], labels[some], sample=SAMPLE)):
        rows.append(Measure("Silhouette", decimal(score, 3), f"by cosine, {count(len(some))} documents; -1 to 1"))
    rows += _known_labels(workspace, taxonomy)
    if n > 2 * NEIGHBORS:
        trust = trustworthiness(workspace.embeddings, workspace.sphere, neighbors=NEIGHBORS, sample=TRUSTED)
        rows.append(
            Measure(
                "Trust in the map",
                decimal(trust, 2),
                f"trustworthiness of its neighborhoods, {min(TRUSTED, n)} documents; 1 = all",
            )
        )
    return tuple(rows)


def _known_labels(workspace: Workspace, taxonomy: Taxonomy) -> list[Measure]:
    column = workspace.manifest.columns.get("label")
    if not column or column not in workspace.documents.columns:
        return []
    label_values = workspace.documents[column]
    has_label = label_values.notna().to_numpy()
    if has_label.sum() < 2:
        return []
    label_agreement = agreement(
        label_values[has_label].astype(str).to_numpy(), taxonomy.documents["cluster_id"].to_numpy()[has_label]
    )
    return [
        Measure(
            "Agreement with the labels",
            f"ARI {decimal(label_agreement.ari, 3)}, NMI {decimal(label_agreement.nmi, 3)}",
            f"column {clean(column, 40)}; ARI 0 = as by chance, 1 = the same",
        )
    ]


@dataclass(frozen=True)
class Receipt:
    """The receipt in rows a person can read, and whole as JSON."""

    command: str
    hashes: tuple[tuple[str, str], ...]
    parameters: tuple[tuple[str, str], ...]
    costs: tuple[tuple[str, str, str, str], ...]
    versions: tuple[tuple[str, str], ...]
    whole: str


def receipt_rows(workspace: Workspace, taxonomy: Taxonomy) -> Receipt:
    """Return what was done, with what, at what cost."""
    receipt_facts, settings = receipt(workspace, taxonomy), taxonomy.settings
    fit = receipt_facts["fit"]
    corpus = receipt_facts["corpus"]
    target = settings.target if isinstance(settings.target, str) else f"{len(settings.target)} own shares"
    refused = sum(corpus["refused"].values())
    parameters = (
        ("Corpus file", clean(str(corpus["source"]), 200)),
        ("Documents", f"{count(corpus['documents'])}, {count(refused)} rows refused"),
        *(
            ("Added later", f"{count(part['documents'])}: {clean(part['command'], 200)}")
            for part in corpus["additions"]
        ),
        *(("Note", clean(note, 300)) for note in corpus["notes"]),
        ("Tokens", f"{count(corpus['tokens'])} ({clean(str(corpus['tokens_from']), 60)})"),
        ("Vectors", f"{clean(str(receipt_facts['encoder']), 120)}, {receipt_facts['dimension']} dimensions"),
        ("Clusters asked for", str(settings.n_clusters)),
        ("Strength", strength_text(settings.strength)),
        ("Penalty", decimal(fit["penalty"], 2)),
        ("Reference concentration", decimal(fit["reference_concentration"], 2)),
        ("Target", target),
        ("Concentration", str(settings.concentration).replace("_", " ")),
        ("Solver", settings.solver),
        ("Shares counted in", settings.weighting),
        ("Seed", str(settings.seed)),
        ("Objective", f"{decimal(fit['objective'], 6)} nats per document"),
        ("Fit", f"{fit['iterations']} iterations, {'converged' if fit['converged'] else 'NOT converged'}"),
    )
    return Receipt(
        command=clean(receipt_facts["command"], 2000),
        hashes=(
            ("Data", receipt_facts["data_hash"]),
            ("Taxonomy", receipt_facts["taxonomy_hash"]),
            ("Key", receipt_facts["taxonomy_key"]),
        ),
        parameters=parameters,
        costs=tuple(
            (
                clean(str(cost["step"]), 40),
                decimal(cost["seconds"], 2),
                str(cost["passes"]),
                count(cost["peak_memory_mib"]),
            )
            for cost in receipt_facts["costs"]
        ),
        versions=tuple((name, clean(str(version), 40)) for name, version in receipt_facts["versions"].items()),
        whole=_whole(receipt_facts),
    )


def _whole(receipt_facts: dict[str, Any]) -> str:
    return json.dumps(receipt_facts, indent=1, sort_keys=True, ensure_ascii=True)
