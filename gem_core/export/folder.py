"""Everything a person takes away, in one folder."""

from pathlib import Path

from gem_core.export.receipt import receipt
from gem_core.export.safe_csv import write_csv
from gem_core.export.saved_mix import saved_mix
from gem_core.export.tables import assignments_table, map_table, taxonomy_table, weights_table
from gem_core.workspace import Workspace, edits_text
from gem_core.workspace.atomic_files import write_json, write_parquet, write_text

NAMES = ("taxonomy.csv", "assignments.csv", "assignments.parquet", "weights.csv", "edits.jsonl", "receipt.json")


def export(workspace: Workspace, out: Path) -> tuple[Path, ...]:
    """Write taxonomy.csv, assignments.csv, assignments.parquet, weights.csv, edits.jsonl and receipt.json.

    Parameters
    ----------
    workspace : Workspace
    out : Path
        Folder, made if absent; files of these names in it are replaced, each whole or not at all.

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    WorkspaceError
        If nothing has been fitted yet, or `out` cannot be written.
    """
    taxonomy = workspace.taxonomy()
    write_csv(out / "taxonomy.csv", taxonomy_table(workspace, taxonomy))
    write_csv(out / "assignments.csv", assignments_table(workspace, taxonomy))
    write_parquet(out / "assignments.parquet", map_table(workspace, taxonomy), row_group_size=1 << 17)
    write_csv(out / "weights.csv", weights_table(taxonomy, saved_mix(workspace, taxonomy)))
    write_text(out / "edits.jsonl", edits_text(workspace.history().to(taxonomy.key)))
    write_json(out / "receipt.json", receipt(workspace, taxonomy))
    return tuple(out / name for name in NAMES)
