"""Run the study: `python -m benchmarks.study [TABLE] [--small] --data FOLDER`.

FOLDER holds corpora as NAME.parquet (columns text and label; webmix, webmix_small, agnews), their packaged vectors as
NAME.minilm.npy where they exist, and manual pages unpacked to manpages/ja, zh, de and es. A corpus that is not there is
said to be missing. Results go to --out; each cell is kept in --work, so that a second start goes on where the first
one ended.
"""

import argparse
import os
import sys
import warnings
from importlib import import_module
from pathlib import Path

from benchmarks._harness import ROOT
from benchmarks.study.corpora import Corpora
from benchmarks.study.report import write_results
from benchmarks.study.runner import Cell, Scale, Study, run_cells

TABLES = ("mixing", "contamination", "cost", "peers", "influence", "clusterings")
RESULTS = ROOT / "benchmarks" / "results" / "study"


def studies() -> dict[str, Study]:
    """Return the tables by name, in the order in which they run."""
    return {name: import_module(f"benchmarks.study.{name}").STUDY for name in TABLES}


def parse_options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.study", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("table", nargs="?", choices=TABLES, help="default: all")
    parser.add_argument("--small", action="store_true", help="small settings: minutes of one core")
    parser.add_argument("--corpora", help="only these corpora, separated by commas; the table then holds no others")
    parser.add_argument("--data", type=Path, required=True, help="folder with the corpora")
    parser.add_argument("--encoder", type=Path, help="folder with the unpacked package wordllama, the second encoder")
    parser.add_argument("--out", type=Path, help=f"folder for the results, default {RESULTS.relative_to(ROOT)}")
    parser.add_argument("--work", type=Path, default=Path("build/study"), help="folder for finished cells and vectors")
    return parser.parse_args(words)


def select_corpora(cells: list[Cell], names: str | None) -> list[Cell]:
    """Return the cells of some corpora, "sample,agnews"; all of them when there are no names."""
    corpus_names = names.split(",") if names else sorted({str(cell["corpus"]) for cell in cells})
    unknown = set(corpus_names) - {cell["corpus"] for cell in cells}
    if unknown:
        raise SystemExit(f"--corpora must name corpora of the table; got {', '.join(sorted(unknown))}")
    return [cell for cell in cells if cell["corpus"] in corpus_names]


def main(words: list[str]) -> None:
    options = parse_options(words)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    warnings.simplefilter("ignore")
    scale = Scale(options.small)
    corpora = Corpora(options.data, options.work / "corpora", options.encoder)
    folder = (options.out or RESULTS) / ("small" if options.small else "full")
    flags = (" --small" if options.small else "") + (f" --corpora {options.corpora}" if options.corpora else "")
    for name in [options.table] if options.table else TABLES:
        study = studies()[name]
        path = options.work / ("small" if options.small else "full") / f"{name}.jsonl"
        cells = select_corpora(study.cells(scale), options.corpora)
        records = run_cells(study, cells, corpora, path)
        write_results(
            folder,
            name,
            f"python -m benchmarks.study {name}{flags} --data FOLDER --encoder FOLDER",
            study.page(records),
            records,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
