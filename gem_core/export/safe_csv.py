"""CSV whose text a spreadsheet cannot run, and whose ids are those of the corpus."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gem_core.workspace.atomic_files import check_output, write_text

WIDE = ("\uff1d", "\uff0b", "\uff0d", "\uff20")  # full-width = + - @: East Asian spreadsheets read them like the others
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", *WIDE)
IDS = ("id", "exemplar_ids")  # columns that other programs join by
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def neutral(cell: Any) -> Any:
    """Put an apostrophe before text that a spreadsheet would read as a formula; numbers stay as they are.

    Examples
    --------
    >>> neutral("=1+1"), neutral("-3.5"), neutral("plain"), neutral(-2)
    ("'=1+1", '-3.5', 'plain', -2)
    """
    if isinstance(cell, str) and cell.startswith(DANGEROUS) and not NUMBER.fullmatch(cell):
        return "'" + cell
    return cell


def neutral_table(table: pd.DataFrame, *, excel: bool = False) -> pd.DataFrame:
    """Return a copy in which text cells and headers are neutral; ids stay as they are, but for `excel`."""
    safe = table.copy()
    for name in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[name]) and (excel or name not in IDS):
            safe[name] = pd.Series([neutral(v) for v in safe[name]], index=safe.index, dtype=object)
    safe.columns = pd.Index([neutral(str(name)) for name in safe.columns])
    return safe


def csv_text(table: pd.DataFrame, *, excel: bool = False) -> str:
    """Return a table as CSV text (RFC 4180, so lines end in CR LF) with text cells and headers made neutral.

    Truth is written true and false. Ids are never changed, so that they join with the corpus. With `excel` the text
    begins with a byte-order mark, by which Excel knows UTF-8, and ids are made neutral too.
    """
    words = table.assign(
        **{str(name): np.where(table[name], "true", "false") for name in table.columns if table[name].dtype == bool}
    )
    text = str(neutral_table(words, excel=excel).to_csv(index=False, lineterminator="\r\n"))
    return f"\ufeff{text}" if excel else text


def write_csv(path: Path, table: pd.DataFrame, *, excel: bool = False) -> None:
    """Write `csv_text`, whole or not at all."""
    check_output(path)
    write_text(path, csv_text(table, excel=excel))
