"""Label folders of shards from 24,000 to 1,000,000 documents: time a document, memory of a worker, two workers.

    python -m benchmarks.speed.label_folder STUDENT CORPUS.parquet FOLDER
        [--documents 24000 240000 1000000] [--form parquet]

CORPUS is cut into shards, which are repeated (as links) until there are enough documents. Every run is a process of its
own. Columns of the table:

start     seconds to label ten documents: workers begin, import, load the student and the compiled kernel
seconds   of the run
us/doc    (seconds - start) / documents, in microseconds, times the workers
cpu       processor time a document, all processes, less that of the start: what other work on the machine leaves alone
MiB       peak resident memory: of the largest worker, and of the process that hands out the shards

"bare" is one process that reads the same shards with Arrow and scores the texts, and writes nothing: what the kernel
and the disk leave to gain. Two workers are compared with one on the same documents, each measured `--repeats` times in
turn. Needs two free cores.
"""

import argparse
import datetime
import json
import multiprocessing
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

PER_SHARD = 6000


def make_shards(corpus: Path, folder: Path, documents: int, form: str) -> None:
    """Fill a folder with shards of `PER_SHARD` documents, or with one of ten."""
    table = pq.read_table(corpus)
    first = folder.parent / f"first-{form}"
    if not first.exists():
        first.mkdir(parents=True)
        for start in range(0, len(table), PER_SHARD):
            write(table.slice(start, PER_SHARD), first / f"{start:09d}.{form}")
        write(table.slice(0, 10), first.parent / f"ten.{form}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shards = sorted(first.iterdir())
    for number in range(-(-documents // PER_SHARD) if documents > 10 else 0):
        os.link(shards[number % len(shards)], folder / f"part-{number:05d}.{form}")
    if documents == 10:
        os.link(first.parent / f"ten.{form}", folder / f"part.{form}")


def write(table: pa.Table, path: Path) -> None:
    """Write one shard."""
    if path.name.endswith(".parquet"):
        pq.write_table(table, path, compression="zstd")
        return
    import zstandard

    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in table.to_pylist()).encode()
    path.write_bytes(zstandard.compress(lines) if path.name.endswith(".zst") else lines)


def high_water(process: str) -> float:
    """Peak resident memory of a process so far, MiB."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def processor() -> float:
    """Processor seconds of this process and of those that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def run_one(student: Path, folder: Path, out: Path, workers: int) -> None:
    """One run; prints seconds, documents and peak memory as JSON."""
    from gem_core.pipeline.labeling import label_folder

    label_folder.TOLD_SECONDS = 0.2  # looks at the workers more often
    peak = 0.0

    def watch(step: str, completed: int, total: int) -> None:
        nonlocal peak
        peak = max([peak, *(high_water(str(child.pid)) for child in multiprocessing.active_children())])

    begun = time.perf_counter()
    before = processor()
    totals = label_folder.label_folder(student, folder, out, workers=workers, progress=watch)
    print(
        json.dumps(
            {
                "seconds": time.perf_counter() - begun,
                "documents": int(totals.documents.sum()),
                "worker": peak,
                "parent": high_water("self"),
                "cpu": processor() - before,
            }
        )
    )


def bare(student_folder: Path, folder: Path) -> None:
    """Read and score in one process."""
    from gem_core.pipeline.labeling.shard_files import find_shards
    from gem_core.pipeline.labeling.shard_rows import read_shard_rows
    from gem_core.student import load_student

    student = load_student(student_folder)
    student.score(pa.array(["one text"]))
    documents, begun, scoring, used = 0, time.perf_counter(), 0.0, processor()
    for shard in find_shards(folder):
        for rows in read_shard_rows(shard, "text"):
            before = processor()
            student.score(rows.texts)
            scoring += processor() - before
            documents += len(rows.numbers)
    print(
        json.dumps(
            {
                "seconds": time.perf_counter() - begun,
                "scoring": scoring,
                "documents": documents,
                "cpu": processor() - used,
            }
        )
    )


def measure(*arguments: object) -> dict[str, float]:
    """Run this script again for one measurement."""
    completed = subprocess.run(
        [sys.executable, "-m", "benchmarks.speed.label_folder", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return dict(json.loads(completed.stdout.splitlines()[-1]))


def run(student: Path, folder: Path, workers: int) -> dict[str, float]:
    """Label `folder`/in into an empty folder."""
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    figures = measure("--one", workers, student, folder / "in", out)
    shutil.rmtree(out)
    return figures


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("student", type=Path)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("folder", type=Path, help="scratch, about 1 GB a million documents")
    parser.add_argument("--documents", type=int, nargs="+", default=[24_000, 240_000, 1_000_000])
    parser.add_argument("--form", default="parquet", choices=["parquet", "jsonl", "jsonl.zst"])
    parser.add_argument("--pair", type=int, default=1_000_000, help="documents for two workers and for one")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--bare", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one is not None:
        run_one(arguments.student, arguments.corpus, arguments.folder, arguments.one)
        return
    if arguments.bare:
        bare(arguments.student, arguments.corpus)
        return
    print(
        f"{datetime.date.today()}, {platform.processor() or platform.machine()}, {os.cpu_count()} cores, load "
        f"{os.getloadavg()[0]:.1f}, {arguments.form}, shards of {PER_SHARD:,} documents, "
        f"student {arguments.student.name}"
    )
    starts = {}
    make_shards(arguments.corpus, arguments.folder / "in", 10, arguments.form)
    for workers in (1, 2):
        runs = [run(arguments.student, arguments.folder, workers) for _ in range(3)]
        starts[workers] = {key: statistics.median(each[key] for each in runs) for key in ("seconds", "cpu")}
    print(
        f"\n{'documents':>10} {'workers':>7} {'start':>6} {'seconds':>8} {'us/doc':>7} {'cpu':>6} {'docs/s':>8} "
        f"{'MiB worker':>10} {'MiB parent':>10}"
    )

    def say(workers: int) -> dict[str, float]:
        figures = run(arguments.student, arguments.folder, workers)
        n = figures["documents"]
        net, cpu = (figures[key] - starts[workers][key] for key in ("seconds", "cpu"))
        print(
            f"{n:>10,} {workers:>7} {starts[workers]['seconds']:>6.1f} {figures['seconds']:>8.1f} "
            f"{1e6 * workers * net / n:>7.1f} {1e6 * cpu / n:>6.1f} {n / net:>8,.0f} "
            f"{figures['worker']:>10.0f} {figures['parent']:>10.0f}",
            flush=True,
        )
        return {**figures, "net": net}

    for documents in arguments.documents:
        make_shards(arguments.corpus, arguments.folder / "in", documents, arguments.form)
        say(1)
        if documents == min(arguments.documents):
            figures = measure("--bare", arguments.student, arguments.folder / "in", arguments.folder)
            n = figures["documents"]
            print(
                f"{int(n):>10,}    bare {'':>6} {figures['seconds']:>8.1f} {1e6 * figures['seconds'] / n:>7.1f} "
                f"{1e6 * figures['cpu'] / n:>6.1f} {n / figures['seconds']:>8,.0f}   kernel "
                f"{1e6 * figures['scoring'] / n:.1f} us of processor time"
            )
    print(f"\ntwo workers against one, {arguments.pair:,} documents")
    make_shards(arguments.corpus, arguments.folder / "in", arguments.pair, arguments.form)
    pairs = [(say(1), say(2)) for _ in range(arguments.repeats)]
    whole = [a["seconds"] / b["seconds"] for a, b in pairs]
    net = [a["net"] / b["net"] for a, b in pairs]
    print(
        f"speed-up {statistics.median(whole):.2f} ({min(whole):.2f} to {max(whole):.2f}) of the whole run, "
        f"{statistics.median(net):.2f} ({min(net):.2f} to {max(net):.2f}) without the start"
    )
    shutil.rmtree(arguments.folder / "in")


if __name__ == "__main__":
    main()
