"""Tables, files and the receipt that go out of a workspace."""

from gem_core.export.folder import export
from gem_core.export.receipt import command, receipt
from gem_core.export.safe_csv import csv_text, neutral_table, write_csv
from gem_core.export.tables import assignments_table, taxonomy_table, weights_table

__all__ = ["assignments_table", "command", "csv_text", "export", "neutral_table", "receipt", "taxonomy_table",
           "weights_table", "write_csv"]
