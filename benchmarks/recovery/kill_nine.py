"""Kill -9 the server and every kind of job at random moments: nothing is lost, nothing half written is read.

    python -m benchmarks.recovery.kill_nine [--rounds 50] [--seed 0] [--documents 400]
        [--kinds embed,edit,...] [--folder DIR]

Each round starts a real process on a workspace of its own, kills its whole process group at a random moment between
its start and the time it took undisturbed, and then checks: the workspace opens, every file under its final name
loads, every step of the history can be shown, no edit acknowledged more than a second before the kill is lost, and the
same command run again ends well (embed and fit: with the same vectors and the same taxonomy as undisturbed). Kinds:
the commands that are jobs, `edit` (renames, merges, splits, moves, pins, exclusions, undo and redo without a pause)
and `server` (the app, with Chromium applying strengths and going back; skipped where there is no Chromium).
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks._harness import READY, ROOT, app_server, browser, chromium, kill_group, machine
from benchmarks.app.stub_model import serve_names
from benchmarks.recovery.check_whole import check

CLI, EDITOR = "gem_core.cli", "benchmarks.recovery.kill_nine"
JOBS = {
    "embed": "embed {corpus} --workspace={root}",
    "fit": "fit {corpus} --workspace={root} --clusters=6",
    "refit": "fit {corpus} --workspace={root} --clusters=7 --strength=0.5",
    "path": "path {root}",
    "name": "name {root} --base-url={url} --model=m",
    "stability": "stability {root} --seeds=3 --resamples=3",
    "clusters": "clusters {root} --from=3 --to=6 --points=3 --seeds=2",
    "distill": "distill {root} --out={root}/out/student",
    "duplicates": "duplicates {root} --threshold=0.8",
    "report": "report {root} --out={root}/out/report.html",
    "export": "export {root} --out={root}/out",
}
FRESH = ("embed", "fit")  # begin without a workspace
KINDS = (*JOBS, "edit", "server")
SUBJECTS = (
    "oven dough flour crust yeast loaf rye bake",
    "water bank current flood delta stream weir ford",
    "piston valve torque diesel exhaust fuel crank gear",
    "galaxy telescope orbit nebula comet planet dust ray",
    "ballot senate motion clause treaty envoy veto vote",
    "violin choir sonata tempo chord opera aria reed",
)
State = tuple[tuple[str, ...], int]  # keys of the history, and the present position
Start = Callable[[str, list[str]], Any]  # module and arguments to a process like `subprocess.Popen`, with its own group


def start_process(module: str, arguments: list[str]) -> "subprocess.Popen[str]":
    """Start a module with a new interpreter, in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        cwd=ROOT,
    )


@dataclass
class Tally:
    """What happened in all rounds of a kind."""

    rounds: int = 0
    killed: int = 0
    edits: int = 0
    lost_edits: int = 0
    leftovers: int = 0
    faults: list[str] = field(default_factory=list)


