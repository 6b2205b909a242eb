"""Kill the commands that write outputs at random moments: every file is whole or absent, and a second run ends alike.

python -m benchmarks.recovery.kill_outputs --rounds 80 --seed 0

Kinds: label, mix sample, sample shards, export, report, assign, add, embed, fit. Signals: SIGKILL and SIGTERM in turn.
After each, every visible file of the output must have the bytes that an undisturbed run gives it; the same command
(label with --resume) must then end with exactly those files. The output of add is a workspace: after the signal it must
be the old one or the new one, without a damaged part, and after the same command the new one. Embed and fit begin
without a workspace: after the same command the vectors, the map, the terms and the documents of the taxonomy must have
those bytes. Commands run in processes forked from one that has loaded the libraries, so that a kill falls on the work
and not on the loading.
"""

import argparse
import json
import random
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from benchmarks._harness import machine
from gem_core.pipeline import open_sample
from gem_core.pipeline.labeling.completion_markers import bookkeeping
from gem_core.pipeline.mixing.strategies import weights_by
from gem_core.pipeline.student.distil import distil
from gem_core.workspace import Workspace
from gem_core.workspace.atomic_files import TEMPORARY, write_parquet
from gem_core.workspace.database import FILE as DATABASE
from gem_core.workspace.faults import find_faults
from tests.helpers.cli_process import run, start
from tests.helpers.corpora import small_corpus

COMMANDS = {
    "label": "label {folder}/student {folder}/shards {out} --workers 1 --resume",
    "mix-sample": "mix sample {folder}/sample --weights {folder}/weights.csv --tokens 450000 --out {out} "
    "--max-epochs 20 --shard-tokens 1 --seed 3",
    "sample-shards": "sample shards {folder}/shards --documents 3000 --out {out}/seed.parquet",
    "export": "export {folder}/sample --out {out}",
    "report": "report {folder}/sample --out {out}/report.html",
    "assign": "assign {folder}/sample {folder}/more.jsonl --out {out}/assigned.parquet",
    "add": "add {out} {folder}/more.jsonl",
    "embed": "embed {folder}/corpus.csv --workspace {out}",
    "fit": "fit {folder}/corpus.csv --embeddings {folder}/vectors.npy --clusters 4 --keyword-names --workspace {out}",
}
BUILT = ("embed", "fit")  # a workspace from nothing: half of it may be there after a kill
#: Of these workspaces the bytes are compared; other files hold times.
TABLE = "/documents.parquet"  # of a taxonomy
COMPARED = ("embeddings.npy", "sphere.npy", "flat.npy", "documents.parquet", "terms/terms.npz", "openings.arrow")
SWEPT = ("label", "mix-sample")  # The lock says that nobody else writes: leftovers go at the next start.


@dataclass
class Tally:
    """What happened in the rounds of a kind."""

    rounds: int = 0
    killed: int = 0
    files: int = 0
    leftovers: int = 0
    faults: list[str] = field(default_factory=list)


class Bench:
    """Inputs, and the outputs of undisturbed runs."""

    def __init__(self, folder: Path, seed: int, copies: int) -> None:
        self.folder, self.random = folder, random.Random(seed)
        workspace = open_sample(folder / "sample")
        table = pd.read_parquet(workspace.root / "documents.parquet")
        write_parquet(workspace.root / "documents.parquet", table, row_group_size=16)
        workspace = Workspace(workspace.root)
        taxonomy = workspace.taxonomy()
        distil(workspace, taxonomy, folder / "student")
        from gem_core.export.mixtures import write_weights

        write_weights(folder / "weights.csv", taxonomy, weights_by(workspace, taxonomy, "natural"))
        write_more(folder / "more.jsonl", table)
        corpus, vectors = small_corpus(folder / "small", n=120)
        shutil.copyfile(corpus, folder / "corpus.csv")
        shutil.copyfile(vectors, folder / "vectors.npy")
        (folder / "shards").mkdir()
        for shard in range(24):
            rows = pd.concat([table[["id", "text"]]] * copies)
            if shard % 2:
                rows.to_parquet(folder / "shards" / f"{shard:02d}.parquet", index=False)
            else:
                rows.to_json(folder / "shards" / f"{shard:02d}.jsonl.gz", orient="records", lines=True)
        self.seconds: dict[str, float] = {}
        self.expected: dict[str, dict[str, bytes]] = {}

    def arguments(self, kind: str, out: Path) -> list[str]:
        return COMMANDS[kind].format(folder=self.folder, out=out).split()

    def prepare(self, kind: str, out: Path) -> None:
        """Put what the command changes at its output."""
        if kind == "add":
            shutil.copytree(self.folder / "sample", out)

    def run(self, kind: str, out: Path) -> None:
        completed = run(*self.arguments(kind, out), timeout=600)
        if completed.returncode:
            raise AssertionError(f"{kind} ended with {completed.returncode}: {completed.stderr[-400:]}")

    def files(self, kind: str, out: Path) -> dict[str, bytes]:
        """Return what must be the same in every run: for a workspace the parts without times."""
        files = visible(out)
        if kind in BUILT:
            assert not find_faults(out), find_faults(out)
            return {name: data for name, data in files.items() if name in COMPARED or name.endswith(TABLE)}
        if kind == "add":
            return {name: data for name, data in files.items() if not name.startswith("cache/")}
        return files

    def round(self, kind: str, number: int, tally: Tally) -> None:
        out = self.folder / f"out-{kind}"
        if kind not in self.expected:
            self.prepare(kind, out)
            began = time.monotonic()
            self.run(kind, out)
            self.seconds[kind] = time.monotonic() - began
            self.expected[kind] = self.files(kind, out)
        tally.rounds += 1
        wait = self.random.uniform(0.3, 0.98) * self.seconds[kind]
        for _ in range(8):
            shutil.rmtree(out, ignore_errors=True)
            shutil.rmtree(bookkeeping(out), ignore_errors=True)
            self.prepare(kind, out)
            process = start(*self.arguments(kind, out))
            time.sleep(wait)
            process.send_signal(signal.SIGTERM if number % 2 else signal.SIGKILL)
            if process.wait(60) != 0:
                tally.killed += 1
                break
            wait *= 0.8
        if kind == "add":
            check_workspace(out, self.folder / "sample", self.expected[kind])
        elif kind not in BUILT:
            half = {name: data for name, data in visible(out).items() if data != self.expected[kind].get(name)}
            assert not half, f"not whole after the kill: {sorted(half)}"
        tally.files += len(visible(out))
        self.run(kind, out)
        got = self.files(kind, out)
        different = [name for name in {*got, *self.expected[kind]} if got.get(name) != self.expected[kind].get(name)]
        assert not different, f"other files: {sorted(different)}"
        leftovers = [path for path in out.rglob(".*") if TEMPORARY.match(path.name)] if out.exists() else []
        assert not (leftovers and kind in SWEPT), f"leftovers: {leftovers}"
        tally.leftovers += len(leftovers)


