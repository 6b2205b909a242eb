"""Programs that open a folder of parquet files as data: each prints the number of rows of FOLDER."""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

READERS = {
    "pandas": "import pandas; print(len(pandas.read_parquet(FOLDER)))",
    "pyarrow": "import pyarrow.dataset as d; print(d.dataset(FOLDER).count_rows())",
    "polars": "import polars; print(polars.read_parquet(FOLDER).height)",
    "duckdb": "import duckdb; print(duckdb.sql(f\"select count(*) from '{FOLDER}/**/*.parquet'\").fetchall()[0][0])",
    "datasets": "import datasets; print(datasets.load_dataset(FOLDER, split='train').num_rows)",
    "datatrove": "from datatrove.pipeline.readers import ParquetReader; print(sum(1 for _ in ParquetReader(FOLDER)()))",
}


def rows_by_reader(folder: Path, home: Path, names: Iterable[str]) -> dict[str, int]:
    """Rows that each program sees, in one process; `home` is for the files of Hugging Face."""
    code = "\n".join([f"FOLDER = {str(folder)!r}", *(READERS[name] for name in names)])
    environment = {**os.environ, "HF_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    completed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=120
    )
    assert completed.returncode == 0, completed.stderr
    return dict(zip(names, map(int, completed.stdout.split()), strict=True))
