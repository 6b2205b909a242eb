"""Tables, files, the report and the receipt that go out of a workspace."""

from gem_core.export.folder import NAMES, export
from gem_core.export.mixtures import FORMATS, mixture_text, write_weights
from gem_core.export.receipt import command, receipt
from gem_core.export.report import report_html, write_report
from gem_core.export.safe_csv import csv_text, neutral_table, write_csv
from gem_core.export.tables import assignments_table, map_table, taxonomy_table, weights_table

__all__ = [
    "FORMATS",
    "NAMES",
    "assignments_table",
    "command",
    "csv_text",
    "export",
    "map_table",
    "mixture_text",
    "neutral_table",
    "receipt",
    "report_html",
    "taxonomy_table",
    "weights_table",
    "write_csv",
    "write_report",
    "write_weights",
]