def visible(out: Path) -> dict[str, bytes]:
    """Files of an output by name; hidden ones are nobody's data, and a receipt's costs and times are not compared."""
    files = {}
    for path in out.rglob("*") if out.exists() else ():
        name = path.relative_to(out)
        if path.is_file() and name.name != DATABASE and not any(part.startswith(".") for part in name.parts):
            files[name.as_posix()] = path.read_bytes()
    return files


def write_more(path: Path, table: pd.DataFrame) -> None:
    """Write documents that the sample does not hold: each is two halves of its documents, joined."""
    texts = table["text"].astype(str)
    halves = [f"{a[: len(a) // 2]} {b[len(b) // 2 :]}" for a, b in zip(texts[:200], texts[200:400], strict=True)]
    rows = pd.DataFrame({"id": [f"new-{row}" for row in range(len(halves))], "text": halves})
    rows.to_json(path, orient="records", lines=True)


def check_workspace(root: Path, old: Path, new: dict[str, bytes]) -> None:
    """Check that a workspace whose `add` was ended is the old one or the new one, with a text index that answers."""
    opened = Workspace(root)  # completes an addition that was committed
    faults = find_faults(root)
    assert not faults, f"damaged after the kill: {faults}"
    before = visible(old)
    files = {name: data for name, data in visible(root).items() if not name.startswith("cache/")}
    state = before if len(opened) == len(Workspace(old)) else new
    different = [name for name in {*files, *state} if files.get(name) != state.get(name)]
    assert not different, f"neither the old workspace nor the new one: {sorted(different)}"
    last = opened.texts([len(opened) - 1])[0]
    assert len(opened) - 1 in opened.search(last[:60], len(opened)), "the last document is not in the text index"


def main() -> int:
    """Run the rounds and print the table; the exit status says whether all held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=80)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--copies", type=int, default=4, help="times the sample is in a shard")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no further round after so long")
    parser.add_argument("--kinds", default=",".join(COMMANDS))
    options = parser.parse_args()
    kinds, began = options.kinds.split(","), time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="gem-kill-"))
    run("--help")  # the libraries are loaded before the clock runs
    bench = Bench(folder, options.seed, options.copies)
    tallies = {kind: Tally() for kind in kinds}
    for number in range(options.rounds):
        if time.monotonic() - began > options.seconds:
            break
        kind = kinds[number // 2 % len(kinds)]
        try:
            bench.round(kind, number, tallies[kind])
        except Exception as error:
            tallies[kind].faults.append(f"round {number + 1}: {type(error).__name__}: {str(error)[:400]}")
        print(json.dumps({"round": number + 1, "kind": kind, **vars(tallies[kind])}), file=sys.stderr, flush=True)
    print(f"{machine()}; seed {options.seed}, {time.monotonic() - began:,.0f} s")
    print(f"{'kind':<15}{'rounds':>8}{'killed':>8}{'files after kill':>18}{'leftovers':>11}{'faults':>8}")
    for kind, tally in tallies.items():
        print(
            f"{kind:<15}{tally.rounds:>8}{tally.killed:>8}{tally.files:>18}{tally.leftovers:>11}{len(tally.faults):>8}"
        )
    faults = [fault for tally in tallies.values() for fault in tally.faults]
    print("\n".join(faults))
    shutil.rmtree(folder)
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