class Bench:
    """The workspace that rounds copy, and how long each kind takes undisturbed."""

    def __init__(self, folder: Path, documents: int, url: str, seed: int, start: Start) -> None:
        self.folder, self.url, self.random, self.start = folder, url, random.Random(seed), start
        self.corpus, self.base = folder / "pool.csv", folder / "base"
        self.seconds: dict[str, float] = {}
        draw = np.random.default_rng(seed)
        words = [subject.split() for subject in SUBJECTS]
        texts = [" ".join(draw.choice(words[i % len(words)], 60)) + f" {i}" for i in range(documents)]
        pd.DataFrame({"text": texts}).to_csv(self.corpus, index=False)
        self.run("fit", self.base)
        self.facts = self.workspace_facts(self.base)
        self.vectors = np.load(self.base / "embeddings.npy")

    def command(self, kind: str, root: Path) -> list[str]:
        line = JOBS[kind].format(corpus=self.corpus, root=root, url=self.url)
        return [*line.split(), "--json"]

    def output(self, module: str, arguments: list[str]) -> str:
        """Run a module to its end; return what it printed."""
        process = self.start(module, arguments)
        output, errors = process.communicate()
        if process.returncode:
            raise AssertionError(f"{arguments[0]} ended with {process.returncode}: {errors[-400:]}")
        return str(output)

    def run(self, kind: str, root: Path) -> None:
        """Run a command to its end; remember how long it took the first time."""
        began = time.monotonic()
        json.loads(self.output(CLI, self.command(kind, root)))
        self.seconds.setdefault(kind, time.monotonic() - began)

    def workspace_facts(self, root: Path) -> dict[str, Any]:
        return dict(json.loads(self.output(CLI, ["info", str(root), "--json"])))

    def round(self, kind: str, tally: Tally) -> None:
        """One kill."""
        root = self.folder / "round"
        shutil.rmtree(root, ignore_errors=True)
        if kind not in FRESH:
            shutil.copytree(self.base, root)
        tally.rounds += 1
        if kind == "edit":
            self._edit(root, tally)
        elif kind == "server":
            self._server(root, tally)
        else:
            self._job(kind, root, tally)
        check(root)

    def _job(self, kind: str, root: Path, tally: Tally) -> None:
        if kind not in self.seconds:  # its first round is undisturbed
            trial = self.folder / "trial"
            shutil.rmtree(trial, ignore_errors=True)
            if kind not in FRESH:
                shutil.copytree(self.base, trial)
            self.run(kind, trial)
        earliest = self.random.choice([0.02, 0.5])  # half of the kills come after the start-up
        wait = self.random.uniform(earliest, 0.95) * self.seconds[kind]
        for _ in range(6):
            process = self.start(CLI, self.command(kind, root))
            time.sleep(wait)
            if kill_group(process):
                tally.killed += 1
                break
            shutil.rmtree(root)  # it was through before: once more, and earlier
            if kind not in FRESH:
                shutil.copytree(self.base, root)
            wait *= 0.7
        tally.leftovers += check(root)
        self.run(kind, root)
        if kind in FRESH:
            assert np.array_equal(np.load(root / "embeddings.npy"), self.vectors) or np.allclose(
                np.load(root / "embeddings.npy"), self.vectors, atol=1e-6
            ), "other vectors"
        if kind == "fit":
            assert self.workspace_facts(root)["taxonomy"]["hash"] == self.facts["taxonomy"]["hash"], "another taxonomy"

    def _edit(self, root: Path, tally: Tally) -> None:
        log = self.folder / "acknowledged.txt"
        log.write_text("")
        process = self.start(EDITOR, ["--edit", str(root), str(log), str(self.random.randrange(10**6))])
        until = time.monotonic() + 60
        while not log.read_text() and time.monotonic() < until and process.poll() is None:
            time.sleep(0.05)
        time.sleep(self.random.uniform(0.2, 6.0))
        tally.killed += kill_group(process)
        end = time.monotonic()
        tally.leftovers += check(root)
        states = [(float(at), (tuple(keys), position)) for at, keys, position in map(json.loads, whole_lines(log))]
        tally.edits += len(states)
        assert states, "the editor never began"
        tally.lost_edits += lost_edits(states, end, history_of(root))
        # and goes on
        self.output(EDITOR, ["--edit", str(root), str(log), "1", "--times", "3"])

    def _server(self, root: Path, tally: Tally) -> None:
        states, ended = [(time.monotonic(), history_of(root))], threading.Event()

        def look() -> None:
            while not ended.wait(0.05):
                at, state = time.monotonic(), history_of(root)
                if state != states[-1][1]:
                    states.append((at, state))

        with app_server(root) as server:
            watcher = threading.Thread(target=look)
            watcher.start()
            timer = threading.Timer(self.random.uniform(0.0, 20.0), kill_group, (server.process,))
            with suppress(Exception):  # the page loses its server
                use(server.url, server.process, timer.start)
            timer.join()
            end = time.monotonic()
            ended.set()
            watcher.join()
        tally.killed += 1
        tally.edits += len(states) - 1
        tally.leftovers += check(root)
        tally.lost_edits += lost_edits(states, end, history_of(root))
        with app_server(root):  # and serves again
            pass


def history_of(root: Path) -> State:
    """What the history says now."""
    from gem_core.workspace import Workspace

    history = Workspace(root).history()
    return tuple(step.key for step in history.steps), history.position


def whole_lines(log: Path) -> list[str]:
    """Lines that were written to their end."""
    return [line for line in log.read_text().splitlines(keepends=True) if line.endswith("\n")]


def lost_edits(states: list[tuple[float, State]], end: float, now: State) -> int:
    """Edits acknowledged more than a second before the end that the history does not show.

    What it may show: a state that was acknowledged since then, or one step beyond the last.
    """
    sure = max([index for index, (at, _) in enumerate(states) if at <= end - 1.0], default=0)
    keys, position = states[-1][1]
    beyond = (now[0] == keys and abs(now[1] - position) == 1) or (
        len(now[0]) - 1 == now[1] == position + 1 and now[0][:-1] == keys[: position + 1]
    )
    if beyond or any(state == now for _, state in states[sure:]):
        return 0
    return max(1, sure + 1 - max([index for index, (_, state) in enumerate(states) if state == now], default=0))


