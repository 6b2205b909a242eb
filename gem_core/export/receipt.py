"""Receipt: data hashes, parameters, versions, costs, and the command that reproduces the taxonomy."""

import hashlib
import shlex
from dataclasses import asdict
from typing import Any

import numpy as np

from gem_core.export.safe_csv import csv_text
from gem_core.export.saved_mix import saved_mix, saved_settings
from gem_core.export.tables import weights_table
from gem_core.workspace import Taxonomy, Workspace
from gem_core.workspace.manifest import versions
from gem_core.workspace.second_axis import mixing_taxonomy, read_axis

OPENING_CSV = (
    "Import the columns id and exemplar_ids as text: a spreadsheet that guesses turns 00123 into 123, long numbers "
    "into 1.2E+15 and 3-4 into a date"
)


def command(workspace: Workspace, taxonomy: Taxonomy) -> str:
    """Return the command line that makes this taxonomy from the same corpus file."""
    manifest, settings = workspace.manifest, taxonomy.settings
    words = ["gem-explorer", "fit", manifest.source, "--workspace", "DIR"]
    for part, option in (
        ("text", "--text-column"),
        ("id", "--id-column"),
        ("label", "--label-column"),
        ("tokens", "--tokens-column"),
    ):
        if not (part == "id" and manifest.options.get("id_guessed")):  # The same guess is dropped again.
            words += [option, manifest.columns.get(part) or ""]  # an empty name means none, and nothing is guessed
    for name, value in manifest.options.items():
        if name != "id_guessed":
            option = f"--{name.replace('_', '-')}"
            words += [option] if value is True else [option, str(value)]
    if manifest.encoder.endswith((".npy", ".parquet")):
        words += ["--embeddings", manifest.encoder]
        if not any(cluster.label_source == "vocabulary" for cluster in taxonomy.clusters):
            words += ["--keyword-names"]
    elif manifest.encoder != "packaged":
        words += ["--encoder", manifest.encoder]
    target = settings.target if isinstance(settings.target, str) else ",".join(repr(u) for u in settings.target)
    words += [
        "--clusters",
        str(settings.n_clusters),
        "--strength",
        repr(settings.strength),
        "--target",
        target,
        "--concentration",
        str(settings.concentration),
        "--solver",
        settings.solver,
        "--weighting",
        settings.weighting,
        "--seed",
        str(settings.seed),
    ]
    return shlex.join(words)


def _addition(record: dict[str, Any]) -> list[str]:
    """Return the words of the command that added documents."""
    vectors = ["--embeddings", record["vectors"]] if record["vectors"] else []
    return ["gem-explorer", "add", "DIR", record["source"], *vectors]


def receipt(workspace: Workspace, taxonomy: Taxonomy) -> dict[str, Any]:
    """Return the receipt of a taxonomy as JSON values.

    Holds versions, data and taxonomy hashes, seed, every parameter, how the fit ended, seconds, passes over the
    documents and peak memory of each step, and the command that reproduces the fit; documents that were added later
    have theirs under corpus. Where `edited` is true, people changed the fit afterwards, or it was numbered after an
    earlier one: edits.jsonl holds those steps.
    """
    manifest, fit = workspace.manifest, taxonomy.fit
    return {
        "command": command(workspace, taxonomy),
        "data_hash": manifest.data_hash,
        "taxonomy_hash": taxonomy.taxonomy_hash,
        "taxonomy_key": taxonomy.key,
        "corpus": {
            "source": manifest.source,
            "documents": manifest.documents,
            "tokens": manifest.tokens,
            "tokens_from": manifest.tokens_from,
            "refused": manifest.refused,
            "columns": manifest.columns,
            "options": manifest.options,
            "notes": list(manifest.notes),
            "additions": [
                {"command": shlex.join(_addition(record)), "documents": record["documents"]}
                for record in manifest.additions
            ],
        },
        "encoder": manifest.encoder,
        "dimension": manifest.dimension,
        "seed": taxonomy.settings.seed,
        "parameters": taxonomy.settings.to_json(),
        "fit": {
            "objective": float(fit.objective),
            "iterations": int(fit.n_iter),
            "converged": bool(fit.converged),
            "passes": int(fit.passes),
            "penalty": _finite(fit.penalty),
            "reference_concentration": float(fit.reference_concentration),
            "capped_clusters": [int(k) for k in np.flatnonzero(fit.capped)],
        },
        "costs": [asdict(cost) for cost in (*manifest.costs, *taxonomy.costs)],
        "versions": versions(),
        "versions_at_reading": manifest.versions,
        "steps": len(workspace.history().to(taxonomy.key)),
        "edited": taxonomy.edited,
        "mix": _mix(workspace, taxonomy),
        "opening_csv": OPENING_CSV,
        "labels_by_people": sum(c.label_source == "person" for c in taxonomy.clusters),
    }


def _mix(workspace: Workspace, taxonomy: Taxonomy) -> dict[str, Any] | None:
    """Return what the weights of the export rest on; None where no mix was set and they are the balanced ones."""
    domains = mixing_taxonomy(workspace, taxonomy)
    weights = saved_mix(workspace, domains)
    if weights is None:
        return None
    axis = read_axis(workspace)
    settings = saved_settings(workspace, domains)
    names = ("tau", "goal", "part")
    return {
        "strategy": weights.strategy,
        **{name: settings[name] for name in names if name in settings},
        "budget": weights.limits.budget,
        "max_epochs": weights.limits.max_epochs,
        "floor": weights.limits.floor,
        "fold": weights.limits.fold,
        "pool": None if weights.limits.pool is None else sum(weights.limits.pool),
        "carried_from": weights.carried_from,
        **({} if axis is None else {"axis": {"column": axis.column, "cuts": list(axis.cuts)}}),
        "weights_csv_sha256": hashlib.sha256(csv_text(weights_table(domains, weights)).encode()).hexdigest(),
    }


def _finite(value: float) -> float | str:
    return "inf" if np.isinf(value) else float(value)
