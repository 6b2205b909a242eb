"""Export a taxonomy as a folder of files that replace an older export together."""

import os
import shutil
import tempfile
from pathlib import Path

from gem_core._shared_files import temporary_folder
from gem_core._storage import is_remote, output_path, upload_together
from gem_core.export.receipt import receipt
from gem_core.export.safe_csv import write_csv
from gem_core.export.saved_mix import saved_mix
from gem_core.export.tables import assignments_table, map_table, taxonomy_table, weights_table
from gem_core.workspace import Taxonomy, Workspace, edits_text
from gem_core.workspace.atomic_files import clear_leftovers_of, unwritable, write_json, write_parquet, write_text
from gem_core.workspace.integrity import hash_file
from gem_core.workspace.second_axis import mixing_taxonomy

NAMES = ("taxonomy.csv", "assignments.csv", "assignments.parquet", "weights.csv", "edits.jsonl", "receipt.json")


def export(workspace: Workspace, out: Path, *, excel: bool = False) -> tuple[Path, ...]:
    """Write taxonomy.csv, assignments.csv, assignments.parquet, weights.csv, edits.jsonl and receipt.json.

    Parameters
    ----------
    workspace : Workspace
    out : Path
        Folder, made if absent; files of these names in it are replaced when all are written. receipt.json holds
        the sha256 of the others, so that files of two exports can be told apart.
    excel : bool
        Begin CSV files with a byte-order mark, and make ids that look like formulas neutral; else ids are unchanged.

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    WorkspaceError
        If nothing has been fitted yet, or `out` cannot be written.
    """
    taxonomy, out = workspace.taxonomy(), output_path(out)
    if is_remote(out):
        with tempfile.TemporaryDirectory(prefix="gem-explorer-") as folder:
            _fill(workspace, taxonomy, Path(folder), excel)
            upload_together(Path(folder), out, NAMES)
        return tuple(out / name for name in NAMES)
    try:
        out.mkdir(parents=True, exist_ok=True)
        clear_leftovers_of(out / "export")
        beside = temporary_folder(out / "export")
    except OSError as error:
        raise unwritable(out, error) from error
    try:
        _fill(workspace, taxonomy, beside, excel)
        for name in NAMES:  # Only renames from here on; the receipt, with the hashes of the others, comes last.
            os.replace(beside / name, out / name)
    except OSError as error:
        raise unwritable(out, error) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return tuple(out / name for name in NAMES)


def _fill(workspace: Workspace, taxonomy: Taxonomy, beside: Path, excel: bool) -> None:
    write_csv(beside / "taxonomy.csv", taxonomy_table(workspace, taxonomy), excel=excel)
    write_csv(beside / "assignments.csv", assignments_table(workspace, taxonomy), excel=excel)
    write_parquet(beside / "assignments.parquet", map_table(workspace, taxonomy), row_group_size=1 << 17)
    domains = mixing_taxonomy(workspace, taxonomy)
    write_csv(beside / "weights.csv", weights_table(domains, saved_mix(workspace, domains)), excel=excel)
    write_text(beside / "edits.jsonl", edits_text(workspace.history().to(taxonomy.key)))
    files = {name: hash_file(beside / name) for name in NAMES if name != "receipt.json"}
    facts = receipt(workspace, taxonomy)
    if facts["mix"] is not None:
        facts["mix"]["weights_csv_sha256"] = files["weights.csv"]
    write_json(beside / "receipt.json", {**facts, "files": files})