def edit_loop(root: Path, log: Path, seed: int, times: int) -> None:
    """Edit without a pause; a line in the log acknowledges each edit that has returned."""
    from gem_core.errors import GemError
    from gem_core.pipeline import Exclude, Merge, Move, Pin, Rename, edit, propose_split
    from gem_core.workspace import Workspace

    draw, opened = random.Random(seed), Workspace(root)
    with log.open("a") as file:
        for turn in range(times):
            taxonomy = opened.taxonomy()
            numbers = [cluster.number for cluster in taxonomy.clusters]
            first, two = draw.sample(numbers, 2)
            doing = draw.choice(["rename", "rename", "pin", "exclude", "move", "merge", "split", "undo", "redo"])
            with suppress(GemError):  # a merge of the last two, a split of one document
                if doing == "rename":
                    edit(opened, Rename("cluster", first, f"Name {seed} {turn}"))
                elif doing == "pin":
                    edit(opened, Pin(first, draw.random() < 0.5))
                elif doing == "exclude":
                    edit(opened, Exclude((first,), draw.random() < 0.5))
                elif doing == "move":
                    edit(opened, Move(tuple(draw.sample(range(len(opened)), 5)), two))
                elif doing == "merge" and len(numbers) > 4:
                    edit(opened, Merge((first, two)))
                elif doing == "split" and len(numbers) < 12:
                    edit(opened, propose_split(opened, taxonomy, first))
                elif doing == "undo":
                    opened.undo()
                elif doing == "redo":
                    opened.redo()
            file.write(json.dumps([time.monotonic(), *history_of(root)]) + "\n")
            file.flush()


def use(url: str, process: subprocess.Popen[bytes], ready: Callable[[], None]) -> None:
    """Apply strengths and go back, on the screen Balance, until the server is gone; `ready` follows the first."""
    with browser() as opened:
        page = opened.new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{url}/balance", wait_until="domcontentloaded")
        page.wait_for_selector("[data-testid=stSlider] input[type=range]", state="attached")
        turn = -1
        while process.poll() is None:
            turn += 1
            page.wait_for_function(READY)
            if turn % 3 == 2:
                page.locator(".st-key-balance-undo button").first.click(timeout=10_000)
                page.wait_for_timeout(500)
                continue
            page.locator("[data-testid=stSlider] input[type=range]").first.focus()
            page.keyboard.press("ArrowLeft" if turn % 2 else "ArrowRight")
            with suppress(Exception):  # the strength on the slider is the applied one
                page.locator(".st-key-balance-apply button:not([disabled])").first.click(timeout=5000)
                page.wait_for_selector("[role=dialog]", state="attached", timeout=5000)
            page.wait_for_selector("[role=dialog]", state="detached")
            if turn == 0:
                ready()
                page.set_default_timeout(15_000)


def measure(options: argparse.Namespace, kinds: list[str], folder: Path, start: Start) -> dict[str, Tally]:
    """All rounds; each kind in turn, in a new order each time."""
    bench = Bench(folder, options.documents, serve_names(), options.seed, start)
    tallies: dict[str, Tally] = {kind: Tally() for kind in kinds}
    order: list[str] = []
    for number in range(options.rounds):
        order = order or bench.random.sample(kinds, len(kinds))
        kind = order.pop()
        try:
            bench.round(kind, tallies[kind])
        except Exception as error:
            tallies[kind].faults.append(f"round {number + 1}: {type(error).__name__}: {str(error)[:400]}")
            shutil.copytree(folder / "round", folder / f"fault-{number + 1}", dirs_exist_ok=True)
        print(f"round {number + 1}: {kind}", file=sys.stderr, flush=True)
    return tallies


def main(arguments: list[str] | None = None, start: Start = start_process) -> int:
    """Run the rounds and print the table; the exit status says whether all held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--documents", type=int, default=400)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder when left out")
    parser.add_argument("--edit", nargs=3, metavar=("ROOT", "LOG", "SEED"), help=argparse.SUPPRESS)
    parser.add_argument("--times", type=int, default=10**6, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.edit:
        edit_loop(Path(options.edit[0]), Path(options.edit[1]), int(options.edit[2]), options.times)
        return 0
    kinds = [kind for kind in options.kinds.split(",") if kind != "server" or chromium()]
    folder = options.folder or Path(tempfile.mkdtemp(prefix="gem-kill-"))
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    tallies = measure(options, kinds, folder, start)
    print(f"{machine()}; {options.documents} documents, seed {options.seed}, {time.monotonic() - began:,.0f} s")
    print(f"{'kind':<12}{'rounds':>8}{'killed':>8}{'edits':>8}{'lost':>8}{'leftovers':>11}{'faults':>8}")
    for kind, t in tallies.items():
        print(f"{kind:<12}{t.rounds:>8}{t.killed:>8}{t.edits:>8}{t.lost_edits:>8}{t.leftovers:>11}{len(t.faults):>8}")
    names = ("rounds", "killed", "edits", "lost_edits", "leftovers")
    total = [sum(getattr(t, name) for t in tallies.values()) for name in names]
    faults = [fault for t in tallies.values() for fault in t.faults]
    print(f"{'all':<12}" + "".join(f"{n:>8}" for n in total[:4]) + f"{total[4]:>11}{len(faults):>8}")
    print("\n".join(faults))
    if not faults and options.folder is None:
        shutil.rmtree(folder)
    return int(bool(faults or total[3]))


if __name__ == "__main__":
    sys.exit(main())
