"""Export view: names, descriptions and contents of the files."""

import io
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gem_core.export import assignments_table, csv_text, export, taxonomy_table, weights_table
from gem_core.export.saved_mix import saved_mix
from gem_core.workspace import Taxonomy, Workspace, edits_text
from gem_core.workspace.second_axis import mixing_taxonomy

Table = Callable[[Workspace, Taxonomy], pd.DataFrame]


@dataclass(frozen=True)
class File:
    """File to download; `content` runs only when its button is pressed, and is told whether it is for Excel."""

    name: str
    about: str
    mime: str
    content: Callable[[Workspace, Taxonomy, bool], bytes]
    table: Table | None = None


def everything(workspace: Workspace, excel: bool = False) -> bytes:
    """Return all files as one zip, the same bytes that `gem-explorer export` writes."""
    packed = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in export(workspace, Path(folder), excel=excel):
            archive.write(path, path.name)
    return packed.getvalue()


def _csv(table: Table) -> Callable[[Workspace, Taxonomy, bool], bytes]:
    return lambda workspace, taxonomy, excel: csv_text(table(workspace, taxonomy), excel=excel).encode()


def _exported(name: str) -> Callable[[Workspace, Taxonomy, bool], bytes]:
    """Return the maker of one file as `export` writes it: the receipt holds the hashes of these bytes."""

    def read(workspace: Workspace, taxonomy: Taxonomy, excel: bool) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            export(workspace, Path(folder), excel=excel)
            return (Path(folder) / name).read_bytes()

    return read


def _weights(workspace: Workspace, taxonomy: Taxonomy) -> pd.DataFrame:
    domains = mixing_taxonomy(workspace, taxonomy)
    return weights_table(domains, saved_mix(workspace, domains))


def _edits(workspace: Workspace, taxonomy: Taxonomy, excel: bool) -> bytes:
    return edits_text(workspace.history().to(taxonomy.key)).encode()


def _steps(workspace: Workspace, taxonomy: Taxonomy) -> pd.DataFrame:
    steps = workspace.history().to(taxonomy.key)
    return pd.DataFrame(
        {
            "step": range(1, len(steps) + 1),
            "at": [str(s.at)[:19].replace("T", " ") for s in steps],
            "sentence": [s.sentence for s in steps],
        }
    )


FILES = (
    File(
        "taxonomy.csv",
        "one row per cluster: label, group, keywords, shares, mass, exemplars",
        "text/csv",
        _csv(taxonomy_table),
        taxonomy_table,
    ),
    File(
        "assignments.csv",
        "one row per document: ID, cluster, label, margin, GIS",
        "text/csv",
        _csv(assignments_table),
        assignments_table,
    ),
    File(
        "assignments.parquet",
        "the same with flat-map coordinates, for embedding-atlas, pandas, DuckDB",
        "application/vnd.apache.parquet",
        _exported("assignments.parquet"),
    ),
    File(
        "weights.csv",
        "mixing weight, natural share and ratio of each cluster",
        "text/csv",
        _csv(_weights),
        _weights,
    ),
    File(
        "edits.jsonl",
        "one line per step, readable and replayable",
        "application/x-ndjson",
        _edits,
        _steps,
    ),
    File(
        "receipt.json", "hashes, versions, parameters, costs and command", "application/json", _exported("receipt.json")
    ),
)
