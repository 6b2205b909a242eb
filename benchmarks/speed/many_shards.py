"""Bookkeeping of a folder of many small shards: processor time a shard, a resume, memory.

    python -m benchmarks.speed.many_shards FOLDER --shards 500 2000

Shards of one document each are labeled by one worker of this machine; then the same command with --resume finds all of
them done. "parent" is the process that keeps the books; "worker" includes its start and the labeling itself.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks._harness import ROOT, machine
from gem_core.pipeline.labeling.label_folder import label_folder
from tests.helpers.shards import saved


def _cpu_seconds(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def measure(root: Path, shards: int) -> None:
    """Label, resume, and print one line of JSON."""
    shutil.rmtree(root, ignore_errors=True)
    saved(root / "student")
    (root / "in").mkdir(parents=True)
    for number in range(shards):
        (root / "in" / f"{number:06d}.jsonl").write_text('{"text": "river bank water flood"}\n')
    figures: dict[str, float] = {"shards": shards}
    for name, resume in (("label", False), ("resume", True)):
        began, cpu = time.monotonic(), _cpu_seconds(resource.RUSAGE_SELF)
        label_folder(root / "student", root / "in", root / "out", workers=1, resume=resume)
        figures[f"{name} parent ms"] = round(1e3 * (_cpu_seconds(resource.RUSAGE_SELF) - cpu) / shards, 3)
        figures[f"{name} wall s"] = round(time.monotonic() - began, 1)
    figures["worker ms"] = round(1e3 * _cpu_seconds(resource.RUSAGE_CHILDREN) / shards, 3)
    figures["parent MiB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(figures))
    shutil.rmtree(root)


def main() -> None:
    """Measure each number of shards in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shards", type=int, nargs="+", default=[500, 2000])
    parser.add_argument("--own", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.own:
        measure(options.folder / str(options.own), options.own)
        return
    print(machine())
    for shards in options.shards:
        command = [sys.executable, "-m", "benchmarks.speed.many_shards", str(options.folder), "--own", str(shards)]
        print(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip())


if __name__ == "__main__":
    main()
