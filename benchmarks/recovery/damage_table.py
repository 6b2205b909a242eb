"""Damage every part of a workspace in five ways; say what `check` names, what a reader is told, and what mends it.

    python -m benchmarks.recovery.damage_table [--out benchmarks/results/damage_table.txt]

Two workspaces of 120 documents with planted vectors: one fitted, with a rename after the fit, and one to which 40
documents were added after that. Each command runs as a process of its own, forked from one that has loaded the
libraries. "told" is what `gem-explorer export` says on the damaged workspace: "works" where it does not need the part,
"named" where the refusal names the part and `check --mend`. "mended" means that `check --mend` ended with 0, that
`check` is content afterwards, and that the export has the bytes it had before (but for receipt and report). Where
`check --mend` refuses, the way out that its message names is taken: "built anew".
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks._harness import machine
from gem_core.workspace import Workspace
from tests.helpers.cli_process import run
from tests.helpers.corpora import small_corpus
from tests.helpers.damages import DAMAGES

NOT_COMPARED = ("receipt.json", "report.html")  # they hold times and costs


def command(*words: object) -> tuple[int, str]:
    """Run gem-explorer; return its status and all that it said."""
    completed = run(*words)
    if "Traceback" in completed.stderr:
        raise AssertionError(f"a traceback of {words[0]}: {completed.stderr[-300:]}")
    return completed.returncode, completed.stdout + completed.stderr


class Table:
    """The two workspaces, their parts, and the rows of the table."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.failures = folder, 0
        corpus, vectors = small_corpus(folder / "source", n=120)
        more, more_vectors = small_corpus(folder / "more", n=40, seed=7)
        more.write_text(more.read_text().replace("\nd", "\nnew"))
        fit = ("fit", corpus, "--embeddings", vectors, "--clusters", 4, "--keyword-names", "--workspace")
        add = (more, "--embeddings", more_vectors)
        for name, added in (("fitted", False), ("added", True)):
            root = folder / name
            self._expect(command(*fit, root))
            number = Workspace(root).taxonomy().clusters[0].number
            self._expect(command("edit", "rename", root, number, "A name by hand"))
            if added:
                self._expect(command("add", root, *add))
        self.fit, self.add = fit, add

    @staticmethod
    def _expect(result: tuple[int, str]) -> None:
        if result[0]:
            raise SystemExit(result[1])

    def parts(self, name: str) -> list[str]:
        root = self.folder / name
        files = (path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
        return sorted(part for part in files if not Path(part).name.startswith("."))

    def row(self, name: str, part: str, damage: Callable[[Path], None]) -> str:
        root, out = self.folder / "damaged", self.folder / "out"
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(self.folder / name, root)
        damage(root / part)
        status, words = command("check", root)
        check_result = "named" if status == 1 and part in words else ("nothing damaged" if status == 0 else "NOT NAMED")
        status, words = command("export", root, "--out", out)
        export_result = "works" if status == 0 else "named" if part in words and "--mend" in words else "NOT NAMED"
        status, words = command("check", root, "--mend")
        result = "mended"
        if status == 0:
            if command("check", root)[0] or self.exported(root) != self.exported(self.folder / name):
                result = "MENDED TO SOMETHING ELSE"
        else:
            result = "built anew" if "NEWDIR" in words and self._build_anew(name) else f"NO WAY OUT: {words[-200:]}"
        self.failures += any(
            text.isupper() or "NO WAY" in text or "ELSE" in text for text in (check_result, export_result, result)
        )
        return f"{part:42}{damage.__name__:10}{check_result:18}{export_result:10}{result}"

    def exported(self, root: Path) -> dict[str, bytes]:
        out = self.folder / "compared"
        shutil.rmtree(out, ignore_errors=True)
        self._expect(command("export", root, "--out", out))
        return {path.name: path.read_bytes() for path in out.iterdir() if path.name not in NOT_COMPARED}

    def _build_anew(self, name: str) -> bool:
        """Take the way out of a fit that was damaged after an addition: fit into a new folder, then add."""
        root = self.folder / "anew"
        shutil.rmtree(root, ignore_errors=True)
        statuses = [command(*self.fit, root)[0]]
        if name == "added":
            statuses.append(command("add", root, *self.add)[0])
        statuses.append(command("check", root)[0])
        return not any(statuses)


def main() -> int:
    """Print the table; the exit status says whether every damage has a name and a way out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    folder, began = Path(tempfile.mkdtemp(prefix="gem-damage-")), time.monotonic()
    table = Table(folder)
    lines = [f"{'part':42}{'damage':10}{'check':18}{'export':10}check --mend"]
    for name in ("fitted", "added"):
        lines += ["", f"workspace: {name}"]
        for part in table.parts(name):
            for damage in DAMAGES:
                lines.append(table.row(name, part, damage))
                print(lines[-1], file=sys.stderr, flush=True)
    rows = sum(len(table.parts(name)) for name in ("fitted", "added")) * len(DAMAGES)
    head = [
        machine(),
        f"{rows} damages, {table.failures} without a name or a way out; {time.monotonic() - began:,.0f} s",
    ]
    print("\n".join([*head, *lines]))
    if options.out:
        options.out.write_text("\n".join([*head, *lines]) + "\n")
    shutil.rmtree(folder)
    return int(bool(table.failures))


if __name__ == "__main__":
    sys.exit(main())
