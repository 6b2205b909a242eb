"""CSV that a spreadsheet cannot run."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gem_core.workspace.atomic_files import check_output, write_text

WIDE = ("\uff1d", "\uff0b", "\uff0d", "\uff20")  # full-width = + - @: East Asian spreadsheets read them like the others
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", *WIDE)
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


def neutral_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return a copy in which every cell and header is neutral."""
    safe = table.copy()
    for name in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[name]):
            safe[name] = pd.Series([neutral(v) for v in safe[name]], index=safe.index, dtype=object)
    safe.columns = pd.Index([neutral(str(name)) for name in safe.columns])
    return safe


def csv_text(table: pd.DataFrame) -> str:
    """Return a table as CSV text (RFC 4180, so lines end in CR LF) with every cell and header made neutral.

    Truth is written true and false.
    """
    words = table.assign(
        **{str(name): np.where(table[name], "true", "false") for name in table.columns if table[name].dtype == bool}
    )
    return str(neutral_table(words).to_csv(index=False, lineterminator="\r\n"))


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write `csv_text`, whole or not at all."""
    check_output(path)
    write_text(path, csv_text(table))
