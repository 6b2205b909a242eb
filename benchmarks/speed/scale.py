"""CPU seconds, peak memory and disk of each step of `fit` as a corpus grows.

    python -m benchmarks.speed.scale CORPUS.parquet VECTORS.npy FOLDER --documents 50000 [200000 1000000] [--out FILE]

The corpus is a real one repeated: of each repeat a window of 60 words, and its vector jittered to a cosine of 0.9
(`benchmarks.app.large_corpus.enlarge`). Each size is built in a process of its own with K = 24 from given vectors.
Steps are named by what the command shows; a step's peak is the largest resident memory while it was shown.
"""

import argparse
import json
import re
import resource
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._harness import ROOT, machine
from benchmarks.app.large_corpus import enlarge

WORDS = 60
CLUSTERS = 24


def make_corpus(corpus: Path, vectors: Path, folder: Path, documents: int) -> tuple[Path, Path]:
    """Write the repeated corpus with texts of 60 words, and its vectors."""
    large, own = enlarge(corpus, vectors, folder, documents)
    table = pd.read_parquet(large)
    rng = np.random.default_rng(0)
    table["text"] = [_window(text, rng.random()) for text in table["text"]]
    table[["id", "text"]].to_parquet(large, index=False)
    return large, own


def _window(text: str, start: float) -> str:
    words = text.split(maxsplit=2000)[:2000]
    first = int(start * max(len(words) - WORDS, 0))
    return " ".join(words[first : first + WORDS])


class StepMeter:
    """Adds up processor time and the peak of memory by the step that `progress` names."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.peak: dict[str, float] = defaultdict(float)
        self._step, self._since = "read", _cpu_seconds()
        _reset_peak()

    def __call__(self, step: str, completed: int, total: int) -> None:
        """Receive progress."""
        if step != self._step:
            self.close()
            self._step = step

    def close(self) -> None:
        """Book what has been used since the step began."""
        now = _cpu_seconds()
        self.seconds[self._step] += now - self._since
        self.peak[self._step] = max(self.peak[self._step], _peak_mib())
        self._since = now
        _reset_peak()


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")  # Linux: VmHWM counts from now on


def _peak_mib() -> float:
    peak_line = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert peak_line is not None
    return int(peak_line[1]) / 1024


def build_once(corpus: Path, vectors: Path, workspace: Path) -> None:
    """Build a workspace and print one line of JSON."""
    from gem_core.pipeline import Source, build
    from gem_core.workspace import Settings

    meter = StepMeter()
    build(Source(corpus, vectors=vectors), workspace, Settings(n_clusters=CLUSTERS), progress=meter)
    meter.close()
    disk = sum(path.stat().st_size for path in workspace.rglob("*") if path.is_file())
    print(json.dumps({"seconds": meter.seconds, "peak": meter.peak, "disk": disk}))


def main() -> None:
    """Measure the sizes in turn and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("vectors", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--documents", type=int, nargs="+", default=[50_000])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--build", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.build:
        build_once(options.corpus, options.vectors, options.build)
        return
    lines = [machine(), "step: CPU seconds (peak MiB)"]
    for documents in options.documents:
        folder = options.folder / str(documents)
        if not (folder / "large.npy").exists():
            make_corpus(options.corpus, options.vectors, folder, documents)
        shutil.rmtree(folder / "workspace", ignore_errors=True)
        command = [sys.executable, "-m", "benchmarks.speed.scale", str(folder / "large.parquet")]
        command += [str(folder / "large.npy"), str(folder), "--build", str(folder / "workspace")]
        completed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if completed.returncode:
            raise SystemExit(completed.stderr)
        lines += _table(documents, json.loads(completed.stdout.splitlines()[-1]))
    print("\n".join(lines))
    if options.out:
        options.out.write_text("\n".join(lines) + "\n")


def _table(documents: int, result: dict[str, dict[str, float]]) -> list[str]:
    seconds, peak = result["seconds"], result["peak"]
    lines = ["", f"{documents:,} documents"]
    lines += [f"  {step:28}{seconds[step]:9.1f}  ({peak[step]:,.0f})" for step in seconds]
    whole, most = sum(seconds.values()), max(peak.values())
    lines.append(f"  {'whole':28}{whole:9.1f}  ({most:,.0f}); workspace {result['disk'] / 2**20:,.0f} MiB")
    return lines


if __name__ == "__main__":
    main()
